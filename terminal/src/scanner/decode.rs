//! The ways in which text is written inside control strings.

/// Decodes `%XX`. What is no such thing stays as it is.
pub(super) fn percent(text: &[u8]) -> String {
    escaped(text, b"%")
}

/// Decodes `\xHH` and `\\`, as in OSC 633 and 3008.
pub(super) fn backslash(text: &[u8]) -> String {
    escaped(text, b"\\x")
}

/// Decodes two hexadecimal digits behind `mark`; where that begins with a backslash, a doubled one is one.
fn escaped(text: &[u8], mark: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let escape = rest.strip_prefix(mark).and_then(|digits| number(digits, 16, 2, 2));
        if let Some((value, behind)) = escape {
            bytes.push(u8::try_from(value).unwrap_or(b'?'));
            rest = behind;
        } else if mark[0] == b'\\' && rest.starts_with(b"\\\\") {
            bytes.push(b'\\');
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    lossy(&bytes)
}

/// Decodes a word as bash's `printf %q` writes it, up to the first `;` that is not quoted.
pub(super) fn quoted(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] | [b';', ..] => return lossy(&bytes),
            [b'$', b'\'', after @ ..] => dollar_quoted(after, &mut bytes),
            [b'\'', after @ ..] => {
                let end = after.iter().position(|&byte| byte == b'\'').unwrap_or(after.len());
                bytes.extend_from_slice(&after[..end]);
                after.get(end + 1..).unwrap_or_default()
            }
            [b'"', after @ ..] => double_quoted(after, &mut bytes),
            [b'\\', byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

fn double_quoted<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return rest,
            [b'"', after @ ..] => return after,
            [b'\\', byte @ (b'"' | b'\\' | b'$' | b'`'), after @ ..] | [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

/// Decodes what stands behind `$'`, and returns what follows the closing quote.
fn dollar_quoted<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = text;
    loop {
        let (byte, after) = match rest {
            [] => return rest,
            [b'\'', after @ ..] => return after,
            [b'\\', byte, after @ ..] => (*byte, after),
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
                continue;
            }
        };
        rest = after;
        let simple = match byte {
            b'a' => 0x07,
            b'b' => 0x08,
            b'e' | b'E' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'0'..=b'7' => {
                if let Some((value, behind)) = number(&text[text.len() - after.len() - 1..], 8, 1, 3) {
                    // An octal number of three digits can be too large for a byte; the shell cuts it.
                    bytes.push(value.to_le_bytes()[0]);
                    rest = behind;
                }
                continue;
            }
            b'x' | b'u' | b'U' => {
                let most = match byte {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                match number(after, 16, 1, most) {
                    Some((value, behind)) => {
                        if byte == b'x' {
                            bytes.push(value.to_le_bytes()[0]);
                        } else {
                            let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        rest = behind;
                    }
                    None => bytes.extend([b'\\', byte]),
                }
                continue;
            }
            b'c' => match after {
                [control, behind @ ..] => {
                    rest = behind;
                    control & 0x1f
                }
                [] => continue,
            },
            other => other,
        };
        bytes.push(simple);
    }
}

/// Reads `least` to `most` digits.
fn number(text: &[u8], radix: u32, least: usize, most: usize) -> Option<(u32, &[u8])> {
    let digits = text.iter().take(most).take_while(|&&byte| char::from(byte).is_digit(radix)).count();
    let (digits, rest) = text.split_at(digits);
    let value = digits.iter().try_fold(0_u32, |value, &byte| {
        value.checked_mul(radix)?.checked_add(char::from(byte).to_digit(radix)?)
    });
    if digits.len() < least { None } else { Some((value?, rest)) }
}

/// Turns bytes into text; what is no UTF-8 becomes U+FFFD.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
