//! What a terminal shows after a stream of bytes, and what the stream says beside it.
//!
//! - [`Screen`] is an emulated screen: rows that keep their numbers when they scroll off, cells with their style,
//!   keyframes. [`Vt100Screen`] is one on `vt100`.
//! - [`render`] makes text, JSON, ANSI and pictures of what a screen shows.
//! - [`Scanner`] cuts a stream into bytes for a screen and [`Signal`]s: marks of shell integration, titles,
//!   directories, switches of the screen.
//! - [`Backlog`] and [`feed_flood`] spare a screen the lines of long output that scroll away.
//! - [`Transcript`] turns the output of a terminal session into plain text, line by line, in memory bounded by
//!   the size of the screen.
//! - [`Sightings`] tells every line that was ever to be seen, and when.
//! - [`is_acting`] says which characters a terminal or a page would obey, or which turn, join or hide text; [`escaped`]
//!   shows them, and [`stretches`] tells them from the rest, for a page.
//!
//! The crate is pure: bytes in, data out; it does no I/O and reads no clock.
//!
//! Terminal output is hostile: no input and no screen size makes this crate panic.
//!
//! ```
//! use casemate_terminal::{Piece, Scanner, Screen, Signal, Vt100Screen};
//!
//! let mut screen = Vt100Screen::new(80, 24, 1000);
//! let mut titles = Vec::new();
//! Scanner::new().scan(b"\x1b]2;web-1\x07$ ls", &mut |piece| match piece {
//!     Piece::Bytes(bytes) => screen.feed(bytes),
//!     Piece::Signal(Signal::Title(title)) => titles.push(title),
//!     Piece::Signal(_) => {}
//! });
//! let mut text = String::new();
//! screen.line(0).unwrap().text(0, 80, &mut text);
//! assert_eq!((text.as_str(), titles), ("$ ls", vec!["web-1".to_owned()]));
//! ```
//!
//! ```
//! let mut transcript = casemate_terminal::Transcript::new(80, 24);
//! let mut text = Vec::new();
//! transcript.feed(b"10%\r100%\r\n\x1b[1mdone\x1b[m", &mut text);
//! transcript.finish(&mut text);
//! assert_eq!(text, b"100%\ndone\n");
//! ```

mod acting;
mod flow;
pub mod fuzz;
mod line;
mod plain;
pub mod redact;
pub mod render;
mod repaint;
mod scanner;
mod screen;
mod sgr;
mod sightings;
mod signal;
#[cfg(test)]
mod tests;
mod transcript;
mod vt100_screen;

pub use acting::{Stretch, escaped, is_acting, stretches};
pub use flow::{Backlog, feed_flood};
pub use scanner::{Piece, Scanner};
pub use screen::{Cell, Color, KeyframeError, Line, Position, Screen, Size, Style};
pub use sgr::Pen;
pub use sightings::{Sighting, Sightings};
pub use signal::{ContextMark, Mark, MarkKind, PromptPart, Signal};
pub use transcript::Transcript;
pub use vt100_screen::{NO_TERMINAL, Vt100Screen};
