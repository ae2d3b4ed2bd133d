//! Finds what is searched for in what was typed.

use vt100::Place;

use super::coded::Coded;
use super::output::{length, new};
use super::view::View;
use super::{Patterns, Spans};

const ESCAPE: char = '\x1b';

/// Looks at input, piece by piece: as it was typed, and as a line editor takes it.
///
/// What was typed in another order than it is read, with cursor keys or from the history, is found on the screen and not
/// here.
#[derive(Debug)]
pub struct TypedFinder<P> {
    patterns: P,
    known: Spans,
    found: Spans,
    at: u64,
    /// Knows where sequences end.
    parser: vt100::Parser,
    /// The last two characters: cursor keys send `ESC O` and another one, too.
    last: [char; 2],
    typed: View,
    /// With its sequences.
    raw: View,
    /// Without what was deleted again.
    edited: View,
    /// The last key deleted something.
    is_deleting: bool,
    /// What the terminal answered.
    answer: Coded,
}

impl<P: Patterns> TypedFinder<P> {
    /// Begins; what is `known` is taken to be hidden.
    #[must_use]
    pub fn new(patterns: P, known: Spans) -> Self {
        Self {
            patterns,
            known,
            found: Spans::default(),
            at: 0,
            parser: vt100::Parser::new(2, 2, 0),
            last: ['\0'; 2],
            typed: View::default(),
            raw: View::default(),
            edited: View::default(),
            is_deleting: false,
            answer: Coded::default(),
        }
    }

    /// Takes the next piece of input.
    pub fn feed(&mut self, text: &str) {
        for character in text.chars() {
            let place = self.parser.place();
            let is_key = self.last == [ESCAPE, 'O'];
            self.last = [self.last[1], character];
            let mut buffer = [0; 4];
            let encoded = character.encode_utf8(&mut buffer);
            if place == Place::Ground && character != ESCAPE && !is_key {
                self.raw.push_masked(encoded, self.at, &self.known);
                self.key(character);
            } else if place == Place::String {
                self.raw.push_masked(encoded, self.at, &self.known);
            } else {
                self.raw.push_fixed(encoded, self.at);
            }
            self.parser.process(encoded.as_bytes());
            let Self { patterns, known, found, .. } = self;
            match (place == Place::String, self.parser.place() == Place::String) {
                (true, true) => self.answer.push(character, self.at, known),
                (true, false) => self.answer.end(patterns, &mut new(known, found)),
                (false, _) => {}
            }
            self.at += length(character.len_utf8());
        }
        let Self { patterns, known, found, .. } = self;
        self.typed.search_if_long(patterns, &mut new(known, found));
        self.raw.search_if_long(patterns, &mut new(known, found));
        self.edited.search_if_long(patterns, &mut new(known, found));
        self.answer.search_if_long(patterns, &mut new(known, found));
    }

    /// Searches what is left; returns what was found beside what is known.
    #[must_use]
    pub fn finish(self) -> Spans {
        let Self { patterns, known, mut found, typed, raw, edited, mut answer, .. } = self;
        typed.search(&patterns, &mut new(&known, &mut found));
        raw.search(&patterns, &mut new(&known, &mut found));
        edited.search(&patterns, &mut new(&known, &mut found));
        answer.end(&patterns, &mut new(&known, &mut found));
        found
    }

    fn key(&mut self, character: char) {
        let mut buffer = [0; 4];
        let encoded = character.encode_utf8(&mut buffer);
        self.typed.push_masked(encoded, self.at, &self.known);
        let is_deleting = matches!(character, '\x08' | '\x7f' | '\x15' | '\x17');
        if is_deleting && !self.is_deleting {
            // What stood there before it is deleted may have been it, in spite of corrections.
            let Self { patterns, known, found, edited, .. } = self;
            edited.search(patterns, &mut new(known, found));
        }
        self.is_deleting = is_deleting;
        match character {
            '\x08' | '\x7f' => self.edited.pop(),
            // Ctrl-U takes away what is typed so far; Ctrl-W the last word of it.
            '\x15' => self.delete_while(|_| true),
            '\x17' => {
                self.delete_while(char::is_whitespace);
                self.delete_while(|character| !character.is_whitespace());
            }
            _ => self.edited.push_masked(encoded, self.at, &self.known),
        }
    }

    fn delete_while(&mut self, is_in: impl Fn(char) -> bool) {
        let is_in = |character: char| !matches!(character, '\r' | '\n') && is_in(character);
        while self.edited.text().chars().next_back().is_some_and(is_in) {
            self.edited.pop();
        }
    }
}
