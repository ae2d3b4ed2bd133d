//! `casemate play`: plays a recording in the terminal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_cast_format::Micros;
use casemate_player::ui::{Ending, Options, UiError, play};
use casemate_player::{OpenError, Recording, Target};

use crate::args::seconds;
use crate::failure::{About as _, Failure};
use crate::printer::colours_welcome;

/// Play a recording, and go anywhere in it
///
/// The whole screen is a player: the recorded screen in its own size, and one line with a timeline that
/// shows how much happened when, markers (◆) and commands. Press `?` for all keys:
///
///   space  play, pause                    [ ]  marker before, next marker
///   ← →    5 seconds; shift: a tenth      { }  command before, next command
///   0 … 9  to 0 %, 10 %, … 90 %           c    list of commands, filtered by what you type
///   , .    a frame back, on               /    search; n and N go from hit to hit
///   < >    slower, faster                 g    go to 1:30, 50%, marker:build, command:3
///   i  what was typed                     s    save this screen as text, ANSI or SVG
///   m  what this recording is             b    hide the line
///   z  all of a large screen, or a part   q    quit
///
/// What was recorded never reaches your terminal as it is, but drawn. With --plain, and where the
/// output is no terminal, it does: its bytes are passed on, as asciinema and cat do, and can do
/// whatever your terminal lets them. Use that only with recordings that you trust.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  casemate play demo.cast
  casemate play -s 2 -i 1 demo.cast.zst            twice as fast, no pause longer than a second
  casemate play --start-at 1:30 demo.cast          or 50%, marker:build, command:12, end
  casemate play --follow session.cast.zst          watch a recording in progress
  casemate play --plain demo.cast | tee raw.txt    the recorded bytes, at their time
  ssh web-1 cat demo.cast | casemate play -        as it comes; with --start-at when all of it is there
  ssh web-1 tail -c +1 -f live.cast | casemate play -")]
pub(crate) struct PlayArgs {
    /// The recording; `-` for standard input
    #[arg(default_value = "-")]
    file: PathBuf,

    /// How fast to play: 2 is twice as fast, 0.5 half
    #[arg(short, long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,

    /// Begin anew at the end
    #[arg(short, long = "loop")]
    looping: bool,

    /// Let no pause take longer than this [default: what the recording says]
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    idle_time_limit: Option<Micros>,

    /// Pause at each marker
    #[arg(short = 'm', long)]
    pause_on_markers: bool,

    /// Ask the terminal for the size of the recording; not all do that
    #[arg(short, long)]
    resize: bool,

    /// Where to begin: a time (90, 1:30, 1m30s), N%, marker:LABEL, command:N, event:N or end;
    /// what is behind the end is the end
    #[arg(long, value_name = "PLACE", value_parser = |text: &str| text.parse::<Target>())]
    start_at: Option<Target>,

    /// Begin paused
    #[arg(long)]
    paused: bool,

    /// Go on when the file grows; begins at its end
    #[arg(long)]
    follow: bool,

    /// Pass the recorded bytes to the terminal as they are
    #[arg(long)]
    plain: bool,
}

pub(crate) fn run(arguments: &PlayArgs) -> Result<ExitCode, Failure> {
    let recording = open(&arguments.file, arguments.start_at.is_none())?;
    let options = Options {
        speed: arguments.speed,
        looping: arguments.looping,
        idle_limit: arguments.idle_time_limit,
        pause_on_markers: arguments.pause_on_markers,
        resize: arguments.resize,
        start_at: arguments.start_at.clone(),
        paused: arguments.paused,
        following: arguments.follow,
        until: None,
        plain: arguments.plain || std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        has_colour: colours_welcome(),
    };
    match play(&recording, &options) {
        Ok(ending) => Ok(status_of(ending)),
        Err(UiError::Seek(error)) => Err(Failure::new(format!("{}: {error}", recording.name()))
            .hint(format!("what there is to go to says: casemate info {}", arguments.file.display()))),
        Err(error) => Err(error.into()),
    }
}

/// Opens a file, or takes what comes through standard input: as it comes, or all of it first.
fn open(path: &Path, as_it_comes: bool) -> Result<Recording, Failure> {
    let opened = if path == Path::new("-") {
        if rustix::termios::isatty(rustix::stdio::stdin()) {
            return Err(Failure::new("standard input is a terminal, and no recording")
                .hint("name a file: casemate play demo.cast"));
        }
        let stdin = rustix::stdio::stdin().try_clone_to_owned().about("cannot read standard input")?;
        let take = if as_it_comes { Recording::from_pipe } else { Recording::from_file };
        take("standard input", File::from(stdin))
    } else {
        Recording::open(path)
    };
    opened.map_err(|error| {
        let is_none = matches!(error, OpenError::NotARecording(..));
        let failure = Failure::from(error);
        if is_none {
            failure.hint("a recording begins with a header like {\"version\":2,\"width\":80,\"height\":24}")
        } else {
            failure
        }
    })
}

/// The exit status of a full-screen program that ended so.
pub(super) fn status_of(ending: Ending) -> ExitCode {
    match ending {
        Ending::Quit | Ending::Gone => ExitCode::SUCCESS,
        Ending::Interrupted => ExitCode::from(130),
        Ending::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
    }
}

/// A factor, more than none.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("give a factor, more than 0, like 2 or 0.5".into()),
    }
}
