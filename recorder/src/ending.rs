//! How a recording ends: why, and what is done to a session that is to end.

use std::time::Duration;

use rustix::process::Signal;

/// A session that is to end is asked by SIGHUP, then by SIGTERM, then killed, then left behind.
pub(crate) const STEPS: [(Duration, Option<Signal>); 4] = [
    (Duration::ZERO, Some(Signal::HUP)),
    (Duration::from_millis(400), Some(Signal::TERM)),
    (Duration::from_millis(800), Some(Signal::KILL)),
    (Duration::from_millis(1400), None),
];

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
        }
    }
}
