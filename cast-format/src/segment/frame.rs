//! Walks a zstd frame part by part without decompressing it (RFC 8878, section 3.1.1).
//!
//! ```text
//! frame  = u32:0xFD2FB528 (LE) u8:descriptor [u8:window] [dictionary id] [content size] block+ [u32:checksum]
//! block  = u24 (LE): bit 0 last, bits 1-2 type (0 raw, 1 one byte repeated, 2 compressed), bits 3-23 size
//!          then `size` bytes, or one byte for type 1
//! ```
//!
//! A flush of the compressor ends a block, so the ends of whole blocks are the places at which a file that
//! was cut can be decoded to its last byte.

use super::seek_table::u32_at;

/// How every zstd frame begins.
pub const ZSTD_MAGIC: u32 = 0xFD2F_B528;

/// An empty raw block with the mark of the last one: closes a frame behind any whole block.
pub const CLOSING_BLOCK: [u8; 3] = [1, 0, 0];

/// No part of a frame is longer than this: a block of 128 KiB with its header.
pub const PART_LIMIT: usize = BLOCK_LIMIT + 3;

/// No block holds, or decodes to, more than this.
pub const BLOCK_LIMIT: usize = 128 << 10;

/// Why bytes are not a zstd frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin as one.
    #[error("no zstd frame")]
    Magic,
    /// Bits that must be zero are set.
    #[error("frame header with reserved bits")]
    Header,
    /// A type that does not exist, or larger than any block may be.
    #[error("malformed block")]
    Block,
}

/// A part of a frame, with its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What stands before the first block.
    Header(usize),
    /// One block with its header.
    Block(usize),
    /// The checksum of the content behind the last block.
    Checksum(usize),
}

impl Part {
    /// Its length.
    pub fn bytes(self) -> usize {
        let (Self::Header(bytes) | Self::Block(bytes) | Self::Checksum(bytes)) = self;
        bytes
    }
}

/// Where a walk through a frame stands.
#[derive(Debug, Clone, Default)]
pub struct FrameWalker {
    next: Next,
    has_checksum: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    #[default]
    Header,
    Block,
    Checksum,
    Nothing,
}

impl FrameWalker {
    /// Takes the next part off the beginning of `bytes`, which begin where the last part ended; `None`
    /// when it is cut there, or when the frame is complete.
    ///
    /// # Errors
    /// When this is no zstd frame (any more); the walk then stays where it is.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Option<Part>, FrameError> {
        let part = match self.next {
            Next::Header => {
                let Some(&descriptor) = bytes.get(4) else { return Ok(None) };
                if u32_at(bytes, 0) != ZSTD_MAGIC {
                    return Err(FrameError::Magic);
                }
                if descriptor & 0x08 != 0 {
                    return Err(FrameError::Header);
                }
                let single = descriptor & 0x20 != 0;
                let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
                let content = [usize::from(single), 2, 4, 8][usize::from(descriptor >> 6)];
                let length = 5 + usize::from(!single) + dictionary + content;
                if bytes.len() < length {
                    return Ok(None);
                }
                self.has_checksum = descriptor & 0x04 != 0;
                self.next = Next::Block;
                Part::Header(length)
            }
            Next::Block => {
                let Some(&[low, middle, high]) = bytes.first_chunk() else { return Ok(None) };
                let header = u32::from_le_bytes([low, middle, high, 0]);
                let size = (header >> 3) as usize;
                let content = match header >> 1 & 3 {
                    0 | 2 => size,
                    1 => 1,
                    _ => return Err(FrameError::Block),
                };
                if size > BLOCK_LIMIT {
                    return Err(FrameError::Block);
                }
                if bytes.len() < 3 + content {
                    return Ok(None);
                }
                if header & 1 == 1 {
                    self.next = if self.has_checksum { Next::Checksum } else { Next::Nothing };
                }
                Part::Block(3 + content)
            }
            Next::Checksum => {
                if bytes.len() < 4 {
                    return Ok(None);
                }
                self.next = Next::Nothing;
                Part::Checksum(4)
            }
            Next::Nothing => return Ok(None),
        };
        Ok(Some(part))
    }

    /// Whether the last part has been passed.
    pub fn is_complete(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Whether all blocks have been passed and only the checksum of a frame of others is missing.
    pub fn is_behind_blocks(&self) -> bool {
        matches!(self.next, Next::Checksum | Next::Nothing)
    }
}

/// What [`walk`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Length of the frame's header; `None` when it is cut.
    pub header: Option<usize>,
    /// Where each whole block ends.
    pub block_ends: Vec<usize>,
    /// Where the frame ends; `None` when it is cut or malformed.
    pub end: Option<usize>,
    /// What stopped the walk.
    pub error: Option<FrameError>,
}

/// Walks the frame at the beginning of `bytes`, as far as it goes.
pub fn walk(bytes: &[u8]) -> Walk {
    let mut walker = FrameWalker::default();
    let mut walk = Walk { header: None, block_ends: Vec::new(), end: None, error: None };
    let mut at = 0;
    loop {
        match walker.step(&bytes[at..]) {
            Ok(Some(part)) => {
                at += part.bytes();
                match part {
                    Part::Header(_) => walk.header = Some(at),
                    Part::Block(_) => walk.block_ends.push(at),
                    Part::Checksum(_) => {}
                }
            }
            Ok(None) => break,
            Err(error) => {
                walk.error = Some(error);
                break;
            }
        }
    }
    walk.end = walker.is_complete().then_some(at);
    walk
}
