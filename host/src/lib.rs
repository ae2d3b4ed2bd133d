//! What a host says of the sessions on it, and the wrapper around its shells.
//!
//! - [`Config`] is `/etc/casemate/config.toml`, [`Policy`] what it says of somebody, and why; pure. [`trusted`] reads
//!   files that root alone can have written.
//! - [`Asked`] says which shell is really to run; pure.
//! - [`places`] says where things are; [`log`] is the host log.
//! - [`login`] is who logged in, and how that is known; pure. [`logins`] keeps who is logged in, and finds the login
//!   within which one runs; [`who`] says what a recording is to say of it.
//! - [`wrap`] is the program in the place of a shell; thin.
//! - [`Registry`] knows which sessions run, [`sessions`] also which ran, and [`follow`] gives on what is recorded in one;
//!   [`watching`] is who may see that.
//! - [`syslog`] brings commands into the system's log. [`usage`] is how much of the disk recordings take.
//!
//! *Invariant*: nothing that the user can write, and nothing of the environment, decides what is recorded.

pub mod access;
mod causes;
mod clock;
mod config;
pub mod follow;
pub mod fuzz;
mod invocation;
mod joined;
mod json;
pub mod kept;
pub mod log;
pub mod login;
pub mod logins;
pub mod places;
mod policy;
mod process;
mod registry;
pub mod sessions;
pub mod syslog;
pub mod trusted;
pub mod usage;
pub mod watching;
pub mod who;
pub mod wrap;

pub use causes::with_causes;
pub use clock::now_us;
pub use config::{BadConfig, Config, Mode, Pipes, Record, Server};
pub use invocation::{Asked, Invocation, LINK, NoShell, link_to};
pub use joined::Joined;
pub use places::{Places, RECORDINGS};
pub use policy::{Origin, Policy, Setting, Subject, explained};
pub use registry::{Registered, Registration, Registry, RegistryError, is_session_id, terminal_device};
pub use watching::recording_folders;
