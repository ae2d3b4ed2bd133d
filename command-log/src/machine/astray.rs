//! Lines that would get lost, because what the stream says of them is not what happened.
//!
//! Whoever is recorded can print that an editor takes or gives back the terminal, and let jobs print into their line.
//! What is seen to be committed nevertheless is noted here, with less confidence.

use casemate_cast_format::Micros;
use casemate_terminal::Screen;

use super::commit::By;
use super::running::Line;
use super::wait::{How, Waiting};
use super::{CommandLog, Editor, LINE_END, Phase};
use crate::event::{Kind, Reason, Source};
use crate::prompt::Shape;
use crate::region::{self, Place};

/// A key that accepts a line, other than Enter, was pressed so lately, in microseconds.
const ACCEPTED_WITHIN: u64 = 1_000_000;

/// Rows of output that may come into a line; more of it is what a program prints.
const MOST_ROWS_OF_OUTPUT: u16 = 256;

impl<S: Screen> CommandLog<S> {
    /// Nobody pressed Enter, but some key, and the line is what was typed or came at once: a key was bound to that.
    pub(crate) fn is_accepted_by_another_key(&self, waiting: &Waiting, text: &str) -> bool {
        let typed = waiting.typed.trim_end();
        let now = self.now;
        waiting.kind == Kind::Shell
            && !text.trim().is_empty()
            && if typed.is_empty() {
                waiting.before.is_empty() && self.keys.pressed_within(now, ACCEPTED_WITHIN)
            } else {
                typed == text.trim_end() && self.keys.pressed_within(now, u64::MAX)
            }
    }

    /// Output of a job came into a line that no editor draws anew: what is typed goes on behind it.
    pub(crate) fn go_on_behind_output(&mut self, mut waiting: Box<Waiting>, last_row: u64) {
        if waiting.kind != Kind::Shell || waiting.rows_of_output == MOST_ROWS_OF_OUTPUT {
            return;
        }
        let typed = std::mem::take(&mut waiting.typed);
        waiting.keep_before(&typed);
        waiting.anchor = Place { line: last_row + 1, col: 0 };
        waiting.left.clear();
        waiting.right = None;
        waiting.rows_of_output += 1;
        self.phase = Phase::Waiting(waiting);
    }

    /// A shell may show its prompt again behind such output, and the line.
    pub(crate) fn goes_on_behind_prompt(&self, waiting: &mut Waiting) -> bool {
        if waiting.rows_of_output == 0 || !waiting.left.is_empty() {
            return false;
        }
        let cursor = region::cursor(&self.screen);
        let row = region::before(&self.screen, cursor);
        let Some((length, _)) = self.prompts.at_start_of(&row) else { return false };
        let first = region::first_row(&self.screen, cursor.line);
        self.move_to(waiting, region::place_in(&self.screen, first, length));
        waiting.rows_of_output = 0;
        true
    }

    /// An editor is said to have the terminal, but the prompt stands there once more, and what was typed behind the
    /// one before stays where it was: the editor was none, and the line was committed.
    pub(crate) fn commit_lines_left_behind(&mut self, waiting: Box<Waiting>) -> Option<Box<Waiting>> {
        let cursor = region::cursor(&self.screen);
        let screen = &self.screen;
        let anchor = waiting.anchor;
        if self.editor.is_none_or(|editor| editor.toolkit)
            || waiting.kind != Kind::Shell
            || waiting.left.trim().is_empty()
            || !waiting.before.is_empty()
            || cursor.line <= anchor.line
            || !waiting.stands_in(screen, anchor.line)
        {
            return Some(waiting);
        }
        let mut last_row = anchor.line;
        while last_row < cursor.line && region::wraps(screen, last_row) {
            last_row += 1;
        }
        let first = region::first_row(screen, cursor.line);
        let row = region::before(screen, cursor);
        let length = match self.prompts.at_start_of(&row) {
            Some((length, found)) if found.kind == Kind::Shell => length,
            _ => return Some(waiting),
        };
        let typed = region::typed(screen, anchor, last_row, waiting.right.as_ref());
        let again = row[length..].trim_end();
        // A list of completions is followed by the same line, or more of it.
        let same = |(old, new): (char, char)| old.to_lowercase().eq(new.to_lowercase());
        if first <= last_row
            || typed.is_empty()
            || typed.chars().zip(again.chars()).all(same) && !again.is_empty()
        {
            return Some(waiting);
        }
        let place = region::place_in(screen, first, length);
        self.editor = None;
        self.phase = Phase::Waiting(waiting);
        self.commit(By::Mark, last_row);
        self.unrested = true;
        self.wait(place, How::Known);
        None
    }

    /// The recording ends while an editor is said to have the terminal, but the cursor has left the line.
    pub(crate) fn commit_line_left_at_the_end(&mut self) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        let anchor = waiting.anchor;
        let mut last_row = anchor.line;
        while region::wraps(&self.screen, last_row) {
            last_row += 1;
        }
        let cursor = region::cursor(&self.screen);
        if self.editor.is_some()
            && waiting.kind == Kind::Shell
            && cursor.col == 0
            && cursor.line > last_row
            && waiting.stands_in(&self.screen, anchor.line)
        {
            self.commit(By::Mark, last_row);
        }
    }

    /// An editor gave the terminal back behind a prompt that nobody waited for and that is not known: the whole row is
    /// all that can be said.
    pub(crate) fn note_line_behind_unknown_prompt(&mut self, editor: Editor, cursor: Place) {
        let is_ours = editor.begun.line >= self.output_from && cursor.line > editor.begun.line;
        if !is_ours || cursor.col != 0 || editor.toolkit || self.tail != LINE_END {
            return;
        }
        if self.keys.seen && !self.keys.has_enter() && !self.keys.pressed_within(self.now, u64::MAX) {
            return;
        }
        let text = region::typed(&self.screen, editor.begun, cursor.line - 1, None);
        if text.trim().is_empty() || text.lines().count() > 1 || self.contexts.program().is_some() {
            return;
        }
        let offset = self.keys.take_enter().unwrap_or(self.now);
        self.contexts.committed(&text);
        self.note(Line {
            text: Some(text),
            reason: None,
            offset,
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.3,
            mismatch: Vec::new(),
        });
        self.output_from = cursor.line;
    }

    /// Whether the row that a line begins in has scrolled off, further than rows are kept.
    pub(crate) fn has_lost_its_beginning(&self, waiting: &Waiting) -> bool {
        !self.screen.is_alternate() && region::line(&self.screen, waiting.anchor.line).is_none()
    }

    /// A line was committed, and cannot be read.
    pub(crate) fn note_unknown_line(&mut self, reason: Reason, offset: Micros) {
        self.note(Line {
            text: None,
            reason: Some(reason),
            offset,
            kind: Kind::Shell,
            program: None,
            source: Source::None,
            confidence: 0.5,
            mismatch: Vec::new(),
        });
    }

    /// Whether a prompt may stand at the cursor of the alternate screen. Programs that draw on the whole of it have
    /// something below; who has switched to it by hand has not.
    pub(crate) fn may_be_prompt_on_alternate(&self, row: &str) -> bool {
        let rows = u64::from(self.screen.size().rows);
        let below = region::cursor(&self.screen).line + 1..self.screen.scrolled() + rows;
        Shape::of(row) >= Shape::MaybeShell
            && below
                .into_iter()
                .all(|number| region::row_text(&self.screen, number, 0, u16::MAX).trim().is_empty())
    }

    /// What looked like a list of completions was none, if the line does not go on: it was committed.
    pub(crate) fn note_what_was_no_list(&mut self, waiting: &Waiting, text: &str) {
        let Some(listed) = &waiting.listed else { return };
        let Some(command) = listed.command.as_deref().filter(|command| !text.starts_with(command)) else {
            return;
        };
        let offset = listed.offset.max(self.running.last_offset());
        self.note(Line {
            text: Some(command.to_owned()),
            reason: None,
            offset,
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.3,
            mismatch: Vec::new(),
        });
    }
}
