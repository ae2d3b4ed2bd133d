//! Where sessions, commands and what was on the screen are kept, and found again.
//!
//! - [`recording`]: recordings read, whatever their form: what everything else is derived from.

pub mod recording;
