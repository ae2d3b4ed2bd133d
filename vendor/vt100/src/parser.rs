//! The parser and the screen that it draws on.

use crate::keyframe::{self, KeyframeError};
use crate::parse::{Machine, State};
use crate::screen::Screen;

/// Where in a stream a byte stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Outside of all that follows; a character is printed.
    Ground,
    /// In an escape or control sequence, or in a character.
    Sequence,
    /// In a control string.
    String,
}

/// A parser for terminal output which produces an in-memory representation of the terminal contents.
#[derive(Debug)]
pub struct Parser {
    machine: Machine,
    screen: Screen,
}

impl Parser {
    /// Creates a new terminal parser of the given size and with the given amount of scrollback.
    ///
    /// The scrollback also holds at most 512 times as many cells as rows.
    #[must_use]
    pub fn new(rows: u16, cols: u16, scrollback_capacity: usize) -> Self {
        Self { machine: Machine::default(), screen: Screen::new(cols, rows, scrollback_capacity) }
    }

    /// Creates a parser that keeps all rows that scroll off the primary screen until [`Screen::take_gone`] takes them.
    #[must_use]
    pub fn with_rows_taken(rows: u16, cols: u16) -> Self {
        let mut parser = Self::new(rows, cols, 0);
        parser.screen.gone = Some(Vec::new());
        parser
    }

    /// Creates a parser that also keeps those that fall out between margins or off the alternate screen.
    #[must_use]
    pub fn with_all_rows_taken(rows: u16, cols: u16) -> Self {
        let mut parser = Self::with_rows_taken(rows, cols);
        parser.screen.keeps_lost = true;
        parser
    }

    /// Returns whether the next byte begins something new: it is amid no character and no sequence.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.machine.is_between()
    }

    /// Processes the contents of the given byte string, and updates the in-memory terminal state.
    pub fn process(&mut self, bytes: &[u8]) {
        self.machine.advance(&mut self.screen, bytes);
    }

    /// Returns the terminal state.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Returns the terminal state, to be changed.
    #[must_use]
    pub fn screen_mut(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Returns whether what was processed ends within a character or a sequence.
    #[must_use]
    pub fn is_amid_sequence(&self) -> bool {
        !self.machine.is_settled()
    }

    /// Returns where in the stream the next byte stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.machine.state {
            State::Ground if self.machine.kept.is_empty() => Place::Ground,
            State::Ground | State::Escape | State::Csi => Place::Sequence,
            State::Osc | State::Text | State::Device | State::Tmux | State::TmuxEscape => Place::String,
        }
    }

    /// Returns the sequence or character that has begun and not ended, as output that begins it again. Of a control
    /// string only the beginning is known.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        self.machine.pending()
    }

    /// Returns the state of screen and parser as bytes, all but the scrollback.
    #[must_use]
    pub fn keyframe(&self) -> Vec<u8> {
        keyframe::encode(&self.screen, &self.machine)
    }

    /// Takes on the state in a keyframe, if `accept` agrees to the columns and rows in it. The scrollback is empty then.
    ///
    /// # Errors
    ///
    /// Returns an error, and changes nothing, if the bytes are no keyframe.
    pub fn restore(
        &mut self,
        keyframe: &[u8],
        accept: impl FnOnce(u16, u16) -> bool,
    ) -> Result<(), KeyframeError> {
        let (mut screen, machine) = keyframe::decode(keyframe, self.screen.capacity, accept)?;
        screen.gone = self.screen.gone.take();
        screen.keeps_lost = self.screen.keeps_lost;
        self.screen = screen;
        self.machine = machine;
        Ok(())
    }
}
