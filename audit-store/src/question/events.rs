//! The events at places that were found.
//!
//! They lie all over the table, in the order in which they came. PostgreSQL is told which ones it will want before it reads the
//! first, so that the disk is asked for many at once.

use std::collections::{BTreeMap, HashMap};

use casemate_audit_log::model::{Event, Log};

use super::{Found, Position};
use crate::append::number;
use crate::database::{Text, Work};
use crate::error::StoreError;

const EVENTS: Text = Text {
    sqlite: "SELECT events.\"row\", events.log, events.content FROM json_each(?) AS asked \
        CROSS JOIN events ON events.\"row\" = asked.value",
    postgres: "SELECT events.\"row\", events.log, events.content \
        FROM jsonb_array_elements_text($1::jsonb) AS asked (value) JOIN events ON events.\"row\" = asked.value::bigint",
};

/// Where there are so many they are read ahead. Tests do with few.
const MANY: usize = if cfg!(test) { 5 } else { 100 };

/// The same: places are looked up first, and then read in their order, each when the system has been told which come next.
const READ_AHEAD: &str = "SELECT \"row\", log, content FROM events WHERE \"row\" = ANY (ARRAY ( \
    SELECT asked.value::bigint FROM jsonb_array_elements_text($1::jsonb) AS asked (value)))";

/// By no other way.
const ONLY_AHEAD: &str = "SELECT set_config('enable_indexscan', 'off', true), \
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'on', true)";

const ANY_WAY: &str =
    "SELECT set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'on', true)";

/// The ends of the commands at some places: of the same connection, with the same id.
const ENDS: Text = Text {
    sqlite: "SELECT commands.\"row\", ends.content FROM json_each(?) AS asked \
        CROSS JOIN events AS commands ON commands.\"row\" = asked.value \
        CROSS JOIN events AS ends ON ends.log = 2 \
        AND coalesce(ends.connection_id, 0) = coalesce(commands.connection_id, 0) AND ends.id = commands.id \
        WHERE ends.content IS NOT NULL",
    postgres: "SELECT commands.\"row\", ends.content FROM jsonb_array_elements_text($1::jsonb) AS asked (value) \
        JOIN events AS commands ON commands.\"row\" = asked.value::bigint \
        JOIN events AS ends ON ends.log = 2 \
        AND coalesce(ends.connection_id, 0) = coalesce(commands.connection_id, 0) AND ends.id = commands.id \
        WHERE ends.content IS NOT NULL",
};

/// The events at some places; of commands with how they ended.
pub(crate) async fn events(work: &mut Work, places: &[Position]) -> Result<Vec<Found>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let damaged = |row, reason: String| StoreError::Damaged { row, reason };
    let rows: Vec<i64> = places.iter().map(|place| place.row).collect();
    let mut contents = HashMap::new();
    for (row, log, content) in stored(work, &rows).await? {
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
    let rows = serde_json::to_string(&rows)?;
    for (row, content) in work.rows_of::<(i64, String)>(&ENDS, vec![rows.into()]).await? {
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

/// Rows with their logs and contents, in no order.
async fn stored(work: &mut Work, rows: &[i64]) -> Result<Vec<(i64, i64, Option<String>)>, StoreError> {
    let asked = serde_json::to_string(rows)?;
    if rows.len() < MANY || matches!(work, Work::Sqlite(_)) {
        return work.rows_of(&EVENTS, vec![asked.into()]).await;
    }
    let of_postgres = |postgres| Text { sqlite: "", postgres };
    work.run_of(&of_postgres(ONLY_AHEAD), Vec::new()).await?;
    let stored = work.rows_of(&of_postgres(READ_AHEAD), vec![asked.into()]).await?;
    work.run_of(&of_postgres(ANY_WAY), Vec::new()).await?;
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use sqlx::Executor as _;

    use super::*;
    use crate::tests::in_both;

    #[test]
    fn postgresql_knows_where_to_read_before_it_does() {
        in_both(async |database| {
            let Work::Postgres(mut work) = database.reading().await.unwrap() else { return };
            // As if all were in memory, where another way is the shorter one.
            let near = "SET LOCAL random_page_cost = 0; SET LOCAL seq_page_cost = 0";
            work.execute(near).await.unwrap();
            for (before, wanted) in [(ANY_WAY, "Index Scan using"), (ONLY_AHEAD, "Bitmap Heap Scan")] {
                work.execute(before).await.unwrap();
                let explain = sqlx::AssertSqlSafe(format!("EXPLAIN {READ_AHEAD}"));
                let plan = sqlx::query_scalar(explain).bind("[1, 2, 3]").persistent(false);
                let plan: Vec<String> = plan.fetch_all(&mut *work).await.unwrap();
                assert!(plan.iter().any(|step| step.contains(wanted)), "{plan:?}");
                assert!(!plan.iter().any(|step| step.contains("Seq Scan")), "{plan:?}");
            }
        });
    }
}
