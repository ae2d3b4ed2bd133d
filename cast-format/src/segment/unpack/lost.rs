//! What the unpacker does where bytes are not what ought to be there: it looks for the next thing that is
//! certainly right, names what it passed over, and goes on from there.
//!
//! Invariant: everything read more than once adds up to a multiple of the input ([`Unpacker::may_spend`]).

use memchr::memchr3;

use super::super::SKIPPABLE_LIMIT;
use super::super::frame::ZSTD_MAGIC;
use super::super::report::DefectKind;
use super::super::seal::{SEAL_MAGIC, Seal};
use super::super::seek_table::{self, SEEK_TABLE_MAGIC, u32_at};
use super::{Sink, State, Step, Unpacker};

enum Candidate {
    Found,
    Cut,
    Nothing,
}

impl Unpacker {
    /// The bytes from `from` on are not what ought to be there.
    pub(super) fn lose(&mut self, from: u64) {
        self.entries = None;
        // A damaged size of a block may have led us over the frame's seal, be it to its end or not: look
        // through all of it again.
        let here = self.position();
        let frame = self.waiting.as_ref().map_or(from, |facts| facts.offset);
        let held = self.buffer_offset + self.keep as u64;
        if frame < here && frame == held && self.may_spend(here - frame) {
            self.at = self.keep;
        }
        if self.position() == frame || self.position() == from {
            self.at += 1;
        }
        self.state = State::Lost { from, frames_from: here.max(from + 1) };
        self.keep = self.at;
    }

    /// Whether so many bytes may be read a second time. What may be spent grows with what was read, so that
    /// everything together stays linear, with room for what real damage needs.
    fn may_spend(&mut self, bytes: u64) -> bool {
        let may = self.spent + bytes <= 16 * self.position() + (4 << 20);
        if may {
            self.spent += bytes;
        }
        may
    }

    pub(super) fn search(&mut self, ending: bool, sink: &mut Sink<'_>) -> Step {
        let State::Lost { from, frames_from } = self.state else { return Step::NeedsMore };
        let [zstd, seal, table] =
            [ZSTD_MAGIC, SEAL_MAGIC, SEEK_TABLE_MAGIC].map(|magic| magic.to_le_bytes()[0]);
        let step = loop {
            let Some(found) = memchr3(zstd, seal, table, &self.buffer[self.at..]) else {
                self.at = self.buffer.len();
                break Step::NeedsMore;
            };
            self.at += found;
            match self.candidate(frames_from) {
                Candidate::Found => break Step::Done,
                Candidate::Cut if !ending => break Step::NeedsMore,
                Candidate::Cut | Candidate::Nothing => self.at += 1,
            }
        };
        self.keep = self.at;
        if step == Step::Done {
            // Found in what was taken for a complete frame: it was none.
            let none = self.waiting.take_if(|_| self.buffer_offset + (self.at as u64) < from);
            let from = none.map_or(from, |facts| facts.offset);
            let bytes = self.position() - from;
            let sequence = self.chain.expected();
            self.defect(DefectKind::Damaged { sequence, offset: from, bytes }, sink);
            self.behind_damage = Some(from);
            self.state = State::Boundary;
        }
        step
    }

    /// Whether what stands here is something to go on from.
    fn candidate(&mut self, frames_from: u64) -> Candidate {
        let new = self.position() >= frames_from;
        let rest = &self.buffer[self.at..];
        if rest.len() < 4 {
            return Candidate::Cut;
        }
        let magic = u32_at(rest, 0);
        if magic == ZSTD_MAGIC && new {
            return Candidate::Found;
        }
        if magic != SEAL_MAGIC && !(magic == SEEK_TABLE_MAGIC && new) {
            return Candidate::Nothing;
        }
        if rest.len() < 8 {
            return Candidate::Cut;
        }
        let length = u64::from(u32_at(rest, 4));
        if length > SKIPPABLE_LIMIT {
            return Candidate::Nothing;
        }
        let whole = 8 + usize::try_from(length).expect("at most SKIPPABLE_LIMIT");
        if rest.len() < whole {
            return Candidate::Cut;
        }
        if !self.may_spend(length) {
            return Candidate::Nothing;
        }
        let payload = &self.buffer[self.at + 8..self.at + whole];
        let right = match magic {
            SEAL_MAGIC => Seal::parse(payload).is_ok(),
            _ => seek_table::parse(payload).is_ok(),
        };
        if right { Candidate::Found } else { Candidate::Nothing }
    }
}
