//! The player for a terminal.
//!
//! - `app` is what keys and time do, `draw` what is to be seen of it; both know no terminal. `terminal` takes one over
//!   and gives it back. Here is the loop between them. `plain` is the player without any of this.
//! - `reader` reads the recording once more, for what the engine does not look for.
//!
//! *Invariants*: of what is recorded only cells reach the terminal, never bytes; but for `plain`, which is for nothing
//! else. What was not asked for is not drawn: while nothing happens, nothing is written and nobody wakes up.

mod app;
mod draw;
mod found;
mod grid;
mod help;
mod keys;
mod list;
mod look;
mod panel;
mod picture;
mod plain;
mod reader;
mod save;
mod terminal;
mod text;
mod timeline;

use std::io;
use std::time::{Duration, Instant};

use casemate_cast_format::Micros;

use crate::player::Player;
use crate::recording::{OpenError, Recording};
use crate::target::{SeekError, Target};
use app::{App, Flow};
use draw::FRAME;
use grid::Grid;
use keys::Keys;
use terminal::{Happening, Terminal, Use};

/// A key that begins with Escape comes in one piece, or within this time.
const ESCAPE: Duration = Duration::from_millis(40);

/// A wait that takes so much longer than it should was none: the process was stopped.
const STOPPED: Duration = Duration::from_secs(2);

/// How to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// How fast.
    pub speed: f64,
    /// Whether to begin anew at the end.
    pub looping: bool,
    /// How long a pause takes at most; else the recording says it.
    pub idle_limit: Option<Micros>,
    /// Whether to pause at each marker.
    pub pause_on_markers: bool,
    /// Whether to ask the terminal for the size of the recording.
    pub resize: bool,
    /// Where to begin.
    pub start_at: Option<Target>,
    /// Whether to begin paused.
    pub paused: bool,
    /// Whether to wait for more at the end.
    pub following: bool,
    /// Whether to give the recorded bytes to standard output, and nothing else.
    pub plain: bool,
    /// Whether what is ours may have colours.
    pub has_colour: bool,
}

/// How playing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Quit,
    /// By Ctrl-C.
    Interrupted,
    /// By this signal.
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UiError {
    /// The recording cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such place in it.
    #[error(transparent)]
    Seek(#[from] SeekError),
    /// The terminal, or whatever takes the output, fails.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Plays a recording on the terminal, or, where standard output is none, as `plain` does.
///
/// # Errors
/// See [`UiError`]. The terminal has been given back.
pub fn play(recording: &Recording, options: &Options) -> Result<Ending, UiError> {
    let is_terminal = rustix::termios::isatty(rustix::stdio::stdout());
    if options.plain || !is_terminal {
        return plain::play(recording, options);
    }
    let Some(mut terminal) = Terminal::find()? else { return plain::play(recording, options) };
    let mut player = Player::new(recording.clone())?;
    player.index_in_background();
    let size = player.header().size;
    let mut app = App::new(player, recording, options);
    terminal.take(Use::Full)?;
    if options.resize {
        // One row more, for the status line.
        terminal.write(format!("\x1b[8;{};{}t", size.rows.saturating_add(1), size.cols).as_bytes())?;
    }
    let result = run(&mut app, &mut terminal);
    terminal.give_back();
    Ok(result?)
}

fn run(app: &mut App, terminal: &mut Terminal) -> io::Result<Ending> {
    let mut begun = Instant::now();
    let mut keys = Keys::default();
    let mut shown: Option<Grid> = None;
    let mut next_frame = Duration::ZERO;
    loop {
        let now = begun.elapsed();
        let wake = app.work(now);
        if app.is_dirty && now >= next_frame {
            let (cols, rows) = terminal.size();
            let grid = app.draw(cols, rows);
            let changes = grid.changes(shown.as_ref());
            // The terminal shows all of it at once, if it knows how.
            let frame = format!("\x1b[?2026h{changes}\x1b[?2026l");
            let is_written = shown.as_ref() == Some(&grid)
                || match terminal.write(frame.as_bytes()) {
                    Ok(written) => written == frame.len(),
                    Err(_) => return Ok(Ending::Gone),
                };
            shown = is_written.then_some(grid);
            next_frame = now + FRAME;
        }
        let until = [wake, app.is_dirty.then_some(next_frame), keys.is_waiting().then_some(now + ESCAPE)];
        let until = until.into_iter().flatten().min();
        let wait = until.map(|until| until.saturating_sub(begun.elapsed()));
        let (mut bytes, waits) = (Vec::new(), Instant::now());
        let happened = terminal.wait(wait, &mut bytes)?;
        if let Some(wait) = wait
            && waits.elapsed() > wait + STOPPED
        {
            begun += waits.elapsed() - wait;
        }
        for happened in happened {
            match happened {
                Happening::End(signal) => return Ok(Ending::Signal(signal)),
                Happening::Gone => return Ok(Ending::Gone),
                Happening::Resize => {}
                Happening::Suspend => {
                    let stopped = Instant::now();
                    if terminal.suspend().is_err() {
                        return Ok(Ending::Gone);
                    }
                    begun += stopped.elapsed();
                }
                // A terminal that goes away lets those who were stopped go on.
                Happening::Resumed => {
                    if terminal.take_again().is_err() {
                        return Ok(Ending::Gone);
                    }
                }
            }
            (shown, app.is_dirty) = (None, true);
        }
        let mut inputs = Vec::new();
        if bytes.is_empty() && keys.is_waiting() {
            keys.settle(&mut |input| inputs.push(input));
        }
        keys.feed(&bytes, &mut |input| inputs.push(input));
        for input in inputs {
            match app.input(input, begun.elapsed()) {
                Flow::Continue => {}
                Flow::Quit => return Ok(Ending::Quit),
                Flow::Interrupt => return Ok(Ending::Interrupted),
                Flow::Suspend => Terminal::ask_to_suspend(),
                Flow::Redraw => shown = None,
            }
        }
    }
}
