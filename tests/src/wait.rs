//! Waiting for a condition, and taking turns.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for something that normally takes milliseconds: two cores, other builds running.
pub const LONG: Duration = Duration::from_secs(30);

/// Time between two looks at a condition that cannot wake us.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `found` gives something, and gives that.
///
/// # Panics
/// If nothing was found within `timeout`; `what` names it.
#[track_caller]
pub fn wait_until<T>(what: &str, timeout: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} in vain for {what}");
        sleep(LOOK);
    }
}

/// Held by a test that measures time or memory, or that keeps a core busy: one of those at a time.
#[must_use = "the turn lasts as long as the guard"]
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed in its turn does not spoil the turns of the others.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
