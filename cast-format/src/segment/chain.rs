//! The chain of seals: whether each fits its frame and the one before it.
//!
//! Invariant: bounded memory, whatever the seals say. Not here: the own hash of a seal, without which it is
//! no seal at all (`Seal::parse`).

use super::report::DefectKind;
use super::seal::Seal;
use super::{Hash, UnpackerConfig};

/// So many holes in the sequence are remembered, to tell what is out of order from what is there twice.
const HOLES: usize = 256;

/// What was seen of a frame.
#[derive(Debug, Clone)]
pub(super) struct FrameFacts {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// `None` when the frame was not looked into.
    pub(super) content: Option<FrameContent>,
}

#[derive(Debug, Clone)]
pub(super) struct FrameContent {
    pub(super) hash: Hash,
    pub(super) text_bytes: u64,
    pub(super) lines: u64,
}

impl FrameFacts {
    pub(super) fn text_bytes(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.text_bytes)
    }
}

/// What stands before a seal.
pub(super) enum Sealed<'a> {
    Frame(&'a FrameFacts),
    /// Bytes that could not be read as a frame, named already.
    Damage,
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The seal with the highest sequence number so far, its own hash and whether it is final.
    newest: Option<(u64, Hash)>,
    holes: Vec<(u64, u64)>,
    /// So many seals have been named as damaged since the newest: their numbers are not missing.
    excused: u64,
    signer: Signer,
    pub(super) count: u64,
    pub(super) continues: Option<Hash>,
    pub(super) last_is_final: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Signer {
    #[default]
    Unknown,
    Nobody,
    Key([u8; 32]),
    /// Unsigned seals first, then those of this key: a recording that was appended to with a key.
    Later([u8; 32]),
    Several,
}

impl Chain {
    /// The number the next seal ought to have.
    pub(super) fn expected(&self) -> u64 {
        self.newest.map_or(0, |(sequence, _)| sequence.saturating_add(1))
    }

    pub(super) fn newest_hash(&self) -> Option<Hash> {
        self.newest.map(|(_, hash)| hash)
    }

    pub(super) fn signed_by(&self) -> Option<[u8; 32]> {
        if let Signer::Key(key) = self.signer { Some(key) } else { None }
    }

    /// A seal stood here that cannot be read.
    pub(super) fn excuse_one(&mut self) {
        self.excused += 1;
        self.last_is_final = false;
    }

    /// Adds the next seal of the file and gives all that is wrong with it.
    pub(super) fn add(
        &mut self,
        seal: &Seal,
        sealed: &Sealed<'_>,
        config: &UnpackerConfig,
    ) -> Vec<DefectKind> {
        let mut defects = Vec::new();
        self.check_place(seal, config, &mut defects);
        check_frame(seal, sealed, &mut defects);
        self.check_signature(seal, config, &mut defects);
        self.count += 1;
        self.last_is_final = seal.head.is_final;
        defects
    }

    fn check_place(&mut self, seal: &Seal, config: &UnpackerConfig, defects: &mut Vec<DefectKind>) {
        let sequence = seal.head.sequence;
        let expected = self.expected();
        let first = self.newest.is_none();
        if sequence < expected {
            defects.push(if self.fill_hole(sequence) {
                DefectKind::OutOfOrder { sequence }
            } else {
                DefectKind::Repeated { sequence }
            });
            return;
        }
        let excused = std::mem::take(&mut self.excused);
        if sequence > expected && sequence - expected == excused {
            // Named already.
        } else if sequence > expected {
            defects.push(DefectKind::Missing { first: expected, last: sequence - 1 });
            if self.holes.len() < HOLES {
                self.holes.push((expected, sequence - 1));
            }
        } else if let Some(previous) = if first { config.previous_seal } else { self.newest_hash() }
            && previous != seal.previous
        {
            defects.push(DefectKind::ChainBroken { sequence });
        }
        if first && sequence == 0 && seal.previous != [0; 32] {
            self.continues = Some(seal.previous);
        }
        self.newest = Some((sequence, seal.own));
    }

    fn fill_hole(&mut self, sequence: u64) -> bool {
        let Some(at) = self.holes.iter().position(|hole| (hole.0..=hole.1).contains(&sequence)) else {
            return false;
        };
        let (first, last) = self.holes.swap_remove(at);
        if first < sequence {
            self.holes.push((first, sequence - 1));
        }
        if sequence < last {
            self.holes.push((sequence + 1, last));
        }
        true
    }

    fn check_signature(&mut self, seal: &Seal, config: &UnpackerConfig, defects: &mut Vec<DefectKind>) {
        let sequence = seal.head.sequence;
        if seal.signature_holds() == Some(false) {
            defects.push(DefectKind::WrongSignature { sequence });
            self.signer = Signer::Several;
            return;
        }
        let key = seal.signature.map(|signature| signature.public_key);
        let wanted = config.public_key.or(match self.signer {
            Signer::Key(key) | Signer::Later(key) => Some(key),
            Signer::Unknown | Signer::Nobody | Signer::Several => None,
        });
        match (wanted, key) {
            (Some(_), None) => defects.push(DefectKind::NotSigned { sequence }),
            (Some(wanted), Some(key)) if wanted != key => defects.push(DefectKind::OtherKey { sequence }),
            _ => {}
        }
        self.signer = match (self.signer, key) {
            (Signer::Unknown, Some(key)) => Signer::Key(key),
            (Signer::Unknown | Signer::Nobody, None) => Signer::Nobody,
            (Signer::Nobody, Some(key)) => Signer::Later(key),
            (Signer::Key(old), Some(key)) if old == key => self.signer,
            (Signer::Later(old), Some(key)) if old == key => self.signer,
            _ => Signer::Several,
        };
    }
}

fn check_frame(seal: &Seal, sealed: &Sealed<'_>, defects: &mut Vec<DefectKind>) {
    let head = &seal.head;
    let sequence = head.sequence;
    if head.start > head.end {
        defects.push(DefectKind::Counts { sequence, what: "times" });
    }
    match sealed {
        Sealed::Nothing => defects.push(DefectKind::FrameMissing { sequence }),
        Sealed::Damage => defects.push(DefectKind::FrameChanged { sequence }),
        Sealed::Frame(frame) => {
            let changed = frame.content.as_ref().is_some_and(|content| content.hash != seal.frame_hash);
            if frame.bytes != head.frame_bytes || changed {
                defects.push(DefectKind::FrameChanged { sequence });
            } else if let Some(content) = &frame.content {
                if content.text_bytes != head.text_bytes {
                    defects.push(DefectKind::Counts { sequence, what: "text bytes" });
                }
                // The header's lines are no events, so there may be more lines.
                if content.lines < head.events {
                    defects.push(DefectKind::Counts { sequence, what: "events" });
                }
            }
        }
    }
}
