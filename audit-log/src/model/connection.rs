//! What happens to connections, and to the agents that carry them.

use serde::{Deserialize, Serialize};

use super::{Place, Subject, names};
use crate::time::Time;

names! {
    /// What happened to a connection.
    ConnectionEventType {
        /// It was asked for.
        Created = "Created",
        /// It is over.
        Closed = "Closed",
        /// Somebody is at it.
        ClientConnect = "ClientConnect",
        /// Nobody is any more.
        ClientDisconnect = "ClientDisconnect",
        /// The agent's side is there.
        ShellConnect = "ShellConnect",
        /// The agent's side is gone.
        ShellDisconnect = "ShellDisconnect",
    }
}

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionEvent {
    /// Its id.
    pub id: String,
    /// The connection.
    pub connection_id: String,
    /// Whose it is.
    pub organization_id: String,
    /// When.
    pub timestamp: Time,
    /// Whose connection it is.
    #[serde(flatten)]
    pub subject: Subject,
    /// What it leads to.
    #[serde(flatten)]
    pub place: Place,
    /// Id of its space, which BastionZero called a session.
    pub session_id: String,
    /// Name of its space.
    pub session_name: String,
    /// What happened.
    pub connection_event_type: ConnectionEventType,
    /// Why, and by whom: `admin@org.com deleted target`.
    pub reason: Option<String>,
    /// Which server had it.
    pub connection_node_id: String,
}

names! {
    /// What an agent is up to.
    AgentStatus {
        /// It has never been there.
        NotActivated = "NotActivated",
        /// It is not there.
        Offline = "Offline",
        /// It is there.
        Online = "Online",
        /// It will not come back.
        Terminated = "Terminated",
        /// It cannot work.
        Error = "Error",
        /// It will be back.
        Restarting = "Restarting",
    }
}

/// An agent that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentStatusChangeEvent {
    /// Its id.
    pub id: String,
    /// The target whose agent it is.
    pub target_id: String,
    /// What it is now.
    pub status_change: AgentStatus,
    /// When.
    pub time_stamp: Time,
    /// Why.
    pub reason: String,
    /// By what it is known.
    pub agent_public_key: String,
}
