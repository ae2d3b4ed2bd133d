//! The page of recordings: those of the connections that a filter finds.

use std::collections::HashMap;

use axum::extract::{Form, Path};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_store::connections::{By as StoreBy, Connection, Group, Listed};
use casemate_audit_store::{Recording, RecordingFilter};
use casemate_web::layout;
use casemate_web::recordings::{self, Asked, By, EACH, Found, NAMES};
use casemate_web::sign_in::ours;
use casemate_web::view::{Page, View};
use serde::Deserialize;
use uuid::Uuid;

use super::logs::parameters;
use super::{html, still, viewer};
use crate::api;
use crate::api::connections::Listing;
use crate::api::events::asked;
use crate::api::question::{behind, pairs};
use crate::app::App;
use crate::error::ApiError;
use crate::who::{Action, Caller, Gate, Reach};

/// Recordings of a page that is a list of them.
const ROWS: usize = 100;

/// The recordings.
pub(super) async fn page(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ListRecordings, "all", asked(&uri)?).await?;
    let (mut question, mut rest) = (Asked::default(), Vec::new());
    for (name, value) in pairs(&uri)? {
        match name.as_str() {
            _ if value.contains('\0') => {
                return Err(ApiError::field(&name, "it has a character that nothing has"));
            }
            "by" => {
                let known = By::named(&value);
                question.by =
                    known.ok_or_else(|| ApiError::field("by", "it is none of person, target, time"))?;
            }
            "of" => question.of = Some(value),
            "after" => question.after = Some(value),
            _ => rest.push((name, value)),
        }
    }
    let asked = rest.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let view = View::parse(Page::Connections, asked);
    let view = view.map_err(|bad| ApiError::field(&bad.name, bad.message))?;
    let found = find(&gate.app, &caller, &view, &question).await?;
    let ticket = super::logs::ticket(&gate, &caller, Page::Connections);
    let content = recordings::page(&view, &question, &found, &ticket, &gate.app.address);
    Ok(html(layout::page(recordings::TITLE, recordings::ROOT, &viewer(&caller), &content)))
}

/// What a page shows.
async fn find(app: &App, caller: &Caller, view: &View, asked: &Asked) -> Result<Found, ApiError> {
    let now = Time::now();
    let listing = Listing::of(parameters(view, now))?;
    let mut listed = listing.narrowed(caller).filter(|listed| is_within(&listed.filter, asked));
    if let Some(listed) = &mut listed {
        (listed.are_recorded, listed.limit) = (true, ROWS + 1);
        let one = asked.of.clone().map(|name| [name].into());
        match asked.by {
            By::Person => one.into_iter().for_each(|one| listed.filter.subject_names = one),
            By::Target => one.into_iter().for_each(|one| listed.filter.target_names = one),
            By::Time => {}
        }
    }
    let deletes = (Action::DeleteRecording.reach(caller.role) == Reach::All)
        .then(|| caller.csrf.clone().unwrap_or_default());
    if asked.is_of_groups() {
        let Some(listed) = listed else {
            return Ok(Found::Groups { groups: Vec::new(), has_more: false, deletes });
        };
        let (groups, has_more) = groups(app, caller, asked, &listed, now).await?;
        return Ok(Found::Groups { groups, has_more, deletes });
    }
    let mut connections = match &listed {
        Some(listed) => app.connections.list(listed).await?,
        None => Vec::new(),
    };
    let has_more = connections.len() > ROWS;
    connections.truncate(ROWS);
    let behind = connections.last().filter(|_| has_more).map(|last| behind(last.started, last.id));
    let recordings = rows(app, caller, &connections, now).await?;
    let recordings = recordings.into_iter().map(|(_, recording)| recording).collect();
    Ok(Found::Recordings { recordings, behind, deletes })
}

/// Whose there are, each with the first few; and whether there are more names.
async fn groups(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    listed: &Listed,
    now: Time,
) -> Result<(Vec<recordings::Group>, bool), ApiError> {
    let by = if asked.by == By::Person { StoreBy::Subject } else { StoreBy::Target };
    let some = Listed { limit: NAMES + 1, ..listed.clone() };
    let mut groups = app.connections.groups(by, &some, asked.after.as_deref()).await?;
    let has_more = groups.len() > NAMES;
    groups.truncate(NAMES);
    let connections = app.connections.first_of(by, listed, &groups, EACH).await?;
    let mut of_each = HashMap::<&str, Vec<_>>::new();
    for (connection, recording) in rows(app, caller, &connections, now).await? {
        let name = if by == StoreBy::Subject { &connection.subject_name } else { &connection.target_name };
        of_each.entry(name).or_default().push(recording);
    }
    let group = |Group { name, count, latest, total, .. }| {
        let recordings = of_each.remove(name.as_str()).unwrap_or_default();
        recordings::Group { name, count, latest, total, recordings }
    };
    Ok((groups.into_iter().map(group).collect(), has_more))
}

/// Whether a filter lets through what is asked for alone.
fn is_within(filter: &Filter, asked: &Asked) -> bool {
    let names = if asked.by == By::Target { &filter.target_names } else { &filter.subject_names };
    names.is_empty() || asked.of.as_ref().is_none_or(|name| names.contains(name))
}

/// Connections as rows, those whose recordings are there: one may be deleted in between.
async fn rows<'c>(
    app: &App,
    caller: &Caller,
    connections: &'c [Connection],
    now: Time,
) -> Result<Vec<(&'c Connection, recordings::Recording)>, ApiError> {
    let recordings = of(app, connections).await?;
    let shown = |connection: &'c Connection| {
        let recording = recordings.get(&connection.id)?;
        Some((connection, row(app, caller, connection, recording, now)))
    };
    Ok(connections.iter().filter_map(shown).collect())
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

fn row(
    app: &App,
    caller: &Caller,
    connection: &Connection,
    recording: &Recording,
    now: Time,
) -> recordings::Recording {
    recordings::Recording {
        id: connection.id.to_string(),
        subject: connection.subject_name.clone(),
        target: connection.target_name.clone(),
        target_user: connection.target_user.clone(),
        started: connection.started,
        ended: connection.ended,
        size: recording.size,
        is_open: recording.completed.is_none() && connection.is_living(),
        still: Some(still::address(app, caller, recording, now)),
        hold: recording.hold.as_ref().map(ToString::to_string),
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
