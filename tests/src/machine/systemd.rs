//! A machine whose first process is systemd: with units, a journal, and boots.
//!
//! *Invariants*: nothing of this machine's units runs but what systemd itself needs; no setting of the kernel is changed.
//! What it leaves is a folder for its groups of processes, which goes with the value.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Machine, Way};
use crate::{process, wait_until};

/// The program.
const SYSTEMD: &str = "/lib/systemd/systemd";

/// How it is started: what it starts itself is called alike.
const STARTED: &str = "/lib/systemd/systemd --unit";

/// A boot takes a second or two, and longer where others work.
const BOOT: Duration = Duration::from_secs(60);

/// systemd on a machine.
pub(super) struct Systemd {
    /// What leads there.
    way_in: Child,
    /// The first process of the machine around it.
    outer: u32,
    group: String,
}

impl Machine {
    /// As [`Machine::new`], with systemd.
    ///
    /// # Errors
    /// What is missing for one.
    pub fn with_systemd(way: Way) -> Result<Self, String> {
        if !Path::new(SYSTEMD).exists() {
            return Err("systemd".to_owned());
        }
        let mut machine = Self::boot()?;
        machine.way = way;
        // What else is installed on this machine does not start there.
        machine.sh("rm -rf /etc/systemd/system/*.wants; ln -sf /dev/null /etc/systemd/system/getty.target");
        machine.start_systemd()?;
        machine.add_accounts();
        if machine.is_wrapped() {
            machine.install()?;
            machine.wrap(way);
        }
        machine.start_ssh_server(way)?;
        Ok(machine)
    }

    /// Ends all that runs there in order, and boots again; the ssh server is there again as well.
    ///
    /// # Panics
    /// It does not.
    pub fn reboot(&mut self) {
        self.root("systemctl").args(&["--no-block", "reboot"]).run().success();
        let mut systemd = self.systemd.take().expect("it has systemd");
        systemd.way_in.wait().expect("it ends");
        self.init = systemd.outer;
        self.start_systemd().expect("it boots again");
        self.start_ssh_server(self.way).expect("its ssh server is there again");
    }

    fn start_systemd(&mut self) -> Result<(), String> {
        let outer = self.init;
        self.write("/usr/local/sbin/boot-systemd", include_str!("systemd.sh"));
        let group = format!("casemate-test-{outer}");
        let mut way_in = Command::new("nsenter")
            .args(["--target", &outer.to_string(), "--mount", "--uts", "--net", "--ipc", "--pid", "--"])
            .args(["sh", "/usr/local/sbin/boot-systemd", &group])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("nsenter(1): {error}"))?;
        let begun = std::time::Instant::now();
        let first = loop {
            let mut inside = process::descendants(way_in.id()).into_iter();
            if let Some(first) = inside.find(|pid| process::command_line(*pid).starts_with(STARTED)) {
                break first;
            }
            if way_in.try_wait().is_ok_and(|ended| ended.is_some()) || begun.elapsed() > BOOT {
                let mut said = String::new();
                way_in.kill().ok();
                let mut stderr = way_in.stderr.take().expect("it is piped");
                std::io::Read::read_to_string(&mut stderr, &mut said).ok();
                way_in.wait().ok();
                return Err(format!("systemd in namespaces of its own: {}", said.trim()));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.init = first;
        self.systemd = Some(Systemd { way_in, outer, group });
        wait_until("systemd", BOOT, || {
            let state = self.root("systemctl").args(&["is-system-running"]).run();
            matches!(state.text().trim(), "running" | "degraded").then_some(())
        });
        Ok(())
    }
}

impl Systemd {
    /// Ends it, and what it leaves.
    pub(super) fn end(mut self, first: u32) {
        process::kill(first);
        self.way_in.wait().ok();
        let mut sweep = Command::new("nsenter");
        sweep.args(["--target", &self.outer.to_string(), "--mount", "--"]);
        sweep.args(["find", &format!("/run/groups/{}", self.group), "-depth", "-type", "d", "-delete"]);
        sweep.stderr(Stdio::null()).status().ok();
    }
}
