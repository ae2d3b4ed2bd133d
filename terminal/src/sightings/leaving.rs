//! Lines on their way off the screen, until the screen is looked at next.

/// Lines are cut behind so many bytes. Whoever looks at a line that grows looks at all of it, each time.
pub(super) const LONGEST_LINE: usize = 64 * 1024;

/// The rows of a line that have scrolled off, while it goes on at the top of the screen.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) text: String,
    /// Whether it has grown since the screen was looked at.
    pub(super) is_fresh: bool,
}

/// Lines that have left the screen.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// The text of all of them, one behind the other.
    text: String,
    lines: Vec<Left>,
}

#[derive(Debug)]
struct Left {
    /// Where its text ends.
    end: usize,
    /// What it is known by if it left as it stood when it was looked at; else 0. It has no text here then.
    stamp: u64,
}

impl Leaving {
    /// Takes a row that scrolls off the top.
    pub(super) fn row(&mut self, row: &vt100::Row, open: &mut Open) {
        if open.text.is_empty() && !row.wrapped() {
            self.row_alone(row);
            return;
        }
        row.write_visible_text(&mut open.text);
        open.is_fresh = true;
        if !row.wrapped() || open.text.len() > LONGEST_LINE {
            self.push(&open.text);
            self.end_line();
            open.text.clear();
        }
    }

    /// Takes a row that is a line of its own.
    pub(super) fn row_alone(&mut self, row: &vt100::Row) {
        if row.stamp() == 0 {
            row.write_visible_text(&mut self.text);
            self.end_line();
        } else {
            self.lines.push(Left { end: self.text.len(), stamp: row.stamp() });
        }
    }

    /// Adds to the last line.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn end_line(&mut self) {
        let start = self.lines.last().map_or(0, |line| line.end);
        let end = start + self.text[start..].trim_end_matches(' ').len();
        self.text.truncate(end);
        if start < end {
            self.lines.push(Left { end, stamp: 0 });
        }
    }

    /// Returns what those are known by that left as they stood.
    pub(super) fn stamps(&self) -> impl Iterator<Item = u64> {
        self.lines.iter().map(|line| line.stamp).filter(|&stamp| stamp > 0)
    }

    /// Returns the others.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.lines.iter().filter_map(move |line| {
            let text = &self.text[start..line.end];
            start = line.end;
            (line.stamp == 0).then_some(text)
        })
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }
}
