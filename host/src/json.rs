//! JSON on one line in which nothing acts: whatever a stranger's name holds, a terminal that shows the line obeys none
//! of it. What acts is escaped, so a reader has the exact text. Pure.

use std::io::{self, Write};

use casemate_terminal::is_acting;
use serde::Serialize;
use serde_json::ser::Formatter;

/// Longer texts of strangers are cut: see [`capped`].
const LONGEST: usize = 256;

/// The line of a value, with its end.
pub(crate) fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(1 << 10);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut line, Quiet))?;
    line.push(b'\n');
    Ok(line)
}

/// A text of a stranger, cut to [`LONGEST`] characters; `…` says so.
pub(crate) fn capped(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

struct Quiet;

impl Formatter for Quiet {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_acting) {
            let (quiet, acting) = rest.split_at(at);
            writer.write_all(quiet.as_bytes())?;
            let character = acting.chars().next().unwrap_or_default();
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &acting[character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_is_escaped() {
        let text = "a\u{1b}[31m\n\u{9b}\u{202e}\u{e0001}é\"";
        let expected = "\"a\\u001b[31m\\n\\u009b\\u202e\\udb40\\udc01é\\\"\"\n";
        assert_eq!(String::from_utf8(line(&text).unwrap()).unwrap(), expected);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(capped(&long), long);
        assert_eq!(capped(&format!("{long}x")), format!("{long}…"));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_nothing_in_it_acts(text in any::<String>()) {
            let line = line(&text).unwrap();
            let shown = std::str::from_utf8(&line).unwrap().strip_suffix('\n').unwrap();
            prop_assert!(!shown.contains(is_acting));
            prop_assert_eq!(serde_json::from_str::<String>(shown).unwrap(), text);
        }
    }
}
