//! What is searched for: a regular expression that takes no more time and memory than searching may.

use regex::{Regex, RegexBuilder};

/// An expression that takes more memory is refused; words and names take a few kilobytes.
const SIZE_LIMIT: usize = 4 << 20;

/// A regular expression. Without a capital letter in it, it finds small and capital letters.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// An expression that cannot be read, or would take too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

impl Pattern {
    /// Reads an expression, as the crate `regex` has them.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        let regex = RegexBuilder::new(text)
            .case_insensitive(!has_capital(text))
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| BadPattern(explain(&error)))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it is found in a line, first.
    #[must_use]
    pub fn find(&self, line: &str) -> Option<std::ops::Range<usize>> {
        self.regex.find(line).map(|found| found.range())
    }
}

/// Whether anybody cares for capitals; those of classes like `\S` are none.
fn has_capital(text: &str) -> bool {
    let mut is_escaped = false;
    text.chars().any(|character| {
        let counts = character.is_uppercase() && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        counts
    })
}

/// What is wrong, in one line: what the parser says last.
fn explain(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "the expression is too large".to_owned();
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_matter_where_there_is_one() {
        let found = |pattern: &str, line: &str| Pattern::new(pattern).unwrap().find(line);
        assert_eq!(found("error", "an ERROR"), Some(3..8));
        assert_eq!(found("Error", "an ERROR"), None);
        assert_eq!(found(r"\Sx", "ABX"), Some(1..3));
        assert_eq!(found(r"\\E", "\\e"), None);
    }

    #[test]
    fn bad_expressions_are_explained_in_a_line() {
        assert_eq!(Pattern::new("a(b").unwrap_err().to_string(), "unclosed group");
        assert_eq!(Pattern::new("(a{900}){900}").unwrap_err().to_string(), "the expression is too large");
    }
}
