//! Why bytes are not taken.

use casemate_cast_format::segment;
use casemate_cast_format::{DefectKind, segment::Defect};

use super::UNREAD_LIMIT;

/// Bytes that are not what they ought to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {reason}")]
pub struct Refused {
    /// What is wrong.
    pub reason: Reason,
    /// Where in the recording it was noticed: the byte, from 0.
    pub at: u64,
}

/// What is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No asciicast at all.
    #[error("{0}")]
    NotARecording(DefectKind),
    /// A seal does not fit what it seals, or the one before it.
    #[error("{0}")]
    ChainBroken(segment::DefectKind),
    /// No segment, and nothing that may stand between segments.
    #[error("these bytes are no part of a segment")]
    Damaged,
    /// So much that is no event.
    #[error("more than {} MiB without an event", UNREAD_LIMIT >> 20)]
    NothingToRead,
}

impl Reason {
    /// A word for programs; it stays.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotARecording(_) | Self::NothingToRead => "NotARecording",
            Self::ChainBroken(_) => "ChainBroken",
            Self::Damaged => "Damaged",
        }
    }
}

impl Refused {
    pub(super) fn of_segments(defect: &Defect) -> Self {
        // The same is refused before its end is found.
        if let segment::DefectKind::Damaged { offset, .. } = defect.kind {
            return Self { reason: Reason::Damaged, at: offset };
        }
        Self { reason: Reason::ChainBroken(defect.kind.clone()), at: defect.offset }
    }
}
