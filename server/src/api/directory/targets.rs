//! Targets, and the keys of their agents.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use casemate_audit_log::Time;
use casemate_audit_log::model::{AgentStatus, NO_ID, TargetType};
use casemate_audit_store::Digest;
use casemate_audit_store::connections::Which;
use casemate_audit_store::directory::{Part, Target};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::places::living_environment;
use super::{name, noted};
use crate::api::body::Body;
use crate::app::id;
use crate::error::{ApiError, ErrorBody};
use crate::lifecycle;
use crate::secrets::{digest, draw};
use crate::who::{Action, Gate, Reach};

/// Something that sessions lead to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub(crate) kind: TargetType,
    /// How its agent stands.
    pub(crate) status: AgentStatus,
    /// Where it belongs.
    pub(crate) environment_id: String,
    /// When its agent was heard, to a minute.
    pub(crate) last_agent_update: Option<Time>,
    /// Since when there is it.
    pub(crate) time_created: Time,
}

/// Targets, by what they are.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetsView {
    /// Hosts, and those that are made when they are needed.
    pub(crate) shell: Vec<TargetView>,
    /// Clusters.
    pub(crate) kubernetes: Vec<TargetView>,
    /// Databases.
    pub(crate) db: Vec<TargetView>,
    /// Web servers.
    pub(crate) web: Vec<TargetView>,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// That of its target.
    id: String,
    /// That of its target.
    name: String,
    /// Where it runs: `Linux`, `Cluster`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// How it stands.
    status: AgentStatus,
    /// When it was heard, to a minute.
    last_status_update: Option<Time>,
    /// Where its target belongs.
    environment_id: String,
}

/// A target that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTarget {
    /// Its name.
    pub(crate) target_name: String,
    /// Where it belongs.
    pub(crate) environment_id: Option<String>,
}

/// A target, and the key of its agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The target.
    pub(crate) target_id: String,
    /// What its agent sends as `X-API-KEY`; shown once.
    pub(crate) agent_key: String,
}

/// What is to be different of a target.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetUpdate {
    /// Its name.
    #[serde(alias = "name")]
    pub(crate) target_name: Option<String>,
    /// Where it belongs.
    pub(crate) environment_id: Option<String>,
}

impl TargetView {
    fn of(target: &Target) -> Self {
        Self {
            id: target.id.to_string(),
            name: target.name.clone(),
            kind: target.kind,
            status: target.agent_status,
            environment_id: target.environment.map_or_else(|| NO_ID.to_owned(), |id| id.to_string()),
            last_agent_update: target.agent_seen,
            time_created: target.created,
        }
    }
}

/// All hosts
#[utoipa::path(get, path = "/targets/bzero", tag = "organization",
    responses((status = 200, body = [TargetView]), (status = "4XX", body = ErrorBody)))]
pub async fn hosts(gate: Gate) -> Result<Json<Vec<TargetView>>, ApiError> {
    list(&gate, Some(TargetType::Bzero)).await
}

/// All Kubernetes clusters
#[utoipa::path(get, path = "/targets/kube", tag = "organization",
    responses((status = 200, body = [TargetView]), (status = "4XX", body = ErrorBody)))]
pub async fn clusters(gate: Gate) -> Result<Json<Vec<TargetView>>, ApiError> {
    list(&gate, Some(TargetType::Cluster)).await
}

/// All targets, by what they are
#[utoipa::path(get, path = "/targets", tag = "organization",
    responses((status = 200, body = TargetsView), (status = "4XX", body = ErrorBody)))]
pub async fn targets(gate: Gate) -> Result<Json<TargetsView>, ApiError> {
    let mut view = TargetsView::default();
    for target in seen(&gate, None).await? {
        let list = match target.kind {
            TargetType::Bzero | TargetType::DynamicAccessConfig => &mut view.shell,
            TargetType::Cluster => &mut view.kubernetes,
            TargetType::Db => &mut view.db,
            TargetType::Web => &mut view.web,
        };
        list.push(TargetView::of(&target));
    }
    Ok(Json(view))
}

/// The agents of all targets
#[utoipa::path(get, path = "/agents", tag = "organization",
    responses((status = 200, body = [AgentView]), (status = "4XX", body = ErrorBody)))]
pub async fn agents(gate: Gate) -> Result<Json<Vec<AgentView>>, ApiError> {
    let agent = |target: &Target| {
        let TargetView { id, name, kind, status, environment_id, last_agent_update, .. } =
            TargetView::of(target);
        let kind = if kind == TargetType::Cluster { "Cluster" } else { "Linux" };
        AgentView { id, name, kind, status, last_status_update: last_agent_update, environment_id }
    };
    Ok(Json(seen(&gate, None).await?.iter().map(agent).collect()))
}

async fn list(gate: &Gate, kind: Option<TargetType>) -> Result<Json<Vec<TargetView>>, ApiError> {
    Ok(Json(seen(gate, kind).await?.iter().map(TargetView::of).collect()))
}

/// Some of those that whoever calls may see, as a page of settings lists them.
///
/// # Errors
/// It is not for whoever calls, or the database refuses.
pub(crate) async fn some(gate: &Gate, part: &Part) -> Result<Vec<Target>, ApiError> {
    let caller = gate.pass(Action::ListTargets, "all", noted(part)).await?;
    // An agent has one.
    let only = (caller.reach != Reach::All).then(|| caller.target.unwrap_or_default());
    Ok(gate.app.directory.some_targets(only, part).await?)
}

/// Those that whoever calls may see.
async fn seen(gate: &Gate, kind: Option<TargetType>) -> Result<Vec<Target>, ApiError> {
    let caller = gate.pass(Action::ListTargets, "all", json!({})).await?;
    let mut targets = gate.app.directory.targets(kind).await?;
    targets.retain(|target| match caller.reach {
        Reach::All => true,
        Reach::Own | Reach::Target | Reach::Nothing => caller.reaches_target(target.id),
    });
    Ok(targets)
}

/// A target
#[utoipa::path(get, path = "/targets/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = TargetView), (status = "4XX", body = ErrorBody)))]
pub async fn target(gate: Gate, Path(text): Path<String>) -> Result<Json<TargetView>, ApiError> {
    let caller = gate.pass(Action::ListTargets, &text, json!({})).await?;
    let target = gate.app.directory.target(id("target", &text)?).await?;
    let target = target.filter(|target| target.deleted.is_none() && caller.reaches_target(target.id));
    target.as_ref().map(TargetView::of).map(Json).ok_or_else(|| ApiError::not_found("target"))
}

/// A host
#[utoipa::path(get, path = "/targets/bzero/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = TargetView), (status = "4XX", body = ErrorBody)))]
pub async fn host(gate: Gate, path: Path<String>) -> Result<Json<TargetView>, ApiError> {
    target(gate, path).await
}

/// A Kubernetes cluster
#[utoipa::path(get, path = "/targets/kube/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = TargetView), (status = "4XX", body = ErrorBody)))]
pub async fn cluster(gate: Gate, path: Path<String>) -> Result<Json<TargetView>, ApiError> {
    target(gate, path).await
}

/// Register a host
#[utoipa::path(post, path = "/targets/bzero", tag = "organization", request_body = NewTarget,
    responses((status = 201, body = Registered), (status = "4XX", body = ErrorBody)))]
pub async fn add_host(
    gate: Gate,
    Body(said): Body<NewTarget>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    add(&gate, TargetType::Bzero, said).await
}

/// Register a Kubernetes cluster
#[utoipa::path(post, path = "/targets/kube", tag = "organization", request_body = NewTarget,
    responses((status = 201, body = Registered), (status = "4XX", body = ErrorBody)))]
pub async fn add_cluster(
    gate: Gate,
    Body(said): Body<NewTarget>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    add(&gate, TargetType::Cluster, said).await
}

async fn add(
    gate: &Gate,
    kind: TargetType,
    said: NewTarget,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let context = json!({ "targetName": said.target_name, "environmentId": said.environment_id });
    gate.pass(Action::CreateTarget, kind.name(), context).await?;
    let directory = &gate.app.directory;
    let named = name("targetName", &said.target_name)?;
    let environment = match &said.environment_id {
        Some(text) => Some(living_environment(&gate.app, text).await?.id),
        None => None,
    };
    let (now, secret) = (Time::now(), draw("cmak"));
    let digest = Digest(digest(&secret));
    let (target, _) = directory.register_target(kind, &named, environment, digest, now).await?;
    let registered = Registered { target_id: target.id.to_string(), agent_key: secret };
    Ok((StatusCode::CREATED, Json(registered)))
}

/// Change a target
#[utoipa::path(patch, path = "/targets/{id}", tag = "organization", params(("id" = String, Path)),
    request_body = TargetUpdate,
    responses((status = 200, body = TargetView), (status = "4XX", body = ErrorBody)))]
pub async fn change(
    gate: Gate,
    Path(text): Path<String>,
    Body(said): Body<TargetUpdate>,
) -> Result<Json<TargetView>, ApiError> {
    let context = json!({ "targetName": said.target_name, "environmentId": said.environment_id });
    gate.pass(Action::ChangeTarget, &text, context).await?;
    let directory = &gate.app.directory;
    let environment = match &said.environment_id {
        None => None,
        Some(text) if text == NO_ID || text.is_empty() => Some(None),
        Some(text) => Some(Some(living_environment(&gate.app, text).await?.id)),
    };
    let named = said.target_name.map(|text| name("targetName", &text)).transpose()?;
    let target = directory.change_target(id("target", &text)?, named.as_deref(), environment).await?;
    target.as_ref().map(TargetView::of).map(Json).ok_or_else(|| ApiError::not_found("target"))
}

/// Remove a target; its connections are closed, and what the logs say of it stays
#[utoipa::path(delete, path = "/targets/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    let caller = gate.pass(Action::DeleteTarget, &text, json!({})).await?;
    let now = Time::now();
    let target = gate.app.directory.delete_target(id("target", &text)?, now).await?;
    let target = target.ok_or_else(|| ApiError::not_found("target"))?;
    let reason = format!("{} deleted target", caller.subject.subject_name);
    let (id, by) = (target.id.to_string(), &caller.subject.subject_name);
    lifecycle::close(&gate.app, Which::ToTarget(&id), by, &reason, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a host
#[utoipa::path(delete, path = "/targets/bzero/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete_host(gate: Gate, path: Path<String>) -> Result<StatusCode, ApiError> {
    delete(gate, path).await
}

/// Remove a Kubernetes cluster
#[utoipa::path(delete, path = "/targets/kube/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete_cluster(gate: Gate, path: Path<String>) -> Result<StatusCode, ApiError> {
    delete(gate, path).await
}
