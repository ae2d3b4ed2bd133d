//! The proxy: one loop over raw descriptors between the person's terminal and the session.
//!
//! Between a key and its echo stand one `poll`, one `read` and one `write` each way; what passed is
//! handed to the journal after it was passed on. Nothing is read that cannot be passed on, so a
//! terminal that stops reading, or a disk that is slow, slows the session down instead of filling
//! memory. While nothing happens nothing wakes.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use casemate_cast_format::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::ending::{END, Ending, HANG_UP, STOP, Steps};
use crate::journal::{Journal, Kind, micros};
use crate::keys::{Command, Keys, Piece};
use crate::nonblocking::{Outbox, Read, read_some};
use crate::notice::{LabelPrompt, Notice, PromptStep};
use crate::observer::Observer;
use crate::pty::{Pty, window};
use crate::session::{Role, Unrecorded};
use crate::signals::Signals;
use crate::terminal::Terminal;

/// Reads are at most this long; a PTY gives no more than 4 KiB at a time anyway.
const CHUNK: usize = 64 << 10;

/// A read of at least this much is a burst's: there is more, and no need to ask first.
const FULL_READ: usize = 4000;

/// Times in a row that the session is read before everything else is looked at again.
const READS_IN_A_ROW: usize = 8;

/// Input beyond this waits in the person's terminal.
const INPUT_LIMIT: usize = 64 << 10;

/// What a background job still prints after the shell has ended is recorded for as long as it comes
/// without a pause,
const QUIET_AFTER_EXIT: Duration = Duration::from_millis(100);

/// and no longer than this.
const DRAIN_AFTER_EXIT: Duration = Duration::from_millis(800);

/// How often a terminal that nobody holds is looked at, while its program lives.
const REOPEN: Duration = Duration::from_millis(50);

/// How long a program has to notice that its terminal became smaller.
const SHRUNK: Duration = Duration::from_millis(60);

/// End of input is said again to a session that was not listening: after this long, then twice that.
const REPEAT_END_OF_INPUT: Duration = Duration::from_millis(500);

/// What came of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    /// The signal that ended the program.
    pub(crate) signal: Option<i32>,
    pub(crate) ending: Ending,
}

/// Where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyboard {
    /// The terminal that shows the session.
    Terminal,
    /// Standard input, which is no terminal.
    Stdin,
    /// Nowhere.
    None,
}

pub(crate) struct Proxy<'a> {
    pub(crate) pty: Pty,
    pub(crate) terminal: Option<&'a mut Terminal>,
    pub(crate) keyboard: Keyboard,
    pub(crate) journal: &'a Journal,
    pub(crate) signals: Signals,
    pub(crate) keys: Keys,
    pub(crate) capture_input: bool,
    /// Notes who is in the foreground.
    pub(crate) observer: Option<Observer>,
    /// A size that does not follow the terminal's.
    pub(crate) window: WindowSize,
    pub(crate) size: Size,
    pub(crate) start: Instant,
    pub(crate) role: Role,
    pub(crate) unrecorded: Unrecorded,
}

/// Fixed columns or rows; the rest follows the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowSize {
    /// Fixed columns.
    pub cols: Option<u32>,
    /// Fixed rows.
    pub rows: Option<u32>,
}

impl WindowSize {
    /// The session's size on a terminal of this size.
    pub(crate) fn on(self, terminal: Size) -> Size {
        Size { cols: self.cols.unwrap_or(terminal.cols), rows: self.rows.unwrap_or(terminal.rows) }
    }
}

/// What the loop is up to.
struct State {
    to_terminal: Outbox,
    to_session: Outbox,
    paused: bool,
    prompt: Option<LabelPrompt>,
    notice: Notice,
    /// The program's end, and how far what it left behind is read.
    exited: Option<Exited>,
    ending: Option<(Ending, Instant, usize)>,
    /// When the session's terminal gets its row back.
    regrow_at: Option<Instant>,
    /// Nobody holds the session's terminal; when to look again.
    reopen_at: Option<Instant>,
    /// When end of input is said again, and after how long the next time.
    end_of_input: Option<(Instant, Duration)>,
}

/// What is wanted of each descriptor, or was found there.
struct Happened {
    session: PollFlags,
    terminal: PollFlags,
    stdin: PollFlags,
    bell: PollFlags,
    signal: PollFlags,
}

struct Exited {
    status: i32,
    signal: Option<i32>,
    at: Instant,
    last_output: Instant,
}

impl Proxy<'_> {
    /// Runs the session to its end. Afterwards the program is gone, or left behind as unkillable.
    pub(crate) fn run(mut self) -> io::Result<Outcome> {
        let mut state = State {
            to_terminal: Outbox::default(),
            to_session: Outbox::default(),
            paused: false,
            prompt: None,
            notice: Notice::default(),
            exited: None,
            ending: None,
            regrow_at: None,
            reopen_at: None,
            end_of_input: None,
        };
        let mut buffer = vec![0; CHUNK];
        let mut session_open = true;
        loop {
            let now = Instant::now();
            self.keep_time(&mut state, now);
            session_open |= state.exited.is_none() && state.reopen_at.take_if(|at| *at <= now).is_some();
            if let Some(outcome) = self.outcome(&state, session_open, now) {
                return Ok(self.end(&state, outcome));
            }

            let full = self.journal.queue().is_full();
            let blocked = full || !state.to_terminal.is_empty() || state.prompt.is_some();
            if let Some(exited) = state.exited.as_mut().filter(|_| blocked) {
                // What is left is read later: until then its time does not run.
                (exited.at, exited.last_output) = (now, now);
            }
            let interest = |wanted: bool, flag: PollFlags| if wanted { flag } else { PollFlags::empty() };
            let reads_keys = state.to_session.len() < INPUT_LIMIT && state.exited.is_none() && !full;
            let keyboard = interest(reads_keys, PollFlags::IN);
            let wanted = Happened {
                session: interest(session_open && !blocked, PollFlags::IN)
                    | interest(session_open && !state.to_session.is_empty(), PollFlags::OUT),
                terminal: interest(self.keyboard == Keyboard::Terminal, keyboard)
                    | interest(!state.to_terminal.is_empty(), PollFlags::OUT),
                stdin: interest(self.keyboard == Keyboard::Stdin, keyboard),
                bell: PollFlags::IN,
                signal: PollFlags::IN,
            };
            let deadline = self.deadline(&state, blocked);
            let Happened { session, terminal, stdin, bell, signal } =
                self.wait(wanted, deadline.map(|at| at.saturating_duration_since(now)))?;

            if session.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                if blocked {
                    state.to_session = Outbox::default();
                } else {
                    session_open = self.read_burst(&mut state, &mut buffer);
                }
            }
            if terminal.contains(PollFlags::OUT) {
                self.show(&mut state, &[]);
            }
            if terminal.contains(PollFlags::IN) || !stdin.is_empty() {
                self.read_keyboard(&mut state, &mut buffer);
            } else if terminal.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                self.terminal_gone(&mut state);
            }
            if session.contains(PollFlags::OUT) {
                self.send(&mut state, &[]);
            }
            if !bell.is_empty()
                && let Some(failure) = self.journal.queue().answer_bell()
            {
                self.announce_failure(&mut state, &failure);
            }
            if !signal.is_empty() {
                self.handle_signals(&mut state);
            }
        }
    }

    /// Sleeps until something that is wanted happens, or for as long as that.
    fn wait(&self, wanted: Happened, timeout: Option<Duration>) -> io::Result<Happened> {
        let queue = self.journal.queue();
        // A descriptor that is asked for nothing still reports that it was hung up, again and again:
        // the session and standard input are left out then, the terminal is not.
        let sources = [
            Some((self.signals.fd(), wanted.signal)),
            Some((queue.bell(), wanted.bell)),
            Some((self.pty.fd(), wanted.session)).filter(|_| !wanted.session.is_empty()),
            self.terminal.as_ref().map(|terminal| (terminal.fd(), wanted.terminal)),
            Some((rustix::stdio::stdin(), wanted.stdin)).filter(|_| !wanted.stdin.is_empty()),
        ];
        let source = |(fd, flags)| PollFd::from_borrowed_fd(fd, flags);
        let mut fds: Vec<PollFd<'_>> = sources.iter().flatten().copied().map(source).collect();
        match poll(&mut fds, timeout.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut polled = fds.iter().map(PollFd::revents);
        let [signal, bell, session, terminal, stdin] = sources.map(|source| match source {
            Some(_) => polled.next().unwrap_or(PollFlags::empty()),
            None => PollFlags::empty(),
        });
        Ok(Happened { session, terminal, stdin, bell, signal })
    }

    fn now(&self) -> casemate_cast_format::Micros {
        micros(self.start.elapsed())
    }

    /// Reads what is there; gives whether more can come.
    fn read_burst(&mut self, state: &mut State, buffer: &mut [u8]) -> bool {
        for _ in 0..READS_IN_A_ROW {
            match self.read_session(state, buffer) {
                Read::Bytes(FULL_READ..) if state.to_terminal.is_empty() => {}
                Read::Bytes(_) | Read::Nothing => break,
                Read::End => {
                    // A program may close its terminal and open it again.
                    state.reopen_at = Some(Instant::now() + REOPEN);
                    return false;
                }
            }
        }
        true
    }

    fn read_session(&mut self, state: &mut State, buffer: &mut [u8]) -> Read {
        let mut read = read_some(self.pty.fd(), buffer);
        if let Read::Bytes(mut length) = read {
            let now = self.now();
            if length >= FULL_READ {
                // Behind a full read there is more. A terminal takes both at once, for half the
                // wake-ups on its side; it would not take a third.
                read = read_some(self.pty.fd(), &mut buffer[length..]);
                if let Read::Bytes(more) = read {
                    length += more;
                }
            }
            let bytes = &buffer[..length];
            self.show(state, bytes);
            if !state.paused {
                self.journal.queue().push(now, Kind::Output, bytes);
                // Looked at when it is due, behind what was read.
                self.observer.iter_mut().for_each(Observer::output);
            }
            state.notice.saw(bytes);
            if let Some(exited) = &mut state.exited {
                exited.last_output = Instant::now();
            }
        }
        read
    }

    fn show(&mut self, state: &mut State, bytes: &[u8]) {
        if let Some(terminal) = &self.terminal
            && state.to_terminal.send(terminal.fd(), bytes).is_err()
        {
            self.terminal_gone(state);
        }
    }

    fn send(&self, state: &mut State, bytes: &[u8]) {
        // A session that takes no more input is about to end, which is noticed elsewhere.
        if state.to_session.send(self.pty.fd(), bytes).is_err() {
            state.to_session = Outbox::default();
        }
    }

    fn terminal_gone(&mut self, state: &mut State) {
        self.terminal = None;
        state.to_terminal = Outbox::default();
        state.prompt = None;
        if self.keyboard == Keyboard::Terminal {
            self.keyboard = Keyboard::None;
        }
        if self.signals.hears_hangup() {
            self.begin_ending(state, Ending::Hangup);
        }
    }

    fn read_keyboard(&mut self, state: &mut State, buffer: &mut [u8]) {
        let fd = match (self.keyboard, &self.terminal) {
            (Keyboard::Terminal, Some(terminal)) => terminal.fd(),
            (Keyboard::Stdin, _) => rustix::stdio::stdin(),
            (Keyboard::Terminal | Keyboard::None, _) => return,
        };
        match read_some(fd.as_fd(), buffer) {
            Read::Bytes(length) => self.handle_input(state, &buffer[..length]),
            Read::Nothing => {}
            Read::End if self.keyboard == Keyboard::Stdin => {
                self.keyboard = Keyboard::None;
                state.end_of_input = Some((Instant::now(), REPEAT_END_OF_INPUT));
            }
            Read::End => self.terminal_gone(state),
        }
    }

    fn handle_input(&mut self, state: &mut State, bytes: &[u8]) {
        if self.keyboard == Keyboard::Stdin {
            return self.forward(state, bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            if state.prompt.is_some() {
                rest = self.prompt_input(state, rest);
                continue;
            }
            let mut keys = std::mem::replace(&mut self.keys, Keys::new(None));
            let sorted = keys.feed(rest, |piece| match piece {
                Piece::Forward(bytes) => self.forward(state, bytes),
                Piece::Command(Command::Pause) => self.toggle_pause(state),
                Piece::Command(Command::Stop) => self.begin_ending(state, Ending::Stopped),
                Piece::Command(Command::Marker) => self.ask_label(state),
            });
            self.keys = keys;
            rest = &rest[sorted..];
        }
    }

    fn ask_label(&mut self, state: &mut State) {
        let prompt = LabelPrompt::new(self.size, state.notice.alternate_screen(), self.now());
        let opening = prompt.opening();
        state.prompt = Some(prompt);
        self.show(state, &opening);
    }

    /// Takes the prompt away: the session ends, and what it still prints is to be seen and recorded.
    fn call_off_prompt(&mut self, state: &mut State) {
        if let Some(prompt) = state.prompt.take() {
            let closing = prompt.closing();
            self.show(state, &closing);
        }
    }

    /// Gives the prompt its keys; what follows the one that ends it is not its.
    fn prompt_input<'b>(&mut self, state: &mut State, bytes: &'b [u8]) -> &'b [u8] {
        let Some(mut prompt) = state.prompt.take() else { return bytes };
        let (step, used) = prompt.feed(bytes);
        match step {
            PromptStep::Open => {
                let drawn = prompt.draw();
                state.prompt = Some(prompt);
                self.show(state, &drawn);
            }
            PromptStep::Done(label) => {
                if let Some(label) = label {
                    self.journal.queue().push(prompt.asked_at(), Kind::Marker, label.as_bytes());
                }
                let closing = prompt.closing();
                self.show(state, &closing);
                if prompt.leaves_a_trace() {
                    self.redraw(state);
                }
            }
        }
        &bytes[used..]
    }

    /// Makes a full-screen program draw itself anew: for a moment its terminal is a row smaller.
    fn redraw(&mut self, state: &mut State) {
        let smaller = Size { rows: self.size.rows.saturating_sub(1).max(1), ..self.size };
        self.resize(smaller);
        state.regrow_at = Some(Instant::now() + SHRUNK);
    }

    fn resize(&mut self, size: Size) {
        let shown = self.terminal.as_ref().and_then(|terminal| terminal.window());
        if size != self.size && self.pty.resize(window(size, shown)).is_ok() {
            self.size = size;
            self.journal.queue().push(self.now(), Kind::Resize(size), b"");
        }
    }

    fn forward(&mut self, state: &mut State, bytes: &[u8]) {
        let echo = (self.capture_input && !state.paused).then(|| self.pty.echo());
        let now = self.now();
        // Who gets a line is whoever is in the foreground before it is there. All of that is asked for
        // before, for the answer to a line may be another program in the same process.
        let facts = self.observer.as_mut().filter(|_| !state.paused).and_then(|observer| {
            let moment = Instant::now();
            let commits = Observer::is_commit(bytes);
            let facts = if commits { observer.commit(moment, self.pty.foreground()?) } else { None };
            observer.keys(moment, bytes);
            facts
        });
        self.send(state, bytes);
        if let Some(facts) = facts {
            self.journal.queue().push(now, Kind::Process(facts.uid), facts.to_string().as_bytes());
        }
        if let Some(echo) = echo {
            self.journal.queue().push(now, Kind::Input(echo), bytes);
        }
    }

    /// Notes who is in the foreground, if that is news.
    fn look(&mut self) {
        let Some(observer) = &mut self.observer else { return };
        let facts = observer.look(Instant::now(), self.pty.foreground());
        if let Some(facts) = facts {
            self.journal.queue().push(self.now(), Kind::Process(facts.uid), facts.to_string().as_bytes());
        }
    }

    /// When the foreground is to be looked at.
    fn look_at(&self, state: &State) -> Option<Instant> {
        let observer = self.observer.as_ref().filter(|_| !state.paused && state.exited.is_none());
        observer.and_then(Observer::due)
    }

    fn toggle_pause(&mut self, state: &mut State) {
        state.paused = !state.paused;
        let kind = if state.paused { Kind::PauseBegin } else { Kind::PauseEnd };
        self.journal.queue().push(self.now(), kind, b"");
        let shown = if state.paused { Notice::paused(self.size) } else { Notice::resumed(self.size) };
        self.show(state, &shown);
        if !state.paused && state.notice.alternate_screen() {
            self.redraw(state);
        }
        if !state.paused {
            self.look();
        }
    }

    fn announce_failure(&mut self, state: &mut State, failure: &str) {
        let then = self.unrecorded.told();
        let told = format!(
            "\r\n\x1b[1;31mcasemate: the recording cannot be written: {failure}\x1b[0m\r\n\
             \x1b[1;31mcasemate: {then}\x1b[0m\r\n"
        );
        self.show(state, told.as_bytes());
        if self.unrecorded == Unrecorded::Ends {
            self.begin_ending(state, Ending::Unrecorded);
        }
    }

    /// How a session is brought to its end.
    fn steps(&self, ending: Ending) -> Steps {
        match (self.role, ending) {
            (Role::Shell, Ending::Hangup) => HANG_UP,
            (_, Ending::Unrecorded) => STOP,
            _ => END,
        }
    }

    fn handle_signals(&mut self, state: &mut State) {
        for signal in self.signals.pending() {
            match signal {
                signal_hook::consts::SIGCHLD => self.reap(state),
                signal_hook::consts::SIGWINCH => self.follow_size(),
                signal_hook::consts::SIGTSTP => self.suspend(),
                signal_hook::consts::SIGCONT => self.resume(),
                signal_hook::consts::SIGHUP if self.role == Role::Shell => {
                    self.begin_ending(state, Ending::Hangup);
                }
                other if self.role == Role::Shell => self.pty.pass_on(other),
                other => self.begin_ending(state, Ending::Signal(other)),
            }
        }
    }

    fn reap(&mut self, state: &mut State) {
        if state.exited.is_none()
            && let Some(ended) = self.pty.try_wait()
        {
            let signal = ended.terminating_signal();
            let status = signal.map_or_else(|| ended.exit_status().unwrap_or(1), |signal| 128 + signal);
            self.call_off_prompt(state);
            let now = Instant::now();
            state.exited = Some(Exited { status, signal, at: now, last_output: now });
        }
    }

    fn follow_size(&mut self) {
        let Some(size) = self.terminal.as_ref().and_then(|terminal| terminal.size()) else { return };
        self.resize(self.window.on(size));
    }

    /// Stops as any program does, with the terminal as it was.
    fn suspend(&mut self) {
        let raw = self.terminal.as_ref().is_some_and(|terminal| terminal.is_raw());
        if let Some(terminal) = &mut self.terminal {
            terminal.restore();
        }
        _ = rustix::process::kill_process(rustix::process::getpid(), Signal::STOP);
        if raw {
            self.resume_raw();
        }
    }

    fn resume(&mut self) {
        if self.terminal.as_ref().is_some_and(|terminal| terminal.is_raw()) {
            self.resume_raw();
        }
        self.follow_size();
    }

    fn resume_raw(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.restore();
            terminal.make_raw().ok();
        }
    }

    fn begin_ending(&mut self, state: &mut State, ending: Ending) {
        self.call_off_prompt(state);
        if state.ending.is_none() {
            state.ending = Some((ending, Instant::now(), 0));
        }
    }

    /// Takes the steps that are due.
    fn keep_time(&mut self, state: &mut State, now: Instant) {
        if let Some((ending, since, step)) = &mut state.ending {
            let steps = self.steps(*ending);
            while let Some((after, signal)) = steps.get(*step)
                && now.saturating_duration_since(*since) >= *after
            {
                if let Some(signal) = signal
                    && state.exited.is_none()
                {
                    self.pty.signal(*signal);
                    // A stopped program hears nothing until it goes on.
                    self.pty.signal(Signal::CONT);
                }
                *step += 1;
            }
        }
        if state.regrow_at.take_if(|at| *at <= now).is_some() {
            self.follow_size();
        }
        if self.look_at(state).is_some_and(|at| at <= now) {
            self.look();
        }
        if let Some((at, delay)) = state.end_of_input
            && at <= now
            && state.to_session.is_empty()
        {
            state.end_of_input = Some((now + delay, delay * 2));
            let key = self.pty.end_of_input();
            self.forward(state, &[key]);
        }
    }

    fn deadline(&self, state: &State, blocked: bool) -> Option<Instant> {
        let step = |(ending, since, step): (_, Instant, usize)| Some(since + self.steps(ending).get(step)?.0);
        let ending = state.ending.and_then(step);
        let drain = state
            .exited
            .as_ref()
            .filter(|_| !blocked)
            .map(|exited| (exited.last_output + QUIET_AFTER_EXIT).min(exited.at + DRAIN_AFTER_EXIT));
        let end_of_input = state.end_of_input.filter(|_| state.exited.is_none()).map(|(at, _)| at);
        let reopen = state.reopen_at.filter(|_| state.exited.is_none());
        let look = self.look_at(state);
        [ending, drain, end_of_input, reopen, look, state.regrow_at].into_iter().flatten().min()
    }

    /// Whether the session is over: the program has ended and what it printed is read.
    fn outcome(&self, state: &State, session_open: bool, now: Instant) -> Option<Outcome> {
        let ending = state.ending.map_or(Ending::Exit, |(ending, ..)| ending);
        if let Some(exited) = &state.exited {
            let drained = !session_open
                || now >= exited.last_output + QUIET_AFTER_EXIT
                || now >= exited.at + DRAIN_AFTER_EXIT;
            let shown = state.to_terminal.is_empty() || state.ending.is_some();
            return (drained && shown && state.prompt.is_none()).then_some(Outcome {
                status: exited.status,
                signal: exited.signal,
                ending,
            });
        }
        let steps = self.steps(ending);
        let last = steps.iter().rev().find_map(|(_, signal)| *signal).map(Signal::as_raw);
        let given_up = state.ending.is_some_and(|(_, _, step)| step >= steps.len());
        given_up.then_some(Outcome { status: 128 + last.unwrap_or(0), signal: last, ending })
    }

    fn end(&self, state: &State, outcome: Outcome) -> Outcome {
        let now = self.now();
        if state.paused {
            self.journal.queue().push(now, Kind::PauseEnd, b"");
        }
        self.journal.queue().push(now, Kind::Exit(outcome.status), b"");
        self.journal.queue().push(now, Kind::End, outcome.ending.to_string().as_bytes());
        outcome
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
