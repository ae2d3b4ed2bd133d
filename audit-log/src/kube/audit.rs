//! `audit.k8s.io/v1`: an `Event`, or a list of them.
//!
//! Of each call one event is taken, the one that says how it ended: stage `ResponseComplete`, or `Panic` where the API
//! server failed. Calls that last (`exec`, `attach`, `portforward`, `proxy`, `log`, `watch`) are taken when they begin to
//! answer (`ResponseStarted`) as well, so that they are seen while they last; who groups them drops the second.
//!
//! What is unknown is passed over, and so is null. One bad event of a list does not take the others with it. What is too
//! long is cut, and ends with `…`: it stays in the log that somebody tried.
//!
//! *Which call it is* is told by all that stays the same while it goes on. The audit id alone does not tell: whoever calls may
//! choose it (`Audit-ID`), and would hide a call behind another that has the same.
//!
//! *Secrets*: `kubectl exec … --password=…` stands in the URL, in the API server's log and here. It is left as it is, for
//! what was run is what is logged; who may read the log may read it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::model::Call;
use crate::time::Time;

/// No list is longer: the API server sends 400 events at once, of at most 10 MiB if it is told to keep to that.
pub const MAX_LIST_BYTES: usize = 32 << 20;
/// No list has more events.
pub const MAX_LIST_EVENTS: usize = 10_000;
/// No event is longer: etcd takes objects of 1.5 MiB, and an event can have two.
pub const MAX_EVENT_BYTES: usize = 8 << 20;
/// What is kept of a path with its query.
pub const MAX_ENDPOINT: usize = 8 << 10;
/// What is kept of a command in a container: scripts are given as an argument.
pub const MAX_COMMAND: usize = 64 << 10;
/// What is kept of a name, and of a user agent.
pub const MAX_NAME: usize = 1 << 10;
/// How many groups of a user are kept.
pub const MAX_GROUPS: usize = 256;

const CALL: &[u8] = b"casemate kubernetes call v1\0";

/// One call of the Kubernetes API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeCall {
    /// SHA-256 of what is the same whenever this call is told of, and of no other call.
    pub identity: [u8; 32],
    /// The API server's id of it, or what the caller chose as that.
    pub audit_id: String,
    /// When it came.
    pub time: Time,
    /// It goes on: its answer has begun and not ended.
    pub is_running: bool,
    /// Id of who called, or the name.
    pub user_id: String,
    /// Name of who called.
    pub user: String,
    /// As whom it was done: who was impersonated, else who called.
    pub role: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// From where: the first address, the caller's own.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// `get`, `create`, …
    pub verb: String,
    /// Path and query.
    pub endpoint: String,
    /// In which namespace.
    pub namespace: Option<String>,
    /// To what: `pods`, `pods/exec`.
    pub resource: Option<String>,
    /// The command that was to be run in a container.
    pub command: Option<String>,
    /// Status of the answer.
    pub status: u16,
}

impl KubeCall {
    pub(crate) fn endpoint_call(&self) -> Call {
        Call { id: self.audit_id.clone(), time_created: self.time, event: self.endpoint.clone() }
    }

    pub(crate) fn command_call(&self) -> Option<Call> {
        let event = self.command.clone()?;
        Some(Call { id: self.audit_id.clone(), time_created: self.time, event })
    }
}

/// What is no list of events.
#[derive(Debug, thiserror::Error)]
pub enum NoList {
    /// It is too long.
    #[error("a list of audit events has at most {MAX_LIST_BYTES} bytes, this has {0}")]
    TooLong(usize),
    /// It has too many events.
    #[error("a list of audit events has at most {MAX_LIST_EVENTS} events, this has {0}")]
    TooMany(usize),
    /// It is something else.
    #[error("it is no `EventList` of `audit.k8s.io`: {0}")]
    Other(String),
}

/// What is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no `Event` of `audit.k8s.io`: {0}")]
pub struct NoCall(String);

/// What a list holds.
#[derive(Debug, Default)]
pub struct List {
    /// The calls, as they came.
    pub calls: Vec<KubeCall>,
    /// Events of stages that say nothing more.
    pub passed_over: usize,
    /// Which events are none, counted from 0, and why.
    pub defects: Vec<(usize, NoCall)>,
}

// No `flatten` here: it would keep what is passed over, and not go as deep.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct RawList<'j> {
    kind: Option<String>,
    api_version: Option<String>,
    #[serde(borrow)]
    items: Option<Vec<&'j RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Raw {
    kind: Option<String>,
    api_version: Option<String>,
    #[serde(rename = "auditID")]
    audit_id: Option<String>,
    stage: Option<String>,
    #[serde(rename = "requestURI")]
    request_uri: Option<String>,
    verb: Option<String>,
    user: Option<RawUser>,
    impersonated_user: Option<RawUser>,
    #[serde(rename = "sourceIPs")]
    source_ips: Option<Vec<Option<String>>>,
    user_agent: Option<String>,
    object_ref: Option<RawObject>,
    response_status: Option<RawStatus>,
    request_received_timestamp: Option<String>,
    stage_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawUser {
    username: Option<String>,
    uid: Option<String>,
    groups: Option<Vec<Option<String>>>,
}

#[derive(Default, Deserialize)]
struct RawObject {
    resource: Option<String>,
    namespace: Option<String>,
    subresource: Option<String>,
}

#[derive(Deserialize)]
struct RawStatus {
    code: Option<i64>,
}

impl Raw {
    /// Its stage and what depends on that are no part of it, nor is what is cut.
    fn identity(&self) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(CALL);
        let mut add = |part: Option<&String>| {
            let part = part.map_or("", String::as_str);
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        };
        add(self.audit_id.as_ref());
        add(self.request_received_timestamp.as_ref().or(self.stage_timestamp.as_ref()));
        add(self.verb.as_ref());
        add(self.request_uri.as_ref());
        add(self.user_agent.as_ref());
        for user in [&self.user, &self.impersonated_user] {
            let user = user.as_ref();
            add(user.and_then(|user| user.username.as_ref()));
            add(user.and_then(|user| user.uid.as_ref()));
            user.iter()
                .filter_map(|user| user.groups.as_ref())
                .flatten()
                .for_each(|group| add(group.as_ref()));
            // What follows is of somebody else.
            add(None);
        }
        self.source_ips.iter().flatten().for_each(|address| add(address.as_ref()));
        digest.finalize().into()
    }
}

/// Reads what an audit webhook is sent: an `EventList`. An event that has no time came `now`.
///
/// # Errors
/// It is none, or too long.
pub fn read_list(bytes: &[u8], now: Time) -> Result<List, NoList> {
    if bytes.len() > MAX_LIST_BYTES {
        return Err(NoList::TooLong(bytes.len()));
    }
    let list: RawList<'_> =
        serde_json::from_slice(bytes).map_err(|error| NoList::Other(error.to_string()))?;
    check_kind("EventList", list.kind.as_deref(), list.api_version.as_deref()).map_err(NoList::Other)?;
    let items = list.items.unwrap_or_default();
    read_all(items.len(), items.iter().map(|item| item.get().as_bytes()), now)
}

/// Reads lines of the API server's log: an `Event` each.
///
/// # Errors
/// They are too long.
pub fn read_log(bytes: &[u8], now: Time) -> Result<List, NoList> {
    if bytes.len() > MAX_LIST_BYTES {
        return Err(NoList::TooLong(bytes.len()));
    }
    let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    read_all(lines().count(), lines(), now)
}

fn read_all<'b>(count: usize, events: impl Iterator<Item = &'b [u8]>, now: Time) -> Result<List, NoList> {
    if count > MAX_LIST_EVENTS {
        return Err(NoList::TooMany(count));
    }
    let mut list = List::default();
    for (number, event) in events.enumerate() {
        match read_event(event, now) {
            Ok(Some(call)) => list.calls.push(call),
            Ok(None) => list.passed_over += 1,
            Err(defect) => list.defects.push((number, defect)),
        }
    }
    Ok(list)
}

/// Reads one `Event`: a line of the API server's log. None, if its stage says nothing more.
///
/// # Errors
/// It is none, or too long.
pub fn read_event(bytes: &[u8], now: Time) -> Result<Option<KubeCall>, NoCall> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(NoCall(format!("it has more than {MAX_EVENT_BYTES} bytes")));
    }
    let raw: Raw = parsed(bytes)?;
    check_kind("Event", raw.kind.as_deref(), raw.api_version.as_deref()).map_err(NoCall)?;
    let identity = raw.identity();
    let endpoint = raw.request_uri.unwrap_or_default();
    let verb = name(raw.verb).unwrap_or_default();
    let object = raw.object_ref.unwrap_or_default();
    let subresource = object.subresource.as_deref().unwrap_or_default();
    let lasts = verb == "watch" || matches!(subresource, "exec" | "attach" | "portforward" | "proxy" | "log");
    let is_running = match raw.stage.as_deref() {
        Some("ResponseComplete" | "Panic") => false,
        Some("ResponseStarted") if lasts => true,
        Some("ResponseStarted" | "RequestReceived") => return Ok(None),
        stage => return Err(NoCall(format!("its stage is `{}`", cut(stage.unwrap_or_default(), 64)))),
    };
    let audit_id = name(raw.audit_id).ok_or(NoCall("it has no `auditID`".into()))?;
    let user = raw.user.unwrap_or_default();
    let caller = name(user.username.clone()).unwrap_or_default();
    let user_id = name(user.uid.clone()).unwrap_or_else(|| caller.clone());
    let acting = raw.impersonated_user.unwrap_or(user);
    let time = [&raw.request_received_timestamp, &raw.stage_timestamp];
    let time = time.into_iter().flatten().find_map(|time| time.parse().ok()).unwrap_or(now);
    let status = raw.response_status.and_then(|status| status.code).and_then(|code| u16::try_from(code).ok());
    let command = (subresource == "exec").then(|| command(&endpoint)).flatten();
    let resource = name(object.resource.clone()).map(|resource| match name(object.subresource.clone()) {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource,
    });
    Ok(Some(KubeCall {
        identity,
        audit_id,
        time,
        is_running,
        user_id,
        user: caller,
        role: name(acting.username).unwrap_or_default(),
        groups: acting.groups.into_iter().flatten().filter_map(name).take(MAX_GROUPS).collect(),
        address: raw.source_ips.into_iter().flatten().find_map(name),
        user_agent: name(raw.user_agent),
        verb,
        endpoint: cut(&endpoint, MAX_ENDPOINT),
        namespace: name(object.namespace),
        resource,
        command,
        status: status.unwrap_or_default(),
    }))
}

/// Whether something is of a kind and version that is understood. Items of a list do not say.
fn check_kind(wanted: &str, kind: Option<&str>, version: Option<&str>) -> Result<(), String> {
    if let Some(kind) = kind.filter(|kind| *kind != wanted) {
        return Err(format!("its kind is `{}`", cut(kind, 64)));
    }
    if let Some(version) = version.filter(|version| *version != "audit.k8s.io/v1") {
        return Err(format!("its version is `{}`, `audit.k8s.io/v1` is understood", cut(version, 64)));
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NoCall> {
    serde_json::from_slice(bytes).map_err(|error| NoCall(error.to_string()))
}

/// A name that is one.
fn name(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| cut(&text, MAX_NAME))
}

/// No more than so many bytes of a text.
fn cut(text: &str, length: usize) -> String {
    if text.len() <= length {
        return text.to_owned();
    }
    let mut kept = text[..text.floor_char_boundary(length.saturating_sub('…'.len_utf8()))].to_owned();
    kept.push('…');
    kept
}

/// The command in the query of an `exec`: `command=ls&command=-l`, as a line that a shell would read so.
fn command(endpoint: &str) -> Option<String> {
    let (_, query) = endpoint.split_once('?')?;
    let mut line = String::new();
    for word in query.split('&').filter_map(|parameter| parameter.strip_prefix("command=")) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&quoted(&decoded(word)));
        if line.len() > MAX_COMMAND {
            break;
        }
    }
    (!line.is_empty()).then(|| cut(&line, MAX_COMMAND))
}

/// What a query's value stands for.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.first_chunk::<2>().filter(|_| byte == b'%');
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| str::from_utf8(digits).ok());
        if let Some(escaped) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(escaped);
            rest = &behind[2..];
        } else {
            bytes.push(if byte == b'+' { b' ' } else { byte });
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A word, in quotes where a shell needs them.
fn quoted(word: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte) || byte >= 0x80;
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}
