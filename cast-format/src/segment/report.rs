//! What reading a recording says besides its text: segments, defects, and the verdict at the end.
//!
//! Segments are named by their sequence number, the first one being 0. Not here: how a defect is found
//! (`unpack` for the bytes, `chain` for the seals).

use super::Hash;
use super::seal::{Seal, SealError};
use crate::time::Micros;

/// A verdict lists this many defects and counts the others, so that a hostile file cannot fill memory.
pub(super) const DEFECTS_LISTED: usize = 1000;

/// A piece of a recording, in the order of the file.
#[derive(Debug)]
pub enum Unpacked<'a> {
    /// Text, cut anywhere. It is given before its seal has been seen.
    Text(&'a [u8]),
    /// The text since the last such report was a segment, and this is its seal.
    Segment(&'a SegmentReport),
    /// The text since the last such report was a complete frame that has no seal.
    Unsealed(UnsealedFrame),
    /// The file ends inside a frame, or behind one without a seal: an unfinished recording.
    Open(OpenFrame),
    /// A seek table.
    SeekTable {
        /// Where it begins.
        offset: u64,
        /// Whether it is the one that belongs here; `None` when that cannot be told: in files of others and
        /// behind damaged bytes.
        matches: Option<bool>,
    },
    /// A skippable frame of others, which nothing protects: a defect in a recording that has seals.
    Foreign {
        /// Where it begins.
        offset: u64,
        /// Its length.
        bytes: u64,
    },
    /// Something is wrong. The defects of a segment come just before its report, which holds them too.
    Defect(&'a Defect),
}

/// One segment, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// Where its frame begins; where its seal begins if it has no frame.
    pub frame_offset: u64,
    /// Where its seal begins.
    pub seal_offset: u64,
    /// Length of the seal's whole skippable frame.
    pub seal_bytes: u64,
    /// The seal, whose own hash is right.
    pub seal: Seal,
    /// All that is wrong with it.
    pub defects: Vec<Defect>,
}

/// A complete frame without a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsealedFrame {
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// The length of its text.
    pub text_bytes: u64,
}

/// The last frame of an unfinished recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFrame {
    /// Where it begins.
    pub offset: u64,
    /// Length of its whole parts.
    pub bytes: u64,
    /// The length of their text.
    pub text_bytes: u64,
    /// Whether the frame is complete and only its seal is missing.
    pub complete: bool,
}

/// Something that is wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Defect {
    /// Where in the file it was noticed.
    pub offset: u64,
    /// Which part of the recording it concerns; `None` for the seek table.
    pub span: Option<Span>,
    /// What it is.
    pub kind: DefectKind,
}

/// A part of a recording, by its times, as far as its seals tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From here on,
    pub from: Micros,
    /// up to here; `None` when no seal follows, or, in [`Unpacked::Defect`], none has been read yet.
    pub to: Option<Micros>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefectKind {
    /// The frame's bytes, or their number, are not those that were sealed.
    #[error("segment {sequence}: frame does not match its seal")]
    FrameChanged {
        /// The segment.
        sequence: u64,
    },
    /// The seal counts other bytes or lines than its frame holds, or ends before it starts.
    #[error("segment {sequence}: {what} do not match the seal")]
    Counts {
        /// The segment.
        sequence: u64,
        /// What was counted.
        what: &'static str,
    },
    /// A seal without a frame before it.
    #[error("segment {sequence}: its frame is missing")]
    FrameMissing {
        /// The segment.
        sequence: u64,
    },
    /// A seal cannot be read.
    #[error("segment {sequence}: {error}")]
    SealDamaged {
        /// The segment that ought to be here.
        sequence: u64,
        /// Why.
        error: SealError,
    },
    /// A frame between sealed ones.
    #[error("{bytes} bytes without a seal at byte {offset}")]
    Unsealed {
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// A skippable frame of others: what is in it can be changed without being noticed.
    #[error("{bytes} bytes at byte {offset} belong to no segment")]
    Foreign {
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// There is a hole in the sequence.
    #[error("{}", missing(*first, *last))]
    Missing {
        /// The first missing segment.
        first: u64,
        /// The last one in this hole.
        last: u64,
    },
    /// It stands behind one that ought to follow it.
    #[error("segment {sequence} out of order")]
    OutOfOrder {
        /// The segment.
        sequence: u64,
    },
    /// It, or another one with its number, was there before.
    #[error("segment {sequence} is there again")]
    Repeated {
        /// The segment.
        sequence: u64,
    },
    /// The seal before is not the one that was there when this one was written.
    #[error("segment {sequence} does not follow the one before it")]
    ChainBroken {
        /// The segment.
        sequence: u64,
    },
    /// The signature is not that of its key.
    #[error("segment {sequence}: wrong signature")]
    WrongSignature {
        /// The segment.
        sequence: u64,
    },
    /// There is no signature where one was expected, or one before had one.
    #[error("segment {sequence} is not signed")]
    NotSigned {
        /// The segment.
        sequence: u64,
    },
    /// The signature is right but not by the expected key, or not by the key of those before.
    #[error("segment {sequence} is signed by another key")]
    OtherKey {
        /// The segment.
        sequence: u64,
    },
    /// These bytes are not what belongs there, or cannot be decoded.
    #[error("segment {sequence}: {bytes} damaged bytes at byte {offset}")]
    Damaged {
        /// The segment that ought to be here.
        sequence: u64,
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// The file ends in the middle of something.
    #[error("segment {sequence}: the file ends with {bytes} bytes of something cut at byte {offset}")]
    Torn {
        /// The segment that ought to be here.
        sequence: u64,
        /// Where the cut thing begins.
        offset: u64,
        /// How much of it there is.
        bytes: u64,
    },
    /// The final seal has no seek table behind it.
    #[error("the seek table is missing")]
    SeekTableMissing,
    /// The seek table is not the one that belongs here, or none belongs here.
    #[error("the seek table does not match the file")]
    SeekTableWrong,
}

impl DefectKind {
    /// The segment that it concerns; the first one, if there are several.
    pub fn segment(&self) -> Option<u64> {
        match *self {
            Self::FrameChanged { sequence }
            | Self::Counts { sequence, .. }
            | Self::FrameMissing { sequence }
            | Self::SealDamaged { sequence, .. }
            | Self::OutOfOrder { sequence }
            | Self::Repeated { sequence }
            | Self::ChainBroken { sequence }
            | Self::WrongSignature { sequence }
            | Self::NotSigned { sequence }
            | Self::OtherKey { sequence }
            | Self::Damaged { sequence, .. }
            | Self::Torn { sequence, .. } => Some(sequence),
            Self::Missing { first, .. } => Some(first),
            Self::Unsealed { .. } | Self::Foreign { .. } | Self::SeekTableMissing | Self::SeekTableWrong => {
                None
            }
        }
    }

    /// A word for programs; it stays.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FrameChanged { .. } => "frame_changed",
            Self::Counts { .. } => "counts",
            Self::FrameMissing { .. } => "frame_missing",
            Self::SealDamaged { .. } => "seal_damaged",
            Self::Unsealed { .. } => "unsealed",
            Self::Foreign { .. } => "foreign",
            Self::Missing { .. } => "missing",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Repeated { .. } => "repeated",
            Self::ChainBroken { .. } => "chain_broken",
            Self::WrongSignature { .. } => "wrong_signature",
            Self::NotSigned { .. } => "not_signed",
            Self::OtherKey { .. } => "other_key",
            Self::Damaged { .. } => "damaged",
            Self::Torn { .. } => "torn",
            Self::SeekTableMissing => "seek_table_missing",
            Self::SeekTableWrong => "seek_table_wrong",
        }
    }
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        format!("segment {first} is missing")
    } else {
        format!("segments {first} to {last} are missing")
    }
}

/// What is to be said of a whole recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The last seal says that it is the last, and nothing unsealed follows.
    pub finished: bool,
    /// Finished, and nothing is wrong.
    pub intact: bool,
    /// How many seals there are. Without any, this is a zstd file of others.
    pub segments: u64,
    /// How many seals hold the screen at their end.
    pub keyframes: u64,
    /// Time of the last event that has a seal.
    pub sealed_until: Micros,
    /// The length of the text that has seals.
    pub sealed_text_bytes: u64,
    /// The length of all text.
    pub text_bytes: u64,
    /// The one key by which every seal is rightly signed.
    pub signed_by: Option<[u8; 32]>,
    /// What the first seal names as the one before it: the part before of a rotated recording.
    pub continues: Option<Hash>,
    /// Own hash of the newest seal.
    pub last_seal: Option<Hash>,
    /// The frame in which it ends, or behind which a seal is missing.
    pub open: Option<OpenFrame>,
    /// The first defects.
    pub defects: Vec<Defect>,
    /// How many more there are.
    pub more_defects: u64,
    /// How many of all are that a segment is not signed, or by another key.
    pub signer_defects: u64,
    /// How many bytes at the end are of something cut: one of the defects, if there are any.
    pub torn_bytes: u64,
}

impl Verdict {
    /// How many things are wrong.
    pub fn defect_count(&self) -> u64 {
        self.defects.len() as u64 + self.more_defects
    }

    /// A seal was read: what was wrong before it is over there at the latest.
    pub(super) fn close_spans(&mut self, at: Micros) {
        for defect in self.defects.iter_mut().rev() {
            match &mut defect.span {
                Some(Span { from, to: to @ None }) => *to = Some(at.max(*from)),
                Some(_) => break,
                None => {}
            }
        }
    }

    /// Adds a defect. What a [`Condition`](super::Condition) needs is counted also where it is not listed.
    pub(super) fn add(&mut self, defect: Defect) {
        let is_of_signer = matches!(defect.kind, DefectKind::NotSigned { .. } | DefectKind::OtherKey { .. });
        self.signer_defects += u64::from(is_of_signer);
        if let DefectKind::Torn { bytes, .. } = defect.kind {
            self.torn_bytes = bytes;
        }
        if self.defects.len() < DEFECTS_LISTED {
            self.defects.push(defect);
        } else {
            self.more_defects += 1;
        }
    }
}
