//! A file that appears in its place when it is whole.
//!
//! Until then it has no name, where the file system can do that, so that whatever ends us leaves nothing
//! behind. What stands in its place is replaced only on request, and never while it is being recorded.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use casemate_recorder::claim;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};
use tempfile::NamedTempFile;

use crate::failure::{About as _, Failure};

/// The names of what is open; a file without a name gets one through it.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file being written.
pub(crate) struct NewFile {
    path: PathBuf,
    content: Content,
    overwrite: bool,
    /// Keeps recorders from what is to be replaced.
    _replaced: Option<File>,
}

enum Content {
    Nameless(File),
    Named(NamedTempFile),
}

impl NewFile {
    /// Begins a file that only its owner can read; the folders above it are made.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        let cannot = || format!("cannot write `{}`", path.display());
        let mut replaced = None;
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Failure::new(format!("{}: it is a folder", cannot())));
            }
            Ok(_) if !overwrite => {
                return Err(Failure::new(format!("{}: it exists", cannot()))
                    .hint("give another name, or --overwrite to replace it"));
            }
            Ok(_) => {
                replaced = claim(path).map_err(|error| {
                    Failure::new(format!("{}: {error}", cannot()))
                        .hint("give another name, or wait until the recording has ended")
                })?;
            }
            Err(_) => {}
        }
        let folder = folder(path);
        std::fs::create_dir_all(folder).about(cannot())?;
        let content = match nameless(folder) {
            Some(file) => Content::Nameless(file),
            None => Content::Named(NamedTempFile::new_in(folder).about(cannot())?),
        };
        Ok(Self { path: path.into(), content, overwrite, _replaced: replaced })
    }

    /// The file that is written to.
    pub(crate) fn as_file(&self) -> &File {
        match &self.content {
            Content::Nameless(file) => file,
            Content::Named(file) => file.as_file(),
        }
    }

    /// Its place.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    pub(crate) fn put(self) -> Result<(), Failure> {
        let Self { path, content, overwrite, .. } = self;
        let put = match content {
            Content::Named(file) if overwrite => file.persist(&path).map(drop).map_err(|error| error.error),
            Content::Named(file) => file.persist_noclobber(&path).map(drop).map_err(|error| error.error),
            Content::Nameless(file) => match name(&file, &path) {
                // Only a file with a name can take another's place.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && overwrite => {
                    tempfile::Builder::new()
                        .make_in(folder(&path), |temporary| name(&file, temporary))
                        .and_then(|named| named.into_temp_path().persist(&path).map_err(|error| error.error))
                }
                named => named,
            },
        };
        put.about(format!("cannot write `{}`", path.display()))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_file().flush()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `None` where the file system has no such files, or they could not get a name later.
fn nameless(folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let can_be_named = Path::new(DESCRIPTORS).is_dir();
    can_be_named
        .then(|| rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).ok())
        .flatten()
        .map(File::from)
}

fn name(file: &File, path: &Path) -> io::Result<()> {
    let descriptor = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    Ok(linkat(CWD, descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}
