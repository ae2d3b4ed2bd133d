//! A host of the suite's own, on which casemate stands before the shells: one account, in a mount namespace.
//!
//! *Invariants*: this machine's files stay as they are; every recording is looked at in the end, and one that is missing
//! or has no end is named LOST.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::pty::Terminal;
use crate::suite::Suite;

/// In which shell a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// The one that would be there without casemate.
    Bare,
    Wrapped,
}

/// The account's shell without casemate, and also behind it: it is the first of those that it takes.
const BASH: &str = "/bin/bash";
/// Where running sessions are registered.
const SESSIONS: &str = "/run/casemate/sessions";
/// A recorder has written its last word long before, also to a slow disk.
const PATIENCE: Duration = Duration::from_secs(20);
const MOUNTS: [&str; 6] = ["/var/lib/casemate", "/run/casemate", "/etc/casemate", "/var/lib", "/run", "/etc"];

pub(crate) struct Machine {
    here: PathBuf,
    disk: PathBuf,
    uid: u32,
    gid: u32,
    /// Wrapped sessions so far.
    sessions: usize,
}

impl Machine {
    /// Makes one; only in a mount namespace of our own.
    pub(crate) fn make(suite: &Suite) -> Result<Self> {
        let wrapper = suite.casemate.with_file_name("casemate-shell");
        ensure!(wrapper.exists(), "there is no `{}`: `cargo build --release` makes it", wrapper.display());
        let (here, disk) = (suite.path("machine"), suite.path("disk"));
        for folder in [&here, &disk] {
            fs::create_dir(folder)?;
        }
        // The account has to get to its home.
        fs::set_permissions(suite.path(""), fs::Permissions::from_mode(0o711))?;
        let mut machine = Self { here, disk, uid: 0, gid: 0, sessions: 0 };
        let output = Command::new("sh")
            .args(["-c", include_str!("machine.sh"), "machine.sh"])
            .args([&machine.here, &machine.disk, &wrapper, &std::env::current_exe()?])
            .stdin(Stdio::null())
            .output()
            .context("sh")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "a host of our own: {}", said.trim());
        let ids = String::from_utf8(output.stdout)?;
        let mut ids = ids.split_whitespace().map(str::parse);
        machine.uid = ids.next().context("no account")??;
        machine.gid = ids.next().context("no group")??;
        Ok(machine)
    }

    /// This program, where the account can run it.
    pub(crate) fn harness(&self) -> String {
        self.here.join("harness").display().to_string()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.here.join("home")
    }

    /// A program without a terminal, as the account.
    pub(crate) fn command(&mut self, shell: Shell, args: &[&str]) -> Command {
        let program = self.shell(shell);
        let name = program.file_name().unwrap_or_default().to_owned();
        let mut command = Command::new(&program);
        command.arg0(name).args(args).uid(self.uid).gid(self.gid);
        self.prepare(&mut command);
        command
    }

    /// The account's shell on a terminal; `name` is what it is called, as whoever logs somebody in calls it.
    pub(crate) fn on_terminal(&mut self, shell: Shell, is_login: bool, args: &[&str]) -> Result<Terminal> {
        let program = self.shell(shell).display().to_string();
        let base = program.rsplit('/').next().unwrap_or_default();
        let name = format!("{}{base}", if is_login { "-" } else { "" });
        self.as_account(&[&[&program, &*name], args].concat())
    }

    /// Any program on a terminal, as the account, behind the name that it is called.
    pub(crate) fn as_account(&self, args: &[&str]) -> Result<Terminal> {
        let mut words = vec![self.harness(), "__as".to_owned(), self.uid.to_string(), self.gid.to_string()];
        words.extend(args.iter().copied().map(str::to_owned));
        Terminal::start(&words, |command| self.prepare(command))
    }

    fn shell(&mut self, shell: Shell) -> PathBuf {
        match shell {
            Shell::Bare => BASH.into(),
            Shell::Wrapped => {
                self.sessions += 1;
                self.here.join("casemate-shell")
            }
        }
    }

    /// What a login leaves of the environment. `script` asks it for the shell, and is to be alone.
    fn prepare(&self, command: &mut Command) {
        command.current_dir(self.home()).env_clear();
        command.env("HOME", self.home()).env("USER", "casemate-bench").env("LOGNAME", "casemate-bench");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("SHELL", BASH);
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    }

    /// Waits until all recorders are gone: also those of sessions that are over for whoever began them.
    pub(crate) fn settle(&self) -> Result<()> {
        let start = Instant::now();
        while fs::read_dir(SESSIONS)?.next().is_some() {
            ensure!(start.elapsed() < PATIENCE, "a recorder does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// What is wrong with the recordings.
    pub(crate) fn lost(&self) -> Result<Vec<String>> {
        let recordings = recordings(&self.disk.join("recordings"))?;
        let mut lost = Vec::new();
        if recordings.len() != self.sessions {
            lost.push(format!("{} of {} sessions were recorded", recordings.len(), self.sessions));
        }
        for path in recordings {
            let end = exit_of(&path)?;
            if end.as_deref() != Some("0") {
                lost.push(format!("{} has no good end: {end:?}", path.display()));
            }
        }
        Ok(lost)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Those that were not mounted need nothing; the namespace takes the rest along.
        for folder in MOUNTS.map(Path::new).into_iter().chain([&*self.here]) {
            drop(Command::new("umount").arg("-l").arg(folder).stderr(Stdio::null()).status());
        }
    }
}

fn recordings(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(recordings(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "zst") {
            found.push(path);
        }
    }
    Ok(found)
}

/// With what a recording says that its session ended; read through the official `zstd`.
fn exit_of(recording: &Path) -> Result<Option<String>> {
    let output = Command::new("zstd").arg("-dcq").arg(recording).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "`zstd -dc` says that {} is damaged", recording.display());
    let event = |line| serde_json::from_str::<(f64, String, String)>(line).ok();
    let text = String::from_utf8_lossy(&output.stdout);
    let end = text.lines().rev().filter_map(event).find(|(_, code, _)| code == "x");
    Ok(end.map(|(_, _, data)| data))
}
