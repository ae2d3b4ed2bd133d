//! Whose recordings there are, and on which targets: how many, since when, how long all in all, and the first few of each. Counted
//! among connections, which know that there is a recording of them, and by an index alone where nothing else is asked for.

use casemate_audit_log::Time;
use sea_query::{
    Asterisk, Cond, Expr, ExprTrait as _, Order, Query, SelectStatement, UnionType, UpdateStatement,
};
use uuid::Uuid;

use super::Connections;
use super::list::{Leads, Listed, asked, conditions, has_none, in_order, leading, stands};
use super::row::{Connection, Connections as Columns};
use crate::error::StoreError;
use crate::limit::WITHIN;
use crate::record::{name, select, update, val};

/// Values that a filter may have where all names stand in one statement, each with the filter: the databases take some ten thousand
/// in one.
const VALUES: usize = 1000;

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
    /// When the first of them began.
    pub earliest: Time,
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
            Box::pin(async move { work.rows::<(String, i64, i64, i64, i64)>(&select).await })
        });
        let group = |(name, count, earliest, latest, total): (String, i64, i64, i64, i64)| Group {
            name,
            count: count.unsigned_abs(),
            earliest: Time(earliest),
            latest: Time(latest),
            total,
        };
        Ok(rows.await?.into_iter().map(group).collect())
    }

    /// The recordings of some groups that come first in a list, at most so many of each, all in the order of that list: one
    /// statement, in which each name has its index and ends with its last one.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn first_of(
        &self,
        by: By,
        listed: &Listed,
        groups: &[Group],
        each: usize,
    ) -> Result<Vec<Connection>, StoreError> {
        let statements = first_few(by, listed, groups, each, self.database.is_sqlite());
        let order = listed.order;
        let found = self.database.reading_within(WITHIN, move |work| {
            Box::pin(async move {
                let mut found: Vec<Connection> = Vec::new();
                for statement in &statements {
                    found.extend(work.all::<Connection>(statement).await?);
                }
                in_order(&mut found, order);
                Ok(found)
            })
        });
        found.await
    }

    /// Says of a connection whether there is a recording of it.
    pub(crate) fn recorded(id: Uuid, is: bool) -> UpdateStatement {
        let mut recorded = update::<Connection>();
        recorded.value(Columns::IsRecorded, val(is)).and_where(Expr::col(Columns::Id).eq(val(id))).to_owned()
    }
}

impl By {
    fn column(self) -> Columns {
        match self {
            Self::Subject => Columns::SubjectName,
            Self::Target => Columns::TargetName,
        }
    }
}

/// The first few of each of some groups, as one statement; as one for each where much is asked for.
fn first_few(
    by: By,
    listed: &Listed,
    groups: &[Group],
    each: usize,
    is_sqlite: bool,
) -> Vec<SelectStatement> {
    let values: usize = asked(&listed.filter).map(|(_, names)| names.len()).sum();
    let at_once = if values > VALUES { 1 } else { groups.len().max(1) };
    let all = |groups: &[Group]| {
        let mut parts = groups.iter().map(|group| first_of(by, listed, group, each, is_sqlite));
        let mut all = parts.next()?;
        for part in parts {
            all.union(UnionType::All, part);
        }
        Some(all)
    };
    groups.chunks(at_once).filter_map(all).collect()
}

/// The first few of a group. It is looked only from its first to its last, and for no more than there are: however few of what a
/// person has are as the filter says.
fn first_of(by: By, listed: &Listed, group: &Group, each: usize, is_sqlite: bool) -> SelectStatement {
    let mut filter = listed.filter.clone();
    let named = match by {
        By::Subject => &mut filter.subject_names,
        By::Target => &mut filter.target_names,
    };
    *named = [group.name.clone()].into();
    filter.start = Some(filter.start.map_or(group.earliest, |start| start.max(group.earliest)));
    filter.end = Some(filter.end.map_or(group.latest, |end| end.min(group.latest)));
    let mut few = select::<Connection>();
    are_asked(&mut few, &Listed { filter, ..listed.clone() }, is_sqlite);
    let order = Order::from(listed.order);
    few.order_by(Columns::Started, order.clone()).order_by(Columns::Id, order);
    few.limit(Ord::min(group.count, each as u64));
    Query::select().column(Asterisk).from_subquery(few, "few").to_owned()
}

/// That there is a recording, and what else is asked for.
fn are_asked(select: &mut SelectStatement, listed: &Listed, is_sqlite: bool) {
    select.and_where(Expr::col(Columns::IsRecorded).eq(Expr::cust("1")));
    let leads = Leads { column: leading(&listed.filter).map(|(column, _)| column), ..Leads::default() };
    conditions(select, &listed.filter, leads, false, is_sqlite);
    if !listed.standings.is_empty() {
        let any = listed.standings.iter().fold(Cond::any(), |any, standing| any.add(stands(*standing)));
        select.cond_where(any);
    }
}

fn question(by: By, listed: &Listed, behind: Option<&str>, is_sqlite: bool) -> SelectStatement {
    let column = by.column();
    let mut select = Query::select();
    select.column(column).from(Columns::Table);
    for figure in [
        "count(*)",
        "min(started)",
        "max(started)",
        "CAST(coalesce(sum(CASE WHEN ended > started THEN ended - started END), 0) AS BIGINT)",
    ] {
        select.expr(Expr::cust(figure));
    }
    are_asked(&mut select, listed, is_sqlite);
    if let Some(behind) = behind {
        select.and_where(Expr::col(column).gt(name(behind)));
    }
    select.group_by_col(column).order_by(column, Order::Asc).limit(listed.limit as u64).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{in_both, plan_of};

    #[test]
    fn the_first_of_each_name_are_looked_up_in_their_order() {
        in_both(async |database| {
            let group = |name: &str| Group {
                name: name.into(),
                count: 9,
                earliest: Time(1),
                latest: Time(9),
                total: 0,
            };
            for (by, index) in [(By::Subject, "recorded_by_subject"), (By::Target, "recorded_by_target")] {
                for order in [crate::Order::Newest, crate::Order::Oldest] {
                    let listed = Listed { order, ..Listed::default() };
                    let groups = [group("a"), group("b"), group("c")];
                    let few = first_few(by, &listed, &groups, 5, database.is_sqlite());
                    assert_eq!(few.len(), 1);
                    let plan = plan_of(&database, &few[0]).await;
                    // PostgreSQL goes by its statistics, and here are none.
                    let is_looked_up = plan.matches(index).count() == 3 && !plan.contains("B-TREE");
                    assert!(is_looked_up || !database.is_sqlite(), "{plan}");
                }
            }
        });
    }
}
