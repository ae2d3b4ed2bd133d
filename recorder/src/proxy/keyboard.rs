//! What is typed: our own keys, the label of a marker, and all else, which goes to the session.

use std::time::Instant;

use super::{Keyboard, Proxy, REPEAT_END_OF_INPUT, State};
use crate::ending::Ending;
use crate::journal::Kind;
use crate::keys::{Command, Keys, Piece};
use crate::nonblocking::{Read, read_some};
use crate::notice::{LabelPrompt, Notice, PromptStep};
use crate::observer::Observer;

impl Proxy<'_> {
    pub(super) fn read_keyboard(&mut self, state: &mut State, buffer: &mut [u8]) {
        let fd = match (self.keyboard, &self.terminal) {
            (Keyboard::Terminal, Some(terminal)) => terminal.fd(),
            (Keyboard::Stdin, _) => rustix::stdio::stdin(),
            (Keyboard::Terminal | Keyboard::None, _) => return,
        };
        match read_some(fd, buffer) {
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
    pub(super) fn call_off_prompt(&mut self, state: &mut State) {
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

    pub(super) fn forward(&mut self, state: &mut State, bytes: &[u8]) {
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
}
