//! An error with what caused it, in one line.

use std::error::Error;

/// The error, and behind each colon its cause.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source().map(|cause| cause as &dyn Error));
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
