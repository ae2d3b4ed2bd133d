//! Where things are on a host, and with which modes: the one place that says so.
//!
//! The group [`GROUP`] has no members; the wrapper is set-group-id to it. Its folders can be entered and added to by
//! that group, and listed by root alone: users reach nothing in them, not even what they own.

use std::path::{Path, PathBuf};

/// The group of the set-group-id wrapper, and of all that it writes.
pub const GROUP: &str = "casemate";

/// Where recordings go that nobody gave a place.
pub const RECORDINGS: &str = "/var/lib/casemate/recordings";

/// A folder that the group only passes through.
pub const PASSAGE_MODE: u32 = 0o2710;
/// A folder in which the group makes files.
pub const FOLDER_MODE: u32 = 0o2730;
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

    /// The folder of running sessions, a file for each.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.run.join("sessions")
    }

    /// The folder of logins, a file for each ([`crate::logins`]): root's, and nobody else's to write to.
    #[must_use]
    pub fn logins(&self) -> PathBuf {
        self.run.join("logins")
    }
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
}
