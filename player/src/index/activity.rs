//! How much output there was when, in a bounded number of buckets.

use casemate_cast_format::Micros;

/// When a recording gets longer than this many buckets, they get twice as wide.
const BUCKETS: usize = 1024;

/// The first width; a few seconds are shown with as many buckets as a wide terminal has columns.
const FIRST_WIDTH: u64 = 10_000;

/// A histogram of output over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    width: u64,
    counts: Vec<u64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, counts: Vec::new() }
    }
}

impl Activity {
    /// How much time a bucket covers.
    #[must_use]
    pub fn width(&self) -> Micros {
        Micros(self.width)
    }

    /// Bytes of output in each bucket, from the start; there are at most 1024.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// What [`Self::width`] and [`Self::counts`] gave.
    pub(crate) fn from_parts(width: u64, counts: Vec<u64>) -> Option<Self> {
        (width >= FIRST_WIDTH && counts.len() <= BUCKETS).then_some(Self { width, counts })
    }

    pub(crate) fn add(&mut self, time: Micros, bytes: u64) {
        while time.0 / self.width >= BUCKETS as u64 {
            self.counts = self
                .counts
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |sum, &count| add(sum, count)))
                .collect();
            self.width = self.width.saturating_mul(2);
        }
        let bucket = usize::try_from(time.0 / self.width).unwrap_or(BUCKETS - 1);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] = add(self.counts[bucket], bytes);
    }
}

fn add(one: u64, other: u64) -> u64 {
    one.saturating_add(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_number_of_buckets_is_bounded(
            added in proptest::collection::vec((prop_oneof![0..100_000_000_u64, any::<u64>()], 0..1000_u64), 0..50),
        ) {
            let mut activity = Activity::default();
            for &(time, bytes) in &added {
                activity.add(Micros(time), bytes);
            }
            prop_assert!(activity.counts.len() <= BUCKETS);
            let width = activity.width;
            for (bucket, &count) in activity.counts.iter().enumerate() {
                let here = added.iter().filter(|(time, _)| time / width == bucket as u64).map(|(_, bytes)| bytes);
                prop_assert_eq!(here.sum::<u64>(), count);
            }
            prop_assert_eq!(activity.counts.iter().sum::<u64>(), added.iter().map(|(_, bytes)| bytes).sum::<u64>());
        }
    }
}
