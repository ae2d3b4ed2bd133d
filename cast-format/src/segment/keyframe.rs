//! A keyframe as it stands in a seal: the state of a screen, compressed.
//!
//! ```text
//! keyframe = one zstd frame with its content size, of the state, without its magic number
//! ```
//!
//! The state is that of the text up to the seal, on a screen of the size and the kind that the header tells,
//! as if it had been played from the beginning. What it looks like is its owner's (`terminal`): this module
//! knows no screens. It is a few kilobytes, most of them blanks and colours; compressed it is a third of that.
//! A frame with its magic number would be taken for text by whoever looks for frames behind damaged bytes.
//!
//! Invariant: `unpack(pack(state)) == state`; hostile bytes never take more than [`STATE_LIMIT`].
//! Not here: when a seal gets a keyframe.

use std::io;

use zstd::bulk;
use zstd::zstd_safe::get_frame_content_size;

use super::frame::ZSTD_MAGIC;

/// The longest state that is packed or unpacked: two screens of 64 Ki cells in which each has colours of its
/// own and accents take 10 MiB. Packed it is well below [`super::seal::KEYFRAME_LIMIT`].
pub const STATE_LIMIT: usize = 12 << 20;

/// Some kilobytes are searched thoroughly in a tenth of a millisecond.
const LEVEL: i32 = 12;

/// Bytes are no keyframe, or one of far more than a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keyframe cannot be decoded")]
pub struct NotAKeyframe;

/// Compresses a state.
///
/// # Errors
/// Where zstd has no memory.
pub fn pack(state: &[u8]) -> io::Result<Vec<u8>> {
    let mut keyframe = bulk::compress(state, LEVEL)?;
    keyframe.drain(..4);
    Ok(keyframe)
}

/// Gives the state back.
///
/// # Errors
/// When it is damaged, or longer than [`STATE_LIMIT`].
pub fn unpack(keyframe: &[u8]) -> Result<Vec<u8>, NotAKeyframe> {
    let frame = [&ZSTD_MAGIC.to_le_bytes(), keyframe].concat();
    let length = get_frame_content_size(&frame).ok().flatten().ok_or(NotAKeyframe)?;
    let length = usize::try_from(length).ok().filter(|&length| length <= STATE_LIMIT);
    let length = length.ok_or(NotAKeyframe)?;
    let state = bulk::decompress(&frame, length).map_err(|_| NotAKeyframe)?;
    if state.len() == length { Ok(state) } else { Err(NotAKeyframe) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bombs_and_others_are_refused() {
        let bomb = pack(&vec![0; STATE_LIMIT + 1]).unwrap();
        assert!(bomb.len() < 10_000);
        assert_eq!(unpack(&bomb), Err(NotAKeyframe));
        assert!(unpack(&pack(&vec![0; STATE_LIMIT]).unwrap()).is_ok());
        let sizeless = &zstd::encode_all([0; 100].as_slice(), 1).unwrap()[4..];
        let claims_more = [&[0xA0, 0, 0, 0xB0, 0], &sizeless[2..]].concat();
        for bytes in [b"".as_slice(), b"state", sizeless, &claims_more] {
            assert_eq!(unpack(bytes), Err(NotAKeyframe), "{bytes:x?}");
        }
        let whole = pack(b"a state").unwrap();
        assert_eq!(unpack(&whole[..whole.len() - 1]), Err(NotAKeyframe));
        assert_eq!(unpack(&[&whole[..], b"x"].concat()), Err(NotAKeyframe));
    }

    proptest! {
        #[test]
        fn states_come_back(state in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(unpack(&pack(&state).unwrap()), Ok(state));
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = unpack(&bytes);
            // A single segment with a size of one byte.
            let _any = unpack(&[&[0x20, 100], bytes.as_slice()].concat());
        }
    }
}
