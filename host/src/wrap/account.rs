//! Whose process this is, as the kernel and the host's accounts say.

use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User, getgid, getgroups};

use crate::config::is_name;

/// An account of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// Its name; `uid-N` where it has none that can stand in a path.
    pub name: String,
    /// Its shell.
    pub shell: Option<PathBuf>,
    /// The names of the groups that it is in.
    pub groups: Vec<String>,
}

impl Account {
    /// Of this process: its groups are the kernel's.
    #[must_use]
    pub fn own() -> Self {
        let uid = Uid::current();
        let user = User::from_uid(uid).ok().flatten();
        let mut groups = vec![getgid()];
        groups.extend(getgroups().unwrap_or_default());
        Self::new(uid, user, groups)
    }

    /// Of somebody by name, as far as the host's accounts say.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let user = User::from_name(name).ok().flatten()?;
        let known = std::ffi::CString::new(name).ok()?;
        let groups = nix::unistd::getgrouplist(&known, user.gid).unwrap_or_default();
        Some(Self::new(user.uid, Some(user), groups))
    }

    fn new(uid: Uid, user: Option<User>, mut groups: Vec<Gid>) -> Self {
        groups.sort_unstable_by_key(|group| group.as_raw());
        groups.dedup();
        let name_of = |group: &Gid| Some(Group::from_gid(*group).ok().flatten()?.name);
        let fallback = || format!("uid-{uid}");
        let (name, shell) = match user {
            Some(user) => (user.name, Some(user.shell)),
            None => (fallback(), None),
        };
        Self {
            uid: uid.as_raw(),
            name: if is_name(&name) { name } else { fallback() },
            shell: shell.filter(|shell| !shell.as_os_str().is_empty()),
            groups: groups.iter().filter_map(name_of).collect(),
        }
    }

    /// Whether it is root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}
