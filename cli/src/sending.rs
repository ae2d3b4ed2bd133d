//! Recordings on their way to an audit server: one file to its end, and the spool of those that have not got there.
//!
//! *Invariants*: a file of the spool is removed when all of it is on the server's disk, and not before; a file that a
//! recorder is writing to is left to it. Each server has a spool of its own: what was recorded for one goes to no other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use casemate_client::ingest::NewConnection;
use casemate_client::{Client, ClientError, Facts, Upload};
use casemate_recorder::claim;

use crate::failure::{About as _, Failure};
use crate::place::state_folder;
use crate::printer::{Printer, Progress};

/// A server that cannot be reached for so long is waited for no longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is waited before something is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of sending a file.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// Its id on the server.
    pub(crate) id: String,
    /// How long it is.
    pub(crate) bytes: u64,
    /// How much of that was not there already.
    pub(crate) new_bytes: u64,
}

/// Who and where, for files that do not say so, or say it wrongly.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Named {
    /// Who was recorded [default: as the recording says]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// On which target [default: as the recording says; the key of an agent is for one target]
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// As which account of the target [default: as the recording says]
    #[arg(long, value_name = "NAME")]
    pub(crate) target_user: Option<String>,
}

impl Named {
    /// The connection that a file is the recording of.
    pub(crate) fn connection(&self, facts: &Facts, name: &str) -> Result<NewConnection, Failure> {
        let mut connection = NewConnection::of(facts);
        if let Some(user) = &self.user {
            connection.user.clone_from(user);
        }
        if let Some(target) = &self.target {
            connection.target = Some(target.clone());
        }
        if let Some(target_user) = &self.target_user {
            connection.target_user.clone_from(target_user);
        }
        if connection.user.is_empty() {
            return Err(
                Failure::new(format!("`{name}` does not say who was recorded")).hint("give --user NAME")
            );
        }
        if connection.target_user.is_empty() {
            // As in the events of the API, where there is none.
            connection.target_user = "n/a".into();
        }
        Ok(connection)
    }
}

/// Sends a file to its end. Gives up where the server cannot be reached for long. `name` is what it is called.
pub(crate) fn send(
    client: &Client,
    path: &Path,
    name: &str,
    named: &Named,
    printer: &Printer,
) -> Result<Delivered, Failure> {
    // For as long as it is sent nobody appends to it.
    let _claim = claim(path).about(format!("`{name}`"))?;
    let facts = Facts::of(path)?;
    let connection = named.connection(&facts, name)?;
    let mut upload = Upload::open(client, facts.id, path)?;
    let length = upload.left();
    let mut progress = printer.progress(name, Some(length));
    let explain = |error: ClientError| -> Failure {
        let hint = match error.kind() {
            Some("Invalid") if connection.target.is_none() => Some("give --target NAME"),
            Some("Conflict") => {
                Some("it is there for others: give the same --user, --target and --target-user as then")
            }
            _ => None,
        };
        let failure = Failure::from(error).of(format!("`{name}`"));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    };
    let there = patiently(&mut progress, &mut || upload.begin(&connection)).map_err(explain)?;
    progress.advance(usize::try_from(length - upload.left()).unwrap_or(usize::MAX));
    while !upload.is_complete() {
        let sent = patiently(&mut progress, &mut || upload.send(true)).map_err(explain)?;
        progress.advance(usize::try_from(sent.bytes).unwrap_or(usize::MAX));
    }
    Ok(Delivered { id: facts.id.to_string(), bytes: length, new_bytes: length - there.offset })
}

/// Tries again what may come to something later, for a while.
fn patiently<T>(
    progress: &mut Progress,
    call: &mut impl FnMut() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let begun = Instant::now();
    loop {
        match call() {
            Err(error) if error.is_temporary() && begun.elapsed() < PATIENCE => {
                progress.advance(0);
                std::thread::sleep(PAUSE);
            }
            came => return came,
        }
    }
}

/// The folder of what is on its way to this server.
pub(crate) fn spool(client: &Client) -> Result<PathBuf, Failure> {
    let server = client.server();
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let name: String = server
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' })
        .collect();
    let folder = state_folder("spool")?.join(name);
    let made = {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)
    };
    made.about(format!("cannot make the spool `{}`", folder.display()))?;
    Ok(folder)
}

/// What is in a spool, oldest first.
pub(crate) fn spooled(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = || format!("cannot look into the spool `{}`", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).about(cannot())? {
        let path = entry.about(cannot())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".cast") || name.ends_with(".cast.zst") {
            files.push(path);
        }
    }
    // Named by ids, which are sorted by time.
    files.sort();
    Ok(files)
}

/// Sends what was left behind in the spool, and says nothing: whoever records has something else to look at. Ends at the
/// first file that cannot be sent now.
pub(crate) fn send_left_behind(client: &Client, folder: &Path) {
    let printer = Printer::new(true);
    for path in spooled(folder).unwrap_or_default() {
        // A recorder may have made it, and not have locked it yet: it would be refused its own file.
        if fs::metadata(&path).is_ok_and(|about| about.len() == 0) {
            continue;
        }
        match send(client, &path, &path.display().to_string(), &Named::default(), &printer) {
            Ok(_) => drop(fs::remove_file(&path)),
            Err(failure) if failure.is_temporary() => return,
            // A recorder is writing to it, ours or another one. Or it stays until somebody looks at it with `casemate upload
            // --spool`.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast");
        fs::write(&path, "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":5}\n").unwrap();
        let facts = Facts::of(&path).unwrap();
        let failure = Named::default().connection(&facts, "x.cast").unwrap_err();
        assert_eq!(failure.hint_text(), Some("give --user NAME"));
        let named = Named { user: Some("alice".into()), target: Some("web-1".into()), target_user: None };
        let connection = named.connection(&facts, "x.cast").unwrap();
        assert_eq!((connection.user.as_str(), connection.target_user.as_str()), ("alice", "n/a"));
        assert_eq!(connection.target.as_deref(), Some("web-1"));
    }

    #[test]
    fn a_spool_has_recordings_only_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0197.cast.zst", "0196.cast", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names = spooled(folder.path()).unwrap();
        let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["0196.cast", "0197.cast.zst"]);
    }
}
