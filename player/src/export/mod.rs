//! Part of a recording as a recording of its own, faster, with shorter pauses, without what must not be seen. Pure.
//!
//! Whoever makes one reads the recording several times: [`Landmarks`] say when
//! it begins and ends, each [`Round`] of a [`Redaction`] finds what is to be hidden, and then every item goes through a
//! [`Redactor`], and from there into a [`Cutter`] or a [`Still`].
//!
//! *Not here*: reading and writing; how to find what is to be hidden (`casemate_terminal::redact`).

mod cut;
mod landmarks;
mod pace;
mod redact;
mod still;
#[cfg(test)]
mod tests;

pub use cut::{Cutter, Excerpt};
pub use landmarks::{Landmarks, Stretch};
pub use pace::Pace;
pub use redact::{PatternError, Redaction, Redactor, Round};
pub use still::{Still, theme};

use casemate_cast_format::{Event, Header};

/// What a recording is made of, on its way.
#[derive(Debug)]
pub enum Part<'a> {
    /// Comes first.
    Header(Box<Header>),
    /// An event.
    Event(Event<'a>),
    /// A comment of asciicast v3.
    Comment(std::borrow::Cow<'a, str>),
}
