//! Keys of programs. The secret was shown once; its SHA-256 is kept.

use casemate_audit_log::Time;
use casemate_audit_log::model::{Role, SubjectType};
use sea_query::{Expr, ExprTrait as _, Order};
use uuid::Uuid;

use super::subjects::{NewSubject, Subject, Subjects, add};
use super::{Directory, is_to_be_noted};
use crate::database::Work;
use crate::error::StoreError;
use crate::record::{Digest, changed, delete, insert, record, select, text, update, val};

record! {
    /// A key.
    Key of Keys {
        /// Its id.
        id: Uuid = Id,
        /// Whose it is.
        subject: Uuid = Subject,
        /// Its name.
        name: String = Name,
        /// What may be done with it.
        role: Role = Role,
        /// By what it is known.
        secret: Digest = Secret,
        /// The one target that it is for.
        target: Option<Uuid> = Target,
        /// Since when there is it.
        created: Time = Created,
        /// When it was used, to a minute.
        last_used: Option<Time> = LastUsed,
    }
}

impl Directory {
    /// Adds a key that is a subject of its own; both have one id.
    ///
    /// # Errors
    /// There is one of that name ([`StoreError::Taken`]), or the database refuses.
    pub async fn add_api_key(
        &self,
        name: &str,
        role: Role,
        secret: Digest,
        target: Option<Uuid>,
        now: Time,
    ) -> Result<Key, StoreError> {
        let mut work = self.database.writing().await?;
        let key = add_api_key(&mut work, name, role, secret, target, now).await?;
        work.commit().await?;
        Ok(key)
    }

    /// Adds a key of somebody who is there, such as a service account.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_key(
        &self,
        subject: &Subject,
        name: &str,
        secret: Digest,
        now: Time,
    ) -> Result<Key, StoreError> {
        let key = Key {
            id: Uuid::now_v7(),
            subject: subject.id,
            name: text(name),
            role: subject.role,
            secret,
            target: None,
            created: now,
            last_used: None,
        };
        self.database.run(&insert(&key)).await?;
        Ok(key)
    }

    /// Whose key it is, if it is one, and whoever has it is enabled.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn holder(&self, secret: Digest) -> Result<Option<(Key, Subject)>, StoreError> {
        let mut work = self.database.reading().await?;
        let key = work.one::<Key>(select::<Key>().and_where(Expr::col(Keys::Secret).eq(val(secret)))).await?;
        let Some(key) = key else { return Ok(None) };
        let subject = select::<Subject>().and_where(Expr::col(Subjects::Id).eq(val(key.subject))).to_owned();
        let subject = work.one::<Subject>(&subject).await?.filter(Subject::is_active);
        Ok(subject.map(|subject| (key, subject)))
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn used(&self, key: &Key, now: Time) -> Result<(), StoreError> {
        if !is_to_be_noted(key.last_used, now) {
            return Ok(());
        }
        let mut used = update::<Key>();
        used.value(Keys::LastUsed, val(now)).and_where(Expr::col(Keys::Id).eq(val(key.id)));
        self.database.run(&used).await.map(drop)
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        self.database
            .all(select::<Key>().order_by(Keys::Name, Order::Asc).order_by(Keys::Id, Order::Asc))
            .await
    }

    /// A key.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn key(&self, id: Uuid) -> Result<Option<Key>, StoreError> {
        self.database.one(select::<Key>().and_where(Expr::col(Keys::Id).eq(val(id)))).await
    }

    /// Deletes a key, and the subject that is nothing but this key. Gives it, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn delete_key(&self, id: Uuid, now: Time) -> Result<Option<Key>, StoreError> {
        let mut work = self.database.writing().await?;
        let mut gone = delete::<Key>();
        gone.and_where(Expr::col(Keys::Id).eq(val(id))).returning(changed::<Key>());
        let gone = work.change_one::<Key>(&gone).await?;
        if let Some(key) = &gone {
            delete_subject_of(&mut work, key, now).await?;
        }
        work.commit().await?;
        Ok(gone)
    }
}

/// Deletes the subject that is nothing but this key: both have one id.
pub(super) async fn delete_subject_of(work: &mut Work, key: &Key, now: Time) -> Result<(), StoreError> {
    let mut subject = update::<Subject>();
    subject.value(Subjects::Deleted, val(now)).and_where(Expr::col(Subjects::Id).eq(val(key.id)));
    subject.and_where(Expr::col(Subjects::Deleted).is_null());
    work.run(&subject).await.map(drop)
}

/// Adds a key that is a subject of its own.
pub(super) async fn add_api_key(
    work: &mut Work,
    name: &str,
    role: Role,
    secret: Digest,
    target: Option<Uuid>,
    now: Time,
) -> Result<Key, StoreError> {
    let kind = SubjectType::ApiKey;
    let subject = NewSubject { kind, name: text(name), full_name: None, role, password: None };
    let subject = Subject::new(subject, now);
    let id = subject.id;
    let key = Key { id, subject: id, name: text(name), role, secret, target, created: now, last_used: None };
    add(work, &subject).await?;
    work.run(&insert(&key)).await?;
    Ok(key)
}
