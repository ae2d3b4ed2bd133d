//! How much recordings take of the disk, and when that is too much.
//!
//! What lies in a folder of recordings is counted beside a session, in a thread that gives way to all others, at most
//! every [`INTERVAL`] for the whole host; the sum is kept, so that a login costs one small file and one question to the
//! file system. *Invariants*: a boundary that is crossed is told once, whoever counts; a session that holds the lock and
//! does not go on keeps nobody from counting for long. *Not here*: what a full disk means for a session, which is the
//! policy's part.

use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use casemate_recorder::{Rights, with_rights};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::clock::now_us;
use crate::log::Entry;
use crate::places::{LISTED_FOLDER_MODE, Places, RECORDING_MODE};
use crate::syslog::{Message, Severity};

/// So long a sum is good enough: days of sessions fill a disk, not minutes.
pub const INTERVAL: Duration = Duration::from_secs(600);

/// Who has been counting for longer than this does not go on.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A kept sum is a line.
const LARGEST: u64 = 16 << 10;

/// From here on the budget is said to be nearly used up, in thousandths.
const BUDGET_WARNING: u64 = 800;

/// From here on the file system is; others use it, too, so less is nobody's surprise.
const FILE_SYSTEM_WARNING: u64 = 900;

/// So far it has to go back, in thousandths, before a warning is over: else it would come and go.
const HYSTERESIS: u64 = 50;

/// What counting takes of a stack; the environment has no say in it.
const STACK: usize = 512 << 10;

/// With less than this no session gets far; on a small file system, with less than a sixteenth of it.
const LEAST: u64 = 16 << 20;

/// How it stands with the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There is room.
    #[default]
    Fine,
    /// Soon there is none.
    Warning,
    /// There is none.
    Full,
}

/// What the file system says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Bytes that it has.
    pub bytes: u64,
    /// Bytes that are free for everybody.
    pub free: u64,
    /// How much of its files, in thousandths, there are already.
    pub files: u64,
}

/// What was counted, and when; as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The folder of recordings.
    pub folder: PathBuf,
    /// Bytes of the disk that are allocated for what lies in it.
    pub bytes: u64,
    /// How many files that are.
    pub files: u64,
    /// When they were counted, in microseconds since 1970.
    pub time_us: u64,
    /// What was last said of it.
    pub state: State,
}

/// A boundary that was crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// How it stood before.
    pub before: State,
    /// How it stands now, with what is in the folder.
    pub now: Usage,
    /// How many bytes it may have.
    pub budget: Option<u64>,
    /// The file system.
    pub file_system: FileSystem,
}

/// A folder of recordings and what it may take.
#[derive(Clone, Debug)]
pub struct Budget {
    places: Places,
    folder: PathBuf,
    bytes: Option<u64>,
}

impl Crossing {
    /// For the host log.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry::Disk {
            state: self.now.state,
            folder: self.now.folder.to_string_lossy().into_owned(),
            used: self.now.bytes,
            budget: self.budget,
            free: self.file_system.free,
        }
    }

    /// For the system's log.
    #[must_use]
    pub fn message(&self) -> Message<'static> {
        let folder = self.now.folder.display().to_string();
        let (severity, what) = match self.now.state {
            State::Fine => (Severity::Info, "there is room for recordings again"),
            State::Warning => (Severity::Warning, "there will soon be no more room for recordings"),
            State::Full => (Severity::Warning, "there is no more room for recordings"),
        };
        Message::new(severity, format!("{what}: {folder}"))
            .with("folder", Some(folder))
            .with("used", Some(self.now.bytes.to_string()))
            .with("budget", self.budget.map(|budget| budget.to_string()))
            .with("free", Some(self.file_system.free.to_string()))
    }
}

impl FileSystem {
    /// The file system on which that folder is.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let about = rustix::fs::statvfs(folder)?;
        let used = about.f_files.saturating_sub(about.f_favail);
        Ok(Self {
            bytes: about.f_blocks.saturating_mul(about.f_frsize),
            free: about.f_bavail.saturating_mul(about.f_frsize),
            files: thousandths(used, about.f_files),
        })
    }
}

/// How many thousandths of the whole a part is; none of nothing, for some file systems do not count their files.
fn thousandths(part: u64, whole: u64) -> u64 {
    let of = u128::from(part) * 1000 / u128::from(whole.max(1));
    if whole == 0 { 0 } else { u64::try_from(of).unwrap_or(u64::MAX) }
}

/// How it stands where it stood so before.
fn state(before: State, used: u64, budget: Option<u64>, file_system: &FileSystem) -> State {
    let back = if before > State::Fine { HYSTERESIS } else { 0 };
    let level = |thousandths: u64, warning: u64, is_full: bool| match () {
        () if is_full => State::Full,
        () if thousandths.saturating_add(back) >= warning => State::Warning,
        () => State::Fine,
    };
    let of_budget =
        budget.map_or(State::Fine, |budget| level(thousandths(used, budget), BUDGET_WARNING, used >= budget));
    let taken = thousandths(file_system.bytes.saturating_sub(file_system.free), file_system.bytes);
    let of_bytes = level(taken, FILE_SYSTEM_WARNING, file_system.free < LEAST.min(file_system.bytes / 16));
    let of_files = level(file_system.files, FILE_SYSTEM_WARNING, file_system.files >= 1000);
    of_budget.max(of_bytes).max(of_files)
}

impl Budget {
    /// Of a folder of recordings, which may take so many bytes; as many as there are, if nothing is said.
    #[must_use]
    pub fn new(places: &Places, folder: &Path, bytes: Option<u64>) -> Self {
        Self { places: places.clone(), folder: folder.to_owned(), bytes }
    }

    /// What was counted last, whoever did.
    #[must_use]
    pub fn known(&self) -> Option<Usage> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(self.kept(), flags, Mode::empty()).ok()?);
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok().filter(|usage: &Usage| usage.folder == self.folder)
    }

    /// How it stands, by what was counted last. This is for a login, and costs nothing.
    ///
    /// # Errors
    ///
    /// The folder's file system cannot be asked.
    pub fn state(&self) -> io::Result<State> {
        let known = self.known().unwrap_or_default();
        Ok(state(known.state, known.bytes, self.bytes, &FileSystem::of(&self.folder)?))
    }

    /// Counts, if nobody has for [`INTERVAL`], and says which boundary has been crossed since. Stops when it is told to.
    ///
    /// # Errors
    ///
    /// What was counted cannot be kept, or the folder's file system not be asked.
    pub fn update(&self, now_us: u64, is_unwanted: &dyn Fn() -> bool) -> io::Result<Option<Crossing>> {
        let age = |usage: &Usage| now_us.checked_sub(usage.time_us).map(Duration::from_micros);
        // What is of the future was counted by another clock.
        let is_old =
            |known: &Option<Usage>, limit| known.as_ref().and_then(age).is_none_or(|age| age >= limit);
        if !is_old(&self.known(), INTERVAL) {
            return Ok(None);
        }
        let folder = self.kept_in()?;
        // One counts for all. It goes with the end of this function, or of the process.
        let is_alone = folder.try_lock().is_ok();
        let known = self.known();
        if !is_old(&known, if is_alone { INTERVAL } else { PATIENCE }) {
            return Ok(None);
        }
        let Some((bytes, files)) = count(&self.folder, is_unwanted) else { return Ok(None) };
        let file_system = FileSystem::of(&self.folder)?;
        let before = known.map(|known| known.state).unwrap_or_default();
        let state = state(before, bytes, self.bytes, &file_system);
        let now = Usage { folder: self.folder.clone(), bytes, files, time_us: now_us, state };
        self.keep(&folder, &now)?;
        Ok((state != before).then_some(Crossing { before, now, budget: self.bytes, file_system }))
    }

    /// Where the sum is kept. Should another version call it otherwise, it is counted again.
    fn kept(&self) -> PathBuf {
        let mut hash = DefaultHasher::new();
        self.folder.hash(&mut hash);
        self.places.usage().join(format!("{:016x}.json", hash.finish()))
    }

    fn kept_in(&self) -> io::Result<File> {
        let folder = self.places.usage();
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => std::fs::set_permissions(&folder, Permissions::from_mode(LISTED_FOLDER_MODE))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::open(folder, flags, Mode::empty())?.into())
    }

    /// Replaces what was kept as a whole.
    fn keep(&self, folder: &File, usage: &Usage) -> io::Result<()> {
        let path = self.kept();
        let name = path.file_name().unwrap_or_default();
        let own = format!(".{}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::unlinkat(folder, &own, rustix::fs::AtFlags::empty()).ok();
        let mut file = File::from(rustix::fs::openat(folder, &own, flags, Mode::from_raw_mode(0o600))?);
        file.set_permissions(Permissions::from_mode(RECORDING_MODE))?;
        let written = file.write_all(&serde_json::to_vec(usage)?);
        if written.is_err() {
            rustix::fs::unlinkat(folder, &own, rustix::fs::AtFlags::empty()).ok();
        }
        written?;
        Ok(rustix::fs::renameat(folder, &own, folder, name)?)
    }
}

/// The bytes that are allocated below a folder, and how many files there are; `None` if that became unwanted.
fn count(folder: &Path, is_unwanted: &dyn Fn() -> bool) -> Option<(u64, u64)> {
    let (mut bytes, mut files) = (0_u64, 0_u64);
    let mut linked = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if is_unwanted() {
            return None;
        }
        // What goes meanwhile takes no room.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.nlink() > 1 && !about.is_dir() && !linked.insert((about.dev(), about.ino())) {
                continue;
            }
            bytes = bytes.saturating_add(about.blocks().saturating_mul(512));
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    Some((bytes, files))
}

/// A thread that counts from time to time, for as long as this lives.
#[derive(Debug)]
pub struct Watch {
    end: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to count, with these rights, and tells what has been crossed.
    ///
    /// # Errors
    ///
    /// There can be no more threads.
    pub fn start(
        budget: Budget,
        rights: Option<Rights>,
        mut tell: impl FnMut(Crossing) + Send + 'static,
    ) -> io::Result<Self> {
        let end = Arc::<(Mutex<bool>, Condvar)>::default();
        let wanted = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("usage".into()).stack_size(STACK).spawn(move || {
            give_way();
            with_rights(rights, || {
                let is_unwanted = || *wanted.0.lock().unwrap_or_else(PoisonError::into_inner);
                while !is_unwanted() {
                    // What cannot be counted now may be the next time.
                    if let Ok(Some(crossing)) = budget.update(now_us(), &is_unwanted) {
                        tell(crossing);
                    }
                    let guard = wanted.0.lock().unwrap_or_else(PoisonError::into_inner);
                    drop(wanted.1.wait_timeout_while(guard, INTERVAL, |is_over| !*is_over));
                }
            });
        })?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.end.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, there is nothing to be told any more.
            thread.join().ok();
        }
    }
}

/// Everybody else comes first, at the processor and, where the disk's scheduler knows of it, at the disk.
fn give_way() {
    rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOMY: FileSystem = FileSystem { bytes: 1 << 40, free: 1 << 39, files: 10 };
    const NOW: u64 = 1_795_331_008_123_456;
    const LATER: u64 = NOW + 600_000_000;

    fn host() -> (tempfile::TempDir, Budget) {
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        std::fs::create_dir_all(&places.run).unwrap();
        std::fs::create_dir_all(places.recordings().join("2026-11-22/bob")).unwrap();
        let budget = Budget::new(&places, &places.recordings(), Some(1 << 20));
        (root, budget)
    }

    fn fill(budget: &Budget, name: &str, kib: usize) -> PathBuf {
        let path = budget.folder.join("2026-11-22/bob").join(name);
        std::fs::write(&path, vec![7; kib << 10]).unwrap();
        path
    }

    fn update(budget: &Budget, now: u64) -> Option<Crossing> {
        // A file system of the machine that runs the tests may be nearly full; then it has crossed that, too.
        budget.update(now, &|| false).unwrap()
    }

    #[test]
    fn the_budget_is_crossed_once_whoever_counts() {
        let (_root, budget) = host();
        fill(&budget, "a.cast.zst", 100);
        let is_roomy = state(State::Fine, 0, None, &FileSystem::of(&budget.folder).unwrap()) == State::Fine;
        assert_eq!(budget.known(), None);
        let first = update(&budget, NOW);
        let known = budget.known().unwrap();
        assert!(known.bytes >= 100 << 10 && known.bytes < 200 << 10 && known.files == 1, "{known:?}");
        fill(&budget, "b.cast.zst", 800);
        assert_eq!(update(&budget, LATER - 1), None, "it was counted just now");
        assert_eq!(budget.known().unwrap(), known);
        let other = budget.clone();
        let crossings: Vec<_> =
            [&budget, &other, &budget].iter().filter_map(|budget| update(budget, LATER)).collect();
        if is_roomy {
            assert_eq!(first, None);
            assert_eq!(crossings.len(), 1, "{crossings:?}");
            assert_eq!((crossings[0].before, crossings[0].now.state), (State::Fine, State::Warning));
            assert_eq!(budget.state().unwrap(), State::Warning);
        }
        fill(&budget, "c.cast.zst", 300);
        assert_eq!(update(&budget, LATER + 600_000_000).unwrap().now.state, State::Full);
        assert_eq!(budget.state().unwrap(), State::Full);
        assert_eq!(std::fs::read_dir(budget.places.usage()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_allocated_counts_once_and_no_link_is_followed() {
        let (root, budget) = host();
        let path = fill(&budget, "a.cast.zst", 64);
        std::fs::hard_link(&path, path.with_extension("second")).unwrap();
        File::create(path.with_extension("sparse")).unwrap().set_len(1 << 30).unwrap();
        let outside = root.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("large"), vec![7; 1 << 20]).unwrap();
        std::os::unix::fs::symlink(&outside, budget.folder.join("link")).unwrap();
        let (bytes, files) = count(&budget.folder, &|| false).unwrap();
        assert!((64 << 10..160 << 10).contains(&bytes), "{bytes}");
        assert_eq!(files, 3);
        assert_eq!(count(&budget.folder, &|| true), None);
    }

    #[test]
    fn who_counts_and_does_not_go_on_is_passed_over() {
        let (_root, budget) = host();
        update(&budget, NOW);
        let stuck = budget.kept_in().unwrap();
        stuck.lock().unwrap();
        update(&budget, LATER);
        assert_eq!(budget.known().unwrap().time_us, NOW);
        let late = NOW + 3_600_000_000;
        update(&budget, late);
        assert_eq!(budget.known().unwrap().time_us, late);
    }

    #[test]
    fn what_is_kept_is_not_believed_blindly() {
        let (_root, budget) = host();
        update(&budget, NOW);
        for text in ["", "{", r#"{"folder":"/elsewhere","bytes":1,"files":1,"time_us":1,"state":"full"}"#] {
            std::fs::write(budget.kept(), text).unwrap();
            assert_eq!(budget.known(), None, "{text}");
        }
        update(&budget, NOW);
        assert!(budget.known().is_some());
        // Counted by a clock that was ahead.
        update(&budget, NOW - 1);
        assert_eq!(budget.known().unwrap().time_us, NOW - 1);
    }

    #[test]
    fn a_thread_counts_and_ends_when_it_is_not_wanted() {
        let (_root, budget) = host();
        fill(&budget, "a.cast.zst", 2000);
        let (told, crossings) = std::sync::mpsc::channel();
        let watch = Watch::start(budget, None, move |crossing| told.send(crossing).unwrap()).unwrap();
        let crossing = crossings.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(crossing.now.state, State::Full);
        let begun = std::time::Instant::now();
        drop(watch);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn the_file_system_has_a_say() {
        let of = |free: u64, files| state(State::Fine, 0, None, &FileSystem { bytes: 1 << 40, free, files });
        assert_eq!(of(1 << 39, 0), State::Fine);
        assert_eq!(of(1 << 36, 0), State::Warning);
        assert_eq!(of(LEAST - 1, 0), State::Full);
        let small = |free| state(State::Fine, 0, None, &FileSystem { bytes: 1 << 20, free, files: 0 });
        assert_eq!(
            (small(1 << 20), small(70 << 10), small(60 << 10)),
            (State::Fine, State::Warning, State::Full)
        );
        assert_eq!((of(1 << 39, 950), of(1 << 39, 1000)), (State::Warning, State::Full));
    }

    #[test]
    fn a_warning_does_not_come_and_go() {
        let at = |before, used| state(before, used, Some(1000), &ROOMY);
        assert_eq!((at(State::Fine, 799), at(State::Fine, 800)), (State::Fine, State::Warning));
        assert_eq!((at(State::Warning, 750), at(State::Warning, 749)), (State::Warning, State::Fine));
        assert_eq!((at(State::Warning, 999), at(State::Warning, 1000)), (State::Warning, State::Full));
        assert_eq!((at(State::Full, 1000), at(State::Full, 999)), (State::Full, State::Warning));
    }

    proptest! {
        #[test]
        fn more_is_never_better(before in 0..3, used in any::<u64>(), more in any::<u64>(), budget in any::<u64>()) {
            let before = [State::Fine, State::Warning, State::Full][usize::try_from(before).unwrap()];
            let at = |used| state(before, used, Some(budget), &ROOMY);
            prop_assert!(at(used) <= at(used.saturating_add(more)));
        }
    }
}
