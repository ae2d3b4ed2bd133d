//! The events at places that were found.
//!
//! They lie all over the table, in the order in which they came; so the disk is asked for many at once. PostgreSQL is told
//! which ones it will want before it reads the first; of SQLite's connections those that have nothing to do read along.

use std::collections::{BTreeMap, HashMap};

use casemate_audit_log::model::{Event, Log};
use futures_util::future::join_all;
use sea_query::Value;

use super::{Found, Position};
use crate::append::number;
use crate::database::{Database, Row, Text, Work};
use crate::error::StoreError;
use crate::texts::last_row;

const EVENTS: Text = Text {
    sqlite: "SELECT events.\"row\", events.log, events.content FROM json_each(?) AS asked \
        CROSS JOIN events ON events.\"row\" = asked.value",
    postgres: "SELECT events.\"row\", events.log, events.content \
        FROM jsonb_array_elements_text($1::jsonb) AS asked (value) JOIN events ON events.\"row\" = asked.value::bigint",
};

/// Where there are so many the disk is asked for many at once. Tests do with few.
const MANY: usize = if cfg!(test) { 5 } else { 100 };

/// The same: places are looked up first, and then read in their order, each when the system has been told which come next.
const READ_AHEAD: Text = Text {
    sqlite: "",
    postgres: "SELECT \"row\", log, content FROM events WHERE \"row\" = ANY (ARRAY ( \
        SELECT asked.value::bigint FROM jsonb_array_elements_text($1::jsonb) AS asked (value)))",
};

/// By no other way.
pub(super) const ONLY_AHEAD: &str = "SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_bitmapscan = on";

pub(super) const ANY_WAY: &str = "SET LOCAL enable_indexscan TO DEFAULT; SET LOCAL enable_seqscan TO DEFAULT; \
    SET LOCAL enable_bitmapscan TO DEFAULT";

/// The ends of the commands at some places: of the same connection, with the same id, up to a row (by which they
/// are not looked for).
const ENDS: Text = Text {
    sqlite: "SELECT commands.\"row\", ends.content FROM json_each(?) AS asked \
        CROSS JOIN events AS commands ON commands.\"row\" = asked.value \
        CROSS JOIN events AS ends ON ends.log = 2 \
        AND coalesce(ends.connection_id, 0) = coalesce(commands.connection_id, 0) AND ends.id = commands.id \
        WHERE +ends.\"row\" <= ?",
    postgres: "SELECT commands.\"row\", ends.content FROM jsonb_array_elements_text($1::jsonb) AS asked (value) \
        JOIN events AS commands ON commands.\"row\" = asked.value::bigint \
        JOIN events AS ends ON ends.log = 2 \
        AND coalesce(ends.connection_id, 0) = coalesce(commands.connection_id, 0) AND ends.id = commands.id \
        WHERE ends.\"row\" + 0 <= $2",
};

/// A row with its log and content.
type Stored = (i64, i64, Option<String>);

/// The events at some places; of commands with how they ended.
pub(crate) async fn events(
    database: &Database,
    work: &mut Work,
    places: &[Position],
) -> Result<Vec<Found>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let damaged = |row, reason: String| StoreError::Damaged { row, reason };
    let rows: Vec<i64> = places.iter().map(|place| place.row).collect();
    let mut contents = HashMap::new();
    for (row, log, content) in stored(database, work, &rows).await? {
        contents.extend(content.map(|content| (row, (log, content))));
    }
    let (mut found, mut commands) = (Vec::new(), BTreeMap::new());
    for &position in places {
        let row = position.row;
        let Some((log, content)) = contents.remove(&row) else { continue };
        let log = Log::ALL.iter().copied().find(|known| number(*known) == log);
        let log = log.ok_or_else(|| damaged(row, "its log is none".into()))?;
        let event = Event::from_json(log, &content).map_err(|error| damaged(row, error.to_string()))?;
        if log == Log::Command {
            commands.insert(row, found.len());
        }
        found.push(Found { position, event });
    }
    if commands.is_empty() {
        return Ok(found);
    }
    let rows: Vec<i64> = commands.keys().copied().collect();
    for (row, content) in ends(database, work, &rows).await? {
        let Some(content) = content else { continue };
        match Event::from_json(Log::CommandEnd, &content) {
            Ok(Event::CommandEnd(end)) => {
                if let Some(Found { event: Event::Command(command), .. }) =
                    commands.get(&row).and_then(|index| found.get_mut(*index))
                {
                    command.result = end.result;
                }
            }
            Ok(_) => {}
            Err(error) => return Err(damaged(row, error.to_string())),
        }
    }
    Ok(found)
}

/// Those of some rows, in no order.
async fn stored(database: &Database, work: &mut Work, rows: &[i64]) -> Result<Vec<Stored>, StoreError> {
    if matches!(work, Work::Postgres(_)) && rows.len() >= MANY {
        return ahead(work, rows).await;
    }
    // What others read is of a later moment, in which some may have been erased.
    let are_all = |read: &[Stored], of: &[i64]| {
        read.len() == of.len() && read.iter().all(|(_, _, content)| content.is_some())
    };
    along(database, work, &EVENTS, (rows, None), are_all).await
}

async fn ahead(work: &mut Work, rows: &[i64]) -> Result<Vec<Stored>, StoreError> {
    work.set(ONLY_AHEAD).await?;
    let stored = work.rows_of(&READ_AHEAD, vec![serde_json::to_string(rows)?.into()]).await?;
    work.set(ANY_WAY).await?;
    Ok(stored)
}

/// The ends of commands, with the rows of these.
async fn ends(
    database: &Database,
    work: &mut Work,
    rows: &[i64],
) -> Result<Vec<(i64, Option<String>)>, StoreError> {
    let last = match rows.len() >= MANY {
        // What others read is of a later moment, in which there may be more.
        true => last_row(work).await?,
        false => i64::MAX,
    };
    let are_there = |read: &[(i64, Option<String>)], _: &[i64]| read.iter().all(|(_, end)| end.is_some());
    along(database, work, &ENDS, (rows, Some(last)), are_there).await
}

/// What is asked of some rows, in no order: of many by as many as have nothing else to do, of each part anew where what another
/// one read of it will not do.
async fn along<T: Row + 'static>(
    database: &Database,
    work: &mut Work,
    text: &'static Text,
    (rows, last): (&[i64], Option<i64>),
    will_do: impl Fn(&[T], &[i64]) -> bool,
) -> Result<Vec<T>, StoreError> {
    let asked = |rows: &[i64]| -> Result<Vec<Value>, StoreError> {
        let rows = serde_json::to_string(rows)?.into();
        Ok([rows].into_iter().chain(last.map(Value::from)).collect())
    };
    let others = if rows.len() >= MANY { database.idle_readers().await } else { Vec::new() };
    let mut parts = rows.chunks(rows.len().div_ceil(others.len() + 1).max(1));
    let own = asked(parts.next().unwrap_or_default())?;
    let theirs = others.into_iter().zip(parts.clone()).map(|(other, part)| {
        let asked = asked(part);
        database.reading_along(other, move |other| Box::pin(async { other.rows_of::<T>(text, asked?).await }))
    });
    let (own, theirs) = tokio::join!(work.rows_of(text, own), join_all(theirs));
    let mut read = own?;
    for (theirs, part) in theirs.into_iter().zip(parts) {
        read.extend(match theirs {
            Ok(theirs) if will_do(&theirs, part) => theirs,
            Ok(_) | Err(_) => work.rows_of(text, asked(part)?).await?,
        });
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use casemate_audit_log::Time;
    use sqlx::Executor as _;

    use super::*;
    use crate::Appender;
    use crate::database::READERS;
    use crate::question::Page;
    use crate::tests::{command, end, in_both};

    #[test]
    fn a_page_is_the_same_however_many_read_along() {
        in_both(async |database| {
            let events: Vec<_> =
                (0..40).map(|number| command(number, "alice@org.com", "web-1", "root", "ls")).collect();
            Appender::begin(&database, Time(0)).await.unwrap().append(&events).await.unwrap();
            let all: Vec<Event> = events.into_iter().rev().collect();
            let page = async || {
                let found = database.page(Page::default()).await.unwrap();
                found.into_iter().map(|found| found.event).collect::<Vec<_>>()
            };
            assert_eq!(page().await, all);
            let mut held = Vec::new();
            for _ in 1..READERS {
                held.push(database.reading().await.unwrap());
            }
            assert_eq!(page().await, all, "nobody has time");
            if database.is_sqlite() {
                held.push(database.reading().await.unwrap());
                assert!(database.idle_readers().await.is_empty());
            }
            held.clear();
            others_have_time(&database).await;
            assert_eq!(page().await, all, "others have");
        });
    }

    /// Waits until those who had something to do are back.
    async fn others_have_time(database: &Database) {
        let began = Instant::now();
        while database.is_sqlite() && database.idle_readers().await.len() < 3 {
            assert!(began.elapsed() < Duration::from_secs(20));
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_page_is_of_the_moment_in_which_its_places_were_found() {
        for are_erased in [false, true] {
            page_of_a_moment(are_erased);
        }
    }

    /// Of commands of which some had ended then, others end meanwhile, and the former ends may be erased.
    fn page_of_a_moment(are_erased: bool) {
        in_both(async |database| {
            let events = (0..40).map(|number| command(number, "alice@org.com", "web-1", "root", "ls"));
            let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
            appender.append(&events.collect::<Vec<_>>()).await.unwrap();
            let ends = |first: i64| (first..40).step_by(2).map(|number| end(number, 7)).collect::<Vec<_>>();
            appender.append(&ends(0)).await.unwrap();
            others_have_time(&database).await;
            let mut work = database.reading().await.unwrap();
            let places: Vec<(i64, i64)> =
                work.rows_of(&Text { sqlite: PLACES, postgres: PLACES }, Vec::new()).await.unwrap();
            for number in 0..40 {
                assert!(database.erase(Log::Command, &format!("command-{number}")).await.unwrap());
                if are_erased {
                    database.erase(Log::CommandEnd, &format!("command-{number}")).await.unwrap();
                }
            }
            appender.append(&ends(1)).await.unwrap();
            let places: Vec<_> =
                places.into_iter().map(|(row, time)| Position { time: Time(time), row }).collect();
            let found = super::events(&database, &mut work, &places).await.unwrap();
            let exits = found.into_iter().map(|found| {
                let Event::Command(command) = found.event else { panic!("no command") };
                command.result.exit_code
            });
            assert_eq!(exits.collect::<Vec<_>>(), [Some(7), None].repeat(20));
        });
    }

    const PLACES: &str = "SELECT \"row\", \"time\" FROM events WHERE log = 1 ORDER BY \"row\"";

    #[test]
    fn postgresql_knows_where_to_read_before_it_does() {
        in_both(async |database| {
            let Work::Postgres(mut work) = database.reading().await.unwrap() else { return };
            // As if all were in memory, where another way is the shorter one.
            let near = "SET LOCAL random_page_cost = 0; SET LOCAL seq_page_cost = 0";
            work.execute(near).await.unwrap();
            for (before, wanted) in [(ANY_WAY, "Index Scan using"), (ONLY_AHEAD, "Bitmap Heap Scan")] {
                work.execute(before).await.unwrap();
                let explain = sqlx::AssertSqlSafe(format!("EXPLAIN {}", READ_AHEAD.postgres));
                let plan = sqlx::query_scalar(explain).bind("[1, 2, 3]").persistent(false);
                let plan: Vec<String> = plan.fetch_all(&mut *work).await.unwrap();
                assert!(plan.iter().any(|step| step.contains(wanted)), "{plan:?}");
                assert!(!plan.iter().any(|step| step.contains("Seq Scan")), "{plan:?}");
            }
        });
    }
}
