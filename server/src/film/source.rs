//! The text of a recording, from any place on, and where each byte of it is found again.
//!
//! *Invariants*: how the bytes are cut makes no difference to the text. No more is held than a part of a frame, and its text.
//! Not here: proof. Seals are passed over.

use std::io;

use casemate_audit_store::Form;
use casemate_cast_format::segment::TextReader;
use casemate_cast_format::segment::frame::{FrameWalker, ZSTD_MAGIC};
use serde::{Deserialize, Serialize};

/// Skippable frames begin with one of sixteen numbers.
const SKIPPABLE: u32 = 0x184D_2A50;

/// Where in a file a byte of text is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Anchor {
    /// Of plain text, the byte itself; else that at which its frame begins.
    pub offset: u64,
    /// So much text of the frame comes before.
    pub skip: u64,
}

/// Text of a recording.
pub struct Source {
    form: Form,
    input: Vec<u8>,
    /// So much of the input is read, and where in the file that is.
    at: usize,
    offset: u64,
    reader: Option<TextReader>,
    state: State,
    text: Vec<u8>,
}

enum State {
    Boundary,
    /// `is_read` says that all text of what was fed is given.
    Frame {
        walker: FrameWalker,
        anchor: Anchor,
        is_read: bool,
    },
    Skippable {
        left: u64,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("form", &self.form)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Begins with that byte of the file; of segments a frame begins with it.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new(form: Form, offset: u64) -> io::Result<Self> {
        let reader = match form {
            Form::Cast => None,
            Form::CastZst => Some(TextReader::new()?),
        };
        let (input, text) = (Vec::new(), Vec::new());
        Ok(Self { form, input, at: 0, offset, reader, state: State::Boundary, text })
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next text, and where its first byte is; nothing until more is fed.
    ///
    /// # Errors
    /// It is not what a recorder writes, from here on.
    pub fn next_text(&mut self) -> io::Result<Option<(Anchor, &[u8])>> {
        let Some(reader) = &mut self.reader else {
            let anchor = Anchor { offset: self.offset, skip: 0 };
            let text = &self.input[self.at..];
            (self.at, self.offset) = (self.input.len(), self.offset + text.len() as u64);
            return Ok((!text.is_empty()).then_some((anchor, text)));
        };
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "no frame, and no seal");
        loop {
            let rest = &self.input[self.at..];
            let read = match &mut self.state {
                State::Boundary => {
                    let Some((magic, behind)) = rest.split_first_chunk() else { return Ok(None) };
                    let magic = u32::from_le_bytes(*magic);
                    if magic == ZSTD_MAGIC {
                        let anchor = Anchor { offset: self.offset, skip: 0 };
                        self.state = State::Frame { walker: FrameWalker::default(), anchor, is_read: true };
                        continue;
                    }
                    if magic & !0xF != SKIPPABLE {
                        return Err(changed());
                    }
                    let Some(length) = behind.first_chunk() else { return Ok(None) };
                    self.state = State::Skippable { left: 8 + u64::from(u32::from_le_bytes(*length)) };
                    continue;
                }
                State::Skippable { left } => {
                    let read = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= read as u64;
                    if *left == 0 {
                        self.state = State::Boundary;
                    } else if read == 0 {
                        return Ok(None);
                    }
                    read
                }
                State::Frame { walker, anchor, is_read } => {
                    if !*is_read {
                        if let Some(text) = reader.next_text()? {
                            self.text.clear();
                            self.text.extend_from_slice(text);
                            let found = *anchor;
                            anchor.skip += self.text.len() as u64;
                            return Ok(Some((found, &self.text)));
                        }
                        *is_read = true;
                    }
                    if walker.is_complete() {
                        self.state = State::Boundary;
                        continue;
                    }
                    let Some(part) = walker.step(rest).map_err(|_| changed())? else { return Ok(None) };
                    reader.feed(&rest[..part.bytes()]);
                    *is_read = false;
                    part.bytes()
                }
            };
            self.at += read;
            self.offset += read as u64;
        }
    }

    /// Where the byte is that stands so far behind another one in the text.
    #[must_use]
    pub fn behind(&self, anchor: Anchor, bytes: usize) -> Anchor {
        let bytes = bytes as u64;
        match self.form {
            Form::Cast => Anchor { offset: anchor.offset + bytes, ..anchor },
            Form::CastZst => Anchor { skip: anchor.skip + bytes, ..anchor },
        }
    }

    /// How much text comes before a place, of what begins at an anchor, if it is known: all that there is of a frame does
    /// before a place in another one.
    #[must_use]
    pub fn before(&self, place: Anchor, from: Anchor) -> Option<u64> {
        match self.form {
            Form::Cast => Some(place.offset.saturating_sub(from.offset)),
            Form::CastZst if from.offset < place.offset => None,
            Form::CastZst if from.offset > place.offset => Some(0),
            Form::CastZst => Some(place.skip.saturating_sub(from.skip)),
        }
    }
}
