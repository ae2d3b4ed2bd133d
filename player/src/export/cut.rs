//! A stretch of a recording, as a recording of its own.
//!
//! It begins with the screen as it was, in one event: the same screens are shown from there on. What else held then is
//! said as well: whose session it is, which process is in the foreground, that it is paused.
//!
//! *Invariant*: between its first and its last moment every event is there, and shows the same screen as in the whole.

use casemate_cast_format::header::{EXCERPT_KEY, FACTS_KEY};
use casemate_cast_format::{Code, Event, Header, Micros, Size, own};
use casemate_terminal::{Backlog, Piece, Scanner, Screen as _, Signal, Vt100Screen};
use serde_json::{Map, Value, json};

use super::Part;
use super::pace::{Clock, Pace};
use super::still::screen;

/// What an excerpt is.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Its first moment, and its last; events of both are part of it.
    pub from: Micros,
    /// See [`Self::from`].
    pub to: Micros,
    /// How long the whole is.
    pub of: Micros,
    /// How time passes.
    pub pace: Pace,
    /// Whether anything was hidden.
    pub redacted: bool,
    /// How long it will be, where the header says so of the whole.
    pub duration: Option<Micros>,
}

impl Excerpt {
    /// Whether its end is not that of the whole.
    fn ends_early(&self) -> bool {
        self.to < self.of
    }

    /// What it is, for its header. Nothing, if it is the whole as it was.
    fn note(&self) -> Option<Value> {
        let mut note = Map::new();
        if self.from > Micros(0) || self.ends_early() {
            note.insert("from".into(), number(self.from));
            note.insert("to".into(), number(self.to));
            note.insert("of".into(), number(self.of));
        }
        if self.pace.speed != Pace::default().speed {
            note.insert("speed".into(), number(Micros(self.pace.speed)));
        }
        if let Some(limit) = self.pace.idle_limit {
            note.insert("idle_time_limit".into(), number(limit));
        }
        if self.redacted {
            note.insert("redacted".into(), json!(true));
        }
        (!note.is_empty()).then_some(Value::Object(note))
    }
}

/// As decimal seconds.
fn number(time: Micros) -> Value {
    serde_json::from_str(&time.to_string()).unwrap_or(Value::Null)
}

/// Cuts a stretch out of a recording.
pub struct Cutter {
    excerpt: Excerpt,
    clock: Clock,
    state: State,
}

enum State {
    /// Nothing came yet.
    Start,
    /// Before the first moment.
    Before(Box<Before>),
    Within,
    Done,
}

/// What holds at a moment.
struct Before {
    header: Header,
    size: Size,
    screen: Vt100Screen,
    backlog: Backlog,
    scanner: Scanner,
    title: Option<String>,
    /// Whether the screen is no longer the one that a recording begins with.
    is_used: bool,
    /// The facts of a session that was appended, and when it began.
    appended: Option<(Micros, Map<String, Value>)>,
    process: Option<Event<'static>>,
    pause: Option<Event<'static>>,
}

impl Cutter {
    /// Begins.
    pub fn new(excerpt: Excerpt) -> Self {
        let clock = Clock::new(excerpt.pace, excerpt.from);
        Self { excerpt, clock, state: State::Start }
    }

    /// Takes the next part of the whole; hands those of the excerpt to `sink`.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn take<E>(
        &mut self,
        part: Part<'_>,
        sink: &mut impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match (part, &mut self.state) {
            (Part::Header(header), _) => self.state = State::Before(Box::new(Before::new(*header))),
            (Part::Event(event), State::Before(before)) if event.time < self.excerpt.from => {
                before.take(event);
            }
            (Part::Event(event), _) => {
                self.begin(sink)?;
                if event.time > self.excerpt.to {
                    self.end(sink)?;
                } else if let State::Within = self.state {
                    let time = self.clock.tick(event.time);
                    sink(Part::Event(Event { time, ..event }))?;
                }
            }
            (Part::Comment(comment), State::Within) => sink(Part::Comment(comment))?,
            // Those in front of the first event belong to the whole as well as to a cut from its start.
            (Part::Comment(comment), State::Before(_)) if self.excerpt.from == Micros(0) => {
                self.begin(sink)?;
                sink(Part::Comment(comment))?;
            }
            (Part::Comment(_), _) => {}
        }
        Ok(())
    }

    /// Says that nothing more will come.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn finish<E>(mut self, sink: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        self.begin(sink)?;
        self.end(sink)
    }

    fn begin<E>(&mut self, sink: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        if !matches!(self.state, State::Before(_)) {
            return Ok(());
        }
        let State::Before(mut before) = std::mem::replace(&mut self.state, State::Within) else {
            return Ok(());
        };
        let paint = before.paint();
        let mut held = [paint, before.process.take(), before.pause.take()].into_iter().flatten();
        sink(Part::Header(Box::new(before.header(&self.excerpt))))?;
        held.try_for_each(|event| sink(Part::Event(Event { time: Micros(0), ..event })))
    }

    /// Says where it ends, if it does before the whole does.
    fn end<E>(&mut self, sink: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        if matches!(self.state, State::Within) {
            self.state = State::Done;
            if self.excerpt.ends_early() {
                let time = self.clock.tick(self.excerpt.to);
                sink(Part::Event(Event::own(time, own::END, "excerpt")))?;
            }
        }
        Ok(())
    }
}

impl Before {
    fn new(header: Header) -> Self {
        Self {
            size: header.size,
            screen: screen(&header),
            header,
            backlog: Backlog::new(0),
            scanner: Scanner::new(),
            title: None,
            is_used: false,
            appended: None,
            process: None,
            pause: None,
        }
    }

    fn take(&mut self, event: Event<'_>) {
        if let Some(size) = event.size() {
            self.size = size;
            self.backlog.flush(&mut self.screen);
            let (cols, rows) = size.cells();
            self.screen.resize(cols, rows);
            return;
        }
        match &event.code {
            Code::Output => {
                self.is_used = true;
                let output = event.data.decode();
                let Self { screen, backlog, scanner, title, .. } = self;
                scanner.scan(output.as_bytes(), &mut |piece| match piece {
                    Piece::Bytes(bytes) => backlog.push(bytes, screen),
                    Piece::Signal(Signal::Title(new)) => *title = Some(new),
                    Piece::Signal(_) => {}
                });
            }
            Code::Other(code) if code == own::SESSION => {
                self.appended =
                    serde_json::from_str(&event.data.decode()).ok().map(|facts| (event.time, facts));
                (self.process, self.pause) = (None, None);
            }
            Code::Other(code) if code == own::PROCESS => self.process = Some(event.into_owned()),
            Code::Other(code) if code == own::PAUSE => {
                let is_paused = event.data.decode() == "begin";
                self.pause = is_paused.then(|| event.into_owned());
            }
            Code::Input | Code::Marker | Code::Resize | Code::Exit | Code::Other(_) => {}
        }
    }

    /// The screen, as output.
    fn paint(&mut self) -> Option<Event<'static>> {
        self.backlog.flush(&mut self.screen);
        if !self.is_used {
            return None;
        }
        let mut output = match &self.title {
            Some(title) => format!("\x1b]2;{}\x07", title.replace(char::is_control, "")),
            None => String::new(),
        };
        // Half a character is possible only where an event ended in one, which text does not.
        output.push_str(&String::from_utf8_lossy(&self.screen.repaint()));
        Some(Event::new(Micros(0), Code::Output, &output))
    }

    /// The header of an excerpt that begins here.
    fn header(&self, excerpt: &Excerpt) -> Header {
        let mut header = self.header.clone();
        header.size = self.size;
        if header.duration.is_some() {
            header.duration = excerpt.duration;
        }
        header.idle_time_limit = match excerpt.pace.idle_limit {
            Some(_) => None,
            None => header.idle_time_limit.map(|limit| excerpt.pace.scale(limit)),
        };
        let Some(note) = excerpt.note() else { return header };
        let of_header =
            || header.extra.get(FACTS_KEY).and_then(Value::as_object).cloned().unwrap_or_default();
        let (begun, mut facts) = self.appended.clone().unwrap_or_else(|| (Micros(0), of_header()));
        // Its events shall keep the time of day at which they happened.
        let later = excerpt.from.0.saturating_sub(begun.0);
        let start = facts.get("start_us").and_then(Value::as_u64).map(|start| start.saturating_add(later));
        if let Some(start) = start {
            facts.insert("start_us".into(), json!(start));
        }
        header.timestamp = match start.filter(|_| self.appended.is_some()) {
            Some(start) => i64::try_from(start / 1_000_000).ok(),
            None => header.timestamp.map(|start| start.saturating_add_unsigned(later / 1_000_000)),
        };
        // It does not go on where another file ends.
        facts.shift_remove("previous");
        facts.shift_remove("previous_seal");
        facts.insert(EXCERPT_KEY.into(), note);
        header.extra.insert(FACTS_KEY.into(), Value::Object(facts));
        header
    }
}
