//! A private ssh server on the loopback interface, with keys of its own.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::QUICK;
use crate::{World, tools};

/// A running server, ended when dropped.
pub struct Sshd {
    child: Child,
    /// Arguments for `ssh` that reach it without a question asked.
    pub client: Vec<String>,
}

impl Sshd {
    /// Starts a server whose files are in `world`.
    ///
    /// # Errors
    /// What is missing.
    pub fn start(world: &World) -> Result<Self, String> {
        let sshd = tools::find("sshd").ok_or("sshd")?;
        let keygen = tools::find("ssh-keygen").ok_or("ssh-keygen")?;
        tools::find("ssh").ok_or("ssh")?;
        for name in ["host_key", "user_key"] {
            let path = world.path(name);
            let status =
                Command::new(&keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
            status.ok().filter(|status| status.success()).ok_or("a working ssh-keygen")?;
        }
        world.write("authorized_keys", world.bytes("user_key.pub"));
        if rustix::process::geteuid().is_root() {
            // sshd as root wants its empty folder; the package's service makes it at boot.
            std::fs::create_dir_all("/run/sshd").map_err(|err| format!("/run/sshd: {err}"))?;
        }
        // Free now, and nobody else asks for ports at random here.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|err| format!("a loopback port: {err}"))?
            .port();
        let path = |name: &str| world.path(name).display().to_string();
        let mut config = String::new();
        for line in [
            format!("Port {port}"),
            "ListenAddress 127.0.0.1".to_owned(),
            format!("HostKey {}", path("host_key")),
            format!("AuthorizedKeysFile {}", path("authorized_keys")),
            format!("PidFile {}", path("sshd.pid")),
            "UsePAM no".to_owned(),
            "StrictModes no".to_owned(),
            "PasswordAuthentication no".to_owned(),
            "PermitRootLogin yes".to_owned(),
            "PrintMotd no".to_owned(),
            "PrintLastLog no".to_owned(),
        ] {
            writeln!(config, "{line}").expect("writing to a string");
        }
        config.push_str(QUICK);
        let config = world.write("sshd_config", config);
        let log = std::fs::File::create(world.path("sshd.log")).expect("a log file");
        let child = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|err| format!("sshd: {err}"))?;
        let mut client: Vec<String> = ["-F", "/dev/null", "-q", "-i"].map(str::to_owned).to_vec();
        client.push(path("user_key"));
        client.extend(["-p".to_owned(), port.to_string()]);
        for option in ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"] {
            client.extend(["-o".to_owned(), option.to_owned()]);
        }
        let mut server = Self { child, client };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().ok().flatten().is_some();
            if ended || Instant::now() > deadline {
                let log = String::from_utf8_lossy(&world.bytes("sshd.log")).into_owned();
                return Err(format!("an sshd that starts: {}", log.trim()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // One real login: a server may run and still refuse us (no shell, locked account).
        let login = Command::new("ssh").args(&server.client).args(["127.0.0.1", "true"]).output();
        match login {
            Ok(output) if output.status.success() => Ok(server),
            Ok(_) | Err(_) => {
                let log = String::from_utf8_lossy(&world.bytes("sshd.log")).into_owned();
                Err(format!("an sshd that lets us in: {}", log.trim()))
            }
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
