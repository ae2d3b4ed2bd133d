//! Between the proxy and the writer: what happened, in order, in one growing batch.
//!
//! The proxy never waits here: it appends under a lock that is held for a copy, and when the batch
//! is [full](Queue::is_full) it stops reading the session until the bell rings. So memory is bounded
//! and nothing is dropped, however slow the disk.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use casemate_cast_format::{Micros, Size};
use rustix::event::EventfdFlags;

use crate::echo::Echo;

/// The proxy stops reading at this many bytes; the writer may hold as many again.
const BATCH_LIMIT: usize = 2 << 20;

/// And at this many entries, which take memory of their own.
const ENTRY_LIMIT: usize = 64 << 10;

/// A batch this large gives its memory back once it is written.
const KEPT_CAPACITY: usize = 128 << 10;

/// What happened; bytes stand in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Output,
    Input(Echo),
    Resize(Size),
    /// The bytes are its label.
    Marker,
    /// The bytes are the facts of a process of this user.
    Process(Option<u32>),
    PauseBegin,
    PauseEnd,
    Exit(i32),
    /// The bytes say why.
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) time: Micros,
    pub(crate) kind: Kind,
    pub(crate) length: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) bytes: Vec<u8>,
}

impl Batch {
    fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_CAPACITY {
            *self = Self::default();
        }
        self.entries.clear();
        self.bytes.clear();
    }

    /// Each entry with its bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = &self.bytes[start..start + entry.length];
            start += entry.length;
            (entry, bytes)
        })
    }
}

/// What the writer finds.
pub(crate) enum Taken {
    Batch(Batch),
    TimedOut,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    bell: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    closed: bool,
    writer_waits: bool,
    proxy_waits: bool,
    failure: Option<String>,
}

impl Queue {
    pub(crate) fn new() -> std::io::Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { state: Mutex::default(), changed: Condvar::new(), bell })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A writer that panicked left a batch that is whole: entries and bytes are pushed together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, time: Micros, kind: Kind, bytes: &[u8]) {
        let mut state = self.lock();
        state.batch.entries.push(Entry { time, kind, length: bytes.len() });
        state.batch.bytes.extend_from_slice(bytes);
        if std::mem::take(&mut state.writer_waits) {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Whether the writer is behind; if so, the bell rings when it has caught up.
    pub(crate) fn is_full(&self) -> bool {
        let mut state = self.lock();
        let is_long = state.batch.bytes.len() >= BATCH_LIMIT || state.batch.entries.len() >= ENTRY_LIMIT;
        state.proxy_waits = is_long && state.failure.is_none();
        state.proxy_waits
    }

    /// Readable when there is room again, or news of a failure.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Silences the bell; gives the failure that it rang for.
    pub(crate) fn answer_bell(&self) -> Option<String> {
        _ = rustix::io::read(&self.bell, &mut [0; 8]);
        self.lock().failure.take()
    }

    pub(crate) fn fail(&self, failure: String) {
        self.lock().failure = Some(failure);
        self.ring();
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for a batch until `deadline`, for ever without one. `done` is the batch taken before.
    pub(crate) fn take(&self, deadline: Option<Instant>, mut done: Batch) -> Taken {
        done.clear();
        let mut state = self.lock();
        while state.batch.entries.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            state.writer_waits = true;
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        state.writer_waits = false;
                        return Taken::TimedOut;
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.writer_waits = false;
        let batch = std::mem::replace(&mut state.batch, done);
        if std::mem::take(&mut state.proxy_waits) {
            self.ring();
        }
        Taken::Batch(batch)
    }

    fn ring(&self) {
        _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}
