//! How much output there was when, in a bounded number of buckets.

use casemate_cast_format::Micros;
use serde::{Deserialize, Serialize};

/// When a recording gets longer than this many buckets, they get twice as wide.
const BUCKETS: usize = 512;

/// The first width, in microseconds.
const FIRST_WIDTH: u64 = 10_000;

/// A histogram of output over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// How much time a bucket covers, in microseconds.
    pub width: u64,
    /// Bytes in each, from the start.
    pub counts: Vec<u64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, counts: Vec::new() }
    }
}

impl Activity {
    pub(super) fn add(&mut self, time: Micros, bytes: u64) {
        while time.0 / self.width >= BUCKETS as u64 {
            self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.width *= 2;
        }
        let bucket = usize::try_from(time.0 / self.width).unwrap_or(BUCKETS - 1);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += bytes;
    }
}
