//! Reads what stands on the screen behind a prompt.
//!
//! Rows have absolute numbers (see [`casemate_terminal::Screen`]), so that a place stays where it is when the
//! screen scrolls. On the alternate screen, which has none, they count from the same number.

use casemate_terminal::{Cell, Line, Screen, Style};

/// A place on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) col: u16,
}

/// Text that was there before anything was typed, right of where typing begins: a right prompt, a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RightText {
    col: u16,
    /// One for each column, as far as they are all narrow.
    text: Vec<char>,
}

/// A gap of this many columns that nothing was written to stands between a line and a right prompt.
const RIGHT_GAP: u16 = 3;

/// A right prompt ends this close to the right edge.
const RIGHT_MARGIN: u16 = 3;

/// No prompt and no typed text is looked for over more rows.
const MOST_ROWS: u64 = 400;

pub(crate) fn cursor<S: Screen>(screen: &S) -> Place {
    let cursor = screen.cursor();
    Place { line: screen.scrolled() + u64::from(cursor.row), col: cursor.col }
}

pub(crate) fn line<S: Screen>(screen: &S, number: u64) -> Option<Line<'_>> {
    if screen.is_alternate() {
        screen.shown(u16::try_from(number.checked_sub(screen.scrolled())?).ok()?)
    } else {
        screen.line(number)
    }
}

/// The cells of a row from one column to another, as text.
pub(crate) fn row_text<S: Screen>(screen: &S, number: u64, from: u16, to: u16) -> String {
    let mut text = String::new();
    if let Some(line) = line(screen, number) {
        line.text(from, to.min(line.len()), &mut text);
    }
    text
}

/// Whether a row shows this text up to a column, but for blanks at the end.
pub(crate) fn shows<S: Screen>(screen: &S, number: u64, to: u16, text: &str) -> bool {
    let mut rest = text.trim_end();
    if let Some(line) = line(screen, number) {
        for col in 0..to.min(line.len()) {
            let shown = line.cell_text(col);
            rest = match rest.strip_prefix(shown) {
                Some(behind) => behind,
                None if rest.is_empty() && shown.trim().is_empty() => rest,
                None => return false,
            };
        }
    }
    rest.is_empty()
}

/// Whether a row goes on in the next one.
pub(crate) fn wraps<S: Screen>(screen: &S, number: u64) -> bool {
    line(screen, number).is_some_and(|line| line.is_wrapped())
}

/// The row that the logical line of a row begins in.
pub(crate) fn first_row<S: Screen>(screen: &S, number: u64) -> u64 {
    let mut first = number;
    while first > 0 && number - first < MOST_ROWS && wraps(screen, first - 1) {
        first -= 1;
    }
    first
}

/// The text of a logical line from its beginning up to a place.
pub(crate) fn before<S: Screen>(screen: &S, place: Place) -> String {
    let mut text = String::new();
    for number in first_row(screen, place.line)..=place.line {
        let Some(line) = line(screen, number) else { continue };
        if number == place.line {
            let end = place.col.min(line.len());
            line.text(0, end, &mut text);
            // Blanks that a cursor was moved over are none that were written, but it stands behind them.
            text.extend(std::iter::repeat_n(' ', usize::from(place.col - end)));
        } else {
            line.text(0, line.len(), &mut text);
        }
    }
    text
}

/// The column that so many bytes of a row's text end at.
pub(crate) fn column_of<S: Screen>(screen: &S, number: u64, bytes: usize) -> u16 {
    let Some(line) = line(screen, number) else { return 0 };
    let mut left = bytes;
    let mut col = 0;
    while left > 0 && col < line.len() {
        let Some(cell) = line.cell(col) else { break };
        if cell.width > 0 {
            left = left.saturating_sub(cell.text.len().max(1));
        }
        col += 1;
        while line.cell(col).is_some_and(|cell| cell.width == 0) {
            col += 1;
        }
    }
    col.saturating_add(u16::try_from(left).unwrap_or(u16::MAX))
}

/// The place so many bytes behind the beginning of a logical line.
pub(crate) fn place_in<S: Screen>(screen: &S, first: u64, bytes: usize) -> Place {
    let mut left = bytes;
    let mut number = first;
    loop {
        let length = row_text(screen, number, 0, u16::MAX).len();
        if left <= length || !wraps(screen, number) || number - first > MOST_ROWS {
            return Place { line: number, col: column_of(screen, number, left) };
        }
        left -= length;
        number += 1;
    }
}

/// Style of the first and last visible characters of a row left of a column.
pub(crate) fn styles<S: Screen>(screen: &S, place: Place) -> (Style, Style) {
    let Some(line) = line(screen, place.line) else { return Default::default() };
    let visible = |cell: &Cell<'_>| cell.width > 0 && !cell.text.trim().is_empty();
    let cells = || (0..place.col).filter_map(|col| line.cell(col)).filter(visible);
    let first = cells().next().map(|cell| cell.style).unwrap_or_default();
    (first, cells().next_back().map(|cell| cell.style).unwrap_or_default())
}

/// What stands right of a place in its row.
pub(crate) fn right_of<S: Screen>(screen: &S, place: Place) -> Option<RightText> {
    let line = line(screen, place.line)?;
    let col = (place.col..line.len()).find(|&col| line.cell(col).is_some_and(|cell| is_visible(&cell)))?;
    let mut text = String::new();
    line.text(col, line.len(), &mut text);
    Some(RightText { col, text: text.trim_end().chars().collect() })
}

fn is_visible(cell: &Cell<'_>) -> bool {
    cell.written && cell.width > 0 && !cell.text.trim().is_empty()
}

/// What was typed: from a place to the end of a row, as lines.
pub(crate) fn typed<S: Screen>(screen: &S, from: Place, last: u64, right: Option<&RightText>) -> String {
    let mut text = String::new();
    let last = last.min(from.line + MOST_ROWS);
    let cols = screen.size().cols;
    for number in from.line..=last {
        let Some(line) = line(screen, number) else { continue };
        let start = if number == from.line { from.col } else { 0 };
        let mut end = line.len();
        if number == from.line {
            end = without_right(&line, start, end, cols, right);
        }
        // A wide character that did not fit has left the last column blank.
        if line.is_wrapped() && end > start && begins_wide(screen, number + 1) {
            let blank = |col| line.cell(col).is_none_or(|cell| cell.text.trim().is_empty() && cell.width > 0);
            end -= u16::from(blank(end - 1));
        }
        if start < end {
            line.text(start, end, &mut text);
        }
        if number < last {
            let full = end >= cols && end > 0;
            if !line.is_wrapped() && !full {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
            }
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// What was typed up to a place.
pub(crate) fn typed_before<S: Screen>(screen: &S, from: Place, to: Place) -> String {
    let mut text = if to.line > from.line { typed(screen, from, to.line - 1, None) } else { String::new() };
    if to.line > from.line && !wraps(screen, to.line - 1) {
        text.push('\n');
    }
    let start = if to.line == from.line { from.col } else { 0 };
    if let Some(line) = line(screen, to.line).filter(|_| start < to.col) {
        line.text(start, to.col.min(line.len()), &mut text);
    }
    text.truncate(text.trim_end().len());
    text
}

/// How many columns at the end of a row still show what was there before anything was typed.
fn unchanged(line: &Line<'_>, start: u16, end: u16, right: &RightText) -> u16 {
    let mut columns = 0;
    let mut visible = 0;
    let mut col = end;
    while col > start.max(right.col) {
        let shown = line.cell_text(col - 1);
        // Texts with wide characters are compared only as a whole, where nothing was typed.
        let before = right.text.get(usize::from(col - 1 - right.col));
        if !before.is_some_and(|&before| shown.chars().eq([before])) {
            break;
        }
        col -= 1;
        columns += 1;
        visible += u16::from(!shown.trim().is_empty());
    }
    // The end of the row must be that of the old text, and more than a letter or two that happen to be the same.
    let whole = usize::from(end.saturating_sub(right.col)) >= right.text.len();
    if whole && visible >= 3 || columns > 0 && usize::from(columns) == right.text.len() { columns } else { 0 }
}

fn begins_wide<S: Screen>(screen: &S, number: u64) -> bool {
    line(screen, number).and_then(|line| line.cell(0)).is_some_and(|cell| cell.width == 2)
}

/// Where a row ends if a right prompt is left out.
fn without_right(line: &Line<'_>, start: u16, end: u16, cols: u16, right: Option<&RightText>) -> u16 {
    if let Some(right) = right.filter(|right| right.col >= start || !right.text.is_empty()) {
        let mut left = end - unchanged(line, start, end, right);
        if left < end {
            while left > start && !line.is_written(left - 1) {
                left -= 1;
            }
            return left;
        }
    }
    if end + RIGHT_MARGIN < cols || line.is_wrapped() {
        return end;
    }
    // The last gap that nothing was written to.
    let written = |col: u16| line.is_written(col);
    let mut col = end;
    let mut gap = 0;
    while col > start {
        col -= 1;
        if written(col) {
            if gap >= RIGHT_GAP {
                return col + 1;
            }
            gap = 0;
        } else {
            gap += 1;
        }
    }
    if gap >= RIGHT_GAP { start } else { end }
}
