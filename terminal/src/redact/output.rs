//! Finds what is searched for in output.
//!
//! Long stretches of plain lines that are shorter than the screen is wide go past the screen, as far as they scroll off
//! it: nothing can happen to them, and each is found in the text.

use std::ops::Range;

use vt100::Place;

use super::coded::Coded;
use super::shadow::Shadow;
use super::view::View;
use super::{Patterns, Spans};
use crate::plain::{Piece, for_each_piece, head_length, plain_lines, tail_length};

/// So much plain output is gathered.
const GATHERED: usize = 64 << 10;

/// Looks at output, piece by piece.
#[derive(Debug)]
pub struct OutputFinder<P> {
    patterns: P,
    /// What is hidden already.
    known: Spans,
    found: Spans,
    /// Bytes so far.
    at: u64,
    /// The text without sequences, and with them: who searches the file sees those as well.
    text: View,
    raw: View,
    string: Coded,
    shadow: Shadow,
    /// Plain lines that have not been looked at.
    plain: String,
    /// Whether they may go past the screen; only tests turn it off.
    pub(super) fast: bool,
}

impl<P: Patterns> OutputFinder<P> {
    /// Begins with a blank screen; what is `known` is taken to be hidden.
    #[must_use]
    pub fn new(patterns: P, known: Spans, cols: u16, rows: u16) -> Self {
        Self {
            patterns,
            known,
            found: Spans::default(),
            at: 0,
            text: View::default(),
            raw: View::default(),
            string: Coded::default(),
            shadow: Shadow::new(cols, rows),
            plain: String::new(),
            fast: true,
        }
    }

    /// Takes the next piece of output, and searches the screen.
    pub fn feed(&mut self, text: &str) {
        if self.is_plain(text) {
            self.plain.push_str(text);
            if self.plain.len() >= GATHERED {
                self.flush();
            }
        } else {
            self.flush();
            self.look_at(text);
        }
    }

    /// Whether that is plain lines, to which nothing happens before they scroll off.
    fn is_plain(&self, text: &str) -> bool {
        let (cols, _) = self.shadow.size();
        let is_ready =
            || self.shadow.parser.place() == Place::Ground && self.shadow.shows_lines_as_they_are();
        if !self.fast || text.is_empty() || plain_lines(text.as_bytes(), cols).length < text.len() {
            return false;
        }
        // No character takes more columns than bytes.
        let (mut width, mut widest) = (0, 0);
        for_each_piece(text, |piece| match piece {
            Piece::Text(text) | Piece::Gap(text) => width += text.len(),
            Piece::End => widest = widest.max(std::mem::take(&mut width)),
        });
        widest < usize::from(cols) && is_ready()
    }

    /// Looks at the plain lines that were gathered.
    fn flush(&mut self) {
        let plain = std::mem::take(&mut self.plain);
        let (cols, rows) = self.shadow.size();
        let rows = usize::from(rows);
        // Less is not worth it.
        if plain_lines(plain.as_bytes(), cols).count <= 3 * rows {
            self.look_at(&plain);
            return;
        }
        let (head, rest) = plain.split_at(head_length(plain.as_bytes(), rows));
        let (middle, tail) = rest.split_at(rest.len() - tail_length(rest.as_bytes(), rows));
        self.look_at(head);
        let mut rest = middle;
        while let Some(escape) = rest.find('\x1b') {
            self.pass(&rest[..escape]);
            // There are only colours.
            let end = rest[escape..].find('m').map_or(rest.len(), |end| escape + end + 1);
            self.raw.push_fixed(&rest[escape..end], self.at);
            self.at += length(end - escape);
            rest = &rest[end..];
        }
        self.pass(rest);
        self.look_at(tail);
    }

    /// Takes text that goes past the screen.
    fn pass(&mut self, text: &str) {
        self.text.push_masked(text, self.at, &self.known);
        self.raw.push_masked(text, self.at, &self.known);
        self.at += length(text.len());
    }

    fn look_at(&mut self, text: &str) {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let place = self.shadow.parser.place();
            let length = match place {
                Place::Ground => rest.find(char::is_control).unwrap_or(rest.len()),
                Place::Sequence | Place::String => 0,
            };
            if length > 0 {
                let (printed, after) = rest.split_at(length);
                self.print(printed);
                rest = after;
                continue;
            }
            self.step(character, place);
            rest = &rest[character.len_utf8()..];
            if self.shadow.is_pressing() {
                self.search_screen();
            }
        }
        self.search_screen();
        let Self { patterns, known, found, .. } = self;
        self.text.search_if_long(patterns, &mut new(known, found));
        self.raw.search_if_long(patterns, &mut new(known, found));
        self.string.search_if_long(patterns, &mut new(known, found));
    }

    /// Takes a change of size.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.flush();
        self.shadow.resize(cols, rows);
        self.search_screen();
    }

    /// Searches what is left; returns what was found beside what is known.
    #[must_use]
    pub fn finish(mut self) -> Spans {
        self.flush();
        let Self { patterns, known, mut found, text, raw, mut string, .. } = self;
        text.search(&patterns, &mut new(&known, &mut found));
        raw.search(&patterns, &mut new(&known, &mut found));
        string.end(&patterns, &mut new(&known, &mut found));
        found
    }

    /// Takes characters that are printed.
    fn print(&mut self, text: &str) {
        self.text.push_masked(text, self.at, &self.known);
        self.raw.push_masked(text, self.at, &self.known);
        self.shadow.print(text, self.at, &self.known);
        self.at += length(text.len());
    }

    /// Takes any other character.
    fn step(&mut self, character: char, place: Place) {
        let mut buffer = [0; 4];
        let encoded = character.encode_utf8(&mut buffer);
        match place {
            Place::String => self.raw.push_masked(encoded, self.at, &self.known),
            Place::Ground | Place::Sequence => self.raw.push_fixed(encoded, self.at),
        }
        match (place, character) {
            // In the text it stays what it is; others do nothing on a screen.
            (Place::Ground, '\x08'..='\r') => self.text.push(encoded, self.at),
            // What it ends may take text off the screen.
            (Place::Sequence, 'J' | 'K' | 'L' | 'M' | 'P' | 'S' | 'T' | 'X' | '@' | 'c' | 'h' | 'l') => {
                self.search_screen();
            }
            _ => {}
        }
        self.shadow.control(character);
        let is_in_string = self.shadow.parser.place() == Place::String;
        let Self { patterns, known, found, .. } = self;
        match (place == Place::String, is_in_string) {
            (true, true) => self.string.push(character, self.at, known),
            (true, false) => self.string.end(patterns, &mut new(known, found)),
            (false, _) => {}
        }
        self.at += length(character.len_utf8());
    }

    fn search_screen(&mut self) {
        let Self { patterns, known, found, .. } = self;
        self.shadow.search(patterns, &mut new(known, found));
    }
}

/// Adds what is not known yet.
pub(super) fn new<'a>(known: &'a Spans, found: &'a mut Spans) -> impl FnMut(Range<u64>) + 'a {
    move |span| {
        if !known.covers(&span) {
            found.insert(span);
        }
    }
}

pub(super) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
