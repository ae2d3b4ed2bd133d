//! One pass through a recording: from a block to the end, then from the beginning to that block.
//!
//! In the middle it begins with the screen that stands there. Lines on it that do not change are found in the second
//! part, where they were first seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casemate_cast_format::{Code, Header, Micros, Size};
use casemate_terminal::{Screen as _, Sighting, Sightings};

use super::Pattern;
use super::hits::Hits;
use crate::index::Index;
use crate::recording::{Blocks, Recording};
use crate::shared::Shared;
use crate::stage::{Spot, Stage, place};

/// So long is waited at once for the index to grow.
const PATIENCE: Duration = Duration::from_millis(50);

/// So much output is emulated at once before it is asked whether anybody still wants to know.
const OUTPUT_AT_ONCE: usize = 1 << 20;

/// What a pass needs.
pub(crate) struct Pass {
    pub(crate) recording: Recording,
    pub(crate) index: Arc<Shared<Index>>,
    /// The block that it begins with.
    pub(crate) from: usize,
}

/// What was seen between two places.
struct Part<'a> {
    pattern: &'a Pattern,
    hits: &'a Shared<Hits>,
    /// What stood on the screen before.
    stood: BTreeSet<String>,
    /// When this part begins.
    start: Micros,
}

impl Part<'_> {
    fn see(&self, sighting: Sighting<'_>) {
        let seen = Micros(u64::try_from(sighting.time.as_micros()).unwrap_or(u64::MAX));
        if seen < self.start && self.stood.contains(sighting.text) {
            return;
        }
        if let Some(found) = self.pattern.find(sighting.text) {
            self.hits.change(|hits| hits.add(seen.max(self.start), sighting.text, found));
        }
    }
}

impl Pass {
    pub(super) fn run(self, pattern: &Pattern, hits: &Shared<Hits>, stop: &AtomicBool) {
        let header = self.recording.header().clone();
        let mut blocks = Blocks::new(self.recording);
        let mut done = 0;
        for (from, to) in [(self.from, usize::MAX), (0, self.from)] {
            let mut part = Part { pattern, hits, stood: BTreeSet::new(), start: Micros(0) };
            let mut sightings = seer(&header, None);
            if from > 0 {
                let mut stage = Stage::new(&header);
                while !stage.go(Spot { block: from, at: 0 }, &mut blocks, &self.index, OUTPUT_AT_ONCE) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
                part.start = place(&self.index, from).map_or(Micros(0), |place| place.earliest);
                seer(&header, Some(&stage)).finish(&mut |sighting| {
                    part.stood.insert(sighting.text.to_owned());
                });
                sightings = seer(&header, Some(&stage));
            }
            let mut sink = |sighting: Sighting<'_>| part.see(sighting);
            for block in from..to {
                let Some(place) = await_place(&self.index, block, stop) else { break };
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let loaded = blocks.load(&place);
                for at in 0..loaded.len() {
                    let Some(event) = loaded.event(at) else { break };
                    let time = Duration::from_micros(event.time.0);
                    if event.code == Code::Output {
                        sightings.feed(time, event.data.as_bytes(), &mut sink);
                    } else if let Some((cols, rows)) = event.size().map(Size::cells) {
                        sightings.resize(time, cols, rows, &mut sink);
                    }
                }
                done += 1;
                let count = self.index.lock().places.len();
                #[expect(clippy::cast_precision_loss, reason = "for a bar")]
                hits.change(|hits| hits.set_progress((f64::from(done) / count as f64).min(0.999)));
            }
            sightings.finish(&mut sink);
        }
    }
}

/// Looks at a blank screen, or at one on which something stands already.
fn seer(header: &Header, stage: Option<&Stage>) -> Sightings {
    let (cols, rows) = header.size.cells();
    let Some(screen) = stage.map(Stage::screen) else {
        return Sightings::new(cols, rows).for_term(header.terminal());
    };
    let size = screen.size();
    let mut sightings = Sightings::new(size.cols, size.rows).for_term(header.terminal());
    sightings.feed(Duration::ZERO, &screen.repaint(), &mut |_| {});
    sightings
}

/// A block, for which the index is waited for if need be; `None` if there is none.
fn await_place(index: &Shared<Index>, block: usize, stop: &AtomicBool) -> Option<crate::recording::Place> {
    loop {
        let guard = index.lock();
        if let Some(place) = guard.places.get(block) {
            return Some(*place);
        }
        if guard.has_all_places || guard.is_complete || stop.load(Ordering::Relaxed) {
            return None;
        }
        index.wait(guard, PATIENCE);
    }
}
