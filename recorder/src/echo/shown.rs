//! Which of what was typed the terminal shows.
//!
//! An echo stands where the cursor was at rest, and the cursor comes to rest right behind it. Lines and
//! numbers that others draw, at the cursor, behind a carriage return or elsewhere, seldom do both and say
//! what was typed. The other rules are for line editors that do more at once than show a key.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use super::cursor::{Cursor, Stop};
use super::{InputGuard, Kind, Typed};

/// A line whose place is not known is recognized by being shown as a whole; a shorter one could be
/// anything.
const SHORTEST_AHEAD: usize = 3;

/// So many lines typed ahead are looked for at a time.
const LINES_AHEAD: usize = 8;

/// Behind so many characters that never came back nothing is looked for.
const MOST_PASSED_OVER: usize = 64;

/// What is not seen yet of one line, as a line editor would have it.
struct Line {
    /// Where each character stands in the queue; what was rubbed out again is left out.
    letters: Vec<(usize, char)>,
    /// How many of them were typed before a key that may do anything, like Tab.
    before_control: Option<usize>,
    /// The Enter that ends it.
    end: Option<usize>,
}

impl InputGuard {
    /// Marks what stands where the cursor is.
    pub(super) fn see(&mut self, cursor: &Cursor, stop: Stop) {
        let line = self.line(0);
        if let Some(shown) = self.shown(&line, cursor, stop) {
            self.mark(&line.letters[shown], cursor);
        }
    }

    fn shown(&self, line: &Line, cursor: &Cursor, stop: Stop) -> Option<Range<usize>> {
        let typed = &line.letters;
        if typed.is_empty() {
            return None;
        }
        for place in [self.typed_at, self.rested_at] {
            let Some(shown) = cursor.since(place) else { continue };
            let length = shown.clone().count();
            let mut starts = 0..(typed.len() + 1).saturating_sub(length).min(MOST_PASSED_OVER);
            let is_shown = |from: &usize| letters(&typed[*from..from + length]).eq(shown.clone());
            if let Some(from) = starts.find(is_shown) {
                return Some(from..from + length);
            }
            // Completed at once.
            if let Some(run) = line.before_control.filter(|run| *run > 1)
                && letters(&typed[..run]).eq(shown.take(run))
            {
                return Some(0..run);
            }
        }
        // Typed before there was a prompt.
        if stop != Stop::Left && typed.len() >= SHORTEST_AHEAD && ends_with(cursor, typed).is_some() {
            return Some(0..typed.len());
        }
        // Searched for: what was typed stands before what was found.
        let drawn = cursor.redrawn_beyond(self.rested_at)?;
        let common = letters(typed).zip(drawn).take_while(|(typed, drawn)| typed == drawn).count();
        (common > 0).then_some(0..common)
    }

    /// Marks the line at the front if a line of the terminal ends with all of it.
    pub(super) fn recognize(&mut self, cursor: &Cursor, stop: Stop, mut emit: impl FnMut(Typed)) {
        if stop == Stop::Left {
            return;
        }
        let mut start = 0;
        for number in 0..LINES_AHEAD {
            let line = self.line(start);
            let is_short = line.letters.len() < SHORTEST_AHEAD;
            let is_shown = match ends_with(cursor, &line.letters) {
                None => false,
                Some(_) if !is_short => true,
                // Of a short one at least the prompt before it must look like one.
                Some(before) => {
                    let is_prompt = before.is_some_and(|before| !before.is_alphanumeric());
                    number == 0 && !line.letters.is_empty() && is_prompt
                }
            };
            if is_shown {
                // It is the turn of this line, so the short ones before it are over.
                (0..number).for_each(|_| self.close_line(&mut emit));
                let line = self.line(0);
                return self.mark(&line.letters, cursor);
            }
            let Some(end) = line.end.filter(|_| is_short) else { return };
            start = end + 1;
        }
    }

    /// The line whose keys begin there.
    fn line(&self, start: usize) -> Line {
        let mut line = Line { letters: Vec::new(), before_control: None, end: None };
        let rub_out = |letters: &mut Vec<(usize, char)>, key: u8| match key {
            0x15 => letters.clear(),
            0x17 => {
                while letters.pop_if(|letter| letter.1 == ' ').is_some() {}
                while letters.pop_if(|letter| letter.1 != ' ').is_some() {}
            }
            _ => _ = letters.pop(),
        };
        for (at, key) in self.queue.iter().enumerate().skip(start) {
            match key.kind {
                Kind::Unseen(letter) if letter.width().unwrap_or(0) > 0 => line.letters.push((at, letter)),
                Kind::Unseen(_) | Kind::Seen => {}
                Kind::Edit => {
                    rub_out(&mut line.letters, key.bytes[0]);
                    line.before_control = line.before_control.map(|count| count.min(line.letters.len()));
                }
                Kind::Control => _ = line.before_control.get_or_insert(line.letters.len()),
                Kind::Enter => {
                    line.end = Some(at);
                    break;
                }
            }
        }
        line
    }

    /// Marks these as seen, with what belongs to them: marks on letters, and a few that were rubbed out
    /// between them.
    fn mark(&mut self, seen: &[(usize, char)], cursor: &Cursor) {
        let (Some(&(first, _)), Some(&(last, _))) = (seen.first(), seen.last()) else { return };
        for &(at, _) in seen {
            self.queue[at].kind = Kind::Seen;
        }
        let is_mark = |kind| matches!(kind, Kind::Unseen(letter) if letter.width().unwrap_or(0) == 0);
        let marks = self.queue.iter().skip(last + 1).take_while(|key| is_mark(key.kind)).count();
        let is_unseen = |kind| matches!(kind, Kind::Unseen(_));
        let between = self.queue.range(first..last).filter(|key| is_unseen(key.kind)).count();
        let from = if between <= seen.len() { first } else { last };
        for key in self.queue.range_mut(from..=last + marks).filter(|key| is_unseen(key.kind)) {
            key.kind = Kind::Seen;
        }
        (self.typed_at, self.rested_at) = (cursor.position(), cursor.position());
    }
}

fn letters(typed: &[(usize, char)]) -> impl DoubleEndedIterator<Item = char> {
    typed.iter().map(|letter| letter.1)
}

/// Whether the line of the terminal ends with this at the cursor, and what stands before it.
fn ends_with(cursor: &Cursor, typed: &[(usize, char)]) -> Option<Option<char>> {
    let mut shown = cursor.leftwards();
    let is_shown = letters(typed).rev().all(|letter| shown.next() == Some(letter));
    is_shown.then(|| shown.next())
}
