//! How a recording ends: why, and what is done to a session that is to end.

use std::time::Duration;

use rustix::process::Signal;

/// What is done when, and to whom: the signal goes to the program and what it runs in the foreground; without one the
/// session is left behind.
pub(crate) type Steps = &'static [(Duration, Option<Signal>)];

/// A session that is to end is asked by SIGHUP, then by SIGTERM, then killed, then left behind.
pub(crate) const END: Steps = &[
    (Duration::ZERO, Some(Signal::HUP)),
    (Duration::from_millis(400), Some(Signal::TERM)),
    (Duration::from_millis(800), Some(Signal::KILL)),
    (Duration::from_millis(1400), None),
];

/// A session that may not go on does nothing more: whoever is asked to end can still do something before.
pub(crate) const STOP: Steps = &[(Duration::ZERO, Some(Signal::KILL)), (Duration::from_millis(700), None)];

/// A session whose terminal went away is told so, and left to itself a moment later: whoever was told not to care, by
/// `nohup` for example, lives on.
pub(crate) const HANG_UP: Steps = &[(Duration::ZERO, Some(Signal::HUP)), (Duration::from_millis(700), None)];

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The program ended.
    Exit,
    /// The person's terminal went away.
    Hangup,
    /// The recorder received this signal.
    Signal(i32),
    /// The person asked for it.
    Stopped,
    /// The recording could not be written, and nothing may go on unrecorded.
    Unrecorded,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit => f.write_str("exit"),
            Self::Hangup => f.write_str("hangup"),
            Self::Signal(signal) => {
                let name = signal_hook::low_level::signal_name(*signal).unwrap_or("SIG?");
                write!(f, "signal {}", name.trim_start_matches("SIG"))
            }
            Self::Stopped => f.write_str("stopped"),
            Self::Unrecorded => f.write_str("unrecorded"),
        }
    }
}
