//! The recorded screen as it was last shown, and which part of it is to be seen.
//!
//! *Invariant*: of what is recorded only cells come in here.

use casemate_terminal::{Color, Screen as _, Style, Vt100Screen};
use casemate_tui::{Area, Cell, Grid, Look};

use crate::search::Pattern;

/// A recorded screen.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) grid: Grid,
    /// Where the cursor is, if it is to be seen.
    pub(crate) cursor: Option<(u16, u16)>,
}

impl Picture {
    pub(crate) fn of(screen: &Vt100Screen) -> Self {
        let size = screen.size();
        let mut grid = Grid::new(size.cols, size.rows);
        for row in 0..size.rows {
            let Some(line) = screen.shown(row) else { continue };
            for col in 0..size.cols {
                let cell = line.drawn(col);
                grid.set(col, row, Cell::new(cell.text, cell.width, cell.style));
            }
        }
        let cursor = screen.cursor();
        // A wrap that is pending is shown on the last column.
        let at = (cursor.col.min(size.cols.saturating_sub(1)), cursor.row);
        Self { grid, cursor: (!screen.is_cursor_hidden()).then_some(at) }
    }
}

impl Picture {
    /// The same, with all that matches shown inversely.
    pub(crate) fn marked(&self, pattern: &Pattern) -> Self {
        let mut marked = self.clone();
        for row in 0..self.grid.rows() {
            let (mut text, mut columns) = (String::new(), Vec::new());
            for col in 0..self.grid.cols() {
                let cell = self
                    .grid
                    .cell(col, row)
                    .map_or("", |cell| if cell.is_second_half() { "" } else { cell.shown() });
                columns.extend(std::iter::repeat_n(col, cell.len()));
                text.push_str(cell);
            }
            let mut from = 0;
            while let Some(found) = text.get(from..).and_then(|rest| pattern.find(rest)) {
                let found = from + found.start..from + found.end;
                // An expression may match nothing.
                from = found.end.max(from + 1);
                for col in &columns[found] {
                    if let Some(style) = marked.grid.style_mut(*col, row) {
                        // A character of several bytes comes several times.
                        let before = self.grid.cell(*col, row).map_or(*style, |cell| cell.style);
                        *style = Style { inverse: !before.inverse, bold: true, ..before };
                    }
                }
            }
        }
        marked
    }
}

/// How a screen is looked at that is larger than the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A part in full size, where the cursor is.
    #[default]
    Following,
    /// A part in full size that somebody chose.
    Panned,
    /// All of it, small.
    Fit,
}

/// Which part of a picture is to be seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    pub(crate) mode: Mode,
    origin: (u16, u16),
}

/// Between the cursor and an edge of what is seen there is so much, if there can be.
const MARGIN: u16 = 3;

impl View {
    /// Whether it does not fit.
    pub(crate) fn is_cut(picture: &Picture, area: Area) -> bool {
        picture.grid.cols() > area.cols || picture.grid.rows() > area.rows
    }

    /// The next way to look at it.
    pub(crate) fn turn(&mut self) {
        self.mode = match self.mode {
            Mode::Following => Mode::Fit,
            Mode::Panned | Mode::Fit => Mode::Following,
        };
    }

    /// Moves what is seen by so many steps of a quarter of the area.
    pub(crate) fn pan(&mut self, right: i32, down: i32, picture: &Picture, area: Area) {
        let moved = |at: u16, steps: i32, size: u16, whole: u16| {
            let to = i32::from(at) + steps * i32::from((size / 4).max(1));
            u16::try_from(to.clamp(0, i32::from(whole.saturating_sub(size)))).unwrap_or(0)
        };
        self.origin = (
            moved(self.origin.0, right, area.cols, picture.grid.cols()),
            moved(self.origin.1, down, area.rows, picture.grid.rows()),
        );
        self.mode = Mode::Panned;
    }

    /// Shows the picture in the area; returns where the cursor is.
    pub(crate) fn show(
        &mut self,
        picture: &Picture,
        area: Area,
        look: &Look,
        to: &mut Grid,
    ) -> Option<(u16, u16)> {
        if self.mode == Mode::Fit && Self::is_cut(picture, area) {
            miniature(&picture.grid, area, to);
            return None;
        }
        let (cols, rows) = (picture.grid.cols(), picture.grid.rows());
        let place = area.centred(cols, rows);
        let origin = |at: u16, size: u16, whole: u16, cursor: Option<u16>| {
            let mut at = at.min(whole.saturating_sub(size));
            if let Some(cursor) = cursor.filter(|_| self.mode != Mode::Panned) {
                let margin = MARGIN.min(size.saturating_sub(1) / 2);
                at = at.min(cursor.saturating_sub(margin)).max((cursor + margin + 1).saturating_sub(size));
            }
            at.min(whole.saturating_sub(size))
        };
        self.origin = (
            origin(self.origin.0, place.cols, cols, picture.cursor.map(|cursor| cursor.0)),
            origin(self.origin.1, place.rows, rows, picture.cursor.map(|cursor| cursor.1)),
        );
        frame(area, place, look, to);
        to.copy(place, &picture.grid, self.origin);
        let (col, row) = picture.cursor?;
        let (col, row) = (col.checked_sub(self.origin.0)?, row.checked_sub(self.origin.1)?);
        (col < place.cols && row < place.rows).then(|| (place.col + col, place.row + row))
    }
}

/// Lines where the recorded screen ends before the terminal does.
fn frame(area: Area, place: Area, look: &Look, to: &mut Grid) {
    let (above, below) = (place.row > area.row, place.row + place.rows < area.row + area.rows);
    let (left, right) = (place.col > area.col, place.col + place.cols < area.col + area.cols);
    let (end_col, end_row) = (place.col + place.cols, place.row + place.rows);
    let line = |to: &mut Grid, col: u16, row: u16, text: &str| {
        to.set(col, row, Cell::new(text, 1, look.faint));
    };
    for col in place.col..end_col {
        if above {
            line(to, col, place.row - 1, "─");
        }
        if below {
            line(to, col, end_row, "─");
        }
    }
    for row in place.row..end_row {
        if left {
            line(to, place.col - 1, row, "│");
        }
        if right {
            line(to, end_col, row, "│");
        }
    }
    for (is_there, col, row, text) in [
        (left && above, place.col.wrapping_sub(1), place.row.wrapping_sub(1), "┌"),
        (right && above, end_col, place.row.wrapping_sub(1), "┐"),
        (left && below, place.col.wrapping_sub(1), end_row, "└"),
        (right && below, end_col, end_row, "┘"),
    ] {
        if is_there {
            line(to, col, row, text);
        }
    }
}

/// All of a screen, small: each cell shows two by two patches, which are dark where nothing is written.
fn miniature(grid: &Grid, area: Area, to: &mut Grid) {
    /// By which of the four quarters are lit: upper left 1, upper right 2, lower left 4, lower right 8.
    const QUARTERS: [&str; 16] =
        [" ", "▘", "▝", "▀", "▖", "▌", "▞", "▛", "▗", "▚", "▐", "▜", "▄", "▙", "▟", "█"];
    let patch = |whole: u16, size: u16| whole.div_ceil(size.max(1) * 2).max(1);
    // Both ways by the same amount, so that it looks like itself.
    let side = patch(grid.cols(), area.cols).max(patch(grid.rows(), area.rows));
    let place = area.centred(grid.cols().div_ceil(side * 2), grid.rows().div_ceil(side * 2));
    for row in 0..place.rows {
        for col in 0..place.cols {
            let mut lit = 0;
            let (mut foreground, mut background) = (Color::Default, Color::Default);
            for quarter in 0..4_u16 {
                let (left, top) = ((col * 2 + quarter % 2) * side, (row * 2 + quarter / 2) * side);
                let mut inked = 0_u32;
                // Both ends lie within a screen, or one patch beyond.
                let (right, bottom) = (left.saturating_add(side), top.saturating_add(side));
                let places = (top..bottom).flat_map(|row| (left..right).map(move |col| (col, row)));
                for cell in places.filter_map(|(col, row)| grid.cell(col, row)) {
                    let (front, back) = colours(cell.style);
                    if cell.is_inked() {
                        inked += 1;
                        foreground = front;
                    }
                    if back != Color::Default {
                        background = back;
                    }
                }
                if inked * 3 >= u32::from(side) * u32::from(side) {
                    lit |= 1 << quarter;
                }
            }
            let style = Style { foreground, background, ..Style::default() };
            to.set(place.col + col, place.row + row, Cell::new(QUARTERS[lit], 1, style));
        }
    }
}

fn colours(style: Style) -> (Color, Color) {
    if style.inverse { (style.background, Color::Indexed(7)) } else { (style.foreground, style.background) }
}
