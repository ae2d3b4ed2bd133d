//! Threads that have the index: one brings it up to date, one answers questions, also meanwhile.
//!
//! *Invariants*: whoever asks never waits. Of questions of one kind only the last one is answered: one that is being
//! answered is given up. When the [`Librarian`] goes, all are, and the update with them; what that has not yet kept is
//! read again the next time.

use std::mem::{Discriminant, discriminant};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Instant;

use casemate_store::recording::Filter;
use casemate_store::{
    Command, Hit, Order, Pattern, Progress, Recording, Session, StopToken, Store, StoreError, Timeline, Where,
};

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// Which recordings and sessions there are.
    Overview,
    /// A page of commands of all sessions, or of one.
    Commands {
        session: Option<i64>,
        filter: Filter,
        pattern: Option<Pattern>,
        order: Order,
        after: Option<Box<Command>>,
        limit: usize,
    },
    /// A page of places where something is found.
    Hits { pattern: Pattern, place: Where, after: Option<Box<Hit>>, limit: usize },
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Overview { recordings: Vec<Recording>, sessions: Vec<Session>, left_out: u64 },
    Commands(Vec<Command>),
    Hits(Vec<Hit>),
    Failed(String),
}

/// How far the index is.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) progress: Progress,
    pub(crate) began: Option<Instant>,
    pub(crate) is_done: bool,
    /// Why it could not be brought up to date, or not all of it.
    pub(crate) failures: Vec<String>,
    /// Counted up when the index was made anew.
    made: u64,
}

/// Where recordings and index are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) index: Option<PathBuf>,
}

impl Place {
    fn open(&self) -> Result<Store, StoreError> {
        match &self.index {
            Some(index) => Store::open(index, &self.folders),
            None => Store::open_usual(&self.folders),
        }
    }
}

/// Whom to ask.
#[derive(Debug)]
pub(crate) struct Librarian {
    questions: Sender<Asked>,
    answers: Receiver<(u64, Answer)>,
    update: Arc<Mutex<Update>>,
    last: u64,
    /// What is asked, one of each kind, and how to give it up.
    open: Vec<(Kind, StopToken)>,
    /// Gives the update up.
    stop: StopToken,
}

/// What tells questions of one kind from others.
type Kind = Discriminant<Question>;

/// A question, its number, and how it is given up.
struct Asked {
    number: u64,
    question: Question,
    stop: StopToken,
}

impl Librarian {
    /// Opens the index and begins to bring it up to date.
    pub(crate) fn start(place: &Place) -> Result<Self, StoreError> {
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let update = Arc::new(Mutex::new(Update::default()));
        let (updated, read) = (place.open()?, place.open()?);
        let stop = StopToken::default();
        updated.obey(&stop);
        let name = updated.place().to_owned();
        let desk = Desk { store: read, place: place.clone(), made: 0, update: Arc::clone(&update) };
        let (folders, shared) = (place.folders.clone(), Arc::clone(&update));
        Builder::new()
            .name("answers".into())
            .spawn(move || desk.serve(&asked, &answer))
            .and_then(|_| {
                Builder::new()
                    .name("update".into())
                    .spawn(move || bring_up_to_date(updated, &folders, &shared))
            })
            .map_err(|source| StoreError::Io { path: name, source })?;
        Ok(Self { questions, answers, update, last: 0, open: Vec::new(), stop })
    }

    /// Asks; the answer has the number that is returned.
    pub(crate) fn ask(&mut self, question: Question) -> u64 {
        self.last += 1;
        let (kind, stop) = (discriminant(&question), StopToken::default());
        if let Some(at) = self.open.iter().position(|(open, _)| *open == kind) {
            self.open.swap_remove(at).1.stop();
        }
        self.open.push((kind, stop.clone()));
        // If nobody is there to answer, it has been said why.
        self.questions.send(Asked { number: self.last, question, stop }).ok();
        self.last
    }

    /// An answer that has come.
    pub(crate) fn answer(&self) -> Option<(u64, Answer)> {
        self.answers.try_recv().ok()
    }

    /// How far the index is.
    pub(crate) fn update(&self) -> MutexGuard<'_, Update> {
        self.update.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Librarian {
    fn drop(&mut self) {
        self.stop.stop();
        self.open.iter().for_each(|(_, stop)| stop.stop());
    }
}

fn locked(update: &Mutex<Update>) -> MutexGuard<'_, Update> {
    update.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what is new; an index that turns out to be damaged is made anew.
fn bring_up_to_date(mut store: Store, folders: &[PathBuf], update: &Mutex<Update>) {
    locked(update).began = Some(Instant::now());
    let read = |store: &mut Store| store.update(folders, &mut |progress| locked(update).progress = *progress);
    let mut done = read(&mut store);
    if done.as_ref().is_err_and(StoreError::is_damage) {
        done = store.made_anew().and_then(|mut store| {
            locked(update).made += 1;
            read(&mut store)
        });
    }
    let mut update = locked(update);
    update.is_done = true;
    match done {
        Ok(done) => update.failures.extend(done.failures.iter().map(ToString::to_string)),
        Err(error) => update.failures.push(with_cause(&error)),
    }
}

/// An error, and what it is from.
pub(crate) fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Where questions are answered.
struct Desk {
    store: Store,
    place: Place,
    made: u64,
    update: Arc<Mutex<Update>>,
}

impl Desk {
    fn serve(mut self, asked: &Receiver<Asked>, answer: &Sender<(u64, Answer)>) {
        while let Ok(Asked { number, question, stop }) = asked.recv() {
            let answered = match self.answer(question, &stop) {
                Err(StoreError::Stopped) => continue,
                answered => answered.unwrap_or_else(|error| Answer::Failed(with_cause(&error))),
            };
            if answer.send((number, answered)).is_err() {
                return;
            }
        }
    }

    fn answer(&mut self, question: Question, stop: &StopToken) -> Result<Answer, StoreError> {
        let made = locked(&self.update).made;
        if made != self.made {
            (self.store, self.made) = (self.place.open()?, made);
        }
        let store = &mut self.store;
        store.obey(stop);
        Ok(match question {
            Question::Overview => Answer::Overview {
                recordings: store.recordings()?,
                sessions: store.sessions()?,
                left_out: store.unread()?.iter().map(|unread| unread.lines).sum(),
            },
            Question::Commands { session, filter, pattern, order, after, limit } => {
                let (pattern, after) = (pattern.as_ref(), after.as_deref());
                let page = Timeline { session, filter, pattern, order, after, limit };
                Answer::Commands(store.timeline(&page)?)
            }
            Question::Hits { pattern, place: Where::Command, after, limit } => {
                Answer::Hits(store.search_commands(&pattern, &Filter::default(), after.as_deref(), limit)?)
            }
            Question::Hits { pattern, place: Where::Output, after, limit } => {
                Answer::Hits(store.search_lines(&pattern, after.as_deref(), limit)?)
            }
        })
    }
}
