//! Recordings as input: a file or standard input, plain or in segments, whatever the version.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Decoder, Item, is_zstd};
use casemate_files::open_untouched;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{ReadError, one_line};

/// Files are read in pieces of this size.
const CHUNK: usize = 256 << 10;

/// More defects than this are only counted.
const DEFECTS_KEPT: usize = 1000;

/// A recording to be read.
#[derive(Debug)]
pub struct Input {
    name: String,
    reader: File,
    /// Of a file; a pipe or terminal has no length, and may have nothing to give just now.
    bytes: Option<u64>,
}

/// Takes what is read.
pub trait Taker {
    /// Why it takes no more.
    type Error: From<ReadError>;

    /// The next item.
    ///
    /// # Errors
    ///
    /// Ends the reading.
    fn item(&mut self, item: Item<'_>) -> Result<(), Self::Error>;

    /// Something is wrong with the recording; reading goes on.
    fn defect(&mut self, _shown: &str) {}

    /// All that came through a pipe so far is taken. Says how long to wait for more before this is called again;
    /// `None` for as long as it takes.
    ///
    /// # Errors
    ///
    /// Ends the reading.
    fn pause(&mut self) -> Result<Option<Duration>, Self::Error> {
        Ok(None)
    }

    /// So many bytes more were read.
    fn advance(&mut self, _bytes: usize) {}
}

/// What reading a recording found besides its items.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Findings {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its text.
    pub text_bytes: u64,
    /// It ends inside a segment, or before the seal of one: its recorder did not end it.
    pub open: bool,
    /// What is to be said of its segments, if it has any.
    pub verdict: Option<Verdict>,
    /// The first things that are wrong, as shown.
    pub defects: Vec<String>,
    /// How many things are wrong.
    pub defect_count: u64,
}

impl Findings {
    /// Whether it is in segments, and lacks its end.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        let sealed = |verdict: &Verdict| verdict.segments > 0 && !verdict.finished;
        self.open || self.verdict.as_ref().is_some_and(sealed)
    }
}

/// How to treat what is wrong with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Collect it, and read on.
    Collect,
    /// Stop.
    Stop,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is a folder.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        if path == Path::new("-") {
            let stdin = rustix::stdio::stdin().try_clone_to_owned().map_err(ReadError::StandardInput)?;
            let mut input = Self::of(stdin.into()).map_err(ReadError::StandardInput)?;
            input.name = "standard input".into();
            return Ok(input);
        }
        let name = one_line(&path.display().to_string());
        let opened = open_untouched(path).and_then(|file| Ok((file.metadata()?.is_dir(), Self::of(file)?)));
        match opened {
            Ok((true, _)) => Err(ReadError::Folder { name }),
            Ok((false, input)) => Ok(Self { name, ..input }),
            Err(source) => Err(ReadError::Unreadable { name, source }),
        }
    }

    fn of(reader: File) -> io::Result<Self> {
        let metadata = reader.metadata()?;
        Ok(Self { name: String::new(), bytes: metadata.is_file().then_some(metadata.len()), reader })
    }

    /// What to call it, safe to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is, if it is a file: bytes that come through a pipe have no end to be near to.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Whether it may have to wait for somebody who writes.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.bytes.is_none()
    }

    /// Whether only damage can keep its beginning from being that of a compressed file.
    fn looks_packed(&self, beginning: &[u8]) -> bool {
        self.name.ends_with(".zst") && !beginning.trim_ascii_start().starts_with(b"{")
    }

    /// Reads its bytes, whatever they are, for as long as they are wanted.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn read_bytes(mut self, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), ReadError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let filled = fill(&mut self.reader, &mut chunk)
                .map_err(|source| ReadError::Unreadable { name: self.name.clone(), source })?;
            if filled == 0 || take(&chunk[..filled]).is_break() {
                return Ok(());
            }
        }
    }

    /// Reads it to its end, item by item. A defect that leaves nothing to be read is an error, and in
    /// strict reading any defect is.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the taker wants no more.
    pub fn read<T: Taker>(
        mut self,
        config: UnpackerConfig,
        strictness: Strictness,
        taker: &mut T,
    ) -> Result<Findings, T::Error> {
        let is_stream = self.is_stream();
        let mut reading =
            Reading { name: &self.name, strictness, findings: Findings::default(), decoder: Decoder::new() };
        let mut chunk = vec![0; CHUNK];
        let mut unpacker = None;
        loop {
            if is_stream {
                wait(&self.reader, taker)?;
            }
            let filled = fill(&mut self.reader, &mut chunk)
                .map_err(|source| ReadError::Unreadable { name: self.name.clone(), source })?;
            let bytes = &chunk[..filled];
            if reading.findings.bytes == 0 && (is_zstd(bytes) || self.looks_packed(bytes)) {
                unpacker = Some(Unpacker::new(config).map_err(ReadError::Unpacker)?);
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
        Ok(reading.findings)
    }
}

/// Waits until there is something to read, or nothing more will be.
fn wait<T: Taker>(reader: &File, taker: &mut T) -> Result<(), T::Error> {
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
    findings: Findings,
    decoder: Decoder,
}

impl Reading<'_> {
    /// Takes the items piece by piece: a few bytes of zstd can hold any amount of text.
    fn unpack<T: Taker>(
        &mut self,
        taker: &mut T,
        step: impl FnOnce(&mut dyn FnMut(Unpacked<'_>)),
    ) -> Result<(), T::Error> {
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
                Unpacked::Defect(defect) => {
                    result = self.defect(taker, format!("{}: {defect}", self.name));
                }
                Unpacked::Open(frame) => self.findings.open |= !frame.complete,
                Unpacked::Segment(_)
                | Unpacked::Unsealed(_)
                | Unpacked::SeekTable { .. }
                | Unpacked::Foreign { .. } => {}
            }
        });
        result
    }

    fn take_items<T: Taker>(&mut self, taker: &mut T) -> Result<(), T::Error> {
        let mut defects = Vec::new();
        while let Some(item) = self.decoder.next_item() {
            if let Item::Defect(defect) = &item {
                if defect.kind.is_fatal() {
                    let kind = defect.kind.clone();
                    return Err(ReadError::Fatal { name: self.name.to_owned(), kind }.into());
                }
                let shown = format!("{}:{}: {}", self.name, defect.line, defect.kind);
                if self.strictness == Strictness::Stop {
                    return Err(ReadError::Defect(shown).into());
                }
                defects.push(shown);
            }
            taker.item(item)?;
        }
        defects.into_iter().try_for_each(|defect| self.defect(taker, defect))
    }

    fn defect<T: Taker>(&mut self, taker: &mut T, shown: String) -> Result<(), T::Error> {
        if self.strictness == Strictness::Stop {
            return Err(ReadError::Defect(shown).into());
        }
        taker.defect(&shown);
        self.findings.defect_count += 1;
        if self.findings.defects.len() < DEFECTS_KEPT {
            self.findings.defects.push(shown);
        }
        Ok(())
    }
}
