//! The packer: lines in, bytes to append to the file out.
//!
//! Invariants: what has been put out is never changed, so a file that holds a prefix of the output is a
//! torn file and nothing worse; behind [`Packer::flush`] every line written so far can be decoded from the
//! output; a frame's text ends at a line end. Not here: when to flush, and when an idle minute is over: the
//! caller has the clock and asks [`Packer::segment_start`].

use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};

use super::codec::{Compressor, Effort};
use super::keyframe;
use super::seal::{Seal, SealHead};
use super::seek_table::{self, Entry};
use super::tail::Tail;
use super::{Hash, SEGMENT_TEXT_LIMIT, SEGMENT_TIME_LIMIT};
use crate::time::Micros;

/// Longer lines are refused: sizes in a seek table are 32 bits wide.
const LINE_LIMIT: usize = 1 << 30;

/// A flood that becomes this many times smaller is worth the level that was asked for.
const SHRINKS_WELL: u64 = 8;

/// A segment that began as a trickle ends at this much text: should it be a flood, it is one from there on.
const TRICKLE_TEXT: u64 = 32 << 10;

/// What comes no faster than that in this time, in microseconds, is a trickle: it costs a core less than 1 %.
const TRICKLE_TIME: u64 = 4_000_000;

/// How segments are made.
#[derive(Debug, Clone)]
pub struct PackerConfig {
    /// The zstd level.
    pub level: i32,
    /// The text comes as it is recorded, and is flushed as often: where little comes, more effort is made.
    pub live: bool,
    /// Signs every seal.
    pub signing_key: Option<SigningKey>,
    /// What the first seal names as the one before it: the last seal of the part before, in a rotated
    /// recording. Unused by [`Packer::resume`].
    pub previous_seal: Option<Hash>,
}

impl Default for PackerConfig {
    fn default() -> Self {
        Self { level: zstd::DEFAULT_COMPRESSION_LEVEL, live: false, signing_key: None, previous_seal: None }
    }
}

/// Why a line could not be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// No memory, in all likelihood.
    #[error("zstd: {0}")]
    Compress(#[from] std::io::Error),
    /// More than the format can hold.
    #[error("line of {0} bytes is too long to be packed")]
    LineTooLong(usize),
    /// More than a reader would take.
    #[error("keyframe of {0} bytes is too long for a seal")]
    KeyframeTooLong(usize),
    /// The recording is so long that its seek table does not fit the format.
    #[error("too many segments for a seek table")]
    TooManySegments,
    /// Nothing can follow [`Packer::finish`] but a [`Packer::resume`].
    #[error("the recording is finished already")]
    Finished,
}

/// Packs the lines of a recording into segments.
pub struct Packer {
    compressor: Compressor,
    /// For the next frame, by what became of the last.
    effort: Effort,
    live: bool,
    signing_key: Option<SigningKey>,
    output: Vec<u8>,
    /// Where in the file the output not yet taken begins.
    output_offset: u64,
    entries: Vec<Entry>,
    sequence: u64,
    previous: Hash,
    /// Time of the last event of all.
    last_event: Micros,
    open: Option<OpenSegment>,
    unflushed: bool,
    /// The last seal is the final one, or what stands for it: nothing needs another.
    finality: Finality,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finality {
    /// The last seal, if there is one, is not final.
    Running,
    /// The last seal is final; the seek table behind it is missing.
    Sealed,
    /// The file ends with a seek table.
    Tabled,
}

/// The frame being written, or one whose end was found by a repair and whose seal is still to come.
#[derive(Debug, Clone)]
pub(super) struct OpenSegment {
    pub(super) hash: Sha256,
    pub(super) frame_bytes: u64,
    pub(super) text_bytes: u64,
    pub(super) events: u64,
    pub(super) times: Option<(Micros, Micros)>,
    /// The frame has its end already: nothing can be added but the seal.
    pub(super) closed: bool,
}

impl Packer {
    /// Begins a file.
    ///
    /// # Errors
    /// When zstd does not take the level or has no memory.
    pub fn new(config: PackerConfig) -> Result<Self, PackError> {
        let previous = config.previous_seal.unwrap_or_default();
        Self::resume(config, Tail { previous, ..Tail::default() })
    }

    /// Goes on behind what [`super::find_tail`] found, once the file has been cut and mended as it says.
    ///
    /// # Errors
    /// As [`Packer::new`].
    pub fn resume(config: PackerConfig, tail: Tail) -> Result<Self, PackError> {
        Ok(Self {
            compressor: Compressor::new(config.level)?,
            effort: if config.live { Effort::Most } else { Effort::Asked },
            live: config.live,
            signing_key: config.signing_key,
            output: Vec::new(),
            output_offset: tail.position,
            entries: tail.entries,
            sequence: tail.sequence,
            previous: tail.previous,
            last_event: tail.end,
            open: tail.unsealed,
            unflushed: false,
            finality: match (tail.sealed_finally, tail.tabled) {
                (_, true) => Finality::Tabled,
                (true, false) => Finality::Sealed,
                (false, false) => Finality::Running,
            },
        })
    }

    /// Writes lines that are no events: the header of the recording.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn write_header(&mut self, text: &[u8]) -> Result<(), PackError> {
        self.make_room(text, None)?;
        self.write(text).map(|_| ())
    }

    /// Writes one event: a whole line with its line end, and its time since the beginning of the recording.
    /// Seals before it when the open segment is full or a minute old.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn write_event(&mut self, line: &[u8], time: Micros) -> Result<(), PackError> {
        debug_assert_eq!(line.last(), Some(&b'\n'), "events are whole lines");
        self.make_room(line, Some(time))?;
        let segment = self.write(line)?;
        segment.events += 1;
        let (start, end) = segment.times.unwrap_or((time, time));
        segment.times = Some((start.min(time), end.max(time)));
        self.last_event = self.last_event.max(time);
        Ok(())
    }

    /// Makes everything written so far decodable from the output; does nothing when it is.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub fn flush(&mut self) -> Result<(), PackError> {
        if let Some(segment) = self.open.as_mut().filter(|_| self.unflushed) {
            let from = self.output.len();
            self.compressor.flush(&mut self.output)?;
            segment.took(&self.output[from..]);
            self.unflushed = false;
        }
        Ok(())
    }

    /// Whether the next line, of so many bytes and at this time, begins a new segment: who has a keyframe
    /// [seals](Self::seal) before it.
    pub fn seals_before(&self, bytes: usize, time: Micros) -> bool {
        self.open.as_ref().is_some_and(|segment| self.is_over(segment, bytes, Some(time)))
    }

    /// Ends the open segment, if there is one, with the state of the screen that it leaves.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn seal(&mut self, screen: Option<&[u8]>) -> Result<(), PackError> {
        if self.open.is_some() { self.put_seal(screen, false) } else { Ok(()) }
    }

    /// Ends the recording: the final seal, with the state of the screen, and the seek table. Nothing happens the second time, or when
    /// nothing was added to a finished recording.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn finish(&mut self, screen: Option<&[u8]>) -> Result<(), PackError> {
        if self.open.is_some() || self.finality == Finality::Running {
            self.open_segment()?;
            self.put_seal(screen, true)?;
        }
        self.put_table()
    }

    /// Puts the seek table behind a final seal.
    fn put_table(&mut self) -> Result<(), PackError> {
        if self.finality == Finality::Sealed {
            let table = seek_table::encode(&self.entries).map_err(|_| PackError::TooManySegments)?;
            self.entries.push(Entry { compressed: size(table.len() as u64)?, decompressed: 0 });
            self.output.extend_from_slice(&table);
            self.finality = Finality::Tabled;
        }
        Ok(())
    }

    /// The bytes to append to the file, to be cleared by whoever wrote them there with [`Self::take_output`].
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Moves the output to the end of `into`, keeping the memory for more.
    pub fn drain_into(&mut self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.output);
        self.discard_output();
    }

    /// Forgets the output, which has been written to the file.
    pub fn discard_output(&mut self) {
        self.output_offset += self.output.len() as u64;
        self.output.clear();
    }

    /// The bytes to append to the file.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.output_offset += self.output.len() as u64;
        std::mem::take(&mut self.output)
    }

    /// Where the next line will stand: the beginning of its frame in the file, and how much of that frame's
    /// text comes before it.
    pub fn place(&self) -> (u64, u64) {
        let open = self.open.as_ref().map_or((0, 0), |segment| (segment.frame_bytes, segment.text_bytes));
        (self.position() - open.0, open.1)
    }

    /// How long the file is with all output.
    pub fn position(&self) -> u64 {
        self.output_offset + self.output.len() as u64
    }

    /// Own hash of the last seal: the link for the next part of a rotated recording.
    pub fn last_seal_hash(&self) -> Hash {
        self.previous
    }

    /// Whether something was written since the last seal.
    pub fn has_open_segment(&self) -> bool {
        self.open.is_some()
    }

    /// The time of the open segment's first event.
    pub fn segment_start(&self) -> Option<Micros> {
        self.open.as_ref()?.times.map(|(start, _)| start)
    }

    /// Whether something was written that cannot be decoded from the output yet.
    pub fn has_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Seals the open segment if `text` has no place in it, and sees to it that there is an open one.
    fn make_room(&mut self, text: &[u8], time: Option<Micros>) -> Result<(), PackError> {
        if text.len() > LINE_LIMIT {
            return Err(PackError::LineTooLong(text.len()));
        }
        if self.open.as_ref().is_some_and(|segment| self.is_over(segment, text.len(), time)) {
            self.put_seal(None, false)?;
        }
        self.open_segment()
    }

    /// Whether a line has no place in this segment.
    fn is_over(&self, segment: &OpenSegment, bytes: usize, time: Option<Micros>) -> bool {
        let text_bytes = segment.text_bytes + bytes as u64;
        let is_full = text_bytes > SEGMENT_TEXT_LIMIT && segment.text_bytes > 0;
        let age = match (time, segment.times) {
            (Some(time), Some((start, _))) => time.0.saturating_sub(start.0),
            _ => 0,
        };
        let overflows = self.effort == Effort::Most && text_bytes > TRICKLE_TEXT;
        segment.closed || is_full || overflows || age >= SEGMENT_TIME_LIMIT.0
    }

    fn open_segment(&mut self) -> Result<(), PackError> {
        if self.open.is_none() {
            // Only a file that was cut right behind its final seal still lacks the table.
            self.put_table()?;
            self.compressor.begin(self.effort)?;
            self.open = Some(OpenSegment::default());
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<&mut OpenSegment, PackError> {
        let segment = self.open.as_mut().expect("make_room opened one");
        let from = self.output.len();
        self.compressor.write(text, &mut self.output)?;
        segment.took(&self.output[from..]);
        segment.text_bytes += text.len() as u64;
        self.unflushed |= !text.is_empty();
        Ok(segment)
    }

    fn put_seal(&mut self, screen: Option<&[u8]>, is_final: bool) -> Result<(), PackError> {
        if let Some(screen) = screen.filter(|screen| screen.len() > keyframe::STATE_LIMIT) {
            return Err(PackError::KeyframeTooLong(screen.len()));
        }
        let keyframe = screen.map(keyframe::pack).transpose()?;
        let Some(mut segment) = self.open.take() else { return Ok(()) };
        if !segment.closed {
            let from = self.output.len();
            self.compressor.end(&mut self.output)?;
            segment.took(&self.output[from..]);
        }
        self.unflushed = false;
        let is_flood = segment.text_bytes >= SEGMENT_TEXT_LIMIT / 2;
        let shrinks_well = segment.text_bytes >= segment.frame_bytes.saturating_mul(SHRINKS_WELL);
        let (start, end) = segment.times.unwrap_or((self.last_event, self.last_event));
        let rate_limit = (end.0.saturating_sub(start.0) / TRICKLE_TIME).saturating_mul(TRICKLE_TEXT);
        self.effort = if is_flood && !shrinks_well {
            Effort::Least
        } else if self.live && segment.text_bytes <= rate_limit.max(TRICKLE_TEXT / 8) {
            Effort::Most
        } else {
            Effort::Asked
        };
        let head = SealHead {
            sequence: self.sequence,
            start,
            end,
            events: segment.events,
            text_bytes: segment.text_bytes,
            frame_bytes: segment.frame_bytes,
            is_final,
        };
        let (key, frame_hash) = (self.signing_key.as_ref(), segment.hash.finalize().into());
        let seal = Seal::new(head, keyframe, frame_hash, self.previous, key);
        let bytes = seal.encode();
        self.entries
            .push(Entry { compressed: size(head.frame_bytes)?, decompressed: size(head.text_bytes)? });
        self.entries.push(Entry { compressed: size(bytes.len() as u64)?, decompressed: 0 });
        self.output.extend_from_slice(&bytes);
        self.sequence += 1;
        self.previous = seal.own;
        self.finality = if is_final { Finality::Sealed } else { Finality::Running };
        Ok(())
    }
}

impl OpenSegment {
    fn took(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.frame_bytes += bytes.len() as u64;
    }
}

impl Default for OpenSegment {
    fn default() -> Self {
        Self { hash: Sha256::new(), frame_bytes: 0, text_bytes: 0, events: 0, times: None, closed: false }
    }
}

fn size(bytes: u64) -> Result<u32, PackError> {
    u32::try_from(bytes).map_err(|_| PackError::LineTooLong(usize::try_from(bytes).unwrap_or(usize::MAX)))
}
