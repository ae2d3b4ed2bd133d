//! Going to a target.

use casemate_cast_format::Micros;

use super::{Length, PATIENCE, Player, Position};
use crate::index::Marker;
use crate::stage::Spot;
use crate::target::{SeekError, Target};

/// So much output is emulated at once on the way: some milliseconds.
const OUTPUT_AT_ONCE: usize = 1 << 20;

/// More blocks than these are not played again while somebody makes keyframes of them: that would be the same work.
const MOST_BLOCKS: usize = 8;

/// While playing, whoever wants to go back further than to a marker has so long to say so.
const SLACK: u64 = 1_000_000;

/// Where a player is going.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(super) target: Target,
    /// Where that is, once it is known.
    pub(super) place: Option<(Spot, Micros)>,
}

/// How far a pursuit is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pursuit {
    /// The player is where it was to go.
    There,
    /// It is on the way, or the way has to be found by reading the file; so much has been read, from 0 to 1.
    Going(f64),
}

impl Player {
    /// Goes there, however long it takes.
    ///
    /// # Errors
    /// When there is no such place; the position stays where it is.
    pub fn seek(&mut self, target: Target) -> Result<Position, SeekError> {
        self.begin_seek(target);
        while self.pursue()? != Pursuit::There {}
        Ok(self.position())
    }

    /// Begins to go there; [`Self::pursue`] does the rest. Another target takes the place of this one.
    pub fn begin_seek(&mut self, target: Target) {
        self.goal = Some(target.into());
    }

    /// Goes on for some milliseconds. The position changes when the player has arrived.
    ///
    /// # Errors
    /// When there is no such place; the position stays where it is.
    pub fn pursue(&mut self) -> Result<Pursuit, SeekError> {
        let Some(goal) = self.goal.take() else { return Ok(Pursuit::There) };
        let place = match goal.place {
            Some(place) => Some(place),
            None => self.resolve(&goal.target)?,
        };
        let is_complete = self.indexer.index.lock().is_complete;
        let is_near = |spot| self.stage.blocks_to(spot, &self.indexer.index) <= MOST_BLOCKS;
        let is_there = match place {
            Some((spot, _)) if is_complete || is_near(spot) => {
                self.stage.go(spot, &mut self.blocks, &self.indexer.index, OUTPUT_AT_ONCE)
            }
            Some(_) | None => {
                self.indexer.wait(PATIENCE);
                false
            }
        };
        if let (true, Some((spot, time))) = (is_there, place) {
            self.put(spot, time);
            return Ok(Pursuit::There);
        }
        self.goal = Some(Goal { place, ..goal });
        Ok(Pursuit::Going(self.indexer.index.lock().progress()))
    }

    /// Where a target is; `None` if that is not known yet.
    fn resolve(&mut self, target: &Target) -> Result<Option<(Spot, Micros)>, SeekError> {
        if let Target::Event(event) = target {
            return Ok(self.event(*event));
        }
        let time = self.time_of(target)?;
        Ok(time.and_then(|time| self.moment(time)))
    }

    fn time_of(&self, target: &Target) -> Result<Option<Micros>, SeekError> {
        if let Target::Percent(percent) = target {
            return Ok(self.percent(*percent));
        }
        let index = self.indexer.index.lock();
        // What is not there yet may come, until all is known.
        let known = |time: Option<Micros>, error: SeekError| match time {
            None if index.is_complete => Err(error),
            time => Ok(time),
        };
        let there = |time: Option<Micros>, what| time.ok_or(SeekError::NoneThere(what)).map(Some);
        let (after, before) = (|time: &Micros| *time > self.time, self.before());
        let mut markers = index.markers.iter().map(|marker| marker.time);
        let mut commands = self.commands.iter().copied();
        match target {
            Target::Time(time) => Ok(Some(*time)),
            Target::End => Ok(Some(Micros(u64::MAX))),
            Target::Marker(number) => known(markers.nth(*number), SeekError::NoMarker(*number)),
            Target::Label(label) => {
                let marker = labelled(&index.markers, label, index.is_complete);
                known(marker.map(|marker| marker.time), SeekError::NoLabel(label.clone()))
            }
            Target::NextMarker => {
                known(markers.find(after), SeekError::NoneThere("marker behind this moment"))
            }
            Target::PreviousMarker => {
                there(markers.rev().find(|time| *time < before), "marker before this moment")
            }
            Target::Command(number) => commands.nth(*number).ok_or(SeekError::NoCommand(*number)).map(Some),
            Target::NextCommand => there(commands.find(after), "command behind this moment"),
            Target::PreviousCommand => {
                there(commands.rev().find(|time| *time < before), "command before this moment")
            }
            // These are found otherwise.
            Target::Percent(_) | Target::Event(_) => Ok(None),
        }
    }

    /// What lies before this moment is the one before.
    fn before(&self) -> Micros {
        Micros(self.time.0.saturating_sub(if self.is_playing() { SLACK } else { 0 }))
    }

    fn percent(&self, percent: f64) -> Option<Micros> {
        if percent >= 100.0 {
            return Some(Micros(u64::MAX));
        }
        let length = match self.length() {
            Length::Exact(time) | Length::Estimated(time) => time,
            Length::Unknown => return None,
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a length, and `as` saturates"
        )]
        Some(Micros((length.0 as f64 * percent.max(0.0) / 100.0) as u64))
    }

    /// Behind everything that happened until then.
    fn moment(&mut self, time: Micros) -> Option<(Spot, Micros)> {
        let (block, place, is_last) = {
            let index = self.indexer.index.lock();
            let block = index.block_at(time)?;
            (block, index.places[block], block + 1 == index.places.len())
        };
        let loaded = self.blocks.load(&place);
        let at = loaded.count_until(time);
        if is_last && at == loaded.len() {
            // The recording ends there.
            let end = at.checked_sub(1).and_then(|last| loaded.time(last)).unwrap_or(place.earliest);
            return Some((Spot { block, at }, end.min(time)));
        }
        Some((Spot { block, at }, time))
    }

    fn event(&mut self, event: u64) -> Option<(Spot, Micros)> {
        let (block, place) = {
            let index = self.indexer.index.lock();
            let block = index.block_of_event(event)?;
            (block, index.places[block])
        };
        let loaded = self.blocks.load(&place);
        let at = event.saturating_sub(place.first_event.unwrap_or(0));
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(loaded.len());
        let time = at.checked_sub(1).and_then(|last| loaded.time(last)).unwrap_or(place.earliest);
        Some((Spot { block, at }, time))
    }
}

/// The marker with that label; else, when all are known, the first one that begins so.
fn labelled<'a>(markers: &'a [Marker], label: &str, all: bool) -> Option<&'a Marker> {
    let exact = markers.iter().find(|marker| marker.label == label);
    exact.or_else(|| markers.iter().find(|marker| all && marker.label.starts_with(label)))
}
