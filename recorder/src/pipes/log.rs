//! What the flows bring to the journal, in the order in which it happened.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::journal::{Kind, Queue, micros};

use super::plumbing::Stream;

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

    /// This passed. Waits where the journal is behind.
    pub(super) fn content(&self, stream: Stream, bytes: &[u8]) {
        let kind = match stream {
            Stream::In => Kind::PipedInput,
            Stream::Out => Kind::Output,
            Stream::Err => Kind::PipedError,
        };
        self.push(kind, bytes);
        self.queue.wait_for_room();
    }

    pub(super) fn push(&self, kind: Kind, bytes: &[u8]) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.queue.push(micros(self.start.elapsed()), kind, bytes);
    }
}
