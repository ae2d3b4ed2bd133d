//! Any moment of a recording at once: timeline, seeking, playback, search.
//!
//! [`Player`] is what there is to use: it opens a recording, goes anywhere in it, and says what is due while it plays.
//! It shows nothing itself.
//!
//! - `recording`: files as blocks that can be decoded by themselves; the only part that reads.
//! - [`Index`]: where the blocks are in time, keyframes, markers, activity. A thread makes it; everything works
//!   before it is complete.
//! - `stage`: the emulated screen, taken to any place. `pace`: how time passes; pure.
//! - [`Search`]: in everything that was ever on the screen.
//! - [`Target`]: places as people say them.
//! - [`export`]: parts of recordings, faster, without what must not be seen; pure.
//! - [`ui`]: the player for a terminal.
//!
//! *Invariant*: what is shown anywhere is what replaying from the start would show there, whichever way it was reached.
//!
//! Whatever is in the file, nothing here panics, and memory is bounded.
//!
//! ```
//! use casemate_player::{Player, Target};
//! use casemate_terminal::Screen as _;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("demo.cast");
//! std::fs::write(&path, "{\"version\":2,\"width\":80,\"height\":24}\n[0.5, \"o\", \"one\"]\n[1.5, \"o\", \" two\"]\n")?;
//! let mut player = Player::open(&path)?;
//! player.seek(Target::End)?;
//! let mut text = String::new();
//! player.screen().shown(0).unwrap().text(0, 80, &mut text);
//! assert_eq!(text, "one two");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod export;
pub mod fuzz;
mod index;
mod pace;
mod player;
mod recording;
mod search;
mod shared;
mod stage;
mod target;
#[cfg(test)]
mod tests;
pub mod ui;

pub use index::{Activity, Index, Mark, MarkKind, Marker};
pub use player::{Advance, Length, Player, Position, Pursuit, State};
pub use recording::{Event, OpenError, Recording, SPOOL_LIMIT};
pub use search::{BadPattern, Hit, Pattern, Search};
pub use target::{SeekError, Target};
