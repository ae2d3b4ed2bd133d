//! Checks an export of all logs without asking anybody: chains, checkpoints, signatures.
//!
//! An export is JSON Lines: first the checkpoints, then the rows of each writer in their order. Rows of several writers may
//! alternate. Memory does not grow with the rows.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chain::{Checkpoint, Hash, Head, Writer, content_hash};
use crate::model::Log;

/// One line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// A checkpoint.
    Checkpoint {
        /// It.
        checkpoint: Checkpoint,
    },
    /// A row.
    Row(Row),
}

/// A row of a log, in its chain.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Which log.
    pub log: Log,
    /// Its place.
    #[serde(flatten)]
    pub head: Head,
    /// The event; gone where its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// The hash of an event that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<Hash>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// A line is no line of an export.
    #[error("line {line}: it is no row and no checkpoint: {reason}")]
    Unreadable {
        /// Which.
        line: u64,
        /// Why.
        reason: String,
    },
    /// A row or its place was changed.
    #[error("line {line}: row {seq} of {writer} was changed, or the one before it")]
    Changed {
        /// Which.
        line: u64,
        /// Whose.
        writer: Writer,
        /// Its number.
        seq: u64,
    },
    /// Rows are missing.
    #[error("line {line}: rows {from} to {to} of {writer} are missing")]
    Missing {
        /// Before which.
        line: u64,
        /// Whose.
        writer: Writer,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A row was there before.
    #[error("line {line}: row {seq} of {writer} does not belong here, behind row {behind}")]
    OutOfOrder {
        /// Which.
        line: u64,
        /// Whose.
        writer: Writer,
        /// Its number.
        seq: u64,
        /// What was there.
        behind: u64,
    },
    /// A checkpoint was changed, or made by somebody else.
    #[error("line {line}: the checkpoint of {time} does not hold")]
    BadCheckpoint {
        /// Which.
        line: u64,
        /// Of when.
        time: crate::Time,
    },
    /// A checkpoint is signed with a key that is not the expected one.
    #[error("line {line}: the checkpoint of {time} is signed with another key, {key}")]
    OtherKey {
        /// Which.
        line: u64,
        /// Of when.
        time: crate::Time,
        /// Which key.
        key: Hash,
    },
    /// What was signed is not what is there.
    #[error("row {seq} of {writer} is not the one that was signed at {time}")]
    NotAsSigned {
        /// Whose.
        writer: Writer,
        /// Its number.
        seq: u64,
        /// When.
        time: crate::Time,
    },
    /// What was signed is not there.
    #[error("rows of {writer} are missing: {seq} were signed at {time}, there are {rows}")]
    CutOff {
        /// Whose.
        writer: Writer,
        /// How many there were.
        seq: u64,
        /// When.
        time: crate::Time,
        /// How many there are.
        rows: u64,
    },
}

impl Defect {
    /// Its kind, in a word that stays.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Changed { .. } => "changed",
            Self::Missing { .. } => "missing",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::BadCheckpoint { .. } => "bad_checkpoint",
            Self::OtherKey { .. } => "other_key",
            Self::NotAsSigned { .. } => "not_as_signed",
            Self::CutOff { .. } => "cut_off",
        }
    }

    /// The line of the export that it is seen in; nothing where it is seen by what is not there.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Unreadable { line, .. }
            | Self::Changed { line, .. }
            | Self::Missing { line, .. }
            | Self::OutOfOrder { line, .. }
            | Self::BadCheckpoint { line, .. }
            | Self::OtherKey { line, .. } => Some(*line),
            Self::NotAsSigned { .. } | Self::CutOff { .. } => None,
        }
    }
}

/// What is known of one writer's chain so far.
#[derive(Debug, Default)]
struct Progress {
    head: Option<Head>,
    /// What was signed of it, in order.
    signed: VecDeque<(Head, crate::Time)>,
    /// Up to where it is as it was signed.
    signed_to: u64,
}

/// Checks an export, line after line.
#[derive(Debug, Default)]
pub struct Verifier {
    key: Option<Hash>,
    line: u64,
    rows: u64,
    erased: u64,
    checkpoints: u64,
    writers: BTreeMap<Writer, Progress>,
    keys: Vec<Hash>,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Rows.
    pub rows: u64,
    /// Of those, whose content is gone.
    pub erased: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Writers.
    pub writers: u64,
    /// Rows behind the last checkpoint: nobody has signed them.
    pub unsigned: u64,
    /// Which keys have signed.
    pub keys: Vec<Hash>,
}

/// Whether a line is one of an export: what tells an export from other JSON Lines.
#[must_use]
pub fn is_line(text: &str) -> bool {
    serde_json::from_str::<Line>(text).is_ok()
}

impl Verifier {
    /// Checks what only this key may have signed; any, without one.
    #[must_use]
    pub fn new(key: Option<Hash>) -> Self {
        Self { key, ..Self::default() }
    }

    /// Checks the next line; gives what is wrong with it.
    pub fn line(&mut self, text: &str) -> Vec<Defect> {
        self.line += 1;
        if text.trim().is_empty() {
            return Vec::new();
        }
        match serde_json::from_str(text) {
            Ok(Line::Checkpoint { checkpoint }) => self.checkpoint(checkpoint),
            Ok(Line::Row(row)) => self.row(&row),
            Err(_) => vec![Defect::Unreadable { line: self.line, reason: why(text) }],
        }
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) -> Vec<Defect> {
        let (line, time, key) = (self.line, checkpoint.time, checkpoint.public_key);
        if !checkpoint.holds() {
            return vec![Defect::BadCheckpoint { line, time }];
        }
        if self.key.is_some_and(|wanted| wanted != key) {
            return vec![Defect::OtherKey { line, time, key }];
        }
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self.checkpoints += 1;
        for head in checkpoint.heads {
            let progress = self.writers.entry(head.writer).or_default();
            let at = progress.signed.partition_point(|(signed, _)| signed.seq < head.seq);
            progress.signed.insert(at, (head, time));
        }
        Vec::new()
    }

    fn row(&mut self, row: &Row) -> Vec<Defect> {
        let (line, Head { writer, seq, .. }) = (self.line, row.head);
        self.rows += 1;
        self.erased += u64::from(row.content.is_none());
        let content = match (&row.content, row.content_hash) {
            (Some(content), _) => content_hash(row.log, content).ok(),
            (None, hash) => hash,
        };
        let progress = self.writers.entry(writer).or_default();
        let before = progress.head.unwrap_or(Head::begin(writer));
        let mut defects = Vec::new();
        if seq <= before.seq {
            defects.push(Defect::OutOfOrder { line, writer, seq, behind: before.seq });
            return defects;
        }
        if seq > before.seq + 1 {
            defects.push(Defect::Missing { line, writer, from: before.seq + 1, to: seq - 1 });
        } else if content.is_none_or(|content| before.next(content) != row.head) {
            defects.push(Defect::Changed { line, writer, seq });
        }
        progress.head = Some(row.head);
        while let Some((signed, time)) = progress.signed.front().copied()
            && signed.seq <= seq
        {
            progress.signed.pop_front();
            if signed.seq == seq && signed == row.head {
                progress.signed_to = seq;
            } else if signed.seq == seq {
                defects.push(Defect::NotAsSigned { writer, seq, time });
            }
        }
        defects
    }

    /// The end of the export; gives what came of it, and what was not there.
    #[must_use]
    pub fn finish(self) -> (Verified, Vec<Defect>) {
        let mut defects = Vec::new();
        let mut verified = Verified {
            rows: self.rows,
            erased: self.erased,
            checkpoints: self.checkpoints,
            keys: self.keys,
            ..Verified::default()
        };
        for (writer, progress) in self.writers {
            let rows = progress.head.map_or(0, |head| head.seq);
            verified.writers += u64::from(rows > 0);
            verified.unsigned += rows.saturating_sub(progress.signed_to);
            if let Some((signed, time)) = progress.signed.back().filter(|(signed, _)| signed.seq > rows) {
                defects.push(Defect::CutOff { writer, seq: signed.seq, time: *time, rows });
            }
        }
        (verified, defects)
    }
}

/// Why a line is none: what an untagged form does not say.
fn why(text: &str) -> String {
    match serde_json::from_str::<&RawValue>(text) {
        Err(error) => error.to_string(),
        Ok(_) => match serde_json::from_str::<Row>(text) {
            Err(error) => error.to_string(),
            Ok(_) => "it is something else".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    /// An export of two writers, signed in the middle and at the end, with one event that is gone.
    fn export(rows: u64) -> Vec<String> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut heads = [1, 2].map(|writer| Head::begin(Uuid::from_u128(writer)));
        let (mut checkpoints, mut lines) = (Vec::new(), Vec::new());
        for number in 0..rows {
            let head = &mut heads[usize::try_from(number % 3 / 2).unwrap()];
            let content = json!({"id": number.to_string(), "offset": 0.25});
            let hash = content_hash(Log::Command, &content).unwrap();
            *head = head.next(hash);
            let (content, content_hash) =
                if number == 1 { (None, Some(hash)) } else { (Some(content), None) };
            let row = Row { log: Log::Command, head: *head, content, content_hash };
            lines.push(serde_json::to_string(&Line::Row(row)).unwrap());
            if number == rows / 2 || number + 1 == rows {
                let time = crate::Time(i64::try_from(number).unwrap());
                let checkpoint = Checkpoint::sign(time, heads.to_vec(), &key);
                checkpoints.push(serde_json::to_string(&Line::Checkpoint { checkpoint }).unwrap());
            }
        }
        checkpoints.extend(lines);
        checkpoints
    }

    fn check(lines: &[String]) -> (Verified, Vec<Defect>) {
        let mut verifier = Verifier::default();
        let mut defects: Vec<_> = lines.iter().flat_map(|line| verifier.line(line)).collect();
        let (verified, more) = verifier.finish();
        defects.extend(more);
        (verified, defects)
    }

    #[test]
    fn what_is_as_it_was_holds() {
        let (verified, defects) = check(&export(10));
        assert_eq!(defects, []);
        let key = Hash(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        let expected =
            Verified { rows: 10, erased: 1, checkpoints: 2, writers: 2, unsigned: 0, keys: vec![key] };
        assert_eq!(verified, expected);
        let mut other = Verifier::new(Some(Hash([1; 32])));
        assert!(matches!(other.line(&export(10)[0])[..], [Defect::OtherKey { line: 1, .. }]));
    }

    #[test]
    fn a_chain_that_was_written_anew_is_not_what_was_signed() {
        let (genuine, mut forged) = (export(10), export(10));
        // Somebody with the database changes a row, and all hashes behind it.
        let mut head = Head::begin(Uuid::from_u128(1));
        for line in
            forged.iter_mut().filter(|line| line.starts_with("{\"log") && line.contains("0001\",\"seq\""))
        {
            let Line::Row(mut row) = serde_json::from_str(line).unwrap() else { panic!("a row") };
            if row.head.seq == 3 {
                row.content = Some(json!({"id": "something else"}));
            }
            let content = row.content.as_ref().map(|content| content_hash(row.log, content).unwrap());
            head = head.next(content.or(row.content_hash).unwrap());
            row.head = head;
            *line = serde_json::to_string(&Line::Row(row)).unwrap();
        }
        assert_ne!(forged, genuine);
        let (_, defects) = check(&forged);
        assert!(defects.iter().all(|defect| matches!(defect, Defect::NotAsSigned { .. })), "{defects:?}");
        assert_eq!(defects.len(), 2, "{defects:?}");
    }

    #[test]
    fn hostile_lines_are_named() {
        for line in ["{", "[]", "{}", "{\"log\":\"command\"}", "\u{0}", "{\"log\":\"nothing\",\"seq\":1}"] {
            let (_, defects) = check(&[line.to_owned()]);
            assert!(matches!(defects[..], [Defect::Unreadable { line: 1, .. }]), "{line}: {defects:?}");
        }
    }

    proptest! {
        #[test]
        fn every_row_that_is_changed_removed_moved_or_doubled_is_found(
            rows in 4..40_u64,
            which in any::<prop::sample::Index>(),
            to in any::<prop::sample::Index>(),
            how in 0..4,
        ) {
            let mut lines = export(rows);
            let at = 2 + which.index(lines.len() - 2);
            let line = lines[at].clone();
            match how {
                0 => drop(lines.remove(at)),
                1 => lines.insert(2 + to.index(lines.len() - 2), line),
                2 if line.contains("0.25") => lines[at] = line.replace("0.25", "0.5"),
                2 => lines[at] = line.replace("\"contentHash\":\"", "\"contentHash\":\"0").replacen('0', "", 1),
                _ => {
                    let line = lines.remove(at);
                    let to = 2 + to.index(lines.len() - 1);
                    lines.insert(to, line);
                }
            }
            // Rows of different writers may stand in any order.
            let order = |lines: &[String]| {
                let mut rows: Vec<_> = lines[2..].iter().cloned().enumerate().collect();
                rows.sort_by_key(|(at, line)| (line.contains("0001\",\"seq\""), *at));
                rows.into_iter().map(|(_, line)| line).collect::<Vec<_>>()
            };
            if order(&lines) != order(&export(rows)) {
                prop_assert_ne!(check(&lines).1, []);
            }
        }

        #[test]
        fn anything_may_be_a_line(lines in prop::collection::vec(".{0,80}", 0..5)) {
            check(&lines);
        }
    }
}
