//! One of two databases, and statements that both understand.
//!
//! SQLite has one connection that writes, others that read beside it, and one that puts what was written in its place
//! (write-ahead log, each commit on the disk before it is acknowledged). PostgreSQL has a pool.

mod checkpoint;
mod migrate;

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_query::{PostgresQueryBuilder, SqliteQueryBuilder, Value};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, FromRow, Postgres, Sqlite, Transaction};
use tokio::sync::watch;
use tokio::time::sleep;

pub(crate) use self::migrate::MIGRATIONS;
use crate::error::{StoreError, database};

/// Who reads at the same time.
pub(crate) const READERS: u32 = 8;

/// Who reads a page together: each has another part of it.
const TOGETHER: u32 = 4;

/// So many are left to whoever asks next: nobody reads along in their place.
const FREE: u32 = 2;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to ask again whoever does not let wait.
const AGAIN: Duration = Duration::from_millis(5);

/// What SQLite says while another process writes.
const BUSY: &str = "5";

/// Of pages that are to be written, so much is kept by the connection that writes, in KiB.
const CACHE_OF_WRITER: &str = "-65536";

/// Of pages that were read, so much is kept by each connection, in KiB; the system keeps others.
const CACHE_OF_READER: &str = "-16384";

/// So many pages stand in the log of writes before it is for the one who writes to put them in their places, whoever waits.
const WRITTEN_AHEAD: &str = "32768";

/// Files are for their owner alone.
const OURS: u32 = 0o600;

/// A database of audit logs.
#[derive(Clone, Debug)]
pub struct Database(Pool);

#[derive(Clone, Debug)]
enum Pool {
    Sqlite {
        reads: SqlitePool,
        writes: SqlitePool,
        /// Tells whoever keeps the log of writes short.
        writing: watch::Sender<()>,
        turn: checkpoint::Turn,
    },
    /// Those that stop a question are never behind questions.
    Postgres { pool: PgPool, stops: PgPool },
}

/// A transaction in one of the two.
pub(crate) enum Work {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// What PostgreSQL does by itself for whoever asks much at once: here that takes longer than what is asked. And memory for the
/// places that an index names, because what it has no memory for is looked at again.
const SETTINGS: [(&str, &str); 3] =
    [("jit", "off"), ("max_parallel_workers_per_gather", "0"), ("work_mem", "32MB")];

/// What an index of texts names, and the rows of a page, lie in many places: the system is told so many of them ahead. Where it
/// cannot be told, it stays so.
const AHEAD: &str = "SELECT CASE current_setting('effective_io_concurrency')::int WHEN 0 THEN '' \
    ELSE set_config('effective_io_concurrency', greatest(current_setting('effective_io_concurrency')::int, 64)::text, false) END";

/// A statement as each of the two wants it.
pub(crate) struct Text {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// What can be made of a row of either.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl Database {
    /// Opens the database at `sqlite:PATH` or `postgres://…`, and makes of its tables what this version wants.
    ///
    /// # Errors
    /// It is none, cannot be reached, or was made by a later version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let pool = if url.starts_with("sqlite:") {
            let options =
                SqliteConnectOptions::from_str(url).map_err(database("the database has no such address"))?;
            let file = options.get_filename().to_path_buf();
            only_ours(&file).map_err(|source| StoreError::File { file, source })?;
            Pool::sqlite(options).await.map_err(database("the database cannot be opened"))?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options =
                PgConnectOptions::from_str(url).map_err(database("the database has no such address"))?;
            let options = options.disable_statement_logging().options(SETTINGS);
            let pool = PgPoolOptions::new().max_connections(READERS * 2).acquire_timeout(PATIENCE);
            let pool = pool.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(AHEAD).await.map(drop) })
            });
            let stops = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
            let stops = stops.connect_lazy_with(options.clone());
            let pool = pool.connect_with(options);
            Pool::Postgres { pool: pool.await.map_err(database("the database cannot be reached"))?, stops }
        } else {
            // What may be a password is not repeated.
            return Err(StoreError::NoDatabase {
                url: url.split([':', '@']).next().unwrap_or_default().into(),
            });
        };
        let database = Self(pool);
        database.migrate(MIGRATIONS).await?;
        Ok(database)
    }

    /// Whether it is SQLite: then there is one server, and nobody else writes.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self.0, Pool::Sqlite { .. })
    }

    /// Begins to read: all that is read within is of one moment.
    pub(crate) async fn reading(&self) -> Result<Work, StoreError> {
        let work = match &self.0 {
            Pool::Sqlite { reads, .. } => reads.begin().await.map(Work::Sqlite),
            Pool::Postgres { pool, .. } => {
                begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
            }
        };
        work.map_err(database("the database cannot be read"))
    }

    /// Those of SQLite's readers who may read along: nobody else waits for them.
    pub(crate) async fn idle_readers(&self) -> Vec<Work> {
        let Pool::Sqlite { reads, .. } = &self.0 else { return Vec::new() };
        // The count may be wrong for a moment, while one comes back.
        let are_busy = || {
            let idle = u32::try_from(reads.num_idle()).unwrap_or(u32::MAX);
            reads.size().checked_sub(idle).unwrap_or(READERS)
        };
        let mut readers = Vec::new();
        while readers.len() + 1 < TOGETHER as usize && are_busy() + FREE < READERS {
            let Ok(Some(reader)) = reads.try_begin().await else { break };
            readers.push(Work::Sqlite(reader));
        }
        readers
    }

    /// Stops what another connection to PostgreSQL is asked.
    pub(crate) async fn cancel(&self, backend: i32) -> Result<(), StoreError> {
        let Pool::Postgres { stops, .. } = &self.0 else { return Ok(()) };
        let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(backend).execute(stops).await;
        cancel.map(drop).map_err(database("a question cannot be stopped"))
    }

    /// Begins to write.
    pub(crate) async fn writing(&self) -> Result<Work, StoreError> {
        let work = match &self.0 {
            Pool::Sqlite { writes, writing, .. } => {
                writing.send_replace(());
                writes.begin_with("BEGIN IMMEDIATE").await.map(Work::Sqlite)
            }
            Pool::Postgres { pool, .. } => begin(pool, "BEGIN").await,
        };
        work.map_err(database("the database cannot be written"))
    }
}

impl Pool {
    async fn sqlite(options: SqliteConnectOptions) -> sqlx::Result<Self> {
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .auto_vacuum(SqliteAutoVacuum::None)
            .busy_timeout(PATIENCE)
            .pragma("wal_autocheckpoint", WRITTEN_AHEAD)
            // What is deleted is written over: otherwise it would stand in pages that nothing uses.
            .pragma("secure_delete", "ON")
            // An event changes a page of each index: small ones are written sooner.
            .page_size(4 << 10)
            .disable_statement_logging();
        let writer = options.clone().pragma("cache_size", CACHE_OF_WRITER);
        let writes = writes(writer).await?;
        let reads = SqlitePoolOptions::new().max_connections(READERS).min_connections(TOGETHER);
        let reader = options.pragma("cache_size", CACHE_OF_READER).pragma("query_only", "1");
        let own = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(reader.clone().create_if_missing(false));
        let reads = reads.connect_with(reader).await?;
        let (writing, begun) = watch::channel(());
        let turn = checkpoint::Turn::default();
        tokio::spawn(checkpoint::keep_short(own, Arc::clone(&turn), begun));
        Ok(Self::Sqlite { reads, writes, writing, turn })
    }
}

/// The connection that writes. It gives a new file its log of writes: SQLite refuses that to all but one of those who begin at
/// once, however patient they are.
async fn writes(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let begun = Instant::now();
    loop {
        match SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(BUSY) && begun.elapsed() < PATIENCE =>
            {
                sleep(AGAIN).await;
            }
            connected => return connected,
        }
    }
}

/// Sees to it that nobody else reads a database, whatever its folder allows. What SQLite makes beside the file has its rights.
fn only_ours(file: &Path) -> io::Result<()> {
    let made = OpenOptions::new().create(true).truncate(false).write(true).mode(OURS).open(file);
    made?;
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        match fs::metadata(&name) {
            Ok(facts) if facts.permissions().mode() & 0o077 != 0 => {
                fs::set_permissions(&name, Permissions::from_mode(OURS))?;
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Begins a transaction even if whoever asked for it is gone meanwhile: a statement that was half sent would begin one for the next
/// who gets the connection, and his would be of its kind.
async fn begin(pool: &PgPool, statement: &'static str) -> sqlx::Result<Work> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.map_err(|error| sqlx::Error::Io(io::Error::other(error)))?.map(Work::Postgres)
}

impl Work {
    fn build(&self, statement: &impl SqlxBinder) -> (AssertSqlSafe<String>, SqlxValues) {
        let (text, values) = match self {
            Self::Sqlite(_) => statement.build_sqlx(SqliteQueryBuilder),
            Self::Postgres(_) => statement.build_sqlx(PostgresQueryBuilder),
        };
        (AssertSqlSafe(text), values)
    }

    /// All rows of what is asked for.
    pub(crate) async fn rows<T: Row>(&mut self, statement: &impl SqlxBinder) -> Result<Vec<T>, StoreError> {
        let (text, values) = self.build(statement);
        let rows = match self {
            Self::Sqlite(work) => sqlx::query_as_with(text, values).fetch_all(&mut **work).await,
            // How it goes about it depends on the values.
            Self::Postgres(work) => {
                sqlx::query_as_with(text, values).persistent(false).fetch_all(&mut **work).await
            }
        };
        rows.map_err(database("the database cannot be read"))
    }

    /// All rows of a statement that is always the same, so that it is prepared once.
    pub(crate) async fn rows_of<T: Row>(
        &mut self,
        text: &Text,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let values = SqlxValues(sea_query::Values(values));
        let rows = match self {
            Self::Sqlite(work) => sqlx::query_as_with(text.sqlite, values).fetch_all(&mut **work).await,
            Self::Postgres(work) => sqlx::query_as_with(text.postgres, values).fetch_all(&mut **work).await,
        };
        rows.map_err(database("the database cannot be read"))
    }

    /// Does what a statement says that is always the same.
    pub(crate) async fn run_of(&mut self, text: &Text, values: Vec<Value>) -> Result<(), StoreError> {
        let text = match self {
            Self::Sqlite(_) => text.sqlite,
            Self::Postgres(_) => text.postgres,
        };
        self.run_text(Arc::from(text), values).await
    }

    /// Does what a statement says that was built before.
    pub(crate) async fn run_text(&mut self, text: Arc<str>, values: Vec<Value>) -> Result<(), StoreError> {
        let (text, values) = (AssertSqlSafe(text), SqlxValues(sea_query::Values(values)));
        let done = match self {
            Self::Sqlite(work) => sqlx::query_with(text, values).execute(&mut **work).await.map(drop),
            Self::Postgres(work) => sqlx::query_with(text, values).execute(&mut **work).await.map(drop),
        };
        done.map_err(database("the database cannot be written"))
    }

    /// A statement as this database wants it.
    pub(crate) fn text(&self, statement: &impl SqlxBinder) -> Arc<str> {
        Arc::from(self.build(statement).0.0)
    }

    /// Does what is asked for; gives how many rows it was about.
    pub(crate) async fn run(&mut self, statement: &impl SqlxBinder) -> Result<u64, StoreError> {
        let (text, values) = self.build(statement);
        let done = match self {
            Self::Sqlite(work) => {
                sqlx::query_with(text, values).execute(&mut **work).await.map(|done| done.rows_affected())
            }
            Self::Postgres(work) => {
                sqlx::query_with(text, values).execute(&mut **work).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(database("the database cannot be written"))
    }

    /// Sets how PostgreSQL goes about what it is asked in this transaction.
    pub(crate) async fn set(&mut self, settings: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(work) => work.execute(settings).await.map(drop),
        }
        .map_err(database("the database cannot be read"))
    }

    /// Does what only SQLite is asked for.
    pub(crate) async fn run_sqlite(&mut self, text: &'static str, value: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(work) => sqlx::query(text).bind(value).execute(&mut **work).await.map(drop),
            Self::Postgres(_) => Ok(()),
        }
        .map_err(database("the database cannot be written"))
    }

    /// A number that only SQLite is asked for.
    pub(crate) async fn number_of_sqlite(
        &mut self,
        text: &'static str,
        values: &[i64],
    ) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(work) => {
                let asked = values.iter().fold(sqlx::query_scalar(text), |asked, value| asked.bind(value));
                asked.fetch_one(&mut **work).await
            }
            Self::Postgres(_) => Ok(None),
        }
        .map_err(database("the database cannot be read"))
    }

    /// Makes what was written lasting.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(work) => work.commit().await,
            Self::Postgres(work) => work.commit().await,
        }
        .map_err(database("what was written cannot be kept"))
    }
}
