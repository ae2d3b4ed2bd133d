//! Calls of the Kubernetes API, one event for what belongs together.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// One `kubectl` command, or what is taken for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KubernetesEvent {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// When its first call came.
    pub creation_date: Time,
    /// The user of the cluster that it was done as.
    pub role: String,
    /// The groups of that user.
    pub target_groups: Vec<String>,
    /// What was called.
    pub endpoints: Vec<Call>,
    /// What was run in containers.
    pub exec_commands: Vec<Call>,
    /// The command as it was typed; `N/A` where nobody said.
    pub kube_english_command: String,
    /// Status of the last answer.
    pub status_code: u16,
    /// Who did it.
    pub user_id: String,
    /// Its mail address, or whatever name it has.
    pub user_email: String,
    /// The cluster.
    pub cluster_id: String,
    /// Its name.
    pub target_name: String,
    /// The connection, where the calls went through ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What was done: `get`, `create`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// In which namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// To what: `pods`, `pods/exec`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// That these calls belong together is a guess.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grouping_guessed: bool,
}

/// One call, or one command in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its id; in the cluster's own log, the audit id.
    pub id: String,
    /// When it came.
    pub time_created: Time,
    /// Path and query, or the command line.
    pub event: String,
}
