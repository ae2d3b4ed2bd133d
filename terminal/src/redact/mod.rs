//! Where in a stream something stands that must not be seen, however it got there.
//!
//! A secret is rarely one piece of a recording: it is typed key by key, drawn anew while it is edited, coloured in its
//! midst, cut by the end of a line or of a chunk. So three things are searched, each with the way back from every
//! character to the bytes that it is made of:
//!
//! - the text of the stream without its sequences, and with them (`view`);
//! - what stands on the screen, row by row, and those that go on in the next one joined (`shadow`); with a match goes
//!   what was printed in the same cells before, if it was the same, because editors print the beginning of a word
//!   again with each key;
//! - the control strings: titles, links, what is put on the clipboard (`coded`), also if they are encoded.
//!
//! [`OutputFinder`] looks at output, [`TypedFinder`] at what was typed, and [`mask`] puts blocks in place of what
//! they found, as wide as it was, so that nothing on the screen moves. What is masked may have hidden other matches:
//! callers look again with what is known until nothing is found.
//!
//! *Invariants*: how the stream is cut changes nothing but when something is found; memory is bounded by the screen and
//! by what is found. *Not here*: what is searched for (a [`Patterns`]), and events.

mod coded;
mod output;
mod shadow;
mod spans;
#[cfg(test)]
mod tests;
mod typed;
mod view;

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

pub use output::OutputFinder;
pub use spans::Spans;
pub use typed::TypedFinder;

/// What stands in the place of what is hidden. One column wide, and not in any character set that output can choose.
pub const BLOCK: char = '█';

/// What is searched for.
pub trait Patterns {
    /// Hands the matches in a text to `sink`, as ranges of bytes.
    fn find(&self, text: &str, sink: &mut dyn FnMut(Range<usize>));
}

impl<P: Patterns> Patterns for &P {
    fn find(&self, text: &str, sink: &mut dyn FnMut(Range<usize>)) {
        (**self).find(text, sink);
    }
}

/// Puts blocks in place of the characters within `spans`, as many as they have columns; `at` is where in the stream the
/// text begins. Control characters stay, for they move what comes after. `None` if there is nothing to hide.
#[must_use]
pub fn mask(text: &str, at: u64, spans: &Spans) -> Option<String> {
    let offset = |index: usize| at + u64::try_from(index).unwrap_or(u64::MAX);
    if !spans.touches(at.saturating_sub(1)..offset(text.len())) {
        return None;
    }
    let mut masked = String::with_capacity(text.len());
    // What combines with a character that is hidden is hidden with it.
    let mut is_hidden = at > 0 && spans.contains(at - 1);
    for (index, character) in text.char_indices() {
        match width(character) {
            None => {
                is_hidden = false;
                masked.push(character);
            }
            Some(0) if is_hidden => {}
            Some(columns) => {
                is_hidden = spans.contains(offset(index));
                if is_hidden {
                    masked.extend(std::iter::repeat_n(BLOCK, columns));
                } else {
                    masked.push(character);
                }
            }
        }
    }
    (masked != text).then_some(masked)
}

/// How many columns a character takes; `None` for a control character.
fn width(character: char) -> Option<usize> {
    character.width().map(|width| width.min(2))
}
