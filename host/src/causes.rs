//! An error with what caused it, in one line.

use std::error::Error;

/// The error, and behind each colon its cause, unless that is said already.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.map(ToString::to_string).fold(error.to_string(), |said, cause| {
        if said.ends_with(&cause) { said } else { format!("{said}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("it failed: {0}")]
        Said(#[source] std::io::Error),
        #[error("it failed")]
        NotSaid(#[source] std::io::Error),
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("no room");
        assert_eq!(with_causes(&Failed::Said(cause())), "it failed: no room");
        assert_eq!(with_causes(&Failed::NotSaid(cause())), "it failed: no room");
    }
}
