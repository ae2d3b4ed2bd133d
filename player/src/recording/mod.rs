//! Recordings as the player reads them: blocks that can be decoded by themselves.
//!
//! Of a `.cast.zst` these are its segments, of a plain file pieces of about 1 MiB. What can only be read from its
//! beginning (v1, zstd files of others) is first turned into a plain file without a name.
//!
//! *Invariants*: loading a block never fails: of a damaged one nothing comes but why. Times never decrease, within a
//! block and from one to the next. Not here: which blocks there are (`index` finds out), and what they show.

mod block;
mod file;
mod inflow;
mod lines;
mod spool;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use casemate_cast_format::segment::SegmentReader;
use casemate_cast_format::{Decoder, DefectKind, Header, Item, Micros, Version, is_zstd};

pub(crate) use block::Block;
pub use block::Event;
pub(crate) use file::SharedFile;
use inflow::Inflow;
pub use spool::SPOOL_LIMIT;

/// Why a recording cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Read(String, #[source] io::Error),
    /// It is no file.
    #[error("cannot read `{0}`: it is a folder")]
    Folder(String),
    /// Nothing in it is a recording.
    #[error("{0}: {1}")]
    NotARecording(String, DefectKind),
    /// It has to be unpacked first, and there is no room for that.
    #[error("cannot unpack `{0}`: {1}")]
    Unpack(String, #[source] io::Error),
    /// It has to be unpacked first, and is too long for that.
    #[error("cannot unpack `{0}`: it holds more than {gib} GiB", gib = SPOOL_LIMIT >> 30)]
    TooLong(String),
}

/// A recording that is open for reading. Clones share the file.
#[derive(Clone, Debug)]
pub struct Recording {
    name: String,
    header: Arc<Header>,
    form: Form,
    /// What is read is what was opened, and will be there again.
    is_lasting: bool,
    /// The pipe that it comes through.
    inflow: Option<Arc<Inflow>>,
    pub(crate) grain: Grain,
}

/// How finely a recording is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// A piece of plain lines is not longer, unless a line is: what a seek decodes at most.
    pub(crate) piece: u64,
    /// A keyframe is made when this much output came since the last one: emulating it takes a few milliseconds.
    pub(crate) keyframe: u64,
    /// The index of a shorter file is made faster than anybody looks; it is not kept.
    pub(crate) shortest_cached: u64,
}

impl Default for Grain {
    fn default() -> Self {
        Self { piece: 1 << 20, keyframe: 512 << 10, shortest_cached: 8 << 20 }
    }
}

#[derive(Clone, Debug)]
enum Form {
    Lines { file: SharedFile, version: Version },
    Segments { file: SharedFile, version: Version, reader: SegmentReader<SharedFile> },
}

/// A block of a recording, and what is known of it before it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: At,
    /// No event in it is earlier.
    pub(crate) earliest: Micros,
    /// Or later.
    pub(crate) latest: Micros,
    /// It is the last one, and may grow.
    pub(crate) is_open: bool,
    /// The seal before it says that it holds the screen at its start.
    pub(crate) has_sealed_keyframe: bool,
    /// How many events come before it, where that has been counted.
    pub(crate) first_event: Option<u64>,
}

/// Where a block is. Two that are equal have the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Lines, and what the decoder's clock shows before them.
    Lines { offset: u64, bytes: u64, nanos: u64 },
    /// A segment; the time of its first event, if its seal tells.
    Segment { index: usize, bytes: u64, first: Option<Micros> },
}

impl Recording {
    /// Opens a file.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let name = casemate_terminal::escaped(&path.display().to_string()).into_owned();
        let file =
            casemate_files::open_untouched(path).map_err(|error| OpenError::Read(name.clone(), error))?;
        Self::from_file(&name, file)
    }

    /// Takes a file that is open; what is no regular one is read to its end first.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn from_file(name: &str, file: File) -> Result<Self, OpenError> {
        let metadata = file.metadata().map_err(|error| OpenError::Read(name.into(), error))?;
        if metadata.is_dir() {
            return Err(OpenError::Folder(name.into()));
        }
        if !metadata.is_file() {
            let copy = SharedFile::new(spool::copy(name, file)?);
            return Ok(Self { is_lasting: false, ..Self::from_shared(name, copy)? });
        }
        Self::from_shared(name, SharedFile::new(file))
    }

    /// Takes what comes through a pipe, and can be played as soon as it is known what it is. What can only be read as a
    /// whole is waited for.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn from_pipe(name: &str, file: File) -> Result<Self, OpenError> {
        /// So long is waited at once for something to come.
        const PATIENCE: Duration = Duration::from_secs(1);
        let read = |error| OpenError::Read(name.into(), error);
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_file() || metadata.is_dir() {
            return Self::from_file(name, file);
        }
        let (inflow, copy) = Inflow::start(name, file)?;
        let shared = SharedFile::new(copy);
        loop {
            let is_going = inflow.is_going().map_err(read)?;
            if !is_going {
                return Ok(Self { is_lasting: false, ..Self::from_shared(name, shared)? });
            }
            let length = shared.length().map_err(read)?;
            if let Some(begun) = Self::begun(name, &shared)? {
                return Ok(Self { is_lasting: false, inflow: Some(Arc::new(inflow)), ..begun });
            }
            inflow.wait(length, PATIENCE);
        }
    }

    /// What has begun to come; `None` if it is not known yet what it is, or has to be there as a whole.
    fn begun(name: &str, shared: &SharedFile) -> Result<Option<Self>, OpenError> {
        /// A header that is longer is waited for with all the rest.
        const HEAD_BYTES: u64 = 64 << 10;
        let read = |error| OpenError::Read(name.into(), error);
        let head = shared.bytes(0, HEAD_BYTES).map_err(read)?;
        if is_zstd(&head) {
            let begun = Self::segments(name, shared).map_err(read)?;
            // Any zstd file begins like a segment that has no seal yet.
            return Ok(begun.filter(|begun| begun.header.facts().is_some() || begun.has_seals()));
        }
        let mut decoder = Decoder::new();
        let Some(end) = memchr::memchr(b'\n', &head) else {
            // All of something that never begins would fill the disk.
            let begins = head.iter().find(|byte| !byte.is_ascii_whitespace());
            if head.len() as u64 == HEAD_BYTES && begins != Some(&b'{') {
                decoder.feed(&head);
                decoder.feed(b"\n");
                if let Some(Item::Defect(defect)) = decoder.next_item()
                    && defect.kind.is_fatal()
                {
                    return Err(OpenError::NotARecording(name.into(), defect.kind));
                }
            }
            return Ok(None);
        };
        decoder.feed(&head[..=end]);
        match decoder.next_item() {
            Some(Item::Header(header)) if header.version != Version::V1 => {
                let form = Form::Lines { file: shared.clone(), version: header.version };
                Ok(Some(Self::new(name, *header, form, false)))
            }
            Some(Item::Defect(defect)) if defect.kind.is_fatal() => {
                Err(OpenError::NotARecording(name.into(), defect.kind))
            }
            Some(Item::Header(_) | Item::Event(_) | Item::Comment(_) | Item::Defect(_)) | None => Ok(None),
        }
    }

    fn has_seals(&self) -> bool {
        matches!(&self.form, Form::Segments { reader, .. } if reader.sealed_segments() > 0)
    }

    fn from_shared(name: &str, shared: SharedFile) -> Result<Self, OpenError> {
        let beginning = shared.bytes(0, 4).map_err(|error| OpenError::Read(name.into(), error))?;
        let is_packed = is_zstd(&beginning) || (name.ends_with(".zst") && !beginning.starts_with(b"{"));
        if !is_packed {
            return Self::lines(name, shared, true);
        }
        match Self::segments(name, &shared).map_err(|error| OpenError::Read(name.into(), error))? {
            Some(recording) => Ok(recording),
            None => Self::lines(name, SharedFile::new(spool::unpack(name, shared)?), false),
        }
    }

    fn lines(name: &str, file: SharedFile, is_lasting: bool) -> Result<Self, OpenError> {
        let mut reader = file.clone();
        let mut decoder = Decoder::new();
        let header = spool::header(name, &mut decoder, &mut reader)?;
        let version = header.version;
        if version == Version::V1 {
            let lines = spool::lines_of(name, &header, decoder, reader)?;
            let form = Form::Lines { file: SharedFile::new(lines), version: Version::V2 };
            return Ok(Self::new(name, header, form, false));
        }
        Ok(Self::new(name, header, Form::Lines { file, version }, is_lasting))
    }

    /// `None` if these are no segments of ours.
    fn segments(name: &str, file: &SharedFile) -> io::Result<Option<Self>> {
        /// The first segment of a recording that has just begun has no seal; it is not longer.
        const UNSEALED_LIMIT: usize = 2 << 20;
        let mut reader = SegmentReader::open(file.clone())?;
        let has_seals = reader.sealed_segments() > 0;
        let is_short = reader.frame(0).is_some_and(|(_, bytes)| bytes < UNSEALED_LIMIT as u64);
        let may_be_young = is_short && reader.segments() == 1;
        if !has_seals && !may_be_young {
            return Ok(None);
        }
        // Should the first one be damaged, what is left of it may still say what this is.
        let text = reader.text_unproven(0).unwrap_or_default();
        if !has_seals && text.len() > UNSEALED_LIMIT {
            return Ok(None);
        }
        let mut decoder = Decoder::new();
        decoder.feed(&text);
        decoder.finish();
        let header = match decoder.next_item() {
            Some(Item::Header(header)) => Some(*header),
            Some(Item::Event(_) | Item::Comment(_) | Item::Defect(_)) | None => None,
        };
        if header.as_ref().is_some_and(|header| header.version == Version::V1) {
            return Ok(None);
        }
        if !has_seals && header.is_none() {
            return Ok(None);
        }
        let header = header.unwrap_or_else(|| Header::new(casemate_cast_format::header::DEFAULT_SIZE));
        let form = Form::Segments { file: file.clone(), version: header.version, reader };
        Ok(Some(Self::new(name, header, form, true)))
    }

    fn new(name: &str, header: Header, form: Form, is_lasting: bool) -> Self {
        Self {
            name: name.into(),
            header: Arc::new(header),
            form,
            is_lasting,
            inflow: None,
            grain: Grain::default(),
        }
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// When the last line says that it happened, if lines say when they do.
    pub(crate) fn last_time(&self) -> Option<Micros> {
        let Form::Lines { file, version: Version::V2, .. } = &self.form else { return None };
        lines::last_time(file)
    }

    /// Bytes of the file that is read, which is not the one that was opened if that had to be unpacked.
    pub(crate) fn length(&self) -> io::Result<u64> {
        self.file().length()
    }

    fn file(&self) -> &SharedFile {
        match &self.form {
            Form::Lines { file, .. } | Form::Segments { file, .. } => file,
        }
    }

    /// The file that was opened; `None` if what is read is a copy of its own.
    pub(crate) fn lasting_file(&self) -> Option<&SharedFile> {
        self.is_lasting.then(|| self.file())
    }

    /// Where a block ends in the file.
    pub(crate) fn end_of(&self, place: &Place) -> u64 {
        match (place.at, &self.form) {
            (At::Lines { offset, bytes, .. }, _) => offset.saturating_add(bytes),
            (At::Segment { index, .. }, Form::Segments { reader, .. }) => {
                reader.frame(index).map_or(0, |(offset, bytes)| offset.saturating_add(bytes))
            }
            (At::Segment { .. }, Form::Lines { .. }) => 0,
        }
    }

    /// Adds what is known of the blocks without reading them: the first one of plain lines, all segments. The last
    /// one that is there is looked at again if it is open. Returns whether these are all.
    pub(crate) fn survey(&mut self, places: &mut Vec<Place>) -> io::Result<bool> {
        match &mut self.form {
            Form::Lines { file, .. } => {
                let (offset, nanos, before) = match places.last() {
                    None => (0, 0, None),
                    Some(Place { at: At::Lines { offset, nanos, .. }, is_open: true, .. }) => {
                        (*offset, *nanos, places.pop())
                    }
                    Some(_) => return Ok(false),
                };
                let (bytes, is_open) = lines::piece_at(file, offset, self.grain.piece)?;
                let place = Place {
                    at: At::Lines { offset, bytes, nanos },
                    earliest: before.map_or(Micros(0), |before| before.earliest),
                    latest: Micros(u64::MAX),
                    is_open,
                    has_sealed_keyframe: false,
                    first_event: before.map_or(Some(0), |before| before.first_event),
                };
                places.push(place);
                Ok(is_open)
            }
            Form::Segments { reader, .. } => {
                let reopened = places.pop_if(|place| place.is_open);
                let (mut earliest, mut first_event) = match (&reopened, places.last()) {
                    (Some(open), _) => (open.earliest, open.first_event),
                    (None, Some(last)) => (last.latest, None),
                    (None, None) => (Micros(0), Some(0)),
                };
                let mut head = reader.head(places.len()).ok().flatten();
                for index in places.len()..reader.segments() {
                    let next = reader.head(index + 1).ok().flatten();
                    let is_last = index + 1 == reader.segments();
                    let latest = match (&head, &next) {
                        (Some(head), _) => head.end.max(earliest),
                        (None, Some(next)) => next.start.max(earliest),
                        (None, None) => Micros(u64::MAX),
                    };
                    let bytes = reader.frame(index).map_or(0, |(_, bytes)| bytes);
                    places.push(Place {
                        at: At::Segment { index, bytes, first: head.map(|head| head.start) },
                        earliest,
                        latest,
                        is_open: is_last && head.is_none(),
                        has_sealed_keyframe: index > 0 && reader.has_keyframe(index - 1).unwrap_or(false),
                        first_event: first_event.take(),
                    });
                    earliest = latest;
                    head = next;
                }
                Ok(true)
            }
        }
    }

    /// The block of plain lines behind one that was decoded, and whether it is the last one; `None` if there is
    /// nothing more.
    pub(crate) fn place_behind(&self, place: &Place, block: &Block) -> io::Result<Option<(Place, bool)>> {
        let (Form::Lines { file, .. }, At::Lines { offset, bytes, .. }) = (&self.form, place.at) else {
            return Ok(None);
        };
        let offset = offset.saturating_add(bytes);
        let (bytes, is_open) = lines::piece_at(file, offset, self.grain.piece)?;
        let earliest = place.earliest.max(block.time(block.len().wrapping_sub(1)).unwrap_or_default());
        let place = Place {
            at: At::Lines { offset, bytes, nanos: block.nanos },
            earliest,
            latest: Micros(u64::MAX),
            is_open,
            has_sealed_keyframe: false,
            first_event: place.first_event.map(|first| first.saturating_add(block.len() as u64)),
        };
        Ok((bytes > 0 || is_open).then_some((place, is_open)))
    }

    /// The file from its beginning, for whoever wants to read all of it.
    #[must_use]
    pub fn reader(&self) -> impl io::Read + Send + 'static {
        let mut file = self.file().clone();
        // To the beginning there is always a way.
        io::Seek::rewind(&mut file).ok();
        file
    }

    /// Looks whether the file has grown; what was read remains.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Lines { .. } => Ok(()),
            Form::Segments { reader, .. } => reader.refresh(),
        }
    }

    /// Whether it comes through a pipe, or came.
    pub(crate) fn is_piped(&self) -> bool {
        self.inflow.is_some()
    }

    /// Whether more of it may come through the pipe that it comes through. Who finds that it does not will find all of
    /// it in the file.
    ///
    /// # Errors
    /// When the pipe failed.
    pub(crate) fn is_arriving(&self) -> io::Result<bool> {
        self.inflow.as_ref().map_or(Ok(false), |inflow| inflow.is_going())
    }

    /// Waits until more of it than so many bytes have come, at most for about so long.
    pub(crate) fn wait_for_more(&self, than: u64, time: Duration) {
        if let Some(inflow) = &self.inflow {
            inflow.wait(than, time);
        }
    }

    /// Whether it can grow while it is open.
    #[must_use]
    pub fn can_grow(&self) -> bool {
        self.is_lasting
    }

    /// Decodes a block.
    pub(crate) fn load(&mut self, place: &Place) -> Block {
        /// A piece is longer only if a line is.
        const TEXT_LIMIT: u64 = (1 << 20) + casemate_cast_format::decoder::MAX_LINE as u64;
        let (earliest, latest) = (place.earliest, place.latest);
        match (&mut self.form, place.at) {
            (Form::Lines { file, version, .. }, At::Lines { offset, bytes, nanos }) => {
                if bytes > TEXT_LIMIT {
                    let kind = DefectKind::LineTooLong(casemate_cast_format::decoder::MAX_LINE >> 20);
                    return Block::damaged(format!("byte {offset}: {kind}"), nanos);
                }
                let decoder = match offset {
                    0 => Decoder::new(),
                    _ => Decoder::resume_behind(*version, nanos),
                };
                match file.bytes(offset, bytes) {
                    Ok(text) => Block::decode(decoder, &text, earliest, latest),
                    Err(error) => Block::damaged(format!("byte {offset}: {error}"), nanos),
                }
            }
            (Form::Segments { version, reader, .. }, At::Segment { index, bytes, first }) => {
                // Another clone may have seen the file grow.
                if reader.frame(index).is_none_or(|(_, known)| known != bytes)
                    && let Err(error) = reader.refresh()
                {
                    return Block::damaged(error.to_string(), 0);
                }
                let decoder = match (index, first) {
                    (0, _) => Decoder::new(),
                    (_, Some(first)) => Decoder::resume(*version, first),
                    (_, None) => Decoder::resume_behind(*version, earliest.0.saturating_mul(1000)),
                };
                match reader.text(index) {
                    Ok(text) => Block::decode(decoder, &text, earliest, latest),
                    Err(error) => Block::damaged(error.to_string(), 0),
                }
            }
            (Form::Lines { .. }, At::Segment { .. }) | (Form::Segments { .. }, At::Lines { .. }) => {
                Block::damaged("no block of this recording".into(), 0)
            }
        }
    }

    /// The screen at the start of a block, if the seal before it holds it.
    pub(crate) fn keyframe(&mut self, place: &Place) -> Option<Vec<u8>> {
        let (Form::Segments { reader, .. }, At::Segment { index, .. }) = (&mut self.form, place.at) else {
            return None;
        };
        reader.keyframe(index.checked_sub(1)?).ok()?
    }
}

/// Loads blocks, and keeps those that were needed last.
#[derive(Debug)]
pub(crate) struct Blocks {
    recording: Recording,
    kept: VecDeque<(At, Arc<Block>)>,
}

/// Of so many blocks, as long as they take no more memory than [`KEPT_BYTES`]: a step back may lead into the one before.
const KEPT: usize = 4;

/// See [`KEPT`].
const KEPT_BYTES: usize = 24 << 20;

impl Blocks {
    pub(crate) fn new(recording: Recording) -> Self {
        Self { recording, kept: VecDeque::new() }
    }

    pub(crate) fn recording(&mut self) -> &mut Recording {
        &mut self.recording
    }

    pub(crate) fn load(&mut self, place: &Place) -> Arc<Block> {
        if let Some(at) = self.kept.iter().position(|(at, _)| *at == place.at)
            && let Some(found) = self.kept.remove(at)
        {
            self.kept.push_front(found);
        } else {
            let block = Arc::new(self.recording.load(place));
            self.kept.push_front((place.at, block));
            let bytes = |kept: &VecDeque<(At, Arc<Block>)>| {
                kept.iter().map(|(_, block)| block.bytes()).sum::<usize>()
            };
            while self.kept.len() > KEPT || (self.kept.len() > 1 && bytes(&self.kept) > KEPT_BYTES) {
                self.kept.pop_back();
            }
        }
        Arc::clone(&self.kept[0].1)
    }
}
