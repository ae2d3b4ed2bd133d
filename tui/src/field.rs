//! A line that is being typed.

use casemate_terminal::Style;
use unicode_width::UnicodeWidthChar as _;

use crate::grid::{Area, Grid};
use crate::keys::Key;
use crate::text::harmless;

/// So many bytes are taken. Longer is only what was pasted by mistake, and much longer, what nobody could wait for.
const LONGEST: usize = 8 << 10;

/// A line that is being typed, at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
}

impl Field {
    /// A line that begins with that text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Takes a key; returns whether it was one for this. With Ctrl-U all of it goes, with Ctrl-W the last word. No more
    /// is taken than 8 KiB.
    pub fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(character) if self.text.len() + character.len_utf8() <= LONGEST => {
                self.text.push(character);
            }
            Key::Char(_) => {}
            Key::Backspace => {
                self.text.pop();
            }
            Key::Control('u') => self.text.clear(),
            Key::Control('w') => {
                let words = self.text.trim_end();
                let begin = words.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.text.truncate(begin.min(words.len()));
            }
            Key::Control(_)
            | Key::Enter
            | Key::Escape
            | Key::Tab
            | Key::BackTab
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
            | Key::F1 => return false,
        }
        true
    }

    /// Draws it in one row, with a cursor behind it; its end is to be seen. A hint stands in an empty one.
    pub fn draw(&self, area: Area, style: Style, hint: (&str, Style), to: &mut Grid) {
        let end = area.col + area.cols;
        let text = harmless(&self.text);
        let room = usize::from(area.cols.saturating_sub(1));
        let mut from = text.len();
        let mut wide = 0;
        for (at, character) in text.char_indices().rev() {
            wide += character.width().unwrap_or(0);
            if wide > room {
                break;
            }
            from = at;
        }
        let shown = &text[from..];
        let behind = to.write(area.col, area.row, end, shown, style);
        if let Some(style) = to.style_mut(behind.min(end.saturating_sub(1)), area.row) {
            style.inverse = true;
        }
        if self.text.is_empty() {
            to.write(behind + 2, area.row, end, hint.0, hint.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_typed_at_its_end() {
        let mut field = Field::new("one two");
        for (key, text) in [
            (Key::Char('é'), "one twoé"),
            (Key::Backspace, "one two"),
            (Key::Control('w'), "one "),
            (Key::Control('w'), ""),
            (Key::Backspace, ""),
            (Key::Char('x'), "x"),
            (Key::Control('u'), ""),
        ] {
            assert!(field.key(key));
            assert_eq!(field.text(), text);
        }
        assert!(!field.key(Key::Enter));
    }

    #[test]
    fn what_is_pasted_has_an_end() {
        let mut field = Field::default();
        (0..LONGEST).for_each(|_| assert!(field.key(Key::Char('é'))));
        assert_eq!(field.text().len(), LONGEST);
        assert!(field.key(Key::Backspace) && field.key(Key::Char('x')));
        assert!(field.text().ends_with("éx"));
    }

    #[test]
    fn its_end_and_its_cursor_are_to_be_seen() {
        let mut grid = Grid::new(6, 1);
        Field::new("日本one").draw(grid.area(), Style::default(), ("", Style::default()), &mut grid);
        assert_eq!(grid.text(), "本one\n");
        assert!(grid.cell(5, 0).unwrap().style.inverse);
    }
}
