//! How recordings end: complete, held, deleted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use casemate_audit_log::Time;
use sea_query::{Expr, ExprTrait as _, Query, UpdateStatement};
use uuid::Uuid;

use super::object::unlist;
use super::{Mark, Recording, Recordings, film, find, tail};
use crate::append::{bytes, kept};
use crate::connections::Connections;
use crate::database::Work;
use crate::error::StoreError;
use crate::merge::Index;
use crate::names::Recordings as Column;
use crate::step::Step;

impl Recordings {
    /// Says that a recording is complete: nothing is added to it any more. Whoever says it again changes nothing.
    ///
    /// # Errors
    /// There is none, it has been deleted, or the database refuses.
    pub async fn complete(&self, id: Uuid, now: Time) -> Result<Recording, StoreError> {
        self.change(&complete(id, now), id).await
    }

    /// What makes a recording complete, unless it is.
    #[must_use]
    pub fn completing(id: Uuid, now: Time) -> Step {
        Step::new(complete(id, now), Vec::new(), Vec::new())
    }

    /// Keeps a recording from being deleted. Where somebody does so already, the latter counts.
    ///
    /// # Errors
    /// There is none, it has been deleted, or the database refuses.
    pub async fn hold(&self, id: Uuid, mark: &Mark) -> Result<Recording, StoreError> {
        let mut hold = update(id);
        hold.value(Column::Held, mark.time.0);
        hold.value(Column::HeldBy, &*kept(&mark.by)).value(Column::HoldReason, &*kept(&mark.reason));
        self.change(&hold, id).await
    }

    /// Lets a recording be deleted again.
    ///
    /// # Errors
    /// There is none, it has been deleted, or the database refuses.
    pub async fn release(&self, id: Uuid) -> Result<Recording, StoreError> {
        let mut release = update(id);
        release.value(Column::Held, Option::<i64>::None);
        for column in [Column::HeldBy, Column::HoldReason] {
            release.value(column, Option::<String>::None);
        }
        self.change(&release, id).await
    }

    /// Deletes a recording. What is left says who did it, when and why; the chain of events is not touched. Its bytes are
    /// gone from the database's files as well, or will be by [`Recordings::forget_deleted`].
    ///
    /// # Errors
    /// It [goes on](StoreError::Open), it is [held](StoreError::Held), it has been [deleted](StoreError::Deleted) already,
    /// there is none, or the database refuses.
    pub async fn delete(&self, id: Uuid, mark: &Mark) -> Result<(), StoreError> {
        let mut work = self.database.writing().await?;
        let mut delete = update(id);
        delete.value(Column::Deleted, mark.time.0);
        delete.value(Column::DeletedBy, &*kept(&mark.by)).value(Column::DeleteReason, &*kept(&mark.reason));
        delete
            .and_where(Expr::col(Column::Completed).is_not_null())
            .and_where(Expr::col(Column::Held).is_null());
        if work.run(&delete).await? == 0 {
            return Err(why_not(&mut work, id).await?);
        }
        work.run(&Connections::recorded(id, false)).await?;
        let keys = unlist(&mut work, id).await?;
        tail::cut(&mut work, id, u64::MAX).await?;
        let debt = crate::output::forget(&mut work, id).await?;
        film::forget(&mut work, id).await?;
        work.commit().await?;
        self.has_deleted.store(true, Ordering::Release);
        self.remove(keys.iter().map(String::as_str)).await;
        // It is deleted, whatever becomes of this; it is tried again.
        self.forget_deleted().await.ok();
        // Of what was long this takes long, and whoever deleted it need not wait.
        let (database, has_deleted) = (self.database.clone(), Arc::clone(&self.has_deleted));
        tokio::spawn(async move {
            debt.pay_all(&database, Index::Output).await;
            has_deleted.store(true, Ordering::Release);
        });
        Ok(())
    }

    /// Takes what was deleted out of the log of writes of the database, if it may be there still and nobody reads what was
    /// before. To be called again and again, each few seconds: where nothing was deleted, nothing is done.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn forget_deleted(&self) -> Result<(), StoreError> {
        if self.has_deleted.swap(false, Ordering::AcqRel) {
            let emptied = self.database.empty_log().await;
            if !matches!(emptied, Ok(true)) {
                self.has_deleted.store(true, Ordering::Release);
            }
            emptied?;
        }
        Ok(())
    }

    async fn change(&self, update: &UpdateStatement, id: Uuid) -> Result<Recording, StoreError> {
        let mut work = self.database.writing().await?;
        work.run(update).await?;
        let recording = find(&mut work, id).await?.present()?;
        work.commit().await?;
        Ok(recording)
    }
}

fn complete(id: Uuid, now: Time) -> UpdateStatement {
    let mut complete = update(id);
    complete.value(Column::Completed, now.0).and_where(Expr::col(Column::Completed).is_null()).to_owned()
}

fn update(id: Uuid) -> UpdateStatement {
    Query::update()
        .table(Column::Table)
        .and_where(Expr::col(Column::Id).eq(bytes(id.as_bytes())))
        .and_where(Expr::col(Column::Deleted).is_null())
        .to_owned()
}

async fn why_not(work: &mut Work, id: Uuid) -> Result<StoreError, StoreError> {
    let found = find(work, id).await?.present()?;
    Ok(match found.hold {
        Some(Mark { by, reason, .. }) => StoreError::Held { id, by, reason },
        None => StoreError::Open { id },
    })
}
