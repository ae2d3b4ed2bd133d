//! Makes the film of a recording: its bytes in, scenes out, and in the end facts.
//!
//! *Invariants*: how the bytes are cut makes no difference. Where something cannot be read any more, the film ends.

use std::collections::VecDeque;
use std::io;

use casemate_audit_log::Time;
use casemate_audit_store::Form;
use casemate_cast_format::segment::{Unpacker, UnpackerConfig};
use casemate_cast_format::{Code, Decoder, Header, Item, Micros, SessionFacts, Version, own};

use super::pace::Pace;
use super::stage::Stage;
use super::{Anchor, Facts, Place, Scene, Source};
use crate::intake::Clock;

/// So much text has a scene, and a line more: reading, sending and playing it takes some hundredths of a second.
const SCENE: u64 = 512 << 10;

/// When there are so many scenes, they get longer, the longer the more there are.
const MANY: u64 = 2048;

/// All screens that are kept may take so many times as much as the recording: whoever is recorded may draw the largest of screens
/// and change its size all the time.
const SCREENS: u64 = 4;

/// A change of the size costs as much as so much text.
const RESIZE: u64 = 4 << 10;

/// Makes the film of a recording.
pub struct Maker {
    source: Source,
    unpacker: Option<Unpacker>,
    decoder: Decoder,
    version: u8,
    clock: Clock,
    stage: Option<Stage>,
    pace: Pace,
    facts: Facts,
    scenes: VecDeque<Scene>,
    number: u64,
    /// When the last one begins.
    start: Micros,
    /// So much is in the scene; of that, so many bytes of the recording.
    length: u64,
    bytes: u64,
    scene: u64,
    /// So long was the last screen that was kept.
    kept: u64,
    /// Where the next scene may begin, and its screen: it does with the event that comes next.
    cut: Option<(Place, Vec<u8>)>,
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maker").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Maker {
    /// Begins with the first byte of a recording; `started` is when its connection did.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn new(form: Form, started: Time) -> io::Result<Self> {
        let unpacker = match form {
            Form::Cast => None,
            Form::CastZst => Some(Unpacker::new(UnpackerConfig::default())?),
        };
        Ok(Self {
            source: Source::new(form, 0)?,
            unpacker,
            decoder: Decoder::new(),
            version: 0,
            clock: Clock(started),
            stage: None,
            pace: Pace::default(),
            facts: Facts::default(),
            scenes: VecDeque::new(),
            number: 0,
            start: Micros(0),
            length: 0,
            bytes: 0,
            scene: SCENE,
            kept: 0,
            cut: None,
        })
    }

    #[cfg(test)]
    pub(super) fn with_scenes_of(self, scene: u64) -> Self {
        Self { scene, ..self }
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(unpacker) = &mut self.unpacker {
            unpacker.feed(bytes, &mut |_| {});
        }
        if self.facts.damage.is_some() {
            return Ok(());
        }
        let mut source = std::mem::replace(&mut self.source, Source::new(Form::Cast, 0)?);
        source.feed(bytes);
        loop {
            match source.next_text() {
                Ok(Some((anchor, text))) => {
                    // The text is read while the source is asked where it stands.
                    let text = text.to_vec();
                    self.text(&source, anchor, &text)?;
                }
                Ok(None) => break,
                Err(error) => {
                    self.facts.damage = Some(error.to_string());
                    break;
                }
            }
        }
        self.source = source;
        Ok(())
    }

    /// The next scene that is known; each is when it begins.
    pub fn next_scene(&mut self) -> Option<Scene> {
        self.scenes.pop_front()
    }

    /// Ends: what is known of the whole. Nothing where it is no recording.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn finish(&mut self) -> io::Result<Option<Facts>> {
        self.decoder.finish();
        self.items()?;
        if self.stage.is_none() {
            return Ok(None);
        }
        if let Some(unpacker) = self.unpacker.take() {
            self.facts.seals(&unpacker.finish(&mut |_| {}));
        }
        self.facts.duration = self.duration();
        Ok(Some(std::mem::take(&mut self.facts)))
    }

    /// What is known of a recording that ends where it was read to. Nothing where that is no recording yet.
    #[must_use]
    pub fn so_far(&self) -> Option<Facts> {
        self.stage.as_ref()?;
        Some(Facts { duration: self.duration(), ..self.facts.clone() })
    }

    /// A player wants the last scene to begin before the end.
    fn duration(&self) -> u64 {
        let least = if self.number > 1 { self.start.0 + 1 } else { 0 };
        self.pace.last.0.max(least)
    }

    /// Reads line by line: what a line costs is known when it has been read.
    fn text(&mut self, source: &Source, anchor: Anchor, text: &[u8]) -> io::Result<()> {
        let mut read = 0;
        while read < text.len() {
            let rest = &text[read..];
            let line = memchr::memchr(b'\n', rest).map(|at| at + 1);
            let length = line.unwrap_or(rest.len());
            self.decoder.feed(&rest[..length]);
            if version(self.version).is_some() {
                self.length += length as u64;
                self.bytes += length as u64;
            }
            read += length;
            self.items()?;
            if line.is_some() && version(self.version).is_some() && self.is_long() {
                let anchor = source.behind(anchor, read);
                let nanos = self.decoder.nanos();
                self.cut(Place { anchor, nanos, events: 0, version: self.version })?;
            }
        }
        Ok(())
    }

    /// Screens never take much more than the recording.
    fn is_long(&self) -> bool {
        self.length >= self.scene * (1 + self.number / MANY) && self.bytes >= self.kept / SCREENS
    }

    /// Here a scene may begin.
    fn cut(&mut self, place: Place) -> io::Result<()> {
        let Some(stage) = &mut self.stage else { return Ok(()) };
        let screen = stage.keep()?;
        (self.length, self.bytes, self.kept) = (0, 0, screen.len() as u64);
        self.cut = Some((place, screen));
        Ok(())
    }

    fn items(&mut self) -> io::Result<()> {
        let mut decoder = std::mem::take(&mut self.decoder);
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => self.begin(&header)?,
                Item::Event(event) => self.event(&event)?,
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
        self.decoder = decoder;
        Ok(())
    }

    fn begin(&mut self, header: &Header) -> io::Result<()> {
        self.version = header.version.number();
        self.clock.begin(header);
        self.facts.clocks.push((0, self.clock.0.0));
        let mut stage = Stage::new(header);
        self.facts.begin(header, stage.size());
        let place = Place { version: self.version, ..Place::default() };
        self.push(Micros(0), place, stage.keep()?);
        self.stage = Some(stage);
        Ok(())
    }

    fn push(&mut self, start: Micros, place: Place, screen: Vec<u8>) {
        self.scenes.push_back(Scene { number: self.number, start, place, screen });
        (self.number, self.start) = (self.number + 1, start);
    }

    fn event(&mut self, event: &casemate_cast_format::Event<'_>) -> io::Result<()> {
        // What has no lines is read from its beginning, wherever somebody wants to begin.
        if version(self.version).is_none() && self.is_long() {
            self.cut(Place { events: self.facts.events, version: self.version, ..Place::default() })?;
        }
        if version(self.version).is_none() {
            self.length += event.data.as_json().len() as u64;
            self.bytes += event.data.as_json().len() as u64;
        }
        let at = match self.cut.take() {
            Some((place, screen)) => {
                let at = self.pace.behind(event.time);
                self.push(at, place, screen);
                at
            }
            None => self.pace.at(event.time),
        };
        self.facts.event(at, event);
        let Some(stage) = &mut self.stage else { return Ok(()) };
        match &event.code {
            Code::Output => stage.output(&event.data.decode()),
            Code::Resize => {
                self.length += RESIZE;
                if let Some(size) = event.size().and_then(|size| stage.resize(size)) {
                    self.facts.resized(at, size);
                }
            }
            Code::Other(code) if code == own::SESSION => {
                if let Ok(facts) = serde_json::from_str::<SessionFacts>(&event.data.decode()) {
                    self.clock.append(&facts, event.time);
                    if self.facts.clocks.len() < 1000 {
                        self.facts.clocks.push((at.0, self.clock.0.0));
                    }
                }
            }
            Code::Input | Code::Marker | Code::Exit | Code::Other(_) => {}
        }
        Ok(())
    }
}

/// The version of that number, of those that can be read from the middle.
pub(super) fn version(number: u8) -> Option<Version> {
    match number {
        2 => Some(Version::V2),
        3 => Some(Version::V3),
        _ => None,
    }
}
