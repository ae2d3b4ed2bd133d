//! The file behind a recording: it only ever grows, and says when it cannot.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

/// At least this often the disk is asked to take what was written. Else a long burst without seals would
/// wait in memory for the end of the session, which then waits for all of it: half a second for 256 MB on
/// an ordinary disk.
const SYNC_EVERY: u64 = 8 << 20;

/// How to treat a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and say so.
    Refuse,
    /// Replace it.
    Replace,
}

/// Where a recording goes.
#[derive(Debug)]
pub(crate) struct Target {
    file: File,
    path: Option<PathBuf>,
    /// Length of what was written.
    length: u64,
    /// How much of it the disk was last asked to take.
    sync_asked: u64,
    /// Not for pipes and devices.
    syncer: Option<Syncer>,
}

impl Target {
    /// Creates the file, readable by its owner alone, and the folders above it.
    pub(crate) fn create(path: &Path, existing: Existing) -> io::Result<Self> {
        // A link is followed: it is the file behind it that is replaced.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        match existing {
            // Nothing can be lost there.
            _ if is_stream(path) || is_empty(path) => {}
            Existing::Refuse => _ = options.create_new(true),
            // A new file rather than the old one emptied: who has the old one open keeps it whole.
            Existing::Replace => {
                claim(path)?;
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
                options.create_new(true);
            }
        }
        let file = options.open(path)?;
        lock(&file)?;
        Self::new(file, Some(path.to_owned()), 0)
    }

    /// Lets the group read it, whatever the umask says.
    pub(crate) fn let_group_read(&self) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(0o640))
    }

    /// Opens a recording that is to be continued, and keeps other recorders from it.
    pub(crate) fn open(path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().write(true).open(path)?;
        lock(&file)?;
        Ok(file)
    }

    /// Goes on behind the first `length` bytes of a file that is [open](Self::open); what lies behind
    /// them goes.
    pub(crate) fn append(mut file: File, path: &Path, length: u64) -> io::Result<Self> {
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Self::new(file, Some(path.to_owned()), length)
    }

    /// Standard output, or whatever else is open already.
    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        Self::new(file, None, 0)
    }

    fn new(file: File, path: Option<PathBuf>, length: u64) -> io::Result<Self> {
        let is_regular = file.metadata()?.is_file();
        let syncer = is_regular.then(|| Syncer::new(&file)).transpose()?;
        Ok(Self { file, path, length, sync_asked: length, syncer })
    }

    /// Opens what was written, to read it.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        let nowhere = || io::Error::other("there is no file to read");
        let path = self.path.as_deref().filter(|_| self.is_regular()).ok_or_else(nowhere)?;
        let file = File::open(path)?;
        let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        // Somebody may have put another file in its place.
        if id(file.metadata()?) == id(self.file.metadata()?) { Ok(file) } else { Err(nowhere()) }
    }

    /// Length of what was written.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Its name, if it has one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Appends; what fits before a failure stays, and readers know what to do with a torn end.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        if self.length - self.sync_asked >= SYNC_EVERY {
            self.sync_soon();
        }
        Ok(())
    }

    /// Has what was written so far brought to the disk soon, without waiting for it.
    pub(crate) fn sync_soon(&mut self) {
        self.sync_asked = self.length;
        if let Some(syncer) = &mut self.syncer {
            syncer.request();
        }
    }

    /// Whether no thread may begin: there will be another process.
    pub(crate) fn be_alone(&mut self, is_alone: bool) {
        if let Some(syncer) = &mut self.syncer {
            syncer.is_alone = is_alone;
        }
    }

    /// Whether it is a file, rather than a pipe or device.
    pub(crate) fn is_regular(&self) -> bool {
        self.syncer.is_some()
    }

    /// Brings everything to the disk.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.syncer {
            Some(syncer) => {
                // The system reports a failure once, to whoever syncs first.
                syncer.finish()?;
                self.file.sync_all()
            }
            None => Ok(()),
        }
    }
}

/// Keeps recorders from a file for as long as what it gives is kept; that is nothing where the file cannot
/// be opened.
///
/// # Errors
/// Where a recorder is writing to it.
pub fn claim(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    // A pipe is not waited for.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let Ok(file) = options.open(path) else { return Ok(None) };
    lock(&file).map_err(|_| io::Error::other("a recorder is writing to it"))?;
    Ok(Some(file))
}

/// Two recorders would overwrite each other.
fn lock(file: &File) -> io::Result<()> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN) => Err(io::Error::other("another recorder is writing to it")),
        // Not every file system knows locks, and no pipe does.
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// A pipe or device takes what it is given; nothing there can be overwritten.
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_char_device() || kind.is_fifo()
    })
}

/// Calls fsync beside the writing, as often as the disk allows: a burst makes dozens of seals a
/// second, and each must reach the disk, but none is worth stopping for. Its thread begins with the first request, and
/// not before that is [allowed](Target::be_alone).
#[derive(Debug)]
struct Syncer {
    file: File,
    shared: Arc<(Mutex<Wish>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    /// No thread may begin yet; what is wished for is kept.
    is_alone: bool,
}

#[derive(Debug, Default)]
struct Wish {
    wanted: bool,
    closed: bool,
    failure: Option<io::Error>,
}

impl Syncer {
    fn new(file: &File) -> io::Result<Self> {
        Ok(Self { file: file.try_clone()?, shared: Arc::default(), thread: None, is_alone: false })
    }

    fn request(&mut self) {
        if self.thread.is_none() && !self.is_alone {
            self.thread = self.start().ok();
        }
        let mut wish = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.thread.is_some() || self.is_alone {
            wish.wanted = true;
            self.shared.1.notify_one();
        } else if let Err(error) = self.file.sync_data() {
            wish.failure.get_or_insert(error);
        }
    }

    fn start(&self) -> io::Result<JoinHandle<()>> {
        let file = self.file.try_clone()?;
        let theirs = Arc::clone(&self.shared);
        std::thread::Builder::new().name("sync".into()).stack_size(64 << 10).spawn(move || {
            loop {
                let (wish, changed) = &*theirs;
                let mut wish = wish.lock().unwrap_or_else(PoisonError::into_inner);
                while !wish.wanted {
                    if wish.closed {
                        return;
                    }
                    wish = changed.wait(wish).unwrap_or_else(PoisonError::into_inner);
                }
                wish.wanted = false;
                drop(wish);
                if let Err(error) = file.sync_data() {
                    theirs.0.lock().unwrap_or_else(PoisonError::into_inner).failure.get_or_insert(error);
                }
            }
        })
    }

    /// Waits for the last sync; the first failure of all.
    fn finish(mut self) -> io::Result<()> {
        self.end();
        let failure = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).failure.take();
        failure.map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // It runs nothing that panics.
            thread.join().ok();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.end();
    }
}
