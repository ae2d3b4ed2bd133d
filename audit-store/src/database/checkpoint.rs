//! SQLite's log of writes: what stands there is put in its place beside whoever writes, and where something was deleted the log
//! is emptied, because it stands there as it was until it is written over.
//!
//! *Not here*: PostgreSQL, whose log is kept as its owner has it.

use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Database, PATIENCE, Pool};
use crate::error::{StoreError, database};

/// Whoever still reads what was before is waited for so long: everybody who writes waits meanwhile.
const READERS_END: Duration = Duration::from_millis(200);

/// So many pages that stand in the log alone are put in their places: one that many transactions change is put there once. Tests
/// write fewer.
const ENOUGH: i64 = if cfg!(test) { 64 } else { 8192 };

/// So often it is looked whether there are.
const PAUSE: Duration = Duration::from_millis(100);

impl Database {
    /// Somebody has written much, or often: what stands in the log is put in its place before it is for the one who writes to do.
    pub(crate) fn wrote(&self) {
        if let Pool::Sqlite { wrote, .. } = &self.0 {
            wrote.send_replace(());
        }
    }

    /// How many pages stand in the log, and how many of these are in their places.
    #[cfg(test)]
    pub(crate) async fn log(&self) -> Option<(i64, i64)> {
        let Pool::Sqlite { writes, .. } = &self.0 else { return None };
        pages(writes).await.ok()
    }

    /// Puts all that was written in its place, and empties the log of writes. Says whether it is empty: it is not where
    /// somebody goes on reading what was before.
    pub(crate) async fn empty_log(&self) -> Result<bool, StoreError> {
        let Pool::Sqlite { writes, .. } = &self.0 else { return Ok(true) };
        // Goes to its end also where nobody waits for it: the connection has its patience back then.
        let emptied = tokio::spawn(empty(writes.clone())).await;
        let emptied = emptied.map_err(|error| StoreError::Ended { reason: error.to_string() })?;
        emptied.map_err(database("the log of writes cannot be emptied"))
    }
}

async fn empty(writes: SqlitePool) -> sqlx::Result<bool> {
    let patience = |time: Duration| AssertSqlSafe(format!("PRAGMA busy_timeout = {}", time.as_millis()));
    let mut writer = writes.acquire().await?;
    writer.execute(patience(READERS_END)).await?;
    let emptied = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *writer).await;
    writer.execute(patience(PATIENCE)).await?;
    let (is_busy, _, _): (i64, i64, i64) = emptied?;
    Ok(is_busy == 0)
}

/// Puts what was written in its place, as long as there is somebody who writes.
pub(super) async fn keep_short(own: SqlitePool, mut wrote: watch::Receiver<()>) {
    while wrote.changed().await.is_ok() {
        // Where it cannot be, it is done by the one who writes, with more of it.
        put_in_place(&own).await.ok();
        sleep(PAUSE).await;
    }
}

async fn put_in_place(own: &SqlitePool) -> sqlx::Result<()> {
    let (all, in_place) = pages(own).await?;
    if all - in_place >= ENOUGH {
        own.execute("PRAGMA wal_checkpoint(PASSIVE)").await?;
    }
    Ok(())
}

/// How many pages stand in the log, and how many of these are in their places.
async fn pages(pool: &SqlitePool) -> sqlx::Result<(i64, i64)> {
    let pages = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)").fetch_one(pool).await?;
    let (_, all, in_place): (i64, i64, i64) = pages;
    Ok((all, in_place))
}
