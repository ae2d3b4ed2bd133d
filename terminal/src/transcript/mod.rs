//! The text of a session: every line that was ever on the primary screen, once.

mod emulator;
mod lines;
mod primary;
#[cfg(test)]
mod tests;
mod tokens;

use crate::plain::{Piece, for_each_piece, head_length, last_character, plain_lines, tail_length};
use crate::vt100_screen::{NEW_LINES, NO_TERMINAL, sensible_size};
use emulator::Emulator;
use primary::Primary;
use tokens::Tokens;

/// How much input is gathered before it is looked at: long stretches of plain lines need no emulator.
const GATHERED: usize = 64 * 1024;

/// Turns the output of a terminal into plain text, line by line.
///
/// Lines are written when they scroll off the screen, when the screen is cleared (ED 2, RIS, or ED 0 right
/// after the cursor went home, which is how `clear` works without a scrollback), and at the end. Wrapped rows
/// are joined, blanks at the end of lines are cut. The alternate screen leaves nothing. ED 3 clears only the
/// scrollback, all of which is written already.
///
/// Memory is bounded: the screen, and up to 64 KiB of input that waits for more.
pub struct Transcript {
    gathered: Vec<u8>,
    tokens: Tokens,
    emulator: Emulator,
    /// Whether long stretches of plain lines go past the emulator; only tests turn it off.
    pub(crate) fast: bool,
    /// How much input is gathered; only tests make it less than [`GATHERED`].
    pub(crate) limit: usize,
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Transcript").finish_non_exhaustive()
    }
}

impl Transcript {
    /// Begins a transcript on a blank screen. A size of 0 stands for one that is not known.
    #[must_use]
    pub fn new(columns: u16, rows: u16) -> Self {
        let (columns, rows) = sensible_size(columns, rows);
        Self {
            gathered: Vec::new(),
            tokens: Tokens::default(),
            emulator: Emulator::new(Primary::new(columns, rows)),
            fast: true,
            limit: GATHERED,
        }
    }

    /// Makes it read as the terminal does that `TERM` names, as [`crate::Vt100Screen::for_term`] says; to be called first.
    pub fn suit(&mut self, term: &str) {
        if term == NO_TERMINAL {
            self.gathered.extend_from_slice(NEW_LINES);
        }
    }

    /// Takes output of the terminal, and appends the text that has become final to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for piece in bytes.chunks(self.limit) {
            self.gathered.extend_from_slice(piece);
            if self.gathered.len() >= self.limit {
                self.process(out);
            }
        }
    }

    /// Changes the size of the terminal; text that no longer fits is appended to `out`.
    pub fn resize(&mut self, columns: u16, rows: u16, out: &mut Vec<u8>) {
        let (columns, rows) = sensible_size(columns, rows);
        if (columns, rows) == (self.emulator.screen.columns, self.emulator.screen.rows) {
            return;
        }
        self.process(out);
        self.with_output(out, |this| this.emulator.resize(columns, rows));
    }

    /// Ends the transcript: what is still on the screen is appended to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.process(out);
        self.with_output(out, |this| {
            if !this.gathered.is_empty() {
                this.text("\u{FFFD}");
            }
            this.emulator.write_screen();
        });
    }

    fn with_output(&mut self, out: &mut Vec<u8>, work: impl FnOnce(&mut Self)) {
        std::mem::swap(&mut self.emulator.screen.lines.output, out);
        work(self);
        std::mem::swap(&mut self.emulator.screen.lines.output, out);
    }

    /// Processes what was gathered, except for a character that is cut at the end.
    fn process(&mut self, out: &mut Vec<u8>) {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.with_output(out, |this| {
            let mut rest = gathered.as_slice();
            loop {
                let error = match std::str::from_utf8(rest) {
                    Ok(text) => {
                        this.text(text);
                        rest = &[];
                        break;
                    }
                    Err(error) => error,
                };
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                this.text(std::str::from_utf8(valid).expect("valid up to here"));
                rest = invalid;
                let Some(length) = error.error_len() else { break };
                this.text("\u{FFFD}");
                rest = &rest[length..];
            }
            let processed = gathered.len() - rest.len();
            gathered.drain(..processed);
        });
        self.gathered = gathered;
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let mut length = 0;
            if self.fast && self.tokens.is_ground() {
                let plain = plain_lines(rest.as_bytes(), self.emulator.screen.columns);
                if plain.count > 3 * usize::from(self.emulator.screen.rows) && self.emulator.is_simple() {
                    self.plain(&rest[..plain.length]);
                    rest = &rest[plain.length..];
                    continue;
                }
                length = plain.length;
            }
            // What is not plain is, at least, the line that follows.
            length += rest.as_bytes()[length..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(rest.len() - length, |position| position + 1);
            self.scan(&rest[..length]);
            rest = &rest[length..];
        }
    }

    fn scan(&mut self, text: &str) {
        let emulator = &mut self.emulator;
        self.tokens.scan(text, |token| emulator.token(token));
    }

    /// Takes plain lines, more than two screens of them. The emulator gets one screen of them, so that it
    /// scrolls and the cursor is in a fresh last row. Then the screen is written, and all lines but those of the
    /// last screen, which the emulator gets again.
    fn plain(&mut self, lines: &str) {
        let rows = usize::from(self.emulator.screen.rows);
        let (head, rest) = lines.split_at(head_length(lines.as_bytes(), rows));
        self.scan(head);
        let (middle, tail) = rest.split_at(rest.len() - tail_length(rest.as_bytes(), rows));
        self.emulator.used = true;
        self.emulator.screen.write_rows();
        let lines = &mut self.emulator.screen.lines;
        for_each_piece(middle, |piece| match piece {
            Piece::Text(text) | Piece::Gap(text) => lines.push(text.as_bytes()),
            Piece::End => lines.end_line(),
        });
        // What comes next may repeat a character that the emulator has not seen.
        if last_character(tail).is_none()
            && let Some(last) = last_character(middle)
        {
            self.emulator.screen.note_printed(last);
        }
        // The last row is where the next line begins: it is not among those written already.
        self.emulator.screen.ignored = rows - 1;
        self.scan(tail);
    }
}
