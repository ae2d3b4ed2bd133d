//! Connections as a file: as the list answers, as a table, or as the events of other schemas. There a connection is that it
//! began, with its end, if it has one, and how it stands.

use std::collections::BTreeMap;

use axum::http::Uri;
use axum::response::Response;
use casemate_audit_log::export::{Form, ecs, ocsf, table};
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{ConnectionEvent, ConnectionEventType, Event, NO_ID, NONE};
use casemate_audit_store::connections::Connection;
use serde_json::{Value, json};

use super::file::{EVENTS, Piece, Pieces, file};
use crate::api::connections::{ConnectionView, Listing, views};
use crate::api::events::asked;
use crate::api::question::{EventParameters, FilterParameters, export_id, form, pairs};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Caller, Gate, Still};

/// The columns of the table: names of fields.
const COLUMNS: &[&str] = &[
    "timeCreated",
    "timeEnded",
    "state",
    "inactive",
    "subjectName",
    "targetName",
    "targetUser",
    "targetType",
    "environmentName",
    "spaceName",
    "ipAddress",
    "reason",
    "sessionRecordingAvailable",
    "sessionRecording",
    "inputRecording",
    "id",
    "subjectId",
    "targetID",
    "spaceId",
    "knownBy",
];

/// Connections as a file
#[utoipa::path(get, path = "/connections/export", tag = "connections",
    params(("format" = Option<String>, Query, description = "`json`, `ndjson`, `csv`, `ocsf`, `ecs`."),
        ("sort" = Option<String>, Query, description = "`desc`, newest first, or `asc`."),
        ("exportId" = Option<String>, Query, description = "A UUID of your choice: `/exports/{id}` says how far it is."),
        ("connectionState" = Option<String>, Query, description = "As of the list."), FilterParameters, EventParameters),
    responses((status = 200, content((Vec<ConnectionView> = "application/json"), (String = "application/x-ndjson"),
        (String = "text/csv"))), (status = "4XX", body = ErrorBody)))]
pub async fn export(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::ExportEvents, "connections", asked(&uri)?).await?;
    let (mut as_form, mut id, mut rest) = (Form::Json, None, Vec::new());
    for (name, value) in pairs(&uri)? {
        match name.as_str() {
            "format" => as_form = form(&name, &value)?,
            "exportId" => id = Some(export_id(&name, &value)?),
            "before" | "count" | "eventCount" => {
                return Err(ApiError::field(&name, "there is no such parameter here"));
            }
            _ => rest.push((name, value)),
        }
    }
    let mut listing = Listing::of(rest)?;
    listing.0.limit = EVENTS;
    let is_all = listing.0.filter == Filter::default() && listing.0.standings.is_empty();
    let running = gate.app.exports.begin(id, caller.id)?;
    let still = Still::of(&gate.app, caller.clone(), Action::ExportEvents);
    let pieces = Connections { app: gate.app.clone(), caller, listing, form: as_form, has_begun: false };
    Ok(file(running, still, pieces, as_form, "connections", is_all))
}

struct Connections {
    app: App,
    caller: Caller,
    listing: Listing,
    form: Form,
    has_begun: bool,
}

impl Pieces for Connections {
    fn head(&self) -> Vec<u8> {
        match self.form {
            Form::Json => b"[".to_vec(),
            Form::Csv => table::cells(COLUMNS.iter().map(|name| (*name).into())),
            Form::Ndjson | Form::Ocsf | Form::Ecs => Vec::new(),
        }
    }

    async fn next(&mut self) -> Result<Piece, ApiError> {
        let found = self.listing.clone().find(&self.app, &self.caller).await?;
        let views = views(&self.app, &found).await?;
        let mut bytes = Vec::new();
        for (connection, view) in found.iter().zip(views) {
            self.write(&mut bytes, connection, &view)?;
        }
        let is_end = found.len() < EVENTS;
        if is_end && self.form == Form::Json {
            bytes.extend(if self.has_begun { &b"\n]\n"[..] } else { b"]\n" });
        }
        if let Some(last) = found.last() {
            self.listing.0.behind = Some(last.into());
        }
        let last = found.last().map(|last| last.started);
        Ok(Piece { bytes, events: found.len(), last, is_end })
    }
}

impl Connections {
    fn write(
        &mut self,
        bytes: &mut Vec<u8>,
        connection: &Connection,
        view: &ConnectionView,
    ) -> Result<(), ApiError> {
        let fields = serde_json::to_value(view)?;
        let json = match self.form {
            Form::Csv => {
                bytes.extend(table::cells(COLUMNS.iter().map(|name| table::cell(&fields[*name]))));
                return Ok(());
            }
            Form::Json | Form::Ndjson => fields,
            Form::Ocsf | Form::Ecs => self.in_schema(connection, &fields)?,
        };
        if self.form == Form::Json {
            bytes.extend(if self.has_begun { &b",\n"[..] } else { b"\n" });
        }
        serde_json::to_writer(&mut *bytes, &json)?;
        if self.form != Form::Json {
            bytes.push(b'\n');
        }
        self.has_begun = true;
        Ok(())
    }

    /// That it began, in another schema, and what the event of that does not say.
    fn in_schema(&self, connection: &Connection, fields: &Value) -> Result<Value, ApiError> {
        let began = Event::Connection(Box::new(ConnectionEvent {
            id: connection.id.to_string(),
            connection_id: connection.id.to_string(),
            organization_id: self.app.organization.id.to_string(),
            timestamp: connection.started,
            subject: connection.subject(),
            place: connection.place(),
            session_id: connection.space_id.clone().unwrap_or_else(|| NO_ID.into()),
            session_name: connection.space_name.clone().unwrap_or_else(|| NONE.into()),
            connection_event_type: ConnectionEventType::Created,
            reason: connection.reason.clone(),
            connection_node_id: String::new(),
        }));
        let names = ["state", "inactive", "timeEnded", "knownBy", "sessionRecording", "inputRecording"];
        let more: BTreeMap<_, _> =
            names.iter().map(|name| (*name, &fields[*name])).filter(|(_, value)| !value.is_null()).collect();
        let mut json = match self.form {
            Form::Ocsf => ocsf::event(&began, None)?,
            Form::Json | Form::Ndjson | Form::Csv | Form::Ecs => ecs::event(&began, None)?,
        };
        if self.form == Form::Ocsf {
            json["start_time"] = json!(connection.started.0.div_euclid(1000));
            if let Some(ended) = connection.ended {
                json["end_time"] = json!(ended.0.div_euclid(1000));
            }
            for (name, value) in more {
                json["unmapped"][name] = value.clone();
            }
        } else {
            json["event"]["start"] = json!(connection.started);
            if let Some(ended) = connection.ended {
                json["event"]["end"] = json!(ended);
                json["event"]["duration"] =
                    json!(ended.0.saturating_sub(connection.started.0).saturating_mul(1000));
            }
            for (name, value) in more {
                json["labels"][name] = ecs::label(value.clone());
            }
        }
        Ok(json)
    }
}
