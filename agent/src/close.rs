//! Ends what somebody has closed on the server: a session, by its recorder, or a login without one.
//!
//! Whoever is in a session is told why, on their terminal; then it hangs up, as if the line were gone. A process is held
//! before it is looked at, so that no other one is meant that has its number by then.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use casemate_host::log::{self, Entry};
use casemate_host::login::Login;
use casemate_host::{Places, Registry, logins, now_us};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::process::{Signal, pidfd_send_signal};
use rustix::termios::isatty;

/// Who has not ended so long after having been told is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// The kernel's numbers of terminals: consoles and serial lines, and what programs open (`pts`).
const TERMINALS: [u32; 9] = [4, 136, 137, 138, 139, 140, 141, 142, 143];

/// What is being ended.
#[derive(Debug)]
pub(crate) struct Closing {
    since: Instant,
    reason: String,
    is_told: bool,
}

impl Closing {
    pub(crate) fn new(reason: String) -> Self {
        Self { since: Instant::now(), reason, is_told: false }
    }

    /// When it is to be looked at again.
    pub(crate) fn due(&self) -> Instant {
        if self.since.elapsed() < PATIENCE { self.since + PATIENCE } else { Instant::now() + PATIENCE }
    }

    /// Ends a session, or sees to it that it does.
    pub(crate) fn session(&mut self, places: &Places, registry: &Registry, session: &str) {
        // One that has ended meanwhile need not be.
        let Ok(Some((registered, recorder))) = registry.recorder(session) else { return };
        if self.is_told {
            return self.kill(&recorder);
        }
        self.note(places, &registered.account, session);
        tell(&recorder, registered.pid, &format!("the session was closed: {}", self.reason));
        send(&recorder, Signal::HUP);
    }

    /// Ends a login, or sees to it that it does.
    pub(crate) fn login(&mut self, places: &Places, login: &Login) {
        let Some(holder) = logins::holder_of(login) else { return };
        if self.is_told {
            return self.kill(&holder);
        }
        self.note(places, &login.account, &login.id);
        send(&holder, Signal::TERM);
    }

    fn note(&mut self, places: &Places, account: &str, session: &str) {
        self.is_told = true;
        let entry = Entry::Closed {
            account: account.to_owned(),
            session: session.to_owned(),
            reason: self.reason.clone(),
        };
        // It is on the server that it was closed, and by whom.
        log::append(places, now_us(), entry).ok();
    }

    fn kill(&self, process: &OwnedFd) {
        if self.since.elapsed() >= PATIENCE {
            pidfd_send_signal(process, Signal::KILL).ok();
        }
    }
}

/// Somebody who is stopped hears nothing until he goes on.
fn send(process: &OwnedFd, signal: Signal) {
    for signal in [signal, Signal::CONT] {
        // He may be gone.
        pidfd_send_signal(process, signal).ok();
    }
}

/// Says something on the terminal that a recorder stands before, if it takes it.
fn tell(recorder: &OwnedFd, pid: u32, text: &str) {
    // Nothing in it is to act there.
    let text: String = text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    let terminal = (0..3).find_map(|descriptor| terminal(&format!("/proc/{pid}/fd/{descriptor}")));
    // Of whoever has its number since, the terminal may be another's.
    if let Some(mut terminal) = terminal.filter(|_| is_there(recorder)) {
        // There is nobody else to tell.
        terminal.write_all(format!("\r\ncasemate: {text}\r\n").as_bytes()).ok();
    }
}

/// Whether a process has not ended.
fn is_there(process: &OwnedFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&at_once)), Ok(0))
}

/// Opens what a descriptor of somebody leads to, if that is a terminal. Of all else not even the opening is harmless, and
/// whoever cannot open a device may still have a descriptor that leads there: so it is held, and looked at, before.
fn terminal(path: &str) -> Option<File> {
    let held = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let about = rustix::fs::fstat(&held).ok()?;
    let is_device = FileType::from_raw_mode(about.st_mode) == FileType::CharacterDevice;
    if !is_device || !TERMINALS.contains(&rustix::fs::major(about.st_rdev)) {
        return None;
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened =
        rustix::fs::open(format!("/proc/self/fd/{}", held.as_raw_fd()), flags, Mode::empty()).ok()?;
    isatty(&opened).then(|| File::from(opened))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[test]
    fn who_has_ended_is_there_no_more() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let held = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        assert!(is_there(&held));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_there(&held));
    }
}
