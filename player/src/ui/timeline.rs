//! The timeline: a bar of columns that show how much happened when, markers and commands.

use casemate_cast_format::Micros;
use casemate_tui::{Area, Cell, Grid, Look};

use crate::index::{Index, Marker};

/// A column of the bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    /// From 0 for nothing to 7.
    level: u8,
    has_marker: bool,
    has_command: bool,
}

/// What the slots were made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Made {
    cols: u16,
    length: Micros,
    events: u64,
    commands: usize,
}

/// The bar, made anew when something has changed.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    made: Made,
    slots: Vec<Slot>,
}

impl Timeline {
    /// Brings it up to date.
    pub(crate) fn update(&mut self, cols: u16, length: Micros, index: &Index, commands: &[Micros]) {
        let made = Made { cols, length, events: index.events(), commands: commands.len() };
        if made == self.made {
            return;
        }
        self.made = made;
        let activity = index.activity();
        let times = index.markers().iter().map(|marker: &Marker| marker.time);
        self.slots =
            slots(cols, length, activity.width(), activity.counts(), times, commands.iter().copied());
    }

    /// Draws it in a row; `position` is where the playhead is.
    pub(crate) fn draw(&self, area: Area, position: Micros, look: &Look, to: &mut Grid) {
        const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        let head = column(position, self.made.length, area.cols);
        for (col, slot) in (0..area.cols).zip(&self.slots) {
            let style = match (slot, col < head) {
                (Slot { has_marker: true, .. }, _) => look.marker,
                (Slot { has_command: true, .. }, _) => look.good,
                (_, true) => look.accent,
                (_, false) => look.faint,
            };
            let text = if slot.has_marker { "◆" } else { LEVELS[usize::from(slot.level).min(7)] };
            let cell = if col == head { Cell::new("┃", 1, look.strong) } else { Cell::new(text, 1, style) };
            to.set(area.col + col, area.row, cell);
        }
    }
}

/// In which of so many columns a time is.
fn column(time: Micros, length: Micros, cols: u16) -> u16 {
    let last = cols.saturating_sub(1);
    if length.0 == 0 {
        return 0;
    }
    let column = u128::from(time.0) * u128::from(cols) / u128::from(length.0);
    u16::try_from(column).unwrap_or(last).min(last)
}

/// The time at the middle of a column; at the edges that of the edge.
pub(crate) fn time_at(col: u16, cols: u16, length: Micros) -> Micros {
    if col == 0 || cols < 2 {
        return Micros(0);
    }
    if col + 1 >= cols {
        return length;
    }
    let time = u128::from(length.0) * (u128::from(col) * 2 + 1) / (u128::from(cols) * 2);
    Micros(u64::try_from(time).unwrap_or(u64::MAX))
}

fn slots(
    cols: u16,
    length: Micros,
    width: Micros,
    counts: &[u64],
    markers: impl Iterator<Item = Micros>,
    commands: impl Iterator<Item = Micros>,
) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); cols.into()];
    if cols == 0 {
        return slots;
    }
    // The busiest bucket of each column counts: a burst is a burst, however long the recording.
    let mut most = vec![0_u64; cols.into()];
    for (bucket, &count) in counts.iter().enumerate() {
        let begin = (bucket as u64).saturating_mul(width.0);
        let end = begin.saturating_add(width.0.saturating_sub(1)).min(length.0);
        let first = column(Micros(begin.min(length.0)), length, cols);
        // What is finer than the buckets is known no better.
        let last = column(Micros(end), length, cols);
        for col in first..=last.max(first) {
            let col = usize::from(col);
            most[col] = most[col].max(count);
        }
    }
    let bits = |count: u64| u64::from(u64::BITS - count.leading_zeros());
    let highest = bits(most.iter().copied().max().unwrap_or(0)).max(1);
    for (slot, most) in slots.iter_mut().zip(&most) {
        // By powers of two: a typed line is to be seen beside a megabyte.
        let level = if *most == 0 { 0 } else { (bits(*most) * 7 / highest).max(1) };
        slot.level = u8::try_from(level).unwrap_or(7);
    }
    markers.for_each(|time| slots[usize::from(column(time, length, cols))].has_marker = true);
    commands.for_each(|time| slots[usize::from(column(time, length, cols))].has_command = true);
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_seen_beside_a_flood() {
        let slots = slots(
            4,
            Micros(4_000),
            Micros(1_000),
            &[5, 0, 1_000_000, 40],
            [Micros(4_000)].into_iter(),
            [Micros(100)].into_iter(),
        );
        let levels: Vec<_> = slots.iter().map(|slot| slot.level).collect();
        assert_eq!(levels, [1, 0, 7, 2]);
        assert!(slots[3].has_marker && slots[0].has_command);
    }

    proptest! {
        #[test]
        fn nothing_is_out_of_bounds(
            cols in 0..300_u16,
            length in any::<u64>(),
            width in 1..u64::MAX,
            counts in proptest::collection::vec(any::<u64>(), 0..50),
            times in proptest::collection::vec(any::<u64>(), 0..5),
            col in 0..300_u16,
        ) {
            let times = || times.iter().map(|time| Micros(*time));
            prop_assert_eq!(slots(cols, Micros(length), Micros(width), &counts, times(), times()).len(), usize::from(cols));
            prop_assert!(time_at(col, cols, Micros(length)) <= Micros(length));
        }

        #[test]
        fn a_click_lands_in_its_column(cols in 2..300_u16, col in 0..300_u16, length in 1_000..u64::MAX) {
            let col = col.min(cols - 1);
            prop_assert_eq!(column(time_at(col, cols, Micros(length)), Micros(length), cols), col);
        }
    }
}
