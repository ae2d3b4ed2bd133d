//! What is carried next: sessions that go on before what is left of others, and nothing at all while the server is away.
//!
//! *Invariants*: one worker at a time has a job; of those that are not live no more than [`AT_ONCE`] are on their way, the
//! oldest first; a job that is woken while somebody has it is due when it comes back.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is waited before a server that is away is tried again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What the server refuses is tried again so much later: somebody may have put it right.
pub const PARKED: Duration = Duration::from_secs(600);

/// What is waited before something that could not be sent for now is tried again: at first, and at most.
const LATER: (Duration, Duration) = (Duration::from_secs(2), PARKED);

/// Of recordings that have ended so many are on their way at once: what goes on comes first.
const AT_ONCE: usize = 2;

/// Jobs, each of them live or not.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    live: Vec<Waiting<J>>,
    backlog: VecDeque<J>,
    /// How many of the backlog workers have, or will get back next.
    begun: usize,
    parked: Vec<Waiting<J>>,
    /// Counts calls to wake.
    round: u64,
    away: Option<Instant>,
    pause: Duration,
}

#[derive(Debug)]
struct Waiting<J> {
    job: J,
    due: Instant,
    not_before: Instant,
}

/// A job that somebody has.
#[derive(Debug)]
pub(crate) struct Taken<J> {
    pub(crate) job: J,
    is_live: bool,
    round: u64,
}

/// When a live job is due again: then, or when it is woken, but not before that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    pub(crate) due: Instant,
    pub(crate) not_before: Instant,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let state = State {
            live: Vec::new(),
            backlog: VecDeque::new(),
            begun: 0,
            parked: Vec::new(),
            round: 0,
            away: None,
            pause: PAUSES.0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<J> Queue<J> {
    /// Puts a new job in.
    pub(crate) fn add(&self, job: J, is_live: bool) {
        let mut state = self.lock();
        if is_live {
            let now = Instant::now();
            state.live.push(Waiting { job, due: now, not_before: now });
        } else {
            state.backlog.push_back(job);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Something has happened: what is live is to be looked at.
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        state.round += 1;
        let now = Instant::now();
        for waiting in &mut state.live {
            waiting.due = waiting.due.min(now.max(waiting.not_before));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for the next job.
    pub(crate) fn take(&self) -> Taken<J> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            match state.next(now) {
                Ok(taken) => return taken,
                Err(None) => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Err(Some(until)) => {
                    let time = until.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(state, time);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// It goes on.
    pub(crate) fn put_back(&self, taken: Taken<J>, is_live: bool, again: Again) {
        let mut state = self.lock();
        state.begun -= usize::from(!taken.is_live);
        if is_live {
            let Again { mut due, not_before } = again;
            if taken.round != state.round {
                due = due.min(Instant::now().max(not_before));
            }
            state.live.push(Waiting { job: taken.job, due, not_before });
        } else {
            state.backlog.push_front(taken.job);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// It is done.
    pub(crate) fn done(&self, taken: &Taken<J>) {
        self.lock().begun -= usize::from(!taken.is_live);
        self.changed.notify_all();
    }

    /// The server does not want it.
    pub(crate) fn park(&self, taken: Taken<J>) {
        self.rest(taken.job, taken.is_live, false, PARKED);
    }

    /// It cannot be sent for now, for so many times by now: the others go on.
    pub(crate) fn postpone(&self, taken: Taken<J>, is_live: bool, failures: u32) {
        let doublings = failures.saturating_sub(1).min(16);
        let pause = (LATER.0 * (1 << doublings)).min(LATER.1);
        self.rest(taken.job, taken.is_live, is_live, pause);
    }

    fn rest(&self, job: J, was_live: bool, is_live: bool, pause: Duration) {
        let mut state = self.lock();
        state.begun -= usize::from(!was_live);
        let due = Instant::now() + pause;
        let waiting = Waiting { job, due, not_before: due };
        // What goes on needs not wait behind what is left.
        if is_live {
            state.live.push(waiting);
        } else {
            state.parked.push(waiting);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The server is away: all waits for a while, ever longer. Gives whether that is news.
    pub(crate) fn away(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        // Others found it away at the same time.
        if state.away.is_none_or(|until| until <= now) {
            state.away = Some(now + state.pause);
            let is_first = state.pause == PAUSES.0;
            state.pause = (state.pause * 2).min(PAUSES.1);
            return is_first;
        }
        false
    }

    /// The server is there. Gives whether that is news.
    pub(crate) fn there(&self) -> bool {
        let mut state = self.lock();
        state.pause = PAUSES.0;
        let was_away = state.away.take().is_some();
        drop(state);
        if was_away {
            self.changed.notify_all();
        }
        was_away
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> State<J> {
    /// What is due; or until when nothing is.
    fn next(&mut self, now: Instant) -> Result<Taken<J>, Option<Instant>> {
        if let Some(until) = self.away.filter(|until| *until > now) {
            return Err(Some(until));
        }
        while let Some(at) = self.parked.iter().position(|parked| parked.due <= now) {
            self.backlog.push_back(self.parked.swap_remove(at).job);
        }
        let round = self.round;
        let first = (0..self.live.len()).min_by_key(|at| self.live[*at].due);
        if let Some(at) = first.filter(|at| self.live[*at].due <= now) {
            return Ok(Taken { job: self.live.swap_remove(at).job, is_live: true, round });
        }
        if self.begun < AT_ONCE
            && let Some(job) = self.backlog.pop_front()
        {
            self.begun += 1;
            return Ok(Taken { job, is_live: false, round });
        }
        let parked = self.parked.iter().map(|parked| parked.due);
        Err(first.map(|at| self.live[at].due).into_iter().chain(parked).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are live, wait, and are refused.
    fn counts<J>(queue: &Queue<J>) -> [usize; 3] {
        let state = queue.lock();
        [state.live.len(), state.backlog.len() + state.begun, state.parked.len()]
    }

    fn later(seconds: u64) -> Again {
        let now = Instant::now();
        Again { due: now + Duration::from_secs(seconds), not_before: now }
    }

    #[test]
    fn what_goes_on_comes_before_what_is_left_and_that_in_order() {
        let queue = Queue::default();
        for job in [1, 2, 3] {
            queue.add(job, false);
        }
        queue.add(10, true);
        let live = queue.take();
        assert_eq!(live.job, 10);
        let (first, second) = (queue.take(), queue.take());
        assert_eq!((first.job, second.job), (1, 2));
        assert_eq!(counts(&queue), [0, 3, 0]);
        // No third one is begun; and one that is found to go on is no longer among them.
        assert!(queue.lock().next(Instant::now()).is_err());
        queue.put_back(first, true, later(60));
        assert_eq!(queue.take().job, 3);
        queue.put_back(live, true, later(60));
        assert!(queue.lock().next(Instant::now()).is_err());
        queue.wake();
        let mut woken = [queue.take().job, queue.take().job];
        woken.sort_unstable();
        assert_eq!(woken, [1, 10]);
    }

    #[test]
    fn what_is_woken_while_somebody_has_it_is_due_at_once() {
        let queue = Queue::default();
        queue.add(1, true);
        let taken = queue.take();
        queue.wake();
        queue.put_back(taken, true, later(60));
        assert_eq!(queue.take().job, 1);
    }

    #[test]
    fn while_the_server_is_away_nothing_is_due() {
        let queue = Queue::default();
        queue.add(1, true);
        assert!(queue.away());
        assert!(!queue.away(), "somebody else has found that out");
        assert!(queue.lock().next(Instant::now()).is_err());
        assert!(queue.there() && !queue.there());
        assert_eq!(queue.take().job, 1);
    }

    #[test]
    fn what_is_refused_is_in_nobodys_way() {
        let queue = Queue::default();
        for job in 1..=3 {
            queue.add(job, false);
        }
        for _ in 0..2 {
            let taken = queue.take();
            queue.park(taken);
        }
        assert_eq!(queue.take().job, 3);
        assert_eq!(counts(&queue), [0, 1, 2]);
        let after = Instant::now() + 2 * PARKED;
        assert_eq!(queue.lock().next(after).unwrap().job, 1);
    }

    #[test]
    fn what_cannot_be_sent_for_now_is_tried_again_ever_more_rarely_and_the_others_go_on() {
        let queue = Queue::default();
        queue.add(1, true);
        queue.add(2, false);
        let (live, left) = (queue.take(), queue.take());
        let begun = Instant::now();
        queue.postpone(live, true, 1);
        queue.postpone(left, false, 3);
        queue.add(3, true);
        let other = queue.take();
        assert_eq!(other.job, 3);
        queue.done(&other);
        // Not even if something happens.
        queue.wake();
        let due = |queue: &Queue<_>, seconds| queue.lock().next(begun + Duration::from_secs(seconds));
        assert!(due(&queue, 1).is_err());
        let live = due(&queue, 3).unwrap();
        assert_eq!(live.job, 1);
        assert!(due(&queue, 7).is_err());
        assert_eq!(due(&queue, 9).unwrap().job, 2);
        queue.postpone(live, true, u32::MAX);
        assert!(due(&queue, 590).is_err());
        assert_eq!(due(&queue, 602).unwrap().job, 1);
    }
}
