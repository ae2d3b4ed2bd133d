//! `casemate search`: where something was typed, or to be seen.

mod indexed;
mod show;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_store::recording::{Findings, Found, ReadError, Source, one_line};
use casemate_store::{Find, Meaning, Part, Pattern, Searched, look_through, why_none};
use clap::ValueEnum;

use self::show::{Show, Shown};
use crate::failure::Failure;
use crate::printer::{Printer, Progress, colours_welcome};

/// Trouble has a status of its own, as in grep: nothing found is none.
const TROUBLE: u8 = 2;

/// Find text in recordings: in the commands, and in everything that was ever on the screen
///
/// Lines that scrolled off, were overwritten or erased, and those of full-screen programs are found as well; but not
/// what was overwritten within the same event of the recording, when nobody could see it. PATTERN is a regular
/// expression. Each hit has the moment at which to stand: casemate play --start-at.
///
/// Folders are searched by way of an index, which is kept in the cache, brought up to date first, and can be removed at
/// any time; it holds what the recordings hold. Nothing is ever written beside recordings. The exit status is 0 if
/// something was found, 1 if not, 2 if something went wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate search nginx demo.cast                       where it was typed, or to be seen
  casemate search -i 'permission denied' /var/recordings --in output
  casemate search '^sudo .*(passwd|shadow)' audit/ --in commands
  casemate search -F '$(curl' audit/ --format jsonl | jq -r '[.file, .offset, .line] | @tsv'
  casemate rec - | casemate search --in commands sudo -")]
pub(crate) struct SearchArgs {
    /// A regular expression
    #[arg(allow_hyphen_values = true)]
    pattern: String,

    /// Recordings, or folders of recordings; `-` for standard input
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,

    /// Where to look
    #[arg(long = "in", value_enum, default_value_t, value_name = "WHERE")]
    place: PlaceArg,

    /// Form of the hits
    #[arg(short = 'f', long, value_enum, default_value_t)]
    format: FormatArg,

    /// Large and small letters are the same
    #[arg(short, long)]
    ignore_case: bool,

    /// PATTERN is a text, not a regular expression
    #[arg(short = 'F', long)]
    fixed_strings: bool,

    /// Read the recordings in folders from beginning to end
    #[arg(long, conflicts_with = "index")]
    no_index: bool,

    /// Keep the index of folders in this file [default: one for each set of folders, in ~/.cache/casemate]
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
}

/// Where to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaceArg {
    /// In commands
    Commands,
    /// In what was on the screen
    Output,
    /// In both
    #[default]
    Both,
}

/// How hits look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people
    #[default]
    Table,
    /// One JSON object a line: file, session, offset in seconds, where (command or output), line
    Jsonl,
}

/// Searches; what goes wrong is trouble.
pub(crate) fn run(arguments: &SearchArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    match search(arguments, printer) {
        Ok(status) => Ok(status),
        Err(failure) if failure.is_broken_pipe() => Err(failure),
        Err(failure) => {
            printer.failure(&failure);
            Ok(ExitCode::from(TROUBLE))
        }
    }
}

fn search(arguments: &SearchArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let pattern = pattern(arguments)?;
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal();
    let show = Show {
        format: arguments.format,
        headings: is_terminal,
        colour: is_terminal && colours_welcome(),
        pattern: &pattern,
    };
    let mut search = Search { arguments, printer, pattern: &pattern, shown: Shown::new(show), bad: false };
    let (folders, files): (Vec<_>, Vec<_>) =
        arguments.files.iter().cloned().partition(|path| path.is_dir() && !arguments.no_index);
    if !folders.is_empty() {
        search.indexed(&folders)?;
    }
    if !files.is_empty() {
        let found = Found::by(&files);
        for failure in found.failures {
            search.trouble(&failure.into());
        }
        search.direct(&found.sources, arguments.place.part())?;
    }
    search.shown.flush()?;
    Ok(match (search.bad, search.shown.hits()) {
        (true, _) => ExitCode::from(TROUBLE),
        (false, 0) => ExitCode::FAILURE,
        (false, _) => ExitCode::SUCCESS,
    })
}

fn pattern(arguments: &SearchArgs) -> Result<Pattern, Failure> {
    let meaning = Meaning { fixed: arguments.fixed_strings, ignore_case: arguments.ignore_case };
    Pattern::new(&arguments.pattern, meaning).map_err(|error| {
        let why = why_none(&error);
        Failure::new(format!("`{}` is no regular expression: {why}", one_line(&arguments.pattern)))
            .hint("if it is a text, say so: --fixed-strings")
    })
}

impl PlaceArg {
    fn part(self) -> Part {
        match self {
            Self::Commands => Part::Commands,
            Self::Output => Part::Output,
            Self::Both => Part::Both,
        }
    }

    fn commands(self) -> bool {
        self != Self::Output
    }

    fn output(self) -> bool {
        self != Self::Commands
    }
}

/// A search that goes on.
struct Search<'a> {
    arguments: &'a SearchArgs,
    printer: &'a Printer,
    pattern: &'a Pattern,
    shown: Shown<'a>,
    /// Something went wrong.
    bad: bool,
}

impl Search<'_> {
    fn trouble(&mut self, failure: &Failure) {
        self.bad = true;
        self.printer.failure(failure);
    }

    /// Reads recordings from beginning to end.
    fn direct(&mut self, sources: &[Source], part: Part) -> Result<(), Failure> {
        let total = sources.iter().map(|source| source.bytes).sum();
        let name = match sources {
            [source] => one_line(&source.path.display().to_string()),
            sources => format!("{} recordings", sources.len()),
        };
        let mut progress = self.printer.progress(&name, Some(total));
        let mut read = 0;
        look_through(sources, self.pattern, part, |source, searched, bytes| {
            progress.advance(usize::try_from(bytes - read).unwrap_or(usize::MAX));
            read = bytes;
            match searched {
                Searched::Finds(finds) => self.finds(&source.path, &finds, &progress),
                Searched::End(end) => {
                    progress.hidden(|| self.end(&source.path, *end));
                    Ok(())
                }
                Searched::Beat => Ok(()),
            }
        })
    }

    fn end(&mut self, path: &Path, end: Result<Findings, ReadError>) {
        match end {
            Ok(findings) if findings.defect_count > 0 => {
                let (name, count) = (one_line(&path.display().to_string()), findings.defect_count);
                self.printer.warn(format!("{name}: {count} defects: casemate info says which"));
            }
            Ok(_) => {}
            Err(error) => self.trouble(&error.into()),
        }
    }

    fn finds(&mut self, path: &Path, finds: &[Find], progress: &Progress) -> Result<(), Failure> {
        for find in finds {
            self.shown.hit(path, find.session.as_deref(), find.place, find.offset, &find.text);
        }
        progress.hidden(|| self.shown.flush())
    }
}
