//! Random access to a recording.
//!
//! A finished recording ends with a seek table, from which all offsets follow; a moment is then found by a
//! binary search that reads the heads of seals only. Without a table, or with a wrong one, the file is
//! walked through once, without decompressing it.
//!
//! Not here: proof. A reader gives what stands in one segment; whether the recording is intact is for the
//! [`super::Unpacker`] to say.

use std::io::{self, Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};

use super::codec::{Decompressor, WINDOW_LOG_LIMIT};
use super::frame::FrameWalker;
use super::keyframe;
use super::report::Unpacked;
use super::seal::{SEAL_HEAD_BYTES, SEAL_MAGIC, Seal, SealError, SealHead};
use super::seek_table::{self, FOOTER_BYTES};
use super::unpack::Unpacker;
use super::{SKIPPABLE_LIMIT, UnpackerConfig, seal};
use crate::time::Micros;

/// The longest text that [`SegmentReader::text`] gives: a segment has 1 MiB, but a single line may be longer.
pub const TEXT_LIMIT: u64 = 64 << 20;

/// No frame with a text below [`TEXT_LIMIT`] is much longer than its text, unless it is made to be.
const FRAME_LIMIT: u64 = TEXT_LIMIT + (1 << 20);

/// So many bytes are read at once in a walk through the file.
const READ_BYTES: usize = 64 << 10;

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no such segment.
    #[error("there is no segment {0}")]
    NoSegment(usize),
    /// Its seal cannot be read.
    #[error("segment {0}: {1}")]
    Seal(usize, SealError),
    /// Its frame cannot be decoded to its end.
    #[error("segment {0}: frame cannot be decoded")]
    Frame(usize),
    /// Its frame is not the one that was sealed.
    #[error("segment {0}: frame does not match its seal")]
    FrameChanged(usize),
    /// Its keyframe cannot be decoded.
    #[error("segment {0}: keyframe cannot be decoded")]
    Keyframe(usize),
    /// Its text is longer than [`TEXT_LIMIT`].
    #[error("segment {0}: text is too long")]
    TooLong(usize),
}

/// Where a segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    frame: u64,
    frame_bytes: u64,
    /// `None` at the open end of an unfinished recording.
    seal: Option<(u64, u64)>,
}

/// Reads single segments of a recording.
#[derive(Clone, Debug)]
pub struct SegmentReader<R> {
    pub(super) source: R,
    pub(super) places: Vec<Place>,
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Finds all segments.
    ///
    /// # Errors
    /// When the file cannot be read; never because of what stands in it.
    pub fn open(mut source: R) -> io::Result<Self> {
        let places = match places_from_table(&mut source)? {
            Some(places) => places,
            None => places_from_walk(&mut source, 0)?,
        };
        Ok(Self { source, places })
    }

    /// Finds what was appended since: walks through the file from behind the last seal on. Segments keep their
    /// numbers, but for an open end that was cut off.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refresh(&mut self) -> io::Result<()> {
        let sealed = self.places.iter().rposition(|place| place.seal.is_some()).map_or(0, |last| last + 1);
        let seal = sealed.checked_sub(1).and_then(|last| self.places[last].seal);
        let appended = places_from_walk(&mut self.source, seal.map_or(0, |(offset, bytes)| offset + bytes))?;
        self.places.truncate(sealed);
        self.places.extend(appended);
        Ok(())
    }

    /// How many there are, the open end of an unfinished recording included.
    pub fn segments(&self) -> usize {
        self.places.len()
    }

    /// How many of them have a seal; only at the end of the list may one have none, unless the file is
    /// damaged or not ours.
    pub fn sealed_segments(&self) -> usize {
        self.places.iter().filter(|place| place.seal.is_some()).count()
    }

    /// Where in the file the frame of a segment begins, and how long it is; `None` if there is no such segment.
    pub fn frame(&self, index: usize) -> Option<(u64, u64)> {
        self.places.get(index).map(|place| (place.frame, place.frame_bytes))
    }

    /// The seal of a segment; `None` if it has none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn seal(&mut self, index: usize) -> Result<Option<Seal>, ReadError> {
        let Some((offset, bytes)) = self.place(index)?.seal else { return Ok(None) };
        let payload = self.read_skippable(offset, bytes)?;
        Seal::parse(&payload).map(Some).map_err(|error| ReadError::Seal(index, error))
    }

    /// The state of the screen at the end of a segment; `None` if its seal has none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn keyframe(&mut self, index: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(packed) = self.seal(index)?.and_then(|seal| seal.keyframe) else { return Ok(None) };
        keyframe::unpack(&packed).map(Some).map_err(|_| ReadError::Keyframe(index))
    }

    /// Where in the file a segment begins.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn offset(&self, index: usize) -> Result<u64, ReadError> {
        self.place(index).map(|place| place.frame)
    }

    /// The numbers of a segment's seal, in one short read, unproven; `None` if it has none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn head(&mut self, index: usize) -> Result<Option<SealHead>, ReadError> {
        let Some((offset, bytes)) = self.place(index)?.seal else { return Ok(None) };
        let payload = self.read_skippable(offset, bytes.min(SEAL_HEAD_BYTES as u64))?;
        SealHead::parse(&payload).map(Some).map_err(|error| ReadError::Seal(index, error))
    }

    /// Whether there is a keyframe in a segment's seal, unproven.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn has_keyframe(&mut self, index: usize) -> Result<bool, ReadError> {
        let Some((offset, bytes)) = self.place(index)?.seal else { return Ok(false) };
        let payload = self.read_skippable(offset, bytes.min(SEAL_HEAD_BYTES as u64))?;
        seal::has_keyframe(&payload).map_err(|error| ReadError::Seal(index, error))
    }

    /// The segment in which the recording stands at this time: the last one that starts no later, or the
    /// first one. `None` only when there are no segments. What follows the last seal is the answer for all
    /// times behind it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn segment_at(&mut self, time: Micros) -> Result<Option<usize>, ReadError> {
        // Invariant: everything before `low` starts no later than `time`, everything from `high` on later.
        let (mut low, mut high) = (0, self.places.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let starts_later = match self.head(middle)? {
                Some(head) => head.start > time,
                None if middle == 0 => false,
                None => self.head(middle - 1)?.is_some_and(|head| head.end >= time),
            };
            if starts_later {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(if self.places.is_empty() { None } else { Some(low.saturating_sub(1)) })
    }

    /// The text of a segment, which is checked against its seal. Without a seal it is what can be decoded.
    ///
    /// # Errors
    /// See [`ReadError`]; [`Self::text_unproven`] gives what there is.
    pub fn text(&mut self, index: usize) -> Result<Vec<u8>, ReadError> {
        let seal = self.seal(index)?;
        let (text, frame, whole) = self.decode(index)?;
        if let Some(seal) = seal {
            if seal.frame_hash[..] != Sha256::digest(&frame)[..] {
                return Err(ReadError::FrameChanged(index));
            }
            if !whole {
                return Err(ReadError::Frame(index));
            }
        }
        Ok(text)
    }

    /// As much of the text of a segment as can be decoded, whatever its seal says.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn text_unproven(&mut self, index: usize) -> Result<Vec<u8>, ReadError> {
        self.decode(index).map(|(text, _, _)| text)
    }

    /// Gives the file back.
    pub fn into_inner(self) -> R {
        self.source
    }

    fn place(&self, index: usize) -> Result<Place, ReadError> {
        self.places.get(index).copied().ok_or(ReadError::NoSegment(index))
    }

    /// Reads up to `bytes` of a skippable frame and gives its payload.
    fn read_skippable(&mut self, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let mut frame = read_at(&mut self.source, offset, bytes.min(SKIPPABLE_LIMIT + 8))?;
        let is_seal = frame.len() >= 8 && seek_table::u32_at(&frame, 0) == SEAL_MAGIC;
        frame.drain(..8.min(frame.len()));
        if !is_seal {
            frame.clear();
        }
        Ok(frame)
    }

    /// Text, frame, and whether the frame was decoded to its end.
    fn decode(&mut self, index: usize) -> Result<(Vec<u8>, Vec<u8>, bool), ReadError> {
        let place = self.place(index)?;
        if place.frame_bytes > FRAME_LIMIT {
            return Err(ReadError::TooLong(index));
        }
        let frame = read_at(&mut self.source, place.frame, place.frame_bytes)?;
        let mut decompressor = Decompressor::new(WINDOW_LOG_LIMIT)?;
        let mut walker = FrameWalker::default();
        let (mut at, mut text) = (0, Vec::new());
        while let Ok(Some(part)) = walker.step(&frame[at..]) {
            let Ok(decoded) = decompressor.part(&frame[at..at + part.bytes()]) else { break };
            if (text.len() + decoded.len()) as u64 > TEXT_LIMIT {
                return Err(ReadError::TooLong(index));
            }
            text.extend_from_slice(decoded);
            at += part.bytes();
        }
        let whole = walker.is_complete() && at == frame.len();
        Ok((text, frame, whole))
    }
}

/// A seek table at the end of a file, whose entries add up to where it begins.
pub(super) struct TableAtEnd {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) entries: Vec<seek_table::Entry>,
}

pub(super) fn table_at_end<R: Read + Seek>(source: &mut R) -> io::Result<Option<TableAtEnd>> {
    let length = source.seek(SeekFrom::End(0))?;
    let Some(footer_offset) = length.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    let footer = read_at(source, footer_offset, FOOTER_BYTES as u64)?;
    let bytes = footer.first_chunk().and_then(|footer| seek_table::length_from_footer(footer).ok());
    let Some(bytes) = bytes else { return Ok(None) };
    let Some(offset) = length.checked_sub(bytes) else { return Ok(None) };
    let table = read_at(source, offset, bytes)?;
    let Some(header) = table.first_chunk::<8>() else { return Ok(None) };
    let right = seek_table::u32_at(header, 0) == seek_table::SEEK_TABLE_MAGIC
        && u64::from(seek_table::u32_at(header, 4)) + 8 == bytes;
    let Ok(entries) = seek_table::parse(&table[8..]) else { return Ok(None) };
    let adds_up = entries.iter().map(|entry| u64::from(entry.compressed)).sum::<u64>() == offset;
    Ok((right && adds_up).then_some(TableAtEnd { offset, bytes, entries }))
}

/// The places as a seek table gives them; `None` if there is none, or the last segment has no seal.
fn places_from_table<R: Read + Seek>(source: &mut R) -> io::Result<Option<Vec<Place>>> {
    let Some(table) = table_at_end(source)? else { return Ok(None) };
    let mut places: Vec<Place> = Vec::new();
    let mut offset = 0;
    let mut frame_open = false;
    for entry in table.entries {
        let bytes = u64::from(entry.compressed);
        // A seal follows its frame. An entry without text that does not is an empty frame, which is
        // shorter than any seek table, or else a seek table.
        if entry.decompressed > 0 || (!frame_open && bytes < EMPTY_FRAME_LIMIT) {
            places.push(Place { frame: offset, frame_bytes: bytes, seal: None });
            frame_open = true;
        } else if let Some(place) = places.last_mut().filter(|_| frame_open) {
            place.seal = Some((offset, bytes));
            frame_open = false;
        }
        offset += bytes;
    }
    let Some((seal_offset, seal_bytes)) = places.last().and_then(|place| place.seal) else { return Ok(None) };
    let seal = read_at(source, seal_offset, seal_bytes.min((8 + SEAL_HEAD_BYTES) as u64))?;
    let is_seal = seal.get(8..).is_some_and(|payload| SealHead::parse(payload).is_ok());
    Ok(is_seal.then_some(places))
}

/// An empty frame has at most 18 bytes of header and 3 of a block; the seek table behind a segment has 33.
const EMPTY_FRAME_LIMIT: u64 = 24;

/// The places behind this offset, at which a frame begins.
fn places_from_walk<R: Read + Seek>(source: &mut R, from: u64) -> io::Result<Vec<Place>> {
    let mut places = Vec::new();
    let mut unpacker = Unpacker::walking(UnpackerConfig::default());
    let mut sink = |unpacked: Unpacked<'_>| match unpacked {
        Unpacked::Segment(report) => places.push(Place {
            frame: from + report.frame_offset,
            frame_bytes: report.seal_offset - report.frame_offset,
            seal: Some((from + report.seal_offset, report.seal_bytes)),
        }),
        Unpacked::Unsealed(frame) => {
            places.push(Place { frame: from + frame.offset, frame_bytes: frame.bytes, seal: None });
        }
        Unpacked::Open(open) => {
            places.push(Place { frame: from + open.offset, frame_bytes: open.bytes, seal: None });
        }
        Unpacked::Text(_) | Unpacked::SeekTable { .. } | Unpacked::Foreign { .. } | Unpacked::Defect(_) => {}
    };
    read_all(source, from, |bytes| unpacker.feed(bytes, &mut sink))?;
    unpacker.finish(&mut sink);
    Ok(places)
}

/// Gives the file from this offset on to `take`, piece by piece.
pub(super) fn read_all<R: Read + Seek>(
    source: &mut R,
    from: u64,
    mut take: impl FnMut(&[u8]),
) -> io::Result<u64> {
    source.seek(SeekFrom::Start(from))?;
    let mut buffer = vec![0; READ_BYTES];
    let mut total = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => {
                total += read as u64;
                take(&buffer[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Up to `bytes` bytes at this place, fewer at the end of the file. Memory grows with what is there.
pub(super) fn read_at<R: Read + Seek>(source: &mut R, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(offset))?;
    let mut buffer = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0).min(READ_BYTES));
    source.take(bytes).read_to_end(&mut buffer)?;
    Ok(buffer)
}
