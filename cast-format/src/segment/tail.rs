//! The end of a file, wherever it is: what is to be cut off, what closes the open frame, and where a
//! [`Packer`](super::Packer) goes on. Appending and repairing are the same thing up to here.
//!
//! A torn frame is cut behind its last whole block at which its text ends with a line end, so every event
//! that was flushed is kept. Only the caller touches the file, in this order: truncate to
//! [`TailPlan::truncate_to`], append [`TailPlan::append`], then the packer's output.
//!
//! Not here: proof of what lies before the end. A finished file is taken at the word of its seek table and
//! last seal, which costs two reads; any other one is walked through, without decompressing more than its
//! last frame.

use std::io::{self, Read, Seek};

use sha2::Digest;

use super::codec::{Decompressor, WINDOW_LOG_LIMIT};
use super::frame::{CLOSING_BLOCK, FrameWalker, PART_LIMIT, Part};
use super::pack::OpenSegment;
use super::reader::{read_all, read_at, table_at_end};
use super::report::{Defect, DefectKind, Unpacked};
use super::seal::{SEAL_MAGIC, Seal};
use super::seek_table::{Entry, u32_at};
use super::unpack::Unpacker;
use super::{Hash, SKIPPABLE_LIMIT, UnpackerConfig};
use crate::time::Micros;

/// At most this much of the text behind the cut is kept for the report.
const LOST_TEXT_LIMIT: usize = 1 << 20;

/// The beginning of a line that is looked at for its time.
const LINE_HEAD: usize = 48;

/// Why a file cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A frame of others that is cut before its checksum: it cannot be closed.
    #[error("the last frame is cut and was not written by casemate")]
    Foreign,
    /// A frame is longer than the format of the seek table allows.
    #[error("a frame at byte {0} is too long for a seek table")]
    TooLong(u64),
}

/// What was found at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailState {
    /// Nothing can be kept: not one whole line. Begin anew with [`Packer::new`](super::Packer::new).
    Nothing,
    /// A finished recording.
    Finished,
    /// The last segment that is there has its seal, but the recording is not finished.
    Sealed,
    /// The last frame has no seal; the packer will give it one.
    Unsealed,
}

/// Where and how a recording goes on; for [`Packer::resume`](super::Packer::resume).
#[derive(Debug, Clone, Default)]
pub struct Tail {
    pub(super) position: u64,
    pub(super) sequence: u64,
    pub(super) previous: Hash,
    pub(super) entries: Vec<Entry>,
    pub(super) end: Micros,
    pub(super) sealed_finally: bool,
    pub(super) tabled: bool,
    pub(super) unsealed: Option<OpenSegment>,
}

impl Tail {
    /// Time of the last event: what follows comes later.
    pub fn end(&self) -> Micros {
        self.end
    }

    /// The length of the file once it has been mended.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number of the next seal.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// What is to be done to a file before anything is appended to it.
#[derive(Debug, Clone)]
pub struct TailPlan {
    /// What was found.
    pub state: TailState,
    /// The file is cut to this length,
    pub truncate_to: u64,
    /// then these bytes, if any, close its last frame,
    pub append: Vec<u8>,
    /// then the packer goes on from here.
    pub tail: Tail,
    /// How many bytes are cut off.
    pub cut_bytes: u64,
    /// The text in them, as far as it can be decoded: the beginning of a line.
    pub lost_text: Vec<u8>,
    /// What the walk through the file found wrong, a torn end included.
    pub defects: Vec<Defect>,
}

/// Looks at the end of a recording.
///
/// # Errors
/// When the file cannot be read, or its last frame cannot be closed.
pub fn find_tail<R: Read + Seek>(mut source: R) -> Result<TailPlan, TailError> {
    if let Some(tail) = finished_tail(&mut source)? {
        return Ok(TailPlan {
            state: TailState::Finished,
            truncate_to: tail.position,
            append: Vec::new(),
            tail,
            cut_bytes: 0,
            lost_text: Vec::new(),
            defects: Vec::new(),
        });
    }
    let walk = Walk::through(&mut source)?;
    let mut tail = walk.tail(&mut source)?;
    let mut truncate_to = walk.end;
    let (mut append, mut lost_text) = (Vec::new(), Vec::new());
    if let Some(frame) = walk.open_frame {
        let relative = has_relative_times(&mut source, walk.first_frame.unwrap_or(frame))?;
        let salvage = salvage(&mut source, frame, tail.end, relative)?;
        truncate_to = salvage.end;
        lost_text = salvage.lost_text;
        if let Some(segment) = salvage.segment {
            tail.end = segment.times.map_or(tail.end, |(_, end)| tail.end.max(end));
            tail.unsealed = Some(segment);
            tail.sealed_finally = false;
            append = salvage.append;
        }
    }
    tail.position = truncate_to + append.len() as u64;
    tail.tabled &= tail.sealed_finally;
    let state = match (&tail.unsealed, &walk.last_seal) {
        (Some(_), _) => TailState::Unsealed,
        (None, None) => TailState::Nothing,
        (None, Some(_)) if tail.tabled => TailState::Finished,
        (None, Some(_)) => TailState::Sealed,
    };
    let cut_bytes = walk.length - truncate_to;
    Ok(TailPlan { state, truncate_to, append, tail, cut_bytes, lost_text, defects: walk.defects })
}

/// The tail of a recording that ends with a final seal and a seek table that adds up.
fn finished_tail<R: Read + Seek>(source: &mut R) -> io::Result<Option<Tail>> {
    let Some(table) = table_at_end(source)? else { return Ok(None) };
    let Some(last) = table.entries.last() else { return Ok(None) };
    let bytes = u64::from(last.compressed).min(SKIPPABLE_LIMIT + 8);
    let frame = read_at(source, table.offset - u64::from(last.compressed), bytes)?;
    if frame.len() < 8 || u32_at(&frame, 0) != SEAL_MAGIC {
        return Ok(None);
    }
    let Some(seal) = Seal::parse(&frame[8..]).ok().filter(|seal| seal.head.is_final) else { return Ok(None) };
    let Ok(compressed) = u32::try_from(table.bytes) else { return Ok(None) };
    let mut entries = table.entries;
    entries.push(Entry { compressed, decompressed: 0 });
    Ok(Some(Tail {
        position: table.offset + table.bytes,
        sequence: seal.head.sequence.saturating_add(1),
        previous: seal.own,
        entries,
        end: seal.head.end,
        sealed_finally: true,
        tabled: true,
        unsealed: None,
    }))
}

/// What a walk through the whole file tells.
#[derive(Debug, Default)]
struct Walk {
    length: u64,
    /// Where the last whole thing ends; the open frame begins here.
    end: u64,
    first_frame: Option<u64>,
    open_frame: Option<u64>,
    last_seal: Option<Seal>,
    /// Where each thing begins, and the length of its text; `None` if that is not known.
    things: Vec<(u64, Option<u64>)>,
    last_table: Option<u64>,
    defects: Vec<Defect>,
}

impl Walk {
    fn through<R: Read + Seek>(source: &mut R) -> io::Result<Self> {
        let mut walk = Self::default();
        let mut unpacker = Unpacker::walking(UnpackerConfig::default());
        let mut sink = |unpacked: Unpacked<'_>| walk.take(unpacked);
        let length = read_all(source, 0, |bytes| unpacker.feed(bytes, &mut sink))?;
        let verdict = unpacker.finish(&mut sink);
        walk.length = length;
        walk.end = length;
        walk.defects = verdict.defects;
        for defect in &walk.defects {
            if let DefectKind::Torn { offset, .. } = defect.kind {
                walk.end = offset;
            } else if let DefectKind::Damaged { offset, bytes, .. } = defect.kind
                && offset + bytes == length
            {
                // Lost to the end: where this began, there may be whole blocks of a frame.
                walk.end = offset;
                walk.open_frame = walk.open_frame.or(Some(offset));
            }
        }
        walk.end = walk.open_frame.unwrap_or(walk.end);
        walk.first_frame = walk.first_frame.or(walk.open_frame);
        let end = walk.end;
        walk.things.retain(|thing| thing.0 < end);
        walk.things.sort_unstable();
        walk.things.dedup_by_key(|thing| thing.0);
        Ok(walk)
    }

    fn take(&mut self, unpacked: Unpacked<'_>) {
        match unpacked {
            Unpacked::Segment(report) => {
                if report.frame_offset < report.seal_offset {
                    self.things.push((report.frame_offset, Some(report.seal.head.text_bytes)));
                    self.first_frame.get_or_insert(report.frame_offset);
                }
                self.things.push((report.seal_offset, Some(0)));
                self.last_seal = Some(report.seal.clone());
            }
            Unpacked::Unsealed(frame) => {
                self.things.push((frame.offset, None));
                self.first_frame.get_or_insert(frame.offset);
            }
            Unpacked::Open(open) => self.open_frame = Some(open.offset),
            Unpacked::SeekTable { offset, .. } => {
                self.things.push((offset, Some(0)));
                self.last_table = Some(offset);
            }
            Unpacked::Foreign { offset, .. } => self.things.push((offset, Some(0))),
            // What stands there is passed over by the next seek table as well.
            Unpacked::Defect(defect) => {
                if let DefectKind::Damaged { offset, .. } = defect.kind {
                    self.things.push((offset, Some(0)));
                } else if let DefectKind::SealDamaged { .. } = defect.kind {
                    self.things.push((defect.offset, Some(0)));
                }
            }
            Unpacked::Text(_) => {}
        }
    }

    fn tail<R: Read + Seek>(&self, source: &mut R) -> Result<Tail, TailError> {
        let mut entries = Vec::with_capacity(self.things.len());
        let ends = self.things.iter().skip(1).map(|thing| thing.0).chain([self.end]);
        for (&(offset, text_bytes), end) in self.things.iter().zip(ends) {
            let text_bytes = match text_bytes {
                Some(text_bytes) => text_bytes,
                None => salvage(source, offset, Micros(0), false)?.text_bytes,
            };
            let size = |size: u64| u32::try_from(size).map_err(|_| TailError::TooLong(offset));
            entries.push(Entry { compressed: size(end - offset)?, decompressed: size(text_bytes)? });
        }
        let last_thing = self.things.last().map(|thing| thing.0);
        let head = self.last_seal.as_ref().map(|seal| seal.head).unwrap_or_default();
        Ok(Tail {
            position: self.end,
            sequence: self.last_seal.as_ref().map_or(0, |seal| seal.head.sequence.saturating_add(1)),
            previous: self.last_seal.as_ref().map(|seal| seal.own).unwrap_or_default(),
            entries,
            end: head.end,
            sealed_finally: head.is_final,
            tabled: self.last_table.is_some() && self.last_table == last_thing,
            unsealed: None,
        })
    }
}

/// What can be kept of a frame.
struct Salvage {
    /// Where the file is to be cut.
    end: u64,
    /// What closes the frame there.
    append: Vec<u8>,
    /// `None` when not one whole line can be kept.
    segment: Option<OpenSegment>,
    lost_text: Vec<u8>,
    /// All text in the frame.
    text_bytes: u64,
}

/// Decodes the frame that begins at `start`, block by block, as far as that goes.
fn salvage<R: Read + Seek>(
    source: &mut R,
    start: u64,
    last_event: Micros,
    relative: bool,
) -> Result<Salvage, TailError> {
    let mut decompressor = Decompressor::new(WINDOW_LOG_LIMIT)?;
    let mut walker = FrameWalker::default();
    let mut lines = Lines { head: Vec::new(), relative, clock: last_event, events: 0, times: None };
    let mut segment = OpenSegment::default();
    let mut kept: Option<OpenSegment> = None;
    let mut lost_text = Vec::new();
    let mut has_checksum = false;
    let mut at = start;
    let mut buffer = Vec::new();
    let mut used = 0;
    loop {
        if buffer.len() - used < PART_LIMIT {
            buffer.drain(..used);
            used = 0;
            let more = 4 * PART_LIMIT - buffer.len();
            buffer.extend(read_at(source, at + buffer.len() as u64, more as u64)?);
        }
        let Ok(Some(part)) = walker.step(&buffer[used..]) else { break };
        let bytes = &buffer[used..used + part.bytes()];
        if part_has_checksum(part, bytes) {
            has_checksum = true;
        }
        let Ok(text) = decompressor.part(bytes) else { break };
        segment.hash.update(bytes);
        segment.frame_bytes += bytes.len() as u64;
        segment.text_bytes += text.len() as u64;
        lines.take(text);
        at += bytes.len() as u64;
        used += bytes.len();
        let room = LOST_TEXT_LIMIT - lost_text.len();
        lost_text.extend_from_slice(&text[..text.len().min(room)]);
        // A block without text is kept only if it ends the frame: it may be the zeros that a file system
        // leaves behind a lost write.
        let at_line_end = segment.text_bytes > 0 && lines.head.is_empty();
        if at_line_end && (!text.is_empty() || walker.is_complete()) {
            lost_text.clear();
            segment.events = lines.events;
            segment.times = lines.times;
            segment.closed = walker.is_complete();
            kept = Some(segment.clone());
        }
        if walker.is_complete() {
            break;
        }
    }
    let text_bytes = segment.text_bytes;
    let Some(mut segment) = kept else {
        return Ok(Salvage { end: start, append: Vec::new(), segment: None, lost_text, text_bytes });
    };
    let end = start + segment.frame_bytes;
    let mut append = Vec::new();
    if !segment.closed {
        if has_checksum {
            return Err(TailError::Foreign);
        }
        append.extend_from_slice(&CLOSING_BLOCK);
        segment.hash.update(&append);
        segment.frame_bytes += append.len() as u64;
        segment.closed = true;
    }
    Ok(Salvage { end, append, segment: Some(segment), lost_text, text_bytes })
}

fn part_has_checksum(part: Part, bytes: &[u8]) -> bool {
    matches!(part, Part::Header(_)) && bytes[4] & 0x04 != 0
}

/// Counts events and follows their times.
struct Lines {
    /// The beginning of the line that is not whole yet.
    head: Vec<u8>,
    relative: bool,
    clock: Micros,
    events: u64,
    times: Option<(Micros, Micros)>,
}

impl Lines {
    fn take(&mut self, text: &[u8]) {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_HEAD - self.head.len();
            self.head.extend_from_slice(&line[..line.len().min(room)]);
            if line.ends_with(b"\n") {
                self.line();
                self.head.clear();
            }
        }
    }

    fn line(&mut self) {
        let Some(time) = event_time(&self.head) else { return };
        let time = if self.relative { Micros(self.clock.0.saturating_add(time.0)) } else { time };
        self.clock = time;
        self.events += 1;
        let (start, end) = self.times.unwrap_or((time, time));
        self.times = Some((start.min(time), end.max(time)));
    }
}

/// The number at the beginning of an event line, in seconds.
fn event_time(line: &[u8]) -> Option<Micros> {
    let line = line.trim_ascii_start().strip_prefix(b"[")?.trim_ascii_start();
    let number = line.split(|byte| matches!(byte, b',' | b' ')).next()?;
    Micros::from_seconds(std::str::from_utf8(number).ok()?)
}

/// Whether the recording whose first frame begins here is of version 3, where times count from the event
/// before.
fn has_relative_times<R: Read + Seek>(source: &mut R, first_frame: u64) -> io::Result<bool> {
    let bytes = read_at(source, first_frame, 2 * PART_LIMIT as u64)?;
    let (mut walker, mut decompressor) = (FrameWalker::default(), Decompressor::new(WINDOW_LOG_LIMIT)?);
    let (mut at, mut text) = (0, Vec::new());
    while let Ok(Some(part)) = walker.step(&bytes[at..]) {
        let Ok(decoded) = decompressor.part(&bytes[at..at + part.bytes()]) else { break };
        text.extend_from_slice(decoded);
        at += part.bytes();
        if text.contains(&b'\n') {
            break;
        }
    }
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let version = b"\"version\"";
    let Some(found) = memchr::memmem::find(header, version) else { return Ok(false) };
    let value = header[found + version.len()..].trim_ascii_start().strip_prefix(b":").unwrap_or_default();
    Ok(value.trim_ascii_start().starts_with(b"3"))
}
