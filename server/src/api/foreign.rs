//! What other systems send: audit events of Kubernetes, and logs that BastionZero gave out.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};
use casemate_audit_log::Time;
use casemate_audit_log::kube::group::Cluster;
use casemate_audit_log::model::{Event, Log, TargetType};
use casemate_audit_store::{Batch, Step, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::events::asked;
use super::question::pairs;
use crate::error::{ApiError, ErrorBody};
use crate::intake::{KubeList, read_export, told};
use crate::lifecycle;
use crate::who::{Action, Gate, Reach};

/// So often it is looked which calls are there.
const TRIES: usize = 20;

/// What is sent is a line for each event.
const LINES: &[u8] = b"application/x-ndjson";

/// What was taken of what was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// So many events of ours came of it.
    events: usize,
    /// What could not be read, and why; the rest was taken.
    defects: Vec<String>,
}

/// Take audit events of a Kubernetes API server
///
/// An `audit.k8s.io/v1` EventList, as its webhook sends it; or lines of its log, an Event each, as `application/x-ndjson`. With
/// the key of a cluster. Calls of one list that belong together by user, address, agent and time are one event; that is a
/// guess, and marked as one. Calls that are in the log already, by all that says which call it is, come to nothing.
#[utoipa::path(post, path = "/ingest/kube", tag = "ingest",
    params(("target" = Option<String>, Query, description = "Name of the cluster; its own key need not say it.")),
    request_body = Object,
    responses((status = 200, body = Taken), (status = "4XX", body = ErrorBody)))]
pub async fn kube(gate: Gate, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Json<Taken>, ApiError> {
    let caller = gate.pass(Action::IngestKube, "kube", asked(&uri)?).await?;
    let (app, now) = (&gate.app, Time::now());
    let target = match (caller.reach, caller.target) {
        (Reach::Target, Some(target)) => app.directory.target(target).await?,
        _ => match pairs(&uri)?.into_iter().find(|(name, _)| name == "target") {
            Some((_, named)) => app.directory.target_named(&named).await?,
            None => return Err(ApiError::field("target", "which cluster is it?")),
        },
    };
    let target = target.filter(|target| target.deleted.is_none());
    let target = target.ok_or_else(|| ApiError::not_found("target"))?;
    if target.kind != TargetType::Cluster {
        return Err(ApiError::conflict(format!("`{}` is no Kubernetes cluster", target.name)));
    }
    lifecycle::agent_heard(app, &target, now).await?;
    let cluster = Cluster {
        organization_id: app.organization.id.to_string(),
        id: target.id.to_string(),
        name: target.name,
    };
    let are_lines = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(LINES));
    let list =
        if are_lines { KubeList::read_log(cluster, &body, now) } else { KubeList::read(cluster, &body, now) };
    let list = list.map_err(|error| ApiError::invalid(error.to_string()))?;
    let (calls, mut tries) = (list.calls(), 1..TRIES);
    loop {
        let known = app.database.known_calls(&calls).await?;
        let groups = list.grouped(&known, now).into_iter();
        let steps = groups.map(|group| Step::of_calls(&group.calls, Event::Kube(Box::new(group.event))));
        match app.journal.write(Batch { steps: steps.collect(), ..Batch::default() }).await {
            // Of what is taken in at the same time, also by another server, some calls are the same.
            Err(StoreError::Partly) if tries.next().is_some() => {}
            written => return Ok(Json(Taken { events: written?, defects: list.defects() })),
        }
    }
}

/// Bring in logs of BastionZero
///
/// A JSON array of events, as its API gave them out. They keep their ids: what was brought in before comes to nothing.
#[utoipa::path(post, path = "/ingest/events", tag = "ingest",
    params(("log" = Option<String>, Query, description = "Which log; as a rule by the fields of each event.")),
    request_body = Vec<Object>,
    responses((status = 200, body = Taken), (status = "4XX", body = ErrorBody)))]
pub async fn import(gate: Gate, uri: Uri, body: Bytes) -> Result<Json<Taken>, ApiError> {
    gate.pass(Action::Import, "events", asked(&uri)?).await?;
    let mut log = None;
    for (name, value) in pairs(&uri)? {
        if name != "log" {
            return Err(ApiError::field(&name, "there is no such parameter here"));
        }
        let known = value.parse::<Log>().map_err(|error| ApiError::field(&name, error.to_string()))?;
        log = Some(known);
    }
    let organization = gate.app.organization.id.to_string();
    let read =
        read_export(log, &body, &organization).map_err(|error| ApiError::invalid(error.to_string()))?;
    let (events, defects) = (read.events.len(), told(&read.defects));
    gate.app.write(read.events).await?;
    Ok(Json(Taken { events, defects }))
}
