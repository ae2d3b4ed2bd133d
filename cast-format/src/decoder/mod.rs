//! Reads a recording of any version, fed in pieces of any size.
//!
//! [`Decoder::feed`] takes bytes, [`Decoder::next_item`] gives what is complete. Memory is bounded
//! by the longest line (at most [`MAX_LINE`]); a v1 document is buffered up to
//! [`V1_HEADER_REACH`], so that keys behind its events still reach the header.
//!
//! *Lenient*: what cannot be read is reported as a [`Defect`] with its line and left out,
//! everything around it is kept. A strict reader stops at the first defect it is given.

mod buffer;
mod line;
mod start;
#[cfg(test)]
mod tests;
mod v1;

use std::collections::VecDeque;
use std::ops::Range;

use crate::defect::{Defect, DefectKind};
use crate::event::Event;
use crate::header::{Header, Version};
use crate::time::{Micros, Nanos};
use buffer::Buffer;
use line::Shape;

pub use buffer::MAX_LINE;
pub use v1::HEADER_REACH as V1_HEADER_REACH;

/// What a recording is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// Comes first, and once.
    Header(Box<Header>),
    /// An event.
    Event(Event<'a>),
    /// A v3 comment, with its `#`, without the line end.
    Comment(&'a str),
    /// Something wrong; more items may follow, unless it [is fatal](DefectKind::is_fatal).
    Defect(Defect),
}

/// Reads a recording of any version.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Buffer,
    state: State,
    clock: Clock,
    pending: VecDeque<Pending>,
    /// Holds a line that had to be mended before it could be read.
    mended: String,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Lines,
    Document(v1::Document),
    Done,
}

/// What was found out besides events, to be handed out next.
#[derive(Debug)]
enum Pending {
    Header(Box<Header>),
    Defect(Defect),
}

/// What [`Decoder::advance`] found.
enum Next {
    /// Something is pending.
    Pending,
    /// An event or comment stands here.
    Line(Range<usize>, Shape),
}

impl Decoder {
    /// A decoder for a recording from its first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for the lines of a v2 or v3 recording from a known event on; `first` is that
    /// event's time since the start. The header is not given again.
    pub fn resume(version: Version, first: Micros) -> Self {
        Self { state: State::Lines, clock: Clock::resume(version, first), ..Self::default() }
    }

    /// A decoder for the lines behind an event at which [`Self::nanos`] of another one said this. It gives what
    /// that one would have gone on with, to the nanosecond.
    pub fn resume_behind(version: Version, nanos: u64) -> Self {
        let clock = Clock { now: Nanos(nanos), ..Clock::new(version) };
        Self { state: State::Lines, clock, ..Self::default() }
    }

    /// What the recording's clock shows behind the last item, in nanoseconds: intervals are summed in them.
    pub fn nanos(&self) -> u64 {
        self.clock.now.0
    }

    /// Takes more bytes of the recording.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.feed(bytes);
    }

    /// Says that no more bytes will come.
    pub fn finish(&mut self) {
        self.buffer.ended = true;
    }

    /// The next item; `None` until more is fed, and for good after `finish`.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        if self.pending.is_empty()
            && let Next::Line(range, shape) = self.advance()?
        {
            return Some(self.read_line(range, shape));
        }
        self.pending.pop_front().map(|pending| match pending {
            Pending::Header(header) => Item::Header(header),
            Pending::Defect(defect) => Item::Defect(defect),
        })
    }

    fn advance(&mut self) -> Option<Next> {
        loop {
            match &mut self.state {
                State::Start => start::begin(self)?,
                State::Lines => match self.buffer.next_line() {
                    buffer::Line::At(range) => return Some(Next::Line(range, Shape::Coded)),
                    buffer::Line::TooLong => self.report(DefectKind::LineTooLong(MAX_LINE >> 20)),
                    buffer::Line::More => return None,
                },
                State::Document(document) => match document.advance(&mut self.buffer) {
                    v1::Step::Header(header, defects) => {
                        self.pending.push_back(Pending::Header(header));
                        defects.into_iter().for_each(|kind| self.report(kind));
                    }
                    v1::Step::Element(range) => return Some(Next::Line(range, Shape::OutputOnly)),
                    v1::Step::Defect(kind) => self.report(kind),
                    v1::Step::Fatal(kind) => self.fail(kind),
                    v1::Step::End => self.state = State::Done,
                    v1::Step::More => return None,
                },
                State::Done => return None,
            }
            if !self.pending.is_empty() {
                return Some(Next::Pending);
            }
        }
    }

    fn read_line(&mut self, range: Range<usize>, shape: Shape) -> Item<'_> {
        let line_number = self.buffer.line;
        let defect = |kind| Pending::Defect(Defect { line: line_number, kind });
        let bytes = self.buffer.bytes(range);
        let line = match std::str::from_utf8(bytes) {
            Ok(line) => line,
            Err(_) => {
                self.mended = String::from_utf8_lossy(bytes).into_owned();
                self.pending.push_back(defect(DefectKind::NotUtf8));
                &self.mended
            }
        };
        if shape == Shape::Coded && line.starts_with(['#', ' ', '\t']) {
            let comment = line.trim_start();
            if comment.starts_with('#') {
                if comment.len() < line.len() {
                    self.pending.push_back(defect(DefectKind::IndentedComment));
                }
                return Item::Comment(comment);
            }
        }
        match line::parse(line, shape) {
            Ok(raw) => {
                let (time, early) = self.clock.tick(raw.time);
                if let Some(early) = early {
                    self.pending.push_back(defect(DefectKind::EarlierThanPrevious(early)));
                }
                if raw.lone_surrogate {
                    self.pending.push_back(defect(DefectKind::LoneSurrogate));
                }
                Item::Event(Event { time, code: raw.code, data: raw.data })
            }
            Err(bad) => {
                // The interval of an event that cannot be read still passed.
                if let Some(time) = bad.time.filter(|_| self.clock.intervals) {
                    self.clock.tick(time);
                }
                Item::Defect(Defect { line: line_number, kind: bad.kind })
            }
        }
    }

    fn report(&mut self, kind: DefectKind) {
        self.pending.push_back(Pending::Defect(Defect { line: self.buffer.line.max(1), kind }));
    }

    fn fail(&mut self, kind: DefectKind) {
        self.report(kind);
        self.state = State::Done;
    }
}

/// Turns the times of a file into times since its start.
#[derive(Debug, Default)]
struct Clock {
    intervals: bool,
    now: Nanos,
    /// The next interval ends here, whatever it says: for reading from the middle.
    first: Option<Micros>,
}

impl Clock {
    fn new(version: Version) -> Self {
        Self { intervals: version != Version::V2, ..Self::default() }
    }

    fn resume(version: Version, first: Micros) -> Self {
        let clock = Self::new(version);
        Self { first: clock.intervals.then_some(first), ..clock }
    }

    /// The event's time, and by how much it came too early.
    fn tick(&mut self, time: Nanos) -> (Micros, Option<Micros>) {
        if let Some(first) = self.first.take() {
            self.now = first.into();
        } else if self.intervals {
            self.now = self.now.plus(time);
        } else if time < self.now {
            return (self.now.round(), Some(Nanos(self.now.0 - time.0).round()));
        } else {
            self.now = time;
        }
        (self.now.round(), None)
    }
}
