//! What is to be seen of the player, as a grid.

use casemate_terminal::Style;
use casemate_tui::panel::draw_text;
use casemate_tui::text::clock;
use casemate_tui::{Area, Grid, Look};
use unicode_width::UnicodeWidthStr as _;

use super::app::{App, Overlay, Prompt};
use super::help::{help, metadata};
use super::picture::{Mode, Picture, View};
use super::text::{speed, typed};
use crate::player::{Length, State};

/// A bar that is narrower says nothing.
const NARROWEST_BAR: u16 = 8;

impl App<'_> {
    /// Draws all of it, for a terminal of that size.
    pub(super) fn drawn(&mut self, cols: u16, rows: u16) -> Grid {
        if std::mem::take(&mut self.is_stale) && self.journey.is_none() {
            self.picture = Picture::of(self.player.screen());
        }
        let mut grid = Grid::new(cols, rows);
        let has_prompt = self.prompt.is_some() || self.message.is_some();
        let status = u16::from((self.shows_status || has_prompt) && rows >= 2);
        let input = u16::from(self.shows_input && rows >= status + 3);
        self.screen_area = Area { rows: rows - status - input, ..grid.area() };
        self.draw_screen(&mut grid);
        if input > 0 {
            self.draw_input(Area { row: rows - status - 1, rows: 1, ..grid.area() }, &mut grid);
        }
        // A message hides the bar for a while; a click finds it none the less.
        if self.message.is_none() {
            self.bar = None;
        }
        if status > 0 {
            self.draw_status(Area { row: rows - 1, rows: 1, ..grid.area() }, &mut grid);
        }
        grid
    }

    fn draw_screen(&mut self, grid: &mut Grid) {
        let area = self.screen_area;
        let marked = self.search.as_ref().map(|search| self.picture.marked(search.pattern()));
        let picture = marked.as_ref().unwrap_or(&self.picture);
        let cursor = self.view.show(picture, area, &self.look, grid);
        if let Some((col, row)) = cursor
            && let Some(style) = grid.style_mut(col, row)
        {
            style.inverse = !style.inverse;
        }
        let position = self.player.position().time;
        let (title, lines) = match &mut self.overlay {
            Overlay::None => return,
            Overlay::Commands(list) => {
                list.draw(area, &self.reader.found(), position, &self.look, grid);
                return;
            }
            Overlay::Help => ("keys", help(self.note.is_some(), &self.look)),
            Overlay::Metadata => {
                let length = self.player.length().time();
                let found = self.reader.found();
                let index = self.player.index();
                ("recording", metadata(&self.name, self.player.header(), &index, length, &found, &self.look))
            }
        };
        draw_text(area, title, &lines, &mut self.scroll, &self.look, grid);
    }

    fn draw_input(&self, area: Area, grid: &mut Grid) {
        let found = self.reader.found();
        let text = typed(found.typed_until(self.player.position().time, usize::from(area.cols) * 4));
        let col = grid.write(area.col + 1, area.row, area.cols, "typed ", self.look.faint);
        let room = usize::from(area.cols.saturating_sub(col + 1));
        let mut shown = text.as_str();
        while shown.width() > room {
            let mut characters = shown.chars();
            characters.next();
            shown = characters.as_str();
        }
        grid.write(col, area.row, area.cols, shown, self.look.accent);
    }

    fn draw_status(&mut self, area: Area, grid: &mut Grid) {
        if let Some(prompt) = &self.prompt {
            let said = if matches!(prompt, Prompt::Pattern(..)) { self.search_text() } else { None };
            draw_prompt(prompt, &said.unwrap_or_default(), area, &self.look, grid);
            return;
        }
        // The last column stays free: a terminal that takes a block for wide would scroll.
        let end = area.cols.saturating_sub(1);
        let has_room = area.cols >= 60;
        let (mark, style) = self.mark();
        let col = grid.write(u16::from(has_room), area.row, end, mark, style);
        let time = match self.player.length() {
            Length::Exact(length) => clock(length, false),
            Length::Estimated(length) => format!("~{}", clock(length, false)),
            Length::Unknown => "?".to_owned(),
        };
        // So wide that the bar does not move.
        let position = self.clock(has_room);
        let wide = time.trim_start_matches('~').len() + if has_room { 2 } else { 0 };
        let col = grid.write(col + 1, area.row, end, &format!("{position:>wide$}"), self.look.strong);
        let slash = if has_room { " / " } else { "/" };
        let col = grid.write(col, area.row, end, &format!("{slash}{time}"), self.look.plain);
        let begin = col + 1 + u16::from(has_room);
        if let Some((message, _)) = &self.message {
            grid.write(begin, area.row, end, message, self.look.marker);
            return;
        }
        let mut bar_end = end;
        for (text, style, least) in self.facts() {
            let room = bar_end.saturating_sub(begin);
            let wide =
                u16::try_from(text.width()).unwrap_or(u16::MAX).saturating_add(1 + u16::from(has_room));
            if room < least || room < wide {
                continue;
            }
            let at = bar_end - wide + 1 + u16::from(has_room);
            grid.write(at, area.row, bar_end, &text, style);
            bar_end -= wide;
        }
        let bar = Area { col: begin, cols: bar_end.saturating_sub(begin), ..area };
        if bar.cols < NARROWEST_BAR {
            return;
        }
        let position = self.player.position().time;
        let index = self.player.index();
        let length = self.player.length_in(&index).time().unwrap_or(index.end).max(position);
        self.timeline.update(bar.cols, length, &index, &self.commands);
        drop(index);
        self.timeline.draw(bar, position, &self.look, grid);
        self.bar = Some(bar);
    }

    fn mark(&self) -> (&'static str, Style) {
        match self.state {
            _ if self.journey.is_some_and(|journey| journey.is_long) => ("…", self.look.marker),
            State::Playing => ("▶", self.look.good),
            State::Paused | State::AtMarker => ("‖", self.look.marker),
            State::Seeking | State::Waiting => ("…", self.look.marker),
            State::Following => ("●", self.look.bad),
            State::Ended => ("■", self.look.plain),
        }
    }

    /// What stands right of the bar, from the right, each with how much room there must be.
    fn facts(&self) -> Vec<(String, Style, u16)> {
        let mut facts = vec![("?".to_owned(), self.look.faint, 40)];
        facts.push((speed(self.player.speed()), self.look.plain, 14));
        if View::is_cut(&self.picture, self.screen_area) {
            let how = match self.view.mode {
                Mode::Following => "",
                Mode::Panned => " panned",
                Mode::Fit => " fit",
            };
            let size = format!("{}×{}{how}", self.picture.grid.cols(), self.picture.grid.rows());
            facts.push((size, self.look.marker, 26));
        }
        if let Some(journey) = self.journey.filter(|journey| journey.is_long) {
            facts.push((format!("{:.0} %", journey.progress * 100.0), self.look.marker, 16));
        }
        if !self.commands.is_empty() {
            let number = self.commands.partition_point(|time| *time <= self.player.position().time);
            facts.push((format!("command {number}/{}", self.commands.len()), self.look.plain, 60));
        }
        facts
    }
}

/// What is asked for, and at the right what has become of it so far.
fn draw_prompt(prompt: &Prompt, said: &str, area: Area, look: &Look, grid: &mut Grid) {
    let (label, field, hint) = match prompt {
        Prompt::Place(field) => ("go to ", Some(field), "1:30, 50%, end, marker:NAME, command:3"),
        Prompt::Pattern(field, _) => ("/", Some(field), "a regular expression; Enter stays there"),
        Prompt::Note(field) => ("note ", Some(field), "what is to be said of this moment; Enter keeps it"),
        Prompt::Form => ("save this screen as: ", None, "t text   a ANSI   v SVG   Esc nothing"),
    };
    let mut end = area.cols.saturating_sub(1);
    let col = grid.write(area.col + 1, area.row, end, label, look.accent);
    let wide = u16::try_from(said.width()).unwrap_or(u16::MAX);
    if wide > 0 && wide < end.saturating_sub(col) / 2 {
        grid.write(end - wide, area.row, end, said, look.marker);
        end -= wide + 1;
    }
    let rest = Area { col, cols: end.saturating_sub(col), ..area };
    match field {
        Some(field) => field.draw(rest, Style::default(), (hint, look.faint), grid),
        None => _ = grid.write(col, area.row, end, hint, look.faint),
    }
}
