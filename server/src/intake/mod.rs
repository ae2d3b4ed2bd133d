//! What becomes of the bytes of a recording as they arrive at the server. Pure: bytes and `now` in, events out.
//!
//! An [`Intake`] is one recording that is being uploaded. It checks what arrives before anything of it is kept, and
//! derives the commands from it, as [`CommandLog`](casemate_command_log::CommandLog) does while a session runs. The
//! server keeps the bytes and the events together, or neither.
//!
//! *Invariants*: how the bytes are cut changes neither the events nor what is refused; the same bytes give the same ids,
//! and no two recordings share one, whatever they say they are; hostile bytes never panic, and neither their expansion
//! nor the number of their commands takes memory without limit.
//!
//! *Not here*: where bytes and events are kept, what a connection is, and when time passes.

mod clock;
mod events;
pub mod fuzz;
mod imported;
mod kube;
mod overlap;
mod reader;
mod refused;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::model::{Event, Place, Subject};
use casemate_audit_store::Form;
use casemate_cast_format::segment::{Condition, Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Header, Micros, SessionFacts, Size};

pub use self::clock::Clock;
pub use self::imported::{Imported, NoExport, read_export};
pub use self::kube::KubeList;
pub use self::overlap::{Overlap, Step};
use self::reader::Reader;
pub use self::reader::UNREAD_LIMIT;
pub use self::refused::{Reason, Refused};

/// More defects of what is sent at once than these tell nothing new.
const DEFECTS: usize = 20;

/// A feed stops behind the piece with which so many events wait: some thousand bytes each.
pub const EVENTS_AT_ONCE: usize = 1024;

/// A feed stops behind the piece with which it has read so much text: a few mebibytes of a recording can hold some tens
/// of gibibytes, and this takes less than a second.
pub const TEXT_AT_ONCE: u64 = 32 << 20;

/// Frames that need more than these 8 MiB are refused: `zstd` makes such only where one asks for it, and ours need one.
const WINDOW_LOG: u32 = 23;

/// Segments are read in pieces of this size, which hold no more than some dozens of blocks of text.
const SEGMENT_PIECE: usize = 256;

/// Text is read in pieces of this size: it is as much text as it says.
const TEXT_PIECE: usize = 32 << 10;

/// So long what was recorded may be under way to us: silence is only believed when it lasts longer.
const UNDER_WAY: Micros = Micros(1_000_000);

/// Behind so much silence nothing is decided any more.
const SETTLED: Micros = Micros(60_000_000);

/// What of a list could not be read: which, from 0, and why.
pub(crate) fn told<D: Display>(defects: &[(usize, D)]) -> Vec<String> {
    defects.iter().take(DEFECTS).map(|(number, why)| format!("event {number}: {why}")).collect()
}

/// The space of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What the server knows of a connection: it stands in each of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Id of the connection, and of the recording.
    pub connection_id: String,
    /// Whose it is.
    pub organization_id: String,
    /// Who is at it.
    pub subject: Subject,
    /// What it leads to.
    pub place: Place,
    /// Its space.
    pub space: Option<Space>,
    /// When it began: from then times count where the recording does not say when it did.
    pub started: Time,
}

/// A recording that is arriving.
pub struct Intake {
    unpacker: Option<Box<Unpacker>>,
    reader: Reader,
    position: u64,
    refused: Option<Refused>,
    quiet: Quiet,
}

/// For how long nothing has come.
#[derive(Clone, Copy)]
enum Quiet {
    /// It has, since somebody said what time it is.
    No,
    Since(Time),
    /// For longer than anything is decided.
    Settled,
}

/// What is to be said of a recording that is over.
#[derive(Debug)]
pub struct End {
    /// The last events.
    pub events: Vec<Event>,
    /// What it is, as evidence. Lines without segments are [`Condition::Unsealed`].
    pub condition: Condition,
    /// What its segments say.
    pub verdict: Option<Verdict>,
    /// How many lines of it could not be read as they stand.
    pub defects: u64,
    /// The time of its last event, from its start.
    pub duration: Micros,
}

impl Intake {
    /// Begins with the first byte of a recording.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new(form: Form, about: About) -> io::Result<Self> {
        let unpacker = match form {
            Form::Cast => None,
            Form::CastZst => Some(Box::new(Unpacker::new(UnpackerConfig {
                window_log: Some(WINDOW_LOG),
                ..UnpackerConfig::default()
            })?)),
        };
        let reader = Reader::new(about);
        Ok(Self { unpacker, reader, position: 0, refused: None, quiet: Quiet::No })
    }

    /// Takes the next bytes of the recording and says how many: fewer than there are where they hold more than is to be
    /// held at once; then the rest is to be fed again when the events have been taken. It takes at least one.
    ///
    /// # Errors
    /// The bytes are not what they ought to be. None of this feed are to be kept, there are no events of them, and the
    /// intake takes nothing more: whoever wants to go on where it was begins again, with what was kept.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Refused> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let (events, text) = (self.reader.events.len(), self.reader.text_bytes);
        let piece = if self.unpacker.is_some() { SEGMENT_PIECE } else { TEXT_PIECE };
        let mut taken = 0;
        for piece in bytes.chunks(piece) {
            if let Err(refused) = self.piece(piece) {
                self.reader.events.truncate(events);
                self.refused = Some(refused.clone());
                return Err(refused);
            }
            taken += piece.len();
            self.position += piece.len() as u64;
            if self.reader.events.len() - events >= EVENTS_AT_ONCE
                || self.reader.text_bytes - text >= TEXT_AT_ONCE
            {
                break;
            }
        }
        if taken > 0 {
            self.quiet = Quiet::No;
        }
        self.pause();
        Ok(taken)
    }

    /// Gives back what is only needed while bytes come. A feed then begins with at most a segment's text once more, which
    /// takes a millisecond or two.
    fn pause(&mut self) {
        if let Some(unpacker) = &mut self.unpacker {
            unpacker.rest();
        }
        self.reader.pause();
        self.reader.events.shrink_to(0);
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let (reader, at) = (&mut self.reader, self.position);
        let Some(unpacker) = &mut self.unpacker else { return reader.read(bytes, at) };
        let mut result = Ok(());
        unpacker.feed(bytes, &mut |unpacked| {
            if result.is_err() {
                return;
            }
            match unpacked {
                Unpacked::Text(text) => result = reader.read(text, at),
                Unpacked::Defect(defect) => result = Err(Refused::of_segments(defect)),
                Unpacked::Segment(_)
                | Unpacked::Unsealed(_)
                | Unpacked::Open(_)
                | Unpacked::SeekTable { .. }
                | Unpacked::Foreign { .. } => {}
            }
        });
        result?;
        match unpacker.lost_at() {
            Some(at) => Err(Refused { reason: Reason::Damaged, at }),
            None => Ok(()),
        }
    }

    /// Says that it is `now`, and that nothing has come since the last bytes: what rests so long may be decided.
    ///
    /// To be called now and then, a few times a second at most, by whoever has reason to believe that nothing is under way.
    /// Should something have been all the same, a command may be taken for another one.
    pub fn advance(&mut self, now: Time) {
        let since = match self.quiet {
            Quiet::No => {
                self.quiet = Quiet::Since(now);
                return;
            }
            Quiet::Since(since) => since,
            Quiet::Settled => return,
        };
        let quiet = u64::try_from(now.0.saturating_sub(since.0)).unwrap_or(0);
        let Some(passed) = quiet.checked_sub(UNDER_WAY.0).filter(|&passed| passed > 0) else { return };
        if passed >= SETTLED.0 {
            self.quiet = Quiet::Settled;
        }
        self.reader.advance(Micros(passed));
        self.pause();
    }

    /// Whoever records says that nothing was recorded for so long behind what was fed: what rests so long is decided.
    pub fn rest(&mut self, silence: Duration) {
        let silence = u64::try_from(silence.as_micros()).unwrap_or(u64::MAX);
        self.reader.advance(Micros(silence.min(SETTLED.0)));
    }

    /// The next event of what was fed.
    pub fn next_event(&mut self) -> Option<Event> {
        self.reader.events.pop_front()
    }

    /// Ends the recording, whether it is whole or not.
    #[must_use]
    pub fn finish(mut self) -> End {
        let verdict = self.unpacker.map(|unpacker| {
            unpacker.finish(&mut |unpacked| {
                if let (Unpacked::Text(text), None) = (unpacked, &self.refused) {
                    // What is wrong at the end is in the verdict.
                    self.reader.read(text, self.position).ok();
                }
            })
        });
        if self.refused.is_none() {
            self.reader.finish();
        }
        let condition = match &verdict {
            _ if self.refused.is_some() => Condition::Damaged,
            Some(verdict) => verdict.condition(None),
            None => Condition::Unsealed,
        };
        let (defects, duration) = (self.reader.defects, self.reader.last);
        End { events: Vec::from(self.reader.events), condition, verdict, defects, duration }
    }

    /// How many bytes it has taken.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What the recording says of itself, once that is there.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.reader.header.as_deref()
    }

    /// Whose session it is, by what casemate recorded; of the last one where another was appended.
    #[must_use]
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.reader.facts.as_ref()
    }

    /// The terminal's size, as it is after what was fed.
    #[must_use]
    pub fn size(&self) -> Option<Size> {
        self.reader.size
    }

    /// The time of the last event, from the start.
    #[must_use]
    pub fn duration(&self) -> Micros {
        self.reader.last
    }

    /// The recorder has said that the session is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.reader.has_ended
    }
}

/// Events that wait.
type Events = VecDeque<Event>;
