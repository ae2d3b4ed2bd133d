//! Cuts the stream into text, control characters and sequences.
//!
//! The state machine is Paul Williams' parser for DEC's VT500 series (<https://vt100.net/emu/dec_ansi_parser>), on
//! UTF-8. All that is kept between two calls is the state's name and the bytes of a sequence that is not yet whole,
//! so that it can be written down.

use crate::screen::Screen;

/// Longest control sequence that is looked at. SGR with many colours comes to about a hundred bytes.
const MAX_SEQUENCE: usize = 512;

const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const DELETE: u8 = 0x7f;

/// What a DCS that tmux passes on begins with.
const TMUX: &[u8] = b"tmux;";

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum State {
    #[default]
    Ground = 0,
    /// Behind `ESC`; the bytes since are kept.
    Escape = 1,
    /// Behind `ESC [`; the bytes since are kept.
    Csi = 2,
    /// In an OSC, which a bell may end.
    Osc = 3,
    /// In a control string other than an OSC, which a bell does not end.
    Text = 4,
    /// In a DCS that has been like [`TMUX`] so far; the bytes since are kept.
    Device = 5,
    /// In what tmux passes on to the terminal around it, with each escape doubled.
    Tmux = 6,
    /// There, behind an escape.
    TmuxEscape = 7,
}

impl State {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        const ALL: [State; 8] = [
            State::Ground,
            State::Escape,
            State::Csi,
            State::Osc,
            State::Text,
            State::Device,
            State::Tmux,
            State::TmuxEscape,
        ];
        ALL.get(usize::from(byte)).copied()
    }
}

/// The parser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) state: State,
    /// In [`State::Ground`] and in most strings the beginning of a character, else the sequence so far.
    pub(crate) kept: Vec<u8>,
}

impl Machine {
    pub(crate) fn is_between(&self) -> bool {
        self.state == State::Ground && self.kept.is_empty()
    }

    /// Returns whether the machine can ever get into that state.
    pub(crate) fn is_possible(&self) -> bool {
        let kept = self.kept.as_slice();
        match self.state {
            State::Ground => kept.is_empty() || is_beginning(kept),
            State::Osc | State::Text | State::Tmux => is_unfinished(kept),
            State::Device => kept.len() < TMUX.len() && TMUX.starts_with(kept),
            State::TmuxEscape => kept.is_empty(),
            State::Escape => is_sequence(kept, 0x2f),
            State::Csi => is_sequence(kept, 0x3f),
        }
    }

    /// Returns whether nothing has begun that is not whole.
    pub(crate) fn is_settled(&self) -> bool {
        self.state == State::Ground && self.kept.is_empty()
    }

    /// What brings a machine in the ground state into this one. Nothing of a control string is kept, and it shows
    /// nothing either, so any of them will do.
    pub(crate) fn pending(&self) -> Vec<u8> {
        let begin: &[u8] = match self.state {
            State::Ground => b"",
            State::Escape => b"\x1b",
            State::Csi => b"\x1b[",
            State::Osc => b"\x1b]",
            State::Text => b"\x1b^",
            State::Device => b"\x1bP",
            State::Tmux => b"\x1bPtmux;",
            State::TmuxEscape => b"\x1bPtmux;\x1b",
        };
        [begin, &self.kept].concat()
    }

    pub(crate) fn advance(&mut self, screen: &mut Screen, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let used = match self.state {
                State::Ground if !self.kept.is_empty() => self.finish_character(screen, byte),
                State::Ground => self.ground(screen, byte, rest),
                State::Osc | State::Text | State::Tmux => self.string(byte, rest),
                State::Device => self.device(byte),
                State::TmuxEscape => self.tmux_escape(byte),
                State::Escape | State::Csi => {
                    self.sequence(screen, byte);
                    1
                }
            };
            rest = &rest[used..];
        }
    }

    /// Takes something in the ground state, and returns its length.
    fn ground(&mut self, screen: &mut Screen, byte: u8, rest: &[u8]) -> usize {
        match byte {
            0x20..=0x7e => {
                let length = printable(rest);
                screen.print_ascii(&rest[..length]);
                length
            }
            ESCAPE => {
                if let [_, b'[', body @ ..] = rest {
                    // Nearly all sequences come whole, so they need not be kept.
                    let head = body.iter().take(MAX_SEQUENCE);
                    let length = head.take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
                    if let Some(&end @ 0x40..=0x7e) = body.get(length)
                        && length + 1 < MAX_SEQUENCE
                    {
                        screen.control_sequence(&body[..length], end);
                        return length + 3;
                    }
                }
                self.begin(State::Escape);
                1
            }
            0..=0x1f => {
                screen.control(byte);
                1
            }
            DELETE => 1,
            0x80.. => self.characters(screen, rest),
        }
    }

    /// Takes characters beyond ASCII.
    fn characters(&mut self, screen: &mut Screen, rest: &[u8]) -> usize {
        let length = rest.iter().position(u8::is_ascii).unwrap_or(rest.len());
        let stretch = &rest[..length];
        for chunk in stretch.utf8_chunks() {
            chunk.valid().chars().for_each(|character| screen.print(character));
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let is_last = std::ptr::eq(invalid.as_ptr_range().end, rest.as_ptr_range().end);
            if is_last && is_beginning(invalid) {
                self.kept.extend_from_slice(invalid);
            } else {
                screen.print(char::REPLACEMENT_CHARACTER);
            }
        }
        length
    }

    /// Takes a byte after the beginning of a character.
    fn finish_character(&mut self, screen: &mut Screen, byte: u8) -> usize {
        self.kept.push(byte);
        match std::str::from_utf8(&self.kept) {
            Ok(text) => {
                text.chars().for_each(|character| screen.print(character));
                self.kept.clear();
                1
            }
            Err(error) if error.error_len().is_none() => 1,
            // The byte does not belong to it.
            Err(_) => {
                screen.print(char::REPLACEMENT_CHARACTER);
                self.kept.clear();
                0
            }
        }
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.kept.clear();
    }

    /// Passes over a control string.
    fn string(&mut self, byte: u8, rest: &[u8]) -> usize {
        match byte {
            ESCAPE if self.state == State::Tmux => self.begin(State::TmuxEscape),
            ESCAPE => self.begin(State::Escape),
            CANCEL | SUBSTITUTE => self.begin(State::Ground),
            BELL if self.state == State::Osc => self.begin(State::Ground),
            0..=0x7f => {
                self.kept.clear();
                let stops = |&byte: &u8| matches!(byte, ESCAPE | CANCEL | SUBSTITUTE | BELL | 0x80..);
                return rest[1..].iter().position(stops).map_or(rest.len(), |length| length + 1);
            }
            0x80.. => self.string_character(byte),
        }
        1
    }

    /// Takes a byte of a character in a control string. The string terminator of eight bits is U+009C, or a byte that
    /// is part of no character.
    fn string_character(&mut self, byte: u8) {
        match (byte, self.kept.first()) {
            (0x9c, None | Some(0xc2)) => self.begin(State::Ground),
            (0x80..=0xbf, None) => {}
            (0x80..=0xbf, Some(&first)) => {
                self.kept.push(byte);
                if self.kept.len() > following(first) {
                    self.kept.clear();
                }
            }
            _ => {
                self.kept.clear();
                if following(byte) > 0 {
                    self.kept.push(byte);
                }
            }
        }
    }

    /// Takes a byte at the beginning of a DCS.
    fn device(&mut self, byte: u8) -> usize {
        self.kept.push(byte);
        if self.kept == TMUX {
            self.begin(State::Tmux);
        } else if !TMUX.starts_with(&self.kept) {
            self.begin(State::Text);
            // The byte may be one that ends the string.
            return 0;
        }
        1
    }

    fn tmux_escape(&mut self, byte: u8) -> usize {
        match byte {
            ESCAPE => self.begin(State::Tmux),
            b'\\' => self.begin(State::Ground),
            // Not what tmux would take: a sequence of its own.
            _ => {
                self.begin(State::Escape);
                return 0;
            }
        }
        1
    }

    /// Takes a byte of an escape or control sequence.
    fn sequence(&mut self, screen: &mut Screen, byte: u8) {
        match byte {
            ESCAPE => self.begin(State::Escape),
            CANCEL | SUBSTITUTE => self.begin(State::Ground),
            // Anything else below a blank takes effect at once.
            0..=0x1f => screen.control(byte),
            DELETE | 0x80.. => {}
            0x20..=0x7e => {
                if self.kept.len() < MAX_SEQUENCE {
                    self.kept.push(byte);
                }
                if self.state == State::Escape {
                    self.escape(screen, byte);
                } else if byte >= 0x40 {
                    self.state = State::Ground;
                    let kept = std::mem::take(&mut self.kept);
                    if let Some((&end, body)) = kept.split_last()
                        && kept.len() < MAX_SEQUENCE
                    {
                        screen.control_sequence(body, end);
                    }
                }
            }
        }
    }

    fn escape(&mut self, screen: &mut Screen, byte: u8) {
        let first = self.kept.len() == 1;
        match byte {
            0x20..=0x2f => {}
            b'[' if first => self.begin(State::Csi),
            b']' if first => self.begin(State::Osc),
            b'X' | b'^' | b'_' if first => self.begin(State::Text),
            b'k' if first && screen.screen_titles => self.begin(State::Text),
            b'P' if first => self.begin(State::Device),
            _ => {
                self.state = State::Ground;
                let kept = std::mem::take(&mut self.kept);
                if let Some((&end, intermediates)) = kept.split_last() {
                    screen.escape_sequence(intermediates, end);
                }
            }
        }
    }
}

/// Returns whether those bytes can be the beginning of a sequence whose last byte is beyond `most`.
fn is_sequence(bytes: &[u8], most: u8) -> bool {
    bytes.len() <= MAX_SEQUENCE && bytes.iter().all(|byte| (0x20..=most).contains(byte))
}

/// Returns how many bytes follow the first one of a character.
fn following(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => 0,
    }
}

/// Returns whether those bytes can be the beginning of a character in a control string.
fn is_unfinished(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [first, rest @ ..] => {
            rest.len() < following(*first) && rest.iter().all(|byte| matches!(byte, 0x80..=0xbf))
        }
    }
}

/// Returns whether those bytes can become a character.
fn is_beginning(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
}

/// Returns the length of the printable ASCII that `bytes` begins with.
fn printable(bytes: &[u8]) -> usize {
    const STEP: usize = 16;
    let is_printable = |&byte: &u8| byte.wrapping_sub(0x20) < 0x5f;
    let mut length = 0;
    for chunk in bytes.chunks_exact(STEP) {
        // Without a branch for each byte, so that it becomes one comparison of sixteen.
        if !chunk.iter().fold(true, |all, byte| all & is_printable(byte)) {
            break;
        }
        length += STEP;
    }
    length + bytes[length..].iter().take_while(|byte| is_printable(byte)).count()
}
