//! Many jobs at once, and what comes of them in the order of the jobs.
//!
//! Each worker does one job after the other, in their order, and hands over what comes of it through a queue of its
//! own; whoever takes it empties the queues in that order. So the job whose turn it is always has a worker, and those
//! behind it wait when their queues are full.
//!
//! *Invariant*: memory is bounded by the number of workers, [`QUEUE`] and [`AHEAD`], not by how much comes of the jobs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Pieces that wait for their turn, of each job.
const QUEUE: usize = 8;

/// So many jobs may be done before their turn.
const AHEAD: usize = 64;

/// How often it is said that time has passed.
const BEAT: Duration = Duration::from_millis(100);

/// What comes of a job.
#[derive(Debug)]
pub enum Given<M, R> {
    /// A piece, while it is done.
    Piece(M),
    /// Its end; `None` if it panicked.
    End(Option<R>),
    /// Nothing yet.
    Beat,
}

/// What a worker says.
enum Message<M, R> {
    Piece(M),
    End(R),
}

/// Where a job puts what comes of it.
#[derive(Debug)]
pub struct Handover<'a, M, R> {
    sender: SyncSender<Message<M, R>>,
    stop: &'a AtomicBool,
}

/// Nobody waits for it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody waits for it")]
pub struct NobodyWaits;

impl<M, R> Handover<'_, M, R> {
    /// Hands a piece over; waits while too many wait for their turn.
    ///
    /// # Errors
    ///
    /// Nobody waits for it.
    pub fn give(&self, piece: M) -> Result<(), NobodyWaits> {
        self.sender.send(Message::Piece(piece)).map_err(|_| NobodyWaits)
    }

    /// Whether somebody waits for what comes of it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Between the workers and whoever takes.
struct Shared<'a, J, M, R> {
    jobs: &'a [J],
    plan: Mutex<Plan<M, R>>,
    changed: Condvar,
    stop: AtomicBool,
}

/// Who does what.
struct Plan<M, R> {
    /// The first job that no worker has.
    next: usize,
    /// The job whose turn it is.
    turn: usize,
    /// The queues of those that are being done, in their order.
    queues: VecDeque<Receiver<Message<M, R>>>,
}

impl<J, M, R> Shared<'_, J, M, R> {
    fn plan(&self) -> MutexGuard<'_, Plan<M, R>> {
        // Nobody panics with half a plan.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, plan: MutexGuard<'a, Plan<M, R>>) -> MutexGuard<'a, Plan<M, R>> {
        self.changed.wait(plan).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does all jobs, one thread for each core, and gives what comes of them in their order.
///
/// # Errors
///
/// That of `take`, which ends all.
pub fn in_order<J, M, R, E>(
    jobs: &[J],
    work: impl Fn(&J, &Handover<'_, M, R>) -> R + Sync,
    take: impl FnMut(&J, Given<M, R>) -> Result<(), E>,
) -> Result<(), E>
where
    J: Sync,
    M: Send,
    R: Send,
{
    let plan = Plan { next: 0, turn: 0, queues: VecDeque::new() };
    let shared =
        Shared { jobs, plan: Mutex::new(plan), changed: Condvar::new(), stop: AtomicBool::new(false) };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            scope.spawn(|| do_jobs(&shared, &work));
        }
        let taken = take_all(&shared, take);
        // Workers that wait, or do something long, see that nobody waits for them.
        let mut plan = shared.plan();
        shared.stop.store(true, Ordering::Relaxed);
        plan.queues.clear();
        drop(plan);
        shared.changed.notify_all();
        taken
    })
}

fn take_all<J, M, R, E>(
    shared: &Shared<'_, J, M, R>,
    mut take: impl FnMut(&J, Given<M, R>) -> Result<(), E>,
) -> Result<(), E> {
    for job in shared.jobs {
        let mut plan = shared.plan();
        let queue = loop {
            match plan.queues.pop_front() {
                Some(queue) => break queue,
                None => plan = shared.wait(plan),
            }
        };
        drop(plan);
        loop {
            match queue.recv_timeout(BEAT) {
                Ok(Message::Piece(piece)) => take(job, Given::Piece(piece))?,
                Ok(Message::End(end)) => {
                    take(job, Given::End(Some(end)))?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => take(job, Given::Beat)?,
                Err(RecvTimeoutError::Disconnected) => {
                    take(job, Given::End(None))?;
                    break;
                }
            }
        }
        shared.plan().turn += 1;
        shared.changed.notify_all();
    }
    Ok(())
}

fn do_jobs<J, M, R>(shared: &Shared<'_, J, M, R>, work: &impl Fn(&J, &Handover<'_, M, R>) -> R) {
    while let Some((job, sender)) = next(shared) {
        let handover = Handover { sender, stop: &shared.stop };
        // A panic is one job's, not the end of the others.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(job, &handover)));
        if let Ok(end) = done {
            // Where nobody receives, nobody wants to know.
            handover.sender.send(Message::End(end)).ok();
        }
    }
}

/// The next job, once it is not too far ahead; `None` if there is none, or nobody wants it any more.
fn next<'a, J, M, R>(shared: &Shared<'a, J, M, R>) -> Option<(&'a J, SyncSender<Message<M, R>>)> {
    let mut plan = shared.plan();
    loop {
        if plan.next == shared.jobs.len() || shared.stop.load(Ordering::Relaxed) {
            return None;
        }
        if plan.next < plan.turn + AHEAD {
            break;
        }
        plan = shared.wait(plan);
    }
    let (sender, receiver) = sync_channel(QUEUE);
    plan.queues.push_back(receiver);
    plan.next += 1;
    let job = &shared.jobs[plan.next - 1];
    drop(plan);
    shared.changed.notify_all();
    Some((job, sender))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_the_order_of_the_jobs_and_a_panic_is_one_jobs() {
        let jobs: Vec<u32> = (0..200).collect();
        let mut got = Vec::new();
        let work = |job: &u32, handover: &Handover<'_, u32, u32>| {
            for piece in 0..20 {
                handover.give(job * 100 + piece).unwrap();
            }
            assert_ne!(*job, 7, "this panic belongs to the test");
            job * 2
        };
        let result: Result<(), ()> = in_order(&jobs, work, |job, given| {
            match given {
                Given::Piece(piece) => got.push(piece),
                Given::End(end) => assert_eq!(end, (*job != 7).then_some(job * 2)),
                Given::Beat => {}
            }
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert!(got.is_sorted() && got.len() == 4000);
    }

    #[test]
    fn whoever_takes_may_end_it() {
        let jobs: Vec<u32> = (0..1000).collect();
        let work = |_: &u32, handover: &Handover<'_, u32, ()>| while handover.give(1).is_ok() {};
        let mut pieces = 0;
        let result = in_order(&jobs, work, |_, _| {
            pieces += 1;
            if pieces < 50 { Ok(()) } else { Err("enough") }
        });
        assert_eq!(result, Err("enough"));
    }
}
