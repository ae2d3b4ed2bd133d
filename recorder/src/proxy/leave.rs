//! A terminal that is left to others until somebody in the session wants its keys.
//!
//! What `su -c` runs is controlled by no terminal, and in a pipeline others use the same one: a pager reads its keys, a
//! shell what is typed ahead. There the terminal stays as it is, until a line waits in it and somebody in the session
//! reads, or somebody there sets his own terminal to something else: to read a password, or every key.

use std::time::{Duration, Instant};

use rustix::termios::OutputModes;

use super::{Keyboard, Proxy, State};
use crate::echo::Echo;
use crate::pty::Modes;
use crate::terminal::Terminal;
use crate::typed_ahead::TypedAhead;

/// How often a line that waits is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Behind output the session's terminal may be set otherwise: nobody answers a question sooner.
const AFTER_OUTPUT: [Duration; 3] =
    [Duration::from_millis(5), Duration::from_millis(30), Duration::from_millis(150)];

/// What is known of a terminal that is left to others.
pub(super) struct Left {
    /// How the session's terminal was set.
    modes: Option<Modes>,
    /// When something was put out, and how many looks behind it are done.
    output: (Instant, usize),
    /// When a line that waits is looked at again.
    again: Option<Instant>,
}

impl Left {
    pub(super) fn saw_output(&mut self) {
        self.output = (Instant::now(), 0);
    }

    fn due(&self) -> Option<Instant> {
        let (at, looks) = self.output;
        Some(at + *AFTER_OUTPUT.get(looks)?)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due().into_iter().chain(self.again).min()
    }

    pub(super) fn looks_at_lines(&self) -> bool {
        self.again.is_none()
    }
}

impl Proxy<'_> {
    /// Leaves the terminal to others from the beginning.
    pub(super) fn leave(&self) -> Left {
        Left { modes: self.pty.modes(), output: (Instant::now(), 0), again: None }
    }

    /// A line waits in the terminal: it is taken if somebody reads.
    pub(super) fn line_waits(&mut self, state: &mut State) {
        let is_ours = self.terminal.as_mut().is_some_and(|terminal| terminal.is_ours());
        if is_ours && self.pty.wants_keys() {
            self.want(state);
        } else if let Some(left) = &mut state.left {
            left.again = Some(Instant::now() + LOOK_AGAIN);
        }
    }

    /// Takes the terminal if the session's is no longer set as it was.
    pub(super) fn follow_modes(&mut self, state: &mut State, now: Instant) {
        let Some(left) = &mut state.left else { return };
        while left.due().is_some_and(|at| at <= now) {
            left.output.1 += 1;
        }
        left.again.take_if(|at| *at <= now);
        if left.modes != self.pty.modes() {
            self.want(state);
        }
    }

    fn want(&mut self, state: &mut State) {
        state.left = None;
        self.take_terminal(state);
    }

    /// What a terminal is shown that adds a carriage return to each new line, as the session's has done.
    pub(super) fn without_returns(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_raw = |terminal: &&&mut Terminal| terminal.is_taken() && !self.shares_output;
        let terminal = self.terminal.as_ref().filter(|terminal| !is_raw(terminal))?;
        let has_both = |modes: OutputModes| modes.contains(OutputModes::OPOST | OutputModes::ONLCR);
        let both = self.keyboard == Keyboard::Terminal
            && terminal.returns()
            && self.pty.modes().is_some_and(|(_, modes, _)| has_both(modes));
        both.then(|| new_lines(bytes))
    }

    /// What the session's terminal will show of lines that the person's has shown already.
    pub(super) fn expect_echo(&self, state: &mut State, typed: &TypedAhead) {
        let is_plain = |byte: &u8| *byte == b'\n' || !byte.is_ascii_control();
        if typed.shown && self.pty.echo() == Echo::On && typed.keys.iter().all(is_plain) {
            state.expected_echo = typed.keys.iter().fold(Vec::new(), |mut echo, &byte| {
                echo.extend((byte == b'\n').then_some(b'\r'));
                echo.push(byte);
                echo
            });
        }
    }
}

/// Each carriage return before a new line taken away.
fn new_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
        lines.extend_from_slice(&rest[..at]);
        lines.push(b'\n');
        rest = &rest[at + 2..];
    }
    lines.extend_from_slice(rest);
    lines
}

/// What of some output is not shown yet, where its beginning may be.
pub(super) fn behind_expected<'b>(expected: &mut Vec<u8>, bytes: &'b [u8]) -> &'b [u8] {
    let length = expected.len().min(bytes.len());
    if expected[..length] == bytes[..length] {
        expected.drain(..length);
        &bytes[length..]
    } else {
        expected.clear();
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_carriage_return_is_taken_from_each_line() {
        for (bytes, lines) in
            [(&b"a\r\nb\r\n"[..], &b"a\nb\n"[..]), (b"50%\r60%\r\r\n", b"50%\r60%\r\n"), (b"\n\r", b"\n\r")]
        {
            assert_eq!(new_lines(bytes), lines);
        }
    }

    #[test]
    fn what_was_shown_is_not_shown_again() {
        let mut expected = b"ls\r\n".to_vec();
        assert_eq!(behind_expected(&mut expected, b"ls"), b"");
        assert_eq!(behind_expected(&mut expected, b"\r\nfile"), b"file");
        assert_eq!(behind_expected(&mut expected, b"more"), b"more");
        let mut expected = b"ls\r\n".to_vec();
        assert_eq!(behind_expected(&mut expected, b"other"), b"other");
        assert_eq!(behind_expected(&mut expected, b"ls\r\n"), b"ls\r\n", "it was not the echo");
    }
}
