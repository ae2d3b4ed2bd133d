//! Output: a file that appears when it is whole, a pipe or device, or standard output; recordings, and whatever else.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use casemate_cast_format::segment::PackerConfig;
use casemate_cast_format::{Event, Header};
use casemate_recorder::{Form, Format};
use ed25519_dalek::SigningKey;

use crate::failure::{About as _, Failure};
use crate::new_file::NewFile;

/// Written in pieces of this size.
const CHUNK: usize = 256 << 10;

/// Where output goes.
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// A pipe or device.
    Stream(File),
    /// A file.
    File(NewFile),
}

impl Destination {
    /// Standard output for `-`; else a file that is put in its place by [`Self::finish`].
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                let cannot = format!("cannot write `{}`", path.display());
                Ok(Self::Stream(File::options().write(true).open(path).about(cannot)?))
            }
            Ok(_) | Err(_) => Ok(Self::File(NewFile::create(path, overwrite)?)),
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
            Self::File(file) => {
                let written = file.write_all(bytes);
                written.about(format_args!("cannot write `{}`", file.path().display()))
            }
        }
    }

    /// Puts a file in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            // Not brought to the disk by force: what it was made from is still there.
            Self::File(file) => file.put(),
            Self::Stdout | Self::Stream(_) => Ok(()),
        }
    }
}

/// A recording being written.
pub(crate) struct Output {
    destination: Destination,
    format: Format,
    packing: PackerConfig,
    form: Option<Form>,
    pending: Vec<u8>,
}

impl Output {
    /// A recording on its way to [`Destination::create`].
    pub(crate) fn create(path: &Path, format: Format, overwrite: bool) -> Result<Self, Failure> {
        let destination = Destination::create(path, overwrite)?;
        Ok(Self { destination, format, packing: PackerConfig::default(), form: None, pending: Vec::new() })
    }

    /// Has every seal signed.
    pub(crate) fn signed(mut self, signing_key: Option<SigningKey>) -> Self {
        self.packing.signing_key = signing_key;
        self
    }

    pub(crate) fn header(&mut self, header: &Header) -> Result<(), Failure> {
        let mut form = Form::new(self.format, header.size, self.packing.clone())?;
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
