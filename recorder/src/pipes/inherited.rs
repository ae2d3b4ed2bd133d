//! What we were started with, and what is changed before `main` can see it: Rust's runtime opens `/dev/null` in the place of
//! a standard descriptor that is closed, and ignores SIGPIPE. What we start is to find both as they were.
//!
//! So it is looked at before: by a function that the loader calls.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use nix::libc;

use crate::signals::is_ignored;

static CLOSED: AtomicU8 = AtomicU8::new(0);
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn look() {
    for descriptor in 0..3_u8 {
        // SAFETY: the call only asks about a descriptor, which may be none.
        #[expect(unsafe_code, reason = "no safe call asks about a descriptor that may not be open")]
        let flags = unsafe { libc::fcntl(descriptor.into(), libc::F_GETFD) };
        if flags < 0 {
            CLOSED.fetch_or(1 << descriptor, Ordering::Relaxed);
        }
    }
    PIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
}

// SAFETY: the section holds pointers to functions of the C calling convention that need nothing of Rust's runtime.
#[expect(unsafe_code, reason = "nothing else runs before the runtime")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Whether a standard descriptor was closed when we began.
pub(super) fn was_closed(descriptor: usize) -> bool {
    CLOSED.load(Ordering::Relaxed) >> descriptor & 1 == 1
}

/// Whether SIGPIPE was ignored when we began.
pub(crate) fn was_pipe_ignored() -> bool {
    PIPE_IGNORED.load(Ordering::Relaxed)
}
