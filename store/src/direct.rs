//! A search without an index: recordings are read from beginning to end, many at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use casemate_cast_format::Micros;
use casemate_command_log::CommandEvent;

use crate::lines::Allowance;
use crate::pattern::Pattern;
use crate::query::Where;
use crate::recording::{
    Findings, Given, Handover, Input, NobodyWaits, ReadError, Source, in_order, one_line,
};
use crate::watch::{Beginning, Counts, Keeper, Scope, Stop, watch};

/// Finds are handed over together.
const BATCH: usize = 64;

/// What is looked through of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The commands.
    Commands,
    /// What was to be seen.
    Output,
    /// Both.
    Both,
    /// What was to be seen and is in no index, because it flowed by too fast.
    LeftOut,
}

/// Something was found in a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Find {
    /// The session's UUID, where casemate recorded it.
    pub session: Option<String>,
    /// In what.
    pub place: Where,
    /// Where to stand in the recording.
    pub offset: Micros,
    /// The command, or the line.
    pub text: String,
}

/// What comes of a search, recording by recording.
#[derive(Debug)]
pub enum Searched {
    /// This was found.
    Finds(Vec<Find>),
    /// The recording is at its end.
    End(Box<Result<Findings, ReadError>>),
    /// Nothing yet.
    Beat,
}

/// Looks through recordings, in their order. `take` is told what is found, and how many bytes have been read of all.
/// What nobody has said to be a recording, and is none, is passed over.
///
/// # Errors
///
/// That of `take`, which ends the search.
pub fn look_through<E>(
    sources: &[Source],
    pattern: &Pattern,
    part: Part,
    mut take: impl FnMut(&Source, Searched, u64) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = AtomicU64::new(0);
    in_order(
        sources,
        |source, queue| read(source, pattern, part, &bytes, queue),
        |source, given| {
            let searched = match given {
                Given::Piece(finds) => Searched::Finds(finds),
                Given::End(Some(end)) => Searched::End(Box::new(end)),
                Given::End(None) => {
                    let name = one_line(&source.path.display().to_string());
                    let error = ReadError::Defect(format!("{name}: reading it ended unexpectedly"));
                    Searched::End(Box::new(Err(error)))
                }
                Given::Beat => Searched::Beat,
            };
            take(source, searched, bytes.load(Ordering::Relaxed))
        },
    )
}

type Queue<'a> = Handover<'a, Vec<Find>, Result<Findings, ReadError>>;

fn read(
    source: &Source,
    pattern: &Pattern,
    part: Part,
    bytes: &AtomicU64,
    queue: &Queue<'_>,
) -> Result<Findings, ReadError> {
    let scope = Scope {
        commands: matches!(part, Part::Commands | Part::Both),
        lines: matches!(part, Part::Output | Part::Both | Part::LeftOut),
    };
    let allowance = (part == Part::LeftOut).then(Allowance::default);
    let mut looker = Looker { queue, bytes, pattern, session: None, allowance, finds: Vec::new() };
    match watch(Input::open(&source.path)?, scope, &mut looker) {
        Ok(findings) => Ok(findings),
        Err(Stop::NobodyWaits) => Ok(Findings::default()),
        // It never said that it was a recording.
        Err(Stop::Read(ReadError::Fatal { .. })) if source.is_guess => Ok(Findings::default()),
        Err(Stop::Read(error)) => Err(error),
    }
}

struct Looker<'a> {
    queue: &'a Queue<'a>,
    bytes: &'a AtomicU64,
    pattern: &'a Pattern,
    session: Option<String>,
    /// What an index has, where only the rest is looked for.
    allowance: Option<Allowance>,
    finds: Vec<Find>,
}

impl Looker<'_> {
    fn look(&mut self, place: Where, offset: Micros, text: &str) {
        if self.pattern.regex().is_match(text) {
            self.finds.push(Find { session: self.session.clone(), place, offset, text: text.to_owned() });
        }
    }

    fn give(&mut self) -> Result<(), NobodyWaits> {
        if self.finds.is_empty() { Ok(()) } else { self.queue.give(std::mem::take(&mut self.finds)) }
    }
}

impl Keeper for Looker<'_> {
    fn session(&mut self, beginning: Beginning) -> Result<(), NobodyWaits> {
        self.session = beginning.session;
        if let Some(allowance) = &mut self.allowance {
            *allowance = Allowance::default();
        }
        Ok(())
    }

    fn command(&mut self, event: CommandEvent) -> Result<(), NobodyWaits> {
        if let Some(command) = &event.command {
            self.look(Where::Command, event.offset, command);
        }
        Ok(())
    }

    fn line(&mut self, time: Duration, text: &str) {
        let time = Micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let is_kept =
            self.allowance.as_mut().is_some_and(|allowance| allowance.take(time, text.len() as u64));
        if !is_kept {
            self.look(Where::Output, time, text);
        }
    }

    fn settle(&mut self) -> Result<(), NobodyWaits> {
        if !self.queue.is_wanted() {
            return Err(NobodyWaits);
        }
        if self.finds.len() >= BATCH { self.give() } else { Ok(()) }
    }

    fn end(&mut self, _: Counts) -> Result<(), NobodyWaits> {
        self.give()
    }

    fn advance(&mut self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
