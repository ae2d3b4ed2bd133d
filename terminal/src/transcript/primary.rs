//! The primary screen, and the lines that come of its rows.
//!
//! It only ever sees whole sequences, no colours, and no switch to the alternate screen.

use super::lines::Lines;

/// The primary screen.
pub(crate) struct Primary {
    parser: vt100::Parser,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) lines: Lines,
    /// Number of rows to pass over when they scroll off, because they have been written already.
    pub(crate) ignored: usize,
    /// Whether the next row begins a line behind one that was written.
    between_lines: bool,
    /// Memory for the text of a row.
    row: String,
}

impl Primary {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self {
            parser: vt100::Parser::with_rows_taken(rows, columns),
            columns,
            rows,
            lines: Lines::default(),
            ignored: 0,
            between_lines: false,
            row: String::new(),
        }
    }

    /// Returns the row and the column of the cursor; the column is the width when the next character wraps.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }

    /// Returns whether text comes out as it is, one line below the other.
    pub(crate) fn is_simple(&self) -> bool {
        let screen = self.parser.screen();
        !screen.has_margins() && screen.shows_text_as_it_is()
    }

    /// Notes that a character was printed without having been processed.
    pub(crate) fn note_printed(&mut self, character: char) {
        self.parser.screen_mut().note_printed(character);
    }

    /// Takes text, a control character or a whole sequence.
    pub(crate) fn process(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        for gone in self.parser.screen_mut().take_gone() {
            let (vt100::Gone::Scrolled(row) | vt100::Gone::Lost(row)) = gone;
            if self.ignored > 0 {
                self.ignored -= 1;
            } else {
                write_row(&row, &mut self.between_lines, &mut self.row, &mut self.lines);
            }
        }
    }

    /// Writes out what is on the screen, as if it all scrolled off; it stays there. The next row begins a line.
    pub(crate) fn write_rows(&mut self) {
        for row in self.parser.screen().visible_rows() {
            write_row(row, &mut self.between_lines, &mut self.row, &mut self.lines);
        }
        self.between_lines = false;
    }

    /// Ends the text so far; the next row begins a line.
    pub(crate) fn end_text(&mut self) {
        self.between_lines = false;
        self.lines.end_text();
    }

    /// Lays the screen out anew in another size, joining and wrapping lines as needed.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let (row, _) = self.cursor();
        let (before, after) = self.split_at_cursor();
        let (saved_row, saved_column) = self.parser.screen().saved_position();

        let old = std::mem::replace(&mut self.parser, vt100::Parser::with_rows_taken(rows, columns));
        (self.columns, self.rows) = (columns, rows);
        self.process(before.as_bytes());
        let (new_row, new_column) = self.cursor();
        if !after.is_empty() {
            let scrolled = self.parser.screen().scrolled();
            self.process(after.as_bytes());
            let lost = self.parser.screen().scrolled() - scrolled;
            let lost = u16::try_from(lost).unwrap_or(u16::MAX);
            self.move_to(new_row.saturating_sub(lost), new_column.min(self.columns - 1));
        }

        // The saved cursor keeps its distance from the cursor. Moving there and back would undo a pending wrap.
        let (new_row, new_column) = self.cursor();
        if (saved_row, saved_column) != (0, 0) && new_column < self.columns {
            self.move_to((new_row + saved_row).saturating_sub(row), saved_column);
            self.process(b"\x1b7");
            self.move_to(new_row, new_column);
        }
        self.parser.screen_mut().take_modes(old.screen());
    }

    fn move_to(&mut self, row: u16, column: u16) {
        self.process(format!("\x1b[{};{}H", row + 1, column + 1).as_bytes());
    }

    /// Returns the text before the cursor and behind it, in logical lines that end in CR LF.
    fn split_at_cursor(&self) -> (String, String) {
        let (cursor_row, cursor_column) = self.cursor();
        let (mut before, mut after) = (String::new(), String::new());
        for (number, row) in (0..).zip(self.parser.screen().visible_rows()) {
            let end = if row.wrapped() { "" } else { "\r\n" };
            if number < cursor_row {
                row.write_text(0, self.columns, &mut before);
                before.push_str(end);
            } else {
                if number == cursor_row {
                    let cells = (0..cursor_column).map(|column| row.cell(column));
                    before.extend(cells.map(|cell| match cell.contents() {
                        "" if !cell.is_wide_continuation() => " ",
                        text => text,
                    }));
                    row.write_text(cursor_column, self.columns, &mut after);
                } else {
                    row.write_text(0, self.columns, &mut after);
                }
                after.push_str(end);
            }
        }
        after.truncate(after.trim_end().len());
        (before, after)
    }
}

fn write_row(row: &vt100::Row, between_lines: &mut bool, text: &mut String, lines: &mut Lines) {
    if *between_lines {
        lines.end_line();
    }
    text.clear();
    row.write_text(0, u16::MAX, text);
    lines.push(text.as_bytes());
    *between_lines = !row.wrapped();
}
