//! Recordings to test with, and everything an unpacker says as readable lines.

use std::fmt::Write as _;

use ed25519_dalek::SigningKey;

use crate::segment::{
    Packer, PackerConfig, SealHead, Tail, Unpacked, Unpacker, UnpackerConfig, Verdict, find_tail,
};
use crate::time::Micros;

pub(super) const HEADER: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn signed(seed: u8) -> PackerConfig {
    PackerConfig { signing_key: Some(key(seed)), ..PackerConfig::default() }
}

/// A seeded xorshift: the same numbers on every machine.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len() as u64);
        &from[usize::try_from(at).unwrap()]
    }
}

pub(super) fn line(time: Micros, text: &str) -> Vec<u8> {
    format!("[{}.{:06}, \"o\", \"{text}\"]\n", time.0 / 1_000_000, time.0 % 1_000_000).into_bytes()
}

/// A recording with its plain text and the places up to which it was flushed: (file, text).
pub(super) struct Made {
    pub(super) file: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) flushed: Vec<(usize, usize)>,
}

impl Made {
    pub(super) fn append(&mut self, packer: &mut Packer, segments: u64, lines: u64, from: Micros) {
        let mut random = Random(0x9E37_79B9 + from.0);
        for segment in 0..segments {
            for number in 0..lines {
                let time = Micros(from.0 + segment * 60_000_000 + number * 100_000);
                let line = line(time, &format!("line {number} of {segment} {:x}", random.below(1 << 40)));
                packer.write_event(&line, time).unwrap();
                self.text.extend_from_slice(&line);
                packer.flush().unwrap();
                packer.drain_into(&mut self.file);
                self.flushed.push((self.file.len(), self.text.len()));
            }
            packer.seal((segment == 1).then_some(b"keyframe".as_slice())).unwrap();
            packer.drain_into(&mut self.file);
            assert_eq!(packer.position(), self.file.len() as u64);
        }
    }

    pub(super) fn finish(&mut self, packer: &mut Packer) {
        packer.finish(None).unwrap();
        packer.drain_into(&mut self.file);
        assert_eq!(packer.position(), self.file.len() as u64);
    }
}

/// Some segments, closed by an empty final one.
pub(super) fn make(config: PackerConfig, segments: u64, lines: u64) -> Made {
    let mut packer = Packer::new(config).unwrap();
    let mut made = Made { file: Vec::new(), text: Vec::new(), flushed: vec![(0, 0)] };
    packer.write_header(HEADER).unwrap();
    made.text.extend_from_slice(HEADER);
    made.append(&mut packer, segments, lines, Micros(0));
    made.finish(&mut packer);
    made
}

/// Appends one segment and finishes, after mending as the plan says.
pub(super) fn append(made: &mut Made, config: PackerConfig) {
    let mut packer = mend(&mut made.file, config);
    let from = Micros(find_tail(std::io::Cursor::new(&made.file)).unwrap().tail.end().0 + 1_000_000);
    made.append(&mut packer, 1, 3, from);
    made.finish(&mut packer);
}

pub(super) fn mend(file: &mut Vec<u8>, config: PackerConfig) -> Packer {
    let plan = find_tail(std::io::Cursor::new(&*file)).unwrap();
    assert_eq!(plan.truncate_to + plan.cut_bytes, file.len() as u64);
    file.truncate(usize::try_from(plan.truncate_to).unwrap());
    file.extend_from_slice(&plan.append);
    assert_eq!(plan.tail.position(), file.len() as u64);
    let tail: Tail = plan.tail;
    Packer::resume(config, tail).unwrap()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: Vec<u8>,
    pub(super) log: String,
    pub(super) verdict: Verdict,
}

impl Read {
    pub(super) fn defects(&self) -> String {
        self.verdict.defects.iter().map(|defect| format!("{defect}\n")).collect()
    }
}

pub(super) fn read(file: &[u8]) -> Read {
    read_with(file, UnpackerConfig::default(), 1 << 16)
}

pub(super) fn read_with(file: &[u8], config: UnpackerConfig, piece: usize) -> Read {
    let mut unpacker = Unpacker::new(config).unwrap();
    let (mut text, mut log) = (Vec::new(), String::new());
    let mut sink = |unpacked: Unpacked<'_>| match unpacked {
        Unpacked::Text(bytes) => text.extend_from_slice(bytes),
        Unpacked::Segment(report) => {
            let SealHead { sequence, start, end, events, text_bytes, is_final, .. } = report.seal.head;
            let last = if is_final { " final" } else { "" };
            writeln!(
                log,
                "segment {sequence}: {events} events, {text_bytes} bytes, {start:?} to {end:?}{last}"
            )
            .unwrap();
        }
        other @ (Unpacked::Unsealed(_)
        | Unpacked::Open(_)
        | Unpacked::SeekTable { .. }
        | Unpacked::Foreign { .. }
        | Unpacked::Defect(_)) => writeln!(log, "{other:?}").unwrap(),
    };
    for bytes in file.chunks(piece) {
        unpacker.feed(bytes, &mut sink);
    }
    let verdict = unpacker.finish(&mut sink);
    Read { text, log, verdict }
}

/// The pieces of a file: every frame and skippable frame.
pub(super) fn pieces(file: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let length = match rest[0] {
            0x28 => crate::segment::frame::walk(rest).end.unwrap(),
            _ => 8 + u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize,
        };
        pieces.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    pieces
}
