//! Where sessions, commands and what was on the screen are kept, and found again.
//!
//! - [`recording`]: recordings read, whatever their form: what everything else is derived from.
//! - [`Store`]: an index of a set of recordings. It is brought up to date before it is asked, and can always be made
//!   again; recordings stay the truth.
//! - [`Pattern`]: what is searched for; [`look_through`] does so without an index. [`StopToken`]: a search given up.
//!
//! - [`lines`]: how what was on the screen is packed, here and on a server.
//!
//! Within: `watch` is how a recording is seen, `schema.sql` what stands in the index, `write` the one way into it, `index`
//! who reads recordings for it, `query` what is asked of it. All of the database's own is in
//! `database`.
//!
//! *Invariants*: recordings are only read, and nothing is written beside them. One bad recording never stops the others,
//! and what is wrong with it is kept. What is not in the index is counted, and can be read ([`Store::unread`]).

mod database;
mod direct;
mod entry;
mod error;
mod index;
pub mod lines;
mod pattern;
mod place;
mod query;
pub mod recording;
mod stop;
mod store;
#[cfg(test)]
mod tests;
mod watch;
mod write;

pub use direct::{Find, Part, Searched, look_through};
pub use entry::Entry;
pub use error::StoreError;
pub use index::{Progress, Updated};
pub use pattern::{Meaning, Pattern, why_none};
pub use place::{is_among, name_of, usual_place};
pub use query::{Command, Hit, Integrity, Order, Origin, Recording, Session, Timeline, Unread, Where};
pub use stop::StopToken;
pub use store::Store;
