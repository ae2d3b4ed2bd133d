//! Text of anybody, made harmless.

use std::fmt::Write as _;

use casemate_cast_format::Micros;
use casemate_command_log::{CommandEvent, Kind, Reason};
use casemate_terminal::{escaped, is_acting};

/// Whether anything acts but line feeds and tabs.
pub(super) fn acts(text: &str) -> bool {
    text.chars().any(|character| is_acting(character) && !matches!(character, '\n' | '\t'))
}

/// One line, in which what acts is escaped.
pub(super) fn one_line(text: &str) -> String {
    escaped(text).into_owned()
}

/// One line, in which what acts is escaped, but for tabs.
pub(super) fn one_line_with_tabs(text: &str) -> String {
    text.split('\t').map(escaped).collect::<Vec<_>>().join("\t")
}

/// `alice@web-1 as root`, as far as it is known; empty where nothing is.
pub(super) fn who(event: &CommandEvent) -> String {
    let mut who = String::new();
    match (&event.user, &event.target) {
        // A name of a mailbox and a host would be one name.
        (Some(user), Some(target)) if user.contains('@') => _ = write!(who, "{user} on {target}"),
        (Some(user), Some(target)) => _ = write!(who, "{user}@{target}"),
        (Some(user), None) => who.push_str(user),
        (None, Some(target)) => _ = write!(who, "@{target}"),
        (None, None) => {}
    }
    if let Some(target_user) = &event.target_user {
        let gap = if who.is_empty() { "" } else { " " };
        _ = write!(who, "{gap}as {target_user}");
    }
    one_line(&who)
}

/// What stands where a command is not known.
pub(super) fn unknown(event: &CommandEvent) -> &'static str {
    match (event.kind, event.reason) {
        (_, Some(Reason::TooLong)) => "(longer than what is kept)",
        (_, Some(Reason::Overwritten)) => "(overwritten before it could be read)",
        (Kind::Program, Some(Reason::NotEchoed)) => "(an answer that was not shown)",
        (Kind::Shell | Kind::Hidden | Kind::Cancelled, Some(Reason::NotEchoed)) => {
            "(run without being shown)"
        }
        (_, None) => "(not known)",
    }
}

/// `0.25 s`, `1 h 02 min 03.4 s`.
pub(super) fn duration(time: Micros) -> String {
    if time.0 < 10_000_000 {
        let hundredths = (time.0 + 5_000) / 10_000;
        return format!("{}.{:02} s", hundredths / 100, hundredths % 100);
    }
    super::super::super::info::people_time(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(
            one_line("a\n\r\u{1b}[2J\u{9b}b\u{202e}c\té😀"),
            "a\\n\\r\\u{1b}[2J\\u{9b}b\\u{202e}c\\té😀"
        );
        assert_eq!(one_line_with_tabs("a\tb\u{2028}"), "a\tb\\u{2028}");
        assert!(acts("\u{85}") && acts("\r") && acts("\u{200b}") && !acts("a\n\tb"));
    }

    #[test]
    fn durations_are_as_exact_as_they_are_short() {
        for (micros, expected) in [
            (0, "0.00 s"),
            (254_000, "0.25 s"),
            (9_994_999, "9.99 s"),
            (10_040_000, "10.0 s"),
            (62_000_000, "1 min 02.0 s"),
            (3_723_400_000, "1 h 02 min 03.4 s"),
        ] {
            assert_eq!(duration(Micros(micros)), expected);
        }
    }
}
