//! How time passes in an excerpt: faster, with shorter pauses.

use casemate_cast_format::Micros;

/// A speed of 1, in the unit of [`Pace::speed`].
const NORMAL: u64 = 1_000_000;

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How much faster, in millionths; more than 0.
    pub speed: u64,
    /// No pause is longer, before it passes faster.
    pub idle_limit: Option<Micros>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: NORMAL, idle_limit: None }
    }
}

impl Pace {
    /// Whether time passes as it did.
    pub fn is_normal(self) -> bool {
        self == Self::default()
    }

    /// How long a time becomes.
    pub(crate) fn scale(self, time: Micros) -> Micros {
        let scaled = u128::from(time.0) * u128::from(NORMAL) / u128::from(self.speed.max(1));
        Micros(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

/// A clock that goes at a pace.
#[derive(Debug)]
pub(crate) struct Clock {
    pace: Pace,
    /// The time of the recording, and that without what is left out of its pauses.
    last: Micros,
    passed: Micros,
}

impl Clock {
    /// A clock that shows 0 at a time of the recording.
    pub(crate) fn new(pace: Pace, start: Micros) -> Self {
        Self { pace, last: start, passed: Micros(0) }
    }

    /// What it shows at a time of the recording, at which something happens.
    pub(crate) fn tick(&mut self, time: Micros) -> Micros {
        let pause = Micros(time.0.saturating_sub(self.last.0));
        self.last = self.last.max(time);
        self.passed = self.passed.plus(self.pace.idle_limit.map_or(pause, |limit| pause.min(limit)));
        self.pace.scale(self.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pace};
    use casemate_cast_format::Micros;
    use proptest::prelude::*;

    #[test]
    fn pauses_become_shorter_and_then_everything_faster() {
        let mut clock =
            Clock::new(Pace { speed: 2_500_000, idle_limit: Some(Micros(2_000_000)) }, Micros(500));
        let times = [500, 1_000_500, 60_000_500, 60_000_500].map(|time| clock.tick(Micros(time)).0);
        assert_eq!(times, [0, 400_000, 1_200_000, 1_200_000]);
    }

    proptest! {
        #[test]
        fn no_clock_goes_backwards_or_overflows(
            speed in any::<u64>(), limit in any::<Option<u64>>(), start in any::<u64>(), times in any::<Vec<u64>>(),
        ) {
            let mut clock = Clock::new(Pace { speed, idle_limit: limit.map(Micros) }, Micros(start));
            let shown: Vec<_> = times.into_iter().map(|time| clock.tick(Micros(time))).collect();
            prop_assert!(shown.is_sorted());
        }
    }
}
