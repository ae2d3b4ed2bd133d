//! A run without a terminal, from start to end: status, standard output, standard error.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// After this long a program that should have ended is killed and the test fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// Exit status as a shell shows it: 128 + n for signal n.
    pub code: i32,
    /// Standard output, whole.
    pub stdout: Vec<u8>,
    /// Standard error as text.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Finished {
    pub(crate) fn of(command: &mut Command, input: &[u8]) -> Self {
        let started = Instant::now();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|err| panic!("{command:?}: {err}"));
        let mut stdout = child.stdout.take().expect("stdout is piped");
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let stdin = child.stdin.take();
        thread::scope(|scope| {
            let stdout = scope.spawn(move || {
                let mut bytes = Vec::new();
                stdout.read_to_end(&mut bytes).expect("read standard output");
                bytes
            });
            let stderr = scope.spawn(move || {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).expect("read standard error");
                String::from_utf8_lossy(&bytes).into_owned()
            });
            scope.spawn(move || {
                // A program may end without reading its input: that is its right.
                if let Some(mut stdin) = stdin {
                    stdin.write_all(input).ok();
                }
            });
            let deadline = started + PATIENCE;
            let status = loop {
                if let Some(status) = child.try_wait().expect("wait for a child") {
                    break status;
                }
                if Instant::now() > deadline {
                    child.kill().ok();
                    child.wait().ok();
                    panic!("{command:?} did not end within {PATIENCE:?}");
                }
                thread::sleep(Duration::from_millis(5));
            };
            let took = started.elapsed();
            Self {
                code: shell_code(status),
                stdout: stdout.join().expect("the reader of stdout ends"),
                stderr: stderr.join().expect("the reader of stderr ends"),
                took,
            }
        })
    }

    /// Asserts status 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// Asserts a status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit status\nstderr: {}\nstdout: {}", self.stderr, self.tail());
        self
    }

    /// Asserts status 1 and an error in the form that users are promised: one `error:` line that holds
    /// `needle`, anything after it being hints.
    #[track_caller]
    pub fn fails(self, needle: &str) -> Self {
        let this = self.exits(1);
        let errors: Vec<_> = this.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "one error line expected: {}", this.stderr);
        assert!(errors[0].contains(needle), "no {needle:?} in: {}", this.stderr);
        this
    }

    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn tail(&self) -> String {
        let start = self.stdout.len().saturating_sub(600);
        self.stdout[start..].escape_ascii().to_string()
    }
}

/// The status as a shell shows it in `$?`.
pub(crate) fn shell_code(status: ExitStatus) -> i32 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => panic!("neither exited nor killed: {status:?}"),
    }
}
