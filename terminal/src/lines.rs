//! Lines of text on their way out.
//!
//! Blanks at the end of a line and blank lines at the end of the text are held back, as mere counts, until
//! something follows them; so trailing ones are cut in constant memory, however long a line is.

/// Shown in place of a character that was not valid; `vt100` draws no U+FFFD, so this one stands in for it.
pub(crate) const REPLACEMENT: char = '\u{10FFFF}';

/// Fills the last column where a wide character did not fit, so that `vt100` sees the row as wrapped; never
/// written out.
pub(crate) const FILLER: char = '\u{10FFFE}';

/// The first byte of both stand-ins in UTF-8.
const STAND_IN_BYTE: u8 = 0xF4;

/// Collects text, without blanks at the end of lines and without blank lines at the end.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The text so far; swapped with the caller's buffer while bytes are fed.
    pub(crate) output: Vec<u8>,
    newlines: usize,
    blanks: usize,
    open: bool,
}

impl Lines {
    /// Adds text in which `\n` ends a line.
    pub(crate) fn write(&mut self, text: &str) {
        for (index, segment) in text.split('\n').enumerate() {
            if index > 0 {
                self.end_line();
            }
            if segment.as_bytes().contains(&STAND_IN_BYTE) {
                let shown: String = segment.chars().filter_map(without_stand_in).collect();
                self.push(shown.as_bytes());
            } else {
                self.push(segment.as_bytes());
            }
        }
    }

    /// Adds a piece of a line.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let content = piece.trim_ascii_end();
        if !content.is_empty() {
            self.output.resize(self.output.len() + self.newlines, b'\n');
            self.output.resize(self.output.len() + self.blanks, b' ');
            self.output.extend_from_slice(content);
            self.newlines = 0;
            self.blanks = 0;
            self.open = true;
        }
        self.blanks = self.blanks.saturating_add(piece.len() - content.len());
    }

    /// Ends the line.
    pub(crate) fn end_line(&mut self) {
        self.newlines = self.newlines.saturating_add(1);
        self.blanks = 0;
    }

    /// Ends the text so far: the last line gets its end, blank lines after it are dropped.
    pub(crate) fn end_text(&mut self) {
        if self.open {
            self.output.push(b'\n');
        }
        self.open = false;
        self.newlines = 0;
        self.blanks = 0;
    }
}

/// What is written out for a character on the screen.
fn without_stand_in(character: char) -> Option<char> {
    match character {
        REPLACEMENT => Some(char::REPLACEMENT_CHARACTER),
        FILLER => None,
        other => Some(other),
    }
}
