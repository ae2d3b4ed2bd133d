//! `casemate import`: brings to an audit server what others have recorded.

mod events;
mod kube;
mod script;
mod session;
mod tlog;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use casemate_audit_log::Time;
use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_client::Client;

use self::session::Session;
use super::info::people_bytes;
use crate::args::OutputFormat;
use crate::failure::{About as _, Failure};
use crate::input::{Input, Strictness};
use crate::output::Output;
use crate::printer::Printer;
use crate::sending::{Delivered, Named, send};
use crate::server::ServerArgs;

/// What is read as a whole is not longer.
const LONGEST: u64 = 1 << 30;

/// By so much of a file it is known what it is.
const BEGINNING: u64 = 4 << 20;

/// More defects than this tell nothing new.
const WARNINGS: usize = 20;

/// Bring recordings of others to an audit server
///
/// Takes asciicast of any version, what tlog has written (its JSON messages, or `journalctl -o json` of them), and
/// typescripts of script(1) with their timing: NAME with NAME.timing or NAME.tm, `typescript` with `timing`, or as given by
/// --timing. They become sessions as with `casemate upload`; whose they are is taken from them, or given by flags. The same
/// recording has the same id each time, so nothing is there twice. Of folders, all that is known is taken.
///
/// Events that BastionZero's API gave out, as JSON arrays, become events of the logs; they keep their ids. So do the lines of
/// an audit log of a Kubernetes API server (audit.k8s.io/v1), for the cluster that --target or the key is for: best once the
/// file is not written to any more.
///
/// The exit status is 0 if all of it is on the server's disk, and 1 if something is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journalctl -o json -t tlog-rec-session > tlog.json && casemate import tlog.json
  casemate import --user alice@org.com --target web-1 typescript --timing timingfile
  casemate import --user alice@org.com --target web-1 old-recordings/
  casemate import command-events.json             what BastionZero's API gave out
  casemate import --target eks-prod audit-2026-11-26T10-00-00.000.log")]
pub(crate) struct ImportArgs {
    /// Files, or folders of them
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The timing of a typescript
    #[arg(long, value_name = "FILE")]
    timing: Option<PathBuf>,

    #[command(flatten)]
    named: Named,

    #[command(flatten)]
    server: ServerArgs,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cast,
    OldCast,
    Tlog,
    Typescript,
    Events,
    Kube,
}

pub(crate) fn run(arguments: &ImportArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let client = arguments.server.client(printer)?;
    let folder = tempfile::tempdir().about("no place for what is converted")?;
    let work = Work {
        client,
        named: arguments.named.clone(),
        timing: arguments.timing.as_deref(),
        folder: folder.path(),
        printer,
    };
    let (mut done, mut left) = (0, 0);
    for path in &arguments.files {
        let (files, is_folder) = files_of(path)?;
        for file in files {
            match work.file(&file, is_folder) {
                Ok(count) => done += count,
                Err(failure) => {
                    printer.failure(&failure);
                    left += 1;
                }
            }
        }
    }
    if done + left != 1 {
        printer.say(format!("{done} on {}, {left} left", work.client.server()));
    }
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All files of a folder, in their order; or the file.
fn files_of(path: &Path) -> Result<(Vec<PathBuf>, bool), Failure> {
    let cannot = |path: &Path| format!("cannot read `{}`", path.display());
    if !fs::metadata(path).about(cannot(path))?.is_dir() {
        return Ok((vec![path.to_owned()], false));
    }
    let (mut files, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).about(cannot(&folder))? {
            let entry = entry.about(cannot(&folder))?;
            let kind = entry.file_type().about(cannot(&entry.path()))?;
            match kind.is_dir() {
                true => folders.push(entry.path()),
                false if kind.is_file() => files.push(entry.path()),
                false => {}
            }
        }
    }
    files.sort();
    Ok((files, true))
}

struct Work<'w> {
    client: Client,
    named: Named,
    timing: Option<&'w Path>,
    /// Where converted ones are while they are sent.
    folder: &'w Path,
    printer: &'w Printer,
}

impl Work<'_> {
    /// Takes in a file; gives how many sessions it was. What nobody named may be anything.
    fn file(&self, path: &Path, is_found: bool) -> Result<usize, Failure> {
        let name = path.display().to_string();
        let Some(kind) = kind(path)? else {
            if is_found {
                return Ok(0);
            }
            return Err(Failure::new(format!("`{name}` is nothing that is known"))
                .hint("recordings are asciicast, messages of tlog, or typescripts of script(1)"));
        };
        match kind {
            Kind::Cast => self.say(&name, &send(&self.client, path, &name, &self.named, self.printer)?),
            Kind::OldCast => {
                let converted = self.folder.join("old.cast");
                convert(path, &converted, self.printer)?;
                self.say(&name, &send(&self.client, &converted, &name, &self.named, self.printer)?);
            }
            Kind::Tlog => {
                let (sessions, defects) = tlog::sessions(&text(path)?, written(path)?);
                for defect in defects.iter().take(WARNINGS) {
                    self.printer.warn(format!("{name}: {defect}"));
                }
                if defects.len() > WARNINGS {
                    self.printer.warn(format!("{name}: {} defects more", defects.len() - WARNINGS));
                }
                sessions.iter().try_for_each(|session| self.session(session, &name))?;
                return Ok(sessions.len());
            }
            Kind::Events => {
                let taken = events::bring_in(&self.client, &text(path)?, &name, self.printer)?;
                self.printer.say(format!("{name}: {taken} events"));
            }
            Kind::Kube => {
                let cluster = self.named.target.as_deref();
                let taken = kube::bring_in(&self.client, cluster, &text(path)?, &name, self.printer)?;
                let commands = if taken == 1 { "command" } else { "commands" };
                self.printer.say(format!("{name}: {taken} new Kubernetes {commands}"));
            }
            Kind::Typescript => {
                let timing = self.timing_of(path).ok_or_else(|| {
                    Failure::new(format!("`{name}` is a typescript without its timing"))
                        .hint("give --timing FILE")
                })?;
                let session = script::session(&bytes(path)?, &text(&timing)?, written(path)?);
                let session = session.map_err(|error| Failure::new(format!("`{name}`: {error}")))?;
                self.session(&session, &name)?;
            }
        }
        Ok(1)
    }

    fn session(&self, session: &Session, name: &str) -> Result<(), Failure> {
        let path = self.folder.join("session.cast");
        session.write(&path, &self.named, name)?;
        let delivered = send(&self.client, &path, name, &self.named, &Printer::new(true))?;
        self.say(name, &delivered);
        Ok(())
    }

    fn say(&self, name: &str, delivered: &Delivered) {
        let Delivered { id, bytes, new_bytes } = delivered;
        let what =
            if *new_bytes == 0 { "is there already".to_owned() } else { people_bytes(*bytes) + " uploaded" };
        self.printer.say(format!("{name}: {what}, as {id}"));
    }

    /// Where the timing of a typescript is.
    fn timing_of(&self, path: &Path) -> Option<PathBuf> {
        if let Some(timing) = self.timing {
            return Some(timing.to_owned());
        }
        let name = path.file_name()?.to_string_lossy().into_owned();
        let beside = [format!("{name}.timing"), format!("{name}.tm"), name.replace("typescript", "timing")];
        beside
            .iter()
            .filter(|beside| **beside != name)
            .map(|beside| path.with_file_name(beside))
            .find(|path| path.is_file())
    }
}

fn kind(path: &Path) -> Result<Option<Kind>, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".cast.zst") {
        return Ok(Some(Kind::Cast));
    }
    let mut begun = Vec::new();
    let file = fs::File::open(path).about(format!("cannot read `{}`", path.display()))?;
    file.take(BEGINNING).read_to_end(&mut begun).about(format!("cannot read `{}`", path.display()))?;
    let begun = String::from_utf8_lossy(&begun);
    let first = begun.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let version = serde_json::from_str::<serde_json::Value>(first).ok();
    let version = version.and_then(|header| header.get("version").and_then(serde_json::Value::as_u64));
    Ok(match () {
        () if first.starts_with(script::BEGINNING) => Some(Kind::Typescript),
        () if kube::is_line(first) => Some(Kind::Kube),
        () if events::is_export(&begun) => Some(Kind::Events),
        () if begun.lines().take(100).any(tlog::is_line) => Some(Kind::Tlog),
        () if matches!(version, Some(2 | 3)) => Some(Kind::Cast),
        // The first version may be on several lines.
        () if version == Some(1) || first.trim() == "{" && begun.contains("\"stdout\"") => {
            Some(Kind::OldCast)
        }
        () if name.ends_with(".cast") => Some(Kind::Cast),
        () => None,
    })
}

fn convert(path: &Path, to: &Path, printer: &Printer) -> Result<(), Failure> {
    let mut output = Output::create(to, OutputFormat::of(None, to), true)?;
    let input = Input::open(path)?;
    input.read(UnpackerConfig::default(), Strictness::Warn, printer, |item| match item {
        Item::Header(header) => output.header(&header),
        Item::Event(event) => output.event(&event),
        Item::Comment(comment) => output.comment(comment),
        Item::Defect(_) => Ok(()),
    })?;
    output.finish()?;
    // It does not say when it was made: the file does.
    let times = fs::FileTimes::new().set_modified(fs::metadata(path)?.modified()?);
    Ok(fs::File::options().write(true).open(to)?.set_times(times)?)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).about(cannot())?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).about(cannot())?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::new(format!("`{}` is longer than {}", path.display(), people_bytes(LONGEST))));
    }
    Ok(bytes)
}

fn text(path: &Path) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&bytes(path)?).into_owned())
}

fn written(path: &Path) -> Result<Time, Failure> {
    let time = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Time(i64::try_from(time.as_micros()).unwrap_or(0)))
}
