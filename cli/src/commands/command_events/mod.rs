//! `casemate commands`: who ran what on which target as which target user.

mod filter;
mod follow;
mod format;
pub(crate) mod moment;
mod parallel;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use regex::Regex;

pub(crate) use casemate_store::recording::Record;
use casemate_store::recording::{Filter, Found, Source, Wish, one_line};

use self::filter::KindArg;
use self::follow::LiveWriter;
use self::format::{Format, FormatArg, Look, format};
use self::moment::{Moment, moment};
use self::parallel::{End, Writer};
use super::convert::refuse_same;
use super::rec::recordings_folder;
use crate::failure::Failure;
use crate::input::{Input, Strictness};
use crate::output::Destination;
use crate::printer::{Printer, Progress, colours_welcome};

/// Written in pieces of this size.
const CHUNK: usize = 64 << 10;

/// More defects of a recording than this tell nothing new.
const WARNINGS: usize = 20;

/// List who ran which command where, from recordings
///
/// Reads the commands as they stood on the screen, of any asciicast, whoever recorded it. Of folders, all
/// `.cast`, `.cast.zst` and `.json` recordings in them are read; without FILES, those of `casemate rec`. From a pipe
/// commands come as they are run; as JSON, each then has two records, `started` and `finished`.
///
/// What was run without being shown is listed as such: what was typed there is in no form. A file that cannot be read
/// does not stop the others; the exit status is then 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate commands                                     what was run in all recordings of yours
  casemate commands demo.cast --with-output             and what came out
  casemate commands /var/recordings --target-user root --since 3d
  casemate commands audit/ --grep '^sudo ' --format csv -o sudo.csv
  casemate commands audit/ --format jsonl | jq -r 'select(.exit_code > 0) | [.time, .user, .command] | @tsv'
  casemate commands deploy.cast --format sh -o again.sh
  casemate rec -q - | casemate commands -               as they are run")]
pub(crate) struct CommandsArgs {
    /// Recordings, or folders of recordings; `-` for standard input
    files: Vec<PathBuf>,

    /// Form of the list; as JSON, CSV and script it has all kinds of events, else not those that were cancelled
    #[arg(short = 'f', long, value_enum, default_value_t)]
    format: FormatArg,

    /// What to write
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,

    /// Only what this person ran; may be repeated, as all of these
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,

    /// Only what was run on this machine, container or pod
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,

    /// Only what was run as this account of the target
    #[arg(long, value_name = "NAME")]
    target_user: Vec<String>,

    /// Only from then on: 2026-11-22, '2026-11-22 07:03' (your zone), 2026-11-22T07:03:28Z, 2h, 3d, yesterday
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// Only before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,

    /// Only commands in which this regular expression is found
    #[arg(long, value_name = "REGEX", value_parser = expression)]
    grep: Option<Regex>,

    /// Only these kinds [default: all for jsonl, csv, sh; shell, program and hidden for the others]
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<KindArg>,

    /// With what each command put out, as text, the first 64 KiB of it
    #[arg(long)]
    with_output: bool,

    /// From a pipe too, give each command once, when it has ended
    #[arg(long)]
    no_live: bool,

    /// Stop reading a recording at the first thing that is wrong with it
    #[arg(long)]
    strict: bool,
}

fn expression(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        // Its message is a picture of several lines.
        let error = error.to_string();
        error.lines().last().unwrap_or("it is no regular expression").trim_start_matches("error: ").to_owned()
    })
}

pub(crate) fn run(arguments: &CommandsArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let files = if arguments.files.is_empty() { vec![own_recordings()?] } else { arguments.files.clone() };
    let found = Found::by(&files);
    let mut bad = false;
    for failure in found.failures {
        printer.failure(&failure.into());
        bad = true;
    }
    for source in &found.sources {
        refuse_same(&source.path, &arguments.output)?;
    }
    let mut writer = ListWriter::create(arguments, found.sources.len(), printer)?;
    let strictness = Strictness::from_flag(arguments.strict);
    match &*found.sources {
        [source] if source.path == Path::new("-") => {
            let input = Input::open(&source.path)?;
            let is_live = input.is_stream() && !arguments.no_live;
            let wish = wish(arguments, is_live && arguments.format == FormatArg::Jsonl);
            match follow::follow(input, &wish, strictness, printer, &mut writer) {
                Ok(end) => writer.untimed += end.untimed,
                Err(failure) if failure.is_broken_pipe() => return Err(failure),
                Err(failure) => {
                    printer.failure(&failure);
                    bad = true;
                }
            }
        }
        sources => parallel::read_all(sources, &wish(arguments, false), strictness, printer, &mut writer)?,
    }
    bad |= writer.bad;
    writer.finish()?;
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn own_recordings() -> Result<PathBuf, Failure> {
    let folder = recordings_folder()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Failure::new(format!("there are no recordings of yours in `{}`", folder.display()))
        .hint("name recordings or folders, or record something: casemate rec"))
}

fn wish(arguments: &CommandsArgs, with_started: bool) -> Wish {
    let kinds =
        if arguments.kind.is_empty() { arguments.format.usual_kinds() } else { arguments.kind.clone() };
    Wish {
        filter: Filter {
            users: arguments.user.clone(),
            targets: arguments.target.clone(),
            target_users: arguments.target_user.clone(),
            since: arguments.since.map(|moment| moment.0),
            until: arguments.until.map(|moment| moment.0),
            grep: arguments.grep.clone(),
            kinds: KindArg::kinds(&kinds),
        },
        with_output: arguments.with_output,
        with_started,
    }
}

/// Writes the list.
struct ListWriter<'a> {
    format: Box<dyn Format>,
    destination: Destination,
    pending: Vec<u8>,
    printer: &'a Printer,
    records: u64,
    untimed: u64,
    /// A recording could not be read.
    bad: bool,
}

impl<'a> ListWriter<'a> {
    fn create(arguments: &CommandsArgs, sources: usize, printer: &'a Printer) -> Result<Self, Failure> {
        let destination = Destination::create(&arguments.output, arguments.overwrite)?;
        let stdout = std::io::stdout();
        let is_terminal = matches!(destination, Destination::Stdout) && stdout.is_terminal();
        let size = if is_terminal { rustix::termios::tcgetwinsize(&stdout).ok() } else { None };
        let look = Look {
            colour: is_terminal && colours_welcome(),
            width: size.map(|size| usize::from(size.ws_col)).filter(|&width| width > 0),
            headings: sources > 1,
            zone: Look::local,
        };
        Ok(Self {
            format: format(arguments.format, arguments.with_output, look),
            destination,
            pending: Vec::new(),
            printer,
            records: 0,
            untimed: 0,
            bad: false,
        })
    }

    fn take(&mut self, record: &Record) {
        self.records += 1;
        self.format.record(record, &mut self.pending);
    }

    fn write(&mut self) -> Result<(), Failure> {
        if !self.pending.is_empty() {
            self.destination.write(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.format.finish(&mut self.pending);
        self.write()?;
        self.destination.finish()?;
        if self.untimed > 0 {
            let count = self.untimed;
            self.printer.warn(format!(
                "{count} commands were left out: their recordings do not say when they were made"
            ));
        }
        if self.records == 0 && !self.bad {
            self.printer.say("no command was found that is asked for");
        }
        Ok(())
    }
}

impl Writer for ListWriter<'_> {
    fn record(&mut self, record: &Record, progress: &Progress) -> Result<(), Failure> {
        self.take(record);
        if self.pending.len() >= CHUNK { progress.hidden(|| self.write()) } else { Ok(()) }
    }

    fn end(
        &mut self,
        source: &Source,
        end: Result<End, Failure>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let name = one_line(&source.path.display().to_string());
        match end {
            Ok(end) => {
                self.untimed += end.untimed;
                let findings = end.findings;
                let shown = findings.defects.len().min(WARNINGS);
                progress.hidden(|| {
                    findings.defects[..shown].iter().for_each(|defect| self.printer.warn(defect));
                    let more = findings.defect_count - shown as u64;
                    if more > 0 {
                        self.printer.warn(format!("{name}: {more} defects more"));
                    }
                });
            }
            Err(failure) => {
                self.bad = true;
                progress.hidden(|| self.printer.failure(&failure));
            }
        }
        Ok(())
    }
}

impl LiveWriter for ListWriter<'_> {
    fn record(&mut self, record: &Record) -> Result<(), Failure> {
        self.take(record);
        if self.pending.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.format.flush(&mut self.pending);
        self.write()
    }
}
