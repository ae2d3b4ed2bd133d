//! Processes by `/proc`: which one it is, and whose child. An id alone says little, since ids are used again;
//! with the time when it started it names one process of a boot.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// In ticks since boot.
    pub(crate) start: u64,
    pub(crate) parent: u32,
    /// In one letter.
    state: char,
}

impl Process {
    /// A process that there is.
    pub(crate) fn find(pid: u32) -> Option<Self> {
        Self::parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// A hold on the process that started then, whatever has its number by now or later, and the user that it is.
    pub(crate) fn hold(pid: u32, start: u64) -> Option<(OwnedFd, u32)> {
        let held = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
        // What is held now is that process, if it still is.
        Self::find(pid).filter(|process| process.start == start)?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // The real one: a set-group-id program may not be dumpable, and then its folder is root's.
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        Some((held, uid.split_whitespace().next()?.parse().ok()?))
    }

    /// This process, its parent, and so on; a process that is hidden ends the line.
    pub(crate) fn line() -> impl Iterator<Item = Self> {
        // Who makes a longer line wants to hide behind it, and then is only known as the account.
        const LONGEST: usize = 4096;
        let this = Self::find(std::process::id());
        std::iter::successors(this, |child| Self::find(child.parent)).take(LONGEST)
    }

    /// The program that it runs.
    pub(crate) fn program(self) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/exe", self.pid)).ok()
    }

    /// The audit session, if it began with this process, and is not that of whoever started it.
    pub(crate) fn begun_audit_session(self) -> Option<u32> {
        audit_session(self.pid).filter(|own| audit_session(self.parent) != Some(*own))
    }

    /// Whether it does what it has to do: it is neither stopped, by a signal or by whoever traces it, nor dead.
    pub(crate) fn is_at_work(self) -> bool {
        matches!(self.state, 'R' | 'S' | 'D')
    }

    /// The name of a process may hold anything, blanks and parentheses among it; what is behind it, numbers only.
    fn parse(pid: u32, stat: &[u8]) -> Option<Self> {
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace();
        // proc(5): the state is field 3, the parent 4, the start 22.
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let start = fields.nth(22 - 4 - 1)?.parse().ok()?;
        Some(Self { pid, start, parent, state })
    }
}

/// The audit session that a process belongs to, if it does to one. Nobody can give himself that of another: whoever has
/// none yet may begin one, and the kernel counts.
pub(crate) fn audit_session(process: impl std::fmt::Display) -> Option<u32> {
    let session = std::fs::read_to_string(format!("/proc/{process}/sessionid")).ok()?.trim().parse().ok()?;
    (session != u32::MAX).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_obstacle() {
        let rest = "S 7 9 9 0 -1 4194560 2 3 4 5 6 7 8 9 20 0 1 0 4711 1000 5";
        for name in ["sshd", "a b", "x) R 1 2 3", "((", "\u{fffd}) S 1 1 1 1 1"] {
            let stat = format!("12 ({name}) {rest}\n");
            let process = Process::parse(12, stat.as_bytes());
            assert_eq!(process, Some(Process { pid: 12, start: 4711, parent: 7, state: 'S' }), "{name}");
        }
        for bad in ["", "12 (x", "12 (x) S", "12 (x) S y", &format!("12 (x) {}", &rest[..20])] {
            assert_eq!(Process::parse(12, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn who_is_stopped_is_not_at_work() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let is_at_work = || Process::find(sleeper.id()).unwrap().is_at_work();
        let pid = Pid::from_child(&sleeper);
        assert!(is_at_work());
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        while is_at_work() {
            std::thread::yield_now();
        }
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        while !is_at_work() {
            std::thread::yield_now();
        }
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    #[test]
    fn the_line_begins_here_and_goes_to_the_first() {
        let line: Vec<Process> = Process::line().collect();
        assert_eq!(line[0].pid, std::process::id());
        assert_eq!(line[1].pid, std::os::unix::process::parent_id());
        assert!(line.windows(2).all(|pair| pair[0].start >= pair[1].start));
        assert_eq!(line.last().unwrap().parent, 0);
    }
}
