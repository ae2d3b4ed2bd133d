//! Whose process this is, as the kernel and the host's accounts say.

use std::cell::OnceCell;
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
    groups: Vec<Gid>,
    names: OnceCell<Vec<String>>,
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

    /// One of whom all is known.
    #[cfg(test)]
    pub(crate) fn known(uid: u32, name: &str, groups: Vec<String>) -> Self {
        Self { uid, name: name.to_owned(), shell: None, groups: Vec::new(), names: groups.into() }
    }

    fn new(uid: Uid, user: Option<User>, mut groups: Vec<Gid>) -> Self {
        groups.sort_unstable_by_key(|group| group.as_raw());
        groups.dedup();
        let fallback = || format!("uid-{uid}");
        let (name, shell) = match user {
            Some(user) => (user.name, Some(user.shell)),
            None => (fallback(), None),
        };
        Self {
            uid: uid.as_raw(),
            name: if is_name(&name) { name } else { fallback() },
            shell: shell.filter(|shell| !shell.as_os_str().is_empty()),
            groups,
            names: OnceCell::new(),
        }
    }

    /// The names of the groups that it is in. Whoever knows them may be a server, and is asked for each: once, and only if
    /// somebody wants to know.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        let name_of = |group: &Gid| Some(Group::from_gid(*group).ok().flatten()?.name);
        self.names.get_or_init(|| self.groups.iter().filter_map(name_of).collect())
    }

    /// Whether it is in this group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups().iter().any(|own| own == group)
    }

    /// Whether it is root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}
