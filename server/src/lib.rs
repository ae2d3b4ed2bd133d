//! The audit server: API, sign-in, ingest.

pub mod intake;
