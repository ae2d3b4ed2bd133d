//! A complete index as bytes, and back.
//!
//! ```text
//! file      = "casemate index" layout (1 byte) key (32 bytes) body hash (32 bytes: SHA-256 of all before it)
//! body      = places keyframes markers marks sizes activity left-out defects events end
//! places    = count (form (1 byte: 0 lines, 1 segment) bytes nanos|first+1 earliest latest flags first-event)*
//! keyframes = count (block length bytes)*            compressed, by block
//! markers   = count (time label)*
//! marks     = count (time kind (1 byte) text)*
//! sizes     = count (time cols rows)*
//! activity  = width count bytes*
//! text      = length bytes
//! ```
//!
//! Numbers are LEB128. What is read is input from a stranger: it is checked in every part, so that the result is an
//! index that a builder could have made, of a recording of this length, or nothing.

use casemate_cast_format::{Micros, Size};
use sha2::{Digest as _, Sha256};

use super::{Activity, Index, LABEL_BYTES, MARKS_KEPT, Mark, MarkKind, Marker};
use crate::recording::{At, Place};

/// What a cached index is for; whatever distinguishes one state of a file from another is hashed into it.
pub(crate) type Key = [u8; 32];

/// How every file begins.
pub(crate) const MAGIC_AND_LAYOUT: &[u8] = b"casemate index\x01";

/// The bytes of a complete index.
pub(crate) fn encode(index: &Index, key: &Key) -> Vec<u8> {
    let mut out = [MAGIC_AND_LAYOUT, key].concat();
    count(&mut out, index.places.len());
    for place in &index.places {
        let (form, bytes, clock) = match place.at {
            At::Lines { bytes, nanos, .. } => (0, bytes, nanos),
            At::Segment { bytes, first, .. } => {
                (1, bytes, first.map_or(0, |first| first.0.saturating_add(1)))
            }
        };
        out.push(form);
        number(&mut out, bytes);
        number(&mut out, clock);
        number(&mut out, place.earliest.0);
        number(&mut out, place.latest.0);
        out.push(u8::from(place.is_open) | u8::from(place.has_sealed_keyframe) << 1);
        number(&mut out, place.first_event.unwrap_or(0));
    }
    let keyframes = index.keyframes.packed();
    count(&mut out, keyframes.len());
    for (block, packed) in keyframes {
        count(&mut out, block);
        text(&mut out, packed);
    }
    count(&mut out, index.markers.len());
    for marker in &index.markers {
        number(&mut out, marker.time.0);
        text(&mut out, marker.label.as_bytes());
    }
    count(&mut out, index.marks.len());
    for mark in &index.marks {
        number(&mut out, mark.time.0);
        let (kind, what) = match &mark.kind {
            MarkKind::Gap(what) => (0, what.as_str()),
            MarkKind::Paused => (1, ""),
            MarkKind::Resumed => (2, ""),
            MarkKind::Session(what) => (3, what.as_str()),
            MarkKind::Part(what) => (4, what.as_str()),
            MarkKind::Exit(what) => (5, what.as_str()),
            MarkKind::Damaged(what) => (6, what.as_str()),
        };
        out.push(kind);
        text(&mut out, what.as_bytes());
    }
    count(&mut out, index.sizes.len());
    for (time, size) in &index.sizes {
        number(&mut out, time.0);
        number(&mut out, size.cols.into());
        number(&mut out, size.rows.into());
    }
    number(&mut out, index.activity.width().0);
    count(&mut out, index.activity.counts().len());
    index.activity.counts().iter().for_each(|&bytes| number(&mut out, bytes));
    for last in [index.left_out, index.defects, index.events, index.end.0] {
        number(&mut out, last);
    }
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out
}

/// Reads what [`encode`] made for this key, of a file that is so long.
pub(crate) fn decode(bytes: &[u8], key: &Key, length: u64) -> Option<Index> {
    let (body, hash) = bytes.split_last_chunk::<32>()?;
    let mut reader = Reader(body.strip_prefix(MAGIC_AND_LAYOUT)?.strip_prefix(key)?);
    check(Sha256::digest(body)[..] == hash[..])?;
    let mut index =
        Index { is_complete: true, has_all_places: true, read: (length, length), ..Index::default() };
    let mut offset = 0_u64;
    let mut before = Place {
        at: At::Lines { offset: 0, bytes: 0, nanos: 0 },
        earliest: Micros(0),
        latest: Micros(0),
        is_open: false,
        has_sealed_keyframe: false,
        first_event: Some(0),
    };
    for number in 0..reader.count()? {
        let place = reader.place(number, &mut offset)?;
        let is_lines = |place: &Place| matches!(place.at, At::Lines { .. });
        check(number == 0 || is_lines(&place) == is_lines(&before))?;
        check(
            !before.is_open && place.earliest >= before.earliest && place.first_event >= before.first_event,
        )?;
        check(place.latest >= place.earliest)?;
        before = place;
        index.places.push(place);
    }
    check(offset <= length && !index.places.is_empty())?;
    let mut next = 0;
    for _ in 0..reader.count()? {
        let block = reader.count_up_to(index.places.len() - 1)?;
        check(block >= next)?;
        next = block + 1;
        let packed = reader.bytes()?;
        index.keyframes.add_packed(block, packed.into());
    }
    for _ in 0..reader.count_up_to(MARKS_KEPT)? {
        let time = Micros(reader.number()?);
        index.markers.push(Marker { time, label: reader.text()? });
    }
    for _ in 0..reader.count_up_to(MARKS_KEPT)? {
        let time = Micros(reader.number()?);
        let (kind, what) = (reader.byte()?, reader.text()?);
        let kind = match kind {
            0 => MarkKind::Gap(what),
            1 => MarkKind::Paused,
            2 => MarkKind::Resumed,
            3 => MarkKind::Session(what),
            4 => MarkKind::Part(what),
            5 => MarkKind::Exit(what),
            6 => MarkKind::Damaged(what),
            _ => return None,
        };
        index.marks.push(Mark { time, kind });
    }
    for _ in 0..reader.count_up_to(MARKS_KEPT)? {
        let time = Micros(reader.number()?);
        let mut side = || reader.number()?.try_into().ok();
        index.sizes.push((time, Size { cols: side()?, rows: side()? }));
    }
    let width = reader.number()?;
    let mut counts = Vec::new();
    for _ in 0..reader.count()? {
        counts.push(reader.number()?);
    }
    index.activity = Activity::from_parts(width, counts)?;
    for last in [&mut index.left_out, &mut index.defects, &mut index.events, &mut index.end.0] {
        *last = reader.number()?;
    }
    check(before.first_event <= Some(index.events) && reader.0.is_empty())?;
    Some(index)
}

fn check(holds: bool) -> Option<()> {
    holds.then_some(())
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn count(out: &mut Vec<u8>, count: usize) {
    number(out, count as u64);
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            check(shift < 63 || bits <= 1)?;
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// How many things follow: each takes a byte at least.
    fn count(&mut self) -> Option<usize> {
        self.count_up_to(self.0.len())
    }

    fn count_up_to(&mut self, most: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|&count| count <= most)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        let bytes = self.bytes().filter(|bytes| bytes.len() <= LABEL_BYTES)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    fn place(&mut self, index: usize, offset: &mut u64) -> Option<Place> {
        let (form, bytes, clock) = (self.byte()?, self.number()?, self.number()?);
        let at = match form {
            0 => At::Lines { offset: *offset, bytes, nanos: clock },
            1 => At::Segment { index, bytes, first: clock.checked_sub(1).map(Micros) },
            _ => return None,
        };
        *offset = offset.checked_add(bytes)?;
        let (earliest, latest) = (Micros(self.number()?), Micros(self.number()?));
        let flags = self.byte().filter(|flags| *flags < 4)?;
        Some(Place {
            at,
            earliest,
            latest,
            is_open: flags & 1 != 0,
            has_sealed_keyframe: flags & 2 != 0,
            first_event: Some(self.number()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> Index {
        let place = |offset, earliest, first_event, is_open| Place {
            at: At::Lines { offset, bytes: 100, nanos: earliest * 1000 },
            earliest: Micros(earliest),
            latest: Micros(u64::MAX),
            is_open,
            has_sealed_keyframe: false,
            first_event: Some(first_event),
        };
        let mut index = Index {
            places: vec![place(0, 0, 0, false), place(100, 5, 7, false), place(200, 9, 300, true)],
            markers: vec![Marker { time: Micros(3), label: "é".into() }],
            marks: vec![Mark { time: Micros(4), kind: MarkKind::Gap("x".into()) }],
            sizes: vec![(Micros(4), Size { cols: 80, rows: 24 })],
            events: 301,
            end: Micros(10),
            is_complete: true,
            has_all_places: true,
            read: (300, 300),
            ..Index::default()
        };
        index.keyframes.add(1, b"a keyframe");
        index.activity.add(Micros(u64::MAX), 5);
        index
    }

    #[test]
    fn an_index_comes_back() {
        let index = index();
        let bytes = encode(&index, &[7; 32]);
        assert_eq!(format!("{:?}", decode(&bytes, &[7; 32], 300).unwrap()), format!("{index:?}"));
        assert!(decode(&bytes, &[8; 32], 300).is_none(), "another key");
        assert!(decode(&bytes, &[7; 32], 299).is_none(), "a shorter file");
    }

    #[test]
    fn what_is_damaged_is_nothing() {
        let bytes = encode(&index(), &[7; 32]);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(decode(&bad, &[7; 32], 300).is_none(), "{at}");
            assert!(decode(&bytes[..at], &[7; 32], 300).is_none(), "{at}");
        }
    }

    #[test]
    fn the_corpus_has_indexes() {
        for name in ["lines", "segments"] {
            let path = format!("{}/../fuzz/corpus/index/{name}", env!("CARGO_MANIFEST_DIR"));
            let body = [MAGIC_AND_LAYOUT, &[7; 32], &std::fs::read(path).unwrap()].concat();
            let whole = [&body[..], &Sha256::digest(&body)].concat();
            assert!(decode(&whole, &[7; 32], 1 << 20).is_some(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_change_is_refused_or_harmless(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
            let bytes = encode(&index(), &[7; 32]);
            let mut body = bytes[MAGIC_AND_LAYOUT.len() + 32..bytes.len() - 32].to_vec();
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            crate::fuzz::fuzz_index(&body);
        }
    }
}
