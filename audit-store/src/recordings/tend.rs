//! What is done with recordings in the background: rows become objects, and small objects great ones.
//!
//! *Invariants*: what is listed is changed only from what it was when the bytes were read, in one transaction; of two that
//! tend the same one has worked in vain. Whoever is interrupted leaves objects that no row lists ([`Recordings::sweep`]), and
//! the next one begins anew.

use std::time::Instant;

use casemate_audit_log::Time;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sea_query::{Cond, Expr, ExprTrait as _, Query};
use uuid::Uuid;

use super::object::{list, listed, unlist};
use super::{Recordings, signed, tail};
use crate::append::bytes;
use crate::error::StoreError;
use crate::names::Recordings as Column;

/// Recordings that are looked at in one go.
const AT_ONCE: u64 = 256;

/// Of these so many at the same time: most of it is waiting for the disk.
const TOGETHER: usize = 4;

/// Objects that are looked at in one go.
const OBJECTS: usize = 1000;

/// What was done.
#[derive(Debug, Default)]
pub struct Tended {
    /// So many recordings got another object.
    pub moved: usize,
    /// So many that are complete got their hash.
    pub sealed: usize,
    /// With these it went wrong; they are tried again, later and later.
    pub failed: Vec<(Uuid, StoreError)>,
}

struct Due {
    id: Uuid,
    size: u64,
    moved: u64,
    is_complete: bool,
}

impl Recordings {
    /// Makes objects of rows, where there are enough of them or no more come; and says what the hash is of recordings that
    /// are complete. To be called again and again: each few seconds, and when recordings have been completed.
    ///
    /// # Errors
    /// The database refuses. What happens to one recording keeps no other from being tended.
    pub async fn tend(&self) -> Result<Tended, StoreError> {
        let mut tended = Tended::default();
        let mut after = None;
        loop {
            let due = self.due(after).await?;
            let Some(last) = due.last() else { return Ok(tended) };
            after = Some(last.id);
            let due = due.into_iter().filter(|due| self.later.is_due(due.id, Instant::now()));
            let mut done = stream::iter(due.map(|due| self.tend_one(due))).buffer_unordered(TOGETHER);
            while let Some((due, done)) = done.next().await {
                match done {
                    Ok(true) if due.is_complete => tended.sealed += 1,
                    Ok(true) => tended.moved += 1,
                    // Somebody else was faster, or has deleted it.
                    Ok(false) | Err(StoreError::Deleted { .. }) => {}
                    Err(error) => {
                        self.later.failed(due.id, Instant::now());
                        tended.failed.push((due.id, error));
                        continue;
                    }
                }
                self.later.went_well(due.id);
            }
        }
    }

    /// Removes objects that no row lists and that are older than that: what somebody left who was interrupted. Gives how many.
    ///
    /// # Errors
    /// The database refuses, or the store.
    pub async fn sweep(&self, before: Time) -> Result<usize, StoreError> {
        let refused = |source| StoreError::Object { what: "the objects cannot be listed", source };
        let all = self.store.list(None).map_err(refused);
        let old =
            all.try_filter(|object| std::future::ready(object.last_modified.timestamp_micros() < before.0));
        let mut swept = self.sweep_folder(before).await?;
        let mut old = old.map_ok(|object| object.location.to_string()).try_chunks(OBJECTS);
        while let Some(keys) = old.try_next().await.map_err(|error| error.1)? {
            let listed = listed(&mut self.database.reading().await?, &keys).await?;
            let orphans: Vec<_> = keys
                .iter()
                .map(String::as_str)
                .filter(|key| !listed.iter().any(|listed| listed == key))
                .collect();
            swept += orphans.len();
            self.remove(orphans).await;
        }
        Ok(swept)
    }

    async fn due(&self, after: Option<Uuid>) -> Result<Vec<Due>, StoreError> {
        let many = Expr::col(Column::Size).sub(Expr::col(Column::Moved)).gte(signed(self.sizes.many));
        let mut select = Query::select()
            .columns([Column::Id, Column::Size, Column::Moved, Column::Completed])
            .from(Column::Table)
            .and_where(Expr::col(Column::Sha256).is_null())
            .and_where(Expr::col(Column::Deleted).is_null())
            .cond_where(Cond::any().add(Expr::col(Column::Completed).is_not_null()).add(many))
            .order_by(Column::Id, sea_query::Order::Asc)
            .limit(AT_ONCE)
            .to_owned();
        if let Some(after) = after {
            select.and_where(Expr::col(Column::Id).gt(bytes(after.as_bytes())));
        }
        let rows = self.database.reading().await?.rows::<(Vec<u8>, i64, i64, Option<i64>)>(&select).await?;
        let due = |(id, size, moved, completed): (Vec<u8>, i64, i64, Option<i64>)| {
            let id = Uuid::from_slice(&id)
                .map_err(|error| StoreError::Damaged { row: size, reason: error.to_string() })?;
            let (size, moved) = (size.unsigned_abs(), moved.unsigned_abs());
            Ok(Due { id, size, moved, is_complete: completed.is_some() })
        };
        rows.into_iter().map(due).collect()
    }

    async fn tend_one(&self, due: Due) -> (Due, Result<bool, StoreError>) {
        let done = if due.is_complete { self.seal(&due).await } else { self.shift(&due).await };
        (due, done)
    }

    /// Makes objects of the rows of a recording.
    async fn shift(&self, due: &Due) -> Result<bool, StoreError> {
        let (objects, _) = self.put(due.id, due.moved..due.size).await?;
        let shifted = async {
            let mut work = self.database.writing().await?;
            let is_ours =
                work.run(&not_yet(due).value(Column::Moved, signed(due.size)).to_owned()).await? > 0;
            if is_ours {
                for object in &objects {
                    list(&mut work, due.id, object).await?;
                }
                tail::cut(&mut work, due.id, due.size).await?;
                work.commit().await?;
            }
            Ok(is_ours)
        };
        let shifted = shifted.await;
        if !matches!(shifted, Ok(true)) {
            self.remove(objects.iter().map(|object| &*object.key)).await;
        }
        shifted
    }

    /// Puts all of a recording into as few objects as there may be, and says what its hash is.
    async fn seal(&self, due: &Due) -> Result<bool, StoreError> {
        let (objects, hash) = self.put(due.id, 0..due.size).await?;
        let sealed = async {
            let mut work = self.database.writing().await?;
            let update = not_yet(due)
                .value(Column::Moved, signed(due.size))
                .value(Column::Sha256, bytes(&hash.0))
                .to_owned();
            if work.run(&update).await? == 0 {
                return Ok(None);
            }
            let replaced = unlist(&mut work, due.id).await?;
            for object in &objects {
                list(&mut work, due.id, object).await?;
            }
            tail::cut(&mut work, due.id, due.size).await?;
            work.commit().await?;
            Ok(Some(replaced))
        };
        match sealed.await {
            Ok(Some(replaced)) => {
                self.remove(replaced.iter().map(String::as_str)).await;
                Ok(true)
            }
            other => {
                self.remove(objects.iter().map(|object| &*object.key)).await;
                other.map(|_| false)
            }
        }
    }
}

/// Begins to change the row of a recording that is as it was.
fn not_yet(due: &Due) -> sea_query::UpdateStatement {
    Query::update()
        .table(Column::Table)
        .and_where(Expr::col(Column::Id).eq(bytes(due.id.as_bytes())))
        .and_where(Expr::col(Column::Moved).eq(signed(due.moved)))
        .and_where(Expr::col(Column::Sha256).is_null())
        .and_where(Expr::col(Column::Deleted).is_null())
        .to_owned()
}
