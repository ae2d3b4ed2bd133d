//! The case file: bookmarks and notes of the reviewer, as JSON that others can read, beside nothing of the evidence.
//!
//! *Invariants*: what stands on disk is a whole case, whenever we are stopped. What others wrote into it stays in it, also
//! what we do not know, and what they wrote while it is open: each change is made to what stands there. Only one review
//! writes to a case at a time. It is made when there is something to be kept.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use casemate_cast_format::Micros;
use chrono::{DateTime, Utc};
use rustix::fs::{Access, FlockOperation, access, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the form that we write.
const VERSION: u64 = 1;

/// A larger file is no case.
const LARGEST: u64 = 256 << 20;

/// A moment that was marked, and what was said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Its own UUID.
    pub id: String,
    /// The recording. What is not UTF-8 in its name is lost here.
    pub file: String,
    /// The session's UUID, where casemate recorded it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<String>,
    /// The moment in the recording, in seconds.
    #[serde(with = "seconds")]
    pub offset: Micros,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<DateTime<Utc>>,
    /// Who was recorded, where and as whom, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// See `user`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// See `user`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_user: Option<String>,
    /// The command or the line that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<String>,
    /// What the reviewer says.
    #[serde(default)]
    pub note: String,
    /// Who marked it.
    #[serde(default)]
    pub by: String,
    /// When.
    pub made: DateTime<Utc>,
    /// What we do not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Seconds with all their digits.
mod seconds {
    use casemate_cast_format::Micros;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Micros, to: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "of thirty years no microsecond is lost")]
        to.serialize_f64(time.0 as f64 / 1e6)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Micros, D::Error> {
        let micros = (f64::deserialize(from)? * 1e6).round();
        if micros < 0.0 {
            return Err(D::Error::custom("that is no time in a recording"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "later is not possible")]
        Ok(Micros(micros as u64))
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    casemate_case: u64,
    #[serde(default)]
    folders: Vec<String>,
    #[serde(default)]
    bookmarks: Vec<Bookmark>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Why a case file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The system does not give it.
    #[error("cannot use the case file `{path}`")]
    Io {
        /// The file, safe to be shown.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("`{path}` is no case file: {what}")]
    Foreign {
        /// The file, safe to be shown.
        path: String,
        /// Why not.
        what: String,
    },
    /// Another review has it.
    #[error("the case file `{path}` is used by another review")]
    InUse {
        /// The file, safe to be shown.
        path: String,
    },
}

impl CaseError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => Some("end that review, or name another file with --case"),
            Self::Io { .. } | Self::Foreign { .. } => None,
        }
    }
}

/// A change that is not yet on disk.
#[derive(Debug)]
enum Change {
    Add(Box<Bookmark>),
    SetNote { id: String, note: String },
    Remove { id: String },
}

impl Content {
    /// Makes a change; once more, it changes nothing.
    fn apply(&mut self, change: &Change) {
        let marks = &mut self.bookmarks;
        match change {
            Change::Add(new) if marks.iter().any(|mark| mark.id == new.id) => {}
            Change::Add(new) => marks.push(Bookmark::clone(new)),
            Change::SetNote { id, note } => marks
                .iter_mut()
                .filter(|mark| mark.id == *id)
                .for_each(|mark| note.clone_into(&mut mark.note)),
            Change::Remove { id } => marks.retain(|mark| mark.id != *id),
        }
    }

    /// Says which folders it is about.
    fn cover(&mut self, folders: &[String]) {
        for folder in folders {
            if !self.folders.contains(folder) {
                self.folders.push(folder.clone());
            }
        }
        self.casemate_case = VERSION;
    }
}

/// By this a file is known that nobody has changed: device, inode, size, and when it was modified.
type Stamp = (u64, u64, u64, (i64, i64));

fn stamp(about: &Metadata) -> Stamp {
    (about.dev(), about.ino(), about.len(), (about.mtime(), about.mtime_nsec()))
}

/// A case.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    content: Content,
    /// The folders that are reviewed.
    folders: Vec<String>,
    /// What is in `content`, but not on disk.
    unsaved: Vec<Change>,
    /// The file as it was read or written last.
    seen: Option<Stamp>,
    /// Held as long as it is ours.
    lock: Option<File>,
}

impl Case {
    /// Opens a case, about those folders; it need not be there yet.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no case, or another review has it.
    pub fn open(path: &Path, folders: &[PathBuf]) -> Result<Self, CaseError> {
        // What a link leads to is replaced, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let folders = folders.iter().map(|path| folder(path).display().to_string()).collect();
        let mut case = Self { folders, ..Self::at(path) };
        match std::fs::metadata(&case.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(case.io(source)),
            Ok(about) if !about.is_file() => return Err(case.foreign("it is no file")),
            Ok(_) => {
                case.lock()?;
                case.read()?;
            }
        }
        case.content.cover(&case.folders);
        Ok(case)
    }

    fn at(path: PathBuf) -> Self {
        let content = Content::default();
        Self { path, content, folders: Vec::new(), unsaved: Vec::new(), seen: None, lock: None }
    }

    /// Reads the bookmarks of a case without having it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no case.
    pub fn bookmarks_in(path: &Path) -> Result<Vec<Bookmark>, CaseError> {
        let mut case = Self::at(path.to_owned());
        case.read()?;
        Ok(case.content.bookmarks)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is marked, in the order of being marked.
    #[must_use]
    pub fn bookmarks(&self) -> &[Bookmark] {
        &self.content.bookmarks
    }

    /// Keeps a bookmark.
    ///
    /// # Errors
    ///
    /// It cannot be written; it is kept as long as the case is open.
    pub fn add(&mut self, bookmark: Bookmark) -> Result<(), CaseError> {
        self.change(Change::Add(Box::new(bookmark)))
    }

    /// Says something else of a moment.
    ///
    /// # Errors
    ///
    /// As for [`Self::add`].
    pub fn set_note(&mut self, id: &str, note: &str) -> Result<(), CaseError> {
        self.change(Change::SetNote { id: id.to_owned(), note: note.to_owned() })
    }

    /// Removes a bookmark.
    ///
    /// # Errors
    ///
    /// As for [`Self::add`].
    pub fn remove(&mut self, id: &str) -> Result<(), CaseError> {
        self.change(Change::Remove { id: id.to_owned() })
    }

    fn change(&mut self, change: Change) -> Result<(), CaseError> {
        self.content.apply(&change);
        self.unsaved.push(change);
        self.save()
    }

    fn read(&mut self) -> Result<(), CaseError> {
        // It may be a pipe by that name, for which nobody should have to wait.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path);
        let file = file.map_err(|error| self.io(error))?;
        let about = file.metadata().map_err(|error| self.io(error))?;
        if !about.is_file() {
            return Err(self.foreign("it is no file"));
        }
        if about.len() > LARGEST {
            return Err(self.foreign("it is too large"));
        }
        let text = io::read_to_string(file).map_err(|error| self.io(error))?;
        let content: Content =
            serde_json::from_str(&text).map_err(|error| self.foreign(&error.to_string()))?;
        if content.casemate_case > VERSION {
            return Err(self.foreign("a newer casemate wrote it"));
        }
        (self.content, self.seen) = (content, Some(stamp(&about)));
        Ok(())
    }

    /// Reads what somebody else may have written meanwhile, and makes to it what changes are not on disk.
    fn catch_up(&mut self) -> Result<(), CaseError> {
        match std::fs::metadata(&self.path) {
            Ok(about) if self.seen == Some(stamp(&about)) => return Ok(()),
            Ok(_) => self.read()?,
            // Whoever removed it did not mean what is still to be seen here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.io(error)),
        }
        self.content.cover(&self.folders);
        self.unsaved.iter().for_each(|change| self.content.apply(change));
        Ok(())
    }

    /// Writes all of it beside its place, then puts it there.
    fn save(&mut self) -> Result<(), CaseError> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| self.io(error))?;
        self.lock()?;
        self.catch_up()?;
        let write = || -> io::Result<Stamp> {
            let mut file = tempfile::Builder::new().prefix(".case").tempfile_in(&folder)?;
            if let Ok(about) = std::fs::metadata(&self.path) {
                // It could be replaced all the same.
                access(&self.path, Access::WRITE_OK)?;
                file.as_file().set_permissions(about.permissions())?;
            }
            let mut text = serde_json::to_vec_pretty(&self.content)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            let file = file.persist(&self.path)?;
            // The name, too, is to outlive a crash; not every file system lets it be said.
            File::open(&folder).and_then(|folder| folder.sync_all()).ok();
            Ok(stamp(&file.metadata()?))
        };
        let written = write().map_err(|error| self.io(error))?;
        self.seen = Some(written);
        self.unsaved.clear();
        Ok(())
    }

    /// Sees to it that no other review has this case. The lock is a file of its own, since the case is replaced at
    /// each change.
    fn lock(&mut self) -> Result<(), CaseError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let mut name = self.path.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(name);
        let file = file.map_err(|error| self.io(error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(CaseError::InUse { path: shown(&self.path) }),
            locked => locked.map_err(|error| self.io(error.into()))?,
        }
        self.lock = Some(file);
        Ok(())
    }

    fn foreign(&self, what: &str) -> CaseError {
        CaseError::Foreign { path: shown(&self.path), what: what.to_owned() }
    }

    fn io(&self, source: io::Error) -> CaseError {
        CaseError::Io { path: shown(&self.path), source }
    }
}

fn shown(path: &Path) -> String {
    casemate_store::recording::one_line(&path.display().to_string())
}
