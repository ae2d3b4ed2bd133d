//! Lists of connections by the time when they began, for the same filter as the logs have.
//!
//! A list is asked for name by name of the condition that leads, so that each has its index and comes in order; the rest is
//! checked of what that finds. A text is looked for in all names of a connection and in why it ended, one by one: there are a
//! thousand times fewer connections than events.

use std::collections::BTreeSet;

use casemate_audit_log::Time;
use casemate_audit_log::filter::{AnyOf, Filter};
use casemate_audit_log::model::{ConnectionState, Standing};
use sea_query::{Cond, Expr, ExprTrait as _, Func, SelectStatement, SimpleExpr, Value};
use uuid::Uuid;

use super::row::{Connection, Connections as Columns};
use super::{Connections, beside};
use crate::append::searched;
use crate::error::StoreError;
use crate::limit::WITHIN;
use crate::question::Order;
use crate::record::{name, select, val};

/// Of so many names each is asked for by itself.
const BY_ITSELF: usize = 20;

/// Which connections are asked for.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Those that stand in one of these ways; none: in any.
    pub standings: BTreeSet<Standing>,
    /// Those of whom this is true. Times are those when they began.
    pub filter: Filter,
    /// Those of which there is a recording.
    pub are_recorded: bool,
    /// Which come first.
    pub order: Order,
    /// Where the page before this one ended, in the same order.
    pub behind: Option<Behind>,
    /// How many at most.
    pub limit: usize,
}

/// Where a page ends, and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// When the last connection of the page began.
    pub started: Time,
    /// Its id.
    pub id: Uuid,
}

impl From<&Connection> for Behind {
    fn from(connection: &Connection) -> Self {
        Self { started: connection.started, id: connection.id }
    }
}

impl Connections {
    /// A page of connections.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn list(&self, listed: &Listed) -> Result<Vec<Connection>, StoreError> {
        if has_none(&listed.filter) {
            return Ok(Vec::new());
        }
        let is_sqlite = self.database.is_sqlite();
        let listed = listed.clone();
        let found = self.database.reading_within(WITHIN, move |work| {
            Box::pin(async move {
                let questions = questions(&listed, is_sqlite);
                let is_one = questions.len() == 1;
                let mut found: Vec<Connection> = Vec::new();
                for select in questions {
                    found.extend(work.all::<Connection>(&select).await?);
                }
                if is_one {
                    return Ok(found);
                }
                in_order(&mut found, listed.order);
                found.dedup_by_key(|found| found.id);
                found.truncate(listed.limit);
                Ok(found)
            })
        });
        found.await
    }
}

/// Puts connections in the order of a list.
pub(super) fn in_order(found: &mut [Connection], order: Order) {
    let place = |found: &Connection| (found.started, found.id);
    match order {
        Order::Newest => found.sort_by_key(|found| std::cmp::Reverse(place(found))),
        Order::Oldest => found.sort_by_key(place),
    }
}

/// Whether something is asked for that no connection has.
pub(super) fn has_none(filter: &Filter) -> bool {
    !filter.actions.is_empty() || !filter.node_ids.is_empty() || filter.evaluation.is_some()
}

/// One question for each way to stand and each name of the condition that leads, so that each has its index.
fn questions(listed: &Listed, is_sqlite: bool) -> Vec<SelectStatement> {
    let standings: Vec<_> = match listed.standings.is_empty() {
        true => vec![None],
        false => listed.standings.iter().copied().map(Some).collect(),
    };
    let leading = leading(&listed.filter);
    // What is looked up by ids is as many as there are ids.
    let each: Vec<Option<&String>> = match leading {
        Some((column, names)) if !matches!(column, Columns::Id) && names.len() <= BY_ITSELF => {
            names.iter().map(Some).collect()
        }
        _ => vec![None],
    };
    let mut questions = Vec::new();
    for standing in standings {
        for only in &each {
            let leads = Leads { column: leading.map(|(column, _)| column), only: only.map(String::as_str) };
            questions.push(question(standing, listed, leads, is_sqlite));
        }
    }
    questions
}

/// By what is looked up.
#[derive(Clone, Copy, Default)]
pub(super) struct Leads<'f> {
    pub(super) column: Option<Columns>,
    /// One of the names that are asked for there.
    pub(super) only: Option<&'f str>,
}

fn question(
    standing: Option<Standing>,
    listed: &Listed,
    leads: Leads<'_>,
    is_sqlite: bool,
) -> SelectStatement {
    let Listed { filter, order, .. } = listed;
    // Of those that live, and of errors, there are few: they are looked through, whoever's they are.
    let are_few = standing.is_some_and(|standing| standing != Standing::Closed);
    let mut select = select::<Connection>();
    if let Some(standing) = standing {
        select.cond_where(stands(standing));
    }
    conditions(&mut select, filter, leads, are_few && is_sqlite, is_sqlite);
    if listed.are_recorded {
        select.and_where(Expr::col(Columns::IsRecorded).eq(Expr::cust("1")));
    }
    if let Some(Behind { started, id }) = listed.behind {
        let (place, began, same) =
            (Expr::col(Columns::Started), val(started), Expr::col(Columns::Started).eq(val(started)));
        let (from, same) = match order {
            Order::Newest => (place.lte(began), same.and(Expr::col(Columns::Id).gte(val(id)))),
            Order::Oldest => (place.gte(began), same.and(Expr::col(Columns::Id).lte(val(id)))),
        };
        select.and_where(from).cond_where(Cond::all().not().add(same));
    }
    let order = sea_query::Order::from(*order);
    select.order_by(Columns::Started, order.clone()).order_by(Columns::Id, order);
    select.limit(listed.limit as u64).to_owned()
}

/// That it stands so.
pub(super) fn stands(standing: Standing) -> Cond {
    let state = match standing {
        Standing::Pending => ConnectionState::Pending,
        Standing::Open | Standing::Inactive => ConnectionState::Open,
        Standing::Closed => ConnectionState::Closed,
        Standing::Error => ConnectionState::Error,
    };
    let is = Expr::col(Columns::State).eq(Expr::Constant(Value::from(state.name())));
    let lives = matches!(state, ConnectionState::Open | ConnectionState::Pending);
    Cond::all()
        .add(is)
        .add_option(lives.then(|| Expr::col(Columns::Ended).is_null()))
        .add_option((standing == Standing::Inactive).then(|| Expr::col(Columns::Clients).eq(0)))
}

/// What a filter asks of connections.
pub(super) fn conditions(
    select: &mut SelectStatement,
    filter: &Filter,
    leads: Leads<'_>,
    are_few: bool,
    is_sqlite: bool,
) {
    for (column, names) in asked(filter) {
        let is_lead = leads.column == Some(column);
        let named = beside(column, is_sqlite && (are_few || !is_lead && !goes_with(leads.column, column)));
        if let Some(only) = leads.only.filter(|_| is_lead) {
            select.and_where(named.eq(name(only)));
            continue;
        }
        let mut names = names.iter().map(|text| name(text));
        select.and_where(match (names.len(), names.next()) {
            (1, Some(only)) => named.eq(only),
            (_, first) => named.is_in(first.into_iter().chain(names)),
        });
    }
    match filter.is_admin {
        // It has an index of its own.
        Some(true) => drop(select.and_where(Expr::col(Columns::IsAdmin).eq(Expr::cust("1")))),
        Some(false) => drop(select.and_where(Expr::col(Columns::IsAdmin).eq(val(false)))),
        None => {}
    }
    if let Some(start) = filter.start {
        select.and_where(Expr::col(Columns::Started).gte(val(start)));
    }
    if let Some(end) = filter.end {
        select.and_where(Expr::col(Columns::Started).lte(val(end)));
    }
    if let Some(text) = &filter.search {
        select.and_where(has_text(text, is_sqlite));
    }
}

/// That a text stands in it.
fn has_text(text: &str, is_sqlite: bool) -> SimpleExpr {
    let find = Func::cust(if is_sqlite { "instr" } else { "strpos" });
    Expr::expr(find.arg(Expr::col(Columns::Text)).arg(Expr::val(searched(text)))).gt(0)
}

/// The condition that is looked up: that which the fewest are likely to have.
pub(super) fn leading(filter: &Filter) -> Option<(Columns, &AnyOf)> {
    let place = |column: Columns| LEADING.iter().position(|there| *there == column);
    asked(filter).min_by_key(|(column, _)| place(*column))
}

/// Columns with an index of their own with the time, those of which each name has the fewest first.
const LEADING: [Columns; 13] = [
    Columns::Id,
    Columns::SubjectName,
    Columns::SubjectId,
    Columns::TargetName,
    Columns::TargetId,
    Columns::TargetUser,
    Columns::IpAddress,
    Columns::SpaceName,
    Columns::SpaceId,
    Columns::EnvironmentName,
    Columns::EnvironmentId,
    Columns::Kind,
    Columns::SubjectType,
];

/// Whether one index has both.
fn goes_with(leads: Option<Columns>, other: Columns) -> bool {
    matches!(
        (leads, other),
        (Some(Columns::SubjectName), Columns::TargetName | Columns::TargetUser)
            | (Some(Columns::TargetName), Columns::TargetUser)
    )
}

/// What a filter asks of the names of a connection.
pub(crate) fn asked(filter: &Filter) -> impl Iterator<Item = (Columns, &AnyOf)> {
    let asked: [(Columns, &AnyOf); 13] = [
        (Columns::Id, &filter.connection_ids),
        (Columns::Kind, &filter.target_types),
        (Columns::SubjectId, &filter.subject_ids),
        (Columns::SubjectType, &filter.subject_types),
        (Columns::SubjectName, &filter.subject_names),
        (Columns::IpAddress, &filter.ip_addresses),
        (Columns::SpaceId, &filter.space_ids),
        (Columns::SpaceName, &filter.space_names),
        (Columns::TargetId, &filter.target_ids),
        (Columns::TargetName, &filter.target_names),
        (Columns::TargetUser, &filter.target_users),
        (Columns::EnvironmentId, &filter.environment_ids),
        (Columns::EnvironmentName, &filter.environment_names),
    ];
    asked.into_iter().filter(|(_, names)| !names.is_empty())
}
