//! Logs as files: as many events as there are, in constant memory.
//!
//! - `file`: how one is made, piece by piece, of whatever gives pieces. `connections`: connections, which are no log.
//! - `progress`: how far one has come, and how it is stopped, for whoever wants to know.

pub mod connections;
mod file;
pub mod progress;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::chain::Checkpoint;
use casemate_audit_log::export::Export;
use casemate_audit_log::model::Log;
use casemate_audit_log::verify::{Line, Row};
use casemate_audit_store::Cursor;
use futures_util::stream::try_unfold;
use serde_json::json;

use self::file::{Events, ended, file};
use self::progress::ExportView;
use super::events::asked;
use super::question::{Asks, EventParameters, FilterParameters, Question};
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Caller, Gate, Still};

/// Events that are read at once.
const EVENTS: usize = 1000;

/// So many who have asked for proof are looked at.
const ASKED: usize = 100;

/// A log as a file
#[utoipa::path(get, path = "/events/{log}/export", tag = "events",
    params(("log" = String, Path, description = "`command`, `kube`, `connection`, `subject`, `agent-status-change`."),
        ("format" = Option<String>, Query, description = "`json`, `ndjson`, `csv`, `ocsf`, `ecs`."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."),
        ("exportId" = Option<String>, Query, description = "A UUID of your choice: `/exports/{id}` says how far it is."),
        FilterParameters, EventParameters),
    responses((status = 200, content((Vec<Value> = "application/json"), (String = "application/x-ndjson"),
        (String = "text/csv"))), (status = "4XX", body = ErrorBody)))]
pub async fn export(gate: Gate, Path(log): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ExportEvents, &log, asked(&uri)?).await?;
    let log: Log = log.parse().map_err(|_| ApiError::not_found("log"))?;
    let mut question = Question::parse(&uri, Asks::File)?;
    question.logs = vec![log];
    let export = Export::of(question.form, log);
    exported(&gate, caller, export, question, log.name())
}

/// Several logs as a file
#[utoipa::path(get, path = "/events/export", tag = "events",
    params(("logs" = Option<String>, Query, description = "Which, with commas between them; as a rule all."),
        ("format" = Option<String>, Query, description = "`json`, `ndjson`, `csv`, `ocsf`, `ecs`."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."),
        ("exportId" = Option<String>, Query, description = "A UUID of your choice: `/exports/{id}` says how far it is."),
        FilterParameters, EventParameters),
    responses((status = 200, content((Vec<Value> = "application/json"), (String = "application/x-ndjson"),
        (String = "text/csv"))), (status = "4XX", body = ErrorBody)))]
pub async fn export_all(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ExportEvents, "all", asked(&uri)?).await?;
    let question = Question::parse(&uri, Asks::Files)?;
    let export = Export::of_several(question.form);
    exported(&gate, caller, export, question, "all")
}

fn exported(
    gate: &Gate,
    caller: Caller,
    export: Export,
    question: Question,
    name: &str,
) -> Result<Response, ApiError> {
    let (form, id) = (question.form, question.export_id);
    let (events, is_all) = Events::of(&gate.app, &caller, export, question);
    let running = gate.app.exports.begin(id, caller.id)?;
    let still = Still::of(&gate.app, caller, Action::ExportEvents);
    Ok(file(running, still, events, form, name, is_all))
}

/// How far an export has come
///
/// For whoever has begun it under that id, at the server that makes it, and for ten minutes after its end.
#[utoipa::path(get, path = "/exports/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = ExportView), (status = "4XX", body = ErrorBody)))]
pub async fn progress(gate: Gate, Path(text): Path<String>) -> Result<Json<ExportView>, ApiError> {
    let export = id("export", &text)?;
    // That it was begun is written down.
    let is_his = |caller: &Caller| gate.app.exports.of(export, caller.id).is_some();
    let caller =
        gate.pass_as_part(Action::ExportEvents, &text, is_his, json!({ "asks": "progress" })).await?;
    let view = gate.app.exports.of(export, caller.id);
    view.map(Json).ok_or_else(|| ApiError::not_found("export"))
}

/// Stop an export: what was sent of it breaks off
#[utoipa::path(delete, path = "/exports/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn stop(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    let caller = gate.pass(Action::ExportEvents, &text, json!({ "asks": "stop" })).await?;
    match gate.app.exports.stop(id("export", &text)?, caller.id) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("export")),
    }
}

/// All logs, with what proves that nothing of them was changed
///
/// JSON Lines: checkpoints that the server has signed, then the rows of each writer, in their order. `casemate verify`
/// checks them without asking anybody.
#[utoipa::path(get, path = "/events/proof", tag = "events",
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn proof(gate: Gate) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ProveEvents, "all", json!({})).await?;
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
    let still = Still::of(&app, caller, Action::ProveEvents);
    let begin = Some((Some(checkpoints), Cursor::new(), still));
    let rows = try_unfold(begin, move |state| {
        let (app, ends) = (app.clone(), ends.clone());
        async move {
            let Some((checkpoints, mut cursor, mut still)) = state else { return Ok::<_, ApiError>(None) };
            still.may().await?;
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
            let next = if is_end { None } else { Some((None, cursor, still)) };
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

fn day() -> String {
    Time::now().to_string().chars().take(10).collect()
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
