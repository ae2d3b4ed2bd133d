//! The database: opened, made, made anew. Everything else goes through [`Database::run`].
//!
//! An index can always be made again from the recordings. So one of another version, or a damaged one, is replaced; but
//! a file that is no index of casemate is never touched. Only its owner can read it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::{Errno, retry_on_intr};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use crate::error::StoreError;
use crate::stop::StopToken;

/// `casemate` on a telephone's keys is too long; this is `csmt`. It tells our files from others.
const APPLICATION: i64 = 0x6373_6d74;

/// Version of the schema, and of what is derived from recordings: whatever changes either, counts it up.
const VERSION: i64 = 4;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pages are read in this size: a block of lines takes a few.
const PAGE: u32 = 8 << 10;

/// Of pages that were read or are to be written, so much is kept, in KiB.
const CACHE: u32 = 64 << 10;

/// Whether to go on is asked after so many steps of the database's machine: a look at a row takes about ten.
const STEPS: i32 = 100;

/// A connection, and what runs it.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    /// Without links, and wherever it is looked at from.
    name: PathBuf,
    runtime: Runtime,
    connection: SqliteConnection,
    /// The connection looks at it amid whatever it does.
    obeyed: Arc<Mutex<StopToken>>,
}

impl Database {
    /// Opens an index, and makes it if it is not there, or of no use. A file that is no index is replaced only where
    /// nobody else puts any.
    pub(crate) fn open(path: &Path, is_ours: bool) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        // Whoever closes a file lets go of all locks that the process has on it: one that is open is not looked at.
        let mut open = open_indexes();
        let is_open = path.canonicalize().is_ok_and(|path| open.contains(&path));
        let mut found = Self::find(path, is_ours, is_open);
        if !matches!(found, Ok(Found::Open(_))) {
            // Of those who begin at the same moment one makes it, and the others find it. Until then it may be
            // anything: there, and gone, and there again.
            let _lock = lock_folder(path).map_err(io)?;
            found = Self::find(path, is_ours, is_open);
            if let Ok(Found::Absent | Found::Useless) = found {
                if let Ok(Found::Useless) = found {
                    Self::remove(path).map_err(io)?;
                }
                Self::make(path)?;
                found = Self::connect(path);
            }
        }
        let Found::Open(database) = found? else {
            return Err(StoreError::Damaged { path: path.to_owned(), what: "it cannot be made" });
        };
        open.push(database.name.clone());
        Ok(*database)
    }

    /// Looks what is there, and opens it if it is of use.
    fn find(path: &Path, is_ours: bool, is_open: bool) -> Result<Found, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        match if is_open { Looks::Ours } else { look(path).map_err(io)? } {
            Looks::Absent => Ok(Found::Absent),
            Looks::Foreign if is_ours => Ok(Found::Useless),
            Looks::Foreign => Err(StoreError::Foreign { path: path.to_owned() }),
            Looks::Ours => match Self::connect(path) {
                Err(error) if error.is_damage() && !is_open => Ok(Found::Useless),
                found => found,
            },
        }
    }

    /// Makes an empty index, under another name until it is whole.
    fn make(path: &Path) -> Result<(), StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(name);
        create(&new).map_err(io)?;
        // Two who open it at once could not both switch it to a write-ahead log: that is done before anybody sees it.
        let options = SqliteConnectOptions::new()
            .filename(&new)
            .page_size(PAGE)
            .journal_mode(SqliteJournalMode::Wal)
            .disable_statement_logging();
        let stamp = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}");
        let made = Builder::new_current_thread().build().map_err(io)?.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            connection.execute(include_str!("schema.sql")).await?;
            connection.execute(sqlx::AssertSqlSafe(stamp)).await?;
            connection.close().await
        });
        if let Err(source) = made {
            // A disk that is full is not to be filled with what is of no use.
            Self::remove(&new).ok();
            return Err(StoreError::Database { path: path.to_owned(), source });
        }
        match renameat_with(CWD, &new, CWD, path, RenameFlags::NOREPLACE) {
            // Another process was faster, or the file system does not know how: nothing else stands there then.
            Err(Errno::EXIST) if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) => {
                std::fs::remove_file(&new).map_err(io)
            }
            Err(_) => std::fs::rename(&new, path).map_err(io),
            Ok(()) => Ok(()),
        }
    }

    /// Removes an index.
    pub(crate) fn remove(path: &Path) -> io::Result<()> {
        for suffix in ["-wal", "-shm", ""] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Connects; one of another version is of no use.
    fn connect(path: &Path) -> Result<Found, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let database = |source| StoreError::Database { path: path.to_owned(), source };
        let runtime = Builder::new_current_thread().build().map_err(io)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .with_regexp()
            .pragma("cache_size", format!("-{CACHE}"))
            .pragma("temp_store", "memory")
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(false)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let obeyed = Arc::new(Mutex::new(StopToken::default()));
        let handler = Arc::clone(&obeyed);
        let made = runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
            if version == VERSION {
                let goes_on = move || !lock(&handler).is_stopped();
                connection.lock_handle().await?.set_progress_handler(STEPS, goes_on);
                return Ok(Some(connection));
            }
            connection.close().await?;
            Ok(None)
        });
        let Some(connection) = made.map_err(database)? else { return Ok(Found::Useless) };
        let name = path.canonicalize().map_err(io)?;
        Ok(Found::Open(Box::new(Self { path: path.to_owned(), name, runtime, connection, obeyed })))
    }

    /// Sees to it that no other process updates the index as long as the file lives; calls `wait` if one does.
    pub(crate) fn lock(&self, wait: impl FnOnce()) -> Result<File, StoreError> {
        let io = |source| StoreError::Io { path: self.path.clone(), source };
        let mut name = self.path.as_os_str().to_owned();
        name.push(".lock");
        let file = File::options().create(true).append(true).mode(0o600).open(name).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                wait();
                retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
                    .map_err(|error| io(error.into()))?;
            }
            locked => locked.map_err(|error| io(error.into()))?,
        }
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whatever is done from now on is given up when that token says so.
    pub(crate) fn obey(&self, token: &StopToken) {
        *lock(&self.obeyed) = token.clone();
    }

    /// The token that is obeyed.
    pub(crate) fn stop_token(&self) -> StopToken {
        lock(&self.obeyed).clone()
    }

    /// Does something with the connection.
    pub(crate) fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { path, runtime, connection, obeyed, .. } = self;
        runtime.block_on(work(connection)).map_err(|source| {
            // SQLITE_INTERRUPT
            let is_interrupt =
                source.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "9");
            if is_interrupt && lock(obeyed).is_stopped() {
                StoreError::Stopped
            } else {
                StoreError::Database { path: path.clone(), source }
            }
        })
    }

    /// Asks something, unless nobody wants to know any more.
    pub(crate) fn ask<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        if self.stop_token().is_stopped() {
            return Err(StoreError::Stopped);
        }
        self.run(work)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut open = open_indexes();
        if let Some(at) = open.iter().position(|name| *name == self.name) {
            open.swap_remove(at);
        }
    }
}

/// The indexes that this process has open, once for each time.
fn open_indexes() -> MutexGuard<'static, Vec<PathBuf>> {
    static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    lock(&OPEN)
}

/// What a file is, from its first bytes: SQLite keeps the number of the application there.
fn look(path: &Path) -> io::Result<Looks> {
    let mut head = [0; 72];
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Looks::Absent),
        file => file?,
    };
    let length = io::Read::read(&mut io::Read::take(&file, 72), &mut head)?;
    let application = u32::from_be_bytes([head[68], head[69], head[70], head[71]]);
    Ok(match length {
        0 => Looks::Absent,
        72 if head.starts_with(b"SQLite format 3\0") && i64::from(application) == APPLICATION => Looks::Ours,
        _ => Looks::Foreign,
    })
}

/// What stands where an index is to be.
enum Looks {
    Absent,
    Ours,
    Foreign,
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees to it that nobody else makes an index in that folder as long as the file lives; the folder is made.
fn lock_folder(path: &Path) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = File::open(folder)?;
    // A file system that knows no locks has no two who begin at once, or has to live with it.
    retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).ok();
    Ok(file)
}

/// What came of looking for an index.
enum Found {
    Open(Box<Database>),
    Absent,
    /// It is damaged, or of another version, or something else where only indexes are.
    Useless,
}

/// Makes an empty file that only its owner can read.
fn create(path: &Path) -> io::Result<()> {
    File::options().create(true).append(true).mode(0o600).open(path).map(drop)
}
