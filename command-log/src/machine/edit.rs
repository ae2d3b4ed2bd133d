//! While a line is being edited: where it begins, and what it is so far.

use casemate_terminal::{Color, Screen};

use super::wait::{How, Waiting};
use super::{CommandLog, Phase};
use crate::prompt::Shape;
use crate::region::{self, Place};

impl<S: Screen> CommandLog<S> {
    /// Looks at the line at a rest.
    pub(crate) fn look_at_line(&mut self) {
        if !self.dirty {
            return;
        }
        let Phase::Waiting(mut waiting) = std::mem::replace(&mut self.phase, Phase::Output) else { return };
        if let Some(anchor) = self.marks.input.take()
            && anchor != waiting.anchor
            && region::cursor(&self.screen) >= anchor
        {
            self.move_to(&mut waiting, anchor);
        }
        if self.goes_on_behind_prompt(&mut waiting) {
            return self.look_at_line_of(waiting);
        }
        let Some(mut waiting) = self.commit_lines_left_behind(waiting) else { return };
        self.splice_out_output(&mut waiting);
        self.find_again(&mut waiting);
        self.look_at_line_of(waiting);
    }

    fn look_at_line_of(&mut self, mut waiting: Box<Waiting>) {
        let cursor = region::cursor(&self.screen);
        if cursor.line >= waiting.anchor.line {
            let mut typed = region::typed(&self.screen, waiting.anchor, cursor.line, waiting.right.as_ref());
            self.cut_suggestion(&waiting, cursor, &mut typed);
            // Somebody who types these two characters types them one by one.
            let caret = typed.strip_suffix("^C") == Some(waiting.typed.as_str());
            waiting.interrupted = caret || waiting.interrupted && typed == waiting.typed;
            waiting.typed = typed;
        }
        self.phase = Phase::Waiting(waiting);
    }

    pub(crate) fn move_to(&self, waiting: &mut Waiting, anchor: Place) {
        waiting.anchor = anchor;
        waiting.left = region::row_text(&self.screen, anchor.line, 0, anchor.col);
        waiting.prompt.row = region::before(&self.screen, anchor);
        waiting.prompt.style = region::styles(&self.screen, anchor);
        waiting.before.clear();
    }

    /// The prompt may have moved: a list of completions above it, a cleared screen, a new width; or changed: a
    /// branch that was looked up late, another mode of the editor.
    fn find_again(&self, waiting: &mut Waiting) {
        if !waiting.before.is_empty() {
            return;
        }
        let cursor = region::cursor(&self.screen);
        let anchor = waiting.anchor;
        let stands = waiting.stands_in(&self.screen, anchor.line);
        let rows = u64::from(self.screen.size().rows);
        let from =
            if stands { anchor.line + 1 } else { cursor.line.saturating_sub(rows).max(self.output_from) };
        if let Some(number) = waiting.find_in(&self.screen, from..=cursor.line) {
            waiting.anchor.line = number;
            return;
        }
        if stands && !(waiting.typed.is_empty() && self.prompt_was_drawn_again(waiting)) {
            return;
        }
        if stands && cursor.line == anchor.line && cursor.col <= anchor.col {
            return;
        }
        if is_search(&region::row_text(&self.screen, cursor.line, 0, u16::MAX)) {
            return;
        }
        // Drawn anew with another text: what was typed stands at its end.
        let row = region::before(&self.screen, cursor);
        let first = region::first_row(&self.screen, cursor.line);
        if let Some((length, _)) = self.prompts.at_start_of(&row).filter(|_| !stands) {
            self.move_to(waiting, region::place_in(&self.screen, first, length));
        } else if self.has_lost_its_beginning(waiting) {
            // A line longer than what is kept: that is said when it is committed.
        } else if waiting.typed.is_empty() {
            if matches!(waiting.how, How::Editor | How::Mark) || cursor.line >= anchor.line {
                self.move_to(waiting, cursor);
            }
        } else if let Some(length) = row.len().checked_sub(waiting.typed.len())
            && row.ends_with(&waiting.typed)
        {
            self.move_to(waiting, region::place_in(&self.screen, first, length));
        }
    }

    /// Whether the prompt itself was just printed again, with more behind it.
    fn prompt_was_drawn_again(&self, waiting: &Waiting) -> bool {
        if waiting.how != How::Editor {
            return false;
        }
        let prompt = waiting.left.trim();
        let printed = without_sequences(&self.batch.bytes);
        let last = printed.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or("").trim();
        if prompt.is_empty() {
            // It had not been drawn when the editor rested.
            let drawn =
                (self.batch.bytes.contains(&0x1b) || waiting.first) && printed.trim().chars().count() > 1;
            return drawn || Shape::of(last) >= Shape::MaybeShell && last.chars().count() > 1;
        }
        printed.contains('\r') && last.len() > prompt.len() && last.contains(prompt)
    }

    /// Output of a job in the background that came into the line: what is typed goes on behind it.
    fn splice_out_output(&self, waiting: &mut Waiting) {
        let cursor = region::cursor(&self.screen);
        if self.editor.is_none() || waiting.how != How::Editor || cursor.col != 0 {
            return;
        }
        let printed = &self.batch.bytes;
        // A line that is drawn anew begins with a carriage return, or with sequences.
        let is_lines = printed.ends_with(b"\n")
            && !printed.contains(&0x1b)
            && printed.first().is_some_and(|&byte| byte > b' ' && byte != 0x7f);
        if is_lines
            && printed.len() > 2
            && cursor.line > waiting.anchor.line
            && !(waiting.typed.is_empty() && waiting.before.is_empty())
        {
            let typed = std::mem::take(&mut waiting.typed);
            waiting.keep_before(&typed);
            // A blank at the end of what was typed is only known from where the cursor was.
            let line_end = region::before(&self.screen, self.batch.from);
            let blanks = if typed.is_empty() { 0 } else { line_end.len() - line_end.trim_end().len() };
            waiting.before.extend(std::iter::repeat_n(' ', blanks));
            waiting.anchor = cursor;
            waiting.left.clear();
            waiting.right = None;
        }
    }

    /// What a shell suggests stands behind the cursor, in a paler style than what was typed.
    fn cut_suggestion(&self, waiting: &Waiting, cursor: Place, typed: &mut String) {
        let Some(line) = region::line(&self.screen, cursor.line) else { return };
        let Some(cell) = line.cell(cursor.col) else { return };
        let before = cursor.col.checked_sub(1).and_then(|col| line.cell(col));
        let pale = |style: casemate_terminal::Style| {
            style.dim || style.italic || matches!(style.foreground, Color::Indexed(8 | 232..=250))
        };
        if pale(cell.style) && before.is_none_or(|before| before.style != cell.style) {
            *typed = region::typed_before(&self.screen, waiting.anchor, cursor);
        }
    }
}

/// Whether the history is being searched, in place of the prompt.
fn is_search(row: &str) -> bool {
    ["(reverse-i-search)", "(i-search)", "(failed ", "bck-i-search:", "fwd-i-search:", "failing ", "(arg: "]
        .iter()
        .any(|sign| row.trim_start().starts_with(sign))
}

/// What a batch prints, without its escape sequences.
fn without_sequences(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != 0x1b {
            text.push(first);
            continue;
        }
        rest = match behind.first() {
            Some(b'[') => {
                let end = behind[1..].iter().position(|byte| (0x40..=0x7e).contains(byte));
                end.map_or(&[][..], |end| &behind[end + 2..])
            }
            Some(b']') => {
                let end = behind.iter().position(|&byte| byte == 0x07 || byte == 0x1b);
                end.map_or(&[][..], |end| &behind[end + usize::from(behind[end] == 0x07)..])
            }
            Some(_) => &behind[1..],
            None => behind,
        };
    }
    String::from_utf8_lossy(&text).into_owned()
}
