//! Records what happens in a terminal: a PTY proxy between a person's terminal and a program, and
//! the journal that brings what passes into a recording.
//!
//! [`record`] does it all, and [`record_pipes`] what there is to do where there is no terminal. Inside, what decides is pure and takes bytes and times ([`keys`],
//! [`echo`], the prompt), and what touches the system is thin: the proxy's loop, the PTY, the
//! terminal, the journal's file.
//!
//! *Invariants*: what passed is shown before it is recorded and recorded whole; between a key and its
//! echo there is no thread and no lock that is held while writing; nothing polls.

pub mod echo;
pub mod form;
pub mod fuzz;
pub mod keys;

mod control;
mod ending;
mod environment;
mod exec;
mod given_back;
mod identity;
mod integrate;
mod journal;
mod keyframes;
mod leader;
mod nonblocking;
mod notice;
mod observer;
mod pipes;
mod process;
mod program;
mod proxy;
mod pty;
mod readers;
mod rights;
mod session;
mod signals;
mod terminal;
mod typed_ahead;
mod witness;

pub use ending::Ending;
pub use environment::Environment;
pub use form::{Form, Format};
pub use identity::{Identity, SESSION_VARIABLE, Said, account_shell, audited_account, login_name, random_id};
pub use integrate::{Integration, NotIntegrated};
pub use journal::{AppendError, Existing, Rotation, claim, part_path, recording_version};
pub use pipes::{PipedOptions, record_pipes};
pub use program::Program;
pub use proxy::WindowSize;
pub use rights::{Rights, with as with_rights};
pub use session::{Begun, Device, Options, Output, RecordError, Recorded, Role, Unrecorded, record};
pub use signals::die_of;
pub use witness::Witness;
