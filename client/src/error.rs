//! What went wrong with a call: whose fault it is, and whether it is worth to try again.

use serde::Deserialize;

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// What the caller was told of the server makes no sense.
    #[error("{0}")]
    Settings(String),
    /// The server said no.
    #[error("{server} says: {message}")]
    Refused {
        /// Which server.
        server: String,
        /// HTTP's status.
        status: u16,
        /// The error's name in the API: `Forbidden`, `OffsetMismatch`; empty where the answer has none.
        kind: String,
        /// What it says.
        message: String,
        /// How much of a recording is there, where the answer says so.
        offset: Option<u64>,
    },
    /// There was no answer.
    #[error("cannot reach {server}: {reason}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The answer is none that this program knows.
    #[error("{server} answers what is no answer of an audit server: {reason}")]
    NoAnswer {
        /// Which server.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file that is uploaded cannot be read.
    #[error("cannot read `{path}`: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server has another recording with this id.
    #[error("{server} has another recording as {id}: {reason}")]
    Differs {
        /// Which server.
        server: String,
        /// The id.
        id: String,
        /// How it is seen.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same call may come to something later, without anybody doing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Unreachable { .. } => true,
            Self::Settings(_) | Self::NoAnswer { .. } | Self::File { .. } | Self::Differs { .. } => false,
        }
    }

    /// The error's name in the API, where the server said no.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => Some(kind),
            Self::Settings(_)
            | Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::File { .. }
            | Self::Differs { .. } => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { status: 401, .. } => {
                Some("give a key that is valid: --key-file FILE, or CASEMATE_API_KEY")
            }
            Self::Refused { status: 403, .. } => Some("ask an administrator for a key that may do this"),
            Self::Unreachable { reason, .. } if reason.contains("UnknownIssuer") => {
                Some("if the server's certificate is of your own authority, name it: --ca FILE")
            }
            Self::Unreachable { reason, .. } if reason.contains("InvalidContentType") => {
                Some("it may speak no TLS: try http:// instead of https://")
            }
            Self::Unreachable { reason, .. } if reason.contains("invalid HTTP version") => {
                Some("it may speak TLS: try https:// instead of http://")
            }
            Self::NoAnswer { .. } => Some("check the address: --server URL, or CASEMATE_SERVER"),
            Self::Refused { .. }
            | Self::Settings(_)
            | Self::Unreachable { .. }
            | Self::File { .. }
            | Self::Differs { .. } => None,
        }
    }
}

/// How an error is written in the API.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ErrorBody {
    pub(crate) error_msg: String,
    pub(crate) error_type: String,
}

/// What ureq says, in fewer words.
pub(crate) fn reason(error: &ureq::Error) -> String {
    if let ureq::Error::Io(error) = error {
        return error.to_string();
    }
    if matches!(error, ureq::Error::HostNotFound) {
        return "there is no such host".into();
    }
    if matches!(error, ureq::Error::Timeout(_)) {
        "it does not answer in time".into()
    } else {
        error.to_string()
    }
}
