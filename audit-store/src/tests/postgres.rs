//! A real PostgreSQL for the tests, started once, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Where Debian keeps what is not in the path.
const PLACES: &str = "/usr/lib/postgresql";

pub(super) struct Server {
    folder: PathBuf,
    databases: AtomicU32,
}

/// The server of this run; nothing where PostgreSQL is not installed, which `CASEMATE_REQUIRE_TOOLS` forbids.
pub(super) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let found = programs();
        if found.is_none() {
            assert!(std::env::var_os("CASEMATE_REQUIRE_TOOLS").is_none(), "PostgreSQL is not installed");
            println!("skipped: PostgreSQL is not installed");
        }
        Some(Server::start(&found?))
    });
    server.as_ref()
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(PLACES).ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

impl Server {
    /// The server ends when this process does: it hears of the end of its standard input.
    fn start(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("casemate-pg-").tempdir_in("/tmp").unwrap().keep();
        let data = folder.join("data");
        // It refuses to run as root.
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let run = |line: String| {
            let mut command = Command::new("setsid");
            if is_root {
                command.args(["runuser", "-u", "postgres", "--"]);
            }
            command.args(["sh", "-c", &line]).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if is_root {
            let owned = Command::new("chown").arg("postgres").arg(&folder).status().unwrap();
            assert!(owned.success(), "the account postgres is there");
        }
        let (programs, data, place) = (programs.display(), data.display(), folder.display());
        let made = run(format!("{programs}/initdb -D {data} -A trust -U test -E UTF8 --locale=C -N"))
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
        // Whoever waits for a line that never comes ends with us, and the server with it.
        let line = format!(
            "{programs}/postgres -D {data} -k {place} -c listen_addresses= -c fsync=off -c max_connections=300 & \
             server=$!; read line; kill -INT $server; wait $server; rm -rf {place}"
        );
        let waiting = run(line).stdin(Stdio::piped()).spawn().unwrap();
        // It stays open for as long as we live.
        std::mem::forget(waiting);
        let socket = folder.join(".s.PGSQL.5432");
        for _ in 0..600 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(socket.exists(), "PostgreSQL has begun");
        Self { folder, databases: AtomicU32::new(0) }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://test@localhost/{database}?host={}", self.folder.display())
    }

    /// A new database, empty.
    pub(super) async fn database(&self) -> String {
        let name = format!("audit_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = None;
        for _ in 0..200 {
            match PgConnection::connect(&self.url("postgres")).await {
                Ok(open) => {
                    connection = Some(open);
                    break;
                }
                // It is starting.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
        let mut connection = connection.expect("PostgreSQL answers");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        self.url(&name)
    }
}
