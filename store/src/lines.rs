//! Lines that were to be seen, in blocks: as much of a recording as may be kept, each line with its time.
//!
//! A block is a zstd frame of text: when each line was first seen, in microseconds, one in a row; a blank row; and the
//! lines themselves.
//!
//! What flows by faster than anybody reads is kept for a while and then left out, so that a recording with gigabytes of
//! output makes no index of gigabytes. How much, and when, is counted.

use std::io;
use std::time::Duration;

use casemate_cast_format::Micros;
use zstd::bulk::Decompressor;

/// Text of a block. Each block that may hold what is searched for is unpacked and looked through. Of blocks of twice the
/// size, five times as many may hold numbers whose digits are everywhere; the index is 3 % smaller.
const BLOCK_BYTES: usize = 2 << 10;

/// So much text is kept of what comes at once,
const BURST: u64 = 1 << 20;

/// and so much more for each second: a page of a screen a second is more than anybody reads.
const BYTES_A_SECOND: u64 = 4 << 10;

/// Fast rather than small: a higher level saves a tenth, and takes twice the time.
const LEVEL: i32 = 3;

/// A block that can be written.
#[derive(Debug, Default)]
pub struct LineBlock {
    /// When the first line was seen.
    pub first: Micros,
    /// When the last one was.
    pub last: Micros,
    /// How many there are.
    pub lines: u64,
    /// All of it, packed.
    pub packed: Vec<u8>,
    /// The text alone.
    pub text: String,
}

/// Lines that are in no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub lines: u64,
    /// Between which times they are.
    pub between: Option<(Micros, Micros)>,
}

/// Puts lines together.
#[derive(Debug, Default)]
pub struct LinePacker {
    block: LineBlock,
    times: String,
    allowance: Allowance,
    /// Lines that were taken.
    pub lines: u64,
    /// Of these, those that are in no block.
    pub left_out: LeftOut,
}

impl LinePacker {
    /// Takes a line that was seen then; gives a block when one is full.
    pub fn line(&mut self, time: Duration, text: &str) -> Option<LineBlock> {
        let time = Micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        self.lines += 1;
        if !self.allowance.take(time, text.len() as u64) {
            self.left_out.lines += 1;
            let (from, until) = self.left_out.between.unwrap_or((time, time));
            self.left_out.between = Some((from.min(time), until.max(time)));
            return None;
        }
        let block = &mut self.block;
        if block.lines == 0 {
            (block.first, block.last) = (time, time);
        }
        (block.first, block.last) = (block.first.min(time), block.last.max(time));
        block.lines += 1;
        block.text.push_str(text);
        block.text.push('\n');
        self.times.push_str(&format!("{}\n", time.0));
        (self.block.text.len() >= BLOCK_BYTES).then(|| self.take()).flatten()
    }

    /// Gives what there is.
    pub fn take(&mut self) -> Option<LineBlock> {
        if self.block.lines == 0 {
            return None;
        }
        let mut times = std::mem::take(&mut self.times);
        let mut block = std::mem::take(&mut self.block);
        times.push('\n');
        times.push_str(&block.text);
        match zstd::bulk::compress(times.as_bytes(), LEVEL) {
            Ok(packed) => {
                block.packed = packed;
                Some(block)
            }
            // There is no memory: the lines are not kept, and that is said.
            Err(_) => {
                self.left_out.lines += block.lines;
                let (from, until) = self.left_out.between.unwrap_or((block.first, block.last));
                self.left_out.between = Some((from.min(block.first), until.max(block.last)));
                None
            }
        }
    }
}

/// How much may be kept: it fills up as the recording goes on.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// In millionths of bytes.
    left: u64,
    last: Micros,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: BURST * MILLION, last: Micros(0) }
    }
}

const MILLION: u64 = 1_000_000;

impl Allowance {
    /// Says whether so much text may be kept that was seen then.
    pub(crate) fn take(&mut self, now: Micros, bytes: u64) -> bool {
        // Lines come a little out of order.
        let passed = now.0.saturating_sub(self.last.0);
        self.last = self.last.max(now);
        self.left = self.left.saturating_add(passed.saturating_mul(BYTES_A_SECOND)).min(BURST * MILLION);
        let cost = bytes.saturating_mul(MILLION);
        let is_enough = cost <= self.left;
        if is_enough {
            self.left -= cost;
        }
        is_enough
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

/// Unpacks blocks, one after the other into the same memory: getting some for each takes as long as unpacking it.
pub struct Unpacker {
    zstd: Decompressor<'static>,
    whole: Vec<u8>,
}

impl Unpacker {
    /// A line is 64 KiB at most, and one is enough to fill a block; of blank ones, there are none.
    const MOST: usize = BLOCK_BYTES + (1 << 20);

    /// Begins.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { zstd: Decompressor::new()?, whole: Vec::with_capacity(Self::MOST) })
    }

    /// Unpacks a block; `None` if it is damaged.
    pub fn unpack(&mut self, packed: &[u8]) -> Option<Unpacked<'_>> {
        self.whole.clear();
        self.zstd.decompress_to_buffer(packed, &mut self.whole).ok()?;
        let whole = std::str::from_utf8(&self.whole).ok()?;
        let (times, text) = whole.split_at(memchr::memmem::find(&self.whole, b"\n\n")? + 2);
        Some(Unpacked { times, text })
    }
}

/// A block, unpacked.
#[derive(Debug)]
pub struct Unpacked<'a> {
    times: &'a str,
    /// All lines, each with its end.
    pub text: &'a str,
}

impl<'a> Unpacked<'a> {
    /// The lines with their times.
    pub fn lines(&self) -> impl Iterator<Item = (Micros, &'a str)> + use<'a> {
        let times = self.times.lines().map(|time| Micros(time.parse().unwrap_or(0)));
        times.zip(self.text.split_terminator('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_with_their_times() {
        let mut packer = LinePacker::default();
        let mut blocks = Vec::new();
        for number in 0..2000_u64 {
            let text = format!("line  {number} é ");
            blocks.extend(packer.line(Duration::from_millis(number), &text));
        }
        blocks.extend(packer.take());
        assert!(blocks.len() > 1 && packer.take().is_none());
        let mut number = 0;
        let mut unpacker = Unpacker::new().unwrap();
        for block in &blocks {
            let unpacked = unpacker.unpack(&block.packed).unwrap();
            assert_eq!(unpacked.lines().count() as u64, block.lines);
            assert_eq!(unpacked.lines().next().unwrap().0, block.first);
            for (time, text) in unpacked.lines() {
                assert_eq!((time, text), (Micros(number * 1000), &*format!("line  {number} é ")));
                number += 1;
            }
        }
        assert_eq!((number, packer.lines, packer.left_out.lines), (2000, 2000, 0));
    }

    #[test]
    fn what_floods_is_left_out_and_counted() {
        let mut packer = LinePacker::default();
        let (mut kept, line) = (0, "x".repeat(1000));
        for _ in 0..5000 {
            kept += packer.line(Duration::from_secs(1), &line).map_or(0, |block| block.lines);
        }
        kept += packer.take().unwrap().lines;
        assert_eq!((kept, packer.left_out.lines), (1048, 5000 - 1048));
        assert_eq!(packer.left_out.between, Some((Micros(1_000_000), Micros(1_000_000))));
        // Later there is room again.
        packer.line(Duration::from_secs(10), &line);
        assert_eq!(packer.take().unwrap().lines, 1);
    }
}
