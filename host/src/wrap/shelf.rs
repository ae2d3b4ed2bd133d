//! Where a session's files are put: a folder for each day and account, in which nobody else has a say.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use rustix::fs::{Mode, OFlags};

use crate::places::{LISTED_FOLDER_MODE, RECORDING_MODE};

/// The names of a session's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shelf {
    folders: [PathBuf; 2],
    name: String,
}

impl Shelf {
    /// Of a session that began then, in microseconds since 1970; the account's and the session's name are
    /// [plain](crate::config::is_name).
    pub(crate) fn new(recordings: &Path, account: &str, session: &str, start_us: u64) -> Self {
        let start =
            i64::try_from(start_us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
        let day = recordings.join(start.format("%Y-%m-%d").to_string());
        let own = day.join(account);
        Self { folders: [day, own], name: format!("{}-{session}", start.format("%H%M%S")) }
    }

    /// Makes the folders; to be called with the group of the wrapper.
    ///
    /// # Errors
    /// They cannot be made, or somebody else has a say in them.
    pub(crate) fn prepare(&self, recordings: &Path, group: Option<u32>) -> io::Result<()> {
        check(recordings, true, group)?;
        for folder in &self.folders {
            // Whatever the umask says: those who come later have to get in, also if we are killed right here.
            let umask = rustix::process::umask(Mode::empty());
            let made = DirBuilder::new().mode(LISTED_FOLDER_MODE).create(folder);
            rustix::process::umask(umask);
            match made {
                // The bit for the group is given by the folder above alone.
                Ok(()) => std::fs::set_permissions(folder, Permissions::from_mode(LISTED_FOLDER_MODE))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            check(folder, false, group)?;
        }
        Ok(())
    }

    /// The recording.
    pub(crate) fn recording(&self) -> PathBuf {
        self.file("cast.zst")
    }

    /// Makes the file of command events; to be called with the group of the wrapper.
    ///
    /// # Errors
    /// It cannot be made, or is there already.
    pub(crate) fn commands(&self) -> io::Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(RECORDING_MODE)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.file("commands.jsonl"))?;
        file.set_permissions(Permissions::from_mode(RECORDING_MODE))?;
        Ok(file)
    }

    /// Removes the file of command events of a session that has no recording; to be called with the group of the wrapper.
    pub(crate) fn discard_commands(&self) {
        if std::fs::symlink_metadata(self.recording())
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            // What is left of it is empty, or of a session that never began.
            std::fs::remove_file(self.file("commands.jsonl")).ok();
        }
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folders[1].join(format!("{}.{extension}", self.name))
    }
}

/// A folder is used only if nobody but root and the wrapper can change what is in it.
fn check(folder: &Path, is_base: bool, group: Option<u32>) -> io::Result<()> {
    let about = std::fs::symlink_metadata(folder)?;
    let wrong = |what: &str| Err(io::Error::other(format!("`{}` {what}", folder.display())));
    let others = if about.gid() == group.unwrap_or(0) { 0o007 } else { 0o022 };
    match () {
        () if !about.is_dir() => wrong("is no folder"),
        () if is_base && about.uid() != 0 => wrong("does not belong to root"),
        () if about.mode() & others != 0 => wrong("can be changed by others"),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_day_account_and_session() {
        let id = "01932d7e-0000-7000-8000-000000000000";
        let shelf = Shelf::new(Path::new("/r"), "alice", id, 1_764_190_829_123_456);
        assert_eq!(shelf.recording(), Path::new(&format!("/r/2025-11-26/alice/210029-{id}.cast.zst")));
    }
}
