//! A recording as a browser's player takes it: an index of scenes, of which it gets one at a time.
//!
//! `asciinema-player` plays a recording in segments: a list of their beginnings, and for each one the screen that it begins
//! with and its events. Here they are called *scenes*, because segments are something else in a `.cast.zst`. A recording of a
//! gigabyte has some thousand of them, and whoever goes to a moment reads one.
//!
//! - [`Maker`] reads a recording once, to its end, and makes the scenes of it, and [`Facts`] on the whole: what stands on a
//!   timeline. Pure.
//! - [`SceneReader`] makes what the player gets of the bytes of one scene. Pure.
//! - [`Source`] is the text of a recording, and where in the file each byte of it is found again. Pure.
//! - [`Making`] makes films, some at a time: in the background of what is complete or has become long ([`keep`]), and at once of
//!   what somebody wants to see ([`look()`]), who gets what there is of it meanwhile.
//! - [`still()`] is one screen of it, as a picture: of a recording that goes on, that of now. Those that were made lately are kept
//!   for others, and one of what goes on is made once a second at most.
//!
//! *Invariants*: whoever plays scenes one after the other sees what whoever plays the recording sees. The screens are those of
//! our own emulator, to which all of the recording was played: what a recorder says of a screen in its seals is not believed.
//! Whatever a recording says of times and sizes, the player takes what it is given. Scenes are bounded by what is in them, not
//! by time: a session that rests for a night is none the longer for it. Nothing that is proven depends on a film: it can be
//! made again.

mod activity;
mod facts;
mod follower;
mod keeper;
mod look;
mod maker;
mod making;
mod pace;
mod scene;
mod source;
mod stage;
mod still;
#[cfg(test)]
mod still_tests;
mod stills;
#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use facts::{Facts, Note, Seals};
pub use follower::Follower;
pub use keeper::keep;
pub use look::{Film, FilmError, look, scene};
pub use maker::Maker;
pub use making::{Forgetting, Making};
pub use scene::{SceneReader, Until};
pub use source::{Anchor, Source};
pub use still::{empty, still};
pub use stills::Still;

use casemate_cast_format::Micros;
use serde::{Deserialize, Serialize};

/// Films of another layout are made again.
pub const LAYOUT: i64 = 1;

/// A part of a recording that can be played by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Which one it is, from 0.
    pub number: u64,
    /// When it begins. The first begins at 0, each other one later than the one before, and than all that is in that.
    pub start: Micros,
    /// Where it is.
    pub place: Place,
    /// The screen that it begins with, compressed.
    pub screen: Vec<u8>,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// A byte of the file, and text behind it.
    pub anchor: Anchor,
    /// What the clock of a decoder shows there.
    pub nanos: u64,
    /// Of a recording that is read from its beginning only: so many events come before.
    pub events: u64,
    /// 1 where that is so; else 2 or 3.
    pub version: u8,
}
