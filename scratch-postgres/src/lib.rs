//! A PostgreSQL of its own for a run of tests or measurements: real, in a folder of its own, reached by a socket there. It
//! ends when whoever started it does, however that is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where Debian keeps what is not in the path.
const PLACES: &str = "/usr/lib/postgresql";

/// Who owns the databases.
const USER: &str = "test";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    /// It waits for a line that never comes; when we end, so does the server.
    waiting: Child,
}

/// The server of this run, for tests: what it acknowledges is not on the disk yet. Nothing where PostgreSQL is not
/// installed, which `CASEMATE_REQUIRE_TOOLS` forbids.
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn shared() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let settings = ["fsync=off", "max_connections=300"];
        let server = Postgres::start(Path::new("/tmp"), &settings).expect("PostgreSQL can be started");
        if server.is_none() {
            let required = std::env::var_os("CASEMATE_REQUIRE_TOOLS").is_some();
            assert!(!required, "PostgreSQL is not installed");
            // Not through the print macros: libtest would swallow it.
            writeln!(io::stderr(), "skipped: PostgreSQL is not installed").ok();
        }
        server
    });
    server.as_ref()
}

impl Postgres {
    /// Starts one that keeps what it keeps in a new folder of that one, with settings `name=value`. Nothing where it is not
    /// installed.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(within: &Path, settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("casemate-pg-").tempdir_in(within)?.keep();
        // It refuses to run as root.
        let is_root = rustix::process::geteuid().is_root();
        let run = |line: &str| {
            let mut command = Command::new("setsid");
            if is_root {
                command.args(["runuser", "-u", "postgres", "--"]);
            }
            command.args(["sh", "-c", line]).current_dir(&folder);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if is_root {
            succeeded(Command::new("chown").arg("postgres").arg(&folder).status()?, "chown")?;
        }
        let at = programs.display();
        let init = format!("{at}/initdb -D data -A trust -U {USER} -E UTF8 --locale=C -N");
        succeeded(run(&init).status()?, "initdb")?;
        let settings: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
        let line = format!(
            "{at}/postgres -D data -k {folder} -c listen_addresses= {settings} & server=$!; read line; \
             kill -INT $server; wait $server; rm -rf {folder}",
            folder = folder.display(),
            settings = settings.join(" "),
        );
        let waiting = run(&line).stdin(Stdio::piped()).spawn()?;
        let server = Self { folder, programs, databases: AtomicU32::new(0), waiting };
        server.wait()?;
        Ok(Some(server))
    }

    fn wait(&self) -> io::Result<()> {
        let begin = Instant::now();
        while !self.psql("SELECT 1").is_ok_and(|done| done.success()) {
            if begin.elapsed() > PATIENCE {
                return Err(io::Error::other("PostgreSQL does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A new database, empty: its address.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("audit_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.psql(&format!("CREATE DATABASE {name}"));
        assert!(made.is_ok_and(|made| made.success()), "a database can be made");
        self.url(&name)
    }

    /// The address of one of its databases; `postgres` is there from the beginning.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@localhost/{database}?host={}", self.folder.display())
    }

    /// What the databases take on the disk, without the log of writes.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        self.folder.join("data/base")
    }

    /// Does something in the database `postgres`.
    ///
    /// # Errors
    /// There is no `psql`.
    pub fn psql(&self, statement: &str) -> io::Result<std::process::ExitStatus> {
        let mut command = Command::new(self.programs.join("psql"));
        command.arg("-h").arg(&self.folder).args(["-U", USER, "-d", "postgres", "-qc", statement]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.waiting.stdin.take());
        drop(self.waiting.wait());
    }
}

fn succeeded(status: std::process::ExitStatus, what: &str) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{what}: {status}"))) }
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(Path::new(PLACES)).ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}
