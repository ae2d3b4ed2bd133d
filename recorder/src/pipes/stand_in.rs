//! The stand-in: the process that whoever started us knows, and takes for the program.
//!
//! It starts the program and waits for it; what is sent to it the program gets, and it ends as the program ends, by the
//! same signal if by one. It holds nothing open, carries nothing and keeps nothing.

use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit, waitpid,
};

use super::descriptors;
use super::inherited;
use super::link::{Link, Message};
use super::plumbing::End;
use super::{signals, stop};
use crate::ending::STOP;
use crate::program::{Program, pid};
use crate::session::Unrecorded;
use crate::signals::is_ignored;

/// The keeper answers at once; where it cannot, the signal is passed on.
const ANSWER: Duration = Duration::from_millis(200);

/// Who stands in.
pub(super) struct StandIn<'a> {
    pub(super) program: &'a Program,
    pub(super) link: Link,
    pub(super) keeper: Pid,
    /// Signals that were blocked when we began.
    pub(super) blocked: SigSet,
    pub(super) unrecorded: Unrecorded,
}

/// What is known of the program.
struct State {
    program: Pid,
    ended: Option<WaitStatus>,
    /// Since when it is brought to its end, and the next step.
    ending: Option<(Instant, usize)>,
    /// The keeper is there.
    kept: bool,
}

impl StandIn<'_> {
    /// Stands in for the program until it has ended.
    pub(super) fn run(self, ends: [End; 3]) -> ! {
        let signals = signals::reader();
        // Whoever ignores the end of children learns nothing of it.
        let child_ignored = is_ignored(libc::SIGCHLD);
        signals::heed(libc::SIGCHLD);
        let program = match self.link.hear() {
            Some(Message::Ready) => match self.start(ends, child_ignored) {
                Ok(program) => program,
                Err(error) => {
                    self.link.say(Message::NotStarted(descriptors::number(&error)));
                    self.end_with_keeper()
                }
            },
            _ => self.end_with_keeper(),
        };
        let Ok(mut signals) = signals else {
            // Without them nothing can be passed on; it is waited for all the same.
            self.link.say(Message::Started(program.as_raw_nonzero().get()));
            let status = waitpid(Some(program), WaitOptions::empty()).ok().flatten();
            end_as(status.map(|(_, status)| status))
        };
        self.link.say(Message::Started(program.as_raw_nonzero().get()));
        descriptors::leave_all_but(&[self.link.as_fd(), signals.as_fd()]);
        descriptors::leave_standard();
        let mut state = State { program, ended: None, ending: None, kept: true };
        loop {
            let (has_signal, has_message) = self.wait(&signals, &state);
            if has_message {
                self.hear(&mut state);
            }
            if has_signal {
                while let Ok(Some(come)) = signals.read_signal() {
                    self.signal(&mut state, i32::try_from(come.ssi_signo).unwrap_or(0));
                }
            }
            self.keep_time(&mut state);
        }
    }

    fn start(&self, ends: [End; 3], child_ignored: bool) -> std::io::Result<Pid> {
        let mut command = self.program.command();
        let closed: Vec<i32> =
            (0..3).zip(&ends).filter(|(_, end)| matches!(end, End::Closed)).map(|(at, _)| at).collect();
        let [stdin, stdout, stderr] = ends.map(|end| match end {
            End::Its(end) => Stdio::from(end),
            End::Ours | End::Closed => Stdio::inherit(),
        });
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let (blocked, pipe_ignored) = (self.blocked, inherited::was_pipe_ignored());
        let dies_with_us = self.unrecorded == Unrecorded::Ends;
        let begin = move || {
            closed.iter().for_each(|&descriptor| descriptors::close(descriptor));
            if pipe_ignored {
                signals::ignore(libc::SIGPIPE);
            }
            if child_ignored {
                signals::ignore(libc::SIGCHLD);
            }
            if dies_with_us {
                set_parent_process_death_signal(Some(Signal::KILL))?;
            }
            Ok(blocked.thread_set_mask()?)
        };
        // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
        #[expect(unsafe_code, reason = "what the standard library resets is put back in the child")]
        unsafe {
            command.pre_exec(begin)
        };
        pid(&command.spawn()?)
    }

    fn wait(&self, signals: &SignalFd, state: &State) -> (bool, bool) {
        let source = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [source(signals.as_fd()), source(self.link.as_fd())];
        let watched = if state.kept { &mut fds[..] } else { &mut fds[..1] };
        let step = state.ending.filter(|_| state.ended.is_none());
        let due = step.and_then(|(since, step)| Some(since + STOP.get(step)?.0));
        let timeout = due.map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // What goes wrong here is only looked at again.
        poll(watched, timeout.as_ref()).ok();
        (!fds[0].revents().is_empty(), !fds[1].revents().is_empty())
    }

    fn hear(&self, state: &mut State) {
        match self.link.hear() {
            Some(Message::Done) => end_as(state.ended),
            Some(Message::End) => begin_ending(state),
            // A late answer.
            Some(_) => {}
            None if state.ended.is_some() => end_as(state.ended),
            None => {
                // Nothing is carried any more, and nothing recorded.
                state.kept = false;
                if self.unrecorded == Unrecorded::Ends {
                    begin_ending(state);
                }
            }
        }
    }

    fn signal(&self, state: &mut State, signal: i32) {
        if signal == libc::SIGCHLD {
            return self.reap(state);
        }
        if state.ended.is_some() {
            // The program is here no more, or would have died of it as it gave its last.
            if !is_ignored(signal) {
                signals::suffer(signal);
            }
            return;
        }
        if !state.kept || !self.has_come_to_all(state, signal) {
            signals::send(state.program.as_raw_nonzero().get(), signal);
        }
    }

    /// Whether a signal was sent to more than us: the program has it already.
    fn has_come_to_all(&self, state: &mut State, signal: i32) -> bool {
        self.link.say(Message::HasCome(signal));
        let until = Instant::now() + ANSWER;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(timeout) = Timespec::try_from(left) else { return false };
            let mut fds = [PollFd::from_borrowed_fd(self.link.as_fd(), PollFlags::IN)];
            if left.is_zero() || poll(&mut fds, Some(&timeout)) == Ok(0) {
                return false;
            }
            match self.link.hear() {
                // One that comes late is of another.
                Some(Message::Answer(answer)) if answer.abs() == signal => return answer > 0,
                Some(Message::End) => begin_ending(state),
                Some(_) => {}
                None => {
                    state.kept = false;
                    if self.unrecorded == Unrecorded::Ends {
                        begin_ending(state);
                    }
                    return false;
                }
            }
        }
    }

    fn reap(&self, state: &mut State) {
        while state.ended.is_none()
            && let Ok(Some((_, status))) =
                waitpid(Some(state.program), WaitOptions::NOHANG | WaitOptions::UNTRACED)
        {
            match status.stopping_signal() {
                // Whoever waits for us is to see that. Who was stopped for good is so until he is told to go on, which
                // would not reach us if we were.
                Some(signal) if signal != libc::SIGSTOP => signals::suffer(signal),
                Some(_) => {}
                None => {
                    state.ended = Some(status);
                    if state.ending.is_some() {
                        stop::kill_all_but(self.keeper);
                    }
                    if !state.kept {
                        end_as(state.ended);
                    }
                    let how = status.exit_status().or(status.terminating_signal().map(|signal| -signal));
                    self.link.say(Message::Ended(how.unwrap_or(0)));
                }
            }
        }
    }

    fn keep_time(&self, state: &mut State) {
        let Some((since, step)) = &mut state.ending else { return };
        while state.ended.is_none()
            && let Some((after, signal)) = STOP.get(*step)
            && since.elapsed() >= *after
        {
            if let Some(signal) = signal {
                signals::send(state.program.as_raw_nonzero().get(), signal.as_raw());
                // A stopped program hears nothing until it goes on.
                signals::send(state.program.as_raw_nonzero().get(), libc::SIGCONT);
            }
            *step += 1;
        }
    }

    /// There is no program: what the keeper ends with is said.
    fn end_with_keeper(&self) -> ! {
        descriptors::leave_all_but(&[]);
        descriptors::leave_standard();
        self.blocked.thread_set_mask().ok();
        loop {
            match waitpid(Some(self.keeper), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                waited => end_as(waited.ok().flatten().map(|(_, status)| status)),
            }
        }
    }
}

fn begin_ending(state: &mut State) {
    stop::adopt();
    state.ending.get_or_insert((Instant::now(), 0));
}

/// Ends as the program ended.
fn end_as(status: Option<WaitStatus>) -> ! {
    let signal = status.and_then(WaitStatus::terminating_signal);
    if let Some(signal) = signal {
        // What there is to be seen in memory is the program's, and it has left that itself.
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
        set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
        signals::suffer(signal);
    }
    let code = status.and_then(WaitStatus::exit_status).or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    exit(code)
}

/// Ends at once: what else there is belongs to the keeper.
fn exit(code: i32) -> ! {
    // SAFETY: it ends the process, without anything that would be done at its end.
    #[expect(unsafe_code, reason = "at an ordinary end things would be dropped that are the keeper's")]
    unsafe {
        libc::_exit(code)
    }
}
