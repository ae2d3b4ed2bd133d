//! Files that were cut, changed, or put together otherwise.
//!
//! Every flipped bit in a file of ours is found (`exhaustive` has all other small changes), and what comes
//! behind it is read.

use std::io::Cursor;

use expect_test::{Expect, expect};

use super::helper::{Random, append, make, mend, pieces, read, signed};
use crate::segment::{Packer, PackerConfig, SegmentReader, TailState, find_tail};
use crate::time::Micros;

#[test]
fn cut_anywhere_everything_flushed_is_there_and_goes_on() {
    let mut made = make(PackerConfig::default(), 2, 2);
    append(&mut made, PackerConfig::default());
    for cut in 0..made.file.len() {
        let torn = &made.file[..cut];
        let flushed = made.flushed.iter().rev().find(|place| place.0 <= cut).unwrap().1;
        let seen = read(torn);
        assert!(made.text.starts_with(&seen.text) && seen.text.len() >= flushed, "cut at {cut}");
        assert!(!seen.verdict.intact || cut == table_end(&made.file), "cut at {cut}: {}", seen.log);
        let whole = pieces_before(&made.file, cut);
        assert_eq!(seen.verdict.segments, whole, "cut at {cut}: {}", seen.log);
        assert_eq!(SegmentReader::open(Cursor::new(torn)).unwrap().sealed_segments() as u64, whole);

        let mut file = torn.to_vec();
        let state = find_tail(Cursor::new(&file)).unwrap().state;
        assert_eq!(state == TailState::Nothing, flushed == 0, "cut at {cut}");
        let mut packer = mend(&mut file, PackerConfig::default());
        assert_eq!(read(&file).text, made.text[..flushed], "cut at {cut}");
        let line = b"[999.5, \"o\", \"after\"]\n";
        packer.write_event(line, Micros(999_500_000)).unwrap();
        packer.finish(None).unwrap();
        file.extend(packer.take_output());
        let again = read(&file);
        assert!(again.verdict.intact, "cut at {cut}: {}", again.log);
        assert_eq!(again.text, [&made.text[..flushed], line].concat());
        assert_eq!(zstd::decode_all(file.as_slice()).unwrap(), again.text);
    }
}

#[test]
fn a_frame_of_others_that_claims_too_much_hides_nothing() {
    let made = make(PackerConfig::default(), 3, 2);
    let pieces = pieces(&made.file);
    // More than the file holds, and more than anybody would.
    for claim in [1_u32 << 20, 100 << 20, u32::MAX] {
        let frame = [&[0x50, 0x2A, 0x4D, 0x18], &claim.to_le_bytes()[..], b"text"].concat();
        let file = [pieces[..2].concat(), frame, pieces[2..].concat()].concat();
        let seen = read(&file);
        assert_eq!(seen.text, made.text, "{claim}: {}", seen.log);
        assert!(seen.defects().contains("damaged"), "{claim}: {}", seen.defects());
        for piece in [1, 7, 100] {
            assert_eq!(super::helper::read_with(&file, Default::default(), piece), seen);
        }
    }
}

/// Where the first part of a file that was appended to ends: cut there it is what it was before.
fn table_end(file: &[u8]) -> usize {
    let pieces = pieces(file);
    let table = pieces.iter().position(|piece| piece[0] == 0x5E).unwrap();
    pieces[..=table].iter().map(Vec::len).sum()
}

fn pieces_before(file: &[u8], cut: usize) -> u64 {
    let mut end = 0;
    let mut seals = 0;
    for piece in pieces(file) {
        end += piece.len();
        seals += u64::from(piece[0] == 0x5C && end <= cut);
    }
    seals
}

#[test]
fn mending_and_finishing_is_enough_for_a_repair() {
    let made = make(signed(1), 2, 3);
    for (cut, text) in &made.flushed[1..] {
        let mut file = made.file[..*cut].to_vec();
        file.extend_from_slice(b"\x24\x01");
        let mut packer = mend(&mut file, signed(1));
        packer.finish(None).unwrap();
        file.extend(packer.take_output());
        let again = read(&file);
        assert!(again.verdict.intact, "{}", again.log);
        assert_eq!(again.text, made.text[..*text]);
    }
}

#[test]
fn a_finished_file_needs_nothing() {
    let made = make(signed(1), 2, 3);
    let mut file = made.file.clone();
    let mut packer = mend(&mut file, signed(1));
    packer.finish(None).unwrap();
    assert_eq!((packer.take_output(), file), (Vec::new(), made.file));
}

#[test]
fn zeros_behind_a_crash_are_cut() {
    let made = make(PackerConfig::default(), 2, 3);
    let (cut, text) = made.flushed[5];
    let mut file = made.file[..cut].to_vec();
    file.resize(cut + 4096, 0);
    let plan = find_tail(Cursor::new(&file)).unwrap();
    assert_eq!((plan.truncate_to, plan.cut_bytes, plan.append.len()), (cut as u64, 4096, 3));
    mend(&mut file, PackerConfig::default());
    assert_eq!(read(&file).text, made.text[..text]);
}

#[test]
fn the_partial_line_is_kept_for_the_report() {
    // Blocks of 128 KiB end within lines.
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    let mut random = Random(5);
    for number in 0..100_u64 {
        let noise: String =
            (0..5000).map(|_| char::from(b'a' + u8::try_from(random.below(26)).unwrap())).collect();
        packer
            .write_event(format!("[{number}.25, \"o\", \"{noise}\"]\n").as_bytes(), Micros(number))
            .unwrap();
        if number == 10 {
            packer.flush().unwrap();
        }
    }
    let plan = find_tail(Cursor::new(packer.output())).unwrap();
    assert_eq!((plan.state, plan.tail.end()), (TailState::Unsealed, Micros(10_250_000)));
    assert!(plan.lost_text.starts_with(b"[11.25, ") && plan.lost_text.len() > 128 << 10);
}

#[test]
fn version_3_times_are_summed() {
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    packer.write_header(b"{\"version\": 3, \"term\":{}}\n").unwrap();
    packer.write_event(b"[1.5, \"o\", \"a\"]\n", Micros(1_500_000)).unwrap();
    packer.seal(None).unwrap();
    packer.write_event(b"[0.25, \"o\", \"a\"]\n", Micros(1_750_000)).unwrap();
    packer.write_event(b"[2, \"o\", \"a\"]\n", Micros(3_750_000)).unwrap();
    packer.flush().unwrap();
    assert_eq!(find_tail(Cursor::new(packer.output())).unwrap().tail.end(), Micros(3_750_000));
}

#[test]
fn every_flipped_bit_is_found() {
    let mut made = make(PackerConfig::default(), 2, 2);
    append(&mut made, PackerConfig::default());
    // A signature takes long to check without optimisation, so only one seal has one.
    append(&mut made, signed(1));
    for at in 0..made.file.len() {
        let mut file = made.file.clone();
        file[at] ^= 1 << (at % 8);
        let seen = read(&file);
        assert!(!seen.verdict.intact, "byte {at}: {}", seen.log);
        // What comes after the damage is read: never more than one of the seven segments is lost.
        assert!(seen.verdict.segments >= 6, "byte {at}: {}", seen.log);
    }
}

/// Puts the pieces of a recording with four segments together in another way; piece 2n is the frame and
/// 2n + 1 the seal of segment n, the last piece is the seek table.
#[track_caller]
fn check(order: &[usize], expect: &Expect) {
    let made = make(PackerConfig::default(), 3, 1);
    let pieces = pieces(&made.file);
    let file: Vec<u8> = order.iter().flat_map(|at| pieces[*at].clone()).collect();
    let seen = read(&file);
    assert!(!seen.verdict.intact);
    expect.assert_eq(&format!("{}finished: {}\n", seen.defects(), seen.verdict.finished));
}

#[test]
fn what_was_rearranged_is_named() {
    check(
        &[0, 1, 4, 5, 6, 7, 8],
        &expect![[r#"
        segment 1 is missing
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 6, 7, 8],
        &expect![[r#"
        segments 1 to 2 are missing
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 4, 5, 2, 3, 6, 7, 8],
        &expect![[r#"
        segment 1 is missing
        segment 1 out of order
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 2, 3, 2, 3, 4, 5, 6, 7, 8],
        &expect![[r#"
        segment 1 is there again
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 2, 3, 4, 5, 8],
        &expect![[r#"
        the seek table does not match the file
        finished: false
    "#]],
    );
    check(
        &[0, 1, 2, 3, 4, 5],
        &expect![[r#"
        finished: false
    "#]],
    );
    check(
        &[0, 1, 2, 3, 4, 5, 6, 7],
        &expect![[r#"
        the seek table is missing
        finished: true
    "#]],
    );
    check(
        &[0, 1, 2, 4, 5, 6, 7, 8],
        &expect![[r#"
        55 bytes without a seal at byte 207
        segment 1 is missing
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 3, 4, 5, 6, 7, 8],
        &expect![[r#"
        segment 1: its frame is missing
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[2, 3, 4, 5, 6, 7, 8],
        &expect![[r#"
        segment 0 is missing
        the seek table does not match the file
        finished: true
    "#]],
    );
    check(
        &[0, 1, 2, 3, 4, 3, 6, 7, 8],
        &expect![[r#"
        segment 1 is there again
        segment 1: frame does not match its seal
        segment 2 is missing
        the seek table does not match the file
        finished: true
    "#]],
    );
}

#[test]
fn a_segment_of_another_recording_is_named() {
    let (mine, other) = (make(PackerConfig::default(), 3, 1), make(PackerConfig::default(), 3, 2));
    let (mut mine, other) = (pieces(&mine.file), pieces(&other.file));
    mine[2] = other[2].clone();
    mine[3] = other[3].clone();
    expect![[r#"
        segment 1 does not follow the one before it
        segment 2 does not follow the one before it
        the seek table does not match the file
    "#]]
    .assert_eq(&read(&mine.concat()).defects());
}

#[test]
fn damage_is_local() {
    let made = make(PackerConfig::default(), 3, 3);
    let pieces = pieces(&made.file);
    let garbage = |at: usize, from: usize, bytes: usize| {
        let mut pieces = pieces.clone();
        pieces[at][from..from + bytes].fill(0xA5);
        read(&pieces.concat()).defects()
    };
    expect![[r#"
        segment 1: 114 damaged bytes at byte 272
        segment 1: frame does not match its seal
    "#]]
    .assert_eq(&garbage(2, 8, 20));
    expect![[r#"
        segment 1: 114 damaged bytes at byte 272
        segment 1: frame does not match its seal
    "#]]
    .assert_eq(&garbage(2, 0, 4));
    expect![[r#"
        segment 1: 136 damaged bytes at byte 386
        114 bytes without a seal at byte 272
        segment 1 is missing
    "#]]
    .assert_eq(&garbage(3, 0, 10));
    expect![[r#"
        segment 1: seal does not match its own hash
    "#]]
    .assert_eq(&garbage(3, 30, 4));
    let mut pieces = pieces.clone();
    pieces[3].extend_from_slice(b"garbage between segments");
    expect![[r#"
        segment 2: 24 damaged bytes at byte 522
    "#]]
    .assert_eq(&read(&pieces.concat()).defects());
}

#[test]
fn hostile_sizes_take_no_memory() {
    let mut file = vec![0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF];
    file.resize(4 << 20, 1);
    expect![[r#"
        segment 0: 4194304 damaged bytes at byte 0
    "#]]
    .assert_eq(&read(&file).defects());
    let mut file = vec![0x5C, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF];
    file.extend(make(PackerConfig::default(), 1, 1).file);
    expect![[r#"
        segment 0: 8 damaged bytes at byte 0
    "#]]
    .assert_eq(&read(&file).defects());
}

#[test]
fn being_lost_again_and_again_takes_linear_time() {
    // Each frame leads over all the others to an error at the end.
    let mut file = Vec::new();
    while file.len() < 120_000 {
        file.extend_from_slice(&[0x28, 0xB5, 0x2F, 0xFD, 0, 0x50]);
        file.extend_from_slice(&[0x5C, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0, 0]);
        file.extend_from_slice(b"SEAL\x01\x00\x01\x01\x01\x01\x01\x01");
    }
    assert!(!read(&file).verdict.intact);
}
