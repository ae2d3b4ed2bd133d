//! What an audit log is made of. Pure: no files, no network, no clock but where it is asked for.
//!
//! - [`model`]: the events of the logs, in the names of BastionZero's API.
//! - [`facets`] and [`filter`]: by what they are found, and what is asked of them.
//! - [`chain`]: what makes a change be seen; [`verify`] checks an export.
//! - [`export`]: the forms in which events are given out: JSON, CSV, OCSF, ECS.
//! - [`kube`]: the Kubernetes API server's own audit log, made into events of ours.
//!
//! *Not here*: where they are kept, who may read them, and how they come.

mod canonical;
pub mod chain;
pub mod export;
pub mod facets;
pub mod filter;
pub mod fuzz;
pub mod kube;
pub mod model;
mod text;
mod time;
pub mod verify;

pub use text::{fold, folded};
pub use time::{NoTime, Time};
