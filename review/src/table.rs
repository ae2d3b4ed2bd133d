//! A table: columns that are as wide as what is in them, one row chosen.
//!
//! *Invariant*: whatever the width, the columns that matter most are shown, each as wide as its longest text or as wide
//! as it may be; one column takes what is left.

use std::ops::Range;

use casemate_terminal::Style;
use casemate_tui::text::harmless;
use casemate_tui::{Area, Grid, Look, Selection};
use unicode_width::UnicodeWidthStr as _;

/// What stands where nothing is known.
pub(crate) const NOTHING: &str = "–";

/// Between columns.
const GAP: u16 = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) title: &'static str,
    /// It is never wider; or, for the one that takes what is left, not worth being shown in less.
    pub(crate) wide: Wide,
    /// Its texts stand at its right.
    pub(crate) is_right: bool,
    /// Of columns that do not all fit, those with small ranks are shown.
    pub(crate) rank: u8,
}

/// How wide a column may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wide {
    AtMost(u16),
    AtLeast(u16),
    /// At least so wide, and a third of the table.
    Third(u16),
}

impl Column {
    pub(crate) const fn new(title: &'static str, most: u16, rank: u8) -> Self {
        Self { title, wide: Wide::AtMost(most), is_right: false, rank }
    }

    pub(crate) const fn right(title: &'static str, most: u16, rank: u8) -> Self {
        Self { is_right: true, ..Self::new(title, most, rank) }
    }

    /// The column that takes what is left, and for whose sake the table is there.
    pub(crate) const fn main(title: &'static str, least: u16, rank: u8) -> Self {
        Self { wide: Wide::Third(least), ..Self::new(title, 0, rank) }
    }

    pub(crate) const fn rest(title: &'static str, least: u16, rank: u8) -> Self {
        Self { wide: Wide::AtLeast(least), ..Self::new(title, 0, rank) }
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// Nothing in it is obeyed by a terminal.
    pub(crate) text: String,
    pub(crate) style: Style,
    /// A part of it that is to be seen first, in bytes.
    pub(crate) mark: Option<(Range<usize>, Style)>,
}

impl Text {
    /// Text of anybody: what is in it is made harmless.
    pub(crate) fn new(text: &str, style: Style) -> Self {
        Self { text: harmless(text).into_owned(), style, mark: None }
    }
}

/// What stands in one row.
pub(crate) type Row = Vec<Text>;

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    column: usize,
    col: u16,
    cols: u16,
}

/// A table, and what is chosen in it.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    widths: Vec<u16>,
    /// Which columns say anything.
    has_text: Vec<bool>,
    pub(crate) selection: Selection,
    /// Where columns and rows were drawn last.
    places: Vec<Place>,
    area: Area,
}

/// What came of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Click {
    /// On a row, which is chosen now; it may have been before.
    Row { was_chosen: bool },
    /// On the title of that column.
    Title(usize),
    /// Nowhere.
    None,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        let nothing = Area { col: 0, row: 0, cols: 0, rows: 0 };
        let mut table = Self {
            columns,
            widths: Vec::new(),
            has_text: Vec::new(),
            selection: Selection::default(),
            places: Vec::new(),
            area: nothing,
        };
        table.forget_widths();
        table
    }

    /// Columns are as wide as their titles again.
    pub(crate) fn forget_widths(&mut self) {
        // The sign of sorting has room.
        self.widths = self.columns.iter().map(|column| width(column.title) + 1).collect();
        self.has_text = vec![false; self.columns.len()];
    }

    /// Makes columns so wide that a row fits.
    pub(crate) fn fit(&mut self, row: &[Text]) {
        for ((wide, has_text), text) in self.widths.iter_mut().zip(&mut self.has_text).zip(row) {
            *wide = width(&text.text).max(*wide);
            *has_text |= !matches!(text.text.as_str(), "" | NOTHING);
        }
    }

    /// Which columns are shown, and where.
    fn lay_out(&self, area: Area) -> Vec<Place> {
        let wanted = |column: usize| match self.columns[column].wide {
            Wide::AtMost(most) => self.widths[column].min(most.max(width(self.columns[column].title) + 1)),
            Wide::AtLeast(least) => least.min(area.cols),
            Wide::Third(least) => least.max(area.cols / 3).min(area.cols),
        };
        // A column that says nothing leaves its room to others.
        let is_wanted = |column: &usize| self.has_text[*column] || self.columns[*column].rank == 0;
        let mut order: Vec<usize> = (0..self.columns.len()).filter(is_wanted).collect();
        order.sort_by_key(|column| self.columns[*column].rank);
        let (mut shown, mut used) = (Vec::new(), 0_u16);
        for column in order {
            let gap = if shown.is_empty() { 0 } else { GAP };
            let wide = wanted(column) + gap;
            if used + wide <= area.cols {
                used += wide;
                shown.push(column);
            } else if shown.is_empty() {
                used = area.cols;
                shown.push(column);
            }
        }
        shown.sort_unstable();
        let mut left = area.cols - used;
        let mut col = area.col;
        let mut places = Vec::new();
        for column in shown {
            let mut cols = wanted(column).min(area.cols);
            if !matches!(self.columns[column].wide, Wide::AtMost(_)) {
                cols += std::mem::take(&mut left);
            }
            places.push(Place { column, col, cols });
            col += cols + GAP;
        }
        places
    }

    /// Draws it: titles, of which one says what it is sorted by and whether that is downwards, and rows.
    pub(crate) fn draw(
        &mut self,
        area: Area,
        count: usize,
        sorted: Option<(usize, bool)>,
        look: &Look,
        to: &mut Grid,
        row: &mut dyn FnMut(usize) -> Row,
    ) {
        self.area = area;
        self.places = self.lay_out(area);
        for place in &self.places {
            let column = &self.columns[place.column];
            let sign = match sorted {
                Some((by, is_down)) if by == place.column => {
                    if is_down {
                        "▼"
                    } else {
                        "▲"
                    }
                }
                _ => "",
            };
            let title = format!("{}{sign}", column.title);
            write(*place, area.row, &title, column.is_right, Style { bold: true, ..look.faint }, to);
        }
        let shown = self.selection.show(count, area.rows.saturating_sub(1));
        for (at, number) in (area.row + 1..).zip(shown) {
            let texts = row(number);
            let is_chosen = number == self.selection.chosen;
            for place in &self.places {
                let Some(text) = texts.get(place.column) else { continue };
                write(*place, at, &text.text, self.columns[place.column].is_right, text.style, to);
                if let Some((range, style)) = &text.mark {
                    mark(*place, at, &text.text, range, *style, to);
                }
            }
            if is_chosen {
                for col in area.col..area.col + area.cols {
                    if let Some(style) = to.style_mut(col, at) {
                        *style = Style { inverse: true, ..look.plain };
                    }
                }
            }
        }
    }

    /// Takes a click.
    pub(crate) fn press(&mut self, col: u16, row: u16, count: usize) -> Click {
        let Area { row: top, rows, .. } = self.area;
        if row == top {
            let on = self.places.iter().find(|place| (place.col..place.col + place.cols).contains(&col));
            return on.map_or(Click::None, |place| Click::Title(place.column));
        }
        if row < top || row >= top + rows || count == 0 {
            return Click::None;
        }
        let before = self.selection.chosen;
        self.selection.press(row - top - 1, count);
        Click::Row { was_chosen: self.selection.chosen == before }
    }
}

/// Writes a text into its place; one that is cut says so.
fn write(place: Place, row: u16, text: &str, is_right: bool, style: Style, to: &mut Grid) {
    let end = place.col + place.cols;
    let wide = width(text);
    if wide > place.cols {
        let behind = to.write(place.col, row, end.saturating_sub(1), text, style);
        to.write(behind, row, end, "…", style);
    } else {
        let col = if is_right { end - wide } else { place.col };
        to.write(col, row, end, text, style);
    }
}

/// Shows a part of what was written in another style.
fn mark(place: Place, row: u16, text: &str, range: &Range<usize>, style: Style, to: &mut Grid) {
    let (Some(before), Some(within)) = (text.get(..range.start), text.get(range.clone())) else { return };
    let end = place.col + place.cols;
    let begin = place.col.saturating_add(width(before)).min(end);
    for col in begin..begin.saturating_add(width(within)).min(end) {
        if let Some(there) = to.style_mut(col, row) {
            *there = style;
        }
    }
}

fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    static COLUMNS: [Column; 4] = [
        Column::new("when", 10, 0),
        Column::new("who", 8, 1),
        Column::right("size", 6, 3),
        Column::rest("what", 10, 2),
    ];

    fn text(text: &str) -> Text {
        Text::new(text, Style::default())
    }

    fn drawn(cols: u16) -> String {
        let mut table = Table::new(&COLUMNS);
        let rows = [
            ["2026-11-22", "alice", "12", "ls -l"],
            ["2026-11-23", "a-long-name", "1234", "日本語の長いコマンド"],
        ];
        let rows: Vec<Row> = rows.iter().map(|row| row.iter().map(|cell| text(cell)).collect()).collect();
        rows.iter().for_each(|row| table.fit(row));
        let mut grid = Grid::new(cols, 3);
        let area = grid.area();
        table.draw(area, 2, Some((0, true)), &Look::new(false), &mut grid, &mut |at| rows[at].clone());
        grid.text()
    }

    #[test]
    fn what_matters_is_shown() {
        expect_test::expect![[r#"
            when▼       who        size  what
            2026-11-22  alice        12  ls -l
            2026-11-23  a-long-…   1234  日本語の長いコ…
        "#]]
        .assert_eq(&drawn(44));
        expect_test::expect![[r"
            when▼       who       what
            2026-11-22  alice     ls -l
            2026-11-23  a-long-…  日本語の…
        "]]
        .assert_eq(&drawn(32));
        expect_test::expect![[r"
            when▼
            2026-11…
            2026-11…
        "]]
        .assert_eq(&drawn(8));
    }

    proptest! {
        #[test]
        fn columns_never_overlap(cols in 0..60_u16, widths in proptest::collection::vec(0..30_usize, 4)) {
            let mut table = Table::new(&COLUMNS);
            table.fit(&widths.iter().map(|wide| text(&"x".repeat(*wide))).collect::<Row>());
            let area = Area { col: 3, row: 0, cols, rows: 3 };
            let places = table.lay_out(area);
            let mut from = area.col;
            for place in &places {
                prop_assert!(place.col >= from && place.col + place.cols <= area.col + cols);
                from = place.col + place.cols;
            }
            prop_assert!(!places.is_empty());
        }
    }
}
