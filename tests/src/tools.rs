//! Things a test needs that a machine may lack: programs, root, a small file system.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where a program is: on the `PATH`, or where servers are installed.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A Python 3 that works in any home: the system's own if it is there, version managers' shims otherwise.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let system = PathBuf::from("/usr/bin/python3");
    if system.is_file() { Some(system) } else { find("python3") }
}

/// Where `./test` puts what it installs for the tests alone.
#[must_use]
pub fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools")
}

/// Notes that a test was left out because something is missing; see [`skip!`](crate::skip).
///
/// # Panics
/// With `CASEMATE_REQUIRE_TOOLS=1`.
#[track_caller]
pub fn skipped(reason: &str) {
    assert!(
        std::env::var_os("CASEMATE_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
        "CASEMATE_REQUIRE_TOOLS=1 and: {reason}"
    );
    left_out(reason);
}

/// Says once what a run does not look at.
pub fn left_out_once(reason: &str) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.iter().any(|earlier| earlier == reason) {
        said.push(reason.to_owned());
        left_out(reason);
    }
}

/// Says and counts what a run does not look at, also where no tool would help (a debug build).
pub fn left_out(reason: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not through the print macros: libtest would swallow it.
    writeln!(std::io::stderr(), "skipped: {reason} ({test}; {count} so far)").ok();
}

/// A file system of a fixed size, unmounted when dropped.
pub struct Tmpfs {
    dir: tempfile::TempDir,
}

impl Tmpfs {
    /// Mounts a file system that holds `kib` KiB.
    ///
    /// # Errors
    /// What keeps it from being mounted: normally that we are not root.
    pub fn mount(kib: u32) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("root, to mount a small tmpfs".to_owned());
        }
        let dir = tempfile::Builder::new().prefix("casemate-tmpfs-").tempdir().expect("a temporary folder");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "casemate-test"])
            .arg(dir.path())
            .output()
            .map_err(|err| format!("mount(8): {err}"))?;
        if output.status.success() {
            Ok(Self { dir })
        } else {
            Err(format!("the right to mount a tmpfs: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
    }

    /// The folder it is mounted on.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a process of a failed test may still hold a file.
        Command::new("umount").arg("--lazy").arg(self.dir.path()).status().ok();
    }
}
