//! Signals that wait until they are asked for.
//!
//! All are blocked before the two of us part, and stay so. The stand-in reads them, one after the other. The keeper only
//! looks whether one has come: what came to both was sent to all that belongs together, so the program has it as well.

use std::io;
use std::mem::MaybeUninit;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::getpid;

/// Blocks all signals; gives those that were blocked before.
pub(super) fn block_all() -> io::Result<SigSet> {
    Ok(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?)
}

/// Reads signals as they come.
pub(super) fn reader() -> io::Result<SignalFd> {
    Ok(SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Whether this signal has come; it is forgotten with that.
pub(super) fn has_come(signal: i32) -> bool {
    let Some(set) = only(signal) else { return false };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: set and time are read during the call; nothing is asked about the signal.
    #[expect(unsafe_code, reason = "no safe call asks for a signal without waiting")]
    let come = unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const now) };
    come == signal
}

/// Gives a signal to a process.
pub(super) fn send(process: i32, signal: i32) {
    // SAFETY: it is ourselves, or a process of ours that nobody has waited for, so that the number is still its.
    #[expect(unsafe_code, reason = "safe calls know no real-time signals")]
    unsafe {
        libc::kill(process, signal)
    };
}

/// Ignores a signal, as whatever begins from here on does.
pub(crate) fn ignore(signal: i32) {
    act(signal, libc::SIG_IGN);
}

/// Ignores a signal no more.
pub(super) fn heed(signal: i32) {
    act(signal, libc::SIG_DFL);
}

fn act(signal: i32, action: libc::sighandler_t) {
    // SAFETY: the actions that are set are no functions.
    #[expect(unsafe_code, reason = "the safe call knows no real-time signals")]
    unsafe {
        libc::signal(signal, action)
    };
}

/// Lets a signal do to us what it does to a program that does not care, and goes on blocking it. Returns unless that is
/// the end.
pub(crate) fn suffer(signal: i32) {
    heed(signal);
    let Some(set) = only(signal) else { return };
    // The signal waits until it is let through.
    send(getpid().as_raw(), signal);
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: one set is read, the other written, during the call.
    #[expect(unsafe_code, reason = "safe calls know no real-time signals")]
    unsafe {
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, before.as_mut_ptr())
    };
    block_all().ok();
}

fn only(signal: i32) -> Option<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call writes the whole set.
    #[expect(unsafe_code, reason = "safe sets know no real-time signals")]
    unsafe {
        libc::sigemptyset(set.as_mut_ptr())
    };
    // SAFETY: the set was written.
    #[expect(unsafe_code, reason = "safe sets know no real-time signals")]
    let added = unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    // SAFETY: the set was written.
    #[expect(unsafe_code, reason = "safe sets know no real-time signals")]
    let set = unsafe { set.assume_init() };
    (added == 0).then_some(set)
}
