//! Makes what the player gets of one scene: its bytes in, JSON out.
//!
//! A change of the size is followed by the whole screen: other terminals lay lines out anew when they become narrower, ours
//! does not, and what is shown must not depend on where somebody began to play.
//!
//! *Invariant*: what comes out is a segment that the player takes, whatever the bytes are.

use std::io;

use casemate_audit_store::Form;
use casemate_cast_format::{Code, Decoder, Event, Item, Micros};
use serde::Serialize;

use super::maker::version;
use super::pace::{Pace, seconds};
use super::stage::Stage;
use super::{Place, Scene, Source};

/// Screens behind changes of the size are in a scene as long as they are no more than that, in bytes.
const REPAINTS: usize = 4 << 20;

/// Text that is passed over costs that part of what is played.
const PASSED: usize = 16;

/// An event that a player passes over: the first has to be at the beginning, and the last at the end.
const NOTHING: &str = "x";

/// Reads one scene.
pub struct SceneReader {
    source: Source,
    decoder: Decoder,
    stage: Stage,
    start: Micros,
    pace: Pace,
    place: Place,
    until: Until,
    /// Events that are passed over.
    before: u64,
    snapshot: Snapshot,
    events: String,
    /// When the last event that was written is.
    written: Option<Micros>,
    repaints: usize,
    /// So much text was played, or what costs as much.
    text: usize,
    has_ended: bool,
}

/// Where it ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Where another one begins, before that time.
    Next(Place, Micros),
    /// With what there is of the recording at that time: the end of it, or what had been made of its film by then.
    End(Micros),
}

#[derive(Serialize)]
struct Snapshot {
    cols: u16,
    rows: u16,
    init: String,
}

impl std::fmt::Debug for SceneReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SceneReader").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SceneReader {
    /// Begins. It is to be fed the bytes of the recording from [`Place::anchor`] on.
    ///
    /// # Errors
    /// The screen that was kept is none.
    pub fn new(form: Form, scene: &Scene, until: Until) -> io::Result<Self> {
        let mut stage = Stage::restored(&scene.screen)?;
        let (size, init) = (stage.size(), stage.repaint());
        let place = scene.place;
        let decoder = match version(place.version) {
            Some(version) if scene.number > 0 => Decoder::resume_behind(version, place.nanos),
            _ => Decoder::new(),
        };
        Ok(Self {
            source: Source::new(form, place.anchor.offset)?,
            decoder,
            stage,
            start: scene.start,
            pace: Pace { last: scene.start },
            place,
            until,
            before: place.events,
            snapshot: Snapshot { cols: size.cols, rows: size.rows, init },
            events: String::new(),
            written: None,
            repaints: 0,
            text: 0,
            has_ended: false,
        })
    }

    /// Takes the next bytes; says whether more are needed.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let form = Form::Cast;
        let mut source = std::mem::replace(&mut self.source, Source::new(form, 0)?);
        source.feed(bytes);
        while !self.has_ended {
            // Where it is damaged it ends, as its film does.
            let Ok(next) = source.next_text() else {
                self.has_ended = true;
                break;
            };
            let Some((anchor, text)) = next else { break };
            let text = text.to_vec();
            let bytes = |before: Option<u64>| {
                before.and_then(|before| usize::try_from(before).ok()).unwrap_or(text.len()).min(text.len())
            };
            let from = bytes(source.before(self.place.anchor, anchor));
            let to = match self.until {
                Until::Next(next, _) if next.version != 1 => {
                    let to = bytes(source.before(next.anchor, anchor));
                    self.has_ended = source.before(next.anchor, source.behind(anchor, to)) == Some(0);
                    to
                }
                Until::Next(..) | Until::End(_) => text.len(),
            };
            let played = text.get(from..to).unwrap_or_default();
            self.text += played.len() + (text.len() - played.len()) / PASSED;
            self.decoder.feed(played);
            self.items();
        }
        self.source = source;
        Ok(!self.has_ended)
    }

    /// The screen now, for whoever begins with it: what led there is not to be played any more.
    pub(super) fn screen(&mut self) -> String {
        (self.repaints, self.events) = (0, String::new());
        let (size, init) = (self.stage.size(), self.stage.repaint());
        serde_json::to_string(&Snapshot { cols: size.cols, rows: size.rows, init }).unwrap_or_default()
    }

    /// Bytes of what is to be played since this was last asked.
    pub(super) fn waiting(&self) -> usize {
        self.events.len()
    }

    /// So much text was played until now, or what costs as much.
    pub(super) fn text(&self) -> usize {
        self.text
    }

    /// What is to be played since this was last asked.
    pub(super) fn news(&mut self) -> Option<String> {
        self.repaints = 0;
        let events = std::mem::take(&mut self.events);
        (!events.is_empty()).then(|| format!("[{events}]"))
    }

    /// What the player gets.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.decoder.finish();
        self.items();
        match self.until {
            Until::End(end) if self.written != Some(end) => self.write(end, NOTHING, ""),
            Until::Next(..) if self.written.is_none() => self.write(self.start, NOTHING, ""),
            Until::End(_) | Until::Next(..) => {}
        }
        let snapshot = serde_json::to_string(&self.snapshot).unwrap_or_default();
        format!("{{\"snapshot\":{snapshot},\"events\":[{}]}}", self.events)
    }

    fn items(&mut self) {
        let mut decoder = std::mem::take(&mut self.decoder);
        while let Some(item) = decoder.next_item() {
            if let Item::Event(event) = item {
                if self.before > 0 {
                    self.before -= 1;
                    continue;
                }
                if let Until::Next(next, _) = self.until
                    && next.version == 1
                    && self.place.events >= next.events
                {
                    self.has_ended = true;
                    break;
                }
                self.place.events += 1;
                if !self.event(&event) {
                    self.has_ended = true;
                    break;
                }
            }
        }
        self.decoder = decoder;
    }

    /// Says whether it is before the end.
    fn event(&mut self, event: &Event<'_>) -> bool {
        let at = self.pace.at(event.time);
        if matches!(self.until, Until::End(end) if at > end) {
            return false;
        }
        let data = event.data.decode();
        match &event.code {
            Code::Output => {
                self.stage.output(&data);
                self.write(at, "o", &data);
            }
            Code::Input => self.write(at, "i", &data),
            Code::Resize => {
                let Some(size) = event.size().and_then(|size| self.stage.resize(size)) else { return true };
                self.write(at, "r", &format!("{}x{}", size.cols, size.rows));
                if self.repaints < REPAINTS {
                    let screen = format!("\x1bc{}", self.stage.repaint());
                    self.repaints += screen.len();
                    self.text += screen.len();
                    self.write(at, "o", &screen);
                }
            }
            Code::Marker | Code::Exit | Code::Other(_) => {}
        }
        true
    }

    fn write(&mut self, at: Micros, code: &str, data: &str) {
        let at = match self.until {
            Until::Next(_, end) => at.min(Micros(end.0.saturating_sub(1))),
            Until::End(end) => at.min(end),
        };
        if self.written.is_none() && at > self.start {
            self.written = Some(self.start);
            self.write(self.start, NOTHING, "");
        }
        let event = serde_json::to_string(&(seconds(at), code, data)).unwrap_or_default();
        if !self.events.is_empty() {
            self.events.push(',');
        }
        self.events.push_str(&event);
        self.written = Some(at);
    }
}
