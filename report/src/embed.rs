//! The copy of a recording that a browser can play: asciicast v2, deflated, in base64.
//!
//! Only what the player shows is in it. Pauses are as long as they were, whatever the header says, so that a moment is
//! where its command says it is.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casemate_cast_format::{Code, Encoder, Event, Header, Micros, NO_TERMINAL, Version};
use casemate_terminal::render::Theme;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};

use crate::Playback;

/// A browser holds all of a recording that it plays. With more text than this it would not answer for long.
const MOST_TEXT: u64 = 128 << 20;

/// A line feed is a new line (LNM), where no terminal's driver has put a carriage return before it.
const NEW_LINES: &str = "\x1b[20h";

/// Text is compressed in pieces of this size.
const CHUNK: usize = 64 << 10;

pub(crate) struct Embedder {
    encoder: Encoder,
    lines: Vec<u8>,
    /// `None` when there was too much.
    deflater: Option<DeflateEncoder<Vec<u8>>>,
    text_bytes: u64,
    events: u64,
    /// So long may it become.
    limit: u64,
}

impl Embedder {
    pub(crate) fn new(header: &Header, theme: &Theme, limit: u64) -> Self {
        let mut encoder = Encoder::new(Version::V2);
        let mut lines = Vec::new();
        let plain = Header { theme: Some(colours(theme)), ..Header::new(header.size) };
        encoder.header(&plain, &mut lines);
        if header.terminal() == NO_TERMINAL {
            encoder.event(&Event::new(Micros(0), Code::Output, NEW_LINES), &mut lines);
        }
        let deflater = (limit > 0).then(|| DeflateEncoder::new(Vec::new(), Compression::default()));
        Self { encoder, lines, deflater, text_bytes: 0, events: 0, limit }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        if self.deflater.is_none() || matches!(event.code, Code::Other(_)) {
            return;
        }
        self.events += 1;
        self.encoder.event(event, &mut self.lines);
        if self.lines.len() >= CHUNK {
            self.deflate();
        }
    }

    pub(crate) fn finish(mut self) -> Playback {
        self.deflate();
        let Some(deflater) = self.deflater else { return Playback::TooLong };
        if self.events == 0 {
            return Playback::Empty;
        }
        let deflated = deflater.finish().expect("a vector takes everything");
        if base64_length(deflated.len()) > self.limit {
            return Playback::TooLong;
        }
        Playback::Embedded(STANDARD.encode(deflated))
    }

    fn deflate(&mut self) {
        let Some(deflater) = &mut self.deflater else { return };
        self.text_bytes += u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        deflater.write_all(&self.lines).expect("a vector takes everything");
        self.lines.clear();
        if self.text_bytes > MOST_TEXT || base64_length(deflater.get_ref().len()) > self.limit {
            self.deflater = None;
        }
    }
}

fn base64_length(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(3).saturating_mul(4)).unwrap_or(u64::MAX)
}

/// The colours of the stills, as a header has them.
fn colours(theme: &Theme) -> Map<String, Value> {
    let palette: Vec<String> = theme.palette.iter().map(ToString::to_string).collect();
    let colours = [
        ("fg", json!(theme.foreground.to_string())),
        ("bg", json!(theme.background.to_string())),
        ("palette", json!(palette.join(":"))),
    ];
    colours.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
