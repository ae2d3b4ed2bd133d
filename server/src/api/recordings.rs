//! Recordings of sessions: which there are, and they themselves.

use std::collections::HashMap;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{ConnectionState, ConnectionType};
use casemate_audit_store::connections::{Connection, Listed};
use casemate_audit_store::{Form, Mark, Recording, RecordingFilter, StoreError};
use casemate_cast_format::Version;
use futures_util::stream::try_unfold;
use futures_util::{Stream, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body as Sent;
use super::directory::words;
use super::events::asked;
use super::question::{behind, count, only, pairs, place};
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::playback;
use crate::who::{Action, Caller, Gate, Reach, Still};

/// Recordings in an answer, where nobody says how many.
const RECORDINGS: usize = 1000;

/// A recording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordingView {
    /// Its id, and that of its connection.
    connection_id: String,
    /// When it began.
    time_created: Time,
    /// How the connection stands.
    connection_state: ConnectionState,
    /// What the connection leads to.
    target_id: String,
    /// What it is for.
    target_type: ConnectionType,
    /// Name of the target.
    target_name: String,
    /// The account on the target.
    target_user: String,
    /// Whether what was typed is in it.
    input_recorded: bool,
    /// Whose session it is.
    subject_id: String,
    /// Its name.
    subject_name: String,
    /// In bytes.
    size: u64,
    /// How it is kept: `cast`, `cast.zst`.
    form: String,
    /// When the connection ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ended: Option<Time>,
    /// Nothing more comes.
    complete: bool,
    /// Of the bytes as they are kept, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Who wants it to stay, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<MarkView>,
}

/// That somebody has done something with a recording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkView {
    /// When.
    time: Time,
    /// Who.
    by: String,
    /// Why.
    reason: String,
}

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// It.
    reason: String,
}

impl RecordingView {
    fn of(recording: &Recording, connection: &Connection) -> Self {
        Self {
            connection_id: recording.id.to_string(),
            time_created: recording.created,
            connection_state: connection.state,
            target_id: connection.target_id.clone(),
            target_type: connection.kind,
            target_name: connection.target_name.clone(),
            target_user: connection.target_user.clone(),
            input_recorded: recording.input_recorded,
            subject_id: connection.subject_id.clone(),
            subject_name: connection.subject_name.clone(),
            size: recording.size,
            form: recording.form.name().to_owned(),
            time_ended: connection.ended,
            complete: recording.completed.is_some(),
            sha256: recording.sha256.map(|hash| hash.to_string()),
            hold: recording.hold.as_ref().map(|hold| MarkView {
                time: hold.time,
                by: hold.by.clone(),
                reason: hold.reason.clone(),
            }),
        }
    }
}

/// Recordings, the latest first
#[utoipa::path(get, path = "/session-recordings", tag = "recordings",
    params(("subjectIds" = Option<String>, Query, description = "Those of these, with commas between them."),
        ("startTimestamp" = Option<String>, Query, description = "Begun from then on."),
        ("endTimestamp" = Option<String>, Query, description = "Begun until then."),
        ("count" = Option<u32>, Query, description = "So many: 1000 where it is not said, 10000 at most."),
        ("before" = Option<String>, Query, description = "Where to go on: as in the `Link` of the page before.")),
    responses((status = 200, body = [RecordingView]), (status = "4XX", body = ErrorBody)))]
pub async fn recordings(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ListRecordings, "all", asked(&uri)?).await?;
    let (mut filter, mut before, mut limit) = (RecordingFilter::default(), None, RECORDINGS);
    for (name, value) in pairs(&uri)? {
        let time = || value.parse::<Time>().map_err(|error| ApiError::field(&name, error.to_string()));
        match name.as_str() {
            "subjectIds" => {
                filter.subject_ids.extend(value.split(',').filter(|id| !id.is_empty()).map(str::to_owned));
                if filter.subject_ids.len() > 1000 {
                    return Err(ApiError::field(&name, "there are more than 1000 values"));
                }
            }
            "startTimestamp" => filter.start = Some(time()?),
            "endTimestamp" => filter.end = Some(time()?),
            "count" => limit = count(&name, &value, 10_000)?,
            "before" => before = Some(place(&name, &value)?),
            _ => return Err(ApiError::field(&name, "there is no such parameter here")),
        }
    }
    if caller.reach != Reach::All {
        let own = caller.subject.subject_id.clone();
        if !filter.subject_ids.is_empty() && !filter.subject_ids.contains(&own) {
            return Ok(Json(json!([])).into_response());
        }
        filter.subject_ids = vec![own];
    }
    let app = &gate.app;
    let found = app.recordings.list(&filter, before, limit).await?;
    let connections = connections_of(app, &found).await?;
    let views = found.iter().filter_map(|recording| {
        connections.get(&recording.id).map(|connection| RecordingView::of(recording, connection))
    });
    let views: Vec<RecordingView> = views.collect();
    let mut response = Json(views).into_response();
    if let Some(last) = found.last().filter(|_| found.len() == limit) {
        super::next_page(&mut response, &uri, &behind(last.created, last.id))?;
    }
    Ok(response)
}

/// The connections that recordings are of, by their ids.
async fn connections_of(app: &App, of: &[Recording]) -> Result<HashMap<Uuid, Connection>, ApiError> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = of.iter().map(|recording| recording.id.to_string()).collect();
    let filter = Filter { connection_ids: ids, ..Filter::default() };
    let found = app.connections.list(&Listed { filter, limit: of.len(), ..Listed::default() }).await?;
    Ok(found.into_iter().map(|connection| (connection.id, connection)).collect())
}

/// What somebody asks for, if it is one of what is his.
pub(crate) async fn find(
    gate: &Gate,
    caller: &Caller,
    text: &str,
) -> Result<(Recording, Connection), ApiError> {
    let id = id("recording", text)?;
    let connection = gate.app.connections.get(id).await?;
    let connection = connection.filter(|connection| caller.reaches(&connection.subject_id));
    let connection = connection.ok_or_else(|| ApiError::not_found("recording"))?;
    let recording = match gate.app.recordings.find(id).await {
        Ok(recording) => recording,
        Err(StoreError::NoRecording { .. }) => return Err(ApiError::not_found("recording")),
        Err(error) => return Err(error.into()),
    };
    match recording.deleted {
        Some(gone) => {
            let message = format!("{} deleted it at {}: {}", gone.by, gone.time, gone.reason);
            Err(ApiError::new(StatusCode::GONE, "Deleted", message))
        }
        None => Ok((recording, connection)),
    }
}

/// What is known of a recording
#[utoipa::path(get, path = "/session-recordings/{id}/details", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, body = RecordingView), (status = "4XX", body = ErrorBody)))]
pub async fn details(gate: Gate, Path(text): Path<String>) -> Result<Json<RecordingView>, ApiError> {
    let caller = gate.pass(Action::ListRecordings, &text, json!({})).await?;
    let (recording, connection) = find(&gate, &caller, &text).await?;
    Ok(Json(RecordingView::of(&recording, &connection)))
}

/// A recording: asciicast, as far as it is there
#[utoipa::path(get, path = "/session-recordings/{id}", tag = "recordings",
    params(("id" = String, Path),
        ("format" = Option<String>, Query, description = "`text`, as it was recorded; `v2`, `v3`: that version of asciicast; \
            `file`: the bytes as they are kept, of which `Range` asks for some."),
        ("Range" = Option<String>, Header, description = "`bytes=FIRST-LAST`, of `file`.")),
    responses((status = 200, content_type = "application/x-asciicast", body = String),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>), (status = "4XX", body = ErrorBody)))]
pub async fn recording(
    gate: Gate,
    Path(text): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::GetRecording, &text, asked(&uri)?).await?;
    let (recording, _) = find(&gate, &caller, &text).await?;
    let still = Still::of(&gate.app, caller, Action::GetRecording);
    let [format] = only(&uri, ["format"])?;
    let version = match format.as_deref() {
        None | Some("text") => None,
        Some("v2") => Some(Version::V2),
        Some("v3") => Some(Version::V3),
        Some("file") => return file(&gate, still, &recording, &headers).await,
        Some(_) => return Err(ApiError::field("format", "it has to be `text`, `v2`, `v3` or `file`")),
    };
    give(&gate, &recording, version, None, Some(still))
}

/// A recording as it is made, to its end
#[utoipa::path(get, path = "/session-recordings/{id}/live", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/x-asciicast", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn live(gate: Gate, Path(text): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::WatchRecording, &text, json!({})).await?;
    let [] = only(&uri, [])?;
    let (recording, _) = find(&gate, &caller, &text).await?;
    give(&gate, &recording, None, Some(caller), None)
}

/// Delete a recording
///
/// Not while it goes on, or is held. That there was one, who deleted it, when and why, stays.
#[utoipa::path(delete, path = "/session-recordings/{id}", tag = "recordings",
    params(("id" = String, Path), ("reason" = Option<String>, Query, description = "Why.")),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete(gate: Gate, Path(text): Path<String>, uri: Uri) -> Result<StatusCode, ApiError> {
    let caller = gate.pass(Action::DeleteRecording, &text, asked(&uri)?).await?;
    let [reason] = only(&uri, ["reason"])?;
    delete_for(&gate, caller, &text, reason).await
}

/// The same, for a page that asks why.
///
/// # Errors
/// As of the call.
pub(crate) async fn remove(gate: &Gate, text: &str, reason: Option<String>) -> Result<(), ApiError> {
    let caller = gate.pass(Action::DeleteRecording, text, json!({ "reason": reason })).await?;
    delete_for(gate, caller, text, reason).await.map(drop)
}

async fn delete_for(
    gate: &Gate,
    caller: Caller,
    text: &str,
    reason: Option<String>,
) -> Result<StatusCode, ApiError> {
    let (recording, connection) = find(gate, &caller, text).await?;
    let reason = reason.map(|reason| words("reason", &reason)).transpose()?;
    let now = Time::now();
    let mark = Mark { time: now, by: caller.subject.subject_name, reason: reason.unwrap_or_default() };
    if recording.completed.is_none() && recording.hold.is_none() && !connection.is_living() {
        // Nobody carries it any more.
        gate.app.recordings.complete(recording.id, now).await?;
    }
    let _forgetting = gate.app.films.forgetting(recording.id);
    match gate.app.recordings.delete(recording.id, &mark).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::Open { .. }) => {
            Err(ApiError::conflict("its session goes on: close the connection first"))
        }
        Err(StoreError::Held { by, reason, .. }) => {
            Err(ApiError::conflict(format!("it is on hold, says {by}: {reason}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Keep a recording from being deleted
#[utoipa::path(put, path = "/session-recordings/{id}/hold", tag = "recordings", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = RecordingView), (status = "4XX", body = ErrorBody)))]
pub async fn hold(
    gate: Gate,
    Path(text): Path<String>,
    uri: Uri,
    Sent(said): Sent<Reason>,
) -> Result<Json<RecordingView>, ApiError> {
    let caller = gate.pass(Action::HoldRecording, &text, json!({ "reason": said.reason })).await?;
    let [] = only(&uri, [])?;
    let (recording, connection) = find(&gate, &caller, &text).await?;
    let reason = words("reason", &said.reason)?;
    let mark = Mark { time: Time::now(), by: caller.subject.subject_name, reason };
    let recording = gate.app.recordings.hold(recording.id, &mark).await?;
    Ok(Json(RecordingView::of(&recording, &connection)))
}

/// Let a recording be deleted again
#[utoipa::path(delete, path = "/session-recordings/{id}/hold", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, body = RecordingView), (status = "4XX", body = ErrorBody)))]
pub async fn release(
    gate: Gate,
    Path(text): Path<String>,
    uri: Uri,
) -> Result<Json<RecordingView>, ApiError> {
    let caller = gate.pass(Action::HoldRecording, &text, json!({ "release": true })).await?;
    let [] = only(&uri, [])?;
    let (recording, connection) = find(&gate, &caller, &text).await?;
    let recording = gate.app.recordings.release(recording.id).await?;
    Ok(Json(RecordingView::of(&recording, &connection)))
}

fn give(
    gate: &Gate,
    recording: &Recording,
    version: Option<Version>,
    follower: Option<Caller>,
    still: Option<Still>,
) -> Result<Response, ApiError> {
    let text = playback::text(&gate.app, recording.id, recording.form, version, follower);
    let text = text.map_err(|error| {
        crate::say(format_args!("recording {} cannot be read: {error}", recording.id));
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "the server has no memory left")
    })?;
    let name = format!("attachment; filename=\"{}.cast\"", recording.id);
    let headers =
        [(header::CONTENT_TYPE, "application/x-asciicast".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let text = text.map_err(std::io::Error::other);
    let body = match still {
        Some(still) => Body::from_stream(while_he_may(still, text)),
        None => Body::from_stream(text),
    };
    Ok((headers, body).into_response())
}

/// Bytes for as long as somebody may have them.
fn while_he_may(
    still: Still,
    bytes: impl Stream<Item = std::io::Result<Bytes>> + Send + Unpin,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    try_unfold((still, bytes), |(mut still, mut bytes)| async move {
        still.may().await.map_err(|error| std::io::Error::other(error.message().to_owned()))?;
        Ok(bytes.try_next().await?.map(|next| (next, (still, bytes))))
    })
}

async fn file(
    gate: &Gate,
    still: Still,
    recording: &Recording,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let size = recording.size;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = match asked.map(|asked| range(asked, size)) {
        None => 0..size,
        Some(Some(range)) => range,
        Some(None) => {
            let message = format!("there is no such range in {size} bytes");
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "NoSuchRange", message);
            return Err(error.with_header("content-range", format!("bytes */{size}")));
        }
    };
    let bytes = gate.app.recordings.read(recording.id, range.clone()).await?;
    let name = match recording.form {
        Form::Cast => "cast",
        Form::CastZst => "cast.zst",
    };
    let bytes = Box::pin(bytes.map_err(std::io::Error::other));
    let mut response = Body::from_stream(while_he_may(still, bytes)).into_response();
    let mut set = |name: header::HeaderName, value: String| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".into());
    set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{name}\"", recording.id));
    set(header::ACCEPT_RANGES, "bytes".into());
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    if asked.is_some() {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// One range of bytes, as HTTP asks for it.
fn range(asked: &str, size: u64) -> Option<std::ops::Range<u64>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first, last) {
        ("", last) => size.saturating_sub(last.parse().ok()?)..size,
        (first, "") => first.parse().ok()?..size,
        (first, last) => first.parse().ok()?..last.parse::<u64>().ok()?.saturating_add(1).min(size),
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_within() {
        assert_eq!(range("bytes=0-9", 100), Some(0..10));
        assert_eq!(range("bytes=90-", 100), Some(90..100));
        assert_eq!(range("bytes=-5", 100), Some(95..100));
        assert_eq!(range("bytes=-500", 100), Some(0..100));
        assert_eq!(range("bytes=5-500", 100), Some(5..100));
        for asked in
            ["bytes=100-", "bytes=9-5", "bytes=", "lines=1-2", "bytes=0-9,20-29", "bytes=-0", "bytes=a-b"]
        {
            assert_eq!(range(asked, 100), None, "{asked}");
        }
        assert_eq!(range("bytes=0-18446744073709551615", 100), Some(0..100));
    }
}
