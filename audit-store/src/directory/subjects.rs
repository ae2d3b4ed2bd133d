//! People and programs.

use casemate_audit_log::Time;
use casemate_audit_log::model::{Role, SubjectType};
use sea_query::{Expr, ExprTrait as _, OnConflict, Order};
use uuid::Uuid;

use super::keys::{Key, Keys};
use super::sign_ins::{Link, Links, SignIn, SignIns};
use super::{Directory, is_to_be_noted};
use crate::database::Work;
use crate::error::StoreError;
use crate::record::{changed, delete, insert, name, record, select, text, update, val};

record! {
    /// Somebody or something that does things here.
    Subject of Subjects {
        /// Its id.
        id: Uuid = Id,
        /// What it is.
        kind: SubjectType = Kind,
        /// Its name; of a person the mail address. Among the living each kind has it once.
        name: String = Name,
        /// What it is called.
        full_name: Option<String> = FullName,
        /// What it may do.
        role: Role = Role,
        /// Its password's hash (PHC).
        password: Option<String> = Password,
        /// It may do anything at all.
        is_enabled: bool = IsEnabled,
        /// Since when there is it.
        created: Time = Created,
        /// When it was here, to a minute.
        last_seen: Option<Time> = LastSeen,
        /// Since when there is it no more.
        deleted: Option<Time> = Deleted,
    }
}

/// A subject that is to be.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are as in `Subject`")]
pub struct NewSubject {
    pub kind: SubjectType,
    pub name: String,
    pub full_name: Option<String>,
    pub role: Role,
    pub password: Option<String>,
}

/// What is to be different of a subject; nothing stays as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "they are as in `Subject`")]
pub struct SubjectChange {
    pub full_name: Option<String>,
    pub role: Option<Role>,
    pub password: Option<String>,
    pub is_enabled: Option<bool>,
}

impl Subject {
    /// Whether it may do anything at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_enabled && self.deleted.is_none()
    }

    pub(super) fn new(new: NewSubject, now: Time) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: new.kind,
            name: text(&new.name),
            full_name: new.full_name.as_deref().map(text),
            role: new.role,
            password: new.password,
            is_enabled: true,
            created: now,
            last_seen: None,
            deleted: None,
        }
    }
}

impl Directory {
    /// Adds somebody.
    ///
    /// # Errors
    /// There is one of that kind and name ([`StoreError::Taken`]), or the database refuses.
    pub async fn add_subject(&self, new: NewSubject, now: Time) -> Result<Subject, StoreError> {
        let subject = Subject::new(new, now);
        let mut work = self.database.writing().await?;
        add(&mut work, &subject).await?;
        work.commit().await?;
        Ok(subject)
    }

    /// Somebody of that kind and name; if there is nobody, a `User` without a password.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ensure_subject(
        &self,
        kind: SubjectType,
        named: &str,
        now: Time,
    ) -> Result<Subject, StoreError> {
        if let Some(found) = self.subject_named(kind, named).await? {
            return Ok(found);
        }
        let new = NewSubject { kind, name: named.into(), full_name: None, role: Role::User, password: None };
        let new = Subject::new(new, now);
        let mut work = self.database.writing().await?;
        work.run(insert(&new).on_conflict(OnConflict::new().do_nothing().to_owned())).await?;
        let found = work.one(&living(kind, named)).await?;
        work.commit().await?;
        Ok(found.unwrap_or(new))
    }

    /// Somebody, also if deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn subject(&self, id: Uuid) -> Result<Option<Subject>, StoreError> {
        self.database.one(select::<Subject>().and_where(Expr::col(Subjects::Id).eq(val(id)))).await
    }

    /// Somebody who is not deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn subject_named(&self, kind: SubjectType, named: &str) -> Result<Option<Subject>, StoreError> {
        self.database.one(&living(kind, named)).await
    }

    /// All of a kind who are not deleted, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn subjects(&self, kind: SubjectType) -> Result<Vec<Subject>, StoreError> {
        let mut select = select::<Subject>();
        select.and_where(Expr::col(Subjects::Kind).eq(val(kind)));
        select.and_where(Expr::col(Subjects::Deleted).is_null()).order_by(Subjects::Name, Order::Asc);
        self.database.all(&select).await
    }

    /// Whether there is a person who may do everything, and can sign in.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        has_administrator(&mut self.database.reading().await?).await
    }

    /// Changes somebody who is not deleted, and gives it as it is then. Whoever gets another password or is disabled is
    /// signed out everywhere.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn change_subject(
        &self,
        id: Uuid,
        change: SubjectChange,
    ) -> Result<Option<Subject>, StoreError> {
        let mut work = self.database.writing().await?;
        let changed = change_subject(&mut work, id, change).await?;
        work.commit().await?;
        Ok(changed)
    }

    /// Deletes somebody, with its keys, sign-ins and links; the row stays. Gives it as it is then, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_subject(&self, id: Uuid, now: Time) -> Result<Option<Subject>, StoreError> {
        let mut work = self.database.writing().await?;
        let mut gone = update::<Subject>();
        gone.value(Subjects::Deleted, val(now)).value(Subjects::Password, val(None::<String>));
        gone.and_where(Expr::col(Subjects::Id).eq(val(id)));
        gone.and_where(Expr::col(Subjects::Deleted).is_null()).returning(changed::<Subject>());
        let gone = work.change_one(&gone).await?;
        if gone.is_some() {
            work.run(delete::<Key>().and_where(Expr::col(Keys::Subject).eq(val(id)))).await?;
            work.run(delete::<Link>().and_where(Expr::col(Links::Subject).eq(val(id)))).await?;
            sign_out_all(&mut work, id).await?;
        }
        work.commit().await?;
        Ok(gone)
    }

    /// Notes that somebody was here.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn seen(&self, subject: &Subject, now: Time) -> Result<(), StoreError> {
        if !is_to_be_noted(subject.last_seen, now) {
            return Ok(());
        }
        let mut seen = update::<Subject>();
        seen.value(Subjects::LastSeen, val(now)).and_where(Expr::col(Subjects::Id).eq(val(subject.id)));
        self.database.run(&seen).await.map(drop)
    }
}

pub(super) fn living(kind: SubjectType, named: &str) -> sea_query::SelectStatement {
    let mut select = select::<Subject>();
    select.and_where(Expr::col(Subjects::Kind).eq(val(kind)));
    select.and_where(Expr::col(Subjects::Name).eq(name(named)));
    select.and_where(Expr::col(Subjects::Deleted).is_null()).to_owned()
}

pub(super) async fn add(work: &mut Work, subject: &Subject) -> Result<(), StoreError> {
    let what = match subject.kind {
        SubjectType::User => "user",
        SubjectType::ApiKey => "API key",
        SubjectType::ServiceAccount => "service account",
    };
    work.run(&insert(subject)).await.map(drop).map_err(|error| error.or_taken(what, &subject.name))
}

pub(super) async fn change_subject(
    work: &mut Work,
    id: Uuid,
    change: SubjectChange,
) -> Result<Option<Subject>, StoreError> {
    let is_out = change.password.is_some() || change.is_enabled == Some(false);
    // A value that stays, so that there is one.
    let mut update = update::<Subject>().value(Subjects::Id, val(id)).to_owned();
    if let Some(full_name) = change.full_name {
        update.value(Subjects::FullName, val(full_name));
    }
    if let Some(role) = change.role {
        update.value(Subjects::Role, val(role));
    }
    if let Some(password) = change.password {
        update.value(Subjects::Password, val(password));
    }
    if let Some(is_enabled) = change.is_enabled {
        update.value(Subjects::IsEnabled, val(is_enabled));
    }
    update.and_where(Expr::col(Subjects::Id).eq(val(id)));
    update.and_where(Expr::col(Subjects::Deleted).is_null()).returning(changed::<Subject>());
    let changed = work.change_one(&update).await?;
    if is_out && changed.is_some() {
        sign_out_all(work, id).await?;
    }
    Ok(changed)
}

async fn sign_out_all(work: &mut Work, subject: Uuid) -> Result<(), StoreError> {
    work.run(delete::<SignIn>().and_where(Expr::col(SignIns::Subject).eq(val(subject)))).await.map(drop)
}

pub(super) async fn has_administrator(work: &mut Work) -> Result<bool, StoreError> {
    let mut select = select::<Subject>();
    select.and_where(Expr::col(Subjects::Kind).eq(val(SubjectType::User)));
    select.and_where(Expr::col(Subjects::Role).eq(val(Role::Administrator)));
    select.and_where(Expr::col(Subjects::IsEnabled).eq(val(true)));
    select.and_where(Expr::col(Subjects::Deleted).is_null());
    select.and_where(Expr::col(Subjects::Password).is_not_null()).limit(1);
    Ok(work.one::<Subject>(&select).await?.is_some())
}
