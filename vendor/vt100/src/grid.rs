//! The rows of a screen, and what scrolls.

use std::collections::VecDeque;

use crate::attrs::Attrs;
use crate::charset::Charsets;
use crate::row::Row;

/// A place on the screen. `col` is the number of columns when a wrap is pending.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Pos {
    pub(crate) row: u16,
    pub(crate) col: u16,
}

/// What DECSC saves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Saved {
    pub(crate) pos: Pos,
    pub(crate) attrs: Attrs,
    pub(crate) origin: bool,
    pub(crate) charsets: Charsets,
}

/// The rows of one screen.
///
/// Invariant: there are as many as the screen has, and none is longer than the screen is wide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    pub(crate) rows: VecDeque<Row>,
    pub(crate) saved: Saved,
}

impl Grid {
    pub(crate) fn new(rows: u16) -> Self {
        let rows = std::iter::repeat_with(Row::default).take(rows.into()).collect();
        Self { rows, saved: Saved::default() }
    }

    pub(crate) fn clear(&mut self, attrs: Attrs) {
        for row in &mut self.rows {
            row.clear(attrs);
        }
    }

    /// Moves the rows `top` to `bottom` up by `count`; those that fall out are cleared and come in at the bottom.
    pub(crate) fn scroll_up(&mut self, top: u16, bottom: u16, count: u16, attrs: Attrs) {
        let Some((rows, count)) = self.region(top, bottom, count) else { return };
        rows[..count].iter_mut().for_each(|row| row.clear(attrs));
        rows.rotate_left(count);
    }

    /// Moves the rows `top` to `bottom` down by `count`; those that fall out are cleared and come in at the top.
    pub(crate) fn scroll_down(&mut self, top: u16, bottom: u16, count: u16, attrs: Attrs) {
        let Some((rows, count)) = self.region(top, bottom, count) else { return };
        rows.rotate_right(count);
        rows[..count].iter_mut().for_each(|row| row.clear(attrs));
        // What follows the last row is no longer what did.
        if let Some(last) = rows.last_mut() {
            last.wrap(0);
        }
    }

    fn region(&mut self, top: u16, bottom: u16, count: u16) -> Option<(&mut [Row], usize)> {
        let rows = self.rows.make_contiguous().get_mut(top.into()..=bottom.into())?;
        let count = usize::from(count).min(rows.len());
        Some((rows, count))
    }

    /// Brings the rows to the new size; returns those that scroll off at the top.
    ///
    /// `row` is where the cursor is, which never falls out.
    pub(crate) fn resize(&mut self, cols: u16, rows: u16, row: u16) -> Vec<Row> {
        let (old, new) = (self.rows.len(), usize::from(rows));
        let below = old.saturating_sub(usize::from(row) + 1);
        self.rows.truncate(old - old.saturating_sub(new).min(below));
        let scrolled: Vec<Row> = self.rows.drain(..self.rows.len().saturating_sub(new)).collect();
        self.rows.resize_with(new, Row::default);
        for row in &mut self.rows {
            row.narrow(cols);
        }
        let gone = u16::try_from(scrolled.len()).unwrap_or(u16::MAX);
        self.saved.pos.row = self.saved.pos.row.saturating_sub(gone).min(rows - 1);
        self.saved.pos.col = self.saved.pos.col.min(cols - 1);
        scrolled
    }
}
