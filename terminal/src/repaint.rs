//! The state of a terminal as output that brings another one into it.
//!
//! The other terminal has the same size and is blank, or may be made so. It need not be ours: nothing is used but
//! what every terminal knows.
//!
//! *Not here*: where rows come from that have scrolled off; modes that change nothing on the screen, but for those
//! that the emulator keeps; the character that REP would repeat, which can only be told by printing it.

use std::fmt::Write as _;

use vt100::{CharsetNames, Parser, Row, SavedCursor};

use crate::line::style;
use crate::screen::Style;
use crate::sgr::Pen;

/// Resets what could be in the way, softly: a whole reset would also take the reader's scrollback and fonts.
const BEGIN: &str = "\x1b[!p\x1b[m\x1b[2J\x1b[H";

/// Returns what brings a terminal into the state of that one.
pub(crate) fn repaint(parser: &Parser) -> Vec<u8> {
    let screen = parser.screen();
    let settings = screen.settings();
    let (rows, cols) = screen.size();
    let mut painter = Painter { pen: Pen::default(), rows, cols };
    painter.put(BEGIN);
    if let Some(tabs) = settings.tabs {
        painter.tabs(tabs);
    }

    let first = screen.scrolled();
    painter.rows((0..u64::from(rows)).filter_map(|row| screen.numbered_row(first.saturating_add(row))));
    let primary_row = |row: u16| screen.numbered_row(first.saturating_add(row.into()));
    if screen.alternate_screen() {
        // The second one saves the cursor once more, as a program that asks for this screen wants it to.
        painter.saved(settings.saved, primary_row, "\x1b7\x1b[?1049h");
        painter.settle();
        painter.put("\x1b[2J\x1b[H");
        painter.rows(screen.visible_rows());
        if settings.saved_alternate != SavedCursor::default() {
            painter.saved(settings.saved_alternate, |row| screen.row(row), SAVE);
        }
    } else if settings.saved != SavedCursor::default() {
        painter.saved(settings.saved, primary_row, SAVE);
    }
    painter.settle();

    if let Some((top, bottom)) = settings.margins {
        painter.write(format_args!("\x1b[{};{}r", top + 1, bottom + 1));
    }
    let mut top = 0;
    if settings.origin {
        painter.put("\x1b[?6h");
        top = settings.margins.map_or(0, |(top, _)| top);
    }
    let (row, col) = screen.cursor_position();
    painter.go_to(row, row.saturating_sub(top), col, screen.row(row));
    painter.pen.set(style(&screen.attrs()));
    painter.charsets(settings.charsets);
    for (is_on, sequence) in [
        (!settings.autowrap, "\x1b[?7l"),
        (settings.insert, "\x1b[4h"),
        (settings.newline, "\x1b[20h"),
        (settings.application_keypad, "\x1b="),
        (screen.application_cursor(), "\x1b[?1h"),
        (screen.bracketed_paste(), "\x1b[?2004h"),
        (screen.hide_cursor(), "\x1b[?25l"),
    ] {
        if is_on {
            painter.put(sequence);
        }
    }
    let mut out = painter.pen.out.into_bytes();
    out.extend(parser.pending());
    out
}

/// DECSC
const SAVE: &str = "\x1b7";

struct Painter {
    pen: Pen,
    rows: u16,
    cols: u16,
}

impl Painter {
    fn put(&mut self, sequence: &str) {
        self.pen.out.push_str(sequence);
    }

    fn write(&mut self, sequence: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _infallible = self.pen.out.write_fmt(sequence);
    }

    /// Goes back to what a terminal does of itself.
    fn settle(&mut self) {
        self.pen.set(Style::default());
    }

    fn tabs(&mut self, tabs: &[bool]) {
        self.put("\x1b[3g");
        for (col, _) in (1_u32..).zip(tabs).filter(|&(_, &tab)| tab) {
            self.write(format_args!("\x1b[{col}G\x1bH"));
        }
        self.put("\r");
    }

    /// Paints rows from the top, where the cursor is.
    fn rows<'a>(&mut self, rows: impl Iterator<Item = &'a Row>) {
        let mut rows = (0_u16..).zip(rows).peekable();
        let (mut at, mut wraps) = (0, false);
        while let Some((number, row)) = rows.next() {
            if !wraps && self.shows(row) {
                match number - at {
                    0 => {}
                    1 => self.put("\r\n"),
                    _ => self.write(format_args!("\x1b[{}H", number + 1)),
                }
                at = number;
            }
            let col = self.row(row);
            wraps = rows.peek().is_some_and(|(_, next)| self.wraps(row, col, next));
            if wraps {
                at = number + 1;
            }
        }
    }

    fn shows(&self, row: &Row) -> bool {
        !row.is_empty() || (0..self.cols).any(|col| *row.cell(col).attrs() != vt100::Attrs::default())
    }

    /// Whether what comes next goes on in the next row of itself, when the row was painted up to before `col`.
    fn wraps(&self, row: &Row, col: u16, next: &Row) -> bool {
        let first = next.cell(0);
        let last = row.cell(self.cols - 1);
        row.wrapped()
            && col == row.len()
            && first.has_contents()
            && (col == self.cols
                // A wide character did not fit; it takes its own background along.
                || col + 1 == self.cols && first.is_wide() && first.attrs().bgcolor == last.attrs().bgcolor)
    }

    /// Paints a row, with the cursor in its first column; returns where it is then.
    fn row(&mut self, row: &Row) -> u16 {
        let mut at = 0;
        let mut col = 0;
        while col < self.cols {
            let cell = row.cell(col);
            let drawn = style(cell.attrs());
            let is_text =
                cell.has_contents() || drawn != (Style { background: drawn.background, ..Style::default() });
            if cell.is_wide_continuation() {
                col += 1;
                continue;
            }
            if !is_text && drawn == Style::default() {
                col += 1;
                continue;
            }
            if col > at {
                self.write(format_args!("\x1b[{}C", col - at));
                at = col;
            }
            self.pen.set(drawn);
            if is_text {
                self.put(if cell.has_contents() { cell.contents() } else { " " });
                let width = 1 + u16::from(cell.is_wide());
                (at, col) = (at + width, col + width);
                continue;
            }
            let erased = |col: u16| !row.cell(col).has_contents() && row.cell(col).attrs() == cell.attrs();
            let end = (col..self.cols).find(|&col| !erased(col)).unwrap_or(self.cols);
            if end == self.cols {
                self.put("\x1b[K");
            } else {
                self.write(format_args!("\x1b[{}X", end - col));
            }
            col = end;
        }
        at
    }

    /// Has the terminal save a cursor, by these sequences.
    fn saved<'a>(&mut self, saved: SavedCursor, row: impl FnOnce(u16) -> Option<&'a Row>, by: &str) {
        if saved.origin {
            self.put("\x1b[?6h");
        }
        self.go_to(saved.row, saved.row, saved.col, row(saved.row));
        self.pen.set(style(&saved.attrs));
        self.charsets(saved.charsets);
        self.put(by);
        if saved.origin {
            self.put("\x1b[?6l");
        }
        if saved.charsets != CharsetNames::default() {
            self.put("\x1b(B\x1b)B\x1b*B\x1b+B\x0f");
        }
    }

    fn charsets(&mut self, charsets: CharsetNames) {
        for (slot, set) in ['(', ')', '*', '+'].into_iter().zip(charsets.sets) {
            if set != b'B' {
                self.write(format_args!("\x1b{slot}{}", char::from(set)));
            }
        }
        self.put(match charsets.active {
            1 => "\x0e",
            2 => "\x1bn",
            3 => "\x1bo",
            _ => "",
        });
    }

    /// Goes to a place; `told` is the number by which the terminal knows the row.
    ///
    /// A pending wrap comes of printing the last cell again.
    fn go_to(&mut self, row: u16, told: u16, col: u16, line: Option<&Row>) {
        let (told, last) = (told.min(self.rows - 1) + 1, self.cols - 1);
        let Some(line) = line.filter(|_| col > last && row < self.rows) else {
            self.write(format_args!("\x1b[{told};{}H", col.min(last) + 1));
            return;
        };
        let col = if line.cell(last).is_wide_continuation() { last - 1 } else { last };
        let cell = line.cell(col);
        self.write(format_args!("\x1b[{told};{}H", col + 1));
        self.pen.set(style(cell.attrs()));
        self.put(if cell.has_contents() { cell.contents() } else { " " });
    }
}
