//! What was ever to be seen: every line of text that stood on the screen or scrolled off it, and when.
//!
//! Output is taken in *moments*: what comes within 16 ms. Between moments the screen is looked at, and a line that did
//! not stand there before is a sighting, whether it is on the primary screen or the alternate one. The screen is also
//! looked at before it is erased, switched or changed in size, and rows that scroll off are taken as they go. So within
//! a moment only what was overwritten in its place is not seen. How output of one moment is cut changes nothing.
//!
//! - Rows of a line that wraps are one line. Blanks at its end are cut, blank lines are none, concealed text (SGR 8) is
//!   as blank as it looks.
//! - A line that stays is one sighting, wherever it moves, and also when it is erased and drawn again in one moment.
//! - A line that grows is one sighting, in its longest form: what is typed key by key. What stood there before begins
//!   that form, so who looks for it finds it.
//!
//! Most output is plain lines that only flow by: they are read from the stream, without a screen (`flow`).
//!
//! Memory is bounded: the screens, twice, and what comes in a moment up to 64 KiB.

mod leaving;
mod standing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::plain::{
    Piece as PlainPiece, conceals, for_each_piece, head_length, last_character, plain_lines, tail_length,
};
use crate::scanner::{Piece, Scanner};
use crate::signal::Signal;
use crate::vt100_screen::sensible_size;
use leaving::{LONGEST_LINE, Leaving};
use standing::Standing;

/// How long a moment is. What stands for less than a frame of 60 Hz may never have been drawn.
const MOMENT: Duration = Duration::from_millis(16);

/// How much output is gathered before it is looked at, moment or not: long stretches of plain lines need no emulator.
const GATHERED: usize = 64 * 1024;

/// Lines longer than this are emulated: tabs make them up to eight times as long, and then they are cut.
const LONGEST_PLAIN: usize = LONGEST_LINE / 8;

/// A line that was to be seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sighting<'a> {
    /// When it was first seen: the end of the moment in which it came.
    pub time: Duration,
    /// The line, without blanks at its end.
    pub text: &'a str,
}

/// Who is told of sightings: as soon as they are over, so not quite in the order in which they began.
type Sink<'a> = dyn FnMut(Sighting<'_>) + 'a;

/// Looks at the output of a terminal.
///
/// ```
/// use std::time::Duration;
///
/// let mut seen = Vec::new();
/// let mut sink = |sighting: casemate_terminal::Sighting<'_>| seen.push(sighting.text.to_owned());
/// let mut sightings = casemate_terminal::Sightings::new(80, 24);
/// sightings.feed(Duration::from_secs(1), b"loading: 10%", &mut sink);
/// sightings.feed(Duration::from_secs(2), b"\rloading: 99%", &mut sink);
/// sightings.feed(Duration::from_secs(3), b"\x1b[H\x1b[Jdone", &mut sink);
/// sightings.finish(&mut sink);
/// assert_eq!(seen, ["loading: 10%", "loading: 99%", "done"]);
/// ```
pub struct Sightings {
    scanner: Scanner,
    view: View,
    /// Output of this moment that has not been looked at.
    gathered: Vec<u8>,
    /// When this moment began.
    since: Duration,
    /// Whether plain lines go past the emulator; only tests turn it off.
    pub(crate) fast: bool,
    /// How much output is gathered; only tests make it less than [`GATHERED`].
    pub(crate) limit: usize,
}

impl std::fmt::Debug for Sightings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sightings").finish_non_exhaustive()
    }
}

impl Sightings {
    /// Begins on a blank screen. A size of 0 stands for one that is not known.
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Self {
        let (cols, rows) = sensible_size(cols, rows);
        Self {
            scanner: Scanner::new(),
            view: View {
                parser: vt100::Parser::with_all_rows_taken(rows, cols),
                leaving: Leaving::default(),
                standing: Standing::default(),
                ignored: 0,
                now: Duration::ZERO,
            },
            gathered: Vec::new(),
            since: Duration::ZERO,
            fast: true,
            limit: GATHERED,
        }
    }

    /// Looks as the terminal does that `TERM` names, as [`crate::Vt100Screen::for_term`] says.
    #[must_use]
    pub fn for_term(mut self, term: &str) -> Self {
        crate::vt100_screen::suit(&mut self.view.parser, term);
        self
    }

    /// Takes output. Time does not go back: an earlier one counts as the latest.
    pub fn feed(&mut self, time: Duration, bytes: &[u8], sink: &mut Sink<'_>) {
        self.advance(time, sink);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(self.limit - self.gathered.len()));
            self.gathered.extend_from_slice(piece);
            if self.gathered.len() == self.limit {
                self.look(sink);
            }
            rest = after;
        }
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, time: Duration, cols: u16, rows: u16, sink: &mut Sink<'_>) {
        self.advance(time, sink);
        self.look(sink);
        let (cols, rows) = sensible_size(cols, rows);
        self.view.parser.screen_mut().set_size(rows, cols);
        self.view.take();
    }

    /// Ends: what is still there is given.
    pub fn finish(mut self, sink: &mut Sink<'_>) {
        self.look(sink);
        self.view.standing.finish(sink);
    }

    /// Ends the moment if it is over.
    fn advance(&mut self, time: Duration, sink: &mut Sink<'_>) {
        if time >= self.since + MOMENT {
            self.look(sink);
            self.since = time;
        }
        self.view.now = self.view.now.max(time);
    }

    /// Looks at the screen as it is now.
    fn look(&mut self, sink: &mut Sink<'_>) {
        let gathered = std::mem::take(&mut self.gathered);
        for chunk in gathered.utf8_chunks() {
            self.text(chunk.valid(), sink);
            self.emulate(chunk.invalid(), sink);
        }
        self.view.look(sink);
        self.gathered = gathered;
        self.gathered.clear();
    }

    fn text(&mut self, text: &str, sink: &mut Sink<'_>) {
        let mut rest = text;
        while !rest.is_empty() {
            let mut length = 0;
            if self.fast && self.scanner.is_between() && self.view.parser.is_between() {
                let plain = plain_lines(rest.as_bytes(), self.view.size().0);
                let lines = &rest[..plain.length];
                if plain.count > 3 * usize::from(self.view.size().1)
                    && plain.longest <= LONGEST_PLAIN
                    && self.view.is_simple()
                    && !conceals(lines.as_bytes())
                {
                    self.flow(lines, sink);
                    rest = &rest[plain.length..];
                    continue;
                }
                length = plain.length;
            }
            // What is not plain is, at least, the line that follows.
            let behind = &rest.as_bytes()[length..];
            length += memchr::memchr(b'\n', behind).map_or(behind.len(), |position| position + 1);
            self.emulate(&rest.as_bytes()[..length], sink);
            rest = &rest[length..];
        }
    }

    /// Takes plain lines, more than two screens of them. The emulator gets one screen of them, so that it scrolls and
    /// the cursor is in a fresh last row. What it shows then is as good as gone, as are all lines but those of the last
    /// screen, which the emulator gets again.
    fn flow(&mut self, lines: &str, sink: &mut Sink<'_>) {
        let rows = usize::from(self.view.size().1);
        let (head, rest) = lines.split_at(head_length(lines.as_bytes(), rows));
        self.emulate(head.as_bytes(), sink);
        let (middle, tail) = rest.split_at(rest.len() - tail_length(rest.as_bytes(), rows));
        self.view.leave_all();
        for_each_piece(middle, |piece| match piece {
            PlainPiece::Text(text) | PlainPiece::Gap(text) => self.view.leaving.push(text),
            PlainPiece::End => self.view.leaving.end_line(),
        });
        // What comes next may repeat a character that the emulator has not seen.
        if last_character(tail).is_none()
            && let Some(last) = last_character(middle)
        {
            self.view.parser.screen_mut().note_printed(last);
        }
        // The last row is where the next line begins: it has not left.
        self.view.ignored = rows - 1;
        self.emulate(tail.as_bytes(), sink);
    }

    fn emulate(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let view = &mut self.view;
        self.scanner.scan(bytes, &mut |piece| match piece {
            Piece::Bytes(bytes) => view.process(bytes),
            Piece::Signal(Signal::EraseDisplay(0..=2) | Signal::Alternate(_) | Signal::Reset) => {
                view.look(sink);
                view.standing.break_line();
            }
            Piece::Signal(_) => {}
        });
    }
}

/// The emulated screen, what stands on it and what is leaving it.
struct View {
    parser: vt100::Parser,
    leaving: Leaving,
    standing: Standing,
    /// Number of rows to pass over when they scroll off, because they have left already.
    ignored: usize,
    /// The time of the latest output.
    now: Duration,
}

impl View {
    fn size(&self) -> (u16, u16) {
        let (rows, cols) = self.parser.screen().size();
        (cols, rows)
    }

    /// Returns whether text comes out as it is, one line below the other, to be seen.
    fn is_simple(&self) -> bool {
        let screen = self.parser.screen();
        !screen.alternate_screen()
            && !screen.has_margins()
            && !screen.attrs().concealed()
            && screen.shows_text_as_it_is()
    }

    fn process(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.take();
    }

    /// Takes the rows that have left the screen.
    fn take(&mut self) {
        for gone in self.parser.screen_mut().take_gone() {
            match gone {
                vt100::Gone::Scrolled(_) if self.ignored > 0 => self.ignored -= 1,
                vt100::Gone::Scrolled(row) => self.leaving.row(&row, self.standing.open()),
                vt100::Gone::Lost(row) => self.leaving.row_alone(&row),
            }
        }
    }

    /// Takes all rows that are shown as if they had scrolled off.
    fn leave_all(&mut self) {
        for row in self.parser.screen().visible_rows() {
            self.leaving.row(row, self.standing.open());
        }
    }

    fn look(&mut self, sink: &mut Sink<'_>) {
        self.standing.look(self.now, self.parser.screen_mut(), &mut self.leaving, sink);
    }
}
