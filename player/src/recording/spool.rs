//! Files without a name, for what can only be read from its beginning.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};

use casemate_cast_format::{Decoder, DefectKind, Encoder, Header, Item, Version};

use super::OpenError;
use super::file::SharedFile;

/// No more is unpacked: a few kilobytes of zstd can hold any amount of text.
pub const SPOOL_LIMIT: u64 = 16 << 30;

/// So much is read at once.
pub(super) const CHUNK: usize = 256 << 10;

/// What `zstd -dc` accepts without being asked.
const WINDOW_LOG_LIMIT: u32 = 27;

/// All of a pipe.
pub(super) fn copy(name: &str, mut from: File) -> Result<File, OpenError> {
    let mut to = Spool::new(name)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return to.finish(),
            Ok(read) => to.write(&chunk[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OpenError::Read(name.into(), error)),
        }
    }
}

/// The text of a zstd file, as far as it can be unpacked.
pub(super) fn unpack(name: &str, from: SharedFile) -> Result<File, OpenError> {
    let mut to = Spool::new(name)?;
    let mut chunk = vec![0; CHUNK];
    let unpack = |error| OpenError::Unpack(name.into(), error);
    let mut decoder = zstd::stream::read::Decoder::new(from).map_err(unpack)?;
    decoder.window_log_max(WINDOW_LOG_LIMIT).map_err(unpack)?;
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return to.finish(),
            Ok(read) => to.write(&chunk[..read])?,
            // What came before the damage, or before the end of a torn file, is a recording none the less.
            Err(_) if to.bytes > 0 => return to.finish(),
            Err(error) => return Err(unpack(error)),
        }
    }
}

/// Reads as far as the header.
pub(super) fn header(name: &str, decoder: &mut Decoder, from: &mut SharedFile) -> Result<Header, OpenError> {
    let mut chunk = vec![0; CHUNK];
    loop {
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => return Ok(*header),
                Item::Defect(defect) if defect.kind.is_fatal() => {
                    return Err(OpenError::NotARecording(name.into(), defect.kind));
                }
                Item::Defect(_) | Item::Event(_) | Item::Comment(_) => {}
            }
        }
        match from.read(&mut chunk) {
            Ok(0) => {
                decoder.finish();
                // All that is left comes out, and if it is nothing there was nothing.
                return match decoder.next_item() {
                    Some(Item::Header(header)) => Ok(*header),
                    Some(Item::Defect(defect)) => Err(OpenError::NotARecording(name.into(), defect.kind)),
                    Some(Item::Event(_) | Item::Comment(_)) | None => {
                        Err(OpenError::NotARecording(name.into(), DefectKind::Empty))
                    }
                };
            }
            Ok(read) => decoder.feed(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OpenError::Read(name.into(), error)),
        }
    }
}

/// A v1 document as the lines of a v2 recording.
pub(super) fn lines_of(
    name: &str,
    header: &Header,
    mut decoder: Decoder,
    mut from: SharedFile,
) -> Result<File, OpenError> {
    let mut to = Spool::new(name)?;
    let mut encoder = Encoder::new(Version::V2);
    let mut lines = Vec::new();
    encoder.header(header, &mut lines);
    let mut chunk = vec![0; CHUNK];
    let mut is_at_the_end = false;
    loop {
        while let Some(item) = decoder.next_item() {
            if let Item::Event(event) = item {
                encoder.event(&event, &mut lines);
            }
        }
        to.write(&lines)?;
        lines.clear();
        match from.read(&mut chunk) {
            Ok(0) if is_at_the_end => return to.finish(),
            Ok(0) => {
                decoder.finish();
                is_at_the_end = true;
            }
            Ok(read) => decoder.feed(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OpenError::Read(name.into(), error)),
        }
    }
}

struct Spool<'a> {
    name: &'a str,
    file: BufWriter<File>,
    bytes: u64,
}

impl<'a> Spool<'a> {
    fn new(name: &'a str) -> Result<Self, OpenError> {
        let file = tempfile::tempfile().map_err(|error| OpenError::Unpack(name.into(), error))?;
        Ok(Self { name, file: BufWriter::new(file), bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), OpenError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > SPOOL_LIMIT {
            return Err(OpenError::TooLong(self.name.into()));
        }
        self.file.write_all(bytes).map_err(|error| OpenError::Unpack(self.name.into(), error))
    }

    fn finish(self) -> Result<File, OpenError> {
        self.file.into_inner().map_err(|error| OpenError::Unpack(self.name.into(), error.into_error()))
    }
}
