//! What the harness runs as a process of its own: hidden subcommands of this program.
//!
//! `__tty` makes its standard input the controlling terminal and becomes the tool; `__bare` is the
//! copy loop without a recording, the floor for every recorder; `__echo` is the program that sends
//! each key back at once.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

use crate::pty::{self, COPY_BYTES};

/// Ends `__echo`; every other byte comes back.
pub(crate) const ECHO_QUIT: u8 = b'Q';
/// `__echo` says this when its terminal is raw.
pub(crate) const ECHO_READY: &str = "READY";

pub(crate) fn run(name: &str, args: &[String]) -> Result<ExitCode> {
    match name {
        "__tty" => become_on_terminal(args),
        "__bare" => bare(args),
        "__echo" => echo(),
        _ => bail!("unknown subcommand `{name}`"),
    }
}

fn become_on_terminal(args: &[String]) -> Result<ExitCode> {
    let (program, args) = args.split_first().context("`__tty` wants a program")?;
    rustix::process::setsid().context("setsid")?;
    rustix::process::ioctl_tiocsctty(stdin()).context("TIOCSCTTY")?;
    let error = Command::new(program).args(args).exec();
    Err(error).with_context(|| format!("`{program}`"))
}

/// Outer terminal to inner PTY and back, one blocking poll loop, nothing kept.
fn bare(args: &[String]) -> Result<ExitCode> {
    let before = tcgetattr(stdin()).context("no terminal")?;
    let (master, mut child) = pty::open_and_spawn(args, tcgetwinsize(stdin())?, |_| {})?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;

    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let mut fds = [stdin(), as_fd(&master)].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [outer, inner] = fds.map(|fd| !fd.revents().is_empty());
        if inner {
            let count = pty::read(as_fd(&master), &mut buffer)?;
            if count == 0 {
                break;
            }
            pty::write_all(stdout(), &buffer[..count])?;
        }
        if outer {
            let count = pty::read(stdin(), &mut buffer)?;
            if count == 0 {
                break;
            }
            pty::write_all(as_fd(&master), &buffer[..count])?;
        }
    }
    tcsetattr(stdin(), OptionalActions::Now, &before)?;
    drop(master);
    let status = child.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_fd(fd: &impl rustix::fd::AsFd) -> BorrowedFd<'_> {
    fd.as_fd()
}

fn echo() -> Result<ExitCode> {
    let mut raw = tcgetattr(stdin()).context("no terminal")?;
    raw.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    pty::write_all(stdout(), ECHO_READY.as_bytes())?;
    let mut buffer = [0; 64];
    loop {
        let count = pty::read(stdin(), &mut buffer)?;
        if count == 0 || buffer[..count].contains(&ECHO_QUIT) {
            return Ok(ExitCode::SUCCESS);
        }
        pty::write_all(stdout(), &buffer[..count])?;
    }
}
