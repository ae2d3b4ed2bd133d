//! The agent of a host: root's process that carries what is recorded there to the audit server, while it is recorded.
//!
//! Sessions are recorded by the wrapper, as ever, and know nothing of it: the recording is the spool. The agent follows the
//! folders of recordings and the host log, and brings each recording, and each login from elsewhere that had none, to the
//! server that the configuration names, with the key that root alone can read.
//!
//! - `run` is the whole of it: `scout`, woken by `watch`, finds out what there is to carry, and workers carry it. `queue` says
//!   what is next; `carried` is one recording, or one login, on its way.
//! - `roll`: who goes on, so that one call says for all of them that they are there, and hears who is to end.
//! - `logins` knows which logins are without a recording; `delivered` what needs no carrying any more.
//! - `close` ends what somebody closed on the server. `contact` is how it stands with the server, [`Status`] how that is told.
//!
//! *Invariants*: no session waits for the agent, and it changes no recording. Who, where and when comes from what root and
//! the wrapper have written. It may be killed at any moment: what it has forgotten the server knows.
//! *Not here*: who records, and what is to be seen of all this.

mod carried;
mod close;
mod contact;
mod delivered;
mod logins;
mod queue;
mod roll;
mod run;
mod scout;
mod status;
mod watch;

pub use queue::PARKED;
pub use run::{Agent, AgentError};
pub use status::{Backlog, Status, backlog};
