//! Connections: who is where, since when; and how somebody ends them.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionState, ConnectionType, SubjectType};
use casemate_audit_store::connections::{Behind, Connection, Listed, Which};
use casemate_audit_store::{Recording, RecordingFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::directory::words;
use super::events::asked;
use super::question::{EventParameters, FilterParameters, behind, count, order, pairs, place};
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::lifecycle;
use crate::who::{Action, Caller, Gate, Reach};

/// Connections in an answer, where nobody says how many.
const CONNECTIONS: usize = 1000;

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Its id.
    id: String,
    /// When it began.
    time_created: Time,
    /// When it ended.
    time_ended: Option<Time>,
    /// How it stands.
    state: ConnectionState,
    /// It is open, and nobody is at it.
    inactive: bool,
    /// What it leads to; written as BastionZero wrote it.
    #[serde(rename = "targetID")]
    target_id: String,
    /// What it is for.
    target_type: ConnectionType,
    /// Name of the target.
    target_name: String,
    /// The account on the target.
    target_user: String,
    /// Name of the target's environment.
    environment_name: String,
    /// Whose it is.
    subject_id: String,
    /// Its name.
    subject_name: String,
    /// How each of the names is known: of the person (`user`) by `certificate`, `key`, `login`, `uid`, or a mere `flag`. As
    /// whoever carries the connection has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_by: Option<Value>,
    /// From where it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    /// The space that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    space_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    space_name: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// There is a recording of it.
    session_recording_available: bool,
    /// It is recorded.
    session_recording: bool,
    /// What is typed is recorded.
    input_recording: bool,
}

/// Why a connection is closed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseRequest {
    /// It.
    reason: Option<String>,
}

impl ConnectionView {
    fn of(connection: &Connection, recording: Option<&Recording>) -> Self {
        Self {
            id: connection.id.to_string(),
            time_created: connection.started,
            time_ended: connection.ended,
            state: connection.state,
            inactive: connection.is_inactive(),
            target_id: connection.target_id.clone(),
            target_type: connection.kind,
            target_name: connection.target_name.clone(),
            target_user: connection.target_user.clone(),
            environment_name: connection.environment_name.clone(),
            subject_id: connection.subject_id.clone(),
            subject_name: connection.subject_name.clone(),
            known_by: connection.known_by.as_deref().and_then(|known| serde_json::from_str(known).ok()),
            ip_address: connection.ip_address.clone(),
            space_id: connection.space_id.clone(),
            space_name: connection.space_name.clone(),
            reason: connection.reason.clone(),
            session_recording_available: recording.is_some_and(|recording| recording.deleted.is_none()),
            session_recording: recording.is_some(),
            input_recording: recording.is_some_and(|recording| recording.input_recorded),
        }
    }
}

/// Connections, the latest first
///
/// What is searched are the names of a connection and why it ended.
#[utoipa::path(get, path = "/connections", tag = "connections",
    params(FilterParameters, EventParameters,
        ("connectionState" = Option<String>, Query, description = "`Pending`, `Open`, `Inactive` (open, and nobody is at it), \
            `Closed`, `Error`; several with commas between them."),
        ("userEmail" = Option<String>, Query, description = "Those of this person."),
        ("count" = Option<u32>, Query, description = "So many: 1000 where it is not said, 10000 at most."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."),
        ("before" = Option<String>, Query, description = "Where to go on: as in the `Link` of the page before.")),
    responses((status = 200, body = [ConnectionView]), (status = "4XX", body = ErrorBody)))]
pub async fn connections(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    list(&gate, &uri, None).await
}

/// Connections of one kind, the latest first: `shell`, `kube`, `db`, `rdp`, `sqlserver`, `ssh`, `web`; or one, by its id
#[utoipa::path(get, path = "/connections/{id}", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionView), (status = "4XX", body = ErrorBody)))]
pub async fn connection(gate: Gate, Path(text): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    match kind(&text) {
        Some(kind) => list(&gate, &uri, Some(kind)).await,
        None => Ok(one(&gate, &text, None).await?.into_response()),
    }
}

/// A shell, by its id
#[utoipa::path(get, path = "/connections/shell/{id}", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionView), (status = "4XX", body = ErrorBody)))]
pub async fn shell(gate: Gate, Path(text): Path<String>) -> Result<Json<ConnectionView>, ApiError> {
    one(&gate, &text, Some(ConnectionType::Shell)).await
}

async fn one(
    gate: &Gate,
    text: &str,
    wanted: Option<ConnectionType>,
) -> Result<Json<ConnectionView>, ApiError> {
    let caller = gate.pass(Action::GetConnection, text, json!({})).await?;
    let connection = find(gate, &caller, text).await?;
    if wanted.is_some_and(|wanted| wanted != connection.kind) {
        return Err(ApiError::not_found("connection"));
    }
    let recordings = recordings_of(&gate.app, std::slice::from_ref(&connection)).await?;
    Ok(Json(ConnectionView::of(&connection, recordings.get(&connection.id))))
}

/// Connections as they are answered.
///
/// # Errors
/// The database refuses.
pub(crate) async fn views(app: &App, found: &[Connection]) -> Result<Vec<ConnectionView>, ApiError> {
    let recordings = recordings_of(app, found).await?;
    let view = |connection: &Connection| ConnectionView::of(connection, recordings.get(&connection.id));
    Ok(found.iter().map(view).collect())
}

/// The recordings of connections, those that were deleted among them, by their ids.
async fn recordings_of(app: &App, of: &[Connection]) -> Result<HashMap<Uuid, Recording>, ApiError> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = of.iter().map(|connection| connection.id).collect();
    let filter = RecordingFilter { ids, with_deleted: true, ..RecordingFilter::default() };
    let found = app.recordings.list(&filter, None, of.len()).await?;
    Ok(found.into_iter().map(|recording| (recording.id, recording)).collect())
}

/// A connection that somebody may know of.
///
/// # Errors
/// There is none.
pub(crate) async fn find(gate: &Gate, caller: &Caller, text: &str) -> Result<Connection, ApiError> {
    let found = gate.app.connections.get(id("connection", text)?).await?;
    let found = found.filter(|connection| caller.reaches(&connection.subject_id));
    found.ok_or_else(|| ApiError::not_found("connection"))
}

fn kind(named: &str) -> Option<ConnectionType> {
    Some(match named {
        "shell" => ConnectionType::Shell,
        "kube" => ConnectionType::Cluster,
        "db" => ConnectionType::Db,
        "rdp" => ConnectionType::Rdp,
        "sqlserver" => ConnectionType::SqlServer,
        "ssh" => ConnectionType::Ssh,
        "web" => ConnectionType::Web,
        "dynamic-access" => ConnectionType::Dynamic,
        _ => return None,
    })
}

async fn list(gate: &Gate, uri: &Uri, kind: Option<ConnectionType>) -> Result<Response, ApiError> {
    let resource = kind.map_or("all", ConnectionType::name);
    let caller = gate.pass(Action::ListConnections, resource, asked(uri)?).await?;
    let mut listing = Listing::of(pairs(uri)?)?;
    if let Some(kind) = kind {
        listing.0.filter.target_types = [kind.name().to_owned()].into();
    }
    let limit = listing.0.limit;
    let found = listing.find(&gate.app, &caller).await?;
    let mut response = Json(views(&gate.app, &found).await?).into_response();
    if let Some(last) = found.last().filter(|_| found.len() == limit) {
        super::next_page(&mut response, uri, &behind(last.started, last.id))?;
    }
    Ok(response)
}

/// Which connections are asked for.
#[derive(Clone)]
pub(crate) struct Listing(pub(crate) Listed);

impl Listing {
    /// What parameters ask for.
    ///
    /// # Errors
    /// One is unknown, or has no such value.
    pub(crate) fn of(parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut listed = Listed { limit: CONNECTIONS, ..Listed::default() };
        for (parameter, value) in parameters {
            if value.contains('\0') {
                return Err(ApiError::field(&parameter, "it has a character that nothing has"));
            }
            match parameter.as_str() {
                "connectionState" => {
                    for name in value.split(',').filter(|name| !name.is_empty()) {
                        let standing = name.parse();
                        listed.standings.insert(
                            standing.map_err(|error| ApiError::field(&parameter, format!("{error}")))?,
                        );
                    }
                }
                // No connection is a look.
                "ownLooks" if matches!(&*value, "true" | "false") => {}
                "userEmail" => drop(listed.filter.subject_names.insert(value.to_lowercase())),
                "count" | "eventCount" => listed.limit = count(&parameter, &value, 10_000)?,
                "sort" => listed.order = order(&parameter, &value)?,
                "before" => {
                    let (started, id) = place(&parameter, &value)?;
                    listed.behind = Some(Behind { started, id });
                }
                _ if listed.filter.take(&parameter, &value)? => {}
                _ => return Err(ApiError::field(&parameter, "there is no such parameter here")),
            }
        }
        Ok(Self(listed))
    }

    /// The same, as far as somebody may know of it; nothing where he may of none.
    pub(crate) fn narrowed(self, caller: &Caller) -> Option<Listed> {
        let filter = caller.narrow(self.0.filter)?;
        Some(Listed { filter, ..self.0 })
    }

    /// Those that there are, as far as somebody may know.
    ///
    /// # Errors
    /// The database refuses.
    pub(crate) async fn find(self, app: &App, caller: &Caller) -> Result<Vec<Connection>, ApiError> {
        let Some(listed) = self.narrowed(caller) else { return Ok(Vec::new()) };
        Ok(app.connections.list(&listed).await?)
    }
}

/// Close a connection
#[utoipa::path(patch, path = "/connections/{id}/close", tag = "connections", params(("id" = String, Path)),
    request_body = Option<CloseRequest>,
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn close(gate: Gate, Path(text): Path<String>, body: Bytes) -> Result<StatusCode, ApiError> {
    let said = said(&body);
    let reason = said.as_ref().ok().and_then(|said| said.reason.clone());
    let caller = gate.pass(Action::CloseConnection, &text, json!({ "reason": reason })).await?;
    let connection = find(&gate, &caller, &text).await?;
    let who = caller.subject.subject_name;
    let reason = because(&who, "closed the connection", said?)?;
    lifecycle::close(&gate.app, Which::One(connection.id), &who, &reason, Time::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close all connections of somebody
#[utoipa::path(patch, path = "/subjects/{id}/close-connections", tag = "connections", params(("id" = String, Path)),
    request_body = Option<CloseRequest>,
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn close_of_subject(
    gate: Gate,
    Path(text): Path<String>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let said = said(&body);
    let reason = said.as_ref().ok().and_then(|said| said.reason.clone());
    let caller = gate.pass(Action::CloseConnections, &text, json!({ "reason": reason })).await?;
    let subject = if text.contains('@') {
        gate.app.directory.subject_named(SubjectType::User, &text.to_lowercase()).await?
    } else {
        gate.app.directory.subject(id("subject", &text)?).await?
    };
    let subject = subject.filter(|subject| caller.reach == Reach::All || subject.id == caller.id);
    let subject = subject.ok_or_else(|| ApiError::not_found("subject"))?.id.to_string();
    let who = caller.subject.subject_name;
    let reason = because(&who, "closed all connections", said?)?;
    lifecycle::close(&gate.app, Which::OfSubject(&subject), &who, &reason, Time::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close all connections of a person
#[utoipa::path(patch, path = "/users/{id}/close-connections", tag = "connections", params(("id" = String, Path)),
    request_body = Option<CloseRequest>,
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn close_of_user(gate: Gate, path: Path<String>, body: Bytes) -> Result<StatusCode, ApiError> {
    close_of_subject(gate, path, body).await
}

/// What is said with it, if anything is: BastionZero's programs send nothing.
fn said(body: &[u8]) -> Result<CloseRequest, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) || body == b"null" {
        return Ok(CloseRequest::default());
    }
    serde_json::from_slice(body).map_err(|error| ApiError::invalid(format!("the body: {error}")))
}

fn because(who: &str, what: &str, said: CloseRequest) -> Result<String, ApiError> {
    let reason = said.reason.filter(|reason| !reason.trim().is_empty());
    let reason = reason.map(|reason| words("reason", &reason)).transpose()?;
    Ok(match reason {
        Some(reason) => format!("{who} {what}: {reason}"),
        None => format!("{who} {what}"),
    })
}
