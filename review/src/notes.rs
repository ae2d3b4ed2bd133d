//! What the reviewer has marked and noted.

use casemate_tui::text::clock;
use casemate_tui::{Area, Field, Grid, Look};

use crate::case::{Bookmark, Case};
use crate::library::Library;
use crate::table::{Column, Row, Table, Text};
use crate::times;

static COLUMNS: [Column; 6] = [
    Column::new("when (UTC)", 19, 1),
    Column::new("who", 12, 3),
    Column::new("target", 16, 4),
    Column::right("at", 9, 5),
    Column::new("about", 30, 2),
    Column::main("note", 18, 0),
];

/// The bookmarks.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(crate) filter: Field,
    pub(crate) table: Table,
    rows: Vec<(Bookmark, Row)>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { filter: Field::default(), table: Table::new(&COLUMNS), rows: Vec::new() }
    }

    /// Takes what is in the case and has all words of the filter, in the order of when it was, then by recording.
    pub(crate) fn fill(&mut self, case: &Case, library: &Library, look: &Look) {
        self.table.forget_widths();
        let wanted = self.filter.text().to_lowercase();
        let mut rows: Vec<_> =
            case.bookmarks().iter().map(|mark| (mark.clone(), row(mark, library, look))).collect();
        rows.retain(|(mark, row)| {
            let mut shown = mark.file.to_lowercase();
            row.iter().for_each(|text| shown.push_str(&format!(" {}", text.text.to_lowercase())));
            wanted.split_whitespace().all(|word| shown.contains(word))
        });
        rows.sort_by(|(one, _), (other, _)| {
            let key = |mark: &Bookmark| (mark.time.is_none(), mark.time);
            (key(one), &one.file, one.offset).cmp(&(key(other), &other.file, other.offset))
        });
        rows.iter().for_each(|(_, row)| self.table.fit(row));
        self.rows = rows;
        self.table.selection.chosen = self.table.selection.chosen.min(self.rows.len().saturating_sub(1));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn count(&self, case: &Case) -> String {
        let all = case.bookmarks().len();
        match self.rows.len() {
            1 if all == 1 => "1 note".to_owned(),
            shown if shown == all => format!("{all} notes"),
            shown => format!("{shown} of {all}"),
        }
    }

    pub(crate) fn chosen(&self) -> Option<&Bookmark> {
        self.rows.get(self.table.selection.chosen).map(|(mark, _)| mark)
    }

    pub(crate) fn draw(&mut self, area: Area, case: &Case, look: &Look, to: &mut Grid) {
        let rows = &self.rows;
        self.table.draw(area, rows.len(), None, look, to, &mut |at| rows[at].1.clone());
        if rows.is_empty() {
            let why = if case.bookmarks().is_empty() {
                "nothing is noted yet: a notes the chosen row, or, while it plays, the moment"
            } else {
                "no note has that in it"
            };
            to.write(area.col, area.row + 1, area.col + area.cols, why, look.faint);
        }
    }
}

fn row(mark: &Bookmark, library: &Library, look: &Look) -> Row {
    let known = |text: Option<&str>| Text::new(text.unwrap_or_default(), look.plain);
    let file = library.by_path(&mark.file).map_or(&mark.file, |volume| &volume.name);
    let about = mark.line.as_deref().unwrap_or(file);
    vec![
        known(mark.time.map(times::long).as_deref()),
        known(mark.user.as_deref()),
        known(mark.target.as_deref()),
        Text::new(&clock(mark.offset, false), look.faint),
        Text::new(about, look.faint),
        Text::new(&mark.note, look.strong),
    ]
}
