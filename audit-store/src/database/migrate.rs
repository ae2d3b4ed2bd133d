//! Brings the tables to the version that this program knows: all that is missing, in one transaction, and of those that
//! begin at once by one.
//!
//! *Invariant*: the version of a database is how many migrations were made of it. What has been released is never changed:
//! whatever is to be otherwise is the next migration.

use sqlx::{AssertSqlSafe, Executor as _};

use super::{Database, Text, Work};
use crate::error::{StoreError, database};

/// In their order.
pub(crate) const MIGRATIONS: &[Text] = &[
    Text {
        sqlite: include_str!("../schema/sqlite/1.sql"),
        postgres: include_str!("../schema/postgres/1.sql"),
    },
    Text {
        sqlite: include_str!("../schema/sqlite/2.sql"),
        postgres: include_str!("../schema/postgres/2.sql"),
    },
    Text {
        sqlite: include_str!("../schema/sqlite/3.sql"),
        postgres: include_str!("../schema/postgres/3.sql"),
    },
    Text {
        sqlite: include_str!("../schema/sqlite/4.sql"),
        postgres: include_str!("../schema/postgres/4.sql"),
    },
    Text {
        sqlite: include_str!("../schema/sqlite/5.sql"),
        postgres: include_str!("../schema/postgres/5.sql"),
    },
    Text {
        sqlite: include_str!("../schema/sqlite/6.sql"),
        postgres: include_str!("../schema/postgres/6.sql"),
    },
];

/// What PostgreSQL says to whoever may not.
const NOT_ALLOWED: &str = "42501";

impl Database {
    /// Makes those of some migrations that have not been made of this database.
    pub(crate) async fn migrate(&self, migrations: &[Text]) -> Result<(), StoreError> {
        let mut work = self.writing().await?;
        let version = work.version().await?;
        let missing = usize::try_from(version).ok().and_then(|made| migrations.get(made..));
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        let missing = missing.ok_or(StoreError::Version { found: version, known })?;
        for migration in missing {
            work.script(migration).await?;
        }
        if !missing.is_empty() {
            work.stamp(known).await?;
        }
        work.commit().await
    }
}

impl Work {
    /// How many migrations were made. Nobody else makes any from here on, until the transaction ends.
    async fn version(&mut self) -> Result<i64, StoreError> {
        let failed = database("the version of the tables cannot be read");
        match self {
            Self::Sqlite(work) => {
                sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut **work).await.map_err(failed)
            }
            Self::Postgres(work) => {
                let version = async {
                    work.execute("SELECT pg_advisory_xact_lock(7163476)").await?;
                    // Whoever only adds rows may make no tables, also not if they are there.
                    let is_there = sqlx::query_scalar("SELECT to_regclass('casemate_version') IS NOT NULL");
                    if !is_there.fetch_one(&mut **work).await? {
                        return Ok(None);
                    }
                    sqlx::query_scalar("SELECT max(version) FROM casemate_version")
                        .fetch_one(&mut **work)
                        .await
                };
                Ok(version.await.map_err(failed)?.unwrap_or(0))
            }
        }
    }

    async fn script(&mut self, migration: &Text) -> Result<(), StoreError> {
        let done = match self {
            Self::Sqlite(work) => work.execute(migration.sqlite).await.map(drop),
            Self::Postgres(work) => work.execute(migration.postgres).await.map(drop),
        };
        done.map_err(failed)
    }

    async fn stamp(&mut self, version: i64) -> Result<(), StoreError> {
        let done = match self {
            Self::Sqlite(work) => {
                work.execute(AssertSqlSafe(format!("PRAGMA user_version = {version}"))).await.map(drop)
            }
            Self::Postgres(work) => {
                let stamp = format!(
                    "CREATE TABLE IF NOT EXISTS casemate_version (version BIGINT NOT NULL);
                    INSERT INTO casemate_version VALUES ({version})"
                );
                work.execute(AssertSqlSafe(stamp)).await.map(drop)
            }
        };
        done.map_err(failed)
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let what = match code.as_deref() {
        Some(NOT_ALLOWED) => {
            "the tables have to be made or changed, and are another role's: start the server once with the address of the role \
             that owns them"
        }
        _ => "the tables cannot be made",
    };
    database(what)(error)
}
