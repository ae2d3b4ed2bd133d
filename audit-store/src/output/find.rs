//! Blocks that may have a text, the latest first, of the connections that are asked for; and which command it was.
//!
//! How they are found: by the index of texts, where few blocks have what the text cannot be without; else by the
//! connections, where few are asked for; else by going back in time, block by block.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{CommandEvent, Event};
use sea_query::{Cond, Expr, ExprTrait as _, Order, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

use crate::append::searched;
use crate::connections::{Columns, asked};
use crate::database::{Database, Text, Work};
use crate::error::StoreError;
use crate::limit::WITHIN;
use crate::names::{OutputBlocks, OutputText};
use crate::question::{Position, count, events, pattern, trigrams};
use crate::record::{name, val};
use crate::terms;

/// A text that so many blocks have is found sooner by looking at the latest than by an index of texts.
const COMMON: u64 = 20_000;

/// So many connections are few.
const FEW: u64 = 64;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Seek {
    /// In what was to be seen, whatever its capitals.
    pub text: String,
    /// Of which connections, and when. What only events have is not asked of them.
    pub filter: Filter,
    /// From this block on: when its last line was seen, and which it is.
    pub from: Option<(Time, i64)>,
    /// So many blocks at most.
    pub limit: usize,
    /// How long it may take; then it is [too long](StoreError::TooLong).
    pub within: Duration,
}

/// Lines of a recording, that may have the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// When its last line was seen, and which it is.
    pub place: (Time, i64),
    /// Whose recording it is of.
    pub connection: Uuid,
    /// From when the times in it count.
    pub start: Time,
    /// The lines, as their reader packed them.
    pub packed: Vec<u8>,
}

/// The commands around a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// The one that was given last, with how it ended if it has.
    pub before: Option<CommandEvent>,
    /// The one that was given next.
    pub after: Option<CommandEvent>,
}

impl Database {
    /// Blocks that may have a text, the latest first. Whoever does not wait for it any more has it stopped.
    ///
    /// # Errors
    /// It takes too long, the database refuses, or what stands in it is no block.
    pub async fn output(&self, seek: Seek) -> Result<Vec<Block>, StoreError> {
        let is_sqlite = self.is_sqlite();
        self.reading_within(seek.within, move |work| {
            Box::pin(async move {
                let places = Question::of(work, &seek, is_sqlite).await?.places(work, &seek).await?;
                blocks(work, &places).await
            })
        })
        .await
    }

    /// The commands of a connection around some moments, one after the other.
    ///
    /// # Errors
    /// The database refuses, or what stands in it is no command.
    pub async fn commands_at(&self, connection: Uuid, times: &[Time]) -> Result<Vec<Around>, StoreError> {
        let (database, times, connection) = (self.clone(), times.to_vec(), connection.to_string());
        self.reading_within(WITHIN, move |work| {
            Box::pin(async move { commands_at(&database, work, &connection, &times).await })
        })
        .await
    }
}

/// What is looked up.
enum By {
    Text(SimpleExpr),
    Connections,
    Time,
}

struct Question {
    by: By,
    /// What has to be true of a connection.
    conditions: Vec<SimpleExpr>,
}

impl Question {
    async fn of(work: &mut Work, seek: &Seek, is_sqlite: bool) -> Result<Self, StoreError> {
        let conditions = conditions(&seek.filter);
        let text = searched(&seek.text);
        if let Some(trigrams) = trigrams(&text) {
            let has = if is_sqlite {
                Expr::cust_with_values("output_text MATCH ?", [trigrams])
            } else {
                Expr::col(OutputText::Text).like(pattern(&text))
            };
            let mut some = Query::select();
            some.expr_as(Expr::val(1), "one").from(OutputText::Table).and_where(has.clone());
            if count(work, some.limit(COMMON + 1).to_owned()).await? <= COMMON {
                return Ok(Self { by: By::Text(has), conditions });
            }
        }
        if !conditions.is_empty() {
            let mut some = connections(&conditions, Expr::val(1));
            if count(work, some.limit(FEW + 1).to_owned()).await? <= FEW {
                return Ok(Self { by: By::Connections, conditions });
            }
        }
        Ok(Self { by: By::Time, conditions })
    }

    async fn places(&self, work: &mut Work, seek: &Seek) -> Result<Vec<(i64, i64)>, StoreError> {
        let is_by_time = matches!(self.by, By::Time);
        // Named bare where its index is to be used.
        let column = |column: OutputBlocks| {
            if is_by_time {
                Expr::col(column)
            } else {
                Expr::cust(format!("+\"{}\"", sea_query::Iden::unquoted(&column)))
            }
        };
        let mut select = Query::select();
        select.columns([OutputBlocks::Last, OutputBlocks::Id]).from(OutputBlocks::Table);
        match &self.by {
            By::Text(has) => {
                let texts = Query::select()
                    .column(OutputText::Rowid)
                    .from(OutputText::Table)
                    .and_where(has.clone())
                    .to_owned();
                select.and_where(Expr::col(OutputBlocks::Id).in_subquery(texts));
                if !self.conditions.is_empty() {
                    let among = connections(&self.conditions, Expr::col((Columns::Table, Columns::Id)));
                    select.and_where(Expr::cust("(\"connection\" || '')").in_subquery(among));
                }
            }
            By::Connections => {
                let among = connections(&self.conditions, Expr::col((Columns::Table, Columns::Id)));
                select.and_where(Expr::col(OutputBlocks::Connection).in_subquery(among));
            }
            // Of each block that is passed its connection is looked up.
            By::Time if !self.conditions.is_empty() => {
                let id = Expr::col((Columns::Table, Columns::Id))
                    .eq(Expr::col((OutputBlocks::Table, OutputBlocks::Connection)));
                let mut its = connections(&self.conditions, Expr::val(1));
                its.and_where(id);
                select.and_where(Expr::exists(its));
            }
            By::Time => {}
        }
        if let Some(start) = seek.filter.start {
            select.and_where(column(OutputBlocks::Last).gte(start.0));
        }
        if let Some(end) = seek.filter.end {
            select.and_where(Expr::col(OutputBlocks::First).lte(end.0));
        }
        if let Some((last, id)) = seek.from {
            select.and_where(column(OutputBlocks::Last).lte(last.0));
            let passed = Expr::cust("+\"last\"").eq(last.0).and(Expr::cust("+\"id\"").gt(id));
            select.cond_where(Cond::all().not().add(passed));
        }
        select.order_by_expr(column(OutputBlocks::Last), Order::Desc);
        select.order_by_expr(column(OutputBlocks::Id), Order::Desc);
        select.limit(seek.limit as u64);
        work.rows(&select).await
    }
}

/// The connections of which some things are true.
fn connections(conditions: &[SimpleExpr], of: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.expr_as(of, "id").from(Columns::Table);
    for condition in conditions {
        select.and_where(condition.clone());
    }
    select
}

/// What a filter asks of a connection.
fn conditions(filter: &Filter) -> Vec<SimpleExpr> {
    let column = |column: Columns| Expr::col((Columns::Table, column));
    let named = asked(filter).map(|(of, names)| column(of).is_in(names.iter().map(|text| name(text))));
    named.chain(filter.is_admin.map(|is| column(Columns::IsAdmin).eq(val(is)))).collect()
}

type BlockRow = (i64, i64, String, i64, Vec<u8>);

/// The blocks at some places.
async fn blocks(work: &mut Work, places: &[(i64, i64)]) -> Result<Vec<Block>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let select = Query::select()
        .columns([
            OutputBlocks::Last,
            OutputBlocks::Id,
            OutputBlocks::Connection,
            OutputBlocks::Start,
            OutputBlocks::Packed,
        ])
        .from(OutputBlocks::Table)
        .and_where(Expr::col(OutputBlocks::Id).is_in(places.iter().map(|(_, id)| *id)))
        .to_owned();
    let rows = work.rows::<BlockRow>(&select).await?;
    let mut found: Vec<Block> = Vec::with_capacity(rows.len());
    for (last, id, connection, start, packed) in rows {
        let connection = connection.parse().map_err(|_| StoreError::Damaged {
            row: id,
            reason: "the connection of a block is none".into(),
        })?;
        found.push(Block { place: (Time(last), id), connection, start: Time(start), packed });
    }
    found.sort_by_key(|block| std::cmp::Reverse(block.place));
    Ok(found)
}

/// The rows of the commands around each moment: each is looked up, for a connection has as many as its user wants.
const AROUND: Text = Text {
    sqlite: "SELECT asked.value, \
        (SELECT \"row\" FROM events WHERE log = 1 AND content IS NOT NULL \
        AND coalesce(connection_id, 0) = ?2 AND \"time\" <= asked.value ORDER BY \"time\" DESC, \"row\" DESC LIMIT 1), \
        (SELECT \"row\" FROM events WHERE log = 1 AND content IS NOT NULL \
        AND coalesce(connection_id, 0) = ?2 AND \"time\" > asked.value ORDER BY \"time\", \"row\" LIMIT 1) \
        FROM json_each(?1) AS asked",
    postgres: "SELECT asked.value::bigint, \
        (SELECT \"row\" FROM events WHERE log = 1 AND content IS NOT NULL AND coalesce(connection_id, 0) = $2 \
        AND \"time\" <= asked.value::bigint ORDER BY \"time\" DESC, \"row\" DESC LIMIT 1), \
        (SELECT \"row\" FROM events WHERE log = 1 AND content IS NOT NULL AND coalesce(connection_id, 0) = $2 \
        AND \"time\" > asked.value::bigint ORDER BY \"time\", \"row\" LIMIT 1) \
        FROM jsonb_array_elements_text($1::jsonb) AS asked (value)",
};

async fn commands_at(
    database: &Database,
    work: &mut Work,
    connection: &str,
    times: &[Time],
) -> Result<Vec<Around>, StoreError> {
    let Some((_, connection)) = terms::numbers(work, &[connection]).await?.into_iter().next() else {
        return Ok(vec![Around::default(); times.len()]);
    };
    let asked: BTreeSet<i64> = times.iter().map(|time| time.0).collect();
    let asked = serde_json::to_string(&asked)?;
    let around: Vec<(i64, Option<i64>, Option<i64>)> =
        work.rows_of(&AROUND, vec![asked.into(), connection.into()]).await?;
    let rows = around.iter().flat_map(|(_, before, after)| [*before, *after]).flatten();
    let rows: BTreeSet<i64> = rows.collect();
    // Only the row counts where it is known.
    let wanted: Vec<_> = rows.into_iter().map(|row| Position { time: Time(0), row }).collect();
    let found = events(database, work, &wanted).await?.into_iter().filter_map(|found| match found.event {
        Event::Command(command) => Some((found.position.row, *command)),
        Event::CommandEnd(_)
        | Event::Kube(_)
        | Event::Connection(_)
        | Event::Subject(_)
        | Event::AgentStatusChange(_) => None,
    });
    let found: HashMap<i64, CommandEvent> = found.collect();
    let of = |row: Option<i64>| row.and_then(|row| found.get(&row)).cloned();
    let around: HashMap<i64, (Option<i64>, Option<i64>)> =
        around.into_iter().map(|(time, before, after)| (time, (before, after))).collect();
    let at = |time: &Time| {
        let (before, after) = around.get(&time.0).copied().unwrap_or_default();
        Around { before: of(before), after: of(after) }
    };
    Ok(times.iter().map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{in_both, plan};

    #[test]
    fn commands_around_a_moment_are_looked_up_however_many_there_are() {
        in_both(async |database| {
            let text = if database.is_sqlite() { AROUND.sqlite } else { AROUND.postgres };
            let plan = plan(&database, text, vec!["[5]".into(), 7_i64.into()]).await;
            assert_eq!(plan.matches("commands_of_connection").count(), 2, "{plan}");
            assert!(!plan.contains("B-TREE") && !plan.contains("Sort"), "{plan}");
        });
    }
}
