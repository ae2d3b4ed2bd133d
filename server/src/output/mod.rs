//! What was to be seen in recordings: read from what is kept of them, and kept so that it can be searched.
//!
//! - [`Lines`] makes blocks of lines of the bytes of a recording. Pure.
//! - [`keep`] is who reads recordings for that, in the background: whoever sends one does not wait for it.
//! - [`command_at`] says while which command a line was seen. Pure.
//!
//! *Invariant*: nothing that is proven depends on it. It can be made again of the recordings.

mod keeper;
mod lines;
mod whose;

pub use keeper::keep;
pub use lines::Lines;
pub use whose::command_at;
