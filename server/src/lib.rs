//! The audit server: API, sign-in, ingest.
//!
//! - [`config`]: how it is to be; [`node`]: who it is, in its data folder.
//! - [`door`]: how many may be in; [`in_time`]: how long they may take to say what they want.
//! - [`who`]: who calls, and whether that is allowed; [`secrets`]: how passwords and keys are kept.
//! - [`api`]: what can be asked of it, by [`error`] what is answered where that is nothing.
//! - [`intake`]: what becomes of the bytes of a recording as they arrive. Pure. [`output`]: what was to be seen in it.
//!   [`film`]: it, as a browser plays it.
//!
//! *Not here*: what events say ([`casemate_audit_log`]), and how they are kept ([`casemate_audit_store`]).

pub mod api;
pub mod app;
pub mod config;
pub mod door;
pub mod error;
pub mod film;
pub mod in_time;
pub mod intake;
pub mod lifecycle;
pub mod node;
pub mod output;
pub mod pages;
pub mod playback;
pub mod secrets;
pub mod serve;
pub mod sessions;
pub mod who;

pub use serve::{ServeError, Server};

/// Tells whoever runs the server.
#[expect(clippy::print_stderr, reason = "this is the log of a service: the system's journal keeps it")]
pub(crate) fn say(what: std::fmt::Arguments<'_>) {
    eprintln!("casemate: {what}");
}
