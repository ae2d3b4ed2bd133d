//! The screen beside a recording in segments, for the keyframes in its seals. Pure.
//!
//! Keyframes are for whoever plays the recording later, and must not cost whoever is recorded anything. So
//! output is kept, and emulated when there is time or a seal needs it. When a flood comes it is not looked at
//! any more: the screen falls *behind*. It then stands at a place in the recording, from which it can be
//! brought up to date with the recording's own events. Seals in a flood have no keyframe.
//!
//! Invariant: a keyframe is the state of a screen to which everything before its seal was played, in the size
//! and as the kind of terminal that the header tells, but for the numbers of its rows. Where that is not known
//! there is none. Not here: reading back (`journal::catch_up`), and how a keyframe stands in a seal.

use casemate_cast_format::{Code, Event, Header, Micros, Size};
use casemate_terminal::{Backlog, KeyframeError, Screen as _, Vt100Screen};

/// So much output comes between two keyframes at least: emulating it takes a player two milliseconds, while
/// keyframes of trickles, whose segments are short, would be a tenth of the recording.
const OUTPUT_BETWEEN: u64 = 64 << 10;

/// Output is a flood if more comes than this at once, in bytes,
const MOST_AT_ONCE: u64 = 256 << 10;

/// or than this in a second: to emulate a megabyte takes twenty milliseconds.
const MOST_IN_A_SECOND: u64 = 1 << 20;

/// A text with more memory gives it back.
const KEPT_CAPACITY: usize = 64 << 10;

/// A place in a recording: between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where in the file its frame begins.
    pub(crate) frame: u64,
    /// How much of that frame's text comes before it.
    pub(crate) text_bytes: u64,
}

/// Follows the screen.
pub(crate) struct Keyframes {
    state: State,
    /// `None` where nobody waits for us, and nothing is a flood.
    flood: Option<Flood>,
    /// Output since the last keyframe.
    output: u64,
    scratch: String,
}

enum State {
    /// What the screen shows is not known.
    Lost,
    Following(Box<Follower>),
    /// The screen is that of an earlier place.
    Behind(Box<Follower>, Place),
}

/// A screen, and what it has still to be fed.
struct Follower {
    screen: Vt100Screen,
    backlog: Backlog,
}

/// Tells floods from other output.
#[derive(Clone, Copy, Debug, Default)]
struct Flood {
    /// How much has come, less what may come in the time since.
    level: u64,
    time: Micros,
}

impl Keyframes {
    /// For a recording from its beginning; [`Self::begin`] follows. One that is `live` is not held up.
    pub(crate) fn new(live: bool) -> Self {
        Self { state: State::Lost, flood: live.then(Flood::default), output: 0, scratch: String::new() }
    }

    /// For a live recording that goes on, and was played up to this place.
    pub(crate) fn behind(keyframe: Option<&[u8]>, place: Place) -> Result<Self, KeyframeError> {
        let mut screen = Vt100Screen::new(0, 0, 0);
        keyframe.map_or(Ok(()), |keyframe| screen.restore(keyframe))?;
        Ok(Self { state: State::Behind(Follower::new(screen), place), ..Self::new(true) })
    }

    /// The header has been written, or played again.
    pub(crate) fn begin(&mut self, header: &Header) {
        let (cols, rows) = header.size.cells();
        let follower = Follower::new(Vt100Screen::new(cols, rows, 0).for_term(header.terminal()));
        self.state = match self.state {
            State::Lost | State::Following(_) => State::Following(follower),
            State::Behind(_, place) => State::Behind(follower, place),
        };
    }

    /// Output has been written; the next line will stand at `next`.
    pub(crate) fn output(&mut self, time: Micros, text: &str, next: impl FnOnce() -> Place) {
        let length = text.len() as u64;
        self.output += length;
        let is_flood = self.flood.as_mut().is_some_and(|flood| flood.rises(time, length));
        let State::Following(follower) = &mut self.state else { return };
        follower.push(text);
        if is_flood {
            follower.settle();
            self.fall_behind(next());
        }
    }

    /// An event has been written; the next line will stand at `next`.
    pub(crate) fn event(&mut self, event: &Event<'_>, next: impl FnOnce() -> Place) {
        if event.code == Code::Output {
            let mut text = std::mem::take(&mut self.scratch);
            event.data.decode_into(&mut text);
            self.output(event.time, &text, next);
            self.keep(text);
        } else if let State::Following(follower) = &mut self.state
            && let Some(size) = event.size()
        {
            follower.resize(size);
        }
    }

    /// Brings the screen up to date, because there is time.
    pub(crate) fn settle(&mut self) {
        if let State::Following(follower) = &mut self.state {
            follower.settle();
        }
    }

    /// The state for a seal that comes now, if it is time for one and it is known.
    pub(crate) fn for_seal(&mut self) -> Option<Vec<u8>> {
        let State::Following(follower) = &mut self.state else { return None };
        if self.output < OUTPUT_BETWEEN {
            return None;
        }
        self.output = 0;
        follower.settle();
        Some(follower.screen.keyframe())
    }

    /// From where on the recording has to be played again.
    pub(crate) fn is_behind(&self) -> Option<Place> {
        if let State::Behind(_, place) = self.state { Some(place) } else { None }
    }

    /// Plays an event again to a screen that is behind.
    pub(crate) fn replay(&mut self, event: &Event<'_>) {
        let State::Behind(follower, _) = &mut self.state else { return };
        if event.code == Code::Output {
            let mut text = std::mem::take(&mut self.scratch);
            event.data.decode_into(&mut text);
            follower.push(&text);
            self.keep(text);
        } else if let Some(size) = event.size() {
            follower.resize(size);
        }
    }

    /// Everything that is in the recording has been played again.
    pub(crate) fn caught_up(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Behind(follower, _) => State::Following(follower),
            state @ (State::Lost | State::Following(_)) => state,
        };
        // There was time for all of it.
        if let Some(flood) = &mut self.flood {
            flood.level = 0;
        }
    }

    /// There will be no more keyframes.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Lost;
    }

    /// Keeps the memory of a text for the next one.
    fn keep(&mut self, mut text: String) {
        text.clear();
        text.shrink_to(KEPT_CAPACITY);
        self.scratch = text;
    }

    fn fall_behind(&mut self, place: Place) {
        self.state = match std::mem::replace(&mut self.state, State::Lost) {
            State::Following(follower) => State::Behind(follower, place),
            state @ (State::Lost | State::Behind(..)) => state,
        };
    }
}

impl Follower {
    fn new(screen: Vt100Screen) -> Box<Self> {
        Box::new(Self { screen, backlog: Backlog::new(0) })
    }

    fn push(&mut self, text: &str) {
        self.backlog.push(text.as_bytes(), &mut self.screen);
    }

    fn settle(&mut self) {
        self.backlog.flush(&mut self.screen);
    }

    fn resize(&mut self, size: Size) {
        self.settle();
        let (cols, rows) = size.cells();
        self.screen.resize(cols, rows);
    }
}

impl Flood {
    /// Takes note of output; whether there is too much of it.
    fn rises(&mut self, time: Micros, bytes: u64) -> bool {
        let passed = time.0.saturating_sub(self.time.0);
        let seeped = passed.saturating_mul(MOST_IN_A_SECOND) / 1_000_000;
        self.time = time;
        self.level = self.level.saturating_sub(seeped).saturating_add(bytes);
        // How high it is above its banks does not matter.
        let is_flood = self.level > MOST_AT_ONCE;
        self.level = self.level.min(MOST_AT_ONCE);
        is_flood
    }
}

#[cfg(test)]
pub(crate) mod tests;
