//! What goes wrong with a database, whose fault it is, and what to do.

use std::time::Duration;

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
    /// An event cannot be written.
    #[error("an event cannot be written as JSON: {0}")]
    NoJson(#[from] serde_json::Error),
    /// Whoever writes has ended.
    #[error("nothing is written any more: {reason}")]
    Ended {
        /// Why.
        reason: String,
    },
}

pub(crate) fn database(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { what, source }
}
