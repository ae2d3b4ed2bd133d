//! What goes wrong with a database, whose fault it is, and what to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

/// Why something could not be kept, or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address of a database is none.
    #[error("`{url}` is no database: it has to begin with `sqlite:` or `postgres:`")]
    NoDatabase {
        /// What was given, without a password.
        url: String,
    },
    /// The database cannot be reached, or refuses.
    #[error("{what}: {source}")]
    Database {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// What was asked takes longer than it may.
    #[error(
        "it takes longer than {} ms: ask for less, such as a shorter time (startTimestamp, endTimestamp) or one user",
        limit.as_millis()
    )]
    TooLong {
        /// What it may take.
        limit: Duration,
    },
    /// What is in the database was made by another version.
    #[error("the database is of version {found}, this program knows version {known}")]
    Version {
        /// What is there.
        found: i64,
        /// What is known.
        known: i64,
    },
    /// What stands in the database is not what was written.
    #[error("row {row} cannot be read: {reason}")]
    Damaged {
        /// Which.
        row: i64,
        /// Why.
        reason: String,
    },
    /// There is one of that name already.
    #[error("there is {what} `{name}` already")]
    Taken {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// An event cannot be written.
    #[error("an event cannot be written as JSON: {0}")]
    NoJson(#[from] serde_json::Error),
    /// Another process has written the same chain in the meantime.
    #[error("somebody else writes as {writer}, too: each server needs a data folder of its own")]
    Overtaken {
        /// Who it is that both are.
        writer: Uuid,
    },
    /// There is no such recording.
    #[error("there is no recording {id}")]
    NoRecording {
        /// Which was asked for.
        id: Uuid,
    },
    /// There is such a recording, and it is of something else.
    #[error("recording {id} is there already, with other facts")]
    Differs {
        /// Which.
        id: Uuid,
    },
    /// Somebody else has written a part of it in the meantime.
    #[error("a part of it is there already: it has to be looked up again")]
    Partly,
    /// Bytes of a recording do not go on where it ends.
    #[error("recording {id} goes on at byte {expected}, not at {offset}")]
    Offset {
        /// Which.
        id: Uuid,
        /// Where it ends.
        expected: u64,
        /// Where the bytes would have been.
        offset: u64,
    },
    /// A recording that is complete does not go on.
    #[error("recording {id} is complete: nothing is added to it")]
    Complete {
        /// Which.
        id: Uuid,
    },
    /// A recording has been deleted.
    #[error("recording {id} has been deleted")]
    Deleted {
        /// Which.
        id: Uuid,
    },
    /// A recording that goes on is not deleted.
    #[error("recording {id} goes on: close its connection first")]
    Open {
        /// Which.
        id: Uuid,
    },
    /// A recording that somebody wants to stay is not deleted.
    #[error("recording {id} is on hold, says {by}: {reason}")]
    Held {
        /// Which.
        id: Uuid,
        /// Who wants it to stay.
        by: String,
        /// Why.
        reason: String,
    },
    /// The file of the database cannot be made, or kept from others.
    #[error("the database cannot be kept in {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder of recordings cannot be made.
    #[error("recordings cannot be kept in {}: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An object cannot be written, or read.
    #[error("{what}: {source}")]
    Object {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: object_store::Error,
    },
    /// An object is gone, or too short; or rows are.
    #[error("recording {id} cannot be read from byte {at} on: there is nothing where it should be")]
    Lost {
        /// Of which recording.
        id: Uuid,
        /// Which byte is the first.
        at: u64,
    },
    /// An object is not what it was when it was written.
    #[error("recording {id} has been changed: the hash of object {key} is another")]
    Changed {
        /// Of which recording.
        id: Uuid,
        /// Which object.
        key: String,
    },
    /// What happened to all that were to be written at once.
    #[error(transparent)]
    Shared(#[from] Arc<Self>),
    /// Whoever writes has ended.
    #[error("nothing is written any more: {reason}")]
    Ended {
        /// Why.
        reason: String,
    },
}

impl StoreError {
    /// The same, of a statement that writes and gives rows.
    pub(crate) fn of_writing(mut self) -> Self {
        if let Self::Database { what, .. } = &mut self {
            *what = "the database cannot be written";
        }
        self
    }

    /// The same, or that there is such a thing already, if that is why.
    pub(crate) fn or_taken(self, what: &'static str, name: &str) -> Self {
        let is_taken = matches!(&self, Self::Database { source, .. }
            if source.as_database_error().is_some_and(|error| error.is_unique_violation()));
        if is_taken { Self::Taken { what, name: name.chars().take(200).collect() } } else { self }
    }
}

pub(crate) fn database(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { what, source }
}

impl StoreError {
    /// Of a row of a chain that is there already: somebody else wrote it.
    pub(crate) fn overtaken(self, writer: Uuid) -> Self {
        let is_of_chain = self.refusal().is_some_and(|refusal| {
            let says = |what| refusal.message().contains(what);
            refusal.is_unique_violation() && (says("events_of_writer") || says("events.seq"))
        });
        if is_of_chain { Self::Overtaken { writer } } else { self }
    }

    /// Whether it may go well the next time, since somebody else was faster, with the same or with what is locked.
    pub(crate) fn is_race(&self) -> bool {
        /// Of PostgreSQL: it cannot be as if one came after the other; both wait for each other.
        const RACES: [&str; 2] = ["40001", "40P01"];
        matches!(self, Self::Overtaken { .. })
            || self.refusal().is_some_and(|refusal| {
                refusal.is_unique_violation() || refusal.code().is_some_and(|code| RACES.contains(&&*code))
            })
    }

    /// Whether it is because of what was to be written; else nothing can be written at all.
    pub(crate) fn is_of_content(&self) -> bool {
        self.refusal().is_some()
            || matches!(
                self,
                Self::NoJson(_)
                    | Self::Overtaken { .. }
                    | Self::Partly
                    | Self::NoRecording { .. }
                    | Self::Differs { .. }
                    | Self::Offset { .. }
                    | Self::Complete { .. }
                    | Self::Deleted { .. }
            )
    }

    fn refusal(&self) -> Option<&(dyn sqlx::error::DatabaseError + 'static)> {
        let Self::Database { source: sqlx::Error::Database(refusal), .. } = self else { return None };
        Some(&**refusal)
    }
}
