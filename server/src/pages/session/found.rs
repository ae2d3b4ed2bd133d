//! What of a session has a text in it: its commands, as their log finds them, and lines that were to be seen, as the API does.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use casemate_audit_log::model::{Event, Log};
use casemate_audit_store::connections::Connection;
use casemate_web::session::{self, Command, Line, More};
use serde_json::json;

use super::content;
use crate::api::connections;
use crate::api::events::asked;
use crate::api::question::{Asks, Question, only};
use crate::api::search::lines;
use crate::error::ApiError;
use crate::pages::search::said;
use crate::pages::{html, logs};
use crate::who::{Action, Caller, Gate};

/// Lines that are found at once.
const LINES: usize = 200;

/// Commands that are found at once.
const COMMANDS: usize = 200;

/// What was found, in the order of time.
pub(in crate::pages) async fn found(
    gate: Gate,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::SearchRecordings, &id, asked(&uri)?).await?;
    let connection = connections::find(&gate, &caller, &id).await?;
    let [text] = only(&uri, ["text"])?;
    let text = text.unwrap_or_default();
    // It says what is wrong with the text.
    let lines = said(output(&gate, &caller, &connection, &text).await)?;
    let commands = said(commands(&gate, &connection, &text).await)?;
    Ok(html(session::found(&connection.id.to_string(), &commands, &lines, &text)))
}

async fn output(
    gate: &Gate,
    caller: &Caller,
    connection: &Connection,
    text: &str,
) -> Result<(Vec<Line>, More), ApiError> {
    let id = connection.id.to_string();
    let question = [("text", text.to_owned()), ("connectionIds", id), ("count", LINES.to_string())];
    let question = question.map(|(name, value)| (name.to_owned(), value)).into();
    let (found, rest) = lines(&gate.app, caller, question).await?;
    let mut found: Vec<Line> =
        found.into_iter().map(|line| Line { at: line.offset, text: line.line }).collect();
    found.sort_by(|one, other| one.at.total_cmp(&other.at));
    let more = rest.map_or(More::No, |rest| if rest.is_late { More::Late } else { More::Full });
    Ok((found, more))
}

async fn commands(
    gate: &Gate,
    connection: &Connection,
    text: &str,
) -> Result<(Vec<Command>, More), ApiError> {
    let id = connection.id.to_string();
    // It is a log of its own, and looking into it is written down as such.
    let context = json!({ "commandSearch": text, "connectionIds": id });
    let caller = gate.pass(Action::ListEvents, Log::Command.name(), context).await?;
    let most = (COMMANDS + 1).to_string();
    let question = [("commandSearch", text), ("connectionIds", &id), ("eventCount", &most), ("sort", "asc")];
    let question = question.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut question = Question::of(question, Asks::Page)?;
    question.logs = vec![Log::Command];
    let found = logs::find(gate, &caller, question).await?;
    let more = if found.len() > COMMANDS { More::Full } else { More::No };
    let found = found.into_iter().take(COMMANDS).filter_map(|found| {
        let Event::Command(event) = found.event else { return None };
        Some(content::command(&event, |time| content::moment(None, connection, time)))
    });
    Ok((found.collect(), more))
}
