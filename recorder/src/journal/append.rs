//! Finds the end of a recording that is to be continued, and mends it where it was torn.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use casemate_cast_format::segment::{self, Packer, PackerConfig, SegmentReader, TailError, TailState};
use casemate_cast_format::{Decoder, DefectKind, Encoder, Item, Micros, Version};
use serde_json::json;

use crate::keyframes::{Keyframes, Place};

/// So much text is played again for the screen that an appended recording goes on with: a second's work.
const PLAYED_AGAIN: u64 = 64 << 20;

/// Why a recording cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is in another format.
    #[error("it is {0}, not {1}")]
    OtherFormat(&'static str, &'static str),
    /// It is no recording.
    #[error("{0}")]
    NotARecording(DefectKind),
    /// Its end is beyond mending.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// It is signed, and there is no key to go on with.
    #[error("it is signed")]
    Signed,
    /// Nothing of it can be kept.
    #[error("nothing in it can be read")]
    Nothing,
}

/// Where a recording goes on.
pub(super) struct End {
    /// It is cut to this length,
    pub(super) length: u64,
    /// then these bytes close it,
    pub(super) close: Vec<u8>,
    /// then these write what follows.
    pub(super) encoder: Encoder,
    pub(super) packer: Option<(Packer, Option<Keyframes>)>,
    /// What was cut off, for the recording.
    pub(super) gap: Option<String>,
}

/// Finds the end of an asciicast; `packing` where it is in segments.
pub(super) fn find_end(
    path: &Path,
    version: Version,
    packing: Option<PackerConfig>,
) -> Result<End, AppendError> {
    let packed = is_packed(path)?;
    match packing {
        Some(config) if packed => packed_end(path, version, config),
        None if !packed => plain_end(path, version),
        Some(_) => Err(AppendError::OtherFormat("a plain recording", "in segments")),
        None => Err(AppendError::OtherFormat("in segments", "a plain recording")),
    }
}

fn packed_end(path: &Path, version: Version, config: PackerConfig) -> Result<End, AppendError> {
    let plan = segment::find_tail(BufReader::new(File::open(path)?))?;
    if plan.state == TailState::Nothing {
        return Err(AppendError::Nothing);
    }
    let mut reader = SegmentReader::open(BufReader::new(File::open(path)?))?;
    let first = reader.text_unproven(0).map_err(io::Error::other)?;
    check_version(&first, version)?;
    if let Some(last) = reader.sealed_segments().checked_sub(1)
        && config.signing_key.is_none()
        && reader.seal(last).map_err(io::Error::other)?.is_some_and(|seal| seal.signature.is_some())
    {
        return Err(AppendError::Signed);
    }
    let gap = (plan.cut_bytes > 0).then(|| gap("cut off at the end", plan.cut_bytes, &plan.lost_text));
    let encoder = Encoder::resume(version, plan.tail.end());
    let keyframes = last_keyframe(&mut reader, plan.tail.position());
    let packer = Packer::resume(config, plan.tail).map_err(io::Error::other)?;
    Ok(End { length: plan.truncate_to, close: plan.append, encoder, packer: Some((packer, keyframes)), gap })
}

/// The screen at the last keyframe, or the beginning, from which it is to be played on; `None` if that is too
/// far away.
fn last_keyframe(reader: &mut SegmentReader<impl Read + Seek>, end: u64) -> Option<Keyframes> {
    let mut text_bytes = 0;
    for index in (0..reader.sealed_segments()).rev() {
        if reader.has_keyframe(index).ok()? {
            let screen = reader.keyframe(index).ok()??;
            let frame = reader.offset(index + 1).unwrap_or(end);
            return Keyframes::behind(Some(&screen), Place { frame, text_bytes: 0 }).ok();
        }
        text_bytes += reader.head(index).ok()??.text_bytes;
        if text_bytes > PLAYED_AGAIN {
            return None;
        }
    }
    Keyframes::behind(None, Place::default()).ok()
}

fn plain_end(path: &Path, version: Version) -> Result<End, AppendError> {
    let mut file = File::open(path)?;
    let mut decoder = Decoder::new();
    let mut chunk = vec![0; 64 << 10];
    let (mut last, mut length, mut line_end) = (Micros(0), 0, 0);
    let mut tail = Vec::new();
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        let bytes = &chunk[..read];
        match memchr::memrchr(b'\n', bytes) {
            Some(at) => {
                line_end = length + at as u64 + 1;
                tail.clear();
                tail.extend_from_slice(&bytes[at + 1..]);
            }
            None => tail.extend_from_slice(bytes),
        }
        length += read as u64;
        decoder.feed(bytes);
        drain(&mut decoder, version, &mut last, &mut false)?;
    }
    let mut cut_off = false;
    decoder.finish();
    drain(&mut decoder, version, &mut last, &mut cut_off)?;
    // A whole last line that only lacks its end is kept.
    let (length, close, gap) = if tail.is_empty() {
        (length, Vec::new(), None)
    } else if cut_off {
        (line_end, Vec::new(), Some(gap("cut off at the end", tail.len() as u64, &tail)))
    } else {
        (length, vec![b'\n'], None)
    };
    Ok(End { length, close, encoder: Encoder::resume(version, last), packer: None, gap })
}

fn drain(
    decoder: &mut Decoder,
    version: Version,
    last: &mut Micros,
    bad: &mut bool,
) -> Result<(), AppendError> {
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(header) => same_version(header.version, version)?,
            Item::Event(event) => *last = event.time,
            Item::Comment(_) => {}
            Item::Defect(defect) if defect.kind.is_fatal() => {
                return Err(AppendError::NotARecording(defect.kind));
            }
            Item::Defect(_) => *bad = true,
        }
    }
    Ok(())
}

fn check_version(beginning: &[u8], version: Version) -> Result<(), AppendError> {
    let mut decoder = Decoder::new();
    decoder.feed(beginning);
    decoder.finish();
    match decoder.next_item() {
        Some(Item::Header(header)) => same_version(header.version, version),
        Some(Item::Defect(defect)) => Err(AppendError::NotARecording(defect.kind)),
        Some(Item::Event(_) | Item::Comment(_)) | None => Err(AppendError::Nothing),
    }
}

fn same_version(found: Version, wanted: Version) -> Result<(), AppendError> {
    let name = |version| match version {
        Version::V1 => "asciicast v1",
        Version::V2 => "asciicast v2",
        Version::V3 => "asciicast v3",
    };
    if found == wanted { Ok(()) } else { Err(AppendError::OtherFormat(name(found), name(wanted))) }
}

fn gap(what: &str, bytes: u64, text: &[u8]) -> String {
    json!({ "what": what, "bytes": bytes, "text": String::from_utf8_lossy(text) }).to_string()
}

/// Which of the formats that can be continued a file is in; `None` for an empty one.
pub fn recording_version(path: &Path) -> Result<Option<Version>, AppendError> {
    if std::fs::metadata(path)?.len() == 0 {
        return Ok(None);
    }
    let beginning = if is_packed(path)? {
        let mut reader = SegmentReader::open(BufReader::new(File::open(path)?))?;
        reader.text_unproven(0).map_err(io::Error::other)?
    } else {
        let mut beginning = Vec::new();
        File::open(path)?.take(1 << 20).read_to_end(&mut beginning)?;
        beginning
    };
    let mut decoder = Decoder::new();
    decoder.feed(&beginning);
    decoder.finish();
    match decoder.next_item() {
        Some(Item::Header(header)) => Ok(Some(header.version)),
        _ => Ok(None),
    }
}

/// Whether a file begins as zstd does.
fn is_packed(path: &Path) -> io::Result<bool> {
    let mut magic = [0; 4];
    let mut file = File::open(path)?;
    Ok(file.read_exact(&mut magic).is_ok() && casemate_cast_format::is_zstd(&magic))
}
