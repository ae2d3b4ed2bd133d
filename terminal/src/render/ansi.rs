//! A screen as text with SGR sequences.

use super::harmless;
use crate::line::{Cell, Line};
use crate::screen::{Color, Screen, Style};
use crate::sgr::Pen;

/// Returns the rows with their colours and styles, a line each; each line ends in the terminal's own style.
///
/// It holds no movements, so that pagers show it as well. Blanks that nobody sees at the end of rows are cut. To
/// bring a terminal into the whole state there is [`Screen::repaint`].
#[must_use]
pub fn ansi(screen: &impl Screen) -> String {
    let size = screen.size();
    let mut pen = Pen::default();
    for row in 0..size.rows {
        if let Some(line) = screen.shown(row) {
            (0..visible_end(line, size.cols)).map(|col| line.drawn(col)).for_each(|cell| put(&mut pen, cell));
        }
        pen.set(Style::default());
        pen.out.push('\n');
    }
    pen.out
}

fn put(pen: &mut Pen, cell: Cell<'_>) {
    if cell.width == 0 {
        return;
    }
    pen.set(cell.style);
    match &*harmless(cell.text) {
        "" => pen.out.extend(std::iter::repeat_n(' ', cell.width.into())),
        text => pen.out.push_str(text),
    }
}

/// The column behind the last cell that can be told from a blank one.
fn visible_end(line: Line<'_>, cols: u16) -> u16 {
    let is_blank = |cell: Cell<'_>| {
        let Style { background, underline, inverse, strikethrough, .. } = cell.style;
        cell.width > 0
            && matches!(cell.text, "" | " ")
            && background == Color::Default
            && !(underline || inverse || strikethrough)
    };
    (0..cols).rev().find(|&col| !is_blank(line.drawn(col))).map_or(0, |col| col + 1)
}
