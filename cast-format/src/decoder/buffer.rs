//! The bytes that were fed and not yet read, cut into lines.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// Longest line that is read: far above any recorder's, far below what hurts.
pub const MAX_LINE: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// What lies before is read.
    start: usize,
    /// What lies before holds no line end.
    scanned: usize,
    /// Number of the line that was read last, from 1.
    pub(super) line: u64,
    /// No more will be fed.
    pub(super) ended: bool,
    /// Inside a line that is too long.
    skipping: bool,
}

/// The next line, if it is there.
pub(super) enum Line {
    At(Range<usize>),
    TooLong,
    More,
}

impl Buffer {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
        } else if self.start > 0 {
            self.bytes.drain(..self.start);
        }
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// All that is not yet read.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes `length` bytes of the rest that are no line: counts the line ends in them.
    pub(super) fn take(&mut self, length: usize) -> Range<usize> {
        let range = self.start..self.start + length;
        self.line += memchr_iter(b'\n', &self.bytes[range.clone()]).count() as u64;
        self.start = range.end;
        self.scanned = self.start;
        range
    }

    /// The next line that is not blank, without its end.
    pub(super) fn next_line(&mut self) -> Line {
        loop {
            let from = self.scanned.max(self.start);
            let (end, next) = match memchr(b'\n', &self.bytes[from..]) {
                Some(at) => (from + at, from + at + 1),
                None if self.ended && self.start < self.bytes.len() => (self.bytes.len(), self.bytes.len()),
                None => {
                    self.scanned = self.bytes.len();
                    if self.bytes.len() - self.start > MAX_LINE {
                        self.start = self.bytes.len();
                        self.skipping = true;
                    }
                    return Line::More;
                }
            };
            let range = self.start..end;
            self.start = next;
            self.scanned = next;
            self.line += 1;
            if std::mem::take(&mut self.skipping) || range.len() > MAX_LINE {
                return Line::TooLong;
            }
            let line = self.bytes[range.clone()].trim_ascii_end();
            if !line.is_empty() {
                return Line::At(range.start..range.start + line.len());
            }
        }
    }

    /// The line that [`Self::next_line`] gave as this range, when it was at this number, will be given again.
    pub(super) fn unread_line(&mut self, range: &Range<usize>, number: u64) {
        self.start = range.start;
        self.scanned = range.start;
        self.line = number - 1;
        self.skipping = false;
    }
}
