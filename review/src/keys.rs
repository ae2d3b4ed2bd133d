//! What the keys and the mouse of the review do.

use casemate_tui::{Field, Flow, Key};

use crate::app::{App, Overlay, Prompt, View, Visit};
use crate::librarian::with_cause;
use crate::noting::keep;
use crate::table::Click;
use crate::times;

impl App {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other keys do nothing")]
    pub(super) fn key(&mut self, key: Key) -> Flow {
        if self.move_selection(key) {
            return Flow::Continue;
        }
        match key {
            Key::Char('q') => return Flow::Quit,
            Key::Char(digit @ '1'..='4') => {
                let at = digit.to_digit(10).unwrap_or(1) as usize - 1;
                self.go(View::ALL[at]);
            }
            Key::Tab => self.go_by(1),
            Key::BackTab => self.go_by(View::ALL.len() - 1),
            Key::Char('/') => self.is_typing = true,
            Key::Enter => return self.play(),
            Key::Escape => self.widen(),
            Key::Char('c') => self.show_commands(),
            Key::Char('m') => match self.chosen() {
                Some(moment) => self.open(Overlay::Details(moment.recording, moment.session)),
                None => self.say("nothing is chosen"),
            },
            Key::Char('a') => match self.chosen() {
                Some(moment) => self.prompt = Some(Prompt::Note(moment, Field::default())),
                None => self.say("nothing is chosen to be noted"),
            },
            Key::Char('e') if self.view == View::Notes => {
                let chosen = self.notes.chosen();
                self.prompt =
                    chosen.map(|mark| Prompt::Edit(mark.id.clone(), Field::new(mark.note.as_str())));
            }
            Key::Char('d') | Key::Delete if self.view == View::Notes => {
                self.prompt = self.notes.chosen().map(|mark| Prompt::Remove(mark.id.clone()));
            }
            Key::Char('s') if self.view == View::Sessions => self.sessions.sort_next(&self.library),
            Key::Char('r') if self.view == View::Sessions => self.sessions.turn(&self.library),
            Key::Char('r') if self.view == View::Commands => {
                self.commands.turn();
                self.ask_commands();
            }
            Key::Char('g') if self.view == View::Commands => {
                self.prompt = Some(Prompt::Time(Field::default()));
            }
            Key::Char('o') if self.view == View::Search => {
                self.search.turn_part();
                self.ask_search();
            }
            Key::Char('?') | Key::F1 => self.open(Overlay::Help),
            _ => {}
        }
        Flow::Continue
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other keys are themselves")]
    pub(super) fn move_selection(&mut self, key: Key) -> bool {
        let key = match key {
            Key::Char('j') => Key::Down,
            Key::Char('k') => Key::Up,
            Key::Char('G') => Key::End,
            other => other,
        };
        let (table, count) = self.table();
        table.selection.key(key, count)
    }

    fn go(&mut self, view: View) {
        self.view = view;
        self.is_typing = view == View::Search && self.search.field.is_empty();
    }

    fn go_by(&mut self, by: usize) {
        let at = View::ALL.iter().position(|view| *view == self.view).unwrap_or(0);
        self.go(View::ALL[(at + by) % View::ALL.len()]);
    }

    fn open(&mut self, overlay: Overlay) {
        self.scroll = (0, 0);
        self.overlay = overlay;
    }

    /// Takes back what narrows the list down, the last first.
    fn widen(&mut self) {
        if !self.field().is_empty() {
            self.field().clear();
            self.apply_field();
        } else if self.view == View::Commands && self.commands.scope(&self.library).is_some() {
            self.commands.begin_at(None);
            self.ask_commands();
        }
    }

    /// The commands of the session that is chosen.
    fn show_commands(&mut self) {
        let Some(session) = self.chosen().and_then(|moment| moment.session) else {
            self.say("there are no commands");
            return;
        };
        self.commands.begin_at(None);
        self.commands.of = Some(session);
        self.commands.filter.clear();
        self.ask_commands();
        self.go(View::Commands);
    }

    /// Plays what is chosen: a session from its beginning, everything else at its moment.
    fn play(&mut self) -> Flow {
        let Some(moment) = self.chosen() else {
            let is_lost = self.view == View::Notes && self.notes.len() > 0;
            self.say(if is_lost {
                "its recording is not in the folders that are reviewed"
            } else {
                "nothing is chosen"
            });
            return Flow::Continue;
        };
        let Some(volume) = self.library.volume(moment.recording) else { return Flow::Continue };
        if moment.session.is_none() {
            let why = volume.recording.failure.clone();
            self.say(why.unwrap_or_else(|| "nothing in it can be played".to_owned()));
            return Flow::Continue;
        }
        let path = volume.recording.path.clone();
        let is_paused = self.view != View::Sessions;
        let recording = moment.recording;
        let is_confirmed = self.changed.take() == Some(recording);
        self.visit = Some(Visit { path, recording, moment, is_paused, is_confirmed });
        Flow::Quit
    }

    pub(super) fn overlay_key(&mut self, key: Key) -> Flow {
        let (scroll, most) = self.scroll;
        let page = 10;
        self.scroll.0 = match key {
            Key::Up | Key::Char('k') => scroll.saturating_sub(1),
            Key::Down | Key::Char('j') => (scroll + 1).min(most),
            Key::PageUp => scroll.saturating_sub(page),
            Key::PageDown => (scroll + page).min(most),
            Key::Escape | Key::Enter | Key::Char('q' | 'm' | '?') | Key::F1 => {
                self.overlay = Overlay::None;
                return Flow::Continue;
            }
            Key::Char(_)
            | Key::Control(_)
            | Key::Tab
            | Key::BackTab
            | Key::Backspace
            | Key::Delete
            | Key::Left
            | Key::Right
            | Key::ShiftLeft
            | Key::ShiftRight
            | Key::Home
            | Key::End => {
                // Any other key does what it says.
                self.overlay = Overlay::None;
                return self.key(key);
            }
        };
        Flow::Continue
    }

    pub(super) fn type_key(&mut self, key: Key) {
        if !matches!(key, Key::Char(_) | Key::Backspace | Key::Control(_)) {
            self.settle();
        }
        match key {
            Key::Enter => self.is_typing = false,
            Key::Escape => {
                self.is_typing = false;
                self.widen();
            }
            Key::Tab => self.go_by(1),
            Key::BackTab => self.go_by(View::ALL.len() - 1),
            // Letters are typed, also those that go up and down.
            Key::Char(_) => {
                self.field().key(key);
                self.is_stale = true;
            }
            Key::Control(_)
            | Key::Backspace
            | Key::Delete
            | Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::ShiftLeft
            | Key::ShiftRight
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::F1 => {
                if !self.move_selection(key) {
                    let before = self.field().clone();
                    self.field().key(key);
                    self.is_stale |= *self.field() != before;
                }
            }
        }
    }

    pub(super) fn prompt_key(&mut self, key: Key) {
        let Some(mut prompt) = self.prompt.take() else { return };
        match (&mut prompt, key) {
            (_, Key::Escape) => return,
            (Prompt::Remove(id), key) => {
                if matches!(key, Key::Char('y' | 'Y')) {
                    let removed = self.case.remove(id).map_err(|error| with_cause(&error));
                    self.noted(removed, "removed");
                }
                return;
            }
            (Prompt::Note(moment, field), Key::Enter) => {
                let kept = keep(&mut self.case, &self.library, moment, field.text().trim(), &self.by);
                self.noted(kept, "noted");
                return;
            }
            (Prompt::Edit(id, field), Key::Enter) => {
                let kept = self.case.set_note(id, field.text().trim()).map_err(|error| with_cause(&error));
                self.noted(kept, "noted");
                return;
            }
            (Prompt::Time(field), Key::Enter) => {
                match times::parse(field.text()) {
                    Some(time) => {
                        self.commands.begin_at(Some(time));
                        self.ask_commands();
                    }
                    None if field.text().trim().is_empty() => {}
                    None => self.say("no time: give it like 2026-11-22, or 2026-11-22 14:03"),
                }
                return;
            }
            (Prompt::Note(_, field) | Prompt::Edit(_, field) | Prompt::Time(field), key) => {
                _ = field.key(key);
            }
        }
        self.prompt = Some(prompt);
    }

    pub(super) fn press(&mut self, col: u16, row: u16) -> Flow {
        if let Some((_, view)) = self
            .tabs
            .iter()
            .find(|(area, _)| row == area.row && (area.col..area.col + area.cols).contains(&col))
        {
            let view = *view;
            self.go(view);
            return Flow::Continue;
        }
        let (table, count) = self.table();
        match table.press(col, row, count) {
            Click::Row { was_chosen: true } => return self.play(),
            Click::Title(column) if self.view == View::Sessions => {
                self.sessions.sort_by(column, &self.library);
            }
            Click::Row { .. } | Click::Title(_) | Click::None => {}
        }
        Flow::Continue
    }
}
