//! The file of `casemate rec --commands`: what is run in a session, while it goes on.
//!
//! The journal tells a [`Witness`], which puts what it is told into a queue with an upper limit. A thread of its own
//! takes it from there, derives command events and writes them. When the queue is full the journal waits, and so, as
//! with a slow disk, does the session; nothing is left out. Where the file takes no more, that is noted and the session
//! goes on as before.

mod queue;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use casemate_cast_format::{Code, Event};
use casemate_command_log::CommandLog;
use casemate_recorder::Witness;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use self::queue::{Listener, Teller, Told, queue};
use crate::commands::command_events::{Record, line};
use crate::failure::{About as _, Failure};
use crate::live::LiveClock;

/// A pipe that takes nothing for so long has a reader that is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to do where the file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Refuse,
    Replace,
    Append,
}

/// A file of command events being written.
pub(crate) struct CommandFile {
    path: PathBuf,
    is_new: bool,
    teller: Option<Teller>,
    thread: JoinHandle<io::Result<()>>,
}

impl CommandFile {
    /// Opens the file, readable by its owner alone.
    pub(crate) fn create(path: &Path, present: Present) -> Result<Self, Failure> {
        let cannot = || format!("cannot write command events to `{}`", path.display());
        let (file, is_new) = match open(path, present) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Failure::new(format!("{}: it exists", cannot()))
                    .hint("give another name, --overwrite to replace it, or --append to go on with it"));
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                return Err(Failure::new(format!("{}: nobody reads from that pipe", cannot()))
                    .hint("start its reader first"));
            }
            opened => opened.about(cannot())?,
        };
        let (teller, listener) = queue();
        let thread = std::thread::Builder::new()
            .name("commands".into())
            .spawn(move || Follower::new(file).run(&listener))
            .about(cannot())?;
        Ok(Self { path: path.to_owned(), is_new, teller: Some(teller), thread })
    }

    /// Who has to be told what is recorded. There is one.
    pub(crate) fn witness(&mut self) -> Option<Box<dyn Witness>> {
        Some(Box::new(self.teller.take()?))
    }

    /// Waits until everything is written.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        drop(self.teller);
        let what = format!("the command events are not whole: {}", self.path.display());
        match self.thread.join() {
            Ok(written) => written.about(what),
            Err(_) => Err(Failure::new(format!("{what}: deriving them ended unexpectedly"))),
        }
    }

    /// Takes back a file for a session that never began.
    pub(crate) fn discard(self) {
        let (path, is_new) = (self.path.clone(), self.is_new);
        if self.finish().is_ok() && is_new {
            std::fs::remove_file(path).ok();
        }
    }
}

/// The file, and whether it was not there before.
fn open(path: &Path, present: Present) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if kind.is_fifo() || kind.is_char_device() => {
            // A reader that is stuck must not stop the session.
            let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
            return Ok((options.custom_flags(nonblocking).open(path)?, false));
        }
        Ok(_) if present == Present::Append => return Ok((options.append(true).open(path)?, false)),
        // A new file rather than the old one emptied: who has the old one open keeps it whole.
        Ok(kind) if present == Present::Replace && kind.is_file() => std::fs::remove_file(path)?,
        Ok(_) => {}
        Err(_) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder)?;
            }
        }
    }
    Ok((options.create_new(true).open(path)?, true))
}

/// Derives and writes.
struct Follower {
    log: Option<CommandLog>,
    clock: LiveClock,
    file: File,
}

impl Follower {
    fn new(file: File) -> Self {
        Self { log: None, clock: LiveClock::certain(Instant::now()), file }
    }

    fn run(mut self, listener: &Listener) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let deadline = self.clock.wait(now, SystemTime::now()).map(|wait| now + wait);
            let Some(told) = listener.take(deadline) else { return self.end() };
            if told.is_empty()
                && let (Some(passed), Some(log)) = (self.clock.passed(Instant::now()), &mut self.log)
            {
                log.advance(passed);
            }
            for told in told {
                match told {
                    Told::Begin(header) => {
                        // Another part of the session is another recording, with offsets of its own.
                        self.end()?;
                        self.log = Some(CommandLog::new(&header).live());
                        self.clock = LiveClock::certain(Instant::now());
                    }
                    Told::Output(time, text) => self.event(&Event::new(time, Code::Output, &text)),
                    Told::Event(event) => self.event(&event),
                }
            }
            self.write()?;
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.clock.heard(event.time, Instant::now());
        if let Some(log) = &mut self.log {
            log.handle(event);
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.write()
    }

    /// Writes what has become known, each record as a whole.
    fn write(&mut self) -> io::Result<()> {
        let mut lines = Vec::new();
        while let Some(event) = self.log.as_mut().and_then(CommandLog::next_event) {
            line(&Record { event, recording: None, output: None }, &mut lines);
        }
        let mut rest = lines.as_slice();
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
