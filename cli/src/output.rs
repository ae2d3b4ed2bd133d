//! Recordings as output: a file that appears when it is whole, or standard output.

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

/// A recording being written.
pub(crate) struct Output {
    place: Place,
    format: Format,
    form: Option<Form>,
    pending: Vec<u8>,
}

enum Place {
    Stdout,
    /// A pipe or device.
    Stream(File),
    File {
        path: PathBuf,
        temporary: NamedTempFile,
        overwrite: bool,
    },
}

impl Output {
    /// Standard output for `-`; else a file that is put in its place by [`Self::finish`].
    pub(crate) fn create(path: &Path, format: Format, overwrite: bool) -> Result<Self, Failure> {
        let place = if path == Path::new("-") {
            Place::Stdout
        } else {
            let cannot = || format!("cannot write `{}`", path.display());
            match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    return Err(Failure::new(format!("{}: it is a folder", cannot())));
                }
                Ok(metadata) if metadata.is_file() && !overwrite => {
                    return Err(Failure::new(format!("{}: it exists", cannot()))
                        .hint("give another name, or --overwrite to replace it"));
                }
                Ok(metadata) if !metadata.is_file() => {
                    Place::Stream(File::options().write(true).open(path).about(cannot())?)
                }
                Ok(_) | Err(_) => {
                    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                    let folder = folder.unwrap_or(Path::new("."));
                    std::fs::create_dir_all(folder).about(cannot())?;
                    let temporary = NamedTempFile::new_in(folder).about(cannot())?;
                    Place::File { path: path.into(), temporary, overwrite }
                }
            }
        };
        Ok(Self { place, format, form: None, pending: Vec::new() })
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
        match self.place {
            Place::Stdout => io::stdout().flush()?,
            Place::Stream(_) => {}
            Place::File { path, temporary, overwrite } => {
                // Not brought to the disk by force: what it was made from is still there.
                let cannot = format!("cannot write `{}`", path.display());
                if overwrite {
                    temporary.persist(&path).map_err(|error| error.error).about(cannot)?;
                } else {
                    temporary.persist_noclobber(&path).map_err(|error| error.error).about(cannot)?;
                }
            }
        }
        Ok(())
    }

    fn write_if_long(&mut self) -> Result<(), Failure> {
        if self.pending.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Failure> {
        match &mut self.place {
            Place::Stdout => {
                io::stdout().write_all(&self.pending).about("cannot write to standard output")?;
            }
            Place::Stream(stream) => stream.write_all(&self.pending).about("cannot write")?,
            Place::File { path, temporary, .. } => {
                temporary.write_all(&self.pending).about(format!("cannot write `{}`", path.display()))?;
            }
        }
        self.pending.clear();
        Ok(())
    }
}
