//! Times, sizes and names for people.

use std::borrow::Cow;

use casemate_cast_format::Micros;
use casemate_terminal::is_acting;

/// A text in which nothing is left that a terminal obeys, or that turns its direction.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_acting) {
        return text.into();
    }
    let escape = |character: char| match character {
        '\n' => "⏎".to_owned(),
        '\t' => " ".to_owned(),
        _ if is_acting(character) => character.escape_default().to_string(),
        _ => character.to_string(),
    };
    text.chars().map(escape).collect::<String>().into()
}

/// `1:02:03`, `2:03`; with tenths where they matter.
#[must_use]
pub fn clock(time: Micros, has_tenths: bool) -> String {
    let seconds = time.0 / 1_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let tenths = if has_tenths { format!(".{}", time.0 / 100_000 % 10) } else { String::new() };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}{tenths}")
    } else {
        format!("{minutes}:{rest:02}{tenths}")
    }
}

/// `850 ms`, `2.4 s`, `3m12s`.
#[must_use]
pub fn span(time: Micros) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let seconds = time.0 as f64 / 1e6;
    match time.0 / 1_000_000 {
        0 => format!("{}ms", time.0 / 1000),
        1..60 => format!("{seconds:.1}s"),
        whole @ 60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        whole => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
    }
}

/// `12`, `12 345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1.2 MiB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(harmless("ls"), "ls");
        assert_eq!(harmless("a\x1b]0;x\x07\u{202e}\nb\u{9b}"), "a\\u{1b}]0;x\\u{7}\\u{202e}⏎b\\u{9b}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(clock(Micros(0), false), "0:00");
        assert_eq!(clock(Micros(83_450_000), true), "1:23.4");
        assert_eq!(clock(Micros(3_723_000_000), false), "1:02:03");
        assert_eq!(span(Micros(85_000)), "85ms");
        assert_eq!(span(Micros(192_000_000)), "3m12s");
        assert_eq!((count(7), count(1_234_567)), ("7".into(), "1 234 567".into()));
    }
}
