//! What a second reading of the recording finds, in a thread of its own: commands, what was typed, whether it is intact.
//!
//! *Invariants*: memory is bounded, whatever is in the file. Nothing here waits for the player, or the player for it.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Code, Decoder, Item, Micros, is_zstd};
use casemate_command_log::{CommandEvent, CommandLog, Kind, State};

use crate::player::Player;
use crate::recording::Recording;

/// So much is read at once.
const CHUNK: usize = 256 << 10;

/// More commands are counted, and not kept: nobody goes through more.
const COMMANDS_KEPT: usize = 100_000;

/// A command is cut to this many characters.
const COMMAND_CHARACTERS: usize = 400;

/// What was typed is kept up to here.
const TYPED_BYTES: usize = 4 << 20;

/// How often to look for more, of a recording in progress.
const PAUSE: Duration = Duration::from_millis(200);

/// How often to say how much has been read, to somebody who waits for all of it.
const REPORT: Duration = Duration::from_millis(20);

/// Tells a player when the commands of its recording began, for [`Target::Command`](crate::Target::Command) and its
/// like: reads all of it. `report` is told how much of it has been read, from 0 to 1.
pub fn find_commands(player: &mut Player, report: &mut dyn FnMut(f64)) {
    let reader = Reader::start(&player.recording(), false);
    while !reader.wait(REPORT) {
        report(reader.found().progress());
    }
    player.set_commands(reader.found().commands.iter().map(|command| command.time).collect());
}

/// A command of the recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) time: Micros,
    pub(crate) text: String,
    pub(crate) duration: Option<Micros>,
    pub(crate) exit: Option<i32>,
    /// `root@web-1`, as far as it is known.
    pub(crate) place: String,
    pub(crate) kind: Kind,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) commands: Vec<Command>,
    pub(crate) commands_left_out: u64,
    /// When something was typed, and where it ends in the text.
    typed: Vec<(Micros, usize)>,
    typed_text: String,
    pub(crate) bytes: u64,
    pub(crate) total: u64,
    pub(crate) events: u64,
    pub(crate) exit: Option<String>,
    pub(crate) is_packed: bool,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) is_complete: bool,
    /// All that the file holds now has been read.
    pub(crate) is_at_the_end: bool,
    pub(crate) failure: Option<String>,
}

impl Found {
    /// How much of the file has been read, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(crate) fn progress(&self) -> f64 {
        if self.is_complete || self.total == 0 {
            1.0
        } else {
            (self.bytes as f64 / self.total as f64).min(1.0)
        }
    }

    /// Whether anything was typed, as far as is known.
    pub(crate) fn has_typed(&self) -> bool {
        !self.typed.is_empty()
    }

    /// The end of what was typed until then, from some characters before.
    pub(crate) fn typed_until(&self, time: Micros, bytes: usize) -> &str {
        let count = self.typed.partition_point(|(typed, _)| *typed <= time);
        let Some((_, end)) = count.checked_sub(1).and_then(|last| self.typed.get(last)) else { return "" };
        let mut from = end.saturating_sub(bytes);
        while !self.typed_text.is_char_boundary(from) {
            from += 1;
        }
        &self.typed_text[from..*end]
    }
}

/// Reads in a thread.
#[derive(Debug)]
pub(crate) struct Reader {
    found: Arc<Mutex<Found>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(crate) fn start(recording: &Recording, is_following: bool) -> Self {
        let found = Found { total: recording.length().unwrap_or(0), ..Found::default() };
        let found = Arc::new(Mutex::new(found));
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            file: Box::new(recording.reader()),
            found: Arc::clone(&found),
            stop: Arc::clone(&stop),
            is_following: is_following && recording.can_grow(),
            recording: recording.clone(),
            decoder: Decoder::new(),
            log: None,
        };
        let thread = Builder::new().name("commands".into()).spawn(move || work.run());
        let mut reader = Self { found, stop, thread: None };
        match thread {
            Ok(thread) => reader.thread = Some(thread),
            Err(error) => {
                let mut found = reader.found();
                (found.is_complete, found.failure) = (true, Some(error.to_string()));
            }
        }
        reader
    }

    /// What was found so far. Whoever reads has to wait until this is dropped.
    pub(crate) fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all there is, at most for about so long. Returns whether nothing more will be found.
    fn wait(&self, time: Duration) -> bool {
        /// A short file is read faster than anybody looks.
        const LOOK: Duration = Duration::from_millis(1);
        let waits = Instant::now();
        while !self.is_done() && waits.elapsed() < time {
            std::thread::sleep(LOOK);
        }
        self.is_done()
    }

    /// Whether nothing more will be found.
    pub(crate) fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Should it have panicked, nobody asks for what it would have found any more.
            thread.join().ok();
        }
    }
}

struct Work {
    file: Box<dyn Read + Send>,
    found: Arc<Mutex<Found>>,
    stop: Arc<AtomicBool>,
    is_following: bool,
    recording: Recording,
    decoder: Decoder,
    log: Option<CommandLog>,
}

impl Work {
    fn run(mut self) {
        let failure = self.read().err().map(|error| error.to_string());
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.is_complete = true;
        found.failure = failure;
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn read(&mut self) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut unpacker: Option<Unpacker> = None;
        let mut is_begun = false;
        let (mut last, mut grown) = (Micros(0), Instant::now());
        while !self.is_stopped() {
            // Asked before: what comes last comes before its end.
            let may_grow = self.is_following || self.recording.is_arriving()?;
            let read = match self.file.read(&mut chunk) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = &chunk[..read];
            if read == 0 {
                if !may_grow {
                    break;
                }
                std::thread::park_timeout(PAUSE);
                let waited = u64::try_from(grown.elapsed().as_micros()).unwrap_or(u64::MAX);
                if let Some(log) = &mut self.log {
                    log.advance(last.plus(Micros(waited)));
                }
                self.give(&[], 0);
                continue;
            }
            grown = Instant::now();
            if !std::mem::replace(&mut is_begun, true) && is_zstd(bytes) {
                unpacker = Some(Unpacker::new(UnpackerConfig::default())?);
            }
            match &mut unpacker {
                Some(unpacker) => {
                    let mut texts = Vec::new();
                    // A piece of text is bounded, but a few bytes can hold many.
                    unpacker.feed(bytes, &mut |unpacked| {
                        if let Unpacked::Text(text) = unpacked {
                            self.decoder.feed(text);
                            texts.extend(take(&mut self.decoder, &mut self.log, &mut last));
                        }
                    });
                    self.give(&texts, read);
                }
                None => {
                    self.decoder.feed(bytes);
                    let taken = take(&mut self.decoder, &mut self.log, &mut last);
                    self.give(&taken, read);
                }
            }
        }
        if self.is_stopped() {
            return Ok(());
        }
        let verdict = unpacker.map(|unpacker| {
            unpacker.finish(&mut |unpacked| {
                if let Unpacked::Text(text) = unpacked {
                    self.decoder.feed(text);
                }
            })
        });
        self.decoder.finish();
        let taken = take(&mut self.decoder, &mut self.log, &mut last);
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.give(&taken, 0);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.is_packed = verdict.is_some();
        found.verdict = verdict;
        Ok(())
    }

    /// Hands over what was found.
    fn give(&mut self, taken: &[Taken], read: usize) {
        let mut commands = Vec::new();
        while let Some(event) = self.log.as_mut().and_then(CommandLog::next_event) {
            // What runs is a command when it has ended: a command that the session is keeps none back that is in it.
            if event.state != Some(State::Started) {
                commands.push(event);
            }
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.bytes += read as u64;
        found.is_at_the_end = read == 0;
        found.total = found.total.max(found.bytes);
        // What was thrown away before it was run is no command.
        for command in commands.into_iter().filter(|command| command.kind != Kind::Cancelled) {
            if found.commands.len() < COMMANDS_KEPT {
                let place = found.commands.partition_point(|before| before.time <= command.offset);
                found.commands.insert(place, command.into());
            } else {
                found.commands_left_out += 1;
            }
        }
        for one in taken {
            match one {
                Taken::Typed(time, text) if found.typed_text.len() + text.len() <= TYPED_BYTES => {
                    found.typed_text.push_str(text);
                    let end = found.typed_text.len();
                    match found.typed.last_mut() {
                        Some((last, last_end)) if *last == *time => *last_end = end,
                        _ => found.typed.push((*time, end)),
                    }
                }
                Taken::Typed(..) => {}
                Taken::Exit(status) => found.exit = Some(status.clone()),
                Taken::Events(count) => found.events += count,
            }
        }
    }
}

enum Taken {
    Typed(Micros, String),
    Exit(String),
    Events(u64),
}

/// Takes what the decoder has.
fn take(decoder: &mut Decoder, log: &mut Option<CommandLog>, last: &mut Micros) -> Vec<Taken> {
    let (mut taken, mut events) = (Vec::new(), 0);
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(header) if log.is_none() => *log = Some(CommandLog::new(&header).live()),
            Item::Event(event) => {
                events += 1;
                *last = event.time;
                match event.code {
                    Code::Input => taken.push(Taken::Typed(event.time, event.data.decode().into_owned())),
                    Code::Exit => taken.push(Taken::Exit(event.data.decode().into_owned())),
                    Code::Output | Code::Marker | Code::Resize | Code::Other(_) => {}
                }
                if let Some(log) = log {
                    log.handle(&event);
                }
            }
            Item::Header(_) | Item::Comment(_) | Item::Defect(_) => {}
        }
    }
    taken.push(Taken::Events(events));
    taken
}

impl From<CommandEvent> for Command {
    fn from(event: CommandEvent) -> Self {
        let text = match (&event.command, event.reason) {
            (Some(text), _) => text.chars().take(COMMAND_CHARACTERS).collect(),
            (None, _) if event.kind == Kind::Hidden => "(something that was not shown)".into(),
            (None, _) => "(not known)".into(),
        };
        let place = match (event.target_user, event.target) {
            (Some(user), Some(target)) => format!("{user}@{target}"),
            (user, target) => user.or(target).unwrap_or_default(),
        };
        Self {
            time: event.offset,
            text,
            duration: event.duration,
            exit: event.exit_code,
            place: place.chars().take(COMMAND_CHARACTERS).collect(),
            kind: event.kind,
        }
    }
}
