//! What we were started with, and what is changed before `main` can see it: Rust's runtime opens `/dev/null` in the place of
//! a standard descriptor that is closed, and ignores SIGPIPE. What we start is to find both as they were.
//!
//! So it is looked at before: by a function that the loader calls. In a set-group-id program the C library comes first: it
//! opens what is closed in a way in which nobody else does, for it can neither be read from nor written to.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use nix::libc;

use crate::signals::is_ignored;

/// The number of devices like `/dev/null`, and which of them these are.
const MEMORY: u32 = 1;
const NULL: u32 = 3;
const FULL: u32 = 7;

static CLOSED: AtomicU8 = AtomicU8::new(0);
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn look() {
    for descriptor in 0..3_u8 {
        // SAFETY: the call only asks about a descriptor, which may be none.
        #[expect(unsafe_code, reason = "no safe call asks about a descriptor that may not be open")]
        let flags = unsafe { libc::fcntl(descriptor.into(), libc::F_GETFD) };
        if flags < 0 || is_filled(descriptor.into()) {
            CLOSED.fetch_or(1 << descriptor, Ordering::Relaxed);
        }
    }
    PIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
}

/// Whether the C library has opened this descriptor in the place of one that was closed (`csu/check_fds.c` of glibc).
fn is_filled(descriptor: libc::c_int) -> bool {
    let (minor, access) = if descriptor == 0 { (FULL, libc::O_WRONLY) } else { (NULL, libc::O_RDONLY) };
    // SAFETY: the call only asks about a descriptor.
    #[expect(unsafe_code, reason = "no safe call asks about a descriptor that nobody here owns")]
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    if flags < 0 || flags & (libc::O_ACCMODE | libc::O_NOFOLLOW) != access | libc::O_NOFOLLOW {
        return false;
    }
    let mut about = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: what is known of the descriptor is written to memory of its size.
    #[expect(unsafe_code, reason = "no safe call asks about a descriptor that nobody here owns")]
    let asked = unsafe { libc::fstat(descriptor, about.as_mut_ptr()) };
    if asked != 0 {
        return false;
    }
    // SAFETY: the call above succeeded, so it has written all of it.
    #[expect(unsafe_code, reason = "no safe call asks about a descriptor that nobody here owns")]
    let about = unsafe { about.assume_init() };
    about.st_mode & libc::S_IFMT == libc::S_IFCHR && about.st_rdev == libc::makedev(MEMORY, minor)
}

// SAFETY: the section holds pointers to functions of the C calling convention that need nothing of Rust's runtime.
#[expect(unsafe_code, reason = "nothing else runs before the runtime")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Whether a standard descriptor was closed when we began.
pub(crate) fn was_closed(descriptor: usize) -> bool {
    CLOSED.load(Ordering::Relaxed) >> descriptor & 1 == 1
}

/// Whether SIGPIPE was ignored when we began.
pub(crate) fn was_pipe_ignored() -> bool {
    PIPE_IGNORED.load(Ordering::Relaxed)
}
