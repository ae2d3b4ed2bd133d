//! One recording on its way to the server, or one login that has none.
//!
//! *Invariants*: what a recording says is believed only where its place agrees; who is recorded as which account is the
//! kernel's word. What has ended is known before its bytes are counted, so that all of it is sent.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use casemate_audit_log::Time;
use casemate_client::ingest::{CLAIMS_FACT, NewConnection, NewEvent};
use casemate_client::{Client, ClientError, Facts, NoFacts, Upload};
use casemate_host::kept::{Place, Shelves, State};
use casemate_host::login::{KnownBy, Login};
use casemate_host::{Places, Registry, logins, now_us};
use uuid::Uuid;

use crate::close::Closing;
use crate::logins::{Ended, booted_us, over_by};
use crate::queue::Again;
use crate::roll::{Entered, Roll};

/// A login without a recording says so often that it is there, and hears whether it is to end, while nobody says it for it.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// When a login has ended, the host log says so before.
const SAID: Duration = Duration::from_secs(2);

/// Why a login ended of which nobody has said so.
const NOBODY_SAID: &str =
    "the login had ended by then; when is not known, for its process was killed or the host stopped";

/// What is recorded within this time is sent at once.
const TOGETHER: Duration = Duration::from_millis(100);

/// A recording that has just been begun has a header so much later.
const SOON: Duration = Duration::from_millis(100);

/// The host, as all jobs know it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) places: Places,
    pub(crate) registry: Registry,
    /// How it is called.
    pub(crate) target: String,
    /// Where that is known from.
    pub(crate) target_known_by: &'static str,
    /// Who goes on.
    pub(crate) roll: Roll,
}

/// Something to carry.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    /// It goes on, or did when it was last looked at.
    pub(crate) is_live: bool,
    what: What,
    /// What is to be told of the connection.
    events: Vec<NewEvent>,
    /// The server knows that somebody is at it.
    is_attached: bool,
    spoken: Instant,
    closing: Option<Closing>,
    /// How often in a row it could not be gone on with.
    failures: u32,
}

#[derive(Debug)]
enum What {
    Recording {
        shelves: Arc<Shelves>,
        place: Place,
        begun: Option<Begun>,
    },
    Login {
        login: Login,
        ended: Ended,
        /// The server knows it.
        entered: Option<Entered>,
        /// Its process is gone; nobody has said that it ended.
        gone: Option<Instant>,
    },
}

/// An upload that goes on.
#[derive(Debug)]
struct Begun {
    upload: Upload,
    file: File,
    entered: Entered,
}

/// How it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// All of it is on the server.
    Done,
    Again(Again),
}

/// Why it does not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stuck {
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error(transparent)]
    NoFacts(#[from] NoFacts),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error("`{0}` says that it is of another session")]
    Other(String),
}

/// Whom it concerns that it does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// All: the server is away, or does not know us.
    All,
    /// This one, for now. If it is so with several, it is so with all.
    Now,
    /// This one, until somebody puts it right.
    This,
}

impl Stuck {
    /// Whom it concerns.
    pub(crate) fn concern(&self) -> Concern {
        match self {
            Self::Server(
                ClientError::Refused { status: 401, .. }
                | ClientError::NoAnswer { .. }
                | ClientError::Unreachable { .. },
            ) => Concern::All,
            Self::Server(error) if error.is_temporary() => Concern::Now,
            Self::Server(_) | Self::NoFacts(_) | Self::File(_) | Self::Other(_) => Concern::This,
        }
    }
}

impl Job {
    pub(crate) fn recording(id: Uuid, shelves: Arc<Shelves>, place: Place, is_live: bool) -> Self {
        Self::new(id, What::Recording { shelves, place, begun: None }, is_live)
    }

    pub(crate) fn login(id: Uuid, login: Login, ended: Ended) -> Self {
        Self::new(id, What::Login { login, ended, entered: None, gone: None }, true)
    }

    fn new(id: Uuid, what: What, is_live: bool) -> Self {
        let spoken = Instant::now();
        let (events, closing) = (Vec::new(), None);
        Self { id, is_live, what, events, is_attached: false, spoken, closing, failures: 0 }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        match &self.what {
            What::Recording { shelves, place, .. } => shelves.path(place).display().to_string(),
            What::Login { login, .. } => format!("the login {} of `{}`", login.id, login.account),
        }
    }

    /// The logins that its recording names.
    pub(crate) fn logins(&self) -> Vec<Uuid> {
        match &self.what {
            What::Recording { shelves, place, .. } => {
                facts(shelves, place).map_or_else(|_| Vec::new(), |facts| named_logins(&facts))
            }
            What::Login { .. } => Vec::new(),
        }
    }

    /// When the server last heard of it.
    pub(crate) fn spoken(&self) -> Instant {
        self.spoken
    }

    /// It could not be gone on with; gives how often that was so by now.
    pub(crate) fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// It goes on; gives whether it did not before.
    pub(crate) fn recover(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0
    }

    /// It is not gone on with for a while: nothing is kept open.
    pub(crate) fn rest(&mut self) {
        if let What::Recording { begun, .. } = &mut self.what {
            *begun = None;
        }
    }

    /// Carries on.
    pub(crate) fn step(&mut self, host: &Host) -> Result<Step, Stuck> {
        let step = match &self.what {
            What::Recording { .. } => self.carry_recording(host),
            What::Login { .. } => self.carry_login(host),
        };
        match step {
            // It was deleted on the server: there it is to stay so.
            Err(Stuck::Server(ClientError::Refused { status: 410, .. })) => Ok(Step::Done),
            step => step,
        }
    }

    fn carry_recording(&mut self, host: &Host) -> Result<Step, Stuck> {
        let What::Recording { shelves, place, begun } = &mut self.what else { return Ok(Step::Done) };
        let closed = begun.as_ref().and_then(|begun| begun.entered.closed());
        self.closing = self.closing.take().or(closed.map(Closing::new));
        let rest = begun.as_ref().map_or(Duration::ZERO, |begun| begun.upload.rest());
        if !rest.is_zero() && self.closing.is_none() && self.events.is_empty() {
            // Another one has grown, and all that are carried were woken.
            let due = Instant::now() + rest;
            return Ok(Step::Again(Again { due, not_before: self.spoken + TOGETHER }));
        }
        let file = match begun {
            Some(begun) => begun.file.try_clone()?,
            None => shelves.open(place)?,
        };
        let state = shelves.state(&host.registry, &place.session, &file)?;
        let is_over = state != State::Running;
        let begun = match begun {
            Some(begun) => begun,
            none => {
                let facts = match facts(shelves, place) {
                    // It is just being begun.
                    Err(Stuck::NoFacts(NoFacts::NoRecording(_))) if !is_over => {
                        self.is_live = true;
                        return Ok(Step::Again(at(Instant::now() + SOON)));
                    }
                    facts => facts?,
                };
                let path = shelves.path(place);
                let mut upload = Upload::of(&host.client, self.id, shelves.open(place)?, &path);
                let connection = connection(facts, place);
                upload.begin(&connection)?;
                if !is_over {
                    self.is_attached = true;
                    let start = connection.started_at;
                    self.events.push(NewEvent::once(self.id, "ClientConnect", start, None));
                }
                self.spoken = Instant::now();
                none.insert(Begun { upload, file, entered: host.roll.enter(self.id) })
            }
        };
        self.is_live |= !is_over;
        if is_over && std::mem::take(&mut self.is_attached) {
            let now = Time::now();
            let reason = match state {
                State::Broken => "the recording has no end: its recorder was killed, or the host stopped",
                State::Ended | State::Running => "the session ended",
            };
            self.events.push(NewEvent::once(self.id, "ClientDisconnect", now, None));
            self.events.push(NewEvent::once(self.id, "Closed", now, Some(reason.into())));
        }
        let close = tell(&host.client, self.id, &mut self.events)?;
        self.closing = self.closing.take().or(close);
        let upload = &mut begun.upload;
        if begun.entered.is_spoken_for() {
            upload.spoken_for();
        }
        if is_over || upload.rest().is_zero() {
            let sent = upload.send(is_over)?;
            self.spoken = Instant::now();
            self.closing = self.closing.take().or(sent.close.map(Closing::new));
        }
        if upload.is_complete() {
            return Ok(Step::Done);
        }
        let rest = upload.rest();
        if let Some(closing) = self.closing.as_mut().filter(|_| !is_over) {
            closing.session(&host.places, &host.registry, &place.session);
        }
        if is_over {
            return Ok(Step::Again(at(Instant::now())));
        }
        let not_before = self.spoken + TOGETHER;
        let due = not_before.max(Instant::now() + rest);
        Ok(Step::Again(Again { due: self.sooner(due), not_before }))
    }

    fn carry_login(&mut self, host: &Host) -> Result<Step, Stuck> {
        let What::Login { login, ended, entered, gone } = &mut self.what else { return Ok(Step::Done) };
        let id = self.id;
        if entered.is_none() {
            match host.client.renew(id) {
                Err(ClientError::Refused { status: 404, .. }) => {
                    host.client.connect(id, &connection_of(host, login))?;
                }
                there => drop(there?),
            }
            let start = Time(i64::try_from(login.start_us).unwrap_or(0));
            self.events.push(NewEvent::once(id, "ClientConnect", start, None));
            self.spoken = Instant::now();
        }
        let entered = entered.get_or_insert_with(|| host.roll.enter(id));
        let end = match ended.load(Ordering::Relaxed) {
            0 if logins::holder_of(login).is_some() => None,
            0 if gone.get_or_insert_with(Instant::now).elapsed() < SAID => {
                return Ok(Step::Again(at(Instant::now() + SAID)));
            }
            0 => Some((over_by(login.start_us, booted_us().unwrap_or(0), now_us()), NOBODY_SAID)),
            end => Some((end, "the login ended")),
        };
        // If it could not be told at once, it is told as it was.
        if let Some((end, reason)) = end.filter(|_| self.events.iter().all(|event| event.kind != "Closed")) {
            let end = Time(i64::try_from(end).unwrap_or(0));
            self.events.push(NewEvent::once(id, "ClientDisconnect", end, None));
            self.events.push(NewEvent::once(id, "Closed", end, Some(reason.into())));
        }
        let mut close = tell(&host.client, id, &mut self.events)?;
        if end.is_some() {
            return Ok(Step::Done);
        }
        let is_spoken_for = entered.is_spoken_for();
        if is_spoken_for {
            close = close.or(entered.closed().map(Closing::new));
        } else if self.spoken.elapsed() >= HEARTBEAT {
            close = close.or(host.client.renew(id)?.map(Closing::new));
            self.spoken = Instant::now();
        }
        self.closing = self.closing.take().or(close);
        if let Some(closing) = &mut self.closing {
            closing.login(&host.places, login);
        }
        let now = Instant::now();
        let due = if is_spoken_for { now } else { self.spoken } + HEARTBEAT;
        Ok(Step::Again(Again { due: self.sooner(due), not_before: now + TOGETHER }))
    }

    /// Then, or when what is being ended is to be looked at.
    fn sooner(&self, due: Instant) -> Instant {
        self.closing.as_ref().map_or(due, |closing| closing.due().min(due))
    }
}

fn at(due: Instant) -> Again {
    Again { due, not_before: due }
}

/// Tells what happened to a connection, each once; what it gives is to be closed.
fn tell(client: &Client, id: Uuid, events: &mut Vec<NewEvent>) -> Result<Option<Closing>, ClientError> {
    let mut closing = None;
    while let Some(event) = events.first() {
        match client.event(id, event) {
            Ok(close) => closing = closing.or(close.map(Closing::new)),
            // What is told of a connection matters less than its recording.
            Err(error) if is_of_no_use(&error) => {}
            Err(error) => return Err(error),
        }
        events.remove(0);
    }
    Ok(closing)
}

/// Whether the server will never take an event, rather than us, or now.
fn is_of_no_use(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status: 400 | 404 | 409 | 422, .. })
}

/// What a recording says, if its place agrees.
pub(crate) fn facts(shelves: &Shelves, place: &Place) -> Result<Facts, Stuck> {
    let path = shelves.path(place).display().to_string();
    let facts = Facts::read(shelves.open(place)?, path.clone())?;
    let is_it = facts.session.as_ref().is_some_and(|session| session.session == place.session);
    if is_it { Ok(facts) } else { Err(Stuck::Other(path)) }
}

/// The logins within which a recording says to be.
pub(crate) fn named_logins(facts: &Facts) -> Vec<Uuid> {
    let Some(session) = &facts.session else { return Vec::new() };
    let id = |fact: &str| Uuid::parse_str(session.extra.get(fact)?.get("id")?.as_str()?).ok();
    ["login", "user_login"].into_iter().filter_map(id).collect()
}

/// The connection that a recording is of.
fn connection(mut facts: Facts, place: &Place) -> NewConnection {
    if let Some(session) = &mut facts.session {
        // What the environment says is nobody's word.
        session.extra.remove(CLAIMS_FACT);
    }
    NewConnection { target_user: place.account.clone(), ..NewConnection::of(&facts) }
}

/// The connection that a login is, of which there is no recording.
fn connection_of(host: &Host, login: &Login) -> NewConnection {
    let (user, known_by) = match &login.person {
        Some(person) => (person.name.clone(), person.known_by),
        None => (login.account.clone(), KnownBy::Login),
    };
    let known = [
        ("user", known_by.as_str()),
        ("target", host.target_known_by),
        ("target_user", KnownBy::Login.as_str()),
    ];
    NewConnection {
        target: Some(host.target.clone()),
        user,
        target_user: login.account.clone(),
        // No shell: what is only passed on.
        kind: "SSH",
        started_at: Time(i64::try_from(login.start_us).unwrap_or(0)),
        ip_address: login
            .client
            .as_ref()
            .filter(|client| client.parse::<std::net::IpAddr>().is_ok())
            .cloned(),
        known_by: known.into_iter().map(|(fact, by)| (fact.to_owned(), by.into())).collect(),
        input_recorded: None,
        recording: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Stuck {
        let (server, kind, message) = (String::new(), String::new(), String::new());
        ClientError::Refused { server, status, kind, message, offset: None }.into()
    }

    #[test]
    fn what_the_server_says_of_one_recording_concerns_no_other() {
        for (concern, statuses) in [
            (Concern::All, &[401][..]),
            (Concern::Now, &[408, 429, 500, 503, 507]),
            (Concern::This, &[400, 403, 404, 409, 410, 413, 422]),
        ] {
            for status in statuses {
                assert_eq!(refused(*status).concern(), concern, "{status}");
            }
        }
        let is_dropped = |status| matches!(refused(status), Stuck::Server(error) if is_of_no_use(&error));
        assert_eq!([401, 403, 429, 503].map(is_dropped), [false; 4], "what happened is told later");
        assert_eq!([400, 404, 409, 422].map(is_dropped), [true; 4]);
        let (server, reason) = (String::new(), String::new());
        assert_eq!(Stuck::from(ClientError::Unreachable { server, reason }).concern(), Concern::All);
        assert_eq!(Stuck::Other(String::new()).concern(), Concern::This);
    }
}
