//! Keys of programs. A secret is shown once.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use casemate_audit_log::Time;
use casemate_audit_log::model::Role;
use casemate_audit_store::Digest;
use casemate_audit_store::directory::{Key, Part};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{name, noted};
use crate::api::body::Body;
use crate::app::id;
use crate::error::{ApiError, ErrorBody};
use crate::secrets::{digest, draw};
use crate::who::{Action, Gate};

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// What may be done with it.
    pub(crate) role: Role,
    /// The one target that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_id: Option<String>,
    /// Whether agents register with it.
    pub(crate) is_registration_key: bool,
    /// Since when there is it.
    pub(crate) time_created: Time,
    /// When it was used, to a minute.
    pub(crate) last_used: Option<Time>,
}

/// A key that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// Its name.
    pub(crate) name: String,
    /// What may be done with it; as a rule `Auditor`.
    pub(crate) role: Option<Role>,
    /// The one target that a key of the role `Agent` is for.
    pub(crate) target_id: Option<String>,
    /// BastionZero's keys for registration; there are none here.
    #[serde(default)]
    pub(crate) is_registration_key: bool,
}

/// A key, and its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeySecret {
    /// The key.
    pub(crate) api_key_details: KeyView,
    /// What to send as `X-API-KEY`; shown once.
    pub(crate) secret: String,
}

impl KeyView {
    fn of(key: &Key) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            role: key.role,
            target_id: key.target.map(|target| target.to_string()),
            is_registration_key: false,
            time_created: key.created,
            last_used: key.last_used,
        }
    }
}

/// All keys
#[utoipa::path(get, path = "/api-keys", tag = "organization",
    responses((status = 200, body = [KeyView]), (status = "4XX", body = ErrorBody)))]
pub async fn keys(gate: Gate) -> Result<Json<Vec<KeyView>>, ApiError> {
    gate.pass(Action::ListKeys, "all", json!({})).await?;
    Ok(Json(gate.app.directory.keys().await?.iter().map(KeyView::of).collect()))
}

/// Some keys, as a page of settings lists them.
///
/// # Errors
/// It is not for whoever calls, or the database refuses.
pub(crate) async fn some(gate: &Gate, part: &Part) -> Result<Vec<Key>, ApiError> {
    gate.pass(Action::ListKeys, "all", noted(part)).await?;
    Ok(gate.app.directory.some_keys(part).await?)
}

/// A key
#[utoipa::path(get, path = "/api-keys/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = KeyView), (status = "4XX", body = ErrorBody)))]
pub async fn key(gate: Gate, Path(text): Path<String>) -> Result<Json<KeyView>, ApiError> {
    gate.pass(Action::ListKeys, &text, json!({})).await?;
    let key = gate.app.directory.key(id("key", &text)?).await?;
    key.as_ref().map(KeyView::of).map(Json).ok_or_else(|| ApiError::not_found("key"))
}

/// Make a key
#[utoipa::path(post, path = "/api-keys", tag = "organization", request_body = NewKey,
    responses((status = 201, body = KeySecret), (status = "4XX", body = ErrorBody)))]
pub async fn add(gate: Gate, Body(said): Body<NewKey>) -> Result<(StatusCode, Json<KeySecret>), ApiError> {
    let context = json!({ "name": said.name, "role": said.role, "targetId": said.target_id });
    gate.pass(Action::CreateKey, "api-keys", context).await?;
    if said.is_registration_key {
        return Err(ApiError::field("isRegistrationKey", "targets are registered with `targets/bzero`"));
    }
    let role = said.role.unwrap_or(Role::Auditor);
    let target = match (role, &said.target_id) {
        (Role::Agent, None) => return Err(ApiError::field("targetId", "an agent is of one target")),
        (Role::Agent, Some(text)) => {
            let target = gate.app.directory.target(id("target", text)?).await?;
            let target = target.filter(|target| target.deleted.is_none());
            Some(target.ok_or_else(|| ApiError::not_found("target"))?.id)
        }
        (_, Some(_)) => return Err(ApiError::field("targetId", "only an agent is of a target")),
        (_, None) => None,
    };
    let secret = draw("cmak");
    let named = name("name", &said.name)?;
    let key =
        gate.app.directory.add_api_key(&named, role, Digest(digest(&secret)), target, Time::now()).await?;
    Ok((StatusCode::CREATED, Json(KeySecret { api_key_details: KeyView::of(&key), secret })))
}

/// Take a key back
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    gate.pass(Action::DeleteKey, &text, json!({})).await?;
    let key = gate.app.directory.delete_key(id("key", &text)?, Time::now()).await?;
    key.ok_or_else(|| ApiError::not_found("key"))?;
    Ok(StatusCode::NO_CONTENT)
}
