//! Makes the index: one pass through a recording, block by block.
//!
//! Output is emulated only where no keyframe is stored: in plain files, and in segments without one.
//! *Invariant*: what is published is true of the whole file up to there, so that a pass may end, and go on, anywhere.

use std::io;
use std::time::Duration;

use casemate_cast_format::{Code, own};

use super::{Index, Mark, MarkKind, Marker, cut};
use crate::recording::{At, Block, Blocks, Place, Recording};
use crate::shared::Shared;
use crate::stage::{Spot, Stage, place};

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Another step will find something.
    More,
    /// Nothing more has come through the pipe yet; see [`Builder::wait_for_more`].
    Waiting,
    /// The end of the file has been read.
    Done,
}

/// A pass through a recording.
#[derive(Debug)]
pub(crate) struct Builder {
    blocks: Blocks,
    stage: Stage,
    /// The block that is being read, and how many of its events have been.
    spot: Spot,
    /// Output since the last keyframe.
    output: u64,
}

impl Builder {
    /// Finds out what can be known before anything is read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn begin(mut recording: Recording) -> io::Result<(Self, Index)> {
        // What comes while this looks is found by the next look: the end is asked for first, then the length.
        let mut index = Index { is_arriving: recording.is_arriving()?, ..Index::default() };
        index.read = (0, recording.length()?);
        if recording.is_piped() {
            recording.refresh()?;
        }
        index.has_all_places = recording.survey(&mut index.places)?;
        Ok((Self::at(Spot::default(), recording), index))
    }

    /// Goes on behind an index that is complete, if it can be one of this recording.
    pub(crate) fn behind(index: &Index, mut recording: Recording) -> Option<Self> {
        let mut places = Vec::new();
        recording.survey(&mut places).ok()?;
        let is_same = |(found, kept): (&Place, &Place)| {
            Place { first_event: None, ..*found } == Place { first_event: None, ..*kept }
        };
        let is_lines = matches!(places.first()?.at, At::Lines { .. });
        let count = if is_lines { 1 } else { places.len().max(index.places.len()) };
        let fits = places.len() >= count && index.places.len() >= count;
        let fits = fits && places.iter().zip(&index.places).all(is_same);
        let last = index.places.len().checked_sub(1).filter(|_| fits)?;
        let spot = if index.places[last].is_open {
            let at = index.events - index.places[last].first_event?;
            Spot { block: last, at: usize::try_from(at).ok()? }
        } else {
            Spot { block: last + 1, at: 0 }
        };
        Some(Self::at(spot, recording))
    }

    fn at(spot: Spot, recording: Recording) -> Self {
        let stage = Stage::new(recording.header());
        Self { blocks: Blocks::new(recording), stage, spot, output: 0 }
    }

    pub(crate) fn recording(&mut self) -> &mut Recording {
        self.blocks.recording()
    }

    /// Looks whether the file has grown, and if so opens the end of the index again.
    pub(crate) fn refresh(&mut self, index: &Shared<Index>) -> io::Result<()> {
        let recording = self.blocks.recording();
        let length = recording.length()?;
        let mut index = index.lock();
        if index.read.1 != length {
            recording.refresh()?;
            index.has_all_places = recording.survey(&mut index.places)?;
            index.read.1 = length;
            index.is_complete = false;
        }
        Ok(())
    }

    /// Waits for more to come through the pipe, at most for about so long.
    pub(crate) fn wait_for_more(&mut self, index: &Shared<Index>, time: Duration) {
        let known = index.lock().read.1;
        self.blocks.recording().wait_for_more(known, time);
    }

    /// Reads one block.
    pub(crate) fn step(&mut self, index: &Shared<Index>) -> Step {
        match self.try_step(index) {
            Ok(step) => step,
            Err(error) => {
                index.change(|index| {
                    index.failure = Some(error.to_string());
                    index.has_all_places = true;
                    (index.is_complete, index.is_arriving) = (true, false);
                });
                Step::Done
            }
        }
    }

    fn try_step(&mut self, index: &Shared<Index>) -> io::Result<Step> {
        let is_arriving = self.blocks.recording().is_arriving()?;
        if index.lock().is_arriving {
            self.refresh(index)?;
        }
        let done = if is_arriving { Step::Waiting } else { Step::Done };
        let Some(place) = place(index, self.spot.block) else {
            index.change(|index| (index.is_complete, index.is_arriving) = (!is_arriving, is_arriving));
            return Ok(done);
        };
        let block = self.blocks.load(&place);
        let end = self.blocks.recording().end_of(&place);
        let next = if place.is_open { None } else { self.blocks.recording().place_behind(&place, &block)? };
        index.change(|index| {
            self.note(&block, &place, index);
            index.read.0 = end;
            if let Some((next, is_last)) = next {
                index.places.push(next);
                index.has_all_places = is_last;
            } else if !place.is_open && self.spot.block + 1 == index.places.len() {
                index.has_all_places = true;
            }
            if place.is_open {
                (index.is_complete, index.is_arriving) = (!is_arriving, is_arriving);
            }
        });
        if place.is_open {
            self.spot.at = self.spot.at.max(block.len());
            return Ok(done);
        }
        self.spot = Spot { block: self.spot.block + 1, at: 0 };
        self.keyframe(index);
        Ok(Step::More)
    }

    /// Makes a keyframe for the start of the block that comes next, if there has been much output since the last.
    fn keyframe(&mut self, index: &Shared<Index>) {
        let Some(place) = place(index, self.spot.block) else { return };
        if place.has_sealed_keyframe {
            self.output = 0;
        } else if self.output >= self.blocks.recording().grain.keyframe {
            self.output = 0;
            self.stage.go(self.spot, &mut self.blocks, index, usize::MAX);
            let keyframe = casemate_terminal::Screen::keyframe(self.stage.screen());
            index.change(|index| index.keyframes.add(self.spot.block, &keyframe));
        }
    }

    fn note(&mut self, block: &Block, place: &Place, index: &mut Index) {
        let from = self.spot.at.min(block.len());
        if from == 0 {
            if let Some(place) = index.places.get_mut(self.spot.block) {
                place.first_event = Some(index.events);
            }
            if let Some(why) = &block.damage {
                let mark = Mark { time: place.earliest, kind: MarkKind::Damaged(cut(why)) };
                Index::keep(&mut index.marks, &mut index.left_out, mark);
            }
        }
        if !place.is_open {
            index.defects = index.defects.saturating_add(block.defects);
        }
        index.events = index.events.saturating_add((block.len() - from) as u64);
        for at in from..block.len() {
            let Some(event) = block.event(at) else { break };
            let time = event.time;
            let mut mark = |kind| Index::keep(&mut index.marks, &mut index.left_out, Mark { time, kind });
            match &event.code {
                Code::Output => {
                    self.output += event.data.len() as u64;
                    index.activity.add(time, event.data.len() as u64);
                }
                Code::Input => {}
                Code::Marker => {
                    let marker = Marker { time, label: cut(event.data) };
                    Index::keep(&mut index.markers, &mut index.left_out, marker);
                }
                Code::Resize => {
                    if let Some(size) = event.size() {
                        Index::keep(&mut index.sizes, &mut index.left_out, (time, size));
                    }
                }
                Code::Exit => mark(MarkKind::Exit(cut(event.data))),
                Code::Other(code) => match (&**code, event.data) {
                    (own::GAP, data) => mark(MarkKind::Gap(cut(data))),
                    (own::PAUSE, "begin") => mark(MarkKind::Paused),
                    (own::PAUSE, "end") => mark(MarkKind::Resumed),
                    (own::SESSION, data) => mark(MarkKind::Session(cut(data))),
                    (own::PART, data) => mark(MarkKind::Part(cut(data))),
                    _ => {}
                },
            }
            index.end = time;
        }
    }
}
