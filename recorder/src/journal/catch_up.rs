//! Brings the screen of a recording that fell behind up to date, from the recording's own file.
//!
//! It is done in slices, while the session puts nothing out, on the journal's thread: between two of them the
//! journal looks at its queue. What goes wrong costs keyframes and nothing else.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use casemate_cast_format::segment::TextReader;
use casemate_cast_format::{Decoder, Item, Version};

use crate::keyframes::{Keyframes, Place};

/// So long the journal may be kept from its queue: far less than what it promises.
const SLICE: Duration = Duration::from_millis(4);

/// So much at once may be part of a flood,
pub(super) const FLOOD_BATCH: usize = 16 << 10;

/// which is over when as much has not come for this long. On a busy machine a flood pauses for tens of
/// milliseconds, because whoever makes it does not get a turn: that is no time for more work.
pub(super) const REST: Duration = Duration::from_millis(100);

/// The file is read in pieces of this size.
const READ_BYTES: usize = 16 << 10;

/// Plays a recording again, from a place in its file.
pub(super) struct CatchUp {
    file: File,
    /// Everything before this has been read.
    offset: u64,
    /// So much of the text that comes next was played before.
    skip: u64,
    text: TextReader,
    decoder: Decoder,
}

impl CatchUp {
    pub(super) fn begin(file: File, place: Place, version: Version) -> io::Result<Self> {
        let is_whole = place == Place::default();
        Ok(Self {
            file,
            offset: place.frame,
            skip: place.text_bytes,
            text: TextReader::new()?,
            decoder: if is_whole { Decoder::new() } else { Decoder::resume_behind(version, 0) },
        })
    }

    /// Plays on for a slice; whether everything is played up to `end`, which is the end of a line and of what
    /// was flushed.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what was written.
    pub(super) fn step(&mut self, end: u64, keyframes: &mut Keyframes) -> io::Result<bool> {
        let until = Instant::now() + SLICE;
        loop {
            if let Some(text) = self.text.next_text()? {
                let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(text.len());
                self.skip -= known as u64;
                self.decoder.feed(&text[known..]);
                play(&mut self.decoder, keyframes);
            } else if self.offset < end {
                let length = usize::try_from(end - self.offset).unwrap_or(READ_BYTES).min(READ_BYTES);
                let mut bytes = vec![0; length];
                self.file.read_exact_at(&mut bytes, self.offset)?;
                self.offset += length as u64;
                self.text.feed(&bytes);
            } else {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }
}

fn play(decoder: &mut Decoder, keyframes: &mut Keyframes) {
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(header) => keyframes.begin(&header),
            Item::Event(event) => keyframes.replay(&event),
            Item::Comment(_) | Item::Defect(_) => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use casemate_cast_format::{Code, Event, Header, Micros, SessionFacts, Size};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::sink::{Plan, Rotation, Screen, Sink};
    use super::*;
    use crate::form::Format;
    use crate::journal::Existing;
    use crate::keyframes::tests::{Step, check, step};

    pub(in crate::journal) fn plan(version: Version) -> Plan {
        let facts = serde_json::json!({ "session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5 });
        let facts: SessionFacts = serde_json::from_value(facts).unwrap();
        Plan {
            format: Format::Cast { version, segments: true },
            header: Header::new(Size { cols: 20, rows: 5 }),
            facts,
            rotation: Rotation::default(),
            signing_key: None,
            rights: None,
        }
    }

    fn drawing(count: usize) -> Vec<u8> {
        b"\x1b[2;3Htext\x1b[1;1Hmore\x1b7\r\n".repeat(count)
    }

    fn settle(sink: &mut Sink) {
        sink.flush().unwrap();
        let mut slices = 0;
        while sink.catch_up() != Screen::Settled {
            slices += 1;
            assert!(slices < 10_000);
        }
    }

    /// Records in one session after the other; a flush is a rest in which everything is caught up, every other one.
    fn record(version: Version, sessions: &[Vec<Step>]) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast.zst");
        for (number, steps) in sessions.iter().enumerate() {
            let mut sink = if number == 0 {
                Sink::create(plan(version), &path, Existing::Refuse).unwrap()
            } else {
                Sink::append(plan(version), &path).unwrap()
            };
            for (number, step) in steps.iter().enumerate() {
                let time = Micros(number as u64 * 10_000);
                match step {
                    Step::Output(bytes) => sink.output(time, bytes).unwrap(),
                    Step::Resize(cols, rows) => {
                        sink.event(&Event::new(time, Code::Resize, &format!("{cols}x{rows}"))).unwrap();
                    }
                    Step::Flush if number % 2 == 0 => settle(&mut sink),
                    Step::Flush => {
                        sink.flush().unwrap();
                        sink.catch_up();
                    }
                    Step::Seal => sink.seal().unwrap(),
                }
            }
            sink.finish(|| ()).unwrap();
        }
        check(&std::fs::read(&path).unwrap())
    }

    #[test]
    fn behind_a_flood_the_screen_is_read_from_the_file() {
        let flood = [Step::Output(drawing(40_000)), Step::Output(b"$ ".to_vec())];
        let typed = [Step::Output(drawing(3000)), Step::Seal];
        for version in [Version::V2, Version::V3] {
            // Nobody has the time to catch up,
            assert_eq!(record(version, &[[&flood[..], &typed].concat()]), 0);
            // now somebody does,
            let rest = vec![Step::Flush; 3];
            assert_eq!(record(version, &[[&flood[..], &rest, &typed].concat()]), 1);
            // or whoever appends.
            assert_eq!(record(version, &[flood.to_vec(), [&rest[..], &typed].concat()]), 1);
            let both = [[&flood[..], &rest, &typed, &flood].concat(), [&rest[..], &typed].concat()];
            assert_eq!(record(version, &both), 2);
        }
    }

    #[test]
    fn a_file_that_was_changed_costs_keyframes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast.zst");
        for change in ["other", "shorter", "gone"] {
            let mut sink = Sink::create(plan(Version::V2), &path, Existing::Replace).unwrap();
            for number in 0..10 {
                sink.output(Micros(number), &drawing(10_000)).unwrap();
            }
            sink.flush().unwrap();
            assert!(sink.is_behind());
            let length = std::fs::metadata(&path).unwrap().len();
            match change {
                "other" => std::fs::write(&path, vec![b'x'; usize::try_from(length).unwrap()]).unwrap(),
                "shorter" => File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap(),
                _ => std::fs::remove_file(&path).unwrap(),
            }
            while sink.catch_up() != Screen::Settled {}
            assert!(!sink.is_behind());
            sink.output(Micros(20), &drawing(10_000)).unwrap();
            sink.seal().unwrap();
            sink.finish(|| ()).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn wherever_it_is_caught_up_the_keyframes_are_right(
            v3: bool, sessions in vec(vec(step(), 1..25), 1..3),
        ) {
            record(if v3 { Version::V3 } else { Version::V2 }, &sessions);
        }
    }
}
