//! Why a recording cannot be read.

use std::io;

use casemate_cast_format::DefectKind;

/// Why a recording cannot be read, with its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system does not give it.
    #[error("cannot read `{name}`")]
    Unreadable {
        /// The file, safe to be shown.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Some of a folder cannot be looked at.
    #[error("cannot read the folder `{name}`")]
    UnreadableFolder {
        /// The folder, safe to be shown.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It is a folder.
    #[error("cannot read `{name}`: it is a folder")]
    Folder {
        /// The folder, safe to be shown.
        name: String,
    },
    /// Standard input is not there.
    #[error("cannot read standard input")]
    StandardInput(#[source] io::Error),
    /// There is no memory to unpack with.
    #[error(transparent)]
    Unpacker(io::Error),
    /// A defect leaves nothing to be read.
    #[error("{name}: {kind}")]
    Fatal {
        /// The file, safe to be shown.
        name: String,
        /// What is wrong.
        kind: DefectKind,
    },
    /// Reading is strict, and this is the first thing that is wrong.
    #[error("{0}")]
    Defect(String),
}

impl ReadError {
    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Fatal { kind, .. } if *kind != DefectKind::Empty => {
                Some("a recording begins with a header like {\"version\":2,\"width\":80,\"height\":24}")
            }
            Self::Unreadable { .. }
            | Self::UnreadableFolder { .. }
            | Self::Folder { .. }
            | Self::StandardInput(_)
            | Self::Unpacker(_)
            | Self::Fatal { .. }
            | Self::Defect(_) => None,
        }
    }
}
