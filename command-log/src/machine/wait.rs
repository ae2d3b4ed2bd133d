//! From output to waiting: whether a prompt stands there, and whose it is.

use casemate_cast_format::Micros;
use casemate_terminal::{Screen, Style};

use super::running::{LastLine, Line};
use super::{CommandLog, Phase};
use crate::event::{Candidate, Kind, Reason, Source};
use crate::prompt::{Likeness, PromptText, Shape, demo_sign, is_shell};
use crate::region::{self, Place, RightText};
use crate::syntax;

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
}

impl Waiting {
    /// Whether the prompt's own row is this one.
    pub(crate) fn stands_in<S: Screen>(&self, screen: &S, number: u64) -> bool {
        // A cursor that was moved over blanks has written none.
        region::row_text(screen, number, 0, self.anchor.col).trim_end() == self.left.trim_end()
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

/// Rows above a prompt that may belong to it.
const MOST_ROWS_ABOVE: u64 = 3;

/// Nobody types more lines ahead.
const MOST_LINES_AHEAD: usize = 64;

/// Commands of demonstrations are shorter.
const MOST_DEMO_ROWS: u64 = 24;

/// Rows of output that are read for what they say about the connection.
const ROWS_READ: u64 = 6;

impl<S: Screen> CommandLog<S> {
    /// Looks whether output has stopped at a prompt.
    pub(crate) fn look_for_prompt(&mut self, gap: u64, typing: bool) {
        let cursor = region::cursor(&self.screen);
        if let Some(anchor) = self.marks.input.take() {
            if self.is_marked_prompt(anchor, cursor) {
                self.wait(anchor, How::Mark);
                return;
            }
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
            // A shell that takes the terminal to edit lines does so at each of its prompts.
            let edits = found.editor && self.contexts.pending().is_none();
            if !edits && (typing || gap >= KNOWN_REST) {
                let anchor = region::place_in(&self.screen, first, length);
                self.wait(anchor, How::Known);
            }
            if !edits || found.likeness == Likeness::Exact {
                return;
            }
        }
        if self.screen.is_alternate() {
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
        if let Some(found) = self.prompts.find(&prompt, false) {
            if found.likeness >= Likeness::Skeleton && !found.editor {
                if typing || gap >= KNOWN_REST {
                    self.wait(cursor, How::Known);
                }
                return;
            }
        }
        let (needed, how) = match Shape::of(&row) {
            _ if self.wants_more(cursor) => (KNOWN_REST, How::Shape),
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
    fn wants_more(&mut self, cursor: Place) -> bool {
        let Some(last) = self.running.last_line.clone() else { return false };
        last.kind == Kind::Shell
            && region::first_row(&self.screen, cursor.line) <= last.row + 1
            && self.command_is_open(&last)
    }

    fn command_is_open(&mut self, last: &LastLine) -> bool {
        self.running.event(last.entry).and_then(|event| event.command.as_deref()).is_some_and(syntax::is_open)
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
        if self.screen.is_alternate() && found.is_none() {
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

    /// Begins to wait for the line behind a prompt.
    pub(crate) fn wait(&mut self, anchor: Place, how: How) {
        let prompt = self.read_prompt(anchor, how);
        let (kind, program) = self.whose(&prompt, how);
        let cursor = region::cursor(&self.screen);
        let typed = region::typed(&self.screen, anchor, cursor.line, None);
        let last = self.running.last_line.take();
        let mut continues = None;
        if let Some(last) = last {
            if self.is_listing(&last, &prompt, &typed) {
                self.running.retract(last.entry);
            } else if self.is_continued(&last, &prompt, anchor) {
                continues = Some(last);
            }
        }
        let kind = if continues.is_some() { Kind::Shell } else { kind };
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
    fn prompt_row(&self, anchor: Place, how: How) -> String {
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

    /// Decides who waits behind a prompt.
    fn whose(&self, prompt: &PromptText, how: How) -> (Kind, Option<String>) {
        let shape = Shape::of(&prompt.row);
        if let Some(decided) = self.foreground_waits(shape) {
            return decided;
        }
        let program = || (Kind::Program, self.contexts.running().map(str::to_owned));
        let shell = (Kind::Shell, None);
        let edited = matches!(how, How::Editor | How::Mark);
        if let Some(found) = self.prompts.find(prompt, edited) {
            if found.likeness >= Likeness::Skeleton
                || (found.kind == Kind::Shell && shape >= Shape::MaybeShell)
            {
                return (found.kind, found.program);
            }
        }
        if self.editor.is_some_and(|editor| editor.toolkit) {
            return program();
        }
        let hops = self.contexts.pending().is_some();
        let is_repl = self.contexts.program().is_some();
        if edited && !is_repl && self.prompt_was_assigned() {
            return shell;
        }
        match shape {
            Shape::Repl if hops && !is_repl && !prompt.row.starts_with(">>>") => shell,
            Shape::Shell if is_repl && !hops && prompt.row.trim().len() <= 1 => program(),
            Shape::Shell => shell,
            Shape::MaybeShell if hops || !self.running.runs_command() => shell,
            Shape::MaybeShell if is_repl => program(),
            Shape::MaybeShell if edited && !self.prompts.knows_shell() => shell,
            Shape::None
                if edited && !is_repl && (prompt.row.trim().is_empty() || !self.running.runs_command()) =>
            {
                shell
            }
            // What is first there, and shows nothing else before, is the shell that was recorded.
            Shape::Repl if edited && !self.waited && self.stands_at_the_top(prompt) => shell,
            Shape::None if is_coloured_blank(prompt) && !self.running.runs_command() => shell,
            Shape::Question if edited && !self.waited => shell,
            Shape::MaybeShell | Shape::Repl | Shape::Question | Shape::None => program(),
        }
    }

    /// Whether nothing was printed before a prompt.
    fn stands_at_the_top(&self, prompt: &PromptText) -> bool {
        let last = region::cursor(&self.screen).line;
        let rows = (0..last)
            .filter(|&number| !region::row_text(&self.screen, number, 0, u16::MAX).trim().is_empty());
        rows.count() <= prompt.above.lines().count() && self.screen.scrolled() == 0
    }

    /// The command that ran changed the prompt, so that it looks like none that is known.
    fn prompt_was_assigned(&self) -> bool {
        const NAMES: [&str; 6] =
            ["PS1=", "PROMPT=", "PROMPT_COMMAND=", "set prompt", "fish_prompt", "prompt "];
        let command = self.running.shell_command();
        command.is_some_and(|command| NAMES.iter().any(|name| command.contains(name)))
    }

    /// What the foreground process says, where the recorder noted it.
    fn foreground_waits(&self, shape: Shape) -> Option<(Kind, Option<String>)> {
        let facts = self.foreground.as_ref()?;
        let exe = facts.exe.as_deref()?;
        let exe = exe.strip_suffix(" (deleted)").unwrap_or(exe);
        let name = exe.rsplit('/').next().unwrap_or(exe);
        if is_shell(name) {
            // A shell that has set the terminal to whole lines runs `read`, or is one that does not edit.
            let reads = facts.canonical == Some(true) && matches!(name, "bash" | "zsh" | "fish");
            return Some(if reads && shape < Shape::MaybeShell {
                (Kind::Program, Some("read".to_owned()))
            } else if reads {
                return None;
            } else {
                (Kind::Shell, None)
            });
        }
        if passes_on(name) { None } else { Some((Kind::Program, Some(name.to_owned()))) }
    }

    /// A list of completions looks like a command that printed it: the same line stands behind the next prompt.
    fn is_listing(&mut self, last: &LastLine, prompt: &PromptText, typed: &str) -> bool {
        !last.by_editor
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
    fn is_continued(&mut self, last: &LastLine, prompt: &PromptText, anchor: Place) -> bool {
        last.kind == Kind::Shell
            && region::first_row(&self.screen, anchor.line) <= last.row + 1
            && prompt.row != last.prompt.row
            && self.command_is_open(last)
    }

    /// A shell prints what an editor made of a line before it runs it.
    fn read_what_was_edited(&mut self) {
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
    fn note_lines_typed_ahead(&mut self, prompt: &PromptText, anchor: Place) {
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
    fn tell_of_output(&mut self, anchor: Place) {
        let end = region::first_row(&self.screen, anchor.line);
        let begin = end.saturating_sub(ROWS_READ).max(self.output_from);
        for number in begin..end {
            let row = region::row_text(&self.screen, number, 0, u16::MAX);
            let row = row.trim();
            if !row.is_empty() {
                self.contexts.output_line(row);
            }
        }
    }

    /// Something ran behind a prompt although no line was seen: say so.
    fn end_hidden(&mut self, kind: Kind) {
        let Some(blank) = self.blank.take() else { return };
        if kind != Kind::Shell || !(blank.hidden || self.running.bytes_since(blank.bytes) > 0) {
            return;
        }
        let said = self.output_since_blank();
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

    fn output_since_blank(&self) -> Vec<String> {
        let end = region::first_row(&self.screen, region::cursor(&self.screen).line);
        (self.output_from.max(end.saturating_sub(ROWS_READ))..end)
            .map(|number| region::row_text(&self.screen, number, 0, u16::MAX).trim().to_owned())
            .filter(|row| !row.is_empty())
            .collect()
    }
}

/// A line committed behind a prompt that showed nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank {
    pub(crate) at: Micros,
    /// The recorder says that something was typed.
    pub(crate) hidden: bool,
    pub(crate) bytes: u64,
}

/// What shells say of themselves behind an empty line.
fn is_talk(row: &str) -> bool {
    matches!(row, "exit" | "logout" | "%" | "#" | "⏎")
        || row.starts_with('[')
        || row.starts_with("You have ")
        || row.starts_with("There are ")
        || row.starts_with("zsh: you have")
}

/// Programs that pass on what others, or other hosts, show.
fn passes_on(name: &str) -> bool {
    matches!(
        name,
        "ssh"
            | "mosh-client"
            | "telnet"
            | "docker"
            | "podman"
            | "nerdctl"
            | "kubectl"
            | "oc"
            | "lxc"
            | "incus"
            | "machinectl"
            | "systemd-run"
            | "run0"
            | "tmux: client"
            | "tmux"
            | "screen"
            | "sudo"
            | "su"
            | "doas"
            | "script"
            | "casemate"
            | "asciinema"
            | "vagrant"
            | "expect"
            | "login"
            | "env"
            | "nsenter"
            | "chroot"
            | "picocom"
            | "minicom"
    )
}

/// A prompt that is nothing but colour.
fn is_coloured_blank(prompt: &PromptText) -> bool {
    prompt.row.trim().is_empty() && !prompt.row.is_empty() || prompt.style.0 != Style::default()
}
