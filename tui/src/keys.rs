//! Keys and the mouse, from the bytes that a terminal sends. Pure.
//!
//! *Invariants*: any cut of the bytes gives the same; what is not understood is passed over; of a sequence that does
//! not end no more than [`LONGEST`] bytes are kept. What is pasted is characters: the end of a line in it is a blank, so
//! that what stands behind it is not taken for keys.
//!
//! crossterm's reader is not used, because it never comes back once the terminal is gone (0.29: its loop goes on after
//! any error but two).

/// A longer sequence is none.
const LONGEST: usize = 64;

/// A terminal says so where a paste begins and ends.
const PASTE: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The left button went down, or was moved while down.
    Press {
        /// The column, from 0.
        col: u16,
        /// The row, from 0.
        row: u16,
        /// Whether it was down before.
        is_drag: bool,
    },
    /// The button went up.
    Release,
    /// The wheel, up or down.
    Wheel {
        /// Up, rather than down.
        is_up: bool,
    },
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Key {
    Char(char),
    Control(char),
    Enter,
    Escape,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    ShiftLeft,
    ShiftRight,
    Home,
    End,
    PageUp,
    PageDown,
    F1,
}

/// Makes input of bytes.
#[derive(Debug, Default)]
pub struct Keys {
    pending: Vec<u8>,
    is_pasting: bool,
}

enum Step {
    /// So many bytes are done with.
    Took(usize, Option<Input>),
    /// More bytes may follow.
    More,
}

impl Keys {
    /// Takes bytes.
    pub fn feed(&mut self, bytes: &[u8], take: &mut impl FnMut(Input)) {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        while at < self.pending.len() {
            match step(&self.pending[at..]) {
                Step::Took(bytes, input) => {
                    let taken = &self.pending[at..at + bytes];
                    match taken {
                        PASTE => self.is_pasting = true,
                        PASTE_END => self.is_pasting = false,
                        _ if self.is_pasting => input.and_then(pasted).into_iter().for_each(&mut *take),
                        _ => input.into_iter().for_each(&mut *take),
                    }
                    at += bytes;
                }
                Step::More if self.pending.len() - at > LONGEST => at = self.pending.len(),
                Step::More => break,
            }
        }
        self.pending.drain(..at);
    }

    /// Whether something has begun that may be whole already.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Nothing more has come for a while: what has begun was the Escape key, or nothing.
    pub fn settle(&mut self, take: &mut impl FnMut(Input)) {
        if self.pending.first() == Some(&0x1b) {
            if !self.is_pasting {
                take(Input::Key(Key::Escape));
            }
            // What follows it was typed by itself.
            let rest = self.pending.split_off(1);
            self.pending.clear();
            if !rest.is_empty() {
                self.feed(&rest, take);
            }
        }
        self.pending.clear();
    }
}

/// What is left of an input that was pasted. Whoever wants to end all can, should a paste never end.
fn pasted(input: Input) -> Option<Input> {
    match input {
        Input::Key(Key::Enter | Key::Tab) => Some(Input::Key(Key::Char(' '))),
        Input::Key(Key::Char(_) | Key::Control('c')) => Some(input),
        Input::Key(_) | Input::Press { .. } | Input::Release | Input::Wheel { .. } => None,
    }
}

fn step(bytes: &[u8]) -> Step {
    let key = |key| Step::Took(1, Some(Input::Key(key)));
    match bytes[0] {
        0x1b => escape(bytes),
        b'\r' | b'\n' => key(Key::Enter),
        b'\t' => key(Key::Tab),
        0x7f | 0x08 => key(Key::Backspace),
        control @ 1..=0x1a => key(Key::Control(char::from(control + b'a' - 1))),
        control @ 0x1c..=0x1f => key(Key::Control(char::from(control + b'A' - 1))),
        0 => key(Key::Control(' ')),
        ascii @ 0x20..=0x7e => key(Key::Char(char::from(ascii))),
        _ => character(bytes),
    }
}

fn character(bytes: &[u8]) -> Step {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Took(1, None),
    };
    let there = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(there) {
        Ok(text) => Step::Took(length, text.chars().next().map(|character| Input::Key(Key::Char(character)))),
        Err(error) if error.error_len().is_none() => Step::More,
        Err(_) => Step::Took(1, None),
    }
}

fn escape(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::More,
        Some(b'O') => match bytes.get(2) {
            None => Step::More,
            Some(last) => Step::Took(3, named(*last, false)),
        },
        Some(b'[') => {
            let Some(end) = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
                return Step::More;
            };
            let (parameters, last) = (&bytes[2..2 + end], bytes[2 + end]);
            // The Linux console says F1 to F5 so.
            if last == b'[' && parameters.is_empty() {
                return match bytes.get(3) {
                    None => Step::More,
                    Some(b'A') => Step::Took(4, Some(Input::Key(Key::F1))),
                    Some(_) => Step::Took(4, None),
                };
            }
            Step::Took(3 + end, sequence(parameters, last))
        }
        Some(_) => Step::Took(1, Some(Input::Key(Key::Escape))),
    }
}

fn sequence(parameters: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(mouse) = text.strip_prefix('<') {
        return mouse_event(mouse, last == b'M');
    }
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().unwrap_or(0));
    let first = numbers.next().unwrap_or(0);
    let is_shifted = numbers.next().is_some_and(|modifier| modifier.saturating_sub(1) & 1 == 1);
    if last == b'~' {
        let key = match first {
            1 | 7 => Key::Home,
            4 | 8 => Key::End,
            3 => Key::Delete,
            5 => Key::PageUp,
            6 => Key::PageDown,
            11 => Key::F1,
            _ => return None,
        };
        return Some(Input::Key(key));
    }
    named(last, is_shifted)
}

fn named(last: u8, is_shifted: bool) -> Option<Input> {
    let key = match (last, is_shifted) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', false) => Key::Right,
        (b'C', true) => Key::ShiftRight,
        (b'D', false) => Key::Left,
        (b'D', true) => Key::ShiftLeft,
        (b'H', _) => Key::Home,
        (b'F', _) => Key::End,
        (b'P', _) => Key::F1,
        (b'M', _) => Key::Enter,
        (b'Z', _) => Key::BackTab,
        _ => return None,
    };
    Some(Input::Key(key))
}

/// `BUTTON;COLUMN;ROW`, from 1.
fn mouse_event(text: &str, is_down: bool) -> Option<Input> {
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().ok());
    let (button, col, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let (col, row) = (col.checked_sub(1)?, row.checked_sub(1)?);
    // Held keys do not matter.
    match (button & !0b1_1100, is_down) {
        (0, true) => Some(Input::Press { col, row, is_drag: false }),
        (32, true) => Some(Input::Press { col, row, is_drag: true }),
        (0..=3, false) => Some(Input::Release),
        (64, _) => Some(Input::Wheel { is_up: true }),
        (65, _) => Some(Input::Wheel { is_up: false }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Input> {
        let (mut keys, mut inputs) = (Keys::default(), Vec::new());
        keys.feed(bytes, &mut |input| inputs.push(input));
        keys.settle(&mut |input| inputs.push(input));
        inputs
    }

    #[test]
    fn terminals_say_keys_in_many_ways() {
        for (bytes, key) in [
            (&b"q"[..], Key::Char('q')),
            ("é".as_bytes(), Key::Char('é')),
            (b"\x03", Key::Control('c')),
            (b"\r", Key::Enter),
            (b"\x1b", Key::Escape),
            (b"\x1b[D", Key::Left),
            (b"\x1bOD", Key::Left),
            (b"\x1b[1;2D", Key::ShiftLeft),
            (b"\x1b[1;2C", Key::ShiftRight),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[H", Key::Home),
            (b"\x1b[4~", Key::End),
            (b"\x1bOP", Key::F1),
            (b"\x1b[[A", Key::F1),
            (b"\x1b[Z", Key::BackTab),
        ] {
            assert_eq!(all(bytes), [Input::Key(key)], "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_pasted_is_no_keys() {
        let text: String = all(b"q\x1b[200~a\rq\x1b[A\x1b\x15\tb\x1b[201~\r")
            .into_iter()
            .map(|input| match input {
                Input::Key(Key::Char(character)) => character,
                Input::Key(Key::Enter) => '!',
                Input::Key(_) | Input::Press { .. } | Input::Release | Input::Wheel { .. } => '?',
            })
            .collect();
        assert_eq!(text, "qa q b!");
    }

    #[test]
    fn the_mouse_says_where_it_is() {
        let inputs = all(
            b"\x1b[<0;12;24M\x1b[<32;13;24M\x1b[<0;13;24m\x1b[<64;1;1M\x1b[<65;1;1M\x1b[<2;1;1M\x1b[<0;0;0M",
        );
        assert_eq!(
            inputs,
            [
                Input::Press { col: 11, row: 23, is_drag: false },
                Input::Press { col: 12, row: 23, is_drag: true },
                Input::Release,
                Input::Wheel { is_up: true },
                Input::Wheel { is_up: false },
            ]
        );
    }

    proptest! {
        #[test]
        fn any_cut_of_any_bytes_gives_the_same(
            pieces in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..4),
                    Just(b"\x1b[1;2D".to_vec()), Just(b"\x1b[<0;12;24M".to_vec()), Just("日".into()),
                    Just(PASTE.to_vec()), Just(PASTE_END.to_vec()), Just(b"\x1b".to_vec()),
                ],
                0..10,
            ),
            cut in 1..7_usize,
        ) {
            let bytes = pieces.concat();
            let whole = all(&bytes);
            let (mut keys, mut inputs) = (Keys::default(), Vec::new());
            for piece in bytes.chunks(cut) {
                keys.feed(piece, &mut |input| inputs.push(input));
                prop_assert!(keys.pending.len() <= LONGEST);
            }
            keys.settle(&mut |input| inputs.push(input));
            prop_assert_eq!(inputs, whole);
        }
    }
}
