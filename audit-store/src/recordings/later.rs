//! What went wrong is tried again, later and later: a recording whose object is gone is not read every few seconds.
//!
//! *Invariant*: it is remembered of those alone that went wrong, and only until it goes well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// How long is waited the first time.
const FIRST: Duration = Duration::from_secs(10);

/// How long at most: whoever has made room on a disk does not wait long.
const LONGEST: Duration = Duration::from_secs(600);

/// Who has to wait. All clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Later(Arc<Mutex<HashMap<Uuid, Wait>>>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Instant,
    lasts: Duration,
}

impl Later {
    pub(super) fn is_due(&self, id: Uuid, now: Instant) -> bool {
        self.waits().get(&id).is_none_or(|wait| now.saturating_duration_since(wait.since) >= wait.lasts)
    }

    pub(super) fn failed(&self, id: Uuid, now: Instant) {
        let mut waits = self.waits();
        let lasts = waits.get(&id).map_or(FIRST, |wait| (wait.lasts * 2).min(LONGEST));
        waits.insert(id, Wait { since: now, lasts });
    }

    pub(super) fn went_well(&self, id: Uuid) {
        self.waits().remove(&id);
    }

    fn waits(&self) -> MutexGuard<'_, HashMap<Uuid, Wait>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_later_until_it_goes_well() {
        let (later, id, other) = (Later::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let mut now = Instant::now();
        let mut waited = Vec::new();
        for _ in 0..9 {
            later.failed(id, now);
            let begun = now;
            while !later.is_due(id, now) {
                now += Duration::from_secs(1);
            }
            waited.push((now - begun).as_secs());
            assert!(later.is_due(other, begun));
        }
        assert_eq!(waited, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        later.failed(id, now);
        later.went_well(id);
        assert!(later.is_due(id, now));
        later.failed(id, now);
        assert!(later.is_due(id, now + FIRST));
    }
}
