//! Lists of connections, the latest first, for the same filter as the logs have.

use std::collections::BTreeSet;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::filter::{AnyOf, Filter};
use casemate_audit_log::model::{ConnectionState, Standing};
use sea_query::{Cond, Expr, ExprTrait as _, Order, SelectStatement, Value};
use uuid::Uuid;

use super::row::{Connection, Connections as Columns};
use super::{Connections, beside};
use crate::error::StoreError;
use crate::record::{name, select, val};

/// So long a list may take.
const WITHIN: Duration = Duration::from_secs(2);

/// Where a page ends, and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// When the last connection of the page began.
    pub started: Time,
    /// Its id.
    pub id: Uuid,
}

impl From<&Connection> for Before {
    fn from(connection: &Connection) -> Self {
        Self { started: connection.started, id: connection.id }
    }
}

impl Connections {
    /// Connections that a filter matches and that stand in one of some ways (none: in any), before a position, the latest
    /// first. Times are those when they began.
    ///
    /// # Errors
    /// The database refuses, or it takes too long: not each filter has an index.
    pub async fn list(
        &self,
        standings: &BTreeSet<Standing>,
        filter: &Filter,
        before: Option<Before>,
        limit: usize,
    ) -> Result<Vec<Connection>, StoreError> {
        let is_asked_else =
            !filter.actions.is_empty() || !filter.node_ids.is_empty() || filter.evaluation.is_some();
        if is_asked_else || filter.search.is_some() {
            // A connection has none of these.
            return Ok(Vec::new());
        }
        let is_sqlite = self.database.is_sqlite();
        let (standings, filter) = (standings.clone(), filter.clone());
        let found = self.database.reading_within(WITHIN, move |work| {
            Box::pin(async move {
                if standings.is_empty() {
                    return work.all(&question(None, &filter, before, limit, is_sqlite)).await;
                }
                // One question for each, so that each has its index.
                let mut found: Vec<Connection> = Vec::new();
                for standing in standings {
                    let select = question(Some(standing), &filter, before, limit, is_sqlite);
                    found.extend(work.all::<Connection>(&select).await?);
                }
                found.sort_by_key(|found| std::cmp::Reverse((found.started, found.id)));
                found.dedup_by_key(|found| found.id);
                found.truncate(limit);
                Ok(found)
            })
        });
        found.await
    }
}

fn question(
    standing: Option<Standing>,
    filter: &Filter,
    before: Option<Before>,
    limit: usize,
    is_sqlite: bool,
) -> SelectStatement {
    let state = standing.map(|standing| match standing {
        Standing::Pending => ConnectionState::Pending,
        Standing::Open | Standing::Inactive => ConnectionState::Open,
        Standing::Closed => ConnectionState::Closed,
        Standing::Error => ConnectionState::Error,
    });
    let is_living = matches!(state, Some(ConnectionState::Open | ConnectionState::Pending));
    // Of those that live, and of errors, there are few: they are looked through, whoever's they are.
    let are_few = is_living || state == Some(ConnectionState::Error);
    let named = |column: Columns| beside(column, are_few && is_sqlite);
    let mut select = select::<Connection>();
    if let Some(state) = state {
        let state = Expr::Constant(Value::from(state.name()));
        select.and_where(Expr::col(Columns::State).eq(state));
    }
    if is_living {
        select.and_where(Expr::col(Columns::Ended).is_null());
    }
    if standing == Some(Standing::Inactive) {
        select.and_where(Expr::col(Columns::Clients).eq(0));
    }
    for (column, names) in asked(filter) {
        let mut names = names.iter().map(|text| name(text));
        select.and_where(match (names.len(), names.next()) {
            (1, Some(only)) => named(column).eq(only),
            (_, first) => named(column).is_in(first.into_iter().chain(names)),
        });
    }
    if let Some(is_admin) = filter.is_admin {
        select.and_where(Expr::col(Columns::IsAdmin).eq(val(is_admin)));
    }
    if let Some(start) = filter.start {
        select.and_where(Expr::col(Columns::Started).gte(val(start)));
    }
    if let Some(end) = filter.end {
        select.and_where(Expr::col(Columns::Started).lte(val(end)));
    }
    if let Some(Before { started, id }) = before {
        select.and_where(Expr::col(Columns::Started).lte(val(started)));
        let same = Expr::col(Columns::Started).eq(val(started)).and(Expr::col(Columns::Id).gte(val(id)));
        select.cond_where(Cond::all().not().add(same));
    }
    select.order_by(Columns::Started, Order::Desc).order_by(Columns::Id, Order::Desc);
    select.limit(limit as u64).to_owned()
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
