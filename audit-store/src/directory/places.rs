//! Environments, and the spaces that people work in.

use casemate_audit_log::Time;
use casemate_audit_log::model::SpaceState;
use sea_query::{Expr, ExprTrait as _, OnConflict, Order};
use uuid::Uuid;

use super::Directory;
use super::targets::{Target, Targets};
use crate::error::StoreError;
use crate::record::{changed, insert, name, record, select, text, update, val};

record! {
    /// Where targets belong: `prod`, `staging`.
    Environment of Environments {
        /// Its id.
        id: Uuid = Id,
        /// Its name; among the living there is one of it.
        name: String = Name,
        /// Since when there is it.
        created: Time = Created,
        /// Since when there is it no more.
        deleted: Option<Time> = Deleted,
    }
}

record! {
    /// What somebody keeps connections together in; BastionZero's API also calls it a session.
    Space of Spaces {
        /// Its id.
        id: Uuid = Id,
        /// Its name; of those that are active each owner has one of it.
        name: String = Name,
        /// The subject whose it is.
        owner: Uuid = Owner,
        /// How it stands.
        state: SpaceState = State,
        /// Since when there is it.
        created: Time = Created,
    }
}

impl Directory {
    /// Adds an environment.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn add_environment(&self, named: &str, now: Time) -> Result<Environment, StoreError> {
        let environment = Environment { id: Uuid::now_v7(), name: text(named), created: now, deleted: None };
        let added = self.database.run(&insert(&environment)).await;
        added.map_err(|error| error.or_taken("environment", named))?;
        Ok(environment)
    }

    /// An environment, also if deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn environment(&self, id: Uuid) -> Result<Option<Environment>, StoreError> {
        self.database.one(select::<Environment>().and_where(Expr::col(Environments::Id).eq(val(id)))).await
    }

    /// All environments, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn environments(&self) -> Result<Vec<Environment>, StoreError> {
        let mut select = select::<Environment>();
        select.and_where(Expr::col(Environments::Deleted).is_null());
        self.database.all(select.order_by(Environments::Name, Order::Asc)).await
    }

    /// Gives an environment another name, and gives it as it is then.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn rename_environment(
        &self,
        id: Uuid,
        new_name: &str,
    ) -> Result<Option<Environment>, StoreError> {
        let mut rename = update::<Environment>();
        rename.value(Environments::Name, name(new_name)).and_where(Expr::col(Environments::Id).eq(val(id)));
        rename.and_where(Expr::col(Environments::Deleted).is_null()).returning(changed::<Environment>());
        let renamed = self.database.change(&rename).await;
        let renamed = renamed.map_err(|error| error.or_taken("environment", new_name))?;
        Ok(renamed.into_iter().next())
    }

    /// Deletes an environment; its targets are in none then. Gives it as it is then, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_environment(&self, id: Uuid, now: Time) -> Result<Option<Environment>, StoreError> {
        let mut work = self.database.writing().await?;
        let mut gone = update::<Environment>();
        gone.value(Environments::Deleted, val(now)).and_where(Expr::col(Environments::Id).eq(val(id)));
        gone.and_where(Expr::col(Environments::Deleted).is_null()).returning(changed::<Environment>());
        let gone = work.change_one::<Environment>(&gone).await?;
        if gone.is_some() {
            let mut targets = update::<Target>();
            targets.value(Targets::Environment, val(None::<Uuid>));
            targets.and_where(Expr::col(Targets::Environment).eq(val(id)));
            targets.and_where(Expr::col(Targets::Deleted).is_null());
            work.run(&targets).await?;
        }
        work.commit().await?;
        Ok(gone)
    }

    /// The active space of that name and owner, made if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ensure_space(&self, owner: Uuid, named: &str, now: Time) -> Result<Space, StoreError> {
        let mut active = select::<Space>();
        active.and_where(Expr::col(Spaces::Owner).eq(val(owner)));
        active.and_where(Expr::col(Spaces::Name).eq(name(named)));
        active.and_where(Expr::col(Spaces::State).eq(val(SpaceState::Active)));
        if let Some(found) = self.database.one(&active).await? {
            return Ok(found);
        }
        let new =
            Space { id: Uuid::now_v7(), name: text(named), owner, state: SpaceState::Active, created: now };
        let mut work = self.database.writing().await?;
        work.run(insert(&new).on_conflict(OnConflict::new().do_nothing().to_owned())).await?;
        let found = work.one(&active).await?;
        work.commit().await?;
        Ok(found.unwrap_or(new))
    }

    /// A space.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn space(&self, id: Uuid) -> Result<Option<Space>, StoreError> {
        self.database.one(select::<Space>().and_where(Expr::col(Spaces::Id).eq(val(id)))).await
    }

    /// Spaces of one owner, or all, the latest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn spaces(&self, owner: Option<Uuid>) -> Result<Vec<Space>, StoreError> {
        let mut select = select::<Space>();
        if let Some(owner) = owner {
            select.and_where(Expr::col(Spaces::Owner).eq(val(owner)));
        }
        select.order_by(Spaces::Created, Order::Desc).order_by(Spaces::Id, Order::Desc);
        self.database.all(&select).await
    }

    /// Ends an active space; gives it as it is then, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn close_space(&self, id: Uuid) -> Result<Option<Space>, StoreError> {
        let mut close = update::<Space>();
        close.value(Spaces::State, val(SpaceState::Closed)).and_where(Expr::col(Spaces::Id).eq(val(id)));
        close.and_where(Expr::col(Spaces::State).eq(val(SpaceState::Active))).returning(changed::<Space>());
        Ok(self.database.change(&close).await?.into_iter().next())
    }
}
