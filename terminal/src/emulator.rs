//! What the tokens of the output do: which go to the primary screen, and which write it out.

use crate::scanner::Token;
use crate::screen::Screen;

/// The terminal, as far as its text goes.
pub(crate) struct Emulator {
    pub(crate) screen: Screen,
    /// Whether the alternate screen is shown, which is not emulated.
    alternate: bool,
    /// Whether there may be a scroll region smaller than the screen.
    margins: bool,
    /// Whether the cursor has just been sent home.
    home: bool,
    /// The character shown last, if nothing but text came since.
    last: Option<char>,
    /// Whether anything may have been shown since the screen was last written out and erased.
    pub(crate) used: bool,
}

impl Emulator {
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, alternate: false, margins: false, home: false, last: None, used: true }
    }

    /// Returns whether lines end up on the screen one below the other.
    pub(crate) fn is_simple(&self) -> bool {
        !self.alternate && !self.margins && self.screen.wraps
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.resize(columns, rows);
        self.margins = false;
        self.home = false;
    }

    /// Writes out what is on the primary screen, and ends the text there.
    pub(crate) fn write_screen(&mut self) {
        if std::mem::take(&mut self.used) {
            self.screen.write_rows();
        }
        self.screen.scrolled().end_text();
    }

    pub(crate) fn token(&mut self, token: Token<'_>) {
        let home = std::mem::take(&mut self.home);
        let last = self.last.take();
        match token {
            Token::Text(text) if !self.alternate => {
                self.used = true;
                self.last = text.chars().next_back();
                self.screen.text(text);
            }
            Token::Control(control) if !self.alternate => self.screen.control(&[control]),
            Token::Text(_) | Token::Control(_) => {}
            Token::Escape(sequence) => self.escape(sequence),
            Token::ControlSequence(sequence) => self.control_sequence(sequence, home, last),
        }
    }

    fn escape(&mut self, sequence: &[u8]) {
        match sequence {
            b"\x1bc" => {
                self.write_screen();
                self.screen.control(sequence);
                self.screen.wraps = true;
                self.alternate = false;
                self.margins = false;
            }
            _ if self.alternate => {}
            b"\x1bD" => self.screen.control(b"\n"),
            b"\x1bE" => self.screen.control(b"\r\n"),
            _ => self.screen.control(sequence),
        }
    }

    fn control_sequence(&mut self, sequence: &[u8], home: bool, last: Option<char>) {
        // The scanner gives `ESC [` and a final byte at least.
        let [_, _, body @ .., end] = sequence else { return };
        match (body, end) {
            // Colours say nothing about the text, but may stand between others that do.
            (_, b'm') => self.home = home,
            ([b'?', modes @ ..], b'h' | b'l') => {
                self.home = home;
                self.modes(modes, *end == b'h');
            }
            _ if self.alternate => {}
            ([b'?', modes @ ..], b'J') if is_plain(modes) => self.erase_display(sequence, modes, home),
            // Private and other sequences that share a final byte with those below.
            _ if !is_plain(body) => self.screen.control(sequence),
            (_, b'J') => self.erase_display(sequence, body, home),
            (_, b'b') => {
                // A terminal repeats at most until the line is full; so does ncurses, which uses this.
                let count = parameters(body).next().unwrap_or(0).clamp(1, self.screen.columns);
                if let Some(character) = last {
                    self.used = true;
                    self.screen.text(&String::from(character).repeat(count.into()));
                }
            }
            ([], b's') => self.screen.control(b"\x1b7"),
            ([], b'u') => self.screen.control(b"\x1b8"),
            (_, b'r') => {
                let mut bounds = parameters(body);
                let top = bounds.next().unwrap_or(0);
                let bottom = bounds.next().unwrap_or(0);
                self.margins = top > 1 || (bottom != 0 && bottom < self.screen.rows);
                self.screen.control(sequence);
            }
            (_, b'H' | b'f') => {
                self.screen.control(sequence);
                self.home = self.screen.cursor() == (0, 0);
            }
            _ => self.screen.control(sequence),
        }
    }

    /// Takes ED, and writes the screen before all of it is erased.
    fn erase_display(&mut self, sequence: &[u8], body: &[u8], home: bool) {
        self.home = home;
        let (row, column) = self.screen.cursor();
        let erases_all = match parameters(body).next().unwrap_or(0) {
            0 => home,
            1 => row + 1 == self.screen.rows && column + 1 >= self.screen.columns,
            2 => true,
            _ => false,
        };
        if erases_all {
            self.write_screen();
        }
        self.screen.control(sequence);
    }

    /// Takes DECSET and DECRST.
    fn modes(&mut self, modes: &[u8], on: bool) {
        for mode in parameters(modes) {
            match mode {
                // The cursor of the primary screen stays where it is, which is what 1049 asks for.
                47 | 1047 | 1049 => self.alternate = on,
                _ if self.alternate => {}
                6 => self.screen.control(if on { b"\x1b[?6h" } else { b"\x1b[?6l" }),
                7 => self.screen.wraps = on,
                1048 => self.screen.control(if on { b"\x1b7" } else { b"\x1b8" }),
                _ => {}
            }
        }
    }
}

/// Returns whether the body of a control sequence holds numbers only.
fn is_plain(body: &[u8]) -> bool {
    body.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
}

/// Returns the numbers in the body of a control sequence; one that is missing is 0; subparameters are left out.
fn parameters(body: &[u8]) -> impl Iterator<Item = u16> {
    body.split(|&byte| byte == b';').map(|digits| {
        digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_u16, |number, &digit| number.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
    })
}
