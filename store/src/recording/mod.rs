//! Recordings read: which there are, what is in them, which commands were run.
//!
//! - [`Found`]: the recordings that files and folders hold.
//! - [`Input`]: a recording from any place, plain or in segments, item by item.
//! - [`Deriver`]: from items to [`Record`]s of commands; [`Filter`] says which are wanted.
//! - [`in_order`]: many recordings at once, what comes of them one after the other.
//!
//! Recordings are evidence: they are opened to be read, and nothing is written beside them.

mod capture;
mod derive;
mod error;
mod filter;
mod find;
mod input;
mod ordered;

pub use capture::{OUTPUT_LIMIT, OutputText};
pub use derive::{Deriver, Record, Wish};
pub use error::ReadError;
pub use filter::{Filter, Wanted};
pub use find::{Found, Source};
pub use input::{Findings, Input, Strictness, Taker};
pub use ordered::{Given, Handover, NobodyWaits, in_order};

/// Text of files and of the system, made safe for a terminal: one line, and nothing in it that
/// [acts](casemate_terminal::is_acting).
#[must_use]
pub fn one_line(text: &str) -> String {
    casemate_terminal::escaped(text).into_owned()
}
