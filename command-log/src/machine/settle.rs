//! What can only be said of a line when the next prompt is there: lines that nobody waited for, that were not
//! shown, or that an editor changed.

use casemate_cast_format::Micros;
use casemate_terminal::Screen;

use super::CommandLog;
use super::running::Line;
use crate::event::{Candidate, Kind, Reason, Source};
use crate::prompt::PromptText;
use crate::region::{self, Place};

/// Nobody types more lines ahead.
const MOST_LINES_AHEAD: usize = 64;
/// Rows of output that are read for what they say about the connection.
const ROWS_READ: u64 = 6;

/// A line committed behind a prompt that showed nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank {
    pub(crate) at: Micros,
    /// The recorder says that something was typed.
    pub(crate) hidden: bool,
    pub(crate) bytes: u64,
}

impl<S: Screen> CommandLog<S> {
    /// A shell prints what an editor made of a line before it runs it.
    pub(crate) fn read_what_was_edited(&mut self) {
        if !std::mem::take(&mut self.edited) {
            return;
        }
        let row = region::row_text(&self.screen, self.output_from, 0, u16::MAX).trim().to_owned();
        let Some(event) = self.running.shell_event().filter(|_| !row.is_empty()) else { return };
        let Some(before) = event.command.replace(row.clone()) else { return };
        event.confidence = 0.7;
        if before != row {
            event.mismatch = vec![
                Candidate { source: Source::Screen, command: row },
                Candidate { source: Source::Screen, command: before },
            ];
        }
    }

    /// Between the last line and this prompt, the same prompt may stand before lines that nobody waited for: they were
    /// typed ahead, or pasted. A shell with an editor shows them again there; for one without, the terminal showed
    /// them when they were typed, and they looked like lines for the program that was running.
    pub(crate) fn note_lines_typed_ahead(&mut self, prompt: &PromptText, anchor: Place) {
        if !(self.keys.has_enter() || self.unrested || self.running.has_program_lines())
            || prompt.row.is_empty()
        {
            return;
        }
        let end = region::first_row(&self.screen, anchor.line);
        let rows = (self.output_from..end).filter_map(|number| {
            let row = region::row_text(&self.screen, number, 0, u16::MAX);
            Some((number, row.strip_prefix(&prompt.row)?.trim_end().to_owned()))
        });
        let rows: Vec<(u64, String)> = rows.take(MOST_LINES_AHEAD).collect();
        if rows.is_empty() || self.running.claim_program_lines(rows.len()) {
            return;
        }
        for (number, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
            if self.keys.seen && !self.keys.has_enter() {
                return;
            }
            let offset = self.keys.take_enter().unwrap_or(self.now);
            self.note(Line {
                text: Some(text.clone()),
                reason: None,
                offset,
                kind: Kind::Shell,
                program: None,
                source: Source::Screen,
                confidence: 0.8,
                mismatch: Vec::new(),
            });
            self.contexts.prompt(&prompt.whole());
            self.contexts.committed(&text);
            self.output_from = number + 1;
        }
    }

    /// Tells what the last lines of output say about where we are.
    pub(crate) fn tell_of_output(&mut self, anchor: Place) {
        for row in self.last_rows_of_output(anchor.line) {
            self.contexts.output_line(&row);
        }
    }

    /// The last rows of output above the line in this row, as far as they show anything.
    fn last_rows_of_output(&self, number: u64) -> Vec<String> {
        let end = region::first_row(&self.screen, number);
        (self.output_from.max(end.saturating_sub(ROWS_READ))..end)
            .map(|number| region::row_text(&self.screen, number, 0, u16::MAX).trim().to_owned())
            .filter(|row| !row.is_empty())
            .collect()
    }

    /// Something ran behind a prompt although no line was seen: say so.
    pub(crate) fn end_hidden(&mut self, kind: Kind) {
        let Some(blank) = self.blank.take() else { return };
        if kind != Kind::Shell || !(blank.hidden || self.running.bytes_since(blank.bytes) > 0) {
            return;
        }
        let said = self.last_rows_of_output(region::cursor(&self.screen).line);
        if !blank.hidden && (said.is_empty() || said.iter().all(|row| is_talk(row))) {
            return;
        }
        self.note(Line {
            text: None,
            reason: Some(Reason::NotEchoed),
            offset: blank.at,
            kind: Kind::Hidden,
            program: None,
            source: Source::None,
            confidence: 0.5,
            mismatch: Vec::new(),
        });
    }
}

/// What shells say of themselves behind an empty line.
fn is_talk(row: &str) -> bool {
    matches!(row, "exit" | "logout" | "%" | "#" | "⏎")
        || row.starts_with('[')
        || row.starts_with("You have ")
        || row.starts_with("There are ")
        || row.starts_with("zsh: you have")
}
