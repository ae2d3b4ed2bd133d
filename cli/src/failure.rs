//! What went wrong, as one line, and what to do about it.

use std::io;

use casemate_client::{ClientError, NoFacts};
use casemate_review::CaseError;
use casemate_store::StoreError;
use casemate_store::recording::ReadError;

/// An error with a hint.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl std::fmt::Display) -> Self {
        Self { error: anyhow::anyhow!("{message}"), hint: None }
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what it is about.
    pub(crate) fn of(self, what: impl std::fmt::Display) -> Self {
        Self { error: self.error.context(what.to_string()), hint: self.hint }
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether the same may come to something later, without anybody doing anything.
    pub(crate) fn is_temporary(&self) -> bool {
        self.error.downcast_ref().is_some_and(ClientError::is_temporary)
    }

    /// Whoever read our output has seen enough: that is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.error.chain().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let hint = error
            .downcast_ref()
            .and_then(ReadError::hint)
            .or_else(|| error.downcast_ref().and_then(StoreError::hint))
            .or_else(|| error.downcast_ref().and_then(CaseError::hint))
            .or_else(|| error.downcast_ref().and_then(ClientError::hint))
            .or_else(|| error.downcast_ref().and_then(NoFacts::hint))
            .map(str::to_owned);
        Self { error, hint }
    }
}

/// Names the file that an error is about.
pub(crate) trait About<T> {
    fn about(self, what: impl std::fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> About<T> for Result<T, E> {
    fn about(self, what: impl std::fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure { error: error.into().context(what.to_string()), hint: None })
    }
}
