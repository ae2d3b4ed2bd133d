//! What all flows of a session have in common, with whoever waits for them: how much was carried, what has ended, and
//! what is lent of standard input.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, write};

use super::lend::Lender;
use super::log::Content;
use super::plumbing::Stream;

/// What is lent of standard input, and where it is recorded once it is read.
pub(super) struct Loan {
    pub(super) lender: Lender,
    pub(super) content: Option<Content>,
}

/// What all flows have in common, and who waits for them.
pub(super) struct Shared {
    carried: [AtomicU64; 3],
    /// Flows that have not ended.
    open: AtomicUsize,
    /// Flows that still carry what was there when the program ended.
    undrained: AtomicUsize,
    /// Readable from the program's end on.
    drain: OwnedFd,
    /// Readable when nothing may be carried any more.
    cut: OwnedFd,
    /// Readable when, after that, nobody is left who could find an end in it.
    stopped: OwnedFd,
    /// Readable when something of this has changed.
    news: OwnedFd,
    loan: Mutex<Option<Loan>>,
}

impl Shared {
    pub(super) fn new(flows: usize) -> std::io::Result<Self> {
        let bell = || eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC);
        Ok(Self {
            carried: Default::default(),
            open: AtomicUsize::new(flows),
            undrained: AtomicUsize::new(flows),
            drain: bell()?,
            cut: bell()?,
            stopped: bell()?,
            news: bell()?,
            loan: Mutex::default(),
        })
    }

    pub(super) fn loan(&self) -> MutexGuard<'_, Option<Loan>> {
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_lent(&self) -> bool {
        self.loan().as_ref().is_some_and(|loan| loan.lender.has_lent())
    }

    /// Counts and records what was read of what is lent.
    pub(super) fn note_read(&self, ask: impl FnOnce(&mut Lender) -> Vec<u8>) {
        let mut loan = self.loan();
        let Some(Loan { lender, content }) = &mut *loan else { return };
        let read = ask(lender);
        if !read.is_empty() {
            if content.as_mut().is_some_and(|content| !content.record(&read)) {
                *content = None;
            }
            self.count(Stream::In, read.len() as u64);
        }
    }

    pub(super) fn carried(&self, stream: usize) -> u64 {
        self.carried[stream].load(Ordering::Acquire)
    }

    /// The program has ended: what is there is to be carried on.
    pub(super) fn drain(&self) {
        ring(&self.drain);
    }

    /// Nothing may be carried any more.
    pub(super) fn cut(&self) {
        ring(&self.cut);
    }

    /// Those for whom something was carried are killed, as far as they can be.
    pub(super) fn has_stopped(&self) {
        ring(&self.stopped);
    }

    /// Waits for that, after a cut, for so long at most.
    pub(super) fn wait_until_stopped(&self, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(timeout) = Timespec::try_from(left) else { return };
            let mut fds = [PollFd::from_borrowed_fd(self.stopped.as_fd(), PollFlags::IN)];
            if poll(&mut fds, Some(&timeout)) != Err(Errno::INTR) || left.is_zero() {
                return;
            }
        }
    }

    pub(super) fn is_drained(&self) -> bool {
        self.undrained.load(Ordering::Acquire) == 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    pub(super) fn news(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }

    pub(super) fn heard(&self) {
        _ = read(&self.news, &mut [0; 8]);
    }

    /// So much was carried.
    pub(super) fn count(&self, stream: Stream, bytes: u64) {
        self.carried[stream as usize].fetch_add(bytes, Ordering::AcqRel);
    }

    /// Readable when nothing may be carried any more.
    pub(super) fn is_cut(&self) -> BorrowedFd<'_> {
        self.cut.as_fd()
    }

    /// Readable when the program has ended.
    pub(super) fn is_draining(&self) -> BorrowedFd<'_> {
        self.drain.as_fd()
    }

    /// A flow has ended, or never began; it may have said that it is drained.
    pub(super) fn ended(&self, is_drained: bool) {
        self.open.fetch_sub(1, Ordering::AcqRel);
        if !is_drained {
            self.undrained.fetch_sub(1, Ordering::AcqRel);
        }
        ring(&self.news);
    }

    pub(super) fn drained(&self) {
        self.undrained.fetch_sub(1, Ordering::AcqRel);
        ring(&self.news);
    }
}

fn ring(bell: &OwnedFd) {
    _ = write(bell, &1_u64.to_ne_bytes());
}
