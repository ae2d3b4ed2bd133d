//! The data folder of a server: who it is, and what it signs with.
//!
//! Nobody but its owner can read what is in it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding};
use uuid::Uuid;

use crate::secrets::random;

/// A server, as others know it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The folder.
    pub folder: PathBuf,
    /// Its id: its writer in the logs, and the node of its connections.
    pub id: Uuid,
    /// What checkpoints are signed with.
    pub key: SigningKey,
    /// Held for as long as the server runs: one folder, one server.
    _lock: std::sync::Arc<File>,
}

/// A data folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands in a file is not what belongs there.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another server has it.
    #[error("{}: another server uses this folder", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

impl Node {
    /// Opens the folder, and makes what is not there yet.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(folder: &Path) -> Result<Self, NodeError> {
        let about = |path: &Path, source| NodeError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| about(folder, error))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(|error| about(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(NodeError::InUse { path: folder.to_owned() });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(about(&path, error)),
        }
        let path = folder.join("node-id");
        let id = kept(&path, || Uuid::now_v7().to_string()).map_err(|error| about(&path, error))?;
        let id = id.trim().parse();
        let id = id.map_err(|_| NodeError::Damaged { path, reason: "there is no id in it".into() })?;
        let path = folder.join("signing-key.pem");
        let pem = kept(&path, || {
            let key = SigningKey::from_bytes(&random());
            key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
        });
        let pem = pem.map_err(|error| about(&path, error))?;
        let key = SigningKey::from_pkcs8_pem(&pem)
            .map_err(|error| NodeError::Damaged { path, reason: error.to_string() })?;
        Ok(Self { folder: folder.to_owned(), id, key, _lock: lock.into() })
    }
}

/// What stands in a file; where there is none, it is made, and is on the disk before anybody relies on it.
fn kept(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match File::open(path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make();
            let beside = path.with_extension("new");
            let mut file =
                OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, path)?;
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(text)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = Node::open(&data).unwrap();
        assert!(matches!(Node::open(&data), Err(NodeError::InUse { .. })));
        let (id, key) = (first.id, first.key.to_bytes());
        drop(first);
        let again = Node::open(&data).unwrap();
        assert_eq!((again.id, again.key.to_bytes()), (id, key));
        drop(again);
        std::fs::write(data.join("node-id"), "nobody").unwrap();
        assert!(matches!(Node::open(&data), Err(NodeError::Damaged { .. })));
    }
}
