//! Output rests: whether a prompt stands there.

use casemate_terminal::Screen;

use super::CommandLog;
use super::running::Line;
use super::wait::How;
use crate::event::{Kind, Source};
use crate::prompt::{Likeness, Shape, demo_sign};
use crate::region::{self, Place};
use crate::syntax;

/// Line editors print their prompt in several pieces, within this time, in microseconds.
const EDITOR_REST: u64 = 12_000;
/// A prompt that is known rests as long at least, where nobody types ahead.
const KNOWN_REST: u64 = 5_000;
/// So does one that looks like that of a shell.
const SHELL_REST: u64 = 40_000;
/// One that could be output as well.
const OTHER_REST: u64 = 150_000;
/// Whatever stays unfinished so long asks for something.
const LONG_REST: u64 = 400_000;
/// Demonstrations that type by themselves are as fast.
const DEMO_REST: u64 = 20_000;
/// Commands of demonstrations are shorter.
const MOST_DEMO_ROWS: u64 = 24;

impl<S: Screen> CommandLog<S> {
    /// Looks whether output has stopped at a prompt.
    pub(crate) fn look_for_prompt(&mut self, gap: u64, typing: bool) {
        let cursor = region::cursor(&self.screen);
        if let Some(anchor) = self.marks.input.take()
            && self.is_marked_prompt(anchor, cursor)
        {
            self.wait(anchor, How::Mark);
            return;
        }
        if self.editor.is_some() {
            if typing || gap >= EDITOR_REST {
                self.wait_for_editor(cursor);
            }
            return;
        }
        if cursor.col == 0 {
            self.look_for_demonstration(cursor);
            return;
        }
        // An editor that has given the terminal back has not left the line yet.
        if gap < SHELL_REST
            && self.running.last_line.as_ref().is_some_and(|last| last.by_editor && cursor.line == last.row)
        {
            return;
        }
        let row = region::before(&self.screen, cursor);
        let first = region::first_row(&self.screen, cursor.line);
        if self.begins_without_prompt(cursor, &row) && gap >= DEMO_REST {
            self.wait(self.batch.from, How::Rest);
            return;
        }
        if let Some((length, found)) = self.prompts.at_start_of(&row) {
            // A shell that takes the terminal to edit lines does so at each of its prompts; but one can forbid it.
            let edits = found.editor && self.contexts.pending().is_none();
            let needed = if edits { SHELL_REST } else { KNOWN_REST };
            if found.likeness == Likeness::Exact && self.never_left(cursor) {
                return;
            }
            if (!edits || found.likeness == Likeness::Exact) && (typing || gap >= needed) {
                let anchor = region::place_in(&self.screen, first, length);
                self.wait(anchor, How::Known);
            }
            if !edits || found.likeness == Likeness::Exact {
                return;
            }
        }
        if self.screen.is_alternate() {
            // Programs that draw on the whole screen show none; who has switched to it by hand has one.
            if gap >= LONG_REST && self.may_be_prompt_on_alternate(&row) {
                self.wait(cursor, How::Shape);
            }
            return;
        }
        if let Some(length) = demo_sign(&row)
            && (!self.prompts.knows_shell() || row[length..].chars().count() <= 3)
            && gap >= DEMO_REST
        {
            self.wait(region::place_in(&self.screen, first, length), How::Shape);
            return;
        }
        if let Some((begin, found)) = self.prompts.at_end_of(&row)
            && begin > 0
            && found.kind == Kind::Shell
            && !found.editor
            && (typing || gap >= KNOWN_REST)
        {
            self.wait(cursor, How::Known);
            return;
        }
        let prompt = self.read_prompt(cursor, How::Shape);
        if let Some(found) = self.prompts.find(&prompt, false)
            && found.likeness >= Likeness::Skeleton
            && !found.editor
        {
            if typing || gap >= KNOWN_REST {
                self.wait(cursor, How::Known);
            }
            return;
        }
        let shape = Shape::of(&row);
        let shell_waits = matches!(self.foreground_waits(shape), Some((Kind::Shell, _)));
        let (needed, how) = match shape {
            _ if self.wants_more(cursor) => (KNOWN_REST, How::Shape),
            Shape::MaybeShell | Shape::Repl | Shape::Question if shell_waits || typing => {
                (SHELL_REST, How::Shape)
            }
            Shape::Shell => (SHELL_REST, How::Shape),
            Shape::MaybeShell | Shape::Repl | Shape::Question => (OTHER_REST, How::Shape),
            Shape::None => (LONG_REST, How::Rest),
        };
        if gap >= needed {
            self.wait(cursor, how);
        }
    }

    /// Whether somebody begins to type into a program that shows no prompt.
    fn begins_without_prompt(&self, cursor: Place, row: &str) -> bool {
        let from = self.batch.from;
        self.running.runs_command()
            && !self.screen.is_alternate()
            && from.col == 0
            && from.line == cursor.line
            && row.chars().count() <= 2
            && row.starts_with(char::is_alphanumeric)
    }

    /// Whether a shell would ask for more here: its last line did not end, and nothing was printed since.
    fn wants_more(&self, cursor: Place) -> bool {
        let Some(last) = self.running.last_line.clone() else { return false };
        last.kind == Kind::Shell
            && region::first_row(&self.screen, cursor.line) <= last.row + 1
            && self.command_is_open(&last)
    }

    /// Where no shell was seen, a script may print commands as if they were typed: a line of its own that begins
    /// with a sign, and then a rest.
    fn look_for_demonstration(&mut self, cursor: Place) {
        if self.prompts.knows_shell() || self.screen.is_alternate() || !self.dirty || self.batch.from.col != 0
        {
            return;
        }
        let rows = self.batch.from.line..cursor.line;
        if rows.is_empty() || rows.end - rows.start > MOST_DEMO_ROWS {
            return;
        }
        let text = |number| region::row_text(&self.screen, number, 0, u16::MAX);
        let sign = |number| Some((number, demo_sign(&text(number))?));
        let Some(top) = rows.clone().find(|&number| !text(number).trim().is_empty()) else { return };
        // The command may be followed by its output at once, or stand behind that of the one before.
        let Some((first, length)) = sign(top).or_else(|| rows.rev().find_map(sign)) else { return };
        let from = Place { line: first, col: region::column_of(&self.screen, first, length) };
        let printed = region::typed(&self.screen, from, cursor.line - 1, None);
        let mut command = String::new();
        for line in printed.lines() {
            command.push_str(line);
            if !syntax::is_open(&command) {
                break;
            }
            command.push('\n');
        }
        let is_whole = command.lines().count() == printed.lines().count();
        if command.ends_with('\n') || (first != top && !is_whole) {
            return;
        }
        self.running.end(Kind::Shell, self.now);
        self.note(Line {
            text: Some(command),
            reason: None,
            offset: self.now,
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.5,
            mismatch: Vec::new(),
        });
        self.rested();
    }

    /// A marked prompt waits if nothing but a line that is being typed stands behind its mark.
    fn is_marked_prompt(&self, anchor: Place, cursor: Place) -> bool {
        cursor >= anchor && region::first_row(&self.screen, cursor.line) <= anchor.line
    }

    fn wait_for_editor(&mut self, cursor: Place) {
        let row = self.prompt_row(cursor, How::Editor);
        let whole = region::before(&self.screen, cursor);
        let first = region::first_row(&self.screen, cursor.line);
        let found = self.prompts.at_start_of(&row);
        if self.screen.is_alternate() && found.is_none() && !self.may_be_prompt_on_alternate(&row) {
            return;
        }
        let anchor = match found {
            // Typed ahead, or put there by the shell.
            Some((length, _)) if !row[length..].trim().is_empty() => {
                region::place_in(&self.screen, first, whole.len() - row.len() + length)
            }
            _ => cursor,
        };
        self.wait(anchor, How::Editor);
    }
}
