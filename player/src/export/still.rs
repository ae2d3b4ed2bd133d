//! The screen at one moment.

use casemate_cast_format::{Code, Header, Micros};
use casemate_terminal::render::{self, Theme};
use casemate_terminal::{Backlog, Screen as _, Vt100Screen};

use super::{Part, cells};

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

    /// Takes the next part.
    pub fn take(&mut self, part: &Part<'_>) {
        match part {
            Part::Header(header) => {
                self.theme = theme(header);
                self.screen = screen(header);
            }
            Part::Event(event) if event.time <= self.at => {
                if let Some(size) = event.size() {
                    self.backlog.flush(&mut self.screen);
                    self.screen.resize(cells(size.cols), cells(size.rows));
                } else if event.code == Code::Output {
                    self.backlog.push(event.data.decode().as_bytes(), &mut self.screen);
                }
            }
            Part::Event(_) | Part::Comment(_) => {}
        }
    }

    /// The screen.
    pub fn screen(&mut self) -> &Vt100Screen {
        self.backlog.flush(&mut self.screen);
        &self.screen
    }

    /// A picture of it.
    pub fn svg(&mut self, title: &str) -> String {
        self.backlog.flush(&mut self.screen);
        render::svg(&self.screen, &self.theme, title)
    }
}

/// The blank screen with which a recording begins.
pub(super) fn screen(header: &Header) -> Vt100Screen {
    let screen = Vt100Screen::new(cells(header.size.cols), cells(header.size.rows), 0);
    screen.for_term(header.term_type.as_deref().unwrap_or_default())
}

/// The colours of the terminal, where the recording says them.
pub fn theme(header: &Header) -> Theme {
    let color = |key| header.theme.as_ref()?.get(key)?.as_str();
    let theme = color("fg").zip(color("bg")).zip(color("palette"));
    theme.and_then(|((fg, bg), palette)| Theme::from_hex(fg, bg, palette)).unwrap_or(Theme::DARK)
}
