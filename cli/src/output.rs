//! Output: a file that appears when it is whole, or standard output; recordings, and whatever else.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::PackerConfig;
use casemate_cast_format::{Event, Header};
use casemate_recorder::{Form, Format};
use tempfile::NamedTempFile;

use crate::failure::{About as _, Failure};

/// Written in pieces of this size.
const CHUNK: usize = 256 << 10;

/// Where output goes.
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// A pipe or device.
    Stream(File),
    /// A file.
    File {
        /// Its name.
        path: PathBuf,
        /// What takes that name in the end.
        temporary: NamedTempFile,
        /// Whether it may replace another.
        overwrite: bool,
    },
}

impl Destination {
    /// Standard output for `-`; else a file that is put in its place by [`Self::finish`].
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let cannot = || format!("cannot write `{}`", path.display());
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(Failure::new(format!("{}: it is a folder", cannot()))),
            Ok(metadata) if metadata.is_file() && !overwrite => {
                Err(Failure::new(format!("{}: it exists", cannot()))
                    .hint("give another name, or --overwrite to replace it"))
            }
            Ok(metadata) if !metadata.is_file() => {
                Ok(Self::Stream(File::options().write(true).open(path).about(cannot())?))
            }
            Ok(_) | Err(_) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                std::fs::create_dir_all(folder).about(cannot())?;
                let temporary = NamedTempFile::new_in(folder).about(cannot())?;
                Ok(Self::File { path: path.into(), temporary, overwrite })
            }
        }
    }

    /// Writes at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                // Standard output keeps what follows the last line end.
                stdout.write_all(bytes).and_then(|()| stdout.flush()).about("cannot write to standard output")
            }
            Self::Stream(stream) => stream.write_all(bytes).about("cannot write"),
            Self::File { path, temporary, .. } => {
                temporary.write_all(bytes).about(format!("cannot write `{}`", path.display()))
            }
        }
    }

    /// Puts a file in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self::File { path, temporary, overwrite } = self else { return Ok(()) };
        // Not brought to the disk by force: what it was made from is still there.
        let cannot = format!("cannot write `{}`", path.display());
        if overwrite {
            temporary.persist(&path).map_err(|error| error.error).about(cannot)?;
        } else {
            temporary.persist_noclobber(&path).map_err(|error| error.error).about(cannot)?;
        }
        Ok(())
    }
}

/// A recording being written.
pub(crate) struct Output {
    destination: Destination,
    format: Format,
    form: Option<Form>,
    pending: Vec<u8>,
}

impl Output {
    /// A recording on its way to [`Destination::create`].
    pub(crate) fn create(path: &Path, format: Format, overwrite: bool) -> Result<Self, Failure> {
        let destination = Destination::create(path, overwrite)?;
        Ok(Self { destination, format, form: None, pending: Vec::new() })
    }

    pub(crate) fn header(&mut self, header: &Header) -> Result<(), Failure> {
        let mut form = Form::new(self.format, header.size, PackerConfig::default())?;
        form.header(header, &mut self.pending)?;
        self.form = Some(form);
        Ok(())
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if let Some(form) = &mut self.form {
            form.event(event, &mut self.pending)?;
        }
        self.write_if_long()
    }

    pub(crate) fn comment(&mut self, comment: &str) -> Result<(), Failure> {
        if let Some(form) = &mut self.form {
            form.comment(comment, &mut self.pending)?;
        }
        self.write_if_long()
    }

    /// Puts everything in its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        if let Some(form) = self.form.take() {
            form.finish(&mut self.pending)?;
        }
        self.write()?;
        self.destination.finish()
    }

    fn write_if_long(&mut self) -> Result<(), Failure> {
        if self.pending.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.destination.write(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}
