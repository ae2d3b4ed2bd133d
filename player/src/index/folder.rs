//! Where complete indexes are kept: a folder of the user's own, never that of the recording.
//!
//! Nothing here is ever an error: without a cache an index is made anew. What is kept shows what was on screens, so
//! nobody else may read it. A file is there whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use casemate_cast_format::segment::hex;
use sha2::{Digest as _, Sha256};

use super::Index;
use super::cache::{Key, decode, encode};
use crate::recording::Recording;
use crate::shared::Shared;

/// No index takes more: keyframes take 48 MiB at most, marks and markers some 50, and a block some 30 bytes.
const LONGEST: u64 = 256 << 20;

/// So much of a file's beginning and of its end is hashed.
const HASHED: u64 = 64 << 10;

/// Older ones go when there are more files than this, or more bytes than [`KEPT_BYTES`].
const KEPT_FILES: usize = 256;

/// See [`KEPT_FILES`].
const KEPT_BYTES: u64 = 512 << 20;

/// A folder with indexes.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// `casemate/player` in the user's cache; `None` if there is no such place.
    pub(crate) fn of_the_user() -> Option<Self> {
        casemate_files::cache().map(|cache| Self(cache.join("player")))
    }

    /// The index of a recording as it is now.
    pub(crate) fn find(&self, recording: &Recording) -> Option<Index> {
        let (key, length) = identify(recording).ok()??;
        let file = fs::File::open(self.path(&key)).ok()?;
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes).ok()?;
        decode(&bytes, &key, length)
    }

    /// Keeps the index of a recording, if it is worth it.
    pub(crate) fn keep(&self, recording: &Recording, index: &Shared<Index>) {
        // There is nobody to whom it would matter.
        drop(self.try_keep(recording, index));
    }

    fn try_keep(&self, recording: &Recording, index: &Shared<Index>) -> io::Result<()> {
        let Some((key, length)) = identify(recording)? else { return Ok(()) };
        let bytes = {
            let index = index.lock();
            let counted = index.places.iter().all(|place| place.first_event.is_some());
            if !index.is_complete || index.failure.is_some() || !counted || index.read.1 != length {
                return Ok(());
            }
            encode(&index, &key)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(&bytes)?;
        file.persist(self.path(&key))?;
        self.tidy()
    }

    /// Removes what has not been made for longest, of what is ours.
    fn tidy(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() && is_of_ours(&entry.file_name()) {
                files.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        files.sort_unstable_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        for (number, (_, length, path)) in files.iter().enumerate() {
            bytes += length;
            if number >= KEPT_FILES || bytes > KEPT_BYTES {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name = hex(&key[..16]);
        self.0.join(name)
    }
}

/// Whether a file is named as an index is, or as one that was never written to its end.
fn is_of_ours(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit) || name.starts_with(b".tmp")
}

/// What distinguishes this state of this file from all others, and its length; `None` for what is not kept.
fn identify(recording: &Recording) -> io::Result<Option<(Key, u64)>> {
    let Some(file) = recording.lasting_file() else { return Ok(None) };
    let metadata = file.metadata()?;
    let length = metadata.len();
    if length < recording.grain.shortest_cached {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    for number in [metadata.dev(), metadata.ino(), length] {
        hash.update(number.to_le_bytes());
    }
    for number in [metadata.mtime(), metadata.mtime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    // An index of other blocks is another one.
    hash.update(recording.grain.piece.to_le_bytes());
    hash.update(file.bytes(0, HASHED)?);
    hash.update(file.bytes(length.saturating_sub(HASHED), HASHED)?);
    Ok(Some((hash.finalize().into(), length)))
}
