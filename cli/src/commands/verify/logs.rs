//! An export of audit logs with its proof: whether each row is the one that was written, and signed.
//!
//! What is checked, and how, is `audit_log::verify`; here is which file is one, and how its lines are read. Memory grows
//! with neither.

use std::ops::ControlFlow;
use std::path::Path;

use casemate_audit_log::chain::Hash;
use casemate_audit_log::verify::{Defect, Verified, Verifier, is_line};

use crate::failure::Failure;
use crate::input::Input;
use crate::integrity::{Integrity, Reading};
use crate::printer::Printer;

/// One of the lines in so much of an export can be read, or it is none.
const BEGINNING: usize = 256 << 10;

/// A longer line is none: an event is not as large.
const LONGEST_LINE: usize = 64 << 20;

/// Defects that are listed.
const LISTED: usize = 1000;

/// What a file was, and what was found in it.
#[derive(Debug)]
pub(super) enum Evidence {
    Recording(Box<Integrity>),
    Logs(Logs),
}

/// What was found in an export.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) name: String,
    pub(super) verified: Verified,
    /// The first of what is wrong.
    pub(super) defects: Vec<Defect>,
    /// How much is wrong.
    pub(super) defect_count: u64,
    /// Of that, how much is only somebody else's signature.
    other_keys: u64,
    /// By whom it ought to be signed.
    pub(super) key: Option<Hash>,
}

/// What is to be said of an export in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogsCondition {
    /// As it was written, and signed to its end.
    Intact,
    /// There are defects.
    Damaged,
    /// No defects, but for the key that signed it.
    OtherKey,
    /// No defects, but what stands behind the last signature may be anybody's.
    Unsigned,
}

impl Evidence {
    /// Reads a file to its end, whatever it is.
    pub(super) fn read(path: &Path, key: Option<[u8; 32]>, printer: &Printer) -> Result<Self, Failure> {
        let input = Input::open(path)?;
        let name = input.name.clone();
        let mut state = State::Beginning(Vec::new(), Reading::new(name.ends_with(".zst"), key)?);
        input.read_bytes(printer, |bytes| state.feed(bytes, key))?;
        match state.decided(key) {
            State::Logs(lines) => Ok(Self::Logs(lines.finish(name))),
            State::Beginning(_, reading) | State::Recording(reading) => {
                Ok(Self::Recording(Box::new(reading.finish(name, key)?)))
            }
        }
    }
}

/// A file being read.
enum State {
    Beginning(Vec<u8>, Reading),
    Recording(Reading),
    Logs(Lines),
}

impl State {
    fn feed(&mut self, bytes: &[u8], key: Option<[u8; 32]>) -> ControlFlow<()> {
        match self {
            Self::Beginning(begun, _) => {
                begun.extend_from_slice(bytes);
                if begun.len() < BEGINNING && begun.first().is_none_or(|first| first.is_ascii()) {
                    return ControlFlow::Continue(());
                }
                let undecided = std::mem::replace(self, Self::Logs(Lines::default()));
                *self = undecided.decided(key);
                ControlFlow::Continue(())
            }
            Self::Recording(reading) => reading.feed(bytes),
            Self::Logs(lines) => {
                lines.feed(bytes);
                ControlFlow::Continue(())
            }
        }
    }

    /// What it is, by what was read of it.
    fn decided(self, key: Option<[u8; 32]>) -> Self {
        let Self::Beginning(begun, mut reading) = self else { return self };
        if is_export(&begun) {
            let mut lines = Lines::new(key.map(Hash));
            lines.feed(&begun);
            return Self::Logs(lines);
        }
        // A recording that wants no more is asked again with what comes next.
        let _: ControlFlow<()> = reading.feed(&begun);
        Self::Recording(reading)
    }
}

/// Whether a file that begins so is an export: any of its first lines is one of such. The first one may be what was
/// changed; but that of a recording says so.
fn is_export(begun: &[u8]) -> bool {
    let mut lines = begun.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let is_recording = |line: &str| line.contains("\"version\"") && line.contains("\"width\"");
    let first = lines.next().unwrap_or_default();
    !is_recording(first) && (is_line(first) || lines.any(is_line))
}

/// An export being read.
#[derive(Default)]
struct Lines {
    verifier: Verifier,
    begun: Vec<u8>,
    logs: Logs,
}

impl Lines {
    fn new(key: Option<Hash>) -> Self {
        let logs = Logs { key, ..Logs::default() };
        Self { verifier: Verifier::new(key), begun: Vec::new(), logs }
    }

    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.begun.len());
            self.begun.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.line();
            }
        }
    }

    fn line(&mut self) {
        // What is no UTF-8 is not what was written.
        for defect in self.verifier.line(&String::from_utf8_lossy(&self.begun)) {
            self.logs.defect(defect);
        }
        self.begun.clear();
    }

    fn finish(mut self, name: String) -> Logs {
        if !self.begun.is_empty() {
            self.line();
        }
        let (verified, defects) = self.verifier.finish();
        let mut logs = Logs { name, verified, ..self.logs };
        defects.into_iter().for_each(|defect| logs.defect(defect));
        logs
    }
}

impl Logs {
    fn defect(&mut self, defect: Defect) {
        self.defect_count += 1;
        self.other_keys += u64::from(matches!(defect, Defect::OtherKey { .. }));
        if self.defects.len() < LISTED {
            self.defects.push(defect);
        }
    }

    /// What is to be said of it in a word.
    pub(super) fn condition(&self) -> LogsCondition {
        match () {
            () if self.defect_count > self.other_keys => LogsCondition::Damaged,
            () if self.defect_count > 0 => LogsCondition::OtherKey,
            () if self.verified.unsigned > 0 || self.verified.checkpoints == 0 => LogsCondition::Unsigned,
            () => LogsCondition::Intact,
        }
    }
}

#[cfg(test)]
mod tests {
    use casemate_audit_log::Time;
    use casemate_audit_log::chain::{Checkpoint, Head, Writer, content_hash};
    use casemate_audit_log::model::Log;
    use casemate_audit_log::verify::{Line, Row};
    use ed25519_dalek::SigningKey;
    use serde_json::json;

    use super::super::show::Show;
    use super::*;

    const WRITER: Writer = Writer::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001);

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    /// An export of so many rows, of which the first `signed` are signed.
    fn export(rows: u64, signed: u64) -> Vec<String> {
        let mut head = Head::begin(WRITER);
        let mut lines = Vec::new();
        let mut checkpoints = Vec::new();
        for number in 1..=rows {
            let content = json!({"id": number.to_string(), "command": format!("echo {number} \u{1b}[31m")});
            head = head.next(content_hash(Log::Command, &content).unwrap());
            let row = Row { log: Log::Command, head, content: Some(content), content_hash: None };
            lines.push(serde_json::to_string(&Line::Row(row)).unwrap());
            if number == signed {
                let checkpoint = Checkpoint::sign(Time(1_000_000), vec![head], &key());
                checkpoints.push(serde_json::to_string(&Line::Checkpoint { checkpoint }).unwrap());
            }
        }
        checkpoints.append(&mut lines);
        checkpoints
    }

    fn read(text: &[u8], key: Option<[u8; 32]>) -> Result<Evidence, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proof.jsonl");
        std::fs::write(&path, text).unwrap();
        Evidence::read(&path, key, &Printer::new(true))
    }

    fn logs(lines: &[String], key: Option<[u8; 32]>) -> Logs {
        match read((lines.join("\n") + "\n").as_bytes(), key).unwrap() {
            Evidence::Logs(logs) => Logs { name: "proof.jsonl".into(), ..logs },
            Evidence::Recording(recording) => panic!("{recording:?}"),
        }
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let public = key().verifying_key().to_bytes();
        let whole = logs(&export(5, 5), Some(public));
        assert_eq!(whole.condition(), LogsCondition::Intact);
        assert_eq!(logs(&export(5, 5), None).condition(), LogsCondition::Intact);
        assert_eq!(logs(&export(5, 5), Some([9; 32])).condition(), LogsCondition::OtherKey);
        assert_eq!(logs(&export(5, 3), Some(public)).condition(), LogsCondition::Unsigned);
        assert_eq!(logs(&export(5, 9), Some(public)).condition(), LogsCondition::Unsigned);
        let mut changed = export(5, 5);
        changed[2] = changed[2].replace("echo 2", "echo 3");
        changed.remove(4);
        changed.push("{\"is\":\"none\u{1b}[2J\"}".into());
        let changed = logs(&changed, Some(public));
        assert_eq!(changed.condition(), LogsCondition::Damaged);
        let text = [&whole, &logs(&export(5, 3), None), &changed].map(|logs| Show::Text.logs(logs)).concat();
        expect_test::expect![[r#"
            proof.jsonl: intact: 5 rows of 1 writer, 1 checkpoint, signed by the key
            proof.jsonl: NOT ALL SIGNED: 2 of 5 rows of 1 writer are behind the last of 1 checkpoint, signed by ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c
            proof.jsonl: NOT INTACT: 3 defects in 4 rows of 1 writer, 1 checkpoint, signed by the key
              line 3: row 2 of 01970000-0000-7000-8000-000000000001 was changed, or the one before it
              line 5: rows 4 to 4 of 01970000-0000-7000-8000-000000000001 are missing
              line 6: it is no row and no checkpoint: control character (\u0000-\u001F) found while parsing a string at line 1 column 11
        "#]]
        .assert_eq(&text);
        let json = Show::Json.logs(&changed);
        assert!(json.contains(r#""verdict":"damaged","status":1"#), "{json}");
        assert!(json.contains(r#""what":"missing","line":5"#), "{json}");
    }

    #[test]
    fn an_export_is_known_by_any_of_its_lines() {
        let mut lines = export(4, 4);
        lines[0] = "\u{0}".into();
        assert_eq!(logs(&lines, None).condition(), LogsCondition::Damaged);
        let cast = "{\"version\":2,\"width\":80,\"height\":24}\n[1.0,\"o\",\"x\"]\n";
        for text in [cast.to_owned(), format!("{cast}{}", lines[1])] {
            assert!(matches!(read(text.as_bytes(), None), Ok(Evidence::Recording(_))), "{text}");
        }
        assert!(read(b"{\"id\": 1}\n{\"id\": 2}\n", None).is_err(), "JSON Lines of another kind");
        let mut torn = export(4, 4).join("\n").into_bytes();
        torn.truncate(torn.len() - 20);
        let Evidence::Logs(torn) = read(&torn, None).unwrap() else { panic!("an export") };
        assert_eq!(torn.defects.iter().map(Defect::name).collect::<Vec<_>>(), ["unreadable", "cut_off"]);
    }

    #[test]
    fn what_is_larger_than_the_beginning_is_read_in_pieces() {
        let lines = export(3000, 3000);
        assert!(lines.join("\n").len() > BEGINNING * 2);
        assert_eq!(logs(&lines, None).condition(), LogsCondition::Intact);
        let mut changed = lines;
        changed[1990] = changed[1990].replace("echo 1", "echo 9");
        assert_eq!(logs(&changed, None).defect_count, 1);
    }
}
