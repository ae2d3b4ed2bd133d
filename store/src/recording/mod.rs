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
pub(crate) use input::open_untouched;
pub use input::{Findings, Input, Strictness, Taker};
pub use ordered::{Given, Handover, NobodyWaits, in_order};

/// Text of files and of the system, made safe for a terminal: one line, and nothing in it that a terminal would obey, or
/// that would show what is around it in another order.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if is_control(c) { c.escape_debug().collect() } else { vec![c] }).collect()
}

/// Whether a terminal would obey this character, or show the ones around it in another order or place.
#[must_use]
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
