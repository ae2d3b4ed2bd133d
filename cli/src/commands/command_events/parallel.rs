//! Many recordings at once, their records in the order of the recordings.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_store::recording::{
    Deriver, Findings, Given, Handover, Input, NobodyWaits, Record, Source, Taker, Wish, in_order, one_line,
};

use crate::failure::Failure;
use crate::input::Strictness;
use crate::printer::{Printer, Progress};

/// Records are handed over together: waking another thread costs more than deriving one.
const BATCH: usize = 32;

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

/// Reads all recordings. Ends early where the writer fails.
pub(crate) fn read_all(
    sources: &[Source],
    wish: &Wish,
    strictness: Strictness,
    printer: &Printer,
    writer: &mut impl Writer,
) -> Result<(), Failure> {
    let total = sources.iter().map(|source| source.bytes).sum();
    let name = match sources {
        [source] => one_line(&source.path.display().to_string()),
        sources => format!("{} recordings", sources.len()),
    };
    let mut progress = printer.progress(&name, Some(total));
    let (read_bytes, mut shown) = (AtomicU64::new(0), 0);
    let work = |source: &Source, handover: &Queue<'_>| read(source, wish, strictness, &read_bytes, handover);
    in_order(sources, work, |source, given| {
        let bytes = read_bytes.load(Ordering::Relaxed);
        progress.advance(usize::try_from(bytes - shown).unwrap_or(usize::MAX));
        shown = bytes;
        match given {
            Given::Piece(records) => records.iter().try_for_each(|record| writer.record(record, &progress)),
            Given::End(Some(end)) => writer.end(source, end, &progress),
            Given::End(None) => {
                let name = one_line(&source.path.display().to_string());
                let failure = Failure::new(format!("{name}: reading it ended unexpectedly"))
                    .hint("this is a bug of casemate: please report it");
                writer.end(source, Err(failure), &progress)
            }
            Given::Beat => Ok(()),
        }
    })
}

type Queue<'a> = Handover<'a, Vec<Record>, Result<End, Failure>>;

fn read(
    source: &Source,
    wish: &Wish,
    strictness: Strictness,
    bytes: &AtomicU64,
    queue: &Queue<'_>,
) -> Result<End, Failure> {
    let input = Input::open(&source.path)?;
    let is_stdin = source.path == Path::new("-");
    let name = (!is_stdin).then(|| source.path.to_string_lossy());
    let batch = Batch { queue, records: Vec::new() };
    let mut worker = Worker { batch, bytes, deriver: Deriver::new(wish, name.as_deref()) };
    // What is wrong is said in the turn of the recording.
    let read = input.read(UnpackerConfig::default(), strictness.without_talk(), &mut worker);
    if read.is_err() && source.is_guess && !worker.deriver.has_begun() {
        // It never said that it was a recording.
        return Ok(End::default());
    }
    // What was read before something went wrong is not lost.
    let Worker { batch, deriver, .. } = &mut worker;
    deriver.finish(&mut |record| batch.push(record))?;
    batch.flush()?;
    Ok(End { findings: read?, untimed: worker.deriver.untimed })
}

struct Worker<'a> {
    batch: Batch<'a>,
    bytes: &'a AtomicU64,
    deriver: Deriver<'a>,
}

/// Records on their way to whoever writes.
struct Batch<'a> {
    queue: &'a Queue<'a>,
    records: Vec<Record>,
}

impl Batch<'_> {
    fn push(&mut self, record: Record) -> Result<(), NobodyWaits> {
        self.records.push(record);
        if self.records.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), NobodyWaits> {
        if self.records.is_empty() { Ok(()) } else { self.queue.give(std::mem::take(&mut self.records)) }
    }
}

impl Taker for Worker<'_> {
    type Error = Failure;

    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        let Self { batch, deriver, .. } = self;
        if !batch.queue.is_wanted() {
            return Err(NobodyWaits.into());
        }
        Ok(deriver.item(&item, &mut |record| batch.push(record))?)
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
