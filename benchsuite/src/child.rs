//! What the harness runs as a process of its own: hidden subcommands of this program.
//!
//! `__tty` makes its standard input the controlling terminal and becomes the tool; `__bare` is the
//! copy loop without a recording, the floor for every recorder; `__echo` is the program that sends
//! each key back at once; `__as` is who logs somebody in: it becomes a program as another account;
//! `__sink` takes so many bytes from its standard input, and `__source` writes as many, when asked.

use std::io::{Read, Write, stdin as input, stdout as output};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
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
/// `__sink` and `__source` say this when they have begun; the latter waits until it comes back.
pub(crate) const CARRY_READY: u8 = b'R';
/// `__sink` says this when it has all.
pub(crate) const CARRIED: u8 = b'C';

pub(crate) fn run(name: &str, args: &[String]) -> Result<ExitCode> {
    match name {
        "__tty" => become_on_terminal(args),
        "__bare" => bare(args),
        "__echo" => echo(),
        "__as" => become_account(args),
        "__sink" | "__source" => carry(name, args),
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

/// Its terminal becomes the account's, as `login` does it.
fn become_account(args: &[String]) -> Result<ExitCode> {
    let [uid, gid, program, name, args @ ..] = args else { bail!("`__as` wants an account and a program") };
    let (uid, gid) = (uid.parse()?, gid.parse()?);
    rustix::fs::fchown(stdin(), Some(rustix::fs::Uid::from_raw(uid)), None).context("chown")?;
    let error = Command::new(program).arg0(name).args(args).uid(uid).gid(gid).exec();
    Err(error).with_context(|| format!("`{program}`"))
}

/// Stays until its standard input is at its end.
fn carry(name: &str, args: &[String]) -> Result<ExitCode> {
    let bytes = args.first().context("how many bytes?")?.parse()?;
    let (mut input, mut output) = (input().lock(), output().lock());
    let say = |word: u8| pty::write_all(stdout(), &[word]);
    say(CARRY_READY)?;
    if name == "__sink" {
        sink(&mut input, bytes)?;
        say(CARRIED)?;
    } else {
        input.read_exact(&mut [0])?;
        source(&mut output, bytes)?;
    }
    ensure!(input.read(&mut [0])? == 0, "more than {bytes} bytes");
    Ok(ExitCode::SUCCESS)
}

/// Takes so many bytes.
pub(crate) fn sink(from: &mut impl Read, bytes: u64) -> Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).map_or(COPY_BYTES, |left| left.min(COPY_BYTES));
        let count = from.read(&mut buffer[..most])?;
        ensure!(count > 0, "{left} bytes of {bytes} are missing");
        left -= count as u64;
    }
    Ok(())
}

/// Gives so many bytes.
pub(crate) fn source(to: &mut impl Write, bytes: u64) -> Result<()> {
    let buffer = vec![b'.'; COPY_BYTES];
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).map_or(COPY_BYTES, |left| left.min(COPY_BYTES));
        to.write_all(&buffer[..most])?;
        left -= most as u64;
    }
    Ok(())
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
