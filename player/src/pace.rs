//! How recorded time passes while playing: speed, and pauses that are made shorter.
//!
//! Pure: the caller says what time it is, as a duration since any moment of its own.
//!
//! A pause that is longer than the idle limit passes faster, evenly, so that it takes as long as the limit says; so
//! recorded time is at every moment a moment of the recording.

use std::time::Duration;

use casemate_cast_format::Micros;

/// Slower or faster than this nobody watches; also what `inf` becomes.
pub(crate) const SPEEDS: std::ops::RangeInclusive<f64> = 1e-3..=1e9;

/// A stretch in which nothing happens, from one event to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

/// How time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    speed: f64,
    pub(crate) idle_limit: Option<Micros>,
    /// At this time of the caller's the recording stood there.
    now: Duration,
    time: Micros,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: 1.0, idle_limit: None, now: Duration::ZERO, time: Micros(0) }
    }
}

impl Pace {
    pub(crate) fn new(idle_limit: Option<Micros>) -> Self {
        Self { idle_limit, ..Self::default() }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// Sets the speed; what is no speed is 1.
    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.speed = if speed > 0.0 { speed.clamp(*SPEEDS.start(), *SPEEDS.end()) } else { 1.0 };
    }

    /// Says that the recording stands there now.
    pub(crate) fn set(&mut self, now: Duration, time: Micros) {
        (self.now, self.time) = (now, time);
    }

    /// Where the recording stands now, within this gap.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and `as` saturates"
    )]
    pub(crate) fn time(&self, now: Duration, gap: Gap) -> Micros {
        let passed = now.saturating_sub(self.now).as_secs_f64() * 1e6 * self.rate(gap);
        self.time.plus(Micros(passed.round() as u64)).min(gap.to).max(gap.from)
    }

    /// When the recording will stand at that time, within this gap.
    pub(crate) fn due(&self, time: Micros, gap: Gap) -> Duration {
        let left = time.0.saturating_sub(self.time.0);
        #[expect(clippy::cast_precision_loss, reason = "exact for the next 285 years")]
        let seconds = left as f64 / 1e6 / self.rate(gap);
        self.now.saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn rate(&self, gap: Gap) -> f64 {
        let length = gap.to.0.saturating_sub(gap.from.0);
        let idle = match self.idle_limit {
            Some(limit) if length > limit.0 => length as f64 / limit.0.max(1) as f64,
            _ => 1.0,
        };
        self.speed * idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn gap(from: u64, to: u64) -> Gap {
        Gap { from: Micros(from), to: Micros(to) }
    }

    #[test]
    fn long_pauses_pass_faster() {
        let mut pace = Pace { idle_limit: Some(Micros(2_000_000)), ..Pace::default() };
        pace.set(Duration::from_secs(100), Micros(0));
        let pause = gap(0, 10_000_000);
        assert_eq!(pace.due(Micros(10_000_000), pause), Duration::from_secs(102));
        assert_eq!(pace.time(Duration::from_secs(101), pause), Micros(5_000_000));
        pace.set_speed(2.0);
        assert_eq!(pace.due(Micros(10_000_000), pause), Duration::from_secs(101));
        assert_eq!(pace.due(Micros(1_000_000), gap(0, 1_000_000)), Duration::from_millis(100_500));
    }

    proptest! {
        #[test]
        fn nothing_is_due_before_its_time_and_no_number_is_too_large(
            speed in any::<f64>(),
            limit in proptest::option::of(any::<u64>()),
            from in any::<u64>(),
            length in any::<u64>(),
            wait in any::<u64>(),
        ) {
            let mut pace = Pace { idle_limit: limit.map(Micros), ..Pace::default() };
            pace.set_speed(speed);
            pace.set(Duration::from_secs(5), Micros(from));
            let gap = gap(from, from.saturating_add(length));
            let due = pace.due(gap.to, gap);
            let now = Duration::from_secs(5).saturating_add(Duration::from_micros(wait));
            prop_assert!(now < due || pace.time(now, gap).0 >= gap.to.0 - 1 - (gap.to.0 >> 40).min(gap.to.0 - 1));
            prop_assert!(pace.time(now, gap) >= gap.from && pace.time(now, gap) <= gap.to);
        }
    }
}
