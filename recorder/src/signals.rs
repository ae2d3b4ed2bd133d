//! Signals as bytes on a descriptor, so that the proxy meets them in its one loop.
//!
//! What whoever started us had us ignore stays ignored: `nohup` means the hang-up, a shell without job
//! control the interrupt key, which is meant for others.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::pipes::inherited::was_pipe_ignored;
use crate::pipes::signals::{ignore, suffer};

/// What the proxy listens to.
const HEARD: [i32; 14] = [
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH,
];

/// What may be ignored from the start.
const IGNORABLE: [i32; 9] = [SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGUSR1, SIGUSR2, SIGVTALRM];

pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    hears_hangup: bool,
    given: Given,
}

/// What was ignored and blocked when we began; so what we start has it.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    ignored: Vec<i32>,
    blocked: SigSet,
}

impl Given {
    fn now() -> io::Result<Self> {
        // Of SIGPIPE the runtime has made something else already.
        let pipe = was_pipe_ignored().then_some(libc::SIGPIPE);
        let ignored = HEARD.into_iter().filter(|signal| is_ignored(*signal)).chain(pipe).collect();
        Ok(Self { ignored, blocked: SigSet::thread_get_mask()? })
    }

    /// Puts it back. Allocates nothing.
    pub(crate) fn restore(&self) -> io::Result<()> {
        self.ignored.iter().for_each(|&signal| ignore(signal));
        Ok(self.blocked.thread_set_mask()?)
    }
}

impl Signals {
    /// From now on these signals are met in the loop.
    pub(crate) fn listen() -> io::Result<Self> {
        let given = Given::now()?;
        // Whoever started us may have blocked them.
        let all = HEARD.into_iter().filter_map(|signal| Signal::try_from(signal).ok());
        all.collect::<SigSet>().thread_unblock()?;
        let is_heard = |signal: &i32| !IGNORABLE.contains(signal) || !is_ignored(*signal);
        let heard: Vec<_> = HEARD.into_iter().filter(is_heard).collect();
        let (read, write) = UnixStream::pair()?;
        Ok(Self {
            hears_hangup: heard.contains(&SIGHUP),
            delivery: SignalDelivery::with_pipe(read, write, SignalOnly, heard)?,
            given,
        })
    }

    /// What was ignored and blocked before.
    pub(crate) fn given(&self) -> &Given {
        &self.given
    }

    /// Whether a hang-up ends us, rather than having been ignored from the start.
    pub(crate) fn hears_hangup(&self) -> bool {
        self.hears_hangup
    }

    /// Readable when a signal has come.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// The signals that have come, each once.
    pub(crate) fn pending(&mut self) -> Vec<i32> {
        self.delivery.pending().collect()
    }
}

/// Ends this process as that signal ends one; gives its status where the signal ends nothing.
#[must_use]
pub fn die_of(signal: i32) -> std::process::ExitCode {
    suffer(signal);
    std::process::ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

#[expect(unsafe_code, reason = "no safe call asks for an action without setting one")]
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null action only asks; the old one is written to memory of its size.
    if unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call above succeeded, so it has written all of it.
    let action = unsafe { action.assume_init() };
    action.sa_sigaction == libc::SIG_IGN
}
