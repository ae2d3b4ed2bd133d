//! Times as a player takes them.
//!
//! *Invariant*: they do not go back, and are exact as numbers of seconds and of milliseconds: a player compares them.

use casemate_cast_format::Micros;

/// Thirty years. Numbers of milliseconds are told apart to the microsecond up to there, and well beyond.
const LATEST: Micros = Micros(1_000_000_000_000_000);

/// Follows the time of a recording.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pub(super) last: Micros,
}

impl Pace {
    /// When something is played of which the recording says that it happened then.
    pub(super) fn at(&mut self, time: Micros) -> Micros {
        self.last = self.last.max(time.min(LATEST));
        self.last
    }

    /// The same for the first of a new scene, behind all that was before.
    pub(super) fn behind(&mut self, time: Micros) -> Micros {
        self.last = self.last.plus(Micros(1)).max(time.min(LATEST));
        self.last
    }
}

/// As the player has them.
#[expect(clippy::cast_precision_loss, reason = "it is exact as far as `LATEST`, and further")]
pub(super) fn seconds(time: Micros) -> f64 {
    time.0 as f64 / 1e6
}
