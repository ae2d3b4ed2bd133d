//! What is searched for: a text or a regular expression, and how an index narrows it down.

mod narrow;

use regex::{Regex, RegexBuilder};

/// A pattern. `^` and `$` stand for the ends of lines, also within a command of several.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    sql: String,
    narrowed: Option<String>,
    /// Whether it is found in several lines where it is found in one of them.
    is_local: bool,
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// It is a text rather than a regular expression.
    pub fixed: bool,
    /// Large and small letters are the same.
    pub ignore_case: bool,
}

/// Why something is no pattern, in a line: the error's own message is a picture of several.
#[must_use]
pub fn why_none(error: &regex::Error) -> String {
    let error = error.to_string();
    error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// It is no regular expression, or one that would take too much memory.
    pub fn new(pattern: &str, meaning: Meaning) -> Result<Self, regex::Error> {
        let escaped = meaning.fixed.then(|| regex::escape(pattern));
        let pattern = escaped.as_deref().unwrap_or(pattern);
        let regex =
            RegexBuilder::new(pattern).case_insensitive(meaning.ignore_case).multi_line(true).build()?;
        let (narrowed, is_local) = narrow::look(pattern, meaning.ignore_case);
        let flags = if meaning.ignore_case { "mi" } else { "m" };
        Ok(Self { regex, sql: format!("(?{flags}){pattern}"), narrowed, is_local })
    }

    /// The expression that finds it.
    #[must_use]
    pub fn regex(&self) -> &Regex {
        &self.regex
    }

    /// The same as the database's `REGEXP` has it: with its flags in it.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// An expression of FTS5 that everything matches in which the pattern is found; `None` where nothing can be said.
    pub(crate) fn narrowed(&self) -> Option<&str> {
        self.narrowed.as_deref()
    }

    /// Returns whether it may be found in one of several lines.
    pub(crate) fn may_be_in(&self, lines: &str) -> bool {
        !self.is_local || self.regex.is_match(lines)
    }
}
