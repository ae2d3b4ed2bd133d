//! What everything of the server hangs on.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use casemate_audit_log::Time;
use casemate_audit_log::model::{Event, Role, Subject as Snapshot};
use casemate_audit_store::directory::{Organization, Subject};
use casemate_audit_store::{
    Batch, Connections, Database, Digest, Directory, Journal, Recordings, Step, StoreError,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::export::progress::Exports;
use crate::config::Config;
use crate::error::ApiError;
use crate::film::Making;
use crate::node::Node;
use crate::secrets::digest;
use crate::sessions::Sessions;
use crate::who::attempts::Attempts;
use crate::who::ticket::Tickets;
use crate::who::{Action, Caller, Reach};

/// A handle to all of it.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// All of it.
#[derive(Debug)]
pub struct Parts {
    /// How it is to be.
    pub config: Config,
    /// How others reach it: what links begin with.
    pub address: String,
    /// Who it is.
    pub node: Node,
    /// Whose it is.
    pub organization: Organization,
    /// Where logs are.
    pub database: Database,
    /// The way into them.
    pub journal: Journal,
    /// Who and what there is.
    pub directory: Directory,
    /// Connections.
    pub connections: Connections,
    /// Recordings.
    pub recordings: Recordings,
    /// Those that are arriving.
    pub sessions: Sessions,
    /// Films of them that are being made.
    pub films: Making,
    /// That somebody was let through to something.
    pub tickets: Tickets,
    /// Exports that are made.
    pub exports: Exports,
    /// Who has tried a wrong password.
    pub attempts: Mutex<Attempts>,
    /// From where those call whom nobody knows.
    pub unknown: Mutex<Attempts>,
    /// Wakes those who wait for somebody to close a connection; true once the server ends.
    pub bell: watch::Sender<bool>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Of its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Writes events; returns when they are on the disk.
    ///
    /// # Errors
    /// They cannot be kept.
    pub async fn write(&self, events: Vec<Event>) -> Result<(), ApiError> {
        self.journal.write(Batch { events, ..Batch::default() }).await?;
        Ok(())
    }

    /// Makes what is to be made once, with what is said of it.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn make(&self, steps: Vec<Step>) -> Result<(), ApiError> {
        if !steps.is_empty() {
            self.journal.write(Batch { steps, ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// Counts an attempt with a password; says how long to wait where there were too many.
    ///
    /// # Errors
    /// There were too many.
    pub fn attempt(&self, who: &[(String, u32)]) -> Result<(), ApiError> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.take(who, std::time::Instant::now()).map_err(too_many)
    }

    /// Counts a call of which nobody knows who makes it: each is a row in a log. Those that sign in are counted for themselves.
    ///
    /// # Errors
    /// There were too many from there.
    pub fn unknown_call(&self, address: IpAddr, signs_in: bool) -> Result<(), ApiError> {
        let what = if signs_in { "sign-ins" } else { "calls" };
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.take(&[(format!("{what} {address}"), 1)], std::time::Instant::now()).map_err(too_many)
    }

    /// It was the right password.
    pub fn forget_attempts(&self, who: &str) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).forget(who);
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn key_caller(&self, secret: &str, address: IpAddr) -> Result<Option<Caller>, ApiError> {
        let Some((key, subject)) = self.directory.holder(Digest(digest(secret))).await? else {
            return Ok(None);
        };
        self.directory.used(&key, Time::now()).await?;
        let mut caller = caller(&subject, subject.role, address);
        (caller.target, caller.key) = (key.target, Some(Digest(digest(secret))));
        Ok(Some(caller))
    }

    /// Who has signed in with this cookie.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn cookie_caller(&self, secret: &str, address: IpAddr) -> Result<Option<Caller>, ApiError> {
        let (cookie, now) = (Digest(digest(secret)), Time::now());
        let Some((sign_in, subject)) = self.directory.signed_in(cookie, now).await? else { return Ok(None) };
        self.directory.seen(&subject, now).await?;
        let mut caller = caller(&subject, subject.role, address);
        (caller.csrf, caller.sign_in) = (Some(sign_in.csrf), Some(cookie));
        Ok(Some(caller))
    }
}

impl App {
    /// Whether somebody who was let through may still go on: what takes long asks again and again.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn is_still(&self, caller: &Caller, action: Action) -> Result<bool, StoreError> {
        let subject = match (caller.key, caller.sign_in) {
            (Some(key), _) => self.directory.holder(key).await?.map(|(_, subject)| subject),
            (None, Some(cookie)) => self.directory.signed_in(cookie, Time::now()).await?.map(|(_, who)| who),
            (None, None) => None,
        };
        Ok(subject.is_some_and(|subject| action.reach(subject.role) == caller.reach))
    }
}

fn too_many(wait: std::time::Duration) -> ApiError {
    let seconds = wait.as_secs() + 1;
    let message = format!("too many attempts: try again in {seconds} seconds");
    ApiError::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
        .with_header("retry-after", seconds.to_string())
}

/// Somebody as he calls, before he is let through to anything.
fn caller(subject: &Subject, role: Role, address: IpAddr) -> Caller {
    Caller {
        subject: snapshot(subject, role, Some(address)),
        id: subject.id,
        role,
        target: None,
        csrf: None,
        key: None,
        sign_in: None,
        reach: Reach::Nothing,
    }
}

/// Somebody as the logs keep it.
#[must_use]
pub fn snapshot(subject: &Subject, role: Role, address: Option<IpAddr>) -> Snapshot {
    Snapshot {
        subject_id: subject.id.to_string(),
        subject_type: subject.kind,
        subject_name: subject.name.clone(),
        is_admin: role == Role::Administrator,
        ip_address: address.map(|address| address.to_string()),
    }
}

/// The id that a text is.
///
/// # Errors
/// It is none.
pub fn id(what: &str, text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(what))
}
