//! The private folder that a shell reads our script from, gone when the session is over.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use casemate_cast_format::segment::hex;

use super::{Integration, temporary_folder};
use crate::program::Program;

/// A script in place, and how the shell is started so that it reads it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// What each mark will carry.
    pub(crate) nonce: String,
    /// Program and arguments.
    pub(crate) argv: Vec<OsString>,
    /// Environment variables, beside all others.
    pub(crate) env: Vec<(&'static str, OsString)>,
}

impl Folder {
    /// Puts the script in place for this session.
    pub(crate) fn create(integration: &Integration, program: &Program, session: &str) -> io::Result<Self> {
        let nonce = nonce()?;
        // A folder that is there already is somebody else's, and an error.
        let path = temporary_folder().join(format!("casemate-{session}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        let prepared = integration
            .prepare(&program.argv, &path, &nonce, |name| Some(program.variable(name)?.to_owned()));
        // Gone again where what follows fails.
        let folder = Self { path, nonce, argv: prepared.argv, env: prepared.env };
        let script = folder.path.join(prepared.name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(script)?
            .write_all(&prepared.script)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whoever removed it before has done what was to be done.
        std::fs::remove_dir_all(&self.path).ok();
    }
}

/// 128 bits that nobody can guess, in hexadecimal.
fn nonce() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex(&bytes))
}
