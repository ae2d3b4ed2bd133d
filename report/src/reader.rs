//! Makes of the items of a recording what a report says of it.

use casemate_cast_format::{Code, Event, Header, Item, Micros, SessionFacts, own};
use casemate_command_log::{CommandEvent, CommandLog, Kind};
use casemate_player::export::Still as Picture;
use casemate_terminal::Screen as _;
use chrono::{DateTime, Utc};

use crate::embed::Embedder;
use crate::{Note, Reason, Recording, Source, Still};

/// How much of each kind there may be in a report.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands of a recording: nobody reads more, and browsers become slow.
    pub commands: usize,
    /// Stills of a recording.
    pub stills: usize,
    /// Bytes of the copy to be played.
    pub embedded: u64,
}

/// Takes the items of a recording.
pub struct Reader {
    limits: Limits,
    notes: Vec<Note>,
    begun: Option<Begun>,
}

struct Begun {
    header: Header,
    log: CommandLog,
    commands: Vec<CommandEvent>,
    more_commands: u64,
    picture: Picture,
    /// A marker whose moment is not over.
    marked: Option<(Micros, String)>,
    /// Notes on moments that are not over, the last one first.
    notes: Vec<Note>,
    stills: Vec<Still>,
    more_stills: u64,
    embedder: Embedder,
    now: Micros,
    appended: Vec<SessionFacts>,
    end: Option<String>,
    exit: Option<String>,
}

impl Reader {
    /// Begins. Moments of which something was noted are shown as those with markers are.
    pub fn new(limits: Limits, mut notes: Vec<Note>) -> Self {
        notes.sort_by_key(|note| std::cmp::Reverse(note.at));
        Self { limits, notes, begun: None }
    }

    /// Takes the next item.
    pub fn item(&mut self, item: &Item<'_>) {
        match item {
            Item::Header(header) => {
                self.begun = Some(Begun::new(header, self.limits, std::mem::take(&mut self.notes)));
            }
            Item::Event(event) => {
                if let Some(begun) = &mut self.begun {
                    begun.event(event, self.limits);
                }
            }
            Item::Comment(_) | Item::Defect(_) => {}
        }
    }

    /// Says what it was, `source` being its file. `None` if it never began.
    pub fn finish(self, source: Source) -> Option<Recording> {
        self.begun.map(|begun| begun.finish(source, self.limits))
    }
}

impl Begun {
    fn new(header: &Header, limits: Limits, notes: Vec<Note>) -> Self {
        let picture = Picture::of(header, Micros(u64::MAX));
        Self {
            log: CommandLog::new(header),
            commands: Vec::new(),
            more_commands: 0,
            embedder: Embedder::new(header, picture.theme(), limits.embedded),
            picture,
            marked: None,
            notes,
            stills: Vec::new(),
            more_stills: 0,
            now: Micros(0),
            appended: Vec::new(),
            end: None,
            exit: None,
            header: header.clone(),
        }
    }

    fn event(&mut self, event: &Event<'_>, limits: Limits) {
        if event.time > self.now {
            self.take_still(limits);
            self.take_notes(event.time, limits);
        }
        self.now = event.time;
        self.log.handle(event);
        self.take_commands(limits);
        self.embedder.event(event);
        match &event.code {
            Code::Output | Code::Resize => self.picture.event(event),
            Code::Marker => {
                self.take_still(limits);
                self.marked = Some((event.time, event.data.decode().into_owned()));
            }
            Code::Exit => self.exit = Some(event.data.decode().into_owned()),
            Code::Other(code) if code == own::END => self.end = Some(event.data.decode().into_owned()),
            Code::Other(code) if code == own::SESSION => {
                self.appended.extend(serde_json::from_str::<SessionFacts>(&event.data.decode()));
                (self.end, self.exit) = (None, None);
            }
            Code::Input | Code::Other(_) => {}
        }
    }

    fn take_commands(&mut self, limits: Limits) {
        while let Some(command) = self.log.next_event() {
            if command.kind == Kind::Cancelled {
                continue;
            }
            if self.commands.len() < limits.commands {
                self.commands.push(command);
            } else {
                self.more_commands += 1;
            }
        }
    }

    /// Takes a picture of a marked moment when all that happened in it has.
    fn take_still(&mut self, limits: Limits) {
        if let Some((at, label)) = self.marked.take() {
            self.add_still(at, Reason::Marker(label), limits);
        }
    }

    /// Takes pictures of the moments before that time of which something was noted.
    fn take_notes(&mut self, before: Micros, limits: Limits) {
        while let Some(note) = self.notes.pop_if(|note| note.at < before) {
            self.add_still(note.at, Reason::Note(note), limits);
        }
    }

    fn add_still(&mut self, at: Micros, reason: Reason, limits: Limits) {
        if self.stills.len() < limits.stills {
            let still = self.still(at, reason);
            self.stills.push(still);
        } else {
            self.more_stills += 1;
        }
    }

    fn still(&mut self, at: Micros, reason: Reason) -> Still {
        let label = match &reason {
            Reason::Marker(text) | Reason::Note(Note { text, .. }) if !text.is_empty() => text,
            Reason::Marker(_) | Reason::Note(_) | Reason::End => "the screen",
        };
        let svg = self.picture.svg(&format!("{label}, at {}", crate::text::moment(at)));
        Still { at, reason, cols: self.picture.screen().size().cols, svg }
    }

    fn finish(mut self, source: Source, limits: Limits) -> Recording {
        self.take_still(limits);
        self.take_notes(Micros(u64::MAX), limits);
        self.log.finish();
        self.take_commands(limits);
        if self.stills.is_empty() {
            let still = self.still(self.now, Reason::End);
            self.stills.push(still);
        }
        let facts = self.header.facts();
        let Header { size, term_type, title, command, .. } = &self.header;
        Recording {
            source,
            start: self.header.start_us().and_then(DateTime::<Utc>::from_timestamp_micros),
            sessions: facts.into_iter().chain(self.appended).collect(),
            title: title.clone(),
            command: command.clone(),
            duration: self.now,
            terminal: match term_type {
                Some(term_type) => format!("{size}, {term_type}"),
                None => size.to_string(),
            },
            end: self.end,
            exit: self.exit,
            excerpt: self.header.excerpt_text(),
            commands: self.commands,
            more_commands: self.more_commands,
            stills: self.stills,
            more_stills: self.more_stills,
            playback: self.embedder.finish(),
        }
    }
}
