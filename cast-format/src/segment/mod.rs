//! Segments: an asciicast as independent zstd frames, each followed by its seal.
//!
//! ```text
//! file       = (segment* seek-table)*    several when it was appended to
//! segment    = frame seal
//! frame      = one zstd frame: no dictionary, window <= 1 MiB, no content size, no checksum;
//!              its text ends at a line end
//! seal       = skippable frame 0x184D2A5C, see `seal`
//! seek-table = skippable frame 0x184D2A5E, see `seek_table`
//! ```
//!
//! `zstd -dc` gives the plain asciicast, byte for byte: everything beyond it lives in frames that other
//! tools pass over.
//!
//! - [`Packer`] takes lines and gives the bytes to append to the file.
//! - [`Unpacker`] takes the file's bytes in any pieces, gives the text back and names all that is wrong.
//! - [`SegmentReader`] finds one moment in a file without reading what lies before it.
//! - [`TextReader`] reads on from any frame, and proves nothing.
//! - [`find_tail`] says how a file that ends anywhere is cut and continued.
//! - [`Condition`] is what is to be said of a whole recording in a word.
//!
//! Invariants: hostile bytes never panic, and never make us hold more than [`SKIPPABLE_LIMIT`] of input
//! and one zstd window. Not here: files, clocks, threads, and what a line means (but for its time, where a
//! torn recording is continued).

mod chain;
mod codec;
mod condition;
pub mod frame;
mod fuzz;
pub mod keyframe;
mod pack;
mod reader;
mod report;
pub mod seal;
pub mod seek_table;
mod tail;
mod text;
mod unpack;

#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use fuzz::fuzz_unpack;
pub use pack::{PackError, Packer, PackerConfig};
pub use reader::{ReadError, SegmentReader, TEXT_LIMIT};
pub use report::{Defect, DefectKind, OpenFrame, SegmentReport, Span, Unpacked, UnsealedFrame, Verdict};
pub use seal::{Seal, SealError, SealHead, Signature};
pub use tail::{Tail, TailError, TailPlan, TailState, find_tail};
pub use text::TextReader;
pub use unpack::{Unpacker, UnpackerConfig};

use crate::time::Micros;

/// A segment is sealed before the line that would take its text over this: one segment is what a seek
/// decodes at most, and what a damaged byte can cost at most.
pub const SEGMENT_TEXT_LIMIT: u64 = 1 << 20;

/// A segment is sealed when its first event is this old: what an open segment holds is not yet proven.
pub const SEGMENT_TIME_LIMIT: Micros = Micros(60_000_000);

/// Skippable frames longer than this are damage: nobody could hold one to see whether its length is right.
/// A keyframe, the only part of a seal without a fixed length, is far shorter.
pub const SKIPPABLE_LIMIT: u64 = 16 << 20;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Hashes and keys as people, JSON and the facts of a session have them: two digits a byte, in lower case.
///
/// ```
/// assert_eq!(casemate_cast_format::segment::hex(&[0, 0x1f, 0xe9]), "001fe9");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that are written so, in capitals or not; nothing where they are more or fewer, or something else.
///
/// ```
/// assert_eq!(casemate_cast_format::segment::from_hex("001fE9"), Some([0, 0x1f, 0xe9]));
/// assert_eq!(casemate_cast_format::segment::from_hex::<3>("001f"), None);
/// ```
#[must_use]
pub fn from_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
