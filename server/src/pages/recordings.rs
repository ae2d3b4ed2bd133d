//! The page of recordings: those of the connections that a filter finds.

use std::collections::HashMap;

use axum::extract::{Form, Path};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use casemate_audit_log::Time;
use casemate_audit_store::connections::Connection;
use casemate_audit_store::{Recording, RecordingFilter};
use casemate_web::layout;
use casemate_web::recordings::{self, By, Found};
use casemate_web::sign_in::ours;
use casemate_web::view::{Page, View};
use serde::Deserialize;
use uuid::Uuid;

use super::logs::parameters;
use super::{html, viewer};
use crate::api;
use crate::api::connections::Listing;
use crate::api::events::asked;
use crate::api::question::{behind, pairs};
use crate::app::App;
use crate::error::ApiError;
use crate::who::{Action, Caller, Gate, Reach};

/// Connections that are looked at in one go.
const CONNECTIONS: usize = 200;

/// Recordings of a page, at least, where there are so many.
const ROWS: usize = 100;

/// So often connections are looked at for one page: many may have no recording.
const ROUNDS: usize = 10;

/// The recordings.
pub(super) async fn page(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ListRecordings, "all", asked(&uri)?).await?;
    let (mut by, mut rest) = (By::default(), Vec::new());
    for (name, value) in pairs(&uri)? {
        if name == "by" {
            let known = By::named(&value);
            by = known.ok_or_else(|| ApiError::field("by", "it is none of person, target, time"))?;
        } else {
            rest.push((name, value));
        }
    }
    let asked = rest.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let view = View::parse(Page::Connections, asked);
    let view = view.map_err(|bad| ApiError::field(&bad.name, bad.message))?;
    let (recordings, behind) = find(&gate.app, &caller, &view).await?;
    let deletes = (Action::DeleteRecording.reach(caller.role) == Reach::All).then(|| caller.csrf.clone());
    let found = Found { recordings, behind, deletes: deletes.map(Option::unwrap_or_default) };
    let content = recordings::page(&view, by, &found);
    Ok(html(layout::page(recordings::TITLE, recordings::ROOT, &viewer(&caller), &content)))
}

/// Recordings of a view, the latest first, and where there are more.
async fn find(
    app: &App,
    caller: &Caller,
    view: &View,
) -> Result<(Vec<recordings::Recording>, Option<String>), ApiError> {
    let mut view = view.clone();
    let (mut rows, now) = (Vec::new(), Time::now());
    for _ in 0..ROUNDS {
        let mut listing = Listing::of(parameters(&view, now))?;
        listing.limit = CONNECTIONS;
        let connections = listing.find(app, caller).await?;
        let mut recordings = of(app, &connections).await?;
        let found = connections.iter().filter_map(|connection| {
            recordings.remove(&connection.id).map(|recording| row(connection, &recording))
        });
        rows.extend(found);
        let last = connections.last().filter(|_| connections.len() == CONNECTIONS);
        view.behind = last.map(|connection| behind(connection.started, connection.id));
        if view.behind.is_none() || rows.len() >= ROWS {
            break;
        }
    }
    Ok((rows, view.behind))
}

/// The recordings of connections, by their ids.
async fn of(app: &App, connections: &[Connection]) -> Result<HashMap<Uuid, Recording>, ApiError> {
    let ids: Vec<_> = connections.iter().map(|connection| connection.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let limit = ids.len();
    let filter = RecordingFilter { ids, ..RecordingFilter::default() };
    let found = app.recordings.list(&filter, None, limit).await?;
    Ok(found.into_iter().map(|recording| (recording.id, recording)).collect())
}

fn row(connection: &Connection, recording: &Recording) -> recordings::Recording {
    recordings::Recording {
        id: connection.id.to_string(),
        subject: connection.subject_name.clone(),
        target: connection.target_name.clone(),
        target_user: connection.target_user.clone(),
        started: connection.started,
        ended: connection.ended,
        size: recording.size,
        is_open: recording.completed.is_none() && connection.is_living(),
        hold: recording.hold.as_ref().map(|mark| format!("{}, {}: {}", mark.by, mark.time, mark.reason)),
    }
}

/// What stands in the form to delete one.
#[derive(Debug, Deserialize)]
pub(super) struct Deletion {
    #[serde(default)]
    csrf: String,
    reason: String,
    #[serde(default)]
    next: String,
}

/// Deletes one.
pub(super) async fn delete(
    gate: Gate,
    Path(id): Path<String>,
    Form(said): Form<Deletion>,
) -> Result<Response, ApiError> {
    gate.prove(&said.csrf);
    api::recordings::remove(&gate, &id, Some(said.reason)).await?;
    Ok(Redirect::to(ours(&said.next)).into_response())
}
