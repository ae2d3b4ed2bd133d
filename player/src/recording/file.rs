//! A file that several readers share, each with a place of its own.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Reads a shared file from its own place on.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    at: u64,
}

impl SharedFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file: Arc::new(file), at: 0 }
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// How long it is now.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Up to that many bytes from there, fewer at the end of the file.
    pub(crate) fn bytes(&self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
        let present = self.length()?.saturating_sub(offset).min(count);
        let mut bytes = vec![0; usize::try_from(present).map_err(io::Error::other)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                // It was cut off meanwhile.
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let beyond = || io::Error::from(io::ErrorKind::InvalidInput);
        self.at = match to {
            SeekFrom::Start(offset) => offset,
            SeekFrom::End(offset) => self.length()?.checked_add_signed(offset).ok_or_else(beyond)?,
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset).ok_or_else(beyond)?,
        };
        Ok(self.at)
    }
}
