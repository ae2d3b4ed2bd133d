//! One file per command: its arguments, whose doc comments are its help, and what it does.

pub(crate) mod agent;
pub(crate) mod cat;
pub(crate) mod command_events;
pub(crate) mod convert;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod keygen;
pub(crate) mod log;
pub(crate) mod play;
pub(crate) mod rec;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod screen;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod shell;
pub(crate) mod upload;
pub(crate) mod verify;
pub(crate) mod watch;
