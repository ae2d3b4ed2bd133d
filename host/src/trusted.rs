//! Files that root alone can have written: nothing else decides what is recorded.
//!
//! The file and each folder that leads to it belong to root, and nobody else can write to them; a link is not followed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::config::{BadConfig, Config};

/// A larger file is none that somebody wrote.
const LARGEST: u64 = 1 << 20;

/// What others may not do with a file: of an ordinary one, what is checked anyway.
const MAY_BE_READ: u32 = 0;
const SECRET: u32 = 0o077;

/// The kind of a file, in its mode; and a link's.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

/// Why a file is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file, or a folder that leads to it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else than root has a say in it.
    #[error("{} {what}", path.display())]
    NotRoots {
        /// The file, or a folder that leads to it.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

impl Untrusted {
    /// Whether there is no such file.
    fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Why the configuration of a host cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConfig {
    /// It is not believed.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It is none.
    #[error("{}: {what}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: BadConfig,
    },
}

/// Reads the configuration of a host; where there is none, one that says nothing.
///
/// # Errors
///
/// It is none, or others than root have a say in it.
pub fn config(path: &Path) -> Result<Config, NoConfig> {
    match read(path) {
        Ok(text) => Config::parse(&text).map_err(|what| NoConfig::Bad { path: path.to_owned(), what }),
        Err(error) if error.is_missing() => Ok(Config::default()),
        Err(error) => Err(error.into()),
    }
}

/// Reads a file that root alone can have written.
///
/// # Errors
///
/// It cannot be read, or somebody else can write to it or replace it.
pub fn read(path: &Path) -> Result<String, Untrusted> {
    read_of(path, 0, MAY_BE_READ)
}

/// Reads a file that root alone can have written, and that nobody else can read.
///
/// # Errors
///
/// It cannot be read, or somebody else can read it, write to it or replace it.
pub fn read_secret(path: &Path) -> Result<String, Untrusted> {
    read_of(path, 0, SECRET)
}

fn read_of(path: &Path, owner: u32, may_not: u32) -> Result<String, Untrusted> {
    let io = |source| Untrusted::Io { path: path.to_owned(), source };
    for folder in path.ancestors().skip(1) {
        let about = std::fs::symlink_metadata(folder)
            .map_err(|source| Untrusted::Io { path: folder.to_owned(), source })?;
        // Where everybody may make files but only remove their own, nobody replaces what root made.
        let is_sticky = about.mode() & 0o1000 != 0;
        check(folder, about.uid(), about.mode(), owner, is_sticky)?;
    }
    let flags =
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if !about.is_file() {
        return Err(Untrusted::NotRoots { path: path.to_owned(), what: "is no file" });
    }
    check(path, about.uid(), about.mode(), owner, false)?;
    if about.mode() & may_not != 0 {
        return Err(Untrusted::NotRoots { path: path.to_owned(), what: "can be read by others than root" });
    }
    text(file).map_err(io)
}

fn check(path: &Path, uid: u32, mode: u32, owner: u32, is_sticky: bool) -> Result<(), Untrusted> {
    let wrong = |what| Err(Untrusted::NotRoots { path: path.to_owned(), what });
    match () {
        () if mode & KIND == LINK => wrong("is a link"),
        () if uid != owner && uid != 0 => wrong("does not belong to root"),
        () if mode & 0o022 != 0 && !is_sticky => wrong("can be written by others than root"),
        () => Ok(()),
    }
}

fn text(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it is too large"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_what_its_owner_alone_can_write_is_believed() {
        let me = rustix::process::getuid().as_raw();
        let folder =
            tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "x").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&path, 0o644);
        assert_eq!(read_of(&path, me, MAY_BE_READ).unwrap(), "x");
        assert!(
            read_of(&path, me, SECRET).unwrap_err().to_string().ends_with("can be read by others than root")
        );
        mode(&path, 0o600);
        assert_eq!(read_of(&path, me, SECRET).unwrap(), "x");
        for bad in [0o664, 0o646] {
            mode(&path, bad);
            assert!(
                read_of(&path, me, MAY_BE_READ).unwrap_err().to_string().contains("can be written by others")
            );
        }
        mode(&path, 0o644);
        mode(folder.path(), 0o775);
        assert!(
            read_of(&path, me, MAY_BE_READ).unwrap_err().to_string().contains("can be written by others")
        );
        mode(folder.path(), 0o755);
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(read_of(&link, me, MAY_BE_READ), Err(Untrusted::Io { .. })));
        assert!(read_of(folder.path(), me, MAY_BE_READ).unwrap_err().to_string().contains("is no file"));
        if me == 0 {
            std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
            assert!(
                read_of(&path, 0, MAY_BE_READ).unwrap_err().to_string().contains("does not belong to root")
            );
        }
    }
}
