//! Recordings as input: a file or standard input, plain or in segments, whatever the version.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Decoder, DefectKind, Item, is_zstd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::failure::{About as _, Failure};
use crate::printer::{Printer, Progress, one_line};

/// Files are read in pieces of this size.
const CHUNK: usize = 256 << 10;

/// More warnings than this tell nothing new.
const WARNINGS: u64 = 20;

/// And more than this are only counted.
const DEFECTS_KEPT: usize = 1000;

/// A recording to be read.
pub(crate) struct Input {
    pub(crate) name: String,
    reader: File,
    /// Of a file; a pipe or terminal has no length, and may have nothing to give just now.
    bytes: Option<u64>,
}

/// Takes what is read.
pub(crate) trait Taker {
    /// The next item.
    fn item(&mut self, item: Item<'_>) -> Result<(), Failure>;

    /// All that came through a pipe so far is taken. Says how long to wait for more before this is called again;
    /// `None` for as long as it takes.
    fn pause(&mut self) -> Result<Option<Duration>, Failure> {
        Ok(None)
    }

    /// So many bytes more were read.
    fn advance(&mut self, _bytes: usize) {}
}

/// Takes items, and shows how far the reading is.
struct WithProgress<F> {
    take: F,
    progress: Progress,
}

impl<F: FnMut(Item<'_>) -> Result<(), Failure>> Taker for WithProgress<F> {
    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        (self.take)(item)
    }

    fn advance(&mut self, bytes: usize) {
        self.progress.advance(bytes);
    }
}

/// What reading a recording found besides its items.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// Bytes of its text.
    pub(crate) text_bytes: u64,
    /// It ends inside a segment, or before the seal of one: its recorder did not end it.
    pub(crate) open: bool,
    /// What is to be said of its segments, if it has any.
    pub(crate) verdict: Option<Verdict>,
    /// The first things that are wrong, as shown.
    pub(crate) defects: Vec<String>,
    /// How many things are wrong.
    pub(crate) defect_count: u64,
}

impl Findings {
    /// Whether it is in segments, and lacks its end.
    pub(crate) fn is_unfinished(&self) -> bool {
        let sealed = |verdict: &Verdict| verdict.segments > 0 && !verdict.finished;
        self.open || self.verdict.as_ref().is_some_and(sealed)
    }
}

/// How to treat what is wrong with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Warn, and read on.
    Warn,
    /// Collect, and read on.
    Collect,
    /// Stop.
    Stop,
}

impl Strictness {
    pub(crate) fn from_flag(strict: bool) -> Self {
        if strict { Self::Stop } else { Self::Warn }
    }
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let stdin = rustix::stdio::stdin().try_clone_to_owned().about("cannot read standard input")?;
            return Ok(Self { name: "standard input".into(), ..Self::of(stdin.into())? });
        }
        let name = one_line(&path.display().to_string());
        let file = File::open(path).about(format!("cannot read `{name}`"))?;
        let metadata = file.metadata().about(format!("cannot read `{name}`"))?;
        if metadata.is_dir() {
            return Err(Failure::new(format!("cannot read `{name}`: it is a folder")));
        }
        Ok(Self { name, ..Self::of(file)? })
    }

    fn of(reader: File) -> io::Result<Self> {
        let metadata = reader.metadata()?;
        Ok(Self { name: String::new(), bytes: metadata.is_file().then_some(metadata.len()), reader })
    }

    /// Whether it may have to wait for somebody who writes.
    pub(crate) fn is_stream(&self) -> bool {
        self.bytes.is_none()
    }

    /// Whether only damage can keep its beginning from being that of a compressed file.
    fn looks_packed(&self, beginning: &[u8]) -> bool {
        self.name.ends_with(".zst") && !beginning.trim_ascii_start().starts_with(b"{")
    }

    /// Reads it to its end, item by item. A defect that leaves nothing to be read is an error, and in
    /// strict reading any defect is.
    pub(crate) fn read(
        self,
        config: UnpackerConfig,
        strictness: Strictness,
        printer: &Printer,
        take: impl FnMut(Item<'_>) -> Result<(), Failure>,
    ) -> Result<Findings, Failure> {
        // Bytes that come through a pipe have no end to be near to.
        let progress = printer.progress(&self.name, self.bytes);
        self.read_into(config, strictness, printer, &mut WithProgress { take, progress })
    }

    /// As [`Self::read`], for whoever wants to know when it has to wait.
    pub(crate) fn read_into(
        mut self,
        config: UnpackerConfig,
        strictness: Strictness,
        printer: &Printer,
        taker: &mut impl Taker,
    ) -> Result<Findings, Failure> {
        let is_stream = self.is_stream();
        let mut reading = Reading {
            name: &self.name,
            strictness,
            printer,
            findings: Findings::default(),
            warned: 0,
            decoder: Decoder::new(),
        };
        let mut chunk = vec![0; CHUNK];
        let mut unpacker = None;
        loop {
            if is_stream {
                wait(&self.reader, taker)?;
            }
            let filled = fill(&mut self.reader, &mut chunk).about(format!("cannot read `{}`", self.name))?;
            let bytes = &chunk[..filled];
            if reading.findings.bytes == 0 && (is_zstd(bytes) || self.looks_packed(bytes)) {
                unpacker = Some(Unpacker::new(config)?);
            }
            reading.findings.bytes += filled as u64;
            match &mut unpacker {
                Some(unpacker) => {
                    reading.unpack(taker, |sink| unpacker.feed(bytes, &mut |found| sink(found)))?;
                }
                None => {
                    reading.findings.text_bytes += filled as u64;
                    reading.decoder.feed(bytes);
                }
            }
            if filled == 0 {
                if let Some(unpacker) = unpacker.take() {
                    let mut verdict = None;
                    reading.unpack(taker, |sink| {
                        verdict = Some(unpacker.finish(&mut |found| sink(found)));
                    })?;
                    reading.findings.verdict = verdict;
                }
                reading.decoder.finish();
            }
            reading.take_items(taker)?;
            taker.advance(filled);
            if filled == 0 {
                break;
            }
        }
        reading.end()
    }
}

/// Waits until there is something to read, or nothing more will be.
fn wait(reader: &File, taker: &mut impl Taker) -> Result<(), Failure> {
    loop {
        let deadline = taker.pause()?.map(|pause| Instant::now() + pause);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // A time that the system does not know is as good as for ever.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut ready = [PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN)];
            match poll(&mut ready, left.as_ref()) {
                Ok(0) => break,
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                // What cannot be waited for is read.
                Err(_) => return Ok(()),
            }
        }
    }
}

/// Gives what is there, so that live input is not held up; but enough to see what kind of file it is.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    const MAGIC: usize = 4;
    let mut filled = 0;
    while filled < MAGIC {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Reading<'a> {
    name: &'a str,
    strictness: Strictness,
    printer: &'a Printer,
    findings: Findings,
    warned: u64,
    decoder: Decoder,
}

impl Reading<'_> {
    /// Takes the items piece by piece: a few bytes of zstd can hold any amount of text.
    fn unpack(
        &mut self,
        taker: &mut impl Taker,
        step: impl FnOnce(&mut dyn FnMut(Unpacked<'_>)),
    ) -> Result<(), Failure> {
        let mut result = Ok(());
        step(&mut |unpacked| {
            if result.is_err() {
                return;
            }
            match unpacked {
                Unpacked::Text(piece) => {
                    self.findings.text_bytes += piece.len() as u64;
                    self.decoder.feed(piece);
                    result = self.take_items(taker);
                }
                Unpacked::Defect(defect) => result = self.defect(format!("{}: {defect}", self.name)),
                Unpacked::Open(frame) => self.findings.open |= !frame.complete,
                Unpacked::Segment(_)
                | Unpacked::Unsealed(_)
                | Unpacked::SeekTable { .. }
                | Unpacked::Foreign { .. } => {}
            }
        });
        result
    }

    fn take_items(&mut self, taker: &mut impl Taker) -> Result<(), Failure> {
        let mut defects = Vec::new();
        while let Some(item) = self.decoder.next_item() {
            if let Item::Defect(defect) = &item {
                if defect.kind.is_fatal() {
                    return Err(fatal(self.name, &defect.kind));
                }
                let shown = format!("{}:{}: {}", self.name, defect.line, defect.kind);
                if self.strictness == Strictness::Stop {
                    return Err(Failure::new(shown));
                }
                defects.push(shown);
            }
            taker.item(item)?;
        }
        defects.into_iter().try_for_each(|defect| self.defect(defect))
    }

    fn defect(&mut self, shown: String) -> Result<(), Failure> {
        match self.strictness {
            Strictness::Stop => return Err(Failure::new(shown)),
            Strictness::Collect => {}
            Strictness::Warn => {
                self.warned += 1;
                if self.warned <= WARNINGS {
                    self.printer.warn(&shown);
                }
            }
        }
        self.findings.defect_count += 1;
        if self.findings.defects.len() < DEFECTS_KEPT {
            self.findings.defects.push(shown);
        }
        Ok(())
    }

    fn end(self) -> Result<Findings, Failure> {
        if self.warned > WARNINGS {
            self.printer.warn(format!("{}: {} defects more", self.name, self.warned - WARNINGS));
        }
        Ok(self.findings)
    }
}

fn fatal(name: &str, kind: &DefectKind) -> Failure {
    let failure = Failure::new(format!("{name}: {kind}"));
    if *kind == DefectKind::Empty {
        failure
    } else {
        failure.hint("a recording begins with a header like {\"version\":2,\"width\":80,\"height\":24}")
    }
}
