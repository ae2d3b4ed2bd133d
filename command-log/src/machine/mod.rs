//! The machine: events in, command events out.
//!
//! It is always in one of two phases. In [`Phase::Output`] something runs and prints. In [`Phase::Waiting`] a prompt
//! stands there and a line is being edited. A *rest* is when time passes and nothing is printed; what the screen
//! shows at a rest is what a person saw. Rests, signals and line feeds are the only moments at which anything is
//! decided, so that it does not matter how output is cut into events.
//!
//! - [`rest`]: output has stopped: does something wait, and behind what prompt;
//! - [`wait`]: from output to waiting; [`whose`]: a shell's prompt, or a program's; [`settle`]: what the prompt says of
//!   the line before it;
//! - [`edit`]: while waiting: where typing begins, what is typed so far;
//! - [`commit`]: from waiting to output: the line as it was committed;
//! - [`astray`]: lines that would get lost: what the stream says of them is not what happened;
//! - [`running`]: what runs, and when it ends;
//! - [`signals`]: marks, titles, directories; [`keys`]: what is typed;
//! - [`exec`]: the command that the session is, where the recorder says so;
//! - [`piped`]: sessions without a terminal, in which there is nothing of all the rest.

mod astray;
mod commit;
mod edit;
mod exec;
mod keys;
mod piped;
mod rest;
mod running;
mod settle;
mod signals;
mod wait;
mod whose;

pub use self::exec::command_line;

use casemate_cast_format::{Code, Event, Header, Micros, SessionFacts, own};
use casemate_terminal::{Backlog, Piece, Scanner, Screen, Signal, Vt100Screen};

use self::keys::Keys;
use self::piped::Without;
use self::running::Running;
use self::signals::Marks;
use self::wait::Waiting;
use crate::context::Contexts;
use crate::event::{CommandEvent, Kind};
use crate::prompt::Prompts;
use crate::region;

/// Lines that are kept of those that scroll off: as many as the longest line that is being edited may have.
const SCROLLBACK: usize = 500;

/// Lines that are kept above the screen of long output: what is read of the output before a prompt may have scrolled
/// off.
const LINES_ABOVE: usize = 8;

/// Derives command events from a recording.
pub struct CommandLog<S: Screen = Vt100Screen> {
    scanner: Option<Scanner>,
    screen: S,
    backlog: Backlog,
    session: Session,
    contexts: Contexts,
    prompts: Prompts,
    keys: Keys,
    marks: Marks,
    running: Running,
    phase: Phase,
    without: Without,
    /// Time of the last event.
    now: Micros,
    /// Output came since the screen was last looked at.
    dirty: bool,
    /// What was printed since then, while something waits.
    batch: Batch,
    /// The line editor of a shell or a program has the terminal: bracketed paste is on.
    editor: Option<Editor>,
    /// The foreground process, where the recorder noted it.
    foreground: Option<casemate_cast_format::ProcessFacts>,
    /// Working directory of the shell, where something told.
    cwd: Option<String>,
    /// What the recorder started puts out is not in the recording.
    output_elsewhere: bool,
    /// Something waited at least once.
    waited: bool,
    /// A line without text was committed to a shell.
    blank: Option<settle::Blank>,
    /// The line that was committed last, until it is sure that it was.
    left: Option<Box<Waiting>>,
    /// The editor gives the cursor keys back when a line is accepted.
    keypad_returns: bool,
    /// The last line was committed in the moment it came: it was pasted.
    unrested: bool,
    /// The last line was given to an editor; what was made of it is what runs.
    edited: bool,
    /// The row that output begins in since the last line was committed.
    output_from: u64,
    /// When output last came.
    printed: Micros,
    /// The last bytes of the output, as many as an editor ends a line with.
    tail: [u8; LINE_END.len()],
}

/// What readline ends a line with before it gives the terminal back, and that.
const LINE_END: [u8; 9] = *b"\n\x1b[?2004l";

/// Whose session it is.
#[derive(Debug, Default)]
struct Session {
    id: Option<String>,
    user: Option<String>,
    start: Option<u64>,
    /// The account that the session began with, by number and by the name that the header gives it.
    account: Option<(u32, String)>,
    target_user: Option<String>,
    /// Which file of a rotated recording.
    part: u32,
    nonce: Option<String>,
}

enum Phase {
    Output,
    Waiting(Box<Waiting>),
}

/// A line editor at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Editor {
    /// Where the cursor was when it began.
    begun: region::Place,
    /// It has printed something.
    used: bool,
    /// It draws as prompt_toolkit does, which REPLs are made with.
    toolkit: bool,
}

/// What was printed between two rests.
#[derive(Debug, Default)]
struct Batch {
    /// Beginning of it, with its sequences; bounded.
    bytes: Vec<u8>,
    /// Where the cursor was before.
    from: region::Place,
}

/// While something runs, output that stops for less than this has not rested: nothing is decided sooner.
const SHORTEST_REST: u64 = 5_000;

/// What was committed with the last event of all, and printed nothing for so long, was committed: a list of completions
/// would be there, and the prompt behind it.
const SURE_REST: u64 = 400_000;

/// More of a batch is not kept; redrawn prompts are shorter.
const LONGEST_BATCH: usize = 8 << 10;

impl CommandLog<Vt100Screen> {
    /// A log of the recording that begins with this header.
    pub fn new(header: &Header) -> Self {
        let (cols, rows) = header.size.cells();
        Self::on(Vt100Screen::new(cols, rows, SCROLLBACK).for_term(header.terminal()), header)
    }
}

impl<S: Screen> CommandLog<S> {
    /// A log that reads the lines from that screen.
    pub fn on(screen: S, header: &Header) -> Self {
        let facts = header.facts();
        let session = Session {
            start: facts.as_ref().map(|facts| facts.start_us).or_else(|| {
                header.timestamp.and_then(|seconds| u64::try_from(seconds).ok()?.checked_mul(1_000_000))
            }),
            ..Session::default()
        };
        let mut log = Self {
            scanner: Some(Scanner::new()),
            screen,
            backlog: Backlog::new(LINES_ABOVE),
            session,
            contexts: Contexts::new(None, None),
            prompts: Prompts::default(),
            keys: Keys::default(),
            marks: Marks::default(),
            running: Running::default(),
            phase: Phase::Output,
            without: Without::default(),
            now: Micros(0),
            dirty: false,
            batch: Batch::default(),
            editor: None,
            foreground: None,
            cwd: None,
            output_elsewhere: false,
            waited: false,
            blank: None,
            left: None,
            keypad_returns: false,
            unrested: false,
            edited: false,
            output_from: 0,
            printed: Micros(0),
            tail: [0; LINE_END.len()],
        };
        match facts {
            Some(facts) => log.begin_session(&facts),
            // Others name the session less completely, in the same place.
            None => log.begin_partial(header),
        }
        log
    }

    /// Gives records of commands that have begun, too, while a session is running.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.running.live = true;
        self
    }

    /// Emulates all output, however long, to compare.
    #[cfg(test)]
    pub(crate) fn thorough(mut self) -> Self {
        self.backlog.be_thorough();
        self
    }

    /// Takes the next event of the recording.
    pub fn handle(&mut self, event: &Event<'_>) {
        if event.time > self.now {
            self.rest(event.time, event.code == Code::Input);
            self.now = event.time;
        }
        if self.handle_without_terminal(event) {
            return;
        }
        match &event.code {
            Code::Output => self.output(event.data.decode().as_bytes()),
            Code::Input => {
                let editor = self.editor.is_some();
                self.keys.input(self.now, event.data.decode().as_bytes(), editor);
            }
            Code::Resize => {
                if let Some(size) = event.size() {
                    self.backlog.flush(&mut self.screen);
                    let (cols, rows) = size.cells();
                    self.screen.resize(cols, rows);
                    self.dirty = true;
                }
            }
            Code::Exit => {
                self.exec_ends_on_terminal(event.data.decode().trim().parse().ok());
                self.end_session();
            }
            Code::Marker => {}
            Code::Other(code) => match &**code {
                own::HIDDEN => self.keys.hidden = true,
                own::PROCESS => self.process(&event.data.decode()),
                own::SESSION => {
                    if let Ok(facts) = serde_json::from_str::<SessionFacts>(&event.data.decode()) {
                        self.end_session();
                        self.begin_session(&facts);
                    }
                }
                _ => {}
            },
        }
    }

    /// Says that nothing came until `now`: what rests so long may be decided.
    pub fn advance(&mut self, now: Micros) {
        if now > self.now {
            self.look(now, false);
            if !matches!(self.phase, Phase::Output) {
                self.rested();
            }
            if now.0.saturating_sub(self.now.0) >= SURE_REST {
                self.running.rest(now);
            }
        }
    }

    /// Takes as little memory as there is need for until something comes: for whoever has many sessions that wait. It
    /// changes nothing.
    pub fn pause(&mut self) {
        self.backlog.rest();
        self.screen.rest();
    }

    /// Ends the recording: what runs has no end.
    pub fn finish(&mut self) {
        self.rest(Micros(u64::MAX), false);
        self.end_session();
    }

    /// The next command event, in the order of the lines.
    pub fn next_event(&mut self) -> Option<CommandEvent> {
        self.running.next_event()
    }

    fn begin_session(&mut self, facts: &SessionFacts) {
        self.session = Session {
            id: Some(facts.session.clone()),
            user: Some(facts.user.clone()),
            // Times of events count from the start of the file, whose header came first.
            start: self.session.start,
            part: facts.part,
            account: None,
            target_user: Some(facts.target_user.clone()),
            nonce: facts.extra.get("marks_nonce").and_then(|nonce| nonce.as_str()).map(str::to_owned),
        };
        self.contexts = Contexts::new(Some(facts.target.clone()), Some(facts.target_user.clone()));
        self.foreground = None;
        self.without = Without::default();
    }

    fn begin_partial(&mut self, header: &Header) {
        let facts = header.extra.get(casemate_cast_format::header::FACTS_KEY);
        let fact = |key: &str| Some(facts?.get(key)?.as_str()?.to_owned());
        self.session.id = fact("session");
        self.session.user = fact("user");
        self.contexts = Contexts::new(fact("target"), fact("target_user"));
    }

    fn end_session(&mut self) {
        self.commit_line_left_at_the_end();
        if let Phase::Waiting(waiting) = std::mem::replace(&mut self.phase, Phase::Output) {
            self.note_what_was_no_list(&waiting, "");
        }
        self.running.end_all();
        self.editor = None;
    }

    /// Nothing was printed until then, but there something comes; `typing` where it is a key.
    fn rest(&mut self, until: Micros, typing: bool) {
        if self.look(until, typing) {
            self.rested();
        }
    }

    /// Nothing more is to be decided about what was printed.
    fn rested(&mut self) {
        self.dirty = false;
        self.batch.bytes.clear();
        self.batch.from = region::cursor(&self.screen);
    }

    /// Nothing was printed until then: decides what can be decided. Returns whether that was anything to look at.
    fn look(&mut self, until: Micros, typing: bool) -> bool {
        if self.without.has_no_terminal() {
            self.running.rest(until);
            return false;
        }
        let gap = until.0.saturating_sub(self.printed.0);
        if matches!(self.phase, Phase::Output) && gap < SHORTEST_REST && !typing && self.marks.input.is_none()
        {
            return false;
        }
        self.backlog.flush(&mut self.screen);
        match &self.phase {
            Phase::Output => {
                self.look_for_prompt(gap, typing);
                if let Phase::Waiting(waiting) = &self.phase
                    && waiting.kind == Kind::Shell
                    && waiting.typed.is_empty()
                {
                    // Nothing was typed ahead: what was typed before went to something else.
                    self.keys.forget();
                }
            }
            Phase::Waiting(_) => self.look_at_line(),
        }
        self.running.rest(self.now);
        true
    }

    fn output(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.dirty = true;
        self.printed = self.now;
        let Some(mut scanner) = self.scanner.take() else { return };
        scanner.scan(bytes, &mut |piece| match piece {
            Piece::Bytes(bytes) => self.print(bytes),
            Piece::Signal(signal) => self.signal(signal),
        });
        self.scanner = Some(scanner);
    }

    fn print(&mut self, bytes: &[u8]) {
        let end = self.running.at + bytes.len() as u64;
        self.print_until(bytes, end);
        self.running.at = end;
    }

    /// Prints what ends there in the stream of what was put out.
    fn print_until(&mut self, bytes: &[u8], end: u64) {
        if let Some(editor) = &mut self.editor {
            editor.used = true;
            editor.toolkit = editor.toolkit || draws_as_toolkit(&self.tail, bytes);
        }
        let kept = bytes.len().min(self.tail.len());
        self.tail.rotate_left(kept);
        let from = self.tail.len() - kept;
        self.tail[from..].copy_from_slice(&bytes[bytes.len() - kept..]);
        if matches!(self.phase, Phase::Output) {
            self.running.printed(bytes);
            self.flow(bytes);
            return;
        }
        let room = LONGEST_BATCH - self.batch.bytes.len();
        self.batch.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let mut rest = bytes;
        // Each line feed may end the line that is being edited.
        while let Some(at) = line_end(rest)
            && matches!(self.phase, Phase::Waiting(_))
        {
            let (line, behind) = rest.split_at(at + 1);
            self.screen.feed(&line[..at]);
            self.running.at = end - behind.len() as u64;
            self.line_feed();
            self.screen.feed(b"\n");
            rest = behind;
        }
        if matches!(self.phase, Phase::Output) {
            self.running.printed(rest);
            self.flow(rest);
        } else {
            self.screen.feed(rest);
        }
    }

    /// Shows output, of which nothing has to be looked at before it rests; but where a line editor has the terminal, its
    /// line may begin anywhere above.
    fn flow(&mut self, bytes: &[u8]) {
        if self.editor.is_some() {
            self.backlog.flush(&mut self.screen);
            self.screen.feed(bytes);
        } else {
            self.backlog.push(bytes, &mut self.screen);
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.backlog.flush(&mut self.screen);
        match signal {
            Signal::BracketedPaste(on) => {
                if on {
                    self.editor_begins();
                } else {
                    self.editor_ends();
                }
            }
            Signal::Mark(mark) => self.mark(mark),
            Signal::Title(title) => self.contexts.title(&title),
            Signal::Cwd { host, path } => {
                self.contexts.cwd(&host, &path);
                self.cwd = Some(path);
            }
            Signal::RemoteHost { user, host } => self.contexts.remote_host(&user, &host),
            Signal::Context(mark) => self.context_mark(mark),
            Signal::UserVar { .. } | Signal::Alternate(_) | Signal::EraseDisplay(_) | Signal::Reset | _ => {}
        }
    }
}

/// prompt_toolkit switches wrapping off while it draws. The sequence may have begun in what came `before`.
fn draws_as_toolkit(before: &[u8], bytes: &[u8]) -> bool {
    const WRAP_OFF: &[u8] = b"\x1b[?7l";
    const ACROSS: usize = WRAP_OFF.len() - 1;
    let seam = [&before[before.len().saturating_sub(ACROSS)..], &bytes[..bytes.len().min(ACROSS)]].concat();
    [&seam, bytes].into_iter().any(|bytes| memchr::memmem::find(bytes, WRAP_OFF).is_some())
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}
