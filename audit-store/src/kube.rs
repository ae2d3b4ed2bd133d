//! Calls of Kubernetes that are in the log, so that one that is told of again comes to nothing, in whichever list.
//!
//! *Invariants*: a call is known when its event is in the log, and not before: both are of one transaction. It is known once,
//! whoever takes it in at the same time, also on another server.

use std::collections::HashSet;

use casemate_audit_log::model::Event;
use sea_query::{Expr, ExprTrait as _, Iden, OnConflict, Query};

use crate::append::bytes;
use crate::database::Database;
use crate::error::StoreError;
use crate::step::Step;

/// So many are asked for at once.
const AT_ONCE: usize = 500;

#[derive(Clone, Copy, Iden)]
enum KubeCalls {
    Table,
    Call,
}

impl Database {
    /// Those of some calls that are known.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn known_calls(&self, calls: &[[u8; 32]]) -> Result<HashSet<[u8; 32]>, StoreError> {
        let (mut known, mut work) = (HashSet::new(), self.reading().await?);
        for some in calls.chunks(AT_ONCE) {
            let select = Query::select()
                .column(KubeCalls::Call)
                .from(KubeCalls::Table)
                .and_where(Expr::col(KubeCalls::Call).is_in(some.iter().map(|call| bytes(call))))
                .to_owned();
            let rows = work.rows::<(Vec<u8>,)>(&select).await?;
            known.extend(rows.into_iter().filter_map(|(call,)| <[u8; 32]>::try_from(call).ok()));
        }
        Ok(known)
    }
}

impl Step {
    /// Some calls come to be known, by their event; nothing where all of them are. Where some of them are, the batch is refused as
    /// [`StoreError::Partly`].
    #[must_use]
    pub fn of_calls(calls: &[[u8; 32]], event: Event) -> Self {
        let mut insert = Query::insert();
        insert.into_table(KubeCalls::Table).columns([KubeCalls::Call]);
        for call in calls {
            insert.values_panic([Expr::val(bytes(call))]);
        }
        insert.on_conflict(OnConflict::column(KubeCalls::Call).do_nothing().to_owned());
        Self::new(insert, Vec::new(), vec![event]).whole(calls.len())
    }
}
