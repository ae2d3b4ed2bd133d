//! Where an index is: never among the recordings.

use std::path::{Path, PathBuf};

use casemate_cast_format::segment::hex;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;

/// Returns where the index of those files and folders is kept: in the cache, one for each set of them.
///
/// # Errors
///
/// Nobody says where the cache is.
pub fn usual_place(recordings: &[PathBuf]) -> Result<PathBuf, StoreError> {
    let cache = casemate_files::cache().ok_or(StoreError::NoPlace)?;
    Ok(cache.join("index").join(name_of(recordings) + ".db"))
}

/// A name for a set of files and folders, in whichever order and by whichever links they are given: 32 hexadecimal
/// digits.
#[must_use]
pub fn name_of(recordings: &[PathBuf]) -> String {
    let mut paths: Vec<_> = recordings.iter().map(|path| canonical(path)).collect();
    paths.sort();
    paths.dedup();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

/// Refuses a place that is in one of those folders.
///
/// # Errors
///
/// It is.
pub(crate) fn refuse_among(place: &Path, recordings: &[PathBuf]) -> Result<(), StoreError> {
    if is_among(place, recordings) {
        return Err(StoreError::AmongRecordings { path: place.to_owned() });
    }
    Ok(())
}

/// Whether a place is in one of those folders, whichever links lead there.
#[must_use]
pub fn is_among(place: &Path, recordings: &[PathBuf]) -> bool {
    let path = canonical(place);
    recordings.iter().any(|recording| path.starts_with(canonical(recording)))
}

/// The path without links, as far as it is there.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    let parent = match path.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => return path.to_owned(),
    };
    path.file_name().map_or_else(|| path.to_owned(), |name| canonical(parent).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_among_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = folder.path().join("evidence");
        std::fs::create_dir(&evidence).unwrap();
        std::os::unix::fs::symlink(&evidence, folder.path().join("link")).unwrap();
        let refused =
            |place: &str| refuse_among(&folder.path().join(place), std::slice::from_ref(&evidence)).is_err();
        assert!(refused("evidence/index.db") && refused("link/index.db") && refused("evidence/new/index.db"));
        assert!(!refused("index.db") && !refused("evidence.db"));
    }
}
