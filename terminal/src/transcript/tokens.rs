//! Cuts terminal output into text, control characters and whole escape sequences.
//!
//! The state machine is Paul Williams' parser for DEC's VT500 series (<https://vt100.net/emu/dec_ansi_parser>).
//! Control strings (OSC, DCS, APC, PM, SOS) are passed over. Memory is bounded: a sequence longer than
//! [`MAX_SEQUENCE`] is dropped. How the input is cut into pieces changes nothing but where text is cut.

/// Longest escape sequence that is looked at. SGR with many colours comes to about a hundred bytes.
const MAX_SEQUENCE: usize = 512;

const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const DELETE: u8 = 0x7f;

/// A piece of terminal output.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Token<'a> {
    /// Characters to be shown; holds no C0 control character.
    Text(&'a str),
    /// A C0 control character other than those that belong to escape sequences.
    Control(u8),
    /// A whole escape sequence, from `ESC` to its final byte.
    Escape(&'a [u8]),
    /// A whole control sequence, from `ESC [` to its final byte.
    ControlSequence(&'a [u8]),
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Ground,
    Escape,
    ControlSequence,
    /// In an OSC, which a bell may end.
    SystemCommand,
    /// In a DCS, APC, PM or SOS, which only an escape or a cancel ends.
    String,
}

/// Cuts the output up; holds what a sequence cut between two pieces of input has shown so far.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    state: State,
    sequence: Vec<u8>,
}

impl Tokens {
    /// Returns whether the next byte begins something new.
    pub(crate) fn is_ground(&self) -> bool {
        self.state == State::Ground
    }

    /// Cuts `text` up and hands the pieces to `sink` in order.
    pub(crate) fn scan(&mut self, text: &str, mut sink: impl FnMut(Token<'_>)) {
        let bytes = text.as_bytes();
        let mut position = 0;
        while let Some(&byte) = bytes.get(position) {
            if self.state == State::Ground && is_shown(byte) {
                let rest = &bytes[position..];
                let length = rest.iter().position(|&byte| !is_shown(byte)).unwrap_or(rest.len());
                // Both ends are at an ASCII byte or an end of `text`.
                sink(Token::Text(&text[position..position + length]));
                position += length;
            } else {
                self.step(byte, &mut sink);
                position += 1;
            }
        }
    }

    fn step(&mut self, byte: u8, sink: &mut impl FnMut(Token<'_>)) {
        match (self.state, byte) {
            (_, ESCAPE) => {
                self.state = State::Escape;
                self.sequence.clear();
                self.sequence.push(ESCAPE);
            }
            (_, CANCEL | SUBSTITUTE) | (State::SystemCommand, BELL) => self.state = State::Ground,
            (State::SystemCommand | State::String, _) | (_, DELETE) => {}
            // Anything else below a blank takes effect at once, even amid a sequence.
            (_, 0..=0x1f) => sink(Token::Control(byte)),
            (State::Escape, 0x20..=0x7e) => self.escape(byte, sink),
            (State::ControlSequence, 0x20..=0x7e) => {
                self.keep(byte);
                if byte >= 0x40 {
                    self.state = State::Ground;
                    if self.sequence.len() < MAX_SEQUENCE {
                        sink(Token::ControlSequence(&self.sequence));
                    }
                }
            }
            (State::Ground | State::Escape | State::ControlSequence, _) => {}
        }
    }

    /// Takes a byte that follows `ESC` and perhaps some intermediate bytes.
    fn escape(&mut self, byte: u8, sink: &mut impl FnMut(Token<'_>)) {
        let first = self.sequence.len() == 1;
        self.keep(byte);
        self.state = match byte {
            0x20..=0x2f => State::Escape,
            b'[' if first => State::ControlSequence,
            b']' if first => State::SystemCommand,
            b'P' | b'X' | b'^' | b'_' if first => State::String,
            _ => State::Ground,
        };
        if self.state == State::Ground && self.sequence.len() < MAX_SEQUENCE {
            sink(Token::Escape(&self.sequence));
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.sequence.len() < MAX_SEQUENCE {
            self.sequence.push(byte);
        }
    }
}

fn is_shown(byte: u8) -> bool {
    byte >= 0x20 && byte != DELETE
}
