//! Which condition is looked up: that of which the fewest events have to be looked at until a page is full.
//!
//! A few of each are counted. What so many have that counting says nothing is compared by how close together the first of
//! them are, from where the page begins; and whoever is not found beside the index costs a look at the event.

use casemate_audit_log::model::Log;
use sea_query::{Expr, Query, SelectStatement};

use super::{By, Conditions, Page, Position, as_indexed, count, places_of};
use crate::database::Work;
use crate::error::StoreError;
use crate::names::Events;

/// Of each thing that could be looked up so many events are counted. Tests go every way with few events.
const COUNTED: u64 = if cfg!(test) { 40 } else { 4000 };

/// To look at an event takes as long as so many entries of an index.
const LOOK: f64 = 16.0;

/// Columns that have an index with the time, and what stands beside it there; those that are few by themselves first.
const INDEXED: [(Events, &[Events]); 11] = [
    (Events::ConnectionId, &[]),
    (
        Events::SubjectName,
        &[Events::TargetName, Events::TargetUser, Events::IpAddress, Events::EnvironmentName],
    ),
    (Events::TargetName, &[Events::SubjectName, Events::TargetUser, Events::EnvironmentName]),
    (Events::IpAddress, &[]),
    (Events::EnvironmentName, &[]),
    (Events::TargetUser, &[]),
    (Events::SpaceName, &[]),
    (Events::NodeId, &[]),
    (Events::Action, &[]),
    (Events::SubjectType, &[]),
    (Events::TargetType, &[]),
];

/// What is looked up, each for itself.
pub(super) struct LookUp {
    pub(super) by: Vec<By>,
    /// There are only few that it leads to.
    pub(super) are_few: bool,
}

/// A condition that has an index.
type Indexed<'c> = &'c (Events, Vec<i64>);

impl Conditions {
    /// Which condition is looked up, each of its values for itself, because only then they come in the order of time.
    pub(super) async fn look_up(&self, work: &mut Work, log: Log, page: &Page) -> Result<LookUp, StoreError> {
        let place = |column| INDEXED.iter().position(|(indexed, _)| *indexed == column);
        let has_index = |column: Events, values: &[i64]| {
            place(column).is_some()
                || (column == Events::IsAdmin && values == [1])
                || (column == Events::Evaluation && values == [0])
        };
        let mut indexed: Vec<Indexed<'_>> =
            self.columns.iter().filter(|(column, values)| has_index(*column, values)).collect();
        indexed.sort_by_key(|(column, _)| place(*column));
        if indexed.is_empty() {
            return Ok(LookUp { by: vec![By::Time], are_few: false });
        }
        // Of one, only whether it is few matters, and only where texts are searched.
        let fewest = match indexed.len() == 1 && self.search.is_none() {
            true => None,
            false => self.fewest(work, log, &indexed).await?,
        };
        let (column, values) = match fewest {
            Some((_, 0)) => return Ok(LookUp { by: Vec::new(), are_few: true }),
            Some((fewest, _)) => fewest,
            None if indexed.len() == 1 => indexed[0],
            None => self.sparsest(work, log, page, &indexed).await?.unwrap_or(indexed[0]),
        };
        let by = values.iter().map(|value| By::Column(*column, *value)).collect();
        Ok(LookUp { by, are_few: fewest.is_some() })
    }

    /// Which has the fewest events, and how many; none where all have many.
    async fn fewest<'c>(
        &self,
        work: &mut Work,
        log: Log,
        indexed: &[Indexed<'c>],
    ) -> Result<Option<(Indexed<'c>, u64)>, StoreError> {
        let (mut best, mut fewest) = (None, COUNTED);
        for &candidate in indexed {
            let (column, values) = candidate;
            let count = count(work, self.some(log, *column, values, fewest)).await?;
            if count < fewest {
                (best, fewest) = (Some((candidate, count)), count);
            }
            if fewest == 0 {
                break;
            }
        }
        Ok(best)
    }

    /// So many of the events at most that have one of some values.
    pub(super) fn some(&self, log: Log, column: Events, values: &[i64], limit: u64) -> SelectStatement {
        let mut some = Query::select();
        some.expr_as(Expr::val(1), "one").from(Events::Table);
        self.within(&mut some, log, By::Column(column, 0));
        some.and_where(Self::has(as_indexed(column), column, values)).limit(limit);
        some
    }

    /// Which costs least over the same time, as those suggest that stand where the page begins.
    async fn sparsest<'c>(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        indexed: &[Indexed<'c>],
    ) -> Result<Option<Indexed<'c>>, StoreError> {
        let Some(begin) = self.nth(work, log, page, By::Time, 0).await? else { return Ok(None) };
        let mut best: Option<(Indexed<'c>, f64)> = None;
        for &candidate in indexed {
            let (column, values) = candidate;
            let each = (COUNTED / values.len().max(1) as u64).max(1);
            let mut cost = 0.0;
            for value in values {
                let last = self.nth(work, log, page, By::Column(*column, *value), each - 1).await?;
                // Of which there are not so many costs next to nothing.
                let long = |last: Position| last.time.0.abs_diff(begin.time.0).max(1);
                cost += last.map_or(0.0, |last| each as f64 / long(last) as f64);
            }
            if self.search.is_some() || !self.is_beside(*column) {
                cost *= LOOK;
            }
            if best.is_none_or(|(_, least)| cost < least) {
                best = Some((candidate, cost));
            }
        }
        Ok(best.map(|(candidate, _)| candidate))
    }

    /// Whether all else that is asked for stands beside a column in its index.
    pub(super) fn is_beside(&self, column: Events) -> bool {
        let beside = INDEXED.iter().find(|(indexed, _)| *indexed == column).map_or(&[][..], |found| found.1);
        self.columns.iter().all(|(other, _)| *other == column || beside.contains(other))
    }

    /// The n-th of those that are looked up so, from where the page begins.
    pub(super) async fn nth(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        by: By,
        n: u64,
    ) -> Result<Option<Position>, StoreError> {
        let mut nth = Query::select();
        nth.columns([Events::Row, Events::Time]).from(Events::Table);
        self.within(&mut nth, log, by);
        if let By::Column(column, value) = by {
            nth.and_where(Self::has(as_indexed(column), column, &[value]));
        }
        Self::behind(&mut nth, page, true);
        let order = sea_query::Order::from(page.order);
        nth.order_by(Events::Time, order.clone()).order_by(Events::Row, order).limit(1).offset(n);
        Ok(places_of(work, &nth).await?.into_iter().next())
    }
}
