//! Where audit logs are kept, in SQLite or PostgreSQL, and how they are found again.
//!
//! - [`Database`]: one of the two, by its address. [`Database::page`] answers a [`Page`], [`Database::after`] a cursor,
//!   [`Database::values`] whoever begins to type a name.
//! - [`Appender`]: the one way in. Events become rows of its chain.
//! - [`Database::known_calls`]: which calls of Kubernetes are there already.
//! - [`Journal`]: what many tasks have to keep, committed together: events, bytes of recordings, and each [`Step`] that is
//!   made once and said once.
//! - [`Recordings`]: recordings, in a database and in objects, while they grow and afterwards. [`Database::output`] finds what
//!   was to be seen in them, [`Database::commands_at`] while which command that was.
//! - [`Directory`]: whose it all is, who and what there is. [`Connections`]: who is where.
//!
//! Within: `schema` are the tables, `names` what those of the logs are called, `record` how other things are kept one a row,
//! `database` the two kinds and statements that both understand, `limit` how a question is stopped.
//!
//! *Invariants*: rows of the logs are added, and never changed or removed: the database itself refuses. What may be done is
//! to take the content of a row away ([`Database::erase`]); its hashes stay. What a writer has written comes in its order and
//! without gaps, so that a cursor of each writer's number misses nothing, however late a row is committed.
//!
//! *Not here*: what events say, and how chains are checked ([`casemate_audit_log`]).

mod append;
pub mod connections;
mod database;
pub mod directory;
mod error;
mod journal;
mod kube;
mod limit;
mod merge;
mod names;
mod output;
mod question;
mod read;
mod ready;
mod record;
mod recordings;
mod step;
mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod values;

pub use append::{Appender, Written};
pub use connections::Connections;
pub use database::Database;
pub use directory::Directory;
pub use error::StoreError;
pub use journal::{Batch, Chunk, Journal};
pub use output::{Around, Block, NewBlock, Seek};
pub use question::{Found, Order, Page, Position};
pub use read::Cursor;
pub use record::Digest;
pub use recordings::{Form, KeptScene, Mark, NewRecording, Recording, RecordingFilter, Recordings, Tended};
pub use step::Step;
pub use values::{Facet, Names};
