//! The harness of the end-to-end tests: a private world, real terminals, and a reader of recordings that
//! shares no code with the product.
//!
//! In the order of use: a [`World`] is a temporary home with a clean environment; it makes a [`Launch`];
//! a launch becomes a [`Session`] on a terminal of its own, or a [`Finished`] run without any terminal;
//! what was recorded is read back as a [`Cast`].
//!
//! *Invariants.* Nothing here depends on a crate of the product: a bug in `cast-format` must not be able
//! to hide itself. Nothing waits for time to pass where a condition can be waited for. Everything that a
//! session started ends with it.
//!
//! *Not here*: assertions about features; they live in `it/`.

mod asker;
mod binary;
pub mod browser;
mod cast;
mod finished;
mod launch;
pub mod load;
pub mod machine;
pub mod process;
mod relay;
pub mod score;
pub mod server;
mod session;
pub mod slow;
mod slow_wire;
mod sshd;
pub mod tools;
pub mod typist;
mod wait;
mod world;

pub use asker::{Answer, Asker, Message, Tail};
pub use binary::{casemate, is_release};
pub use cast::{Cast, Event};
pub use finished::Finished;
pub use launch::Launch;
pub use machine::{Machine, Way};
pub use server::{AuditServer, PASSWORD};
pub use session::{Arrival, Session};
pub use slow_wire::slow_wire;
pub use sshd::Sshd;
pub use tools::Tmpfs;
pub use typist::Typist;
pub use wait::{LONG, turn, wait_until};
pub use world::{PROMPT, World};

/// Leaves the test because something is missing, and says what.
///
/// The line goes past libtest's capture, so that a green run still shows what it did not look at. With
/// `CASEMATE_REQUIRE_TOOLS=1` a missing thing is a failure.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::tools::skipped(&format!($($reason)*));
        return;
    }};
}

/// Goes on only if every named program is on the `PATH`, else [`skip!`]s.
#[macro_export]
macro_rules! need {
    ($($tool:expr),+ $(,)?) => {
        $(if $crate::tools::find($tool).is_none() {
            $crate::skip!("needs {}", $tool);
        })+
    };
}

/// Goes on only if a peer that is compared with is installed. Nobody has to have one.
#[macro_export]
macro_rules! peer {
    ($tool:expr) => {
        if $crate::tools::find($tool).is_none() {
            $crate::tools::left_out(&format!("{} is not installed, nothing is compared with it", $tool));
            return;
        }
    };
}

/// Plays a scenario on a bare machine and on wrapped ones, see [`machine::same`], or [`skip!`]s.
#[macro_export]
macro_rules! same {
    ($scenario:expr) => {
        match $crate::machine::same($scenario) {
            Ok(same) => same,
            Err(lacking) => $crate::skip!("needs {lacking}"),
        }
    };
}

/// Goes on with a machine, or [`skip!`]s.
#[macro_export]
macro_rules! booted {
    ($machine:expr) => {
        match $machine {
            Ok(machine) => machine,
            Err(lacking) => $crate::skip!("needs {lacking}"),
        }
    };
}

/// Goes on only in the slow lane, `CASEMATE_SLOW_TESTS=1`.
#[macro_export]
macro_rules! slow_lane {
    () => {
        if std::env::var_os("CASEMATE_SLOW_TESTS").is_none_or(|value| value != "1") {
            return;
        }
    };
}
