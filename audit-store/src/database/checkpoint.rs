//! SQLite's log of writes: what stands there is put in its place beside whoever writes, and where something was deleted the log
//! is emptied, because it stands there as it was until it is written over.
//!
//! *Not here*: PostgreSQL, whose log is kept as its owner has it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::{Database, PATIENCE, Pool};
use crate::error::{StoreError, database};

/// Whoever still reads what was before is waited for so long: everybody who writes waits meanwhile.
const READERS_END: Duration = Duration::from_millis(200);

/// So many pages that stand in the log alone are put in their places: one that many transactions change is put there once. Tests
/// write fewer.
const ENOUGH: i64 = if cfg!(test) { 64 } else { 8192 };

/// When there are so many in the log in all, it soon is for the one who writes to do what is left: all are put in their places.
const MANY: i64 = 24_576;

/// It is looked so long after somebody has begun to write: meanwhile the one who writes can begin the log anew.
const PAUSE: Duration = Duration::from_millis(100);

/// Held by whoever puts pages in their places: SQLite lets no other one wait for it.
pub(super) type Turn = Arc<Mutex<()>>;

impl Database {
    /// How many pages stand in the log, and how many of these are in their places.
    #[cfg(test)]
    pub(crate) async fn log(&self) -> Option<(i64, i64)> {
        let Pool::Sqlite { writes, .. } = &self.0 else { return None };
        Some(pages(writes).await.unwrap())
    }

    /// Puts all that was written in its place, and empties the log of writes. Says whether it is empty: it is not where
    /// somebody goes on reading what was before.
    pub(crate) async fn empty_log(&self) -> Result<bool, StoreError> {
        let Pool::Sqlite { writes, turn, .. } = &self.0 else { return Ok(true) };
        // Goes to its end also where nobody waits for it: the connection has its patience back then.
        let emptied = tokio::spawn(empty(writes.clone(), Arc::clone(turn))).await;
        let emptied = emptied.map_err(|error| StoreError::Ended { reason: error.to_string() })?;
        emptied.map_err(database("the log of writes cannot be emptied"))
    }
}

async fn empty(writes: SqlitePool, turn: Turn) -> sqlx::Result<bool> {
    let _turn = turn.lock().await;
    let patience = |time: Duration| AssertSqlSafe(format!("PRAGMA busy_timeout = {}", time.as_millis()));
    let mut writer = writes.acquire().await?;
    writer.execute(patience(READERS_END)).await?;
    let emptied = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *writer).await;
    writer.execute(patience(PATIENCE)).await?;
    let (is_busy, _, _): (i64, i64, i64) = emptied?;
    Ok(is_busy == 0)
}

/// Puts what was written in its place, as long as there is a database to write to. Two connections that do so want an SQLite of
/// 3.51.3 or later: earlier ones could begin the log anew too soon.
pub(super) async fn keep_short(own: SqlitePool, turn: Turn, mut writing: watch::Receiver<()>) {
    while writing.changed().await.is_ok() {
        sleep(PAUSE).await;
        let _turn = turn.lock().await;
        // Where it cannot be, it is done by the one who writes, with more of it.
        put_in_place(&own).await.ok();
    }
}

async fn put_in_place(own: &SqlitePool) -> sqlx::Result<()> {
    let (all, in_place) = pages(own).await?;
    if all - in_place >= ENOUGH || (all >= MANY && all > in_place) {
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
