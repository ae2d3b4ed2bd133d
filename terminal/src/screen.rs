//! The primary screen: `vt100` behind an interface that loses nothing, and never panics.
//!
//! What is worked around here, and why (vt100 0.18.1):
//! - it draws no U+FFFD, and forgets that a row wraps where a wide character did not fit: stand-ins;
//! - U+FE0F behind a character in the last column corrupts a cell and can later panic: dropped there;
//! - screens of one row or column wrap wrongly or panic: two are the least;
//! - a resize cuts long rows, drops rows and adds blank ones: the screen is laid out anew instead;
//! - it knows no switched-off automatic wrap (DECAWM): the cursor is put back.
//!
//! It only ever sees whole sequences, no colours, and no switch to the alternate screen.

use std::num::NonZeroU16;

use vt100::capture::{BasicFormattedCaptureRange, BasicFormattedCaptureState, RowContents};

use crate::lines::{FILLER, Lines, REPLACEMENT};

/// Takes the rows that leave the screen at its top.
#[derive(Default)]
pub(crate) struct Scrolled {
    pub(crate) lines: Lines,
    /// Number of rows to pass over because they have been written already.
    pub(crate) ignored: usize,
    /// Number of rows that have left the screen.
    count: usize,
    capture: BasicFormattedCaptureState,
    row: String,
}

impl Scrolled {
    /// Ends the text so far; the next row begins a line.
    pub(crate) fn end_text(&mut self) {
        self.capture = BasicFormattedCaptureState::new();
        self.lines.end_text();
    }
}

impl vt100::Callbacks for Scrolled {
    fn on_scroll(&mut self, contents: RowContents<'_>, _alternate_screen: bool) {
        self.count += 1;
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        self.row.clear();
        contents
            .write_formatted_basic(&mut self.row, &mut self.capture)
            .expect("writing to a string cannot fail");
        self.lines.write(&self.row);
    }
}

/// The primary screen.
pub(crate) struct Screen {
    parser: vt100::Parser<Scrolled>,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// Whether text goes on in the next row at the right edge.
    pub(crate) wraps: bool,
}

impl Screen {
    pub(crate) fn new(columns: u16, rows: u16, scrolled: Scrolled) -> Self {
        let at_least_two = |size: u16| NonZeroU16::MIN.saturating_add(size.max(2) - 1);
        let (columns, rows) = (at_least_two(columns), at_least_two(rows));
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, scrolled);
        Self { parser, columns: columns.get(), rows: rows.get(), wraps: true }
    }

    pub(crate) fn scrolled(&mut self) -> &mut Scrolled {
        self.parser.callbacks_mut()
    }

    /// Returns the row and the column of the cursor; the column is the width when the next character wraps.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }

    /// Takes a control character or a whole sequence.
    pub(crate) fn control(&mut self, sequence: &[u8]) {
        self.parser.process(sequence);
    }

    /// Takes characters to be shown.
    pub(crate) fn text(&mut self, text: &str) {
        if self.wraps && text.is_ascii() {
            self.parser.process(text.as_bytes());
        } else {
            text.chars().for_each(|character| self.character(character));
        }
    }

    fn character(&mut self, character: char) {
        let (_, column) = self.cursor();
        let shown = match character {
            '\u{FE0F}' if column >= self.columns => return,
            char::REPLACEMENT_CHARACTER | REPLACEMENT | FILLER => REPLACEMENT,
            other => other,
        };
        let mut buffer = [0; 4];
        if shown >= '\u{1100}' && column + 1 == self.columns && is_wide(shown) {
            if !self.wraps {
                return;
            }
            self.parser.process(FILLER.encode_utf8(&mut buffer).as_bytes());
        }
        self.parser.process(shown.encode_utf8(&mut buffer).as_bytes());
        if !self.wraps && self.cursor().1 >= self.columns {
            self.move_to(self.cursor().0, self.columns - 1);
        }
    }

    fn move_to(&mut self, row: u16, column: u16) {
        self.control(format!("\x1b[{};{}H", row + 1, column + 1).as_bytes());
    }

    /// Writes out what is on the screen, as if it all scrolled off; it stays there.
    pub(crate) fn write_rows(&mut self) {
        let (screen, scrolled) = self.parser.screen_and_callbacks_mut();
        let mut text = String::new();
        screen
            .write_contents_formatted_basic(
                &mut text,
                BasicFormattedCaptureRange::Full(&mut scrolled.capture),
            )
            .expect("writing to a string cannot fail");
        scrolled.lines.write(&text);
        scrolled.capture = BasicFormattedCaptureState::new();
    }

    /// Lays the screen out anew in another size, joining and wrapping lines as needed.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let (row, _) = self.cursor();
        let (before, after) = self.split_at_cursor();
        self.control(b"\x1b8");
        let (saved_row, saved_column) = self.cursor();

        let scrolled = std::mem::take(self.scrolled());
        let wraps = self.wraps;
        *self = Self::new(columns, rows, scrolled);
        self.lay_out(&before);
        let (new_row, new_column) = self.cursor();
        if !after.is_empty() {
            let count = self.scrolled().count;
            self.lay_out(&after);
            let lost = u16::try_from(self.scrolled().count - count).unwrap_or(u16::MAX);
            self.move_to(new_row.saturating_sub(lost), new_column.min(self.columns - 1));
        }

        // The saved cursor keeps its distance from the cursor. Moving there and back would undo a pending wrap.
        let (new_row, new_column) = self.cursor();
        if (saved_row, saved_column) != (0, 0) && new_column < self.columns {
            self.move_to((new_row + saved_row).saturating_sub(row), saved_column);
            self.control(b"\x1b7");
            self.move_to(new_row, new_column);
        }
        self.wraps = wraps;
    }

    /// Feeds lines that end in CR LF.
    fn lay_out(&mut self, lines: &str) {
        for piece in lines.split_inclusive("\r\n") {
            match piece.strip_suffix("\r\n") {
                Some(line) => {
                    self.text(line);
                    self.control(b"\r\n");
                }
                None => self.text(piece),
            }
        }
    }

    /// Returns the text before the cursor and behind it, in logical lines that end in CR LF.
    fn split_at_cursor(&self) -> (String, String) {
        let screen = self.parser.screen();
        let (cursor_row, cursor_column) = self.cursor();
        let (mut before, mut after) = (String::new(), String::new());
        for (row, text) in (0..self.rows).zip(screen.rows(0, self.columns)) {
            let end = if screen.row_wrapped(row) { "" } else { "\r\n" };
            if row < cursor_row {
                before.extend([text.as_str(), end]);
            } else if row > cursor_row {
                after.extend([text.as_str(), end]);
            } else {
                let left: String = screen.rows(0, cursor_column).nth(row.into()).unwrap_or_default();
                let mut right = text.strip_prefix(left.as_str()).unwrap_or_default();
                before.push_str(&left);
                // Blank cells between the text and the cursor.
                for _ in self.width(&left)..cursor_column {
                    before.push(' ');
                    right = right.strip_prefix(' ').unwrap_or(right);
                }
                after.extend([right, end]);
            }
        }
        after.truncate(after.trim_end().len());
        (before.replace(FILLER, ""), after.replace(FILLER, ""))
    }

    /// Returns how many columns `text`, the beginning of a row, takes.
    fn width(&self, text: &str) -> u16 {
        let mut measure = Self::new(self.columns, 2, Scrolled::default());
        measure.text(text);
        measure.cursor().1
    }
}

/// Returns whether `vt100` draws `character` in two columns.
fn is_wide(character: char) -> bool {
    let mut measure = Screen::new(4, 2, Scrolled::default());
    measure.control(character.encode_utf8(&mut [0; 4]).as_bytes());
    measure.cursor().1 == 2
}
