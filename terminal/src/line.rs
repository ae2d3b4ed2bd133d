//! Lines and cells of an emulated screen.

use crate::screen::{Color, Style};

/// A row of a screen.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    // Another emulator would make this an enum.
    row: &'a vt100::Row,
    len: u16,
}

/// A cell of a screen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cell<'a> {
    /// The character with what combines with it; empty where nothing was ever written, or since it was erased, and in
    /// the second half of a wide character.
    pub text: &'a str,
    /// How many columns it takes; 0 in the second half of a wide character.
    pub width: u8,
    /// Whether it was printed to since it was last erased. A blank that was printed is written.
    pub written: bool,
    /// Colours and attributes.
    pub style: Style,
}

impl<'a> Line<'a> {
    pub(crate) fn new(row: &'a vt100::Row) -> Self {
        Self { row, len: row.len() }
    }

    /// Returns whether the text goes on in the next row, because it did not fit in this one.
    ///
    /// The two are joined by `text(0, len())` of this one: the last column stays empty where a wide character did not
    /// fit, and the row may be shorter than the screen if the size has changed since.
    #[must_use]
    pub fn is_wrapped(&self) -> bool {
        self.row.wrapped()
    }

    /// Returns the number of columns up to and including the last cell that was written.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a row has columns even where nothing is written")]
    pub fn len(&self) -> u16 {
        self.len
    }

    /// Returns a cell; `None` beyond the last one that was written.
    #[must_use]
    pub fn cell(&self, col: u16) -> Option<Cell<'a>> {
        (col < self.len).then(|| cell(self.row.cell(col)))
    }

    /// Returns what a cell shows, without its style: a blank where nothing was written, and nothing in the second half
    /// of a wide character.
    #[must_use]
    pub fn cell_text(&self, col: u16) -> &'a str {
        let cell = self.row.cell(col);
        match cell.contents() {
            "" if !cell.is_wide_continuation() => " ",
            text => text,
        }
    }

    /// Returns a cell as it is drawn, in whatever column: behind the last cell that was written there is none, but the
    /// colour in which the row was erased.
    #[must_use]
    pub fn drawn(&self, col: u16) -> Cell<'a> {
        cell(self.row.cell(col))
    }

    /// Returns whether a cell was printed to since it was last erased, as [`Cell::written`] says, at a fraction of the
    /// cost of the cell.
    #[must_use]
    pub fn is_written(&self, col: u16) -> bool {
        let cell = self.row.cell(col);
        cell.has_contents() || cell.is_wide_continuation()
    }

    /// Appends the text in the columns from `from` to before `to`, within [`Line::len`]. Cells that were never written
    /// come out as blanks.
    pub fn text(&self, from: u16, to: u16, out: &mut String) {
        self.row.write_text(from, to, out);
    }

    /// Returns the cells up to the last one that was written.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let row = self.row;
        (0..self.len).map(move |col| cell(row.cell(col)))
    }
}

fn cell(cell: &vt100::Cell) -> Cell<'_> {
    let second_half = cell.is_wide_continuation();
    Cell {
        text: cell.contents(),
        width: if second_half { 0 } else { 1 + u8::from(cell.is_wide()) },
        written: second_half || cell.has_contents(),
        style: style(cell.attrs()),
    }
}

/// Translates the emulator's attributes.
pub(crate) fn style(attrs: &vt100::Attrs) -> Style {
    Style {
        foreground: color(attrs.fgcolor),
        background: color(attrs.bgcolor),
        bold: attrs.bold(),
        dim: attrs.dim(),
        italic: attrs.italic(),
        underline: attrs.underline(),
        blink: attrs.blink(),
        inverse: attrs.inverse(),
        concealed: attrs.concealed(),
        strikethrough: attrs.strikethrough(),
    }
}

fn color(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Default,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}
