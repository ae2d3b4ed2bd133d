//! From waiting to output: a line is committed, and read.

use casemate_cast_format::Micros;
use casemate_terminal::Screen;

use super::keys::LineEnd;
use super::running::{LastLine, Line};
use super::settle::Blank;
use super::wait::{How, Waiting};
use super::{CommandLog, Editor, Phase};
use crate::event::{Candidate, Kind, Reason, Source};
use crate::prompt::Shape;
use crate::region::{self, Place};
use crate::syntax;

/// Longer lines are not kept.
pub(crate) const LONGEST_LINE: usize = 64 << 10;

/// What commits a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The line editor gives the terminal back.
    Editor,
    /// The cursor goes to the next row.
    LineFeed,
    /// A mark.
    Mark,
}

impl<S: Screen> CommandLog<S> {
    /// A line editor takes the terminal.
    pub(crate) fn editor_begins(&mut self) {
        let begun = region::cursor(&self.screen);
        self.editor = Some(Editor { begun, used: false, toolkit: false });
        if self.resumes(begun) {
            return;
        }
        match &mut self.phase {
            Phase::Waiting(waiting)
                if waiting.kind == Kind::Shell && begun == waiting.anchor || waiting.how == How::Editor =>
            {
                waiting.how = How::Editor;
            }
            Phase::Output | Phase::Waiting(_) => {
                if let Phase::Waiting(waiting) = std::mem::replace(&mut self.phase, Phase::Output) {
                    self.note_what_was_no_list(&waiting, "");
                }
                if begun.col == 0 {
                    self.running.mark_output_end();
                }
            }
        }
    }

    /// The editor gave the terminal back for a moment, and the cursor has not left the line: it was not committed.
    fn resumes(&mut self, cursor: Place) -> bool {
        let Some(left) = self.left.take() else { return false };
        let stands = left.stands_in(&self.screen, left.anchor.line);
        if !stands || self.screen.is_alternate() || cursor.line < left.anchor.line || self.line_was_left() {
            return false;
        }
        let Some(last) =
            self.running.last_line.take_if(|last| last.by_editor && !last.ran && cursor.line <= last.row)
        else {
            return false;
        };
        self.running.retract(last.entry);
        self.phase = Phase::Waiting(left);
        true
    }

    /// The cursor went to the next row when the last line was committed, or since. Whatever goes back to the line
    /// then was run by it.
    fn line_was_left(&self) -> bool {
        self.running.last_line.as_ref().is_some_and(|last| last.left)
            || self.running.line_ended_since_commit()
    }

    /// The editor gave the terminal back, and the line is still being edited.
    pub(crate) fn never_left(&mut self, cursor: Place) -> bool {
        self.resumes(cursor)
    }

    /// A line editor gives the terminal back: a line was committed or thrown away.
    pub(crate) fn editor_ends(&mut self) {
        let Some(editor) = self.editor.take() else { return };
        let cursor = region::cursor(&self.screen);
        match &self.phase {
            Phase::Waiting(waiting) => {
                let anchor = waiting.anchor;
                self.commit(By::Editor, self.last_row(anchor, cursor));
            }
            Phase::Output if editor.used && cursor != editor.begun => {
                if let Some(anchor) = self.find_prompt(editor, cursor) {
                    // What was in the foreground when it was last looked at is not who drew this prompt.
                    let foreground = self.foreground.take();
                    // The prompt was its.
                    self.editor = Some(editor);
                    self.wait(anchor, How::Editor);
                    self.editor = None;
                    self.foreground = foreground;
                    self.commit(By::Editor, self.last_row(anchor, cursor));
                } else {
                    self.note_line_behind_unknown_prompt(editor, cursor);
                }
            }
            Phase::Output => {}
        }
    }

    /// The row that the line ends in: readline goes to the next one before it gives the terminal back.
    pub(crate) fn last_row(&self, anchor: Place, cursor: Place) -> u64 {
        if cursor.col == 0 && cursor.line > anchor.line { cursor.line - 1 } else { cursor.line }
    }

    /// Finds the prompt of a line that was typed before it was drawn.
    fn find_prompt(&self, editor: Editor, cursor: Place) -> Option<Place> {
        let last = self.last_row(editor.begun, cursor);
        let first = last
            .saturating_sub(u64::from(self.screen.size().rows))
            .max(editor.begun.line)
            .max(self.output_from);
        (first..=last)
            .rev()
            .find_map(|number| {
                if region::first_row(&self.screen, number) != number {
                    return None;
                }
                let row = region::row_text(&self.screen, number, 0, u16::MAX);
                // Where output before it did not end its line, the prompt begins where the editor did.
                let begun = if number == editor.begun.line {
                    region::before(&self.screen, editor.begun).len()
                } else {
                    0
                };
                let known_behind = |at: usize| {
                    Some(at + self.prompts.at_start_of(row.get(at..)?).map(|(length, _)| length)?)
                };
                let known = known_behind(0).or_else(|| known_behind(begun));
                let guessed = || shell_prompt_length(&row).filter(|_| !self.screen.is_alternate());
                let length = known.or_else(guessed)?;
                Some(region::place_in(&self.screen, number, length))
            })
            .or_else(|| {
                // zsh takes the terminal behind its prompt.
                let begun = editor.begun;
                let prompt = region::before(&self.screen, begun);
                let is_first = !self.waited && begun.col > 0 && cursor > begun;
                (is_first && !prompt.trim().is_empty() && !self.screen.is_alternate()).then_some(begun)
            })
    }

    /// The cursor is about to go to the next row.
    pub(crate) fn line_feed(&mut self) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        let cursor = region::cursor(&self.screen);
        // Going down within a line that takes several rows ends nothing.
        if self.editor.is_some() || region::wraps(&self.screen, cursor.line) {
            return;
        }
        if cursor.line < waiting.anchor.line {
            let row = region::row_text(&self.screen, cursor.line, 0, u16::MAX);
            if waiting.typed.is_empty() || !row.trim_end().ends_with(&waiting.typed) {
                return;
            }
        }
        self.commit(By::LineFeed, cursor.line);
    }

    /// Reads the line that ends in this row.
    pub(crate) fn commit(&mut self, by: By, last_row: u64) {
        let Phase::Waiting(mut waiting) = std::mem::replace(&mut self.phase, Phase::Output) else { return };
        let before = waiting.before.clone();
        let (text, confidence) = self.read_line(&mut waiting, last_row);
        waiting.before = before;
        let entered = self.keys.has_enter();
        let left = region::cursor(&self.screen).line > last_row;
        self.edited = std::mem::take(&mut self.keys.edited) && !entered && by == By::Editor;
        let end = self.keys.last_end.take();
        let typed_at = self.keys.take_enter().unwrap_or(self.now);
        self.output_from = last_row + 1;
        self.marks.prompt = None;
        if self.keys.seen
            && by == By::LineFeed
            && !entered
            && end.is_none()
            && waiting.continues.is_none()
            && !self.is_accepted_by_another_key(&waiting, &text)
        {
            // Nobody pressed Enter: this is output.
            self.go_on_behind_output(waiting, last_row);
            return;
        }
        self.keys.line_is_over();
        let (text, interrupted) = match end {
            Some(LineEnd::Interrupt) => (text.strip_suffix("^C").unwrap_or(&text).to_owned(), true),
            Some(LineEnd::Enter | LineEnd::EndOfInput) => (text, false),
            None if by == By::Editor && self.is_abandoned(&waiting) => (text, true),
            None => match text.strip_suffix("^C") {
                Some(line) if waiting.interrupted || !waiting.typed.ends_with("^C") => {
                    (line.to_owned(), true)
                }
                _ => (text, false),
            },
        };
        let text = text.trim_end().to_owned();
        self.note_what_was_no_list(&waiting, &text);
        if !interrupted && waiting.kind == Kind::Shell && self.has_lost_its_beginning(&waiting) {
            self.note_unknown_line(Reason::TooLong, typed_at);
            return;
        }
        if interrupted {
            self.throw_away(&waiting, text, typed_at);
            return;
        }
        if text.is_empty() {
            // Where a line that is given up stays in its row, one that is empty leaves it.
            let ended = match end {
                Some(end) => end == LineEnd::EndOfInput,
                None => !(self.keys.seen || by == By::Editor && left),
            };
            self.commit_blank(waiting, last_row, typed_at, ended);
            return;
        }
        if !self.was_typed(&waiting, by, &text, entered) {
            return;
        }
        if let Some(begun) = waiting.continues {
            self.append(begun, &text, typed_at, last_row, by);
            return;
        }
        let reported = self.marks.reported.take();
        let text = if waiting.kind == Kind::Program { without_secondary_prompts(text) } else { text };
        let (text, source, confidence, mismatch) = weigh(text, confidence, reported);
        let too_long = text.len() > LONGEST_LINE;
        let program = waiting.program.clone();
        self.keypad_returns |= waiting.keypad && !self.screen.is_application_cursor();
        self.blank = None;
        self.unrested = by == By::LineFeed && waiting.typed.trim_end() != text;
        let entry = self.note(Line {
            text: (!too_long).then(|| text.clone()),
            reason: too_long.then_some(Reason::TooLong),
            offset: typed_at,
            kind: waiting.kind,
            program: program.clone(),
            source,
            confidence,
            mismatch,
        });
        if waiting.kind == Kind::Shell {
            self.contexts.committed(&text);
        }
        self.prompts.learn(&waiting.prompt, waiting.kind, program.as_deref(), by == By::Editor);
        self.running.last_line = Some(LastLine {
            entry,
            prompt: waiting.prompt.clone(),
            row: last_row,
            at: self.now,
            kind: waiting.kind,
            by_editor: by != By::LineFeed,
            left,
            entered,
            ran: false,
        });
        self.left = Some(waiting);
    }

    /// zsh gives the cursor keys back when a line is accepted, and not when it is thrown away.
    fn is_abandoned(&self, waiting: &Waiting) -> bool {
        waiting.keypad
            && self.keypad_returns
            && waiting.kind == Kind::Shell
            && self.screen.is_application_cursor()
            && region::first_row(&self.screen, region::cursor(&self.screen).line) <= waiting.anchor.line
    }

    /// The text of the line, and how sure it is.
    fn read_line(&self, waiting: &mut Waiting, last_row: u64) -> (String, f64) {
        let screen = &self.screen;
        let anchor = waiting.anchor;
        let mut text = std::mem::take(&mut waiting.before);
        let stands = waiting.stands_in(screen, anchor.line);
        if stands {
            // A list of completions may have moved the prompt since the last rest.
            let moved = waiting.find_in(screen, anchor.line + 1..=last_row);
            let from = Place { line: moved.unwrap_or(anchor.line), col: anchor.col };
            text.push_str(&region::typed(screen, from, last_row, waiting.right.as_ref()));
            let sure = match waiting.how {
                How::Mark | How::Editor => 0.99,
                How::Known => 0.97,
                How::Shape => 0.9,
                How::Rest => 0.6,
            };
            return (text, sure);
        }
        // The prompt was replaced when the line was committed.
        let first = region::first_row(screen, last_row);
        let row = region::before(screen, Place { line: last_row, col: screen.size().cols });
        let row = row.trim_end();
        if !waiting.typed.is_empty()
            && (row.ends_with(&waiting.typed) || !row.contains(waiting.typed.as_str()))
        {
            return (std::mem::take(&mut waiting.typed), 0.9);
        }
        if let Some((length, _)) = self.prompts.at_start_of(row) {
            let from = region::place_in(screen, first, length);
            return (region::typed(screen, from, last_row, waiting.right.as_ref()), 0.9);
        }
        if let Some(at) = row.rfind(waiting.typed.as_str()).filter(|_| !waiting.typed.is_empty()) {
            return (row[at..].to_owned(), 0.7);
        }
        (String::new(), 0.5)
    }

    /// Whether a person typed this, as far as one can tell.
    fn was_typed(&self, waiting: &Waiting, by: By, text: &str, entered: bool) -> bool {
        // A picture of progress, or of a password.
        let noise = text.chars().count() > 3 && !text.contains(char::is_alphanumeric);
        if waiting.kind == Kind::Program && noise {
            return false;
        }
        if by != By::LineFeed || entered {
            return true;
        }
        let rested = waiting.typed.trim_end() == text;
        match waiting.kind {
            // What shells print when input ends.
            Kind::Shell => rested || !matches!(text, "exit" | "logout"),
            Kind::Program | Kind::Hidden | Kind::Cancelled => {
                let noise =
                    text.chars().all(|c| !c.is_alphanumeric() || c == '%') && text.chars().count() > 3;
                rested && !noise
            }
        }
    }

    /// A line without text.
    fn commit_blank(&mut self, waiting: Box<Waiting>, last_row: u64, at: Micros, ended: bool) {
        if let Some(begun) = waiting.continues {
            self.append(begun, "", at, last_row, By::LineFeed);
            return;
        }
        if waiting.kind == Kind::Shell {
            self.running.output_end = None;
            self.blank = Some(Blank { at, hidden: self.keys.hidden, bytes: self.running.bytes() });
            if ended && matches!(waiting.how, How::Editor | How::Mark) {
                self.contexts.end_of_input();
            }
        }
    }

    /// A line that goes on one before it.
    fn append(&mut self, begun: LastLine, text: &str, at: Micros, last_row: u64, by: By) {
        let Some(event) = self.running.event(begun.entry) else { return };
        let Some(command) = &mut event.command else { return };
        command.push('\n');
        command.push_str(text);
        if command.len() > LONGEST_LINE {
            event.command = None;
            event.reason = Some(Reason::TooLong);
            return;
        }
        let whole = command.clone();
        let open = syntax::is_open(&whole);
        self.extend(begun.entry, at, open);
        if !open {
            self.contexts.committed(&whole);
        }
        self.running.last_line = Some(LastLine {
            row: last_row,
            at: self.now,
            by_editor: by != By::LineFeed,
            ran: false,
            ..begun
        });
    }

    fn throw_away(&mut self, waiting: &Waiting, text: String, at: Micros) {
        if let Some(begun) = &waiting.continues {
            if let Some(event) = self.running.event(begun.entry) {
                event.kind = Kind::Cancelled;
            }
            return;
        }
        if waiting.kind == Kind::Shell && !text.is_empty() {
            self.note(Line {
                text: Some(text),
                reason: None,
                offset: at,
                kind: Kind::Cancelled,
                program: None,
                source: Source::Screen,
                confidence: 0.9,
                mismatch: Vec::new(),
            });
        }
    }
}

/// Puts what a shell says of a line beside what stood on the screen.
pub(crate) fn weigh(
    screen: String,
    confidence: f64,
    reported: Option<String>,
) -> (String, Source, f64, Vec<Candidate>) {
    match reported {
        Some(reported) if !is_same(&screen, &reported) => {
            let both = vec![
                Candidate { source: Source::Screen, command: screen.clone() },
                Candidate { source: Source::Marks, command: reported },
            ];
            (screen, Source::Screen, 0.7, both)
        }
        Some(_) => (screen, Source::Screen, 1.0, Vec::new()),
        None => (screen, Source::Screen, confidence, Vec::new()),
    }
}

/// Programs show a prompt of their own before each further line of a statement.
fn without_secondary_prompts(text: String) -> String {
    let mut lines = text.lines();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return text };
    let sign = second.trim_start().trim_start_matches(['>', '.', '|', '…']);
    let length = second.len() - sign.trim_start_matches(' ').len();
    let prefix = second[..length].to_owned();
    if prefix.trim().is_empty() || !text.lines().skip(1).all(|line| line.starts_with(prefix.trim_end())) {
        return text;
    }
    let rest = text.lines().skip(1).map(|line| line.get(prefix.len()..).unwrap_or_default());
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n")
}

/// The same but for blanks, which a screen does not show at the end of a line.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// Where a prompt that looks like that of a shell ends, in a row that has more behind it.
fn shell_prompt_length(row: &str) -> Option<usize> {
    row.match_indices(['$', '#', '%', '>'])
        .take(4)
        .map(|(at, _)| at + 2)
        .find(|&end| row.get(end - 1..end) == Some(" ") && Shape::of(&row[..end]) == Shape::Shell)
}
