//! From the player to a search, and from a hit to the player.

use casemate_terminal::{Screen, Vt100Screen};

use super::{Hit, Pattern, Search};
use crate::player::{Player, Position};
use crate::target::{SeekError, Target};

/// A line that is typed is complete within so many frames after it was first seen; else it is shown where it began.
const FRAMES: usize = 1000;

impl Player {
    /// Begins a search from the position on.
    pub fn search(&mut self, pattern: Pattern) -> Search {
        // Where the recording has not been read yet, the search waits for it.
        self.index_in_background();
        Search::begin(pattern, self.pass())
    }

    /// Goes to a hit: to when its line was first seen, or a little later, when what was found stands in it.
    ///
    /// # Errors
    /// When there is no such moment, because it is a hit in another recording.
    pub fn seek_hit(&mut self, hit: &Hit) -> Result<Position, SeekError> {
        let first = self.seek(Target::Time(hit.time))?;
        for _ in 0..FRAMES {
            if shows(self.screen(), hit) {
                return Ok(self.position());
            }
            let Some((spot, time)) = self.frame_behind() else { break };
            self.put(spot, time);
        }
        // It had scrolled off before anybody saw it.
        self.seek(Target::Time(first.time))
    }
}

/// Whether what was found stands on the screen, in the line in which it was found.
fn shows(screen: &Vt100Screen, hit: &Hit) -> bool {
    let found = &hit.line[hit.found.clone()];
    let size = screen.size();
    let mut text = String::new();
    for row in 0..size.rows {
        let Some(line) = screen.shown(row) else { continue };
        line.text(0, line.len(), &mut text);
        if line.is_wrapped() && row + 1 < size.rows {
            continue;
        }
        let shown = text.trim_end();
        if shown.contains(found) && (shown.contains(&*hit.line) || hit.line.starts_with(shown)) {
            return true;
        }
        text.clear();
    }
    false
}
