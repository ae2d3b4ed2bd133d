//! The player for a terminal.
//!
//! - `app` is what keys and time do, `draw` what is to be seen of it; both know no terminal. `plain` is the player
//!   without any of this.
//! - `reader` reads the recording once more, for what the engine does not look for.
//!
//! *Invariant*: of what is recorded only cells reach the terminal, never bytes; but for `plain`, which is for nothing
//! else.

mod app;
mod draw;
mod found;
mod help;
mod list;
mod picture;
mod plain;
mod reader;
mod save;
mod text;
mod timeline;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use casemate_cast_format::Micros;
pub use casemate_tui::Ending;
use casemate_tui::{Terminal, Use, run};

use crate::player::Player;
use crate::recording::{OpenError, Recording};
use crate::target::{SeekError, Target};
use app::App;
pub use reader::find_commands;

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
    /// Once this is set, nothing more comes of what is followed; whoever is at its end then has seen all of it.
    pub until: Option<Arc<AtomicBool>>,
    /// Whether to give the recorded bytes to standard output, and nothing else.
    pub plain: bool,
    /// Whether what is ours may have colours.
    pub has_colour: bool,
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

/// Plays a recording on a terminal that another program has taken, and will have again. What is noted of a moment goes
/// to `note`, which says what became of it.
///
/// # Errors
/// See [`UiError`].
pub fn play_within(
    terminal: &mut Terminal,
    recording: &Recording,
    options: &Options,
    note: &mut dyn FnMut(Micros, &str) -> String,
) -> Result<Ending, UiError> {
    let mut player = Player::new(recording.clone())?;
    player.index_in_background();
    let mut app = App::new(player, recording, options);
    app.note = Some(note);
    Ok(run(&mut app, terminal)?)
}
