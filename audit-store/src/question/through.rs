//! Places that PostgreSQL finds by looking at events, in the order of time, until a page is full.
//!
//! By an index it would look at one after the other, and wait for the disk each time. So it looks at some at once; where that
//! was not enough, at those behind them, as many as seem to be missing.

use casemate_audit_log::model::Log;
use sea_query::{Expr, SelectStatement};

use super::events::{ANY_WAY, ONLY_AHEAD};
use super::{By, Conditions, Order, Page, Position, places_of};
use crate::database::Work;
use crate::error::StoreError;
use crate::names::Events;

/// So many at first, where a page is smaller. Tests go many steps with few events.
const LEAST: u64 = if cfg!(test) { 2 } else { 100 };

/// So many times as many as before, at most.
const GROWTH: u64 = 8;

/// So many at once, at most.
const MOST: u64 = if cfg!(test) { 20 } else { 50_000 };

/// Each of so many is looked at so; of more each has little, and asking costs more than looking.
const WAYS: usize = 16;

impl Conditions {
    /// The places of a page, by each of some ways, up to one.
    pub(super) async fn places(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        ways: &[By],
        until: Option<Position>,
    ) -> Result<Vec<Position>, StoreError> {
        let mut places = Vec::new();
        for &by in ways {
            places.extend(if ways.len() <= WAYS && self.has_to_look(by) {
                self.through(work, log, page, by, until).await?
            } else {
                places_of(work, &self.up_to(log, page, by, until)).await?
            });
        }
        Ok(places)
    }

    async fn through(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        by: By,
        until: Option<Position>,
    ) -> Result<Vec<Position>, StoreError> {
        let is_before_the_end = |last: &Position| {
            until.is_none_or(|until| match page.order {
                Order::Newest => *last > until,
                Order::Oldest => *last < until,
            })
        };
        let (mut places, mut rest) = (Vec::new(), page.clone());
        let (mut some, mut seen) = (LEAST.max(page.limit as u64), 0);
        loop {
            let last = self.nth(work, log, &rest, by, some).await?.filter(is_before_the_end);
            work.set(ONLY_AHEAD).await?;
            places.extend(places_of(work, &self.up_to(log, &rest, by, last.or(until))).await?);
            work.set(ANY_WAY).await?;
            let missing = page.limit.saturating_sub(places.len());
            if last.is_none() || missing == 0 {
                return Ok(places);
            }
            rest.behind = last;
            seen += some;
            // Half as many more, because these have it now more often and now less.
            let wanted = seen.saturating_mul(3 * missing as u64) / (2 * places.len().max(1) as u64);
            some = wanted.clamp(LEAST, MOST.min(GROWTH * some).max(LEAST));
        }
    }

    /// Whether an index does not have all that is asked for.
    fn has_to_look(&self, by: By) -> bool {
        match by {
            By::Time => self.search.is_some() || !self.columns.is_empty(),
            By::Column(Events::ConnectionId, _) | By::Text | By::Both(_) | By::Behind(_) => false,
            By::Column(column, _) => {
                self.search.is_some() || self.without.is_some() || !self.is_beside(column)
            }
        }
    }

    /// The places of a page up to one, at once.
    fn up_to(&self, log: Log, page: &Page, by: By, until: Option<Position>) -> SelectStatement {
        let mut select = self.select(log, page, by, None);
        select.and_where_option(until.map(|Position { time, row }| {
            let is_before = match page.order {
                Order::Newest => "(\"time\", \"row\") >= ($1, $2)",
                Order::Oldest => "(\"time\", \"row\") <= ($1, $2)",
            };
            Expr::cust_with_values(is_before, [time.0, row])
        }));
        select
    }
}

#[cfg(test)]
mod tests {
    use casemate_audit_log::Time;
    use sea_query::PostgresQueryBuilder;
    use sea_query_sqlx::SqlxBinder as _;

    use super::*;
    use crate::tests::in_both;

    #[test]
    fn events_are_looked_at_where_no_index_has_all_that_is_asked_for() {
        let columns = |columns: &[Events]| Conditions {
            columns: columns.iter().map(|column| (*column, vec![7])).collect(),
            start: None,
            end: None,
            search: None,
            without: None,
            is_sqlite: false,
        };
        let (of_user, by_time) = (By::Column(Events::SubjectName, 7), By::Time);
        let questions = [
            (columns(&[]), by_time, false),
            (columns(&[Events::IsAdmin]), by_time, true),
            (columns(&[Events::SubjectName, Events::TargetUser]), of_user, false),
            (columns(&[Events::SubjectName, Events::TargetId]), of_user, true),
            (Conditions { search: Some("ls".into()), ..columns(&[Events::SubjectName]) }, of_user, true),
            (Conditions { without: Some((1, vec![2])), ..columns(&[Events::SubjectName]) }, of_user, true),
            (columns(&[Events::ConnectionId, Events::TargetId]), By::Column(Events::ConnectionId, 7), false),
        ];
        for (number, (asked, by, has_to_look)) in questions.into_iter().enumerate() {
            assert_eq!(asked.has_to_look(by), has_to_look, "question {number}");
        }
    }

    #[test]
    fn postgresql_looks_at_no_more_than_it_is_asked_to_and_knows_where_before() {
        in_both(async |database| {
            let mut work = database.reading().await.unwrap();
            let columns = vec![(Events::SubjectName, vec![7]), (Events::TargetId, vec![7])];
            let asked =
                Conditions { columns, start: None, end: None, search: None, without: None, is_sqlite: false };
            let page = Page { behind: Some(Position { time: Time(9), row: 9 }), ..Page::default() };
            let (by, until) = (By::Column(Events::SubjectName, 7), Position { time: Time(5), row: 5 });
            let select = asked.up_to(Log::Command, &page, by, Some(until));
            work.set(ONLY_AHEAD).await.unwrap();
            let Work::Postgres(mut work) = work else { return };
            let (text, values) = select.build_sqlx(PostgresQueryBuilder);
            let plan = sqlx::query_scalar_with(sqlx::AssertSqlSafe(format!("EXPLAIN {text}")), values);
            let plan: Vec<String> = plan.persistent(false).fetch_all(&mut *work).await.unwrap();
            let plan = plan.join("\n");
            assert!(plan.contains("Bitmap Heap Scan"), "{plan}");
            let (_, of_index) = plan.split_once("Bitmap Index Scan on events_by_subject").unwrap();
            assert!(of_index.contains(r#"(ROW("time", "row") >= ROW('5'::bigint, '5'::bigint))"#), "{plan}");
        });
    }
}
