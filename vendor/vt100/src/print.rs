//! Characters on their way to the screen.

use unicode_width::UnicodeWidthChar as _;

use crate::charset::Charset;
use crate::screen::Screen;

impl Screen {
    /// Prints ASCII characters.
    pub(crate) fn print_ascii(&mut self, text: &[u8]) {
        let charset = self.charsets.active();
        if self.insert || !self.autowrap || charset != Charset::Ascii {
            text.iter().for_each(|&byte| self.print(charset.map(byte)));
            return;
        }
        self.print_run(text);
        self.last = text.last().map(|&byte| char::from(byte));
    }

    /// Prints ASCII characters as they are, where DECAWM is on and IRM off.
    fn print_run(&mut self, text: &[u8]) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.pos.col >= self.cols {
                self.wrap(self.cols);
            }
            let (col, attrs) = (self.pos.col, self.attrs);
            let (piece, after) = rest.split_at(usize::from(self.cols - col).min(rest.len()));
            self.current_row().put_ascii(col, piece, attrs);
            // At most as much as there are columns left.
            self.pos.col += u16::try_from(piece.len()).unwrap_or(0);
            rest = after;
        }
    }

    /// Prints a character.
    pub(crate) fn print(&mut self, character: char) {
        // Control characters have no width.
        let Some(width) = character.width() else { return };
        // The widest of all has three columns; no terminal draws it so.
        let width = u16::try_from(width.min(2)).unwrap_or(2);
        if width == 0 {
            let col = self.pos.col;
            self.current_row().combine(col, character);
            return;
        }
        if width > self.cols {
            return;
        }
        if self.pos.col + width > self.cols {
            if !self.autowrap {
                // A wide character that does not fit is not drawn.
                if width > 1 {
                    return;
                }
                self.pos.col = self.cols - 1;
            } else {
                let (col, cols, attrs) = (self.pos.col, self.cols, self.attrs);
                if col < cols {
                    self.current_row().erase(col, cols, cols, attrs);
                }
                self.wrap(col);
            }
        }
        let (col, cols, attrs) = (self.pos.col, self.cols, self.attrs);
        let insert = self.insert;
        let row = self.current_row();
        if insert {
            row.insert(col, width, cols, attrs);
        }
        row.put(col, character, width, attrs);
        self.pos.col += width;
        if !self.autowrap {
            self.settle();
        }
        self.last = Some(character);
    }

    /// Goes on in the next row; the text in this one ends before the column `col`.
    fn wrap(&mut self, col: u16) {
        // Where there is no next row, the text goes on in this one.
        if self.pos.row == self.bottom || self.pos.row + 1 < self.rows {
            self.current_row().wrap(col);
        }
        self.pos.col = 0;
        self.index();
    }

    /// REP: prints the last character again. No terminal's own use of it goes beyond the line.
    pub(crate) fn repeat(&mut self, count: u16) {
        let Some(last) = self.last else { return };
        if self.autowrap
            && !self.insert
            && let Ok(byte @ b' '..=b'~') = u8::try_from(last)
        {
            self.print_run(&vec![byte; count.min(self.cols).into()]);
            return;
        }
        for _ in 0..count.min(self.cols) {
            self.print(last);
        }
    }
}
