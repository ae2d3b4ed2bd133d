//! What must hold for any bytes at all; `fuzz/` and a property test call it.

use super::report::{Defect, DefectKind, Unpacked};
use super::seal::Seal;
use super::{Condition, Unpacker, UnpackerConfig, Verdict, frame, keyframe, seek_table};

/// Reads `data` as a recording in several ways and compares them.
///
/// # Panics
/// When they differ, or when more comes out than can be in there.
pub fn fuzz_unpack(data: &[u8]) {
    let whole = log(data, data.len().max(1), false);
    let pieces = usize::from(*data.first().unwrap_or(&0)) % 61 + 1;
    assert_eq!(whole, log(data, pieces, false), "the same in pieces of {pieces}");

    let rested = log(data, pieces, true);
    // What zstd makes of a frame that reaches back beyond its own window depends on what it read before. That frame is not
    // what was sealed, and both say so.
    let is_changed = |defect: &Defect| matches!(defect.kind, DefectKind::FrameChanged { .. });
    if whole.1.defects.iter().chain(&rested.1.defects).any(is_changed) {
        assert_eq!((whole.1.intact, whole.1.segments), (rested.1.intact, rested.1.segments));
    } else {
        assert_eq!(whole, rested, "the same with rests in between");
    }

    let walk = frame::walk(data);
    assert!(walk.block_ends.iter().chain(&walk.end).all(|end| *end <= data.len()));
    if let Ok(seal) = Seal::parse(data) {
        assert_eq!(seal.encode()[8..], *data);
    }
    if let Ok(entries) = seek_table::parse(data) {
        let again = seek_table::encode(&entries).expect("as many as were read");
        assert_eq!(seek_table::parse(&again[8..]), Ok(entries));
    }
    if let Ok(state) = keyframe::unpack(data) {
        assert!(state.len() <= keyframe::STATE_LIMIT);
        let again = keyframe::pack(&state).expect("memory for a context");
        assert_eq!(keyframe::unpack(&again), Ok(state));
    }
}

/// All that comes out, with neighbouring texts joined to their number of bytes and a sum of them.
fn log(data: &[u8], piece: usize, rests: bool) -> (Vec<String>, Verdict) {
    let mut unpacker = Unpacker::new(UnpackerConfig::default()).expect("memory for a context");
    let mut lines = Vec::new();
    let mut text = (0_u64, 0_u64);
    // All, those of signers, and bytes cut off at the end.
    let mut defects = (0_u64, 0_u64, 0_u64);
    let mut sink = |unpacked: Unpacked<'_>| match unpacked {
        Unpacked::Text(bytes) => {
            assert!(!bytes.is_empty() && bytes.len() <= frame::BLOCK_LIMIT);
            text.0 += bytes.len() as u64;
            text.1 =
                bytes.iter().fold(text.1, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        }
        other @ (Unpacked::Segment(_)
        | Unpacked::Unsealed(_)
        | Unpacked::Open(_)
        | Unpacked::SeekTable { .. }
        | Unpacked::Foreign { .. }
        | Unpacked::Defect(_)) => {
            if let Unpacked::Defect(Defect { kind, .. }) = other {
                defects.0 += 1;
                defects.1 +=
                    u64::from(matches!(kind, DefectKind::NotSigned { .. } | DefectKind::OtherKey { .. }));
                defects.2 += if let DefectKind::Torn { bytes, .. } = kind { *bytes } else { 0 };
            }
            lines.push(format!("{text:?} {other:?}"));
        }
    };
    for bytes in data.chunks(piece) {
        unpacker.feed(bytes, &mut sink);
        if rests {
            unpacker.rest();
        }
    }
    let verdict = unpacker.finish(&mut sink);
    assert_eq!(verdict.text_bytes, text.0);
    assert_eq!((verdict.defect_count(), verdict.signer_defects, verdict.torn_bytes), defects);
    assert_eq!(verdict.intact, verdict.condition(None) == Condition::Intact);
    // Four bytes make a block at best; what is read again is bounded.
    let blocks = (data.len() as u64 * 18 + (4 << 20)) / 4;
    assert!(text.0 <= blocks * frame::BLOCK_LIMIT as u64);
    lines.push(format!("{text:?}"));
    (lines, verdict)
}
