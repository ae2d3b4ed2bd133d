//! Standard input as it comes: `casemate rec - | casemate commands -`.

use std::time::{Duration, Instant, SystemTime};

use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_command_file::LiveClock;

use casemate_store::recording::{Deriver, Record, Taker, Wish};

use super::parallel::End;
use crate::failure::Failure;
use crate::input::{Input, Strictness};
use crate::printer::Printer;

/// Takes records as they come.
pub(crate) trait LiveWriter {
    fn record(&mut self, record: &Record) -> Result<(), Failure>;

    /// Nothing more is there for now: what was written is to be seen.
    fn flush(&mut self) -> Result<(), Failure>;
}

/// Reads a recording that is perhaps still being made, to its end.
pub(crate) fn follow(
    input: Input,
    wish: &Wish,
    strictness: Strictness,
    printer: &Printer,
    writer: &mut impl LiveWriter,
) -> Result<End, Failure> {
    let mut follower = Follower { deriver: Deriver::new(wish, None), clock: None, writer };
    let read = input.read_into(UnpackerConfig::default(), strictness, printer, &mut follower);
    let Follower { mut deriver, writer, .. } = follower;
    deriver.finish(&mut |record| writer.record(&record))?;
    writer.flush()?;
    Ok(End { findings: read?, untimed: deriver.untimed })
}

struct Follower<'a, W> {
    deriver: Deriver<'a>,
    clock: Option<LiveClock>,
    writer: &'a mut W,
}

impl<W: LiveWriter> Taker for Follower<'_, W> {
    type Error = Failure;

    fn item(&mut self, item: Item<'_>) -> Result<(), Failure> {
        let now = Instant::now();
        match &item {
            Item::Header(header) => self.clock = Some(LiveClock::of(header, now)),
            Item::Event(event) => {
                if let Some(clock) = &mut self.clock {
                    clock.heard(event.time, now);
                }
            }
            Item::Comment(_) | Item::Defect(_) => {}
        }
        self.deriver.item(&item, &mut |record| self.writer.record(&record))
    }

    fn pause(&mut self) -> Result<Option<Duration>, Failure> {
        let now = Instant::now();
        if let Some(passed) = self.clock.as_mut().and_then(|clock| clock.passed(now)) {
            self.deriver.advance(passed, &mut |record| self.writer.record(&record))?;
        }
        self.writer.flush()?;
        Ok(self.clock.as_mut().and_then(|clock| clock.wait(now, SystemTime::now())))
    }
}
