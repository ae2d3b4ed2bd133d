//! How we stand to a terminal: whether it controls us, and whether it is ours to read and to set at this moment.
//!
//! The system keeps whoever is in the background of a terminal from both by stopping it. What runs before us stays what it
//! would be without us: it leads a session where we lead one, belongs to one where we do, and has no controlling terminal
//! where we have none (`su -c`).

use std::os::fd::{AsFd, AsRawFd as _};

use nix::libc;
use nix::unistd::{getpgrp, getsid};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, getppid};
use rustix::termios::tcgetpgrp;

/// Ancestors that are looked at, from the next one up.
const ANCESTORS: usize = 32;

/// What we are to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// It controls our session, which we lead, or whose leader has us in its own group: nobody can wake what is stopped
    /// there.
    Leads,
    /// It controls our session, which another leads: we are one of its jobs, or a part of one.
    Belongs,
    /// It does not control us.
    None,
}

impl Control {
    /// What we are to this one.
    pub(crate) fn of(terminal: impl AsFd) -> Self {
        match (session_of(terminal), getsid(None)) {
            (Some(its), Ok(ours)) if its == ours.as_raw() && ours == getpgrp() => Self::Leads,
            (Some(its), Ok(ours)) if its == ours.as_raw() => Self::Belongs,
            _ => Self::None,
        }
    }

    /// Whether any terminal controls us.
    pub(crate) fn is_controlled() -> bool {
        rustix::fs::open("/dev/tty", OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).is_ok()
    }

    /// Whether we are in its foreground. Where it does not control us, those who started us may be.
    pub(crate) fn is_foreground(self, terminal: impl AsFd) -> bool {
        match self {
            Self::Leads | Self::Belongs => {
                tcgetpgrp(terminal).is_ok_and(|group| group.as_raw_nonzero().get() == getpgrp().as_raw())
            }
            Self::None => rustix::fs::fstat(terminal).is_ok_and(|stat| they_are_foreground(stat.st_rdev)),
        }
    }
}

/// The session that a terminal controls. One that was begun outside of the container has no number here, nor has its group:
/// the system says 0, which names none.
fn session_of(terminal: impl AsFd) -> Option<libc::pid_t> {
    #[expect(unsafe_code, reason = "what asks safely takes 0 for impossible")]
    // SAFETY: the descriptor is borrowed for the call, which changes no memory of ours.
    let session = unsafe { libc::tcgetsid(terminal.as_fd().as_raw_fd()) };
    (session > 0).then_some(session)
}

/// Whether those who started us are in the foreground of this terminal: the next ancestor that it controls is. Where it
/// controls none, it is ours unless it controls anybody at all.
fn they_are_foreground(terminal: u64) -> bool {
    let mut next = getppid();
    for _ in 0..ANCESTORS {
        let Some(pid) = next else { return !controls_anybody(terminal) };
        // One that may not be looked at may be it.
        let Some(ancestor) = Ancestor::read(pid) else { return true };
        if ancestor.terminal == Some(terminal) {
            return ancestor.group == ancestor.foreground;
        }
        next = Pid::from_raw(ancestor.parent);
    }
    true
}

fn controls_anybody(terminal: u64) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let pids = processes.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?));
    pids.filter_map(Ancestor::read).any(|process| process.terminal == Some(terminal))
}

/// What matters here of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Ancestor {
    parent: i32,
    group: i32,
    terminal: Option<u64>,
    /// The group in the foreground of its terminal.
    foreground: i32,
}

impl Ancestor {
    fn read(pid: Pid) -> Option<Self> {
        Self::parse(&std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The name may hold anything, and ends at the last bracket.
        let end = memchr::memrchr(b')', stat)?;
        let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
        // proc(5): behind the name state, parent, group, session, tty_nr, tpgid.
        let mut fields = rest.split_ascii_whitespace().skip(1);
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let number: i32 = fields.nth(1)?.parse().ok()?;
        let number = u32::from_ne_bytes(number.to_ne_bytes());
        let device = rustix::fs::makedev(number >> 8 & 0xfff, number & 0xff | number >> 12 & 0xf_ff00);
        let foreground = fields.next()?.parse().ok()?;
        Some(Self { parent, group, terminal: (number != 0).then_some(device), foreground })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_started_us_is_told_by_its_terminal() {
        let parse = |text: &str| Ancestor::parse(text.as_bytes());
        assert_eq!(
            parse("12 (a) b) S 3 45 6 34816 45 4194304 1"),
            Some(Ancestor {
                parent: 3,
                group: 45,
                terminal: Some(rustix::fs::makedev(136, 0)),
                foreground: 45
            })
        );
        // The minor number is split around the major one.
        let terminal = parse("1 (su) S 3 45 6 1083436 -1 0").unwrap().terminal;
        assert_eq!(terminal, Some(rustix::fs::makedev(136, 300)));
        assert_eq!(parse("12 (su) S 3 45 6 0 -1 0").unwrap().terminal, None);
        for stat in ["", ")", "1 (a) S 1 2", "1 (a) S x 2 3 4 5", "1 a S 1 2 3 4 5"] {
            assert_eq!(parse(stat), None, "{stat:?}");
        }
    }

    #[test]
    fn what_is_no_terminal_controls_nobody() {
        let (reader, _writer) = std::io::pipe().unwrap();
        assert_eq!(Control::of(&reader), Control::None);
    }
}
