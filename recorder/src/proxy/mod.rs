//! The proxy: one loop over raw descriptors between the person's terminal and the session.
//!
//! Between a key and its echo stand one `poll`, one `read` and one `write` each way; what passed is
//! handed to the journal after it was passed on. Nothing is read that cannot be passed on, so a
//! terminal that stops reading, or a disk that is slow, slows the session down instead of filling
//! memory. While nothing happens nothing wakes.

mod ending;
mod jobs;
mod keyboard;
mod leave;

use std::io;
use std::time::{Duration, Instant};

use casemate_cast_format::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use self::leave::{Left, behind_expected};
use crate::control::Control;
use crate::ending::Ending;
use crate::given_back::give_back;
use crate::journal::{Journal, Kind, micros};
use crate::keys::Keys;
use crate::nonblocking::{Outbox, Read, read_some};
use crate::notice::{LabelPrompt, Notice};
use crate::observer::Observer;
use crate::pty::{Pty, window};
use crate::session::{Role, Unrecorded};
use crate::signals::Signals;
use crate::terminal::{Kept, Terminal};

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
    /// What the program is to its terminal.
    pub(crate) control: Control,
    /// The terminal is left to others until somebody wants its keys.
    pub(crate) leaves_terminal: bool,
    /// Others show something beside us.
    pub(crate) shares_output: bool,
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
    /// The terminal is left to others.
    left: Option<Left>,
    /// What was shown already when it was typed.
    expected_echo: Vec<u8>,
    /// When to look whether the terminal is ours.
    take_at: Option<Instant>,
    /// What the person's terminal goes on doing.
    kept: Kept,
    /// We have stopped our own group, and hear of it.
    stops_group: bool,
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
            left: self.leaves_terminal.then(|| self.leave()),
            expected_echo: Vec::new(),
            take_at: None,
            kept: self.kept(),
            stops_group: false,
            end_of_input: None,
        };
        if state.left.is_none() && self.terminal.as_ref().is_some_and(|terminal| !terminal.is_taken()) {
            self.wait_for_terminal(&mut state);
        }
        let mut buffer = vec![0; CHUNK];
        let mut session_open = true;
        if std::env::var_os("KEEP").is_none() {
            give_back();
        }
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
            let looks = state.left.as_ref().is_none_or(Left::looks_at_lines);
            let keyboard = interest(reads_keys && looks, PollFlags::IN);
            let wanted = Happened {
                session: interest(session_open && !blocked, PollFlags::IN)
                    | interest(session_open && !state.to_session.is_empty(), PollFlags::OUT),
                terminal: interest(self.keyboard == Keyboard::Terminal && state.take_at.is_none(), keyboard)
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
            if terminal.contains(PollFlags::IN) && state.left.is_some() {
                self.line_waits(&mut state);
            } else if !stdin.is_empty() || terminal.contains(PollFlags::IN) && self.is_our_turn(&mut state) {
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
            let shown = behind_expected(&mut state.expected_echo, bytes);
            match self.without_returns(shown) {
                Some(shown) => self.show(state, &shown),
                None => self.show(state, shown),
            }
            state.left.iter_mut().for_each(Left::saw_output);
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
        self.hang_up(state);
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
        self.follow_terminal(state);
        self.follow_modes(state, now);
        if state.take_at.is_some_and(|at| at <= now) {
            self.take_terminal(state);
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
        let take = state.take_at.filter(|_| state.exited.is_none());
        let left = state.left.as_ref().filter(|_| state.exited.is_none()).and_then(Left::deadline);
        [ending, drain, end_of_input, reopen, look, take, left, state.regrow_at].into_iter().flatten().min()
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
