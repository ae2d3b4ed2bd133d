//! Reports on recordings: one page of HTML that needs nothing else, for a screen and for paper.
//!
//! - [`Reader`] takes the items of a recording, and makes a [`Recording`] of them: whose session it is, its commands,
//!   stills of its marked moments, and a copy that a browser can play.
//! - [`Report`] is all that a page says; [`Report::page`] is the page.
//!
//! Pure: items, hashes and the time come from the caller; text goes out.
//!
//! *Invariants*: whoever was recorded is an adversary. What is in a recording becomes text, numbers and base64, never
//! markup: the templates escape all that they are given, but for the pictures of `casemate_terminal::render`, which
//! escape it themselves. A Content-Security-Policy names the scripts and styles of the page by their hashes, so no
//! other runs, and nothing is fetched from anywhere.

mod assets;
mod embed;
mod integrity;
mod page;
mod reader;
mod session;
#[cfg(test)]
mod tests;
mod text;

use casemate_cast_format::segment::Verdict;
use casemate_cast_format::{Micros, SessionFacts};
use casemate_command_log::CommandEvent;
use chrono::{DateTime, Utc};

pub use integrity::State;
pub use reader::{Limits, Reader};

/// All that a page says.
#[derive(Debug)]
pub struct Report {
    /// What it is about, in a line.
    pub title: String,
    /// Facts of the case, each with its name: number, who made the report.
    pub facts: Vec<(String, String)>,
    /// What whoever made it has to say, in paragraphs.
    pub note: Option<String>,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// What made it, with its version.
    pub tool: String,
    /// What was looked for recordings, as it was named.
    pub places: Vec<String>,
    /// What was found there.
    pub recordings: Vec<Recording>,
    /// What could not be read, and why.
    pub failures: Vec<String>,
    /// The key by which the recordings ought to be signed.
    pub key: Option<[u8; 32]>,
}

/// A recording, as a report has it.
#[derive(Debug)]
pub struct Recording {
    /// Its file.
    pub source: Source,
    /// Whose session it is, where it says so, and those that were appended to it.
    pub sessions: Vec<SessionFacts>,
    /// What it is called.
    pub title: Option<String>,
    /// What was recorded.
    pub command: Option<String>,
    /// When it began.
    pub start: Option<DateTime<Utc>>,
    /// How long it is.
    pub duration: Micros,
    /// The terminal: its size, and its type.
    pub terminal: String,
    /// How it ended: the reason, and the exit status.
    pub end: Option<String>,
    /// See [`Self::end`].
    pub exit: Option<String>,
    /// What it is a part of, in words.
    pub excerpt: Option<String>,
    /// What was run.
    pub commands: Vec<CommandEvent>,
    /// How many commands more there are.
    pub more_commands: u64,
    /// What stood on the screen at marked moments, or at the end.
    pub stills: Vec<Still>,
    /// How many marked moments more there are.
    pub more_stills: u64,
    /// The copy to be played.
    pub playback: Playback,
}

/// The file of a recording, and what is to be said of it as evidence.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of all of it.
    pub sha256: [u8; 32],
    /// What its format is, in words.
    pub format: String,
    /// It was longer, or shorter, when it was read than when its hash was taken.
    pub has_changed: bool,
    /// What is to be said of its segments, if it has any.
    pub verdict: Option<Verdict>,
    /// What is wrong with it, the first things, in words.
    pub defects: Vec<String>,
    /// How many things are wrong.
    pub defect_count: u64,
}

/// A moment of a recording as a picture.
#[derive(Debug)]
pub struct Still {
    /// When it was.
    pub at: Micros,
    /// Why it is shown.
    pub reason: Reason,
    /// How wide the screen was.
    pub cols: u16,
    /// The picture.
    pub svg: String,
}

/// Why a still is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the end.
    End,
    /// The recording has a marker there, with that label.
    Marker(String),
    /// A reviewer noted something of that moment.
    Note(Note),
}

/// What a reviewer noted of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The moment.
    pub at: Micros,
    /// What is said.
    pub text: String,
    /// By whom.
    pub by: String,
    /// The command or line that it is about.
    pub about: Option<String>,
}

/// Whether a recording can be played.
#[derive(Debug)]
pub enum Playback {
    /// Its text, deflated, in base64.
    Embedded(String),
    /// It is too long.
    TooLong,
    /// There is nothing to play.
    Empty,
}

impl Recording {
    /// How many bytes of the page its copy takes.
    #[must_use]
    pub fn embedded_bytes(&self) -> u64 {
        match &self.playback {
            Playback::Embedded(data) => u64::try_from(data.len()).unwrap_or(u64::MAX),
            Playback::TooLong | Playback::Empty => 0,
        }
    }
}
