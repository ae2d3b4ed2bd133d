//! Session facts: who, on which target, as which target user, and how we know.
//!
//! They stand in the header under the key `casemate`, and in a `session` event where a recording
//! was appended to another.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whose session a recording is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// UUIDv7 of the session; all parts of a rotated recording share it.
    pub session: String,
    /// The person.
    pub user: String,
    /// The machine.
    pub target: String,
    /// The account on the machine.
    pub target_user: String,
    /// Start of this file, in microseconds since 1970 UTC.
    pub start_us: u64,
    /// How each of `user`, `target`, `target_user` is known: `flag`, `login`, `host`, `process`, …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub known_by: Map<String, Value>,
    /// What recorded it.
    #[serde(default)]
    pub tool: String,
    /// Number of this file among the parts of the session, from 1.
    #[serde(default = "first")]
    pub part: u32,
    /// File name of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Hash of the last seal of the part before, in hexadecimal: the chain goes on across parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_seal: Option<String>,
    /// Session within which this one was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Facts of later versions, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn first() -> u32 {
    1
}

/// The key of [`SessionFacts::has_no_terminal`].
const TERMINAL: &str = "terminal";

/// The key of [`SessionFacts::marks_nonce`].
const MARKS_NONCE: &str = "marks_nonce";

impl SessionFacts {
    /// What the marks of casemate's own shell integration carry, where it was asked for: output that
    /// does not know it cannot pass for them. The person who is recorded can know it.
    pub fn marks_nonce(&self) -> Option<&str> {
        self.extra.get(MARKS_NONCE)?.as_str().filter(|nonce| !nonce.is_empty())
    }

    /// Whether the session had no terminal: what was put out are lines, and what ended them was no carriage return.
    pub fn has_no_terminal(&self) -> bool {
        self.extra.get(TERMINAL) == Some(&Value::Bool(false))
    }

    /// Says so.
    pub fn set_no_terminal(&mut self) {
        self.extra.insert(TERMINAL.into(), false.into());
    }

    /// Says what the marks carry.
    pub fn set_marks_nonce(&mut self, nonce: &str) {
        self.extra.insert(MARKS_NONCE.into(), nonce.into());
    }

    /// As JSON, for the header.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("facts are strings, numbers and maps with string keys")
    }
}
