//! Targets, and whether their agents are there.

use casemate_audit_log::Time;
use casemate_audit_log::model::{AgentStatus, Event, Role, SubjectType, TargetType};
use sea_query::{Cond, Expr, ExprTrait as _, OnConflict, Order, SelectStatement};
use uuid::Uuid;

use super::keys::{Key, Keys, add_api_key, delete_subject_of};
use super::subjects::{self, Subject};
use super::{Directory, is_to_be_noted};
use crate::error::StoreError;
use crate::record::{Digest, changed, delete, insert, name, record, select, text, update, val};
use crate::step::Step;

record! {
    /// Something that sessions lead to.
    Target of Targets {
        /// Its id.
        id: Uuid = Id,
        /// What it is.
        kind: TargetType = Kind,
        /// Its name; among the living there is one of it.
        name: String = Name,
        /// Where it belongs.
        environment: Option<Uuid> = Environment,
        /// Since when there is it.
        created: Time = Created,
        /// When its agent was heard, to a minute.
        agent_seen: Option<Time> = AgentSeen,
        /// How its agent stands.
        agent_status: AgentStatus = AgentStatus,
        /// Since when there is it no more.
        deleted: Option<Time> = Deleted,
    }
}

impl Target {
    fn new(kind: TargetType, name: &str, environment: Option<Uuid>, now: Time) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind,
            name: text(name),
            environment,
            created: now,
            agent_seen: None,
            agent_status: AgentStatus::NotActivated,
            deleted: None,
        }
    }
}

impl Directory {
    /// Adds a target.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn add_target(
        &self,
        kind: TargetType,
        named: &str,
        environment: Option<Uuid>,
        now: Time,
    ) -> Result<Target, StoreError> {
        let target = Target::new(kind, named, environment, now);
        let added = self.database.run(&insert(&target)).await;
        added.map_err(|error| error.or_taken("target", named))?;
        Ok(target)
    }

    /// Adds a target, and the key of its agent; both or none.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn register_target(
        &self,
        kind: TargetType,
        named: &str,
        environment: Option<Uuid>,
        secret: Digest,
        now: Time,
    ) -> Result<(Target, Key), StoreError> {
        let target = Target::new(kind, named, environment, now);
        let mut work = self.database.writing().await?;
        work.run(&insert(&target)).await.map_err(|error| error.or_taken("target", named))?;
        let mut agent = format!("agent of {named}");
        if work.one::<Subject>(&subjects::living(SubjectType::ApiKey, &agent)).await?.is_some() {
            // That of a target that was called so before.
            agent = format!("{agent} ({})", target.id);
        }
        let key = add_api_key(&mut work, &agent, Role::Agent, secret, Some(target.id), now).await?;
        work.commit().await?;
        Ok((target, key))
    }

    /// The target of that name, made if there is none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ensure_target(
        &self,
        kind: TargetType,
        named: &str,
        now: Time,
    ) -> Result<Target, StoreError> {
        if let Some(found) = self.target_named(named).await? {
            return Ok(found);
        }
        let new = Target::new(kind, named, None, now);
        let mut work = self.database.writing().await?;
        work.run(insert(&new).on_conflict(OnConflict::new().do_nothing().to_owned())).await?;
        let found = work.one(&living(named)).await?;
        work.commit().await?;
        Ok(found.unwrap_or(new))
    }

    /// A target, also if deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn target(&self, id: Uuid) -> Result<Option<Target>, StoreError> {
        self.database.one(select::<Target>().and_where(Expr::col(Targets::Id).eq(val(id)))).await
    }

    /// The target of that name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn target_named(&self, named: &str) -> Result<Option<Target>, StoreError> {
        self.database.one(&living(named)).await
    }

    /// All targets of a kind, or all, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn targets(&self, kind: Option<TargetType>) -> Result<Vec<Target>, StoreError> {
        let mut select = select::<Target>();
        if let Some(kind) = kind {
            select.and_where(Expr::col(Targets::Kind).eq(val(kind)));
        }
        select.and_where(Expr::col(Targets::Deleted).is_null()).order_by(Targets::Name, Order::Asc);
        self.database.all(&select).await
    }

    /// Gives a target another name, another environment, or both; an environment of nothing is none. Gives it as it is then.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn change_target(
        &self,
        id: Uuid,
        new_name: Option<&str>,
        environment: Option<Option<Uuid>>,
    ) -> Result<Option<Target>, StoreError> {
        let mut update = update::<Target>().value(Targets::Id, val(id)).to_owned();
        if let Some(new_name) = new_name {
            update.value(Targets::Name, name(new_name));
        }
        if let Some(environment) = environment {
            update.value(Targets::Environment, val(environment));
        }
        update.and_where(Expr::col(Targets::Id).eq(val(id)));
        update.and_where(Expr::col(Targets::Deleted).is_null()).returning(changed::<Target>());
        let changed = self.database.change(&update).await;
        let changed = changed.map_err(|error| error.or_taken("target", new_name.unwrap_or_default()))?;
        Ok(changed.into_iter().next())
    }

    /// Deletes a target, with the keys that are for it; the row stays. Gives it as it is then, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_target(&self, id: Uuid, now: Time) -> Result<Option<Target>, StoreError> {
        let mut work = self.database.writing().await?;
        let mut gone = update::<Target>();
        gone.value(Targets::Deleted, val(now)).value(Targets::AgentStatus, val(AgentStatus::Terminated));
        gone.and_where(Expr::col(Targets::Id).eq(val(id)));
        gone.and_where(Expr::col(Targets::Deleted).is_null()).returning(changed::<Target>());
        let gone = work.change_one::<Target>(&gone).await?;
        if gone.is_some() {
            let mut keys = delete::<Key>();
            keys.and_where(Expr::col(Keys::Target).eq(val(id))).returning(changed::<Key>());
            for key in work.change::<Key>(&keys).await? {
                delete_subject_of(&mut work, &key, now).await?;
            }
        }
        work.commit().await?;
        Ok(gone)
    }

    /// What notes that an agent was heard: nothing where that was noted a moment ago. The events are for where it was not
    /// there before.
    #[must_use]
    pub fn hearing(target: &Target, now: Time, events: impl FnOnce() -> Vec<Event>) -> Vec<Step> {
        let is_new = target.agent_status != AgentStatus::Online;
        if !is_new && !is_to_be_noted(target.agent_seen, now) {
            return Vec::new();
        }
        let mut heard = update::<Target>();
        heard.value(Targets::AgentSeen, val(now)).and_where(Expr::col(Targets::Id).eq(val(target.id)));
        heard.and_where(Expr::col(Targets::Deleted).is_null());
        let mut steps = Vec::new();
        if is_new {
            let mut online = heard.clone();
            online.value(Targets::AgentStatus, val(AgentStatus::Online));
            online.and_where(Expr::col(Targets::AgentStatus).ne(val(AgentStatus::Online)));
            steps.push(Step::new(online, Vec::new(), events()));
        }
        steps.push(Step::new(heard, Vec::new(), Vec::new()));
        steps
    }

    /// An agent that is said to be there is not, unless it was heard since.
    #[must_use]
    pub fn missing(target: &Target, since: Time, events: Vec<Event>) -> Step {
        let mut offline = update::<Target>();
        offline.value(Targets::AgentStatus, val(AgentStatus::Offline));
        offline.and_where(Expr::col(Targets::Id).eq(val(target.id))).cond_where(is_silent(since));
        Step::new(offline, Vec::new(), events)
    }

    /// Agents that are said to be there, and were not heard since. The time is to be some minutes ago.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn agents_silent(&self, since: Time) -> Result<Vec<Target>, StoreError> {
        self.database.all(select::<Target>().cond_where(is_silent(since))).await
    }
}

fn is_silent(since: Time) -> Cond {
    Cond::all()
        .add(Expr::col(Targets::AgentStatus).is_in([val(AgentStatus::Online), val(AgentStatus::Restarting)]))
        .add(Expr::col(Targets::AgentSeen).lt(val(since)))
        .add(Expr::col(Targets::Deleted).is_null())
}

fn living(named: &str) -> SelectStatement {
    let mut select = select::<Target>();
    select.and_where(Expr::col(Targets::Name).eq(name(named)));
    select.and_where(Expr::col(Targets::Deleted).is_null()).to_owned()
}
