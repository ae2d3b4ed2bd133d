//! From hit to hit of a search, also while it goes on.

use std::time::Duration;

use casemate_cast_format::Micros;

use casemate_tui::text::{count as count_text, harmless};

use super::app::App;
use crate::player::State;
use crate::search::{Hit, Pattern, Search};
use crate::target::Target;

/// Which hit of a search to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first one from there on.
    From(Micros),
    Next,
    Before,
}

impl App<'_> {
    pub(super) fn next_hit(&mut self, wanted: Wanted, now: Duration) {
        if self.search.is_none() {
            self.say("nothing to look for: press / and type it", now);
            return;
        }
        self.wanted_hit = Some(wanted);
        self.go_to_hit(now);
    }

    /// Looks for what is typed so far, from where the typing began; nothing typed leads back there.
    pub(super) fn look_for(&mut self, text: &str, from: Micros, now: Duration) {
        // An expression that is not whole yet changes nothing.
        let Ok(pattern) = Pattern::new(text) else { return };
        // What was said of another is over.
        (self.wanted_hit, self.last_hit, self.message) = (None, None, None);
        self.search = (!text.is_empty()).then(|| self.player.search(pattern));
        if self.search.is_some() {
            self.next_hit(Wanted::From(from), now);
        } else if self.aim() != from {
            self.go(Target::Time(from), now);
        }
    }

    /// What has become of the search while it is typed.
    pub(super) fn search_text(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let number = self.last_hit.map_or(0, |(hit, _)| ordinal(search, hit));
        Some(match (search.count(), search.is_complete()) {
            (0, true) => "nothing".to_owned(),
            (0, false) => format!("{:.0} %", search.progress() * 100.0),
            (count, true) if number > 0 => format!("{number} of {}", count_text(count)),
            (count, true) if self.last_hit.is_none() => format!("{} elsewhere", count_text(count)),
            (count, true) => count_text(count),
            (count, false) => format!("{} so far", count_text(count)),
        })
    }

    /// Goes to the hit that is wanted, once it is known which one that is.
    pub(super) fn go_to_hit(&mut self, now: Duration) {
        let (Some(search), Some(wanted)) = (&self.search, self.wanted_hit) else { return };
        let aim = self.aim();
        let here = self.last_hit.filter(|(_, shown)| *shown == aim).map_or(aim, |(hit, _)| hit);
        let found = match wanted {
            Wanted::From(Micros(0)) => search.hits().into_iter().next(),
            Wanted::From(there) => search.next(Micros(there.0 - 1)),
            Wanted::Next => search.next(here),
            Wanted::Before => search.previous(here),
        };
        let what = harmless(search.pattern().as_str()).into_owned();
        let (count, is_complete) = (search.count(), search.is_complete());
        if let Some(hit) = found {
            self.wanted_hit = None;
            let number = number(search, &hit);
            let more = if is_complete { "" } else { " so far" };
            self.say(format!("/{what}   {number}{}{more}", count_text(count)), now);
            self.show_hit(&hit, now);
        } else if is_complete {
            self.wanted_hit = None;
            let where_to = if wanted == Wanted::Before { "before this moment" } else { "from here on" };
            let elsewhere =
                if count > 0 { format!(", {} elsewhere", count_text(count)) } else { String::new() };
            self.say(format!("/{what}   nothing {where_to}{elsewhere}"), now);
        } else {
            self.say(format!("/{what}   looking, {:.0} %", search.progress() * 100.0), now);
        }
    }

    fn show_hit(&mut self, hit: &Hit, now: Duration) {
        (self.journey, self.awaited) = (None, None);
        match self.player.seek_hit(hit) {
            Ok(position) => self.last_hit = Some((hit.time, position.time)),
            Err(error) => self.say(error.to_string(), now),
        }
        self.state = if self.player.is_playing() { State::Playing } else { State::Paused };
        (self.is_stale, self.is_dirty) = (true, true);
    }
}

/// Which hit this is, as long as they are few enough to be counted: `3 of `.
fn number(search: &Search, hit: &Hit) -> String {
    match ordinal(search, hit.time) {
        0 => String::new(),
        number => format!("{number} of "),
    }
}

/// The number of the hit at that time, from 1; 0 where that is not known, or they are too many.
fn ordinal(search: &Search, time: Micros) -> usize {
    const FEW: u64 = 2000;
    if search.count() > FEW {
        return 0;
    }
    search.hits().iter().position(|hit| hit.time == time).map_or(0, |at| at + 1)
}
