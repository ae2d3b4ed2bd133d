//! The set-group-id program beside ours, which reads what users cannot, for those who may.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::failure::{About as _, Failure};

/// Where its package installs it.
const PACKAGED: &str = "/usr/bin/casemate-shell";

/// What it says before it ends is a line or two.
const LONGEST: u64 = 16 << 10;

/// The program at work; it ends with this.
pub(crate) struct Helper {
    child: Child,
    complaints: Option<ChildStderr>,
}

impl Helper {
    /// Asks for something.
    pub(crate) fn ask(arguments: &[String]) -> Result<Self, Failure> {
        let path = path()?;
        let mut child = Command::new(&path)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .about(format_args!("cannot run `{}`", path.display()))
            .map_err(|failure| {
                failure.hint("it comes with the package for hosts: see \"On a host\" in the README")
            })?;
        let complaints = child.stderr.take();
        Ok(Self { child, complaints })
    }

    /// What it gives.
    pub(crate) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; an error if it gave none of what was asked for, or not all.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let mut said = String::new();
        if let Some(complaints) = self.complaints.take() {
            // What cannot be read was not said.
            complaints.take(LONGEST).read_to_string(&mut said).ok();
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let said: Vec<_> = said.lines().map(|line| line.trim().trim_start_matches("casemate: ")).collect();
        match said.split_first() {
            Some((first, [])) => Err(Failure::new(first)),
            Some((first, rest)) => Err(Failure::new(first).hint(rest.join(" "))),
            None => Err(Failure::new(format!("casemate-shell ended without a word: {status}"))),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where it is: beside this program; else this one was installed by itself, and it is where its package has it.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().about("cannot find out where casemate is")?;
    let beside = own.with_file_name("casemate-shell");
    Ok(if beside.exists() { beside } else { PACKAGED.into() })
}
