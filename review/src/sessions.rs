//! The table of sessions: sorted by any column, filtered by what is typed.

use std::cmp::Ordering;
use std::collections::HashSet;

use casemate_cast_format::Micros;
use casemate_store::Session;
use casemate_terminal::Style;
use casemate_tui::text::{bytes, count, span};
use casemate_tui::{Area, Field, Grid, Look};

use crate::filter::Filter;
use crate::library::{Library, Moment, State, Volume, Who};
use crate::table::{Column, NOTHING, Row, Table, Text};
use crate::times::short;

/// The columns; `compare` goes by their numbers.
static COLUMNS: [Column; 11] = [
    Column::new("", 1, 1),
    Column::new("when (UTC)", 16, 0),
    Column::new("who", 14, 2),
    Column::new("target", 20, 4),
    Column::new("as", 12, 5),
    Column::right("took", 7, 6),
    Column::right("commands", 8, 7),
    Column::right("size", 9, 8),
    Column::new("state", 10, 3),
    Column::new("title", 32, 9),
    Column::rest("file", 12, 10),
];

/// What a row is of.
#[derive(Debug)]
struct Entry {
    recording: i64,
    session: Option<i64>,
    row: Row,
    /// What is shown, in small letters, for the filter.
    shown: String,
    state: State,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) filter: Field,
    pub(crate) table: Table,
    entries: Vec<Entry>,
    /// Numbers of entries that pass, as they are sorted.
    passed: Vec<usize>,
    sorted: (usize, bool),
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self {
            filter: Field::default(),
            table: Table::new(&COLUMNS),
            entries: Vec::new(),
            passed: Vec::new(),
            sorted: (1, false),
        }
    }

    /// Takes what is there now; `marked` are the recordings in which something is noted.
    pub(crate) fn fill(&mut self, library: &Library, marked: &HashSet<String>, look: &Look) {
        let chosen = self.chosen_entry().map(|entry| (entry.recording, entry.session));
        self.table.forget_widths();
        self.entries.clear();
        for &(recording, session) in &library.order {
            let Some(volume) = library.volume(recording) else { continue };
            let session = session.and_then(|session| library.session(session));
            let is_marked = marked.contains(&volume.recording.path.display().to_string());
            let row = row(volume, session, is_marked, look);
            self.table.fit(&row);
            let shown: Vec<&str> = row.iter().map(|text| text.text.as_str()).collect();
            let title = session.and_then(|session| session.title.as_deref()).unwrap_or_default();
            let failure = volume.recording.failure.as_deref().unwrap_or_default();
            let shown = format!("{} {title} {failure}", shown.join(" ")).to_lowercase();
            let session = session.map(|session| session.id);
            self.entries.push(Entry { recording, session, row, shown, state: volume.state });
        }
        self.apply(library);
        let again = self.passed.iter().position(|at| {
            let entry = &self.entries[*at];
            chosen == Some((entry.recording, entry.session))
        });
        if let Some(again) = again {
            self.table.selection.chosen = again;
        }
    }

    /// Filters and sorts anew.
    pub(crate) fn apply(&mut self, library: &Library) {
        let filter = Filter::parse(self.filter.text());
        let session = |entry: &Entry| entry.session.and_then(|session| library.session(session));
        let wants = |entry: &Entry| filter.wants(session(entry), entry.state.as_str(), &entry.shown);
        self.passed = (0..self.entries.len()).filter(|at| wants(&self.entries[*at])).collect();
        let (by, is_down) = self.sorted;
        let entries = &self.entries;
        self.passed.sort_by(|one, other| {
            let (one, other) = (&entries[*one], &entries[*other]);
            compare(by, is_down, (one, session(one)), (other, session(other)), library)
        });
        self.table.selection.chosen = self.table.selection.chosen.min(self.passed.len().saturating_sub(1));
    }

    /// Sorts by a column; once more, the other way round.
    pub(crate) fn sort_by(&mut self, column: usize, library: &Library) {
        // The largest and the worst are looked for, names are read from A to Z.
        let is_down = if self.sorted.0 == column { !self.sorted.1 } else { matches!(column, 0 | 5..=8) };
        self.sorted = (column, is_down);
        self.apply(library);
    }

    /// Sorts by the next column.
    pub(crate) fn sort_next(&mut self, library: &Library) {
        let next = (self.sorted.0 + 1) % COLUMNS.len();
        self.sort_by(next, library);
    }

    pub(crate) fn turn(&mut self, library: &Library) {
        self.sorted.1 = !self.sorted.1;
        self.apply(library);
    }

    pub(crate) fn len(&self) -> usize {
        self.passed.len()
    }

    /// `12 of 340`.
    pub(crate) fn count(&self) -> String {
        match (self.passed.len() as u64, self.entries.len() as u64) {
            (1, 1) => "1 session".to_owned(),
            (passed, all) if passed == all => format!("{} sessions", count(all)),
            (passed, all) => format!("{} of {}", count(passed), count(all)),
        }
    }

    fn chosen_entry(&self) -> Option<&Entry> {
        self.passed.get(self.table.selection.chosen).map(|at| &self.entries[*at])
    }

    /// Where the chosen session begins.
    pub(crate) fn chosen(&self, library: &Library) -> Option<Moment> {
        let entry = self.chosen_entry()?;
        let session = entry.session.and_then(|session| library.session(session));
        Some(Moment {
            recording: entry.recording,
            session: entry.session,
            offset: session.map_or(Micros(0), |session| session.begins),
            who: session.map(Who::of).unwrap_or_default(),
            line: None,
        })
    }

    pub(crate) fn draw(&mut self, area: Area, look: &Look, to: &mut Grid) {
        let (entries, passed) = (&self.entries, &self.passed);
        self.table
            .draw(area, passed.len(), Some(self.sorted), look, to, &mut |at| entries[passed[at]].row.clone());
        if passed.is_empty() && !entries.is_empty() {
            to.write(area.col, area.row + 1, area.col + area.cols, "no session has that in it", look.faint);
        }
    }
}

fn row(volume: &Volume, session: Option<&Session>, is_marked: bool, look: &Look) -> Row {
    let known = |text: Option<&str>| {
        Text::new(text.unwrap_or(NOTHING), if text.is_some() { look.plain } else { look.faint })
    };
    let start = session.and_then(|session| session.start).map(short);
    vec![
        Text::new(if is_marked { "◆" } else { "" }, look.marker),
        known(start.as_deref()),
        known(session.and_then(|session| session.user.as_deref())),
        known(session.and_then(|session| session.target.as_deref())),
        known(session.and_then(|session| session.target_user.as_deref())),
        known(session.map(|session| span(session.duration)).as_deref()),
        known(session.map(|session| count(session.commands)).as_deref()),
        Text::new(&bytes(volume.recording.bytes), look.plain),
        Text::new(volume.state.as_str(), state_style(volume.state, look)),
        Text::new(session.and_then(|session| session.title.as_deref()).unwrap_or_default(), look.plain),
        Text::new(&volume.name, look.faint),
    ]
}

pub(crate) fn state_style(state: State, look: &Look) -> Style {
    match state {
        State::Signed | State::Intact => look.good,
        State::Unsealed => look.plain,
        State::Faulty | State::Unfinished | State::NotSigned | State::OtherKey => look.marker,
        State::Damaged | State::Unreadable => look.bad,
    }
}

type Side<'a> = (&'a Entry, Option<&'a Session>);

fn compare(by: usize, is_down: bool, one: Side<'_>, other: Side<'_>, library: &Library) -> Ordering {
    let number = |get: &dyn Fn(&Session) -> u64| known_first(is_down, one.1.map(get), other.1.map(get));
    let name = |get: &dyn Fn(&Session) -> Option<&String>| {
        let name = |side: Side<'_>| side.1.and_then(|session| Some(get(session)?.to_lowercase()));
        known_first(is_down, name(one), name(other))
    };
    let volume = |side: Side<'_>| library.volume(side.0.recording);
    match by {
        1 => {
            let start = |side: Side<'_>| side.1.and_then(|session| session.start);
            known_first(is_down, start(one), start(other))
        }
        2 => name(&|session| session.user.as_ref()),
        3 => name(&|session| session.target.as_ref()),
        4 => name(&|session| session.target_user.as_ref()),
        5 => number(&|session| session.duration.0),
        6 => number(&|session| session.commands),
        7 => {
            let bytes = |side: Side<'_>| volume(side).map(|volume| volume.recording.bytes);
            known_first(is_down, bytes(one), bytes(other))
        }
        8 => known_first(is_down, Some(one.0.state), Some(other.0.state)),
        _ => {
            let text = |side: Side<'_>| side.0.row.get(by).map(|text| text.text.to_lowercase());
            known_first(is_down, text(one), text(other))
        }
    }
}

/// What is not known comes last, whichever end is first.
fn known_first<T: Ord>(is_down: bool, one: Option<T>, other: Option<T>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if is_down => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_comes_last() {
        let sorted = |is_down| {
            let mut all = [None, Some(2), Some(1), None, Some(3)];
            all.sort_by(|one, other| known_first(is_down, *one, *other));
            all
        };
        assert_eq!(sorted(false), [Some(1), Some(2), Some(3), None, None]);
        assert_eq!(sorted(true), [Some(3), Some(2), Some(1), None, None]);
    }
}
