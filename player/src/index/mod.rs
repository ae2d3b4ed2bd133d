//! The index: where in time the blocks of a recording are, screens to begin from, and what stands on the timeline.
//!
//! It grows while the recording is read (`builder`), and can be used before it is complete.
//!
//! *Invariant*: its size is bounded, whatever the recording: marks are counted rather than kept beyond a limit,
//! keyframes are thinned out, buckets of activity get wider.

mod activity;
mod builder;
pub(crate) mod cache;
mod folder;
mod indexer;
mod keyframes;

use casemate_cast_format::{Micros, Size};

pub use activity::Activity;
pub(crate) use builder::Builder;
pub(crate) use folder::Folder;
pub(crate) use indexer::Indexer;
pub(crate) use keyframes::Keyframes;

use crate::recording::Place;

/// No more marks of a kind are kept: nobody goes through more, and a recording can hold any number.
const MARKS_KEPT: usize = 100_000;

/// A label is cut to this many bytes.
const LABEL_BYTES: usize = 256;

/// A marker that was set while recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// When.
    pub time: Micros,
    /// Its label, cut where it is long; may be empty.
    pub label: String,
}

/// Something on the timeline that is no marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub time: Micros,
    /// What.
    pub kind: MarkKind,
}

/// What stands on the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkKind {
    /// Something was lost here, with what is known of it.
    Gap(String),
    /// Recording was paused.
    Paused,
    /// And went on.
    Resumed,
    /// Another session begins, appended to the one before; its facts as JSON, cut where they are long.
    Session(String),
    /// The recording goes on in another file; JSON with its name.
    Part(String),
    /// The program ended with this status.
    Exit(String),
    /// A stretch of the file cannot be read, and why.
    Damaged(String),
}

/// What is known of a recording as a whole.
#[derive(Debug, Default)]
pub struct Index {
    pub(crate) places: Vec<Place>,
    /// No more of them come, unless the file grows.
    pub(crate) has_all_places: bool,
    pub(crate) keyframes: Keyframes,
    pub(crate) markers: Vec<Marker>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) sizes: Vec<(Micros, Size)>,
    pub(crate) activity: Activity,
    /// Marks and markers that were not kept.
    pub(crate) left_out: u64,
    /// Lines that could not be read.
    pub(crate) defects: u64,
    pub(crate) events: u64,
    /// Time of the last event that was read.
    pub(crate) end: Micros,
    /// Bytes of the file that were read, and all.
    pub(crate) read: (u64, u64),
    pub(crate) is_complete: bool,
    /// More comes through a pipe: what is the end now may not be.
    pub(crate) is_arriving: bool,
    /// Why it will never be complete.
    pub(crate) failure: Option<String>,
}

impl Index {
    /// Whether the whole recording has been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Why the recording cannot be read to its end, if the file failed.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// How much of the file has been read, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for a bar")]
    pub fn progress(&self) -> f64 {
        let (read, all) = self.read;
        if self.is_complete || all == 0 { 1.0 } else { (read as f64 / all as f64).min(1.0) }
    }

    /// The markers so far, by time; at most 100 000.
    #[must_use]
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// Everything else on the timeline so far, by time; at most 100 000.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// When the size changed, and to what, so far; at most 100 000.
    #[must_use]
    pub fn sizes(&self) -> &[(Micros, Size)] {
        &self.sizes
    }

    /// How much output there was when, so far.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// How many events have been read.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many lines could not be read as events.
    #[must_use]
    pub fn unreadable_lines(&self) -> u64 {
        self.defects
    }

    /// How many markers, marks and changes of size are not listed, because there are too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The last block in which events of this time can be, if all that is to know about it is known.
    pub(crate) fn block_at(&self, time: Micros) -> Option<usize> {
        let last = self.places.last()?;
        if !self.has_all_places && last.earliest <= time {
            return None;
        }
        Some(self.places.partition_point(|place| place.earliest <= time).saturating_sub(1))
    }

    /// The block with this event; the last one for what is beyond the end.
    pub(crate) fn block_of_event(&self, event: u64) -> Option<usize> {
        if !self.is_complete && event > self.events {
            return None;
        }
        let counted = self.places.partition_point(|place| place.first_event.is_some());
        Some(
            self.places[..counted]
                .partition_point(|place| place.first_event <= Some(event))
                .saturating_sub(1),
        )
    }

    /// Keeps something, if there is room.
    fn keep<T>(list: &mut Vec<T>, left_out: &mut u64, item: T) {
        if list.len() < MARKS_KEPT {
            list.push(item);
        } else {
            *left_out = left_out.saturating_add(1);
        }
    }
}

/// A text as it is kept.
fn cut(text: &str) -> String {
    let mut end = text.len().min(LABEL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
