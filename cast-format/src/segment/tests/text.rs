//! Text read again, without proof.

use std::io;

use super::helper::{append, make, signed};
use crate::segment::text::{PIECE, TextReader};

fn read(bytes: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let (mut reader, mut text) = (TextReader::new()?, Vec::new());
    for bytes in bytes.chunks(piece) {
        reader.feed(bytes);
        while let Some(piece) = reader.next_text()? {
            assert!(piece.len() <= PIECE);
            text.extend_from_slice(piece);
        }
    }
    Ok(text)
}

#[test]
fn everything_flushed_is_given_in_any_pieces() {
    let mut made = make(signed(1), 3, 4);
    append(&mut made, signed(1));
    for piece in [1, 7, 100, 10_000] {
        assert_eq!(read(&made.file, piece).unwrap(), made.text);
    }
    for (file, text) in made.flushed {
        assert_eq!(read(&made.file[..file], 50).unwrap(), made.text[..text]);
    }
}

#[test]
fn much_text_in_a_few_bytes_is_given_piece_by_piece() {
    let text = vec![b'x'; 10 << 20];
    assert_eq!(read(&zstd::encode_all(text.as_slice(), 1).unwrap(), 1 << 20).unwrap(), text);
}

#[test]
fn other_bytes_are_an_error() {
    assert!(read(b"not a frame at all", 5).is_err());
}
