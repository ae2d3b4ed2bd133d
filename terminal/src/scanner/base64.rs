//! Base64 (RFC 4648), just as much as control strings need of it.

/// Decodes base64, with or without padding; `None` if it is none.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    // One digit alone is less than a byte.
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let digits = group.iter().try_fold(0_u32, |digits, &byte| Some(digits << 6 | digit(byte)?))?;
        let missing = 4 - group.len();
        let [_, ref three @ ..] = (digits << (6 * missing)).to_be_bytes();
        bytes.extend_from_slice(&three[..3 - missing]);
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}
