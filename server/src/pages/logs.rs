//! Pages of the logs: what the API's lists find, as tables.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_store::connections::Connection;
use casemate_web::logs::{Connection as Row, Entry, Found};
use casemate_web::view::{Page, View};
use casemate_web::{event, layout, logs, text};
use maud::html as markup;
use serde::Deserialize;
use serde_json::json;

use super::{html, viewer};
use crate::api::connections::{self, Listing};
use crate::api::events::asked;
use crate::api::question::{Asks, Question, behind, pairs};
use crate::api::{tail, values as names};
use crate::error::ApiError;
use crate::who::gate::cookie;
use crate::who::{Action, Caller, Gate};

/// Rows of a page.
const ROWS: usize = 100;

/// Events of one moment that are looked at for one of them.
const OF_A_MOMENT: usize = 1000;

/// A log.
pub(super) async fn log(
    gate: Gate,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let page = named(&name)?;
    let caller = pass(&gate, page, &uri, Action::ListEvents).await?;
    let view = view(page, &uri, &headers)?;
    // What happens while it is looked up comes behind it once more, and not at all otherwise.
    let cursor = tail::now(&gate.app).await?;
    let now = Time::now();
    let entries = if page == Page::Connections {
        connections_of(&gate, &caller, &view, now).await?
    } else {
        events_of(&gate, &caller, &view, now).await?
    };
    let more = entries.last().filter(|_| entries.len() == ROWS).map(|(_, place)| place.clone());
    let found = Found { entries, behind: more, cursor, now };
    Ok(html(layout::page(page.title(), &page.path(), &viewer(&caller), &logs::page(&view, &found))))
}

/// Names for whoever types one: a list of them, as a part of a page.
pub(super) async fn values(gate: Gate, Path(name): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let names = names::of_log(&gate, named(&name)?.log().name(), &uri).await?;
    Ok(html(markup! {
        // What has a comma cannot be asked for by its name.
        @for name in names.iter().filter(|name| !name.contains(',')) {
            li role="option" data-value=(name) aria-selected="false" { (text::Foreign(name)) }
        }
    }))
}

/// Of which moment an event is.
#[derive(Debug, Deserialize)]
pub(super) struct Moment {
    at: String,
}

/// One event.
pub(super) async fn event(
    gate: Gate,
    Path((name, id)): Path<(String, String)>,
    Query(moment): Query<Moment>,
) -> Result<Response, ApiError> {
    let page = named(&name)?;
    let (caller, entry) = if page == Page::Connections {
        let caller = gate.pass(Action::GetConnection, &id, json!({})).await?;
        let connection = connections::find(&gate, &caller, Action::GetConnection, &id).await?;
        (caller, Some(row(&connection)))
    } else {
        let caller =
            gate.pass(Action::ListEvents, page.log().name(), json!({ "id": id, "at": moment.at })).await?;
        let question =
            vec![("startTimestamp".to_owned(), moment.at.clone()), ("endTimestamp".to_owned(), moment.at)];
        let mut question = Question::of(question, Asks::Page)?;
        (question.logs, question.limit) = (vec![page.log()], OF_A_MOMENT);
        let found = find(&gate, &caller, question).await?;
        let event = found.into_iter().map(|found| found.event).find(|event| event.id() == id);
        (caller, event.and_then(Entry::of))
    };
    let entry = entry.ok_or_else(|| ApiError::not_found("event"))?;
    Ok(html(layout::page("Event", &page.path(), &viewer(&caller), &event::page(page, &entry))))
}

/// The page of a name.
pub(super) fn named(name: &str) -> Result<Page, ApiError> {
    Page::named(name).ok_or_else(|| ApiError::not_found("page"))
}

/// Lets somebody through to a log, as the API does.
pub(super) async fn pass(gate: &Gate, page: Page, uri: &Uri, action: Action) -> Result<Caller, ApiError> {
    match (page, action) {
        (Page::Connections, Action::ListEvents) => {
            gate.pass(Action::ListConnections, "all", asked(uri)?).await
        }
        _ => gate.pass(action, page.log().name(), asked(uri)?).await,
    }
}

/// What an address says, and what whoever looks wants to see.
pub(super) fn view(page: Page, uri: &Uri, headers: &HeaderMap) -> Result<View, ApiError> {
    let pairs = pairs(uri)?;
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let view = View::parse(page, pairs.filter(|(name, _)| *name != "cursor"));
    let view = view.map_err(|bad| ApiError::field(&bad.name, bad.message))?;
    Ok(match cookie(headers, &format!("casemate_columns_{}", page.name())) {
        Some(kept) => view.keep(kept),
        None => view,
    })
}

/// What the API would be asked.
pub(super) fn parameters(view: &View, now: Time) -> Vec<(String, String)> {
    let mut parameters = view.question(now);
    parameters.extend(view.behind.clone().map(|behind| ("before", behind)));
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn events_of(
    gate: &Gate,
    caller: &Caller,
    view: &View,
    now: Time,
) -> Result<Vec<(Entry, String)>, ApiError> {
    let mut question = Question::of(parameters(view, now), Asks::Page)?;
    (question.logs, question.limit) = (vec![view.page.log()], ROWS);
    let found = find(gate, caller, question).await?;
    let entries = found.into_iter().filter_map(|found| {
        let place = behind(found.position.time, found.position.row);
        Some((Entry::of(found.event)?, place))
    });
    Ok(entries.collect())
}

/// Events, as far as somebody may know.
pub(super) async fn find(
    gate: &Gate,
    caller: &Caller,
    mut question: Question,
) -> Result<Vec<casemate_audit_store::Found>, ApiError> {
    let Some(filter) = caller.narrow(question.filter) else { return Ok(Vec::new()) };
    question.filter = filter;
    Ok(gate.app.database.page(question.page()).await?)
}

async fn connections_of(
    gate: &Gate,
    caller: &Caller,
    view: &View,
    now: Time,
) -> Result<Vec<(Entry, String)>, ApiError> {
    let mut listing = Listing::of(parameters(view, now))?;
    listing.0.limit = ROWS;
    let found = listing.find(&gate.app, caller).await?;
    Ok(found.iter().map(|connection| (row(connection), behind(connection.started, connection.id))).collect())
}

/// What a stream is asked for: without what connections alone have.
pub(super) fn tailed(view: &View, now: Time, cursor: Option<String>) -> Result<Question, ApiError> {
    let kept =
        parameters(view, now).into_iter().filter(|(name, _)| name != "connectionState" && name != "sort");
    let mut question = Question::of(kept.collect(), Asks::Tail)?;
    (question.logs, question.cursor) = (vec![view.page.log()], cursor);
    if view.page == Page::Connections {
        // Of a connection that began before that, what happens to it is later; and a text is looked for in the connection.
        question.filter = Filter { start: None, end: None, search: None, ..question.filter };
    }
    Ok(question)
}

/// A connection as a row.
pub(super) fn row(connection: &Connection) -> Entry {
    Entry::Connection(Box::new(Row {
        id: connection.id.to_string(),
        time_created: connection.started,
        time_ended: connection.ended,
        state: connection.state,
        is_inactive: connection.is_inactive(),
        subject_name: connection.subject_name.clone(),
        subject_type: connection.subject_type,
        is_admin: connection.is_admin,
        ip_address: connection.ip_address.clone(),
        target_name: connection.target_name.clone(),
        target_user: connection.target_user.clone(),
        target_type: connection.kind,
        environment_name: connection.environment_name.clone(),
        space_name: connection.space_name.clone(),
        reason: connection.reason.clone(),
        known_by: connection.known_by.clone(),
    }))
}
