//! What the review does as time passes: it asks, takes answers, and knows what is shown. `keys` is what keys do, `noting`
//! how notes are kept. It draws nothing and touches no terminal.
//!
//! *Invariants*: no key waits for the index: what is asked is answered as time passes, and what was shown stays until
//! then. What is noted is in the case file before anything is said of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use casemate_store::StoreError;
use casemate_tui::{Area, Field, Flow, Grid, Input, Key, Look, Program};

use crate::case::Case;
use crate::commands::Commands;
use crate::librarian::{Answer, Librarian, Place, Question};
use crate::library::{Library, Moment, Who};
use crate::notes::Notes;
use crate::search::Search;
use crate::sessions::Sessions;
use crate::table::Table;

/// Answers are looked for so often, as long as one is awaited.
const LOOK: Duration = Duration::from_millis(15);

/// How far the index is, is shown so often, and what is new in it read so often.
const TICK: Duration = Duration::from_millis(200);
const REREAD: Duration = Duration::from_secs(2);

/// So long a message is shown.
const MESSAGE: Duration = Duration::from_secs(5);

/// The wheel goes so far.
const WHEEL: usize = 3;

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Sessions,
    Commands,
    Search,
    Notes,
}

impl View {
    pub(crate) const ALL: [Self; 4] = [Self::Sessions, Self::Commands, Self::Search, Self::Notes];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Commands => "Commands",
            Self::Search => "Search",
            Self::Notes => "Notes",
        }
    }
}

/// What is shown above the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    None,
    Help,
    /// What is known of a recording, and of a session in it.
    Details(i64, Option<i64>),
}

/// What is asked for in the last line.
#[derive(Debug)]
pub(crate) enum Prompt {
    /// What to note of a moment.
    Note(Moment, Field),
    /// What to say instead of what was noted.
    Edit(String, Field),
    /// Whether to remove a note.
    Remove(String),
    /// At which time the timeline shall begin.
    Time(Field),
}

/// A moment that is to be played.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) path: PathBuf,
    pub(crate) recording: i64,
    pub(crate) moment: Moment,
    pub(crate) is_paused: bool,
    /// It is to be played although it has changed.
    pub(crate) is_confirmed: bool,
}

/// The review, and what is shown of it.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) look: Look,
    pub(crate) librarian: Librarian,
    pub(crate) library: Library,
    pub(crate) case: Case,
    /// Who reviews.
    pub(super) by: String,
    pub(crate) view: View,
    pub(crate) sessions: Sessions,
    pub(crate) commands: Commands,
    pub(crate) search: Search,
    pub(crate) notes: Notes,
    pub(crate) is_typing: bool,
    /// Something was typed that nothing has followed from yet.
    pub(super) is_stale: bool,
    pub(crate) overlay: Overlay,
    /// The first line of an overlay that is shown, and how far that can go.
    pub(crate) scroll: (usize, usize),
    pub(crate) prompt: Option<Prompt>,
    /// What is said, and until when, once that is clear.
    pub(crate) message: Option<(String, Option<Duration>)>,
    /// Where the names of the views were drawn last.
    pub(crate) tabs: Vec<(Area, View)>,
    overview: Option<u64>,
    has_overview: bool,
    reread_at: Option<Duration>,
    tick_at: Duration,
    is_updated: bool,
    /// A recording of which was said that it has changed.
    pub(super) changed: Option<i64>,
    /// What is to be played next.
    pub(crate) visit: Option<Visit>,
    pub(crate) is_dirty: bool,
}

impl App {
    pub(crate) fn new(
        place: &Place,
        case: Case,
        key: Option<[u8; 32]>,
        by: &str,
        look: Look,
    ) -> Result<Self, StoreError> {
        let mut librarian = Librarian::start(place)?;
        let overview = Some(librarian.ask(Question::Overview));
        let mut app = Self {
            look,
            librarian,
            library: Library::new(&place.folders, key),
            case,
            by: by.to_owned(),
            view: View::Sessions,
            sessions: Sessions::new(),
            commands: Commands::new(),
            search: Search::new(),
            notes: Notes::new(),
            is_typing: false,
            is_stale: false,
            overlay: Overlay::None,
            scroll: (0, 0),
            prompt: None,
            message: None,
            tabs: Vec::new(),
            overview,
            has_overview: false,
            reread_at: None,
            tick_at: Duration::ZERO,
            is_updated: false,
            changed: None,
            visit: None,
            is_dirty: true,
        };
        app.notes.fill(&app.case, &app.library, &app.look);
        Ok(app)
    }

    pub(crate) fn say(&mut self, message: impl Into<String>) {
        self.message = Some((message.into(), None));
        self.is_dirty = true;
    }

    /// Whether the index may still change.
    pub(crate) fn is_updating(&self) -> bool {
        !self.is_updated || self.overview.is_some()
    }

    fn pass(&mut self, now: Duration) -> Option<Duration> {
        self.settle();
        let mut wake: Option<Duration> = None;
        let mut at = |time: Duration| wake = Some(wake.map_or(time, |wake| wake.min(time)));
        if let Some((_, until)) = &mut self.message {
            let until = *until.get_or_insert(now + MESSAGE);
            if now >= until {
                (self.message, self.is_dirty) = (None, true);
            } else {
                at(until);
            }
        }
        while let Some((number, answer)) = self.librarian.answer() {
            self.is_dirty = true;
            self.take(number, answer);
        }
        if !self.is_updated {
            at(self.watch_update(now));
        }
        match self.view {
            View::Commands => self.commands.fetch(&mut self.librarian),
            View::Search => self.search.fetch(&mut self.librarian),
            View::Sessions | View::Notes => {}
        }
        if self.overview.is_some() || self.commands.is_waiting() || self.search.is_waiting() {
            at(now + LOOK);
        }
        wake
    }

    /// Looks how far the index is; returns when to do so again.
    fn watch_update(&mut self, now: Duration) -> Duration {
        if now < self.tick_at {
            return self.tick_at;
        }
        self.tick_at = now + TICK;
        self.is_dirty = true;
        let mut update = self.librarian.update();
        let (is_done, failures) = (update.is_done, std::mem::take(&mut update.failures));
        drop(update);
        if is_done {
            self.is_updated = true;
            self.ask_overview();
            match failures.as_slice() {
                [] => {}
                [failure] => self.say(failure),
                [failure, rest @ ..] => self.say(format!("{failure}, and {} more", rest.len())),
            }
        } else if now >= *self.reread_at.get_or_insert(now + REREAD) && self.overview.is_none() {
            self.reread_at = Some(now + REREAD);
            self.ask_overview();
        }
        self.tick_at
    }

    /// The index is brought up to date once more.
    #[cfg(test)]
    pub(crate) fn watch_again(&mut self) {
        (self.is_updated, self.tick_at) = (false, Duration::ZERO);
    }

    fn ask_overview(&mut self) {
        self.overview = Some(self.librarian.ask(Question::Overview));
    }

    fn take(&mut self, number: u64, answer: Answer) {
        match answer {
            Answer::Overview { recordings, sessions, left_out } => {
                if self.overview == Some(number) {
                    self.overview = None;
                }
                self.has_overview = true;
                // A recording that was read again has other numbers.
                let scope = self.commands.of.and_then(|session| self.library.locate(session));
                self.library.fill(recordings, sessions, left_out);
                self.commands.of = scope.and_then(|(path, begins)| self.library.at(&path, begins));
                if let Overlay::Details(recording, _) = self.overlay
                    && self.library.volume(recording).is_none()
                {
                    self.overlay = Overlay::None;
                }
                self.fill_sessions();
                self.notes.fill(&self.case, &self.library, &self.look);
                // What is shown may be no more.
                if self.is_updated || self.commands.len() == 0 {
                    self.ask_commands();
                }
                if self.is_updated && !self.search.field.is_empty() {
                    self.ask_search();
                }
            }
            Answer::Commands(page) => self.commands.take(number, page, &self.look),
            Answer::Hits(page) => {
                self.search.take(number, page, &self.library, &self.look, &mut self.librarian);
            }
            Answer::Failed(why) => {
                self.overview = self.overview.filter(|awaited| *awaited != number);
                self.commands.give_up(number);
                self.search.give_up(number);
                self.say(why);
            }
        }
    }

    /// Whether anything is known of the recordings.
    pub(crate) fn has_overview(&self) -> bool {
        self.has_overview
    }

    pub(super) fn fill_sessions(&mut self) {
        let marked: HashSet<String> = self.case.bookmarks().iter().map(|mark| mark.file.clone()).collect();
        self.sessions.fill(&self.library, &marked, &self.look);
    }

    pub(super) fn ask_commands(&mut self) {
        if let Err(why) = self.commands.ask(&mut self.librarian) {
            self.say(why);
        }
    }

    pub(super) fn ask_search(&mut self) {
        if let Err(why) = self.search.ask(&mut self.librarian) {
            self.say(why);
        }
    }

    /// What is typed in this view.
    pub(crate) fn field(&mut self) -> &mut Field {
        match self.view {
            View::Sessions => &mut self.sessions.filter,
            View::Commands => &mut self.commands.filter,
            View::Search => &mut self.search.field,
            View::Notes => &mut self.notes.filter,
        }
    }

    pub(super) fn table(&mut self) -> (&mut Table, usize) {
        let count = match self.view {
            View::Sessions => self.sessions.len(),
            View::Commands => self.commands.len(),
            View::Search => self.search.len(),
            View::Notes => self.notes.len(),
        };
        match self.view {
            View::Sessions => (&mut self.sessions.table, count),
            View::Commands => (&mut self.commands.table, count),
            View::Search => (&mut self.search.table, count),
            View::Notes => (&mut self.notes.table, count),
        }
    }

    /// Does what follows from what was typed: once, however much came at a time.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.is_stale) {
            self.apply_field();
        }
    }

    pub(super) fn apply_field(&mut self) {
        match self.view {
            View::Sessions => {
                self.sessions.table.selection.chosen = 0;
                self.sessions.apply(&self.library);
            }
            View::Commands => {
                self.commands.table.selection.chosen = 0;
                self.ask_commands();
            }
            View::Search => self.ask_search(),
            View::Notes => self.notes.fill(&self.case, &self.library, &self.look),
        }
    }

    /// The moment that is chosen.
    pub(super) fn chosen(&self) -> Option<Moment> {
        match self.view {
            View::Sessions => self.sessions.chosen(&self.library),
            View::Commands => self.commands.chosen(&self.library),
            View::Search => self.search.chosen(&self.library),
            View::Notes => {
                let mark = self.notes.chosen()?;
                let volume = self.library.by_path(&mark.file)?;
                let recording = volume.recording.id;
                let session = self.library.session_at(recording, mark.offset).map(|session| session.id);
                let (user, target, target_user) =
                    (mark.user.clone(), mark.target.clone(), mark.target_user.clone());
                let who = Who { user, target, target_user };
                Some(Moment { recording, session, offset: mark.offset, who, line: mark.line.clone() })
            }
        }
    }

    /// What is to be played is not what was indexed: it is played when it is asked for once more.
    pub(crate) fn ask_about_change(&mut self, recording: i64) {
        self.changed = Some(recording);
        self.say("it has changed since it was indexed; Enter plays it none the less");
    }

    /// The player is over.
    pub(crate) fn came_back(&mut self) {
        self.tick_at = Duration::ZERO;
        self.reread_at = None;
        self.notes.fill(&self.case, &self.library, &self.look);
        self.fill_sessions();
        self.is_dirty = true;
    }
}

impl Program for App {
    fn work(&mut self, now: Duration) -> Option<Duration> {
        self.pass(now)
    }

    fn input(&mut self, input: Input, _now: Duration) -> Flow {
        self.is_dirty = true;
        if matches!(input, Input::Key(_)) {
            // What was said was about what was before.
            self.message = None;
        } else {
            self.settle();
        }
        match input {
            Input::Key(Key::Control('c')) => return Flow::Interrupt,
            Input::Key(Key::Control('z')) => return Flow::Suspend,
            Input::Key(Key::Control('l')) => return Flow::Redraw,
            Input::Key(key) if self.prompt.is_some() => self.prompt_key(key),
            Input::Key(key) if self.overlay != Overlay::None => return self.overlay_key(key),
            Input::Key(key) if self.is_typing => self.type_key(key),
            Input::Key(key) => return self.key(key),
            Input::Press { .. } if self.prompt.is_some() => {}
            Input::Press { is_drag: false, .. } if self.overlay != Overlay::None => {
                self.overlay = Overlay::None;
            }
            Input::Press { col, row, is_drag: false } => return self.press(col, row),
            Input::Press { is_drag: true, .. } | Input::Release => {}
            Input::Wheel { is_up } => {
                let key = if is_up { Key::Up } else { Key::Down };
                for _ in 0..WHEEL {
                    if self.overlay == Overlay::None {
                        self.move_selection(key);
                    } else {
                        self.overlay_key(key);
                    }
                }
            }
        }
        Flow::Continue
    }

    fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    fn draw(&mut self, cols: u16, rows: u16) -> Grid {
        self.is_dirty = false;
        self.drawn(cols, rows)
    }
}
