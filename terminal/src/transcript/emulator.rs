//! What the tokens of the output do: which go to the primary screen, and which write it out.

use super::primary::Primary;
use super::tokens::Token;

/// The terminal, as far as its text goes.
pub(crate) struct Emulator {
    pub(crate) screen: Primary,
    /// Whether the alternate screen is shown, which is not emulated.
    alternate: bool,
    /// Whether the cursor has just been sent home.
    home: bool,
    /// Whether anything may have been shown since the screen was last written out and erased.
    pub(crate) used: bool,
}

impl Emulator {
    pub(crate) fn new(screen: Primary) -> Self {
        Self { screen, alternate: false, home: false, used: true }
    }

    /// Returns whether lines end up on the screen one below the other.
    pub(crate) fn is_simple(&self) -> bool {
        !self.alternate && self.screen.is_simple()
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.resize(columns, rows);
        self.home = false;
    }

    /// Writes out what is on the primary screen, and ends the text there.
    pub(crate) fn write_screen(&mut self) {
        if std::mem::take(&mut self.used) {
            self.screen.write_rows();
        }
        self.screen.end_text();
    }

    pub(crate) fn token(&mut self, token: Token<'_>) {
        let home = std::mem::take(&mut self.home);
        match token {
            Token::Text(text) if !self.alternate => {
                self.used = true;
                self.screen.process(text.as_bytes());
            }
            Token::Control(control) if !self.alternate => self.screen.process(&[control]),
            Token::Text(_) | Token::Control(_) => {}
            Token::Escape(sequence) => self.escape(sequence),
            Token::ControlSequence(sequence) => self.control_sequence(sequence, home),
        }
    }

    fn escape(&mut self, sequence: &[u8]) {
        match sequence {
            b"\x1bc" => {
                self.write_screen();
                self.screen.process(sequence);
                self.alternate = false;
            }
            _ if self.alternate => {}
            // DECALN fills the screen.
            b"\x1b#8" => {
                self.used = true;
                self.screen.process(sequence);
            }
            _ => self.screen.process(sequence),
        }
    }

    fn control_sequence(&mut self, sequence: &[u8], home: bool) {
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
            _ if !is_plain(body) => self.screen.process(sequence),
            (_, b'J') => self.erase_display(sequence, body, home),
            (_, b'b') => {
                self.used = true;
                self.screen.process(sequence);
            }
            (_, b'H' | b'f') => {
                self.screen.process(sequence);
                self.home = self.screen.cursor() == (0, 0);
            }
            _ => self.screen.process(sequence),
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
        self.screen.process(sequence);
    }

    /// Takes DECSET and DECRST.
    fn modes(&mut self, modes: &[u8], on: bool) {
        for mode in parameters(modes) {
            match mode {
                // The cursor of the primary screen stays where it is, which is what 1049 asks for.
                47 | 1047 | 1049 => self.alternate = on,
                _ if self.alternate => {}
                6 | 7 | 1048 => {
                    let end = if on { 'h' } else { 'l' };
                    self.screen.process(format!("\x1b[?{mode}{end}").as_bytes());
                }
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
