//! Rows of a log as a table that grows. Pure.
//!
//! Columns get their widths from the first rows, and keep them. One in which nothing stands is left out, but where rows may
//! still come that have something there. The last column takes what room there is.

use casemate_terminal::escaped;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// So many rows are looked at before the columns get their widths.
const ROWS: usize = 500;

/// A column is not made wider than this for the sake of a few.
const WIDEST: usize = 44;

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) title: String,
    pub(super) is_number: bool,
    /// It is there, and so wide, whatever the first rows have.
    pub(super) least: usize,
}

impl Column {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.into(), is_number: false, least: 0 }
    }

    pub(super) fn number(title: &str) -> Self {
        Self { is_number: true, ..Self::new(title) }
    }
}

/// A row: a cell for each column, and which one of them is bad news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) bad: Option<usize>,
}

/// How it looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) has_colour: bool,
    /// How wide the terminal is, if it is one.
    pub(super) width: Option<usize>,
}

/// A table.
pub(super) struct Table {
    look: Look,
    columns: Vec<Column>,
    widths: Option<Vec<usize>>,
    rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(look: Look, columns: Vec<Column>) -> Self {
        Self { look, columns, widths: None, rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row: Row, out: &mut String) {
        let cells = row.cells.iter().map(|cell| escaped(cell).into_owned()).collect();
        self.rows.push(Row { cells, ..row });
        if self.widths.is_some() || self.rows.len() >= ROWS {
            self.flush(out);
        }
    }

    /// Writes what there is, with the titles before the first.
    pub(super) fn flush(&mut self, out: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        if self.widths.is_none() {
            let widths = self.measured(&rows);
            let titles = self.columns.iter().map(|column| column.title.clone()).collect();
            let line = self.line(&Row { cells: titles, bad: None }, &widths);
            out.push_str(&self.paint("1", &line));
            out.push('\n');
            self.widths = Some(widths);
        }
        let widths = self.widths.clone().unwrap_or_default();
        for row in &rows {
            out.push_str(&self.line(row, &widths));
            out.push('\n');
        }
    }

    fn measured(&self, rows: &[Row]) -> Vec<usize> {
        let widths = self.columns.iter().enumerate().map(|(at, column)| {
            let widest = rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.width()).max();
            match widest.unwrap_or(0).max(column.least) {
                0 => 0,
                width => width.min(WIDEST).max(column.title.width()),
            }
        });
        widths.collect()
    }

    fn line(&self, row: &Row, widths: &[usize]) -> String {
        let mut line = String::new();
        let mut used = 0;
        let last = widths.len().saturating_sub(1);
        for (at, (cell, &width)) in row.cells.iter().zip(widths).enumerate() {
            if width == 0 && at != last {
                continue;
            }
            let is_number = self.columns.get(at).is_some_and(|column| column.is_number);
            let room = match self.look.width {
                Some(room) if at == last => room.saturating_sub(used).max(1),
                _ => usize::MAX,
            };
            let text = cut(cell, room);
            let gap = " ".repeat(width.saturating_sub(text.width()));
            let shown = if row.bad == Some(at) { self.paint("31", &text) } else { text.clone() };
            match (at == last, is_number) {
                (true, _) => line.push_str(&shown),
                (false, true) => line.push_str(&format!("{gap}{shown}  ")),
                (false, false) => line.push_str(&format!("{shown}{gap}  ")),
            }
            used += text.width() + gap.len() + 2;
        }
        line.trim_end().to_owned()
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.look.has_colour && !text.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// As much of a text as fits.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut shown = String::new();
    for character in text.chars() {
        let Some(rest) = left.checked_sub(character.width().unwrap_or(0)) else { break };
        left = rest;
        shown.push(character);
    }
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(width: Option<usize>, rows: &[[&str; 4]]) -> String {
        let columns =
            vec![Column::new("TIME"), Column::number("EXIT"), Column::new("NODE"), Column::new("COMMAND")];
        let mut table = Table::new(Look { has_colour: false, width }, columns);
        let mut out = String::new();
        for row in rows {
            table
                .row(Row { cells: row.iter().map(|cell| (*cell).to_owned()).collect(), bad: None }, &mut out);
        }
        table.flush(&mut out);
        out
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [["07:03", "0", "", "ls -l /srv/www"], ["07:04", "127", "", "fo\u{1b}[31m"]];
        assert_eq!(
            table(Some(26), &rows),
            "TIME   EXIT  COMMAND\n07:03     0  ls -l /srv/w…\n07:04   127  fo\\u{1b}[31m\n"
        );
        assert_eq!(table(None, &[]), "");
    }

    proptest! {
        #[test]
        fn nothing_acts_on_the_terminal(cells in prop::collection::vec(".{0,60}", 4)) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let text = table(Some(80), &[[cells[0], cells[1], cells[2], cells[3]]]);
            prop_assert!(!text.chars().any(|letter| letter != '\n' && casemate_terminal::is_acting(letter)));
            prop_assert!(text.lines().count() <= 2);
        }
    }
}
