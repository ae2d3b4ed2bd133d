//! Recordings as root finds them who carries them away: each opened through folders in which nobody but root and the
//! wrapper has a say.
//!
//! *Invariants*: no link is followed, and nothing is waited for. What counts is a plain file of one name, with the group
//! and the mode that the wrapper gives it, of the account whose folder it is in. All else is passed over.
//! *Not here*: what is in a recording.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::{Group, User};
use rustix::fs::{Dir, Mode, OFlags};

use crate::config::is_name;
use crate::places::{GROUP, RECORDING_MODE};
use crate::registry::Registry;
use crate::sessions::{end, parse};

/// What has no end yet, and was not written to for so long, may have lost its recorder: a recorder takes its file long
/// before that, and is in the registry.
const FORSAKEN: Duration = Duration::from_secs(10);

/// A folder of recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelves {
    folder: PathBuf,
    /// Who must own it; root, but in tests.
    owner: u32,
    group: u32,
}

/// Where a recording is: what its place says of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The day, as the folder is called.
    pub day: String,
    /// The account.
    pub account: String,
    /// The file's name.
    pub name: String,
    /// The id of the session.
    pub session: String,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// It has its end.
    Ended,
    /// It has none, and will get none: the recorder was killed, or the host stopped.
    Broken,
}

impl Shelves {
    /// Those in this folder.
    ///
    /// # Errors
    /// The host has no group of recordings.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let group = Group::from_name(GROUP)?;
        let group = group.ok_or_else(|| io::Error::other(format!("there is no group `{GROUP}`")))?;
        Ok(Self { folder: folder.to_owned(), owner: 0, group: group.gid.as_raw() })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a recording is, as it is called.
    #[must_use]
    pub fn path(&self, place: &Place) -> PathBuf {
        self.folder.join(&place.day).join(&place.account).join(&place.name)
    }

    /// The days of which there is something, in order.
    ///
    /// # Errors
    /// The folder cannot be read, or others than root have a say in it.
    pub fn days(&self) -> io::Result<Vec<String>> {
        let mut days = names(&self.base()?)?;
        days.retain(|name| is_day(name));
        days.sort();
        Ok(days)
    }

    /// The accounts that have recordings of a day.
    ///
    /// # Errors
    /// The folder cannot be read, or others have a say in it.
    pub fn accounts(&self, day: &str) -> io::Result<Vec<String>> {
        let mut accounts = names(&self.inner(&self.base()?, day)?)?;
        accounts.retain(|name| is_name(name));
        Ok(accounts)
    }

    /// The recordings of an account on a day, by their names.
    ///
    /// # Errors
    /// The folder cannot be read, or others have a say in it.
    pub fn recordings(&self, day: &str, account: &str) -> io::Result<Vec<Place>> {
        let folder = self.inner(&self.inner(&self.base()?, day)?, account)?;
        let place = |name: String| {
            let (_, session, part) = parse(&name)?;
            let session = session.to_owned();
            // The wrapper records in one part.
            (part == 1).then_some(Place { day: day.to_owned(), account: account.to_owned(), name, session })
        };
        let mut places: Vec<_> = names(&folder)?.into_iter().filter_map(place).collect();
        places.sort();
        Ok(places)
    }

    /// Opens a recording.
    ///
    /// # Errors
    /// It is not there, or is none of the wrapper's.
    pub fn open(&self, place: &Place) -> io::Result<File> {
        let folder = self.inner(&self.inner(&self.base()?, &place.day)?, &place.account)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&folder, &place.name, flags, Mode::empty())?);
        let about = file.metadata()?;
        let account = rustix::fs::fstat(&folder)?.st_uid;
        let known = User::from_name(&place.account).ok().flatten().map(|user| user.uid.as_raw());
        let wrong = |what: &str| Err(io::Error::other(format!("`{}` {what}", self.path(place).display())));
        match () {
            () if !about.is_file() => wrong("is no file"),
            () if about.nlink() != 1 => wrong("has other names"),
            () if about.gid() != self.group || about.mode() & 0o7777 != RECORDING_MODE => {
                wrong("is not as casemate-shell makes recordings")
            }
            () if about.uid() != account || known.is_some_and(|known| known != account) => {
                wrong("is of another account than its folder")
            }
            () => Ok(file),
        }
    }

    /// How far a recording is, whose file this is. What is in it when this says that it has ended is all of it.
    ///
    /// # Errors
    /// The file or the registry cannot be read.
    pub fn state(&self, registry: &Registry, session: &str, file: &File) -> io::Result<State> {
        if registry.is_running(session).map_err(io::Error::other)? {
            return Ok(State::Running);
        }
        if end(file.try_clone()?).is_some() {
            return Ok(State::Ended);
        }
        let age = SystemTime::now().duration_since(file.metadata()?.modified()?).unwrap_or_default();
        // Its recorder may be about to lock it, and is not to be in its way then.
        if age < FORSAKEN {
            return Ok(State::Running);
        }
        Ok(match file.try_lock_shared() {
            Ok(()) => {
                file.unlock()?;
                State::Broken
            }
            Err(_) => State::Running,
        })
    }

    fn base(&self) -> io::Result<OwnedFd> {
        let folder = rustix::fs::open(&self.folder, FOLDER, Mode::empty())?;
        self.check(&folder, &self.folder, true)?;
        Ok(folder)
    }

    fn inner(&self, folder: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
        let inner = rustix::fs::openat(folder, name, FOLDER, Mode::empty())?;
        self.check(&inner, Path::new(name), false)?;
        Ok(inner)
    }

    /// As the wrapper checks it before it records there.
    fn check(&self, folder: &OwnedFd, name: &Path, is_base: bool) -> io::Result<()> {
        let about = rustix::fs::fstat(folder)?;
        let wrong = |what: &str| Err(io::Error::other(format!("`{}` {what}", name.display())));
        let others = if about.st_gid == self.group { 0o007 } else { 0o022 };
        match () {
            () if is_base && about.st_uid != self.owner => wrong("does not belong to root"),
            () if about.st_mode & others != 0 => wrong("can be changed by others"),
            () => Ok(()),
        }
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn names(folder: &OwnedFd) -> io::Result<Vec<String>> {
    let entries = Dir::read_from(folder)?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned));
    Ok(names.filter(|name| !name.starts_with('.')).collect())
}

fn is_day(name: &str) -> bool {
    name.len() == 10 && chrono::NaiveDate::parse_from_str(name, "%Y-%m-%d").is_ok()
}
