//! A rectangle of cells: what is recorded, and what stands on the terminal.
//!
//! *Invariants*: no cell holds a control character, whoever filled it. A wide character has both its halves or is
//! gone. What [`Grid::changes`] gives brings a terminal that shows the one grid to show the other.

use std::fmt;

use casemate_terminal::{Pen, Style};
use unicode_width::UnicodeWidthChar as _;

/// A character with what combines with it is cut to this; the emulator keeps no more either.
const TEXT_BYTES: usize = 24;

/// A cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    text: [u8; TEXT_BYTES],
    len: u8,
    /// Columns; 0 for the second half of a wide character.
    width: u8,
    /// How it looks.
    pub style: Style,
}

impl Cell {
    /// A cell with that text; nothing is a blank.
    #[must_use]
    pub fn new(text: &str, width: u8, style: Style) -> Self {
        let mut cell = Self { text: [0; TEXT_BYTES], len: 0, width: width.min(2), style };
        for character in text.chars().filter(|character| !character.is_control()) {
            let at = usize::from(cell.len);
            let bytes = character.len_utf8();
            if at + bytes > TEXT_BYTES {
                break;
            }
            character.encode_utf8(&mut cell.text[at..]);
            #[expect(clippy::cast_possible_truncation, reason = "at most 24")]
            {
                cell.len = (at + bytes) as u8;
            }
        }
        if cell.len == 0 && width > 0 {
            cell.width = 1;
        }
        cell
    }

    /// A cell with nothing in it.
    #[must_use]
    pub fn blank(style: Style) -> Self {
        Self::new("", 1, style)
    }

    /// What is in it: a character and what combines with it, or nothing.
    #[must_use]
    pub fn text(&self) -> &str {
        // Whole characters were put there.
        std::str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or_default()
    }

    /// What stands there on the terminal.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.len == 0 { " " } else { self.text() }
    }

    /// Whether the column before it holds the first half.
    #[must_use]
    pub fn is_second_half(&self) -> bool {
        self.width == 0
    }

    /// Whether there is something to be seen in it.
    #[must_use]
    pub fn is_inked(&self) -> bool {
        !matches!(self.text(), "" | " ") && !self.style.concealed
    }

    /// Whether every terminal goes one column on behind it.
    fn is_plain(&self) -> bool {
        let mut characters = self.text().chars();
        let first = characters.next().unwrap_or(' ');
        // Latin, Greek, Cyrillic; lines and blocks.
        characters.next().is_none()
            && matches!(first, ' '..='\u{2ff}' | '\u{370}'..='\u{52f}' | '\u{2500}'..='\u{259f}')
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// A rectangle of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    cols: u16,
    rows: u16,
    cells: Vec<Cell>,
}

/// A part of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its first column.
    pub col: u16,
    /// Its first row.
    pub row: u16,
    /// How many columns it has.
    pub cols: u16,
    /// How many rows.
    pub rows: u16,
}

impl Area {
    /// An area of that size in the middle of this one, or as much of it as fits.
    #[must_use]
    pub fn centred(self, cols: u16, rows: u16) -> Self {
        let (cols, rows) = (cols.min(self.cols), rows.min(self.rows));
        let (col, row) = (self.col + (self.cols - cols) / 2, self.row + (self.rows - rows) / 2);
        Self { col, row, cols, rows }
    }
}

impl Grid {
    /// A blank grid.
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Self {
        let cells = vec![Cell::blank(Style::default()); usize::from(cols) * usize::from(rows)];
        Self { cols, rows, cells }
    }

    /// How many columns it has.
    #[must_use]
    pub fn cols(&self) -> u16 {
        self.cols
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u16 {
        self.rows
    }

    /// Everything.
    #[must_use]
    pub fn area(&self) -> Area {
        Area { col: 0, row: 0, cols: self.cols, rows: self.rows }
    }

    fn at(&self, col: u16, row: u16) -> Option<usize> {
        (col < self.cols && row < self.rows)
            .then(|| usize::from(row) * usize::from(self.cols) + usize::from(col))
    }

    /// The cell there, if there is one.
    #[must_use]
    pub fn cell(&self, col: u16, row: u16) -> Option<&Cell> {
        self.at(col, row).map(|at| &self.cells[at])
    }

    /// The style of the cell there.
    pub fn style_mut(&mut self, col: u16, row: u16) -> Option<&mut Style> {
        self.at(col, row).map(|at| &mut self.cells[at].style)
    }

    /// Puts a cell there; what does not fit is left out.
    pub fn set(&mut self, col: u16, row: u16, cell: Cell) {
        let Some(at) = self.at(col, row) else { return };
        let is_wide = cell.width == 2;
        if cell.width == 0 {
            return;
        }
        if is_wide && col + 1 >= self.cols {
            self.set(col, row, Cell::blank(cell.style));
            return;
        }
        // What loses a half is gone.
        let last = at + usize::from(is_wide);
        if self.cells[at].width == 0 && col > 0 {
            self.cells[at - 1] = Cell::blank(self.cells[at - 1].style);
        }
        if self.cells[last].width == 2 && col + u16::from(is_wide) + 1 < self.cols {
            self.cells[last + 1] = Cell::blank(self.cells[last + 1].style);
        }
        self.cells[at] = cell;
        if is_wide {
            self.cells[last] = Cell { width: 0, len: 0, ..Cell::blank(cell.style) };
        }
    }

    /// Writes text from there, to before the column `end`; returns the column behind it. What takes no column, and
    /// what a terminal would obey, is left out.
    pub fn write(&mut self, col: u16, row: u16, end: u16, text: &str, style: Style) -> u16 {
        let (mut col, end) = (col, end.min(self.cols));
        let mut buffer = [0; 4];
        for character in text.chars() {
            let width = match character.width() {
                Some(width @ 1..=2) => u16::try_from(width).unwrap_or(1),
                _ => continue,
            };
            if col + width > end {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "1 or 2")]
            self.set(col, row, Cell::new(character.encode_utf8(&mut buffer), width as u8, style));
            col += width;
        }
        col
    }

    /// Blanks an area.
    pub fn fill(&mut self, area: Area, style: Style) {
        for row in area.row..area.row.saturating_add(area.rows) {
            for col in area.col..area.col.saturating_add(area.cols) {
                self.set(col, row, Cell::blank(style));
            }
        }
    }

    /// Copies a part of another grid; `from` is its upper left corner.
    pub fn copy(&mut self, area: Area, other: &Self, from: (u16, u16)) {
        for row in 0..area.rows {
            for col in 0..area.cols {
                let Some(cell) = other.cell(from.0 + col, from.1 + row) else { continue };
                let is_cut = (cell.width == 0 && col == 0) || (cell.width == 2 && col + 1 == area.cols);
                let cell = if is_cut { Cell::blank(cell.style) } else { *cell };
                self.set(area.col + col, area.row + row, cell);
            }
        }
    }

    /// What makes a terminal that shows `before` show this; one that shows something else, if `before` is `None`.
    #[must_use]
    pub fn changes(&self, before: Option<&Self>) -> String {
        let before = before.filter(|before| (before.cols, before.rows) == (self.cols, self.rows));
        let mut pen = Pen::default();
        pen.out.push_str("\x1b[m");
        if before.is_none() {
            pen.out.push_str("\x1b[2J");
        }
        let blank = Cell::blank(Style::default());
        for row in 0..self.rows {
            // Where the terminal will print next, if that is sure.
            let mut next = None;
            for col in 0..self.cols {
                let Some(at) = self.at(col, row) else { continue };
                let cell = self.cells[at];
                let old = before.map_or(blank, |before| before.cells[at]);
                if cell == old || cell.width == 0 {
                    continue;
                }
                if next != Some(col) {
                    pen.out.push_str(&format!("\x1b[{};{}H", row + 1, col + 1));
                }
                pen.set(cell.style);
                pen.out.push_str(cell.shown());
                next = cell.is_plain().then_some(col + 1);
            }
        }
        pen.set(Style::default());
        pen.out
    }

    /// The rows as text, for tests and for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in 0..self.rows {
            let mut line = String::new();
            for col in 0..self.cols {
                match self.cell(col, row) {
                    Some(cell) if cell.width > 0 && cell.text().is_empty() => line.push(' '),
                    Some(cell) => line.push_str(cell.text()),
                    None => {}
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_terminal::{Screen as _, Vt100Screen};
    use proptest::prelude::*;

    fn any_cell() -> impl Strategy<Value = (u16, u16, String)> {
        let text = prop_oneof!["[a-z ]{0,6}", "[日本é🦀\u{301}\u{1b}\u{9b}┃]{0,4}"];
        (0..12_u16, 0..5_u16, text)
    }

    /// The terminal shows what is in the grid.
    fn check(screen: &Vt100Screen, grid: &Grid) {
        for row in 0..grid.rows() {
            let line = screen.shown(row).unwrap();
            for col in 0..grid.cols() {
                let cell = grid.cell(col, row).unwrap();
                let shown = line.drawn(col);
                assert_eq!(shown.text.trim_end(), cell.text().trim_end(), "{col},{row}\n{}", grid.text());
            }
        }
    }

    proptest! {
        #[test]
        fn changes_lead_from_one_grid_to_the_next(
            first in proptest::collection::vec(any_cell(), 0..20),
            second in proptest::collection::vec(any_cell(), 0..20),
        ) {
            let mut grid = Grid::new(10, 4);
            let mut screen = Vt100Screen::new(10, 4, 0);
            let mut before: Option<Grid> = None;
            for cells in [first, second] {
                for (col, row, text) in cells {
                    grid.write(col, row, 10, &text, Style::default());
                }
                let changes = grid.changes(before.as_ref());
                let has_control = changes.contains('\u{9b}');
                prop_assert!(!has_control);
                screen.feed(changes.as_bytes());
                check(&screen, &grid);
                before = Some(grid.clone());
            }
        }
    }
}
