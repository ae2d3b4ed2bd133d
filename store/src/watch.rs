//! A recording watched: which sessions are in it, which commands were run, what was to be seen.
//!
//! Everything that is made of whole recordings, the index and a search without one, sees them this way.

use std::time::Duration;

use casemate_cast_format::event::own;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_cast_format::{Code, Header, Item, Micros, SessionFacts, Size};
use casemate_command_log::CommandEvent;
use casemate_terminal::Sightings;

use crate::recording::{Deriver, Findings, Input, NobodyWaits, ReadError, Record, Strictness, Taker, Wish};

/// A session as its beginning says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Where in the recording.
    pub(crate) begins: Micros,
    pub(crate) session: Option<String>,
    pub(crate) part: u32,
    /// In microseconds since 1970.
    pub(crate) start: Option<i64>,
    pub(crate) user: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) target_user: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) cols: u32,
    pub(crate) rows: u32,
}

/// What is known of a session at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) duration: Micros,
    pub(crate) events: u64,
    pub(crate) output_bytes: u64,
}

/// Who keeps what is seen. Each session begins, has commands and lines, and ends.
pub(crate) trait Keeper {
    fn session(&mut self, beginning: Beginning) -> Result<(), NobodyWaits>;

    fn command(&mut self, event: CommandEvent) -> Result<(), NobodyWaits>;

    /// A line was to be seen, since then.
    fn line(&mut self, time: Duration, text: &str);

    /// An event is over: lines can be handed over. Says whether anybody still waits.
    fn settle(&mut self) -> Result<(), NobodyWaits>;

    fn end(&mut self, counts: Counts) -> Result<(), NobodyWaits>;

    /// So many bytes more were read.
    fn advance(&mut self, bytes: usize);
}

/// What is to be looked for in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) commands: bool,
    pub(crate) lines: bool,
}

/// Why a recording is not watched to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Read(ReadError),
    NobodyWaits,
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<NobodyWaits> for Stop {
    fn from(_: NobodyWaits) -> Self {
        Self::NobodyWaits
    }
}

/// Watches a recording. What was seen before something went wrong is kept.
pub(crate) fn watch(input: Input, scope: Scope, keeper: &mut impl Keeper) -> Result<Findings, Stop> {
    let wish = Wish::default();
    let mut watcher = Watcher {
        keeper,
        deriver: scope.commands.then(|| Deriver::new(&wish, None)),
        lines: scope.lines,
        session: None,
    };
    let read = input.read(UnpackerConfig::default(), Strictness::Collect, &mut watcher);
    watcher.end()?;
    read
}

struct Watcher<'a, K> {
    keeper: &'a mut K,
    deriver: Option<Deriver<'a>>,
    lines: bool,
    session: Option<Session>,
}

/// The session that is being watched.
struct Session {
    begins: Micros,
    counts: Counts,
    sightings: Option<Sightings>,
    size: Size,
    term: String,
}

impl<K: Keeper> Watcher<'_, K> {
    fn begin(&mut self, header: &Header) -> Result<(), NobodyWaits> {
        let facts = header.facts();
        let beginning = Beginning { start: header.start_us(), title: header.title.clone(), ..of(facts) };
        self.begin_session(beginning, header.size, header.terminal().to_owned())
    }

    /// A session that was appended begins: on a blank screen of the size that the other ended with.
    fn begin_appended(&mut self, begins: Micros, facts: SessionFacts) -> Result<(), NobodyWaits> {
        let Some(before) = self.session.take() else { return Ok(()) };
        let (size, term) = (before.size, before.term.clone());
        self.end_session(before)?;
        let start = i64::try_from(facts.start_us).ok();
        self.begin_session(Beginning { begins, start, ..of(Some(facts)) }, size, term)
    }

    fn begin_session(&mut self, beginning: Beginning, size: Size, term: String) -> Result<(), NobodyWaits> {
        let sightings = self.lines.then(|| {
            let (cols, rows) = size.cells();
            Sightings::new(cols, rows).for_term(&term)
        });
        let begins = beginning.begins;
        self.session = Some(Session { begins, counts: Counts::default(), sightings, size, term });
        self.keeper.session(Beginning { cols: size.cols, rows: size.rows, ..beginning })
    }

    fn end_session(&mut self, session: Session) -> Result<(), NobodyWaits> {
        let keeper = &mut *self.keeper;
        if let Some(sightings) = session.sightings {
            sightings.finish(&mut |sighting| keeper.line(sighting.time, sighting.text));
        }
        keeper.end(session.counts)
    }

    fn end(&mut self) -> Result<(), NobodyWaits> {
        let Self { keeper, deriver, .. } = self;
        if let Some(deriver) = deriver {
            deriver.finish(&mut |record: Record| keeper.command(record.event))?;
        }
        match self.session.take() {
            Some(session) => self.end_session(session),
            None => Ok(()),
        }
    }
}

impl<K: Keeper> Taker for Watcher<'_, K> {
    type Error = Stop;

    fn item(&mut self, item: Item<'_>) -> Result<(), Stop> {
        let mut appended = None;
        match &item {
            Item::Header(header) => self.begin(header)?,
            Item::Event(event) => {
                let (keeper, Some(session)) = (&mut *self.keeper, &mut self.session) else { return Ok(()) };
                let mut sink =
                    |sighting: casemate_terminal::Sighting<'_>| keeper.line(sighting.time, sighting.text);
                let time = Duration::from_micros(event.time.0);
                session.counts.events += 1;
                session.counts.duration = Micros(event.time.0.saturating_sub(session.begins.0));
                match &event.code {
                    Code::Output => {
                        let text = event.data.decode();
                        session.counts.output_bytes += text.len() as u64;
                        if let Some(sightings) = &mut session.sightings {
                            sightings.feed(time, text.as_bytes(), &mut sink);
                        }
                    }
                    Code::Resize => {
                        if let Some(size) = event.size() {
                            session.size = size;
                            if let Some(sightings) = &mut session.sightings {
                                let (cols, rows) = size.cells();
                                sightings.resize(time, cols, rows, &mut sink);
                            }
                        }
                    }
                    Code::Other(code) if code == own::SESSION => {
                        appended = serde_json::from_str(&event.data.decode()).ok();
                    }
                    Code::Input | Code::Marker | Code::Exit | Code::Other(_) => {}
                }
            }
            Item::Comment(_) | Item::Defect(_) => {}
        }
        let Self { keeper, deriver, .. } = self;
        if let Some(deriver) = deriver {
            deriver.item(&item, &mut |record: Record| keeper.command(record.event))?;
        }
        keeper.settle()?;
        // Commands of the session before that were still open have ended with it.
        if let (Some(facts), Item::Event(event)) = (appended, &item) {
            self.begin_appended(event.time, facts)?;
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize) {
        self.keeper.advance(bytes);
    }
}

fn of(facts: Option<SessionFacts>) -> Beginning {
    let Some(facts) = facts else { return Beginning { part: 1, ..Beginning::default() } };
    Beginning {
        session: Some(facts.session),
        part: facts.part,
        user: Some(facts.user),
        target: Some(facts.target),
        target_user: Some(facts.target_user),
        ..Beginning::default()
    }
}
