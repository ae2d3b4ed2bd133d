//! What was typed, and how fast, for people.

use casemate_tui::text::harmless;

/// `2×`, `0.5×`.
pub(crate) fn speed(speed: f64) -> String {
    format!("{speed}×")
}

/// Keys that were typed, each in as little room as can be.
pub(crate) fn typed(input: &str) -> String {
    let mut text = String::new();
    let mut rest = input;
    while let Some(first) = rest.chars().next() {
        let arrow = [
            ("\x1b[A", "↑"),
            ("\x1b[B", "↓"),
            ("\x1b[C", "→"),
            ("\x1b[D", "←"),
            ("\x1bOA", "↑"),
            ("\x1bOB", "↓"),
            ("\x1bOC", "→"),
            ("\x1bOD", "←"),
        ];
        if let Some((sequence, name)) = arrow.iter().find(|(sequence, _)| rest.starts_with(sequence)) {
            text.push_str(name);
            rest = &rest[sequence.len()..];
            continue;
        }
        match first {
            '\r' | '\n' => text.push('⏎'),
            '\t' => text.push('⇥'),
            ' ' => text.push('␣'),
            '\u{7f}' | '\u{8}' => text.push('⌫'),
            '\u{1b}' => text.push('⎋'),
            '\0'..='\u{1f}' => {
                text.push('^');
                text.push(char::from_u32(u32::from(first) + 64).unwrap_or('?'));
            }
            other => text.push_str(&harmless(other.encode_utf8(&mut [0; 4]))),
        }
        rest = &rest[first.len_utf8()..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_nothing_is_obeyed() {
        assert_eq!(typed("ls -l\r\x1b[A\x03\u{9b}"), "ls␣-l⏎↑^C\\u{9b}");
        assert_eq!((speed(1.0), speed(0.5)), ("1×".into(), "0.5×".into()));
    }
}
