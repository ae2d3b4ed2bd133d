//! Playing: what is due when.
//!
//! The caller says what time it is, as a duration since any moment of its own, and is told when to come back.

use std::time::Duration;

use casemate_cast_format::{Code, Micros};

use super::{Next, PATIENCE, Player};
use crate::pace::{Gap, Pace};
use crate::recording::Event;
use crate::stage::Spot;

/// So much is handed out at once: whoever plays must look at the keys meanwhile.
const BYTES_AT_ONCE: usize = 256 << 10;

/// An event counts at least so much.
const EVENT_BYTES: usize = 64;

/// How a player plays.
#[derive(Debug)]
pub(crate) struct Playing {
    pub(super) pace: Pace,
    mode: Mode,
    looping: bool,
    pausing_on_markers: bool,
    following: bool,
    /// The pace goes on from the position, whatever time has passed.
    is_fresh: bool,
    /// What comes next is due at once: it was waited for.
    is_awaited: bool,
    /// What comes next is due when it would have been, or now.
    may_be_late: bool,
    /// The stretch without anything to see that the position is in, while that is known.
    pub(super) gap: Option<Gap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Paused,
    Playing,
    Ended,
}

/// What a player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing, until it is told to play.
    Paused,
    /// Nothing, because a marker was reached.
    AtMarker,
    /// It plays.
    Playing,
    /// It goes to a target; see [`Player::pursue`].
    Seeking,
    /// It would play, but the recording has not been read so far yet, or has not come so far.
    Waiting,
    /// It has reached the end of a recording that may go on; see [`Player::refresh`].
    Following,
    /// It has reached the end.
    Ended,
}

/// What came of [`Player::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// What the player does.
    pub state: State,
    /// When to call again, if by itself anything will happen; the time may be past.
    pub wake: Option<Duration>,
    /// It has begun anew, before anything was handed out.
    pub restarted: bool,
}

impl Playing {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            mode: Mode::Paused,
            looping: false,
            pausing_on_markers: false,
            following: false,
            is_fresh: true,
            is_awaited: false,
            may_be_late: false,
            gap: None,
        }
    }

    /// The position was changed from outside.
    pub(super) fn moved(&mut self) {
        self.is_fresh = true;
        self.is_awaited = false;
        self.may_be_late = false;
        self.gap = None;
        if self.mode == Mode::Ended {
            self.mode = Mode::Paused;
        }
    }
}

impl Player {
    /// Plays on from the position; at the end, from the beginning.
    pub fn play(&mut self) {
        if !self.play.following && self.is_at_end() {
            self.put(Spot::default(), Micros(0));
        }
        self.play.mode = Mode::Playing;
        self.play.is_fresh = true;
    }

    /// Whether nothing more follows.
    pub fn is_at_end(&mut self) -> bool {
        self.goal.is_none() && matches!(self.next(self.spot), Next::End(_))
    }

    /// Stops where it is now.
    pub fn pause(&mut self, now: Duration) {
        if self.is_playing() {
            self.catch_up(now);
            self.play.mode = Mode::Paused;
        }
    }

    /// Stops where it was last.
    pub(super) fn halt(&mut self) {
        self.goal = None;
        self.play.mode = Mode::Paused;
    }

    /// Whether it plays, or would if it had not to wait.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.play.mode == Mode::Playing
    }

    /// How fast it plays.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.play.pace.speed()
    }

    /// Plays so fast from now on; what is no speed is 1.
    pub fn set_speed(&mut self, now: Duration, speed: f64) {
        self.catch_up(now);
        self.play.pace.set_speed(speed);
    }

    /// How long a pause takes at most, before speed.
    #[must_use]
    pub fn idle_limit(&self) -> Option<Micros> {
        self.play.pace.idle_limit
    }

    /// Lets no pause take longer from now on. At first the limit is that of the header.
    pub fn set_idle_limit(&mut self, now: Duration, limit: Option<Micros>) {
        self.catch_up(now);
        self.play.pace.idle_limit = limit;
    }

    /// Whether to begin anew at the end.
    pub fn set_looping(&mut self, on: bool) {
        self.play.looping = on;
    }

    /// Whether to pause at each marker.
    pub fn set_pause_on_markers(&mut self, on: bool) {
        self.play.pausing_on_markers = on;
    }

    /// Whether to wait for more at the end.
    pub fn set_following(&mut self, on: bool) {
        self.play.following = on;
    }

    /// Hands out what is due, and goes behind it. All events of the recording come, in order: output and changes of
    /// size for whoever shows them by other means than [`Self::screen`], input, markers, and all others.
    pub fn advance(&mut self, now: Duration, mut take: impl FnMut(&Event<'_>)) -> Advance {
        let advance = |state, wake| Advance { state, wake, restarted: false };
        if self.goal.is_some() {
            return advance(State::Seeking, Some(now));
        }
        match self.play.mode {
            Mode::Paused => return advance(State::Paused, None),
            Mode::Ended if !self.play.following => return advance(State::Ended, None),
            Mode::Ended | Mode::Playing => self.play.mode = Mode::Playing,
        }
        if std::mem::take(&mut self.play.is_fresh) {
            self.play.pace.set(now, self.time);
        }
        let mut left = Some(BYTES_AT_ONCE);
        loop {
            let (spot, block) = match self.next(self.spot) {
                Next::Event(spot, block) => (spot, block),
                Next::Unknown => {
                    self.indexer.wait(Duration::ZERO);
                    // While something is to come through a pipe, time passes.
                    let is_arriving = self.index().is_arriving;
                    (self.play.is_fresh, self.play.may_be_late) = (!is_arriving, is_arriving);
                    return advance(State::Waiting, Some(now.saturating_add(PATIENCE)));
                }
                Next::End(spot) => {
                    self.spot = spot;
                    return self.end(now);
                }
            };
            let Some(event) = block.event(spot.at) else { return advance(State::Waiting, Some(now)) };
            if std::mem::take(&mut self.play.is_awaited) {
                self.play.pace.set(now, event.time);
            }
            let gap = self.gap(event.time);
            let mut due = self.play.pace.due(event.time, gap);
            if std::mem::take(&mut self.play.may_be_late) && due < now {
                // What comes late is not caught up with.
                self.play.pace.set(now, event.time);
                due = now;
            }
            if now < due {
                self.time = self.play.pace.time(now, gap).max(self.time).min(event.time);
                return advance(State::Playing, Some(due));
            }
            if left.is_none() {
                return advance(State::Playing, Some(now));
            }
            take(&event);
            left = left.and_then(|left| left.checked_sub(event.data.len().max(EVENT_BYTES)));
            self.spot = Spot { block: spot.block, at: spot.at + 1 };
            self.time = event.time;
            if event.is_seen() {
                self.play.pace.set(due, event.time);
                self.play.gap = None;
            }
            if event.code == Code::Marker && self.play.pausing_on_markers {
                self.play.mode = Mode::Paused;
                return advance(State::AtMarker, None);
            }
        }
    }

    fn end(&mut self, now: Duration) -> Advance {
        self.play.gap = None;
        if self.play.following {
            self.play.is_awaited = true;
            return Advance { state: State::Following, wake: None, restarted: false };
        }
        let has_events = self.time > Micros(0);
        if self.play.looping && has_events {
            self.put(Spot::default(), Micros(0));
            return Advance { state: State::Playing, wake: Some(now), restarted: true };
        }
        self.play.mode = Mode::Ended;
        Advance { state: State::Ended, wake: None, restarted: false }
    }

    /// Brings the position up to this moment, and lets the pace go on from there.
    fn catch_up(&mut self, now: Duration) {
        if !self.is_playing() || self.play.is_fresh || self.goal.is_some() {
            return;
        }
        if let Next::Event(spot, block) = self.next(self.spot)
            && let Some(next) = block.time(spot.at)
        {
            let gap = self.gap(next);
            self.time = self.play.pace.time(now, gap).max(self.time).min(next);
        }
        self.play.pace.set(now, self.time);
    }

    /// The gap that the position is in; `next` is when the next event happens, seen or not.
    fn gap(&mut self, next: Micros) -> Gap {
        if let Some(gap) = self.play.gap {
            return gap;
        }
        let from = self.seen_before().unwrap_or_default();
        let seen = self.seen_behind();
        let gap = Gap { from, to: seen.unwrap_or(next).max(next) };
        self.play.gap = seen.map(|_| gap);
        gap
    }

    fn seen_before(&mut self) -> Option<Micros> {
        let mut spot = self.spot;
        loop {
            let block = self.block(spot.block)?;
            if let Some(at) = block.last_before(spot.at, |event| event.is_seen()) {
                return block.time(at);
            }
            spot = Spot { block: spot.block.checked_sub(1)?, at: usize::MAX };
        }
    }

    fn seen_behind(&mut self) -> Option<Micros> {
        let mut spot = self.spot;
        loop {
            let Next::Event(Spot { block: number, at }, block) = self.next(spot) else { return None };
            if let Some(seen) = block.first_from(at, |event| event.is_seen()) {
                return block.time(seen);
            }
            spot = Spot { block: number, at: block.len() };
        }
    }
}
