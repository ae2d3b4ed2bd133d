//! Commands: of a session, or of all in the order of time.

use casemate_cast_format::Micros;
use casemate_cast_format::segment::hex;
use casemate_command_log::{Candidate, CommandEvent, Kind, Reason, Source};
use chrono::SecondsFormat;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{moment, push_filter, search, unsigned};
use crate::database::Database;
use crate::error::StoreError;
use crate::pattern::Pattern;
use crate::recording::Filter;

/// Where a pattern is found more often, the commands are looked through in the order of time.
const FEW: usize = 2000;

/// A command that is in the index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Command {
    /// Its number in the index.
    pub id: i64,
    /// The session that it is of: [`super::Session::id`].
    pub session: i64,
    /// All that is known of it.
    pub event: CommandEvent,
}

/// Which end of time is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    #[default]
    OldestFirst,
    /// The latest.
    LatestFirst,
}

/// A page of the timeline that is asked for. Commands of which nobody knows when they were run come last, whichever end
/// of time is first; they are not in it where the filter asks for a time.
#[derive(Clone, Debug, Default)]
pub struct Timeline<'a> {
    /// Only commands of that session, in the order in which they were given.
    pub session: Option<i64>,
    /// Which commands.
    pub filter: Filter,
    /// What is to be found in them.
    pub pattern: Option<&'a Pattern>,
    /// In which order.
    pub order: Order,
    /// The last command of the page before.
    pub after: Option<&'a Command>,
    /// How many, at most.
    pub limit: usize,
}

const COLUMNS: &str = "SELECT c.*,
    (SELECT name FROM names WHERE id = c.user) AS user_name,
    (SELECT name FROM names WHERE id = c.target) AS target_name,
    (SELECT name FROM names WHERE id = c.target_user) AS target_user_name,
    (SELECT name FROM names WHERE id = c.cwd) AS cwd_name,
    (SELECT name FROM names WHERE id = c.program) AS program_name,
    (SELECT session FROM sessions WHERE id = c.session) AS session_name";

pub(crate) fn of_session(database: &mut Database, session: i64) -> Result<Vec<Command>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push(" FROM commands c WHERE c.session = ");
    query.push_bind(session).push(" ORDER BY c.id");
    database.ask(async |db| query.build().fetch_all(db).await?.iter().map(command).collect())
}

/// Commands that are in one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Timed,
    Untimed,
    Session(i64),
}

pub(crate) fn timeline(database: &mut Database, page: &Timeline<'_>) -> Result<Vec<Command>, StoreError> {
    if let Some(session) = page.session {
        return part_of_timeline(database, page, None, Part::Session(session), page.limit);
    }
    let few = match page.pattern {
        Some(pattern) => Some(search::command_ids(database, pattern, &page.filter, FEW)?),
        None => None,
    };
    let few = few.as_deref().filter(|few| few.len() < FEW);
    let is_timed = |last: &Command| last.event.time.is_some();
    let mut found = Vec::new();
    if page.after.is_none_or(is_timed) {
        found = part_of_timeline(database, page, few, Part::Timed, page.limit)?;
    }
    let left = page.limit.saturating_sub(found.len());
    if left > 0 && page.filter.since.is_none() && page.filter.until.is_none() {
        found.extend(part_of_timeline(database, page, few, Part::Untimed, left)?);
    }
    Ok(found)
}

/// What a page has of a part; `few` are all commands in which the pattern is found, if they are known.
fn part_of_timeline(
    database: &mut Database,
    page: &Timeline<'_>,
    few: Option<&[i64]>,
    part: Part,
    limit: usize,
) -> Result<Vec<Command>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push(" FROM commands c WHERE ");
    match part {
        Part::Timed => query.push("c.time IS NOT NULL"),
        Part::Untimed => query.push("c.time IS NULL"),
        Part::Session(session) => query.push("c.session = ").push_bind(session),
    };
    if let Some(few) = few {
        let ids = serde_json::to_string(few).unwrap_or_default();
        query.push(" AND c.id IN (SELECT value FROM json_each(").push_bind(ids).push("))");
    } else if let Some(pattern) = page.pattern {
        query.push(" AND c.command REGEXP ").push_bind(pattern.sql().to_owned());
    }
    push_filter(&mut query, &page.filter);
    let (beyond, order) = match page.order {
        Order::OldestFirst => (">", "ASC"),
        Order::LatestFirst => ("<", "DESC"),
    };
    let time = |last: &Command| last.event.time.as_deref().and_then(crate::write::micros);
    match (part, page.after.map(|last| (time(last), last.id))) {
        (Part::Timed, Some((Some(time), id))) => {
            query.push(format!(" AND (c.time, c.id) {beyond} (")).push_bind(time).push(", ");
            query.push_bind(id).push(")");
        }
        (Part::Session(_), Some((_, id))) | (Part::Untimed, Some((None, id))) => {
            query.push(format!(" AND c.id {beyond} ")).push_bind(id);
        }
        (Part::Timed | Part::Untimed | Part::Session(_), _) => {}
    }
    query.push(" ORDER BY ");
    if part == Part::Timed {
        query.push(format!("c.time {order}, "));
    }
    query.push(format!("c.id {order} LIMIT ")).push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    database.ask(async |db| query.build().fetch_all(db).await?.iter().map(command).collect())
}

fn command(row: &SqliteRow) -> sqlx::Result<Command> {
    let number = |column: &str| row.try_get::<Option<i64>, _>(column).map(|value| value.map(unsigned));
    let time: Option<i64> = row.try_get("time")?;
    let (begin, end) = (number("output_begin")?, number("output_end")?);
    let mismatch: Option<&str> = row.try_get("mismatch")?;
    let piped: Option<&str> = row.try_get("piped")?;
    let event: &[u8] = row.try_get("event")?;
    Ok(Command {
        id: row.try_get("id")?,
        session: row.try_get("session")?,
        event: CommandEvent {
            id: event_id(event),
            session: row.try_get("session_name")?,
            state: None,
            time: time.and_then(moment).map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            offset: Micros(number("offset")?.unwrap_or_default()),
            duration: number("duration")?.map(Micros),
            user: row.try_get("user_name")?,
            target: row.try_get("target_name")?,
            target_user: row.try_get("target_user_name")?,
            command: row.try_get("command")?,
            reason: row.try_get::<Option<&str>, _>("reason")?.and_then(reason),
            cwd: row.try_get("cwd_name")?,
            exit_code: row.try_get("exit_code")?,
            kind: kind(row.try_get("kind")?),
            program: row.try_get("program_name")?,
            source: source(row.try_get("source")?),
            confidence: row.try_get("confidence")?,
            output_bytes: number("output_bytes")?,
            output: begin.zip(end).map(|(begin, end)| (Micros(begin), Micros(end))),
            output_at: None,
            mismatch: mismatch.map(candidates).unwrap_or_default(),
            piped: piped.and_then(|piped| serde_json::from_str(piped).ok()),
        },
    })
}

fn event_id(bytes: &[u8]) -> String {
    if bytes.len() != 16 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let digits = hex(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn kind(text: &str) -> Kind {
    match text {
        "shell" => Kind::Shell,
        "hidden" => Kind::Hidden,
        "cancelled" => Kind::Cancelled,
        _ => Kind::Program,
    }
}

fn source(text: &str) -> Source {
    match text {
        "marks" => Source::Marks,
        "screen" => Source::Screen,
        "exec" => Source::Exec,
        _ => Source::None,
    }
}

fn reason(text: &str) -> Option<Reason> {
    match text {
        "not_echoed" => Some(Reason::NotEchoed),
        "too_long" => Some(Reason::TooLong),
        "overwritten" => Some(Reason::Overwritten),
        _ => None,
    }
}

fn candidates(json: &str) -> Vec<Candidate> {
    #[derive(serde::Deserialize)]
    struct Kept {
        source: String,
        command: String,
    }
    let kept: Vec<Kept> = serde_json::from_str(json).unwrap_or_default();
    kept.into_iter().map(|kept| Candidate { source: source(&kept.source), command: kept.command }).collect()
}
