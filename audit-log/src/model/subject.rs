//! User events: every call of our own API, allowed or not.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::time::Time;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SubjectEvent {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// When.
    pub timestamp: Time,
    /// Who called.
    #[serde(flatten)]
    pub subject: Subject,
    /// What was to be done: `sessionrecordings:get`.
    pub service_action: String,
    /// To what.
    pub resource: String,
    /// Whether it was allowed.
    pub evaluation: bool,
    /// More about it: JSON.
    pub context: String,
}
