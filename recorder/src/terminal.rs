//! The person's side: the terminal that shows the session, and what is typed on it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use casemate_cast_format::Size;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Termios, Winsize, isatty, tcgetattr, tcgetwinsize, tcsetattr,
};

use crate::control::Control;
use crate::typed_ahead::TypedAhead;

/// What a terminal that is taken goes on doing by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Some keys signal.
    pub(crate) signal_keys: bool,
    /// How it treats what is shown, where others show something beside us.
    pub(crate) output: Option<OutputModes>,
}

/// The terminal that a session is shown on.
pub(crate) struct Terminal {
    fd: OwnedFd,
    before: Option<Termios>,
    control: Control,
    /// How it was before it was taken, while it is.
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
        let control = Control::of(&fd);
        let before = Some(tcgetattr(&fd).ok()?).filter(|_| control.is_foreground(&fd));
        Some(Self { fd, before, control, cooked: None })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// How it was set when the recorder began; nothing where it was set for somebody else.
    pub(crate) fn attributes(&self) -> Option<&Termios> {
        self.before.as_ref()
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

    /// What we are to it.
    pub(crate) fn control(&self) -> Control {
        self.control
    }

    /// Whether it is ours to read and to set at this moment. One that we have taken is not ours any more when somebody
    /// else is in its foreground, who sets it as is wanted there.
    pub(crate) fn is_ours(&mut self) -> bool {
        let is_ours = self.control.is_foreground(&self.fd);
        if !is_ours {
            self.cooked = None;
        }
        is_ours
    }

    /// Takes it, if it is ours: from now on every key is passed on as it is typed, but for those that signal, where they
    /// are to do so. Gives what was typed before.
    pub(crate) fn take(&mut self, kept: Kept) -> std::io::Result<Option<TypedAhead>> {
        if !self.is_ours() {
            return Ok(None);
        }
        let found = tcgetattr(&self.fd)?;
        // Woken without having been stopped, we find it as we have left it.
        let is_as_we_left_it = |cooked: &Termios| {
            let ours = raw(cooked, kept);
            (ours.input_modes, ours.local_modes | LocalModes::ISIG)
                == (found.input_modes, found.local_modes | LocalModes::ISIG)
        };
        let cooked = self.cooked.take().filter(is_as_we_left_it).unwrap_or_else(|| found.clone());
        let mut typed = TypedAhead::lines(self.fd(), &found);
        tcsetattr(&self.fd, OptionalActions::Now, &raw(&cooked, kept))?;
        typed.rest(self.fd(), &found);
        self.cooked = Some(cooked);
        Ok(Some(typed))
    }

    /// Whether it goes back to the beginning of the line by itself where a new one begins.
    pub(crate) fn returns(&self) -> bool {
        let has = |now: Termios| now.output_modes.contains(OutputModes::OPOST | OutputModes::ONLCR);
        tcgetattr(&self.fd).is_ok_and(has)
    }

    /// Changes what is kept of it while it is taken.
    pub(crate) fn keep(&self, kept: Kept) {
        if let Some(cooked) = &self.cooked {
            tcsetattr(&self.fd, OptionalActions::Now, &raw(cooked, kept)).ok();
        }
    }

    /// As it was before it was taken.
    pub(crate) fn give_back(&mut self) {
        if self.cooked.is_some()
            && self.is_ours()
            && let Some(cooked) = self.cooked.take()
        {
            // A terminal that is gone needs no restoring.
            tcsetattr(&self.fd, OptionalActions::Now, &cooked).ok();
        }
    }

    /// Whether it was taken, and is not given back yet.
    pub(crate) fn is_taken(&self) -> bool {
        self.cooked.is_some()
    }
}

fn raw(cooked: &Termios, kept: Kept) -> Termios {
    let mut raw = cooked.clone();
    raw.make_raw();
    raw.local_modes.set(LocalModes::ISIG, kept.signal_keys);
    if let Some(output) = kept.output {
        raw.output_modes = output;
    }
    raw
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed_ahead::terminal_for_tests;

    #[test]
    fn taken_twice_it_gives_no_keys_as_lines_and_goes_back_as_it_was() {
        let (person, fd) = terminal_for_tests();
        rustix::io::ioctl_fionbio(&fd, true).unwrap();
        let modes = |terminal: &Terminal| tcgetattr(terminal.fd()).unwrap().local_modes;
        let mut terminal = Terminal { fd, before: None, control: Control::None, cooked: None };
        let before = modes(&terminal);
        assert!(terminal.take(Kept::default()).unwrap().unwrap().is_empty());
        rustix::io::write(&person, b"ls").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let typed = terminal.take(Kept::default()).unwrap().unwrap();
        assert!(typed.is_empty(), "they are keys, and wait to be read as such: {typed:?}");
        let mut keys = [0; 8];
        assert_eq!(rustix::io::read(terminal.fd(), &mut keys), Ok(2));
        terminal.give_back();
        assert_eq!(modes(&terminal), before);
    }
}
