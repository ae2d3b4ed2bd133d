//! What is asked of an index.
//!
//! - `sessions`: the table of recordings and sessions, with what is wrong with them.
//! - `commands`: those of a session, or of all sessions in the order of time.
//! - `search`: where something is found, in commands and in what was on the screen.

pub(crate) mod commands;
pub(crate) mod search;
pub(crate) mod sessions;

pub use commands::{Command, Order, Timeline};
pub use search::{Hit, Origin, Unread, Where};
pub use sessions::{Integrity, Recording, Session};

use chrono::{DateTime, Utc};
use sqlx::{QueryBuilder, Sqlite};

use crate::recording::Filter;
use crate::write::kind;

/// Adds what a filter asks of the commands `c`.
fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    for (column, wanted) in
        [("user", &filter.users), ("target", &filter.targets), ("target_user", &filter.target_users)]
    {
        if !wanted.is_empty() {
            query.push(format!(" AND c.{column} IN (SELECT id FROM names WHERE name IN ("));
            let mut names = query.separated(", ");
            for name in wanted {
                names.push_bind(name.clone());
            }
            query.push("))");
        }
    }
    if !filter.kinds.is_empty() {
        query.push(" AND c.kind IN (");
        let mut kinds = query.separated(", ");
        for &wanted in &filter.kinds {
            kinds.push_bind(kind(wanted));
        }
        query.push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND c.time >= ").push_bind(since.timestamp_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND c.time < ").push_bind(until.timestamp_micros());
    }
    if let Some(grep) = &filter.grep {
        query.push(" AND c.command REGEXP ").push_bind(grep.as_str().to_owned());
    }
}

/// A moment in microseconds since 1970, as it is shown.
fn moment(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// A number that was kept as it was given.
fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
