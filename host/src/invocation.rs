//! How a shell was asked for, and which shell is really to run. Pure.
//!
//! Whatever was given to us is given to the real shell, as it was: `-c`, `-l`, `-i`, files and their arguments. Only
//! its name is another one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// A link to us is called so, and behind it stands which shell it is for.
pub const LINK: &str = "casemate-shell-";

/// What is known where a shell is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The name by which we were called, and what was given to us.
    pub argv: Vec<OsString>,
    /// Whether the session comes from another host.
    pub comes_by_ssh: bool,
    /// The command that ssh brought, where sshd forces another in its place.
    pub ssh_command: Option<OsString>,
    /// The shell that the configuration names.
    pub configured: Option<PathBuf>,
    /// The shell of the account.
    pub account: Option<PathBuf>,
    /// Our own name: an account's shell may be us.
    pub own: PathBuf,
}

/// What is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The real shell.
    pub shell: PathBuf,
    /// What it is called, and what is given to it.
    pub argv: Vec<OsString>,
}

/// Why there is no shell to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoShell {
    /// Nobody says which.
    #[error("no real shell is known for this account: its entry names casemate, and no policy names another")]
    Unknown,
    /// A link's name stands for no path.
    #[error("`{0}` stands for no shell: behind `{LINK}` its path is needed, with `-` for `/`")]
    BadLink(String),
}

impl Asked {
    /// Says what is to run.
    ///
    /// # Errors
    ///
    /// Nothing says which shell that is.
    pub fn invocation(&self) -> Result<Invocation, NoShell> {
        let called = self.argv.first().map(OsString::as_os_str).unwrap_or_default();
        let (is_login, name) = match called.as_bytes().strip_prefix(b"-") {
            Some(name) => (true, OsStr::from_bytes(name)),
            None => (false, called),
        };
        let shell = self.shell(name)?;
        // sshd has a command that it forces run by its path and without arguments; `su` and `login` do not. What it was
        // forced in the place of is the command that ssh brought, or a login shell.
        let is_forced = self.comes_by_ssh && self.argv.len() == 1 && Path::new(called).is_absolute();
        let mut arg0 =
            OsString::from(if is_login || is_forced && self.ssh_command.is_none() { "-" } else { "" });
        // Whoever calls a shell by its path, calls it so; whoever calls it by its name, by its name.
        let is_by_path = name.as_bytes().contains(&b'/') && !is_forced;
        arg0.push(if is_by_path {
            shell.as_os_str()
        } else {
            shell.file_name().unwrap_or(shell.as_os_str())
        });
        let mut argv = vec![arg0];
        argv.extend(self.argv.iter().skip(1).cloned());
        if let Some(command) = self.ssh_command.as_ref().filter(|_| is_forced) {
            argv.extend(["-c".into(), command.clone()]);
        }
        Ok(Invocation { shell, argv })
    }

    fn shell(&self, name: &OsStr) -> Result<PathBuf, NoShell> {
        let base = Path::new(name).file_name().unwrap_or(name);
        if let Some(path) = base.as_bytes().strip_prefix(LINK.as_bytes()) {
            return path_of(path).ok_or_else(|| NoShell::BadLink(base.to_string_lossy().into_owned()));
        }
        let is_ours = |shell: &Path| {
            let base = shell.file_name().unwrap_or_default();
            shell == self.own || base.as_bytes().starts_with(LINK.as_bytes()) || base == "casemate-shell"
        };
        let account = self.account.clone().map(|shell| match shell.file_name().map(OsStr::as_bytes) {
            // The account's entry may be a link that says which.
            Some(base) => match base.strip_prefix(LINK.as_bytes()).and_then(path_of) {
                Some(real) => real,
                None => shell,
            },
            None => shell,
        });
        self.configured.clone().or(account).filter(|shell| !is_ours(shell)).ok_or(NoShell::Unknown)
    }
}

/// The path that stands in a link's name: `-` is `/`, and what follows `\` is itself.
fn path_of(name: &[u8]) -> Option<PathBuf> {
    let mut path = vec![b'/'];
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        path.push(match byte {
            b'-' => b'/',
            b'\\' => *bytes.next()?,
            other => other,
        });
    }
    let path = PathBuf::from(OsString::from_vec(path));
    let is_plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::Normal(_)));
    (is_plain && path.file_name().is_some()).then_some(path)
}

/// The name of the link for a shell.
#[must_use]
pub fn link_to(shell: &Path) -> OsString {
    let mut name = LINK.as_bytes().to_vec();
    let path = shell.as_os_str().as_bytes();
    for &byte in path.strip_prefix(b"/").unwrap_or(path) {
        match byte {
            b'/' => name.push(b'-'),
            b'-' | b'\\' => name.extend([b'\\', byte]),
            other => name.push(other),
        }
    }
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(argv: &[&str]) -> Asked {
        Asked {
            argv: argv.iter().map(OsString::from).collect(),
            account: Some("/usr/bin/casemate-shell".into()),
            configured: Some("/bin/bash".into()),
            own: "/usr/bin/casemate-shell".into(),
            comes_by_ssh: false,
            ssh_command: None,
        }
    }

    #[track_caller]
    fn check(asked: &Asked, shell: &str, argv: &[&str]) {
        let invocation = asked.invocation().unwrap();
        let wanted: Vec<OsString> = argv.iter().map(OsString::from).collect();
        assert_eq!((invocation.shell, invocation.argv), (PathBuf::from(shell), wanted));
    }

    #[test]
    fn whatever_was_given_is_given_on() {
        check(&asked(&["-casemate-shell"]), "/bin/bash", &["-bash"]);
        check(&asked(&["casemate-shell", "-c", "ls -l"]), "/bin/bash", &["bash", "-c", "ls -l"]);
        check(&asked(&["-casemate-shell-usr-bin-zsh", "-l"]), "/usr/bin/zsh", &["-zsh", "-l"]);
        check(&asked(&["/usr/bin/casemate-shell-bin-my\\-sh"]), "/bin/my-sh", &["/bin/my-sh"]);
        // Of the account, if nobody names another.
        let account = |shell: &str| Asked {
            configured: None,
            account: Some(shell.into()),
            ..asked(&["casemate-shell"])
        };
        check(&account("/usr/bin/fish"), "/usr/bin/fish", &["fish"]);
        check(&account("/usr/bin/casemate-shell-bin-dash"), "/bin/dash", &["dash"]);
        assert_eq!(account("/usr/bin/casemate-shell").invocation(), Err(NoShell::Unknown));
    }

    #[test]
    fn what_ssh_brought_is_run_where_sshd_forces_us_in_its_place() {
        let forced = |argv: &[&str]| Asked {
            comes_by_ssh: true,
            ssh_command: Some("echo $HOME".into()),
            ..asked(argv)
        };
        check(&forced(&["/usr/bin/casemate-shell"]), "/bin/bash", &["bash", "-c", "echo $HOME"]);
        check(&forced(&["/usr/bin/casemate-shell", "-c", "id"]), "/bin/bash", &["/bin/bash", "-c", "id"]);
        let login = Asked { ssh_command: None, ..forced(&["/usr/bin/casemate-shell"]) };
        check(&login, "/bin/bash", &["-bash"]);
        // Whoever becomes somebody else behind another forced command does not run what ssh brought.
        check(&forced(&["casemate-shell"]), "/bin/bash", &["bash"]);
        check(&forced(&["-casemate-shell"]), "/bin/bash", &["-bash"]);
    }

    #[test]
    fn names_of_links_stand_for_plain_paths() {
        for name in
            ["casemate-shell-", "casemate-shell-..-x", "casemate-shell-bin-\\", "casemate-shell-bin-.."]
        {
            assert!(matches!(asked(&[name]).invocation(), Err(NoShell::BadLink(_))), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_link_stands_for_its_shell(parts in proptest::collection::vec("[a-z\\\\.\\-_]{1,6}", 1..4)) {
            let is_dots = parts.iter().any(|part| part == "." || part == "..");
            prop_assume!(!is_dots);
            let shell = PathBuf::from(format!("/{}", parts.join("/")));
            let asked = Asked { argv: vec![link_to(&shell)], ..Asked::default() };
            prop_assert_eq!(asked.invocation().unwrap().shell, shell);
        }

        #[test]
        fn any_name_is_a_plain_path_or_refused(name in "(-|\\\\|/|\\.|[a-z]){0,12}") {
            let asked = Asked { argv: vec![format!("{LINK}{name}").into()], ..Asked::default() };
            if let Ok(invocation) = asked.invocation() {
                let has_parent = invocation.shell.components().any(|part| part == std::path::Component::ParentDir);
                prop_assert!(invocation.shell.is_absolute() && !has_parent);
            }
        }
    }
}
