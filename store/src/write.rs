//! The one way into an index: files, and what was read from them.
//!
//! Commands are rows, and each is in the text index. Lines are put together in blocks of one session, and a block is what
//! the text index knows.

use std::collections::HashMap;

use casemate_command_log::{CommandEvent, Kind, Reason, Source};
use chrono::DateTime;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, SqliteConnection, query, query_scalar};

use crate::lines::{LeftOut, LineBlock};
use crate::watch::{Beginning, Counts};

/// So many commands are written at once.
pub(crate) const BATCH: usize = 64;

/// So many commands are written by one statement; the rest by smaller ones, so that few are to be prepared.
const STATEMENTS: [usize; 4] = [BATCH, 16, 4, 1];

/// Columns of a command.
const COLUMNS: usize = 22;

type Result<T> = sqlx::Result<T>;

/// A file that was read, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) path: Vec<u8>,
    pub(crate) stamp: Stamp,
}

/// What a file is known by, as long as it has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) bytes: u64,
    /// In nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Hash of its first and last bytes.
    pub(crate) digest: Vec<u8>,
}

/// What reading a file said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) integrity: &'static str,
    pub(crate) signed_by: Option<[u8; 32]>,
    pub(crate) failure: Option<String>,
    pub(crate) defect_count: u64,
    pub(crate) defects: Vec<String>,
}

/// What is known of a session at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) counts: Counts,
    pub(crate) lines: u64,
    pub(crate) left_out: LeftOut,
}

/// Writes, within a transaction that the caller opens and ends.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    names: HashMap<String, i64>,
}

impl Writer {
    /// Forgets a file and all that is from it.
    pub(crate) async fn remove_file(&self, db: &mut SqliteConnection, file: i64) -> Result<()> {
        const SESSIONS: &str = "(SELECT id FROM sessions WHERE file = ?)";
        for sql in [
            // The text index has to be told what it forgets.
            "INSERT INTO command_text (command_text, rowid, command)
             SELECT 'delete', id, command FROM commands WHERE session IN ",
            "DELETE FROM commands WHERE session IN ",
        ] {
            query(AssertSqlSafe(format!("{sql} {SESSIONS}"))).bind(file).execute(&mut *db).await?;
        }
        let text = format!(
            "DELETE FROM line_text WHERE rowid IN (SELECT id FROM line_blocks WHERE session IN {SESSIONS})"
        );
        query(AssertSqlSafe(text)).bind(file).execute(&mut *db).await?;
        let blocks = format!("DELETE FROM line_blocks WHERE session IN {SESSIONS}");
        query(AssertSqlSafe(blocks)).bind(file).execute(&mut *db).await?;
        query("DELETE FROM sessions WHERE file = ?").bind(file).execute(&mut *db).await?;
        query("DELETE FROM files WHERE id = ?").bind(file).execute(&mut *db).await?;
        Ok(())
    }

    /// Adds a file; what comes of it is not known yet.
    pub(crate) async fn add_file(&self, db: &mut SqliteConnection, file: &FileRow) -> Result<i64> {
        let stamp = &file.stamp;
        let insert = query_scalar(
            "INSERT INTO files (path, device, inode, bytes, modified, digest, integrity)
             VALUES (?, ?, ?, ?, ?, ?, 'unread') RETURNING id",
        );
        insert
            .bind(&file.path)
            .bind(signed(stamp.device))
            .bind(signed(stamp.inode))
            .bind(signed(stamp.bytes))
            .bind(stamp.modified)
            .bind(&stamp.digest)
            .fetch_one(db)
            .await
    }

    pub(crate) async fn end_file(
        &self,
        db: &mut SqliteConnection,
        file: i64,
        outcome: &Outcome,
    ) -> Result<()> {
        let update = query(
            "UPDATE files SET integrity = ?, signed_by = ?, failure = ?, defect_count = ?, defects = ? WHERE id = ?",
        );
        update
            .bind(outcome.integrity)
            .bind(outcome.signed_by.as_ref().map(<[u8; 32]>::as_slice))
            .bind(&outcome.failure)
            .bind(signed(outcome.defect_count))
            .bind(serde_json::to_string(&outcome.defects).unwrap_or_else(|_| "[]".into()))
            .bind(file)
            .execute(db)
            .await?;
        Ok(())
    }

    pub(crate) async fn add_session(
        &mut self,
        db: &mut SqliteConnection,
        file: i64,
        session: &Beginning,
    ) -> Result<i64> {
        let user = self.name(db, session.user.as_deref()).await?;
        let target = self.name(db, session.target.as_deref()).await?;
        let target_user = self.name(db, session.target_user.as_deref()).await?;
        let insert = query_scalar(
            "INSERT INTO sessions (file, session, part, begins, start, user, target, target_user, title, cols, rows)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        );
        insert
            .bind(file)
            .bind(&session.session)
            .bind(session.part)
            .bind(signed(session.begins.0))
            .bind(session.start)
            .bind(user)
            .bind(target)
            .bind(target_user)
            .bind(&session.title)
            .bind(session.cols)
            .bind(session.rows)
            .fetch_one(db)
            .await
    }

    pub(crate) async fn end_session(
        &self,
        db: &mut SqliteConnection,
        session: i64,
        totals: &Totals,
    ) -> Result<()> {
        let between = totals.left_out.between;
        query(
            "UPDATE sessions SET duration = ?, events = ?, output_bytes = ?, lines = ?, lines_left_out = ?,
             left_out_from = ?, left_out_until = ?,
             commands = (SELECT count(*) FROM commands WHERE session = sessions.id)
             WHERE id = ?",
        )
        .bind(signed(totals.counts.duration.0))
        .bind(signed(totals.counts.events))
        .bind(signed(totals.counts.output_bytes))
        .bind(signed(totals.lines))
        .bind(signed(totals.left_out.lines))
        .bind(between.map(|(from, _)| signed(from.0)))
        .bind(between.map(|(_, until)| signed(until.0)))
        .bind(session)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Adds commands of one session.
    pub(crate) async fn add_commands(
        &mut self,
        db: &mut SqliteConnection,
        session: i64,
        events: &[CommandEvent],
    ) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let first: i64 =
            query_scalar("SELECT ifnull(max(id), 0) + 1 FROM commands").fetch_one(&mut *db).await?;
        let (mut id, mut rest) = (first, events);
        while !rest.is_empty() {
            let count = STATEMENTS.into_iter().find(|&count| count <= rest.len()).unwrap_or(1);
            let (now, later) = rest.split_at(count);
            let mut arguments = SqliteArguments::default();
            for event in now {
                self.bind(db, &mut arguments, id, session, event).await?;
                id += 1;
            }
            let row = format!("(?{})", ", ?".repeat(COLUMNS - 1));
            let sql = format!("INSERT INTO commands VALUES {row}{}", format!(", {row}").repeat(count - 1));
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut *db).await?;
            rest = later;
        }
        query(
            "INSERT INTO command_text (rowid, command) SELECT id, command FROM commands WHERE id BETWEEN ? AND ?",
        )
        .bind(first)
        .bind(id - 1)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Adds lines of one session.
    pub(crate) async fn add_lines(
        &self,
        db: &mut SqliteConnection,
        session: i64,
        block: LineBlock,
    ) -> Result<()> {
        let insert = query_scalar(
            "INSERT INTO line_blocks (session, first, last, lines, text) VALUES (?, ?, ?, ?, ?) RETURNING id",
        );
        let id: i64 = insert
            .bind(session)
            .bind(signed(block.first.0))
            .bind(signed(block.last.0))
            .bind(signed(block.lines))
            .bind(block.packed)
            .fetch_one(&mut *db)
            .await?;
        let insert = query("INSERT INTO line_text (rowid, text) VALUES (?, ?)");
        insert.bind(id).bind(block.text).execute(db).await?;
        Ok(())
    }

    async fn bind(
        &mut self,
        db: &mut SqliteConnection,
        arguments: &mut SqliteArguments,
        id: i64,
        session: i64,
        event: &CommandEvent,
    ) -> Result<()> {
        let mismatch =
            (!event.mismatch.is_empty()).then(|| serde_json::to_string(&event.mismatch).ok()).flatten();
        let mut add = |value: Option<i64>| arguments.add(value).map_err(sqlx::Error::Encode);
        add(Some(id))?;
        add(Some(session))?;
        arguments.add(event_bytes(&event.id)).map_err(sqlx::Error::Encode)?;
        let user = self.name(db, event.user.as_deref()).await?;
        let target = self.name(db, event.target.as_deref()).await?;
        let target_user = self.name(db, event.target_user.as_deref()).await?;
        let cwd = self.name(db, event.cwd.as_deref()).await?;
        let program = self.name(db, event.program.as_deref()).await?;
        let mut add = |value: Option<i64>| arguments.add(value).map_err(sqlx::Error::Encode);
        add(event.time.as_deref().and_then(micros))?;
        add(Some(signed(event.offset.0)))?;
        add(event.duration.map(|duration| signed(duration.0)))?;
        add(user)?;
        add(target)?;
        add(target_user)?;
        // A text ends at a NUL, so far as the text index is concerned.
        let command = event.command.as_ref().map(|command| command.replace('\0', "\u{fffd}"));
        arguments.add(command).map_err(sqlx::Error::Encode)?;
        arguments.add(event.reason.map(reason)).map_err(sqlx::Error::Encode)?;
        let mut add = |value: Option<i64>| arguments.add(value).map_err(sqlx::Error::Encode);
        add(cwd)?;
        add(event.exit_code.map(i64::from))?;
        arguments.add(kind(event.kind)).map_err(sqlx::Error::Encode)?;
        arguments.add(program).map_err(sqlx::Error::Encode)?;
        arguments.add(source(event.source)).map_err(sqlx::Error::Encode)?;
        arguments.add(event.confidence).map_err(sqlx::Error::Encode)?;
        let mut add = |value: Option<i64>| arguments.add(value).map_err(sqlx::Error::Encode);
        add(event.output_bytes.map(signed))?;
        add(event.output.map(|(begin, _)| signed(begin.0)))?;
        add(event.output.map(|(_, end)| signed(end.0)))?;
        arguments.add(mismatch).map_err(sqlx::Error::Encode)?;
        let piped = event.piped.as_ref().and_then(|piped| serde_json::to_string(piped).ok());
        arguments.add(piped).map_err(sqlx::Error::Encode)?;
        Ok(())
    }

    /// The number of a name.
    async fn name(&mut self, db: &mut SqliteConnection, name: Option<&str>) -> Result<Option<i64>> {
        let Some(name) = name else { return Ok(None) };
        if let Some(&id) = self.names.get(name) {
            return Ok(Some(id));
        }
        query("INSERT OR IGNORE INTO names (name) VALUES (?)").bind(name).execute(&mut *db).await?;
        let id = query_scalar("SELECT id FROM names WHERE name = ?").bind(name).fetch_one(db).await?;
        // Working directories can be any number; who and where are few.
        if self.names.len() >= NAMES {
            self.names.clear();
        }
        self.names.insert(name.to_owned(), id);
        Ok(Some(id))
    }
}

/// So many names are remembered.
const NAMES: usize = 10_000;

/// What is beyond the largest number that SQLite has is that number.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The bytes of a UUID; of what is none, its text.
fn event_bytes(id: &str) -> Vec<u8> {
    let digits: Vec<u8> = id.bytes().filter(|&byte| byte != b'-').collect();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.filter(|bytes| bytes.len() == 16 && id.len() == 36).unwrap_or_else(|| id.as_bytes().to_vec())
}

pub(crate) fn micros(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_micros())
}

pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Shell => "shell",
        Kind::Program => "program",
        Kind::Hidden => "hidden",
        Kind::Cancelled => "cancelled",
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Marks => "marks",
        Source::Screen => "screen",
        Source::Exec => "exec",
        Source::None => "none",
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotEchoed => "not_echoed",
        Reason::TooLong => "too_long",
        Reason::Overwritten => "overwritten",
    }
}
