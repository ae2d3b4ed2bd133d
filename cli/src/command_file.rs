//! The file of `casemate rec --commands`: opened here, written by [`casemate_command_file`].

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use casemate_recorder::Witness;
use rustix::fs::OFlags;

use crate::failure::{About as _, Failure};

/// What to do where the file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Refuse,
    Replace,
    Append,
}

/// A file of command events being written.
pub(crate) struct CommandFile {
    path: PathBuf,
    is_new: bool,
    events: casemate_command_file::CommandFile,
}

impl CommandFile {
    /// Opens the file, readable by its owner alone.
    pub(crate) fn create(path: &Path, present: Present) -> Result<Self, Failure> {
        let cannot = || format!("cannot write command events to `{}`", path.display());
        let (file, is_new) = match open(path, present) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Failure::new(format!("{}: it exists", cannot()))
                    .hint("give another name, --overwrite to replace it, or --append to go on with it"));
            }
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                return Err(Failure::new(format!("{}: nobody reads from that pipe", cannot()))
                    .hint("start its reader first"));
            }
            opened => opened.about(cannot())?,
        };
        let events = casemate_command_file::CommandFile::begin(file, None).about(cannot())?;
        Ok(Self { path: path.to_owned(), is_new, events })
    }

    /// Who has to be told what is recorded. There is one.
    pub(crate) fn witness(&mut self) -> Option<Box<dyn Witness>> {
        self.events.witness()
    }

    /// Waits until everything is written.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let what = format!("the command events are not whole: {}", self.path.display());
        self.events.finish().about(what)
    }

    /// Takes back a file for a session that never began.
    pub(crate) fn discard(self) {
        let (path, is_new) = (self.path.clone(), self.is_new);
        if self.finish().is_ok() && is_new {
            std::fs::remove_file(path).ok();
        }
    }
}

/// The file, and whether it was not there before.
fn open(path: &Path, present: Present) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if kind.is_fifo() || kind.is_char_device() => {
            // A reader that is stuck must not stop the session.
            let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
            return Ok((options.custom_flags(nonblocking).open(path)?, false));
        }
        Ok(_) if present == Present::Append => return Ok((options.append(true).open(path)?, false)),
        // A new file rather than the old one emptied: who has the old one open keeps it whole.
        Ok(kind) if present == Present::Replace && kind.is_file() => std::fs::remove_file(path)?,
        Ok(_) => {}
        Err(_) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder)?;
            }
        }
    }
    Ok((options.create_new(true).open(path)?, true))
}
