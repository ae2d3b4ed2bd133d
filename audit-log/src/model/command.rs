//! Commands: lines that were given to shells and programs.

use serde::{Deserialize, Serialize};

use super::{Place, Subject};
use crate::time::Time;

/// One command, as it was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandEvent {
    /// The same whenever it is derived again from the recording.
    pub id: String,
    /// The connection in which it was typed.
    pub connection_id: String,
    /// Whose it is.
    pub organization_id: String,
    /// When the line was committed.
    pub timestamp: Time,
    /// Who typed it.
    #[serde(flatten)]
    pub subject: Subject,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The line; empty where it is not known.
    pub command: String,
    /// The space of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space_name: Option<String>,
    /// The recording, and with `offset` the moment in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_id: Option<String>,
    /// Where in the recording the line was committed, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Who got the line: `shell`, `program`, `hidden`, `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name of the program that got it, if no shell did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What the text was taken from: `marks`, `screen`, `exec`, `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// From 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Why the text is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the line went on inside the session, if not to the target of the connection: `sudo`, `ssh`, `kubectl exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_target: Option<String>,
    /// As which account there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_target_user: Option<String>,
    /// Its words, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// How it ended, once it has.
    #[serde(flatten, default)]
    pub result: CommandResult,
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandResult {
    /// Exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Bytes of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// Bytes that it was given, where it had no terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// Bytes that it put out there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    /// Bytes that it wrote to its standard error there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_err: Option<u64>,
}

/// The end of a command that was in the log before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandEnd {
    /// That of the command.
    pub id: String,
    /// The connection in which it was typed.
    pub connection_id: String,
    /// When it ended.
    pub timestamp: Time,
    /// How.
    #[serde(flatten, default)]
    pub result: CommandResult,
}
