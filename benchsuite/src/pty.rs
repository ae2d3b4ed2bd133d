//! The terminal around a tool: a PTY of ours, the tool as session leader on its other side.
//!
//! The harness plays a terminal that reads as fast as it can, blocking reads of [`COPY_BYTES`],
//! and that answers one question only (see [`Terminal::read`]).
//!
//! *Invariant*: no process outlives its [`Terminal`]; a tool that hangs is killed by the watchdog
//! and the run is an error, not a hang of the suite.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::procfs;

/// What a fast terminal reads at once.
pub(crate) const COPY_BYTES: usize = 64 * 1024;
/// A common size, and wide enough that no prompt wraps.
const SIZE: Winsize = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
/// Ten times what the slowest peer needs for the longest run.
const PATIENCE: Duration = Duration::from_secs(300);
/// Within this time any program has said its first word, even on a busy machine.
const START_PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };
/// Questions to the terminal come before the first output of a session.
const HEAD_BYTES: usize = 4096;

/// Opens a PTY and runs `args` as the leader of a session on it.
pub(crate) fn open_and_spawn(
    args: &[String],
    size: Winsize,
    prepare: impl FnOnce(&mut Command),
) -> Result<(OwnedFd, Child)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).context("openpt")?;
    unlockpt(&master).context("unlockpt")?;
    let slave = ioctl_tiocgptpeer(&master, flags).context("TIOCGPTPEER")?;
    tcsetwinsize(&slave, size).context("TIOCSWINSZ")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("__tty").args(args);
    command.stdin(Stdio::from(slave.try_clone()?)).stdout(Stdio::from(slave.try_clone()?)).stderr(slave);
    prepare(&mut command);
    let child = command.spawn()?;
    Ok((master, child))
}

/// Reads once; 0 means that nobody holds the other side any more.
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match rustix::io::read(fd, &mut *buffer) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            Err(Errno::IO) => return Ok(0),
            Err(error) => return Err(error).context("read from a PTY"),
        }
    }
}

pub(crate) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("write to a PTY"),
        }
    }
    Ok(())
}

/// How a tool ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// User and system time of the tool and of the children it waited for.
    pub(crate) cpu_seconds: f64,
}

/// Waits for a child and takes its CPU time before it is gone.
pub(crate) fn wait(child: &mut Child) -> Result<Ended> {
    let pid = Pid::from_child(child);
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waitid"),
        }
    }
    let cpu_seconds = procfs::cpu_seconds(child.id())?;
    Ok(Ended { status: child.wait()?, cpu_seconds })
}

/// A running tool and the terminal it runs on.
pub(crate) struct Terminal {
    master: OwnedFd,
    child: Child,
    // The first output: what the tool asked its terminal, or why it failed.
    head: Vec<u8>,
    answered: bool,
    reaped: bool,
    watchdog: Watchdog,
}

impl Terminal {
    pub(crate) fn start(args: &[String], prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        let (master, child) = open_and_spawn(args, SIZE, prepare)?;
        let watchdog = Watchdog::new(Pid::from_child(&child));
        Ok(Self { master, child, head: Vec::new(), answered: false, reaped: false, watchdog })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first output, readable, for a message about what went wrong.
    pub(crate) fn head(&self) -> String {
        let text = String::from_utf8_lossy(&self.head);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no output");
        line.chars().map(|c| if c.is_control() { '?' } else { c }).take(120).collect()
    }

    /// Whether the text is among the first output.
    pub(crate) fn shows(&self, text: &str) -> bool {
        contains(&self.head, text.as_bytes())
    }

    /// Reads what is there, at least one byte; 0 is the end.
    ///
    /// A tool that asks for the device attributes (`CSI c`) at its start gets an answer as from
    /// any real terminal: asciinema would wait a second for it and lose every comparison.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = read(self.master.as_fd(), buffer)?;
        if self.head.len() < HEAD_BYTES {
            self.head.extend_from_slice(&buffer[..count]);
            if !self.answered && contains(&self.head, b"\x1b[c") {
                self.answered = true;
                self.write(b"\x1b[?62;22c")?;
            }
        }
        Ok(count)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all(self.master.as_fd(), bytes)
    }

    /// A keyboard that works while somebody else reads.
    pub(crate) fn keys(&self) -> Result<Keyboard> {
        Ok(Keyboard(self.master.try_clone()?))
    }

    /// Reads until `needle` has appeared among the first output.
    pub(crate) fn wait_for(&mut self, needle: &str) -> Result<()> {
        let mut buffer = [0; 4096];
        while !self.shows(needle) {
            let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
            if poll(&mut fds, Some(&START_PATIENCE)) == Ok(0) {
                bail!("`{needle}` did not appear: {}", self.head());
            }
            if self.read(&mut buffer)? == 0 || self.head.len() >= HEAD_BYTES {
                bail!("`{needle}` did not appear: {}", self.head());
            }
        }
        Ok(())
    }

    /// Reads until the end as fast as it can; how many bytes came.
    pub(crate) fn drain(&mut self) -> Result<u64> {
        let mut buffer = vec![0; COPY_BYTES];
        let mut total = 0;
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(total),
                count => total += count as u64,
            }
        }
    }

    /// Waits for the tool; an error if it had to be killed.
    pub(crate) fn finish(&mut self) -> Result<Ended> {
        let ended = wait(&mut self.child)?;
        self.reaped = true;
        if self.watchdog.bit() {
            bail!("killed after {} s: {}", PATIENCE.as_secs(), self.head());
        }
        Ok(ended)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.reaped {
            // The tool may have ended just now: then there is nothing to kill, only to reap.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            drop(self.child.wait());
        }
    }
}

/// The writing half of a [`Terminal`].
pub(crate) struct Keyboard(OwnedFd);

impl Keyboard {
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all(self.0.as_fd(), bytes)
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Kills a session that takes longer than [`PATIENCE`].
struct Watchdog {
    bit: Arc<AtomicBool>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    fn new(pid: Pid) -> Self {
        let (stop, stopped) = channel::<()>();
        let bit = Arc::new(AtomicBool::new(false));
        let bites = Arc::clone(&bit);
        let deadline = Instant::now() + PATIENCE;
        let thread = std::thread::spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if stopped.recv_timeout(left) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                bites.store(true, Ordering::Relaxed);
                let _ = kill_process_group(pid, Signal::KILL);
            }
        });
        Self { bit, stop: Some(stop), thread: Some(thread) }
    }

    fn bit(&self) -> bool {
        self.bit.load(Ordering::Relaxed)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
