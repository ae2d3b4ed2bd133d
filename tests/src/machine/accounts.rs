//! Who is known on a machine: accounts with their shells and homes, and a client whose keys open them all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Machine;
use crate::world::rc_files;

/// An account.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Its name, and that of its own group.
    pub name: &'static str,
    /// Its user and group id.
    pub id: u32,
    /// Its real shell.
    pub shell: &'static str,
    /// A group that it is in, besides its own.
    pub group: Option<&'static str>,
}

/// Who comes from elsewhere, and logs in; root for the sake of its own machine only.
pub const CLIENT: &str = "client";

/// The accounts.
pub const ACCOUNTS: [Account; 7] = [
    Account { name: "alice", id: 2001, shell: "/bin/bash", group: None },
    Account { name: "bob", id: 2002, shell: "/usr/bin/zsh", group: None },
    Account { name: "carol", id: 2003, shell: "/usr/bin/fish", group: None },
    Account { name: "dave", id: 2004, shell: "/bin/dash", group: None },
    Account { name: "erin", id: 2005, shell: "/bin/bash", group: Some("breakglass") },
    Account { name: "vera", id: 2006, shell: "/bin/bash", group: Some("audit") },
    Account { name: CLIENT, id: 2010, shell: "/bin/bash", group: None },
];

/// The groups that are no account's own.
const GROUPS: [(&str, u32); 2] = [("audit", 2100), ("breakglass", 2101)];

/// The password of every account and of root.
pub const PASSWORD: &str = "Breakwater-2tons";

/// [`PASSWORD`], hashed.
const HASH: &str =
    "$6$casemate$LC0ZeGkeTS037F8hIOuOO3iEBOA069Orr.kpc09sul/EX3PhTV1HB/FGh6Wcjcr0KVkqia8vMnDsbNEWClH81/";

/// The account with a name.
pub(super) fn account(name: &str) -> Account {
    *ACCOUNTS.iter().find(|account| account.name == name).expect("an account of the machine")
}

impl Machine {
    /// Adds the accounts, in place of others that people have here.
    pub(super) fn add_accounts(&self) {
        let (mut passwd, mut shadow, mut group) = (String::new(), String::new(), String::new());
        for Account { name, id, shell, .. } in ACCOUNTS {
            passwd.push_str(&format!("{name}:x:{id}:{id}::/home/{name}:{shell}\n"));
            shadow.push_str(&format!("{name}:{HASH}:19000:0:99999:7:::\n"));
            group.push_str(&format!("{name}:x:{id}:\n"));
        }
        for (name, id) in GROUPS {
            let members = ACCOUNTS.iter().filter(|account| account.group == Some(name));
            let members: Vec<_> = members.map(|account| account.name).collect();
            group.push_str(&format!("{name}:x:{id}:{}\n", members.join(",")));
        }
        shadow.push_str(&format!("root:{HASH}:19000:0:99999:7:::\n"));
        passwd.push_str("root:x:0:0:root:/root:/bin/bash\n");
        for (file, ours) in [("passwd", passwd), ("shadow", shadow), ("group", group)] {
            let path = format!("/etc/{file}");
            self.write(&path, joined(&self.read(&path), &ours));
        }
        self.write("/etc/hosts", format!("127.0.0.1 localhost {}\n", super::HOST));
        self.write("/etc/motd", "");
        self.write(
            "/etc/sudoers",
            "Defaults lecture=never\nroot ALL=(ALL:ALL) ALL\nalice ALL=(ALL:ALL) NOPASSWD: ALL\n",
        );
        self.chmod("/etc/sudoers", 0o440);
        self.write("/usr/local/bin/probe", include_str!("probe.sh"));
        self.chmod("/usr/local/bin/probe", 0o755);
        self.home("root", "/root", 0);
        for Account { name, id, .. } in ACCOUNTS {
            self.home(name, &format!("/home/{name}"), id);
        }
        self.client_keys();
    }

    /// The home of an account: rc files with the prompt of all tests, and the client's key.
    fn home(&self, name: &str, home: &str, id: u32) {
        for (file, content) in rc_files() {
            self.write(format!("{home}/{file}"), content);
        }
        self.write(format!("{home}/.profile"), format!("PS1='{}'\n", crate::PROMPT));
        self.write(format!("{home}/.bash_profile"), ". ~/.bashrc\n");
        self.write(format!("{home}/.bash_logout"), "echo bye >>~/logged-out$LOGGED_OUT_MARK\n");
        self.write(format!("{home}/.hushlogin"), "");
        self.write(format!("{home}/.ssh/authorized_keys"), "");
        self.owned(home, id);
        self.chmod(home, 0o700);
        self.chmod(format!("{home}/.ssh"), 0o700);
        if name != "root" {
            self.write(format!("/var/mail/{name}"), "");
        }
    }

    /// Gives a folder and all in it to an account.
    pub(super) fn owned(&self, inside: &str, id: u32) {
        own(&self.path(inside), id);
    }

    /// A key for each account, all of them the client's, and a certificate authority.
    fn client_keys(&self) {
        let folder = format!("/home/{CLIENT}/.ssh");
        let mut config = String::from(
            "Host *\n  HostName 127.0.0.1\n  IdentitiesOnly yes\n  IdentityFile ~/.ssh/%r\n  LogLevel ERROR\n  \
             StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n",
        );
        for Account { name, id, .. } in ACCOUNTS.iter().copied().chain([ROOT]) {
            let key = format!("{folder}/{name}");
            make_key(&self.path(&key), name);
            let home = if id == 0 { "/root".to_owned() } else { format!("/home/{name}") };
            self.write(format!("{home}/.ssh/authorized_keys"), self.read(format!("{key}.pub")));
            config.push_str(&format!("Host {name} {name}-*\n  User {name}\n"));
        }
        config.push_str("Host *-internal\n  Port 2200\n");
        self.write(format!("{folder}/config"), config);
        make_key(&self.path("/etc/ssh/test_ca"), "test CA");
        make_key(&self.path("/etc/ssh/test_host_key"), "host");
        self.owned(&folder, account(CLIENT).id);
    }

    /// Signs a certificate for a new key of the client's, and gives the key's path inside.
    ///
    /// `key_id` is the person that it is for, `account` where it opens the door.
    #[track_caller]
    #[must_use]
    pub fn certificate(&self, key_id: &str, account_name: &str) -> String {
        let key = format!("/home/{CLIENT}/.ssh/cert-{account_name}-{key_id}");
        make_key(&self.path(&key), key_id);
        let public = format!("{key}.pub");
        let args = ["-q", "-s", "/etc/ssh/test_ca", "-I", key_id, "-n", account_name, &public];
        self.root("ssh-keygen").args(&args).run().success();
        let id = account(CLIENT).id;
        for ending in ["", ".pub", "-cert.pub"] {
            self.owned(&format!("{key}{ending}"), id);
        }
        key
    }
}

const ROOT: Account = Account { name: "root", id: 0, shell: "/bin/bash", group: None };

/// The lines of a file of `/etc`, with ours in place of those with the same name.
pub(super) fn joined(there: &str, ours: &str) -> String {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let taken: Vec<_> = ours.lines().map(name).collect();
    let kept = there.lines().filter(|line| !taken.contains(&name(line)));
    kept.map(|line| format!("{line}\n")).collect::<String>() + ours
}

fn own(path: &Path, id: u32) {
    chown(path, Some(id), Some(id)).unwrap_or_else(|err| panic!("chown {}: {err}", path.display()));
    let is_folder = fs::symlink_metadata(path).is_ok_and(|about| about.is_dir());
    let entries = if is_folder { fs::read_dir(path).ok() } else { None };
    for entry in entries.into_iter().flatten().flatten() {
        own(&entry.path(), id);
    }
}

fn make_key(path: &Path, comment: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path);
    let status = command.stdin(Stdio::null()).status().expect("ssh-keygen starts");
    assert!(status.success(), "ssh-keygen makes {}", path.display());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a key is private");
}
