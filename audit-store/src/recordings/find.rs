//! Which recordings there are.

use casemate_audit_log::Time;
use sea_query::{Cond, Expr, ExprTrait as _, Order};
use uuid::Uuid;

use super::{Recording, Recordings, row};
use crate::append::{bytes, kept};
use crate::error::StoreError;
use crate::names::Recordings as Column;

/// Which recordings are asked for: all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// These.
    pub ids: Vec<Uuid>,
    /// Those of these people.
    pub subject_ids: Vec<String>,
    /// From then on.
    pub start: Option<Time>,
    /// Until then.
    pub end: Option<Time>,
    /// Those that are complete, or those that go on.
    pub is_complete: Option<bool>,
    /// Also those of which only a row is left.
    pub with_deleted: bool,
}

impl Recordings {
    /// The latest recordings of those that are asked for, before one of them.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn list(
        &self,
        filter: &RecordingFilter,
        before: Option<(Time, Uuid)>,
        limit: usize,
    ) -> Result<Vec<Recording>, StoreError> {
        let mut select = row::select();
        if !filter.ids.is_empty() {
            select.and_where(Expr::col(Column::Id).is_in(filter.ids.iter().map(|id| bytes(id.as_bytes()))));
        }
        if !filter.subject_ids.is_empty() {
            let ids = filter.subject_ids.iter().map(|id| kept(id).into_owned());
            select.and_where(Expr::col(Column::SubjectId).is_in(ids));
        }
        if let Some(start) = filter.start {
            select.and_where(Expr::col(Column::Created).gte(start.0));
        }
        if let Some(end) = filter.end {
            select.and_where(Expr::col(Column::Created).lte(end.0));
        }
        match filter.is_complete {
            Some(true) => drop(select.and_where(Expr::col(Column::Completed).is_not_null())),
            Some(false) => drop(select.and_where(Expr::col(Column::Completed).is_null())),
            None => {}
        }
        if !filter.with_deleted {
            select.and_where(Expr::col(Column::Deleted).is_null());
        }
        if let Some((time, id)) = before {
            select.and_where(Expr::col(Column::Created).lte(time.0));
            let same = Expr::col(Column::Created).eq(time.0);
            let behind = same.and(Expr::col(Column::Id).gte(bytes(id.as_bytes())));
            select.cond_where(Cond::all().not().add(behind));
        }
        select.order_by(Column::Created, Order::Desc).order_by(Column::Id, Order::Desc);
        select.limit(limit as u64);
        let rows = self.database.reading().await?.rows::<row::Row>(&select).await?;
        rows.into_iter().map(Recording::from_row).collect()
    }
}
