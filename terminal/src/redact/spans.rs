//! Stretches of a stream.

use std::collections::BTreeMap;
use std::ops::Range;

/// Stretches of a stream, by the number of bytes before their beginning and their end.
///
/// Invariant: none is empty, and no two overlap or touch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Spans(BTreeMap<u64, u64>);

impl Spans {
    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns them in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|(&start, &end)| start..end)
    }

    /// Adds a stretch; returns whether any of it is new.
    pub fn insert(&mut self, span: Range<u64>) -> bool {
        let Range { mut start, mut end } = span;
        if start >= end || self.covers(&(start..end)) {
            return false;
        }
        if let Some(before) = self.before(start).filter(|before| before.end >= start) {
            start = before.start;
        }
        while let Some((&from, &to)) = self.0.range(start..=end).next() {
            end = end.max(to);
            self.0.remove(&from);
        }
        self.0.insert(start, end);
        true
    }

    /// Returns whether a byte is in one.
    #[must_use]
    pub fn contains(&self, at: u64) -> bool {
        self.before(at).is_some_and(|span| span.end > at)
    }

    /// Returns whether a whole stretch is in one.
    #[must_use]
    pub fn covers(&self, span: &Range<u64>) -> bool {
        self.before(span.start).is_some_and(|known| known.end >= span.end)
    }

    /// Returns whether any byte of a stretch is in one.
    #[must_use]
    pub fn touches(&self, span: Range<u64>) -> bool {
        self.contains(span.start) || self.0.range(span).next().is_some()
    }

    /// Returns the last one that begins there or before.
    fn before(&self, at: u64) -> Option<Range<u64>> {
        self.0.range(..=at).next_back().map(|(&start, &end)| start..end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Spans;

    proptest! {
        #[test]
        fn they_hold_what_was_put_in(inserted in proptest::collection::vec((0_u8..60, 0_u8..9), 0..20)) {
            let mut spans = Spans::default();
            let mut bytes = [false; 80];
            for (start, length) in inserted {
                let range = usize::from(start)..usize::from(start + length);
                let span = u64::from(start)..u64::from(start + length);
                let is_new = bytes[range.clone()].iter().any(|&is_in| !is_in);
                prop_assert_eq!(length == 0 || spans.covers(&span), !is_new);
                bytes[range].fill(true);
                prop_assert_eq!(spans.insert(span), is_new);
            }
            for (at, three) in (0..).zip(bytes.windows(3)) {
                prop_assert_eq!(spans.contains(at), three[0]);
                prop_assert_eq!(spans.touches(at..at + 3), three.contains(&true));
            }
            let all: Vec<_> = spans.iter().collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
