//! Control strings: titles, folders, links, the clipboard. What is in them may be encoded.

use std::ops::Range;

use super::view::View;
use super::{Patterns, Spans};
use crate::scanner::base64;

/// Longest string that is looked at as a whole; of longer ones only the plain text is.
const LONGEST: usize = 256 << 10;

/// Base64 that is shorter holds no secret worth the name, and common words look like it.
const SHORTEST_BASE64: usize = 8;

/// A control string as it comes.
#[derive(Debug, Default)]
pub(crate) struct Coded {
    /// Without control characters, as terminals leave them out.
    view: View,
    is_open: bool,
}

impl Coded {
    /// Takes the next character of the string; `from` is where it stands in the stream.
    pub(crate) fn push(&mut self, character: char, from: u64, known: &Spans) {
        self.is_open = true;
        if !character.is_control() {
            let mut buffer = [0; 4];
            self.view.push_masked(character.encode_utf8(&mut buffer), from, known);
        }
    }

    /// Searches what came so far if it is long.
    pub(crate) fn search_if_long(&mut self, patterns: &impl Patterns, found: &mut dyn FnMut(Range<u64>)) {
        self.view.search_if_long(patterns, found);
    }

    /// Searches the string, and begins another one.
    pub(crate) fn end(&mut self, patterns: &impl Patterns, found: &mut dyn FnMut(Range<u64>)) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        self.view.search(patterns, found);
        let text = self.view.text();
        if text.len() <= LONGEST {
            for (decoded, sources) in [percent(text), backslashes(text)].into_iter().flatten() {
                patterns.find(&decoded, &mut |range| {
                    sources[range].iter().for_each(|source| self.view.each(source.clone(), found));
                });
            }
            for word in words(text) {
                if let Some(bytes) = base64::decode(text[word.clone()].as_bytes()) {
                    let mut is_found = false;
                    patterns.find(&String::from_utf8_lossy(&bytes), &mut |_| is_found = true);
                    if is_found {
                        self.view.each(word, found);
                    }
                }
            }
        }
        self.view.clear();
    }
}

/// Text that was decoded, and for each of its bytes where in the encoded one it comes from.
type Decoded = (String, Vec<Range<usize>>);

/// Decodes `%41`, as in folders and links. `None` if there is nothing of the kind.
fn percent(text: &str) -> Option<Decoded> {
    decode(text, b"%")
}

/// Decodes `\x41`, and takes other characters as they stand behind a backslash, as in the command lines that shell
/// integrations tell. `None` if there is nothing of the kind.
fn backslashes(text: &str) -> Option<Decoded> {
    decode(text, b"\\x")
}

fn decode(text: &str, prefix: &[u8]) -> Option<Decoded> {
    let bytes = text.as_bytes();
    let (mut decoded, mut sources) = (Vec::new(), Vec::new());
    let (mut at, mut is_decoded) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let (value, length) = match (hex(&bytes[at..], prefix), &bytes[at..]) {
            (Some(value), _) => (value, prefix.len() + 2),
            (None, &[b'\\', quoted, ..]) if prefix.starts_with(b"\\") => (quoted, 2),
            (None, _) => (byte, 1),
        };
        is_decoded |= length > 1;
        decoded.push(value);
        sources.push(at..at + length);
        at += length;
    }
    is_decoded.then(|| readable(&decoded, &sources))
}

/// Reads two hexadecimal digits behind a prefix.
fn hex(bytes: &[u8], prefix: &[u8]) -> Option<u8> {
    let digits = bytes.strip_prefix(prefix)?.get(..2)?;
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(digits[0])? << 4 | value(digits[1])?)
}

/// Makes text of bytes that may be none, and keeps where each byte of it comes from.
fn readable(bytes: &[u8], sources: &[Range<usize>]) -> Decoded {
    let (mut text, mut places, mut at) = (String::with_capacity(bytes.len()), Vec::new(), 0);
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid().len(), chunk.invalid().len());
        text.push_str(chunk.valid());
        places.extend_from_slice(&sources[at..at + valid]);
        at += valid;
        if invalid > 0 {
            text.push(char::REPLACEMENT_CHARACTER);
            places.extend(std::iter::repeat_n(sources[at].clone(), char::REPLACEMENT_CHARACTER.len_utf8()));
            at += invalid;
        }
    }
    (text, places)
}

/// The words of a string that may be base64, without what fills up their end.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let is_digit = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_digit)?;
        rest = text[start..].find(|character| !is_digit(character)).map_or(text.len(), |end| start + end);
        Some(start..rest)
    })
    .filter(|word| word.len() >= SHORTEST_BASE64)
}
