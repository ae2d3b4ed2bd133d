//! Command events: what the log says of one line that was given to a shell or a program.
//!
//! The names of the fields are public and fixed; more may be added.

use casemate_cast_format::Micros;
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// One command, or one line given to a program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandEvent {
    /// The same whenever it is derived again: made of the session, its part and the offset.
    pub id: String,
    /// Id of the session.
    pub session: Option<String>,
    /// Of two records about one command, which: only while a session is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// When the line was committed, UTC, with microseconds.
    pub time: Option<String>,
    /// Where that is in the recording, in seconds.
    #[serde(serialize_with = "seconds")]
    pub offset: Micros,
    /// Until the next prompt, in seconds.
    #[serde(serialize_with = "optional_seconds")]
    pub duration: Option<Micros>,
    /// The person.
    pub user: Option<String>,
    /// The machine, container or pod that the line was given on.
    pub target: Option<String>,
    /// The account there.
    pub target_user: Option<String>,
    /// The line as it was committed; several lines with newlines between them. Null where unknown.
    pub command: Option<String>,
    /// Why the command is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Working directory of the shell.
    pub cwd: Option<String>,
    /// Exit status.
    pub exit_code: Option<i32>,
    /// Who got the line.
    pub kind: Kind,
    /// Name of the program that got the line, if it was no shell.
    pub program: Option<String>,
    /// Where the text is from.
    pub source: Source,
    /// From 0 to 1.
    pub confidence: f64,
    /// Bytes of output until the next prompt.
    pub output_bytes: Option<u64>,
    /// Where the output begins and ends in the recording, in seconds.
    #[serde(serialize_with = "optional_range")]
    pub output: Option<(Micros, Micros)>,
    /// Where its output begins in all that was put out: so many bytes, as [`Scanner`](casemate_terminal::Scanner) gives
    /// them, lie before it. The end of the line may be the first of it. For whoever keeps the output.
    #[serde(skip)]
    pub output_at: Option<u64>,
    /// The texts that disagree, where they do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mismatch: Vec<Candidate>,
    /// What is known only of a program that ran without a terminal.
    #[serde(flatten)]
    pub piped: Option<Box<Piped>>,
}

/// A program that ran without a terminal, as the recorder that started it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piped {
    /// What it was called, and its arguments.
    pub argv: Vec<String>,
    /// There were more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub argv_cut: bool,
    /// Bytes that it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// Bytes that it put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    /// Bytes that it wrote to its standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_err: Option<u64>,
}

/// Which record of a running session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The line was committed.
    Started,
    /// The next prompt is there.
    Finished,
}

/// Who got a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A shell: it is a command.
    Shell,
    /// A program that runs: an answer, a query, a statement.
    Program,
    /// Something was run that the terminal did not show.
    Hidden,
    /// A line that was thrown away before it was run.
    Cancelled,
}

/// What a text was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The shell said it in a mark.
    Marks,
    /// It stood on the screen.
    Screen,
    /// The recorder started it.
    Exec,
    /// Nowhere.
    None,
}

/// Why a command is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was typed while the terminal did not show it.
    NotEchoed,
    /// It is longer than what is kept.
    TooLong,
    /// The screen was erased or overwritten before the line could be read.
    Overwritten,
}

/// One of several texts for a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Where it is from.
    pub source: Source,
    /// The text.
    pub command: String,
}

/// An id made of the session and its part, the offset, and how many others have the same offset.
pub(crate) fn id(session: Option<&str>, part: u32, offset: Micros, ordinal: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(session.unwrap_or_default());
    hash.update([0]);
    // Offsets of each part of a rotated recording begin anew.
    hash.update(part.to_be_bytes());
    hash.update(offset.0.to_be_bytes());
    hash.update(ordinal.to_be_bytes());
    let mut bytes: [u8; 16] = hash.finalize()[..16].try_into().expect("a SHA-256 has 32 bytes");
    // Version 8 of UUIDs is for layouts of one's own.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        id.extend([byte >> 4, byte & 0x0f].map(|digit| char::from(DIGITS[usize::from(digit)])));
    }
    id
}

/// A moment as the log writes it, from microseconds since 1970.
pub(crate) fn timestamp(microseconds: u64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(i64::try_from(microseconds).ok()?)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::cast_precision_loss, reason = "exact to the microsecond for 285 years")]
fn as_seconds(time: Micros) -> f64 {
    time.0 as f64 / 1e6
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn seconds<S: Serializer>(time: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(as_seconds(*time))
}

fn optional_seconds<S: Serializer>(time: &Option<Micros>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(as_seconds).serialize(serializer)
}

fn optional_range<S: Serializer>(range: &Option<(Micros, Micros)>, serializer: S) -> Result<S::Ok, S::Error> {
    range.map(|(begin, end)| [as_seconds(begin), as_seconds(end)]).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_session_offset_and_ordinal_only() {
        let first = id(Some("s"), 1, Micros(5), 0);
        assert_eq!(first, id(Some("s"), 1, Micros(5), 0));
        assert_eq!(first.len(), 36);
        assert_eq!(&first[14..15], "8");
        for other in [
            id(Some("t"), 1, Micros(5), 0),
            id(Some("s"), 1, Micros(6), 0),
            id(Some("s"), 1, Micros(5), 1),
            id(Some("s"), 2, Micros(5), 0),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn times_have_microseconds() {
        assert_eq!(timestamp(1_763_795_008_123_456).as_deref(), Some("2025-11-22T07:03:28.123456Z"));
        assert_eq!(timestamp(u64::MAX), None);
    }
}
