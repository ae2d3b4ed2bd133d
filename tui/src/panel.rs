//! Panels: boxes with lines of text above what else is to be seen.

use casemate_terminal::Style;

use crate::grid::{Area, Cell, Grid};
use crate::look::Look;

/// A line: pieces of text, each in its style.
pub type Line = Vec<(String, Style)>;

/// Draws a box of that size in the middle of an area; returns what is inside of it.
pub fn draw_box(area: Area, cols: u16, rows: u16, title: &str, look: &Look, to: &mut Grid) -> Area {
    let place = area.centred(cols.saturating_add(4), rows.saturating_add(2));
    to.fill(place, look.plain);
    if place.cols < 2 || place.rows < 3 {
        return place;
    }
    let (right, bottom) = (place.col + place.cols - 1, place.row + place.rows - 1);
    for col in place.col..=right {
        to.set(col, place.row, Cell::new("─", 1, look.faint));
        to.set(col, bottom, Cell::new("─", 1, look.faint));
    }
    for row in place.row..=bottom {
        to.set(place.col, row, Cell::new("│", 1, look.faint));
        to.set(right, row, Cell::new("│", 1, look.faint));
    }
    for (col, row, text) in
        [(place.col, place.row, "╭"), (right, place.row, "╮"), (place.col, bottom, "╰"), (right, bottom, "╯")]
    {
        to.set(col, row, Cell::new(text, 1, look.faint));
    }
    let title = format!(" {title} ");
    to.write(place.col + 2, place.row, right, &title, look.strong);
    let space = u16::from(place.cols >= 6);
    Area {
        col: place.col + 1 + space,
        row: place.row + 1,
        cols: place.cols.saturating_sub(2 + 2 * space),
        rows: place.rows - 2,
    }
}

/// Draws a box with lines of text in the middle of an area, as large as they need, or as there is room: then it says
/// how many more there are. `scroll` is the first line that is shown, and how far that can go.
pub fn draw_text(
    area: Area,
    title: &str,
    lines: &[Line],
    scroll: &mut (usize, usize),
    look: &Look,
    to: &mut Grid,
) {
    let wide = lines.iter().map(width).max().unwrap_or(0);
    let tall = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inside = draw_box(area, wide, tall, title, look, to);
    scroll.1 = lines.len().saturating_sub(inside.rows.into());
    scroll.0 = scroll.0.min(scroll.1);
    let below = draw_lines(inside, lines, scroll.0, to);
    if below > 0 || scroll.0 > 0 {
        let bottom = inside.row + inside.rows;
        let text = if below > 0 { format!(" ↓ {below} more ") } else { " ↑ ".to_owned() };
        to.write(inside.col, bottom, inside.col + inside.cols, &text, look.faint);
    }
}

/// Draws lines from the one with that number on; returns how many do not fit.
fn draw_lines(area: Area, lines: &[Line], from: usize, to: &mut Grid) -> usize {
    for (row, line) in (0..area.rows).zip(lines.iter().skip(from)) {
        let mut col = area.col;
        for (text, style) in line {
            col = to.write(col, area.row + row, area.col + area.cols, text, *style);
        }
    }
    lines.len().saturating_sub(from + usize::from(area.rows))
}

/// How many columns a line takes.
fn width(line: &Line) -> u16 {
    let width: usize =
        line.iter().map(|(text, _)| unicode_width::UnicodeWidthStr::width(text.as_str())).sum();
    u16::try_from(width).unwrap_or(u16::MAX)
}
