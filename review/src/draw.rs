//! What is to be seen of the review, as a grid.

use std::time::Duration;

use casemate_terminal::Style;
use casemate_tui::panel::draw_text;
use casemate_tui::text::{count, harmless};
use casemate_tui::{Area, Grid};
use unicode_width::UnicodeWidthStr as _;

use crate::app::{App, Overlay, Prompt, View};
use crate::panels::{details, help};

/// The bar of the index is so wide.
const BAR: u16 = 20;

impl App {
    /// Draws all of it, for a terminal of that size.
    pub(crate) fn drawn(&mut self, cols: u16, rows: u16) -> Grid {
        let mut grid = Grid::new(cols, rows);
        let row = |row: u16| Area { col: 0, row, cols, rows: 1 };
        self.draw_tabs(row(0), &mut grid);
        if rows > 1 {
            self.draw_field(row(1), &mut grid);
        }
        if rows > 3 {
            let body = Area { col: 0, row: 2, cols, rows: rows - 3 };
            self.draw_view(body, &mut grid);
        }
        if rows > 2 {
            self.draw_status(row(rows - 1), &mut grid);
        }
        self.draw_overlay(Area { rows: rows.saturating_sub(1), ..grid.area() }, &mut grid);
        grid
    }

    fn draw_tabs(&mut self, area: Area, grid: &mut Grid) {
        self.tabs.clear();
        let has_room = area.cols >= 60;
        let mut col = u16::from(has_room);
        for (number, view) in (1..).zip(View::ALL) {
            let begin = col;
            let is_shown = view == self.view;
            let style = if is_shown { self.look.strong } else { self.look.plain };
            col = grid.write(col, area.row, area.cols, &format!("{number} "), self.look.faint);
            col = grid.write(col, area.row, area.cols, view.title(), style);
            if is_shown {
                for col in begin..col {
                    if let Some(style) = grid.style_mut(col, area.row) {
                        *style = Style { inverse: true, ..self.look.plain };
                    }
                }
            }
            self.tabs.push((Area { col: begin, cols: col - begin, ..area }, view));
            col += 1 + 2 * u16::from(has_room);
        }
        let count = match self.view {
            View::Sessions => self.sessions.count(),
            View::Commands => self.commands.count(),
            View::Search => self.search.count(),
            View::Notes => self.notes.count(&self.case),
        };
        let wide = u16::try_from(count.width()).unwrap_or(u16::MAX).saturating_add(1);
        if col + wide < area.cols {
            grid.write(area.cols - wide, area.row, area.cols, &count, self.look.faint);
        }
    }

    fn draw_field(&mut self, area: Area, grid: &mut Grid) {
        let look = self.look;
        let scope = match self.view {
            View::Commands => self.commands.scope(&self.library),
            View::Search => Some(format!("in {}", self.search.part.as_str())),
            View::Sessions | View::Notes => None,
        };
        let mut end = area.cols.saturating_sub(1);
        if let Some(scope) = scope {
            let scope = harmless(&scope);
            let wide = u16::try_from(scope.width()).unwrap_or(u16::MAX);
            // What was typed needs room, too.
            if wide < area.cols / 2 {
                grid.write(end - wide, area.row, end, &scope, look.marker);
                end -= wide + 1;
            }
        }
        let hint = match self.view {
            View::Sessions => "filter: words, user:alice target:web-1 as:root is:damaged",
            View::Commands => "filter: a regular expression, user:alice target:web-1 as:root",
            View::Search => "a regular expression",
            View::Notes => "filter: words",
        };
        let is_typing = self.is_typing;
        let field = self.field();
        let style = if is_typing || !field.is_empty() { look.accent } else { look.faint };
        let col = grid.write(1, area.row, end, "/", style);
        let rest = Area { col, cols: end.saturating_sub(col), ..area };
        if is_typing {
            field.draw(rest, look.strong, (hint, look.faint), grid);
        } else if field.is_empty() {
            grid.write(col + 2, area.row, end, hint, look.faint);
        } else {
            grid.write(col, area.row, end, &harmless(field.text()), look.strong);
        }
    }

    fn draw_view(&mut self, area: Area, grid: &mut Grid) {
        let look = self.look;
        // A column free on each side, where there is room.
        let space = u16::from(area.cols >= 60);
        let area = Area { col: space, cols: area.cols - 2 * space, ..area };
        match self.view {
            View::Sessions => {
                self.sessions.draw(area, &look, grid);
                if self.has_overview() && !self.is_updating() && self.library.order.is_empty() {
                    grid.write(
                        area.col,
                        area.row + 1,
                        area.col + area.cols,
                        "there are no recordings here",
                        look.faint,
                    );
                }
            }
            View::Commands => self.commands.draw(area, &look, grid),
            View::Search => self.search.draw(area, &look, grid),
            View::Notes => self.notes.draw(area, &self.case, &look, grid),
        }
    }

    fn draw_status(&self, area: Area, grid: &mut Grid) {
        let look = &self.look;
        let end = area.cols.saturating_sub(1);
        let label = match &self.prompt {
            Some(Prompt::Note(_, field)) => {
                Some(("note ", field, "what is to be said of it; Enter keeps it"))
            }
            Some(Prompt::Edit(_, field)) => Some(("note ", field, "nothing more to say")),
            Some(Prompt::Time(field)) => Some(("from ", field, "2026-11-22, or 2026-11-22 14:03 (UTC)")),
            Some(Prompt::Remove(_)) => {
                grid.write(1, area.row, end, "remove this note? y removes it", look.marker);
                return;
            }
            None => None,
        };
        if let Some((label, field, hint)) = label {
            let col = grid.write(1, area.row, end, label, look.accent);
            let rest = Area { col, cols: end.saturating_sub(col), ..area };
            field.draw(rest, look.plain, (hint, look.faint), grid);
        } else if let Some((message, _)) = &self.message {
            grid.write(1, area.row, end, &harmless(message), look.marker);
        } else if self.is_updating() {
            self.draw_progress(area, grid);
        } else if self.is_typing {
            self.draw_hints(
                &[("Enter", "keep"), ("Esc", "clear"), ("↑ ↓", "choose"), ("Tab", "next view")],
                area,
                grid,
            );
        } else {
            self.draw_keys(area, grid);
        }
    }

    /// The most useful keys, as many as fit.
    fn draw_keys(&self, area: Area, grid: &mut Grid) {
        let own: &[(&str, &str)] = match self.view {
            View::Sessions => &[("c", "commands"), ("s", "sort"), ("a", "note"), ("m", "details")],
            View::Commands => &[("g", "go to time"), ("r", "reverse"), ("a", "note"), ("m", "details")],
            View::Search => &[("o", "where"), ("a", "note"), ("m", "details")],
            View::Notes => &[("e", "edit"), ("d", "remove"), ("m", "details")],
        };
        let first = [("?", "keys"), ("q", "quit"), ("Enter", "play"), ("/", "filter")];
        let end = area.cols.saturating_sub(1);
        let wide = |(key, text): &(&str, &str)| u16::try_from(key.len() + text.len() + 3).unwrap_or(u16::MAX);
        let mut left = end;
        let mut shown = Vec::new();
        for key in first.iter().chain(own) {
            if wide(key) <= left {
                left -= wide(key);
                shown.push(*key);
            }
        }
        // Quitting and help stand at the end.
        let split = shown.len().min(2);
        shown.rotate_left(split);
        self.draw_hints(&shown, area, grid);
    }

    fn draw_hints(&self, hints: &[(&str, &str)], area: Area, grid: &mut Grid) {
        let (mut col, end) = (1_u16, area.cols.saturating_sub(1));
        for (key, text) in hints {
            let wide = u16::try_from(key.width() + text.width() + 1).unwrap_or(u16::MAX);
            if col.saturating_add(wide) > end {
                break;
            }
            col = grid.write(col, area.row, end, key, self.look.accent);
            col = grid.write(col + 1, area.row, end, text, self.look.faint) + 2;
        }
    }

    /// How far the index is, and how long it will take.
    fn draw_progress(&self, area: Area, grid: &mut Grid) {
        let update = self.librarian.update();
        let (progress, began) = (update.progress, update.began);
        drop(update);
        let look = &self.look;
        let end = area.cols.saturating_sub(1);
        if progress.waits {
            grid.write(1, area.row, end, "another casemate updates the index: waiting for it", look.marker);
            return;
        }
        if progress.of_bytes == 0 {
            grid.write(1, area.row, end, "looking for recordings", look.faint);
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let part = (progress.bytes as f64 / progress.of_bytes as f64).min(1.0);
        let mut col = grid.write(1, area.row, end, "indexing ", look.plain);
        if area.cols >= 60 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 20")]
            let full = (part * f64::from(BAR)) as u16;
            col = grid.write(col, area.row, end, &"━".repeat(full.into()), look.accent);
            col = grid.write(col, area.row, end, &"━".repeat((BAR - full).into()), look.faint) + 1;
        }
        col = grid.write(col, area.row, end, &format!("{:.0} %", part * 100.0), look.strong);
        let files = format!(", {} of {}", count(progress.files as u64), count(progress.of_files as u64));
        col = grid.write(col, area.row, end, &files, look.plain);
        if let Some(left) = began.and_then(|began| left(began.elapsed(), part)) {
            grid.write(col, area.row, end, &format!(", {left} left"), look.plain);
        }
    }

    fn draw_overlay(&mut self, area: Area, grid: &mut Grid) {
        let (title, lines) = match self.overlay {
            Overlay::None => return,
            Overlay::Help => ("keys", help(&self.look)),
            Overlay::Details(recording, session) => {
                let room = usize::from(area.cols.saturating_sub(4));
                ("recording", details(&self.library, &self.case, recording, session, room, &self.look))
            }
        };
        draw_text(area, title, &lines, &mut self.scroll, &self.look, grid);
    }
}

/// How long it will take, where that can be said.
fn left(elapsed: Duration, part: f64) -> Option<String> {
    if elapsed < Duration::from_secs(2) || part <= 0.01 {
        return None;
    }
    let seconds = elapsed.as_secs_f64() / part * (1.0 - part);
    Some(match seconds {
        0.0..90.0 => format!("{seconds:.0} s"),
        90.0..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    })
}
