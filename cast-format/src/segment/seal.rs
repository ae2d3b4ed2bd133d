//! The seal: what is known of a segment and proves that it is the one that was written.
//!
//! ```text
//! seal    = magic 0x184D2A5C (LE) u32:length (LE) payload
//! payload = "SEAL" u8:layout(=1) u8:flags(1 final, 2 keyframe, 4 signed)
//!           varint: sequence, start µs (first event), end µs (last event), events, text bytes, frame bytes
//!           [varint:length keyframe]        see `keyframe`
//!           32 bytes: SHA-256 of the frame's compressed bytes
//!           32 bytes: own hash of the seal before; zeros in the first one, or the link to the part before
//!           32 bytes: own hash, the SHA-256 of all payload bytes before it
//!           [32 bytes: Ed25519 public key, 64 bytes: signature over "casemate seal v1\0" and the own hash]
//! varint  = LEB128 of a u64 in its shortest form
//! ```
//!
//! Invariant: `parse(encode(seal)) == seal`, and `encode(parse(bytes)) == bytes` for all bytes that parse.
//! Not here: whether the seal fits its frame and its neighbours (`chain`).

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::Hash;
use crate::time::Micros;

/// The skippable frame that holds a seal.
pub const SEAL_MAGIC: u32 = 0x184D_2A5C;

/// The longest keyframe a seal may hold: with everything else it stays below [`super::SKIPPABLE_LIMIT`].
pub const KEYFRAME_LIMIT: usize = (16 << 20) - 1024;

/// No [`SealHead`] is longer than this, skippable header included: six varints of ten bytes each.
pub const SEAL_HEAD_BYTES: usize = 8 + 6 + 60;

pub(super) const TAG: &[u8; 4] = b"SEAL";
const LAYOUT: u8 = 1;
const FLAG_FINAL: u8 = 1;
const FLAG_KEYFRAME: u8 = 2;
const FLAG_SIGNED: u8 = 4;
const SIGNED_PREFIX: &[u8; 17] = b"casemate seal v1\0";

/// Why bytes are no seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Another skippable frame.
    #[error("not a seal")]
    NotASeal,
    /// Written by a later version.
    #[error("seal of an unknown layout {0}")]
    UnknownLayout(u8),
    /// Written by a later version.
    #[error("seal with unknown flags {0:#04x}")]
    UnknownFlags(u8),
    /// It ends too early.
    #[error("seal is cut")]
    Cut,
    /// A number is not in its shortest form, or larger than a u64.
    #[error("seal holds a malformed number")]
    Number,
    /// It goes on behind its end.
    #[error("seal has bytes too many")]
    TooLong,
    /// The own hash is not that of the bytes before it.
    #[error("seal does not match its own hash")]
    OwnHash,
}

/// The numbers at the beginning of a seal; reading them needs [`SEAL_HEAD_BYTES`] and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealHead {
    /// 0 in the first segment of a file, one more in each that follows, also over appends.
    pub sequence: u64,
    /// Time of the first event; without events that of the last one before.
    pub start: Micros,
    /// Time of the last event.
    pub end: Micros,
    /// Event lines in the frame.
    pub events: u64,
    /// Length of the frame's text.
    pub text_bytes: u64,
    /// Length of the frame.
    pub frame_bytes: u64,
    /// Set on the last seal of a finished recording.
    pub is_final: bool,
}

/// An Ed25519 signature with the key that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Whose it claims to be.
    pub public_key: [u8; 32],
    /// The signature itself.
    pub bytes: [u8; 64],
}

/// A whole seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its numbers.
    pub head: SealHead,
    /// The screen at the end of the segment, packed (see [`super::keyframe`]).
    pub keyframe: Option<Vec<u8>>,
    /// SHA-256 of the frame's compressed bytes.
    pub frame_hash: Hash,
    /// Own hash of the seal before.
    pub previous: Hash,
    /// SHA-256 of everything above.
    pub own: Hash,
    /// Over the own hash.
    pub signature: Option<Signature>,
}

impl Seal {
    /// Makes a seal, computing its own hash and signature.
    pub fn new(
        head: SealHead,
        keyframe: Option<Vec<u8>>,
        frame_hash: Hash,
        previous: Hash,
        key: Option<&SigningKey>,
    ) -> Self {
        let mut seal = Self { head, keyframe, frame_hash, previous, own: [0; 32], signature: None };
        seal.own = Sha256::digest(seal.hashed_bytes(key.is_some())).into();
        seal.signature = key.map(|key| Signature {
            public_key: key.verifying_key().to_bytes(),
            bytes: key.sign(&signed_message(&seal.own)).to_bytes(),
        });
        seal
    }

    /// The whole skippable frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = self.hashed_bytes(self.signature.is_some());
        payload.extend_from_slice(&self.own);
        if let Some(signature) = &self.signature {
            payload.extend_from_slice(&signature.public_key);
            payload.extend_from_slice(&signature.bytes);
        }
        let length = u32::try_from(payload.len()).expect("a keyframe is at most KEYFRAME_LIMIT");
        let mut frame = Vec::with_capacity(payload.len() + 8);
        frame.extend_from_slice(&SEAL_MAGIC.to_le_bytes());
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&payload);
        frame
    }

    /// Reads the payload of a skippable frame and checks its own hash, not its signature.
    ///
    /// # Errors
    /// When it is not a seal, or not a whole and unchanged one.
    pub fn parse(payload: &[u8]) -> Result<Self, SealError> {
        let (head, flags, mut rest) = parse_head(payload)?;
        let keyframe = if flags & FLAG_KEYFRAME != 0 {
            let length = usize::try_from(take_varint(&mut rest)?).map_err(|_| SealError::Cut)?;
            Some(take(&mut rest, length)?)
        } else {
            None
        };
        let frame_hash = take_array(&mut rest)?;
        let previous = take_array(&mut rest)?;
        let hashed = &payload[..payload.len() - rest.len()];
        let own: Hash = take_array(&mut rest)?;
        let signature = if flags & FLAG_SIGNED != 0 {
            Some(Signature { public_key: take_array(&mut rest)?, bytes: take_array(&mut rest)? })
        } else {
            None
        };
        if !rest.is_empty() {
            return Err(SealError::TooLong);
        }
        // Last, because it is the one check that costs something.
        if Hash::from(Sha256::digest(hashed)) != own {
            return Err(SealError::OwnHash);
        }
        Ok(Self { head, keyframe: keyframe.map(<[u8]>::to_vec), frame_hash, previous, own, signature })
    }

    /// Whether the signature is that of its public key over this seal; `None` when there is none.
    pub fn signature_holds(&self) -> Option<bool> {
        let signature = self.signature.as_ref()?;
        let Ok(key) = VerifyingKey::from_bytes(&signature.public_key) else { return Some(false) };
        let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        Some(key.verify_strict(&signed_message(&self.own), &bytes).is_ok())
    }

    fn hashed_bytes(&self, signed: bool) -> Vec<u8> {
        let SealHead { sequence, start, end, events, text_bytes, frame_bytes, is_final } = self.head;
        let mut bytes = Vec::with_capacity(256 + self.keyframe.as_ref().map_or(0, Vec::len));
        bytes.extend_from_slice(TAG);
        bytes.push(LAYOUT);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        bytes.push(
            flag(is_final, FLAG_FINAL)
                | flag(self.keyframe.is_some(), FLAG_KEYFRAME)
                | flag(signed, FLAG_SIGNED),
        );
        for number in [sequence, start.0, end.0, events, text_bytes, frame_bytes] {
            put_varint(&mut bytes, number);
        }
        if let Some(keyframe) = &self.keyframe {
            put_varint(&mut bytes, keyframe.len() as u64);
            bytes.extend_from_slice(keyframe);
        }
        bytes.extend_from_slice(&self.frame_hash);
        bytes.extend_from_slice(&self.previous);
        bytes
    }
}

impl SealHead {
    /// Reads the numbers from the beginning of a payload, which may be cut behind them.
    ///
    /// # Errors
    /// When it is not a seal, or cut before the last number.
    pub fn parse(payload: &[u8]) -> Result<Self, SealError> {
        parse_head(payload).map(|(head, _, _)| head)
    }
}

/// Whether the seal that begins so says that it holds a keyframe.
pub(super) fn has_keyframe(payload: &[u8]) -> Result<bool, SealError> {
    parse_head(payload).map(|(_, flags, _)| flags & FLAG_KEYFRAME != 0)
}

fn parse_head(payload: &[u8]) -> Result<(SealHead, u8, &[u8]), SealError> {
    let mut rest = payload;
    if take(&mut rest, TAG.len()).map_err(|_| SealError::NotASeal)? != TAG {
        return Err(SealError::NotASeal);
    }
    let [layout, flags] = take_array(&mut rest)?;
    if layout != LAYOUT {
        return Err(SealError::UnknownLayout(layout));
    }
    if flags & !(FLAG_FINAL | FLAG_KEYFRAME | FLAG_SIGNED) != 0 {
        return Err(SealError::UnknownFlags(flags));
    }
    let head = SealHead {
        sequence: take_varint(&mut rest)?,
        start: Micros(take_varint(&mut rest)?),
        end: Micros(take_varint(&mut rest)?),
        events: take_varint(&mut rest)?,
        text_bytes: take_varint(&mut rest)?,
        frame_bytes: take_varint(&mut rest)?,
        is_final: flags & FLAG_FINAL != 0,
    };
    Ok((head, flags, rest))
}

fn signed_message(own: &Hash) -> Vec<u8> {
    [SIGNED_PREFIX.as_slice(), own].concat()
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], SealError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(SealError::Cut)?;
    *rest = after;
    Ok(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SealError> {
    let (taken, after) = rest.split_first_chunk().ok_or(SealError::Cut)?;
    *rest = after;
    Ok(*taken)
}

fn take_varint(rest: &mut &[u8]) -> Result<u64, SealError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take_array(rest)?;
        let bits = u64::from(byte & 0x7F);
        // The tenth byte has room for one bit, and a last byte of zero says nothing.
        if (shift == 63 && bits > 1) || (shift > 0 && byte == 0) {
            return Err(SealError::Number);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(SealError::Number)
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7F) as u8);
}
