//! What stands on the screens: the lines that were seen there when they were last looked at.
//!
//! Each row of a line has the line's stamp until it is changed or moved apart, so that only what has changed is read.
//! What was read is compared with the lines that are no longer known by their stamps: a line that is still there with
//! the same text, wherever, stays.

use std::time::Duration;

use super::leaving::{Leaving, Open};
use super::{Sighting, Sink};

/// Stamp of rows of which was seen that they are blank. Those of lines are greater.
const BLANK: u64 = 1;

/// The lines of both screens.
#[derive(Debug)]
pub(super) struct Standing {
    primary: Vec<Line>,
    alternate: Vec<Line>,
    /// The beginning of the line in row 0 of the primary screen.
    open: Open,
    last_stamp: u64,
}

/// A line that stands on a screen.
#[derive(Debug)]
struct Line {
    stamp: u64,
    /// How many rows it has.
    rows: u16,
    /// When it was first seen.
    time: Duration,
    /// The longest form in which it was seen.
    text: String,
}

impl Line {
    fn sighting(&self) -> Sighting<'_> {
        Sighting { time: self.time, text: &self.text }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self { primary: Vec::new(), alternate: Vec::new(), open: Open::default(), last_stamp: BLANK }
    }
}

impl Standing {
    pub(super) fn open(&mut self) -> &mut Open {
        &mut self.open
    }

    /// Forgets that the line in row 0 has begun above the screen: it is about to be erased.
    pub(super) fn break_line(&mut self) {
        self.open.text.clear();
    }

    /// Looks at the screen that is shown, and tells `sink` what is no longer there.
    pub(super) fn look(
        &mut self,
        now: Duration,
        screen: &mut vt100::Screen,
        leaving: &mut Leaving,
        sink: &mut Sink<'_>,
    ) {
        let is_alternate = screen.alternate_screen();
        let lines = if is_alternate { &mut self.alternate } else { &mut self.primary };
        let mut before = Before::new(std::mem::take(lines));
        let (mut lines, new) = self.read(now, screen, &mut before);
        // What leaves the primary screen behind the alternate one, when the size changes, is not among `before`.
        let behind = if is_alternate { &mut self.primary } else { &mut self.alternate };
        for stamp in leaving.stamps() {
            if let Some(line) = before.take(|line| line.stamp == stamp) {
                sink(line.sighting());
            } else if let Some(at) = behind.iter().position(|line| line.stamp == stamp) {
                sink(behind.remove(at).sighting());
            }
        }
        before.sort();
        let mut texts = Vec::new();
        for text in leaving.texts() {
            match before.take_form(text) {
                Some(line) => sink(line.sighting()),
                None => sink(Sighting { time: now, text }),
            }
            if !before.is_empty() {
                texts.push(text);
            }
        }
        for at in new {
            let line = &mut lines[at];
            if let Some(Line { time, text, .. }) = before.take_form(&line.text) {
                (line.time, line.text) = (time, text);
            }
        }
        if !before.is_empty() {
            texts.extend(lines.iter().map(|line| line.text.as_str()));
            texts.sort_unstable();
            before.gone(&texts).for_each(|line| sink(line.sighting()));
        }
        *(if is_alternate { &mut self.alternate } else { &mut self.primary }) = lines;
        leaving.clear();
    }

    /// Reads the lines on the screen; those that have not changed are taken from `before`. Also returns which are new.
    fn read(
        &mut self,
        now: Duration,
        screen: &mut vt100::Screen,
        before: &mut Before,
    ) -> (Vec<Line>, Vec<usize>) {
        let (mut lines, mut new) = (Vec::new(), Vec::new());
        if !screen.alternate_screen()
            && !self.open.is_fresh
            && screen.row(0).is_none_or(|row| row.stamp() == 0)
        {
            // Nothing scrolled off, so row 0 was written over.
            self.open.text.clear();
        }
        let (rows, _) = screen.size();
        let mut end = 0;
        while end < rows {
            let start = end;
            end += 1;
            while end < rows && screen.row(end - 1).is_some_and(vt100::Row::wrapped) {
                end += 1;
            }
            let range = || (start..end).filter_map(|row| screen.row(row));
            let stamp = screen.row(start).map_or(0, vt100::Row::stamp);
            let open = self.open_at(start, screen);
            if stamp > 0 && !open.is_some_and(|open| open.is_fresh) && range().all(|row| row.stamp() == stamp)
            {
                if stamp == BLANK {
                    continue;
                }
                if let Some(line) = before.take(|line| line.stamp == stamp && line.rows == end - start) {
                    lines.push(line);
                    continue;
                }
            }
            let mut text = open.map(|open| open.text.clone()).unwrap_or_default();
            range().for_each(|row| row.write_visible_text(&mut text));
            text.truncate(text.trim_end_matches(' ').len());
            let stamp = if text.is_empty() {
                BLANK
            } else {
                self.last_stamp += 1;
                new.push(lines.len());
                lines.push(Line { stamp: self.last_stamp, rows: end - start, time: now, text });
                self.last_stamp
            };
            (start..end).for_each(|row| screen.stamp(row, stamp));
        }
        self.open.is_fresh = false;
        (lines, new)
    }

    fn open_at(&self, row: u16, screen: &vt100::Screen) -> Option<&Open> {
        (row == 0 && !screen.alternate_screen()).then_some(&self.open)
    }

    /// Tells `sink` what stands on both screens.
    pub(super) fn finish(self, sink: &mut Sink<'_>) {
        self.primary.iter().chain(&self.alternate).for_each(|line| sink(line.sighting()));
    }
}

/// Lines that stood there before, and of which is not known yet whether they still do.
struct Before {
    // `None` where a line was taken.
    lines: Vec<Option<Line>>,
    /// Where the next one is to be expected: lines that stay keep their order.
    next: usize,
    left: usize,
}

impl Before {
    fn new(lines: Vec<Line>) -> Self {
        Self { left: lines.len(), lines: lines.into_iter().map(Some).collect(), next: 0 }
    }

    fn is_empty(&self) -> bool {
        self.left == 0
    }

    fn take(&mut self, is_it: impl Fn(&Line) -> bool) -> Option<Line> {
        let is_there = |line: &Option<Line>| line.as_ref().is_some_and(&is_it);
        let (head, tail) = self.lines.split_at(self.next);
        let at = match tail.iter().position(is_there) {
            Some(at) => self.next + at,
            None => head.iter().position(is_there)?,
        };
        self.next = at + 1;
        self.left -= 1;
        self.lines[at].take()
    }

    /// Sorts those that are left by their text.
    fn sort(&mut self) {
        self.lines.retain(Option::is_some);
        self.lines.sort_by(|one, other| text(one).cmp(text(other)));
    }

    /// Takes the line that is that text, or begins with it. The lines must be sorted.
    fn take_form(&mut self, form: &str) -> Option<Line> {
        if self.is_empty() {
            return None;
        }
        let at = self.lines.partition_point(|line| text(line) < form);
        if !text(self.lines.get(at)?).starts_with(form) {
            return None;
        }
        self.left -= 1;
        self.lines.remove(at)
    }

    /// Returns those that are gone: none of the texts, which are sorted, begins with them.
    fn gone<'a>(&'a self, texts: &'a [&str]) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().flatten().filter(|line| {
            let at = texts.partition_point(|text| **text < *line.text);
            !texts.get(at).is_some_and(|text| text.starts_with(&line.text))
        })
    }
}

fn text(line: &Option<Line>) -> &str {
    line.as_ref().map_or("", |line| &line.text)
}
