//! The calls of whoever records: a connection, the bytes of its recording, what happens to it.

use std::net::IpAddr;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_cast_format::SessionFacts;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use ureq::http::{HeaderMap, Method};
use uuid::Uuid;

use crate::error::ClientError;
use crate::facts::{Facts, id_of};
use crate::http::{Client, query, unescaped};
use crate::name::accept;

/// The fact of a recording that says whether what was typed is in it.
pub const INPUT_FACT: &str = "input";

/// The fact that holds what the environment said; `SSH_CONNECTION` of it says from where somebody came.
pub const CLAIMS_FACT: &str = "claims";

/// The role of a key that is for one target.
const AGENT: &str = "Agent";

/// A connection that a server is to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewConnection {
    /// The name of the target; an agent's key has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who.
    pub user: String,
    /// As which account of the target.
    pub target_user: String,
    /// What the connection is for.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Since when.
    pub started_at: Time,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// How each of these is known.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub known_by: Map<String, Value>,
    /// What was typed is recorded, too; nothing where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_recorded: Option<bool>,
    /// The form of its recording; nothing if there will be none.
    pub recording: Option<&'static str>,
}

impl NewConnection {
    /// The connection that a file is the recording of. What the file does not say is empty.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let session = facts.session.as_ref();
        Self {
            target: session.map(|session| session.target.clone()),
            user: session.map_or_else(String::new, |session| session.user.clone()),
            target_user: session.map_or_else(String::new, |session| session.target_user.clone()),
            kind: "SHELL",
            started_at: facts.start,
            ip_address: session.and_then(address),
            known_by: session.map_or_else(Map::new, |session| session.known_by.clone()),
            input_recorded: session.and_then(|session| session.extra.get(INPUT_FACT)?.as_bool()),
            recording: Some(facts.form.name()),
        }
    }
}

/// A connection that the server knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// Pending, Open, Closed, Error.
    pub state: String,
    /// How much of its recording is there.
    #[serde(default)]
    pub upload_offset: u64,
}

/// How much of a recording is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// So many bytes, on the server's disk.
    pub offset: u64,
    /// They are all.
    pub is_complete: bool,
    /// Somebody closed the connection: the session is to end, for this reason.
    pub close: Option<String>,
}

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewEvent {
    /// Its id: the same, if it is told again.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Time>,
}

impl NewEvent {
    /// An event that happens to a connection once.
    #[must_use]
    pub fn once(connection: Uuid, kind: &'static str, time: Time, reason: Option<String>) -> Self {
        let digest = Sha256::new().chain_update(connection.as_bytes()).chain_update(kind).finalize().into();
        Self { id: id_of(time, &digest), kind, reason, timestamp: Some(time) }
    }
}

/// What a server took of events that somebody else wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// So many, those that were there before among them.
    pub events: usize,
    /// What could not be read, and why.
    #[serde(default)]
    pub defects: Vec<String>,
}

/// What a server says to an agent that is there.
#[derive(Deserialize)]
struct Heard {
    closed: Vec<Closed>,
}

/// A connection that is to end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    connection_id: Uuid,
    reason: String,
}

impl Client {
    /// Brings in events, a JSON array of them as BastionZero's API gave them out. May be sent again: they keep their ids.
    ///
    /// # Errors
    /// The server does not take them.
    pub fn bring_in(&self, events: &str) -> Result<Taken, ClientError> {
        let headers = [("content-type", "application/json")];
        let mut response = self.call(Method::POST, "ingest/events", &headers, events.as_bytes())?;
        self.json(response.body_mut())
    }

    /// Brings in lines of the log of a Kubernetes API server. Whoever has the key of its cluster need not name it. May be sent
    /// again: calls that are in the log come to nothing.
    ///
    /// # Errors
    /// The server does not take them.
    pub fn bring_in_kube(&self, cluster: Option<&str>, lines: &str) -> Result<Taken, ClientError> {
        let headers = [("content-type", "application/x-ndjson")];
        let cluster = cluster.map(|cluster| query(&[("target", cluster)]));
        let path = format!("ingest/kube?{}", cluster.unwrap_or_default());
        let mut response = self.call(Method::POST, &path, &headers, lines.as_bytes())?;
        self.json(response.body_mut())
    }

    /// Says that the agent is there, and for these connections that they go on. Gives those that somebody has closed, and why:
    /// while there are none, the server may keep the call for so long.
    ///
    /// # Errors
    /// The server does not hear it, or is older than this call.
    pub fn heartbeat(
        &self,
        connections: &[Uuid],
        patience: Duration,
    ) -> Result<Vec<(Uuid, String)>, ClientError> {
        let wait = format!("wait={}", patience.as_secs());
        let headers = [("content-type", "application/json"), ("prefer", &*wait)];
        let body = json!({ "connections": connections }).to_string();
        let mut response = self.call(Method::POST, "ingest/heartbeat", &headers, body.as_bytes())?;
        let Heard { closed } = self.json(response.body_mut())?;
        Ok(closed.into_iter().map(|closed| (closed.connection_id, closed.reason)).collect())
    }

    /// Makes a connection known, with [names](crate::name) that the server takes. May be said again.
    ///
    /// # Errors
    /// The server does not take it.
    pub fn connect(&self, id: Uuid, connection: &NewConnection) -> Result<Connected, ClientError> {
        let mut connection = connection.clone();
        if self.role()? == AGENT {
            connection.target = None;
        }
        let NewConnection { user, target_user, target, known_by, .. } = &mut connection;
        accept("user", user, known_by);
        accept("target_user", target_user, known_by);
        target.iter_mut().for_each(|target| accept("target", target, known_by));
        let body =
            serde_json::to_value(connection).map_err(|error| ClientError::Settings(error.to_string()))?;
        let mut response = self.send_json(Method::PUT, &format!("ingest/connections/{id}"), &body)?;
        self.json(response.body_mut())
    }

    /// Says what happened to a connection. May be said again.
    ///
    /// # Errors
    /// The server does not take it.
    pub fn event(&self, connection: Uuid, event: &NewEvent) -> Result<Option<String>, ClientError> {
        let body = serde_json::to_value(event).map_err(|error| ClientError::Settings(error.to_string()))?;
        let response =
            self.send_json(Method::POST, &format!("ingest/connections/{connection}/events"), &body)?;
        Ok(close(response.headers()))
    }

    /// Says that a connection without a recording is there still; gives why it is to end, if somebody closed it.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn renew(&self, connection: Uuid) -> Result<Option<String>, ClientError> {
        let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
        let response = self.call(Method::PATCH, &format!("ingest/recordings/{connection}"), &headers, &[])?;
        Ok(close(response.headers()))
    }

    /// Asks how much of a recording is there.
    ///
    /// # Errors
    /// There is no such recording.
    pub fn offset(&self, id: Uuid) -> Result<Acknowledged, ClientError> {
        let response = self.call(Method::HEAD, &format!("ingest/recordings/{id}"), &[], &[])?;
        self.acknowledged(response.headers())
    }

    /// Adds bytes to a recording; what comes back is on the server's disk. Without any it says that we are still there, and,
    /// with `silence`, that nothing was recorded for so long.
    ///
    /// # Errors
    /// The server does not take them.
    pub fn append(
        &self,
        id: Uuid,
        begin: u64,
        bytes: &[u8],
        is_end: bool,
        silence: Option<Duration>,
    ) -> Result<Acknowledged, ClientError> {
        let offset = begin.to_string();
        let silence = silence.map(|silence| silence.as_millis().to_string());
        let mut headers = vec![
            ("content-type", "application/offset+octet-stream"),
            ("upload-offset", offset.as_str()),
            ("upload-complete", if is_end { "?1" } else { "?0" }),
        ];
        headers.extend(silence.iter().map(|silence| ("casemate-silence", silence.as_str())));
        let response = self.call(Method::PATCH, &format!("ingest/recordings/{id}"), &headers, bytes)?;
        let mut acknowledged = self.acknowledged(response.headers())?;
        // It may have taken less than there was.
        acknowledged.is_complete |= is_end && acknowledged.offset == begin + bytes.len() as u64;
        Ok(acknowledged)
    }

    fn acknowledged(&self, headers: &HeaderMap) -> Result<Acknowledged, ClientError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let offset = text("upload-offset").and_then(|offset| offset.parse().ok());
        let offset = offset.ok_or_else(|| self.no_answer(&"it does not say how much is there"))?;
        let is_complete = text("upload-complete").is_some_and(|complete| complete.trim() == "?1");
        Ok(Acknowledged { offset, is_complete, close: close(headers) })
    }
}

/// From where somebody came: by the login on a host, which is root's word, or by what the environment claims.
fn address(session: &SessionFacts) -> Option<String> {
    let login = session.extra.get("login").and_then(|login| login.get("client")?.as_str());
    let claimed = session.extra.get(CLAIMS_FACT).and_then(|claims| claims.get("SSH_CONNECTION")?.as_str());
    let address = login.or_else(|| claimed?.split(' ').next())?;
    Some(address.parse::<IpAddr>().ok()?.to_string())
}

/// Why the session is to end, if it is.
fn close(headers: &HeaderMap) -> Option<String> {
    let reason = headers.get("casemate-close")?.to_str().ok()?;
    Some(unescaped(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_somebody_came_from_is_an_address_or_nothing() {
        let of = |extra: Value| {
            let mut facts =
                json!({"session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5});
            facts.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            address(&serde_json::from_value(facts).unwrap())
        };
        let claims = json!({"SSH_CONNECTION": "10.0.0.7 51234 10.0.0.1 22"});
        assert_eq!(of(json!({"claims": claims})).as_deref(), Some("10.0.0.7"));
        assert_eq!(of(json!({"claims": claims, "login": {"client": "fe80::1"}})).as_deref(), Some("fe80::1"));
        for text in ["", "\u{1b}[2J", "host 1 2 3"] {
            assert_eq!(of(json!({"claims": {"SSH_CONNECTION": text}, "login": 5})), None);
        }
    }

    #[test]
    fn an_event_that_is_told_again_has_the_same_id() {
        let connection = Uuid::from_u128(7);
        let event = |kind, time| NewEvent::once(connection, kind, Time(time), None);
        assert_eq!(event("Closed", 1_000_000), event("Closed", 1_000_000));
        assert_ne!(event("Closed", 1_000_000).id, event("ClientConnect", 1_000_000).id);
        let text = serde_json::to_string(&event("Closed", 0)).unwrap();
        assert!(text.contains(r#""type":"Closed","timestamp":"1970-01-01T00:00:00.000000Z""#), "{text}");
    }
}
