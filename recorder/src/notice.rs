//! What the recorder itself shows on the person's terminal: little, and never in the recording. Pure.
//!
//! The prompt for a marker's label opens the alternate screen, and the terminal brings back what was
//! there. Where a full-screen program has that already, the prompt takes the last line, and the
//! program is made to draw itself anew.

use casemate_cast_format::{Micros, Size};
use memchr::memmem;

use crate::keys::{PASTE_BEGIN, PASTE_END, key_length};

/// Longest label that can be typed.
const LABEL_LIMIT: usize = 200;

/// Length of the longest sequence that is looked for.
const LONGEST: usize = b"\x1b[?1049h".len();

/// What is on the terminal.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    alternate_screen: bool,
    /// The end of the last output: a sequence may be cut in two.
    tail: Vec<u8>,
}

impl Notice {
    /// Follows the output, to know which screen is shown.
    pub(crate) fn saw(&mut self, bytes: &[u8]) {
        if !self.tail.is_empty() {
            // A sequence that was cut: its end is at the beginning of these bytes.
            let mut joined = std::mem::take(&mut self.tail);
            joined.extend_from_slice(&bytes[..bytes.len().min(LONGEST)]);
            self.scan(&joined);
            if bytes.len() < LONGEST {
                self.keep_tail(&joined);
                return;
            }
        }
        self.scan(bytes);
        self.keep_tail(bytes);
    }

    fn scan(&mut self, bytes: &[u8]) {
        for at in memmem::find_iter(bytes, b"\x1b[?") {
            for mode in [&b"1049"[..], b"1047", b"47"] {
                match bytes[at + 3..].strip_prefix(mode).and_then(<[u8]>::first) {
                    Some(b'h') => self.alternate_screen = true,
                    Some(b'l') => self.alternate_screen = false,
                    _ => {}
                }
            }
        }
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        let end = &bytes[bytes.len().saturating_sub(LONGEST - 1)..];
        self.tail.clear();
        if let Some(escape) = memchr::memrchr(0x1b, end) {
            self.tail.extend_from_slice(&end[escape..]);
        }
    }

    pub(crate) fn alternate_screen(&self) -> bool {
        self.alternate_screen
    }

    /// Says in the corner that nothing is recorded.
    pub(crate) fn paused(size: Size) -> Vec<u8> {
        corner(size, &format!("\x1b[0;7m{PAUSED}"))
    }

    /// Takes that back.
    pub(crate) fn resumed(size: Size) -> Vec<u8> {
        corner(size, &format!("\x1b[0m{}", " ".repeat(PAUSED.len())))
    }
}

const PAUSED: &str = " not recording ";

/// Writes into the upper right corner and leaves the cursor where it was.
fn corner(size: Size, text: &str) -> Vec<u8> {
    let room = u32::try_from(PAUSED.len()).unwrap_or(0);
    let column = size.cols.saturating_sub(room).max(1);
    format!("\x1b7\x1b[1;{column}H{text}\x1b[0m\x1b8").into()
}

/// Asks for the label of a marker.
#[derive(Debug)]
pub(crate) struct LabelPrompt {
    label: String,
    /// Bytes of a character that is not complete.
    held: Vec<u8>,
    size: Size,
    over_program: bool,
    asked_at: Micros,
    /// Line ends in a paste are text.
    in_paste: bool,
}

pub(crate) enum PromptStep {
    /// More keys, please.
    Open,
    /// Enter, or nothing if it was called off.
    Done(Option<String>),
}

impl LabelPrompt {
    pub(crate) fn new(size: Size, over_program: bool, asked_at: Micros) -> Self {
        Self { label: String::new(), held: Vec::new(), size, over_program, asked_at, in_paste: false }
    }

    /// When the marker was asked for: that is the moment that it marks.
    pub(crate) fn asked_at(&self) -> Micros {
        self.asked_at
    }

    pub(crate) fn opening(&self) -> Vec<u8> {
        let mut shown: Vec<u8> =
            if self.over_program { b"\x1b7".into() } else { b"\x1b7\x1b[?1049h\x1b[2J".into() };
        shown.extend(self.draw());
        shown
    }

    pub(crate) fn draw(&self) -> Vec<u8> {
        let row = self.size.rows.max(1);
        let room = usize::try_from(self.size.cols).unwrap_or(80).saturating_sub(16).max(8);
        let skipped = self.label.chars().count().saturating_sub(room);
        let shown: String = self.label.chars().skip(skipped).collect();
        format!("\x1b[{row};1H\x1b[0;7m\x1b[2K marker label: {shown}\x1b[0m").into()
    }

    pub(crate) fn closing(&self) -> Vec<u8> {
        if self.over_program { b"\x1b[0m\x1b8".into() } else { b"\x1b[?1049l\x1b8".into() }
    }

    /// Whether the program must draw itself anew.
    pub(crate) fn leaves_a_trace(&self) -> bool {
        self.over_program
    }

    /// Takes keys; says how many of the bytes it used.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> (PromptStep, usize) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            at += 1;
            match byte {
                b'\r' | b'\n' if self.in_paste => self.label.push(' '),
                b'\r' | b'\n' => return (PromptStep::Done(Some(std::mem::take(&mut self.label))), at),
                // Escape alone and Ctrl-C call it off; arrows and their like mean nothing here.
                0x1b if rest.len() > 1 => {
                    let key = &rest[..key_length(rest)];
                    self.in_paste = key == PASTE_BEGIN || (self.in_paste && key != PASTE_END);
                    at += key.len() - 1;
                }
                0x1b | 0x03 => return (PromptStep::Done(None), at),
                0x08 | 0x7f => _ = self.label.pop(),
                0x15 => self.label.clear(),
                0x00..0x20 => {}
                _ => {
                    self.held.push(byte);
                    match std::str::from_utf8(&self.held) {
                        Ok(text) if self.label.len() + text.len() <= LABEL_LIMIT => self.label.push_str(text),
                        Err(error) if error.error_len().is_none() => continue,
                        Ok(_) | Err(_) => {}
                    }
                    self.held.clear();
                }
            }
        }
        (PromptStep::Open, bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{LabelPrompt, Notice, PromptStep};
    use casemate_cast_format::{Micros, Size};

    #[test]
    fn the_alternate_screen_is_followed_across_any_cut() {
        let stream = b"a\x1b[31m\x1b[?1049hvim\x1b[?25l\x1b[?1049l$ \x1b[?47h";
        for step in 1..stream.len() {
            let mut notice = Notice::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(step) {
                notice.saw(piece);
                seen.push(notice.alternate_screen());
            }
            assert_eq!(seen.last(), Some(&true), "in steps of {step}");
            if step < 8 {
                seen.dedup();
                assert_eq!(seen, [false, true, false, true], "in steps of {step}");
            }
        }
    }

    #[test]
    fn a_label_is_typed_and_corrected() {
        let mut prompt = LabelPrompt::new(Size { cols: 80, rows: 24 }, false, Micros(0));
        assert!(matches!(prompt.feed("de\u{e9}".as_bytes()), (PromptStep::Open, 4)));
        let (step, used) = prompt.feed(b"\x7f\x7feploy\rls");
        assert_eq!(used, 8);
        assert!(matches!(step, PromptStep::Done(Some(label)) if label == "deploy"));
        let mut prompt = LabelPrompt::new(Size { cols: 80, rows: 24 }, false, Micros(0));
        assert!(matches!(prompt.feed(b"x\x1b"), (PromptStep::Done(None), 2)));
    }

    #[test]
    fn a_paste_is_one_label() {
        let mut prompt = LabelPrompt::new(Size { cols: 80, rows: 24 }, false, Micros(0));
        assert!(matches!(prompt.feed(b"\x1b[D\x1b[200~a\nb\n"), (PromptStep::Open, 13)));
        let (step, used) = prompt.feed(b"c\x1b[201~\rls");
        assert_eq!(used, 8);
        assert!(matches!(step, PromptStep::Done(Some(label)) if label == "a b c"));
    }
}
