//! Reading and writing what a descriptor has and takes, without waiting for it.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

/// Memory that an empty outbox keeps.
const KEPT_CAPACITY: usize = 64 << 10;

/// Bytes on their way to a descriptor that takes them as it can.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Sends what waits, then `more`; keeps what is not taken.
    pub(crate) fn send(&mut self, fd: BorrowedFd<'_>, more: &[u8]) -> rustix::io::Result<()> {
        let mut more = more;
        if self.is_empty() && !more.is_empty() {
            more = &more[write_some(fd, more)?..];
        }
        self.push(more);
        while !self.is_empty() {
            match write_some(fd, &self.bytes[self.start..])? {
                0 => return Ok(()),
                written => self.start += written,
            }
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.start = 0;
        Ok(())
    }
}

/// How much the descriptor took without waiting.
fn write_some(fd: BorrowedFd<'_>, bytes: &[u8]) -> rustix::io::Result<usize> {
    match rustix::io::write(fd, bytes) {
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        result => result,
    }
}

/// What a descriptor gave.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    Bytes(usize),
    Nothing,
    End,
}

pub(crate) fn read_some(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Read {
    match rustix::io::read(fd, buffer) {
        Ok(0) => Read::End,
        Ok(length) => Read::Bytes(length),
        Err(Errno::AGAIN | Errno::INTR) => Read::Nothing,
        // EIO: the other side is gone.
        Err(_) => Read::End,
    }
}
