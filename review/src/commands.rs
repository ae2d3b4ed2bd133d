//! The timeline: commands of all sessions, or of one, in the order of time, page by page.

use casemate_command_log::{Kind, Reason};
use casemate_store::recording::Filter as Wanted;
use casemate_store::{Command, Meaning, Order, Pattern, why_none};
use casemate_tui::text::{clock, count, span};
use casemate_tui::{Area, Field, Grid, Look};
use chrono::{DateTime, Utc};

use crate::filter::Filter;
use crate::librarian::{Librarian, Question};
use crate::library::{Library, Moment, Who};
use crate::table::{Column, Row, Table, Text};
use crate::times;

/// So many are fetched at once.
const PAGE: usize = 500;

/// Nobody goes through more.
pub(crate) const MOST: usize = 50_000;

static COLUMNS: [Column; 7] = [
    Column::new("when (UTC)", 19, 1),
    Column::new("who", 12, 2),
    Column::new("target", 16, 3),
    Column::new("as", 10, 4),
    Column::right("exit", 4, 5),
    Column::right("took", 7, 6),
    Column::main("command", 18, 0),
];

/// The timeline.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) filter: Field,
    pub(crate) table: Table,
    /// Only those of this session.
    pub(crate) of: Option<i64>,
    /// Only those from then on.
    since: Option<DateTime<Utc>>,
    order: Order,
    rows: Vec<(Command, Row)>,
    awaited: Option<u64>,
    is_complete: bool,
    /// The answer that is awaited is the first of new ones.
    is_new: bool,
}

impl Commands {
    pub(crate) fn new() -> Self {
        Self {
            filter: Field::default(),
            table: Table::new(&COLUMNS),
            of: None,
            since: None,
            order: Order::OldestFirst,
            rows: Vec::new(),
            awaited: None,
            is_complete: false,
            is_new: true,
        }
    }

    /// Asks anew, from the beginning.
    ///
    /// # Errors
    ///
    /// What was typed is no regular expression.
    pub(crate) fn ask(&mut self, librarian: &mut Librarian) -> Result<(), String> {
        self.is_new = true;
        self.ask_behind(None, librarian)
    }

    fn ask_behind(&mut self, after: Option<Command>, librarian: &mut Librarian) -> Result<(), String> {
        let filter = Filter::parse(self.filter.text());
        let (wanted, text) = filter.of_commands();
        let pattern = if text.is_empty() { None } else { Some(pattern(&text)?) };
        let question = Question::Commands {
            session: self.of,
            filter: Wanted { since: self.since, ..wanted },
            pattern,
            order: self.order,
            after: after.map(Box::new),
            limit: PAGE,
        };
        self.awaited = Some(librarian.ask(question));
        Ok(())
    }

    /// Takes an answer, if it is the one that is awaited.
    pub(crate) fn take(&mut self, number: u64, page: Vec<Command>, look: &Look) {
        if self.awaited != Some(number) {
            return;
        }
        self.awaited = None;
        if std::mem::take(&mut self.is_new) {
            self.rows.clear();
            self.table.forget_widths();
        }
        self.is_complete = page.len() < PAGE;
        for command in page {
            let row = row(&command, look);
            self.table.fit(&row);
            self.rows.push((command, row));
        }
    }

    /// Asks for more, where the end of what is there comes near.
    pub(crate) fn fetch(&mut self, librarian: &mut Librarian) {
        let is_near = self.table.selection.chosen + PAGE / 2 >= self.rows.len();
        if self.awaited.is_none() && !self.is_complete && is_near && self.rows.len() < MOST {
            let after = self.rows.last().map(|(command, _)| command.clone());
            // What was typed has been asked for once.
            self.ask_behind(after, librarian).ok();
        }
    }

    /// There will be no such answer.
    pub(crate) fn give_up(&mut self, number: u64) {
        if self.awaited == Some(number) {
            (self.awaited, self.is_complete) = (None, true);
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.awaited.is_some()
    }

    pub(crate) fn turn(&mut self) {
        self.order = match self.order {
            Order::OldestFirst => Order::LatestFirst,
            Order::LatestFirst => Order::OldestFirst,
        };
        self.table.selection.chosen = 0;
    }

    /// Begins at a time.
    pub(crate) fn begin_at(&mut self, time: Option<DateTime<Utc>>) {
        (self.since, self.of, self.order) = (time, None, Order::OldestFirst);
        self.table.selection.chosen = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn count(&self) -> String {
        let number = count(self.rows.len() as u64);
        let more = if self.is_complete { "" } else { "+" };
        let plural = if self.rows.len() == 1 && self.is_complete { "" } else { "s" };
        format!("{number}{more} command{plural}")
    }

    /// What narrows it down besides what was typed.
    pub(crate) fn scope(&self, library: &Library) -> Option<String> {
        if let Some(session) = self.of {
            let session = library.session(session)?;
            let name = library.volume(session.recording)?.name.clone();
            return Some(format!("of {name}"));
        }
        self.since.map(|since| format!("from {}", times::long(since)))
    }

    pub(crate) fn chosen(&self, library: &Library) -> Option<Moment> {
        let (command, _) = self.rows.get(self.table.selection.chosen)?;
        let session = library.session(command.session)?;
        Some(Moment {
            recording: session.recording,
            session: Some(session.id),
            offset: command.event.offset,
            who: Who {
                user: command.event.user.clone(),
                target: command.event.target.clone(),
                target_user: command.event.target_user.clone(),
            },
            line: command.event.command.clone(),
        })
    }

    pub(crate) fn draw(&mut self, area: Area, look: &Look, to: &mut Grid) {
        let rows = &self.rows;
        let sorted = (0, self.order == Order::LatestFirst);
        self.table.draw(area, rows.len(), Some(sorted), look, to, &mut |at| rows[at].1.clone());
        if rows.is_empty() {
            let why = if self.awaited.is_some() { "looking" } else { "no commands" };
            to.write(area.col, area.row + 1, area.col + area.cols, why, look.faint);
        }
    }
}

/// A pattern as it is typed: small letters stand for large ones, too.
pub(crate) fn pattern(text: &str) -> Result<Pattern, String> {
    let ignore_case = !text.chars().any(char::is_uppercase);
    Pattern::new(text, Meaning { ignore_case, fixed: false })
        .map_err(|error| format!("no regular expression: {}", why_none(&error)))
}

fn row(command: &Command, look: &Look) -> Row {
    let event = &command.event;
    let known = |text: Option<&str>| Text::new(text.unwrap_or(""), look.plain);
    // Of a recording that does not say when it was made, the moment in it.
    let time = match event.time.as_deref().and_then(times::parse) {
        Some(time) => times::long(time),
        None => format!("+{}", clock(event.offset, false)),
    };
    let exit = match event.exit_code {
        Some(0) => Text::new("✓", look.good),
        Some(code) => Text::new(&code.to_string(), look.bad),
        None => Text::default(),
    };
    let text = match (&event.command, event.reason) {
        (Some(text), _) => text.as_str(),
        (None, Some(Reason::NotEchoed)) => "(not echoed)",
        (None, Some(Reason::TooLong)) => "(too long)",
        (None, Some(Reason::Overwritten)) => "(overwritten)",
        (None, None) => "(unknown)",
    };
    let style = if event.kind == Kind::Shell && event.command.is_some() { look.plain } else { look.faint };
    let text = match (&event.program, event.kind) {
        (Some(program), Kind::Program) => format!("{program}> {text}"),
        _ => text.to_owned(),
    };
    vec![
        known(Some(&time)),
        known(event.user.as_deref()),
        known(event.target.as_deref()),
        known(event.target_user.as_deref()),
        exit,
        Text::new(&event.duration.map(span).unwrap_or_default(), look.faint),
        Text::new(&text, style),
    ]
}
