//! What agents send: connections, what happens to them, and the bytes of recordings as they are made.
//!
//! Bytes are sent as tus sends them: at an offset, acknowledged when they are on the disk, and gone on with anywhere. Whoever
//! sends again what is there already does no harm.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::model::{
    ConnectionEventType, ConnectionState, ConnectionType, NO_ID, NONE, Place, SubjectType, TargetType,
};
use casemate_audit_store::connections::{Connection, NewConnection, Opened};
use casemate_audit_store::directory::Target;
use casemate_audit_store::{Batch, Connections, Form, NewRecording, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::directory::{name, words};
use super::sign_in::mail_address;
use crate::app::{App, id, snapshot};
use crate::error::{ApiError, ErrorBody};
use crate::lifecycle;
use crate::sessions::{AHEAD, LATE, Upload};
use crate::who::{Action, Caller, Gate, Reach};

/// Where bytes begin, and where they may go on.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// Whether there are no more.
const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");

/// Somebody has closed the connection: why, percent-encoded.
const CLOSE: HeaderName = HeaderName::from_static("casemate-close");

/// For so many milliseconds nothing has been recorded.
const SILENCE: HeaderName = HeaderName::from_static("casemate-silence");

/// A connection, as whoever carries it tells of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSession {
    /// Name of the target, which is made if there is none. Agents are of one, and need not say it.
    target: Option<String>,
    /// The person: a mail address, or whatever name there is.
    user: String,
    /// The account on the target.
    target_user: String,
    /// What the connection is for.
    #[serde(rename = "type")]
    kind: ConnectionType,
    /// When it began.
    started_at: Time,
    /// From where the person came.
    ip_address: Option<String>,
    /// The space that it is in.
    space: Option<String>,
    /// How each of the names is known, as `{"user":"certificate","target":"config","target_user":"login"}`.
    known_by: Option<Value>,
    /// Whether what is typed is recorded.
    #[serde(default)]
    input_recorded: bool,
    /// How its recording is written: `cast`, `cast.zst`; there is none without.
    recording: Option<String>,
}

/// How a connection stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionState {
    /// Its id.
    id: String,
    /// How it stands.
    state: ConnectionState,
    /// So many bytes of its recording are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_offset: Option<u64>,
}

/// Something that happened to a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Happening {
    /// Its id: whoever says it again says nothing new.
    id: Uuid,
    /// What.
    #[serde(rename = "type")]
    kind: HappeningType,
    /// Why.
    reason: Option<String>,
    /// When; as a rule now.
    timestamp: Option<Time>,
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub enum HappeningType {
    /// Somebody is at it.
    ClientConnect,
    /// Nobody is any more.
    ClientDisconnect,
    /// The agent's side is there.
    ShellConnect,
    /// The agent's side is gone.
    ShellDisconnect,
    /// It is over.
    Closed,
    /// It came to nothing.
    Error,
}

/// Tell of a connection
///
/// Whoever tells again of the same one changes nothing.
#[utoipa::path(put, path = "/ingest/connections/{id}", tag = "ingest", params(("id" = Uuid, Path)),
    request_body = NewSession,
    responses((status = 201, body = SessionState), (status = 200, body = SessionState), (status = "4XX", body = ErrorBody)))]
pub async fn connect(
    gate: Gate,
    Path(text): Path<String>,
    Body(said): Body<NewSession>,
) -> Result<Response, ApiError> {
    let app = &gate.app;
    let context = json!({
        "user": said.user, "target": said.target, "targetUser": said.target_user, "type": said.kind,
    });
    let caller = gate.pass(Action::Connect, &text, context).await?;
    let id: Uuid = text.parse().map_err(|_| ApiError::field("id", "it is no UUID"))?;
    if id.is_nil() {
        return Err(ApiError::field("id", "it is that of nothing"));
    }
    let now = Time::now();
    if said.started_at.0.saturating_sub(now.0) > AHEAD {
        return Err(ApiError::field("startedAt", "it is yet to come: is the clock right?"));
    }
    let form = form(said.recording.as_deref())?;
    let target = target(&caller, app, said.target.as_deref(), said.kind, now).await?;
    if !caller.reaches_target(target.id) {
        return Err(gate.refuse(Action::Connect, &text, "it is another target").await?);
    }
    if caller.reach == Reach::Target {
        lifecycle::agent_heard(app, &target, now).await?;
    }
    let new = new_connection(app, id, &said, &target, now).await?;
    let subject_id = new.subject.subject_id.clone();
    let said_of_it = |connection: &Connection| lifecycle::begun(app, connection);
    let (status, connection) = match app.connections.open(&app.journal, new, now, said_of_it).await? {
        Opened::New(connection) => (StatusCode::CREATED, connection),
        Opened::Same(connection) => (StatusCode::OK, connection),
        Opened::Different(_) => {
            return Err(ApiError::conflict("there is a connection of that id, and it is another one"));
        }
    };
    if !caller.reaches_target(target_of(&connection)) {
        return Err(gate.refuse(Action::Connect, &text, "it is a connection to another target").await?);
    }
    let upload_offset = match form {
        Some(form) => {
            let subject_id =
                if status == StatusCode::OK { connection.subject_id.clone() } else { subject_id };
            let new = NewRecording {
                id,
                form,
                subject_id,
                created: connection.started,
                input_recorded: said.input_recorded,
            };
            Some(app.recordings.create(&new).await?.size)
        }
        None => None,
    };
    let state = SessionState { id: id.to_string(), state: connection.state, upload_offset };
    Ok((status, Json(state)).into_response())
}

fn form(said: Option<&str>) -> Result<Option<Form>, ApiError> {
    let none = || ApiError::field("recording", "it has to be `cast` or `cast.zst`");
    said.map(|name| Form::of_name(name).ok_or_else(none)).transpose()
}

async fn target(
    caller: &Caller,
    app: &App,
    named: Option<&str>,
    kind: ConnectionType,
    now: Time,
) -> Result<Target, ApiError> {
    if let (Reach::Target, Some(target)) = (caller.reach, caller.target) {
        let target = app.directory.target(target).await?.filter(|target| target.deleted.is_none());
        return target.ok_or_else(|| ApiError::not_found("target"));
    }
    let named = named.ok_or_else(|| ApiError::field("target", "which target is it?"))?;
    let named = name("target", named)?;
    let kind = match kind {
        ConnectionType::Cluster => TargetType::Cluster,
        ConnectionType::Db => TargetType::Db,
        ConnectionType::Web => TargetType::Web,
        ConnectionType::Dynamic => TargetType::DynamicAccessConfig,
        ConnectionType::Shell
        | ConnectionType::Ssh
        | ConnectionType::Rdp
        | ConnectionType::SqlServer
        | ConnectionType::Ssm => TargetType::Bzero,
    };
    Ok(app.directory.ensure_target(kind, &named, now).await?)
}

async fn new_connection(
    app: &App,
    id: Uuid,
    said: &NewSession,
    target: &Target,
    now: Time,
) -> Result<NewConnection, ApiError> {
    let user = name("user", &said.user)?;
    // A mail address is the same in capitals; a name is not.
    let user = mail_address(&user).unwrap_or(user);
    let subject = app.directory.ensure_subject(SubjectType::User, &user, now).await?;
    let environment = match target.environment {
        Some(environment) => app.directory.environment(environment).await?,
        None => None,
    };
    let space = match &said.space {
        Some(named) => {
            let named = name("space", named)?;
            Some(app.directory.ensure_space(subject.id, &named, now).await?)
        }
        None => None,
    };
    let address = match &said.ip_address {
        Some(text) => Some(text.parse().map_err(|_| ApiError::field("ipAddress", "it is none"))?),
        None => None,
    };
    let place = Place {
        target_id: target.id.to_string(),
        target_type: said.kind,
        target_name: target.name.clone(),
        target_user: name("targetUser", &said.target_user)?,
        environment_id: environment.as_ref().map_or_else(|| NO_ID.to_owned(), |there| there.id.to_string()),
        environment_name: environment.map_or_else(|| NONE.to_owned(), |there| there.name),
    };
    let known_by = said.known_by.as_ref().map(Value::to_string);
    if known_by.as_ref().is_some_and(|known| known.len() > 8192) {
        return Err(ApiError::field("knownBy", "it is longer than 8192 bytes"));
    }
    Ok(NewConnection {
        id,
        state: ConnectionState::Open,
        subject: snapshot(&subject, subject.role, address),
        place,
        space_id: space.as_ref().map(|space| space.id.to_string()),
        space_name: space.map(|space| space.name),
        known_by,
        started: said.started_at,
    })
}

fn target_of(connection: &Connection) -> Uuid {
    connection.target_id.parse().unwrap_or_default()
}

/// The connection that somebody carries, if it is one of his.
async fn carried(gate: &Gate, caller: &Caller, action: Action, text: &str) -> Result<Connection, ApiError> {
    let id = id("connection", text)?;
    let found = gate.app.connections.get(id).await?;
    let found = found.ok_or_else(|| ApiError::not_found("connection"))?;
    if !caller.reaches_target(target_of(&found)) {
        return Err(gate.refuse(action, text, "it is a connection to another target").await?);
    }
    let found = lifecycle::heard(&gate.app, found, Time::now()).await?;
    if caller.reach == Reach::Target
        && let Some(target) = gate.app.directory.target(target_of(&found)).await?
    {
        lifecycle::agent_heard(&gate.app, &target, Time::now()).await?;
    }
    Ok(found)
}

/// Where a recording is to be gone on with
#[utoipa::path(head, path = "/ingest/recordings/{id}", tag = "ingest", params(("id" = Uuid, Path)),
    responses((status = 200, headers(("Upload-Offset" = u64), ("Upload-Complete" = String))), (status = "4XX")))]
pub async fn uploaded(gate: Gate, Path(text): Path<String>) -> Result<Response, ApiError> {
    let caller = gate.pass_again(Action::Upload, &text).await?;
    let connection = carried(&gate, &caller, Action::Upload, &text).await?;
    let recording = match gate.app.recordings.find(connection.id).await {
        Ok(recording) => recording,
        Err(StoreError::NoRecording { .. }) => return Err(ApiError::not_found("recording")),
        Err(error) => return Err(error.into()),
    };
    let mut response = StatusCode::OK.into_response();
    let is_complete = if recording.completed.is_some() { "?1" } else { "?0" };
    response.headers_mut().insert(COMPLETE, HeaderValue::from_static(is_complete));
    Ok(answer(response, &connection, Some(recording.size)))
}

/// Send bytes of a recording
///
/// At most 4 MiB. They are on the disk when this is answered; where they hold very much, a part of them: `Upload-Offset` says
/// where to go on. What is there already may come again, if it is the same. No bytes at all say that the connection is there
/// still.
#[utoipa::path(patch, path = "/ingest/recordings/{id}", tag = "ingest",
    params(("id" = Uuid, Path),
        ("Upload-Offset" = u64, Header, description = "Where the bytes begin."),
        ("Upload-Complete" = Option<String>, Header, description = "`?1`: no more come."),
        ("Casemate-Silence" = Option<u64>, Header, description = "Where there are no bytes: for so many milliseconds nothing has been recorded behind those that are there. What stands at a prompt is decided sooner then.")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, headers(("Upload-Offset" = u64))), (status = "4XX", body = ErrorBody)))]
pub async fn upload(
    gate: Gate,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let caller = gate.pass_again(Action::Upload, &text).await?;
    let offset = headers.get(OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
    let offset = offset.ok_or_else(|| ApiError::field("Upload-Offset", "say where the bytes begin"))?;
    let is_last = match headers.get(COMPLETE).map(HeaderValue::as_bytes) {
        None | Some(b"?0") => false,
        Some(b"?1") => true,
        Some(_) => return Err(ApiError::field("Upload-Complete", "it has to be `?0` or `?1`")),
    };
    let silence = match headers.get(SILENCE).map(|value| value.to_str().ok()?.parse().ok()) {
        None => None,
        Some(Some(silence)) => Some(Duration::from_millis(silence)),
        Some(None) => return Err(ApiError::field("Casemate-Silence", "it is a number of milliseconds")),
    };
    let connection = carried(&gate, &caller, Action::Upload, &text).await?;
    if bytes.is_empty() && !is_last {
        // Of a connection without a recording nothing more is to be said than that it is there.
        if let Err(StoreError::NoRecording { .. }) = gate.app.recordings.find(connection.id).await {
            return Ok(answer(StatusCode::NO_CONTENT.into_response(), &connection, None));
        }
    }
    let uploaded = gate.app.upload(&connection, Upload { offset, bytes, is_last, silence }).await?;
    Ok(answer(StatusCode::NO_CONTENT.into_response(), &connection, Some(uploaded.size)))
}

/// Say what happened to a connection
#[utoipa::path(post, path = "/ingest/connections/{id}/events", tag = "ingest", params(("id" = Uuid, Path)),
    request_body = Happening,
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn happened(
    gate: Gate,
    Path(text): Path<String>,
    Body(said): Body<Happening>,
) -> Result<Response, ApiError> {
    let context = json!({ "type": format!("{:?}", said.kind), "reason": said.reason });
    let caller = gate.pass(Action::Report, &text, context).await?;
    let connection = carried(&gate, &caller, Action::Report, &text).await?;
    let (app, now) = (&gate.app, Time::now());
    if said.timestamp.is_some_and(|time| time.0.saturating_sub(now.0) > AHEAD) {
        return Err(ApiError::field("timestamp", "it is yet to come: is the clock right?"));
    }
    let reason = said.reason.map(|reason| words("reason", &reason)).transpose()?;
    let (mark, id) = (said.id.to_string(), connection.id);
    // What is told long after it happened happened then.
    let late = |time: &Time| now.0.saturating_sub(time.0) > LATE && *time >= connection.started;
    let ended = said.timestamp.filter(late).unwrap_or(now);
    let end = |state, otherwise: &str| {
        lifecycle::ending(app, &connection, state, reason.as_deref().unwrap_or(otherwise), ended)
    };
    let (step, what) = match said.kind {
        HappeningType::ClientConnect => {
            (Some(Connections::attaching(id, &mark)), Some(ConnectionEventType::ClientConnect))
        }
        HappeningType::ClientDisconnect => {
            (Some(Connections::detaching(id, &mark)), Some(ConnectionEventType::ClientDisconnect))
        }
        HappeningType::ShellConnect => (None, Some(ConnectionEventType::ShellConnect)),
        HappeningType::ShellDisconnect => (None, Some(ConnectionEventType::ShellDisconnect)),
        HappeningType::Closed => (Some(end(ConnectionState::Closed, "the session ended")), None),
        HappeningType::Error => (Some(end(ConnectionState::Error, "the session came to nothing")), None),
    };
    let event = what.map(|what| {
        let reason = reason.clone();
        let time = said.timestamp.unwrap_or(now);
        // No id that somebody else's event would have.
        let event_id = lifecycle::event_id(id, connection.started, &format!("told {mark}"));
        lifecycle::event(app, &connection, event_id, what, time, reason)
    });
    let (events, steps) = (event.into_iter().collect(), step.into_iter().collect());
    app.journal.write(Batch { events, steps, ..Batch::default() }).await?;
    Ok(answer(StatusCode::NO_CONTENT.into_response(), &connection, None))
}

/// Says in the answer where the recording is, and whether the connection is to be closed.
fn answer(mut response: Response, connection: &Connection, uploaded: Option<u64>) -> Response {
    let headers = response.headers_mut();
    if let Some(value) = uploaded.and_then(|uploaded| uploaded.to_string().parse().ok()) {
        headers.insert(OFFSET, value);
    }
    if let Some(value) = connection.close_request().and_then(|close| encoded(&close.reason).parse().ok()) {
        headers.insert(CLOSE, value);
    }
    response
}

/// A text that stands in a header: all but plain letters as `%XX`.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_in_headers() {
        assert_eq!(
            encoded("admin@org.com deleted tärget\r\n"),
            "admin@org.com%20deleted%20t%C3%A4rget%0D%0A"
        );
    }
}
