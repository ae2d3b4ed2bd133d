//! `casemate screen`: what stood on the screen at a moment.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::UnpackerConfig;
use casemate_cast_format::{Item, Micros};
use casemate_player::export::{Still, theme};
use casemate_player::ui::find_commands;
use casemate_player::{Player, Pursuit, Recording, SeekError, Target};
use casemate_terminal::render;
use clap::ValueEnum;

use crate::failure::{About as _, Failure};
use crate::input::{Input, Strictness};
use crate::printer::Printer;

/// Show the screen at a moment of a recording
///
/// What is shown is what a terminal of the recorded size and kind would show after everything that was
/// printed until then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate screen demo.cast                        as it was at the end
  casemate screen demo.cast.zst --at 1:30
  casemate screen demo.cast --at marker:deployed --format svg > deployed.svg
  casemate screen demo.cast --at command:12        when the 12th command was given
  casemate screen demo.cast --at 50% --format json | jq -r '.[0]'
  casemate screen demo.cast --term xterm           titles that screen and tmux hide")]
pub(crate) struct ScreenArgs {
    /// The recording; `-` for standard input
    file: PathBuf,

    /// A time (`90`, `1:30`, `1m30s`), a part (`50%`), `marker:LABEL`, `marker:N`, `command:N`, `event:N` or `end`
    ///
    /// A time or an event behind the end of the recording is its end.
    #[arg(long, value_name = "WHERE", default_value = "end")]
    at: Target,

    /// Take the output as this terminal would (TERM) [default: what the recording says]
    ///
    /// A terminal of screen or tmux takes `ESC k` as the beginning of a title and hides it; others show it.
    #[arg(long, value_name = "NAME")]
    term: Option<String>,

    /// What to show it as
    #[arg(short, long, value_enum, default_value = "txt")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines of text
    Txt,
    /// Lines with their colours and styles
    Ansi,
    /// A picture
    Svg,
    /// An array of rows, without the blanks at their ends
    Json,
}

pub(crate) fn run(arguments: &ScreenArgs, printer: &Printer) -> Result<(), Failure> {
    let mut player = open(&arguments.file)?;
    let name = player.name().to_owned();
    seek(&mut player, &name, &arguments.at, printer)?;
    let theme = theme(player.header());
    let title = player.header().title.clone().unwrap_or(name);
    let mut replayed;
    let screen = match &arguments.term {
        Some(term) => {
            replayed = replay(&arguments.file, term, player.position().time, printer)?;
            replayed.screen()
        }
        None => player.screen(),
    };
    let shown = match arguments.format {
        Format::Txt => render::txt(screen),
        Format::Ansi => render::ansi(screen),
        Format::Svg => render::svg(screen, &theme, &title),
        Format::Json => render::json(screen),
    };
    std::io::stdout().write_all(shown.as_bytes()).about("cannot write to standard output")
}

/// The screen of another kind of terminal: keyframes are of the one that was recorded, so it is played from the start.
fn replay(path: &Path, term: &str, until: Micros, printer: &Printer) -> Result<Still, Failure> {
    if path == Path::new("-") {
        return Err(
            Failure::new("for another terminal a recording is read twice").hint("write it to a file first")
        );
    }
    let mut still = Still::new(until);
    Input::open(path)?.read(UnpackerConfig::default(), Strictness::Collect, printer, |item| {
        match item {
            Item::Header(mut header) => {
                header.term_type = Some(term.to_owned());
                still = Still::of(&header, until);
            }
            Item::Event(event) => still.event(&event),
            Item::Comment(_) | Item::Defect(_) => {}
        }
        Ok(())
    })?;
    Ok(still)
}

fn open(path: &Path) -> Result<Player, Failure> {
    if path != Path::new("-") {
        return Player::open(path).map_err(Failure::new);
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().about("cannot read standard input")?;
    let recording = Recording::from_file("standard input", stdin.into()).map_err(Failure::new)?;
    Player::new(recording).map_err(Failure::new)
}

/// Goes there, with a bar where that takes time.
fn seek(player: &mut Player, name: &str, target: &Target, printer: &Printer) -> Result<(), Failure> {
    if matches!(target, Target::Command(_)) {
        find_commands(player, &mut bar(name, printer));
    }
    let mut report = bar(name, printer);
    player.begin_seek(target.clone());
    loop {
        match player.pursue() {
            Ok(Pursuit::There) => return Ok(()),
            Ok(Pursuit::Going(part)) => report(part),
            Err(error) => {
                let failure = Failure::new(format!("{name}: {error}"));
                return Err(match error {
                    SeekError::NoMarker(_) | SeekError::NoLabel(_) => {
                        failure.hint(format!("its markers are listed by `casemate info {name}`"))
                    }
                    SeekError::NoCommand(_) => {
                        failure.hint(format!("its commands are listed by `casemate commands {name}`"))
                    }
                    SeekError::NoneThere(_) | _ => failure,
                });
            }
        }
    }
}

/// A bar that is told which part of the work is done, from 0 to 1.
fn bar(name: &str, printer: &Printer) -> impl FnMut(f64) + use<> {
    /// The bar's unit; what there is to do is only known as a part of the whole.
    const WHOLE: u32 = 1_000_000_000;
    let mut progress = printer.progress(name, Some(WHOLE.into()));
    let mut done = 0;
    move |part| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the whole")]
        let now = (part.clamp(0.0, 1.0) * f64::from(WHOLE)) as usize;
        progress.advance(now.saturating_sub(done));
        done = done.max(now);
    }
}
