//! `casemate report`: recordings as one page of HTML, to be read, played, printed and handed over.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_cast_format::Version;
use casemate_cast_format::segment::{UnpackerConfig, hex};
use casemate_report::{Limits, Note, Reader, Recording, Report, Source};
use casemate_review::{Bookmark, Case};
use casemate_store::recording::{Found, one_line};
use chrono::Utc;
use sha2::{Digest as _, Sha256};

use super::convert::refuse_same;
use crate::args::size;
use crate::failure::Failure;
use crate::input::{Input, Strictness};
use crate::keys;
use crate::output::Destination;
use crate::printer::Printer;

/// Nobody reads more commands of a recording, and browsers become slow.
const MOST_COMMANDS: usize = 20_000;

/// Stills of a recording; each takes a few kilobytes.
const MOST_STILLS: usize = 200;

/// Defects of a file that are listed.
const MOST_DEFECTS: usize = 50;

/// Make a report of recordings: one page of HTML, to be read, played, printed
///
/// The page has the sessions with their commands, each linked to its moment in the recording, which can be played in the
/// page; stills of marked and noted moments; the SHA-256 of every file, whether its seals are intact and by whom it is signed, and
/// what that does not prove. It needs nothing else: no network, no other file, no program but a browser. On paper it
/// reads as well.
///
/// Of folders, all recordings in them are in it. What cannot be read is listed, and the exit status is then 1. Recordings
/// are opened to be read, and nothing is written beside them. Everything that was on their screens is in the page: to
/// hide some of it, report on what `casemate export --redact` wrote.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate report audit/ -o report.html
  casemate report deploy.cast.zst -o report.html --title 'Outage of 22 November' --fact Case=2026-117
  casemate report evidence/ -o report.html --key recorder.key.pub --fact 'Made by=R. Meyer' --note 'All of web-1.'
  casemate report evidence/ -o report.html --case 2026-117.json    with the notes of a review
  casemate report evidence/ -o report.html --embed-limit 0     tables and stills only")]
pub(crate) struct ReportArgs {
    /// Recordings, or folders of recordings
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// What to write; `-` for standard output
    #[arg(short, long)]
    output: PathBuf,

    /// What the report is about
    #[arg(short, long, value_name = "TEXT", default_value = "Terminal sessions")]
    title: String,

    /// A fact of the case, for the first page (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = fact)]
    fact: Vec<(String, String)>,

    /// What you have to say, for the first page; an empty line begins a paragraph
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// The recordings must be signed with this Ed25519 key: a file in PEM (as `casemate keygen` makes), or 64 hex digits
    #[arg(long, alias = "public-key", value_name = "KEY")]
    key: Option<PathBuf>,

    /// Show what was noted in this case, as `casemate review` keeps it, each with the screen of its moment
    #[arg(long, value_name = "FILE")]
    case: Option<PathBuf>,

    /// How much of recordings may be in the page to be played, in all; 0 for nothing
    #[arg(long, value_name = "SIZE", default_value = "50M", value_parser = limit)]
    embed_limit: u64,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,
}

/// `NAME=VALUE`.
fn fact(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE, like Case=2026-117")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// A size, or nothing.
fn limit(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { size(text) }
}

pub(crate) fn run(arguments: &ReportArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let key = arguments.key.as_deref().map(keys::public_key).transpose()?;
    let found = Found::by(&arguments.files);
    for source in &found.sources {
        if source.path == Path::new("-") {
            return Err(Failure::new("a report is made of files: they are read more than once")
                .hint("write the recording to a file first"));
        }
        refuse_same(&source.path, &arguments.output)?;
    }
    let mut destination = Destination::create(&arguments.output, arguments.overwrite)?;
    let mut report = Report {
        title: arguments.title.clone(),
        facts: arguments.fact.clone(),
        note: arguments.note.clone(),
        made: Utc::now(),
        tool: concat!("casemate ", env!("CARGO_PKG_VERSION")).into(),
        places: arguments.files.iter().map(|path| path.display().to_string()).collect(),
        recordings: Vec::new(),
        failures: found.failures.iter().map(ToString::to_string).collect(),
        key,
    };
    let mut notes = arguments.case.as_deref().map(Case::bookmarks_in).transpose()?.unwrap_or_default();
    let mut left = arguments.embed_limit;
    // On recordings that cannot be read.
    let mut lost = 0;
    for source in &found.sources {
        let of_this = notes_on(&source.path, &mut notes);
        let count = of_this.len();
        match read(&source.path, key, left, of_this, printer) {
            Ok(recording) => {
                left = left.saturating_sub(recording.embedded_bytes());
                report.recordings.push(recording);
            }
            // Nobody said that it is a recording.
            Err(_) if source.is_guess => lost += count,
            Err(failure) => {
                lost += count;
                report.failures.push(failure.to_string());
            }
        }
    }
    match notes.len() + lost {
        0 => {}
        1 => printer.warn("one note of the case is on a recording that is not in this report"),
        count => {
            printer.warn(format!("{count} notes of the case are on recordings that are not in this report"));
        }
    }
    for failure in &report.failures {
        printer.error(failure);
    }
    if report.recordings.is_empty() && report.failures.is_empty() {
        return Err(Failure::new("there are no recordings there"));
    }
    report.recordings.sort_by_key(|recording| recording.start);
    let page = report.page();
    destination.write(page.as_bytes())?;
    destination.finish()?;
    let hash = hex(&Sha256::digest(&page));
    let count = report.recordings.len();
    let plural = if count == 1 { "" } else { "s" };
    printer.say(format!(
        "{}: a report on {count} recording{plural}, SHA-256 {hash}",
        one_line(&arguments.output.display().to_string())
    ));
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes out what was noted of a recording: a case names it by its path without links.
fn notes_on(path: &Path, notes: &mut Vec<Bookmark>) -> Vec<Note> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    let of_this = notes.extract_if(.., |note| note.file == path);
    of_this.map(|note| Note { at: note.offset, text: note.note, by: note.by, about: note.line }).collect()
}

fn read(
    path: &Path,
    key: Option<[u8; 32]>,
    embedded: u64,
    notes: Vec<Note>,
    printer: &Printer,
) -> Result<Recording, Failure> {
    let (bytes, sha256) = hash(path, printer)?;
    let input = Input::open(path)?;
    let name = input.name.clone();
    let limits = Limits { commands: MOST_COMMANDS, stills: MOST_STILLS, embedded };
    let mut reader = Reader::new(limits, notes);
    let mut version = Version::V2;
    let config = UnpackerConfig { public_key: key, ..UnpackerConfig::default() };
    let findings = input.read(config, Strictness::Collect, printer, |item| {
        if let casemate_cast_format::Item::Header(header) = &item {
            version = header.version;
        }
        reader.item(&item);
        Ok(())
    })?;
    let version = version.number();
    let format = match &findings.verdict {
        None => format!("asciicast v{version}"),
        Some(verdict) if verdict.segments == 0 => format!("asciicast v{version}, compressed"),
        Some(verdict) if verdict.segments == 1 => format!("asciicast v{version} in 1 segment"),
        Some(verdict) => format!("asciicast v{version} in {} segments", verdict.segments),
    };
    let source = Source {
        name: path.display().to_string(),
        bytes,
        sha256,
        format,
        has_changed: findings.bytes != bytes,
        verdict: findings.verdict,
        defects: findings.defects.into_iter().take(MOST_DEFECTS).collect(),
        defect_count: findings.defect_count,
    };
    reader.finish(source).ok_or_else(|| Failure::new(format!("{name}: nothing in it can be read")))
}

/// The length and the hash of a file.
fn hash(path: &Path, printer: &Printer) -> Result<(u64, [u8; 32]), Failure> {
    let (mut hash, mut length) = (Sha256::new(), 0);
    Input::open(path)?.read_bytes(printer, |bytes| {
        hash.update(bytes);
        length += bytes.len() as u64;
        ControlFlow::Continue(())
    })?;
    Ok((length, hash.finalize().into()))
}
