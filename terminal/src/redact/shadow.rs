//! The screen, each of whose cells knows which bytes printed it.
//!
//! The emulator keeps a cell's colours wherever the cell goes: inserted, scrolled, restored. Here the colours are not
//! those of the stream, but the number of the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::output::length;
use super::{BLOCK, Patterns, Spans, width};
use crate::vt100_screen::sensible_size;

/// Rows that have scrolled off and can still be searched. They are, before others follow.
const SCROLLBACK: usize = 2048;

/// How many rows one line of text may take on the screen.
const MOST_ROWS: u64 = 64;

/// How many printed characters of a row are remembered. Whoever edits a line prints it anew with each key, at most.
const MOST_PAINTS: usize = 4096;

/// A row, wherever it is. Those of the alternate screen have numbers of their own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Row {
    Primary(u64),
    Alternate(u16),
}

/// A character that was printed.
#[derive(Clone, Copy, Debug)]
struct Paint {
    col: u16,
    character: char,
    at: u64,
}

#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) parser: vt100::Parser,
    /// Rows that may say something else than when they were searched.
    changed: BTreeSet<Row>,
    /// What was printed in each row of the primary screen; full screens are drawn anew all the time.
    paints: BTreeMap<Row, Vec<Paint>>,
    /// The same of the row that is printed to.
    current: Option<(Row, Vec<Paint>)>,
    /// How many rows had scrolled off when they were searched.
    searched: u64,
}

impl Shadow {
    pub(crate) fn new(cols: u16, rows: u16) -> Self {
        let (cols, rows) = sensible_size(cols, rows);
        Self {
            parser: vt100::Parser::new(rows, cols, SCROLLBACK),
            changed: BTreeSet::new(),
            paints: BTreeMap::new(),
            current: None,
            searched: 0,
        }
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        let (rows, cols) = self.parser.screen().size();
        (cols, rows)
    }

    /// Whether lines end up one below the other, and scroll off.
    pub(crate) fn shows_lines_as_they_are(&self) -> bool {
        let screen = self.parser.screen();
        screen.scrolls_whole() && screen.shows_text_as_it_is() && !screen.alternate_screen()
    }

    pub(crate) fn resize(&mut self, cols: u16, rows: u16) {
        let (cols, rows) = sensible_size(cols, rows);
        self.parser.screen_mut().set_size(rows, cols);
        self.all_changed();
    }

    /// Prints characters, of which the first stands at that byte; those that are hidden as blocks.
    pub(crate) fn print(&mut self, text: &str, at: u64, known: &Spans) {
        let is_any_hidden = known.touches(at..at + length(text.len()));
        let mut row = None;
        for (index, character) in text.char_indices() {
            let at = at + length(index);
            self.put(character, at, is_any_hidden && known.contains(at));
            let now = self.row();
            if row != Some(now) {
                row = Some(now);
                self.changed.insert(now);
            }
            if let Row::Primary(_) = now {
                self.remember(now, character, at);
            }
        }
    }

    fn put(&mut self, character: char, at: u64, is_hidden: bool) {
        let [.., a, b, c, d, e, f] = at.to_be_bytes();
        self.parser.screen_mut().set_colors(vt100::Color::Rgb(a, b, c), vt100::Color::Rgb(d, e, f));
        let (shown, times) = if is_hidden { (BLOCK, width(character).unwrap_or(0)) } else { (character, 1) };
        let mut buffer = [0; 4];
        let encoded = shown.encode_utf8(&mut buffer).as_bytes();
        for _ in 0..times {
            self.parser.process(encoded);
        }
    }

    fn remember(&mut self, row: Row, character: char, at: u64) {
        let columns = width(character).and_then(|width| u16::try_from(width).ok()).unwrap_or(0);
        let col = self.parser.screen().cursor_position().1.saturating_sub(columns);
        let paints = match &mut self.current {
            Some((current, paints)) if *current == row => paints,
            current => {
                if let Some((row, paints)) = current.take() {
                    self.paints.insert(row, paints);
                }
                &mut current.insert((row, self.paints.remove(&row).unwrap_or_default())).1
            }
        };
        if paints.len() >= MOST_PAINTS {
            paints.drain(..MOST_PAINTS / 2);
        }
        paints.push(Paint { col, character, at });
    }

    /// Takes a character that is not printed, or is part of a sequence.
    pub(crate) fn control(&mut self, character: char) {
        let (was_alternate, before) = (self.parser.screen().alternate_screen(), self.row());
        let was_in_sequence = self.parser.place() == vt100::Place::Sequence;
        self.parser.process(character.encode_utf8(&mut [0; 4]).as_bytes());
        if !was_in_sequence || self.parser.place() != vt100::Place::Ground {
            return;
        }
        if was_alternate != self.parser.screen().alternate_screen() {
            self.all_changed();
        }
        match character {
            '@' | 'P' | 'X' | 'K' | 'b' => self.changed.extend([before, self.row()]),
            'L' | 'M' | 'S' | 'T' => self.all_changed(),
            // What is printed from here on has nothing to do with what was printed before.
            'J' | 'c' => {
                self.paints.clear();
                self.current = None;
            }
            _ => {}
        }
    }

    /// Whether so much has scrolled off that it has to be searched before it is lost.
    pub(crate) fn is_pressing(&self) -> bool {
        let scrolled = self.parser.screen().scrolled() - self.searched;
        usize::try_from(scrolled).unwrap_or(usize::MAX) >= SCROLLBACK / 2
    }

    /// Searches what has changed; hands the bytes that printed a match to `found`.
    pub(crate) fn search(&mut self, patterns: &impl Patterns, found: &mut dyn FnMut(Range<u64>)) {
        let mut last = None;
        for row in std::mem::take(&mut self.changed) {
            // A line of several rows is searched once.
            if last.is_some_and(|last| row <= last) {
                self.search_rows(row, row, patterns, found);
                continue;
            }
            let (first, end) = self.line_around(row);
            self.search_rows(first, end, patterns, found);
            if first != end {
                self.search_rows(row, row, patterns, found);
            }
            last = Some(end);
        }
        self.searched = self.parser.screen().scrolled();
        // What has scrolled off stays as it is.
        let gone: Vec<Row> = self.paints.range(..Row::Primary(self.searched)).map(|(&row, _)| row).collect();
        for row in gone {
            self.paints.remove(&row);
        }
    }

    /// The row where the cursor is.
    fn row(&self) -> Row {
        let screen = self.parser.screen();
        let row = screen.cursor_position().0;
        if screen.alternate_screen() {
            Row::Alternate(row)
        } else {
            Row::Primary(screen.scrolled().saturating_add(row.into()))
        }
    }

    fn all_changed(&mut self) {
        let screen = self.parser.screen();
        let (rows, first) = (screen.size().0, screen.scrolled());
        if screen.alternate_screen() {
            self.changed.extend((0..rows).map(Row::Alternate));
        } else {
            self.changed.extend((0..rows).map(|row| Row::Primary(first.saturating_add(row.into()))));
        }
    }

    fn get(&self, row: Row) -> Option<&vt100::Row> {
        let screen = self.parser.screen();
        match row {
            Row::Primary(number) => screen.numbered_row(number),
            Row::Alternate(number) if screen.alternate_screen() => screen.row(number),
            Row::Alternate(_) => None,
        }
    }

    /// Whether a row may go on in the next one: it did, or it is written to its end.
    fn goes_on(&self, row: Row) -> bool {
        let last = self.parser.screen().size().1 - 1;
        self.get(row).is_some_and(|row| {
            let cell = row.cell(last);
            row.wrapped() || cell.has_contents() || cell.is_wide_continuation()
        })
    }

    /// The first and the last row of the line that a row is part of.
    fn line_around(&self, row: Row) -> (Row, Row) {
        let (mut first, mut last) = (row, row);
        for _ in 0..MOST_ROWS {
            match before(first) {
                Some(row) if self.goes_on(row) => first = row,
                _ => break,
            }
        }
        for _ in 0..MOST_ROWS {
            match after(last) {
                Some(row) if self.goes_on(last) && self.get(row).is_some() => last = row,
                _ => break,
            }
        }
        (first, last)
    }

    fn search_rows(
        &self,
        first: Row,
        last: Row,
        patterns: &impl Patterns,
        found: &mut dyn FnMut(Range<u64>),
    ) {
        let (mut text, mut cells) = (String::new(), Vec::new());
        let mut next = Some(first);
        while let Some(number) = next.filter(|&row| row <= last) {
            let Some(row) = self.get(number) else { break };
            for col in 0..row.len() {
                let cell = row.cell(col);
                if !cell.is_wide_continuation() {
                    cells.push((text.len(), number, col));
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
            }
            next = after(number);
        }
        patterns.find(&text, &mut |range| {
            let from = cells.partition_point(|&(start, ..)| start <= range.start).saturating_sub(1);
            for &(_, row, col) in cells[from..].iter().take_while(|&&(start, ..)| start < range.end) {
                self.hide(row, col, found);
            }
        });
    }

    /// Hands what printed a cell to `found`, and what printed the same there before.
    fn hide(&self, row: Row, col: u16, found: &mut dyn FnMut(Range<u64>)) {
        let Some(cell) = self.get(row).map(|row| row.cell(col)).filter(|cell| cell.has_contents()) else {
            return;
        };
        let Some(character) = cell.contents().chars().next() else { return };
        let (vt100::Color::Rgb(a, b, c), vt100::Color::Rgb(d, e, f)) =
            (cell.attrs().fgcolor, cell.attrs().bgcolor)
        else {
            return;
        };
        let at = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        // Of a block that stands for something else the length is not known, nor is it needed.
        found(at..at + 1);
        let current = self.current.as_ref().filter(|&&(current, _)| current == row).map(|(_, paints)| paints);
        let paints = current.or_else(|| self.paints.get(&row)).map(Vec::as_slice).unwrap_or_default();
        for paint in paints.iter().filter(|paint| paint.col == col && paint.character == character) {
            found(paint.at..paint.at + 1);
        }
    }
}

fn before(row: Row) -> Option<Row> {
    match row {
        Row::Primary(number) => number.checked_sub(1).map(Row::Primary),
        Row::Alternate(number) => number.checked_sub(1).map(Row::Alternate),
    }
}

fn after(row: Row) -> Option<Row> {
    match row {
        Row::Primary(number) => number.checked_add(1).map(Row::Primary),
        Row::Alternate(number) => number.checked_add(1).map(Row::Alternate),
    }
}
