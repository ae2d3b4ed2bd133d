//! asciicast recordings, in and out: v1, v2 and v3 read, v2 and v3 written, and the segmented
//! container `.cast.zst`.
//!
//! Everything here is pure: bytes in, data out; no files, no clock, no threads.
//!
//! ```
//! use casemate_cast_format::{Decoder, Encoder, Item, Version};
//!
//! let mut decoder = Decoder::new();
//! decoder.feed(b"{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n[0.25, \"o\", \"hi\\r\\n\"]\n[1.5, \"x\", \"0\"]\n");
//! decoder.finish();
//!
//! let mut encoder = Encoder::new(Version::V2);
//! let mut v2 = Vec::new();
//! while let Some(item) = decoder.next_item() {
//!     match item {
//!         Item::Header(header) => encoder.header(&header, &mut v2),
//!         Item::Event(event) => encoder.event(&event, &mut v2),
//!         Item::Comment(comment) => encoder.comment(comment, &mut v2),
//!         Item::Defect(defect) => panic!("line {defect}"),
//!     }
//! }
//! assert_eq!(v2, b"{\"version\":2,\"width\":80,\"height\":24}\n[0.25, \"o\", \"hi\\r\\n\"]\n[1.75, \"x\", \"0\"]\n");
//! ```
//!
//! *Invariants*: hostile bytes never panic and never take unbounded memory; any chunking of the
//! input gives the same items; a conversion keeps every event, key and comment.

pub mod decoder;
pub mod defect;
pub mod encoder;
mod escape;
pub mod event;
pub mod exact;
pub mod facts;
pub mod fuzz;
pub mod header;
pub mod join;
pub mod piped;
pub mod process;
pub mod segment;
pub mod text;
pub mod time;

pub use decoder::{Decoder, Item};
pub use defect::{Defect, DefectKind};
pub use encoder::Encoder;
pub use event::{Code, Event, Size, own};
pub use facts::SessionFacts;
pub use header::{Header, NO_TERMINAL, Version};
pub use piped::{Exec, Traffic};
pub use process::{ProcessFacts, Why};
pub use text::Text;
pub use time::Micros;

/// Whether a file that begins so is compressed with zstd, as `.cast.zst` is.
pub fn is_zstd(beginning: &[u8]) -> bool {
    match beginning.first_chunk().copied().map(u32::from_le_bytes) {
        // A frame, or one of the sixteen kinds of skippable frames.
        Some(magic) => magic == segment::frame::ZSTD_MAGIC || magic & 0xFFFF_FFF0 == 0x184D_2A50,
        None => false,
    }
}
