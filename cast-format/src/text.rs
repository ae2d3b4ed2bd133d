//! The text of an event, kept as the JSON string that it is in the file.
//!
//! Most work on recordings moves text without looking at it. So a [`Text`] holds the JSON string,
//! quotes and escapes included, and decodes only when asked: a conversion copies bytes, and what
//! another recorder escaped its own way stays as it was.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;

use crate::escape::escape_into;

/// A JSON string, quotes included. Invariant: valid JSON, no lone surrogates.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Escapes plain text.
    pub fn new(plain: &str) -> Text<'static> {
        let mut json = Vec::with_capacity(plain.len() + 2);
        json.push(b'"');
        escape_into(plain, &mut json);
        json.push(b'"');
        Text(Cow::Owned(String::from_utf8(json).expect("escaped text is text")))
    }

    /// The JSON string, quotes included.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The plain text. Borrowed when nothing in it was escaped.
    pub fn decode(&self) -> Cow<'_, str> {
        let body = &self.0[1..self.0.len() - 1];
        if memchr::memchr(b'\\', body.as_bytes()).is_none() {
            return Cow::Borrowed(body);
        }
        let mut plain = String::with_capacity(body.len());
        self.decode_into(&mut plain);
        Cow::Owned(plain)
    }

    /// Appends the plain text.
    pub fn decode_into(&self, out: &mut String) {
        unescape(&self.0[1..self.0.len() - 1], out).expect("Text holds a valid JSON string");
    }

    /// Cuts the tie to the buffer it was read from.
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// Takes a JSON string found by [`scan_string`].
    pub(crate) fn from_scanned(json: &'a str, lone_surrogate: bool) -> Self {
        if lone_surrogate {
            Text(Cow::Owned(replace_lone_surrogates(json)))
        } else {
            Text(Cow::Borrowed(json))
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a JSON string ends, and whether it holds half of a surrogate pair.
pub(crate) struct Scanned {
    pub(crate) end: usize,
    pub(crate) lone_surrogate: bool,
}

/// Finds the end of the JSON string that opens at `start`; `None` where there is none or it is
/// malformed. Control characters are the caller's concern.
pub(crate) fn scan_string(bytes: &[u8], start: usize) -> Option<Scanned> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    let mut lone_surrogate = false;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(Scanned { end: at + 1, lone_surrogate });
        }
        match bytes.get(at + 1)? {
            b'u' => {
                let unit = hex_unit(bytes, at + 2)?;
                at += 6;
                if is_high(unit) && matches!(escaped_unit(bytes, at), Some(low) if is_low(low)) {
                    at += 6;
                } else if is_high(unit) || is_low(unit) {
                    lone_surrogate = true;
                }
            }
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
            _ => return None,
        }
    }
}

/// Appends what the body of a JSON string stands for; `None` if it is none. Terminals are full of escapes, so this does
/// without the machinery of a parser.
fn unescape(body: &str, plain: &mut String) -> Option<()> {
    let bytes = body.as_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[from..]) {
        let at = from + found;
        plain.push_str(&body[from..at]);
        let (character, length) = match bytes.get(at + 1)? {
            b'u' => {
                let unit = hex_unit(bytes, at + 2)?;
                match char::from_u32(u32::from(unit)) {
                    Some(character) => (character, 6),
                    None => {
                        let pair = [unit, escaped_unit(bytes, at + 6)?];
                        (char::decode_utf16(pair).next()?.ok()?, 12)
                    }
                }
            }
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            &quoted @ (b'"' | b'\\' | b'/') => (char::from(quoted), 2),
            _ => return None,
        };
        plain.push(character);
        from = at + length;
    }
    plain.push_str(&body[from..]);
    Some(())
}

fn replace_lone_surrogates(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut fixed = String::with_capacity(json.len());
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        match escaped_unit(bytes, at) {
            Some(high)
                if is_high(high) && matches!(escaped_unit(bytes, at + 6), Some(low) if is_low(low)) =>
            {
                at += 12;
            }
            Some(unit) if is_high(unit) || is_low(unit) => {
                fixed.push_str(&json[kept..at]);
                fixed.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    fixed.push_str(&json[kept..]);
    fixed
}

fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    if bytes.get(at..at + 2)? == b"\\u" { hex_unit(bytes, at + 2) } else { None }
}

fn hex_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0_u16, |unit, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

fn is_high(unit: u16) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xDC00..0xE000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::{Text, scan_string};
    use proptest::prelude::*;

    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let decoded = scan_string(json.as_bytes(), 0)
            .map(|found| Text::from_scanned(&json[..found.end], found.lone_surrogate).decode().into_owned());
        assert_eq!(decoded.as_deref(), expected, "{json}");
    }

    #[test]
    fn decodes_every_escape() {
        check(r#""plain""#, Some("plain"));
        check(r#""\u001b[0m\r\n\t\"\\\/\b\f""#, Some("\x1b[0m\r\n\t\"\\/\u{8}\u{c}"));
        check(r#""\ud83d\ude00""#, Some("😀"));
        check(r#""a" tail"#, Some("a"));
    }

    #[test]
    fn replaces_lone_surrogates_and_nothing_else() {
        check(r#""a\ud800b""#, Some("a\u{fffd}b"));
        check(r#""\udc00\ud800\ud83d\ude00\\ud800""#, Some("\u{fffd}\u{fffd}😀\\ud800"));
        check(r#""\ud800\u0041""#, Some("\u{fffd}A"));
    }

    #[test]
    fn refuses_malformed_strings() {
        for json in [r#""open"#, r#""bad \x""#, r#""\u12""#, r#""\u12g4""#, r#""\"#, "", "x"] {
            check(json, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(plain in any::<String>()) {
            let text = Text::new(&plain);
            let scanned = scan_string(text.as_json().as_bytes(), 0).unwrap();
            prop_assert_eq!(scanned.end, text.as_json().len());
            prop_assert_eq!(text.decode(), plain.as_str());
            let mut behind = "before".to_owned();
            text.decode_into(&mut behind);
            prop_assert_eq!(behind.strip_prefix("before"), Some(plain.as_str()));
        }

        #[test]
        fn agrees_with_serde_json(body in r#"[a-c"\\/bfnrtud89]{0,24}"#) {
            let json = format!("\"{body}\"");
            let scanned = scan_string(json.as_bytes(), 0).filter(|found| found.end == json.len());
            let theirs = serde_json::from_str::<String>(&json);
            match scanned {
                Some(found) if !found.lone_surrogate => {
                    prop_assert_eq!(Text::from_scanned(&json, false).decode().into_owned(), theirs.unwrap());
                }
                _ => prop_assert!(theirs.is_err()),
            }
        }
    }
}
