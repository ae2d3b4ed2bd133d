//! Recordings and their sessions.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use casemate_cast_format::Micros;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor as _, Row as _};

use super::{moment, unsigned};
use crate::database::Database;
use crate::error::StoreError;
use crate::index::modified;

/// What is proven of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Integrity {
    /// Its segments are as they were sealed, and it has its end.
    Intact,
    /// It has no seals, so nothing is proven; but nothing is wrong with it either.
    Unsealed,
    /// Its recorder did not end it.
    Unfinished,
    /// Something is wrong with it.
    Damaged,
    /// Nothing of it can be read.
    Unreadable,
}

impl Integrity {
    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Unsealed => "unsealed",
            Self::Unfinished => "unfinished",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "intact" => Self::Intact,
            "unsealed" => Self::Unsealed,
            "unfinished" => Self::Unfinished,
            "damaged" => Self::Damaged,
            _ => Self::Unreadable,
        }
    }
}

/// A file that is a recording, or ought to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recording {
    /// Its number in the index.
    pub id: i64,
    /// Where it is.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// When it was last written to, in nanoseconds since 1970.
    pub modified: i64,
    /// What is proven of it.
    pub integrity: Integrity,
    /// The Ed25519 key by which every one of its seals is rightly signed, whatever else is wrong with it. Anybody can
    /// make a key; what this one is worth, who knows the key knows.
    pub signed_by: Option<[u8; 32]>,
    /// Why nothing of it can be read, or not all.
    pub failure: Option<String>,
    /// How many things are wrong with it.
    pub defect_count: u64,
    /// The first of them.
    pub defects: Vec<String>,
}

impl Recording {
    /// Whether the file is the one that was read, as far as its length and the time of its last change say.
    #[must_use]
    pub fn is_as_indexed(&self) -> bool {
        let about = std::fs::metadata(&self.path);
        about.is_ok_and(|about| about.len() == self.bytes && modified(&about) == self.modified)
    }
}

/// A session: a recording has one, and one more for each that was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Its number in the index.
    pub id: i64,
    /// The file that it is in: [`Recording::id`].
    pub recording: i64,
    /// Its UUID, where casemate recorded it.
    pub session: Option<String>,
    /// Which part of the session it is, from 1.
    pub part: u32,
    /// Where in the file it begins.
    pub begins: Micros,
    /// When it began.
    pub start: Option<DateTime<Utc>>,
    /// How long it is.
    pub duration: Micros,
    /// Who.
    pub user: Option<String>,
    /// Where.
    pub target: Option<String>,
    /// As whom.
    pub target_user: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// Columns and rows of the terminal at its beginning.
    pub size: (u32, u32),
    /// How many commands were run in it.
    pub commands: u64,
    /// How many events it has.
    pub events: u64,
    /// How much came out.
    pub output_bytes: u64,
    /// Lines that were to be seen.
    pub lines: u64,
    /// Lines that are not in the index, because they flowed by too fast.
    pub lines_left_out: u64,
}

pub(crate) fn recordings(database: &mut Database) -> Result<Vec<Recording>, StoreError> {
    let sql =
        "SELECT id, path, bytes, modified, integrity, signed_by, failure, defect_count, defects FROM files
               WHERE integrity <> 'none' ORDER BY path";
    database.ask(async |db| db.fetch_all(sql).await?.iter().map(recording).collect())
}

fn recording(row: &SqliteRow) -> sqlx::Result<Recording> {
    let integrity: &str = row.try_get("integrity")?;
    let signed_by: Option<&[u8]> = row.try_get("signed_by")?;
    let defects: &str = row.try_get("defects")?;
    Ok(Recording {
        id: row.try_get("id")?,
        path: PathBuf::from(OsString::from_vec(row.try_get("path")?)),
        bytes: unsigned(row.try_get("bytes")?),
        modified: row.try_get("modified")?,
        integrity: Integrity::parse(integrity),
        signed_by: signed_by.and_then(|key| key.try_into().ok()),
        failure: row.try_get("failure")?,
        defect_count: unsigned(row.try_get("defect_count")?),
        defects: serde_json::from_str(defects).unwrap_or_default(),
    })
}

pub(crate) fn sessions(database: &mut Database) -> Result<Vec<Session>, StoreError> {
    let sql =
        "SELECT s.*, u.name AS user_name, t.name AS target_name, a.name AS target_user_name FROM sessions s
               LEFT JOIN names u ON u.id = s.user LEFT JOIN names t ON t.id = s.target
               LEFT JOIN names a ON a.id = s.target_user ORDER BY s.start, s.id";
    database.ask(async |db| db.fetch_all(sql).await?.iter().map(session).collect())
}

fn session(row: &SqliteRow) -> sqlx::Result<Session> {
    let number = |column: &str| row.try_get(column).map(unsigned);
    let start: Option<i64> = row.try_get("start")?;
    Ok(Session {
        id: row.try_get("id")?,
        recording: row.try_get("file")?,
        session: row.try_get("session")?,
        part: row.try_get("part")?,
        begins: Micros(number("begins")?),
        start: start.and_then(moment),
        duration: Micros(number("duration")?),
        user: row.try_get("user_name")?,
        target: row.try_get("target_name")?,
        target_user: row.try_get("target_user_name")?,
        title: row.try_get("title")?,
        size: (row.try_get("cols")?, row.try_get("rows")?),
        commands: number("commands")?,
        events: number("events")?,
        output_bytes: number("output_bytes")?,
        lines: number("lines")?,
        lines_left_out: number("lines_left_out")?,
    })
}
