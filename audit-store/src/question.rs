//! Pages of events: what is asked for, and the way in which it is found soonest.
//!
//! Of what has to be true of an event one thing is looked up, in the index of its column with the time; the rest is checked of
//! what is found. Which one: that which the fewest events have, as far as can be seen by counting a few of each. What is
//! looked up has to be named bare, and all else as `+column`, of which neither database uses an index.
//!
//! First the places are found, where the index has all that is asked for without a look at the events; then the events at
//! those places that are on the page.

mod events;
mod hits;
mod look_up;
mod search;
mod through;

use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::filter::{AnyOf, Filter, Without};
use casemate_audit_log::model::{Event, Log};
use sea_query::{Cond, Expr, ExprTrait as _, Func, Query, SelectStatement, SimpleExpr};

pub(crate) use self::events::events;
pub(crate) use self::hits::trigrams;
use crate::append::{kept, number, searched};
use crate::database::{Database, Work};
use crate::error::StoreError;
use crate::limit::WITHIN;
use crate::names::{Events, OF_CONNECTION};
use crate::terms::{self, NAMELESS};

/// In which order events are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest first.
    #[default]
    Newest,
    /// As they happened.
    Oldest,
}

impl From<Order> for sea_query::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Newest => Self::Desc,
            Order::Oldest => Self::Asc,
        }
    }
}

/// What is asked for: a page of some logs.
#[derive(Clone, Debug)]
pub struct Page {
    /// Which logs, as if they were one.
    pub logs: Vec<Log>,
    /// What has to be true of an event.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Where the page before this one ended, in the same order.
    pub behind: Option<Position>,
    /// How many events at most.
    pub limit: usize,
    /// How long it may take; then it is [too long](StoreError::TooLong).
    pub within: Duration,
}

impl Default for Page {
    /// The first of all commands, in two seconds.
    fn default() -> Self {
        Self {
            logs: vec![Log::Command],
            filter: Filter::default(),
            order: Order::Newest,
            behind: None,
            limit: 1000,
            within: WITHIN,
        }
    }
}

/// Where a page ends, and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When its last event happened.
    pub time: Time,
    /// Which of those of that moment it is.
    pub row: i64,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Where it stands.
    pub position: Position,
    /// The event; a command with how it ended, if it has.
    pub event: Event,
}

/// What is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The time: all events of a log.
    Time,
    /// One of the conditions on columns, and one of its values.
    Column(Events, i64),
    /// The index of texts.
    Text,
    /// The index of texts and that of one of the conditions on columns, together.
    Both(Events),
    /// Rows behind this one, whose texts are not in the index yet.
    Behind(i64),
}

impl By {
    /// One by one, and not by an index with the time.
    fn is_by_rows(self) -> bool {
        matches!(self, Self::Text | Self::Behind(_))
    }

    /// An index of texts is asked.
    fn is_by_text(self) -> bool {
        matches!(self, Self::Text | Self::Both(_))
    }

    /// In the order of time. Other events of a connection than commands are few, and sorted.
    fn is_in_order(self, log: Log) -> bool {
        match self {
            Self::Time => true,
            Self::Column(column, _) => column != Events::ConnectionId || log == Log::Command,
            Self::Text | Self::Both(_) | Self::Behind(_) => false,
        }
    }
}

/// Ids, and the names by which they are found.
const CALLED: [(Events, Events); 4] = [
    (Events::SubjectId, Events::SubjectName),
    (Events::TargetId, Events::TargetName),
    (Events::EnvironmentId, Events::EnvironmentName),
    (Events::SpaceId, Events::SpaceName),
];

impl Database {
    /// A page of events. Whoever does not wait for it any more has it stopped.
    ///
    /// # Errors
    /// It takes too long, the database refuses, or what stands in it is no event.
    pub async fn page(&self, page: Page) -> Result<Vec<Found>, StoreError> {
        let database = self.clone();
        self.reading_within(page.within, move |work| {
            Box::pin(async move {
                let conditions = Conditions::of(work, &page.filter, database.is_sqlite()).await?;
                let Some(conditions) = conditions else { return Ok(Vec::new()) };
                let places = conditions.places_on(work, &page).await?;
                events(&database, work, &places).await
            })
        })
        .await
    }
}

/// What a filter asks for, with the numbers of names.
struct Conditions {
    columns: Vec<(Events, Vec<i64>)>,
    start: Option<Time>,
    end: Option<Time>,
    search: Option<String>,
    /// What is left out: whose, and which actions.
    without: Option<(i64, Vec<i64>)>,
    is_sqlite: bool,
}

impl Conditions {
    /// Nothing where nothing can be found: nobody has such a name.
    async fn of(work: &mut Work, filter: &Filter, is_sqlite: bool) -> Result<Option<Self>, StoreError> {
        let asked: [(Events, &AnyOf); 15] = [
            (Events::SubjectId, &filter.subject_ids),
            (Events::SubjectType, &filter.subject_types),
            (Events::SubjectName, &filter.subject_names),
            (Events::IpAddress, &filter.ip_addresses),
            (Events::ConnectionId, &filter.connection_ids),
            (Events::SpaceId, &filter.space_ids),
            (Events::SpaceName, &filter.space_names),
            (Events::TargetId, &filter.target_ids),
            (Events::TargetName, &filter.target_names),
            (Events::TargetType, &filter.target_types),
            (Events::TargetUser, &filter.target_users),
            (Events::EnvironmentId, &filter.environment_ids),
            (Events::EnvironmentName, &filter.environment_names),
            (Events::Action, &filter.actions),
            (Events::NodeId, &filter.node_ids),
        ];
        let mut columns: Vec<(Events, Vec<i64>)> = Vec::new();
        for (column, names) in asked.into_iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<_> = names.iter().map(|name| kept(name)).collect();
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            let numbers = terms::numbers(work, &names).await?;
            if numbers.is_empty() {
                return Ok(None);
            }
            columns.push((column, numbers.into_iter().map(|(_, number)| number).collect()));
        }
        for (id, name) in CALLED {
            let ids = columns.iter().find(|(column, _)| *column == id);
            let Some((_, ids)) = ids.filter(|_| columns.iter().all(|(column, _)| *column != name)) else {
                continue;
            };
            let names = terms::names_of(work, ids).await?;
            if names.is_empty() {
                return Ok(None);
            }
            if !names.contains(&NAMELESS) {
                columns.push((name, names));
            }
        }
        for (column, flag) in [(Events::IsAdmin, filter.is_admin), (Events::Evaluation, filter.evaluation)] {
            columns.extend(flag.map(|flag| (column, vec![i64::from(flag)])));
        }
        let search = filter.search.as_deref().map(searched);
        let without = match &filter.without {
            Some(without) => numbered(work, without).await?,
            None => None,
        };
        Ok(Some(Self { columns, start: filter.start, end: filter.end, search, without, is_sqlite }))
    }

    async fn places_on(&self, work: &mut Work, page: &Page) -> Result<Vec<Position>, StoreError> {
        let mut places: Vec<Position> = Vec::new();
        if self.is_sqlite {
            let hits = self.hits(work).await?;
            let rows = hits.as_ref().map(|hits| &*hits.rows);
            for &log in &page.logs {
                for by in self.ways(work, log, page, hits.as_ref()).await? {
                    places.extend(places_of(work, &self.select(log, page, by, rows)).await?);
                }
            }
        } else {
            for &log in &page.logs {
                places.extend(if self.search.is_some() {
                    self.search(work, log, page).await?
                } else {
                    let ways = self.look_up(work, log, page).await?.by;
                    self.places(work, log, page, &ways, None).await?
                });
            }
        }
        places.sort_unstable();
        if page.order == Order::Newest {
            places.reverse();
        }
        places.truncate(page.limit);
        Ok(places)
    }

    /// Flags are written out: their indices are only of one of their values.
    fn has(column: SimpleExpr, name: Events, values: &[i64]) -> SimpleExpr {
        let is_flag = matches!(name, Events::IsAdmin | Events::Evaluation);
        match *values {
            [value] if is_flag => column.eq(Expr::cust(value.to_string())),
            [value] => column.eq(value),
            _ => column.is_in(values.iter().copied()),
        }
    }

    /// The log and the time, named so that an index with them is used, or not.
    fn within(&self, select: &mut SelectStatement, log: Log, by: By) {
        select.and_where(match by {
            // Written out, as in their own index, whose log SQLite takes for rarer than the connection.
            By::Column(Events::ConnectionId, _) if log == Log::Command => {
                let log = format!("log = {}", number(log));
                Expr::cust(if self.is_sqlite { format!("likely({log})") } else { log })
            }
            By::Time | By::Column(..) | By::Text | By::Both(_) | By::Behind(_) => {
                named(Events::Log, !by.is_by_rows()).eq(number(log))
            }
        });
        // As in its own index.
        if matches!(by, By::Column(Events::ConnectionId, _)) {
            select.and_where(Expr::col(Events::Content).is_not_null());
        }
        let time = || named(Events::Time, by.is_in_order(log) || matches!(by, By::Both(_)));
        select.and_where_option(self.start.map(|start| time().gte(start.0)));
        select.and_where_option(self.end.map(|end| time().lte(end.0)));
    }

    /// What comes after the page before; `bare` if an index with the time is looked up.
    fn behind(select: &mut SelectStatement, page: &Page, bare: bool) {
        let Some(Position { time, row }) = page.behind else { return };
        let (column, same) = (|| named(Events::Time, bare), named(Events::Row, false));
        let (from, passed) = match page.order {
            Order::Newest => (column().lte(time.0), same.gte(row)),
            Order::Oldest => (column().gte(time.0), same.lte(row)),
        };
        select.and_where(from);
        select.cond_where(Cond::all().not().add(named(Events::Time, false).eq(time.0).and(passed)));
    }

    /// `rows` are those that may have what is searched, as far as they are in the index of texts.
    fn select(&self, log: Log, page: &Page, by: By, rows: Option<&str>) -> SelectStatement {
        let mut select = Query::select();
        select.columns([Events::Row, Events::Time]).from(Events::Table);
        self.within(&mut select, log, by);
        for (column, values) in &self.columns {
            let has = match by {
                By::Column(indexed, value) if indexed == *column => {
                    Self::has(as_indexed(indexed), indexed, &[value])
                }
                By::Both(indexed) if indexed == *column => Self::has(as_indexed(indexed), indexed, values),
                By::Time | By::Text | By::Both(_) | By::Behind(_) | By::Column(..) => {
                    Self::has(named(*column, false), *column, values)
                }
            };
            select.and_where(has);
        }
        // A row that was erased has no names any more, by which it would be found.
        if self.search.is_some() || !matches!(by, By::Column(..)) {
            select.and_where(Expr::col(Events::Content).is_not_null());
        }
        if let Some((subject, actions)) = &self.without {
            // What has none of these is in.
            let is = |column: Events| {
                Expr::cust(format!("coalesce(\"{}\", -1)", sea_query::Iden::unquoted(&column)))
            };
            let left_out = Cond::all()
                .add(is(Events::SubjectId).eq(*subject))
                .add(is(Events::Evaluation).eq(1))
                .add(is(Events::Action).is_in(actions.iter().copied()));
            select.cond_where(left_out.not());
        }
        if let By::Behind(head) = by {
            select.and_where(Expr::col(Events::Row).gt(head));
        }
        Self::behind(&mut select, page, by.is_in_order(log));
        if let Some(search) = &self.search {
            let text = [search.as_str()];
            select.and_where(match self.is_sqlite {
                true => Expr::cust_with_values("instr(\"text\", ?) > 0", text),
                false if by.is_by_text() => Expr::col(Events::Text).like(pattern(search)),
                // Of which PostgreSQL takes it that many have it: so it goes on in the order of time.
                false => Expr::cust_with_values("strpos(\"text\", $1) > 0", text),
            });
            let rows = rows.filter(|_| !matches!(by, By::Behind(_)));
            select.and_where_option(rows.map(|rows| hits::is_one_of(rows, by == By::Text)));
        }
        let order = sea_query::Order::from(page.order);
        select.order_by_expr(named(Events::Time, by.is_in_order(log)), order.clone());
        select.order_by(Events::Row, order);
        select.limit(page.limit as u64);
        select
    }
}

/// The places that are asked for.
async fn places_of(work: &mut Work, select: &SelectStatement) -> Result<Vec<Position>, StoreError> {
    let found: Vec<(i64, i64)> = work.rows(select).await?;
    Ok(found.into_iter().map(|(row, time)| Position { time: Time(time), row }).collect())
}

/// What is left out, by numbers; nothing where nobody has such a name.
async fn numbered(work: &mut Work, without: &Without) -> Result<Option<(i64, Vec<i64>)>, StoreError> {
    let Without { subject_id, actions } = without;
    let subject = terms::numbers(work, &[&*kept(subject_id)]).await?;
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let actions: Vec<i64> =
        terms::numbers(work, &actions).await?.into_iter().map(|(_, number)| number).collect();
    let subject = subject.into_iter().next().filter(|_| !actions.is_empty());
    Ok(subject.map(|(_, subject)| (subject, actions)))
}

/// How many rows there are.
pub(crate) async fn count(work: &mut Work, of: SelectStatement) -> Result<u64, StoreError> {
    let count = Query::select().expr(Func::count(Expr::cust("*"))).from_subquery(of, "rows").to_owned();
    let count: Vec<(i64,)> = work.rows(&count).await?;
    Ok(count.first().map_or(0, |(count,)| count.unsigned_abs()))
}

/// A column, so that an index of it is used, or not.
fn named(column: Events, bare: bool) -> SimpleExpr {
    if bare { Expr::col(column) } else { Expr::cust(format!("+\"{}\"", sea_query::Iden::unquoted(&column))) }
}

/// A column as it stands in its index.
fn as_indexed(column: Events) -> SimpleExpr {
    if column == Events::ConnectionId { Expr::cust(OF_CONNECTION) } else { Expr::col(column) }
}

/// A text in the midst of others, for `LIKE`.
pub(crate) fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{in_both, plan_of};

    #[test]
    fn commands_of_a_connection_come_in_their_order_however_many_there_are() {
        in_both(async |database| {
            let (columns, by) = (vec![(Events::ConnectionId, vec![7])], By::Column(Events::ConnectionId, 7));
            let is_sqlite = database.is_sqlite();
            for (start, end) in [(None, None), (Some(Time(5)), None), (None, Some(Time(5)))] {
                let conditions = Conditions {
                    columns: columns.clone(),
                    start,
                    end,
                    search: None,
                    without: None,
                    is_sqlite,
                };
                for order in [Order::Newest, Order::Oldest] {
                    for behind in [None, Some(Position { time: Time(6), row: 3 })] {
                        let page = Page { order, behind, ..Page::default() };
                        let plan =
                            plan_of(&database, &conditions.select(Log::Command, &page, by, None)).await;
                        assert!(plan.contains("commands_of_connection"), "{plan}");
                        assert!(!plan.contains("B-TREE") && !plan.contains("Sort"), "{plan}");
                    }
                }
                // PostgreSQL goes by its statistics, and here are none.
                let some = |log| conditions.some(log, Events::ConnectionId, &[7, 8], 10);
                let of_others = conditions.select(Log::Connection, &Page::default(), by, None);
                for select in [of_others, some(Log::Connection), some(Log::Command)] {
                    let plan = plan_of(&database, &select).await;
                    let is_looked_up =
                        plan.contains("events_once") || plan.contains("commands_of_connection");
                    assert!(is_looked_up || !is_sqlite, "{plan}");
                }
            }
        });
    }
}
