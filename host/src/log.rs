//! The host log: what happened on a host beside its recordings, and where they have gaps. `/var/lib/casemate/log` has
//! a file for each day (UTC), with a JSON object a line.
//!
//! Root and the set-group-id wrapper append to it, the latter with the effective group [`crate::places::GROUP`]: who
//! calls sees to that. *Invariants*: an entry is one write; no link is followed; nothing in a line acts on a terminal.
//! There is no lock: a session that is stopped while it held one would stop all logins. So a line may be empty, and one
//! that a full disk cut is no JSON; readers pass over both.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use chrono::{DateTime, SecondsFormat};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::login::Login;
use crate::places::{FOLDER_MODE, Places, SHARED_FILE_MODE};

/// Of an entry's lists so many are kept.
const MOST: usize = 64;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Entry {
    /// Somebody logged in.
    Login(Login),
    /// A login is over.
    Logout {
        /// The account.
        account: String,
        /// The id of the [`Login`].
        id: String,
        /// How long it lasted, in seconds; absent where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration: Option<f64>,
        /// How it ended.
        end: LoginEnd,
    },
    /// A session within a recorded one, which is not recorded again.
    Skipped {
        /// The account.
        account: String,
        /// The id of the session that is recorded around it.
        within: String,
        /// The id of the [`Login`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
    },
    /// A session that was let through unrecorded, because its account is in the emergency group.
    Emergency {
        /// The account.
        account: String,
        /// The emergency group.
        group: String,
        /// What was to run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        argv: Vec<String>,
        /// The id of the [`Login`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
    },
    /// A session that there was not, or no longer.
    Refused(Gap),
    /// A session, or what follows of one, that is not recorded and goes on.
    Unrecorded(Gap),
    /// A session of which a part was not recorded is over.
    #[serde(rename = "unrecorded-end")]
    UnrecordedEnd {
        /// The account.
        account: String,
        /// The id of the session.
        session: String,
        /// For how long nothing was recorded, in seconds.
        duration: f64,
        /// The id of the [`Login`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
    },
    /// The command log of a session is not whole. The session is recorded all the same, and it can be derived again.
    #[serde(rename = "command-log")]
    CommandLog(Gap),
    /// Somebody watches a session while it runs.
    Watched {
        /// The account that watches.
        account: String,
        /// The id of the session.
        session: String,
        /// The account of the session.
        of: String,
        /// The id of the [`Login`] of whoever watches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
    },
    /// Somebody closed a session or a login on the audit server, and it is ended.
    Closed {
        /// The account.
        account: String,
        /// The id of the session, or of the [`Login`] that has none.
        session: String,
        /// Who, and why.
        reason: String,
    },
    /// Recordings take much of what they may, or of what there is; or no longer do.
    Disk {
        /// How it stands now.
        state: crate::usage::State,
        /// The folder of recordings.
        folder: String,
        /// How many bytes they take.
        used: u64,
        /// How many they may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<u64>,
        /// How many the file system has left.
        free: u64,
    },
}

/// What was not recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The account.
    pub account: String,
    /// Why.
    pub reason: String,
    /// The id of the session, if it had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The id of the [`Login`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

/// How a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginEnd {
    /// The service closed it.
    Closed,
    /// The service's process was gone and had not closed it.
    Lost,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, in RFC 3339, UTC, to the microsecond.
    pub time: String,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Appends an entry; `now_us` in microseconds since 1970 UTC.
///
/// # Errors
///
/// The log cannot be written. Whoever needs the entry must not go on.
pub fn append(places: &Places, now_us: u64, entry: Entry) -> io::Result<()> {
    let now = i64::try_from(now_us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    let time = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    let day = format!("{}.jsonl", now.format("%Y-%m-%d"));
    let mut bytes = json::line(&Line { time, entry: entry.capped() })?;
    let mut file = File::from(open(&places.log(), &day)?);
    if !ends_with_line_feed(&file)? {
        // Somebody's entry was cut, by a full disk, and does not take this one with it; or is just being written, and
        // then a line is empty.
        bytes.insert(0, b'\n');
    }
    match file.write(&bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(Errno::NOSPC.into()),
    }
}

/// Opens the file of a day, and makes it if there is none yet.
fn open(folder: &Path, name: &str) -> io::Result<OwnedFd> {
    let folder = open_folder(folder)?;
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => make(&folder, name)?,
            file => return Ok(file?),
        }
    }
}

/// The files of the log, a day each, in order.
///
/// # Errors
///
/// The folder cannot be read.
pub fn day_files(folder: &Path) -> io::Result<Vec<String>> {
    let names = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()),
    };
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.') && name.ends_with(".jsonl")).collect();
    names.sort();
    Ok(names)
}

/// Opens the file of a day to read it, if it is one of ours; it is for root to read.
///
/// # Errors
///
/// It is none, or cannot be read.
pub fn open_day(folder: &Path, name: &str) -> io::Result<File> {
    let folder = open_folder(folder)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&folder, name, flags, Mode::empty())?);
    let about = file.metadata()?;
    let is_ours = about.is_file() && about.nlink() == 1 && about.mode() & 0o7777 == SHARED_FILE_MODE;
    if is_ours { Ok(file) } else { Err(io::Error::other(format!("`{name}` is no file of the host log"))) }
}

fn open_folder(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            // Root makes it, in a folder that has the set-group-id bit.
            match rustix::fs::mkdir(folder, Mode::empty()) {
                Ok(()) => rustix::fs::chmod(folder, Mode::from_raw_mode(FOLDER_MODE))?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(rustix::fs::open(folder, flags, Mode::empty())?)
        }
        folder => Ok(folder?),
    }
}

/// Makes the file of a day under another name first: whatever the umask, all see it with its mode, or not at all.
fn make(folder: &OwnedFd, name: &str) -> io::Result<()> {
    let own = format!(".{}", uuid::Uuid::now_v7());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, &own, flags, Mode::empty())?;
    rustix::fs::fchmod(file.as_fd(), Mode::from_raw_mode(SHARED_FILE_MODE))?;
    match rustix::fs::renameat_with(folder, &own, folder, name, RenameFlags::NOREPLACE) {
        Err(error) => {
            rustix::fs::unlinkat(folder, &own, AtFlags::empty())?;
            // Another session made it meanwhile.
            if error == Errno::EXIST { Ok(()) } else { Err(error.into()) }
        }
        Ok(()) => Ok(()),
    }
}

fn ends_with_line_feed(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

impl Entry {
    /// The entry with its texts cut to what a line is to hold.
    fn capped(mut self) -> Self {
        let cap = |text: &mut String| *text = json::capped(text);
        match &mut self {
            Self::Login(login) => login.cap(),
            Self::Logout { account, .. } | Self::Skipped { account, .. } => cap(account),
            Self::Emergency { account, argv, .. } => {
                cap(account);
                argv.truncate(MOST);
                argv.iter_mut().for_each(cap);
            }
            Self::Refused(gap) | Self::Unrecorded(gap) | Self::CommandLog(gap) => {
                cap(&mut gap.account);
                cap(&mut gap.reason);
            }
            Self::UnrecordedEnd { account, session, .. } => [account, session].into_iter().for_each(cap),
            Self::Watched { account, session, of, .. } => [account, session, of].into_iter().for_each(cap),
            Self::Closed { account, session, reason } => [account, session, reason].into_iter().for_each(cap),
            Self::Disk { folder, .. } => cap(folder),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// 2026-11-22T07:03:28.123456Z.
    const NOW: u64 = 1_795_331_008_123_456;

    fn places() -> (tempfile::TempDir, Places) {
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        std::fs::create_dir_all(&places.state).unwrap();
        (root, places)
    }

    fn refused(reason: &str) -> Entry {
        Entry::Refused(Gap { account: "alice".into(), reason: reason.into(), session: None, login: None })
    }

    fn today(places: &Places) -> std::path::PathBuf {
        places.log().join("2026-11-22.jsonl")
    }

    #[test]
    fn an_entry_is_a_line() {
        let (_root, places) = places();
        append(&places, NOW, refused("the disk is full")).unwrap();
        let disk = Entry::Disk {
            state: crate::usage::State::Warning,
            folder: "/r".into(),
            used: 8,
            budget: Some(10),
            free: 99,
        };
        append(&places, NOW + 1, disk).unwrap();
        let text = std::fs::read_to_string(today(&places)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            r#"{"time":"2026-11-22T07:03:28.123456Z","kind":"refused","account":"alice","reason":"the disk is full"}"#
        );
        assert_eq!(
            lines[1],
            r#"{"time":"2026-11-22T07:03:28.123457Z","kind":"disk","state":"warning","folder":"/r","used":8,"budget":10,"free":99}"#
        );
        let read: Line = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(read.entry, refused("the disk is full"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&places.log()), mode(&today(&places))), (0o2730, 0o660));
        assert_eq!(std::fs::read_dir(places.log()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_cut_entry_takes_no_other_with_it() {
        let (_root, places) = places();
        std::fs::create_dir(places.log()).unwrap();
        std::fs::write(today(&places), r#"{"time":"2026"#).unwrap();
        append(&places, NOW, refused("x")).unwrap();
        append(&places, NOW, refused("y")).unwrap();
        let text = std::fs::read_to_string(today(&places)).unwrap();
        let whole = text.lines().filter(|line| serde_json::from_str::<Line>(line).is_ok()).count();
        assert_eq!((text.lines().count(), whole), (3, 2));
    }

    #[test]
    fn no_link_is_followed() {
        let (root, places) = places();
        let elsewhere = root.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, places.log()).unwrap();
        assert!(append(&places, NOW, refused("x")).is_err());
        std::fs::remove_file(places.log()).unwrap();
        std::fs::create_dir(places.log()).unwrap();
        let target = elsewhere.join("target");
        std::fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, today(&places)).unwrap();
        assert!(append(&places, NOW, refused("x")).is_err());
        assert_eq!(std::fs::metadata(&target).unwrap().size(), 0);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let (_root, places) = places();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let places = &places;
                scope.spawn(move || {
                    for entry in 0..50 {
                        append(places, NOW, refused(&format!("{thread} {entry}"))).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(today(&places)).unwrap();
        let whole = text.lines().filter(|line| serde_json::from_str::<Line>(line).is_ok()).count();
        assert_eq!((text.lines().filter(|line| !line.is_empty()).count(), whole), (400, 400));
    }

    #[test]
    fn strangers_fill_no_lines() {
        let (_root, places) = places();
        append(&places, NOW, refused(&"\u{1b}".repeat(100_000))).unwrap();
        assert!(std::fs::metadata(today(&places)).unwrap().size() < 4096);
    }
}
