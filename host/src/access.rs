//! How what is kept of sessions is read by those who may: with the recorder's group, and for no longer than it takes to
//! open a file.

use std::fs::File;
use std::io;
use std::path::Path;

use casemate_recorder::{Rights, with_rights};
use rustix::fs::{Mode, OFlags};

/// Whoever reads: root, or the set-group-id helper for somebody.
#[derive(Clone, Copy, Debug)]
pub struct Access(pub Option<Rights>);

impl Access {
    /// Does something with the group, if there is one.
    pub fn with<T>(self, act: impl FnOnce() -> T) -> T {
        with_rights(self.0, act)
    }

    /// Opens a file of ours to be read; never a link, and nothing that one would have to wait for.
    pub(crate) fn open(self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(self.with(|| rustix::fs::open(path, flags, Mode::empty()))?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no file")) }
    }
}
