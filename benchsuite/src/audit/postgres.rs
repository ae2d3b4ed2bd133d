//! A PostgreSQL of this run, in a folder of its own, that keeps what it acknowledges.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Where Debian keeps what is not in the path.
const PLACES: &str = "/usr/lib/postgresql";

/// What is set and is not what stands in its package: as for a machine with a few gigabytes.
pub(super) const SETTINGS: &str =
    "shared_buffers=1GB max_wal_size=2GB maintenance_work_mem=256MB checkpoint_completion_target=0.9";

pub(super) struct Postgres {
    folder: PathBuf,
    child: Child,
}

impl Postgres {
    /// Nothing where it is not installed.
    pub(super) fn start(folder: &Path) -> Result<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        let data = folder.join("data");
        std::fs::create_dir_all(folder)?;
        // It refuses to run as root.
        let is_root = rustix::process::geteuid().is_root();
        let run = |program: &str, args: &[&str]| {
            let mut command = Command::new(if is_root { "runuser" } else { "env" });
            if is_root {
                command.args(["-u", "postgres", "--"]);
            }
            command.arg(programs.join(program)).args(args).current_dir(folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if is_root {
            ensure!(Command::new("chown").arg("postgres").arg(folder).status()?.success(), "chown");
        }
        let place = data.to_str().context("the folder has a name")?;
        let init = ["-D", place, "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C"];
        ensure!(run("initdb", &init).status()?.success(), "initdb");
        let socket = folder.to_str().context("the folder has a name")?;
        let mut args = vec!["-D", place, "-k", socket, "-c", "listen_addresses="];
        args.extend(SETTINGS.split(' ').flat_map(|setting| ["-c", setting]));
        let child = run("postgres", &args).spawn()?;
        let server = Self { folder: folder.to_owned(), child };
        for _ in 0..600 {
            if folder.join(".s.PGSQL.5432").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // It may still be starting.
        std::thread::sleep(Duration::from_secs(1));
        Ok(Some(server))
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://bench@localhost/postgres?host={}", self.folder.display())
    }

    /// What the databases take, without the log of writes.
    pub(super) fn base(&self) -> PathBuf {
        self.folder.join("data/base")
    }

    /// What `VACUUM` does at night by itself.
    pub(super) fn vacuum(&self) -> Result<()> {
        let folder = self.folder.display().to_string();
        let mut command = Command::new("psql");
        command.args(["-h", &folder, "-U", "bench", "-d", "postgres", "-c", "VACUUM ANALYZE"]);
        ensure!(command.stdout(Stdio::null()).status()?.success(), "psql");
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Those who are connected are sent away; the process is that of `runuser`, which passes it on.
        if let Ok(text) = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))
            && let Some(pid) = text.lines().next().and_then(|line| line.parse().ok())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _: Result<_, _> = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        drop(self.child.wait());
    }
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(PLACES).ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}
