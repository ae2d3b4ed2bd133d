//! The pages of the audit server. **Pure**: data in, HTML and files out.
//!
//! - [`view`]: what a page shows, and the address that says so. [`filter`]: the bar with which somebody asks for something else.
//! - [`logs`]: the logs, a table and its columns for each; [`event`]: one row of them by itself. [`session`]: a session, played.
//! - [`recordings`]: which there are. [`search`]: in all of them. [`settings`]: who and what there is.
//! - [`layout`]: what all pages have in common; [`sign_in`] and [`message`]: those that need nobody signed in.
//! - [`time`] and [`text`]: moments, and text that somebody else wrote. [`assets`]: scripts and styles.
//!
//! *Invariants*: what was recorded or sent by others becomes text, never markup, and what of it would act on the page is shown
//! as what it is. No page holds a script or a style, so that the policy allows none. Each page can be read, and each filter
//! set, without scripts.
//!
//! *Not here*: who may see what, and where it comes from (`casemate-server`).

pub mod assets;
pub mod empty;
pub mod event;
pub mod filter;
pub mod layout;
pub mod logs;
pub mod message;
pub mod recordings;
pub mod search;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod text;
pub mod time;
pub mod view;

pub use maud::Markup;
