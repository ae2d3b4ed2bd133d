//! The whole state as bytes, and back.
//!
//! ```text
//! keyframe   = layout (1 byte) cols rows flags modes cursor attrs charsets top bottom tabs last
//!              parser scrolled saved saved grid [grid]
//! cursor     = row col
//! saved      = cursor attrs origin charsets             of the primary, then of the alternate screen
//! tabs       = one bit a column, eight a byte
//! last       = 0, or the character that REP repeats, plus 1
//! parser     = state (1 byte) length bytes
//! grid       = row *rows                                the alternate one only if anything is on it
//! row        = wrapped_at attrs length run *            runs until length cells are there
//! run        = attrs count×2+1 ASCII characters         or
//!              attrs count×2 (cell: length and width in a byte, text) *
//! attrs      = mode (1 byte) colour colour
//! colour     = 0 | 1 index | 2 red green blue
//! ```
//!
//! Numbers are LEB128. The scrollback is not in it, but how many rows have scrolled off is. What is read is checked:
//! whatever the bytes, the result is a state that a terminal could be in, or an error.

use crate::attrs::{Attrs, Color};
use crate::cell::Cell;
use crate::charset::{Charset, Charsets};
use crate::grid::{Grid, Pos, Saved};
use crate::parse::{Machine, State};
use crate::row::Row;
use crate::screen::{Modes, Screen};

/// The layout described above.
const LAYOUT: u8 = 1;

const WIDE: u8 = 0x80;
const CONTINUATION: u8 = 0x40;

/// Why a keyframe cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyframeError {
    /// Its layout is not known.
    Layout(u8),
    /// It is damaged.
    Damaged,
}

type Result<T> = std::result::Result<T, KeyframeError>;

pub(crate) fn encode(screen: &Screen, machine: &Machine) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.push(LAYOUT);
    number(&mut out, screen.cols.into());
    number(&mut out, screen.rows.into());
    let blank_alternate = screen.alternate.rows.iter().all(is_untouched);
    let flags = [
        screen.is_alternate,
        screen.origin,
        screen.autowrap,
        screen.insert,
        screen.newline,
        !blank_alternate,
        screen.screen_titles,
    ];
    out.push(bits(&flags));
    number(&mut out, screen.modes.0.into());
    cursor(&mut out, screen.pos);
    attrs(&mut out, screen.attrs);
    charsets(&mut out, screen.charsets);
    number(&mut out, screen.top.into());
    number(&mut out, screen.bottom.into());
    out.extend(screen.tabs.chunks(8).map(bits));
    number(&mut out, screen.last.map_or(0, |last| u64::from(u32::from(last)) + 1));
    out.push(machine.state as u8);
    text(&mut out, &machine.kept);
    number(&mut out, screen.scrolled);
    for grid in [&screen.primary, &screen.alternate] {
        cursor(&mut out, grid.saved.pos);
        attrs(&mut out, grid.saved.attrs);
        out.push(grid.saved.origin.into());
        charsets(&mut out, grid.saved.charsets);
    }
    screen.primary.rows.iter().for_each(|line| row(&mut out, line));
    if !blank_alternate {
        screen.alternate.rows.iter().for_each(|line| row(&mut out, line));
    }
    out
}

fn is_untouched(row: &Row) -> bool {
    row.cells.is_empty() && row.wrapped_at == 0 && row.blank == Cell::blank(Attrs::DEFAULT)
}

fn bits(flags: &[bool]) -> u8 {
    flags.iter().rev().fold(0, |byte, &flag| byte << 1 | u8::from(flag))
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

fn cursor(out: &mut Vec<u8>, pos: Pos) {
    number(out, pos.row.into());
    number(out, pos.col.into());
}

fn attrs(out: &mut Vec<u8>, attrs: Attrs) {
    out.push(attrs.mode);
    for color in [attrs.fgcolor, attrs.bgcolor] {
        match color {
            Color::Default => out.push(0),
            Color::Idx(index) => out.extend([1, index]),
            Color::Rgb(red, green, blue) => out.extend([2, red, green, blue]),
        }
    }
}

fn charsets(out: &mut Vec<u8>, charsets: Charsets) {
    out.push(charsets.active);
    out.extend(charsets.sets.map(|set| match set {
        Charset::Ascii => 0,
        Charset::Drawing => 1,
        Charset::British => 2,
    }));
}

fn row(out: &mut Vec<u8>, row: &Row) {
    number(out, row.wrapped_at.into());
    attrs(out, *row.blank.attrs());
    number(out, u64::try_from(row.cells.len()).unwrap_or(u64::MAX));
    let like = |cell: &Cell| (*cell.attrs(), cell.as_ascii().is_some());
    for run in row.cells.chunk_by(|one, other| like(one) == like(other)) {
        let Some((style, is_ascii)) = run.first().map(like) else { continue };
        attrs(out, style);
        let count = u64::try_from(run.len()).unwrap_or(u64::MAX);
        number(out, count * 2 + u64::from(is_ascii));
        for cell in run {
            if let Some(byte) = cell.as_ascii() {
                out.push(byte);
                continue;
            }
            let text = cell.contents().as_bytes();
            let wide = if cell.is_wide() { WIDE } else { 0 };
            let continuation = if cell.is_wide_continuation() { CONTINUATION } else { 0 };
            // The text of a cell is far shorter than 64 bytes.
            out.push(u8::try_from(text.len()).unwrap_or(0) | wide | continuation);
            out.extend_from_slice(text);
        }
    }
}

/// A row as it stands in a keyframe.
pub(crate) fn pack_row(out: &mut Vec<u8>, line: &Row) {
    row(out, line);
}

/// The row that [`pack_row`] was given, but for its stamp.
pub(crate) fn unpack_row(bytes: &[u8]) -> Option<Row> {
    let mut row = Row::default();
    Reader(bytes).row(&mut row, u16::MAX).ok()?;
    Some(row)
}

/// Reads a keyframe; `accept` says whether a screen may have that many columns and rows.
pub(crate) fn decode(
    bytes: &[u8],
    capacity: usize,
    accept: impl FnOnce(u16, u16) -> bool,
) -> Result<(Screen, Machine)> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        LAYOUT => {}
        layout => return Err(KeyframeError::Layout(layout)),
    }
    let (cols, rows) = (reader.below(u16::MAX)?, reader.below(u16::MAX)?);
    check(cols > 0 && rows > 0 && accept(cols, rows))?;
    let mut screen = Screen::new(cols, rows, capacity);
    let flags = reader.byte()?;
    check(flags < 1 << 7)?;
    let flag = |bit: u8| flags & 1 << bit != 0;
    screen.is_alternate = flag(0);
    screen.origin = flag(1);
    screen.autowrap = flag(2);
    screen.insert = flag(3);
    screen.newline = flag(4);
    screen.screen_titles = flag(6);
    screen.modes = Modes(reader.number()?.try_into().map_err(|_| KeyframeError::Damaged)?);
    screen.pos = reader.cursor(cols, rows)?;
    screen.attrs = reader.attrs()?;
    screen.charsets = reader.charsets()?;
    screen.top = reader.below(rows - 1)?;
    screen.bottom = reader.below(rows - 1)?;
    check(screen.top < screen.bottom || (screen.top, screen.bottom) == (0, rows - 1))?;
    for tabs in screen.tabs.chunks_mut(8) {
        let byte = reader.byte()?;
        for (bit, tab) in tabs.iter_mut().enumerate() {
            *tab = byte & 1 << bit != 0;
        }
    }
    screen.last = match reader.number()? {
        0 => None,
        code => Some(u32::try_from(code - 1).ok().and_then(char::from_u32).ok_or(KeyframeError::Damaged)?),
    };
    let state = State::from_byte(reader.byte()?).ok_or(KeyframeError::Damaged)?;
    let machine = Machine { state, kept: reader.text()?.to_vec() };
    check(machine.is_possible())?;
    screen.scrolled = reader.number()?;
    screen.primary.saved = reader.saved(cols, rows)?;
    screen.alternate.saved = reader.saved(cols, rows)?;
    reader.grid(&mut screen.primary, cols)?;
    if flag(5) {
        reader.grid(&mut screen.alternate, cols)?;
    }
    check(reader.0.is_empty())?;
    Ok((screen, machine))
}

fn check(holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err(KeyframeError::Damaged) }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (&byte, rest) = self.0.split_first().ok_or(KeyframeError::Damaged)?;
        self.0 = rest;
        Ok(byte)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(KeyframeError::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(KeyframeError::Damaged)
    }

    /// Reads a number that is at most `most`.
    fn below(&mut self, most: u16) -> Result<u16> {
        let value = u16::try_from(self.number()?).map_err(|_| KeyframeError::Damaged)?;
        check(value <= most)?;
        Ok(value)
    }

    fn text(&mut self) -> Result<&'a [u8]> {
        let length = self.number()?;
        self.bytes(usize::try_from(length).map_err(|_| KeyframeError::Damaged)?)
    }

    fn cursor(&mut self, cols: u16, rows: u16) -> Result<Pos> {
        Ok(Pos { row: self.below(rows - 1)?, col: self.below(cols)? })
    }

    fn attrs(&mut self) -> Result<Attrs> {
        let mode = self.byte()?;
        Ok(Attrs { mode, fgcolor: self.color()?, bgcolor: self.color()? })
    }

    fn color(&mut self) -> Result<Color> {
        match self.byte()? {
            0 => Ok(Color::Default),
            1 => Ok(Color::Idx(self.byte()?)),
            2 => Ok(Color::Rgb(self.byte()?, self.byte()?, self.byte()?)),
            _ => Err(KeyframeError::Damaged),
        }
    }

    fn charsets(&mut self) -> Result<Charsets> {
        let active = self.byte()?;
        check(active < 4)?;
        let mut charsets = Charsets { active, ..Charsets::default() };
        for set in &mut charsets.sets {
            *set = match self.byte()? {
                0 => Charset::Ascii,
                1 => Charset::Drawing,
                2 => Charset::British,
                _ => return Err(KeyframeError::Damaged),
            };
        }
        Ok(charsets)
    }

    fn saved(&mut self, cols: u16, rows: u16) -> Result<Saved> {
        let (pos, attrs) = (self.cursor(cols, rows)?, self.attrs()?);
        let origin = self.byte()?;
        check(origin < 2)?;
        Ok(Saved { pos, attrs, origin: origin == 1, charsets: self.charsets()? })
    }

    fn grid(&mut self, grid: &mut Grid, cols: u16) -> Result<()> {
        grid.rows.iter_mut().try_for_each(|row| self.row(row, cols))
    }

    fn row(&mut self, row: &mut Row, cols: u16) -> Result<()> {
        row.wrapped_at = self.below(cols)?;
        row.blank = Cell::blank(self.attrs()?);
        let length = usize::from(self.below(cols)?);
        while row.cells.len() < length {
            let attrs = self.attrs()?;
            let head = self.number()?;
            let count = usize::try_from(head / 2).map_err(|_| KeyframeError::Damaged)?;
            check(count > 0 && count <= length - row.cells.len())?;
            if head % 2 == 1 {
                let text = self.bytes(count)?;
                check(text.iter().all(|byte| matches!(byte, 0x20..=0x7e)))?;
                row.cells.extend(text.iter().map(|&byte| Cell::ascii(byte, attrs)));
            } else {
                for _ in 0..count {
                    let cell = self.cell(attrs)?;
                    row.cells.push(cell);
                }
            }
        }
        // A wide character and its second half come together.
        let mut wide = false;
        for cell in &row.cells {
            check(cell.is_wide_continuation() == wide)?;
            wide = cell.is_wide();
        }
        check(!wide)
    }

    fn cell(&mut self, attrs: Attrs) -> Result<Cell> {
        let head = self.byte()?;
        let length = usize::from(head & !(WIDE | CONTINUATION));
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|_| KeyframeError::Damaged)?;
        check(!text.contains(|character: char| character.is_ascii_control()))?;
        if head & CONTINUATION != 0 {
            check(head == CONTINUATION)?;
            return Ok(Cell::continuation(attrs));
        }
        check(!text.is_empty() || head == 0)?;
        Cell::from_text(text, head & WIDE != 0, attrs).ok_or(KeyframeError::Damaged)
    }
}
