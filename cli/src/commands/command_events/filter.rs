//! Kinds of command events, as asked for.

use casemate_command_log::Kind;
use clap::ValueEnum;

/// A kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// Commands given to a shell
    Shell,
    /// Lines given to a program: answers, queries, statements
    Program,
    /// Something was run that the terminal did not show
    Hidden,
    /// Lines thrown away before they were run
    Cancelled,
    /// All of them
    All,
}

impl KindArg {
    /// The kinds that are wanted; none where all are.
    pub(crate) fn kinds(wanted: &[Self]) -> Vec<Kind> {
        let kinds = wanted.iter().map(|wanted| match wanted {
            Self::Shell => Some(Kind::Shell),
            Self::Program => Some(Kind::Program),
            Self::Hidden => Some(Kind::Hidden),
            Self::Cancelled => Some(Kind::Cancelled),
            Self::All => None,
        });
        kinds.collect::<Option<_>>().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_more_than_some() {
        assert_eq!(KindArg::kinds(&[KindArg::Hidden, KindArg::Shell]), [Kind::Hidden, Kind::Shell]);
        assert_eq!(KindArg::kinds(&[KindArg::Hidden, KindArg::All]), []);
    }
}
