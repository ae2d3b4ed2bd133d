//! What was found so far, by time.

use std::collections::BTreeMap;
use std::ops::Range;

use casemate_cast_format::Micros;

/// More hits are counted and not kept: nobody goes through more.
const KEPT: usize = 100_000;

/// Of a line so many bytes are kept, from a little before the match on.
const LINE_BYTES: usize = 400;

/// So much of them before the match, if the line is longer.
const BEFORE: usize = 100;

/// A line with a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When the line was first seen.
    pub time: Micros,
    /// The line, or of a long one the part with the match.
    pub line: String,
    /// Where in the line the match is; cut where it is very long.
    pub found: Range<usize>,
}

/// What is kept of a line.
#[derive(Debug)]
struct Kept {
    line: Box<str>,
    found: Range<usize>,
}

/// Hits, and how far the search is.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// By time, and in the order in which they were found.
    kept: BTreeMap<(Micros, u64), Kept>,
    count: u64,
    progress: f64,
    is_complete: bool,
}

impl Hits {
    pub(super) fn add(&mut self, time: Micros, line: &str, found: Range<usize>) {
        if self.kept.len() < KEPT {
            let (line, found) = cut(line, found);
            self.kept.insert((time, self.count), Kept { line: line.into(), found });
        }
        self.count += 1;
    }

    pub(super) fn set_progress(&mut self, progress: f64) {
        self.progress = progress;
    }

    pub(super) fn end(&mut self) {
        self.is_complete = true;
        self.progress = 1.0;
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Hit> {
        self.kept.iter().map(hit)
    }

    pub(super) fn after(&self, time: Micros) -> Option<Hit> {
        self.kept.range((time, u64::MAX)..).next().map(hit)
    }

    pub(super) fn before(&self, time: Micros) -> Option<Hit> {
        self.kept.range(..(time, 0)).next_back().map(hit)
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn progress(&self) -> f64 {
        self.progress
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }
}

fn hit((&(time, _), kept): (&(Micros, u64), &Kept)) -> Hit {
    Hit { time, line: kept.line.to_string(), found: kept.found.clone() }
}

/// The part of a line that is kept, and where in it the match is.
fn cut(line: &str, found: Range<usize>) -> (&str, Range<usize>) {
    if line.len() <= LINE_BYTES {
        return (line, found);
    }
    let boundary = |mut at: usize| {
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    // Where the beginning is a little earlier, the end must be in reach all the same.
    let latest = line.len() - LINE_BYTES + (char::MAX.len_utf8() - 1);
    let start = boundary(found.start.saturating_sub(BEFORE).min(latest));
    let end = boundary(line.len().min(start + LINE_BYTES));
    (&line[start..end], found.start - start..found.end.min(end).max(found.start) - start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_match_is_in_what_is_kept(line in "[aé日]{0,400}", from in any::<prop::sample::Index>(), length in 0..500_usize) {
            let starts: Vec<usize> = line.char_indices().map(|(at, _)| at).chain([line.len()]).collect();
            let from = from.index(starts.len());
            let range = starts[from]..starts[(from + length).min(starts.len() - 1)];
            let (kept, found) = cut(&line, range.clone());
            prop_assert!(kept.len() <= LINE_BYTES);
            prop_assert!(line[range].starts_with(&kept[found.clone()]));
            prop_assert!(found.start <= kept.len());
        }
    }
}
