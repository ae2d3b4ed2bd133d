//! Cuts a stream into what goes to the screen and the signals in it.
//!
//! Text costs next to nothing: what stands between two escapes is passed on as it is. The scanner follows sequences
//! as the screen does (Paul Williams' state machine, <https://vt100.net/emu/dec_ansi_parser>), so that both agree
//! where a control string ends:
//!
//! - an OSC ends with `BEL`, `ESC \`, or the `ST` of eight bits (U+009C, or a byte 0x9C that is part of no character);
//!   other control characters in it are left out;
//! - `ESC P tmux;` wraps sequences for the terminal around tmux, with each `ESC` doubled. The marks in it count,
//!   switches and erasures do not, for they are not for this screen;
//! - `ESC k` begins a title in screen and tmux, `ESC \` ends it;
//! - a string longer than [`MAX_STRING`] is dropped.
//!
//! How the input is cut into pieces changes nothing but where bytes are cut.

pub(crate) mod base64;
mod decode;
mod osc;
#[cfg(test)]
mod tests;

use crate::signal::Signal;

/// Longest control string that is looked at. The longest ones in use are command lines.
pub(crate) const MAX_STRING: usize = 64 * 1024;

/// Longest control sequence that is looked at, as in the emulator.
const MAX_SEQUENCE: usize = 512;

const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;
/// What the string terminator of eight bits ends with in UTF-8.
const TERMINATOR: u8 = 0x9c;

/// What a DCS that tmux passes on begins with.
const TMUX: &[u8] = b"tmux;";

/// A piece of a stream.
#[derive(Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// Bytes for the screen: all of the stream, sequences included.
    Bytes(&'a [u8]),
    /// A signal that takes effect here: all bytes before it were given, its own sequence included. Where the sequence
    /// erases or switches the screen, its last byte comes behind the signal, so that the caller can still read the
    /// screen as it was.
    Signal(Signal),
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// Behind `ESC` and intermediate bytes.
    Intermediate,
    Sequence,
    Osc,
    /// There, behind an `ESC`.
    OscEscape,
    /// In the title of a window, as screen and tmux have it.
    Title,
    /// There, behind an `ESC`.
    TitleEscape,
    /// In a DCS that has been like [`TMUX`] so far.
    Device,
    /// In a control string that says nothing to us.
    Text,
    /// In what tmux passes on.
    Tmux,
    /// There, behind an `ESC`.
    TmuxEscape,
}

/// Cuts a stream into bytes for the screen and signals, in order. Incremental; holds at most 64 KiB.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// The sequence or string so far.
    kept: Vec<u8>,
    /// Where in a character of UTF-8 the string is.
    character: Character,
}

impl Scanner {
    /// Makes a scanner at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether the next byte begins something new.
    pub(crate) fn is_between(&self) -> bool {
        self.state == State::Ground
    }

    /// Cuts `bytes`, and hands the pieces to `sink` in order.
    pub fn scan(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Piece<'_>)) {
        let mut given = 0;
        let mut position = 0;
        while position < bytes.len() {
            if self.state == State::Ground {
                match memchr::memchr(ESCAPE, &bytes[position..]) {
                    Some(length) => position += length,
                    None => break,
                }
                if let Some(length) = dull_sequence(&bytes[position..]) {
                    position += length;
                    continue;
                }
            }
            let mut give = |end: usize, signal: Signal| {
                if given < end {
                    sink(Piece::Bytes(&bytes[given..end]));
                    given = end;
                }
                sink(Piece::Signal(signal));
            };
            self.step(bytes[position], &mut |is_before, signal| {
                give(if is_before { position } else { position + 1 }, signal);
            });
            position += 1;
        }
        if given < bytes.len() {
            sink(Piece::Bytes(&bytes[given..]));
        }
    }

    /// Takes a byte; `sink` gets signals, and whether they come before that byte.
    fn step(&mut self, byte: u8, sink: &mut dyn FnMut(bool, Signal)) {
        match (self.state, byte) {
            (State::Tmux, ESCAPE) => self.state = State::TmuxEscape,
            (State::TmuxEscape, ESCAPE) => {
                self.keep(byte);
                self.state = State::Tmux;
            }
            (State::TmuxEscape, b'\\') => {
                self.state = State::Ground;
                if self.kept.len() < MAX_STRING {
                    passed_on(&self.kept, sink);
                }
            }
            (State::Osc, ESCAPE) => self.state = State::OscEscape,
            (State::OscEscape, b'\\') => self.end_osc(sink),
            (State::Title, ESCAPE) => self.state = State::TitleEscape,
            (State::TitleEscape, b'\\') => self.end_title(sink),
            (_, ESCAPE) => self.begin(State::Escape),
            // A sequence of its own, which breaks the string off.
            (State::TmuxEscape | State::OscEscape | State::TitleEscape, _) => {
                self.begin(State::Escape);
                self.step(byte, sink);
            }
            (State::Ground, _) => {}
            (_, CANCEL | SUBSTITUTE) => self.state = State::Ground,
            (State::Osc, BELL) => self.end_osc(sink),
            (State::Osc | State::Title | State::Device | State::Text | State::Tmux, _) => {
                self.string(byte, sink);
            }
            (State::Escape | State::Intermediate | State::Sequence, 0..=0x1f | 0x7f..) => {}
            (State::Escape, _) => self.escape(byte, sink),
            (State::Intermediate, 0x20..=0x2f) => {}
            (State::Intermediate, _) => self.state = State::Ground,
            (State::Sequence, _) => {
                if self.kept.len() < MAX_SEQUENCE {
                    self.kept.push(byte);
                }
                if byte >= 0x40 {
                    self.state = State::Ground;
                    if self.kept.len() < MAX_SEQUENCE {
                        control_sequence(&self.kept, sink);
                    }
                }
            }
        }
    }

    fn escape(&mut self, byte: u8, sink: &mut dyn FnMut(bool, Signal)) {
        self.begin(match byte {
            0x20..=0x2f => State::Intermediate,
            b'[' => State::Sequence,
            b']' => State::Osc,
            b'P' => State::Device,
            b'k' => State::Title,
            b'X' | b'^' | b'_' => State::Text,
            _ => State::Ground,
        });
        if byte == b'c' {
            sink(true, Signal::Reset);
        }
    }

    /// Takes a byte of a control string that does not end it as a control character.
    fn string(&mut self, byte: u8, sink: &mut dyn FnMut(bool, Signal)) {
        if self.character.take(byte) {
            // What the terminator began with may stand there already.
            if self.kept.last() == Some(&0xc2) {
                self.kept.pop();
            }
            if self.state == State::Osc {
                self.end_osc(sink);
            } else if self.state == State::Title {
                self.end_title(sink);
            } else {
                self.begin(State::Ground);
            }
            return;
        }
        match self.state {
            State::Osc | State::Title | State::Tmux => self.keep(byte),
            State::Device => {
                self.keep(byte);
                if self.kept == TMUX {
                    self.begin(State::Tmux);
                } else if !TMUX.starts_with(&self.kept) {
                    self.state = State::Text;
                    self.kept.clear();
                }
            }
            State::Ground
            | State::Escape
            | State::Intermediate
            | State::Sequence
            | State::Text
            | State::OscEscape
            | State::TitleEscape
            | State::TmuxEscape => {}
        }
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.kept.clear();
        self.character = Character::default();
        // A long string is an exception; its memory is not kept.
        self.kept.shrink_to(MAX_SEQUENCE);
    }

    fn keep(&mut self, byte: u8) {
        let is_control = byte < 0x20 || byte == 0x7f;
        // What is passed on holds whole sequences, which need their control characters.
        if self.kept.len() < MAX_STRING && (!is_control || !matches!(self.state, State::Osc | State::Title)) {
            self.kept.push(byte);
        }
    }

    fn end_title(&mut self, sink: &mut dyn FnMut(bool, Signal)) {
        if self.kept.len() < MAX_STRING {
            sink(false, Signal::Title(decode::lossy(&self.kept)));
        }
        self.begin(State::Ground);
    }

    fn end_osc(&mut self, sink: &mut dyn FnMut(bool, Signal)) {
        if self.kept.len() < MAX_STRING
            && let Some(signal) = osc::parse(&self.kept)
        {
            sink(false, signal);
        }
        self.begin(State::Ground);
    }
}

/// Where a string is in a character of UTF-8: 0x9C ends the string only where it is part of none.
#[derive(Clone, Copy, Debug, Default)]
struct Character {
    first: u8,
    missing: u8,
}

impl Character {
    /// Takes a byte; returns whether it ends the string.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            0x80..=0xbf if self.missing > 0 => {
                self.missing -= 1;
                self.first == 0xc2 && byte == TERMINATOR
            }
            0x80..=0xbf => byte == TERMINATOR,
            _ => {
                let missing = match byte {
                    0xc2..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf4 => 3,
                    _ => 0,
                };
                *self = Self { first: byte, missing };
                false
            }
        }
    }
}

/// Returns the length of a whole control sequence that is no signal, as nearly all are, if `bytes` begins with one.
fn dull_sequence(bytes: &[u8]) -> Option<usize> {
    let [ESCAPE, b'[', body @ ..] = bytes else { return None };
    let length = body.iter().take(MAX_SEQUENCE).position(|byte| !matches!(byte, 0x20..=0x3f))?;
    matches!(body[length], b'@'..=b'I' | b'K'..=b'g' | b'i'..=b'k' | b'm'..=b'~').then_some(length + 3)
}

/// Takes what stands behind `ESC [`.
fn control_sequence(sequence: &[u8], sink: &mut dyn FnMut(bool, Signal)) {
    let Some((&end, body)) = sequence.split_last() else { return };
    let (is_private, digits) = match body {
        [b'?', digits @ ..] => (true, digits),
        _ => (false, body),
    };
    if !digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')) {
        return;
    }
    match end {
        b'J' => {
            let how = parameters(digits).next().unwrap_or(0);
            if how <= 3 {
                sink(true, Signal::EraseDisplay(how));
            }
        }
        b'h' | b'l' if is_private => {
            let on = end == b'h';
            for mode in parameters(digits) {
                if matches!(mode, 47 | 1047 | 1049) {
                    sink(true, Signal::Alternate(on));
                }
            }
            if parameters(digits).any(|mode| mode == 2004) {
                sink(false, Signal::BracketedPaste(on));
            }
        }
        _ => {}
    }
}

/// Returns the numbers in a control sequence; one that is missing is 0.
fn parameters(digits: &[u8]) -> impl Iterator<Item = u16> {
    digits.split(|byte| matches!(byte, b';' | b':')).map(|digits| {
        digits
            .iter()
            .fold(0_u16, |number, &digit| number.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
    })
}

/// Finds the marks in what tmux passes on.
fn passed_on(bytes: &[u8], sink: &mut dyn FnMut(bool, Signal)) {
    Scanner::new().scan(bytes, &mut |piece| match piece {
        Piece::Signal(
            signal @ (Signal::Mark(_)
            | Signal::Title(_)
            | Signal::Cwd { .. }
            | Signal::RemoteHost { .. }
            | Signal::UserVar { .. }
            | Signal::Context(_)),
        ) => sink(false, signal),
        Piece::Signal(
            Signal::BracketedPaste(_) | Signal::Alternate(_) | Signal::EraseDisplay(_) | Signal::Reset,
        )
        | Piece::Bytes(_) => {}
    });
}
