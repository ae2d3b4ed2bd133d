//! The emulated screen on `vt100`, as patched in `vendor/vt100`.

use crate::line::{Line, style};
use crate::repaint::repaint;
use crate::screen::{KeyframeError, Position, Screen, Size, Style};

/// Size of a terminal that does not tell its own.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// The widest and the highest screen, and how many cells it may have; a cell takes 32 bytes.
const MAX_COLUMNS: u16 = 4096;
const MAX_ROWS: u16 = 1024;
const MAX_CELLS: u32 = 64 * 1024;

/// What stands for `TERM` where there was no terminal, whose driver would have put a carriage return before each line
/// feed.
pub const NO_TERMINAL: &str = "no terminal";

/// A line feed is a new line (LNM).
pub(crate) const NEW_LINES: &[u8] = b"\x1b[20h";

/// An emulated screen.
///
/// Memory is bounded: the screens, and as much scrollback as was asked for.
#[derive(Debug)]
pub struct Vt100Screen {
    parser: vt100::Parser,
}

impl Vt100Screen {
    /// Makes a blank screen that keeps that many of the lines that scroll off, or less if they are very long: a line
    /// counts 16 KiB at most. A size of 0 stands for one that is not known.
    #[must_use]
    pub fn new(cols: u16, rows: u16, scrollback_lines: usize) -> Self {
        let (cols, rows) = sensible_size(cols, rows);
        Self { parser: vt100::Parser::new(rows, cols, scrollback_lines) }
    }

    /// Makes it behave as the terminal that `TERM` names, where that matters: screen and tmux take `ESC k` as the
    /// beginning of a title, which others show as text. Where it is [`NO_TERMINAL`], a line ends with a line feed alone.
    #[must_use]
    pub fn for_term(mut self, term: &str) -> Self {
        suit(&mut self.parser, term);
        self
    }

    /// Whether the cursor is where no movement can bring it: rows are counted from the top margin (DECOM), and it is
    /// outside of the margins.
    pub(crate) fn has_cursor_beyond_margins(&self) -> bool {
        let settings = self.parser.screen().settings();
        let row = self.cursor().row;
        settings.origin && settings.margins.is_some_and(|(top, bottom)| !(top..=bottom).contains(&row))
    }

    /// Returns whether pastes are bracketed (DEC private mode 2004).
    #[must_use]
    pub fn is_paste_bracketed(&self) -> bool {
        self.parser.screen().bracketed_paste()
    }
}

impl Screen for Vt100Screen {
    fn feed(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    fn resize(&mut self, cols: u16, rows: u16) {
        let (cols, rows) = sensible_size(cols, rows);
        if self.size() != (Size { cols, rows }) {
            self.parser.screen_mut().set_size(rows, cols);
        }
    }

    fn rest(&mut self) {
        self.parser.screen_mut().rest();
    }

    fn size(&self) -> Size {
        let (rows, cols) = self.parser.screen().size();
        Size { cols, rows }
    }

    fn cursor(&self) -> Position {
        let (row, col) = self.parser.screen().cursor_position();
        Position { row, col }
    }

    fn is_cursor_hidden(&self) -> bool {
        self.parser.screen().hide_cursor()
    }

    fn is_alternate(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    fn is_application_cursor(&self) -> bool {
        self.parser.screen().application_cursor()
    }

    fn scrolls_whole(&self) -> bool {
        self.parser.screen().scrolls_whole()
    }

    fn is_amid_sequence(&self) -> bool {
        self.parser.is_amid_sequence()
    }

    fn scrolled(&self) -> u64 {
        self.parser.screen().scrolled()
    }

    fn line(&self, number: u64) -> Option<Line<'_>> {
        self.parser.screen().numbered_row(number).map(Line::new)
    }

    fn shown(&self, row: u16) -> Option<Line<'_>> {
        self.parser.screen().row(row).map(Line::new)
    }

    fn style(&self) -> Style {
        style(&self.parser.screen().attrs())
    }

    fn repaint(&self) -> Vec<u8> {
        repaint(&self.parser)
    }

    fn keyframe(&self) -> Vec<u8> {
        self.parser.keyframe()
    }

    fn restore(&mut self, keyframe: &[u8]) -> Result<(), KeyframeError> {
        let is_sensible = |cols, rows| sensible_size(cols, rows) == (cols, rows);
        self.parser.restore(keyframe, is_sensible).map_err(|error| match error {
            vt100::KeyframeError::Layout(layout) => KeyframeError::Version(layout),
            vt100::KeyframeError::Damaged => KeyframeError::Damaged,
        })
    }
}

/// Returns whether that terminal takes `ESC k` as the beginning of a title.
/// Makes an emulator behave as the terminal that `TERM` names.
pub(crate) fn suit(parser: &mut vt100::Parser, term: &str) {
    parser.screen_mut().set_screen_titles(has_screen_titles(term));
    if term == NO_TERMINAL {
        parser.process(NEW_LINES);
    }
}

fn has_screen_titles(term: &str) -> bool {
    let name = term.split_once(['-', '.']).map_or(term, |(name, _)| name);
    matches!(name, "screen" | "tmux")
}

/// Brings a size into bounds.
pub(crate) fn sensible_size(columns: u16, rows: u16) -> (u16, u16) {
    let known = |size: u16, default: u16| if size == 0 { default } else { size };
    let columns = known(columns, DEFAULT_SIZE.0).clamp(2, MAX_COLUMNS);
    let most_rows = u16::try_from(MAX_CELLS / u32::from(columns)).unwrap_or(MAX_ROWS).min(MAX_ROWS);
    (columns, known(rows, DEFAULT_SIZE.1).clamp(2, most_rows))
}
