//! An audit server under test: the real program, on a port of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::asker::Asker;
use crate::{LONG, casemate};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running server; killed when dropped.
pub struct AuditServer {
    child: Child,
    program: PathBuf,
    folder: PathBuf,
    database: Option<String>,
    more: Vec<String>,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    /// What makes the first administrator, if there is none.
    pub link: Option<String>,
}

impl AuditServer {
    /// Starts one that keeps what it keeps in a folder, and its logs in a database (SQLite where none is named).
    #[must_use]
    pub fn start(folder: &Path, database: Option<&str>) -> Self {
        Self::start_with(folder, database, &[])
    }

    /// The same, with more arguments.
    #[must_use]
    pub fn start_with(folder: &Path, database: Option<&str>, more: &[&str]) -> Self {
        let more = more.iter().copied().map(str::to_owned).collect();
        Self::start_at(casemate(), folder, database, more, "127.0.0.1:0")
    }

    /// The same, of a program that may be another one.
    #[must_use]
    pub fn start_program(program: &Path, folder: &Path, database: Option<&str>) -> Self {
        Self::start_at(program, folder, database, Vec::new(), "127.0.0.1:0")
    }

    fn start_at(
        program: &Path,
        folder: &Path,
        database: Option<&str>,
        more: Vec<String>,
        listen: &str,
    ) -> Self {
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(folder).args(["--listen", listen]).args(&more);
        if let Some(database) = database {
            command.args(["--database", database]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a server");
        let mut talk = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (mut address, mut needs_link) = (None, false);
        for line in talk.by_ref().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("serving on ") {
                address = rest.split(' ').next().map(str::to_owned);
                break;
            }
            needs_link |= line.contains("no administrator");
        }
        let address = address.expect("it says where it is");
        let link = needs_link.then(|| {
            let mut line = String::new();
            let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
            out.read_line(&mut line).expect("a link");
            line.trim().to_owned()
        });
        // What else it says is for whoever looks into why a test fails.
        let log = File::options().create(true).append(true).open(folder.with_extension("log"));
        let mut log = log.expect("a log");
        std::thread::spawn(move || {
            for line in talk.map_while(Result::ok) {
                writeln!(log, "{line}").expect("the log is written");
            }
        });
        let (folder, database) = (folder.to_owned(), database.map(str::to_owned));
        let program = program.to_owned();
        Self { child, program, folder, database, more, address, link }
    }

    /// Kills it as nothing else does, and starts it again where it was.
    pub fn kill_and_start(&mut self) {
        self.kill();
        let listen = self.address.trim_start_matches("http://").to_owned();
        let (database, more) = (self.database.as_deref(), self.more.clone());
        *self = Self::start_at(&self.program, &self.folder, database, more, &listen);
    }

    /// Kills it as nothing else does.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to end, and waits until it has: whether it says that all went well.
    #[must_use]
    pub fn end(&mut self) -> bool {
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")) {
            kill_process(pid, Signal::TERM).expect("it can be told");
        }
        let begin = Instant::now();
        while begin.elapsed() < LONG {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Somebody whom it does not know.
    #[must_use]
    pub fn nobody(&self) -> Asker {
        Asker::of(&self.address)
    }

    /// Whoever has a key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Asker {
        self.nobody().with("x-api-key", key)
    }

    /// Makes the first administrator, `admin@org.com`, by the link.
    #[must_use]
    pub fn administrator(&self) -> Asker {
        self.set_up(self.link.as_deref().expect("there is a link"), Some("admin@org.com"))
    }

    /// Follows a one-time link, and is signed in then.
    #[must_use]
    pub fn set_up(&self, link: &str, email: Option<&str>) -> Asker {
        let token = link.split_once("token=").expect("a token").1;
        let asker = self.nobody();
        let answer = asker.post("set-up", &json!({ "token": token, "password": PASSWORD, "email": email }));
        assert_eq!(answer.status, 200, "{}", answer.text);
        asker.signed_in(&answer)
    }

    /// Signs in.
    #[must_use]
    pub fn sign_in(&self, email: &str) -> Asker {
        let asker = self.nobody();
        let answer = asker.post("sign-in", &json!({ "email": email, "password": PASSWORD }));
        assert_eq!(answer.status, 200, "{}", answer.text);
        asker.signed_in(&answer)
    }
}

impl Drop for AuditServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default();
            #[expect(clippy::print_stderr, reason = "it may be why the test failed")]
            said.lines().for_each(|line| eprintln!("server: {line}"));
        }
    }
}
