//! The registry: which sessions run on this host, one file for each in a folder of `casemate`'s.
//!
//! ```text
//! sessions/<session id>.json   held with flock by the recorder, for as long as it runs
//! sessions/.<session id>       the same file before it is locked and whole
//! ```
//!
//! *Invariants*: a file has its name only while it is locked and whole, or when its recorder is gone; so one that nobody
//! holds is stale, and whoever may removes it. A file counts only if it is a plain one of the folder's group, with the
//! mode that we give it: a user cannot make such a file, for he is not in that group.
//!
//! All of this is done with the rights of the thread that calls; in a recorder that is the group of the folder, also
//! when a [`Registration`] is dropped. *Not here*: who may ask.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use casemate_recorder::Device;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use serde::{Deserialize, Serialize};

use crate::places::{Places, RECORDING_MODE};
use crate::process::Process;

/// An entry has names and a path or two.
const LARGEST: u64 = 64 << 10;

/// More sessions than this no host has; more files are somebody's attempt to keep us busy.
const MOST: usize = 100_000;

/// Between its making and its lock a file is younger than this.
const YOUNG: Duration = Duration::from_secs(60);

/// A running session, as its recorder describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Id of the session, a UUID.
    pub session: String,
    /// The recorder.
    pub pid: u32,
    /// When that process started, in ticks since boot: numbers are used again. 0 if it does not say so, and then nobody takes a
    /// process for it.
    #[serde(default)]
    pub process_start: u64,
    /// The account that logged in.
    pub account: String,
    /// The person.
    pub user: String,
    /// The host, as recordings call it.
    pub target: String,
    /// The account on it.
    pub target_user: String,
    /// Since when, in microseconds since 1970.
    pub start_us: u64,
    /// The recording; the first part, if it has several.
    pub recording: PathBuf,
    /// The device of the terminal that the session was given (`st_rdev`), if it was given one.
    pub terminal: Option<u64>,
    /// The file system that it is in (`st_dev`): each devpts counts from 0.
    #[serde(default)]
    pub terminal_fs: Option<u64>,
}

impl Registered {
    /// Whether this is the terminal that the session was given.
    #[must_use]
    pub fn is_on(&self, terminal: Device) -> bool {
        (self.terminal, self.terminal_fs) == (Some(terminal.number), Some(terminal.file_system))
    }
}

/// The folder of running sessions.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
    /// Who must own the folder; root, but in tests.
    owner: u32,
}

/// A session that is registered for as long as this lives, or its process.
#[derive(Debug)]
#[must_use = "the session is registered only for as long as this lives"]
pub struct Registration {
    folder: File,
    name: String,
    /// Locked.
    _file: File,
}

/// Why a session cannot be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use the registry of sessions, {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else has a say in the folder.
    #[error("the registry of sessions, {}, {what}", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The id is none that we give.
    #[error("`{0}` is no id of a session")]
    BadId(String),
    /// It is registered already.
    #[error("the session {0} is registered already")]
    Taken(String),
}

impl Registry {
    /// The registry of a host. Its folder must belong to root.
    #[must_use]
    pub fn of(places: &Places) -> Self {
        Self { folder: places.sessions(), owner: 0 }
    }

    /// As [`Self::of`], for tests that nobody runs as root.
    #[cfg(test)]
    pub(crate) fn of_this_user(places: &Places) -> Self {
        Self { folder: places.sessions(), owner: rustix::process::getuid().as_raw() }
    }

    /// Registers a session, for as long as what is returned lives.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub fn register(&self, session: &Registered) -> Result<Registration, RegistryError> {
        if !is_session_id(&session.session) {
            return Err(RegistryError::BadId(session.session.clone()));
        }
        let (folder, _) = self.open()?;
        let text = serde_json::to_vec(session).map_err(|error| self.failed(error.into()))?;
        if text.len() as u64 > LARGEST {
            return Err(self.failed(io::Error::other("the entry is too large")));
        }
        let (first, name) = (format!(".{}", session.session), format!("{}.json", session.session));
        let made = make(&folder, &first, &text).and_then(|file| {
            let named = rustix::fs::renameat_with(&folder, &first, &folder, &name, RenameFlags::NOREPLACE);
            if named.is_err() {
                rustix::fs::unlinkat(&folder, &first, AtFlags::empty()).ok();
            }
            Ok(named.map(|()| file)?)
        });
        match made {
            Ok(file) => Ok(Registration { folder, name, _file: file }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(RegistryError::Taken(session.session.clone()))
            }
            Err(source) => Err(self.failed(source)),
        }
    }

    /// The sessions that run, oldest first. What recorders left that are gone is removed, where that is allowed.
    ///
    /// # Errors
    ///
    /// The folder cannot be used; a single file that makes no sense is passed over.
    pub fn running(&self) -> Result<Vec<Registered>, RegistryError> {
        let (folder, group) = self.open()?;
        let mut running: Vec<_> =
            self.names(&folder)?.iter().filter_map(|name| living(&folder, name, group)).collect();
        running.sort_by(|one, other| (one.start_us, &one.session).cmp(&(other.start_us, &other.session)));
        Ok(running)
    }

    /// The session that this terminal was given to and that is being recorded at this moment: a recorder that was stopped
    /// reads no terminal, and one that cannot be seen may be.
    ///
    /// # Errors
    ///
    /// The folder cannot be used.
    pub fn recorder_of(&self, terminal: Device) -> Result<Option<Registered>, RegistryError> {
        let (folder, group) = self.open()?;
        let names = self.names(&folder)?;
        let records = |session: &Registered| {
            let recorder = Process::find(session.pid).filter(|found| found.start == session.process_start);
            recorder.is_some_and(Process::is_at_work)
        };
        let of_it = |session: &Registered| session.is_on(terminal) && records(session);
        Ok(names.iter().filter_map(|name| living(&folder, name, group)).find(of_it))
    }

    /// That session, if it runs, and its recorder: the process that registered it, whatever has its number by now. It is of the
    /// account whose session it is, or nobody's.
    ///
    /// # Errors
    ///
    /// The folder cannot be used.
    pub fn recorder(&self, session: &str) -> Result<Option<(Registered, OwnedFd)>, RegistryError> {
        let (folder, group) = self.open()?;
        let name = format!("{session}.json");
        let Some(session) = living(&folder, &name, group) else { return Ok(None) };
        // Whoever made the file is the account: a recorder of another one is none.
        let owner = rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map(|about| about.st_uid);
        let held = Process::hold(session.pid, session.process_start).filter(|(_, uid)| Ok(*uid) == owner);
        Ok(held.map(|(held, _)| (session, held)))
    }

    /// Whether that session runs.
    ///
    /// # Errors
    ///
    /// The folder cannot be used.
    pub fn is_running(&self, session: &str) -> Result<bool, RegistryError> {
        let (folder, group) = self.open()?;
        Ok(living(&folder, &format!("{session}.json"), group).is_some())
    }

    /// The folder, and the group that files in it must have.
    fn open(&self) -> Result<(File, u32), RegistryError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.folder, flags, Mode::empty());
        let folder = File::from(folder.map_err(|error| self.failed(error.into()))?);
        let about = folder.metadata().map_err(|error| self.failed(error))?;
        let wrong = |what| Err(RegistryError::NotOurs { path: self.folder.clone(), what });
        match () {
            () if about.uid() != self.owner => wrong("does not belong to root"),
            () if about.mode() & 0o002 != 0 => wrong("can be written by everybody"),
            () => Ok((folder, about.gid())),
        }
    }

    fn names(&self, folder: &File) -> Result<Vec<String>, RegistryError> {
        let entries = Dir::read_from(folder).map_err(|error| self.failed(error.into()))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned));
        Ok(names.filter(|name| !matches!(name.as_str(), "." | "..")).take(MOST).collect())
    }

    fn failed(&self, source: io::Error) -> RegistryError {
        RegistryError::Io { path: self.folder.clone(), source }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // If it cannot be removed, whoever looks next does it: it is held no longer.
        rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty()).ok();
    }
}

/// Makes a file that did not exist, with its text, and locks it.
fn make(folder: &File, name: &str, text: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(RECORDING_MODE))?);
    let filled = (|| {
        // What the user lets nobody read by habit, the group must.
        file.set_permissions(std::fs::Permissions::from_mode(RECORDING_MODE))?;
        file.try_lock().map_err(io::Error::from)?;
        file.write_all(text)
    })();
    if filled.is_err() {
        rustix::fs::unlinkat(folder, name, AtFlags::empty()).ok();
    }
    filled.map(|()| file)
}

/// The session of a file that a recorder holds.
fn living(folder: &File, name: &str, group: u32) -> Option<Registered> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?);
    let about = file.metadata().ok()?;
    if !is_entry(&about, group) {
        return None;
    }
    let id = name.strip_suffix(".json").filter(|id| is_session_id(id));
    // One that is just being made is not looked at more closely: its recorder is about to lock it.
    if id.is_none() && !is_old_beginning(name, &about) {
        return None;
    }
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&file, id?),
        Err(TryLockError::Error(_)) => None,
        Ok(()) => {
            rustix::fs::unlinkat(folder, name, AtFlags::empty()).ok();
            None
        }
    }
}

fn is_entry(about: &Metadata, group: u32) -> bool {
    about.is_file() && about.nlink() == 1 && about.mode() & 0o7777 == RECORDING_MODE && about.gid() == group
}

fn is_old_beginning(name: &str, about: &Metadata) -> bool {
    let age = about.modified().ok().and_then(|made| SystemTime::now().duration_since(made).ok());
    name.strip_prefix('.').is_some_and(is_session_id) && age.is_some_and(|age| age > YOUNG)
}

fn read(file: &File, id: &str) -> Option<Registered> {
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > LARGEST {
        return None;
    }
    let session: Registered = serde_json::from_slice(&text).ok()?;
    (session.session == id).then_some(session)
}

/// Whether this is an id as we give them: a UUID in lower case. Such an id is safe in paths.
#[must_use]
pub fn is_session_id(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// The device of a terminal, as [`Registered::terminal`] has it; `None` if that is no terminal.
#[must_use]
pub fn terminal_device(terminal: impl std::os::fd::AsFd) -> Option<Device> {
    if !rustix::termios::isatty(&terminal) {
        return None;
    }
    Device::of(terminal).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::path::Path;

    const ID: &str = "0196a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

    fn session(number: u64) -> Registered {
        Registered {
            session: format!("0196a1b2-c3d4-7e5f-8a9b-{number:012x}"),
            pid: std::process::id(),
            process_start: start_of(std::process::id()),
            account: "bob".into(),
            user: "alice@corp.example".into(),
            target: "web-1".into(),
            target_user: "bob".into(),
            start_us: 1_764_190_800_000_000 + number,
            recording: "/var/lib/casemate/recordings/2025-11-26/bob/x.cast.zst".into(),
            terminal: Some(0x8800 + number),
            terminal_fs: Some(24),
        }
    }

    fn start_of(pid: u32) -> u64 {
        Process::find(pid).unwrap().start
    }

    fn terminal(number: u64) -> Device {
        Device { file_system: 24, number }
    }

    fn registry() -> (tempfile::TempDir, Registry) {
        let permissions = std::fs::Permissions::from_mode(0o2770);
        let folder = tempfile::Builder::new().permissions(permissions).tempdir().unwrap();
        let registry =
            Registry { folder: folder.path().to_owned(), owner: rustix::process::getuid().as_raw() };
        (folder, registry)
    }

    fn files(folder: &tempfile::TempDir) -> usize {
        std::fs::read_dir(folder.path()).unwrap().count()
    }

    #[test]
    fn a_session_is_registered_for_as_long_as_it_runs() {
        let (folder, registry) = registry();
        let second = registry.register(&session(2)).unwrap();
        let first = registry.register(&session(1)).unwrap();
        assert_eq!(registry.running().unwrap(), [session(1), session(2)]);
        assert_eq!(registry.recorder_of(terminal(0x8802)).unwrap(), Some(session(2)));
        assert_eq!(registry.recorder_of(terminal(0x8803)).unwrap(), None);
        let elsewhere = Device { file_system: 25, number: 0x8802 };
        assert_eq!(registry.recorder_of(elsewhere).unwrap(), None, "of another devpts");
        let is_running = |number| registry.is_running(&session(number).session).unwrap();
        assert_eq!((is_running(1), is_running(3)), (true, false));
        assert!(matches!(registry.register(&session(1)), Err(RegistryError::Taken(_))));
        assert_eq!(files(&folder), 2, "a refused one leaves nothing behind");
        drop(second);
        assert_eq!(registry.recorder_of(terminal(0x8802)).unwrap(), None);
        drop(first);
        assert_eq!((registry.running().unwrap(), files(&folder)), (Vec::new(), 0));
    }

    #[test]
    fn who_is_stopped_records_nothing() {
        let (_folder, registry) = registry();
        let mut stopped = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let recorder = Registered { pid: stopped.id(), process_start: start_of(stopped.id()), ..session(1) };
        let held = registry.register(&recorder).unwrap();
        let is_recorded = || registry.recorder_of(terminal(0x8801)).unwrap().is_some();
        assert!(is_recorded());
        let pid = rustix::process::Pid::from_child(&stopped);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        while is_recorded() {
            std::thread::yield_now();
        }
        stopped.kill().unwrap();
        stopped.wait().unwrap();
        assert!(!is_recorded() && registry.is_running(&session(1).session).unwrap());
        drop(held);
    }

    #[test]
    fn who_has_the_number_of_a_recorder_by_now_is_none() {
        let (_folder, registry) = registry();
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (pid, start) = (other.id(), start_of(other.id()));
        for (number, process_start) in [(1, start), (2, start - 1), (3, start + 1), (4, 0)] {
            let entry = Registered { pid, process_start, ..session(number) };
            let held = registry.register(&entry).unwrap();
            let is_it = process_start == start;
            assert_eq!(registry.recorder(&entry.session).unwrap().is_some(), is_it, "{process_start}");
            assert_eq!(registry.recorder_of(terminal(0x8800 + number)).unwrap().is_some(), is_it);
            drop(held);
        }
        // An entry that a program wrote that did not know of it.
        let mut entry = serde_json::to_value(session(5)).unwrap();
        entry.as_object_mut().unwrap().remove("process_start");
        assert_eq!(serde_json::from_value::<Registered>(entry).unwrap().process_start, 0);
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn what_a_killed_recorder_left_is_stale_and_goes() {
        let (folder, registry) = registry();
        let held = registry.register(&session(1)).unwrap();
        let text = serde_json::to_vec(&session(2)).unwrap();
        let root = File::open(folder.path()).unwrap();
        let stale = format!("{}.json", session(2).session);
        drop(make(&root, &stale, &text).unwrap());
        // One that has been begun is left alone for a while.
        let begun = format!(".{}", session(3).session);
        drop(make(&root, &begun, &text).unwrap());
        assert_eq!(registry.running().unwrap(), [session(1)]);
        assert_eq!(files(&folder), 2);
        let long_ago = SystemTime::now() - 2 * YOUNG;
        File::options().write(true).open(folder.path().join(&begun)).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(registry.running().unwrap(), [session(1)]);
        assert_eq!(files(&folder), 1);
        drop(held);
    }

    #[test]
    fn the_lock_is_the_proof_and_only_files_of_ours_count() {
        let (folder, registry) = registry();
        let root = File::open(folder.path()).unwrap();
        let plant = |number: u64, mode: u32, text: &[u8]| {
            let name = format!("{}.json", session(number).session);
            let file = make(&root, &name, text).unwrap();
            file.set_permissions(std::fs::Permissions::from_mode(mode)).unwrap();
            file
        };
        let entry = |number| serde_json::to_vec(&session(number)).unwrap();
        let mut held = vec![
            plant(1, 0o666, &entry(1)),
            plant(2, 0o640, &entry(1)),
            plant(3, 0o640, b"{"),
            plant(4, 0o640, &[entry(4), vec![b' '; 65 << 10]].concat()),
        ];
        if rustix::process::getuid().is_root() {
            let file = plant(5, 0o640, &entry(5));
            std::os::unix::fs::fchown(&file, None, Some(4321)).unwrap();
            held.push(file);
        }
        let real = plant(6, 0o640, &entry(6));
        let linked = folder.path().join(format!("{}.json", session(7).session));
        std::os::unix::fs::symlink(format!("{}.json", session(6).session), linked).unwrap();
        rustix::fs::mkfifoat(&root, format!("{}.json", session(8).session), Mode::from_raw_mode(0o640))
            .unwrap();
        std::fs::create_dir(folder.path().join(format!("{}.json", session(9).session))).unwrap();
        assert_eq!(registry.running().unwrap(), [session(6)]);
        drop((held, real));
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let (folder, registry) = registry();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = registry.running().unwrap_err();
        assert!(error.to_string().contains("can be written by everybody"), "{error}");
        let stranger = Registry { owner: 4321, ..registry };
        assert!(stranger.register(&session(1)).unwrap_err().to_string().contains("does not belong to root"));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        let linked = Registry { folder: link, owner: rustix::process::getuid().as_raw() };
        assert!(matches!(linked.running(), Err(RegistryError::Io { .. })));
    }

    #[test]
    fn ids_are_uuids_and_nothing_else() {
        assert!(is_session_id(ID));
        let (_folder, registry) = registry();
        for id in
            ["", "../../etc/passwd", &ID.to_uppercase(), &ID.replace('-', "/"), &ID[1..], &format!("{ID}\n")]
        {
            assert!(!is_session_id(id), "{id:?}");
            let bad = Registered { session: id.into(), ..session(1) };
            assert!(matches!(registry.register(&bad), Err(RegistryError::BadId(_))), "{id:?}");
        }
    }

    #[test]
    fn twenty_at_once_are_all_registered() {
        let (_folder, registry) = registry();
        let barrier = std::sync::Barrier::new(20);
        let held: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20)
                .map(|number| {
                    let (registry, barrier) = (&registry, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let held = registry.register(&session(number)).unwrap();
                        // Whoever looks never takes one for stale.
                        assert!(registry.running().unwrap().contains(&session(number)));
                        held
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(registry.running().unwrap().len(), held.len());
    }

    proptest! {
        #[test]
        fn no_name_of_a_file_is_taken_for_an_id_that_leads_elsewhere(name in "[0-9a-f\\-./]{0,40}") {
            if is_session_id(&name) {
                prop_assert_eq!(Path::new(&name).file_name(), Some(OsStr::new(&name)));
            }
        }
    }
}
