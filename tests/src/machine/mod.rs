//! A machine that exists for a test: accounts, an ssh server, set-group-id programs, all in namespaces of its own.
//!
//! [`Machine::boot`] gives a bare one, in 50 ms; [`Way`] says how its shells are wrapped, and [`shared`] has one of each
//! way for all tests that leave it as it was. Files inside are reached by [`Machine::path`]; programs are started inside
//! as root ([`Machine::root`]), as an account ([`Machine::account`]), or through ssh ([`Machine::client`]).
//!
//! *Invariants.* Nothing outside the namespaces is written. A machine ends with the value, and with the process that
//! booted it, however that ends: its init reads a pipe of ours.

mod accounts;
mod found;
mod same;
mod setup;
mod systemd;
mod wire;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use crate::{Launch, process, tools};

pub use accounts::{ACCOUNTS, Account, CLIENT, PASSWORD};
pub use found::{RECORDINGS, Recording};
pub use same::{Same, same, same_on};
pub(crate) use setup::QUICK;
pub use setup::{CONFIG, SHELL};

/// The name of each machine.
pub const HOST: &str = "gannet";

/// Behind these a process has its own machine.
pub const NAMESPACES: [&str; 6] = ["--mount", "--uts", "--net", "--ipc", "--pid", "--fork"];

/// How the shells of a machine are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Not at all; casemate is not installed.
    Bare,
    /// Each account's login shell is ours: alice's by name, the others' by a link that says which is meant.
    Login,
    /// The accounts have their shells; sshd forces ours in their place.
    Forced,
}

/// A running machine, ended when dropped.
pub struct Machine {
    /// The process that holds the namespaces, seen from outside.
    init: u32,
    holder: Child,
    /// While it is open, the machine runs.
    life: Option<ChildStdin>,
    way: Way,
    finished: found::Finished,
    /// What is first inside, if it is systemd.
    systemd: Option<systemd::Systemd>,
}

/// One machine of each way, for all tests of this process that leave it as it was.
///
/// # Errors
/// What is missing for one.
pub fn shared(way: Way) -> Result<&'static Machine, String> {
    static BARE: OnceLock<Result<Machine, String>> = OnceLock::new();
    static LOGIN: OnceLock<Result<Machine, String>> = OnceLock::new();
    static FORCED: OnceLock<Result<Machine, String>> = OnceLock::new();
    let machine = match way {
        Way::Bare => &BARE,
        Way::Login => &LOGIN,
        Way::Forced => &FORCED,
    };
    machine.get_or_init(|| Machine::new(way)).as_ref().map_err(Clone::clone)
}

impl Machine {
    /// Boots a machine with accounts and a running ssh server.
    ///
    /// # Errors
    /// What is missing for one.
    pub fn new(way: Way) -> Result<Self, String> {
        let mut machine = Self::boot()?;
        machine.way = way;
        machine.add_accounts();
        machine.forget_recordings();
        if way != Way::Bare {
            machine.install()?;
            machine.wrap(way);
        }
        machine.start_ssh_server(way)?;
        Ok(machine)
    }

    /// Boots a machine with the files of this one, but an empty `/home`, `/root`, `/run`, `/tmp` and `/dev`.
    ///
    /// # Errors
    /// What is missing for one: normally root.
    pub fn boot() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("root, for a machine of its own".to_owned());
        }
        for program in ["unshare", "nsenter", "setpriv", "ip", "sshd", "ssh", "ssh-keygen"] {
            tools::find(program).ok_or(program)?;
        }
        let mut holder = Command::new("unshare")
            .args(NAMESPACES)
            .args(["--", "sh", "-c", include_str!("boot.sh"), "boot", HOST])
            .arg(tools::cache())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|err| format!("unshare(1): {err}"))?;
        let life = holder.stdin.take();
        let mut line = String::new();
        let stdout = holder.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut line).map_err(|err| format!("a machine: {err}"))?;
        if line != "ready\n" {
            let mut error = String::new();
            holder.stderr.take().expect("standard error is piped").read_to_string(&mut error).ok();
            holder.wait().ok();
            return Err(format!(
                "the right to make a machine of namespaces and an overlay: {}",
                error.trim()
            ));
        }
        let init = process::descendants(holder.id())[0];
        let finished = found::Finished::default();
        Ok(Self { init, holder, life, way: Way::Bare, finished, systemd: None })
    }

    /// The process that all others inside descend from, but those that we start; as an id outside.
    #[must_use]
    pub fn init(&self) -> u32 {
        self.init
    }

    /// Whether the shells are ours.
    #[must_use]
    pub fn is_wrapped(&self) -> bool {
        self.way != Way::Bare
    }

    /// Where a file of the machine is, seen from outside.
    #[must_use]
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        let inside = inside.strip_prefix("/").unwrap_or(inside);
        Path::new(&format!("/proc/{}/root", self.init)).join(inside)
    }

    /// Writes a file of root's, with mode 644, and the folders that lead to it.
    #[track_caller]
    pub fn write(&self, inside: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(&inside);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("make a folder inside");
        fs::write(&path, content).unwrap_or_else(|err| panic!("{}: {err}", inside.as_ref().display()));
    }

    /// The text of a file.
    #[track_caller]
    #[must_use]
    pub fn read(&self, inside: impl AsRef<Path>) -> String {
        let bytes =
            fs::read(self.path(&inside)).unwrap_or_else(|err| panic!("{}: {err}", inside.as_ref().display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sets the mode of a file.
    #[track_caller]
    pub fn chmod(&self, inside: impl AsRef<Path>, mode: u32) {
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).expect("chmod inside");
    }

    /// Any program inside, as root, with the environment of a service.
    pub fn root(&self, program: impl Into<OsString>) -> Launch {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        Launch::new(program.into(), "/".into()).inside(self.init).env("PATH", path).env("LANG", "C.UTF-8")
    }

    /// A line for root's `sh` that has to succeed; gives what it printed.
    #[track_caller]
    pub fn sh(&self, line: &str) -> String {
        self.root("sh").args(&["-ec", line]).run().success().text()
    }

    /// Any program inside, as an account, in its home, with the environment of a login; no login happened.
    pub fn account(&self, name: &str, program: &str) -> Launch {
        let home = format!("/home/{name}");
        let shell = accounts::account(name).shell;
        let mut launch = self.root("setpriv").folder(&home).args(&["--reuid", name, "--regid", name]);
        launch = launch.args(&["--init-groups", "--", program]);
        for (key, value) in [("HOME", &*home), ("USER", name), ("LOGNAME", name), ("SHELL", shell)] {
            launch = launch.env(key, value);
        }
        launch.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games").env("TERM", "xterm-256color")
    }

    /// Any program of somebody whose keys open every account: `ssh alice true`, `scp FILE alice:`.
    pub fn client<S: Into<OsString> + Clone>(&self, program: &str, args: &[S]) -> Launch {
        self.account(CLIENT, program).args(args)
    }

    /// `ssh ARGS…`
    pub fn ssh<S: Into<OsString> + Clone>(&self, args: &[S]) -> Launch {
        self.client("ssh", args)
    }

    /// The login shell of an account, as its entry says.
    #[track_caller]
    #[must_use]
    pub fn shell_of(&self, name: &str) -> String {
        let passwd = self.read("/etc/passwd");
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("an account");
        line.rsplit(':').next().expect("an entry ends with a shell").to_owned()
    }

    /// The shell that an account is to have.
    #[must_use]
    pub fn real_shell_of(&self, name: &str) -> &'static str {
        accounts::account(name).shell
    }

    /// The processes inside with this command line, as ids outside.
    #[must_use]
    pub fn running(&self, command: &str) -> Vec<u32> {
        let mut found = self.processes();
        found.retain(|pid| process::command_line(*pid) == command && process::alive(*pid));
        found
    }

    /// Kills processes.
    pub fn kill(&self, pids: &[u32]) {
        for pid in pids {
            process::kill(*pid);
        }
    }

    /// The processes inside, as ids outside.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let ours = of(self.init);
        let all = fs::read_dir("/proc").expect("read /proc").flatten();
        let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|pid| *pid != self.init && of(*pid) == ours).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(systemd) = self.systemd.take() {
            systemd.end(self.init);
        }
        drop(self.life.take());
        self.holder.wait().ok();
    }
}
