//! How a session ends.

use std::time::Instant;

use rustix::process::Signal;

use super::{DRAIN_AFTER_EXIT, Outcome, Proxy, QUIET_AFTER_EXIT, State};
use crate::ending::{END, Ending, HANG_UP, STOP, Steps};
use crate::journal::Kind;
use crate::session::Role;

impl Proxy<'_> {
    /// How a session is brought to its end.
    pub(super) fn steps(&self, ending: Ending) -> Steps {
        match (self.role, ending) {
            (Role::Shell, Ending::Hangup) => HANG_UP,
            (_, Ending::Unrecorded) => STOP,
            _ => END,
        }
    }

    pub(super) fn begin_ending(&mut self, state: &mut State, ending: Ending) {
        self.call_off_prompt(state);
        if state.ending.is_none() {
            state.ending = Some((ending, Instant::now(), 0));
        }
    }

    /// Whether the session is over: the program has ended and what it printed is read.
    pub(super) fn outcome(&self, state: &State, session_open: bool, now: Instant) -> Option<Outcome> {
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

    pub(super) fn end(&self, state: &State, outcome: Outcome) -> Outcome {
        let now = self.now();
        if state.paused {
            self.journal.queue().push(now, Kind::PauseEnd, b"");
        }
        self.journal.queue().push(now, Kind::Exit(outcome.status), b"");
        self.journal.queue().push(now, Kind::End, outcome.ending.to_string().as_bytes());
        outcome
    }
}
