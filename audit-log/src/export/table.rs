//! A log as a table: CSV as RFC 4180 has it, in UTF-8, with a head.
//!
//! - Each log has its columns, always the same and in the same order; a field that an event does not have is an empty
//!   cell. Lists (`argv`, `endpoints`, …) are JSON in their cell. Line ends in a command stay, in quotes.
//! - *Formulas*: spreadsheets run what begins with `=`, `+`, `-`, `@`, a tab or a line end (CR, LF), and in some
//!   languages with the full-width forms of those signs. A text that begins so gets an apostrophe before it. A text that
//!   begins with an apostrophe gets one more, so that whoever reads the table and takes one apostrophe away from the
//!   beginning of each text has exactly what was logged. Numbers are never changed.

use std::borrow::Cow;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use serde_json::Value;

use crate::model::{Event, Log};

/// With what a text begins that is not left as it is.
const GUARDED: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '\''];

/// What most rows fit in.
const CAPACITY: usize = 1 << 10;

/// The columns of a log: the names of the fields of its events.
#[must_use]
pub const fn columns(log: Log) -> &'static [&'static str] {
    match log {
        Log::Command => &[
            "timestamp",
            "subjectName",
            "targetName",
            "targetUser",
            "command",
            "exitCode",
            "duration",
            "cwd",
            "kind",
            "program",
            "innerTarget",
            "innerTargetUser",
            "argv",
            "source",
            "confidence",
            "reason",
            "recordingId",
            "offset",
            "outputBytes",
            "bytesIn",
            "bytesOut",
            "bytesErr",
            "id",
            "connectionId",
            "organizationId",
            "subjectId",
            "subjectType",
            "isAdmin",
            "ipAddress",
            "targetId",
            "targetType",
            "environmentId",
            "environmentName",
            "spaceId",
            "spaceName",
        ],
        Log::CommandEnd => &[
            "timestamp",
            "exitCode",
            "duration",
            "outputBytes",
            "bytesIn",
            "bytesOut",
            "bytesErr",
            "id",
            "connectionId",
        ],
        Log::Kube => &[
            "creationDate",
            "userEmail",
            "targetName",
            "role",
            "targetGroups",
            "kubeEnglishCommand",
            "execCommands",
            "endpoints",
            "statusCode",
            "verbs",
            "namespaces",
            "resources",
            "ipAddress",
            "userAgent",
            "groupingGuessed",
            "id",
            "connectionId",
            "organizationId",
            "userId",
            "clusterId",
        ],
        Log::Connection => &[
            "timestamp",
            "subjectName",
            "targetName",
            "targetUser",
            "connectionEventType",
            "reason",
            "id",
            "connectionId",
            "organizationId",
            "subjectId",
            "subjectType",
            "isAdmin",
            "ipAddress",
            "targetId",
            "targetType",
            "environmentId",
            "environmentName",
            "sessionId",
            "sessionName",
            "connectionNodeId",
        ],
        Log::Subject => &[
            "timestamp",
            "subjectName",
            "serviceAction",
            "resource",
            "evaluation",
            "ipAddress",
            "context",
            "id",
            "organizationId",
            "subjectId",
            "subjectType",
            "isAdmin",
        ],
        Log::AgentStatusChange => {
            &["timeStamp", "targetId", "statusChange", "reason", "id", "agentPublicKey"]
        }
    }
}

/// The columns of several logs in one table.
const OF_SEVERAL: &[&str] = &[
    "timestamp",
    "log",
    "subjectName",
    "targetName",
    "targetUser",
    "action",
    "text",
    "evaluation",
    "id",
    "connectionId",
    "subjectId",
    "subjectType",
    "isAdmin",
    "ipAddress",
    "targetId",
    "targetType",
    "environmentId",
    "environmentName",
    "spaceId",
    "spaceName",
    "connectionNodeId",
];

/// The first row: the names of the columns.
#[must_use]
pub fn head(log: Option<Log>) -> Vec<u8> {
    cells(log.map_or(OF_SEVERAL, columns).iter().map(|name| Cow::Borrowed(*name)))
}

/// The row of an event.
///
/// # Errors
/// A number in it is none.
pub fn row(log: Option<Log>, event: &Event) -> serde_json::Result<Vec<u8>> {
    let Some(log) = log else { return Ok(of_several(event)) };
    let json = event.to_json()?;
    Ok(cells(columns(log).iter().map(|name| cell(&json[*name]))))
}

/// A value as it stands in a table.
#[must_use]
pub fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => guarded(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string().into(),
    }
}

fn of_several(event: &Event) -> Vec<u8> {
    let facets = event.facets();
    let time = event.time().to_string();
    let flag = |flag: Option<bool>| flag.map(|flag| if flag { "true" } else { "false" });
    let row = [
        Some(time.as_str()),
        Some(event.log().name()),
        facets.subject_name,
        facets.target_name,
        facets.target_user,
        facets.action,
        facets.text.as_deref(),
        flag(facets.evaluation),
        Some(event.id()),
        facets.connection_id,
        facets.subject_id,
        facets.subject_type,
        flag(facets.is_admin),
        facets.ip_address,
        facets.target_id,
        facets.target_type,
        facets.environment_id,
        facets.environment_name,
        facets.space_id,
        facets.space_name,
        facets.node_id,
    ];
    cells(row.into_iter().map(|cell| guarded(cell.unwrap_or_default())))
}

/// A text that no spreadsheet runs.
fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(GUARDED) { format!("'{text}").into() } else { text.into() }
}

/// A row of such cells.
pub fn cells<'c>(cells: impl Iterator<Item = Cow<'c, str>>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .buffer_capacity(CAPACITY)
        .from_writer(Vec::new());
    let row: Vec<_> = cells.collect();
    // Memory takes everything.
    writer.write_record(row.iter().map(|cell| cell.as_bytes())).ok();
    writer.into_inner().unwrap_or_default()
}
