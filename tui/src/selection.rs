//! One row of a list that is chosen, and the part of the list that is to be seen.

use crate::keys::Key;

/// What is chosen in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The number of the row that is chosen.
    pub chosen: usize,
    /// The first row that is to be seen.
    top: usize,
    /// How many rows there was room for.
    rows: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self { chosen: 0, top: 0, rows: 2 }
    }
}

impl Selection {
    /// Takes a key, of a list with so many rows; returns whether it was one for this.
    pub fn key(&mut self, key: Key, count: usize) -> bool {
        let page = self.rows.max(2) - 1;
        let last = count.saturating_sub(1);
        match key {
            Key::Up => self.chosen = self.chosen.saturating_sub(1),
            Key::Down => self.chosen = self.chosen.saturating_add(1),
            Key::PageUp => self.chosen = self.chosen.saturating_sub(page),
            Key::PageDown => self.chosen = self.chosen.saturating_add(page),
            Key::Home => self.chosen = 0,
            Key::End => self.chosen = last,
            Key::Control(_)
            | Key::Char(_)
            | Key::Enter
            | Key::Escape
            | Key::Tab
            | Key::BackTab
            | Key::Backspace
            | Key::Delete
            | Key::Left
            | Key::Right
            | Key::ShiftLeft
            | Key::ShiftRight
            | Key::F1 => return false,
        }
        self.chosen = self.chosen.min(last);
        true
    }

    /// Chooses what stands in a row of the screen, of those that are shown.
    pub fn press(&mut self, row: u16, count: usize) {
        self.chosen = (self.top + usize::from(row)).min(count.saturating_sub(1));
    }

    /// The rows that are to be seen, of so many, where there is room for `rows`: the chosen one is among them.
    pub fn show(&mut self, count: usize, rows: u16) -> std::ops::Range<usize> {
        self.rows = usize::from(rows);
        self.chosen = self.chosen.min(count.saturating_sub(1));
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(self.rows));
        self.top = self.top.min(count.saturating_sub(self.rows));
        self.top..count.min(self.top + self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_chosen_row_is_to_be_seen(
            steps in proptest::collection::vec((0..6_usize, 0..40_usize, 1..12_u16), 1..30),
        ) {
            let keys = [Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End];
            let mut selection = Selection::default();
            for (key, count, rows) in steps {
                prop_assert!(selection.key(keys[key], count));
                let shown = selection.show(count, rows);
                prop_assert!(shown.len() == count.min(rows.into()));
                prop_assert!(count == 0 || shown.contains(&selection.chosen));
            }
        }
    }
}
