//! Whole recordings: what goes in comes out, in any pieces, to any reader.

use std::io::{Cursor, Read as _, Seek, SeekFrom};

use expect_test::expect;
use proptest::prelude::*;

use super::helper::{HEADER, append, key, line, make, pieces, read, read_with, signed};
use crate::segment::seal::SEAL_MAGIC;
use crate::segment::seek_table::{self, SEEK_TABLE_MAGIC};
use crate::segment::{
    Packer, PackerConfig, SEGMENT_TEXT_LIMIT, Seal, SealHead, SegmentReader, UnpackerConfig, fuzz_unpack,
};
use crate::time::Micros;

#[test]
fn what_was_packed_is_read() {
    let made = make(PackerConfig::default(), 3, 4);
    let read = read(&made.file);
    assert_eq!(read.text, made.text);
    assert!(read.verdict.intact, "{:?}", read.verdict);
    assert_eq!(read.verdict.sealed_text_bytes, made.text.len() as u64);
    expect![[r#"
        segment 0: 4 events, 204 bytes, Micros(0) to Micros(300000)
        segment 1: 4 events, 171 bytes, Micros(60000000) to Micros(60300000)
        segment 2: 4 events, 176 bytes, Micros(120000000) to Micros(120300000)
        segment 3: 0 events, 0 bytes, Micros(120300000) to Micros(120300000) final
        SeekTable { offset: 981, matches: Some(true) }
    "#]]
    .assert_eq(&read.log);
}

#[test]
fn zstd_decodes_the_plain_text() {
    let made = make(signed(1), 3, 4);
    assert_eq!(zstd::decode_all(made.file.as_slice()).unwrap(), made.text);
}

#[test]
fn pieces_make_no_difference() {
    let mut made = make(signed(1), 3, 2);
    append(&mut made, signed(1));
    let whole = read(&made.file);
    for piece in 1..100 {
        assert_eq!(read_with(&made.file, UnpackerConfig::default(), piece), whole);
    }
}
