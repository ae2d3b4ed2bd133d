//! Frame by frame.
//!
//! A frame is what is shown when all events of one moment have happened, if any of them is output or a change of size.

use casemate_cast_format::Micros;

use super::{Next, PATIENCE, Player, Position};
use crate::recording::Event;
use crate::stage::Spot;

impl Player {
    /// Goes so many frames on, or back where that is negative, and pauses.
    pub fn step(&mut self, frames: i64) -> Position {
        self.halt();
        for _ in 0..frames.unsigned_abs() {
            let next = if frames > 0 { self.frame_behind() } else { self.frame_before() };
            let Some((spot, time)) = next else { break };
            self.put(spot, time);
        }
        self.position()
    }

    pub(crate) fn frame_behind(&mut self) -> Option<(Spot, Micros)> {
        let mut spot = self.spot;
        loop {
            let (Spot { block: number, at }, block) = self.next_known(spot)?;
            let Some(shown) = block.first_from(at, |event| event.is_shown()) else {
                spot = Spot { block: number, at: block.len() };
                continue;
            };
            let time = block.time(shown)?;
            return Some((self.end_of_moment(Spot { block: number, at: shown }, time), time));
        }
    }

    fn frame_before(&mut self) -> Option<(Spot, Micros)> {
        if (self.spot, self.time) == (Spot::default(), Micros(0)) {
            return None;
        }
        let begin = Some((Spot::default(), Micros(0)));
        let Some((_, current)) = self.shown_before(self.spot, Micros(u64::MAX)) else { return begin };
        match self.shown_before(self.spot, current) {
            Some((spot, time)) => Some((self.end_of_moment(spot, time), time)),
            None => begin,
        }
    }

    /// The last event before a spot, and earlier than that unless it is the end of time, that changes what is shown.
    fn shown_before(&mut self, spot: Spot, earlier: Micros) -> Option<(Spot, Micros)> {
        let mut spot = spot;
        loop {
            let block = self.block(spot.block)?;
            let is_it =
                |event: &Event<'_>| event.is_shown() && (event.time < earlier || earlier.0 == u64::MAX);
            if let Some(at) = block.last_before(spot.at, is_it) {
                return Some((Spot { block: spot.block, at }, block.time(at)?));
            }
            spot = Spot { block: spot.block.checked_sub(1)?, at: usize::MAX };
        }
    }

    /// Behind the last event from this spot on that happened at this time.
    fn end_of_moment(&mut self, mut spot: Spot, time: Micros) -> Spot {
        while let Some((Spot { block: number, at }, block)) = self.next_known(spot) {
            if block.time(at) != Some(time) {
                break;
            }
            spot = Spot { block: number, at: block.count_until(time).max(at) };
        }
        spot
    }

    /// The next event, for which the index is waited for if need be.
    fn next_known(&mut self, spot: Spot) -> Option<(Spot, std::sync::Arc<crate::recording::Block>)> {
        loop {
            match self.next(spot) {
                Next::Event(spot, block) => return Some((spot, block)),
                Next::End(_) => return None,
                Next::Unknown => self.indexer.wait(PATIENCE),
            }
        }
    }
}
