//! The lines of a recording, in numbered blocks: bytes in, blocks out.
//!
//! *Invariants*: how the bytes are cut, and when lines are taken, makes no difference, so that the blocks have the same
//! numbers whoever makes them. Hostile bytes never panic; what comes faster than anybody reads is left out, and no more text
//! is read at once than was asked for.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_store::{Form, NewBlock};
use casemate_cast_format::segment::TextReader;
use casemate_cast_format::{Code, Decoder, Event, Item, SessionFacts, Size, own};
use casemate_store::lines::{LineBlock, LinePacker};
use casemate_terminal::{Sighting, Sightings};

use crate::intake::Clock;

/// So much text is read in one step.
const STEP: usize = 1 << 20;

/// Makes lines of a recording.
pub struct Lines {
    text: Option<TextReader>,
    decoder: Decoder,
    screen: Option<Screen>,
    blocks: Blocks,
    text_read: u64,
}

/// What is seen of one session.
struct Screen {
    sightings: Sightings,
    size: Size,
    term: String,
}

/// Blocks that are made.
struct Blocks {
    clock: Clock,
    packer: LinePacker,
    number: u64,
    ready: VecDeque<NewBlock>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("number", &self.blocks.number).finish_non_exhaustive()
    }
}

impl Lines {
    /// Begins with the first byte of a recording; `started` is when its connection did.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new(form: Form, started: Time) -> io::Result<Self> {
        let text = match form {
            Form::Cast => None,
            Form::CastZst => Some(TextReader::new()?),
        };
        let blocks = Blocks {
            clock: Clock(started),
            packer: LinePacker::default(),
            number: 0,
            ready: VecDeque::new(),
        };
        Ok(Self { text, decoder: Decoder::new(), screen: None, blocks, text_read: 0 })
    }

    /// Takes the next bytes. They are read by [`Self::read`].
    pub fn feed(&mut self, bytes: &[u8]) {
        match &mut self.text {
            Some(text) => text.feed(bytes),
            None => {
                self.text_read += bytes.len() as u64;
                self.decoder.feed(bytes);
                self.items();
            }
        }
    }

    /// Reads on in what was fed; says whether there is more to be read.
    ///
    /// # Errors
    /// It is not what a recorder writes.
    pub fn read(&mut self) -> io::Result<bool> {
        let Some(mut text) = self.text.take() else { return Ok(false) };
        let mut read = 0;
        let more = loop {
            match text.next_text() {
                Ok(Some(piece)) => {
                    read += piece.len();
                    self.decoder.feed(piece);
                    self.items();
                    if read >= STEP {
                        break Ok(true);
                    }
                }
                Ok(None) => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        self.text = Some(text);
        self.text_read += read as u64;
        more
    }

    /// How much text was read until now.
    #[must_use]
    pub fn text_read(&self) -> u64 {
        self.text_read
    }

    /// Ends: what is still to be seen has been seen.
    pub fn finish(&mut self) {
        self.decoder.finish();
        self.items();
        self.end();
    }

    /// The next block.
    pub fn next_block(&mut self) -> Option<NewBlock> {
        self.blocks.ready.pop_front()
    }

    fn items(&mut self) {
        let mut decoder = std::mem::take(&mut self.decoder);
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => {
                    self.blocks.clock.begin(&header);
                    self.begin(header.size, header.terminal().to_owned());
                }
                Item::Event(event) => self.event(&event),
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
        self.decoder = decoder;
    }

    fn begin(&mut self, size: Size, term: String) {
        let (cols, rows) = size.cells();
        self.screen = Some(Screen { sightings: Sightings::new(cols, rows).for_term(&term), size, term });
    }

    fn event(&mut self, event: &Event<'_>) {
        let (Some(screen), blocks) = (&mut self.screen, &mut self.blocks) else { return };
        let time = Duration::from_micros(event.time.0);
        match &event.code {
            Code::Output => {
                screen.sightings.feed(time, event.data.decode().as_bytes(), &mut |line| blocks.line(line));
            }
            Code::Resize => {
                if let Some(size) = event.size() {
                    screen.size = size;
                    let (cols, rows) = size.cells();
                    screen.sightings.resize(time, cols, rows, &mut |line| blocks.line(line));
                }
            }
            // Another session, on a blank screen of the size that the one before ended with.
            Code::Other(code) if code == own::SESSION => {
                let Ok(facts) = serde_json::from_str::<SessionFacts>(&event.data.decode()) else { return };
                let (size, term) = (screen.size, screen.term.clone());
                self.end();
                self.blocks.clock.append(&facts, event.time);
                self.begin(size, term);
            }
            Code::Input | Code::Marker | Code::Exit | Code::Other(_) => {}
        }
    }

    fn end(&mut self) {
        let blocks = &mut self.blocks;
        if let Some(screen) = self.screen.take() {
            screen.sightings.finish(&mut |line| blocks.line(line));
        }
        let rest = blocks.packer.take();
        blocks.extend(rest);
    }
}

impl Blocks {
    fn line(&mut self, line: Sighting<'_>) {
        let block = self.packer.line(line.time, line.text);
        self.extend(block);
    }

    fn extend(&mut self, block: Option<LineBlock>) {
        let Some(block) = block else { return };
        self.ready.push_back(NewBlock {
            number: self.number,
            start: self.clock.0,
            first: self.clock.at(block.first),
            last: self.clock.at(block.last),
            packed: block.packed,
            text: block.text,
        });
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use casemate_store::lines::Unpacker;
    use proptest::prelude::*;

    use super::*;

    fn cast(events: &str) -> String {
        format!("{{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1000}}\n{events}")
    }

    fn made(pieces: &[&[u8]]) -> Vec<NewBlock> {
        let mut lines = Lines::new(Form::Cast, Time(1_000_000_000)).unwrap();
        for piece in pieces {
            lines.feed(piece);
            assert!(!lines.read().unwrap());
        }
        lines.finish();
        std::iter::from_fn(|| lines.next_block()).collect()
    }

    fn text(blocks: &[NewBlock]) -> String {
        blocks.iter().map(|block| block.text.as_str()).collect()
    }

    #[test]
    fn lines_have_their_times() {
        let cast = cast(
            "[0.5,\"o\",\"$ \"]\n[1.0,\"o\",\"make\"]\n[2.0,\"o\",\"\\r\\nno rule\\r\\n$ \"]\n\
             [3.0,\"casemate-session\",\"not one\"]\n[4.0,\"r\",\"100x30\"]\n[5.0,\"o\",\"\\u001b[H\\u001b[Jbye\"]\n",
        );
        let blocks = made(&[cast.as_bytes()]);
        // As they went, not as they came.
        assert_eq!(text(&blocks), "$\n$ make\nno rule\nbye\n");
        let [block] = &blocks[..] else { panic!("{blocks:?}") };
        assert_eq!((block.number, block.start), (0, Time(1_000_000_000)));
        assert_eq!((block.first, block.last), (Time(1_001_000_000), Time(1_005_000_000)));
        let mut unpacker = Unpacker::new().unwrap();
        let times: Vec<_> = unpacker.unpack(&block.packed).unwrap().lines().map(|line| line.0.0).collect();
        assert_eq!(times, [2_000_000, 1_000_000, 2_000_000, 5_000_000]);
    }

    #[test]
    fn a_start_that_nobody_believes_is_none() {
        let cast = cast("[0.5,\"o\",\"here\"]\n").replace("1000", "999999");
        assert_eq!(made(&[cast.as_bytes()])[0].first, Time(1_000_500_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn how_it_is_cut_makes_no_difference(cuts in prop::collection::vec(0.0..1.0_f64, 0..6), many in 1..400_usize) {
            let events: String =
                (0..many).map(|at| format!("[{}.0,\"o\",\"line {at} of many\\r\\n\"]\n", at / 7)).collect();
            let cast = cast(&events);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small")]
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cast.len() as f64 * cut) as usize).collect();
            cuts.extend([0, cast.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &cast.as_bytes()[cut[0]..cut[1]]).collect();
            let blocks = made(&pieces);
            prop_assert_eq!(&blocks, &made(&[cast.as_bytes()]));
            prop_assert!(blocks.iter().map(|block| block.number).eq(0..blocks.len() as u64));
            prop_assert_eq!(text(&blocks).lines().count(), many);
        }

        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            made(&[cast("").as_bytes(), &bytes]);
            let mut lines = Lines::new(Form::CastZst, Time(0)).unwrap();
            lines.feed(&bytes);
            while lines.read().unwrap_or(false) {}
            lines.finish();
        }
    }
}
