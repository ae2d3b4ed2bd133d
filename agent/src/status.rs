//! How it stands: whether the server can be reached, and what waits. The agent writes it down for `casemate agent --status`;
//! how much waits is counted on the disk, so that it is known without an agent, too.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use casemate_host::kept::Shelves;
use casemate_host::{Config, Places, Registry};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::delivered;

/// More of what is refused is not named.
const MOST: usize = 100;

/// How an agent stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// The server.
    pub server: String,
    /// When the server last took something, in microseconds since 1970.
    pub reached_us: Option<u64>,
    /// Why it cannot be reached, or does not take anything, and since when.
    pub away: Option<(String, u64)>,
    /// What it does not take, and why.
    pub refused: BTreeMap<String, String>,
}

/// What is not on the server yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// Sessions that go on.
    pub running: usize,
    /// Recordings of those that have ended.
    pub waiting: usize,
    /// How large these are. Of some of it the server may have much.
    pub bytes: u64,
    /// The oldest of them.
    pub oldest: Option<PathBuf>,
}

impl Status {
    pub(crate) fn refuse(&mut self, name: String, reason: String) {
        if self.refused.len() < MOST {
            self.refused.insert(name, reason);
        }
    }

    /// Writes it beside its place first: it is there whole, or not at all.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let beside = folder.join("status.new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(beside, path(folder))
    }

    /// Reads how the agent of a host stands; `None` if none runs.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(places: &Places) -> io::Result<Option<Self>> {
        let folder = places.agent();
        match File::open(lock_path(&folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Held by whoever runs, for as long as it does.
            file => match file?.try_lock_shared() {
                Ok(()) => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        match fs::read(path(&folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            text => Ok(Some(serde_json::from_slice(&text?)?)),
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("status.json")
}

/// The file that an agent holds while it runs.
fn lock_path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Takes the place of the one agent that there is; `None` if another has it.
pub(crate) fn lock(folder: &Path) -> io::Result<Option<File>> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(lock_path(folder))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Counts what is not on the server that the configuration names.
///
/// # Errors
/// Folders cannot be read.
pub fn backlog(places: &Places, config: &Config) -> io::Result<Backlog> {
    let delivered = match config.server() {
        Some(server) => delivered::read(&places.agent(), server.url)?,
        None => HashSet::new(),
    };
    let running = Registry::of(places).running().map_err(io::Error::other)?;
    let running: HashSet<_> = running.into_iter().map(|session| session.session).collect();
    let mut backlog = Backlog { running: running.len(), ..Backlog::default() };
    for folder in casemate_host::recording_folders(places, config) {
        let shelves = Shelves::of(&folder)?;
        for day in shelves.days()? {
            for account in shelves.accounts(&day).unwrap_or_default() {
                for place in shelves.recordings(&day, &account).unwrap_or_default() {
                    let is_there = Uuid::parse_str(&place.session).is_ok_and(|id| delivered.contains(&id));
                    if is_there || running.contains(&place.session) {
                        continue;
                    }
                    backlog.waiting += 1;
                    let path = shelves.path(&place);
                    // One that is none of ours has no size that matters.
                    let size = shelves.open(&place).and_then(|file| file.metadata());
                    backlog.bytes += size.map_or(0, |about| about.len());
                    backlog.oldest.get_or_insert(path);
                }
            }
        }
    }
    Ok(backlog)
}
