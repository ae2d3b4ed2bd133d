//! What is typed: when lines are committed and thrown away. Never what they say.

use std::collections::VecDeque;

use casemate_cast_format::Micros;

/// Enters that wait for a line; a person types no more ahead.
const MOST_ENTERS: usize = 256;

/// Lines that are pasted come within this time, in microseconds; nobody types as fast.
const TOGETHER: u64 = 150_000;

/// Follows the input.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The recording has input.
    pub(crate) seen: bool,
    /// Something was typed that was not shown.
    pub(crate) hidden: bool,
    /// The last key that ends a line.
    pub(crate) last_end: Option<LineEnd>,
    /// The line was given to an editor, which commits it: Ctrl-X Ctrl-E.
    pub(crate) edited: bool,
    /// The key before.
    previous: u8,
    /// When the last key of any kind was pressed, until the line it was for is over.
    pressed: Option<Micros>,
    /// When Enter was pressed, of lines that were not seen to be committed.
    enters: VecDeque<Micros>,
    state: State,
}

/// A key that ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Enter,
    Interrupt,
    EndOfInput,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// Behind `ESC O`.
    Single,
    Sequence(Vec<u8>),
    /// Within a bracketed paste, and how much of its end has come.
    Paste(usize),
}

const PASTE_END: &[u8] = b"\x1b[201~";

impl Keys {
    /// `editor` says that something has asked for bracketed paste: who types what begins one hides no Enter elsewhere.
    pub(crate) fn input(&mut self, now: Micros, bytes: &[u8], editor: bool) {
        self.seen = true;
        self.pressed = Some(now);
        if !editor && matches!(self.state, State::Paste(_)) {
            self.state = State::Ground;
        }
        for &byte in bytes {
            self.state = match std::mem::take(&mut self.state) {
                State::Paste(matched) => {
                    let matched = if byte == PASTE_END[matched] {
                        matched + 1
                    } else {
                        usize::from(byte == PASTE_END[0])
                    };
                    if matched == PASTE_END.len() { State::Ground } else { State::Paste(matched) }
                }
                // No sequence of a key has a control character in it.
                State::Single | State::Sequence(_) if byte < b' ' && byte != 0x1b => {
                    self.key(now, byte);
                    State::Ground
                }
                State::Single | State::Sequence(_) if byte == 0x1b => State::Escape,
                State::Escape if byte == b'[' => State::Sequence(Vec::new()),
                State::Escape if byte == b'O' => State::Single,
                State::Single => {
                    if byte == b'M' {
                        self.key(now, b'\r');
                    }
                    State::Ground
                }
                State::Escape | State::Ground => match byte {
                    0x1b => State::Escape,
                    _ => {
                        self.key(now, byte);
                        State::Ground
                    }
                },
                State::Sequence(mut parameters) => match byte {
                    b'~' if editor && parameters == b"200" => State::Paste(0),
                    // Enter, in the keyboard protocols of kitty and xterm.
                    b'u' | b'~' if is_enter(&parameters) => {
                        self.key(now, b'\r');
                        State::Ground
                    }
                    0x40..=0x7e => State::Ground,
                    _ if parameters.len() < 8 => {
                        parameters.push(byte);
                        State::Sequence(parameters)
                    }
                    _ => State::Ground,
                },
            };
        }
    }

    fn key(&mut self, now: Micros, byte: u8) {
        let previous = std::mem::replace(&mut self.previous, byte);
        self.edited = (previous, byte) == (0x18, 0x05);
        match byte {
            // Ctrl-O runs a line and fetches the next.
            b'\r' | b'\n' | 0x0f => {
                self.last_end = Some(LineEnd::Enter);
                if self.enters.len() == MOST_ENTERS {
                    self.enters.pop_front();
                }
                self.enters.push_back(now);
            }
            0x03 | 0x1c => {
                // Whatever was typed ahead is thrown away.
                self.last_end = Some(LineEnd::Interrupt);
                self.enters.clear();
            }
            0x04 => self.last_end = Some(LineEnd::EndOfInput),
            _ => {}
        }
    }

    /// A line was committed: when its Enter was pressed. Enters well before the last one were for something else,
    /// a menu or a line that went on.
    pub(crate) fn take_enter(&mut self) -> Option<Micros> {
        let last = *self.enters.back()?;
        while self.enters.front().is_some_and(|enter| enter.0 + TOGETHER < last.0) {
            self.enters.pop_front();
        }
        self.enters.pop_front()
    }

    /// Something was pressed since the line began, so lately.
    pub(crate) fn pressed_within(&self, now: Micros, time: u64) -> bool {
        self.pressed.is_some_and(|pressed| now.0.saturating_sub(pressed.0) <= time)
    }

    /// The last key asked for completions.
    pub(crate) fn completes(&self) -> bool {
        self.previous == b'\t'
    }

    /// The line is over.
    pub(crate) fn line_is_over(&mut self) {
        self.pressed = None;
    }

    pub(crate) fn has_enter(&self) -> bool {
        !self.enters.is_empty()
    }

    /// What was typed before went to something else.
    pub(crate) fn forget(&mut self) {
        self.enters.clear();
        self.pressed = None;
    }
}

/// Whether the parameters of a key are those of Enter, or of the one on the keypad.
fn is_enter(parameters: &[u8]) -> bool {
    let first = parameters.split(|&byte| matches!(byte, b';' | b':')).next();
    matches!(first, Some(b"13" | b"57414")) || parameters.starts_with(b"27;") && parameters.ends_with(b";13")
}
