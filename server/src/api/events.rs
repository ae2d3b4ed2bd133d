//! The five logs, and that of agents: pages of one, and of several as one.

use axum::Json;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::model::{
    AgentStatusChangeEvent, CommandEvent, ConnectionEvent, KubernetesEvent, Log, SubjectEvent,
};
use casemate_audit_store::Found;
use serde_json::{Value, json};

use super::question::{Asks, EventParameters, FilterParameters, PageParameters, Question, behind, pairs};
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Gate};

/// Commands, newest first
#[utoipa::path(get, path = "/events/command", tag = "events", params(FilterParameters, EventParameters, PageParameters),
    responses((status = 200, body = [CommandEvent]), (status = "4XX", body = ErrorBody)))]
pub async fn commands(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    page(&gate, &uri, Log::Command).await
}

/// Calls of the Kubernetes API, newest first
#[utoipa::path(get, path = "/events/kube", tag = "events", params(FilterParameters, EventParameters, PageParameters),
    responses((status = 200, body = [KubernetesEvent]), (status = "4XX", body = ErrorBody)))]
pub async fn kube(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    page(&gate, &uri, Log::Kube).await
}

/// What happened to connections, newest first
#[utoipa::path(get, path = "/events/connection", tag = "events", params(FilterParameters, EventParameters, PageParameters),
    responses((status = 200, body = [ConnectionEvent]), (status = "4XX", body = ErrorBody)))]
pub async fn connections(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    page(&gate, &uri, Log::Connection).await
}

/// Calls of this API, newest first
#[utoipa::path(get, path = "/events/subject", tag = "events", params(FilterParameters, EventParameters, PageParameters),
    responses((status = 200, body = [SubjectEvent]), (status = "4XX", body = ErrorBody)))]
pub async fn subjects(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    page(&gate, &uri, Log::Subject).await
}

/// Agents that came and went, newest first
#[utoipa::path(get, path = "/events/agent-status-change", tag = "events",
    params(FilterParameters, EventParameters, PageParameters),
    responses((status = 200, body = [AgentStatusChangeEvent]), (status = "4XX", body = ErrorBody)))]
pub async fn agents(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    page(&gate, &uri, Log::AgentStatusChange).await
}

/// Several logs as one, newest first; each event says in `log` of which it is
#[utoipa::path(get, path = "/events", tag = "events",
    params(FilterParameters, EventParameters, PageParameters, ("logs" = Option<String>, Query, description = "Which: `command`, `kube`, \
    `connection`, `subject`, `agent-status-change`, with commas between them; as a rule all.")),
    responses((status = 200, body = [Value]), (status = "4XX", body = ErrorBody)))]
pub async fn all(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let context = asked(&uri)?;
    let caller = gate.pass(Action::ListEvents, "all", context).await?;
    let mut question = Question::parse(&uri, Asks::Pages)?;
    let Some(filter) = question.narrowed(&caller) else { return Ok(Json(json!([])).into_response()) };
    question.filter = filter;
    let found = find(&gate, &question).await?;
    let events = found.iter().map(|found| {
        let mut json = found.event.to_json()?;
        if let Value::Object(fields) = &mut json {
            fields.insert("log".into(), found.event.log().name().into());
        }
        Ok(json)
    });
    let events: Vec<Value> = events.collect::<serde_json::Result<_>>()?;
    answer(&uri, &events, found.last().filter(|_| found.len() == question.limit))
}

async fn page(gate: &Gate, uri: &Uri, log: Log) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ListEvents, log.name(), asked(uri)?).await?;
    let mut question = Question::parse(uri, Asks::Page)?;
    let Some(filter) = question.narrowed(&caller) else { return Ok(Json(json!([])).into_response()) };
    (question.filter, question.logs) = (filter, vec![log]);
    let found = find(gate, &question).await?;
    let events: Vec<Value> =
        found.iter().map(|found| found.event.to_json()).collect::<serde_json::Result<_>>()?;
    answer(uri, &events, found.last().filter(|_| found.len() == question.limit))
}

async fn find(gate: &Gate, question: &Question) -> Result<Vec<Found>, ApiError> {
    Ok(gate.app.database.page(question.page()).await?)
}

/// What was asked, as user events say it.
///
/// # Errors
/// The query is none.
pub fn asked(uri: &Uri) -> Result<Value, ApiError> {
    let mut asked = serde_json::Map::new();
    // A ticket is no question.
    for (name, value) in pairs(uri)?.into_iter().filter(|(name, _)| name != "ticket") {
        match asked.get_mut(&name) {
            None => drop(asked.insert(name, value.into())),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Ok(asked.into())
}

/// Events, and where the next page is, if there may be one.
fn answer(uri: &Uri, events: &[Value], last: Option<&Found>) -> Result<Response, ApiError> {
    let mut response = Json(events).into_response();
    if let Some(last) = last {
        super::next_page(&mut response, uri, &behind(last.position.time, last.position.row))?;
    }
    Ok(response)
}
