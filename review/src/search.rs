//! Search: in the commands and in what was on the screens of all sessions, as one types.

use casemate_store::{Hit, Pattern, Where};
use casemate_terminal::Style;
use casemate_tui::text::{clock, count, harmless};
use casemate_tui::{Area, Field, Grid, Look};

use crate::commands::{MOST, pattern};
use crate::librarian::{Librarian, Question};
use crate::library::{Library, Moment, Who};
use crate::table::{Column, Row, Table, Text};
use crate::times;

/// So many are fetched at once.
const PAGE: usize = 200;

/// So much of a line is shown before what was found in it, if not all of the line fits.
const BEFORE: usize = 24;

static COLUMNS: [Column; 6] = [
    Column::new("when (UTC)", 19, 2),
    Column::new("in", 7, 1),
    Column::new("who", 12, 3),
    Column::new("target", 16, 4),
    Column::right("at", 9, 5),
    Column::main("line", 18, 0),
];

/// Where to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    Both,
    Commands,
    Output,
}

impl Part {
    fn next(self) -> Self {
        match self {
            Self::Both => Self::Commands,
            Self::Commands => Self::Output,
            Self::Output => Self::Both,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Both => "commands and output",
            Self::Commands => "commands",
            Self::Output => "output",
        }
    }
}

/// The search.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) field: Field,
    pub(crate) table: Table,
    pub(crate) part: Part,
    pattern: Option<Pattern>,
    hits: Vec<(Hit, Row)>,
    awaited: Option<u64>,
    /// Where the awaited answer was looked for; `None` once everything was.
    place: Option<Where>,
    is_new: bool,
    /// Where the next page begins.
    last: Option<Hit>,
}

impl Search {
    pub(crate) fn new() -> Self {
        Self {
            field: Field::default(),
            table: Table::new(&COLUMNS),
            part: Part::default(),
            pattern: None,
            hits: Vec::new(),
            awaited: None,
            place: None,
            is_new: true,
            last: None,
        }
    }

    /// Looks anew for what was typed.
    ///
    /// # Errors
    ///
    /// It is no regular expression.
    pub(crate) fn ask(&mut self, librarian: &mut Librarian) -> Result<(), String> {
        self.is_new = true;
        self.table.selection.chosen = 0;
        if self.field.is_empty() {
            (self.pattern, self.place, self.awaited) = (None, None, None);
            self.hits.clear();
            return Ok(());
        }
        self.pattern = Some(pattern(self.field.text())?);
        self.place = Some(if self.part == Part::Output { Where::Output } else { Where::Command });
        self.ask_behind(None, librarian);
        Ok(())
    }

    fn ask_behind(&mut self, after: Option<Hit>, librarian: &mut Librarian) {
        let (Some(pattern), Some(place)) = (&self.pattern, self.place) else { return };
        let (pattern, after) = (pattern.clone(), after.map(Box::new));
        self.awaited = Some(librarian.ask(Question::Hits { pattern, place, after, limit: PAGE }));
    }

    /// Takes an answer, if it is the one that is awaited.
    pub(crate) fn take(
        &mut self,
        number: u64,
        page: Vec<Hit>,
        library: &Library,
        look: &Look,
        librarian: &mut Librarian,
    ) {
        if self.awaited != Some(number) {
            return;
        }
        self.awaited = None;
        if std::mem::take(&mut self.is_new) {
            self.hits.clear();
            self.table.forget_widths();
        }
        let is_over = page.len() < PAGE;
        self.last = page.last().cloned();
        let mut page = page;
        // The index has them as the recordings were read.
        page.sort_by_key(|hit| {
            let session = library.session(hit.session);
            let time = session.and_then(|session| Library::time(session, hit.offset));
            (time.is_none(), time, hit.session, hit.offset)
        });
        for hit in page {
            let row = row(&hit, self.pattern.as_ref(), library, look);
            self.table.fit(&row);
            self.hits.push((hit, row));
        }
        if is_over && self.place == Some(Where::Command) && self.part == Part::Both {
            self.place = Some(Where::Output);
            self.ask_behind(None, librarian);
        } else if is_over {
            self.place = None;
        }
    }

    /// Asks for more, where the end of what is there comes near.
    pub(crate) fn fetch(&mut self, librarian: &mut Librarian) {
        let is_near = self.table.selection.chosen + PAGE / 2 >= self.hits.len();
        if self.awaited.is_none() && is_near && self.hits.len() < MOST {
            let after = self.last.clone().filter(|hit| Some(hit.place) == self.place);
            self.ask_behind(after, librarian);
        }
    }

    /// There will be no such answer.
    pub(crate) fn give_up(&mut self, number: u64) {
        if self.awaited == Some(number) {
            (self.awaited, self.place) = (None, None);
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.awaited.is_some()
    }

    pub(crate) fn turn_part(&mut self) {
        self.part = self.part.next();
    }

    pub(crate) fn len(&self) -> usize {
        self.hits.len()
    }

    pub(crate) fn count(&self) -> String {
        if self.pattern.is_none() {
            return String::new();
        }
        let number = count(self.hits.len() as u64);
        let more = if self.place.is_none() { "" } else { "+" };
        let plural = if self.hits.len() == 1 && self.place.is_none() { "" } else { "s" };
        format!("{number}{more} hit{plural}")
    }

    pub(crate) fn chosen(&self, library: &Library) -> Option<Moment> {
        let (hit, _) = self.hits.get(self.table.selection.chosen)?;
        let session = library.session(hit.session)?;
        Some(Moment {
            recording: session.recording,
            session: Some(session.id),
            offset: hit.offset,
            who: Who::of(session),
            line: Some(hit.text.clone()),
        })
    }

    pub(crate) fn draw(&mut self, area: Area, look: &Look, to: &mut Grid) {
        let hits = &self.hits;
        self.table.draw(area, hits.len(), None, look, to, &mut |at| hits[at].1.clone());
        if hits.is_empty() {
            let why = match (&self.pattern, self.place) {
                (None, _) => "press / and type what to look for",
                (Some(_), Some(_)) => "looking",
                (Some(_), None) => "nothing found",
            };
            to.write(area.col, area.row + 1, area.col + area.cols, why, look.faint);
        }
    }
}

fn row(hit: &Hit, pattern: Option<&Pattern>, library: &Library, look: &Look) -> Row {
    let session = library.session(hit.session);
    let known = |text: Option<&str>| Text::new(text.unwrap_or_default(), look.plain);
    let time = session.and_then(|session| Library::time(session, hit.offset)).map(times::long);
    let (place, style) = match hit.place {
        Where::Command => ("command", look.accent),
        Where::Output => ("output", look.faint),
    };
    vec![
        known(time.as_deref()),
        Text::new(place, style),
        known(session.and_then(|session| session.user.as_deref())),
        known(session.and_then(|session| session.target.as_deref())),
        Text::new(&clock(hit.offset, false), look.faint),
        found(&hit.text, pattern, look),
    ]
}

/// A line in which what was found is marked, and stands near the beginning.
fn found(line: &str, pattern: Option<&Pattern>, look: &Look) -> Text {
    let line = harmless(line.trim_start());
    let Some(at) = pattern.and_then(|pattern| pattern.regex().find(&line)) else {
        return Text::new(&line, look.plain);
    };
    let before = line[..at.start()].char_indices().rev();
    let from = match before.map(|(at, _)| at).nth(BEFORE) {
        // A little less is not worth a sign.
        Some(from) if from > BEFORE => from,
        Some(_) | None => 0,
    };
    let sign = if from > 0 { "…" } else { "" };
    let text = format!("{sign}{}", &line[from..]);
    let begin = at.start() - from + sign.len();
    Text {
        text,
        style: look.plain,
        mark: Some((begin..begin + at.len(), Style { bold: true, ..look.marker })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, what: &str) -> (String, String) {
        let text = found(line, pattern(what).ok().as_ref(), &Look::new(false));
        let mark = text.mark.map(|(range, _)| text.text[range].to_owned());
        (text.text, mark.unwrap_or_default())
    }

    #[test]
    fn what_was_found_is_marked_and_near_the_beginning() {
        assert_eq!(shown("  ls -l", "LS"), ("ls -l".into(), String::new()));
        assert_eq!(shown("  ls -l", "ls"), ("ls -l".into(), "ls".into()));
        let long = format!("{}é\x1bneedle behind", "x".repeat(100));
        let (text, mark) = shown(&long, "needle");
        assert_eq!((text.chars().take(3).collect::<String>().as_str(), mark.as_str()), ("…xx", "needle"));
        assert!(text.contains("é\\u{1b}needle behind"));
    }
}
