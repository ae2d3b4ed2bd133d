//! The forms of a recording: asciicast plain or in segments, raw bytes, text. Pure.
//!
//! A [`Form`] takes events and appends the bytes of the file to a vector; what the bytes go into is
//! the caller's.

use std::io;

use casemate_cast_format::exact::{ExactOutput, Utf8Joiner, output_events};
use casemate_cast_format::segment::{PackError, Packer, PackerConfig};
use casemate_cast_format::{Encoder, Event, Header, Micros, Size, Version};
use casemate_terminal::Transcript;

use crate::keyframes::{Keyframes, Place};

/// What a recording is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// asciicast v2 or v3.
    Cast {
        /// Which.
        version: Version,
        /// In segments: `.cast.zst`.
        segments: bool,
    },
    /// The bytes that the terminal received.
    Raw,
    /// The text that the terminal showed.
    Text,
}

/// Turns events into the bytes of a file.
pub struct Form {
    encoding: Encoding,
    joiner: Utf8Joiner,
    exact: ExactOutput,
    scratch: Vec<u8>,
}

enum Encoding {
    Plain(Encoder),
    Segments(Box<Segments>),
    Raw,
    Text(Box<Transcript>),
}

struct Segments {
    encoder: Encoder,
    packer: Packer,
    keyframes: Keyframes,
}

impl Form {
    /// A form for a file from its first byte.
    ///
    /// # Errors
    /// Where zstd has no memory.
    pub fn new(format: Format, size: Size, packing: PackerConfig) -> io::Result<Self> {
        Ok(Self::with(match format {
            Format::Cast { version, segments: false } => Encoding::Plain(Encoder::new(version)),
            Format::Cast { version, segments: true } => Encoding::Segments(Box::new(Segments {
                encoder: Encoder::new(version),
                keyframes: Keyframes::new(packing.live),
                packer: Packer::new(packing).map_err(io::Error::other)?,
            })),
            Format::Raw => Encoding::Raw,
            Format::Text => {
                let (cols, rows) = size.cells();
                Encoding::Text(Box::new(Transcript::new(cols, rows)))
            }
        }))
    }

    /// A form that goes on behind what is there; in segments with the screen that it leaves, if it can be known.
    pub(crate) fn resume(encoder: Encoder, packer: Option<(Packer, Option<Keyframes>)>) -> Self {
        Self::with(match packer {
            Some((packer, keyframes)) => {
                let keyframes = keyframes.unwrap_or_else(|| Keyframes::new(true));
                Encoding::Segments(Box::new(Segments { encoder, packer, keyframes }))
            }
            None => Encoding::Plain(encoder),
        })
    }

    fn with(encoding: Encoding) -> Self {
        Self { encoding, joiner: Utf8Joiner::default(), exact: ExactOutput::default(), scratch: Vec::new() }
    }

    /// Time of the last event, in formats that know times.
    pub fn now(&self) -> Option<Micros> {
        match &self.encoding {
            Encoding::Plain(encoder) => Some(encoder.now()),
            Encoding::Segments(segments) => Some(segments.encoder.now()),
            Encoding::Raw | Encoding::Text(_) => None,
        }
    }

    /// What packs the segments, if there are any.
    pub fn packer(&self) -> Option<&Packer> {
        match &self.encoding {
            Encoding::Segments(segments) => Some(&segments.packer),
            Encoding::Plain(_) | Encoding::Raw | Encoding::Text(_) => None,
        }
    }

    /// The screen beside the segments, if there are any.
    pub(crate) fn keyframes(&mut self) -> Option<&mut Keyframes> {
        match &mut self.encoding {
            Encoding::Segments(segments) => Some(&mut segments.keyframes),
            Encoding::Plain(_) | Encoding::Raw | Encoding::Text(_) => None,
        }
    }

    /// Appends the header.
    ///
    /// # Errors
    /// Where it cannot be packed.
    pub fn header(&mut self, header: &Header, out: &mut Vec<u8>) -> io::Result<()> {
        self.line(out, |encoder, line| encoder.header(header, line), true)?;
        if let Encoding::Text(transcript) = &mut self.encoding {
            transcript.suit(header.terminal());
        }
        if let Some(keyframes) = self.keyframes() {
            keyframes.begin(header);
        }
        Ok(())
    }

    /// Appends a comment, in formats that have a place for it.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn comment(&mut self, comment: &str, out: &mut Vec<u8>) -> io::Result<()> {
        self.line(out, |encoder, line| encoder.comment(comment, line), false)
    }

    /// Appends an event.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.encoding {
            Encoding::Raw => self.exact.feed(event, out),
            Encoding::Text(transcript) => {
                self.scratch.clear();
                self.exact.feed(event, &mut self.scratch);
                transcript.feed(&self.scratch, out);
                if let Some(size) = event.size() {
                    let (cols, rows) = size.cells();
                    transcript.resize(cols, rows, out);
                }
            }
            Encoding::Plain(_) | Encoding::Segments(_) => {
                self.line(out, |encoder, line| encoder.event(event, line), false)?;
                if let Encoding::Segments(segments) = &mut self.encoding {
                    let Segments { packer, keyframes, .. } = &mut **segments;
                    keyframes.event(event, || place(packer));
                }
            }
        }
        Ok(())
    }

    /// Appends output as it comes from a terminal: any bytes, cut anywhere.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn output(&mut self, time: Micros, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.encoding {
            Encoding::Raw => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Encoding::Text(transcript) => {
                transcript.feed(bytes, out);
                Ok(())
            }
            Encoding::Plain(_) | Encoding::Segments(_) => {
                let (mut joiner, mut joined) = (std::mem::take(&mut self.joiner), Vec::new());
                let whole = joiner.feed(bytes, &mut joined);
                let written = self.whole_output(time, whole, out);
                self.joiner = joiner;
                written
            }
        }
    }

    /// Appends what [`Self::output`] holds back because it is half a character.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn end_of_output(&mut self, time: Micros, out: &mut Vec<u8>) -> io::Result<()> {
        let rest = self.joiner.finish();
        self.whole_output(time, &rest, out)
    }

    /// Takes over what [`Self::output`] holds back, for a form that goes on.
    pub(crate) fn take_half_character(&mut self) -> Utf8Joiner {
        std::mem::take(&mut self.joiner)
    }

    /// Goes on behind a form that held this back.
    pub(crate) fn give_half_character(&mut self, half: Utf8Joiner) {
        self.joiner = half;
    }

    fn whole_output(&mut self, time: Micros, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            // What `output_events` makes of text, without a copy.
            self.line(out, |encoder, line| encoder.output(time, text, line), false)?;
            if let Encoding::Segments(segments) = &mut self.encoding {
                let Segments { packer, keyframes, .. } = &mut **segments;
                keyframes.output(time, text, || place(packer));
            }
            return Ok(());
        }
        let mut written = Ok(());
        output_events(time, bytes, |event| {
            if written.is_ok() {
                written = self.event(&event, out);
            }
        });
        written
    }

    /// Appends what must be there for a reader to see everything so far.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.pack(out, |segments| segments.packer.flush())
    }

    /// Seals the open segment, if there is one.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn seal(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.pack(out, Segments::seal)
    }

    /// Appends the end of the file; gives the hash of its last seal, if it has seals.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> io::Result<Option<[u8; 32]>> {
        self.pack(out, |segments| {
            let screen = segments.keyframes.for_seal();
            segments.packer.finish(screen.as_deref())
        })?;
        let last_seal = self.packer().map(Packer::last_seal_hash);
        match self.encoding {
            Encoding::Raw => self.exact.finish(out),
            Encoding::Text(mut transcript) => {
                self.scratch.clear();
                self.exact.finish(&mut self.scratch);
                transcript.feed(&self.scratch, out);
                transcript.finish(out);
            }
            Encoding::Plain(_) | Encoding::Segments(_) => {}
        }
        Ok(last_seal)
    }

    fn line(
        &mut self,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Encoder, &mut Vec<u8>),
        is_header: bool,
    ) -> io::Result<()> {
        match &mut self.encoding {
            Encoding::Plain(encoder) => encode(encoder, out),
            Encoding::Segments(segments) => {
                let Segments { encoder, packer, .. } = &mut **segments;
                self.scratch.clear();
                encode(encoder, &mut self.scratch);
                if is_header {
                    packer.write_header(&self.scratch).map_err(io::Error::other)?;
                } else {
                    let now = encoder.now();
                    if packer.seals_before(self.scratch.len(), now) {
                        segments.seal().map_err(io::Error::other)?;
                    }
                    segments.packer.write_event(&self.scratch, now).map_err(io::Error::other)?;
                }
                segments.packer.drain_into(out);
            }
            Encoding::Raw | Encoding::Text(_) => {}
        }
        Ok(())
    }

    fn pack(
        &mut self,
        out: &mut Vec<u8>,
        step: impl FnOnce(&mut Segments) -> Result<(), PackError>,
    ) -> io::Result<()> {
        if let Encoding::Segments(segments) = &mut self.encoding {
            step(segments).map_err(io::Error::other)?;
            segments.packer.drain_into(out);
        }
        Ok(())
    }
}

impl Segments {
    /// Ends the open segment, with a keyframe if it is time for one.
    fn seal(&mut self) -> Result<(), PackError> {
        let screen = if self.packer.has_open_segment() { self.keyframes.for_seal() } else { None };
        self.packer.seal(screen.as_deref())
    }
}

fn place(packer: &Packer) -> Place {
    let (frame, text_bytes) = packer.place();
    Place { frame, text_bytes }
}
