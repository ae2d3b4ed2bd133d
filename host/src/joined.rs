//! What [`follow`](crate::follow) gives, as one recording: plain asciicast v2, in which the parts of a session stand on one
//! time line. Pure: bytes in, text out, as they come.
//!
//! *Invariants*: how the bytes are cut changes nothing; any bytes are taken. *Not here*: proof; what is wrong is passed
//! over, for whoever watches wants to see what comes.

use std::io;

use casemate_cast_format::join::Joiner;
use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig};
use casemate_cast_format::{Decoder, Encoder, Item, Version};

/// Makes one recording of the parts of one.
pub struct Joined {
    unpacker: Unpacker,
    decoder: Decoder,
    joiner: Joiner,
    encoder: Encoder,
    /// Where the text goes on: at the beginning of a line, of the first one even.
    is_at_line_start: bool,
    is_begun: bool,
    start_us: Option<u64>,
    out: Vec<u8>,
}

impl Joined {
    /// Before the first byte.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            unpacker: Unpacker::new(UnpackerConfig::default())?,
            decoder: Decoder::new(),
            joiner: Joiner::default(),
            encoder: Encoder::new(Version::V2),
            is_at_line_start: true,
            is_begun: false,
            start_us: None,
            out: Vec::new(),
        })
    }

    /// Takes bytes as they come; gives the text that they add.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut pieces = Vec::new();
        self.unpacker.feed(bytes, &mut |unpacked| {
            if let Unpacked::Text(piece) = unpacked {
                pieces.extend_from_slice(piece);
            }
        });
        for line in pieces.split_inclusive(|byte| *byte == b'\n') {
            // A part begins with its header, and nothing else with a brace.
            if self.is_at_line_start && self.is_begun && line[0] == b'{' {
                self.end_part();
            }
            self.is_begun = true;
            self.decoder.feed(line);
            self.is_at_line_start = line.ends_with(b"\n");
        }
        self.take();
        std::mem::take(&mut self.out)
    }

    /// When what came last was recorded, in microseconds since 1970; `None` before anything came.
    #[must_use]
    pub fn last_us(&self) -> Option<u64> {
        Some(self.start_us?.saturating_add(self.encoder.now().0))
    }

    fn end_part(&mut self) {
        self.decoder.finish();
        self.take();
        self.decoder = Decoder::new();
    }

    fn take(&mut self) {
        while let Some(item) = self.decoder.next_item() {
            match item {
                Item::Header(header) => {
                    let between = self.joiner.begin(&header);
                    let begins = header.start_us().and_then(|start| u64::try_from(start).ok());
                    if self.start_us.is_none() {
                        self.encoder.header(&header, &mut self.out);
                        self.start_us = begins.or(Some(0));
                    }
                    for event in between {
                        self.encoder.event(&event, &mut self.out);
                    }
                }
                Item::Event(event) => {
                    let event = self.joiner.event(event);
                    self.encoder.event(&event, &mut self.out);
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::tests::recording;
    use casemate_cast_format::{Code, Event, Micros};
    use proptest::prelude::*;

    /// 2026-11-22T07:03:28Z.
    const START: u64 = 1_795_331_008_000_000;

    fn joined(pieces: &[&[u8]]) -> (String, Option<u64>) {
        let mut joined = Joined::new().unwrap();
        let text: Vec<u8> = pieces.iter().flat_map(|piece| joined.feed(piece)).collect();
        (String::from_utf8(text).unwrap(), joined.last_us())
    }

    fn parts() -> Vec<u8> {
        let resize = Event::new(Micros(500_000), Code::Resize, "90x30");
        let first = recording(1, START, 2, Some(resize), true);
        [first, recording(1, START + 2_500_000, 1, None, false)].concat()
    }

    #[test]
    fn parts_stand_on_one_time_line_as_soon_as_they_come() {
        let (text, last) = joined(&[&parts()]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with(r#"{"version":2,"width":80"#), "{}", lines[0]);
        assert_eq!(
            lines[1..4],
            [r#"[0.5, "r", "90x30"]"#, r#"[1.0, "o", "x\r\n"]"#, r#"[2.0, "o", "x\r\n"]"#]
        );
        assert!(lines[4].starts_with(r#"[2.0, "session", "#), "{}", lines[4]);
        assert_eq!(lines[5..], [r#"[2.0, "r", "80x24"]"#, r#"[3.0, "o", "x\r\n"]"#]);
        assert_eq!(last, Some(START + 3_000_000));
        assert_eq!(joined(&[b""]), (String::new(), None));
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_changes_nothing(cuts in proptest::collection::vec(0_usize..2000, 0..12)) {
            let bytes = parts();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(joined(&pieces), joined(&[&bytes]));
        }

        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..600) {
            let mut parts = parts();
            let at = at % parts.len();
            parts.splice(at..at, bytes);
            crate::fuzz::fuzz_joined(&parts);
        }
    }
}
