//! Search in everything that was ever on the screen or scrolled off it.
//!
//! A thread goes through the recording, from where the player stands to the end, and then through what lies before.
//! Hits are there as soon as they are found. What counts as a line, and when it was seen, is what
//! [`Sightings`](casemate_terminal::Sightings) say.
//!
//! Memory is bounded: so many hits are kept, of long lines the part with the match, and expressions that would take
//! too much are refused.

mod hits;
mod pass;
mod pattern;
mod show;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use casemate_cast_format::Micros;

pub use hits::Hit;
use hits::Hits;
pub(crate) use pass::Pass;
pub use pattern::{BadPattern, Pattern};

use crate::shared::Shared;

/// A search that is going on, or has ended. It ends when it is dropped.
#[derive(Debug)]
pub struct Search {
    pattern: Pattern,
    hits: Arc<Shared<Hits>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Search {
    pub(crate) fn begin(pattern: Pattern, pass: Pass) -> Self {
        let hits = Arc::new(Shared::new(Hits::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let run = {
            let (pattern, hits, stop) = (pattern.clone(), Arc::clone(&hits), Arc::clone(&stop));
            move || {
                // However it ends, nobody shall wait for it.
                let _ended = Ended(&hits);
                pass.run(&pattern, &hits, &stop);
            }
        };
        let thread = std::thread::Builder::new().name("search".into()).spawn(run).ok();
        if thread.is_none() {
            hits.change(Hits::end);
        }
        Self { pattern, hits, stop, thread }
    }

    /// What is searched for.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// All hits so far, by time; at most 100 000.
    #[must_use]
    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().all().collect()
    }

    /// How many there are so far, also those that were too many to be kept.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hits.lock().count()
    }

    /// The first hit so far that is later than this.
    #[must_use]
    pub fn next(&self, time: Micros) -> Option<Hit> {
        self.hits.lock().after(time)
    }

    /// The last hit so far that is earlier than this.
    #[must_use]
    pub fn previous(&self, time: Micros) -> Option<Hit> {
        self.hits.lock().before(time)
    }

    /// How much of the recording was searched, from 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        self.hits.lock().progress()
    }

    /// Whether everything was searched.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.hits.lock().is_complete()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, there is nothing to be done about it here.
            drop(thread.join());
        }
    }
}

struct Ended<'a>(&'a Shared<Hits>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.change(Hits::end);
    }
}
