//! A block: a stretch of a recording, decoded.
//!
//! All output of a block stands in one string, so that what lies between two changes of size is one piece for the
//! emulated screen.

use std::borrow::Cow;

use casemate_cast_format::{Code, Decoder, Item, Micros, Size};

/// An event as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Since the start of the recording.
    pub time: Micros,
    /// What kind of event this is.
    pub code: Code<'a>,
    /// Its data, decoded.
    pub data: &'a str,
}

impl Event<'_> {
    /// The new size, of a resize event.
    #[must_use]
    pub fn size(&self) -> Option<Size> {
        if self.code == Code::Resize { Size::parse(self.data) } else { None }
    }

    /// Whether a person who watches sees or hears of it: own facts are no reason to wait.
    pub(crate) fn is_seen(&self) -> bool {
        !matches!(self.code, Code::Other(_))
    }

    /// Whether it changes what the screen shows.
    pub(crate) fn is_shown(&self) -> bool {
        matches!(self.code, Code::Output | Code::Resize)
    }
}

/// A decoded stretch of a recording.
#[derive(Debug, Default)]
pub(crate) struct Block {
    entries: Vec<Entry>,
    output: String,
    other: String,
    /// What the decoder's clock showed at the end.
    pub(crate) nanos: u64,
    /// Lines that could not be read.
    pub(crate) defects: u64,
    /// Why nothing of it can be read.
    pub(crate) damage: Option<String>,
}

#[derive(Debug)]
struct Entry {
    time: Micros,
    kind: Kind,
    from: usize,
    to: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Output,
    Input,
    Marker,
    Resize,
    Exit,
    /// The code stands before the data, so long.
    Other(usize),
}

impl Block {
    /// A block of which nothing can be read; the decoder's clock stands where it stood before.
    pub(crate) fn damaged(why: String, nanos: u64) -> Self {
        Self { damage: Some(why), nanos, ..Self::default() }
    }

    /// Decodes text from where the decoder stands; times are brought into these bounds.
    pub(crate) fn decode(mut decoder: Decoder, text: &[u8], earliest: Micros, latest: Micros) -> Self {
        let mut block = Self::default();
        decoder.feed(text);
        decoder.finish();
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Event(event) => {
                    let is_output = event.code == Code::Output;
                    let to = if is_output { &mut block.output } else { &mut block.other };
                    let from = to.len();
                    let kind = match &event.code {
                        Code::Output => Kind::Output,
                        Code::Input => Kind::Input,
                        Code::Marker => Kind::Marker,
                        Code::Resize => Kind::Resize,
                        Code::Exit => Kind::Exit,
                        Code::Other(code) => {
                            to.push_str(code);
                            Kind::Other(code.len())
                        }
                    };
                    event.data.decode_into(to);
                    let time = event.time.max(earliest).min(latest.max(earliest));
                    block.entries.push(Entry { time, kind, from, to: to.len() });
                }
                Item::Defect(_) => block.defects += 1,
                Item::Header(_) | Item::Comment(_) => {}
            }
        }
        block.nanos = decoder.nanos();
        block
    }

    /// How many events it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.output.capacity() + self.other.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    pub(crate) fn time(&self, at: usize) -> Option<Micros> {
        self.entries.get(at).map(|entry| entry.time)
    }

    pub(crate) fn event(&self, at: usize) -> Option<Event<'_>> {
        let entry = self.entries.get(at)?;
        let body = if entry.kind == Kind::Output { &self.output } else { &self.other };
        let body = &body[entry.from..entry.to];
        let (code, data) = match entry.kind {
            Kind::Output => (Code::Output, body),
            Kind::Input => (Code::Input, body),
            Kind::Marker => (Code::Marker, body),
            Kind::Resize => (Code::Resize, body),
            Kind::Exit => (Code::Exit, body),
            Kind::Other(length) => (Code::Other(Cow::Borrowed(&body[..length])), &body[length..]),
        };
        Some(Event { time: entry.time, code, data })
    }

    /// How many events are no later than this.
    pub(crate) fn count_until(&self, time: Micros) -> usize {
        self.entries.partition_point(|entry| entry.time <= time)
    }

    /// The last event before this one for which that holds.
    pub(crate) fn last_before(&self, at: usize, is_it: impl Fn(&Event<'_>) -> bool) -> Option<usize> {
        (0..at.min(self.len())).rev().find(|&at| self.event(at).is_some_and(|event| is_it(&event)))
    }

    /// The first event from this one on for which that holds.
    pub(crate) fn first_from(&self, at: usize, is_it: impl Fn(&Event<'_>) -> bool) -> Option<usize> {
        (at..self.len()).find(|&at| self.event(at).is_some_and(|event| is_it(&event)))
    }

    /// The length of the output in these events, and where the first change of size among them is.
    pub(crate) fn output(&self, from: usize, to: usize) -> Run<'_> {
        let entries = self.entries.get(from..to).unwrap_or_default();
        let resize = entries.iter().position(|entry| entry.kind == Kind::Resize);
        let outputs =
            || entries[..resize.unwrap_or(entries.len())].iter().filter(|entry| entry.kind == Kind::Output);
        let text = match (outputs().next(), outputs().next_back()) {
            (Some(first), Some(last)) => &self.output[first.from..last.to],
            _ => "",
        };
        let size = resize.and_then(|at| Size::parse(&self.other[entries[at].from..entries[at].to]));
        Run { text, size, end: resize.map_or(to, |at| from + at + 1) }
    }
}

/// Output up to a change of size.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) text: &'a str,
    /// The size behind it, if it changes.
    pub(crate) size: Option<Size>,
    /// The event behind all that.
    pub(crate) end: usize,
}
