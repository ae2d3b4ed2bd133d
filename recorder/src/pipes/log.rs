//! What the flows bring to the journal, in the order in which it happened.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::json;

use crate::journal::{Kind, Queue, micros};

use super::plumbing::Stream;

/// Why content is not recorded.
const BEYOND: &str = "beyond the limit, not recorded";

/// What passes of one stream, to be recorded.
pub(super) struct Content {
    log: Log,
    stream: Stream,
    limit: u64,
    left: u64,
}

impl Content {
    /// Records what has passed; whether what comes next is to be recorded as well.
    pub(super) fn record(&mut self, bytes: &[u8]) -> bool {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let kept = room.min(bytes.len());
        self.log.content(self.stream, &bytes[..kept]);
        self.left -= kept as u64;
        if kept < bytes.len() {
            self.log.limit(self.stream, self.limit);
        }
        kept == bytes.len()
    }
}

/// Where several threads say what has passed.
#[derive(Clone)]
pub(super) struct Log {
    queue: Arc<Queue>,
    start: Instant,
    /// Held from looking at the clock until it is said: times never go back.
    order: Arc<Mutex<()>>,
}

impl Log {
    pub(super) fn new(queue: Arc<Queue>, start: Instant) -> Self {
        Self { queue, start, order: Arc::default() }
    }

    /// Where what passes of a stream is recorded, so much at most.
    pub(super) fn of(&self, stream: Stream, limit: u64) -> Content {
        Content { log: self.clone(), stream, limit, left: limit }
    }

    /// This passed. Waits where the journal is behind.
    fn content(&self, stream: Stream, bytes: &[u8]) {
        self.push(Kind::Piped(stream as u8), bytes);
        self.queue.wait_for_room();
    }

    /// What passes from here on is only counted.
    fn limit(&self, stream: Stream, limit: u64) {
        let gap = json!({ "what": BEYOND, "stream": stream.name(), "limit": limit });
        self.push(Kind::Gap, gap.to_string().as_bytes());
    }

    /// So much was only counted.
    pub(super) fn beyond(&self, stream: Stream, bytes: u64) {
        let gap = json!({ "what": BEYOND, "stream": stream.name(), "bytes": bytes });
        self.push(Kind::Gap, gap.to_string().as_bytes());
    }

    pub(super) fn push(&self, kind: Kind, bytes: &[u8]) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.queue.push(micros(self.start.elapsed()), kind, bytes);
    }
}
