//! Many recordings at once, their records in the order of the recordings.
//!
//! Each worker reads one recording after the other, in their order, and hands its records over through a queue of its
//! own; whoever writes empties the queues in that order. So the recording whose turn it is always has a worker, and
//! those behind it wait when their queues are full.
//!
//! *Invariant*: memory is bounded by the number of workers and [`AHEAD`], not by what is in the recordings.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;

use super::derive::{Deriver, Record, Wish};
use super::find::Source;
use crate::failure::Failure;
use crate::input::{Findings, Input, Strictness, Taker};
use crate::printer::{Printer, Progress};

/// Records are handed over together: waking another thread costs more than deriving one.
const BATCH: usize = 32;

/// Batches that wait for their turn, of each recording.
const QUEUE: usize = 8;

/// So many recordings may be read before their turn.
const AHEAD: usize = 64;

/// How often the bar moves.
const BEAT: Duration = Duration::from_millis(100);

/// What a worker says.
enum Message {
    Records(Vec<Record>),
    End(Box<Result<End, Failure>>),
}

/// A recording is read.
#[derive(Debug, Default)]
pub(crate) struct End {
    pub(crate) findings: Findings,
    pub(crate) untimed: u64,
}

/// Takes what comes of the recordings, in their order.
pub(crate) trait Writer {
    fn record(&mut self, record: &Record, progress: &Progress) -> Result<(), Failure>;

    /// A recording is at its end. What went wrong with it is no reason to stop.
    fn end(&mut self, source: &Source, end: Result<End, Failure>, progress: &Progress)
    -> Result<(), Failure>;
}

/// Between the workers and whoever writes.
struct Shared<'a> {
    sources: &'a [Source],
    wish: &'a Wish,
    strictness: Strictness,
    printer: &'a Printer,
    plan: Mutex<Plan>,
    changed: Condvar,
    bytes: AtomicU64,
    stop: AtomicBool,
}

/// Who reads what.
#[derive(Default)]
struct Plan {
    /// The first recording that no worker has.
    next: usize,
    /// The recording whose turn it is.
    turn: usize,
    /// The queues of those that are being read, in their order.
    queues: VecDeque<Receiver<Message>>,
}

impl Shared<'_> {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        // Nobody panics with half a plan.
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, plan: MutexGuard<'a, Plan>) -> MutexGuard<'a, Plan> {
        self.changed.wait(plan).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads all recordings. Ends early where the writer fails.
pub(crate) fn read_all(
    sources: &[Source],
    wish: &Wish,
    strictness: Strictness,
    printer: &Printer,
    writer: &mut impl Writer,
) -> Result<(), Failure> {
    let shared = Shared {
        sources,
        wish,
        strictness,
        printer,
        plan: Mutex::default(),
        changed: Condvar::new(),
        bytes: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(sources.len()) {
            scope.spawn(|| work(&shared));
        }
        let written = write_all(&shared, writer);
        // Workers that wait, or read something long, see that nobody waits for them.
        let mut plan = shared.plan();
        shared.stop.store(true, Ordering::Relaxed);
        plan.queues.clear();
        drop(plan);
        shared.changed.notify_all();
        written
    })
}

fn write_all(shared: &Shared<'_>, writer: &mut impl Writer) -> Result<(), Failure> {
    let total = shared.sources.iter().map(|source| source.bytes).sum();
    let name = match shared.sources {
        [source] => crate::printer::one_line(&source.path.display().to_string()),
        sources => format!("{} recordings", sources.len()),
    };
    let mut progress = shared.printer.progress(&name, Some(total));
    let mut shown = 0;
    for source in shared.sources {
        let mut plan = shared.plan();
        let queue = loop {
            match plan.queues.pop_front() {
                Some(queue) => break queue,
                None => plan = shared.wait(plan),
            }
        };
        drop(plan);
        loop {
            let bytes = shared.bytes.load(Ordering::Relaxed);
            progress.advance(usize::try_from(bytes - shown).unwrap_or(usize::MAX));
            shown = bytes;
            match queue.recv_timeout(BEAT) {
                Ok(Message::Records(records)) => {
                    for record in &records {
                        writer.record(record, &progress)?;
                    }
                }
                Ok(Message::End(end)) => {
                    writer.end(source, *end, &progress)?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let name = crate::printer::one_line(&source.path.display().to_string());
                    let failure = Failure::new(format!("{name}: reading it ended unexpectedly"));
                    writer.end(
                        source,
                        Err(failure.hint("this is a bug of casemate: please report it")),
                        &progress,
                    )?;
                    break;
                }
            }
        }
        shared.plan().turn += 1;
        shared.changed.notify_all();
    }
    Ok(())
}

fn work(shared: &Shared<'_>) {
    while let Some((index, sender)) = take(shared) {
        // A panic is one recording's, not the end of the others.
        let read = std::panic::AssertUnwindSafe(|| read(shared, &shared.sources[index], &sender));
        if let Ok(end) = std::panic::catch_unwind(read) {
            // Where nobody receives, nobody wants to know.
            sender.send(Message::End(Box::new(end))).ok();
        }
    }
}

/// The next recording, once it is not too far ahead; `None` if there is none, or nobody wants it any more.
fn take(shared: &Shared<'_>) -> Option<(usize, SyncSender<Message>)> {
    let mut plan = shared.plan();
    loop {
        if plan.next == shared.sources.len() || shared.stop.load(Ordering::Relaxed) {
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
    let index = plan.next - 1;
    drop(plan);
    shared.changed.notify_all();
    Some((index, sender))
}

fn read(shared: &Shared<'_>, source: &Source, sender: &SyncSender<Message>) -> Result<End, Failure> {
    let input = Input::open(&source.path)?;
    let is_stdin = source.path == Path::new("-");
    let name = (!is_stdin).then(|| source.path.to_string_lossy());
    let handover = Handover { sender, records: Vec::new() };
    let mut worker = Worker { shared, handover, deriver: Deriver::new(shared.wish, name.as_deref()) };
    // What is wrong is said in the turn of the recording.
    let strictness =
        if shared.strictness == Strictness::Stop { Strictness::Stop } else { Strictness::Collect };
    let read = input.read_into(UnpackerConfig::default(), strictness, shared.printer, &mut worker);
    if read.is_err() && source.is_guess && !worker.deriver.has_begun() {
        // It never said that it was a recording.
        return Ok(End::default());
    }
    // What was read before something went wrong is not lost.
    let Worker { handover, deriver, .. } = &mut worker;
    deriver.finish(&mut |record| handover.push(record))?;
    handover.flush()?;
    Ok(End { findings: read?, untimed: worker.deriver.untimed })
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    handover: Handover<'a>,
    deriver: Deriver<'a>,
}

/// Records on their way to whoever writes.
struct Handover<'a> {
    sender: &'a SyncSender<Message>,
    records: Vec<Record>,
}

impl Handover<'_> {
    fn push(&mut self, record: Record) -> Result<(), Failure> {
        self.records.push(record);
        if self.records.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.records.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.records);
        self.sender.send(Message::Records(records)).map_err(|_| nobody_waits())
    }
}

impl Taker for Worker<'_> {
    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Err(nobody_waits());
        }
        let Self { handover, deriver, .. } = self;
        deriver.item(&item, &mut |record| handover.push(record))
    }

    fn advance(&mut self, bytes: usize) {
        self.shared.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

fn nobody_waits() -> Failure {
    Failure::new("nobody waits for it")
}
