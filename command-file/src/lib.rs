//! What is run in a session, into a file, while it goes on.
//!
//! The journal tells a [`Witness`], which puts what it is told into a queue with an upper limit. A thread of its own
//! takes it from there, derives command events and writes them, a JSON object a line. When the queue is full the journal
//! waits, and so, as with a slow disk, does the session; nothing is left out. Where the file takes no more, that is told
//! at once, and the session goes on as before: the events can be derived again, from the recording.
//!
//! [`LiveClock`] knows what time it is in a session that goes on.

mod clock;
mod queue;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use casemate_cast_format::{Code, Event};
use casemate_command_log::{CommandEvent, CommandLog};
use casemate_recorder::Witness;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use self::clock::LiveClock;
use self::queue::{Listener, Teller, Told, queue};

/// A pipe that takes nothing for so long has a reader that is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// As much as a thread has by default; said here, for otherwise `RUST_MIN_STACK` in the environment decides.
const STACK: usize = 2 << 20;

/// Somebody who is to know as well, on the thread that writes.
pub type Also = Box<dyn FnMut(News<'_>) + Send>;

/// What there is to know.
#[derive(Debug)]
pub enum News<'a> {
    /// Something became known of a command.
    Command(&'a CommandEvent),
    /// The file takes no more. Events become known all the same.
    Failed(&'a io::Error),
}

/// A file of command events being written.
pub struct CommandFile {
    teller: Option<Teller>,
    thread: JoinHandle<io::Result<()>>,
}

impl CommandFile {
    /// Begins to write to a file or pipe that is open.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn begin(file: File, also: Option<Also>) -> io::Result<Self> {
        let (teller, listener) = queue();
        let thread = std::thread::Builder::new()
            .name("commands".into())
            .stack_size(STACK)
            .spawn(move || Follower::new(file, also).run(&listener))?;
        Ok(Self { teller: Some(teller), thread })
    }

    /// Who has to be told what is recorded. There is one.
    pub fn witness(&mut self) -> Option<Box<dyn Witness>> {
        Some(Box::new(self.teller.take()?))
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// The file took no more.
    pub fn finish(self) -> io::Result<()> {
        drop(self.teller);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("deriving them ended unexpectedly")))
    }
}

/// Derives and writes.
struct Follower {
    log: Option<CommandLog>,
    clock: LiveClock,
    file: File,
    also: Option<Also>,
    /// Why the file is not whole.
    failure: Option<io::Error>,
}

impl Follower {
    fn new(file: File, also: Option<Also>) -> Self {
        Self { log: None, clock: LiveClock::certain(Instant::now()), file, also, failure: None }
    }

    fn run(mut self, listener: &Listener) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let deadline = self.clock.wait(now, SystemTime::now()).map(|wait| now + wait);
            let Some(told) = listener.take(deadline) else {
                self.end();
                return self.failure.map_or(Ok(()), Err);
            };
            if told.is_empty()
                && let (Some(passed), Some(log)) = (self.clock.passed(Instant::now()), &mut self.log)
            {
                log.advance(passed);
            }
            for told in told {
                match told {
                    Told::Begin(header) => {
                        // Another part of the session is another recording, with offsets of its own.
                        self.end();
                        self.log = Some(CommandLog::new(&header).live());
                        self.clock = LiveClock::certain(Instant::now());
                    }
                    Told::Output(time, text) => self.event(&Event::new(time, Code::Output, &text)),
                    Told::Event(event) => self.event(&event),
                }
            }
            self.write();
            if let (Some(_), None) = (&self.failure, &self.also) {
                // Nobody wants to know more.
                return self.failure.map_or(Ok(()), Err);
            }
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.clock.heard(event.time, Instant::now());
        if let Some(log) = &mut self.log {
            log.handle(event);
        }
    }

    fn end(&mut self) {
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.write();
    }

    /// Writes what has become known, each record as a whole.
    fn write(&mut self) {
        let mut lines = Vec::new();
        while let Some(event) = self.log.as_mut().and_then(CommandLog::next_event) {
            // There is nothing in an event that could not be written as JSON, nor does memory refuse it.
            serde_json::to_writer(&mut lines, &event).ok();
            lines.push(b'\n');
            if let Some(also) = &mut self.also {
                also(News::Command(&event));
            }
        }
        if self.failure.is_none()
            && let Err(error) = self.append(&lines)
        {
            if let Some(also) = &mut self.also {
                also(News::Failed(&error));
            }
            self.failure = Some(error);
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(&self.file)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn wait_for_room(file: &File) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))
            .map_err(io::Error::other)?;
        match poll(&mut [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::OUT)], Some(&left)) {
            Ok(0) => return Err(io::Error::other("its reader takes nothing more")),
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
