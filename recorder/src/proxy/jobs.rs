//! Signals, and job control: whose turn it is at the person's terminal, and what stops and goes on.
//!
//! We are what the person's shell takes for the program. Where that stops, we stop with the terminal as it was; where we are
//! woken, it is. In the background we read no keys, and take the terminal when it is our turn.

use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use rustix::termios::LocalModes;
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGTSTP, SIGWINCH};

use super::{Exited, Keyboard, Proxy, REPEAT_END_OF_INPUT, State};
use crate::control::Control;
use crate::ending::Ending;
use crate::nonblocking::Read;
use crate::session::Role;
use crate::terminal::Kept;

/// How often somebody in the background looks whether it is its turn, of which nothing tells.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A program prints no more than this when it stops.
const LAST_WORDS: usize = 64 << 10;

impl Proxy<'_> {
    pub(super) fn handle_signals(&mut self, state: &mut State) {
        for signal in self.signals.pending() {
            match (signal, self.role) {
                (SIGCHLD, _) => self.reap(state),
                (SIGWINCH, _) => self.follow_size(),
                (SIGCONT, _) => self.resume(state),
                // What we stopped our own group with.
                (SIGTSTP, _) if std::mem::take(&mut state.stops_group) => {}
                (SIGTSTP, Role::Tool) => self.suspend(),
                (SIGHUP, Role::Shell) if self.control != Control::None => {
                    self.begin_ending(state, Ending::Hangup);
                }
                (other, Role::Shell) => self.pty.pass_on(other),
                (other, Role::Tool) => self.begin_ending(state, Ending::Signal(other)),
            }
        }
    }

    fn reap(&mut self, state: &mut State) {
        while state.exited.is_none()
            && let Some(status) = self.pty.try_wait()
        {
            if status.stopped() {
                self.stop_with_program(state, status.stopping_signal());
                continue;
            }
            let signal = status.terminating_signal();
            let status = signal.map_or_else(|| status.exit_status().unwrap_or(1), |signal| 128 + signal);
            self.call_off_prompt(state);
            let now = Instant::now();
            state.exited = Some(Exited { status, signal, at: now, last_output: now });
        }
    }

    /// Stops as the program did, and with it the job that we are a part of. A session's leader is nobody's job: no one
    /// would wake it.
    fn stop_with_program(&mut self, state: &mut State, signal: Option<i32>) {
        if self.control == Control::None && signal != Some(Signal::STOP.as_raw()) {
            // No shell could wake anybody in its group: without us the system would not have stopped it.
            return self.pty.wake();
        }
        let is_job = self.terminal.as_ref().is_some_and(|terminal| terminal.control() == Control::Belongs);
        if !is_job || state.ending.is_some() {
            return;
        }
        let mut buffer = vec![0; LAST_WORDS];
        while state.to_terminal.is_empty()
            && let Read::Bytes(_) = self.read_session(state, &mut buffer)
        {}
        state.stops_group = true;
        self.give_terminal_back();
        _ = kill_current_process_group(Signal::TSTP);
        _ = kill_process(getpid(), Signal::STOP);
    }

    /// Stops as any program does, with the terminal as it was.
    fn suspend(&mut self) {
        self.give_terminal_back();
        _ = kill_process(getpid(), Signal::STOP);
    }

    /// Goes on, in the foreground or in the background.
    fn resume(&mut self, state: &mut State) {
        if state.left.is_none() {
            self.take_terminal(state);
        }
        self.follow_size();
        self.pty.wake();
    }

    fn give_terminal_back(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.give_back();
        }
    }

    /// Takes the terminal to read keys, or looks again in a moment.
    pub(super) fn take_terminal(&mut self, state: &mut State) {
        state.take_at = None;
        let kept = self.kept();
        let Some(terminal) = self.terminal.as_mut().filter(|_| self.keyboard == Keyboard::Terminal) else {
            return;
        };
        match terminal.take(kept) {
            Ok(Some(typed)) => {
                state.kept = kept;
                if !typed.is_empty() {
                    self.expect_echo(state, &typed);
                    self.forward(state, &typed.keys);
                }
            }
            Ok(None) | Err(_) => self.wait_for_terminal(state),
        }
    }

    /// It is not our turn.
    pub(super) fn wait_for_terminal(&self, state: &mut State) {
        if self.keyboard == Keyboard::Terminal {
            state.take_at = Some(Instant::now() + LOOK_AGAIN);
        }
    }

    /// Whether keys may be read: they may be for somebody else by now.
    pub(super) fn is_our_turn(&mut self, state: &mut State) -> bool {
        let Some(terminal) = &mut self.terminal else { return false };
        let is_ours = terminal.control() == Control::Leads || terminal.is_ours();
        if !is_ours {
            self.wait_for_terminal(state);
        }
        is_ours
    }

    /// Keys that signal go to whom the person's terminal controls, unless the session's controls somebody, or the program
    /// wants them as keys. Where others show something as well, the terminal treats it as the session's does.
    pub(super) fn kept(&self) -> Kept {
        let Some((_, output, local)) = self.pty.modes() else { return Kept::default() };
        Kept {
            signal_keys: self.control == Control::None && local.contains(LocalModes::ISIG),
            output: self.shares_output.then_some(output),
        }
    }

    /// Does what the session's terminal does by now. Of that nothing tells: it is looked at whenever something happens.
    pub(super) fn follow_terminal(&mut self, state: &mut State) {
        if self.control != Control::None && !self.shares_output {
            return;
        }
        let kept = self.kept();
        if let Some(terminal) = &mut self.terminal
            && kept != state.kept
            && terminal.is_taken()
            && terminal.is_ours()
        {
            terminal.keep(kept);
            state.kept = kept;
        }
    }

    pub(super) fn follow_size(&mut self) {
        let Some(size) = self.terminal.as_ref().and_then(|terminal| terminal.size()) else { return };
        self.resize(self.window.on(size));
    }

    /// The person's terminal is gone. Whoever it controlled is told so; whoever it did not finds no more input there.
    pub(super) fn hang_up(&mut self, state: &mut State) {
        if self.control == Control::None {
            state.end_of_input = Some((Instant::now(), REPEAT_END_OF_INPUT));
        } else if self.signals.hears_hangup() {
            self.begin_ending(state, Ending::Hangup);
        }
    }
}
