//! The store: an index of a set of recordings, opened, brought up to date, asked.

use std::path::{Path, PathBuf};

use crate::database::Database;
use crate::entry::{self, Entry};
use crate::error::StoreError;
use crate::index::{self, Progress, Updated};
use crate::pattern::Pattern;
use crate::place::{refuse_among, usual_place};
use crate::query::{Command, Hit, Origin, Recording, Session, Timeline, Unread, commands, search, sessions};
use crate::recording::Filter;
use crate::stop::StopToken;

/// An index of recordings.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the index of those files and folders in the cache; it is made if it is not there, or of no use.
    ///
    /// # Errors
    ///
    /// There is no place for it, or the system refuses.
    pub fn open_usual(recordings: &[PathBuf]) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(&usual_place(recordings)?, true)? })
    }

    /// Opens an index at a place of choice, for those files and folders; it is made if it is not there.
    ///
    /// # Errors
    ///
    /// Something else stands there, or it would be among the recordings, or the system refuses.
    pub fn open(place: &Path, recordings: &[PathBuf]) -> Result<Self, StoreError> {
        refuse_among(place, recordings)?;
        Ok(Self { database: Database::open(place, false)? })
    }

    /// Makes it anew, empty: for one that turns out to be damaged.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn made_anew(self) -> Result<Self, StoreError> {
        let place = self.place().to_owned();
        drop(self);
        let removed = Database::remove(&place);
        removed.map_err(|source| StoreError::Io { path: place.clone(), source })?;
        Ok(Self { database: Database::open(&place, true)? })
    }

    /// Where the index is.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.database.path()
    }

    /// From now on, whatever it does is given up when that token says so, and fails with [`StoreError::Stopped`]: for
    /// each question a token of its own, that another thread has a clone of. Until then nobody can stop it. What an
    /// update had not yet written for good, some seconds' work, is read again by the next one.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use casemate_store::{Meaning, Pattern, StopToken, Store, StoreError};
    ///
    /// let mut store = Store::open_usual(&["audit".into()])?;
    /// let stop = StopToken::default();
    /// store.obey(&stop);
    /// std::thread::spawn(move || stop.stop());
    /// match store.search_lines(&Pattern::new("a", Meaning::default())?, None, 100) {
    ///     Ok(hits) => println!("{} hits", hits.len()),
    ///     Err(StoreError::Stopped) => println!("somebody asked for something else"),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn obey(&self, token: &StopToken) {
        self.database.obey(token);
    }

    /// Brings the index up to date: reads recordings that are new or have changed, one thread for each core, and drops
    /// those that are gone. One that cannot be read does not stop the others. Their names in the index are those without
    /// links.
    ///
    /// # Errors
    ///
    /// The index cannot be written.
    pub fn update(
        &mut self,
        recordings: &[PathBuf],
        report: &mut dyn FnMut(&Progress),
    ) -> Result<Updated, StoreError> {
        index::update(&mut self.database, recordings, report)
    }

    /// Adds sessions that come from elsewhere than a file, on the same way as those of files.
    ///
    /// # Errors
    ///
    /// The index cannot be written.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Entry>) -> Result<(), StoreError> {
        entry::add(&mut self.database, &mut entries.into_iter())
    }

    /// All recordings, by name, also those that cannot be read.
    ///
    /// # Errors
    ///
    /// The index cannot be read, as for all that follows.
    pub fn recordings(&mut self) -> Result<Vec<Recording>, StoreError> {
        sessions::recordings(&mut self.database)
    }

    /// All sessions, in the order of time.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn sessions(&mut self) -> Result<Vec<Session>, StoreError> {
        sessions::sessions(&mut self.database)
    }

    /// The commands of a session, in their order.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn commands_of(&mut self, session: i64) -> Result<Vec<Command>, StoreError> {
        commands::of_session(&mut self.database, session)
    }

    /// Commands of all sessions, in the order of time.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn timeline(&mut self, page: &Timeline<'_>) -> Result<Vec<Command>, StoreError> {
        commands::timeline(&mut self.database, page)
    }

    /// Commands in which a pattern is found, at most `limit` of them, behind a hit of the page before.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn search_commands(
        &mut self,
        pattern: &Pattern,
        filter: &Filter,
        after: Option<&Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        search::commands(&mut self.database, pattern, filter, after, limit)
    }

    /// How many commands there are in which a pattern is found; `limit` where there are more.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn count_commands(
        &mut self,
        pattern: &Pattern,
        filter: &Filter,
        limit: usize,
    ) -> Result<usize, StoreError> {
        search::count_commands(&mut self.database, pattern, filter, limit)
    }

    /// Lines that were to be seen in which a pattern is found, at most `limit` of them, behind a hit of the page before.
    ///
    /// What was left out of the index ([`Self::unread`]) is not looked at.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn search_lines(
        &mut self,
        pattern: &Pattern,
        after: Option<&Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        search::lines(&mut self.database, pattern, after, limit)
    }

    /// How many lines there are in which a pattern is found; `limit` where there are more.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn count_lines(&mut self, pattern: &Pattern, limit: usize) -> Result<usize, StoreError> {
        search::count_lines(&mut self.database, pattern, limit)
    }

    /// Output that flowed by too fast to be kept in the index.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn unread(&mut self) -> Result<Vec<Unread>, StoreError> {
        search::unread(&mut self.database)
    }

    /// Which file and session a hit is from.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn origin(&mut self, session: i64) -> Result<Option<Origin>, StoreError> {
        search::origin(&mut self.database, session)
    }
}
