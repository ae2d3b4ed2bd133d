//! What runs: the commands and program lines that were committed, until each has ended, in their order.

use std::collections::VecDeque;

use casemate_cast_format::Micros;

use super::CommandLog;
use crate::event::{self, Candidate, CommandEvent, Kind, Piped, Reason, Source, State};
use crate::prompt::PromptText;
use crate::syntax;
use casemate_terminal::Screen;

/// Events that wait for one before them that has not ended; then it is given without its end.
const MOST_WAITING: usize = 1024;

/// So many offsets are remembered: more than lines can be typed ahead.
const OFFSETS: usize = 128;

/// What was committed and runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) live: bool,
    /// The command that the session is: it runs beside those in it, and ends last.
    whole: Option<Entry>,
    /// So many came within it that they were given before it.
    passed: bool,
    queue: VecDeque<Entry>,
    ready: VecDeque<CommandEvent>,
    /// The offset of the last event.
    last: Option<Micros>,
    /// Offsets of the last events, and how many had each: they need not come in order, for a line that was typed ahead has
    /// that of its Enter.
    offsets: VecDeque<(Micros, u32)>,
    /// Bytes printed so far, and up to the last line feed.
    bytes: u64,
    /// How much was put out in all, up to what is being looked at.
    pub(crate) at: u64,
    bytes_at_line: u64,
    /// The shell command and the program's line that run, as places in the queue counted from its first ever.
    shell: Option<u64>,
    program: Option<u64>,
    first: u64,
    /// What the last line was, if it may go on or turn out not to have been committed.
    pub(crate) last_line: Option<LastLine>,
    /// Where output ended, as far as a mark or an editor told.
    pub(crate) output_end: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    event: CommandEvent,
    started: bool,
    /// The line is not whole: the shell asks for more.
    open: bool,
    done: bool,
    begin_bytes: u64,
}

/// The line that was committed last.
#[derive(Clone, Debug)]
pub(crate) struct LastLine {
    /// Place in the queue.
    pub(crate) entry: u64,
    pub(crate) prompt: PromptText,
    /// The row it ended in.
    pub(crate) row: u64,
    pub(crate) at: Micros,
    pub(crate) kind: Kind,
    /// By an editor, which says when a line is committed.
    pub(crate) by_editor: bool,
    /// The cursor had left its row by then.
    pub(crate) left: bool,
    /// Somebody pressed Enter.
    pub(crate) entered: bool,
    /// A mark said that its output begins: it was run.
    pub(crate) ran: bool,
}

/// A line to be noted.
pub(crate) struct Line {
    pub(crate) text: Option<String>,
    pub(crate) reason: Option<Reason>,
    pub(crate) offset: Micros,
    pub(crate) kind: Kind,
    pub(crate) program: Option<String>,
    pub(crate) source: Source,
    pub(crate) confidence: f64,
    pub(crate) mismatch: Vec<Candidate>,
}

impl Running {
    pub(crate) fn printed(&mut self, bytes: &[u8]) {
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            self.bytes_at_line = self.bytes + at as u64 + 1;
        }
        self.bytes += bytes.len() as u64;
    }

    /// What was printed so far since the last line is no output: it begins here.
    pub(crate) fn mark_output_begin(&mut self) {
        let (bytes, at) = (self.bytes, self.at);
        if let Some(entry) = self.shell.and_then(|number| self.entry(number)) {
            entry.begin_bytes = bytes;
            entry.event.output_at = Some(at);
        }
    }

    /// Output so far ended here: what follows is a prompt.
    pub(crate) fn mark_output_end(&mut self) {
        self.output_end.get_or_insert(self.bytes);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of output since there were so many.
    pub(crate) fn bytes_since(&self, bytes: u64) -> u64 {
        self.output_end.unwrap_or(self.bytes_at_line).saturating_sub(bytes)
    }

    /// Bytes of output since the last line was committed.
    pub(crate) fn output_since_commit(&self) -> u64 {
        let end = self.output_end.unwrap_or(self.bytes_at_line);
        self.queue.back().map_or(0, |entry| end.saturating_sub(entry.begin_bytes))
    }

    /// How many lines before had that offset.
    fn ordinal(&mut self, offset: Micros) -> u32 {
        self.last = Some(offset);
        if let Some((_, ordinal)) = self.offsets.iter_mut().rev().find(|(other, _)| *other == offset) {
            *ordinal += 1;
            return *ordinal;
        }
        if self.offsets.len() == OFFSETS {
            self.offsets.pop_front();
        }
        self.offsets.push_back((offset, 0));
        0
    }

    /// The offset of the last line.
    pub(crate) fn last_offset(&self) -> Micros {
        self.last.unwrap_or_default()
    }

    /// Whether a line feed was printed since the last line was committed.
    pub(crate) fn line_ended_since_commit(&self) -> bool {
        self.queue.back().is_some_and(|entry| self.bytes_at_line > entry.begin_bytes)
    }

    /// Whether a line wants more.
    pub(crate) fn is_open(&self, number: u64) -> bool {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.queue.get(at)).is_some_and(|entry| entry.open)
    }

    pub(crate) fn next_event(&mut self) -> Option<CommandEvent> {
        if let Some(event) = self.ready.pop_front() {
            return Some(event);
        }
        let entry = self.next_entry()?;
        if !self.live {
            return Some(entry.event);
        }
        let finished = CommandEvent { state: Some(State::Finished), ..entry.event };
        if entry.started {
            return Some(finished);
        }
        // It had ended before it was sure that it had begun.
        let started = CommandEvent {
            state: Some(State::Started),
            duration: None,
            exit_code: None,
            output_bytes: None,
            output: None,
            piped: finished.piped.clone().map(without_traffic),
            ..finished.clone()
        };
        self.ready.push_back(finished);
        Some(started)
    }

    /// What the session is comes before what is in it, but while the session runs, or when that is too much to wait for.
    fn next_entry(&mut self) -> Option<Entry> {
        if self.whole.is_some() && !self.live && !self.passed {
            if let Some(whole) = self.whole.take_if(|whole| whole.done) {
                return Some(whole);
            }
            if self.queue.len() <= MOST_WAITING {
                return None;
            }
            self.passed = true;
        }
        if self.queue.front().is_some_and(|front| front.done) || self.queue.len() > MOST_WAITING {
            self.first += 1;
            return self.queue.pop_front();
        }
        self.whole.take_if(|whole| whole.done)
    }

    /// The command that the session is begins.
    pub(crate) fn begin_whole(&mut self, event: CommandEvent) {
        let begun = Entry { event, started: false, open: false, done: false, begin_bytes: self.bytes };
        // That of a session before it has ended, and nobody has asked for it yet.
        self.queue.extend(self.whole.replace(begun));
        self.passed = false;
    }

    pub(crate) fn whole(&mut self) -> Option<&mut CommandEvent> {
        self.whole.as_mut().filter(|whole| !whole.done).map(|whole| &mut whole.event)
    }

    /// While a session runs, a line is said as soon as it is sure that it was committed.
    pub(crate) fn rest(&mut self, now: Micros) {
        self.say(|entry| entry.event.offset < now);
    }

    /// The output of the shell's command begins: it is sure that it runs, and whatever was committed before it.
    pub(crate) fn run(&mut self) {
        let Some(last) = self.last_line.as_mut().filter(|last| Some(last.entry) == self.shell) else {
            return;
        };
        last.ran = true;
        let number = last.entry;
        if !self.is_open(number) {
            self.say(|_| true);
        }
    }

    fn say(&mut self, is_sure: impl Fn(&Entry) -> bool) {
        if !self.live {
            return;
        }
        for entry in self.whole.iter_mut().chain(&mut self.queue) {
            if !entry.started && !entry.open && is_sure(entry) {
                entry.started = true;
                self.ready.push_back(CommandEvent { state: Some(State::Started), ..entry.event.clone() });
            }
        }
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        self.queue.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    pub(crate) fn event(&mut self, number: u64) -> Option<&mut CommandEvent> {
        self.entry(number).map(|entry| &mut entry.event)
    }

    /// The command that the shell runs.
    pub(crate) fn shell_event(&mut self) -> Option<&mut CommandEvent> {
        self.event(self.shell?)
    }

    /// The text of the command that the shell runs.
    pub(crate) fn shell_command(&self) -> Option<&str> {
        let at = usize::try_from(self.shell?.checked_sub(self.first)?).ok()?;
        self.queue.get(at)?.event.command.as_deref()
    }

    /// Whether lines were given to a program since the shell's command began.
    pub(crate) fn has_program_lines(&self) -> bool {
        self.queue.back().is_some_and(|entry| entry.event.kind == Kind::Program)
    }

    /// The last so many of them were for the shell: it took them when the program had ended. Returns false where
    /// there are fewer.
    pub(crate) fn claim_program_lines(&mut self, count: usize) -> bool {
        let lines = self.queue.iter().rev().take_while(|entry| entry.event.kind == Kind::Program).count();
        if lines < count {
            return false;
        }
        for entry in self.queue.iter_mut().rev().take(count) {
            entry.event.kind = Kind::Shell;
            entry.event.program = None;
            entry.event.confidence = 0.7;
            entry.done = true;
        }
        self.program = None;
        true
    }

    /// Whether a shell's command runs.
    pub(crate) fn runs_command(&self) -> bool {
        self.shell.is_some()
    }

    /// A prompt is there: what was given to a shell, or to a program, has ended.
    pub(crate) fn end(&mut self, kind: Kind, at: Micros) {
        let program = self.program.take();
        let shell = if kind == Kind::Program { None } else { self.shell.take() };
        let end_bytes = self.output_end.unwrap_or(self.bytes_at_line);
        for number in [program, shell].into_iter().flatten() {
            if let Some(entry) = self.entry(number) {
                let offset = entry.event.offset;
                entry.event.duration.get_or_insert(Micros(at.0.saturating_sub(offset.0)));
                entry.event.output_bytes = Some(end_bytes.saturating_sub(entry.begin_bytes));
                entry.event.output = Some((offset, at.max(offset)));
                entry.done = true;
            }
        }
    }

    /// Takes a line back: it was not committed.
    pub(crate) fn retract(&mut self, number: u64) -> Option<CommandEvent> {
        let at = usize::try_from(number.saturating_sub(self.first)).ok()?;
        if at + 1 != self.queue.len() {
            return None;
        }
        self.shell = self.shell.filter(|&shell| shell != number);
        self.program = self.program.filter(|&program| program != number);
        self.queue.pop_back().map(|entry| entry.event)
    }

    /// The session is over: nothing more is known of what runs.
    pub(crate) fn end_all(&mut self) {
        self.shell = None;
        self.program = None;
        self.last_line = None;
        for entry in self.whole.iter_mut().chain(&mut self.queue) {
            entry.done = true;
        }
    }
}

fn without_traffic(mut piped: Box<Piped>) -> Box<Piped> {
    (piped.bytes_in, piped.bytes_out, piped.bytes_err) = (None, None, None);
    piped
}

impl<S: Screen> CommandLog<S> {
    /// The id and the time of a line that is committed there.
    fn identify(&mut self, offset: Micros) -> (String, Option<String>) {
        let ordinal = self.running.ordinal(offset);
        let time = self.session.start.and_then(|start| event::timestamp(start.checked_add(offset.0)?));
        (event::id(self.session.id.as_deref(), self.session.part, offset, ordinal), time)
    }

    /// A line went on, and ended there at the earliest.
    pub(crate) fn extend(&mut self, number: u64, offset: Micros, open: bool) {
        let (id, time) = self.identify(offset);
        let (bytes, at) = (self.running.bytes, self.running.at);
        if let Some(entry) = self.running.entry(number) {
            entry.event.offset = offset;
            entry.event.id = id;
            entry.event.time = time;
            entry.open = open;
            entry.begin_bytes = bytes;
            entry.event.output_at = Some(at);
        }
    }

    /// What is known of a line when it is committed.
    pub(crate) fn event_of(&mut self, line: Line) -> CommandEvent {
        let (id, time) = self.identify(line.offset);
        let place = self.contexts.place();
        let shell_cwd = if line.kind == Kind::Program { None } else { self.cwd.clone() };
        CommandEvent {
            id,
            session: self.session.id.clone(),
            state: None,
            time,
            offset: line.offset,
            duration: None,
            user: self.session.user.clone(),
            target: place.target,
            target_user: place.target_user,
            command: line.text,
            reason: line.reason,
            cwd: shell_cwd,
            exit_code: None,
            kind: line.kind,
            program: line.program,
            source: line.source,
            confidence: line.confidence,
            output_bytes: None,
            output: None,
            output_at: Some(self.running.at),
            mismatch: line.mismatch,
            piped: None,
        }
    }

    /// Notes a line. Returns its place in the queue.
    pub(crate) fn note(&mut self, line: Line) -> u64 {
        let event = self.event_of(line);
        let kind = event.kind;
        if matches!(kind, Kind::Shell | Kind::Hidden) {
            self.running.end(Kind::Shell, self.now);
        }
        let number = self.running.first + self.running.queue.len() as u64;
        let open = kind == Kind::Shell && event.command.as_deref().is_some_and(syntax::is_open);
        let done = matches!(kind, Kind::Cancelled);
        let begin_bytes = self.running.bytes;
        self.running.queue.push_back(Entry { event, started: false, open, done, begin_bytes });
        self.running.output_end = None;
        match kind {
            Kind::Shell | Kind::Hidden => self.running.shell = Some(number),
            Kind::Program => {
                // The line before it has ended at the latest with this one.
                if self.running.program.is_some() {
                    self.running.end(Kind::Program, self.now);
                }
                self.running.program = Some(number);
            }
            Kind::Cancelled => {}
        }
        number
    }
}
