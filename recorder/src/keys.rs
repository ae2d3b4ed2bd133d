//! The recorder's own keys: a prefix, then a letter. Pure.
//!
//! The prefix is found wherever it stands in what was typed, but not inside a bracketed paste,
//! where it is text. Terminals that report keys as `CSI u` sequences are understood as well.

/// Ctrl-\, which shells make little use of.
pub const DEFAULT_PREFIX: u8 = 0x1c;

/// What a person asks of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Pause, or go on.
    Pause,
    /// Set a marker.
    Marker,
    /// End the recording.
    Stop,
}

/// What becomes of a piece of input.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// It goes to the session.
    Forward(&'a [u8]),
    /// It was for the recorder.
    Command(Command),
}

/// Tells the recorder's own keys from what the session is to receive.
#[derive(Debug)]
pub struct Keys {
    prefix: Option<u8>,
    /// How a terminal with the kitty keyboard protocol reports the prefix.
    reported: Vec<u8>,
    after_prefix: bool,
    in_paste: bool,
    /// How much of the sequence that begins or ends a paste was seen.
    bracket: usize,
}

/// Begins a bracketed paste.
pub(crate) const PASTE_BEGIN: &[u8] = b"\x1b[200~";
/// Ends it.
pub(crate) const PASTE_END: &[u8] = b"\x1b[201~";

impl Keys {
    /// With a control character as the prefix, or none at all.
    pub fn new(prefix: Option<u8>) -> Self {
        let key = prefix.map_or(0, |prefix| (prefix | 0x40).to_ascii_lowercase());
        Self {
            prefix,
            reported: format!("\x1b[{key};5u").into(),
            after_prefix: false,
            in_paste: false,
            bracket: 0,
        }
    }

    /// Sorts what was typed, up to a command: says how many bytes are sorted, for what follows a
    /// command may not be the session's.
    #[must_use = "what is not sorted is typed all the same"]
    pub fn feed<'a>(&mut self, bytes: &'a [u8], mut emit: impl FnMut(Piece<'a>)) -> usize {
        let Some(prefix) = self.prefix else {
            emit(Piece::Forward(bytes));
            return bytes.len();
        };
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            let rest = &bytes[at..];
            self.follow_paste(rest[0]);
            if self.in_paste {
                at += 1;
                continue;
            }
            let is_reported = rest.starts_with(&self.reported);
            let is_prefix = is_reported || rest[0] == prefix;
            let is_paste = rest.starts_with(PASTE_BEGIN);
            let length = if is_reported || (self.after_prefix && !is_paste) { key_length(rest) } else { 1 };
            if std::mem::take(&mut self.after_prefix) && !is_paste {
                start = at + length;
                match rest[0].to_ascii_lowercase() {
                    _ if is_prefix => emit(Piece::Forward(&rest[..length])),
                    b'p' | b'm' | b'q' => {
                        emit(Piece::Command(match rest[0].to_ascii_lowercase() {
                            b'p' => Command::Pause,
                            b'm' => Command::Marker,
                            _ => Command::Stop,
                        }));
                        return at + length;
                    }
                    // Any other key takes the prefix back, and is not forwarded either.
                    _ => {}
                }
            } else if is_prefix {
                if start < at {
                    emit(Piece::Forward(&bytes[start..at]));
                }
                start = at + length;
                self.after_prefix = true;
            }
            at += length;
        }
        if start < bytes.len() {
            emit(Piece::Forward(&bytes[start..]));
        }
        bytes.len()
    }

    /// Sorts all of what was typed, commands included.
    pub fn feed_all<'a>(&mut self, bytes: &'a [u8], mut emit: impl FnMut(Piece<'a>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.feed(rest, &mut emit)..];
        }
    }

    fn follow_paste(&mut self, byte: u8) {
        let bracket = if self.in_paste { PASTE_END } else { PASTE_BEGIN };
        self.bracket = match byte {
            _ if byte == bracket[self.bracket] => self.bracket + 1,
            0x1b => 1,
            _ => 0,
        };
        if self.bracket == bracket.len() {
            self.bracket = 0;
            self.in_paste = !self.in_paste;
        }
    }
}

/// How many of the bytes are the first key: a character, an arrow, Alt and a letter.
pub(crate) fn key_length(bytes: &[u8]) -> usize {
    let length = match bytes {
        [0x1b, b'[', rest @ ..] => {
            let parameters = rest.iter().take_while(|byte| matches!(byte, 0x20..0x40)).count();
            2 + parameters + 1
        }
        [0x1b, b'O', ..] => 3,
        [0x1b, ..] => 2,
        _ => (1..=4)
            .find(|&end| bytes.get(..end).is_some_and(|key| std::str::from_utf8(key).is_ok()))
            .unwrap_or(1),
    };
    length.min(bytes.len())
}

/// Reads a key as people write it: `C-a`, `^a`, `none`.
pub fn parse_prefix(text: &str) -> Option<Option<u8>> {
    if text.is_empty() || text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let key = ["C-", "c-", "C+", "c+", "^"].iter().find_map(|control| text.strip_prefix(control))?;
    match key.as_bytes() {
        [key] if matches!(key.to_ascii_uppercase(), b'@'..=b'_') => {
            Some(Some(key.to_ascii_uppercase() & 0x1f))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_PREFIX, Keys, Piece, parse_prefix};

    #[track_caller]
    fn check(input: &[u8], expected: &str) {
        for step in [input.len(), 1] {
            let mut keys = Keys::new(Some(DEFAULT_PREFIX));
            let mut shown = String::new();
            for piece in input.chunks(step) {
                keys.feed_all(piece, |piece| match piece {
                    Piece::Forward(bytes) => shown += &String::from_utf8_lossy(bytes),
                    Piece::Command(command) => shown += &format!("<{command:?}>"),
                });
            }
            assert_eq!(shown, expected, "in steps of {step}");
        }
    }

    #[test]
    fn the_prefix_is_found_in_the_middle() {
        check(b"ab\x1cpcd\x1cme\x1c\x1cf\x1cxg\x1cq", "ab<Pause>cd<Marker>e\x1cfg<Stop>");
    }

    #[test]
    fn any_other_key_takes_the_prefix_back_as_a_whole() {
        let mut keys = Keys::new(Some(DEFAULT_PREFIX));
        let mut shown = String::new();
        for piece in ["\x1c\x1b[Ax", "\x1céx", "\x1c\x1bOPx", "\x1c\x1b[200~p\x1cq\x1b[201~"] {
            keys.feed_all(piece.as_bytes(), |piece| match piece {
                Piece::Forward(bytes) => shown += &String::from_utf8_lossy(bytes),
                Piece::Command(command) => shown += &format!("<{command:?}>"),
            });
        }
        assert_eq!(shown, "xxx\x1b[200~p\x1cq\x1b[201~");
    }

    #[test]
    fn a_reported_prefix_is_one_too() {
        let mut keys = Keys::new(Some(DEFAULT_PREFIX));
        let mut pieces = Vec::new();
        keys.feed_all(b"a\x1b[92;5up", |piece| pieces.push(format!("{piece:?}")));
        assert_eq!(pieces, ["Forward([97])", "Command(Pause)"]);
    }

    #[test]
    fn a_paste_is_text() {
        check(b"\x1b[200~a\x1cpb\x1b[201~\x1cp", "\x1b[200~a\x1cpb\x1b[201~<Pause>");
        check(
            b"\x1b[20\x1b[200~\x1cm\x1b[201\x1b[201~\x1cm",
            "\x1b[20\x1b[200~\x1cm\x1b[201\x1b[201~<Marker>",
        );
    }

    #[test]
    fn keys_are_written_as_people_do() {
        assert_eq!(parse_prefix("C-\\"), Some(Some(0x1c)));
        assert_eq!(parse_prefix("^a"), Some(Some(1)));
        assert_eq!(parse_prefix("none"), Some(None));
        assert_eq!(parse_prefix("x"), None);
        assert_eq!(parse_prefix("C-é"), None);
    }
}
