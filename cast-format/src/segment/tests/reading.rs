//! Whole recordings: what goes in comes out, in any pieces, to any reader.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use expect_test::expect;
use proptest::prelude::*;

use super::helper::{HEADER, Random, append, key, line, make, pieces, read, read_with, signed};
use crate::segment::seal::{SEAL_HEAD_BYTES, SEAL_MAGIC};
use crate::segment::seek_table::{self, Entry, SEEK_TABLE_MAGIC};
use crate::segment::{
    Packer, PackerConfig, SEGMENT_TEXT_LIMIT, Seal, SealHead, SegmentReader, UnpackerConfig, frame,
    fuzz_unpack,
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
        SeekTable { offset: 974, matches: Some(true) }
    "#]]
    .assert_eq(&read.log);
}

#[test]
fn zstd_decodes_the_plain_text() {
    let made = make(signed(1), 3, 4);
    assert_eq!(zstd::decode_all(made.file.as_slice()).unwrap(), made.text);
}

#[test]
fn everything_flushed_can_be_decoded() {
    let made = make(PackerConfig::default(), 2, 5);
    for (file, text) in made.flushed {
        assert_eq!(read(&made.file[..file]).text, made.text[..text]);
    }
}

#[test]
fn pieces_make_no_difference() {
    let mut made = make(PackerConfig::default(), 3, 2);
    append(&mut made, signed(1));
    let whole = read(&made.file);
    for piece in (1..40).chain([100, 1000]) {
        assert_eq!(read_with(&made.file, UnpackerConfig::default(), piece), whole);
    }
}

#[test]
fn segments_end_at_their_limits() {
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    let long = vec![b'x'; 3 << 20];
    let mut event = |text: &[u8], seconds: u64| {
        let text = [b"[", text, b"]\n"].concat();
        packer.write_event(&text, Micros(seconds * 1_000_000)).unwrap();
    };
    event(b"first", 0);
    event(b"59 seconds later", 59);
    event(b"60 seconds later", 60);
    event(&long, 61);
    event(b"small", 62);
    event(&vec![b'y'; usize::try_from(SEGMENT_TEXT_LIMIT).unwrap() - 12], 63);
    event(b"one byte too many", 64);
    packer.finish(None).unwrap();
    expect![[r#"
        segment 0: 2 events, 27 bytes, Micros(0) to Micros(59000000)
        segment 1: 1 events, 19 bytes, Micros(60000000) to Micros(60000000)
        segment 2: 1 events, 3145731 bytes, Micros(61000000) to Micros(61000000)
        segment 3: 2 events, 1048575 bytes, Micros(62000000) to Micros(63000000)
        segment 4: 1 events, 20 bytes, Micros(64000000) to Micros(64000000) final
        SeekTable { offset: 887, matches: Some(true) }
    "#]]
    .assert_eq(&read(packer.output()).log);
}

#[test]
fn flush_and_finish_do_nothing_twice() {
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    packer.flush().unwrap();
    packer.seal(None).unwrap();
    assert_eq!(packer.position(), 0);
    packer.write_event(&line(Micros(5), "a"), Micros(5)).unwrap();
    assert!(packer.has_unflushed() && packer.has_open_segment());
    assert_eq!(packer.segment_start(), Some(Micros(5)));
    packer.flush().unwrap();
    let position = packer.position();
    packer.flush().unwrap();
    assert_eq!(packer.position(), position);
    packer.finish(None).unwrap();
    let position = packer.position();
    packer.finish(None).unwrap();
    assert_eq!(packer.position(), position);
    assert!(!packer.has_open_segment() && packer.segment_start().is_none());
}

#[test]
fn the_seek_table_adds_up() {
    let mut made = make(signed(1), 3, 2);
    append(&mut made, signed(1));
    append(&mut made, signed(1));
    let pieces = pieces(&made.file);
    let mut tables = 0;
    for (at, piece) in pieces.iter().enumerate() {
        if piece[..4] == SEEK_TABLE_MAGIC.to_le_bytes() {
            tables += 1;
            let entries = seek_table::parse(&piece[8..]).unwrap();
            let lengths: Vec<usize> = pieces[..at].iter().map(Vec::len).collect();
            assert_eq!(entries.iter().map(|entry| entry.compressed as usize).collect::<Vec<_>>(), lengths);
            let texts = pieces[..at].iter().map(|piece| zstd::decode_all(piece.as_slice()).unwrap().len());
            assert!(entries.iter().map(|entry| entry.decompressed as usize).eq(texts));
            assert_eq!(seek_table::encode(&entries).unwrap(), *piece);
        }
    }
    assert_eq!(tables, 3);
    assert_eq!(read(&made.file).defects(), "");
    assert_eq!(read(&made.file).text, made.text);
}

#[test]
fn seek_tables_of_others_may_have_checksums() {
    let entry = |number: u32| [number.to_le_bytes(), (number * 2).to_le_bytes(), [9; 4]].concat();
    let table = [entry(5), entry(6), vec![2, 0, 0, 0, 0x80, 0xB1, 0xEA, 0x92, 0x8F]].concat();
    let expected = [5, 6].map(|number| Entry { compressed: number, decompressed: 2 * number });
    assert_eq!(seek_table::parse(&table).unwrap(), expected);
    assert!(seek_table::parse(&table[1..]).is_err());
}

#[test]
fn frames_are_walked_without_decoding() {
    let made = make(PackerConfig::default(), 1, 3);
    let bytes = &pieces(&made.file)[0];
    let walk = frame::walk(bytes);
    assert_eq!((walk.header, walk.end, walk.error), (Some(6), Some(bytes.len()), None));
    // Three flushes and the empty last block.
    assert_eq!(walk.block_ends.len(), 4);
    let cut = frame::walk(&bytes[..bytes.len() - 4]);
    assert_eq!((cut.end, cut.block_ends.len()), (None, 2));
}

#[test]
fn plain_zstd_files_of_others_are_read() {
    let mut file = zstd::encode_all(HEADER, 3).unwrap();
    let mut encoder = zstd::Encoder::new(Vec::new(), 19).unwrap();
    encoder.include_checksum(true).unwrap();
    io::Write::write_all(&mut encoder, b"[1.0, \"o\", \"a\"]\n").unwrap();
    file.extend(encoder.finish().unwrap());
    file.extend_from_slice(&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    let read = read(&file);
    assert_eq!(read.text, zstd::decode_all(file.as_slice()).unwrap());
    assert_eq!((read.verdict.segments, read.verdict.finished, read.defects().as_str()), (0, false, ""));
    let mut reader = SegmentReader::open(Cursor::new(&file)).unwrap();
    assert_eq!((reader.segments(), reader.sealed_segments()), (2, 0));
    assert_eq!(reader.text(0).unwrap(), HEADER);
}

#[test]
fn signatures_are_told_apart() {
    let made = make(signed(1), 2, 1);
    let mine = key(1).verifying_key().to_bytes();
    assert_eq!(read(&made.file).verdict.signed_by, Some(mine));
    let expecting = |seed: u8| UnpackerConfig {
        public_key: Some(key(seed).verifying_key().to_bytes()),
        ..UnpackerConfig::default()
    };
    assert!(read_with(&made.file, expecting(1), 1 << 16).verdict.intact);
    let other = read_with(&made.file, expecting(2), 1 << 16);
    expect![[r#"
        segment 0 is signed by another key
        segment 1 is signed by another key
        segment 2 is signed by another key
    "#]]
    .assert_eq(&other.defects());
    // Who strips all signatures must make all seals anew, which gives an intact file that nobody signed.
    let stripped = make(PackerConfig::default(), 2, 1);
    assert!(read(&stripped.file).verdict.intact);
    expect![[r#"
        segment 0 is not signed
        segment 1 is not signed
        segment 2 is not signed
    "#]]
    .assert_eq(&read_with(&stripped.file, expecting(1), 1 << 16).defects());
    // Going on without the key is named, and with another one too.
    for config in [PackerConfig::default(), signed(2)] {
        let mut made = make(signed(1), 1, 1);
        append(&mut made, config);
        assert!(!read(&made.file).verdict.intact);
        assert_eq!(read(&made.file).verdict.signed_by, None);
    }
}

#[test]
fn parts_are_linked() {
    let first = make(PackerConfig::default(), 1, 1);
    let link = read(&first.file).verdict.last_seal;
    assert_eq!(read(&first.file).verdict.continues, None);
    let second = make(PackerConfig { previous_seal: link, ..PackerConfig::default() }, 1, 1);
    assert_eq!(read(&second.file).verdict.continues, link);
    assert!(read(&second.file).verdict.intact);
    let expecting = |previous_seal| UnpackerConfig { previous_seal, ..UnpackerConfig::default() };
    assert!(read_with(&second.file, expecting(link), 100).verdict.intact);
    let wrong = read_with(&second.file, expecting(Some([7; 32])), 100);
    assert_eq!(wrong.defects(), "segment 0 does not follow the one before it\n");
}

/// Counts what is read.
struct Counting<R> {
    inner: R,
    seeks: usize,
    bytes: usize,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read;
        Ok(read)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seeks += 1;
        self.inner.seek(to)
    }
}

#[test]
fn a_moment_is_found_without_reading_what_lies_before() {
    let made = make(PackerConfig::default(), 500, 1);
    let file = Counting { inner: Cursor::new(&made.file), seeks: 0, bytes: 0 };
    let reader = SegmentReader::open(file).unwrap();
    assert_eq!((reader.segments(), reader.sealed_segments()), (501, 501));
    let mut file = reader.into_inner();
    assert!(file.bytes < 2 * 501 * 8 + 200, "the table alone: {}", file.bytes);
    (file.seeks, file.bytes) = (0, 0);
    let mut reader = SegmentReader::open(file).unwrap();
    for (second, segment) in [(0, 0), (59, 0), (60, 1), (61, 1), (12_345, 205), (29_939, 498), (90_000, 500)]
    {
        assert_eq!(reader.segment_at(Micros(second * 1_000_000)).unwrap(), Some(segment));
    }
    let file = reader.into_inner();
    assert!(file.seeks < 6 + 7 * 10, "{} seeks", file.seeks);
    assert!(file.bytes < 2 * 501 * 8 + 200 + 7 * 10 * (8 + SEAL_HEAD_BYTES), "{} bytes", file.bytes);
}

#[test]
fn an_unfinished_file_is_read_to_its_open_end() {
    let made = make(signed(1), 3, 4);
    let (file, text) = made.flushed[11];
    let mut reader = SegmentReader::open(Cursor::new(&made.file[..file + 3])).unwrap();
    assert_eq!((reader.segments(), reader.sealed_segments()), (3, 2));
    assert_eq!(reader.keyframe(1).unwrap().as_deref(), Some(b"keyframe".as_slice()));
    assert_eq!(reader.keyframe(0).unwrap(), None);
    assert_eq!(reader.segment_at(Micros(90_000_000)).unwrap(), Some(2));
    let texts: Vec<u8> = (0..3).flat_map(|index| reader.text(index).unwrap()).collect();
    assert_eq!(texts, made.text[..text]);
    assert!(reader.text(3).is_err() && reader.seal(2).unwrap().is_none());
}

#[test]
fn a_file_that_grows_is_read_on() {
    let made = make(PackerConfig::default(), 4, 3);
    let ends: Vec<usize> = made.flushed.iter().map(|flushed| flushed.0).chain([made.file.len()]).collect();
    for from in ends.iter().step_by(2) {
        let mut reader = SegmentReader::open(Cursor::new(made.file[..*from].to_vec())).unwrap();
        for to in &ends[ends.iter().position(|end| end == from).unwrap()..] {
            *reader.source.get_mut() = made.file[..*to].to_vec();
            reader.refresh().unwrap();
            let fresh = SegmentReader::open(Cursor::new(&made.file[..*to])).unwrap();
            assert_eq!(reader.places, fresh.places, "from {from} to {to}");
        }
    }
    // A finished one is appended to.
    let mut appended = make(PackerConfig::default(), 2, 3);
    let mut reader = SegmentReader::open(Cursor::new(appended.file.clone())).unwrap();
    append(&mut appended, PackerConfig::default());
    *reader.source.get_mut() = appended.file.clone();
    reader.refresh().unwrap();
    let fresh = SegmentReader::open(Cursor::new(&appended.file)).unwrap();
    assert_eq!(reader.places, fresh.places);
    let keyframes: Vec<bool> = (0..5).map(|index| reader.has_keyframe(index).unwrap()).collect();
    assert_eq!(keyframes, [false, true, false, false, false]);
}

#[test]
fn an_empty_file_has_no_segments() {
    let mut reader = SegmentReader::open(Cursor::new(b"")).unwrap();
    assert_eq!(reader.segment_at(Micros(0)).unwrap(), None);
    assert_eq!(read(b"").log, "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn seals_survive(
        sequence: u64, start: u64, end: u64, events: u64, bytes: u64, is_final: bool, sign: bool,
        keyframe in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        hash: [u8; 32],
    ) {
        let head = SealHead {
            sequence, start: Micros(start), end: Micros(end), events, text_bytes: bytes, frame_bytes: bytes / 2,
            is_final,
        };
        let key = sign.then(|| key(3));
        let seal = Seal::new(head, keyframe, hash, [1; 32], key.as_ref());
        let bytes = seal.encode();
        prop_assert_eq!(&bytes[..4], SEAL_MAGIC.to_le_bytes());
        prop_assert_eq!(SealHead::parse(&bytes[8..bytes.len().min(8 + SEAL_HEAD_BYTES)]).unwrap(), head);
        for cut in 8..bytes.len() {
            prop_assert!(Seal::parse(&bytes[8..cut]).is_err());
        }
        prop_assert_eq!(Seal::parse(&bytes[8..]).unwrap(), seal);
    }

    #[test]
    fn any_bytes_are_read_alike(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_unpack(&bytes);
    }

    /// Real things, shuffled, cut and changed.
    #[test]
    fn damaged_recordings_are_read_alike(seed: u64, changes in 0_u64..6) {
        let mut random = Random(seed | 1);
        let mut made = make(PackerConfig::default(), 3, 2);
        append(&mut made, PackerConfig::default());
        let mut file = made.file;
        for _ in 0..changes {
            let length = file.len() as u64;
            let at = usize::try_from(random.below(length)).unwrap();
            let other = usize::try_from(random.below(length)).unwrap();
            match random.below(4) {
                0 => file[at] ^= 1 << random.below(8),
                1 => drop(file.drain(at.min(other)..at.max(other))),
                2 => { let copy = file[at.min(other)..at.max(other)].to_vec(); file.extend(copy); }
                _ => file.rotate_left(at),
            }
            if file.is_empty() { break; }
        }
        fuzz_unpack(&file);
        let reader = SegmentReader::open(Cursor::new(&file));
        let mut reader = reader.unwrap();
        for index in 0..reader.segments().min(20) {
            let _sealed = reader.text(index);
        }
        let _plan = crate::segment::find_tail(Cursor::new(&file));
    }
}
