//! A recording read into what is kept of it: sessions, commands, lines, and what is wrong with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use casemate_cast_format::segment::Condition;
use casemate_command_log::CommandEvent;

use crate::lines::{LineBlock, LinePacker};
use crate::recording::{Findings, Handover, Input, NobodyWaits, ReadError, Source};
use crate::watch::{Beginning, Counts, Keeper, Scope, Stop, watch};
use crate::write::{BATCH, Outcome, Totals};

/// Defects that are kept of a file.
const DEFECTS: usize = 100;

/// What comes of a recording, in this order for each of its sessions.
#[derive(Debug)]
pub(super) enum Piece {
    Session(Box<Beginning>),
    Commands(Vec<CommandEvent>),
    Lines(LineBlock),
    Totals(Box<Totals>),
}

pub(super) type Queue<'a> = Handover<'a, Piece, Outcome>;

/// Reads a recording.
pub(super) fn read(source: &Source, bytes: &AtomicU64, queue: &Queue<'_>) -> Outcome {
    let mut kept =
        Kept { queue, bytes, commands: Vec::new(), packer: LinePacker::default(), blocks: Vec::new() };
    let everything = Scope { commands: true, lines: true };
    let input = Input::open(&source.path).map_err(Stop::Read);
    match input.and_then(|input| watch(input, everything, &mut kept)) {
        Ok(findings) => outcome(&findings),
        Err(Stop::NobodyWaits) => Outcome::default(),
        Err(Stop::Read(error)) if source.is_guess && matches!(error, ReadError::Fatal { .. }) => {
            // It never said that it was a recording.
            Outcome { integrity: "none", ..Outcome::default() }
        }
        Err(Stop::Read(error)) => unreadable(&error),
    }
}

pub(super) fn unreadable(error: &ReadError) -> Outcome {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        text.push_str(&format!(": {source}"));
    }
    Outcome { integrity: "unreadable", failure: Some(text), ..Outcome::default() }
}

fn outcome(findings: &Findings) -> Outcome {
    let condition = findings.verdict.as_ref().map_or(Condition::Unsealed, |verdict| verdict.condition(None));
    let integrity = match condition {
        Condition::Intact => "intact",
        Condition::Unfinished => "unfinished",
        Condition::Unsealed => "unsealed",
        Condition::Damaged | Condition::OtherKey => "damaged",
    };
    Outcome {
        integrity,
        signed_by: findings.verdict.as_ref().and_then(|verdict| verdict.signed_by),
        failure: None,
        defect_count: findings.defect_count,
        defects: findings.defects.iter().take(DEFECTS).cloned().collect(),
    }
}

/// What is kept, on its way to the index.
struct Kept<'a> {
    queue: &'a Queue<'a>,
    bytes: &'a AtomicU64,
    /// For the next batch.
    commands: Vec<CommandEvent>,
    packer: LinePacker,
    /// Blocks that are to be handed over.
    blocks: Vec<LineBlock>,
}

impl Keeper for Kept<'_> {
    fn session(&mut self, beginning: Beginning) -> Result<(), NobodyWaits> {
        self.queue.give(Piece::Session(Box::new(beginning)))
    }

    fn command(&mut self, event: CommandEvent) -> Result<(), NobodyWaits> {
        self.commands.push(event);
        if self.commands.len() < BATCH {
            return Ok(());
        }
        self.queue.give(Piece::Commands(std::mem::take(&mut self.commands)))
    }

    fn line(&mut self, time: Duration, text: &str) {
        self.blocks.extend(self.packer.line(time, text));
    }

    fn settle(&mut self) -> Result<(), NobodyWaits> {
        if !self.queue.is_wanted() {
            return Err(NobodyWaits);
        }
        self.blocks.drain(..).try_for_each(|block| self.queue.give(Piece::Lines(block)))
    }

    fn end(&mut self, counts: Counts) -> Result<(), NobodyWaits> {
        self.blocks.extend(self.packer.take());
        self.settle()?;
        self.queue.give(Piece::Commands(std::mem::take(&mut self.commands)))?;
        let LinePacker { lines, left_out, .. } = std::mem::take(&mut self.packer);
        self.queue.give(Piece::Totals(Box::new(Totals { counts, lines, left_out })))
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
