//! What callers see of an emulated screen: the trait, and the lines, cells and styles it gives.
//!
//! Callers know only this file; which emulator stands behind it is decided where a screen is made.
//!
//! # Line numbers
//!
//! Every row of the primary screen has an absolute number: that of row 0 is [`Screen::scrolled`], how many rows have
//! ever scrolled off the top. Numbers only ever grow: a row keeps its number as long as it exists, on the screen and
//! in the scrollback. Erasing (ED, RIS) leaves numbers alone, so what is printed after it takes numbers that were
//! used before; [`crate::Signal::EraseDisplay`] and [`crate::Signal::Reset`] come before that happens.
//!
//! # Changes of size
//!
//! [`Screen::resize`] moves no text from row to row. A narrower screen cuts rows at its right edge, a wider one adds
//! nothing; when rows are lost, those below the cursor go first, then those at the top scroll off; added rows come in
//! at the bottom. Many terminals lay long lines out anew, but shells redraw their prompt as if none did: they go up
//! by as many rows as the line took in the old width, and write again from there. So a prompt that is being edited
//! keeps its number, and stands there again when the shell has redrawn it, in whatever width. Rows that have
//! scrolled off keep their whole width, and are not pulled back.

use std::fmt;

pub use crate::line::{Cell, Line};

/// Columns and rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// Number of columns.
    pub cols: u16,
    /// Number of rows.
    pub rows: u16,
}

/// Where the cursor is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The row, 0 at the top.
    pub row: u16,
    /// The column, 0 at the left; the number of columns when a wrap is pending behind the last one.
    pub col: u16,
}

/// Colour of a cell.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the palette of 256.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// Colours and attributes of a cell.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Style {
    /// Colour of the character.
    pub foreground: Color,
    /// Colour behind it.
    pub background: Color,
    /// SGR 1.
    pub bold: bool,
    /// SGR 2.
    pub dim: bool,
    /// SGR 3.
    pub italic: bool,
    /// SGR 4, in whatever form.
    pub underline: bool,
    /// SGR 5 and 6.
    pub blink: bool,
    /// SGR 7.
    pub inverse: bool,
    /// SGR 8: the character is there and not to be seen.
    pub concealed: bool,
    /// SGR 9.
    pub strikethrough: bool,
}

/// An emulated terminal screen.
pub trait Screen {
    /// Takes output of the terminal. Any cut of the bytes gives the same screen.
    fn feed(&mut self, bytes: &[u8]);

    /// Changes the size, as the head of this file says. Sizes are brought into bounds: 0 stands for one that is not
    /// known, and there are at least two rows and columns, and at most 64 Ki cells.
    fn resize(&mut self, cols: u16, rows: u16);

    /// Takes as little memory as there is need for until something comes. It shows what it did.
    fn rest(&mut self);

    /// Returns the size.
    fn size(&self) -> Size;

    /// Returns where the cursor is on what is shown.
    fn cursor(&self) -> Position;

    /// Returns whether the cursor is hidden (DECTCEM).
    fn is_cursor_hidden(&self) -> bool;

    /// Returns whether the alternate screen is shown.
    fn is_alternate(&self) -> bool;

    /// Returns whether cursor keys send what applications want (DECCKM): editors ask for it while they have the
    /// terminal.
    fn is_application_cursor(&self) -> bool;

    /// Returns whether a line feed in the last row scrolls the whole screen: there are no margins.
    fn scrolls_whole(&self) -> bool;

    /// Returns whether the output so far ends within a character or a control sequence.
    fn is_amid_sequence(&self) -> bool;

    /// Returns how many lines have scrolled off the top of the primary screen so far: the absolute number of row 0.
    fn scrolled(&self) -> u64;

    /// Returns the row with that absolute number, of the primary screen or its scrollback, also while the alternate
    /// screen is shown.
    fn line(&self, number: u64) -> Option<Line<'_>>;

    /// Returns a row of what is shown now, alternate or primary.
    fn shown(&self, row: u16) -> Option<Line<'_>>;

    /// Returns the style in which the next character would be printed.
    fn style(&self) -> Style;

    /// Returns output that brings a terminal of the same size into this state: both screens, the cursor, modes,
    /// margins, tab stops, and the sequence that has begun and not ended.
    ///
    /// Other than a keyframe it is for any terminal, so it holds only what sequences can say: not which cells were
    /// never printed to, where such a cell has an attribute, and nothing of the scrollback, or of an alternate screen
    /// that is not shown.
    fn repaint(&self) -> Vec<u8>;

    /// Returns the complete state as bytes, all but the scrollback.
    fn keyframe(&self) -> Vec<u8>;

    /// Puts the screen into the state of a keyframe, with an empty scrollback.
    ///
    /// # Errors
    ///
    /// Returns an error, and leaves the screen as it is, if the bytes are no keyframe.
    fn restore(&mut self, keyframe: &[u8]) -> Result<(), KeyframeError>;
}

/// Why a keyframe cannot be restored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyframeError {
    /// It has a layout that this version does not know.
    Version(u8),
    /// It is cut short, or was changed, or never was a keyframe.
    Damaged,
}

impl fmt::Display for KeyframeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(formatter, "keyframe of layout {version}, which a newer version has written")
            }
            Self::Damaged => formatter.write_str("damaged keyframe"),
        }
    }
}

impl std::error::Error for KeyframeError {}
