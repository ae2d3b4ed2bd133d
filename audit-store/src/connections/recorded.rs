//! Whose recordings there are, and on which targets: how many, since when, how long all in all. Counted among connections, which
//! know that there is a recording of them, and by an index alone where nothing else is asked for.

use std::time::Duration;

use casemate_audit_log::Time;
use sea_query::{Cond, Expr, ExprTrait as _, Order, Query, SelectStatement, UpdateStatement};
use uuid::Uuid;

use super::Connections;
use super::list::{Leads, Listed, conditions, has_none, leading, stands};
use super::row::{Connection, Connections as Columns};
use crate::error::StoreError;
use crate::record::{name, update, val};

/// So long it may take to count.
const WITHIN: Duration = Duration::from_secs(2);

/// What stands together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// What is one person's.
    Subject,
    /// What was on one target.
    Target,
}

/// Recordings that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name that they have in common.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// When the latest began.
    pub latest: Time,
    /// How long those that are over took, in microseconds.
    pub total: i64,
}

impl Connections {
    /// Recordings of connections that a list would have, together by name, in the order of names, from behind one of them.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn groups(
        &self,
        by: By,
        listed: &Listed,
        behind: Option<&str>,
    ) -> Result<Vec<Group>, StoreError> {
        if has_none(&listed.filter) {
            return Ok(Vec::new());
        }
        let select = question(by, listed, behind, self.database.is_sqlite());
        let rows = self.database.reading_within(WITHIN, move |work| {
            Box::pin(async move { work.rows::<(String, i64, i64, i64)>(&select).await })
        });
        let group = |(name, count, latest, total): (String, i64, i64, i64)| Group {
            name,
            count: count.unsigned_abs(),
            latest: Time(latest),
            total,
        };
        Ok(rows.await?.into_iter().map(group).collect())
    }

    /// Says of a connection whether there is a recording of it.
    pub(crate) fn recorded(id: Uuid, is: bool) -> UpdateStatement {
        let mut recorded = update::<Connection>();
        recorded.value(Columns::IsRecorded, val(is)).and_where(Expr::col(Columns::Id).eq(val(id))).to_owned()
    }
}

fn question(by: By, listed: &Listed, behind: Option<&str>, is_sqlite: bool) -> SelectStatement {
    let column = match by {
        By::Subject => Columns::SubjectName,
        By::Target => Columns::TargetName,
    };
    let mut select = Query::select();
    select.column(column).from(Columns::Table);
    for figure in [
        "count(*)",
        "max(started)",
        "CAST(coalesce(sum(CASE WHEN ended > started THEN ended - started END), 0) AS BIGINT)",
    ] {
        select.expr(Expr::cust(figure));
    }
    select.and_where(Expr::col(Columns::IsRecorded).eq(Expr::cust("1")));
    let leads = Leads { column: leading(&listed.filter).map(|(column, _)| column), ..Leads::default() };
    conditions(&mut select, &listed.filter, leads, false, is_sqlite);
    if !listed.standings.is_empty() {
        let any = listed.standings.iter().fold(Cond::any(), |any, standing| any.add(stands(*standing)));
        select.cond_where(any);
    }
    if let Some(behind) = behind {
        select.and_where(Expr::col(column).gt(name(behind)));
    }
    select.group_by_col(column).order_by(column, Order::Asc).limit(listed.limit as u64).to_owned()
}
