//! What happened, as the logs keep it. Each event is a snapshot: names and ids as they were, so that it outlives whom and
//! what it names. The names of the fields are those of BastionZero's API; what it did not have stands beside them.

mod command;
mod connection;
mod directory;
mod kube;
mod subject;

use serde::{Deserialize, Serialize};

pub use self::command::{CommandEnd, CommandEvent, CommandResult};
pub use self::connection::{AgentStatus, AgentStatusChangeEvent, ConnectionEvent, ConnectionEventType};
pub use self::directory::{ConnectionState, Role, SpaceState, Standing, TargetType};
pub use self::kube::{Call, KubernetesEvent};
pub use self::subject::SubjectEvent;
use crate::time::Time;

/// What BastionZero's API says where there is nothing.
pub const NONE: &str = "n/a";

/// The id of nothing.
pub const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A name for each of a few values, as it stands in paths, parameters and rows.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),*
        }

        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// How it is written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::Unknown;

            /// Capitals do not matter.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(text));
                known.ok_or_else(|| $crate::model::Unknown::new(text, Self::ALL.iter().map(|known| known.name())))
            }
        }
    };
}
pub(crate) use names;

/// A text that is none of the names that there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {known}")]
pub struct Unknown {
    given: String,
    known: String,
}

impl Unknown {
    pub(crate) fn new<'n>(given: &str, known: impl Iterator<Item = &'n str>) -> Self {
        let known: Vec<_> = known.collect();
        Self { given: given.chars().take(64).collect(), known: known.join(", ") }
    }
}

names! {
    /// A log.
    Log {
        /// Lines that were given to shells and programs.
        Command = "command",
        /// How those ended; a part of the log of commands.
        CommandEnd = "command-end",
        /// Calls of the Kubernetes API.
        Kube = "kube",
        /// What happened to connections.
        Connection = "connection",
        /// Calls of our own API, by anybody.
        Subject = "subject",
        /// Agents that came and went.
        AgentStatusChange = "agent-status-change",
    }
}

names! {
    /// What somebody is.
    SubjectType {
        /// A person.
        User = "User",
        /// A program with a key.
        ApiKey = "ApiKey",
        /// A program with an identity of its own.
        ServiceAccount = "ServiceAccount",
    }
}

names! {
    /// What a connection is for; in events BastionZero calls it `targetType`.
    ConnectionType {
        /// A shell.
        Shell = "SHELL",
        /// The Kubernetes API.
        Cluster = "CLUSTER",
        /// A database.
        Db = "DB",
        /// A web site.
        Web = "WEB",
        /// SSH that is only passed on.
        Ssh = "SSH",
        /// A desktop.
        Rdp = "RDP",
        /// A SQL server.
        SqlServer = "SQLSERVER",
        /// A target that is made when it is wanted.
        Dynamic = "DYNAMIC",
        /// A shell through another's agent.
        Ssm = "SSM",
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Its id.
    pub subject_id: String,
    /// What it is.
    pub subject_type: SubjectType,
    /// Its name; of a person the mail address.
    pub subject_name: String,
    /// It was an administrator then.
    #[serde(default)]
    pub is_admin: bool,
    /// From where it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}

/// Where it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Id of the target.
    pub target_id: String,
    /// What the connection is for.
    pub target_type: ConnectionType,
    /// Name of the target.
    pub target_name: String,
    /// The account on the target.
    pub target_user: String,
    /// Id of the environment.
    pub environment_id: String,
    /// Name of the environment.
    pub environment_name: String,
}

/// One event of any log.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A command.
    Command(Box<CommandEvent>),
    /// The end of a command.
    CommandEnd(CommandEnd),
    /// A call of the Kubernetes API.
    Kube(Box<KubernetesEvent>),
    /// Something about a connection.
    Connection(Box<ConnectionEvent>),
    /// A call of our own API.
    Subject(Box<SubjectEvent>),
    /// Something about an agent.
    AgentStatusChange(AgentStatusChangeEvent),
}

/// What stands in a log and is no event of it.
#[derive(Debug, thiserror::Error)]
#[error("it is no event of the log `{log}`: {source}")]
pub struct NoEvent {
    log: Log,
    source: serde_json::Error,
}

/// One look at any event.
macro_rules! each {
    ($event:expr, $name:ident => $value:expr) => {
        match $event {
            Event::Command($name) => $value,
            Event::CommandEnd($name) => $value,
            Event::Kube($name) => $value,
            Event::Connection($name) => $value,
            Event::Subject($name) => $value,
            Event::AgentStatusChange($name) => $value,
        }
    };
}

impl Event {
    /// Which log it belongs to.
    #[must_use]
    pub fn log(&self) -> Log {
        match self {
            Self::Command(_) => Log::Command,
            Self::CommandEnd(_) => Log::CommandEnd,
            Self::Kube(_) => Log::Kube,
            Self::Connection(_) => Log::Connection,
            Self::Subject(_) => Log::Subject,
            Self::AgentStatusChange(_) => Log::AgentStatusChange,
        }
    }

    /// Its id: within its log there is one of each. The end of a command has the id of the command.
    #[must_use]
    pub fn id(&self) -> &str {
        each!(self, event => &event.id)
    }

    /// When it happened.
    #[must_use]
    pub fn time(&self) -> Time {
        match self {
            Self::Command(event) => event.timestamp,
            Self::CommandEnd(event) => event.timestamp,
            Self::Kube(event) => event.creation_date,
            Self::Connection(event) => event.timestamp,
            Self::Subject(event) => event.timestamp,
            Self::AgentStatusChange(event) => event.time_stamp,
        }
    }

    /// Who did it, if somebody did.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Command(event) => Some(&event.subject),
            Self::Connection(event) => Some(&event.subject),
            Self::Subject(event) => Some(&event.subject),
            Self::Kube(_) | Self::CommandEnd(_) | Self::AgentStatusChange(_) => None,
        }
    }

    /// Where it was done, if it was done anywhere.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Command(event) => Some(&event.place),
            Self::Connection(event) => Some(&event.place),
            Self::Kube(_) | Self::Subject(_) | Self::CommandEnd(_) | Self::AgentStatusChange(_) => None,
        }
    }

    /// The connection that it belongs to.
    #[must_use]
    pub fn connection_id(&self) -> Option<&str> {
        match self {
            Self::Command(event) => Some(&event.connection_id),
            Self::CommandEnd(event) => Some(&event.connection_id),
            Self::Connection(event) => Some(&event.connection_id),
            Self::Kube(event) => event.connection_id.as_deref(),
            Self::Subject(_) | Self::AgentStatusChange(_) => None,
        }
    }

    /// As JSON.
    ///
    /// # Errors
    /// A number in it is none (not a number, infinite).
    pub fn to_json(&self) -> serde_json::Result<serde_json::Value> {
        each!(self, event => serde_json::to_value(event))
    }

    /// As [canonical](crate::chain::canonical()) JSON.
    ///
    /// # Errors
    /// A number in it is none.
    pub fn canonical(&self) -> serde_json::Result<Vec<u8>> {
        each!(self, event => crate::chain::canonical(event))
    }

    /// The event of a log that is written so.
    ///
    /// # Errors
    /// It is none.
    pub fn from_json(log: Log, json: &str) -> Result<Self, NoEvent> {
        let of_log = |source| NoEvent { log, source };
        Ok(match log {
            Log::Command => Self::Command(serde_json::from_str(json).map_err(of_log)?),
            Log::CommandEnd => Self::CommandEnd(serde_json::from_str(json).map_err(of_log)?),
            Log::Kube => Self::Kube(serde_json::from_str(json).map_err(of_log)?),
            Log::Connection => Self::Connection(serde_json::from_str(json).map_err(of_log)?),
            Log::Subject => Self::Subject(serde_json::from_str(json).map_err(of_log)?),
            Log::AgentStatusChange => Self::AgentStatusChange(serde_json::from_str(json).map_err(of_log)?),
        })
    }
}
