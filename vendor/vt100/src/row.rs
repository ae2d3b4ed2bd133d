//! A row of cells.

use crate::attrs::Attrs;
use crate::cell::Cell;

/// How many characters are appended to a text at once: a row of a usual screen is a few times as long.
const RUN: usize = 64;

fn push_ascii(text: &mut String, run: &[u8]) {
    text.push_str(std::str::from_utf8(run).expect("it is ASCII"));
}

/// A row. It holds cells only as far as it was written to; from there on all are alike.
///
/// Invariant: a wide character is always followed by its continuation, and a continuation is preceded by one.
#[derive(Clone, Debug)]
pub struct Row {
    pub(crate) cells: Vec<Cell>,
    /// What stands behind `cells`.
    pub(crate) blank: Cell,
    /// The column behind the last cell before the text went on in the next row; 0 if it did not.
    pub(crate) wrapped_at: u16,
    /// What the reader has put there since the row was last changed; else 0.
    pub(crate) stamp: u64,
}

impl Default for Row {
    fn default() -> Self {
        Self { cells: Vec::new(), blank: Cell::blank(Attrs::DEFAULT), wrapped_at: 0, stamp: 0 }
    }
}

impl Row {
    /// Returns the cell in that column, however large.
    #[must_use]
    pub fn cell(&self, col: u16) -> &Cell {
        self.cells.get(usize::from(col)).unwrap_or(&self.blank)
    }

    /// Returns the column behind the last cell that was written to, or behind which the text went on in the next row.
    #[must_use]
    pub fn len(&self) -> u16 {
        let written = |cell: &Cell| cell.has_contents() || cell.is_wide_continuation();
        let len = self.cells.iter().rposition(written).map_or(0, |last| last + 1);
        // There are never more cells than columns.
        u16::try_from(len).unwrap_or(u16::MAX).max(self.wrapped_at)
    }

    /// Returns whether nothing is written in the row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the text goes on in the next row.
    #[must_use]
    pub fn wrapped(&self) -> bool {
        self.wrapped_at > 0
    }

    /// Returns the number that a reader gave the row by [`crate::Screen::stamp`], wherever it has moved since; 0 if it
    /// has changed since then.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Appends the text in the columns `from` to `to`, as far as the row is long. Cells that were never written to come
    /// out as blanks.
    pub fn write_text(&self, from: u16, to: u16, text: &mut String) {
        self.write(from, to, text, |_| true);
    }

    /// Appends the text of the whole row as it can be read: concealed characters come out as blanks.
    pub fn write_visible_text(&self, text: &mut String) {
        self.write(0, u16::MAX, text, |cell| !cell.attrs().concealed());
    }

    fn write(&self, from: u16, to: u16, text: &mut String, is_shown: impl Fn(&Cell) -> bool) {
        let (from, to) = (usize::from(from), usize::from(to.min(self.len())));
        text.reserve(to.saturating_sub(from));
        // Most rows are ASCII, which is cheaper to append in runs.
        let mut run = [0; RUN];
        let mut length = 0;
        for cell in self.cells.get(from..to.min(self.cells.len())).unwrap_or_default() {
            let is_blank = (!cell.has_contents() && !cell.is_wide_continuation()) || !is_shown(cell);
            let plain = if is_blank { Some(b' ') } else { cell.as_ascii() };
            if plain.is_none() || length == RUN {
                push_ascii(text, &run[..length]);
                length = 0;
            }
            match plain {
                Some(byte) => {
                    run[length] = byte;
                    length += 1;
                }
                // Nothing, of the second half of a wide character.
                None => text.push_str(cell.contents()),
            }
        }
        push_ascii(text, &run[..length]);
        let missing = to.saturating_sub(self.cells.len().max(from));
        text.extend(std::iter::repeat_n(' ', missing));
    }

    /// Makes the row an empty one.
    pub(crate) fn clear(&mut self, attrs: Attrs) {
        self.cells.clear();
        self.blank = Cell::blank(attrs.erased());
        self.wrapped_at = 0;
        self.stamp = 0;
    }

    /// Notes that text goes on in the next row behind the column before `col`.
    pub(crate) fn wrap(&mut self, col: u16) {
        self.wrapped_at = col;
        self.stamp = 0;
    }

    /// Sees to it that no wide character stands across the left edge of a column.
    fn split(&mut self, col: usize) {
        if col > 0 && self.cells.get(col).is_some_and(Cell::is_wide_continuation) {
            for cell in &mut self.cells[col - 1..=col] {
                *cell = Cell::blank(*cell.attrs());
            }
        }
    }

    fn extend_to(&mut self, len: usize) {
        if self.cells.len() < len {
            self.cells.resize(len, self.blank.clone());
        }
    }

    /// Forgets that the text went on in the next row when its last cell is written to: if it still does, the writer
    /// wraps again.
    fn touch(&mut self, end: usize) {
        self.stamp = 0;
        if end >= usize::from(self.wrapped_at) {
            self.wrapped_at = 0;
        }
    }

    /// Forgets that the text went on in the next row if its last cell has been moved away.
    fn check_wrap(&mut self) {
        self.stamp = 0;
        if let Some(last) = self.wrapped_at.checked_sub(1)
            && !self.cell(last).has_contents()
            && !self.cell(last).is_wide_continuation()
        {
            self.wrapped_at = 0;
        }
    }

    /// Writes ASCII characters.
    pub(crate) fn put_ascii(&mut self, col: u16, text: &[u8], attrs: Attrs) {
        let start = usize::from(col);
        let end = start + text.len();
        self.touch(end);
        self.extend_to(start);
        if start < self.cells.len() {
            self.split(start);
            self.split(end);
        }
        let over = (self.cells.len() - start).min(text.len());
        let (head, tail) = text.split_at(over);
        for (cell, &byte) in self.cells[start..start + over].iter_mut().zip(head) {
            *cell = Cell::ascii(byte, attrs);
        }
        self.cells.extend(tail.iter().map(|&byte| Cell::ascii(byte, attrs)));
    }

    /// Writes a character of one or two columns.
    pub(crate) fn put(&mut self, col: u16, character: char, width: u16, attrs: Attrs) {
        let start = usize::from(col);
        let end = start + usize::from(width);
        self.touch(end);
        self.split(start);
        self.split(end);
        self.extend_to(end);
        self.cells[start] = Cell::new(character, width > 1, attrs);
        if width > 1 {
            self.cells[start + 1] = Cell::continuation(attrs);
        }
    }

    /// Adds a character without a width to the one before the column `col`.
    pub(crate) fn combine(&mut self, col: u16, character: char) {
        let Some(mut before) = usize::from(col).checked_sub(1) else { return };
        if self.cell(col - 1).is_wide_continuation() {
            before -= 1;
        }
        self.extend_to(before + 1);
        self.cells[before].append(character);
        self.stamp = 0;
    }

    /// Erases the columns `from` to `to` in a row of `cols`.
    pub(crate) fn erase(&mut self, from: u16, to: u16, cols: u16, attrs: Attrs) {
        if from >= to {
            return;
        }
        self.stamp = 0;
        if to >= self.wrapped_at {
            self.wrapped_at = 0;
        }
        let (from, end) = (usize::from(from), usize::from(to));
        self.split(from);
        self.split(end);
        let blank = Cell::blank(attrs.erased());
        if to >= cols {
            self.cells.truncate(from);
            if blank != self.blank {
                self.extend_to(from);
                self.blank = blank;
            }
        } else {
            let end = if blank == self.blank { end.min(self.cells.len()) } else { end };
            if from < end {
                self.extend_to(end);
                self.cells[from..end].fill(blank);
            }
        }
    }

    /// Inserts blank cells in a row of `cols`; those at the end are dropped.
    pub(crate) fn insert(&mut self, col: u16, count: u16, cols: u16, attrs: Attrs) {
        let (start, cols) = (usize::from(col), usize::from(cols));
        let count = usize::from(count).min(cols.saturating_sub(start));
        self.split(start);
        self.split(cols - count);
        // What is to be pushed off must not be kept.
        self.cells.truncate(cols - count);
        let blank = Cell::blank(attrs.erased());
        if start < self.cells.len() || blank != self.blank {
            self.extend_to(start);
            self.cells.splice(start..start, std::iter::repeat_n(blank, count));
        }
        self.check_wrap();
    }

    /// Deletes cells in a row of `cols`; blank ones come in at the end.
    pub(crate) fn delete(&mut self, col: u16, count: u16, cols: u16, attrs: Attrs) {
        let (start, cols) = (usize::from(col), usize::from(cols));
        let count = usize::from(count).min(cols.saturating_sub(start));
        self.split(start);
        self.split(start + count);
        let blank = Cell::blank(attrs.erased());
        if blank != self.blank {
            self.extend_to(cols);
        }
        let end = (start + count).min(self.cells.len());
        if start < end {
            self.cells.drain(start..end);
        }
        if blank != self.blank {
            self.cells.resize(cols, blank);
        }
        self.check_wrap();
    }

    /// Cuts off what stands beyond a new right edge.
    pub(crate) fn narrow(&mut self, cols: u16) {
        if self.cells.len() <= usize::from(cols) && self.wrapped_at <= cols {
            return;
        }
        self.stamp = 0;
        self.split(usize::from(cols));
        self.cells.truncate(usize::from(cols));
        self.wrapped_at = self.wrapped_at.min(cols);
    }
}
