//! The recorded side: a PTY, and the program in it.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use casemate_cast_format::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, waitpid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize, tcgetattr,
    tcgetpgrp, tcsetattr, tcsetwinsize, ttyname,
};

use crate::control::Control;
use crate::echo::Echo;
use crate::nonblocking::{Outbox, Read, read_some};
use crate::observer::Foreground;
use crate::program::{Program, Started};
use crate::readers::anybody_reads;
use crate::session::Device;
use crate::signals::Given;
use crate::typed_ahead::TypedAhead;

/// So long a terminal may take for what was typed ahead,
const TYPED_AHEAD: Duration = Duration::from_millis(100);

/// and so long it shows nothing more when it has it.
const SHOWN: Duration = Duration::from_millis(3);

/// A PTY in which nothing runs yet.
pub(crate) struct OpenPty {
    master: OwnedFd,
    /// The session's side.
    terminal: OwnedFd,
}

impl OpenPty {
    /// Opens a PTY of this size that behaves like the terminal `like`.
    pub(crate) fn open(size: Winsize, like: Option<&Termios>) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = ioctl_tiocgptpeer(&master, flags)?;
        let attributes = match like {
            Some(like) => like.clone(),
            None => {
                let mut attributes = tcgetattr(&terminal)?;
                attributes.input_modes |= InputModes::IUTF8;
                attributes
            }
        };
        tcsetattr(&terminal, OptionalActions::Now, &attributes)?;
        tcsetwinsize(&terminal, size)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        Ok(Self { master, terminal })
    }

    /// The session's side: which device it is, and its name.
    pub(crate) fn device(&self) -> io::Result<(Device, String)> {
        let name = ttyname(&self.terminal, Vec::new())?;
        Ok((Device::of(&self.terminal)?, name.to_string_lossy().into_owned()))
    }

    /// Keeps it, and with it its number, from being anybody else's.
    pub(crate) fn hold(&self) -> io::Result<OwnedFd> {
        self.master.try_clone()
    }

    #[cfg(test)]
    pub(crate) fn into_sides(self) -> (OwnedFd, OwnedFd) {
        (self.master, self.terminal)
    }

    /// Starts a program in it; of its standard descriptors those that `on_terminal` says are the terminal.
    pub(crate) fn start(
        self,
        program: &Program,
        on_terminal: [bool; 3],
        control: Control,
        given: &Given,
    ) -> io::Result<Pty> {
        let Started { child, program } = program.start_on(self.terminal, on_terminal, control, given)?;
        Ok(Pty { master: self.master, child, program })
    }

    /// Types these keys, before anything runs in it; gives what the terminal shows of them.
    pub(crate) fn type_ahead(&self, typed: &TypedAhead) -> io::Result<Vec<u8>> {
        let (began, mut outbox, mut shown) = (Instant::now(), Outbox::default(), Vec::new());
        outbox.push(&typed.keys);
        while began.elapsed() < TYPED_AHEAD {
            outbox.send(self.master.as_fd(), &[])?;
            // The terminal takes them, and shows them, a moment later.
            let mut master = [PollFd::new(&self.master, PollFlags::IN)];
            poll(&mut master, Some(&Timespec { tv_sec: 0, tv_nsec: SHOWN.subsec_nanos().into() }))?;
            let mut buffer = [0; 4096];
            if let Read::Bytes(length) = read_some(self.master.as_fd(), &mut buffer) {
                shown.extend_from_slice(&buffer[..length]);
            } else if outbox.is_empty() && rustix::io::ioctl_fionread(&self.terminal)? >= typed.in_lines {
                break;
            }
        }
        Ok(shown)
    }
}

/// How a terminal treats what is typed and what is shown.
pub(crate) type Modes = (InputModes, OutputModes, LocalModes);

/// A PTY with a program in it.
pub(crate) struct Pty {
    master: OwnedFd,
    /// Our child: the program, or who leads its session.
    child: Pid,
    program: Pid,
}

impl Pty {
    /// The master side, non-blocking.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    pub(crate) fn resize(&self, size: Winsize) -> io::Result<()> {
        Ok(tcsetwinsize(&self.master, size)?)
    }

    /// How the terminal treats what is typed at this moment.
    pub(crate) fn echo(&self) -> Echo {
        match tcgetattr(self.fd()) {
            Ok(attributes) if attributes.local_modes.contains(LocalModes::ECHO) => Echo::On,
            Ok(attributes) if attributes.local_modes.contains(LocalModes::ICANON) => Echo::Off,
            _ => Echo::Program,
        }
    }

    /// Who has the terminal at this moment, and how it treats what is typed.
    pub(crate) fn foreground(&self) -> Option<Foreground> {
        self.held_by(tcgetpgrp(self.fd()).ok()?)
    }

    /// As the session begins its program is in the foreground, even if it is over already.
    pub(crate) fn foreground_at_start(&self) -> Option<Foreground> {
        self.foreground().or_else(|| self.held_by(self.program))
    }

    fn held_by(&self, group: Pid) -> Option<Foreground> {
        let modes = tcgetattr(self.fd()).ok()?.local_modes;
        let has = |mode: LocalModes| modes.contains(mode);
        Some(Foreground { group, canonical: has(LocalModes::ICANON), echo: has(LocalModes::ECHO) })
    }

    /// The character that means end of input, usually Ctrl-D.
    pub(crate) fn end_of_input(&self) -> u8 {
        tcgetattr(self.fd()).map_or(0x04, |attributes| attributes.special_codes[SpecialCodeIndex::VEOF])
    }

    /// What has become of the program, if that is news: that it has ended, or was stopped.
    pub(crate) fn try_wait(&self) -> Option<WaitStatus> {
        Some(waitpid(Some(self.child), WaitOptions::NOHANG | WaitOptions::UNTRACED).ok()??.1)
    }

    /// Whether anybody in it waits for keys, as far as that can be known.
    pub(crate) fn wants_keys(&self) -> bool {
        anybody_reads(self.program)
    }

    /// How it treats what is typed and what is shown.
    pub(crate) fn modes(&self) -> Option<Modes> {
        let attributes = tcgetattr(self.fd()).ok()?;
        Some((attributes.input_modes, attributes.output_modes, attributes.local_modes))
    }

    /// Wakes the program, if it was stopped.
    pub(crate) fn wake(&self) {
        _ = kill_process_group(self.program, Signal::CONT);
        _ = kill_process(self.child, Signal::CONT);
    }

    /// Gives the program a signal that was meant for it.
    pub(crate) fn pass_on(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            _ = kill_process(self.program, signal);
        }
    }

    /// Signals the program, and what it runs in the foreground. The program first: it might begin something else as what
    /// it waits for ends.
    pub(crate) fn signal(&self, signal: Signal) {
        let foreground = tcgetpgrp(self.fd());
        // Errors mean that somebody is gone already, which is what is wanted.
        _ = kill_process_group(self.program, signal);
        _ = kill_process(self.program, signal);
        if let Ok(foreground) = foreground {
            _ = kill_process_group(foreground, signal);
        }
    }
}

/// A size in cells, with the pixels of a terminal that has as many cells.
pub(crate) fn window(size: Size, shown: Option<Winsize>) -> Winsize {
    let (cols, rows) = size.cells();
    match shown {
        Some(shown) if (shown.ws_col, shown.ws_row) == (cols, rows) => shown,
        _ => Winsize { ws_col: cols, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 },
    }
}
