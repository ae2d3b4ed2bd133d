//! What was to be seen in recordings, in blocks of lines: kept beside them, and found again by a text.
//!
//! *Invariants*: block `n` of a recording is always the same, whoever makes it, so that it makes no difference who does, how
//! often, and where somebody before has stopped. A recording that is deleted takes its blocks along, and gets none any more.
//! None of this is in a chain: it can be made again.
//!
//! *Not here*: how lines are made of a recording and packed in blocks, and which of them has the text.

mod find;
mod write;

pub use find::{Around, Block, Seek};
pub use write::NewBlock;
pub(crate) use write::forget;
