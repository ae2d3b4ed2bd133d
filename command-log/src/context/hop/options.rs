//! The options of a command line, read as `getopt_long` reads them.
//!
//! Which options take a value is all that must be known; an unknown one is taken for a flag.

use super::super::words::Word;

/// Which options of a program take a value.
#[derive(Clone, Copy)]
pub(super) struct Takes {
    /// One letter each.
    pub(super) short: &'static str,
    /// Without the dashes, with spaces between.
    pub(super) long: &'static str,
}

impl Takes {
    fn long(self, name: &str) -> bool {
        self.long.split(' ').any(|known| known == name)
    }
}

/// One option.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opt<'a> {
    /// A letter, or a long name, without dashes.
    pub(super) name: &'a str,
    pub(super) value: Option<Value<'a>>,
}

/// What was given to an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) literal: bool,
}

impl Opt<'_> {
    /// Whether it is one of these names.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }
}

/// Reads options from the front of some words; [`Options::rest`] is what follows.
pub(super) struct Options<'a> {
    words: &'a [Word],
    takes: Takes,
    /// The letters not yet read of the first word, which is a cluster such as `-it`.
    cluster: &'a str,
    /// `--` was read: what follows is no option.
    over: bool,
}

impl<'a> Options<'a> {
    pub(super) fn new(words: &'a [Word], takes: Takes) -> Self {
        Self { words, takes, cluster: "", over: false }
    }

    /// The next option; `None` at the first other word, behind `--`, and at the end.
    pub(super) fn next(&mut self) -> Option<Opt<'a>> {
        if self.cluster.is_empty() {
            if self.over {
                return None;
            }
            let (word, rest) = self.words.split_first()?;
            if word.text == "--" {
                self.words = rest;
                self.over = true;
                return None;
            }
            if let Some(long) = word.text.strip_prefix("--") {
                self.words = rest;
                return Some(self.long(long, word.literal));
            }
            self.cluster = word.text.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        }
        let length = self.cluster.chars().next()?.len_utf8();
        let (name, behind) = self.cluster.split_at(length);
        let literal = self.words.first().is_some_and(|word| word.literal);
        if self.takes.short.contains(name) {
            self.cluster = "";
            self.words = self.words.get(1..).unwrap_or_default();
            let value = if behind.is_empty() { self.take() } else { Some(Value { text: behind, literal }) };
            return Some(Opt { name, value });
        }
        self.cluster = behind;
        if behind.is_empty() {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        Some(Opt { name, value: None })
    }

    /// The next word that is no option, taken away, so that options may go on behind it.
    pub(super) fn positional(&mut self) -> Option<&'a Word> {
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(word)
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [Word] {
        self.words
    }

    /// Whether a `--` was read.
    pub(super) fn over(&self) -> bool {
        self.over
    }

    fn long(&mut self, long: &'a str, literal: bool) -> Opt<'a> {
        if let Some((name, text)) = long.split_once('=') {
            return Opt { name, value: Some(Value { text, literal }) };
        }
        let value = if self.takes.long(long) { self.take() } else { None };
        Opt { name: long, value }
    }

    fn take(&mut self) -> Option<Value<'a>> {
        let word = self.positional()?;
        Some(Value { text: &word.text, literal: word.literal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKES: Takes = Takes { short: "uC", long: "user chdir" };

    fn read(line: &str) -> (String, String) {
        let words: Vec<Word> = line.split_whitespace().map(Word::literal).collect();
        let mut options = Options::new(&words, TAKES);
        let mut shown = Vec::new();
        while let Some(option) = options.next() {
            shown.push(match option.value {
                Some(value) => format!("{}={}", option.name, value.text),
                None => option.name.into(),
            });
        }
        let rest: Vec<_> = options.rest().iter().map(|word| word.text.as_str()).collect();
        (shown.join(" "), rest.join(" "))
    }

    #[test]
    fn options_are_read_as_getopt_reads_them() {
        for (line, options, rest) in [
            ("-i -u bob sh -c x", "i u=bob", "sh -c x"),
            ("-iubob sh", "i u=bob", "sh"),
            ("-iu bob", "i u=bob", ""),
            ("--user=bob --login --chdir /x y", "user=bob login chdir=/x", "y"),
            ("--user", "user", ""),
            ("-u", "u", ""),
            ("-i -- -u x", "i", "-u x"),
            ("- bob", "", "- bob"),
            ("-é x", "é", "x"),
            ("", "", ""),
        ] {
            assert_eq!(read(line), (options.into(), rest.into()), "{line}");
        }
    }
}
