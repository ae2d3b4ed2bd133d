//! Giving up what a store does, from another thread: whoever searches while somebody types has no use for the answer to
//! half a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells a [`Store`](crate::Store) that obeys it to stop. Clones are one token, and once stopped it remains so: with one
/// for each question, the wrong one is never given up.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// Gives up what is going on, and what would begin.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
