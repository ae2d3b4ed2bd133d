//! Host: casemate in the place of a login shell, beside the shell alone and beside `script`.
//!
//! What is measured is installed as on a host, set-group-id and with its folders, on a [`Machine`] of the suite's own.
//! That takes root, and a mount namespace in which the whole suite is started anew ([`enter`]).

mod carry;
mod machine;
mod start;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use self::machine::{Machine, Shell};
use crate::suite::Suite;
use crate::tools::Tool;
use crate::{echo, say};

/// More than the recorder alone may take (`echo`): a login shell's stands between more.
const ECHO_LIMIT: f64 = 1.2;

/// Whether the suite has a mount namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surroundings {
    Shared,
    Private,
}

const UNSHARE: [&str; 3] = ["--mount", "--propagation", "private"];

/// Starts the suite anew in a mount namespace, where that can be; else it comes back.
pub(crate) fn enter(args: &[String]) -> Result<()> {
    let alone = Command::new("unshare").args(UNSHARE).arg("true").stderr(Stdio::null()).status();
    if !rustix::process::geteuid().is_root() || !alone.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let exe = std::env::current_exe()?;
    let error = Command::new("unshare").args(UNSHARE).arg(exe).arg("__private").args(args).exec();
    Err(error).context("unshare")
}

pub(crate) fn measure(suite: &mut Suite, surroundings: Surroundings) -> Result<()> {
    if ![Tool::Cast, Tool::Zst].into_iter().any(|tool| suite.usable(tool)) {
        say("host: nothing to measure without casemate");
        return Ok(());
    }
    if surroundings == Surroundings::Shared {
        say("host: not measured: only root can, with the right to make a mount namespace");
        return Ok(());
    }
    let mut machine = Machine::make(suite)?;
    echo(suite, &mut machine)?;
    start::login(suite, &mut machine)?;
    start::command(suite, &mut machine)?;
    carry::measure(suite, &mut machine)?;
    machine.settle()?;
    for lost in machine.lost()? {
        suite.lost(format!("host: {lost}"));
    }
    Ok(())
}

fn echo(suite: &mut Suite, machine: &mut Machine) -> Result<()> {
    let line = format!("exec '{}' __echo", machine.harness());
    let mut sessions = Vec::new();
    let bare = machine.on_terminal(Shell::Bare, false, &["-c", &line])?;
    sessions.push(echo::Session::begin("bare shell", false, None, bare)?);
    if suite.usable(Tool::Script) {
        let file = machine.home().join("typescript").display().to_string();
        let script = machine.as_account(&["script", "script", "-q", "-e", "-c", &line, &file])?;
        sessions.push(echo::Session::begin("script", true, None, script)?);
    }
    let wrapped = machine.on_terminal(Shell::Wrapped, false, &["-c", &line])?;
    sessions.push(echo::Session::begin("casemate-shell", false, Some(ECHO_LIMIT), wrapped)?);
    echo::compare(suite, "Keystroke echo through a login shell", sessions)
}
