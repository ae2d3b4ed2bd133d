//! What casemate has written down on a machine.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::Machine;
use crate::{Cast, LONG, wait_until};

/// Where recordings are.
pub const RECORDINGS: &str = "/var/lib/casemate/recordings";

/// Finished recordings that were read once: they do not change.
#[derive(Default)]
pub(super) struct Finished(Mutex<HashMap<PathBuf, Arc<Cast>>>);

/// A finished recording on a machine.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Where it is, seen from outside.
    pub path: PathBuf,
    /// The folder that it is in: the account.
    pub account: String,
    /// What is in it.
    pub cast: Arc<Cast>,
}

impl Machine {
    /// The files of all recordings, finished or not, in order.
    #[must_use]
    pub fn recordings(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.path(RECORDINGS), &mut found);
        found.retain(|path| path.to_string_lossy().ends_with(".cast.zst"));
        found.sort();
        found
    }

    /// The finished recordings.
    #[must_use]
    pub fn finished(&self) -> Vec<Recording> {
        let mut known = self.finished.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for path in self.recordings() {
            if !known.contains_key(&path) {
                let cast = Cast::read_open(&path);
                let cast = cast.filter(|cast| cast.events.last().is_some_and(|last| last.code == "end"));
                let Some(cast) = cast else { continue };
                known.insert(path.clone(), Arc::new(cast));
            }
            let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
            let account = folder.to_string_lossy().into_owned();
            found.push(Recording { cast: Arc::clone(&known[&path]), account, path });
        }
        found
    }

    /// Waits for the one finished recording that has `mark` in it anywhere.
    ///
    /// # Panics
    /// There is none, or there are more.
    #[track_caller]
    #[must_use]
    pub fn recording(&self, mark: &str) -> Recording {
        wait_until(&format!("a finished recording with {mark:?} in it"), LONG, || {
            let mut found = self.finished();
            found.retain(|recording| recording.cast.text.contains(mark));
            assert!(found.len() < 2, "{mark:?} is in {} recordings", found.len());
            found.pop()
        })
    }

    /// The host log, in order.
    #[must_use]
    pub fn host_log(&self) -> Vec<Value> {
        let mut found = Vec::new();
        walk(&self.path("/var/lib/casemate/log"), &mut found);
        found.sort();
        found.iter().flat_map(|path| lines(path)).collect()
    }

    /// The entries of the host log of a kind, of an account.
    #[must_use]
    pub fn noted(&self, kind: &str, account: &str) -> Vec<Value> {
        let mut entries = self.host_log();
        entries.retain(|entry| entry["kind"] == kind && entry["account"] == account);
        entries
    }
}

impl Recording {
    /// The command log beside the recording.
    #[track_caller]
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        let name = self.path.to_string_lossy().replace(".cast.zst", ".commands.jsonl");
        lines(Path::new(&name))
    }
}

/// The lines of a file of JSON Lines.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"));
    text.lines().map(parse).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // A link that somebody planted leads nowhere.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}
