//! A folder of objects.
//!
//! *Invariant*: an object that was written stays, also when the machine stops: file and folders are flushed to the disk
//! before it is listed. Nobody but its owner can look into the folder.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;

use super::Recordings;
use crate::database::Database;
use crate::error::StoreError;

impl Recordings {
    /// Keeps what is known of recordings in a database, and their bytes in a folder, which is made where there is none.
    ///
    /// # Errors
    /// There can be no such folder.
    pub fn in_folder(database: &Database, folder: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder { folder: folder.into(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        // Its entry is flushed, too.
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|parent| parent.sync_all())
            .map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|source| StoreError::Object {
            what: "the folder of recordings cannot be used",
            source,
        })?;
        let store = store.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self::new(database, Arc::new(store)))
    }
}
