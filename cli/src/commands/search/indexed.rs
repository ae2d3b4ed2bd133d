//! Folders, by way of their index.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use casemate_store::recording::{Filter, Source};
use casemate_store::{Hit, Origin, Part, Store, StoreError};

use super::Search;
use crate::failure::Failure;

/// Hits are fetched in pages.
const PAGE: usize = 500;

impl Search<'_> {
    /// Searches folders: the index first, then what is in no index.
    pub(super) fn indexed(&mut self, folders: &[PathBuf]) -> Result<(), Failure> {
        let mut store = match &self.arguments.index {
            Some(place) => Store::open(place, folders)?,
            None => Store::open_usual(folders)?,
        };
        match self.update_and_search(&mut store, folders) {
            Err(Trouble::Store(error)) if error.is_damage() && self.shown.hits() == 0 => {
                self.printer
                    .warn(format!("the index `{}` is damaged: it is made anew", store.place().display()));
                store = store.made_anew()?;
                self.update_and_search(&mut store, folders).map_err(Trouble::failure)?;
            }
            done => done.map_err(Trouble::failure)?,
        }
        self.left_out(&mut store, folders)
    }

    fn update_and_search(&mut self, store: &mut Store, folders: &[PathBuf]) -> Result<(), Trouble> {
        let mut bar = None;
        let updated = store.update(folders, &mut |progress| {
            if progress.waits {
                self.printer.say("another casemate updates the index: waiting for it");
                return;
            }
            let bar = bar
                .get_or_insert_with(|| (self.printer.progress("indexing", Some(progress.of_bytes)), 0_u64));
            bar.0.advance(usize::try_from(progress.bytes - bar.1).unwrap_or(usize::MAX));
            bar.1 = progress.bytes;
        });
        drop(bar);
        let updated = updated?;
        for failure in updated.failures {
            self.trouble(&failure.into());
        }
        self.search_index(store, folders)?;
        for recording in store.recordings()?.into_iter().filter_map(|recording| recording.failure) {
            self.bad = true;
            self.printer.error(recording);
        }
        Ok(())
    }

    /// Gives the hits of each session in their order: commands and lines are found one after the other.
    fn search_index(&mut self, store: &mut Store, folders: &[PathBuf]) -> Result<(), Trouble> {
        let pattern = self.pattern;
        let mut commands = Pages::new(self.arguments.place.commands(), |store, after| {
            store.search_commands(pattern, &Filter::default(), after, PAGE)
        });
        let mut lines = Pages::new(self.arguments.place.output(), |store, after| {
            store.search_lines(pattern, after, PAGE)
        });
        let mut origins = Origins::new(folders);
        loop {
            let (command, line) = (commands.next_session(store)?, lines.next_session(store)?);
            let Some(session) = command.into_iter().chain(line).min() else { break };
            let Some(origin) = origins.of(store, session)? else { continue };
            let mut hits = Hits { search: self, origin: &origin };
            // What is found in a session may be more than a page of either.
            loop {
                let command = commands.peek(store, session)?;
                let line = lines.peek(store, session)?;
                match (command, line) {
                    (Some(command), Some(line)) if line < command => hits.give(lines.next())?,
                    (Some(_), _) => hits.give(commands.next())?,
                    (None, Some(_)) => hits.give(lines.next())?,
                    (None, None) => break,
                }
            }
        }
        self.shown.flush()?;
        Ok(())
    }

    /// Looks for what flowed by too fast to be kept in the index.
    fn left_out(&mut self, store: &mut Store, folders: &[PathBuf]) -> Result<(), Failure> {
        if !self.arguments.place.output() {
            return Ok(());
        }
        let mut sources: Vec<Source> = Vec::new();
        let (mut lines, origins) = (0, Origins::new(folders));
        for unread in store.unread()? {
            lines += unread.lines;
            let path = origins.given(&unread.path);
            if sources.last().is_none_or(|last| last.path != path) {
                sources.push(Source { path, bytes: unread.bytes, is_guess: false });
            }
        }
        if sources.is_empty() {
            return Ok(());
        }
        let count = sources.len();
        let plural = if count == 1 { "" } else { "s" };
        self.printer.say(format!(
            "{lines} lines that flowed by fast are in no index: reading {count} recording{plural}"
        ));
        self.direct(&sources, Part::LeftOut)
    }
}

/// What goes wrong: with the index, which can be made anew, or otherwise.
enum Trouble {
    Store(StoreError),
    Other(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Self::Store(error) => error.into(),
            Self::Other(failure) => failure,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// Hits of one kind, fetched as they are needed.
struct Pages<F> {
    fetch: F,
    page: Vec<Hit>,
    at: usize,
    is_over: bool,
}

impl<F: FnMut(&mut Store, Option<&Hit>) -> Result<Vec<Hit>, StoreError>> Pages<F> {
    fn new(is_wanted: bool, fetch: F) -> Self {
        Self { fetch, page: Vec::new(), at: 0, is_over: !is_wanted }
    }

    fn fill(&mut self, store: &mut Store) -> Result<Option<&Hit>, StoreError> {
        if self.at == self.page.len() && !self.is_over {
            self.page = (self.fetch)(store, self.page.last())?;
            self.at = 0;
            self.is_over = self.page.len() < PAGE;
        }
        Ok(self.page.get(self.at))
    }

    /// The session of the next hit.
    fn next_session(&mut self, store: &mut Store) -> Result<Option<i64>, StoreError> {
        Ok(self.fill(store)?.map(|hit| hit.session))
    }

    /// When the next hit is, if it is in that session.
    fn peek(&mut self, store: &mut Store, session: i64) -> Result<Option<u64>, StoreError> {
        Ok(self.fill(store)?.filter(|hit| hit.session == session).map(|hit| hit.offset.0))
    }

    fn next(&mut self) -> Option<&Hit> {
        self.at += 1;
        self.page.get(self.at - 1)
    }
}

/// Hits of one session.
struct Hits<'a, 'b> {
    search: &'a mut Search<'b>,
    origin: &'a Origin,
}

impl Hits<'_, '_> {
    fn give(&mut self, hit: Option<&Hit>) -> Result<(), Failure> {
        let Some(hit) = hit else { return Ok(()) };
        let Origin { path, session } = self.origin;
        self.search.shown.hit(path, session.as_deref(), hit.place, hit.offset, &hit.text);
        self.search.shown.flush_if_long()
    }
}

/// Which files sessions are in, by the names of those who ask.
struct Origins {
    /// Folders without links, and as they were given.
    folders: Vec<(PathBuf, PathBuf)>,
    known: HashMap<i64, Option<Arc<Origin>>>,
}

impl Origins {
    fn new(folders: &[PathBuf]) -> Self {
        let canonical = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let folders = folders.iter().map(|folder| (canonical(folder), folder.clone())).collect();
        Self { folders, known: HashMap::new() }
    }

    fn of(&mut self, store: &mut Store, session: i64) -> Result<Option<Arc<Origin>>, StoreError> {
        if let Some(origin) = self.known.get(&session) {
            return Ok(origin.clone());
        }
        let origin = store.origin(session)?.map(|mut origin| {
            origin.path = self.given(&origin.path);
            Arc::new(origin)
        });
        self.known.insert(session, origin.clone());
        Ok(origin)
    }

    fn given(&self, path: &Path) -> PathBuf {
        let within = self.folders.iter().find_map(|(canonical, given)| {
            let rest = path.strip_prefix(canonical).ok()?;
            Some(given.join(rest))
        });
        within.unwrap_or_else(|| path.to_owned())
    }
}
