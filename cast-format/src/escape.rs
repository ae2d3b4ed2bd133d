//! Plain text as the inside of a JSON string, as fast as bytes can be looked at.
//!
//! Whatever a program prints goes through here, and coloured output has something to escape every
//! dozen bytes: too often for a copy of each stretch between two escapes. So sixteen bytes are looked
//! at, and copied, at once; where one of them needs an escape, each byte goes through a table, which
//! guesses nothing and so guesses nothing wrong. The result is what serde_json writes, byte for byte.

/// Bytes that are looked at together.
const BLOCK: usize = 16;

/// Escaped text gathers here before it is appended; small enough to stay in the first-level cache, and
/// a power of two, so that masking keeps a place in it.
const STAGE: usize = 2048;

/// The longest escape, `\u001b`.
const LONGEST: usize = 6;

/// What no more than a stage comes of, whatever stands in it.
const PIECE: usize = STAGE / LONGEST / BLOCK * BLOCK;

/// A byte as it stands in a JSON string, padded, and in the last place how long that is: all in one
/// word, that one look at the table gives both.
type Spelling = [u8; 8];

/// How each byte is spelled. Those of longer characters stand for themselves.
const SPELLINGS: [Spelling; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 8]; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = match byte {
            b'"' | b'\\' => short(byte),
            0x08 => short(b'b'),
            b'\t' => short(b't'),
            b'\n' => short(b'n'),
            0x0c => short(b'f'),
            b'\r' => short(b'r'),
            ..0x20 => [b'\\', b'u', b'0', b'0', HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize], 0, 6],
            _ => [byte, 0, 0, 0, 0, 0, 0, 1],
        };
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

const fn short(letter: u8) -> Spelling {
    [b'\\', letter, 0, 0, 0, 0, 0, 2]
}

/// Appends the text with everything escaped that a JSON string cannot hold; the quotes around it are
/// the caller's.
pub(crate) fn escape_into(plain: &str, out: &mut Vec<u8>) {
    let mut stage = Stage { bytes: [0; STAGE + BLOCK], length: 0 };
    for piece in plain.as_bytes().chunks(PIECE) {
        let (blocks, rest) = piece.as_chunks::<BLOCK>();
        for block in blocks {
            if needs_escapes(block) { stage.spell(block) } else { stage.copy(block) }
        }
        stage.spell(rest);
        out.extend_from_slice(&stage.bytes[..stage.length]);
        stage.length = 0;
    }
}

/// Where escaped text gathers. What stands behind its length is overwritten.
struct Stage {
    bytes: [u8; STAGE + BLOCK],
    /// At most [`STAGE`], for no more than a [`PIECE`] goes in.
    length: usize,
}

impl Stage {
    fn copy(&mut self, block: &[u8; BLOCK]) {
        let at = self.length & (STAGE - 1);
        self.bytes[at..at + BLOCK].copy_from_slice(block);
        self.length += BLOCK;
    }

    fn spell(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let spelling = SPELLINGS[usize::from(byte)];
            let at = self.length & (STAGE - 1);
            self.bytes[at..at + spelling.len()].copy_from_slice(&spelling);
            self.length += usize::from(spelling[spelling.len() - 1]);
        }
    }
}

fn needs_escapes(block: &[u8; BLOCK]) -> bool {
    let (words, _) = block.as_chunks::<8>();
    words.iter().fold(0, |found, word| found | special(u64::from_le_bytes(*word))) != 0
}

/// Not zero if one of the eight bytes needs an escape. A subtraction borrows from the byte above only
/// where it found one, so a byte that is falsely marked is never alone.
fn special(word: u64) -> u64 {
    let repeated = |byte: u8| u64::from_ne_bytes([byte; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(repeated(limit)) & !word;
    let is = |byte: u8| below(word ^ repeated(byte), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & repeated(0x80)
}

#[cfg(test)]
mod tests {
    use super::{PIECE, STAGE, escape_into};
    use proptest::prelude::*;

    #[track_caller]
    fn check(plain: &str) {
        let mut escaped = b"\"".to_vec();
        escape_into(plain, &mut escaped);
        escaped.push(b'"');
        let escaped = String::from_utf8(escaped).expect("text stays text");
        assert_eq!(escaped, serde_json::to_string(plain).unwrap());
    }

    #[test]
    fn every_character_up_to_two_bytes_in_every_place_of_a_word() {
        for character in (0..0x800).filter_map(char::from_u32) {
            for place in 0..17 {
                check(&format!("{}{character}{}", "a".repeat(place), "z".repeat(16 - place)));
            }
        }
    }

    #[test]
    fn long_text_with_nothing_or_only_escapes() {
        for length in [PIECE - 1, PIECE, PIECE + 1, STAGE, 5 * STAGE] {
            check(&"x".repeat(length));
            check(&"\x1b".repeat(length));
            check(&"1234567\"".repeat(length / 8));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(plain in any::<String>()) {
            check(&plain);
        }

        #[test]
        fn agrees_with_serde_json_where_much_is_escaped(plain in "[ -~\0-\x1f\"\\\\\u{7f}\u{80}é→😀]{0,80}") {
            check(&plain);
        }
    }
}
