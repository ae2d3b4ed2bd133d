//! The organisation, and the key that its logs are signed with.

use axum::Json;
use casemate_audit_log::Time;
use casemate_cast_format::segment::hex;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Gate};

/// Whose all of it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// When it was made.
    time_created: Time,
    /// What this server signs checkpoints with: Ed25519, in hexadecimal digits. `casemate verify --key` takes it.
    public_key: String,
}

/// The organisation
#[utoipa::path(get, path = "/organization", tag = "organization",
    responses((status = 200, body = Organization), (status = "4XX", body = ErrorBody)))]
pub async fn organization(gate: Gate) -> Result<Json<Organization>, ApiError> {
    gate.pass(Action::GetOrganization, "organization", json!({})).await?;
    let organization = gate.app.directory.organization().await?;
    Ok(Json(Organization {
        id: organization.id.to_string(),
        name: organization.name,
        time_created: organization.created,
        public_key: hex(gate.app.node.key.verifying_key().as_bytes()),
    }))
}
