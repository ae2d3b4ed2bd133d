//! The case file: bookmarks and notes of the reviewer, as JSON that others can read, beside nothing of the evidence.
//!
//! *Invariants*: what stands on disk is a whole case, whenever we are stopped. What others wrote into it and we do not
//! know stays in it. Only one review writes to a case at a time. It is made when there is something to be kept.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use casemate_cast_format::Micros;
use chrono::{DateTime, Utc};
use rustix::fs::{FlockOperation, flock};
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
        if !(0.0..1e16).contains(&micros) {
            return Err(D::Error::custom("that is no time in a recording"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within")]
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

/// A case.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    content: Content,
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
        let mut case = Self { path, content: Content::default(), lock: None };
        match std::fs::metadata(&case.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(case.io(source)),
            Ok(_) => {
                case.lock()?;
                case.content = case.read()?;
            }
        }
        for folder in folders {
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone()).display().to_string();
            if !case.content.folders.contains(&folder) {
                case.content.folders.push(folder);
            }
        }
        case.content.casemate_case = VERSION;
        Ok(case)
    }

    /// Reads the bookmarks of a case without having it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no case.
    pub fn bookmarks_in(path: &Path) -> Result<Vec<Bookmark>, CaseError> {
        let case = Self { path: path.to_owned(), content: Content::default(), lock: None };
        Ok(case.read()?.bookmarks)
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
        self.content.bookmarks.push(bookmark);
        self.save()
    }

    /// Says something else of a moment.
    ///
    /// # Errors
    ///
    /// As for [`Self::add`].
    pub fn set_note(&mut self, id: &str, note: &str) -> Result<(), CaseError> {
        if let Some(bookmark) = self.content.bookmarks.iter_mut().find(|bookmark| bookmark.id == id) {
            note.clone_into(&mut bookmark.note);
        }
        self.save()
    }

    /// Removes a bookmark.
    ///
    /// # Errors
    ///
    /// As for [`Self::add`].
    pub fn remove(&mut self, id: &str) -> Result<(), CaseError> {
        self.content.bookmarks.retain(|bookmark| bookmark.id != id);
        self.save()
    }

    fn read(&self) -> Result<Content, CaseError> {
        let foreign = |what: &str| CaseError::Foreign { path: shown(&self.path), what: what.to_owned() };
        // It may be a pipe by that name, for which nobody should have to wait.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path);
        let file = file.map_err(|error| self.io(error))?;
        let about = file.metadata().map_err(|error| self.io(error))?;
        if !about.is_file() {
            return Err(foreign("it is no file"));
        }
        if about.len() > LARGEST {
            return Err(foreign("it is too large"));
        }
        let text = io::read_to_string(file).map_err(|error| self.io(error))?;
        let content: Content = serde_json::from_str(&text).map_err(|error| foreign(&error.to_string()))?;
        if content.casemate_case > VERSION {
            return Err(foreign("a newer casemate wrote it"));
        }
        Ok(content)
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
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".case").tempfile_in(&folder)?;
            let mut text = serde_json::to_vec_pretty(&self.content)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            // The name, too, is to outlive a crash; not every file system lets it be said.
            File::open(&folder).and_then(|folder| folder.sync_all()).ok();
            Ok(())
        };
        write().map_err(|error| self.io(error))
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

    fn io(&self, source: io::Error) -> CaseError {
        CaseError::Io { path: shown(&self.path), source }
    }
}

fn shown(path: &Path) -> String {
    casemate_store::recording::one_line(&path.display().to_string())
}
