//! Which recordings and sessions there are, and moments in them. Pure, but for a look whether a file has changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use casemate_cast_format::Micros;
use casemate_store::{Integrity, Recording, Session};
use chrono::{DateTime, TimeDelta, Utc};

/// A moment in a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) recording: i64,
    pub(crate) session: Option<i64>,
    pub(crate) offset: Micros,
    pub(crate) who: Who,
    /// What it is about.
    pub(crate) line: Option<String>,
}

/// Who it was, where and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) user: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) target_user: Option<String>,
}

impl Who {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            user: session.user.clone(),
            target: session.target.clone(),
            target_user: session.target_user.clone(),
        }
    }
}

/// What is proven of a recording, with the key that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Signed,
    Intact,
    Unsealed,
    /// Without seals, and something is wrong with its text.
    Faulty,
    Unfinished,
    /// Intact, but nobody signed it, and that was asked for.
    NotSigned,
    /// Intact, but signed with another key than was asked for.
    OtherKey,
    Damaged,
    Unreadable,
}

impl State {
    /// As it is shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Intact => "intact",
            Self::Unsealed => "unsealed",
            Self::Faulty => "unsealed !",
            Self::Unfinished => "unfinished",
            Self::NotSigned => "not signed",
            Self::OtherKey => "other key",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }

    fn of(recording: &Recording, key: Option<[u8; 32]>) -> Self {
        match (recording.integrity, recording.signed_by, key) {
            (Integrity::Intact, None, Some(_)) => Self::NotSigned,
            (Integrity::Intact, signer, Some(key)) if signer != Some(key) => Self::OtherKey,
            (Integrity::Intact, Some(_), _) => Self::Signed,
            (Integrity::Intact, None, _) => Self::Intact,
            (Integrity::Unsealed, ..) if recording.defect_count > 0 => Self::Faulty,
            (Integrity::Unsealed, ..) => Self::Unsealed,
            (Integrity::Unfinished, ..) => Self::Unfinished,
            (Integrity::Damaged, ..) => Self::Damaged,
            _ => Self::Unreadable,
        }
    }
}

/// A recording, and what is proven of it.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) recording: Recording,
    pub(crate) state: State,
    /// Its name below the folder that is reviewed.
    pub(crate) name: String,
}

/// All that is reviewed.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// The folders, without links.
    folders: Vec<PathBuf>,
    key: Option<[u8; 32]>,
    volumes: HashMap<i64, Volume>,
    paths: HashMap<String, i64>,
    sessions: HashMap<i64, Session>,
    /// Sessions in the order of time, then recordings that have none.
    pub(crate) order: Vec<(i64, Option<i64>)>,
    /// Lines that are in no index.
    pub(crate) left_out: u64,
}

impl Library {
    pub(crate) fn new(folders: &[PathBuf], key: Option<[u8; 32]>) -> Self {
        let folders =
            folders.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
        Self { folders, key, ..Self::default() }
    }

    /// Takes what is there now.
    pub(crate) fn fill(&mut self, recordings: Vec<Recording>, sessions: Vec<Session>, left_out: u64) {
        self.left_out = left_out;
        self.order = sessions.iter().map(|session| (session.recording, Some(session.id))).collect();
        let told: std::collections::HashSet<i64> = sessions.iter().map(|session| session.recording).collect();
        let mute = recordings.iter().filter(|recording| !told.contains(&recording.id));
        self.order.extend(mute.map(|recording| (recording.id, None)));
        self.sessions = sessions.into_iter().map(|session| (session.id, session)).collect();
        let path = |recording: &Recording| (recording.path.display().to_string(), recording.id);
        self.paths = recordings.iter().map(path).collect();
        let key = self.key;
        let volume = |recording: Recording| {
            let (state, name) = (State::of(&recording, key), self.name(&recording.path));
            (recording.id, Volume { recording, state, name })
        };
        self.volumes = recordings.into_iter().map(volume).collect();
    }

    /// A path as it reads below the folders that are reviewed.
    fn name(&self, path: &Path) -> String {
        let below = match self.folders.as_slice() {
            [folder] => path.strip_prefix(folder).ok().filter(|rest| *rest != Path::new("")),
            _ => None,
        };
        below.unwrap_or(path).display().to_string()
    }

    pub(crate) fn volume(&self, recording: i64) -> Option<&Volume> {
        self.volumes.get(&recording)
    }

    pub(crate) fn session(&self, session: i64) -> Option<&Session> {
        self.sessions.get(&session)
    }

    /// The recording by that path, as a case names it.
    pub(crate) fn by_path(&self, path: &str) -> Option<&Volume> {
        self.paths.get(path).and_then(|recording| self.volumes.get(recording))
    }

    /// Whether the file of a recording is the one that was read, as far as its length and its time say.
    pub(crate) fn is_as_indexed(&self, recording: i64) -> bool {
        self.volume(recording).is_none_or(|volume| volume.recording.is_as_indexed())
    }

    /// The path and the beginning of a session, by which it is found again when it was indexed anew.
    pub(crate) fn locate(&self, session: i64) -> Option<(String, Micros)> {
        let session = self.session(session)?;
        let volume = self.volume(session.recording)?;
        Some((volume.recording.path.display().to_string(), session.begins))
    }

    /// The session that begins there.
    pub(crate) fn at(&self, path: &str, begins: Micros) -> Option<i64> {
        let recording = self.by_path(path)?.recording.id;
        self.session_at(recording, begins).map(|session| session.id)
    }

    /// The session of a recording that runs at a moment.
    pub(crate) fn session_at(&self, recording: i64, offset: Micros) -> Option<&Session> {
        let of_it = self.sessions.values().filter(|session| session.recording == recording);
        of_it.filter(|session| session.begins <= offset).max_by_key(|session| session.begins)
    }

    /// When a moment of a session was.
    pub(crate) fn time(session: &Session, offset: Micros) -> Option<DateTime<Utc>> {
        let since = i64::try_from(offset.0.saturating_sub(session.begins.0)).ok()?;
        session.start?.checked_add_signed(TimeDelta::microseconds(since))
    }
}
