//! The emulated screen, and where in the recording it stands.

use casemate_cast_format::{Header, Size};
use casemate_terminal::{Screen as _, Vt100Screen, feed_flood};

use crate::index::Index;
use crate::recording::{Blocks, Place};
use crate::shared::Shared;

/// A place between two events: behind that many events of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) block: usize,
    pub(crate) at: usize,
}

/// A screen that can be taken to any spot.
#[derive(Debug)]
pub(crate) struct Stage {
    screen: Vt100Screen,
    spot: Spot,
    size: (u16, u16),
    term: String,
}

impl Stage {
    /// The screen before the first event.
    pub(crate) fn new(header: &Header) -> Self {
        let term = header.terminal();
        let size = header.size.cells();
        let screen = Vt100Screen::new(size.0, size.1, 0).for_term(term);
        Self { screen, spot: Spot::default(), size, term: term.to_owned() }
    }

    pub(crate) fn screen(&self) -> &Vt100Screen {
        &self.screen
    }

    /// Goes there, by the shortest way: from where it is, or from a keyframe. Stops when about so much output was
    /// emulated; returns whether it has arrived.
    ///
    /// The spot must exist, with all blocks before it.
    pub(crate) fn go(&mut self, to: Spot, blocks: &mut Blocks, index: &Shared<Index>, budget: usize) -> bool {
        self.jump(to, blocks, index);
        let mut left = Some(budget);
        while self.spot < to {
            let Some(place) = place(index, self.spot.block) else { return true };
            let block = blocks.load(&place);
            let end = if self.spot.block == to.block { to.at.min(block.len()) } else { block.len() };
            while self.spot.at < end {
                if left.is_none() {
                    return false;
                }
                let run = block.output(self.spot.at, end);
                feed_flood(&mut self.screen, run.text.as_bytes(), 0);
                if let Some(size) = run.size.map(Size::cells) {
                    self.screen.resize(size.0, size.1);
                }
                self.spot.at = run.end;
                left = left.and_then(|left| left.checked_sub(run.text.len()));
            }
            if self.spot.block == to.block {
                break;
            }
            self.spot = Spot { block: self.spot.block + 1, at: 0 };
            // What the missing block did to the screen is known none the less.
            if block.damage.is_some() {
                self.restore(self.spot.block, blocks, index);
            }
        }
        true
    }

    /// How many blocks have to be played, at least in part, to go there.
    pub(crate) fn blocks_to(&self, to: Spot, index: &Shared<Index>) -> usize {
        let own = if self.spot <= to { self.spot.block } else { 0 };
        to.block - nearest(&index.lock(), own, to.block).unwrap_or(own)
    }

    /// Takes the keyframe that is nearest before the target, if that is shorter.
    fn jump(&mut self, to: Spot, blocks: &mut Blocks, index: &Shared<Index>) {
        let from = if self.spot <= to { self.spot.block + 1 } else { 0 };
        let mut last = to.block;
        loop {
            let found = nearest(&index.lock(), from, last);
            let Some(nearest) = found else { break };
            if self.restore(nearest, blocks, index) {
                return;
            }
            let Some(before) = nearest.checked_sub(1) else { break };
            last = before;
        }
        if self.spot > to {
            self.screen = Vt100Screen::new(self.size.0, self.size.1, 0).for_term(&self.term);
            self.spot = Spot::default();
        }
    }

    /// Takes the keyframe at the start of a block; `false` if there is none that can be read.
    fn restore(&mut self, block: usize, blocks: &mut Blocks, index: &Shared<Index>) -> bool {
        let held = index.lock().keyframes.get(block);
        let keyframe = held.or_else(|| {
            let place = place(index, block).filter(|place| place.has_sealed_keyframe)?;
            blocks.recording().keyframe(&place)
        });
        let is_restored = keyframe.is_some_and(|keyframe| self.screen.restore(&keyframe).is_ok());
        if is_restored {
            self.spot = Spot { block, at: 0 };
        }
        is_restored
    }
}

/// The last block in this range, from the one to the other, of whose start there is a keyframe.
fn nearest(index: &Index, from: usize, to: usize) -> Option<usize> {
    let sealed = (from..=to)
        .rev()
        .find(|&block| index.places.get(block).is_some_and(|place| place.has_sealed_keyframe));
    sealed.max(index.keyframes.nearest(from, to))
}

pub(crate) fn place(index: &Shared<Index>, block: usize) -> Option<Place> {
    index.lock().places.get(block).copied()
}
