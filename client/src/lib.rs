//! Talks to an audit server over HTTP: uploads recordings, reads logs. It blocks, and has no thread of its own but that of
//! a [`Live`] upload.
//!
//! - [`Client`]: one server, one key; its calls, and by [`ClientError`] what is said where one comes to nothing.
//! - [`ingest`]: the calls of whoever records. [`Upload`] brings a file to the server from wherever it had got to, [`Live`]
//!   one that grows. [`Facts`] are what a file says of itself.
//! - [`Tail`]: events as they come, through [`sse`].
//!
//! *Invariants*: the key goes to the server that it is for, and nowhere else: no redirect is followed, and it is in no
//! message. What is tried again is tried for as long as the caller wants, not longer.
//!
//! *Not here*: what anybody sees of it, where keys and spools are; that is the command line's.

mod error;
mod facts;
mod http;
pub mod ingest;
mod live;
pub mod name;
pub mod sse;
mod tail;
mod upload;

pub use error::ClientError;
pub use facts::{Facts, NoFacts, RecordingForm, id_of};
pub use http::{Client, Page, Settings, query};
pub use live::{Begin, End, Left, Live};
pub use tail::Tail;
pub use upload::{PIECE, Sent, Upload};
