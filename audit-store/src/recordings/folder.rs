//! A folder of objects.
//!
//! *Invariant*: an object that was written stays, also when the machine stops: file and folders are flushed to the disk
//! before it is listed. Nobody but its owner can look into the folder.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use casemate_audit_log::Time;
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
        Ok(Self { folder: Some(folder.into()), ..Self::new(database, Arc::new(store)) })
    }

    /// Removes what was being written when somebody was interrupted: no list of objects has it.
    pub(super) async fn sweep_folder(&self, before: Time) -> Result<usize, StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let place = folder.clone();
        let swept = tokio::task::spawn_blocking(move || sweep(&place, before)).await;
        let swept = swept.map_err(|error| StoreError::Ended { reason: error.to_string() })?;
        swept.map_err(|source| StoreError::Folder { folder, source })
    }
}

fn sweep(folder: &Path, before: Time) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Whatever is gone by now is no business of ours any more.
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_dir() {
            swept += sweep(&entry.path(), before).unwrap_or(0);
        } else if entry.file_name().to_string_lossy().contains('#') {
            let age = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            if age.as_micros() < u128::from(before.0.unsigned_abs()) && fs::remove_file(entry.path()).is_ok()
            {
                swept += 1;
            }
        }
    }
    Ok(swept)
}
