//! How files that are evidence are opened, and where what is derived from them is kept.
//!
//! Everything that reads recordings opens them here, whatever it does with them then.
//!
//! Not here: files that are being recorded (`recorder`), and what is in any of them.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Opens a file to be read. Where the system allows it, not even the time of its last reading is changed.
///
/// # Errors
///
/// It cannot be read.
pub fn open_untouched(path: &Path) -> io::Result<File> {
    let no_atime = i32::try_from(OFlags::NOATIME.bits()).unwrap_or(0);
    let untouched = File::options().read(true).custom_flags(no_atime).open(path);
    match untouched {
        // It is allowed to the owner only.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        untouched => untouched,
    }
}

/// The folder for what can be made again, the user's own; `None` if nobody says where that is.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("casemate"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, FileTimes};
    use std::io::Read as _;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn reading_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.cast");
        fs::write(&path, "evidence").unwrap();
        // Older than the last change: most systems note the next reading of such a file.
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_times(FileTimes::new().set_accessed(then))
            .unwrap();
        let mut text = String::new();
        open_untouched(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), fs::metadata(&path).unwrap().accessed().unwrap()), ("evidence", then));
    }

    #[test]
    fn what_is_not_there_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_untouched(&folder.path().join("gone")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
