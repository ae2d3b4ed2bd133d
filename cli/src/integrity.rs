//! Whether a recording is as it was recorded: its chain of seals, its signatures, its seek table, and what of its
//! text says how it is linked to others. What is found stands here, how it is shown for people too.
//!
//! Unlike [`Input::read`](crate::input::Input::read) this does not need a header that can be read: that, too, may be
//! what was damaged.

use std::ops::ControlFlow;

use casemate_cast_format::segment::{Condition, Unpacked, Unpacker, UnpackerConfig, Verdict};
use casemate_cast_format::{Code, Decoder, Item, SessionFacts, Version, is_zstd, own};
use serde_json::Value;

use crate::failure::Failure;

/// A file that does not begin as zstd is one all the same if there is a seal in so much of it: then its beginning is
/// what was damaged.
const BEGINNING: u64 = 4 << 20;

/// The events that end a recording stand in this much of its text.
const ENDING: usize = 8 << 10;

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Integrity {
    pub(crate) name: String,
    /// How much of it was read: all, but of a plain asciicast.
    pub(crate) bytes: u64,
    /// `None` for what is no zstd.
    pub(crate) verdict: Option<Verdict>,
    /// Whose session it is.
    pub(crate) facts: Option<SessionFacts>,
    /// The file that it says it goes on in.
    pub(crate) next: Option<String>,
    /// By whom it ought to be signed.
    pub(crate) key: Option<[u8; 32]>,
}

impl Integrity {
    /// What is to be said of it in a word.
    pub(crate) fn condition(&self) -> Condition {
        self.verdict.as_ref().map_or(Condition::Unsealed, |verdict| verdict.condition(self.key.as_ref()))
    }

    /// How many segments it has.
    pub(crate) fn segments(&self) -> u64 {
        self.verdict.as_ref().map_or(0, |verdict| verdict.segments)
    }

    /// Which part of its session it is, from 1.
    pub(crate) fn part(&self) -> u32 {
        self.facts.as_ref().map_or(1, |facts| facts.part)
    }

    /// The hash that the next part names.
    pub(crate) fn last_seal(&self) -> Option<[u8; 32]> {
        self.verdict.as_ref()?.last_seal
    }

    /// How many bytes behind the last seal have none.
    pub(crate) fn unsealed_bytes(&self) -> u64 {
        self.verdict
            .as_ref()
            .map_or(0, |verdict| verdict.open.map_or(0, |open| open.bytes) + verdict.torn_bytes)
    }
}

/// A file being read.
pub(crate) struct Reading {
    unpacker: Unpacker,
    bytes: u64,
    seen: Seen,
}

/// What was seen besides what the verdict says.
struct Seen {
    /// It is zstd, or is meant to be.
    is_packed: bool,
    has_seals: bool,
    has_text: bool,
    /// Looks for the header, until it is clear whether there is one.
    head: Option<Decoder>,
    header: Option<(Version, Option<SessionFacts>)>,
    /// The last text.
    tail: Vec<u8>,
}

impl Reading {
    pub(crate) fn new(is_packed: bool, public_key: Option<[u8; 32]>) -> Result<Self, Failure> {
        let config = UnpackerConfig { public_key, ..UnpackerConfig::default() };
        let seen = Seen {
            is_packed,
            has_seals: false,
            has_text: false,
            head: Some(Decoder::new()),
            header: None,
            tail: Vec::new(),
        };
        Ok(Self { unpacker: Unpacker::new(config)?, bytes: 0, seen })
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let seen = &mut self.seen;
        seen.is_packed |= self.bytes == 0 && is_zstd(bytes);
        self.bytes += bytes.len() as u64;
        if !seen.is_packed {
            seen.look_for_header(bytes);
        }
        self.unpacker.feed(bytes, &mut |unpacked| seen.take(unpacked));
        let is_plain = !seen.is_packed && !seen.has_seals && self.bytes > BEGINNING;
        if is_plain { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(crate) fn finish(self, name: String, key: Option<[u8; 32]>) -> Result<Integrity, Failure> {
        let Self { unpacker, bytes, mut seen } = self;
        let verdict = unpacker.finish(&mut |unpacked| seen.take(unpacked));
        if let Some(mut head) = seen.head.take() {
            head.finish();
            seen.drain(head);
        }
        let is_plain = !seen.is_packed && !seen.has_seals;
        let is_other = if is_plain { bytes > 0 } else { seen.has_text && verdict.defects.is_empty() };
        if seen.header.is_none() && !seen.has_seals && is_other {
            return Err(Failure::new(format!("{name}: not a recording"))
                .hint("a recording is an asciicast, like NAME.cast or NAME.cast.zst"));
        }
        let version = seen.header.as_ref().map_or(Version::V2, |header| header.0);
        Ok(Integrity {
            name,
            bytes,
            next: next_part(&seen.tail, version),
            verdict: (!is_plain).then_some(verdict),
            facts: seen.header.and_then(|header| header.1),
            key,
        })
    }
}

impl Seen {
    fn take(&mut self, unpacked: Unpacked<'_>) {
        match unpacked {
            Unpacked::Text(text) => {
                self.has_text = true;
                if self.is_packed {
                    self.look_for_header(text);
                }
                let kept = &text[text.len().saturating_sub(ENDING)..];
                let old = (self.tail.len() + kept.len()).saturating_sub(ENDING);
                self.tail.drain(..old);
                self.tail.extend_from_slice(kept);
            }
            Unpacked::Segment(_) => self.has_seals = true,
            Unpacked::Unsealed(_)
            | Unpacked::Open(_)
            | Unpacked::SeekTable { .. }
            | Unpacked::Foreign { .. }
            | Unpacked::Defect(_) => {}
        }
    }

    fn look_for_header(&mut self, text: &[u8]) {
        if let Some(mut head) = self.head.take() {
            head.feed(text);
            self.drain(head);
        }
    }

    fn drain(&mut self, mut head: Decoder) {
        while let Some(item) = head.next_item() {
            match item {
                Item::Header(header) => {
                    self.header = Some((header.version, header.facts()));
                    return;
                }
                Item::Defect(defect) if defect.kind.is_fatal() => return,
                Item::Defect(_) | Item::Event(_) | Item::Comment(_) => {}
            }
        }
        self.head = Some(head);
    }
}

/// The file in which a recording with this end goes on.
fn next_part(tail: &[u8], version: Version) -> Option<String> {
    let mut decoder = Decoder::resume_behind(version, 0);
    // What stands before the first line end is the rest of a line, or the header.
    decoder.feed(&tail[tail.iter().position(|&byte| byte == b'\n').map_or(tail.len(), |at| at + 1)..]);
    decoder.finish();
    let mut next = None;
    while let Some(item) = decoder.next_item() {
        let Item::Event(event) = item else { continue };
        match &event.code {
            Code::Other(code) if code == own::PART => {
                let link: Option<Value> = serde_json::from_str(&event.data.decode()).ok();
                next = link.and_then(|link| Some(link.get("next")?.as_str()?.to_owned()));
            }
            // Somebody went on with it.
            Code::Other(code) if code == own::SESSION => next = None,
            Code::Output | Code::Input | Code::Marker | Code::Resize | Code::Exit | Code::Other(_) => {}
        }
    }
    next
}
