//! What can go wrong with an index.

use std::io;
use std::path::PathBuf;

use crate::recording::one_line;

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system does not give it.
    #[error("cannot use the index `{}`", shown(path))]
    Io {
        /// The index.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database says no.
    #[error("cannot use the index `{}`", shown(path))]
    Database {
        /// The index.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// A file of that name is something else.
    #[error("`{}` is no index of casemate", shown(path))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It would stand among the evidence.
    #[error("the index `{}` would be among the recordings", shown(path))]
    AmongRecordings {
        /// Where it was to be.
        path: PathBuf,
    },
    /// There is nowhere to keep it.
    #[error("no place for an index: neither XDG_CACHE_HOME nor HOME is set")]
    NoPlace,
    /// What is in it makes no sense.
    #[error("the index `{}` is damaged: {what}", shown(path))]
    Damaged {
        /// The index.
        path: PathBuf,
        /// What.
        what: &'static str,
    },
    /// Somebody has given it up; see [`StopToken`](crate::StopToken).
    #[error("given up")]
    Stopped,
}

fn shown(path: &std::path::Path) -> String {
    one_line(&path.display().to_string())
}

impl StoreError {
    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => {
                Some("give the index another name: nothing that casemate has not made is overwritten")
            }
            Self::AmongRecordings { .. } => Some("put it elsewhere: nothing is ever written beside evidence"),
            Self::NoPlace => Some("say where it shall be with --index"),
            Self::Damaged { .. } => Some("remove it: it is made again from the recordings"),
            Self::Io { .. } | Self::Database { .. } | Self::Stopped => None,
        }
    }

    /// Whether the index itself is broken, so that only making it anew helps.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Database { source: sqlx::Error::Database(error), .. } => {
                // SQLITE_CORRUPT and SQLITE_NOTADB, with whatever else is in the upper bits.
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                matches!(code.map(|code| code & 0xff), Some(11 | 26))
            }
            Self::Io { .. }
            | Self::Database { .. }
            | Self::Foreign { .. }
            | Self::AmongRecordings { .. }
            | Self::NoPlace
            | Self::Stopped => false,
        }
    }
}
