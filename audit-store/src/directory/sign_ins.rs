//! Who has signed in, and one-time links. Of cookies and links the SHA-256 is kept.

use casemate_audit_log::Time;
use casemate_audit_log::model::{Role, SubjectType};
use sea_query::{Expr, ExprTrait as _};
use uuid::Uuid;

use super::subjects::{
    NewSubject, Subject, SubjectChange, Subjects, add, change_subject, has_administrator, living,
};
use super::{Directory, Organization, Organizations};
use crate::database::Work;
use crate::error::StoreError;
use crate::record::{Digest, changed, delete, insert, record, select, texts, update, val};

record! {
    /// Somebody who has signed in, in one browser.
    SignIn of SignIns {
        /// By what the browser is known.
        cookie: Digest = Cookie,
        /// Who.
        subject: Uuid = Subject,
        /// What comes with every request that changes something.
        csrf: String = Csrf,
        /// Since when.
        created: Time = Created,
        /// Until when.
        expires: Time = Expires,
    }
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To become the first administrator.
    Administrator,
    /// To set a password.
    Password,
}

record! {
    /// A link that can be used once.
    Link of Links {
        /// By what it is known.
        link: Digest = Link,
        /// What it is for.
        purpose: Purpose = Purpose,
        /// Whose password it is for.
        subject: Option<Uuid> = Subject,
        /// Since when there is it.
        created: Time = Created,
        /// Until when.
        expires: Time = Expires,
    }
}

impl Purpose {
    /// How it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::Password => "Password",
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Purpose {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Administrator, Self::Password].into_iter().find(|known| known.name() == text);
        known.ok_or("it is no purpose of a link")
    }
}

texts! { Purpose }

/// What somebody says who uses a link.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The hash of the new password (PHC).
    pub password: String,
    /// The name of the first administrator; others have one.
    pub name: Option<String>,
    /// What it is called.
    pub full_name: Option<String>,
}

impl Directory {
    /// Keeps that somebody has signed in.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sign_in(&self, sign_in: &SignIn) -> Result<(), StoreError> {
        self.database.run(&insert(sign_in)).await.map(drop)
    }

    /// Who has signed in there, if it is still so, and they are enabled.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn signed_in(
        &self,
        cookie: Digest,
        now: Time,
    ) -> Result<Option<(SignIn, Subject)>, StoreError> {
        let mut work = self.database.reading().await?;
        let mut sign_in = select::<SignIn>();
        sign_in.and_where(Expr::col(SignIns::Cookie).eq(val(cookie)));
        sign_in.and_where(Expr::col(SignIns::Expires).gt(val(now)));
        let Some(sign_in) = work.one::<SignIn>(&sign_in).await? else { return Ok(None) };
        let subject =
            select::<Subject>().and_where(Expr::col(Subjects::Id).eq(val(sign_in.subject))).to_owned();
        let subject = work.one::<Subject>(&subject).await?.filter(Subject::is_active);
        Ok(subject.map(|subject| (sign_in, subject)))
    }

    /// Ends a sign-in; says whether there was it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sign_out(&self, cookie: Digest) -> Result<bool, StoreError> {
        let gone = delete::<SignIn>().and_where(Expr::col(SignIns::Cookie).eq(val(cookie))).to_owned();
        Ok(self.database.run(&gone).await? > 0)
    }

    /// Keeps a link.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_link(&self, link: &Link) -> Result<(), StoreError> {
        self.database.run(&insert(link)).await.map(drop)
    }

    /// A link that can be used.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn link(&self, link: Digest, now: Time) -> Result<Option<Link>, StoreError> {
        let mut select = select::<Link>();
        select.and_where(Expr::col(Links::Link).eq(val(link)));
        self.database.one(select.and_where(Expr::col(Links::Expires).gt(val(now)))).await
    }

    /// Uses a link, and does what it is for. Nothing where it cannot be used: it has been already, its time is over, or there
    /// is an administrator or no such person any more. Where it fails the link can be used again.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn set_up(&self, link: Digest, said: SetUp, now: Time) -> Result<Option<Subject>, StoreError> {
        let mut work = self.database.writing().await?;
        let Some(link) = take(&mut work, link, now).await? else { return Ok(None) };
        let done = match link.purpose {
            Purpose::Administrator => {
                // One at a time: whoever is second waits here, and finds an administrator.
                let same = Expr::col(Organizations::Number);
                work.run(update::<Organization>().value(Organizations::Number, same)).await?;
                if has_administrator(&mut work).await? {
                    None
                } else {
                    first_administrator(&mut work, said, now).await?
                }
            }
            Purpose::Password => {
                let Some(subject) = link.subject else { return Ok(None) };
                let is = select::<Subject>().and_where(Expr::col(Subjects::Id).eq(val(subject))).to_owned();
                if !work.one::<Subject>(&is).await?.is_some_and(|subject| subject.is_active()) {
                    return Ok(None);
                }
                // Whoever has another one has it no more.
                let others =
                    delete::<Link>().and_where(Expr::col(Links::Subject).eq(val(subject))).to_owned();
                work.run(&others).await?;
                let (password, full_name) = (Some(said.password), said.full_name);
                let change = SubjectChange { password, full_name, ..SubjectChange::default() };
                change_subject(&mut work, subject, change).await?
            }
        };
        work.commit().await?;
        Ok(done)
    }

    /// Forgets sign-ins and links whose time is over.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn forget_expired(&self, now: Time) -> Result<u64, StoreError> {
        let mut work = self.database.writing().await?;
        let sign_ins = delete::<SignIn>().and_where(Expr::col(SignIns::Expires).lte(val(now))).to_owned();
        let links = delete::<Link>().and_where(Expr::col(Links::Expires).lte(val(now))).to_owned();
        let forgotten = work.run(&sign_ins).await? + work.run(&links).await?;
        work.commit().await?;
        Ok(forgotten)
    }
}

/// Takes a link: of several who try, one gets it.
async fn take(work: &mut Work, link: Digest, now: Time) -> Result<Option<Link>, StoreError> {
    let mut take = delete::<Link>();
    take.and_where(Expr::col(Links::Link).eq(val(link)));
    take.and_where(Expr::col(Links::Expires).gt(val(now))).returning(changed::<Link>());
    work.change_one(&take).await
}

/// Somebody new, or a person of that name who is there already.
async fn first_administrator(work: &mut Work, said: SetUp, now: Time) -> Result<Option<Subject>, StoreError> {
    let kind = SubjectType::User;
    let name = said.name.unwrap_or_else(|| "admin".into());
    let (role, password, full_name) = (Role::Administrator, Some(said.password), said.full_name);
    if let Some(there) = work.one::<Subject>(&living(kind, &name)).await? {
        let is_enabled = Some(true);
        let change = SubjectChange { full_name, role: Some(role), password, is_enabled };
        return change_subject(work, there.id, change).await;
    }
    let subject = Subject::new(NewSubject { kind, name, full_name, role, password }, now);
    add(work, &subject).await?;
    Ok(Some(subject))
}
