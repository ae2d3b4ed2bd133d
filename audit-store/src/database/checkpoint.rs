//! SQLite's log of writes, emptied: what is deleted stands there as it was, until it is written over.
//!
//! *Not here*: PostgreSQL, whose log is kept as its owner has it.

use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{Database, PATIENCE, Pool};
use crate::error::{StoreError, database};

/// Whoever still reads what was before is waited for so long: everybody who writes waits meanwhile.
const READERS_END: Duration = Duration::from_millis(200);

impl Database {
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
