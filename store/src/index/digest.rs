//! How a file is known that has not changed: by what the system says of it, and by its first and last bytes.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use casemate_files::open_untouched;
use sha2::{Digest as _, Sha256};

use crate::write::Stamp;

/// So much of each end is looked at: one page, which holds the header and, at the end, the last seal.
const END: usize = 4 << 10;

/// Looks at a file.
pub(super) fn stamp(path: &Path) -> io::Result<Stamp> {
    let file = open_untouched(path)?;
    let metadata = file.metadata()?;
    let mut hash = Sha256::new();
    let mut page = vec![0; END];
    for offset in [0, metadata.len().saturating_sub(END as u64)] {
        let mut filled = 0;
        while filled < END {
            match file.read_at(&mut page[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        hash.update(&page[..filled]);
    }
    Ok(of(&metadata, hash.finalize()[..16].to_vec()))
}

/// What is known of a file that cannot be opened.
pub(super) fn unread(path: &Path) -> io::Result<Stamp> {
    Ok(of(&std::fs::metadata(path)?, Vec::new()))
}

fn of(metadata: &Metadata, digest: Vec<u8>) -> Stamp {
    let modified = modified(metadata);
    Stamp { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified, digest }
}

/// When a file was last written to, in nanoseconds since 1970.
pub(crate) fn modified(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}

impl Stamp {
    /// Whether it is the same file with the same content. The number of a device changes when it is mounted again.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let known = |stamp: &Self| (stamp.inode, stamp.bytes, stamp.modified);
        known(self) == known(other) && self.digest == other.digest
    }
}
