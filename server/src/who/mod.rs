//! Who calls, and whether that is allowed.
//!
//! - [`action`]: the policy, one table.
//! - [`gate`]: each call goes through it: who it is, whether it may, and the user event that says so.
//! - [`attempts`]: how often passwords may be tried. [`ticket`]: what of a call is part of one before. [`still`]: whoever
//!   takes something that lasts may it no more.

pub mod action;
pub mod attempts;
pub mod gate;
pub mod still;
pub mod ticket;

pub use action::{Action, Reach};
pub use gate::{Caller, Gate};
pub use still::Still;
pub use ticket::Seen;
