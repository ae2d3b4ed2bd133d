//! Logs as files: as many events as there are, in constant memory.

use std::collections::VecDeque;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::chain::Checkpoint;
use casemate_audit_log::export::Export;
use casemate_audit_log::model::Log;
use casemate_audit_log::verify::{Line, Row};
use casemate_audit_store::{Cursor, Page, Position};
use futures_util::stream::try_unfold;
use serde_json::json;

use super::events::asked;
use super::question::{Asks, EventParameters, FilterParameters, Question};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Gate};

/// Events that are read at once.
const EVENTS: usize = 1000;

/// So many who have asked for proof are looked at.
const ASKED: usize = 100;

/// A log as a file
#[utoipa::path(get, path = "/events/{log}/export", tag = "events",
    params(("log" = String, Path, description = "`command`, `kube`, `connection`, `subject`, `agent-status-change`."),
        ("format" = Option<String>, Query, description = "`json`, `ndjson`, `csv`, `ocsf`, `ecs`."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."), FilterParameters, EventParameters),
    responses((status = 200, content((Vec<Value> = "application/json"), (String = "application/x-ndjson"),
        (String = "text/csv"))), (status = "4XX", body = ErrorBody)))]
pub async fn export(gate: Gate, Path(log): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ExportEvents, &log, asked(&uri)?).await?;
    let log: Log = log.parse().map_err(|_| ApiError::not_found("log"))?;
    let mut question = Question::parse(&uri, Asks::File)?;
    question.logs = vec![log];
    let filter = caller.narrow(question.filter.clone());
    Ok(file(&gate.app, Export::of(question.form, log), question, filter, log.name()))
}

/// Several logs as a file
#[utoipa::path(get, path = "/events/export", tag = "events",
    params(("logs" = Option<String>, Query, description = "Which, with commas between them; as a rule all."),
        ("format" = Option<String>, Query, description = "`json`, `ndjson`, `csv`, `ocsf`, `ecs`."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."), FilterParameters, EventParameters),
    responses((status = 200, content((Vec<Value> = "application/json"), (String = "application/x-ndjson"),
        (String = "text/csv"))), (status = "4XX", body = ErrorBody)))]
pub async fn export_all(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ExportEvents, "all", asked(&uri)?).await?;
    let question = Question::parse(&uri, Asks::Files)?;
    let filter = caller.narrow(question.filter.clone());
    Ok(file(&gate.app, Export::of_several(question.form), question, filter, "all"))
}

/// All logs, with what proves that nothing of them was changed
///
/// JSON Lines: checkpoints that the server has signed, then the rows of each writer, in their order. `casemate verify`
/// checks them without asking anybody.
#[utoipa::path(get, path = "/events/proof", tag = "events",
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn proof(gate: Gate) -> Result<Response, ApiError> {
    gate.pass(Action::ProveEvents, "all", json!({})).await?;
    let app = gate.app.clone();
    let mut signed = app.database.checkpoints().await?;
    // What is there by now is signed, so that the end of it is proven as well.
    if !is_proven(&app, signed.last()).await? {
        signed.push(app.database.sign(Time::now(), &app.node.key).await?);
    }
    let mut checkpoints = Vec::new();
    let mut ends = Cursor::new();
    for checkpoint in signed {
        ends = checkpoint.heads.iter().map(|head| (head.writer, head.seq)).collect();
        line(&mut checkpoints, &Line::Checkpoint { checkpoint })?;
    }
    let begin = Some((Some(checkpoints), Cursor::new()));
    let rows = try_unfold(begin, move |state| {
        let (app, ends) = (app.clone(), ends.clone());
        async move {
            let Some((checkpoints, mut cursor)) = state else { return Ok::<_, ApiError>(None) };
            let mut bytes = checkpoints.unwrap_or_default();
            let rows = app.database.after(&cursor, EVENTS).await?;
            let is_end =
                rows.iter().all(|row| row.head.seq > ends.get(&row.head.writer).copied().unwrap_or(0));
            for row in rows {
                cursor.insert(row.head.writer, row.head.seq);
                // What was written since is not signed yet.
                if row.head.seq <= ends.get(&row.head.writer).copied().unwrap_or(0) {
                    line(&mut bytes, &Line::Row(row))?;
                }
            }
            let next = if is_end { None } else { Some((None, cursor)) };
            Ok(Some((Bytes::from(bytes), next)))
        }
    });
    let name = format!("attachment; filename=\"casemate-proof-{}.ndjson\"", day());
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(ended(rows))).into_response())
}

/// Whether nothing was written since a checkpoint, but that somebody asked for what proves the rest.
async fn is_proven(app: &App, checkpoint: Option<&Checkpoint>) -> Result<bool, ApiError> {
    let Some(checkpoint) = checkpoint else { return Ok(false) };
    let ends = checkpoint.heads.iter().map(|head| (head.writer, head.seq)).collect();
    let rows = app.database.after(&ends, ASKED).await?;
    let asks = |row: &Row| {
        let action = row.content.as_ref().and_then(|content| content.get("serviceAction")?.as_str());
        row.log == Log::Subject && action == Some(Action::ProveEvents.name())
    };
    Ok(rows.len() < ASKED && rows.iter().all(asks))
}

fn line(bytes: &mut Vec<u8>, line: &Line) -> Result<(), ApiError> {
    serde_json::to_writer(&mut *bytes, line)?;
    bytes.push(b'\n');
    Ok(())
}

/// What goes wrong amid a stream breaks it off: whoever reads must not take it for whole.
fn ended<S>(stream: S) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>>
where
    S: futures_util::Stream<Item = Result<Bytes, ApiError>>,
{
    use futures_util::StreamExt as _;
    stream.map(|bytes| bytes.map_err(|error| std::io::Error::other(error.message().to_owned())))
}

fn day() -> String {
    Time::now().to_string().chars().take(10).collect()
}

/// Where an export has got to.
struct Exporting {
    export: Export,
    behind: Option<Position>,
    step: Step,
    done: VecDeque<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Events,
    End,
}

fn file(
    app: &App,
    export: Export,
    question: Question,
    filter: Option<casemate_audit_log::filter::Filter>,
    name: &str,
) -> Response {
    let form = question.form;
    let begin = Exporting { export, behind: None, step: Step::Head, done: VecDeque::new() };
    let app = app.clone();
    let stream = try_unfold(begin, move |mut state| {
        let (app, question, filter) = (app.clone(), question.clone(), filter.clone());
        async move {
            loop {
                if let Some(bytes) = state.done.pop_front() {
                    return Ok::<_, ApiError>(Some((bytes, state)));
                }
                match state.step {
                    Step::Head => {
                        state.done.push_back(state.export.head().into());
                        state.step = Step::Events;
                    }
                    Step::Events => {
                        let found = match &filter {
                            Some(filter) => {
                                let page = Page { behind: state.behind, ..question.page() };
                                app.database.page(Page { filter: filter.clone(), ..page }).await?
                            }
                            None => Vec::new(),
                        };
                        let mut bytes = Vec::new();
                        for found in &found {
                            match state.export.event(&found.event, None) {
                                Ok(event) => bytes.extend(event),
                                Err(error) => return Err(ApiError::invalid(error.to_string())),
                            }
                        }
                        state.behind = found.last().map(|found| found.position);
                        if found.len() < EVENTS {
                            bytes.extend(state.export.tail());
                            state.step = Step::End;
                        }
                        state.done.push_back(bytes.into());
                    }
                    Step::End => return Ok(None),
                }
            }
        }
    });
    let name = format!("attachment; filename=\"casemate-{name}-{}.{}\"", day(), form.extension());
    let headers =
        [(header::CONTENT_TYPE, form.content_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(ended(stream))).into_response()
}

#[cfg(test)]
mod tests {
    use casemate_audit_log::verify::Row;

    use super::*;

    #[test]
    fn a_row_stands_on_one_line() {
        let row = Row {
            log: Log::Subject,
            head: casemate_audit_log::chain::Head::begin(uuid::Uuid::nil()),
            content: Some(json!({ "context": "a\nb" })),
            content_hash: None,
        };
        let mut bytes = Vec::new();
        line(&mut bytes, &Line::Row(row)).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
