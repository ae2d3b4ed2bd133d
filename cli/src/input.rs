//! Recordings as input, with talk: warnings of what is wrong, and how far the reading is.
//!
//! What reads them is `casemate_store::recording`.

use std::ops::ControlFlow;
use std::path::Path;

use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_store::recording::{self, Taker};

pub(crate) use casemate_store::recording::Findings;

use crate::failure::Failure;
use crate::printer::{Printer, Progress};

/// More warnings than this tell nothing new.
const WARNINGS: u64 = 20;

/// A recording to be read.
pub(crate) struct Input {
    pub(crate) name: String,
    input: recording::Input,
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

    /// What is collected is not told yet.
    pub(crate) fn without_talk(self) -> recording::Strictness {
        match self {
            Self::Warn | Self::Collect => recording::Strictness::Collect,
            Self::Stop => recording::Strictness::Stop,
        }
    }
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let input = recording::Input::open(path)?;
        Ok(Self { name: input.name().to_owned(), input })
    }

    /// Whether it may have to wait for somebody who writes.
    pub(crate) fn is_stream(&self) -> bool {
        self.input.is_stream()
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
        let progress = printer.progress(&self.name, self.input.bytes());
        self.read_into(config, strictness, printer, &mut WithProgress { take, progress })
    }

    /// Reads its bytes, whatever they are, for as long as they are wanted.
    pub(crate) fn read_bytes(
        self,
        printer: &Printer,
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut progress = printer.progress(&self.name, self.input.bytes());
        Ok(self.input.read_bytes(|bytes| {
            progress.advance(bytes.len());
            take(bytes)
        })?)
    }

    /// As [`Self::read`], for whoever wants to know when it has to wait.
    pub(crate) fn read_into(
        self,
        config: UnpackerConfig,
        strictness: Strictness,
        printer: &Printer,
        taker: &mut impl Taker<Error = Failure>,
    ) -> Result<Findings, Failure> {
        let mut talking = Talking { taker, printer, strictness, warned: 0 };
        let findings = self.input.read(config, strictness.without_talk(), &mut talking)?;
        if talking.warned > WARNINGS {
            printer.warn(format!("{}: {} defects more", self.name, talking.warned - WARNINGS));
        }
        Ok(findings)
    }
}

/// Takes items, and shows how far the reading is.
struct WithProgress<F> {
    take: F,
    progress: Progress,
}

impl<F: FnMut(Item<'_>) -> Result<(), Failure>> Taker for WithProgress<F> {
    type Error = Failure;

    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        (self.take)(item)
    }

    fn advance(&mut self, bytes: usize) {
        self.progress.advance(bytes);
    }
}

/// Says what is wrong, where that is wanted.
struct Talking<'a, T> {
    taker: &'a mut T,
    printer: &'a Printer,
    strictness: Strictness,
    warned: u64,
}

impl<T: Taker<Error = Failure>> Taker for Talking<'_, T> {
    type Error = Failure;

    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        self.taker.item(item)
    }

    fn defect(&mut self, shown: &str) {
        self.taker.defect(shown);
        if self.strictness == Strictness::Warn {
            self.warned += 1;
            if self.warned <= WARNINGS {
                self.printer.warn(shown);
            }
        }
    }

    fn pause(&mut self) -> Result<Option<std::time::Duration>, Failure> {
        self.taker.pause()
    }

    fn advance(&mut self, bytes: usize) {
        self.taker.advance(bytes);
    }
}
