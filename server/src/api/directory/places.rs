//! Environments, and spaces.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use casemate_audit_log::Time;
use casemate_audit_log::model::SpaceState;
use casemate_audit_store::directory::{Environment, Part, Space};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{name, noted};
use crate::api::body::Body;
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Gate, Reach};

/// Where targets belong.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Since when there is it.
    pub(crate) time_created: Time,
}

/// What somebody keeps connections together in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) display_name: String,
    /// Whose it is.
    pub(crate) owner_id: String,
    /// How it stands.
    pub(crate) state: SpaceState,
    /// Since when there is it.
    pub(crate) time_created: Time,
}

/// A name that something is to have. What BastionZero kept beside it, as a description, may be said, and is not kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// It.
    pub(crate) name: String,
}

impl EnvironmentView {
    fn of(environment: &Environment) -> Self {
        let Environment { id, name, created, .. } = environment;
        Self { id: id.to_string(), name: name.clone(), time_created: *created }
    }
}

impl SpaceView {
    fn of(space: &Space) -> Self {
        Self {
            id: space.id.to_string(),
            display_name: space.name.clone(),
            owner_id: space.owner.to_string(),
            state: space.state,
            time_created: space.created,
        }
    }
}

/// All environments
#[utoipa::path(get, path = "/environments", tag = "organization",
    responses((status = 200, body = [EnvironmentView]), (status = "4XX", body = ErrorBody)))]
pub async fn environments(gate: Gate) -> Result<Json<Vec<EnvironmentView>>, ApiError> {
    gate.pass(Action::ListEnvironments, "all", json!({})).await?;
    Ok(Json(gate.app.directory.environments().await?.iter().map(EnvironmentView::of).collect()))
}

/// Some environments, as a page of settings lists them.
///
/// # Errors
/// It is not for whoever calls, or the database refuses.
pub(crate) async fn some_environments(gate: &Gate, part: &Part) -> Result<Vec<Environment>, ApiError> {
    gate.pass(Action::ListEnvironments, "all", noted(part)).await?;
    Ok(gate.app.directory.some_environments(part).await?)
}

/// An environment
#[utoipa::path(get, path = "/environments/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = EnvironmentView), (status = "4XX", body = ErrorBody)))]
pub async fn environment(gate: Gate, Path(text): Path<String>) -> Result<Json<EnvironmentView>, ApiError> {
    gate.pass(Action::ListEnvironments, &text, json!({})).await?;
    Ok(Json(EnvironmentView::of(&living_environment(&gate.app, &text).await?)))
}

/// The environment of that id, if it was not removed.
///
/// # Errors
/// There is none.
pub(super) async fn living_environment(app: &App, text: &str) -> Result<Environment, ApiError> {
    let found = app.directory.environment(id("environment", text)?).await?;
    let found = found.filter(|environment| environment.deleted.is_none());
    found.ok_or_else(|| ApiError::not_found("environment"))
}

/// Make an environment
#[utoipa::path(post, path = "/environments", tag = "organization", request_body = Named,
    responses((status = 201, body = EnvironmentView), (status = "4XX", body = ErrorBody)))]
pub async fn add_environment(
    gate: Gate,
    Body(said): Body<Named>,
) -> Result<(StatusCode, Json<EnvironmentView>), ApiError> {
    gate.pass(Action::ChangeEnvironments, "environments", json!({ "name": said.name })).await?;
    let named = name("name", &said.name)?;
    let environment = gate.app.directory.add_environment(&named, Time::now()).await?;
    Ok((StatusCode::CREATED, Json(EnvironmentView::of(&environment))))
}

/// Give an environment another name
#[utoipa::path(patch, path = "/environments/{id}", tag = "organization", params(("id" = String, Path)),
    request_body = Named,
    responses((status = 200, body = EnvironmentView), (status = "4XX", body = ErrorBody)))]
pub async fn rename_environment(
    gate: Gate,
    Path(text): Path<String>,
    Body(said): Body<Named>,
) -> Result<Json<EnvironmentView>, ApiError> {
    gate.pass(Action::ChangeEnvironments, &text, json!({ "name": said.name })).await?;
    let (id, named) = (id("environment", &text)?, name("name", &said.name)?);
    let environment = gate.app.directory.rename_environment(id, &named).await?;
    environment.as_ref().map(EnvironmentView::of).map(Json).ok_or_else(|| ApiError::not_found("environment"))
}

/// Remove an environment; its targets belong to none then
#[utoipa::path(delete, path = "/environments/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete_environment(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    gate.pass(Action::ChangeEnvironments, &text, json!({ "delete": true })).await?;
    let gone = gate.app.directory.delete_environment(id("environment", &text)?, Time::now()).await?;
    gone.ok_or_else(|| ApiError::not_found("environment"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// All spaces
#[utoipa::path(get, path = "/spaces", tag = "organization",
    responses((status = 200, body = [SpaceView]), (status = "4XX", body = ErrorBody)))]
pub async fn spaces(gate: Gate) -> Result<Json<Vec<SpaceView>>, ApiError> {
    let caller = gate.pass(Action::ListSpaces, "all", json!({})).await?;
    let owner = (caller.reach != Reach::All).then_some(caller.id);
    Ok(Json(gate.app.directory.spaces(owner).await?.iter().map(SpaceView::of).collect()))
}

/// Some spaces, as a page of settings lists them.
///
/// # Errors
/// It is not for whoever calls, or the database refuses.
pub(crate) async fn some_spaces(gate: &Gate, part: &Part) -> Result<Vec<Space>, ApiError> {
    let caller = gate.pass(Action::ListSpaces, "all", noted(part)).await?;
    let owner = (caller.reach != Reach::All).then_some(caller.id);
    Ok(gate.app.directory.some_spaces(owner, part).await?)
}

/// Make a space of one's own
#[utoipa::path(post, path = "/spaces", tag = "organization", request_body = Named,
    responses((status = 201, body = SpaceView), (status = "4XX", body = ErrorBody)))]
pub async fn add_space(
    gate: Gate,
    Body(said): Body<Named>,
) -> Result<(StatusCode, Json<SpaceView>), ApiError> {
    let caller = gate.pass(Action::ChangeSpaces, "spaces", json!({ "name": said.name })).await?;
    let named = name("name", &said.name)?;
    let space = gate.app.directory.ensure_space(caller.id, &named, Time::now()).await?;
    Ok((StatusCode::CREATED, Json(SpaceView::of(&space))))
}

/// Close a space
#[utoipa::path(delete, path = "/spaces/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn close_space(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    let caller = gate.pass(Action::ChangeSpaces, &text, json!({ "close": true })).await?;
    let space = gate.app.directory.space(id("space", &text)?).await?;
    let space = space.filter(|space| caller.reach == Reach::All || space.owner == caller.id);
    let space = space.ok_or_else(|| ApiError::not_found("space"))?;
    gate.app.directory.close_space(space.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
