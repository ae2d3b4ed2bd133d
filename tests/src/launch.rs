//! How a program is started: arguments, environment, size of its terminal.
//!
//! Everything is started through `setsid` of util-linux, so that it leads a session of its own: on a
//! terminal of the test, or provably without one even if the tests were started from a terminal. That
//! program replaces itself, so process ids stay those of the program meant.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Finished, Session};

/// A program ready to be started.
#[must_use = "a launch does nothing until `on_terminal()` or `run()`"]
pub struct Launch {
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    size: (u16, u16),
    /// The init of the machine that the program is started on, if that is not this one.
    inside: Option<u32>,
}

impl Launch {
    pub(crate) fn new(program: OsString, folder: PathBuf) -> Self {
        Self { program, args: Vec::new(), environment: Vec::new(), folder, size: (100, 30), inside: None }
    }

    /// Adds arguments.
    pub fn args<S: Into<OsString> + Clone>(mut self, args: &[S]) -> Self {
        self.args.extend(args.iter().cloned().map(Into::into));
        self
    }

    /// Sets a variable of the otherwise fixed environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The size of the terminal, 100 by 30 if nothing is said.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Starts the program in this folder, instead of the home.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Starts the program on another machine.
    pub(crate) fn inside(mut self, init: u32) -> Self {
        self.inside = Some(init);
        self
    }

    /// Starts the program as the leader of a session on a fresh terminal.
    pub fn on_terminal(self) -> Session {
        let mut command = self.command(true);
        Session::start(&mut command, self.size)
    }

    /// Runs the program without a terminal and with nothing on its standard input.
    #[must_use = "assert the status with `success()`, `exits()` or `fails()`"]
    pub fn run(self) -> Finished {
        self.run_with_input(b"")
    }

    /// Runs the program without a terminal; its standard input is a pipe that holds `input`.
    #[must_use = "assert the status with `success()`, `exits()` or `fails()`"]
    pub fn run_with_input(self, input: &[u8]) -> Finished {
        let mut command = self.command(false);
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        Finished::of(&mut command, input)
    }

    fn command(&self, terminal: bool) -> Command {
        // What enters a machine waits for what it starts there, and ends as that did.
        let mut command = match self.inside {
            Some(init) => {
                let mut command = Command::new("nsenter");
                command.args(["--target", &init.to_string(), "--mount", "--uts", "--net", "--ipc", "--pid"]);
                command.args(["--", "setsid"]);
                command
            }
            None => Command::new("setsid"),
        };
        if terminal {
            command.arg("--ctty");
        }
        command.arg("--");
        if self.inside.is_some() {
            command.args(["env", "--chdir"]).arg(&self.folder);
        } else {
            command.current_dir(&self.folder);
        }
        command.arg(&self.program).args(&self.args);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}
