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
use uuid::Uuid;

use crate::api::player::failed;
use crate::api::question::only;
use crate::api::recordings::find;
use crate::app::{App, id};
use crate::error::ApiError;
use crate::film::{FilmError, LAYOUT, empty, made};
use crate::who::ticket::shown;
use crate::who::{Action, Caller, Gate, Seen};

/// Addresses are the same for so long, in microseconds: browsers know what they have.
const SAME: i64 = 12 * 3600 * 1_000_000;

/// Pictures that are made in another way are others.
const PICTURE: u32 = 1;

/// Where the still of a recording is, for somebody who is shown a list with it now.
pub(super) fn address(app: &App, caller: &Caller, recording: Uuid, now: Time) -> String {
    let begin = Time(now.0 - now.0.rem_euclid(SAME));
    let ticket = app.tickets.give(caller.id, Seen::Still(recording), begin);
    format!("{}/{recording}/still.svg?ticket={ticket}", recordings::ROOT)
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
    let tag = tag(&recording);
    let has_it = headers.get(header::IF_NONE_MATCH).is_some_and(|had| *had == *tag);
    if has_it {
        return Ok((StatusCode::NOT_MODIFIED, kept(tag)).into_response());
    }
    let svg = [(header::CONTENT_TYPE, "image/svg+xml")];
    let still = match made(&gate.app, &recording).await {
        // It is made soon, and is none that is to be kept.
        Ok(None) => return Ok((svg, [(header::CACHE_CONTROL, "no-store")], empty()).into_response()),
        Ok(Some(film)) => film.still(&gate.app).await,
        Err(error) => Err(error),
    };
    match still {
        Ok(still) => Ok((svg, kept(tag), still).into_response()),
        Err(FilmError::NotARecording) => Ok((svg, kept(tag), empty()).into_response()),
        Err(error) => Err(failed(&recording, &error)),
    }
}

fn kept(tag: String) -> [(header::HeaderName, String); 2] {
    [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())]
}

/// Nothing is added to a recording that is complete: how much is in it and how stills are made says which still it is; in
/// which coding it comes, it does not.
fn tag(recording: &Recording) -> String {
    format!("W/\"{}-{LAYOUT}-{PICTURE}\"", recording.size)
}
