//! Recordings as a browser's player takes them: an index, and one part after the other.
//!
//! Whoever asks for the index looks at the recording, and that is written down; the parts that it names are part of that.

use axum::extract::Path;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_store::{Recording, StoreError};
use serde_json::json;

use super::question::only;
use super::recordings::find;
use crate::app::id;
use crate::error::{ApiError, ErrorBody};
use crate::film::{FilmError, look, scene};
use crate::who::ticket::shown;
use crate::who::{Action, Gate, Seen};

/// The index of a recording for `asciinema-player`
///
/// What its source of the type `segmented` takes: how long the recording is, where its parts begin, and its markers. `isWhole` says
/// whether that is all: of a session that goes on, and of a long recording that has just come, it is what was prepared by now.
/// Where that is nothing, the answer is 503.
#[utoipa::path(get, path = "/session-recordings/{id}/player", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/json", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn index(gate: Gate, Path(text): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::GetRecording, &text, json!({ "format": "player" })).await?;
    let [] = only(&uri, [])?;
    let (recording, _) = find(&gate, &caller, &text).await?;
    let film = look(&gate.app, &recording, caller.id).await.map_err(|error| failed(&recording, &error))?;
    let ticket = gate.app.tickets.give(caller.id, Seen::Film(recording.id), Time::now());
    let index = film.index(&gate.app, "player", &format!("?ticket={ticket}")).await;
    json_of(index.map_err(|error| failed(&recording, &error))?)
}

/// A part of a recording for `asciinema-player`
///
/// The screen that it begins with, and its events. With the ticket from its index it is part of that call, and no user event of
/// its own.
#[utoipa::path(get, path = "/session-recordings/{id}/player/{number}", tag = "recordings",
    params(("id" = String, Path), ("number" = u64, Path), ("ticket" = Option<String>, Query, description = "As in the index."),
        ("end" = Option<u64>, Query, description = "As in the index, where that is not whole: when it ends, in microseconds.")),
    responses((status = 200, content_type = "application/json", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn part(
    gate: Gate,
    Path((text, number)): Path<(String, u64)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let known = id("recording", &text);
    let asked = only(&uri, ["ticket", "end"]);
    let ticket = asked.as_ref().ok().and_then(|[ticket, _]| ticket.as_deref());
    let ticket = shown(Seen::Film, &known, ticket);
    let context = json!({ "format": "player", "part": number });
    let caller = gate.pass_with(Action::GetRecording, &text, ticket, context).await?;
    let [_, end] = asked?;
    let end =
        end.map(|end| end.parse().map_err(|_| ApiError::field("end", "it is no number"))).transpose()?;
    let (recording, _) = find(&gate, &caller, &text).await?;
    let part = async {
        let end = match end {
            Some(end) => end,
            None => look(&gate.app, &recording, caller.id).await?.facts.duration,
        };
        scene(&gate.app, &recording, number, end).await
    };
    let part = part.await.map_err(|error| failed(&recording, &error))?;
    json_of(part.ok_or_else(|| ApiError::not_found("part of the recording"))?)
}

/// Why there is nothing to be played.
pub fn failed(recording: &Recording, error: &FilmError) -> ApiError {
    match error {
        FilmError::Store(StoreError::Deleted { .. }) => {
            ApiError::new(StatusCode::GONE, "Deleted", "this recording was deleted")
        }
        FilmError::NotARecording => ApiError::conflict("there is nothing in it that could be played"),
        FilmError::Later => {
            let message = "it is being prepared: ask again";
            let later = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Later", message);
            later.with_header("retry-after", "1")
        }
        FilmError::Store(_) | FilmError::Made(_) | FilmError::Failed => {
            if !matches!(error, FilmError::Failed) {
                crate::say(format_args!("recording {} cannot be played: {error}", recording.id));
            }
            let message = "it cannot be played now: the server's log says why";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "Failed", message)
        }
    }
}

fn json_of(text: String) -> Result<Response, ApiError> {
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
