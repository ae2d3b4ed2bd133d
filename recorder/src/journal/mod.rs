//! The journal: takes what the proxy saw and brings it into the recording, beside the session.
//!
//! One thread encodes, compresses and writes. What happened is in the file, where any reader can
//! see it, within [`FLUSH_DELAY`] and the time of one write. While nothing happens nothing wakes.

mod append;
mod catch_up;
mod file;
mod queue;
mod sink;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use casemate_cast_format::exact::{Utf8Joiner, piped_events};
use casemate_cast_format::segment::SEGMENT_TIME_LIMIT;
use casemate_cast_format::{Code, Event, Micros, ProcessFacts, own};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::echo::{InputGuard, Typed};
use crate::ending::Ending;
use crate::identity::UserNames;
use crate::signals::Signals;
pub use append::{AppendError, recording_version};
pub(crate) use file::Target;
pub use file::{Existing, claim};
pub(crate) use queue::Kind;
pub(crate) use queue::Queue;
use queue::{Batch, Taken};
use sink::Screen;
pub(crate) use sink::{Plan, Sink};
pub use sink::{Rotation, part_path};

/// An event is in the file this long after it happened, at most: promised are 100 ms.
const FLUSH_DELAY: Duration = Duration::from_millis(70);

/// A burst is written in pieces of this size rather than all at its end.
const WRITE_SIZE: usize = 256 << 10;

/// A signal ends the waiting for whoever reads a pipe after this long: they may only be slow.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// The proxy's end of the journal.
pub(crate) struct Journal {
    queue: Arc<Queue>,
    thread: JoinHandle<Report>,
    /// Written to a file, which takes it, sooner or later; whoever reads a pipe may never do so.
    is_file: bool,
}

/// What became of a recording.
#[derive(Debug)]
pub(crate) struct Report {
    /// Events written.
    pub(crate) events: u64,
    /// Files written, in order.
    pub(crate) files: Vec<std::path::PathBuf>,
    /// Why it is not whole.
    pub(crate) failure: Option<String>,
}

impl Journal {
    /// Begins to write; the times of all events count from `start`.
    pub(crate) fn start(sink: Sink, start: Instant) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new()?);
        let theirs = Arc::clone(&queue);
        let (is_file, rights) = (sink.is_file(), sink.rights());
        let writer = Writer::new(sink, start);
        let thread =
            std::thread::Builder::new().name("journal".into()).stack_size(512 << 10).spawn(move || {
                if let Some(rights) = rights {
                    rights.take_up();
                }
                let queue = queue::Ending(theirs);
                writer.run(&queue.0)
            })?;
        Ok(Self { queue, thread, is_file })
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The queue, for threads that fill it as well.
    pub(crate) fn shared_queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Says that nothing more will come.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Waits until everything is written. Where nobody takes it, a signal ends the waiting, also the one
    /// that ended the session.
    pub(crate) fn finish(self, ending: Option<Ending>) -> Report {
        self.queue.close();
        if !self.is_file && self.is_given_up(ending) {
            let failure = "nobody took the rest before a signal came".to_owned();
            return Report { events: 0, files: Vec::new(), failure: Some(failure) };
        }
        self.thread.join().unwrap_or_else(|_| Report {
            events: 0,
            files: Vec::new(),
            failure: Some("the journal ended unexpectedly".into()),
        })
    }
}

impl Journal {
    /// Waits until the writer is done, or has had its time after a signal.
    fn is_given_up(&self, ending: Option<Ending>) -> bool {
        // Without them there is nothing to do but to wait.
        let Ok(mut signals) = Signals::listen() else { return false };
        let is_asked = matches!(ending, Some(Ending::Signal(_) | Ending::Hangup));
        let mut until = is_asked.then(|| Instant::now() + LAST_PATIENCE);
        while !self.queue.has_ended() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return true;
            }
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let source = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
            // What goes wrong here is only looked at again.
            poll(&mut [source(self.queue.bell()), source(signals.fd())], timeout.as_ref()).ok();
            self.queue.answer_bell();
            let ends = |signal: &i32| matches!(*signal, SIGHUP | SIGINT | SIGQUIT | SIGTERM);
            if signals.pending().iter().any(ends) {
                until.get_or_insert_with(|| Instant::now() + LAST_PATIENCE);
            }
        }
        false
    }
}

struct Writer {
    /// `None` after a failure.
    sink: Option<Sink>,
    /// The sink that failed, and what was lost since.
    failed: Option<Failed>,
    guard: InputGuard,
    input_joiner: Utf8Joiner,
    /// The standard streams of a program without a terminal.
    piped: [(Utf8Joiner, Code<'static>); 3],
    user_names: UserNames,
    start: Instant,
    flush_at: Option<Instant>,
    /// The screen for the keyframes is behind, and this is when there may be time for it.
    catch_up_at: Option<Instant>,
    report: Report,
}

struct Failed {
    sink: Sink,
    lost_events: u64,
    lost_bytes: u64,
    /// The events that end the recording are kept, should there be room for them.
    last: Vec<Event<'static>>,
}

impl Writer {
    fn new(sink: Sink, start: Instant) -> Self {
        let report = Report { events: 0, files: Vec::new(), failure: None };
        let mut guard = InputGuard::default();
        guard.resize(sink.size().cols);
        Self {
            sink: Some(sink),
            failed: None,
            guard,
            input_joiner: Utf8Joiner::default(),
            piped: [Code::Input, Code::Output, Code::Other(own::ERR.into())]
                .map(|code| (Utf8Joiner::default(), code)),
            user_names: UserNames::default(),
            start,
            flush_at: None,
            catch_up_at: Some(start),
            report,
        }
    }

    fn run(mut self, queue: &Queue) -> Report {
        let mut done = Batch::default();
        loop {
            match queue.take(self.deadline(), std::mem::take(&mut done)) {
                Taken::Batch(batch) => {
                    if let Some(first) = batch.entries.first() {
                        let happened = self.start + Duration::from_micros(first.time.0);
                        self.flush_at.get_or_insert(happened + FLUSH_DELAY);
                    }
                    self.attempt(queue, |writer| writer.write(&batch));
                    self.count_lost(&batch);
                    self.catch_up_at = self.catch_up_at.max(Some(next_rest(&batch)));
                    done = batch;
                }
                Taken::TimedOut => {}
                Taken::Closed => break,
            }
            self.attempt(queue, Self::keep_time);
        }
        self.attempt(queue, |writer| {
            let now = writer.now();
            let mut typed = Vec::new();
            writer.guard.finish(|decided| typed.push(decided));
            writer.write_typed(typed)?;
            if let Some(sink) = &mut writer.sink {
                sink.end_of_output(now)?;
            }
            writer.end_of_piped(now)?;
            writer.flush()
        });
        if let Some(sink) = self.sink.take() {
            self.report.files = sink.files().to_vec();
            if let Err(error) = sink.finish(|| queue.set_written()) {
                self.report.failure = Some(error.to_string());
            }
        } else if let Some(failed) = self.failed.take() {
            self.report.files = failed.sink.files().to_vec();
            let gap = serde_json::json!({
                "what": "could not be written",
                "error": self.report.failure,
                "events": failed.lost_events,
                "bytes": failed.lost_bytes,
            });
            // Where this fails too, the file stays unfinished, and the failure is reported anyway.
            failed.sink.salvage(&gap.to_string(), &failed.last).ok();
        }
        self.report
    }

    fn now(&self) -> Micros {
        micros(self.start.elapsed())
    }

    /// When something is due although nothing happens; nothing is where nothing can be written any more.
    fn deadline(&self) -> Option<Instant> {
        let sink = self.sink.as_ref()?;
        let at = |time: Micros| self.start + Duration::from_micros(time.0);
        let guard = self.guard.deadline().map(at);
        let segment = sink.segment_start().map(|start| at(start.plus(SEGMENT_TIME_LIMIT)));
        [self.flush_at, guard, segment, self.catch_up_at].into_iter().flatten().min()
    }

    /// Does what is due.
    fn keep_time(&mut self) -> std::io::Result<()> {
        let now = self.now();
        let mut typed = Vec::new();
        self.guard.expire(now, |decided| typed.push(decided));
        self.write_typed(typed)?;
        if let Some(sink) = &mut self.sink
            && sink.segment_start().is_some_and(|start| start.plus(SEGMENT_TIME_LIMIT) <= now)
        {
            sink.seal()?;
        }
        let now = Instant::now();
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush()?;
        }
        self.catch_up(now);
        Ok(())
    }

    /// Brings the screen for the keyframes up to date while the session rests.
    fn catch_up(&mut self, now: Instant) {
        if !self.sink.as_mut().is_some_and(Sink::is_behind) {
            self.catch_up_at = None;
        } else if self.catch_up_at.is_some_and(|at| at <= now)
            && let Some(sink) = &mut self.sink
        {
            self.catch_up_at = match sink.catch_up() {
                Screen::Settled => None,
                Screen::Behind => Some(now),
                Screen::BehindFlush => self.flush_at,
            };
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.flush_at = None;
        self.sink.as_mut().map_or(Ok(()), Sink::flush)
    }

    fn write(&mut self, batch: &Batch) -> std::io::Result<()> {
        let mut joined = Vec::new();
        for (entry, bytes) in batch.iter() {
            let mut typed = Vec::new();
            if matches!(entry.kind, Kind::Traffic | Kind::End) {
                self.end_of_piped(entry.time)?;
            }
            if matches!(entry.kind, Kind::Exit(_)) {
                // Nothing that is still to come can show what was typed.
                self.guard.finish(|decided| typed.push(decided));
            }
            let event = match entry.kind {
                Kind::Output => {
                    self.guard.output(bytes, |decided| typed.push(decided));
                    None
                }
                Kind::Input(echo) => {
                    let whole = self.input_joiner.feed(bytes, &mut joined);
                    self.guard.input(entry.time, whole, echo, |decided| typed.push(decided));
                    None
                }
                Kind::Resize(size) => {
                    self.guard.resize(size.cols);
                    Some(Event::new(entry.time, Code::Resize, &size.to_string()))
                }
                Kind::Piped(stream) => {
                    self.write_piped(usize::from(stream), entry.time, bytes)?;
                    None
                }
                Kind::Gap => Some(Event::own(entry.time, own::GAP, &String::from_utf8_lossy(bytes))),
                Kind::Traffic => Some(Event::own(entry.time, own::TRAFFIC, &String::from_utf8_lossy(bytes))),
                Kind::Marker => Some(Event::new(entry.time, Code::Marker, &String::from_utf8_lossy(bytes))),
                Kind::Process(uid) => {
                    let facts = name_user(&mut self.user_names, uid, &String::from_utf8_lossy(bytes));
                    Some(Event::own(entry.time, own::PROCESS, &facts))
                }
                Kind::Exec => Some(Event::own(entry.time, own::EXEC, &String::from_utf8_lossy(bytes))),
                Kind::PauseBegin => Some(Event::own(entry.time, own::PAUSE, "begin")),
                Kind::PauseEnd => Some(Event::own(entry.time, own::PAUSE, "end")),
                Kind::Exit(status) => Some(Event::new(entry.time, Code::Exit, &status.to_string())),
                Kind::End => Some(Event::own(entry.time, own::END, &String::from_utf8_lossy(bytes))),
            };
            self.write_typed(typed)?;
            let Some(sink) = &mut self.sink else { continue };
            if matches!(entry.kind, Kind::Exit(_)) {
                sink.end_of_output(entry.time)?;
            }
            if entry.kind == Kind::Output {
                sink.output(entry.time, bytes)?;
                self.report.events += 1;
            } else if let Some(event) = event {
                sink.event(&event)?;
                self.report.events += 1;
            }
            if sink.pending() >= WRITE_SIZE {
                sink.write_pending()?;
            }
        }
        Ok(())
    }

    /// Writes what passed a program without a terminal, but for half a character at its end.
    fn write_piped(&mut self, which: usize, time: Micros, bytes: &[u8]) -> std::io::Result<()> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        let (joiner, code) = &mut self.piped[which];
        let mut joined = Vec::new();
        let whole = joiner.feed(bytes, &mut joined);
        self.report.events += write_piped(sink, code, time, whole)?;
        Ok(())
    }

    fn end_of_piped(&mut self, time: Micros) -> std::io::Result<()> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        for (joiner, code) in &mut self.piped {
            self.report.events += write_piped(sink, code, time, &joiner.finish())?;
        }
        Ok(())
    }

    fn write_typed(&mut self, typed: Vec<Typed>) -> std::io::Result<()> {
        for typed in typed {
            let event = match typed {
                Typed::Shown(time, bytes) => Event::new(time, Code::Input, &String::from_utf8_lossy(&bytes)),
                Typed::Hidden(time) => Event::own(time, own::HIDDEN, ""),
            };
            if let Some(sink) = &mut self.sink {
                sink.event(&event)?;
                self.report.events += 1;
            }
        }
        Ok(())
    }

    /// Runs a step; the first failure ends the writing, is told at once, and never ends the session.
    fn attempt(&mut self, queue: &Queue, step: impl FnOnce(&mut Self) -> std::io::Result<()>) {
        if self.sink.is_none() {
            self.flush_at = None;
            return;
        }
        if let Err(error) = step(self) {
            self.flush_at = None;
            let failure = error.to_string();
            let mut sink = self.sink.take().expect("it was there before the step");
            queue.fail(failure.clone());
            sink.tell_failure(&failure);
            self.failed = Some(Failed { sink, lost_events: 0, lost_bytes: 0, last: Vec::new() });
            self.report.failure = Some(failure);
        }
    }

    fn count_lost(&mut self, batch: &Batch) {
        let Some(failed) = &mut self.failed else { return };
        failed.lost_events += batch.entries.len() as u64;
        failed.lost_bytes += batch.bytes.len() as u64;
        for (entry, bytes) in batch.iter() {
            match entry.kind {
                Kind::Exit(status) => {
                    failed.last.push(Event::new(entry.time, Code::Exit, &status.to_string()));
                }
                Kind::End => {
                    let why = String::from_utf8_lossy(bytes);
                    failed.last.push(Event::own(entry.time, own::END, &why));
                }
                Kind::Output
                | Kind::Input(_)
                | Kind::Piped(_)
                | Kind::Gap
                | Kind::Traffic
                | Kind::Resize(_)
                | Kind::Marker
                | Kind::Process(_)
                | Kind::Exec
                | Kind::PauseBegin
                | Kind::PauseEnd => {}
            }
        }
    }
}

/// Writes the events for some bytes; gives how many there were.
fn write_piped(sink: &mut Sink, code: &Code<'static>, time: Micros, bytes: &[u8]) -> std::io::Result<u64> {
    let (mut written, mut events) = (Ok(()), 0);
    if !bytes.is_empty() {
        piped_events(time, code, bytes, |event| {
            events += 1;
            if written.is_ok() {
                written = sink.event(&event);
            }
        });
    }
    written.map(|()| events)
}

/// When there may be time for something else behind this batch.
fn next_rest(batch: &Batch) -> Instant {
    let now = Instant::now();
    if batch.bytes.len() >= catch_up::FLOOD_BATCH { now + catch_up::REST } else { now }
}

/// Adds the name of the user to the facts of a process. It is asked for here, beside the session,
/// because the answer may come from a server.
fn name_user(names: &mut UserNames, uid: Option<u32>, text: &str) -> String {
    let name = uid.and_then(|uid| names.find(uid));
    match (name, ProcessFacts::parse(text)) {
        (Some(name), Some(facts)) => ProcessFacts { user: Some(name), ..facts }.to_string(),
        (None, _) | (_, None) => text.to_owned(),
    }
}

/// A duration as the time in a recording.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use casemate_cast_format::Version;

    use super::*;
    use crate::echo::Echo;
    use crate::form::Format;
    use crate::journal::catch_up::tests::plan;

    #[test]
    fn nothing_is_due_where_nothing_can_be_written() {
        let (reader, pipe) = std::io::pipe().unwrap();
        let target = Target::from_file(std::os::fd::OwnedFd::from(pipe).into()).unwrap();
        let plain = Format::Cast { version: Version::V2, segments: false };
        let sink = Sink::begin(Plan { format: plain, ..plan(Version::V2) }, target).unwrap();
        let queue = Queue::new().unwrap();
        let mut writer = Writer::new(sink, Instant::now());
        let mut batch = Batch::default();
        for (kind, bytes) in [(Kind::Input(Echo::Program), &b"typed\r"[..]), (Kind::Output, &[b'x'; 300_000])]
        {
            batch.entries.push(queue::Entry { time: Micros(1), kind, length: bytes.len() });
            batch.bytes.extend_from_slice(bytes);
        }
        drop(reader);
        writer.attempt(&queue, |writer| writer.write(&batch));
        assert!(writer.report.failure.is_some() && writer.guard.deadline().is_some());
        assert_eq!(writer.deadline(), None);
    }
}
