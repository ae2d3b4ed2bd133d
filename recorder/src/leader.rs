//! Leads the session of a program that would not lead one without us: a job of a shell, what `su` and `sudo` run.
//!
//! The system stops nobody in a group that no parent in the same session could wake again, and hangs up on the foreground
//! group when the leader ends. So there is a process between us and such a program that waits for it: the program can be
//! stopped, and what it leaves in the background lives on.
//!
//! ```text
//!   recorder ── waits for ──▶ leader ── waits for ──▶ the program, in a group of its own, in the foreground
//! ```
//!
//! It stops when the program stops, wakes it when it is woken, and ends as the program ends. It is a fork in which nothing
//! is allocated, and holds nothing open but the session's terminal.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::libc;
use nix::sys::signal::SigSet;
use nix::unistd::{ForkResult, fork};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, ioctl_tiocsctty, kill_process, kill_process_group, setpgid,
    setsid, waitpid,
};
use rustix::termios::tcsetpgrp;

use crate::signals::die_of;

/// Where the system cannot close all descriptors at once, so many are closed.
const CLOSED: i32 = 1024;

/// What a session with a leader is begun with, in the child that becomes the leader.
pub(crate) struct Leader {
    terminal: OwnedFd,
    /// Says the number of the program.
    says: OwnedFd,
}

/// Hears who the program is.
pub(crate) struct Heard(OwnedFd);

impl Leader {
    pub(crate) fn prepare(terminal: OwnedFd) -> io::Result<(Self, Heard)> {
        let (hears, says) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { terminal, says }, Heard(hears)))
    }

    /// Begins a session on the terminal, and parts: one process leads it and never returns, the other goes on here to
    /// become the program. All signals are blocked in it. Only between fork and exec.
    pub(crate) fn begin(&self) -> io::Result<()> {
        setsid()?;
        ioctl_tiocsctty(&self.terminal)?;
        // Else whoever is in the background of a terminal may not say who is in the foreground.
        SigSet::all().thread_set_mask()?;
        // SAFETY: this is a child with one thread, in which nothing is allocated on either side.
        #[expect(unsafe_code, reason = "who waits for the program in its session is not the recorder")]
        let forked = unsafe { fork() };
        match forked? {
            ForkResult::Parent { child } => match Pid::from_raw(child.as_raw()) {
                Some(program) => self.lead(program),
                None => Err(io::ErrorKind::Other.into()),
            },
            ForkResult::Child => {
                setpgid(None, None)?;
                Ok(tcsetpgrp(&self.terminal, getpid())?)
            }
        }
    }

    fn lead(&self, program: Pid) -> ! {
        // Whoever started us waits until both have begun, and then reads this.
        _ = rustix::io::write(&self.says, &program.as_raw_nonzero().get().to_ne_bytes());
        let terminal = keep_alone(self.terminal.as_fd());
        loop {
            match waitpid(Some(program), WaitOptions::UNTRACED) {
                Ok(Some((_, status))) if status.stopped() => {
                    _ = kill_process(getpid(), Signal::STOP);
                    _ = kill_process_group(program, Signal::CONT);
                }
                Ok(Some((_, status))) => {
                    // The end of a leader hangs up on whoever is in the foreground, and the end of this program would not.
                    _ = tcsetpgrp(terminal, getpid());
                    end_as(status)
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => exit(1),
            }
        }
    }
}

impl Heard {
    /// The program, once it has begun.
    pub(crate) fn program(self) -> io::Result<Pid> {
        let mut number = [0; 4];
        let length = rustix::io::read(&self.0, &mut number)?;
        let number = (length == number.len()).then_some(i32::from_ne_bytes(number));
        number.and_then(Pid::from_raw).ok_or_else(|| io::Error::other("its session has no leader"))
    }
}

/// Closes everything but this descriptor, which nobody else in this process uses or drops any more.
fn keep_alone(kept: BorrowedFd<'_>) -> BorrowedFd<'static> {
    _ = rustix::stdio::dup2_stdin(kept);
    // SAFETY: nothing that owns a descriptor is used or dropped in this process any more.
    #[expect(unsafe_code, reason = "there are no owners that could be dropped")]
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0) };
    if closed != 0 {
        for descriptor in 1..CLOSED {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "there are no owners that could be dropped")]
            unsafe {
                libc::close(descriptor)
            };
        }
    }
    rustix::stdio::stdin()
}

fn end_as(status: WaitStatus) -> ! {
    if let Some(signal) = status.terminating_signal() {
        _ = die_of(signal);
        exit(128 + signal)
    }
    exit(status.exit_status().unwrap_or(1))
}

fn exit(status: i32) -> ! {
    // SAFETY: this process is a fork that has nothing to put away.
    #[expect(unsafe_code, reason = "what the recorder does at its end is not to be done twice")]
    unsafe {
        libc::_exit(status)
    }
}
