//! Recordings as a browser's player takes them: an index, and one part after the other.
//!
//! Whoever asks for the index looks at the recording, and that is written down; the parts that it names are part of that.

use axum::extract::Path;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_store::{Recording, StoreError};
use serde_json::json;

use super::recordings::{find, one};
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::film::{Film, FilmError, ready};
use crate::who::{Action, Gate, Seen};

/// The index of a recording for `asciinema-player`
///
/// What its source of the type `segmented` takes: how long the recording is, where its parts begin, and its markers. Not while
/// the session goes on.
#[utoipa::path(get, path = "/session-recordings/{id}/player", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/json", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn index(gate: Gate, Path(text): Path<String>) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::GetRecording, &text, json!({ "format": "player" })).await?;
    let (recording, _) = find(&gate, &caller, Action::GetRecording, &text).await?;
    let film = film(&gate.app, &recording).await?;
    let ticket = gate.app.tickets.give(caller.id, Seen::Film(recording.id), Time::now());
    let index = film.index(&gate.app, "player", &format!("?ticket={ticket}")).await;
    json_of(index.map_err(|error| failed(&recording, &error))?)
}

/// A part of a recording for `asciinema-player`
///
/// The screen that it begins with, and its events. With the ticket from its index it is part of that call, and no user event of
/// its own.
#[utoipa::path(get, path = "/session-recordings/{id}/player/{number}", tag = "recordings",
    params(("id" = String, Path), ("number" = u64, Path), ("ticket" = Option<String>, Query, description = "As in the index.")),
    responses((status = 200, content_type = "application/json", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn part(
    gate: Gate,
    Path((text, number)): Path<(String, u64)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let known = id("recording", &text);
    let ticket = one(&uri, "ticket");
    let ticket = known.as_ref().ok().zip(ticket.as_ref().ok().and_then(Option::as_deref));
    let ticket = ticket.map(|(id, ticket)| (Seen::Film(*id), ticket));
    let context = json!({ "format": "player", "part": number });
    let caller = gate.pass_with(Action::GetRecording, &text, ticket, context).await?;
    one(&uri, "ticket")?;
    let (recording, _) = find(&gate, &caller, Action::GetRecording, &text).await?;
    let film = film(&gate.app, &recording).await?;
    let part = film.scene(&gate.app, number).await.map_err(|error| failed(&recording, &error))?;
    json_of(part.ok_or_else(|| ApiError::not_found("part of the recording"))?)
}

/// The film of a recording.
///
/// # Errors
/// Its session goes on, or it cannot be played.
pub async fn film(app: &App, recording: &Recording) -> Result<Film, ApiError> {
    if recording.completed.is_none() {
        return Err(ApiError::conflict("its session goes on: follow it by `live`"));
    }
    ready(app, recording).await.map_err(|error| failed(recording, &error))
}

/// What is said where there is no film.
pub(crate) fn failed(recording: &Recording, error: &FilmError) -> ApiError {
    match error {
        FilmError::Store(StoreError::Deleted { .. }) => {
            ApiError::new(StatusCode::GONE, "Deleted", "this recording was deleted")
        }
        FilmError::NotARecording => ApiError::conflict("there is nothing in it that could be played"),
        FilmError::Store(_) | FilmError::Made(_) => {
            crate::say(format_args!("recording {} cannot be played: {error}", recording.id));
            let message = "it cannot be played now: the server's log says why";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "Failed", message)
        }
    }
}

fn json_of(text: String) -> Result<Response, ApiError> {
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
