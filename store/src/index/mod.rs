//! The index of a set of recordings, brought up to date: what has changed is read, what has vanished is dropped.

mod digest;
mod read;

pub(crate) use digest::modified;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Executor as _, Row as _};

use crate::database::Database;
use crate::error::StoreError;
use crate::recording::{Found, Given, ReadError, Source, in_order, one_line};
use crate::write::{FileRow, Outcome, Stamp, Writer};
use read::{Piece, read, unreadable};

/// What was written is committed this often: whoever stops the indexing loses no more.
const COMMIT: Duration = Duration::from_secs(5);

/// How far the indexing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Recordings that are read.
    pub files: usize,
    /// Of so many.
    pub of_files: usize,
    /// Bytes that are read.
    pub bytes: u64,
    /// Of so many.
    pub of_bytes: u64,
    /// Another process updates the index: nothing is done before it ends.
    pub waits: bool,
}

/// What was done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Updated {
    /// Recordings that were read.
    pub read: usize,
    /// Recordings that have not changed.
    pub unchanged: usize,
    /// Recordings that are gone.
    pub dropped: usize,
    /// What could not be looked at.
    pub failures: Vec<ReadError>,
    /// Recordings that could not be read: what is wrong with each.
    pub unreadable: Vec<String>,
}

/// A recording that is in the index.
struct Known {
    id: i64,
    stamp: Stamp,
}

/// A recording that is to be read.
struct Job {
    source: Source,
    row: FileRow,
    old: Option<i64>,
}

pub(crate) fn update(
    database: &mut Database,
    paths: &[PathBuf],
    report: &mut dyn FnMut(&Progress),
) -> Result<Updated, StoreError> {
    let _lock = database.lock(|| report(&Progress { waits: true, ..Progress::default() }))?;
    // Wherever it is asked from, a recording has one name.
    let paths: Vec<_> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    let found = Found::by(&paths);
    let mut updated = Updated { failures: found.failures, ..Updated::default() };
    let mut known = known(database)?;
    let mut jobs = Vec::new();
    for source in found.sources {
        let path = source.path.as_os_str().as_bytes().to_vec();
        let old = known.remove(&path);
        // What cannot be opened is read all the same: the reader knows what to say of it.
        let stamp = match digest::stamp(&source.path).or_else(|_| digest::unread(&source.path)) {
            Ok(stamp) => stamp,
            Err(error) => {
                let name = one_line(&source.path.display().to_string());
                updated.failures.push(ReadError::Unreadable { name, source: error });
                continue;
            }
        };
        match &old {
            Some(old) if old.stamp.is_same(&stamp) => updated.unchanged += 1,
            _ => jobs.push(Job { source, row: FileRow { path, stamp }, old: old.map(|old| old.id) }),
        }
    }
    let gone = known.into_iter().filter(|(path, _)| is_gone(path)).map(|(_, known)| known.id).collect();
    let mut indexer = Indexer { database, writer: Writer::default(), began: None };
    let done = indexer.write(gone, &jobs, &mut updated, report);
    if done.is_err() && indexer.began.is_some() {
        // What went wrong is the first thing to be said.
        indexer.database.run(async |db| db.execute("ROLLBACK").await).ok();
    }
    done.map(|()| updated)
}

/// Whether a file is not there any more, rather than out of reach for now.
fn is_gone(path: &[u8]) -> bool {
    match std::fs::symlink_metadata(Path::new(OsStr::from_bytes(path))) {
        // It is there, but by this name it is not asked for any more.
        Ok(_) => true,
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

fn known(database: &mut Database) -> Result<HashMap<Vec<u8>, Known>, StoreError> {
    database.run(async |db| {
        let rows = db.fetch_all("SELECT id, path, device, inode, bytes, modified, digest FROM files").await?;
        rows.iter()
            .map(|row| {
                let number = |index: usize| row.try_get(index).map(i64::unsigned_abs);
                let stamp = Stamp {
                    device: number(2)?,
                    inode: number(3)?,
                    bytes: number(4)?,
                    modified: row.try_get(5)?,
                    digest: row.try_get(6)?,
                };
                Ok((row.try_get(1)?, Known { id: row.try_get(0)?, stamp }))
            })
            .collect()
    })
}

/// Writes what is read.
struct Indexer<'a> {
    database: &'a mut Database,
    writer: Writer,
    /// When the transaction began.
    began: Option<Instant>,
}

/// The file whose turn it is.
#[derive(Default)]
struct Turn {
    file: Option<i64>,
    session: Option<i64>,
}

impl Indexer<'_> {
    fn write(
        &mut self,
        gone: Vec<i64>,
        jobs: &[Job],
        updated: &mut Updated,
        report: &mut dyn FnMut(&Progress),
    ) -> Result<(), StoreError> {
        for file in gone {
            self.begin()?;
            self.remove(file)?;
            updated.dropped += 1;
        }
        self.read(jobs, updated, report)?;
        self.commit()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        if self.began.is_none() {
            self.database.run(async |db| db.execute("BEGIN IMMEDIATE").await)?;
            self.began = Some(Instant::now());
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.began.take().is_some() {
            self.database.run(async |db| db.execute("COMMIT").await)?;
        }
        Ok(())
    }

    fn remove(&mut self, file: i64) -> Result<(), StoreError> {
        let Self { database, writer, .. } = self;
        database.run(async |db| writer.remove_file(db, file).await)
    }

    fn read(
        &mut self,
        jobs: &[Job],
        updated: &mut Updated,
        report: &mut dyn FnMut(&Progress),
    ) -> Result<(), StoreError> {
        let bytes = AtomicU64::new(0);
        let mut progress = Progress {
            of_files: jobs.len(),
            of_bytes: jobs.iter().map(|job| job.source.bytes).sum(),
            ..Progress::default()
        };
        let mut turn = Turn::default();
        let stop = self.database.stop_token();
        in_order(
            jobs,
            |job, queue| read(&job.source, &bytes, queue),
            |job, given| {
                if stop.is_stopped() {
                    return Err(StoreError::Stopped);
                }
                progress.bytes = bytes.load(Ordering::Relaxed);
                match given {
                    Given::Beat => {}
                    Given::Piece(piece) => self.piece(job, &mut turn, piece)?,
                    Given::End(outcome) => {
                        let outcome = outcome.unwrap_or_else(|| {
                            let name = one_line(&job.source.path.display().to_string());
                            unreadable(&ReadError::Defect(format!("{name}: reading it ended unexpectedly")))
                        });
                        self.end(job, std::mem::take(&mut turn), &outcome)?;
                        updated.read += 1;
                        updated.unreadable.extend(outcome.failure);
                        progress.files += 1;
                    }
                }
                report(&progress);
                Ok(())
            },
        )
    }

    /// The file in the index, in place of what was there of it.
    fn file(&mut self, job: &Job, turn: &mut Turn) -> Result<i64, StoreError> {
        if let Some(file) = turn.file {
            return Ok(file);
        }
        self.begin()?;
        if let Some(old) = job.old {
            self.remove(old)?;
        }
        let Self { database, writer, .. } = self;
        let file = database.run(async |db| writer.add_file(db, &job.row).await)?;
        turn.file = Some(file);
        Ok(file)
    }

    fn piece(&mut self, job: &Job, turn: &mut Turn, piece: Piece) -> Result<(), StoreError> {
        let file = self.file(job, turn)?;
        let Self { database, writer, .. } = self;
        // The reader begins with a session.
        let session = turn.session.unwrap_or_default();
        database.run(async |db| match piece {
            Piece::Session(beginning) => {
                turn.session = Some(writer.add_session(db, file, &beginning).await?);
                Ok(())
            }
            Piece::Commands(events) => writer.add_commands(db, session, &events).await,
            Piece::Lines(block) => writer.add_lines(db, session, block).await,
            Piece::Totals(totals) => writer.end_session(db, session, &totals).await,
        })
    }

    fn end(&mut self, job: &Job, mut turn: Turn, outcome: &Outcome) -> Result<(), StoreError> {
        let file = self.file(job, &mut turn)?;
        let Self { database, writer, .. } = self;
        database.run(async |db| writer.end_file(db, file, outcome).await)?;
        if self.began.is_some_and(|began| began.elapsed() >= COMMIT) {
            self.commit()?;
        }
        Ok(())
    }
}
