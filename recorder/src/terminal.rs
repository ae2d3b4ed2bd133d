//! The person's side: the terminal that shows the session, and what is typed on it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use casemate_cast_format::Size;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, Termios, Winsize, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// The terminal that a session is shown on.
pub(crate) struct Terminal {
    fd: OwnedFd,
    before: Termios,
    /// How it was before it was made raw, while it is.
    cooked: Option<Termios>,
}

impl Terminal {
    /// The first of standard input, output and error that is a terminal. It is opened anew, so that
    /// making it non-blocking does not do so for everybody who shares the descriptor.
    pub(crate) fn find(output_is_data: bool) -> Option<Self> {
        let candidates = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        let usable = |index: usize| !(index == 1 && output_is_data);
        let (_, shown) =
            candidates.into_iter().enumerate().find(|(index, fd)| usable(*index) && isatty(fd))?;
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::termios::ttyname(shown, Vec::new())
            .and_then(|name| rustix::fs::open(name, flags, Mode::empty()))
            .or_else(|_| rustix::fs::open("/dev/tty", flags, Mode::empty()))
            // Somebody else's, and not the one that we hear of. Then writing to it may have to wait.
            .or_else(|_| rustix::io::fcntl_dupfd_cloexec(shown, 0))
            .ok()?;
        let before = tcgetattr(&fd).ok()?;
        Some(Self { fd, before, cooked: None })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// How it was set when the recorder began.
    pub(crate) fn attributes(&self) -> &Termios {
        &self.before
    }

    /// Its size as it says it: in cells, which may be none, and in pixels.
    pub(crate) fn window(&self) -> Option<Winsize> {
        tcgetwinsize(&self.fd).ok()
    }

    /// Its size; `None` where it does not know one.
    pub(crate) fn size(&self) -> Option<Size> {
        let size = self.window()?;
        let known = size.ws_col > 0 && size.ws_row > 0;
        known.then(|| Size { cols: size.ws_col.into(), rows: size.ws_row.into() })
    }

    /// Passes on every key as it is typed. What was typed ahead stays.
    pub(crate) fn make_raw(&mut self) -> std::io::Result<()> {
        let cooked = tcgetattr(&self.fd)?;
        let mut raw = cooked.clone();
        raw.make_raw();
        tcsetattr(&self.fd, OptionalActions::Now, &raw)?;
        self.cooked = Some(cooked);
        Ok(())
    }

    /// As it was before.
    pub(crate) fn restore(&mut self) {
        if let Some(cooked) = self.cooked.take() {
            // A terminal that is gone needs no restoring.
            tcsetattr(&self.fd, OptionalActions::Now, &cooked).ok();
        }
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.cooked.is_some()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}
