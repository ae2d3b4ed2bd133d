//! What is said of a session that is one command: what was started, and, without a terminal, how many bytes passed each
//! way. They are the data of [`own::EXEC`](crate::own::EXEC) and [`own::TRAFFIC`](crate::own::TRAFFIC) events.
//!
//! *Invariants*: whatever the text, reading it never panics, and takes memory in proportion to a text of at most
//! [`LONGEST_TEXT`] bytes. What is not known is null or absent, never guessed.

use serde::{Deserialize, Serialize};

/// No data of an event is longer: arguments of [`ARGV_LIMIT`], of whose bytes JSON takes at most six for one, and the
/// paths beside them.
pub const LONGEST_TEXT: usize = 2 << 20;

/// Of the arguments so much is kept. The system takes one of at most 128 KiB, so that a line behind `-c` is whole.
pub const ARGV_LIMIT: usize = 256 << 10;

/// What was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// Path of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// What it is called, and its arguments.
    pub argv: Vec<String>,
    /// `argv` is longer, and cut.
    #[serde(default, skip_serializing_if = "is_false")]
    pub argv_cut: bool,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// It was started on a terminal: what it shows is output, and what is typed goes to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminal: bool,
    /// On a terminal, but what it puts out goes elsewhere, and neither is recorded nor counted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub output_elsewhere: bool,
}

/// How many bytes passed; null where nothing could count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// To the program's standard input.
    #[serde(rename = "in", default)]
    pub input: Option<u64>,
    /// From its standard output.
    #[serde(rename = "out", default)]
    pub output: Option<u64>,
    /// From its standard error.
    #[serde(rename = "err", default)]
    pub error: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Exec {
    /// Cuts the arguments behind [`ARGV_LIMIT`] bytes.
    #[must_use]
    pub fn limited(mut self) -> Self {
        let mut left = ARGV_LIMIT;
        for at in 0..self.argv.len() {
            let argument = &mut self.argv[at];
            // An argument without letters takes room as well.
            let Some(behind) = left.checked_sub(argument.len() + 1) else {
                argument.truncate(argument.floor_char_boundary(left.saturating_sub(1)));
                self.argv.truncate(if left == 0 { at } else { at + 1 });
                self.argv_cut = true;
                break;
            };
            left = behind;
        }
        self
    }

    /// Reads the data of an event; `None` where it holds nothing of the kind.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        serde_json::from_str::<Self>(text).ok().map(Self::limited)
    }
}

impl Traffic {
    /// Reads the data of an event; `None` where it holds nothing of the kind.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        serde_json::from_str(text).ok()
    }
}

impl std::fmt::Display for Exec {
    /// The data of an event.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

impl std::fmt::Display for Traffic {
    /// The data of an event.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_are_fixed() {
        let exec = Exec {
            exe: Some("/usr/bin/bash".into()),
            argv: vec!["-bash".into(), "-c".into(), "id".into()],
            argv_cut: false,
            cwd: Some("/root".into()),
            terminal: false,
            output_elsewhere: false,
        };
        let text = r#"{"exe":"/usr/bin/bash","argv":["-bash","-c","id"],"cwd":"/root"}"#;
        assert_eq!(exec.to_string(), text);
        assert_eq!(Exec::parse(text), Some(exec.clone()));
        let on_terminal = text.replace('}', r#","terminal":true}"#);
        assert_eq!(Exec { terminal: true, ..exec }.to_string(), on_terminal);
        let traffic = Traffic { input: Some(3), output: None, error: Some(0) };
        assert_eq!(traffic.to_string(), r#"{"in":3,"out":null,"err":0}"#);
        assert_eq!(Traffic::parse(r#"{"in":3,"err":0,"more":[1]}"#), Some(traffic));
    }

    #[test]
    fn what_is_nothing_of_the_kind_is_none() {
        for text in ["", "{}", "[]", "null", r#"{"argv":"ls"}"#, r#"{"argv":[1]}"#] {
            assert_eq!(Exec::parse(text), None, "{text}");
        }
        for text in ["", "null", r#"{"in":-1}"#, r#"{"in":1.5}"#, r#"{"in":99999999999999999999}"#] {
            assert_eq!(Traffic::parse(text), None, "{text}");
        }
        let long = format!(r#"{{"argv":["{}"]}}"#, "x".repeat(LONGEST_TEXT));
        assert_eq!(Exec::parse(&long), None);
    }

    #[test]
    fn long_arguments_are_cut_between_characters() {
        let line = "é".repeat(64 << 10);
        let argv = vec!["bash".to_owned(), "-c".to_owned(), line.clone(), line.clone(), line.clone(), line];
        let cut = Exec { argv, ..Exec::default() }.limited();
        assert!(cut.argv_cut && cut.argv.len() == 4);
        assert_eq!(cut.argv[2].len(), 128 << 10);
        assert!(cut.argv.concat().len() <= ARGV_LIMIT);
        assert_eq!(cut.clone().limited(), cut);
        let many = Exec { argv: vec![String::new(); 1 << 20], ..Exec::default() }.limited();
        assert!(many.argv.len() <= ARGV_LIMIT + 1 && many.argv_cut);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
            Exec::parse(&text);
            Traffic::parse(&text);
        }

        #[test]
        fn what_is_written_is_read(
            exe in any::<Option<String>>(), argv in any::<Vec<String>>(), argv_cut in any::<bool>(),
            cwd in any::<Option<String>>(), terminal in any::<bool>(), bytes in any::<[Option<u64>; 3]>(),
        ) {
            let exec = Exec { exe, argv, argv_cut, cwd, terminal, output_elsewhere: false };
            prop_assert_eq!(Exec::parse(&exec.to_string()), Some(exec));
            let traffic = Traffic { input: bytes[0], output: bytes[1], error: bytes[2] };
            prop_assert_eq!(Traffic::parse(&traffic.to_string()), Some(traffic));
        }
    }
}
