//! casemate on a machine, and the ssh server.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::time::Duration;

use super::accounts::joined;
use super::{ACCOUNTS, Machine, Way};
use crate::{binary, tools, wait_until};

/// The wrapper.
pub const SHELL: &str = "/usr/bin/casemate-shell";

/// What a host says that wraps its shells.
pub const CONFIG: &str = "\
emergency-group = \"breakglass\"

[[rule]]
users = [\"alice\", \"erin\", \"vera\"]
policy.shell = \"/bin/bash\"
";

/// How a login begins: what is usual takes a tenth of a second of the client's processor, and there are hundreds.
pub(crate) const QUICK: &str = "KexAlgorithms curve25519-sha256\n";

/// What notes logins.
const PAM: &str = "session optional pam_exec.so seteuid quiet /usr/libexec/casemate-login";

impl Machine {
    /// What was recorded on the machine that this one is made of stays there, also when casemate does not.
    pub(super) fn forget_recordings(&self) {
        fs::remove_dir_all(self.path("/var/lib/casemate")).ok();
    }

    /// Puts casemate where the package puts it, with the folders that it makes.
    ///
    /// # Errors
    /// The wrapper was not built.
    pub(super) fn install(&self) -> Result<(), String> {
        // The package makes it, with a number of the system's choice. Where it was installed here, there is one already.
        let group = 890;
        let groups = self.read("/etc/group");
        self.write("/etc/group", joined(&groups, &format!("casemate:x:{group}:\n")));
        for (name, path, mode) in [
            ("casemate", "/usr/bin/casemate", 0o755),
            ("casemate-shell", SHELL, 0o2755),
            ("casemate-login", "/usr/libexec/casemate-login", 0o2750),
        ] {
            let program = binary::casemate().with_file_name(name);
            if !program.exists() {
                return Err(format!("{name}, which is not built"));
            }
            fs::remove_file(self.path(path)).ok();
            fs::copy(program, self.path(path)).expect("copy a program");
            chown(self.path(path), Some(0), Some(group)).expect("give a program its group");
            self.chmod(path, mode);
        }
        for (folder, mode) in [
            ("/var/lib/casemate", 0o2710),
            ("/var/lib/casemate/recordings", 0o2770),
            ("/var/lib/casemate/log", 0o2730),
            ("/run/casemate", 0o2730),
            ("/run/casemate/sessions", 0o2770),
            ("/run/casemate/usage", 0o2770),
            ("/run/casemate/logins", 0o755),
        ] {
            let path = self.path(folder);
            fs::remove_dir_all(&path).ok();
            fs::create_dir_all(&path).expect("make a folder");
            chown(&path, Some(0), Some(if mode == 0o755 { 0 } else { group }))
                .expect("a folder of the group");
            self.chmod(folder, mode);
        }
        fs::remove_dir_all(self.path("/etc/casemate")).ok();
        self.write("/etc/casemate/config.toml", CONFIG);
        // As `pam-auth-update` puts it there.
        let session = self.read("/etc/pam.d/common-session");
        let others: String =
            session.split_inclusive('\n').filter(|line| !line.contains("casemate-login")).collect();
        self.write("/etc/pam.d/common-session", format!("{others}{PAM}\n"));
        Ok(())
    }

    /// Adds to the configuration of the host.
    pub fn configure(&self, more: &str) {
        self.write("/etc/casemate/config.toml", format!("{CONFIG}{more}"));
    }

    /// Makes our shell the accounts' login shell; the client's stays.
    pub(super) fn wrap(&self, way: Way) {
        if way != Way::Login {
            return;
        }
        let mut shells = self.read("/etc/shells") + SHELL + "\n";
        for account in ACCOUNTS.iter().filter(|account| account.name != super::CLIENT) {
            let link = if account.shell == "/bin/bash" { SHELL.to_owned() } else { link_to(account.shell) };
            let path = self.path(&link);
            if !path.exists() {
                symlink("casemate-shell", path).expect("make a link");
                shells += &format!("{link}\n");
            }
            self.set_shell(account.name, &link);
        }
        self.write("/etc/shells", shells);
    }

    /// Changes the login shell of an account.
    pub fn set_shell(&self, name: &str, shell: &str) {
        let mut passwd = String::new();
        for line in self.read("/etc/passwd").lines() {
            let rest = line.rsplit_once(':').map_or("", |(rest, _)| rest);
            let is_it = line.starts_with(&format!("{name}:"));
            passwd += &if is_it { format!("{rest}:{shell}\n") } else { format!("{line}\n") };
        }
        self.write("/etc/passwd", passwd);
    }

    /// Starts the ssh server: at port 22, and with sftp inside of it at port 2200.
    pub(super) fn start_ssh_server(&self, way: Way) -> Result<(), String> {
        let mut config = String::from(
            "HostKey /etc/ssh/test_host_key\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nX11Forwarding no\nAcceptEnv LANG LC_*\n\
             TrustedUserCAKeys /etc/ssh/test_ca.pub\nMaxStartups 200\nUseDNS no\nMaxSessions 100\nAddressFamily inet\n",
        );
        config.push_str(QUICK);
        if way == Way::Forced {
            config += &format!("Match User *,!root\n  ForceCommand {SHELL}\n");
        }
        self.write("/etc/ssh/test_sshd_config", config);
        self.serve(22, &["-o", "Subsystem=sftp /usr/lib/openssh/sftp-server"]);
        self.serve(2200, &["-o", "Subsystem=sftp internal-sftp"]);
        let login = self.ssh(&["root", "true"]).run();
        if login.code == 0 { Ok(()) } else { Err(format!("an sshd that lets us in: {}", self.ssh_log())) }
    }

    /// Starts one more ssh server, with more options.
    #[track_caller]
    pub fn serve(&self, port: u16, options: &[&str]) {
        let sshd = tools::find("sshd").expect("sshd was found before");
        let pid = format!("/run/sshd-{port}.pid");
        let port = port.to_string();
        let named = format!("PidFile={pid}");
        let mut args = vec!["-f", "/etc/ssh/test_sshd_config", "-E", "/var/log/test_sshd.log", "-p", &port];
        args.extend(["-o", &named]);
        args.extend(options);
        let started = self.root(sshd).args(&args).run();
        assert_eq!(started.code, 0, "sshd: {}", self.ssh_log());
        wait_until("an ssh server", Duration::from_secs(10), || self.path(&pid).exists().then_some(()));
    }

    /// What the ssh servers say.
    #[must_use]
    pub fn ssh_log(&self) -> String {
        fs::read_to_string(self.path("/var/log/test_sshd.log")).unwrap_or_default()
    }
}

/// The name of the link for a shell, as the manual describes it.
fn link_to(shell: &str) -> String {
    let name = shell.trim_start_matches('/').replace('-', "\\-").replace('/', "-");
    Path::new("/usr/bin").join(format!("casemate-shell-{name}")).display().to_string()
}
