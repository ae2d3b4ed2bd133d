//! Every small change of a finished, signed file is found: each bit, each byte removed, inserted, swapped or
//! appended, each end, each piece taken away, doubled or moved.
//!
//! What cannot be found is a file whose seals were all made anew, which only the key tells.

use super::helper::{HEADER, Random, line, pieces, read, signed};
use crate::segment::seek_table::{self, Entry};
use crate::segment::{Packer, Seal};
use crate::time::Micros;

/// Three segments and a final one, with a keyframe, all kinds of lines, and signatures.
fn file() -> Vec<u8> {
    let mut packer = Packer::new(signed(7)).unwrap();
    packer.write_header(HEADER).unwrap();
    for minute in 0..3 {
        for (number, text) in ["$ ls\\r\\n", "caf\u{e9}  \\u001b[1mnotes\\u001b[m\\r\\n"].iter().enumerate() {
            let time = Micros(minute * 60_000_000 + number as u64 * 1_000);
            packer.write_event(&line(time, text), time).unwrap();
            packer.flush().unwrap();
        }
        packer.seal((minute == 1).then_some(b"the state of a screen")).unwrap();
    }
    let time = Micros(200_000_000);
    packer.write_event(&line(time, "exit\\r\\n"), time).unwrap();
    packer.finish(None).unwrap();
    let file = packer.take_output();
    let verdict = read(&file).verdict;
    assert!(verdict.intact && verdict.signed_by.is_some() && verdict.keyframes == 1);
    file
}

#[track_caller]
fn found(changed: &[u8], what: impl std::fmt::Display) {
    let seen = read(changed);
    assert!(!seen.verdict.intact, "{what}: {}", seen.log);
    // An unfinished file says so; everything else is named.
    assert!(!seen.verdict.finished || !seen.verdict.defects.is_empty(), "{what}: {}", seen.log);
}

#[test]
fn every_flipped_bit() {
    let file = file();
    for at in 0..file.len() {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 0xFF] {
            let mut changed = file.clone();
            changed[at] ^= mask;
            found(&changed, format_args!("byte {at} ^ {mask:#x}"));
        }
    }
}

#[test]
fn every_byte_removed_doubled_or_inserted() {
    let file = file();
    for at in 0..=file.len() {
        let (before, behind) = file.split_at(at);
        if let Some((byte, rest)) = behind.split_first() {
            found(&[before, rest].concat(), format_args!("without byte {at}"));
            found(&[before, &[*byte], behind].concat(), format_args!("byte {at} twice"));
        }
        for byte in [0, b'\n', 0x28, 0x5C, 0x5E, 0xFF] {
            found(&[before, &[byte], behind].concat(), format_args!("{byte:#x} before byte {at}"));
        }
    }
}

#[test]
fn every_two_neighbours_swapped_and_many_others() {
    let file = file();
    let mut random = Random(11);
    let mut pairs: Vec<(usize, usize)> = (1..file.len()).map(|at| (at - 1, at)).collect();
    let mut place = || usize::try_from(random.below(file.len() as u64)).unwrap();
    pairs.extend((0..3000).map(|_| (place(), place())));
    for (one, other) in pairs {
        if file[one] != file[other] {
            let mut changed = file.clone();
            changed.swap(one, other);
            found(&changed, format_args!("bytes {one} and {other} swapped"));
        }
    }
}

#[test]
fn every_end_cut_off() {
    let file = file();
    for end in 0..file.len() {
        found(&file[..end], format_args!("cut at {end}"));
    }
}

#[test]
fn whatever_is_appended() {
    let file = file();
    for byte in 0..=u8::MAX {
        found(&[file.as_slice(), &[byte]].concat(), format_args!("{byte:#x} appended"));
    }
    // Whole things that decoders pass over, and a seek table that is right.
    let entries: Vec<Entry> = pieces(&file)
        .iter()
        .map(|piece| Entry {
            compressed: u32::try_from(piece.len()).unwrap(),
            decompressed: u32::try_from(zstd::decode_all(piece.as_slice()).unwrap().len()).unwrap(),
        })
        .collect();
    let table = seek_table::encode(&entries).unwrap();
    let frame = zstd::encode_all(b"".as_slice(), 1).unwrap();
    for appended in
        [&table[..], &frame, &[0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0], &[0; 512], b"[1, \"o\", \"\"]\n"]
    {
        found(&[file.as_slice(), appended].concat(), format_args!("{appended:x?} appended"));
    }
}

#[test]
fn every_piece_removed_doubled_or_moved() {
    let file = file();
    let frames_and_seals = pieces(&file);
    let segments: Vec<Vec<u8>> = frames_and_seals.chunks(2).map(<[Vec<u8>]>::concat).collect();
    for parts in [frames_and_seals, segments] {
        for one in 0..parts.len() {
            let mut without = parts.clone();
            let part = without.remove(one);
            found(&without.concat(), format_args!("without part {one}"));
            for to in 0..=parts.len() {
                let mut doubled = parts.clone();
                doubled.insert(to, part.clone());
                found(&doubled.concat(), format_args!("part {one} again before {to}"));
                if to < parts.len() && to != one {
                    let mut moved = without.clone();
                    moved.insert(to, part.clone());
                    found(&moved.concat(), format_args!("part {one} moved to {to}"));
                    let mut swapped = parts.clone();
                    swapped.swap(one, to);
                    found(&swapped.concat(), format_args!("parts {one} and {to} swapped"));
                }
            }
            for to in 0..=parts.len() {
                let mut foreign = parts.clone();
                foreign.insert(to, vec![0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, b'h', b'i']);
                found(&foreign.concat(), format_args!("a frame of others before {to}"));
            }
        }
    }
}

/// Who has no key can make the chain anew, but not the signatures.
#[test]
fn another_signer_is_not_the_signer() {
    let file = file();
    let mut parts = pieces(&file);
    let seal = Seal::parse(&parts[7][8..]).unwrap();
    let (head, keyframe, frame_hash, previous) = (seal.head, seal.keyframe, seal.frame_hash, seal.previous);
    for key in [None, Some(super::helper::key(8))] {
        parts[7] = Seal::new(head, keyframe.clone(), frame_hash, previous, key.as_ref()).encode();
        found(&parts.concat(), "another signer");
    }
}
