//! Between the journal and the thread that derives command events: what was recorded, in order.
//!
//! The thread takes all that is there at once. Where it is behind, the journal waits until it has, so that a burst
//! costs few changes from one to the other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_cast_format::{Code, Event, Header, Micros};
use casemate_recorder::Witness;

/// The journal waits at so many bytes; the thread may hold as many again.
const BYTES: usize = 1 << 20;

/// And at so many pieces, which take memory of their own.
const PIECES: usize = 16 << 10;

/// Something that was recorded.
pub(super) enum Told {
    Begin(Box<Header>),
    /// Kept as text: it becomes an event on the thread that has time.
    Output(Micros, String),
    Event(Event<'static>),
}

#[derive(Default)]
struct State {
    told: Vec<Told>,
    bytes: usize,
    /// Nobody tells any more.
    closed: bool,
    /// Nobody listens any more.
    gone: bool,
    listener_waits: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
    taken: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends of a queue.
pub(super) fn queue() -> (Teller, Listener) {
    let shared = Arc::<Shared>::default();
    (Teller(Arc::clone(&shared)), Listener(shared))
}

/// The journal's end.
pub(super) struct Teller(Arc<Shared>);

impl Teller {
    fn tell(&self, told: Told, bytes: usize) {
        let mut state = self.0.lock();
        while (state.bytes >= BYTES || state.told.len() >= PIECES) && !state.gone {
            state = self.0.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.gone {
            // It has noted why.
            return;
        }
        state.told.push(told);
        state.bytes += bytes;
        if std::mem::take(&mut state.listener_waits) {
            drop(state);
            self.0.told.notify_one();
        }
    }
}

impl Witness for Teller {
    fn begin(&mut self, header: &Header) {
        self.tell(Told::Begin(Box::new(header.clone())), 0);
    }

    fn output(&mut self, time: Micros, text: &str) {
        self.tell(Told::Output(time, text.to_owned()), text.len());
    }

    fn event(&mut self, event: &Event<'_>) {
        debug_assert!(event.code != Code::Output, "output is told as such");
        self.tell(Told::Event(event.clone().into_owned()), event.data.as_json().len());
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.told.notify_one();
    }
}

/// The thread's end.
pub(super) struct Listener(Arc<Shared>);

impl Listener {
    /// Takes all that was told, waiting for it until then; nothing if time is up. `None` when no more is to come.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Option<Vec<Told>> {
        let mut state = self.0.lock();
        while state.told.is_empty() {
            if state.closed {
                return None;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break;
            }
            state.listener_waits = true;
            state = match left {
                None => self.0.told.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.0.told.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.listener_waits = false;
        state.bytes = 0;
        let told = std::mem::take(&mut state.told);
        drop(state);
        self.0.taken.notify_one();
        Some(told)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.gone = true;
        state.told.clear();
        drop(state);
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_comes_in_order_and_in_bounded_memory() {
        let (mut teller, listener) = queue();
        let telling = std::thread::spawn(move || {
            for index in 0..100_u64 {
                teller.output(Micros(index), &"x".repeat(100_000));
            }
        });
        let mut next = 0;
        while let Some(all) = listener.take(None) {
            assert!(all.len() <= BYTES / 100_000 + 1, "{} at once", all.len());
            for told in all {
                assert!(matches!(told, Told::Output(Micros(time), _) if time == next));
                next += 1;
            }
        }
        assert_eq!(next, 100);
        telling.join().unwrap();
    }

    #[test]
    fn nobody_waits_for_somebody_who_is_gone() {
        let (mut teller, listener) = queue();
        assert!(listener.take(Some(Instant::now())).is_some_and(|told| told.is_empty()));
        drop(listener);
        (0..100).for_each(|index| teller.output(Micros(index), &"x".repeat(100_000)));
    }
}
