//! Forensic review of a folder of recordings, in a terminal: find the session, find the command, stand at that second,
//! note what is to be said of it. No server, no network.
//!
//! - `app` is what keys and time do, `draw` what is to be seen of it; both know no terminal. `sessions`, `commands`,
//!   `search` and `notes` are its views, each with a `table`.
//! - `librarian`: threads that have the index (`store`). `library`: what it says of recordings and sessions; pure.
//! - [`Case`]: what the reviewer notes, in a file of his own.
//!
//! *Invariants*: recordings are only read, and nothing is written beside them, neither index nor case. Of what is
//! recorded only cells reach the terminal.

mod app;
mod case;
mod commands;
mod draw;
mod filter;
mod keys;
mod librarian;
mod library;
mod notes;
mod noting;
mod panels;
mod search;
mod sessions;
mod table;
#[cfg(test)]
mod tests;
mod times;

use std::io;
use std::path::PathBuf;

use casemate_player::ui::{self, UiError, play_within};
use casemate_player::{Recording, Target};
use casemate_store::StoreError;
use casemate_tui::{Ending, Look, Terminal, Use, run};

use app::{App, Visit};
pub use case::{Bookmark, Case, CaseError};
use librarian::Place;

/// How to review.
#[derive(Debug)]
pub struct Options {
    /// Where the index is; else in the cache.
    pub index: Option<PathBuf>,
    /// By whom recordings ought to be signed.
    pub key: Option<[u8; 32]>,
    /// Who reviews.
    pub by: String,
    /// Whether what is ours may have colours.
    pub has_colour: bool,
}

/// Why there is no review.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// There is no terminal to draw on.
    #[error("a review needs a terminal")]
    NoTerminal,
    /// The index cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The terminal fails.
    #[error(transparent)]
    Terminal(#[from] io::Error),
}

/// Reviews recordings on the terminal.
///
/// # Errors
///
/// See [`ReviewError`]. The terminal has been given back.
pub fn review(folders: &[PathBuf], case: Case, options: &Options) -> Result<Ending, ReviewError> {
    if !rustix::termios::isatty(rustix::stdio::stdout()) {
        return Err(ReviewError::NoTerminal);
    }
    let mut terminal = Terminal::find()?.ok_or(ReviewError::NoTerminal)?;
    let place = Place { folders: folders.to_vec(), index: options.index.clone() };
    let look = Look::new(options.has_colour);
    let mut app = App::new(&place, case, options.key, &options.by, look)?;
    terminal.take(Use::Full)?;
    let ending = go(&mut app, &mut terminal, options);
    terminal.give_back();
    Ok(ending?)
}

/// The review, and the player whenever something is to be played.
fn go(app: &mut App, terminal: &mut Terminal, options: &Options) -> io::Result<Ending> {
    loop {
        let ending = run(app, terminal)?;
        let Some(visit) = app.visit.take().filter(|_| ending == Ending::Quit) else { return Ok(ending) };
        if !visit.is_confirmed && !app.library.is_as_indexed(visit.recording) {
            app.ask_about_change(visit.recording);
            continue;
        }
        match play(app, terminal, &visit, options) {
            Ok(Ending::Quit) => {}
            Ok(ending) => return Ok(ending),
            Err(error) => app.say(error.to_string()),
        }
        app.came_back();
    }
}

fn play(app: &mut App, terminal: &mut Terminal, visit: &Visit, options: &Options) -> Result<Ending, UiError> {
    let recording = Recording::open(&visit.path)?;
    let offset = visit.moment.offset;
    let playing = ui::Options {
        speed: 1.0,
        looping: false,
        idle_limit: None,
        pause_on_markers: false,
        resize: false,
        start_at: (offset.0 > 0).then_some(Target::Time(offset)),
        paused: visit.is_paused,
        following: false,
        until: None,
        plain: false,
        has_colour: options.has_colour,
    };
    play_within(terminal, &recording, &playing, &mut |at, note| app.keep_note(visit.recording, at, note))
}
