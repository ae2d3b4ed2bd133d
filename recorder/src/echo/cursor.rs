//! Where the cursor of a terminal stands, and what stands before it on its line. Pure.
//!
//! Just enough of a terminal to tell an echo from other output: an echo ends where the cursor comes to
//! rest. Positions count cells, row after row, from wherever the session began. Rows that are reached by
//! their number have positions of their own, since nobody here knows where the others are on the screen.
//!
//! Invariants: any bytes are taken, at a cost that grows with their number; no more than one line is kept.
//! Not here: colours, other lines, what is erased elsewhere.

use std::mem::take;

use casemate_cast_format::exact::Utf8Joiner;
use unicode_width::UnicodeWidthChar as _;

/// Longer lines are followed, and not kept.
const LINE_LIMIT: usize = 16 << 10;

/// Of a longer piece in which nothing is looked for only the last line is read.
const SHORT_PIECE: usize = 256;

/// Positions of rows that are reached by their number.
const ABSOLUTE: i64 = 1 << 40;

/// A cell that nothing is known of.
const UNKNOWN: char = '\0';

/// The right half of a wide character.
const RIGHT_HALF: char = '\u{1}';

/// Where it is worth looking whether something was echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Before a line feed.
    LineEnd,
    /// Before the cursor goes to another row.
    Left,
    /// At the end of a piece of output.
    Rest,
}

/// A cursor that follows output.
#[derive(Debug)]
pub(super) struct Cursor {
    columns: i64,
    position: i64,
    /// The last column was written: shown on it, the cursor goes to the next row with the next character.
    wraps: bool,
    saved: i64,
    /// Where a carriage return came from, until it turns out whether a line feed follows it.
    returned_from: Option<i64>,
    /// What was written into the row, from `base` on.
    cells: Vec<char>,
    base: i64,
    /// How the text of this piece began, and how far it went.
    beginning: Beginning,
    furthest: i64,
    escape: Escape,
    parameters: Parameters,
    joiner: Utf8Joiner,
}

/// How the text of a piece of output began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// Nothing happened yet.
    Nothing,
    /// The cursor went left, step by step.
    Back,
    /// Then text was written there.
    Redrawn(i64),
    /// In another way.
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    /// A sequence with a byte in its middle, like the choice of a character set.
    Intermediate,
    Control,
    /// OSC, DCS and their like, up to BEL or ST.
    String,
}

/// The numbers of a control sequence, as far as they are of use.
#[derive(Clone, Copy, Debug, Default)]
struct Parameters {
    numbers: [u16; 2],
    at: usize,
    /// Another sequence, which only ends with the same letter.
    private: bool,
}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            columns: 80,
            position: 0,
            wraps: false,
            saved: 0,
            returned_from: None,
            cells: Vec::new(),
            base: 0,
            beginning: Beginning::Nothing,
            furthest: 0,
            escape: Escape::None,
            parameters: Parameters::default(),
            joiner: Utf8Joiner::default(),
        }
    }
}

impl Cursor {
    /// Where it stands; at the end of a line, where that ends.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// The terminal has another width; where the rows are now is not known.
    pub(super) fn resize(&mut self, columns: u32) {
        self.position = self.column();
        self.columns = i64::from(columns.clamp(1, u16::MAX.into()));
        self.position = self.position.min(self.columns - 1);
        self.wraps = false;
        self.returned_from = None;
        self.cells.clear();
    }

    /// Follows output in which nothing is looked for.
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        let line_end = (bytes.len() > SHORT_PIECE).then(|| memchr::memrchr(b'\n', bytes)).flatten();
        if line_end.is_some() {
            self.escape = Escape::None;
            self.joiner = Utf8Joiner::default();
            self.position -= self.column();
            self.wraps = false;
        }
        self.feed(&bytes[line_end.unwrap_or(0)..], |_, _| {});
    }

    /// Follows output, and says when it is worth looking.
    pub(super) fn feed(&mut self, bytes: &[u8], mut stop: impl FnMut(&Self, Stop)) {
        self.beginning = Beginning::Nothing;
        let (mut joiner, mut joined) = (take(&mut self.joiner), Vec::new());
        for piece in joiner.feed(bytes, &mut joined).utf8_chunks() {
            piece.valid().chars().for_each(|letter| self.take(letter, &mut stop));
            if !piece.invalid().is_empty() {
                self.take(char::REPLACEMENT_CHARACTER, &mut stop);
            }
        }
        self.joiner = joiner;
        stop(self, Stop::Rest);
    }

    /// What stands between a place and the cursor behind it, on one line.
    pub(super) fn since(&self, place: i64) -> Option<impl Iterator<Item = char> + Clone> {
        let from = usize::try_from(place.checked_sub(self.base)?).ok()?;
        let shown = self.before()?.get(from..).filter(|shown| !shown.is_empty())?;
        Some(shown.iter().copied().filter(|cell| *cell != RIGHT_HALF))
    }

    /// What stands before the cursor, from there to the left.
    pub(super) fn leftwards(&self) -> impl Iterator<Item = char> + Clone {
        self.before().unwrap_or_default().iter().rev().copied().filter(|cell| *cell != RIGHT_HALF)
    }

    /// What this piece of output wrote, if it went step by step to the left, and wrote from there
    /// beyond `place`: so editors draw anew what changed in mid-line.
    pub(super) fn redrawn_beyond(&self, place: i64) -> Option<impl Iterator<Item = char>> {
        let Beginning::Redrawn(start) = self.beginning else { return None };
        let from = usize::try_from(start.checked_sub(self.base)?).ok()?;
        let to = usize::try_from(self.furthest.checked_sub(self.base)?).ok()?;
        let drawn = self.cells.get(from..to).filter(|_| start < place && place < self.furthest)?;
        Some(drawn.iter().copied().filter(|cell| *cell != RIGHT_HALF))
    }

    fn before(&self) -> Option<&[char]> {
        self.cells.get(..usize::try_from(self.position.checked_sub(self.base)?).ok()?)
    }

    fn column(&self) -> i64 {
        self.position.rem_euclid(self.columns)
    }

    fn take(&mut self, letter: char, stop: &mut impl FnMut(&Self, Stop)) {
        self.escape = match (self.escape, letter) {
            (_, '\x1b') => Escape::Begun,
            (Escape::Begun, '[') => {
                self.parameters = Parameters::default();
                Escape::Control
            }
            (Escape::Begun, ']' | 'P' | '^' | '_' | 'X') => Escape::String,
            (Escape::Begun | Escape::Intermediate, ' '..='/') => Escape::Intermediate,
            (Escape::Begun, _) => {
                self.escape_end(letter, stop);
                Escape::None
            }
            (Escape::Control, '@'..='~') => {
                self.control_end(letter, stop);
                Escape::None
            }
            (Escape::Control, _) => {
                self.parameters.take(letter);
                Escape::Control
            }
            (Escape::Intermediate, _) | (Escape::String, '\x07') => Escape::None,
            (Escape::String, _) => Escape::String,
            (Escape::None, _) => {
                self.text(letter, stop);
                Escape::None
            }
        };
    }

    fn text(&mut self, letter: char, stop: &mut impl FnMut(&Self, Stop)) {
        match letter {
            '\n' | '\x0b' | '\x0c' => {
                // The line ended where it was left.
                let here = self.position;
                self.position = self.returned_from.unwrap_or(here);
                stop(self, Stop::LineEnd);
                self.position = here;
                self.go(1, None);
            }
            '\r' => {
                let from = self.returned_from.unwrap_or(self.position);
                self.move_to(0, Beginning::Other);
                self.returned_from = Some(from);
            }
            '\x08' => self.move_by(-1, Beginning::Back),
            '\t' => self.move_by(8 - self.column().rem_euclid(8), Beginning::Other),
            _ if letter.is_control() => {}
            _ => self.write(letter),
        }
    }

    fn escape_end(&mut self, letter: char, stop: &mut impl FnMut(&Self, Stop)) {
        match letter {
            '7' => self.saved = self.position,
            '8' => self.leave(self.saved, stop),
            'D' => self.leave_by(1, None, stop),
            'E' => self.leave_by(1, Some(0), stop),
            'M' => self.leave_by(-1, None, stop),
            'c' => self.leave(ABSOLUTE, stop),
            _ => {}
        }
    }

    fn control_end(&mut self, letter: char, stop: &mut impl FnMut(&Self, Stop)) {
        let Parameters { numbers: [first, second], private, .. } = self.parameters;
        if private {
            return;
        }
        let (count, row) = (i64::from(first.max(1)), i64::from(first.max(1)) - 1);
        match letter {
            'A' | 'k' => self.leave_by(-count, None, stop),
            'B' | 'e' => self.leave_by(count, None, stop),
            'C' | 'a' => self.move_by(count, Beginning::Other),
            'D' | 'j' => self.move_by(-count, Beginning::Back),
            'E' => self.leave_by(count, Some(0), stop),
            'F' => self.leave_by(-count, Some(0), stop),
            'G' | '`' => self.move_to(row, Beginning::Other),
            'H' | 'f' => {
                let column = (i64::from(second.max(1)) - 1).min(self.columns - 1);
                self.leave(ABSOLUTE + row * self.columns + column, stop);
            }
            'd' => self.leave(ABSOLUTE + row * self.columns + self.column(), stop),
            's' => self.saved = self.position,
            'u' => self.leave(self.saved, stop),
            _ => {}
        }
    }

    fn write(&mut self, letter: char) {
        let width = letter.width().unwrap_or(0);
        if width == 0 {
            return;
        }
        self.wraps = false;
        self.returned_from = None;
        // Half of it does not fit on the row.
        let left_over = width > 1 && self.column() + 1 == self.columns;
        self.position += i64::from(left_over);
        self.beginning = match self.beginning {
            Beginning::Back => Beginning::Redrawn(self.position),
            Beginning::Nothing => Beginning::Other,
            begun @ (Beginning::Redrawn(_) | Beginning::Other) => begun,
        };
        if self.cells.is_empty() {
            self.base = self.position - self.column();
            self.furthest = self.base;
        }
        match usize::try_from(self.position.wrapping_sub(self.base)) {
            Ok(at) if at < LINE_LIMIT => {
                if self.cells.len() < at + width {
                    self.cells.resize(at + width, UNKNOWN);
                }
                if left_over && at > 0 {
                    self.cells[at - 1] = RIGHT_HALF;
                }
                self.cells[at] = letter;
                self.cells[at + 1..at + width].fill(RIGHT_HALF);
            }
            _ => self.cells.clear(),
        }
        self.position += i64::try_from(width).unwrap_or(1);
        self.furthest = self.furthest.max(self.position);
        self.wraps = self.column() == 0;
    }

    /// Where the terminal shows the cursor: behind the last column it stands on it.
    fn unwrap_column(&mut self) {
        self.position -= i64::from(take(&mut self.wraps));
    }

    fn move_by(&mut self, count: i64, how: Beginning) {
        self.unwrap_column();
        self.move_to(self.column() + count, how);
    }

    fn move_to(&mut self, column: i64, how: Beginning) {
        self.unwrap_column();
        self.returned_from = None;
        self.position += column.clamp(0, self.columns - 1) - self.column();
        if matches!(self.beginning, Beginning::Nothing | Beginning::Back) {
            self.beginning = how;
        }
    }

    fn leave(&mut self, to: i64, stop: &mut impl FnMut(&Self, Stop)) {
        stop(self, Stop::Left);
        self.go(0, None);
        self.position = to;
    }

    fn leave_by(&mut self, rows: i64, column: Option<i64>, stop: &mut impl FnMut(&Self, Stop)) {
        stop(self, Stop::Left);
        self.go(rows, column);
    }

    fn go(&mut self, rows: i64, column: Option<i64>) {
        self.unwrap_column();
        self.returned_from = None;
        let column = column.map_or(0, |column| column - self.column());
        self.position = self.position.wrapping_add(rows * self.columns).wrapping_add(column);
        self.cells.clear();
        self.beginning = Beginning::Other;
    }
}

impl Parameters {
    fn take(&mut self, letter: char) {
        match letter {
            ';' => self.at += 1,
            _ => match letter.to_digit(10) {
                Some(digit) => {
                    if let Some(number) = self.numbers.get_mut(self.at) {
                        *number = number.saturating_mul(10).saturating_add(u16::try_from(digit).unwrap_or(0));
                    }
                }
                None => self.private |= !letter.is_control(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Stop};
    use proptest::prelude::*;

    /// What stands between the cursor's place before the last piece and that behind it.
    #[track_caller]
    fn check(pieces: &[&str], expected: Option<&str>) {
        let mut cursor = Cursor::default();
        let (last, before) = pieces.split_last().unwrap();
        before.iter().for_each(|piece| cursor.feed(piece.as_bytes(), |_, _| {}));
        let place = cursor.position();
        cursor.feed(last.as_bytes(), |_, _| {});
        let shown = cursor.since(place).map(|shown| shown.collect::<String>());
        assert_eq!(shown.as_deref(), expected, "{pieces:?}: {cursor:?}");
    }

    #[test]
    fn what_is_written_stands_before_the_cursor() {
        check(&["$ ", "ls"], Some("ls"));
        check(&["$ ", "\x1b[1;31ml\x1b]0;title\x07s\x1b(B\x1b[m"], Some("ls"));
        check(&["$ ", "x rest\x08\x08\x08\x08\x08"], Some("x"));
        check(&["$ ", "x rest\x1b[5D"], Some("x"));
        check(&["$ l", "\x08\x1b[32mls"], Some("s"));
        check(&["$ ", "漢字é"], Some("漢字é"));
        check(&["$ 漢", "\r\x1b[4C字"], Some("字"));
    }

    #[test]
    fn a_line_drawn_anew_ends_where_it_ended() {
        check(&["$ ", "\r$ ls\r\x1b[4C"], Some("ls"));
        check(&["$ ", "\x1b[1Gready"], Some("ady"));
        check(&["$ ", "\r- "], None);
        check(&["$ ", "\x1b7\x1b[1;70Hx\x1b8"], None);
        check(&["$ ", "\x1b[s\x1b[1;70Hx\x1b[ul"], Some("l"));
        check(&["$ ", "\x1b[>1ul"], Some("l"));
        check(&["$ ", "a\r\n"], None);
        check(&["\x1b[3;5H", "\x1b[24;1Hx\x1b[3;5Hy"], Some("y"));
    }

    #[test]
    fn a_line_goes_on_in_the_next_row() {
        let row = "x".repeat(79);
        check(&[&row, "y"], Some("y"));
        check(&[&row, "y \r"], Some("y"));
        check(&[&row, "y \rz"], Some("yz"));
        check(&[&row, "y\r"], None);
        check(&[&row, "y\x08"], None);
        check(&[&row, "漢"], Some("漢"));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_lead_to_the_same_place(
            bytes in proptest::collection::vec(prop_oneof![Just(0x1B), Just(b'['), Just(b';'), b'0'..=b'9', b'@'..=b'z', any::<u8>()], 0..200),
            cut in 0..200_usize,
        ) {
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let (mut whole, mut pieces) = (Cursor::default(), Cursor::default());
            whole.feed(&bytes, |_, _| {});
            pieces.feed(head, |_, _| {});
            pieces.feed(tail, |cursor, stop| assert!(stop != Stop::Rest || cursor.leftwards().count() < 1000));
            prop_assert_eq!(whole.position(), pieces.position());
            prop_assert!(whole.leftwards().eq(pieces.leftwards()));
        }
    }
}
