//! `casemate verify`: whether recordings are as they were recorded, and audit logs as they were written.

mod links;
mod logs;
mod screens;
mod show;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_cast_format::segment::Condition;
use casemate_store::recording::Found;

use self::links::links;
use self::logs::{Evidence, LogsCondition};
use self::screens::Screens;
use self::show::Show;
use crate::failure::Failure;
use crate::integrity::Integrity;
use crate::keys;
use crate::printer::Printer;

/// Check that recordings are as they were recorded, and logs as they were written
///
/// Reads each recording in segments (.cast.zst) to its end: every segment has to be the one that was sealed, in its place
/// in the chain, up to the final seal; the seek table has to fit, and nothing else may be there. What is damaged, missing,
/// repeated or moved is named by segment, counted from 0, and by time. Of folders, all recordings in them are
/// checked. The parts of a rotated recording that are given together are checked as a chain too.
///
/// An export of an audit server's logs (`casemate log --proof`) is checked the same way: each row has to be the one that
/// was written, in its place in its writer's chain, up to a checkpoint that the server signed. Every row that was changed,
/// is missing or was put in between is named by its line.
///
/// The exit status is 0 if all are intact (and signed by KEY, if one is given), 1 if one is not: changed, unfinished,
/// without seals, or signed by somebody else. It is 2 if one could not be read.
///
/// What it does not prove:
///
/// Without a signature, whoever can write the file can change it and make all seals anew. This then finds accidents,
/// not intent, unless you know the last seal from elsewhere (`last_seal` in --json).
///
/// A signature proves that the holder of the private key sealed this. If that was the recorded person, or they could
/// read the key, it proves nothing against them. Without --key, anybody may have signed.
///
/// The screens that a recording keeps, so that players can jump, are sealed like all of it; that they are what was
/// printed is checked only with --screens, which plays the recording from its beginning.
///
/// No check of a file tells that another file was withheld, or that a recording that was appended to was cut back to
/// where it had ended before. A plain .cast has no seals: nothing about it can be proven.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate verify audit.cast.zst
  casemate verify --key audit.key.pub /var/recordings
  casemate verify --key 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29 audit.cast.zst
  casemate verify --key server.pub proof.jsonl     logs, as exported by casemate log --proof
  casemate verify --screens audit.cast.zst         also what is shown where a player jumps to
  casemate verify --json *.cast.zst | jq -r 'select(.status > 0) | .file'")]
pub(crate) struct VerifyArgs {
    /// Recordings, folders of recordings, or exports of logs; `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// They must be signed with this Ed25519 key: a file in PEM (as `casemate keygen` makes), or 64 hex digits
    #[arg(long, alias = "public-key", value_name = "KEY")]
    key: Option<PathBuf>,

    /// Also play each recording, and compare the screens that it keeps for players that jump
    #[arg(long)]
    screens: bool,

    /// One JSON object a line for each recording, and for each session in parts
    #[arg(long)]
    json: bool,
}

/// What the process ends with; the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Proven = 0,
    NotProven = 1,
    NotRead = 2,
}

impl Status {
    fn of(condition: Condition) -> Self {
        if condition == Condition::Intact { Self::Proven } else { Self::NotProven }
    }
}

pub(crate) fn run(arguments: &VerifyArgs, printer: &Printer) -> ExitCode {
    ExitCode::from(check(arguments, printer) as u8)
}

fn check(arguments: &VerifyArgs, printer: &Printer) -> Status {
    let key = match arguments.key.as_deref().map(keys::public_key).transpose() {
        Ok(key) => key,
        Err(failure) => {
            printer.failure(&failure);
            return Status::NotRead;
        }
    };
    let show = if arguments.json { Show::Json } else { Show::Text };
    let mut worst = Status::Proven;
    let found = Found::by(&arguments.files);
    let is_found = !found.sources.is_empty() || !found.failures.is_empty();
    for failure in found.failures {
        printer.failure(&failure.into());
        worst = Status::NotRead;
    }
    if !is_found {
        printer.error("there is no recording");
        return Status::NotRead;
    }
    let mut read = Vec::new();
    let mut has_signed_logs = false;
    for source in &found.sources {
        let text = match Evidence::read(&source.path, key, printer) {
            Ok(Evidence::Logs(logs)) => {
                if logs.condition() != LogsCondition::Intact {
                    worst = worst.max(Status::NotProven);
                }
                has_signed_logs |= logs.verified.checkpoints > 0;
                show.logs(&logs)
            }
            Ok(Evidence::Recording(integrity)) => {
                worst = worst.max(Status::of(integrity.condition()));
                let screens = match screens(arguments, &integrity, &source.path, printer) {
                    Ok(screens) => screens,
                    Err(failure) => {
                        printer.failure(&failure);
                        worst = Status::NotRead;
                        None
                    }
                };
                if screens.as_ref().is_some_and(|screens| screens.wrong_count + screens.unknown > 0) {
                    worst = worst.max(Status::NotProven);
                }
                let text = show.recording(&integrity, screens.as_ref());
                read.push(*integrity);
                text
            }
            // Not every `.json` is a recording.
            Err(_) if source.is_guess => continue,
            Err(failure) => {
                printer.failure(&failure);
                worst = Status::NotRead;
                show.unreadable(&source.path, &failure)
            }
        };
        worst = worst.max(print(&text, printer));
    }
    for session in links(&read) {
        if !session.is_whole() {
            worst = worst.max(Status::NotProven);
        }
        worst = worst.max(print(&show.session(&session), printer));
    }
    if !arguments.json {
        say_what_it_is_worth(&read, has_signed_logs, key.is_some(), printer);
    }
    worst
}

/// The screens that are kept, where that was asked for and there are seals.
fn screens(
    arguments: &VerifyArgs,
    integrity: &Integrity,
    path: &Path,
    printer: &Printer,
) -> Result<Option<Screens>, Failure> {
    if !arguments.screens || integrity.segments() == 0 {
        return Ok(None);
    }
    if path == Path::new("-") {
        return Err(Failure::new("screens are compared in files: they are read twice")
            .hint("write the recording to a file first"));
    }
    Screens::check(path, printer).map(Some)
}

/// Whoever reads our output may have seen enough; the status is still to be right. Where it cannot be written, nothing
/// was said.
fn print(text: &str, printer: &Printer) -> Status {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            printer.error(format!("cannot write to standard output: {error}"));
            Status::NotRead
        }
        Ok(()) | Err(_) => Status::Proven,
    }
}

fn say_what_it_is_worth(read: &[Integrity], has_signed_logs: bool, has_key: bool, printer: &Printer) {
    let intact = |signed: bool| {
        read.iter().any(|one| {
            let is_signed = one.verdict.as_ref().is_some_and(|verdict| verdict.signed_by.is_some());
            one.condition() == Condition::Intact && is_signed == signed
        })
    };
    if intact(false) {
        printer.say(
            "without a signature this finds accidents only: who can write a file can make its seals anew",
        );
    }
    if !has_key && (intact(true) || has_signed_logs) {
        printer.say("anybody can sign: give the public key that you know with --key");
    }
}
