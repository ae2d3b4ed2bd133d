//! The time of a session that goes on while it is read.
//!
//! A command log decides some things only when nothing has come for a while, and where a session goes on, nobody
//! says so: [`LiveClock`] tells when to say that time has passed, and which time of the session it is then. It asks
//! ever more rarely, and in the end not at all: while nothing happens, nothing wakes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use casemate_cast_format::{Header, Micros};

/// What the recorder has is read at the latest this long after it happened: 100 ms are promised.
const DELAY: Duration = Duration::from_millis(150);

/// The first time that is said to have passed; each one after it is twice as long.
const FIRST: Duration = Duration::from_millis(50);

/// After this long nothing is decided any more.
const LAST: Duration = Duration::from_secs(60);

/// Clocks of two machines, and starts that are known to the second, may differ by so much.
const TOLERANCE: Duration = Duration::from_secs(3);

/// Knows how much time has passed in a session.
#[derive(Debug)]
pub struct LiveClock {
    /// When the session began, since 1970, where what is read may be of another time.
    start: Option<Duration>,
    /// Whether it need not be asked.
    certain: bool,
    /// Time of the last event, and when it was read.
    last: Micros,
    read: Instant,
    /// What passes next.
    next: Option<Duration>,
}

impl LiveClock {
    #[must_use]
    /// Of a session that this process records.
    pub fn certain(now: Instant) -> Self {
        Self { start: None, certain: true, last: Micros(0), read: now, next: None }
    }

    /// Of a recording that comes through a pipe: live, unless it was made at another time.
    pub fn of(header: &Header, now: Instant) -> Self {
        let start = match header.facts() {
            Some(facts) => Some(Duration::from_micros(facts.start_us)),
            None => header.timestamp.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        };
        Self { start, certain: false, last: Micros(0), read: now, next: None }
    }

    /// An event was read.
    pub fn heard(&mut self, time: Micros, now: Instant) {
        self.last = self.last.max(time);
        self.read = now;
        self.next = Some(FIRST);
    }

    /// How long to wait for more before asking what has [passed](Self::passed); `None` for as long as it takes.
    pub fn wait(&mut self, now: Instant, wall: SystemTime) -> Option<Duration> {
        if self.next == Some(FIRST) && !self.is_live(wall) {
            self.next = None;
        }
        let due = self.read + self.next? + DELAY;
        Some(due.saturating_duration_since(now))
    }

    /// What time of the session it is at least, if it is time to say so.
    pub fn passed(&mut self, now: Instant) -> Option<Micros> {
        let next = self.next?;
        if now < self.read + next + DELAY {
            return None;
        }
        self.next = Some(next * 2).filter(|&next| next <= LAST);
        let passed = u64::try_from(next.as_micros()).unwrap_or(u64::MAX);
        Some(self.last.plus(Micros(passed)))
    }

    /// A recording of another time has other pauses than the pipe that it comes through.
    fn is_live(&self, wall: SystemTime) -> bool {
        if self.certain {
            return true;
        }
        let (Some(start), Ok(wall)) = (self.start, wall.duration_since(UNIX_EPOCH)) else { return false };
        let Some(said) = start.checked_add(Duration::from_micros(self.last.0)) else { return false };
        said.abs_diff(wall) <= TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_cast_format::Size;

    #[test]
    fn it_asks_ever_more_rarely() {
        let begun = Instant::now();
        let mut clock = LiveClock::certain(begun);
        assert_eq!(clock.wait(begun, SystemTime::now()), None, "nothing was heard");
        clock.heard(Micros(1_000_000), begun);
        let (mut now, mut passed) = (begun, Vec::new());
        while let Some(wait) = clock.wait(now, SystemTime::now()) {
            assert_eq!(clock.passed(now), None, "too soon");
            now += wait;
            passed.extend(clock.passed(now));
        }
        assert_eq!(&passed[..2], [Micros(1_050_000), Micros(1_100_000)]);
        assert!(passed.is_sorted() && passed.len() < 15, "{passed:?}");
    }

    #[test]
    fn what_was_recorded_at_another_time_has_no_pauses() {
        let begun = Instant::now();
        let mut header = Header::new(Size { cols: 80, rows: 24 });
        header.timestamp = Some(1_700_000_000);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let wait = |header: &Header, wall| {
            let mut clock = LiveClock::of(header, begun);
            clock.heard(Micros(10_000_000), begun);
            clock.wait(begun, wall)
        };
        assert_eq!(wait(&header, at(1_700_000_010)), Some(FIRST + DELAY));
        assert_eq!(wait(&header, at(1_700_000_100)), None);
        header.timestamp = None;
        assert_eq!(wait(&header, at(10)), None);
    }
}
