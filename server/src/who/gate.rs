//! The gate: each call of the API goes through it.
//!
//! *Invariants*: a call that is answered has a user event on the disk, allowed or refused, unless nobody knows who calls and
//! there were too many such calls, or another web site made somebody's browser call; one for which no handler asked ([`Gate::pass`]) is written down as refused. A sign-in by cookie changes nothing without the token that other sites do
//! not have.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::filter::{Filter, Without};
use casemate_audit_log::model::{Event, NO_ID, NONE, Role, Subject, SubjectEvent, SubjectType};
use casemate_audit_store::Digest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::action::{Action, Reach};
use super::ticket::Seen;
use crate::app::App;
use crate::door::network;
use crate::error::ApiError;
use crate::pages::{SET_UP, SIGN_IN};
use crate::secrets::digest;

/// The cookie of somebody who has signed in.
pub const COOKIE: &str = "casemate_session";

/// The header that only our own pages know what to write into.
pub const CSRF: &str = "x-csrf-token";

/// Where whoever has not signed in yet has to say something.
const PUBLIC: [&str; 4] = ["/api/v2/sign-in", "/api/v2/set-up", SIGN_IN, SET_UP];

/// Why somebody is refused what he may only do to his own: it does not say whether there is such a thing.
const NOT_HIS: &str = "there is none of his";

/// What is noted of a text that somebody sent.
const NOTED: usize = 500;

/// What is noted of all that somebody sent with one call, in bytes of JSON.
const NOTED_IN_ALL: usize = 4096;

/// What pages are made of, under `/admin`: nothing that a link leads to.
const PARTS: [&str; 5] = ["/live", "/film", "/found", "/values", "/still.svg"];

/// The header of a key.
const KEY: &str = "x-api-key";

/// Somebody, and what he may.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub subject: Subject,
    /// His id.
    pub id: Uuid,
    /// What he is.
    pub role: Role,
    /// The target that a key is bound to.
    pub target: Option<Uuid>,
    /// The token of the sign-in, where there is one.
    pub csrf: Option<String>,
    /// The digest of the key, where there is one.
    pub key: Option<Digest>,
    /// The cookie's digest, where there is one.
    pub sign_in: Option<Digest>,
    /// How far what he was let through for reaches.
    pub reach: Reach,
}

/// A call at the gate.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What everything is kept in.
    pub app: App,
    call: Arc<Call>,
}

#[derive(Debug)]
struct Call {
    who: Option<Caller>,
    address: IpAddr,
    /// It is by cookie, changes something, and does not know the token.
    is_forged: AtomicBool,
    is_written: AtomicBool,
}

impl Gate {
    /// Lets the caller through to a resource, or not; either is written down before this returns.
    ///
    /// # Errors
    /// He may not, or nobody knows who he is.
    pub async fn pass(&self, action: Action, resource: &str, context: Value) -> Result<Caller, ApiError> {
        self.pass_as_part(action, resource, |_| false, context).await
    }

    /// As [`pass`](Self::pass); where it is an agent's own, nothing is written down: for the bytes of what was written down
    /// when it began.
    ///
    /// # Errors
    /// He may not, or nobody knows who he is.
    pub async fn pass_again(&self, action: Action, resource: &str) -> Result<Caller, ApiError> {
        let passed = self.judge(action);
        // An administrator is at somebody else's.
        if passed.as_ref().is_ok_and(|caller| caller.reach == Reach::All) || passed.is_err() {
            self.note(action.name(), resource, passed.is_ok(), json!({})).await?;
        }
        self.call.is_written.store(true, Ordering::Relaxed);
        passed
    }

    /// As [`pass`](Self::pass); where he has a ticket for the thing, he was written down when he got it, and now only if he may
    /// no more.
    ///
    /// # Errors
    /// He may not, or nobody knows who he is.
    pub async fn pass_with(
        &self,
        action: Action,
        resource: &str,
        ticket: Option<(Seen, &str)>,
        context: Value,
    ) -> Result<Caller, ApiError> {
        let holds = |caller: &Caller| {
            ticket.is_some_and(|(what, ticket)| self.app.tickets.holds(ticket, caller.id, what, Time::now()))
        };
        self.pass_as_part(action, resource, holds, context).await
    }

    /// As [`pass`](Self::pass); what is a part of something that was written down is not written down again.
    ///
    /// # Errors
    /// He may not, or nobody knows who he is.
    pub async fn pass_as_part(
        &self,
        action: Action,
        resource: &str,
        is_part: impl FnOnce(&Caller) -> bool,
        mut context: Value,
    ) -> Result<Caller, ApiError> {
        let mut passed = self.judge(action);
        if let Ok(caller) = &passed
            && let Err(error) = self.only_his(caller, action, resource).await?
        {
            context["reason"] = NOT_HIS.into();
            passed = Err(error);
        }
        if !passed.as_ref().is_ok_and(is_part) {
            self.note(action.name(), resource, passed.is_ok(), context).await?;
        }
        self.call.is_written.store(true, Ordering::Relaxed);
        passed
    }

    /// Says that what he was let through for is none of his after all.
    ///
    /// # Errors
    /// It cannot be written down.
    pub async fn refuse(&self, action: Action, resource: &str, reason: &str) -> Result<ApiError, ApiError> {
        self.note(action.name(), resource, false, json!({ "reason": reason })).await?;
        Ok(ApiError::forbidden(reason))
    }

    /// Whether a session is his, if it has to be. Who is refused is not told that there is such a thing: neither by the answer
    /// nor by what is written down.
    async fn only_his(
        &self,
        caller: &Caller,
        action: Action,
        resource: &str,
    ) -> Result<Result<(), ApiError>, ApiError> {
        let Some(what) = action.of_a_session().filter(|_| caller.reach == Reach::Own) else {
            return Ok(Ok(()));
        };
        let Ok(id) = Uuid::parse_str(resource) else { return Ok(Ok(())) };
        let found = self.app.connections.get(id).await?;
        let is_his = found.is_some_and(|connection| caller.reaches(&connection.subject_id));
        Ok(if is_his { Ok(()) } else { Err(ApiError::not_found(what)) })
    }

    fn judge(&self, action: Action) -> Result<Caller, ApiError> {
        let caller = self.call.who.clone().ok_or_else(ApiError::unauthenticated)?;
        if self.call.is_forged.load(Ordering::Relaxed) {
            return Err(ApiError::forbidden("send the token of your sign-in as `X-CSRF-Token`"));
        }
        match action.reach(caller.role) {
            Reach::Target if caller.target.is_none() => {
                Err(ApiError::forbidden("an agent is of one target, and this key is of none"))
            }
            Reach::Nothing => {
                let role = caller.role.name();
                Err(ApiError::forbidden(format!("`{}` is not for the role {role}", action.name())))
            }
            reach @ (Reach::All | Reach::Own | Reach::Target) => Ok(Caller { reach, ..caller }),
        }
    }

    /// Writes down who called.
    async fn note(&self, action: &str, resource: &str, may: bool, context: Value) -> Result<(), ApiError> {
        let who = self.call.who.as_ref().map(|caller| caller.subject.clone());
        self.note_of(who, action, resource, may, context).await
    }

    /// Writes down what somebody did who is only known by now, or is said to be.
    ///
    /// # Errors
    /// It cannot be written down.
    pub async fn note_of(
        &self,
        subject: Option<Subject>,
        action: &str,
        resource: &str,
        may: bool,
        context: Value,
    ) -> Result<(), ApiError> {
        self.call.is_written.store(true, Ordering::Relaxed);
        let subject = subject.unwrap_or_else(|| nobody(self.call.address));
        self.app.note(subject, action, resource, may, context).await
    }

    /// Takes the token of the sign-in from a form, where no header has it.
    pub fn prove(&self, token: &str) {
        let wanted = self.call.who.as_ref().and_then(|caller| caller.csrf.as_deref());
        if same(token, wanted) {
            self.call.is_forged.store(false, Ordering::Relaxed);
        }
    }

    /// Says that this is for everybody, and tells nobody anything.
    pub fn is_public(&self) {
        self.call.is_written.store(true, Ordering::Relaxed);
    }

    /// Who calls, if that is known; what he may is another question.
    #[must_use]
    pub fn who(&self) -> Option<&Caller> {
        self.call.who.as_ref()
    }

    /// From where the call is.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.call.address
    }
}

impl Caller {
    /// Narrows a question to what may be known; nothing where nothing of it may.
    #[must_use]
    pub fn narrow(&self, mut filter: Filter) -> Option<Filter> {
        if self.reach != Reach::All {
            let own = &self.subject.subject_id;
            if !filter.subject_ids.is_empty() && !filter.subject_ids.contains(own) {
                return None;
            }
            filter.subject_ids = [own.clone()].into();
        }
        Some(filter)
    }

    /// What he has merely looked at.
    #[must_use]
    pub fn looks(&self) -> Without {
        let actions = Action::ALL.iter().filter(|action| action.is_a_look());
        Without {
            subject_id: self.subject.subject_id.clone(),
            actions: actions.map(|action| action.name().to_owned()).collect(),
        }
    }

    /// Whether something of a subject is within reach.
    #[must_use]
    pub fn reaches(&self, subject_id: &str) -> bool {
        self.reach == Reach::All || self.reach == Reach::Own && self.subject.subject_id == subject_id
    }

    /// Whether something of a target is within reach.
    #[must_use]
    pub fn reaches_target(&self, target: Uuid) -> bool {
        self.reach == Reach::All || self.reach == Reach::Target && self.target == Some(target)
    }
}

fn nobody(address: IpAddr) -> Subject {
    Subject {
        subject_id: NO_ID.into(),
        subject_type: SubjectType::User,
        subject_name: NONE.into(),
        is_admin: false,
        ip_address: Some(address.to_string()),
    }
}

impl App {
    /// Writes a user event; returns when it is on the disk.
    async fn note(
        &self,
        subject: Subject,
        action: &str,
        resource: &str,
        may: bool,
        context: Value,
    ) -> Result<(), ApiError> {
        let event = SubjectEvent {
            id: Uuid::now_v7().to_string(),
            organization_id: self.organization.id.to_string(),
            timestamp: Time::now(),
            subject,
            service_action: action.to_owned(),
            // However an id was written: who asks for it finds all calls.
            resource: Uuid::parse_str(resource).map_or_else(|_| cut(resource), |id| id.to_string()),
            evaluation: may,
            context: cut_all(context, &mut NOTED_IN_ALL.clone()).to_string(),
        };
        self.write(vec![Event::Subject(Box::new(event))]).await
    }
}

impl FromRequestParts<App> for Gate {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let call = parts.extensions.get::<Arc<Call>>().cloned().ok_or_else(ApiError::unauthenticated)?;
        Ok(Self { app: app.clone(), call })
    }
}

/// Finds out who calls, and sees to it that the call is written down.
pub async fn stand_at_the_gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let address = from_where(peer, request.headers(), &app.config.proxies);
    let who = match identify(&app, request.headers(), address).await {
        Ok(who) => who,
        Err(error) => return error.into_response(),
    };
    // It would be written down in his name that he has asked for it.
    if who.as_ref().is_some_and(|caller| caller.sign_in.is_some()) && is_lured(&request) {
        let message =
            "another web site has sent you here: open the pages of the server, and go on from there";
        return ApiError::forbidden(message).into_response();
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_public = PUBLIC.contains(&request.uri().path());
    // Those that are too many are no more rows: that there were as many as may be is in the log. Who signs in does not wait
    // for those who do not.
    if who.is_none()
        && let Err(error) = app.unknown_call(network(address), changes && is_public)
    {
        return error.into_response();
    }
    let token = request.headers().get(CSRF).and_then(|token| token.to_str().ok());
    let wanted = who.as_ref().and_then(|caller| caller.csrf.as_deref());
    let is_forged = changes && wanted.is_some() && !token.is_some_and(|token| same(token, wanted));
    let is_forged = AtomicBool::new(is_forged);
    let call = Arc::new(Call { who, address, is_forged, is_written: AtomicBool::new(false) });
    let resource = format!("{} {}", request.method(), request.uri().path());
    request.extensions_mut().insert(Arc::clone(&call));
    // Of somebody whom nobody knows nothing is read.
    let response = if call.who.is_none() && changes && !is_public {
        ApiError::unauthenticated().into_response()
    } else {
        next.run(request).await
    };
    if !call.is_written.load(Ordering::Relaxed) {
        let gate = Gate { app, call };
        let context = json!({ "status": response.status().as_u16() });
        if let Err(error) = gate.note("api:call", &resource, false, context).await {
            return error.into_response();
        }
    }
    response
}

/// A text as it is noted.
fn cut(text: &str) -> String {
    match text.char_indices().nth(NOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What somebody sent, as it is noted: no text of it is longer than that, and all of it takes no more than is left.
fn cut_all(value: Value, left: &mut usize) -> Value {
    match value {
        Value::String(text) => fit(&text, left).into(),
        Value::Array(values) => {
            let mut noted = Vec::new();
            for value in values {
                if *left == 0 {
                    break;
                }
                noted.push(cut_all(value, left));
            }
            noted.into()
        }
        Value::Object(fields) => {
            let mut noted = serde_json::Map::new();
            for (name, value) in fields {
                if *left == 0 {
                    break;
                }
                let name = fit(&name, left);
                noted.insert(name, cut_all(value, left));
            }
            noted.into()
        }
        value @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
            *left = left.saturating_sub(value.to_string().len() + 1);
            value
        }
    }
}

/// A text as it is noted, if there is room for it: in JSON a character takes up to six bytes.
fn fit(text: &str, left: &mut usize) -> String {
    let text = cut(text);
    let size = json!(text).to_string().len() + 1;
    if size > *left {
        *left = 0;
        return "…".to_owned();
    }
    *left -= size;
    text
}

/// Whether a page of another site made a browser call for what is none of our pages.
fn is_lured(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let path = request.uri().path();
    matches!(site, Some("cross-site" | "same-site"))
        && (path.starts_with("/api/") || PARTS.iter().any(|part| path.ends_with(part)))
}

/// Digests are compared: how long that takes says nothing of the token.
fn same(token: &str, wanted: Option<&str>) -> bool {
    wanted.is_some_and(|wanted| digest(token) == digest(wanted))
}

/// From where a call is: what the nearest proxy that is ours says, or whoever is at the other end.
fn from_where(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let said: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut address = peer.to_canonical();
    for said in said.into_iter().rev() {
        if !proxies.contains(&address) {
            break;
        }
        let Ok(said) = said.parse::<IpAddr>() else { break };
        address = IpAddr::to_canonical(&said);
    }
    address
}

async fn identify(app: &App, headers: &HeaderMap, address: IpAddr) -> Result<Option<Caller>, ApiError> {
    if let Some(secret) = headers.get(KEY).and_then(|key| key.to_str().ok()) {
        return app.key_caller(secret, address).await;
    }
    match cookie(headers, COOKIE) {
        Some(secret) => app.cookie_caller(secret, address).await,
        None => Ok(None),
    }
}

/// What a browser keeps under a name.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(there, _)| *there == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_of_a_call_has_a_limit() {
        let small = json!({ "a": ["b", 1, null], "c": { "d": "e" } });
        assert_eq!(cut_all(small.clone(), &mut NOTED_IN_ALL.clone()), small);
        let text = "\u{1}".repeat(600);
        let fields = |value: Value| -> Value {
            (0..600).map(|number| (format!("a{number}"), value.clone())).collect()
        };
        let lists = Value::from(vec![vec![Value::Null; 9]; 900]);
        for much in [vec![text.clone(); 600].into(), fields(json!(text)), fields(json!([1])), lists] {
            let noted = cut_all(much, &mut NOTED_IN_ALL.clone()).to_string();
            assert!(noted.len() < NOTED_IN_ALL * 2, "{} bytes", noted.len());
        }
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1, 203.0.113.9".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.2".parse().unwrap());
        assert_eq!(from_where(ip("192.0.2.1"), &headers, &[]), ip("192.0.2.1"));
        assert_eq!(from_where(ip("10.0.0.1"), &headers, &[ip("10.0.0.1")]), ip("10.0.0.2"));
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(from_where(ip("10.0.0.1"), &headers, &proxies), ip("203.0.113.9"));
        headers.append("x-forwarded-for", "nowhere".parse().unwrap());
        assert_eq!(from_where(ip("10.0.0.1"), &headers, &proxies), ip("10.0.0.1"));
    }
}
