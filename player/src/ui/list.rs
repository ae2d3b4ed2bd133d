//! The list of commands: filtered by what is typed, one of them chosen.

use casemate_cast_format::Micros;
use casemate_command_log::Kind;
use casemate_terminal::Style;
use casemate_tui::panel::draw_box;
use casemate_tui::text::{clock, harmless, span};
use casemate_tui::{Area, Field, Grid, Key, Look, Selection};

use super::reader::{Command, Found};

/// Wider rows are no easier to read.
const WIDEST: u16 = 110;

/// The list.
#[derive(Debug)]
pub(crate) struct List {
    filter: Field,
    /// Numbers of the commands that pass.
    passed: Vec<usize>,
    /// What the numbers were made of: the filter and how many commands there were.
    made: Option<(Field, usize)>,
    selection: Selection,
    /// Nobody has chosen yet: the one that runs at the position is.
    is_fresh: bool,
}

/// What came of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    None,
    Close,
    Go(Micros),
}

impl List {
    pub(crate) fn new() -> Self {
        Self {
            filter: Field::default(),
            passed: Vec::new(),
            made: None,
            selection: Selection::default(),
            is_fresh: true,
        }
    }

    /// Takes a key.
    pub(crate) fn key(&mut self, key: Key, commands: &[Command], position: Micros) -> Choice {
        // Nothing need have been drawn since the last key.
        self.update(commands, position);
        if key == Key::Escape {
            return Choice::Close;
        }
        if key == Key::Enter {
            let chosen = self.passed.get(self.selection.chosen).and_then(|number| commands.get(*number));
            return chosen.map_or(Choice::Close, |command| Choice::Go(command.time));
        }
        if !self.selection.key(key, self.passed.len()) {
            self.filter.key(key);
        }
        self.is_fresh = false;
        Choice::None
    }

    fn update(&mut self, commands: &[Command], position: Micros) {
        let made = (self.filter.clone(), commands.len());
        if self.made.as_ref() != Some(&made) {
            let before = self.made.as_ref().map(|(filter, _)| filter == &self.filter);
            let wanted = self.filter.text().to_lowercase();
            let passes =
                |command: &Command| wanted.is_empty() || command.text.to_lowercase().contains(&wanted);
            self.passed = (0..commands.len()).filter(|number| passes(&commands[*number])).collect();
            if before == Some(false) {
                self.selection.chosen = 0;
            }
            self.made = Some(made);
        }
        if self.is_fresh {
            let before = self.passed.partition_point(|number| commands[*number].time <= position);
            self.selection.chosen = before.saturating_sub(1);
        }
        self.selection.chosen = self.selection.chosen.min(self.passed.len().saturating_sub(1));
    }

    /// Draws it.
    pub(crate) fn draw(&mut self, area: Area, found: &Found, position: Micros, look: &Look, to: &mut Grid) {
        self.update(&found.commands, position);
        let rows = u16::try_from(self.passed.len()).unwrap_or(u16::MAX).max(6).saturating_add(2);
        let count = match (self.filter.is_empty(), found.is_complete) {
            (true, true) => format!("commands ({})", found.commands.len()),
            (true, false) => {
                format!("commands ({}, {:.0} % read)", found.commands.len(), found.progress() * 100.0)
            }
            (false, _) => format!("commands ({} of {})", self.passed.len(), found.commands.len()),
        };
        let inside = draw_box(
            area,
            area.cols.saturating_sub(8).clamp(area.cols.min(40), WIDEST),
            rows,
            &count,
            look,
            to,
        );
        let end = inside.col + inside.cols;
        let prompt = to.write(inside.col, inside.row, end, "> ", look.accent);
        let hint = if inside.cols > 44 { "type to filter, Enter goes there, Esc closes" } else { "" };
        let rest = Area { col: prompt, row: inside.row, cols: end.saturating_sub(prompt), rows: 1 };
        self.filter.draw(rest, look.plain, (hint, look.faint), to);
        let shown = self.selection.show(self.passed.len(), inside.rows.saturating_sub(1).max(1));
        let running = found.commands.partition_point(|command| command.time <= position).checked_sub(1);
        for (row, (at, number)) in
            (inside.row + 1..inside.row + inside.rows).zip(shown.map(|at| (at, self.passed[at])))
        {
            let place = Area { row, rows: 1, ..inside };
            row_of(place, &found.commands[number], running == Some(number), look, to);
            if at == self.selection.chosen {
                for col in place.col..place.col + place.cols {
                    if let Some(style) = to.style_mut(col, row) {
                        *style = Style { inverse: true, ..look.plain };
                    }
                }
            }
        }
        if self.passed.is_empty() {
            let why = match (found.commands.is_empty(), found.is_complete) {
                (false, _) => "no command has that in it",
                (true, true) => "no commands were found in this recording",
                (true, false) => "looking for commands",
            };
            to.write(inside.col, inside.row + 1, end, why, look.faint);
        }
    }
}

fn row_of(area: Area, command: &Command, is_running: bool, look: &Look, to: &mut Grid) {
    let mut end = area.col + area.cols;
    // From the right: the result, how long, where; as much as leaves room for the command.
    let result = match command.exit {
        Some(0) => ("✓".to_owned(), look.good),
        Some(status) => (format!("✗ {status}"), look.bad),
        None => (String::new(), look.plain),
    };
    if area.cols >= 30 {
        to.write(end.saturating_sub(5), area.row, end, &result.0, result.1);
        end = end.saturating_sub(6);
    }
    if area.cols >= 50 {
        let text = command.duration.map(span).unwrap_or_default();
        to.write(end.saturating_sub(6), area.row, end, &format!("{text:>6}"), look.faint);
        end = end.saturating_sub(7);
    }
    if area.cols >= 70 && !command.place.is_empty() {
        let place = harmless(&command.place);
        let width = area.cols / 4;
        to.write(end.saturating_sub(width), area.row, end, &place, look.faint);
        end = end.saturating_sub(width + 1);
    }
    let mark = if is_running { "▸" } else { " " };
    let col = to.write(area.col, area.row, end, mark, look.accent);
    let time = format!("{:>7}  ", clock(command.time, false));
    let col = to.write(col, area.row, end, &time, look.faint);
    let style = match command.kind {
        Kind::Shell => look.plain,
        Kind::Program | Kind::Hidden | Kind::Cancelled => look.faint,
    };
    let text = harmless(&command.text);
    let behind = to.write(col, area.row, end, &text, style);
    if behind == end && unicode_width::UnicodeWidthStr::width(&*text) > usize::from(end - col) {
        to.write(end - 1, area.row, end, "…", look.faint);
    }
}
