//! Text that is searched, with the way back to the stream.

use std::ops::Range;

use super::{BLOCK, Patterns, Spans, width};

/// So much text is gathered before it is searched.
const GATHERED: usize = 256 << 10;

/// So much of it is searched again with what follows: what is cut by the end of a search is found by the next one, if it
/// is not longer.
const OVERLAP: usize = 32 << 10;

/// Text, and where each piece of it comes from.
#[derive(Debug, Default)]
pub(crate) struct View {
    text: String,
    /// Pieces in order, without gaps.
    pieces: Vec<Piece>,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins in the text.
    start: usize,
    /// The bytes of the stream that it stands for.
    from: u64,
    to: u64,
    /// Whether it is those bytes, so that parts of it stand for parts of them.
    is_exact: bool,
}

impl View {
    /// Appends text as it is in the stream.
    pub(crate) fn push(&mut self, text: &str, from: u64) {
        if text.is_empty() {
            return;
        }
        let to = from + length(text.len());
        match self.pieces.last_mut() {
            Some(last) if last.is_exact && last.to == from => last.to = to,
            _ => self.pieces.push(Piece { start: self.text.len(), from, to, is_exact: true }),
        }
        self.text.push_str(text);
    }

    /// Appends text that stands for those bytes of the stream as a whole.
    pub(crate) fn push_for(&mut self, text: &str, bytes: Range<u64>) {
        self.pieces.push(Piece { start: self.text.len(), from: bytes.start, to: bytes.end, is_exact: false });
        self.text.push_str(text);
    }

    /// Appends text of the stream with blocks for what is hidden already.
    pub(crate) fn push_masked(&mut self, text: &str, from: u64, known: &Spans) {
        if !known.touches(from..from + length(text.len())) {
            return self.push(text, from);
        }
        for (index, character) in text.char_indices() {
            let at = from + length(index);
            let end = index + character.len_utf8();
            match width(character).filter(|_| known.contains(at)) {
                Some(columns) => {
                    let blocks: String = std::iter::repeat_n(BLOCK, columns).collect();
                    self.push_for(&blocks, at..from + length(end));
                }
                None => self.push(&text[index..end], at),
            }
        }
    }

    /// Appends text of the stream that has to stay as it is: a sequence.
    pub(crate) fn push_fixed(&mut self, text: &str, at: u64) {
        self.push_for(text, at..at);
    }

    /// Takes the last character away.
    pub(crate) fn pop(&mut self) {
        let Some(last) = self.pieces.last_mut() else { return };
        match self.text.chars().next_back().filter(|_| last.is_exact) {
            Some(character) => {
                self.text.truncate(self.text.len() - character.len_utf8());
                last.to -= length(character.len_utf8());
            }
            None => self.text.truncate(last.start),
        }
        if self.text.len() == last.start {
            self.pieces.pop();
        }
    }

    /// Searches the text when enough of it has come together.
    pub(crate) fn search_if_long(&mut self, patterns: &impl Patterns, found: &mut dyn FnMut(Range<u64>)) {
        if self.text.len() >= GATHERED + OVERLAP {
            self.search(patterns, found);
            let mut cut = self.text.len() - OVERLAP;
            while !self.text.is_char_boundary(cut) {
                cut += 1;
            }
            // Where a line begins, if one does, for what is searched may be a whole line.
            let line = self.text[..cut].rfind('\n').map(|end| end + 1);
            self.cut(line.filter(|&line| line + OVERLAP > cut).unwrap_or(cut));
        }
    }

    /// Searches the text; hands what matches to `found`, as bytes of the stream.
    pub(crate) fn search(&self, patterns: &impl Patterns, found: &mut dyn FnMut(Range<u64>)) {
        patterns.find(&self.text, &mut |range| self.each(range, found));
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.pieces.clear();
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Hands the bytes that a range of the text stands for to `found`.
    pub(crate) fn each(&self, range: Range<usize>, found: &mut dyn FnMut(Range<u64>)) {
        let first = self.pieces.partition_point(|piece| piece.start <= range.start).saturating_sub(1);
        for (number, piece) in self.pieces.iter().enumerate().skip(first) {
            if piece.start >= range.end {
                break;
            }
            if piece.is_exact {
                let end = self.pieces.get(number + 1).map_or(self.text.len(), |next| next.start);
                let (start, end) = (range.start.max(piece.start), range.end.min(end));
                found(piece.from + length(start - piece.start)..piece.from + length(end - piece.start));
            } else {
                found(piece.from..piece.to);
            }
        }
    }

    /// Forgets the text before a place.
    fn cut(&mut self, at: usize) {
        let first = self.pieces.partition_point(|piece| piece.start <= at).saturating_sub(1);
        self.pieces.drain(..first);
        for piece in &mut self.pieces {
            if piece.start >= at {
                piece.start -= at;
            } else {
                if piece.is_exact {
                    piece.from += length(at - piece.start);
                }
                piece.start = 0;
            }
        }
        self.text.drain(..at);
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
