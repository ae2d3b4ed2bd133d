//! The emulated screen beside a recording, and its states as they are kept.

use std::io;

use casemate_cast_format::{Header, Size};
use casemate_terminal::{Backlog, KeyframeError, Screen as _, Vt100Screen};

/// The largest screen takes about so much; no state is longer.
const STATE_LIMIT: usize = 16 << 20;

/// States compress to a third at a level that costs nothing beside emulating what comes between them.
const LEVEL: i32 = 3;

/// A screen, and what has still to be shown on it.
#[derive(Debug)]
pub(super) struct Stage {
    screen: Vt100Screen,
    backlog: Backlog,
}

impl Stage {
    pub(super) fn new(header: &Header) -> Self {
        let (cols, rows) = header.size.cells();
        Self::of(Vt100Screen::new(cols, rows, 0).for_term(header.terminal()))
    }

    fn of(screen: Vt100Screen) -> Self {
        Self { screen, backlog: Backlog::new(0) }
    }

    /// Of a state that was kept.
    pub(super) fn restored(kept: &[u8]) -> io::Result<Self> {
        let state = zstd::bulk::decompress(kept, STATE_LIMIT)?;
        let mut screen = Vt100Screen::new(0, 0, 0);
        let damaged = |error: KeyframeError| io::Error::new(io::ErrorKind::InvalidData, error);
        screen.restore(&state).map_err(damaged)?;
        Ok(Self::of(screen))
    }

    pub(super) fn output(&mut self, text: &str) {
        self.backlog.push(text.as_bytes(), &mut self.screen);
    }

    /// Says what the size is then, in bounds, if it is another one.
    pub(super) fn resize(&mut self, size: Size) -> Option<casemate_terminal::Size> {
        self.backlog.flush(&mut self.screen);
        let before = self.screen.size();
        let (cols, rows) = size.cells();
        self.screen.resize(cols, rows);
        Some(self.screen.size()).filter(|now| *now != before)
    }

    pub(super) fn size(&self) -> casemate_terminal::Size {
        self.screen.size()
    }

    /// What is shown now.
    pub(super) fn screen(&mut self) -> &Vt100Screen {
        self.backlog.flush(&mut self.screen);
        &self.screen
    }

    /// Output that brings a terminal into this state.
    pub(super) fn repaint(&mut self) -> String {
        let screen = self.screen();
        String::from_utf8_lossy(&screen.repaint()).into_owned()
    }

    /// The state, as it is kept.
    pub(super) fn keep(&mut self) -> io::Result<Vec<u8>> {
        zstd::bulk::compress(&self.screen().keyframe(), LEVEL)
    }
}
