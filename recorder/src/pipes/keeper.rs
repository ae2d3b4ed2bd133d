//! The keeper: carries the streams and keeps the recording, from before the program begins until all that it left behind
//! has ended as well.
//!
//! It belongs to the same process group as the program, with all signals blocked: so it can tell what was sent to all, and
//! ends only when there is nothing more to be carried.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use casemate_cast_format::Traffic;
use nix::libc;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::descriptors;
use super::flow::Flow;
use super::link::{Link, Message};
use super::log::Log;
use super::plumbing::{Counter, Stream};
use super::shared::Shared;
use super::signals;
use crate::ending::Ending;
use crate::journal::{Journal, Kind};
use crate::session::Unrecorded;

/// Whoever reads standard error gets so much time to take a message.
const PATIENCE: Duration = Duration::from_secs(1);

/// Threads that only carry need little.
const STACK: usize = 128 << 10;

/// Who keeps.
pub(super) struct Keeper<'a> {
    pub(super) link: Link,
    pub(super) journal: &'a Journal,
    pub(super) log: Log,
    /// How much is recorded of each stream that is carried.
    pub(super) content: Option<u64>,
    pub(super) unrecorded: Unrecorded,
    pub(super) counters: [Counter; 3],
    pub(super) message: Weak<OwnedFd>,
}

/// Whether the program began.
#[derive(Debug)]
pub(super) enum Beginning {
    /// As this process.
    Begun(i32),
    NotStarted(io::Error),
    /// The stand-in was killed: it may have started it, and nobody says so any more.
    Unknown,
}

/// How the program ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) status: i32,
    pub(super) signal: Option<i32>,
    pub(super) ending: Ending,
}

/// What is known of the session.
struct State {
    /// A hold on the program.
    program: Option<OwnedFd>,
    outcome: Option<Outcome>,
    traffic: Option<Traffic>,
    /// The stand-in is there.
    stood_in: bool,
    /// It may end once everything is written.
    waits_for_writing: bool,
    ending: Ending,
}

impl Keeper<'_> {
    /// Lets the program begin.
    pub(super) fn begin(&self) -> Beginning {
        self.link.say(Message::Ready);
        match self.link.hear() {
            Some(Message::Started(process)) => Beginning::Begun(process),
            Some(Message::NotStarted(error)) => Beginning::NotStarted(io::Error::from_raw_os_error(error)),
            _ => Beginning::Unknown,
        }
    }

    /// Writes down that nobody knows whether the program began.
    pub(super) fn give_up(self) -> Outcome {
        let ending = Ending::Signal(libc::SIGKILL);
        self.log.push(Kind::End, ending.to_string().as_bytes());
        Outcome { status: 128 + libc::SIGKILL, signal: Some(libc::SIGKILL), ending }
    }

    /// Carries and records to the end.
    pub(super) fn run(self, program: i32, flows: Vec<Flow>) -> io::Result<Outcome> {
        descriptors::leave_given();
        descriptors::leave_standard();
        let shared = Arc::new(Shared::new(flows.len())?);
        let threads: Vec<_> = flows.into_iter().filter_map(|flow| self.carry(flow, &shared)).collect();
        let mut state = State {
            program: Pid::from_raw(program).and_then(|process| pidfd_open(process, PidfdFlags::empty()).ok()),
            outcome: None,
            traffic: None,
            stood_in: true,
            waits_for_writing: false,
            ending: Ending::Exit,
        };
        while !(state.traffic.is_some() && shared.is_over()) {
            self.wait(&state, shared.news())?.iter().for_each(|heard| match heard {
                Heard::Link => self.hear(&mut state, &shared),
                Heard::News => shared.heard(),
                Heard::Bell => self.hear_bell(&mut state, &shared),
            });
            if state.outcome.is_some() && state.traffic.is_none() && shared.is_drained() {
                self.conclude(&mut state, &shared);
            }
        }
        threads.into_iter().for_each(|thread| {
            // It runs nothing that panics; where it did, the stream has ended.
            thread.join().ok();
        });
        let outcome = state.outcome.unwrap_or(Outcome { status: 1, signal: None, ending: state.ending });
        let ending = if state.ending == Ending::Unrecorded { state.ending } else { outcome.ending };
        let outcome = Outcome { ending, ..outcome };
        let traffic = self.traffic(&shared);
        if state.traffic != Some(traffic) {
            self.note_beyond(&shared);
            self.log.push(Kind::Traffic, traffic.to_string().as_bytes());
        }
        self.log.push(Kind::End, outcome.ending.to_string().as_bytes());
        self.journal.close();
        while state.waits_for_writing && !self.journal.queue().is_written() {
            for heard in self.wait(&state, shared.news())? {
                match heard {
                    Heard::Link => self.hear(&mut state, &shared),
                    Heard::News => shared.heard(),
                    Heard::Bell => self.hear_bell(&mut state, &shared),
                }
            }
        }
        self.link.say(Message::Done);
        Ok(outcome)
    }

    fn carry(&self, flow: Flow, shared: &Arc<Shared>) -> Option<JoinHandle<()>> {
        let theirs = Arc::clone(shared);
        let content = self.content.map(|limit| self.log.of(flow.stream, limit));
        let thread = std::thread::Builder::new().name("carry".into()).stack_size(STACK);
        let spawned = thread.spawn(move || flow.run(&theirs, content));
        match spawned {
            Ok(thread) => Some(thread),
            Err(error) => {
                self.say(&format!("a stream cannot be carried: {error}"));
                self.link.say(Message::End);
                shared.ended(false);
                None
            }
        }
    }

    fn wait(&self, state: &State, news: std::os::fd::BorrowedFd<'_>) -> io::Result<Vec<Heard>> {
        let source = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [source(news), source(self.journal.queue().bell()), source(self.link.as_fd())];
        let watched = if state.stood_in { &mut fds[..] } else { &mut fds[..2] };
        match poll(watched, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let heard = [Heard::News, Heard::Bell, Heard::Link];
        Ok(fds.iter().zip(heard).filter(|(fd, _)| !fd.revents().is_empty()).map(|(_, heard)| heard).collect())
    }

    fn hear(&self, state: &mut State, shared: &Shared) {
        match self.link.hear() {
            Some(Message::HasCome(signal)) => {
                let answer = if signals::has_come(signal) { signal } else { -signal };
                self.link.say(Message::Answer(answer));
            }
            Some(Message::Ended(how)) => {
                let (status, signal) = if how < 0 { (128 - how, Some(-how)) } else { (how, None) };
                state.outcome = Some(Outcome { status, signal, ending: state.ending });
                shared.drain();
                shared.has_stopped();
            }
            Some(_) => {}
            None => {
                state.stood_in = false;
                state.waits_for_writing = false;
                shared.has_stopped();
                if state.outcome.is_none() {
                    // It was killed in the program's place.
                    if let Some(program) = &state.program {
                        pidfd_send_signal(program, Signal::KILL).ok();
                    }
                    let ending = Ending::Signal(libc::SIGKILL);
                    let signal = Some(libc::SIGKILL);
                    state.outcome = Some(Outcome { status: 128 + libc::SIGKILL, signal, ending });
                    shared.drain();
                }
            }
        }
    }

    fn hear_bell(&self, state: &mut State, shared: &Shared) {
        let Some(failure) = self.journal.queue().answer_bell() else { return };
        let then = self.unrecorded.told();
        self.say(&format!("the recording cannot be written: {failure}\n{then}"));
        if self.unrecorded == Unrecorded::Ends {
            state.ending = Ending::Unrecorded;
            self.link.say(Message::End);
            // Nor for what it started, or left behind.
            shared.cut();
        }
    }

    /// The program has ended, and what it wrote is passed on.
    fn conclude(&self, state: &mut State, shared: &Shared) {
        let Some(outcome) = state.outcome else { return };
        let traffic = self.traffic(shared);
        self.note_beyond(shared);
        self.log.push(Kind::Traffic, traffic.to_string().as_bytes());
        self.log.push(Kind::Exit(outcome.status), b"");
        state.traffic = Some(traffic);
        // Who left nothing behind is waited for until it is written, which is soon.
        state.waits_for_writing = shared.is_over() && state.stood_in;
        if !state.waits_for_writing {
            self.link.say(Message::Done);
        }
    }

    /// Says how much was not recorded, where it was more than is wanted.
    fn note_beyond(&self, shared: &Shared) {
        let Some(limit) = self.content else { return };
        for stream in [Stream::In, Stream::Out, Stream::Err] {
            match shared.carried(stream as usize).saturating_sub(limit) {
                0 => {}
                beyond => self.log.beyond(stream, beyond),
            }
        }
    }

    fn traffic(&self, shared: &Shared) -> Traffic {
        let [input, output, error] = [0, 1, 2].map(|at| self.counters[at].count(shared.carried(at)));
        Traffic { input, output, error }
    }

    /// Says something where errors are read, if somebody takes it.
    fn say(&self, text: &str) {
        let Some(to) = self.message.upgrade() else { return };
        let lines: String = text.lines().map(|line| format!("casemate: {line}\n")).collect();
        let timeout = Timespec::try_from(PATIENCE).ok();
        let mut fds = [PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT)];
        if poll(&mut fds, timeout.as_ref()).is_ok_and(|ready| ready > 0) {
            // There is nobody else to tell.
            rustix::io::write(&*to, lines.as_bytes()).ok();
        }
    }
}

/// Who has something to say.
#[derive(Clone, Copy, Debug)]
enum Heard {
    News,
    Bell,
    Link,
}
