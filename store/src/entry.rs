//! Sessions that come from elsewhere than a file: to measure an index, or to try what asks it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use casemate_cast_format::Micros;
use casemate_command_log::CommandEvent;
use chrono::{DateTime, Utc};
use sqlx::Executor as _;

use crate::database::Database;
use crate::error::StoreError;
use crate::lines::LinePacker;
use crate::watch::{Beginning, Counts};
use crate::write::{BATCH, FileRow, Outcome, Stamp, Totals, Writer};

/// What was added is committed this often.
const COMMIT: Duration = Duration::from_secs(5);

/// A session. The next update drops it, as its file is not there.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The file that it would be in.
    pub path: PathBuf,
    /// When it began.
    pub start: DateTime<Utc>,
    /// Who.
    pub user: String,
    /// Where.
    pub target: String,
    /// As whom.
    pub target_user: String,
    /// Its commands.
    pub commands: Vec<CommandEvent>,
    /// What was to be seen, and when.
    pub lines: Vec<(Duration, String)>,
}

pub(crate) fn add(
    database: &mut Database,
    entries: &mut dyn Iterator<Item = Entry>,
) -> Result<(), StoreError> {
    let mut writer = Writer::default();
    let mut began: Option<Instant> = None;
    for entry in entries {
        database.run(async |db| {
            if began.is_none() {
                db.execute("BEGIN IMMEDIATE").await?;
            }
            let path = entry.path.as_os_str().as_encoded_bytes().to_vec();
            let stamp = Stamp { device: 0, inode: 0, bytes: 0, modified: 0, digest: Vec::new() };
            let file = writer.add_file(db, &FileRow { path, stamp }).await?;
            let beginning = Beginning {
                part: 1,
                start: Some(entry.start.timestamp_micros()),
                user: Some(entry.user),
                target: Some(entry.target),
                target_user: Some(entry.target_user),
                cols: 80,
                rows: 24,
                ..Beginning::default()
            };
            let session = writer.add_session(db, file, &beginning).await?;
            for events in entry.commands.chunks(BATCH) {
                writer.add_commands(db, session, events).await?;
            }
            let mut packer = LinePacker::default();
            for (time, text) in &entry.lines {
                if let Some(block) = packer.line(*time, text) {
                    writer.add_lines(db, session, block).await?;
                }
            }
            if let Some(block) = packer.take() {
                writer.add_lines(db, session, block).await?;
            }
            let duration = entry.commands.last().map_or(Micros(0), |last| last.offset);
            let counts = Counts { duration, ..Counts::default() };
            let totals = Totals { counts, lines: packer.lines, left_out: packer.left_out };
            writer.end_session(db, session, &totals).await?;
            writer.end_file(db, file, &Outcome { integrity: "unsealed", ..Outcome::default() }).await?;
            if began.get_or_insert_with(Instant::now).elapsed() >= COMMIT {
                began = None;
                db.execute("COMMIT").await?;
            }
            Ok(())
        })?;
    }
    if began.is_some() {
        database.run(async |db| db.execute("COMMIT").await)?;
    }
    Ok(())
}
