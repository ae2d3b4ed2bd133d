//! Descriptors that are to be in nobody's way.
//!
//! What was given to us stays open in the program alone; else others would wait for an end that never comes.

use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use nix::libc;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

/// Where nothing lists the open descriptors, so many are looked at.
const LOOKED_AT: RawFd = 1024;

/// Puts `/dev/null` in the place of our standard descriptors.
pub(super) fn leave_standard() {
    let Ok(null) = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) else {
        // Nothing of ours is opened from here on that could be taken for them.
        (0..3).for_each(close);
        return;
    };
    _ = dup2_stdin(&null);
    _ = dup2_stdout(&null);
    _ = dup2_stderr(&null);
}

/// Closes what whoever started us left open for the program: all that is not closed by itself where a program begins.
pub(crate) fn leave_given() {
    for descriptor in open_descriptors() {
        if descriptor > 2 && !closes_itself(descriptor) {
            close(descriptor);
        }
    }
}

/// Closes all but the standard ones and these; nothing that owns another one may be used any more, nor dropped.
pub(super) fn leave_all_but(kept: &[BorrowedFd<'_>]) {
    for descriptor in open_descriptors() {
        if descriptor > 2 && kept.iter().all(|kept| kept.as_raw_fd() != descriptor) {
            close(descriptor);
        }
    }
}

fn open_descriptors() -> Vec<RawFd> {
    let Ok(listed) = std::fs::read_dir("/proc/self/fd") else { return (0..LOOKED_AT).collect() };
    let names = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // The list's own is closed when it is at its end.
    names.collect()
}

fn closes_itself(descriptor: RawFd) -> bool {
    // SAFETY: the call only asks about a descriptor, which may be none.
    #[expect(unsafe_code, reason = "no safe call asks about a descriptor that nobody here owns")]
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC != 0
}

pub(crate) fn close(descriptor: RawFd) {
    // SAFETY: nobody here owns it, or whoever does uses and drops it no more.
    #[expect(unsafe_code, reason = "there is no owner that could be dropped")]
    unsafe {
        libc::close(descriptor)
    };
}

/// A system's error as a number, to be told to the other.
pub(super) fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error())
}
