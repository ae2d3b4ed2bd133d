//! From output to waiting: the prompt, and the line behind it.

use std::ops::RangeInclusive;

use casemate_terminal::Screen;

use super::commit::LONGEST_LINE;
use super::running::LastLine;
use super::{CommandLog, Phase};
use crate::event::{CommandEvent, Kind};
use crate::prompt::PromptText;
use crate::region::{self, Place, RightText};

/// A prompt that stands there, and the line behind it.
pub(crate) struct Waiting {
    /// Where typing begins.
    pub(crate) anchor: Place,
    /// The prompt.
    pub(crate) prompt: PromptText,
    /// What stands left of `anchor` in its own row.
    pub(crate) left: String,
    pub(crate) how: How,
    pub(crate) kind: Kind,
    pub(crate) program: Option<String>,
    /// What stood right of `anchor` before anything was typed.
    pub(crate) right: Option<RightText>,
    /// What was typed, as of the last rest.
    pub(crate) typed: String,
    /// What was typed before output of others came between.
    pub(crate) before: String,
    /// It is the first prompt of all.
    pub(crate) first: bool,
    /// What was typed ends with the sign of a Ctrl-C.
    pub(crate) interrupted: bool,
    /// The editor has the cursor keys.
    pub(crate) keypad: bool,
    /// The line that this one continues.
    pub(crate) continues: Option<LastLine>,
    /// Rows of output that came into the line.
    pub(crate) rows_of_output: u16,
    /// What looked as if it had been committed, and had only been asked for completions.
    pub(crate) listed: Option<Box<CommandEvent>>,
}

impl Waiting {
    /// Keeps what was typed before output came between; more than is ever kept of a line only once.
    pub(crate) fn keep_before(&mut self, typed: &str) {
        if self.before.len() <= LONGEST_LINE {
            self.before.push_str(typed);
        }
    }

    /// Whether the prompt's own row is this one.
    pub(crate) fn stands_in<S: Screen>(&self, screen: &S, number: u64) -> bool {
        // A cursor that was moved over blanks has written none.
        region::shows(screen, number, self.anchor.col, &self.left)
    }

    /// The last of these rows that is the prompt's own, where the prompt has any text to be found by.
    pub(crate) fn find_in<S: Screen>(&self, screen: &S, rows: RangeInclusive<u64>) -> Option<u64> {
        if self.left.trim().is_empty() {
            return None;
        }
        rows.rev().find(|&number| self.stands_in(screen, number))
    }
}

/// What says that something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Marks of shell integration.
    Mark,
    /// A line editor that has taken the terminal.
    Editor,
    /// A prompt that is known.
    Known,
    /// It looks like a prompt.
    Shape,
    /// Output stopped within a row.
    Rest,
}

/// Rows above a prompt that may belong to it.
const MOST_ROWS_ABOVE: u64 = 3;

impl<S: Screen> CommandLog<S> {
    /// Begins to wait for the line behind a prompt.
    pub(crate) fn wait(&mut self, anchor: Place, how: How) {
        let prompt = self.read_prompt(anchor, how);
        let (kind, program) = self.whose(&prompt, how);
        let cursor = region::cursor(&self.screen);
        let typed = region::typed(&self.screen, anchor, cursor.line, None);
        let last = self.running.last_line.take();
        let mut continues = None;
        let mut listed = None;
        if let Some(last) = last {
            if self.is_listing(&last, &prompt, &typed) {
                listed = self.running.retract(last.entry).map(Box::new);
                listed = listed.filter(|_| !self.keys.completes());
            } else if self.is_continued(&last, &prompt, anchor) {
                continues = Some(last);
            }
        }
        let kind = if continues.is_some() { Kind::Shell } else { kind };
        self.marks.waited = how == How::Mark || self.marks.prompt.is_some();
        if continues.is_none() {
            self.tell_of_output(anchor);
            if kind == Kind::Shell && how == How::Known {
                self.note_lines_typed_ahead(&prompt, anchor);
            }
            self.end_hidden(kind);
            self.read_what_was_edited();
            self.running.end(kind, self.now);
            if kind == Kind::Shell {
                self.contexts.prompt(&prompt.whole());
                if matches!(how, How::Editor | How::Mark) {
                    self.prompts.learn(&prompt, kind, None, self.editor.is_some());
                }
            }
        }
        let first = !std::mem::replace(&mut self.waited, true);
        self.keys.hidden = false;
        let right =
            if typed.is_empty() || cursor == anchor { region::right_of(&self.screen, anchor) } else { None };
        let mut waiting = Waiting {
            anchor,
            left: region::row_text(&self.screen, anchor.line, 0, anchor.col),
            prompt,
            how,
            kind,
            program,
            right,
            typed: String::new(),
            before: String::new(),
            first,
            interrupted: false,
            keypad: self.screen.is_application_cursor(),
            continues,
            rows_of_output: 0,
            listed,
        };
        if cursor != anchor {
            waiting.typed = region::typed(&self.screen, anchor, cursor.line, waiting.right.as_ref());
        }
        self.phase = Phase::Waiting(Box::new(waiting));
    }

    /// Reads the prompt that ends at a place.
    pub(crate) fn read_prompt(&self, anchor: Place, how: How) -> PromptText {
        let first = region::first_row(&self.screen, anchor.line);
        let top = match (how, self.editor, self.marks.prompt) {
            (How::Mark, _, Some(prompt)) => prompt.line,
            // Readline takes the terminal before it prints the prompt; others behind it.
            (How::Editor, Some(editor), _) if editor.begun.col == 0 => editor.begun.line,
            _ if !self.waited => self.batch.from.line,
            _ => first,
        };
        let top = top.max(first.saturating_sub(MOST_ROWS_ABOVE)).min(first);
        let rows: Vec<String> = (top..first)
            .map(|number| region::row_text(&self.screen, number, 0, u16::MAX).trim_end().to_owned())
            .filter(|row| !row.is_empty())
            .collect();
        PromptText {
            row: self.prompt_row(anchor, how),
            above: rows.join("\n"),
            style: region::styles(&self.screen, anchor),
        }
    }

    /// The last row of the prompt. Output may stand before it, if its last line did not end: readline takes the
    /// terminal between the two.
    pub(crate) fn prompt_row(&self, anchor: Place, how: How) -> String {
        let row = region::before(&self.screen, anchor);
        if how == How::Known {
            return match self.prompts.at_end_of(&row) {
                Some((begin, found)) if found.kind == Kind::Shell && !found.editor => row[begin..].to_owned(),
                _ => row,
            };
        }
        let Some(editor) = self.editor.filter(|editor| how == How::Editor && editor.begun.col > 0) else {
            return row;
        };
        if editor.begun.line < region::first_row(&self.screen, anchor.line) || editor.begun >= anchor {
            return row;
        }
        let output = region::before(&self.screen, editor.begun);
        let is_prompt = self.prompts.at_start_of(&output).is_some_and(|(_, found)| found.kind == Kind::Shell);
        match row.strip_prefix(&output) {
            Some(prompt)
                if !prompt.trim().is_empty() && (!is_prompt || self.prompts.is_shell_prompt(prompt)) =>
            {
                prompt.to_owned()
            }
            _ => row,
        }
    }

    /// A list of completions looks like a command that printed it: the same line stands behind the next prompt.
    fn is_listing(&mut self, last: &LastLine, prompt: &PromptText, typed: &str) -> bool {
        !last.by_editor
            && !last.entered
            && !last.ran
            && last.kind == Kind::Shell
            && last.prompt.row == prompt.row
            && !typed.is_empty()
            && self.now.0 - last.at.0 < 1_000_000
            && self
                .running
                .event(last.entry)
                .and_then(|event| event.command.as_deref())
                .is_some_and(|text| typed.starts_with(text))
    }

    /// Whether this is the prompt for more of a line that did not end.
    fn is_continued(&self, last: &LastLine, prompt: &PromptText, anchor: Place) -> bool {
        last.kind == Kind::Shell
            && region::first_row(&self.screen, anchor.line) <= last.row + 1
            && prompt.row != last.prompt.row
            && self.command_is_open(last)
    }

    pub(crate) fn command_is_open(&self, last: &LastLine) -> bool {
        self.running.is_open(last.entry)
    }
}
