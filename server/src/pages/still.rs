//! Stills of recordings, for the page that lists them.
//!
//! The page is given tickets for the stills on it, and so they are part of what is written down of the page. A still that
//! somebody asks for without one is a look at the recording, and is written down as that. Browsers keep stills, and ask each time
//! whether they may show them.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_store::Recording;
use casemate_web::recordings;
use serde_json::json;

use crate::api::player::failed;
use crate::api::question::only;
use crate::api::recordings::find;
use crate::app::{App, id};
use crate::error::ApiError;
use crate::film::{self, FilmError, LAYOUT, empty};
use crate::who::ticket::shown;
use crate::who::{Action, Caller, Gate, Seen};

/// Addresses are the same for so long, in microseconds: browsers know what they have.
const SAME: i64 = 12 * 3600 * 1_000_000;

/// Pictures that are made in another way are others.
const PICTURE: u32 = 1;

/// What goes on changes: so long after the list was looked at its still is a part of that, in microseconds, and then a look of its own.
/// Otherwise one list would be enough to watch a session for a day.
const SOON: i64 = 60 * 1_000_000;

/// Where the still of a recording is, for somebody who is shown a list with it now.
pub(super) fn address(app: &App, caller: &Caller, recording: &Recording, now: Time) -> String {
    let (id, seen) = (recording.id, Seen::Still(recording.id));
    let ticket = match recording.completed {
        Some(_) => app.tickets.give(caller.id, seen, Time(now.0 - now.0.rem_euclid(SAME))),
        None => app.tickets.give_until(caller.id, seen, Time(now.0.saturating_add(SOON))),
    };
    format!("{}/{id}/still.svg?ticket={ticket}", recordings::ROOT)
}

/// A still.
pub(super) async fn still(
    gate: Gate,
    Path(text): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = id("recording", &text);
    let asked = only(&uri, ["ticket"]);
    let ticket = asked.as_ref().ok().and_then(|[ticket]| ticket.as_deref());
    let ticket = shown(Seen::Still, &known, ticket);
    let caller = gate.pass_with(Action::GetRecording, &text, ticket, json!({ "format": "still" })).await?;
    asked?;
    let (recording, _) = find(&gate, &caller, &text).await?;
    let tag = |size| tag(&recording, size);
    let has_it = headers.get(header::IF_NONE_MATCH).is_some_and(|had| *had == *tag(recording.size));
    if has_it {
        return Ok((StatusCode::NOT_MODIFIED, kept(tag(recording.size))).into_response());
    }
    let svg = [(header::CONTENT_TYPE, "image/svg+xml")];
    match film::still(&gate.app, &recording).await {
        Ok(Some(still)) => Ok((svg, kept(tag(still.size)), still.picture).into_response()),
        // It is made soon, or is not at hand, and this is none that is to be kept.
        Ok(None) => Ok((svg, [(header::CACHE_CONTROL, "no-store")], empty()).into_response()),
        Err(FilmError::NotARecording) => Ok((svg, kept(tag(recording.size)), empty()).into_response()),
        Err(error) => Err(failed(&recording, &error)),
    }
}

fn kept(tag: String) -> [(header::HeaderName, String); 2] {
    [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())]
}

/// Of how much of a recording it is, whether that is all, and how stills are made says which still it is; in which coding it comes, it
/// does not.
fn tag(recording: &Recording, size: u64) -> String {
    let so_far = if recording.completed.is_some() { "" } else { "-so-far" };
    format!("W/\"{size}-{LAYOUT}-{PICTURE}{so_far}\"")
}
