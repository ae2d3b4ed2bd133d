//! Where a pattern is found, page by page, in the order of the index: as the recordings were read.
//!
//! The text index says which commands, and which blocks of lines, may hold it, and only those are looked at. A pattern
//! without three letters in a row has to be looked for in all of them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use casemate_cast_format::Micros;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite, query, query_as};

use super::{push_filter, unsigned};
use crate::database::Database;
use crate::error::StoreError;
use crate::lines::Unpacker;
use crate::pattern::Pattern;
use crate::recording::Filter;
use crate::write::signed;

/// So many blocks of lines are fetched at first,
const BLOCKS: i64 = 32;

/// and each time twice as many, up to these: a rare pattern may be in thousands, and for each look the lists of its
/// trigrams are opened anew.
const BLOCKS_AT_ONCE: i64 = 1024;

/// In what something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// A command.
    Command,
    /// A line that was to be seen.
    Output,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit {
    /// The session: [`super::Session::id`].
    pub session: i64,
    /// In what.
    pub place: Where,
    /// Where to stand in the recording: when the command was given, or the line first seen.
    pub offset: Micros,
    /// The command, or the line.
    pub text: String,
    /// Where to go on behind it.
    pub(crate) cursor: (i64, i64),
}

/// A file, as hits name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where it is.
    pub path: PathBuf,
    /// The session's UUID, where casemate recorded it.
    pub session: Option<String>,
}

/// Output that is not in the index, and so has to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The session: [`super::Session::id`].
    pub session: i64,
    /// Where it is.
    pub path: PathBuf,
    /// How long that is.
    pub bytes: u64,
    /// How many lines were left out.
    pub lines: u64,
    /// Between which times they are.
    pub between: (Micros, Micros),
}

pub(crate) fn commands(
    database: &mut Database,
    pattern: &Pattern,
    filter: &Filter,
    after: Option<&Hit>,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let after = after.map_or(0, |hit| hit.cursor.0);
    let mut query = found(r#"SELECT c.id, c.session, c."offset", c.command"#, pattern, filter, after, limit);
    database.ask(async |db| {
        let rows = query.build().fetch_all(db).await?;
        rows.iter()
            .map(|row| {
                Ok(Hit {
                    session: row.try_get(1)?,
                    place: Where::Command,
                    offset: Micros(unsigned(row.try_get(2)?)),
                    text: row.try_get(3)?,
                    cursor: (row.try_get(0)?, 0),
                })
            })
            .collect()
    })
}

pub(super) fn command_ids(
    database: &mut Database,
    pattern: &Pattern,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut query = found("SELECT c.id", pattern, filter, 0, limit);
    database.ask(async |db| query.build_query_scalar().fetch_all(db).await)
}

pub(crate) fn count_commands(
    database: &mut Database,
    pattern: &Pattern,
    filter: &Filter,
    limit: usize,
) -> Result<usize, StoreError> {
    let mut query = found("SELECT count(*) FROM (SELECT 1", pattern, filter, 0, limit);
    query.push(")");
    let count: i64 = database.ask(async |db| query.build_query_scalar().fetch_one(db).await)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Commands in which a pattern is found, with a number beyond `after`.
fn found(select: &str, pattern: &Pattern, filter: &Filter, after: i64, limit: usize) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    match pattern.narrowed() {
        Some(narrowed) => {
            query.push(
                " FROM command_text t CROSS JOIN commands c ON c.id = t.rowid WHERE t.command_text MATCH ",
            );
            query.push_bind(narrowed.to_owned());
            query.push(" AND t.rowid > ").push_bind(after);
        }
        None => {
            query.push(" FROM commands c WHERE c.id > ").push_bind(after);
        }
    }
    query.push(" AND c.command REGEXP ").push_bind(pattern.sql().to_owned());
    push_filter(&mut query, filter);
    query.push(if pattern.narrowed().is_some() {
        " ORDER BY t.rowid LIMIT "
    } else {
        " ORDER BY c.id LIMIT "
    });
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    query
}

/// A block of lines: its number, its session, its text.
type Block = (i64, i64, Vec<u8>);

pub(crate) fn lines(
    database: &mut Database,
    pattern: &Pattern,
    after: Option<&Hit>,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let mut hits = Vec::new();
    each_line(database, pattern, after.map_or((0, 0), |hit| hit.cursor), limit, &mut |line| {
        let Line { session, cursor, offset, text } = line;
        hits.push(Hit { session, place: Where::Output, offset, text: text.to_owned(), cursor });
    })?;
    Ok(hits)
}

pub(crate) fn count_lines(
    database: &mut Database,
    pattern: &Pattern,
    limit: usize,
) -> Result<usize, StoreError> {
    each_line(database, pattern, (0, 0), limit, &mut |_| {})
}

/// A line in which something was found.
struct Line<'a> {
    session: i64,
    cursor: (i64, i64),
    offset: Micros,
    text: &'a str,
}

/// Hands on lines in which a pattern is found, behind a block and a line in it. Returns how many.
fn each_line(
    database: &mut Database,
    pattern: &Pattern,
    after: (i64, i64),
    limit: usize,
    give: &mut dyn FnMut(Line<'_>),
) -> Result<usize, StoreError> {
    let (mut from, mut skipped, mut count) = (after.0, after.1, 0);
    let mut at_once = BLOCKS;
    let io = |source| StoreError::Io { path: database.path().to_owned(), source };
    let mut unpacker = Unpacker::new().map_err(io)?;
    let stop = database.stop_token();
    while count < limit {
        let blocks = blocks(database, pattern, from, at_once)?;
        let Some(&(last, ..)) = blocks.last() else { break };
        at_once = (at_once * 2).min(BLOCKS_AT_ONCE);
        for (block, session, packed) in &blocks {
            if stop.is_stopped() {
                return Err(StoreError::Stopped);
            }
            let Some(unpacked) = unpacker.unpack(packed) else {
                let path = database.path().to_owned();
                return Err(StoreError::Damaged { path, what: "a block of lines cannot be unpacked" });
            };
            if !pattern.may_be_in(unpacked.text) {
                continue;
            }
            let numbered = (1..).zip(unpacked.lines());
            let skip = if *block == after.0 { skipped } else { 0 };
            for (number, (offset, text)) in numbered.filter(|(number, _)| *number > skip) {
                if pattern.regex().is_match(text) {
                    give(Line { session: *session, cursor: (*block, number), offset, text });
                    count += 1;
                    if count == limit {
                        return Ok(count);
                    }
                }
            }
        }
        (from, skipped) = (last + 1, 0);
    }
    Ok(count)
}

/// The next blocks that may hold a pattern, from that number on.
fn blocks(
    database: &mut Database,
    pattern: &Pattern,
    from: i64,
    limit: i64,
) -> Result<Vec<Block>, StoreError> {
    database.ask(async |db| match pattern.narrowed() {
        Some(narrowed) => {
            query_as(
                "SELECT b.id, b.session, b.text FROM line_text t CROSS JOIN line_blocks b ON b.id = t.rowid
                 WHERE t.line_text MATCH ? AND t.rowid >= ? ORDER BY t.rowid LIMIT ?",
            )
            .bind(narrowed)
            .bind(from)
            .bind(limit)
            .fetch_all(db)
            .await
        }
        None => {
            query_as("SELECT id, session, text FROM line_blocks WHERE id >= ? ORDER BY id LIMIT ?")
                .bind(from)
                .bind(limit)
                .fetch_all(db)
                .await
        }
    })
}

/// The file and the session of hits.
pub(crate) fn origin(database: &mut Database, session: i64) -> Result<Option<Origin>, StoreError> {
    let sql = "SELECT f.path, s.session FROM sessions s JOIN files f ON f.id = s.file WHERE s.id = ?";
    database.ask(async |db| {
        let row = query(sql).bind(session).fetch_optional(db).await?;
        row.map(|row| {
            let path = PathBuf::from(OsString::from_vec(row.try_get(0)?));
            Ok(Origin { path, session: row.try_get(1)? })
        })
        .transpose()
    })
}

pub(crate) fn unread(database: &mut Database) -> Result<Vec<Unread>, StoreError> {
    let sql =
        "SELECT s.id, f.path, f.bytes, s.lines_left_out, s.left_out_from, s.left_out_until FROM sessions s
               JOIN files f ON f.id = s.file WHERE s.lines_left_out > 0 ORDER BY s.id";
    database.ask(async |db| {
        let rows = query(AssertSqlSafe(sql)).fetch_all(db).await?;
        rows.iter()
            .map(|row| {
                let until = row.try_get::<Option<i64>, _>(5)?.unwrap_or(signed(u64::MAX));
                Ok(Unread {
                    session: row.try_get(0)?,
                    path: PathBuf::from(OsString::from_vec(row.try_get(1)?)),
                    bytes: unsigned(row.try_get(2)?),
                    lines: unsigned(row.try_get(3)?),
                    between: (
                        Micros(unsigned(row.try_get::<Option<i64>, _>(4)?.unwrap_or_default())),
                        Micros(unsigned(until)),
                    ),
                })
            })
            .collect()
    })
}
