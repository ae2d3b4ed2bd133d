//! Where things are on a host, and with which modes: the one place that says so. [`Places::prepare`] makes the folders.
//!
//! The group [`GROUP`] has no members; the wrapper is set-group-id to it. Its folders can be entered and added to by
//! that group and root alone: users reach nothing in them, not even what they own.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::Group;
use rustix::fs::{Gid, Mode};
use rustix::io::Errno;

/// The group of the set-group-id wrapper, and of all that it writes.
pub const GROUP: &str = "casemate";

/// Where recordings go that nobody gave a place.
pub const RECORDINGS: &str = "/var/lib/casemate/recordings";

/// A folder that the group only passes through.
pub const PASSAGE_MODE: u32 = 0o2710;
/// A folder in which the group makes files.
pub const FOLDER_MODE: u32 = 0o2730;
/// The same, for one in which the group also looks for them: running sessions, recordings.
pub const LISTED_FOLDER_MODE: u32 = 0o2770;
/// A folder in which root alone makes files.
pub const ROOTS_FOLDER_MODE: u32 = 0o755;
/// A recording, or what belongs to one.
pub const RECORDING_MODE: u32 = 0o640;
/// A file to which every session of the host appends.
pub const SHARED_FILE_MODE: u32 = 0o660;

/// The places of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The configuration: a file of root's.
    pub config: PathBuf,
    /// What is kept: recordings, the host log.
    pub state: PathBuf,
    /// What goes with the next boot: who is logged in, which sessions run.
    pub run: PathBuf,
}

impl Places {
    /// Those of this host.
    #[must_use]
    pub fn system() -> Self {
        Self::under(Path::new("/"))
    }

    /// The same under another root.
    #[must_use]
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("etc/casemate/config.toml"),
            state: root.join("var/lib/casemate"),
            run: root.join("run/casemate"),
        }
    }

    /// The folder of recordings, where no policy names another.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.state.join("recordings")
    }

    /// The folder of the host log, a file for each day ([`crate::log`]).
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }

    /// The folder of what the agent keeps: root's, and nobody else's to look into. The agent makes it.
    #[must_use]
    pub fn agent(&self) -> PathBuf {
        self.state.join("agent")
    }

    /// The folder of running sessions, a file for each.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.run.join("sessions")
    }

    /// The folder of sums: how much recordings take of the disk ([`crate::usage`]).
    #[must_use]
    pub fn usage(&self) -> PathBuf {
        self.run.join("usage")
    }

    /// The folder of logins, a file for each ([`crate::logins`]): root's, and nobody else's to write to.
    #[must_use]
    pub fn logins(&self) -> PathBuf {
        self.run.join("logins")
    }
}

impl Places {
    /// Makes the folders that are missing, for root: the group's, if it is there. What is there stays as it is.
    ///
    /// # Errors
    ///
    /// One cannot be made.
    pub fn prepare(&self) -> io::Result<()> {
        let folders = [
            (self.state.clone(), PASSAGE_MODE),
            (self.recordings(), LISTED_FOLDER_MODE),
            (self.log(), FOLDER_MODE),
            (self.run.clone(), FOLDER_MODE),
            (self.sessions(), LISTED_FOLDER_MODE),
            (self.usage(), LISTED_FOLDER_MODE),
            (self.logins(), ROOTS_FOLDER_MODE),
        ];
        for (folder, mode) in folders {
            make_folder(&folder, mode)?;
        }
        Ok(())
    }
}

fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    match rustix::fs::mkdir(folder, Mode::empty()) {
        Err(Errno::EXIST) => return Ok(()),
        made => made?,
    }
    if mode != ROOTS_FOLDER_MODE
        && let Ok(Some(group)) = Group::from_name(GROUP)
    {
        rustix::fs::chown(folder, None, Some(Gid::from_raw(group.gid.as_raw())))?;
    }
    Ok(rustix::fs::chmod(folder, Mode::from_raw_mode(mode))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_where_the_documentation_says() {
        let places = Places::system();
        assert_eq!(places.config, Path::new("/etc/casemate/config.toml"));
        assert_eq!(places.recordings(), Path::new(RECORDINGS));
        assert_eq!(places.log(), Path::new("/var/lib/casemate/log"));
        assert_eq!(places.sessions(), Path::new("/run/casemate/sessions"));
        assert_eq!(Places::under(Path::new("/x")).logins(), Path::new("/x/run/casemate/logins"));
    }

    #[test]
    fn folders_are_made_once_and_then_left_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        std::fs::create_dir_all(places.state.parent().unwrap()).unwrap();
        std::fs::create_dir_all(places.run.parent().unwrap()).unwrap();
        places.prepare().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!([&places.state, &places.run].map(|path| mode(path)), [0o2710, 0o2730]);
        assert_eq!([places.recordings(), places.log()].map(|path| mode(&path)), [0o2770, 0o2730]);
        assert_eq!([places.sessions(), places.logins()].map(|path| mode(&path)), [0o2770, 0o755]);
        std::fs::set_permissions(places.log(), std::fs::Permissions::from_mode(0o700)).unwrap();
        places.prepare().unwrap();
        assert_eq!(mode(&places.log()), 0o700);
    }
}
