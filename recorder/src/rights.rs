//! The right to keep recordings where those who are recorded cannot go: a group that only the recorder is in.
//!
//! A set-group-id program has that group beside the user's own. It is laid aside, so that what is asked of the system is
//! asked with the user's rights, and taken up where a recording is opened. All of it is a thread's own matter.

use std::io;

use rustix::process::{DumpableBehavior, Gid, getegid, getgid, set_dumpable_behavior};
use rustix::thread::set_thread_res_gid;

/// A group beside the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    group: Gid,
    own: Gid,
}

impl Rights {
    /// Lays the group aside; nothing where there is none. To be called before there is a second thread.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn lay_aside() -> io::Result<Option<Self>> {
        let rights = Self { group: getegid(), own: getgid() };
        if rights.group == rights.own {
            return Ok(None);
        }
        act_as(rights.own)?;
        Ok(Some(rights))
    }

    /// The group.
    #[must_use]
    pub fn group(self) -> u32 {
        self.group.as_raw()
    }

    /// Does something with the group.
    pub fn with<T>(self, act: impl FnOnce() -> T) -> T {
        let own = getegid();
        // What this cannot take up, the system refuses later, where it is needed.
        act_as(self.group).ok();
        let result = act();
        act_as(own).ok();
        result
    }

    /// Takes the group up for good, for this thread.
    pub(crate) fn take_up(self) {
        act_as(self.group).ok();
    }

    /// Gives the group up for good, for this thread.
    pub(crate) fn give_up(self) -> io::Result<()> {
        Ok(set_thread_res_gid(self.own, self.own, self.own)?)
    }
}

/// Does something with the group, if there is one.
pub fn with<T>(rights: Option<Rights>, act: impl FnOnce() -> T) -> T {
    match rights {
        Some(rights) => rights.with(act),
        None => act(),
    }
}

fn act_as(group: Gid) -> io::Result<()> {
    set_thread_res_gid(None, group, None)?;
    // What we have in memory is not the user's to see or to change. The kernel sees to that at each change, unless the
    // host was told otherwise.
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
