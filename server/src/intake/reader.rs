//! The text of a recording: lines in, events of the audit log out.

use casemate_audit_log::model::Event;
use casemate_cast_format::{Code, Decoder, Header, Item, Micros, SessionFacts, Size, own};
use casemate_command_log::{CommandLog, Kind, State};

use super::clock::Clock;
use super::{About, Events, Reason, Refused, events};

/// So much text without an event, or anything else to be read, is none of a recording: twice what the beginning of one can
/// be, and far more than a recorder writes in a line.
pub const UNREAD_LIMIT: u64 = 32 << 20;

/// Reads the text.
pub(super) struct Reader {
    about: About,
    decoder: Decoder,
    log: Option<Box<CommandLog>>,
    clock: Clock,
    pub(super) header: Option<Box<Header>>,
    pub(super) facts: Option<SessionFacts>,
    pub(super) size: Option<Size>,
    /// Time of the last event.
    pub(super) last: Micros,
    pub(super) events: Events,
    /// So much text was read.
    pub(super) text_bytes: u64,
    /// So much of it, at least, since the last item.
    unread: u64,
    pub(super) defects: u64,
    pub(super) has_ended: bool,
}

impl Reader {
    pub(super) fn new(about: About) -> Self {
        Self {
            clock: Clock(about.started),
            about,
            decoder: Decoder::new(),
            log: None,
            header: None,
            facts: None,
            size: None,
            last: Micros(0),
            events: Events::new(),
            text_bytes: 0,
            unread: 0,
            defects: 0,
            has_ended: false,
        }
    }

    /// Reads text, which stands at that byte of the recording.
    pub(super) fn read(&mut self, text: &[u8], at: u64) -> Result<(), Refused> {
        self.decoder.feed(text);
        self.text_bytes += text.len() as u64;
        self.unread += text.len() as u64;
        self.items(at)
    }

    fn items(&mut self, at: u64) -> Result<(), Refused> {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut result = Ok(());
        while let Some(item) = decoder.next_item() {
            self.unread = 0;
            match item {
                Item::Header(header) => self.begin(header),
                Item::Event(event) => self.event(&event),
                Item::Comment(_) => {}
                Item::Defect(defect) if defect.kind.is_fatal() => {
                    result = Err(Refused { reason: Reason::NotARecording(defect.kind), at });
                    break;
                }
                Item::Defect(_) => self.defects += 1,
            }
        }
        self.decoder = decoder;
        if result.is_ok() && self.unread > UNREAD_LIMIT {
            result = Err(Refused { reason: Reason::NothingToRead, at });
        }
        result
    }

    fn begin(&mut self, header: Box<Header>) {
        self.clock.begin(&header);
        self.facts = header.facts();
        self.size = Some(header.size);
        self.log = Some(Box::new(CommandLog::new(&header).live()));
        self.header = Some(header);
    }

    fn event(&mut self, event: &casemate_cast_format::Event<'_>) {
        self.last = self.last.max(event.time);
        self.size = event.size().or(self.size);
        if let Some(log) = &mut self.log {
            log.handle(event);
        }
        self.drain();
        match &event.code {
            Code::Exit => self.has_ended = true,
            Code::Other(code) if code == own::END => self.has_ended = true,
            Code::Other(code) if code == own::SESSION => self.append(event),
            Code::Output | Code::Input | Code::Marker | Code::Resize | Code::Other(_) => {}
        }
    }

    /// Another session goes on in the recording. All that ran in the one before has ended.
    fn append(&mut self, event: &casemate_cast_format::Event<'_>) {
        self.has_ended = false;
        let Ok(facts) = serde_json::from_str::<SessionFacts>(&event.data.decode()) else { return };
        self.clock.append(&facts, event.time);
        self.facts = Some(facts);
    }

    /// Gives back what is only needed while text comes.
    pub(super) fn pause(&mut self) {
        if let Some(log) = &mut self.log {
            log.pause();
        }
    }

    /// So much time has passed since the last event.
    pub(super) fn advance(&mut self, passed: Micros) {
        if let Some(log) = &mut self.log {
            log.advance(self.last.plus(passed));
        }
        self.drain();
    }

    /// No text is to come.
    pub(super) fn finish(&mut self) {
        self.decoder.finish();
        // Nothing of it is refused any more.
        self.items(0).ok();
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(event) = self.log.as_mut().and_then(|log| log.next_event()) {
            let event = match event.state {
                Some(State::Finished) => {
                    let end = match event.duration {
                        Some(duration) => event.offset.plus(duration),
                        // It was never run.
                        None if event.kind == Kind::Cancelled => event.offset,
                        // With the session, at the latest.
                        None => self.last.max(event.offset),
                    };
                    Event::CommandEnd(events::command_end(&self.about, event, self.clock.at(end)))
                }
                Some(State::Started) | None => {
                    let at = self.clock.at(event.offset);
                    Event::Command(Box::new(events::command(&self.about, self.own_place(), event, at)))
                }
            };
            self.events.push_back(event);
        }
    }

    /// Machine and account that the session is on by itself.
    fn own_place(&self) -> (Option<&str>, Option<&str>) {
        let facts = self.facts.as_ref();
        (facts.map(|facts| &*facts.target), facts.map(|facts| &*facts.target_user))
    }
}
