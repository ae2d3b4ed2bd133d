//! How a question is stopped: when its time is over, and when nobody waits for the answer any more.
//!
//! *Invariant*: a connection goes back to the others only when the database has let go of the question, so that never
//! another one is stopped in its place.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::database::{Database, Work};
use crate::error::{StoreError, database};

/// SQLite is asked whether it should go on each time it has done so much: some ten times a millisecond.
const STEPS: i32 = 10_000;

/// So long a question of a page may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(2);

/// PostgreSQL's name for what was stopped.
const CANCELED: &str = "57014";

/// A question to the database, and its answer.
pub(crate) type Answer<'w, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'w>>;

/// By what the question of one connection is stopped.
enum Stop {
    Sqlite(Arc<AtomicBool>),
    Postgres { backend: i32 },
}

impl Database {
    /// Reads at one moment, no longer than that, and only for as long as somebody waits.
    pub(crate) async fn reading_within<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl for<'w> FnOnce(&'w mut Work) -> Answer<'w, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        // Nothing is ever sent: it closes when this future ends, or is dropped.
        let (_waits, left) = oneshot::channel::<Infallible>();
        let database = self.clone();
        let asked = tokio::spawn(async move { database.ask_within(limit, left, read).await });
        asked.await.map_err(|error| StoreError::Ended { reason: error.to_string() })?
    }

    /// Reads along with another one, for as long as that waits.
    pub(crate) async fn reading_along<T: Send + 'static>(
        &self,
        mut work: Work,
        read: impl for<'w> FnOnce(&'w mut Work) -> Answer<'w, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (_waits, left) = oneshot::channel::<Infallible>();
        let database = self.clone();
        let asked = tokio::spawn(async move {
            // It is the other one's time that is over some time.
            let answer = database.ask(&mut work, Duration::MAX, left, read).await?;
            answer.unwrap_or_else(|| Err(StoreError::Ended { reason: "nobody waits".into() }))
        });
        asked.await.map_err(|error| StoreError::Ended { reason: error.to_string() })?
    }

    async fn ask_within<T>(
        &self,
        limit: Duration,
        mut left: oneshot::Receiver<Infallible>,
        read: impl for<'w> FnOnce(&'w mut Work) -> Answer<'w, T>,
    ) -> Result<T, StoreError> {
        let too_long = || StoreError::TooLong { limit };
        let mut work = tokio::select! {
            work = self.reading() => work?,
            _ = &mut left => return Err(too_long()),
        };
        match self.ask(&mut work, limit, left, read).await? {
            Some(Err(StoreError::Database { source: sqlx::Error::Database(error), .. }))
                if error.code().as_deref() == Some(CANCELED) =>
            {
                Err(too_long())
            }
            Some(answer) => answer,
            None => Err(too_long()),
        }
    }

    /// An answer, or none where it was stopped.
    async fn ask<T>(
        &self,
        work: &mut Work,
        limit: Duration,
        left: oneshot::Receiver<Infallible>,
        read: impl for<'w> FnOnce(&'w mut Work) -> Answer<'w, T>,
    ) -> Result<Option<Result<T, StoreError>>, StoreError> {
        let stop = Stop::prepare(work, limit).await?;
        let answer = tokio::select! {
            answer = read(work) => Some(answer),
            () = tokio::time::sleep(limit) => None,
            _ = left => None,
        };
        if answer.is_none() {
            stop.now(self).await;
        }
        Stop::forget(work).await?;
        Ok(answer)
    }
}

impl Stop {
    async fn prepare(work: &mut Work, limit: Duration) -> Result<Self, StoreError> {
        let failed = "the time of a question cannot be limited";
        match work {
            Work::Sqlite(work) => {
                let stop = Arc::new(AtomicBool::new(false));
                let stopped = Arc::clone(&stop);
                let mut handle = work.lock_handle().await.map_err(database(failed))?;
                handle.set_progress_handler(STEPS, move || !stopped.load(Ordering::Relaxed));
                Ok(Self::Sqlite(stop))
            }
            Work::Postgres(work) => {
                // It also stops by itself, should nobody be left to stop it.
                let limited = sqlx::query_scalar(
                    "SELECT pg_backend_pid() FROM set_config('statement_timeout', $1, true)",
                )
                .bind(limit.as_millis().clamp(1, i32::MAX.unsigned_abs().into()).to_string());
                let backend = limited.fetch_one(&mut **work).await.map_err(database(failed))?;
                Ok(Self::Postgres { backend })
            }
        }
    }

    /// Stops what is asked; it may be over already.
    async fn now(self, database: &Database) {
        match self {
            Self::Sqlite(stop) => stop.store(true, Ordering::Relaxed),
            Self::Postgres { backend } => {
                // Where it cannot be said, the time that was set ends it.
                drop(database.cancel(backend).await);
            }
        }
    }

    /// Waits for the end of what was asked.
    async fn forget(work: &mut Work) -> Result<(), StoreError> {
        if let Work::Sqlite(work) = work {
            let handle = work.lock_handle().await;
            handle.map_err(database("the database cannot be read"))?.remove_progress_handler();
        }
        Ok(())
    }
}
