//! Recordings as they arrive.

mod commands;
mod cuts;
mod made;
mod refusing;
