//! The screen at one moment.

use casemate_cast_format::{Code, Event, Header, Micros};
use casemate_terminal::render::{self, Theme};
use casemate_terminal::{Backlog, Screen as _, Vt100Screen};

use super::Part;

/// Takes a recording up to a moment.
#[derive(Debug)]
pub struct Still {
    at: Micros,
    screen: Vt100Screen,
    backlog: Backlog,
    theme: Theme,
}

impl Still {
    /// Begins; what happens at that moment still counts.
    pub fn new(at: Micros) -> Self {
        Self { at, screen: Vt100Screen::new(0, 0, 0), backlog: Backlog::new(0), theme: Theme::DARK }
    }

    /// Begins with the header.
    pub fn of(header: &Header, at: Micros) -> Self {
        Self { at, screen: screen(header), backlog: Backlog::new(0), theme: theme(header) }
    }

    /// Takes the next part.
    pub fn take(&mut self, part: &Part<'_>) {
        match part {
            Part::Header(header) => *self = Self::of(header, self.at),
            Part::Event(event) => self.event(event),
            Part::Comment(_) => {}
        }
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event<'_>) {
        if event.time > self.at {
            return;
        }
        if let Some(size) = event.size() {
            self.backlog.flush(&mut self.screen);
            let (cols, rows) = size.cells();
            self.screen.resize(cols, rows);
        } else if event.code == Code::Output {
            self.backlog.push(event.data.decode().as_bytes(), &mut self.screen);
        }
    }

    /// The screen.
    pub fn screen(&mut self) -> &Vt100Screen {
        self.backlog.flush(&mut self.screen);
        &self.screen
    }

    /// The colours in which it is drawn.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// A picture of it.
    pub fn svg(&mut self, title: &str) -> String {
        self.backlog.flush(&mut self.screen);
        render::svg(&self.screen, &self.theme, title)
    }
}

/// The blank screen with which a recording begins.
pub(super) fn screen(header: &Header) -> Vt100Screen {
    let (cols, rows) = header.size.cells();
    Vt100Screen::new(cols, rows, 0).for_term(header.terminal())
}

/// The colours of the terminal, where the recording says them.
pub fn theme(header: &Header) -> Theme {
    let color = |key| header.theme.as_ref()?.get(key)?.as_str();
    let theme = color("fg").zip(color("bg")).zip(color("palette"));
    theme.and_then(|((fg, bg), palette)| Theme::from_hex(fg, bg, palette)).unwrap_or(Theme::DARK)
}
