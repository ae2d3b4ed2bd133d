//! Standard input that is not the program's alone: lent, not moved.
//!
//! Whoever reads from a pipe leaves the rest to the next who does: `(read first; rest)`. If we moved what stands in it to
//! the program, the rest would be gone with the program. So the program gets a copy of what stands there, by `tee(2)`, and
//! only what it has read is taken out. Its pipe has room for one buffer, and is ready to be written to only when that has
//! been read to its end: nothing needs to be asked while nothing happens.
//!
//! *Invariant*: nothing is taken out that the program has not read, but where there is no other way on.
//!
//! *Not here*: when lending is given up for moving, which is cheaper.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::{ioctl_fionread, read};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};

/// At most so much is lent at once: a page is what one buffer of a pipe holds.
const LOAN: usize = 4096;

/// Lends what stands in one pipe to the reader of another.
pub(super) struct Lender {
    from: Arc<OwnedFd>,
    to: Arc<OwnedFd>,
    /// What is looked at.
    aside: (OwnedFd, OwnedFd),
    /// What the reader has not read yet, as far as we know.
    lent: Vec<u8>,
}

impl Lender {
    /// Makes a lender of two pipes, the second one empty.
    pub(super) fn new(from: &Arc<OwnedFd>, to: &Arc<OwnedFd>) -> io::Result<Self> {
        let aside = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setpipe_size(&aside.1, LOAN)?;
        fcntl_setpipe_size(&**to, LOAN)?;
        Ok(Self { from: Arc::clone(from), to: Arc::clone(to), aside, lent: Vec::new() })
    }

    /// Whether the reader has not read all yet, as far as we know.
    pub(super) fn has_lent(&self) -> bool {
        !self.lent.is_empty()
    }

    /// Lends what stands there, if nothing is lent; nothing at the end of it.
    pub(super) fn lend(&mut self) -> rustix::io::Result<usize> {
        let there = tee(&self.from, &self.aside.1, LOAN, SpliceFlags::NONBLOCK)?;
        if there == 0 {
            return Ok(0);
        }
        // Copied from the copy: what is kept here is what was lent, whoever else reads there.
        let given = tee(&self.aside.0, &self.to, there, SpliceFlags::NONBLOCK);
        self.lent = self.set_aside()?;
        self.lent.truncate(given?);
        Ok(self.lent.len())
    }

    /// What the reader has read since this was asked for last; it is taken out.
    pub(super) fn settle(&mut self) -> Vec<u8> {
        if self.lent.is_empty() {
            return Vec::new();
        }
        let unread = ioctl_fionread(&self.to).ok().and_then(|bytes| usize::try_from(bytes).ok());
        self.take(self.lent.len().saturating_sub(unread.unwrap_or(0)))
    }

    /// Takes out what is lent as well, as if it was read.
    pub(super) fn give_up(&mut self) -> Vec<u8> {
        self.take(self.lent.len())
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.lent.split_off(bytes);
        let read = std::mem::replace(&mut self.lent, rest);
        // Where somebody else has read there meanwhile, what stands there now is theirs.
        if !read.is_empty() && self.look_at(bytes).is_ok_and(|there| there == read) {
            let taken = splice(&self.from, None, &self.aside.1, None, bytes, SpliceFlags::NONBLOCK);
            if taken.is_ok_and(|taken| taken > 0) {
                self.set_aside().ok();
            }
        }
        read
    }

    /// What stands there.
    fn look_at(&self, bytes: usize) -> rustix::io::Result<Vec<u8>> {
        match tee(&self.from, &self.aside.1, bytes, SpliceFlags::NONBLOCK)? {
            0 => Ok(Vec::new()),
            _ => self.set_aside(),
        }
    }

    /// Takes what was put aside; there is something.
    fn set_aside(&self) -> rustix::io::Result<Vec<u8>> {
        let mut bytes = vec![0; LOAN];
        let length = read(&self.aside.0, &mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}
