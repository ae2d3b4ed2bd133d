//! Command events: who ran what on which target as which target user, read from a terminal stream.
//!
//! [`CommandLog`] is a machine that is fed one event of a recording at a time, live or years later, and gives
//! [`CommandEvent`]s. It reads the lines as they stand on an emulated screen behind the prompt, at the moment Enter
//! takes effect; marks of shell integration, input events and process facts help where a stream has them.
//!
//! The crate is pure: events in, events out; it does no I/O and reads no clock.
//!
//! *Invariants*: how output is cut into events of the same time changes nothing; memory is bounded, whatever is
//! fed; no bytes make it panic.
//!
//! ```
//! use casemate_cast_format::{Code, Event, Header, Micros, Size};
//! use casemate_command_log::CommandLog;
//!
//! let mut log = CommandLog::new(&Header::new(Size { cols: 80, rows: 24 }));
//! for (seconds, output) in [(1, "alice@web-1:~$ "), (2, "u"), (3, "ptime"), (4, "\r\nup 3 days\r\nalice@web-1:~$ "), (5, "")] {
//!     log.handle(&Event::new(Micros(seconds * 1_000_000), Code::Output, output));
//! }
//! log.finish();
//! let event = log.next_event().unwrap();
//! assert_eq!((event.command.as_deref(), event.offset), (Some("uptime"), Micros(4_000_000)));
//! ```

pub mod context;
pub mod event;
pub mod fuzz;
mod machine;
mod prompt;
mod region;
mod syntax;
#[cfg(test)]
mod tests;

pub use context::is_interactive_shell;
pub use event::{Candidate, CommandEvent, Kind, Piped, Reason, Source, State};
pub use machine::{CommandLog, command_line};
