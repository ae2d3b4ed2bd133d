//! Between the proxy and the writer: what happened, in order, in one growing batch.
//!
//! The proxy never waits here: it appends under a lock that is held for a copy, and when the batch
//! is [full](Queue::is_full) it stops reading the session until the bell rings. So memory is bounded
//! and nothing is dropped, however slow the disk.
//!
//! A single event wakes the writer at once. In a burst that would be a wake-up for each read, which
//! costs more than all encoding, and more still where the writer takes a core from the session: so
//! behind a batch of a burst's size the writer lets the next one gather, and only its size or a
//! deadline wakes it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_cast_format::{Micros, Size};
use rustix::event::EventfdFlags;

use crate::echo::Echo;

/// The proxy stops reading at this many bytes; the writer may hold as many again.
const BATCH_LIMIT: usize = 2 << 20;

/// And at this many entries, which take memory of their own.
const ENTRY_LIMIT: usize = 64 << 10;

/// A batch of this size is a burst's: an echo is shorter, and a program that writes line by line as
/// fast as it can fills more within a read.
const BURST_SIZE: usize = 1 << 10;

/// In a burst, this much gathers before the writer is woken: large enough that waking costs nothing
/// beside the work, small enough to stay in a core's cache until it is done.
const GATHER_SIZE: usize = 256 << 10;

/// Or this long, of the 100 ms in which an event is to be in the file.
const GATHER_TIME: Duration = Duration::from_millis(10);

/// A batch with more memory gives it back once it is written; one that gathered keeps it.
const KEPT_CAPACITY: usize = 2 * GATHER_SIZE;

/// What happened; bytes stand in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Output,
    Input(Echo),
    Resize(Size),
    /// The bytes are its label.
    Marker,
    /// The bytes passed a program without a terminal, on this of its standard streams.
    Piped(u8),
    /// The bytes say what is not recorded.
    Gap,
    /// The bytes say how many passed.
    Traffic,
    /// The bytes are the facts of a process of this user.
    Process(Option<u32>),
    /// The bytes say what was started.
    Exec,
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
    /// Whether more like it is sure to follow soon.
    fn is_burst(&self) -> bool {
        self.bytes.len() >= BURST_SIZE
    }

    fn is_gathered(&self) -> bool {
        self.bytes.len() >= GATHER_SIZE || self.entries.len() >= ENTRY_LIMIT
    }

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

/// What the writer sleeps for.
#[derive(Clone, Copy, Debug)]
enum For {
    Anything,
    /// A batch that has gathered.
    Much,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// There is room again, for who waits for it.
    room: Condvar,
    bell: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    closed: bool,
    written: bool,
    ended: bool,
    writer_waits: Option<For>,
    proxy_waits: bool,
    failure: Option<String>,
}

impl State {
    fn is_long(&self) -> bool {
        self.batch.bytes.len() >= BATCH_LIMIT || self.batch.entries.len() >= ENTRY_LIMIT
    }
}

/// Says that the writer is done when it is dropped, which a panic does as well.
pub(crate) struct Ending(pub(crate) Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.room.notify_all();
        self.0.ring();
    }
}

impl Queue {
    pub(crate) fn new() -> std::io::Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { state: Mutex::default(), changed: Condvar::new(), room: Condvar::new(), bell })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A writer that panicked left a batch that is whole: entries and bytes are pushed together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, time: Micros, kind: Kind, bytes: &[u8]) {
        let mut state = self.lock();
        state.batch.entries.push(Entry { time, kind, length: bytes.len() });
        state.batch.bytes.extend_from_slice(bytes);
        let is_awaited = match state.writer_waits {
            Some(For::Anything) => true,
            Some(For::Much) => state.batch.is_gathered(),
            None => false,
        };
        if is_awaited {
            state.writer_waits = None;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Whether the writer is behind; if so, the bell rings when it has caught up.
    pub(crate) fn is_full(&self) -> bool {
        let mut state = self.lock();
        state.proxy_waits = state.is_long() && state.failure.is_none();
        state.proxy_waits
    }

    /// Waits until the writer has caught up.
    pub(crate) fn wait_for_room(&self) {
        let mut state = self.lock();
        while state.is_long() && !state.ended {
            state.proxy_waits = true;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
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

    /// Everything is in the file, if not yet on the disk.
    pub(crate) fn set_written(&self) {
        self.lock().written = true;
        self.ring();
    }

    /// Whether everything is in the file, or will never be; the bell rings when it is.
    pub(crate) fn is_written(&self) -> bool {
        let state = self.lock();
        state.written || state.ended
    }

    /// Whether the writer is done; the bell rings when it is.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Waits for a batch until `deadline`, for ever without one. `done` is the batch taken before.
    pub(crate) fn take(&self, deadline: Option<Instant>, mut done: Batch) -> Taken {
        let mut gather_until = done.is_burst().then(|| Instant::now() + GATHER_TIME);
        done.clear();
        let mut state = self.lock();
        loop {
            let is_empty = state.batch.entries.is_empty();
            if state.closed && is_empty {
                return Taken::Closed;
            }
            let gathers = gather_until.is_some() && !state.closed && !state.batch.is_gathered();
            if !is_empty && !gathers {
                break;
            }
            let until = gather_until.into_iter().chain(deadline).min();
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                // What is there goes first: what is due may depend on it.
                if !is_empty {
                    break;
                }
                if deadline.is_some() && deadline == until {
                    return Taken::TimedOut;
                }
                gather_until = None;
                continue;
            }
            state.writer_waits = Some(if gathers { For::Much } else { For::Anything });
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.writer_waits = None;
        }
        let batch = std::mem::replace(&mut state.batch, done);
        if std::mem::take(&mut state.proxy_waits) {
            self.room.notify_all();
            self.ring();
        }
        Taken::Batch(batch)
    }

    fn ring(&self) {
        _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST_SIZE, Batch, GATHER_SIZE, GATHER_TIME, Kind, Queue, Taken};
    use casemate_cast_format::Micros;
    use std::time::{Duration, Instant};

    /// Longer than any wait that a test is about.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A batch that was a burst's.
    fn burst() -> Batch {
        Batch { bytes: vec![b'x'; BURST_SIZE], ..Batch::default() }
    }

    fn push(queue: &Queue, length: usize) {
        queue.push(Micros(0), Kind::Output, &vec![b'x'; length]);
    }

    #[track_caller]
    fn length(taken: Taken) -> usize {
        let Taken::Batch(batch) = taken else { panic!("there is a batch") };
        batch.bytes.len()
    }

    #[test]
    fn a_single_event_is_given_at_once() {
        let queue = Queue::new().unwrap();
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| length(queue.take(None, Batch::default())));
            push(&queue, 1);
            assert_eq!(taken.join().unwrap(), 1);
        });
    }

    #[test]
    fn behind_a_burst_an_event_waits_for_others_but_not_for_long() {
        let queue = Queue::new().unwrap();
        push(&queue, 1);
        let start = Instant::now();
        assert_eq!(length(queue.take(None, burst())), 1);
        assert!(start.elapsed() >= GATHER_TIME);
        assert!(start.elapsed() < PATIENCE);
    }

    #[test]
    fn what_has_gathered_is_given_at_once() {
        let queue = Queue::new().unwrap();
        push(&queue, GATHER_SIZE - 1);
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| length(queue.take(Some(Instant::now() + PATIENCE), burst())));
            push(&queue, 1);
            assert!(taken.join().unwrap() >= GATHER_SIZE - 1);
        });
    }

    #[test]
    fn what_is_there_goes_before_what_is_due() {
        let queue = Queue::new().unwrap();
        push(&queue, 1);
        let past = Some(Instant::now());
        assert_eq!(length(queue.take(past, burst())), 1);
        assert!(matches!(queue.take(past, Batch::default()), Taken::TimedOut));
        assert!(matches!(queue.take(past, burst()), Taken::TimedOut));
    }

    #[test]
    fn the_end_waits_for_nothing() {
        let queue = Queue::new().unwrap();
        push(&queue, 1);
        queue.close();
        assert_eq!(length(queue.take(None, burst())), 1);
        assert!(matches!(queue.take(None, burst()), Taken::Closed));
    }
}
