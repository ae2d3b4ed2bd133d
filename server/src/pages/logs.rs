//! Pages of the logs: what the API's lists find, as tables.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{Event, Log};
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
use crate::who::{Action, Caller, Gate, Seen};

/// Rows of a page.
const ROWS: usize = 100;

/// A log.
pub(super) async fn log(
    gate: Gate,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let page = named(&name)?;
    let caller = pass(&gate, page, &uri).await?;
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
    let ticket = ticket(&gate, &caller, page);
    let found = Found { entries, behind: more, cursor, now, ticket, server: gate.app.address.clone() };
    Ok(html(layout::page(page.title(), &page.path(), &viewer(&caller), &logs::page(&view, &found))))
}

/// Names for whoever types one: a list of them, as a part of a page.
pub(super) async fn values(gate: Gate, Path(name): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let page = named(&name)?;
    let caller = part_of(&gate, page, Action::ListEvents, &uri).await?;
    let names = names::of_log(&gate, &caller, page.log(), &uri).await?;
    Ok(html(markup! {
        // What has a comma cannot be asked for by its name.
        @for name in names.iter().filter(|name| !name.contains(',')) {
            li role="option" data-value=(name) aria-selected="false" { (text::Foreign(name)) }
        }
    }))
}

/// Of which connection an event is, if it is of one.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    of: Option<String>,
}

/// One event.
pub(super) async fn event(
    gate: Gate,
    Path((name, id)): Path<(String, String)>,
    Query(Of { of }): Query<Of>,
) -> Result<Response, ApiError> {
    let page = named(&name)?;
    let (caller, entry) = if page == Page::Connections {
        let caller = gate.pass(Action::GetConnection, &id, json!({})).await?;
        let connection = connections::find(&gate, &caller, &id).await?;
        (caller, Some(row(&connection)))
    } else {
        let context = json!({ "id": id, "of": of });
        let caller = gate.pass(Action::ListEvents, page.log().name(), context).await?;
        let event = known(&gate, &caller, page.log(), of.as_deref(), &id).await?;
        (caller, event.and_then(Entry::of))
    };
    let entry = entry.ok_or_else(|| ApiError::not_found("event"))?;
    Ok(html(layout::page("Event", &page.path(), &viewer(&caller), &event::page(page, &entry))))
}

/// An event, if somebody may know it; a command with how it ended.
async fn known(
    gate: &Gate,
    caller: &Caller,
    log: Log,
    of: Option<&str>,
    id: &str,
) -> Result<Option<Event>, ApiError> {
    let database = &gate.app.database;
    let found = database.event(log, of, id).await?;
    let filter = caller.narrow(Filter::default());
    let is_his =
        |event: &Event| filter.as_ref().is_some_and(|filter| filter.matches(event.time(), &event.facets()));
    let mut found = found.filter(is_his);
    if let Some(Event::Command(command)) = &mut found
        && let Some(Event::CommandEnd(end)) = database.event(Log::CommandEnd, of, id).await?
    {
        command.result = end.result;
    }
    Ok(found)
}

/// That somebody looks at a log, and that it was written down.
pub(super) fn ticket(gate: &Gate, caller: &Caller, page: Page) -> String {
    gate.app.tickets.give(caller.id, Seen::Log(page), Time::now())
}

/// Lets somebody through to what the page of a log asks for by itself, and is a part of it: names that are offered, its stream.
pub(super) async fn part_of(gate: &Gate, page: Page, action: Action, uri: &Uri) -> Result<Caller, ApiError> {
    let pairs = pairs(uri)?;
    let ticket =
        pairs.iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| (Seen::Log(page), ticket.as_str()));
    gate.pass_with(action, page.log().name(), ticket, asked(uri)?).await
}

/// The page of a name.
pub(super) fn named(name: &str) -> Result<Page, ApiError> {
    Page::named(name).ok_or_else(|| ApiError::not_found("page"))
}

/// Lets somebody through to a log, as the API does.
async fn pass(gate: &Gate, page: Page, uri: &Uri) -> Result<Caller, ApiError> {
    match page {
        Page::Connections => gate.pass(Action::ListConnections, "all", asked(uri)?).await,
        Page::Commands | Page::KubernetesCommands | Page::ConnectionEvents | Page::UserEvents => {
            gate.pass(Action::ListEvents, page.log().name(), asked(uri)?).await
        }
    }
}

/// What an address says, and what whoever looks wants to see.
pub(super) fn view(page: Page, uri: &Uri, headers: &HeaderMap) -> Result<View, ApiError> {
    let pairs = pairs(uri)?;
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let view = View::parse(page, pairs.filter(|(name, _)| !matches!(*name, "cursor" | "ticket")));
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
    let Some(filter) = question.narrowed(caller) else { return Ok(Vec::new()) };
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
        subject: connection.subject(),
        place: connection.place(),
        space_name: connection.space_name.clone(),
        reason: connection.reason.clone(),
        known_by: connection.known_by.clone(),
    }))
}
