//! The state of a terminal, and how it moves.

use std::collections::VecDeque;

use crate::attrs::{Attrs, Color};
use crate::charset::{Charset, Charsets};
use crate::grid::{Grid, Pos, Saved};
use crate::kept::Kept;
use crate::row::Row;

/// Distance of tab stops that nobody has set.
const TAB: u16 = 8;

/// Rows longer than this take the place of several in the scrollback. Few terminals are wider.
const LONG_ROW: usize = 512;

/// Modes that change nothing of the screen, but what shows it or types to it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Modes(pub(crate) u32);

impl Modes {
    pub(crate) const APPLICATION_KEYPAD: u32 = 1;
    pub(crate) const APPLICATION_CURSOR: u32 = 1 << 1;
    pub(crate) const HIDE_CURSOR: u32 = 1 << 2;
    pub(crate) const BRACKETED_PASTE: u32 = 1 << 3;

    pub(crate) fn set(&mut self, mode: u32, on: bool) {
        if on {
            self.0 |= mode;
        } else {
            self.0 &= !mode;
        }
    }
}

/// A row that has left a screen.
#[derive(Clone, Debug)]
pub enum Gone {
    /// It has scrolled off the top of the primary screen. If it wrapped, the line goes on in the row that was below.
    Scrolled(Row),
    /// It has fallen out between margins, or off the alternate screen.
    Lost(Row),
}

/// Represents the overall terminal state.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(crate) cols: u16,
    pub(crate) rows: u16,
    pub(crate) primary: Grid,
    pub(crate) alternate: Grid,
    pub(crate) is_alternate: bool,

    pub(crate) scrollback: VecDeque<Kept>,
    pub(crate) scrollback_cells: usize,
    /// How many rows the scrollback holds at most; and so many times [`LONG_ROW`] cells.
    pub(crate) capacity: usize,
    /// How many rows have ever left the primary screen at its top.
    pub(crate) scrolled: u64,
    /// Rows that are gone and that nobody has taken; `None` if nobody takes them.
    pub(crate) gone: Option<Vec<Gone>>,
    /// Whether those are kept that have not scrolled off the top of the primary screen.
    pub(crate) keeps_lost: bool,

    // Invariant: `pos.row < rows` and `pos.col <= cols`.
    pub(crate) pos: Pos,
    pub(crate) attrs: Attrs,
    pub(crate) charsets: Charsets,
    // Invariant: `top < bottom < rows`, but for a screen of one row.
    pub(crate) top: u16,
    pub(crate) bottom: u16,
    /// DECOM: rows are counted from the top margin.
    pub(crate) origin: bool,
    /// DECAWM: text goes on in the next row.
    pub(crate) autowrap: bool,
    /// IRM: characters push the others to the right.
    pub(crate) insert: bool,
    /// LNM: a line feed returns the carriage as well.
    pub(crate) newline: bool,
    /// Whether `ESC k` begins the title of a window, as in screen and tmux. Others show the title as text.
    pub(crate) screen_titles: bool,
    /// Whether there is a tab stop, for each column.
    pub(crate) tabs: Vec<bool>,
    pub(crate) modes: Modes,
    /// What REP repeats.
    pub(crate) last: Option<char>,
}

impl Screen {
    pub(crate) fn new(cols: u16, rows: u16, capacity: usize) -> Self {
        let (cols, rows) = (cols.max(1), rows.max(1));
        Self {
            cols,
            rows,
            primary: Grid::new(rows),
            alternate: Grid::new(rows),
            is_alternate: false,
            scrollback: VecDeque::new(),
            scrollback_cells: 0,
            capacity,
            scrolled: 0,
            gone: None,
            keeps_lost: false,
            pos: Pos::default(),
            attrs: Attrs::default(),
            charsets: Charsets::default(),
            top: 0,
            bottom: rows - 1,
            origin: false,
            autowrap: true,
            insert: false,
            newline: false,
            screen_titles: false,
            tabs: default_tabs(0, cols),
            modes: Modes::default(),
            last: None,
        }
    }

    /// Returns the current size of the terminal: rows and columns.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        (self.rows, self.cols)
    }

    /// Returns the position of the cursor: row and column. The column is the width when a wrap is pending.
    #[must_use]
    pub fn cursor_position(&self) -> (u16, u16) {
        (self.pos.row, self.pos.col)
    }

    /// Returns the position that DECRC would go to: row and column.
    #[must_use]
    pub fn saved_position(&self) -> (u16, u16) {
        let saved = self.grid().saved.pos;
        (saved.row, saved.col)
    }

    /// Returns whether the alternate screen is currently in use.
    #[must_use]
    pub fn alternate_screen(&self) -> bool {
        self.is_alternate
    }

    /// Returns whether text goes on in the next row at the right edge.
    #[must_use]
    pub fn autowrap(&self) -> bool {
        self.autowrap
    }

    /// Returns whether characters and tabs come out as in a terminal that was just switched on: DECAWM is on, IRM off,
    /// the character set ASCII, and tab stops are where they were.
    #[must_use]
    pub fn shows_text_as_it_is(&self) -> bool {
        self.autowrap && !self.insert && self.charsets.active() == Charset::Ascii && self.has_default_tabs()
    }

    pub(crate) fn has_default_tabs(&self) -> bool {
        (0..).zip(&self.tabs).all(|(col, &tab)| tab == is_default_tab(col))
    }

    /// Takes the modes and the character sets of another screen, but nothing of its content.
    pub fn take_modes(&mut self, other: &Self) {
        self.autowrap = other.autowrap;
        self.insert = other.insert;
        self.newline = other.newline;
        self.charsets = other.charsets;
        self.modes = other.modes;
        if !self.autowrap {
            self.settle();
        }
    }

    /// Notes that a character was printed elsewhere: REP repeats it.
    pub fn note_printed(&mut self, character: char) {
        self.last = Some(character);
    }

    /// Returns whether there is a scroll region smaller than the screen.
    #[must_use]
    pub fn has_margins(&self) -> bool {
        (self.top, self.bottom) != (0, self.rows - 1)
    }

    /// Returns whether the cursor is hidden.
    #[must_use]
    pub fn hide_cursor(&self) -> bool {
        self.modes.0 & Modes::HIDE_CURSOR != 0
    }

    /// Returns whether cursor keys send what applications want (DECCKM).
    #[must_use]
    pub fn application_cursor(&self) -> bool {
        self.modes.0 & Modes::APPLICATION_CURSOR != 0
    }

    /// Returns whether there are no margins.
    #[must_use]
    pub fn scrolls_whole(&self) -> bool {
        self.top == 0 && self.bottom + 1 == self.rows
    }

    /// Returns whether pastes are bracketed.
    #[must_use]
    pub fn bracketed_paste(&self) -> bool {
        self.modes.0 & Modes::BRACKETED_PASTE != 0
    }

    /// Says whether `ESC k` begins the title of a window, as in screen and tmux.
    pub fn set_screen_titles(&mut self, on: bool) {
        self.screen_titles = on;
    }

    /// Returns how newly drawn text is rendered.
    #[must_use]
    pub fn attrs(&self) -> Attrs {
        self.attrs
    }

    /// Has newly drawn text rendered in those colours, without attributes.
    pub fn set_colors(&mut self, fgcolor: Color, bgcolor: Color) {
        self.attrs = Attrs { fgcolor, bgcolor, mode: 0 };
    }

    /// Returns how many rows have scrolled off the top of the primary screen: the absolute number of its first row.
    #[must_use]
    pub fn scrolled(&self) -> u64 {
        self.scrolled
    }

    /// Returns the row with that absolute number, of the primary screen or its scrollback.
    #[must_use]
    pub fn numbered_row(&self, number: u64) -> Option<&Row> {
        if let Some(row) = number.checked_sub(self.scrolled) {
            return self.primary.rows.get(usize::try_from(row).ok()?);
        }
        let back = usize::try_from(self.scrolled - number).ok()?;
        self.scrollback.get(self.scrollback.len().checked_sub(back)?).map(Kept::row)
    }

    /// Returns a row of the screen that is shown.
    #[must_use]
    pub fn row(&self, row: u16) -> Option<&Row> {
        self.grid().rows.get(usize::from(row))
    }

    /// Returns the rows of the screen that is shown.
    pub fn visible_rows(&self) -> impl Iterator<Item = &Row> {
        self.grid().rows.iter()
    }

    /// Takes the rows that are gone since the last time.
    pub fn take_gone(&mut self) -> impl Iterator<Item = Gone> + '_ {
        self.gone.as_mut().map(|rows| rows.drain(..)).into_iter().flatten()
    }

    /// Gives a row of the screen that is shown a number, to know it again by [`Row::stamp`].
    pub fn stamp(&mut self, row: u16, stamp: u64) {
        if let Some(row) = self.grid_mut().rows.get_mut(usize::from(row)) {
            row.stamp = stamp;
        }
    }

    pub(crate) fn grid(&self) -> &Grid {
        if self.is_alternate { &self.alternate } else { &self.primary }
    }

    pub(crate) fn grid_mut(&mut self) -> &mut Grid {
        if self.is_alternate { &mut self.alternate } else { &mut self.primary }
    }

    pub(crate) fn current_row(&mut self) -> &mut Row {
        let row = usize::from(self.pos.row);
        &mut self.grid_mut().rows[row]
    }

    /// Resizes the terminal.
    ///
    /// A narrower screen cuts rows at the right. Where rows are lost, those below the cursor go first, then those at
    /// the top scroll off. New rows come in at the bottom; nothing comes back from the scrollback.
    pub fn set_size(&mut self, rows: u16, cols: u16) {
        let (cols, rows) = (cols.max(1), rows.max(1));
        // The primary screen's cursor is the one that will be restored while the alternate one is shown.
        let row = if self.is_alternate { self.primary.saved.pos.row } else { self.pos.row };
        let scrolled = self.primary.resize(cols, rows, row);
        let gone = u16::try_from(scrolled.len()).unwrap_or(u16::MAX);
        for row in scrolled {
            self.scroll_off(row);
        }
        let row = if self.is_alternate { self.pos.row } else { 0 };
        let gone_alternate = self.alternate.resize(cols, rows, row).len();
        let gone = if self.is_alternate { u16::try_from(gone_alternate).unwrap_or(u16::MAX) } else { gone };
        self.pos.row = self.pos.row.saturating_sub(gone).min(rows - 1);
        self.pos.col = self.pos.col.min(cols - 1);
        self.top = 0;
        self.bottom = rows - 1;
        if usize::from(cols) > self.tabs.len() {
            let from = u16::try_from(self.tabs.len()).unwrap_or(cols);
            self.tabs.extend(default_tabs(from, cols));
        }
        self.tabs.truncate(cols.into());
        (self.cols, self.rows) = (cols, rows);
    }

    /// Notes that a row has left the primary screen; returns one whose memory can be used again.
    fn scroll_off(&mut self, mut row: Row) -> Row {
        self.scrolled += 1;
        if let Some(gone) = &mut self.gone {
            gone.push(Gone::Scrolled(row));
            return Row::default();
        }
        if self.capacity == 0 {
            return row;
        }
        // Long rows must not make the rows that replace them long.
        if row.cells.capacity() > LONG_ROW {
            row.cells.shrink_to_fit();
        }
        self.scrollback_cells += row.cells.len();
        self.scrollback.push_back(Kept::new(row));
        let mut oldest = Row::default();
        while self.scrollback.len() > self.capacity
            || self.scrollback_cells > self.capacity.saturating_mul(LONG_ROW)
        {
            let Some(row) = self.scrollback.pop_front() else { break };
            self.scrollback_cells -= row.cells;
            oldest = row.into_row();
        }
        oldest
    }

    /// Takes as little memory as there is need for until something comes: rows of the scrollback are packed, and read from
    /// that where somebody wants them.
    pub fn rest(&mut self) {
        let mut buffer = Vec::new();
        self.scrollback.iter_mut().for_each(|row| row.pack(&mut buffer));
        for row in self.primary.rows.iter_mut().chain(&mut self.alternate.rows) {
            if row.cells.capacity() > usize::from(self.cols) {
                row.cells.shrink_to_fit();
            }
        }
    }

    /// Forgets the scrollback; the rows keep their numbers.
    pub(crate) fn clear_scrollback(&mut self) {
        self.scrollback.clear();
        self.scrollback_cells = 0;
    }

    /// Moves rows up; those that fall out at the top are lost.
    pub(crate) fn move_up(&mut self, top: u16, bottom: u16, count: u16) {
        let attrs = self.attrs;
        self.lose(top, top.saturating_add(count).min(bottom + 1));
        self.grid_mut().scroll_up(top, bottom, count, attrs);
    }

    /// Moves rows down; those that fall out at the bottom are lost.
    pub(crate) fn move_down(&mut self, top: u16, bottom: u16, count: u16) {
        let attrs = self.attrs;
        self.lose((bottom + 1).saturating_sub(count).max(top), bottom + 1);
        self.grid_mut().scroll_down(top, bottom, count, attrs);
    }

    /// Notes that the rows before `end` are about to fall out.
    fn lose(&mut self, from: u16, end: u16) {
        if !self.keeps_lost {
            return;
        }
        let Some(gone) = &mut self.gone else { return };
        let grid = if self.is_alternate { &mut self.alternate } else { &mut self.primary };
        for row in grid.rows.range_mut(usize::from(from)..usize::from(end)) {
            if !row.is_empty() {
                gone.push(Gone::Lost(std::mem::take(row)));
            }
        }
    }

    /// Moves the text between the margins up.
    pub(crate) fn scroll_up(&mut self, count: u16) {
        let (top, bottom, attrs) = (self.top, self.bottom, self.attrs);
        let count = count.min(bottom - top + 1);
        if self.is_alternate || top > 0 {
            self.move_up(top, bottom, count);
            return;
        }
        if usize::from(bottom) + 1 < self.primary.rows.len() {
            for index in 0..usize::from(count) {
                let row = std::mem::take(&mut self.primary.rows[index]);
                self.primary.rows[index] = self.scroll_off(row);
            }
            self.primary.scroll_up(top, bottom, count, attrs);
            return;
        }
        let is_kept = self.capacity > 0 || self.gone.is_some();
        for _ in 0..count {
            self.primary.rows.rotate_left(1);
            if is_kept && let Some(last) = self.primary.rows.back_mut() {
                let row = std::mem::take(last);
                let row = self.scroll_off(row);
                if let Some(last) = self.primary.rows.back_mut() {
                    *last = row;
                }
            } else {
                self.scrolled += 1;
            }
            if let Some(last) = self.primary.rows.back_mut() {
                last.clear(attrs);
            }
        }
    }

    /// Moves the text between the margins down.
    pub(crate) fn scroll_down(&mut self, count: u16) {
        self.move_down(self.top, self.bottom, count);
    }

    pub(crate) fn in_region(&self) -> bool {
        (self.top..=self.bottom).contains(&self.pos.row)
    }

    /// Goes to the next row, and scrolls at the bottom margin.
    pub(crate) fn index(&mut self) {
        self.settle();
        if self.pos.row == self.bottom {
            self.scroll_up(1);
        } else if self.pos.row + 1 < self.rows {
            self.pos.row += 1;
        }
    }

    /// Goes to the row before, and scrolls at the top margin.
    pub(crate) fn reverse_index(&mut self) {
        self.settle();
        if self.pos.row == self.top {
            self.scroll_down(1);
        } else {
            self.pos.row = self.pos.row.saturating_sub(1);
        }
    }

    /// Gives up a pending wrap, as every movement does.
    pub(crate) fn settle(&mut self) {
        self.pos.col = self.pos.col.min(self.cols - 1);
    }

    pub(crate) fn up(&mut self, count: u16) {
        self.settle();
        let limit = if self.pos.row >= self.top { self.top } else { 0 };
        self.pos.row = self.pos.row.saturating_sub(count).max(limit);
    }

    pub(crate) fn down(&mut self, count: u16) {
        self.settle();
        let limit = if self.pos.row <= self.bottom { self.bottom } else { self.rows - 1 };
        self.pos.row = self.pos.row.saturating_add(count).min(limit);
    }

    pub(crate) fn left(&mut self, count: u16) {
        self.settle();
        self.pos.col = self.pos.col.saturating_sub(count);
    }

    pub(crate) fn right(&mut self, count: u16) {
        self.pos.col = self.pos.col.saturating_add(count).min(self.cols - 1);
    }

    pub(crate) fn go_to_column(&mut self, col: u16) {
        self.pos.col = col.min(self.cols - 1);
    }

    pub(crate) fn go_to_row(&mut self, row: u16) {
        self.settle();
        self.pos.row =
            if self.origin { row.saturating_add(self.top).min(self.bottom) } else { row.min(self.rows - 1) };
    }

    pub(crate) fn tab(&mut self, count: u16) {
        // A pending wrap stays.
        if self.pos.col >= self.cols {
            return;
        }
        for _ in 0..count.min(self.cols) {
            let from = usize::from(self.pos.col) + 1;
            let next = (from..self.tabs.len()).find(|&col| self.tabs[col]);
            self.pos.col = next.and_then(|col| u16::try_from(col).ok()).unwrap_or(self.cols - 1);
        }
    }

    pub(crate) fn back_tab(&mut self, count: u16) {
        self.settle();
        for _ in 0..count.min(self.cols) {
            let stop = (0..usize::from(self.pos.col)).rev().find(|&col| self.tabs[col]);
            self.pos.col = stop.and_then(|col| u16::try_from(col).ok()).unwrap_or(0);
        }
    }

    pub(crate) fn set_margins(&mut self, top: u16, bottom: u16) {
        let bottom = bottom.min(self.rows - 1);
        if top < bottom {
            (self.top, self.bottom) = (top, bottom);
            self.home();
        }
    }

    pub(crate) fn home(&mut self) {
        self.pos.col = 0;
        self.go_to_row(0);
    }

    pub(crate) fn save_cursor(&mut self) {
        let saved = Saved { pos: self.pos, attrs: self.attrs, origin: self.origin, charsets: self.charsets };
        self.grid_mut().saved = saved;
    }

    pub(crate) fn restore_cursor(&mut self) {
        let saved = self.grid().saved;
        self.pos = saved.pos;
        self.attrs = saved.attrs;
        self.origin = saved.origin;
        self.charsets = saved.charsets;
    }

    /// RIS. The scrollback stays.
    pub(crate) fn reset(&mut self) {
        let scrollback = std::mem::take(&mut self.scrollback);
        let (gone, keeps_lost) = (self.gone.take(), self.keeps_lost);
        let (scrollback_cells, scrolled) = (self.scrollback_cells, self.scrolled);
        let screen_titles = self.screen_titles;
        *self = Self {
            scrollback,
            scrollback_cells,
            gone,
            keeps_lost,
            scrolled,
            screen_titles,
            ..Self::new(self.cols, self.rows, self.capacity)
        };
    }

    /// DECSTR.
    pub(crate) fn soft_reset(&mut self) {
        self.top = 0;
        self.bottom = self.rows - 1;
        self.origin = false;
        self.autowrap = true;
        self.insert = false;
        self.attrs = Attrs::default();
        self.charsets = Charsets::default();
        self.grid_mut().saved = Saved::default();
        self.modes.set(Modes::HIDE_CURSOR | Modes::APPLICATION_CURSOR | Modes::APPLICATION_KEYPAD, false);
    }
}

fn default_tabs(from: u16, to: u16) -> Vec<bool> {
    (from..to).map(is_default_tab).collect()
}

fn is_default_tab(col: u16) -> bool {
    col > 0 && col.is_multiple_of(TAB)
}
