//! What the player does with keys and time. It draws nothing and touches no terminal.
//!
//! - `draw` makes a grid of what is to be seen; `found` goes from hit to hit.
//!
//! *Invariants*: no key waits for the recording: going somewhere is begun here, and pursued as time passes. What was
//! shown stays until what was asked for is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casemate_cast_format::Micros;
use casemate_tui::text::{clock, harmless};
use casemate_tui::{Area, Field, Flow, Grid, Input, Key, Look, Program};

use super::Options;
use super::found::Wanted;
use super::list::{Choice, List};
use super::picture::{Picture, View};
use super::reader::Reader;
use super::save::{Form, save};
use super::text::speed;
use super::timeline::{Timeline, time_at};
use crate::index::Marker;
use crate::player::{Player, Pursuit, State};
use crate::recording::Recording;
use crate::search::{Pattern, Search};
use crate::target::Target;

/// Speeds that keys go through.
const SPEEDS: [f64; 16] =
    [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0, 64.0, 125.0, 250.0, 1000.0];

/// So far arrows and the wheel go.
const STEP: Micros = Micros(5_000_000);

/// So long a message is shown.
const MESSAGE: Duration = Duration::from_secs(4);

/// Whoever waits longer is told how far it is.
const PATIENCE: Duration = Duration::from_millis(150);

/// The clock shows tenths.
const TICK: Duration = Duration::from_millis(100);

/// While reading goes on, what it found is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// After the end of a growing file is looked so soon, and, as long as nothing comes, ever more rarely.
const SOON: Duration = Duration::from_millis(20);
const RARELY: Duration = Duration::from_millis(200);

/// Takes what is noted of a moment, and says what became of it.
pub(crate) type TakeNote<'a> = dyn FnMut(Micros, &str) -> String + 'a;

/// What is shown above the recorded screen.
#[derive(Debug)]
pub(crate) enum Overlay {
    None,
    Help,
    Metadata,
    Commands(List),
}

/// What is asked for in the status line.
#[derive(Debug)]
pub(crate) enum Prompt {
    /// Where to go.
    Place(Field),
    /// What to look for, and where that began.
    Pattern(Field, Micros),
    /// What to note of this moment.
    Note(Field),
    /// As what to save.
    Form,
}

/// A player, and what is shown of it.
pub(crate) struct App<'a> {
    pub(super) player: Player,
    /// Takes what is noted of a moment, where somebody does.
    pub(super) note: Option<&'a mut TakeNote<'a>>,
    pub(super) reader: Reader,
    pub(super) look: Look,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) picture: Picture,
    pub(super) view: View,
    pub(super) timeline: Timeline,
    pub(super) overlay: Overlay,
    /// The first line of an overlay that is shown, and how far that can go.
    pub(super) scroll: (usize, usize),
    pub(super) prompt: Option<Prompt>,
    /// A pattern was typed that is not yet looked for.
    is_typed: bool,
    pub(super) message: Option<(String, Duration)>,
    pub(super) shows_status: bool,
    pub(super) shows_input: bool,
    pub(super) is_following: bool,
    until: Option<Arc<AtomicBool>>,
    /// Nothing more comes, and all that came was seen.
    is_over: bool,
    /// Where the recorded screen and the timeline are, since they were drawn last.
    pub(super) screen_area: Area,
    pub(super) bar: Option<Area>,
    pub(super) commands: Vec<Micros>,
    /// On the way somewhere: since when, where to if that is a time, and how far.
    pub(super) journey: Option<Journey>,
    pub(super) search: Option<Search>,
    /// A hit that is not found yet, to go to once it is: the next one, or the one before.
    pub(super) wanted_hit: Option<Wanted>,
    /// The hit that was gone to last, and where its line stood there: that can be a little after it was first seen.
    pub(super) last_hit: Option<(Micros, Micros)>,
    /// A command that is not known yet, to go to once it is, or once all are known.
    pub(super) awaited: Option<Target>,
    /// Whether the picture is of another moment.
    pub(super) is_stale: bool,
    /// Whether what was drawn is not what is to be seen.
    pub(super) is_dirty: bool,
    is_dragging: bool,
    look_at: Duration,
    refresh_at: Duration,
    refresh_pause: Duration,
}

/// A seek on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journey {
    since: Duration,
    to: Option<Micros>,
    pub(super) is_long: bool,
    pub(super) progress: f64,
}

impl App<'_> {
    pub(crate) fn new(mut player: Player, recording: &Recording, options: &Options) -> Self {
        let is_following = options.following && recording.can_grow();
        player.set_speed(Duration::ZERO, options.speed);
        if options.idle_limit.is_some() {
            player.set_idle_limit(Duration::ZERO, options.idle_limit);
        }
        player.set_looping(options.looping);
        player.set_pause_on_markers(options.pause_on_markers);
        player.set_following(is_following);
        let picture = Picture::of(player.screen());
        let nothing = Area { col: 0, row: 0, cols: 0, rows: 0 };
        let mut app = Self {
            reader: Reader::start(recording, is_following),
            look: Look::new(options.has_colour),
            name: recording.name().to_owned(),
            state: State::Paused,
            picture,
            view: View::default(),
            timeline: Timeline::default(),
            overlay: Overlay::None,
            scroll: (0, 0),
            prompt: None,
            is_typed: false,
            message: None,
            shows_status: true,
            shows_input: false,
            is_following,
            until: options.until.clone(),
            is_over: false,
            screen_area: nothing,
            bar: None,
            commands: Vec::new(),
            journey: None,
            search: None,
            wanted_hit: None,
            last_hit: None,
            awaited: None,
            is_stale: true,
            is_dirty: true,
            is_dragging: false,
            look_at: Duration::ZERO,
            refresh_at: Duration::ZERO,
            refresh_pause: SOON,
            note: None,
            player,
        };
        match options.start_at.clone() {
            Some(target) => app.go(target, Duration::ZERO),
            None if is_following => app.go(Target::End, Duration::ZERO),
            None => {}
        }
        if !options.paused {
            app.player.play();
        }
        app
    }

    fn pass(&mut self, now: Duration) -> Option<Duration> {
        self.settle(now);
        let mut wake = self.learn(now);
        let mut at = |time: Duration| wake = Some(wake.map_or(time, |wake: Duration| wake.min(time)));
        if let Some((_, until)) = &self.message {
            if now >= *until {
                self.message = None;
                self.is_dirty = true;
            } else {
                at(*until);
            }
        }
        if self.wanted_hit.is_some() {
            self.go_to_hit(now);
            at(now + TICK / 2);
        }
        // Asked first: what came before it was set is found by looking once more.
        let is_complete = self.until.as_ref().is_some_and(|until| until.load(Ordering::Acquire));
        let mut has_all = false;
        if self.is_following && now >= self.refresh_at {
            let has_grown = self.refresh(now);
            has_all = is_complete && !has_grown;
            self.refresh_pause = if has_grown { SOON } else { (self.refresh_pause * 3 / 2).min(RARELY) };
            self.refresh_at = now + self.refresh_pause;
        }
        if self.is_following {
            at(self.refresh_at);
        }
        if self.journey.is_some() {
            self.pursue(now);
            at(now);
            return wake;
        }
        let before = self.player.position();
        let mut has_shown = false;
        let advance = self.player.advance(now, |_| has_shown = true);
        self.is_over = has_all && advance.state == State::Following;
        if has_shown || advance.restarted {
            (self.is_stale, self.is_dirty) = (true, true);
        }
        if advance.state != self.state {
            self.is_dirty = true;
            if advance.state == State::AtMarker {
                self.tell_marker(now);
            }
            // It is said once.
            self.state = if advance.state == State::AtMarker { State::Paused } else { advance.state };
        }
        // The clock goes on while nothing happens.
        if before.time.0 / 100_000 != self.player.position().time.0 / 100_000 {
            self.is_dirty = true;
        }
        if let Some(due) = advance.wake {
            at(if self.state == State::Playing { due.min(now + TICK) } else { due });
        }
        wake
    }

    /// Looks what was found since the last time.
    fn learn(&mut self, now: Duration) -> Option<Duration> {
        let is_done = self.reader.is_done() && self.player.index().is_complete();
        if now >= self.look_at || (is_done && self.look_at != Duration::MAX) {
            self.look_at = if is_done && !self.is_following { Duration::MAX } else { now + LOOK_AGAIN };
            self.learn_commands();
            self.is_dirty = true;
            if let Some(target) = self.awaited.take() {
                self.message = None;
                self.go(target, now);
            }
        }
        (self.look_at != Duration::MAX).then_some(self.look_at)
    }

    /// Looks which commands were found. Returns whether these are all.
    fn learn_commands(&mut self) -> bool {
        let found = self.reader.found();
        if found.commands.len() != self.commands.len() {
            self.commands = found.commands.iter().map(|command| command.time).collect();
            self.player.set_commands(self.commands.clone());
        }
        found.is_complete || found.is_at_the_end
    }

    fn refresh(&mut self, now: Duration) -> bool {
        match self.player.refresh() {
            Ok(has_grown) => {
                self.is_dirty |= has_grown;
                has_grown
            }
            Err(error) => {
                self.say(format!("cannot read what was added: {error}"), now);
                self.is_following = false;
                self.player.set_following(false);
                false
            }
        }
    }

    fn pursue(&mut self, now: Duration) {
        let result = self.player.pursue();
        let Some(journey) = &mut self.journey else { return };
        match result {
            Ok(Pursuit::There) => {
                self.journey = None;
                (self.is_stale, self.is_dirty) = (true, true);
                self.state = if self.player.is_playing() { State::Playing } else { State::Paused };
            }
            Ok(Pursuit::Going(progress)) => {
                journey.progress = progress;
                if !journey.is_long && now >= journey.since + PATIENCE {
                    journey.is_long = true;
                    self.is_dirty = true;
                }
            }
            Err(error) => {
                self.journey = None;
                self.say(error.to_string(), now);
            }
        }
    }

    /// Begins to go somewhere.
    pub(super) fn go(&mut self, target: Target, now: Duration) {
        self.awaited = None;
        if matches!(target, Target::Command(_) | Target::NextCommand | Target::PreviousCommand) {
            let are_all = self.learn_commands();
            let here = self.player.position().time;
            let is_known = if let Target::Command(number) = target {
                number < self.commands.len()
            } else {
                self.commands.last().is_some_and(|last| *last > here)
            };
            if !is_known && !are_all {
                let progress = self.reader.found().progress() * 100.0;
                self.awaited = Some(target);
                self.say(format!("looking for commands, {progress:.0} %"), now);
                return;
            }
        }
        let to = if let Target::Time(time) = target { Some(time) } else { None };
        self.player.begin_seek(target);
        let since = self.journey.map_or(now, |journey| journey.since);
        self.journey = Some(Journey { since, to, is_long: false, progress: 0.0 });
        // Most are there at once.
        self.pursue(now);
    }

    pub(super) fn say(&mut self, message: impl Into<String>, now: Duration) {
        self.message = Some((message.into(), now + MESSAGE));
        self.is_dirty = true;
    }

    fn tell_marker(&mut self, now: Duration) {
        let time = self.player.position().time;
        let is_here = |marker: &&Marker| marker.time == time;
        let label = self.player.index().markers().iter().find(is_here).map(|marker| marker.label.clone());
        match label {
            Some(label) if !label.is_empty() => self.say(format!("marker: {}", harmless(&label)), now),
            _ => self.say("marker", now),
        }
    }

    /// Where it is, or will be in a moment.
    pub(super) fn aim(&self) -> Micros {
        self.journey.and_then(|journey| journey.to).unwrap_or(self.player.position().time)
    }

    fn go_by(&mut self, by: Micros, is_back: bool, now: Duration) {
        let from = self.aim();
        let to = if is_back { Micros(from.0.saturating_sub(by.0)) } else { from.plus(by) };
        let to = match self.player.length().time() {
            Some(end) if !is_back => to.min(end.max(from)),
            _ => to,
        };
        self.go(Target::Time(to), now);
    }

    fn take(&mut self, input: Input, now: Duration) -> Flow {
        match input {
            Input::Key(Key::Control('c')) => return Flow::Interrupt,
            Input::Key(Key::Control('z')) => return Flow::Suspend,
            Input::Key(Key::Control('l')) => return Flow::Redraw,
            Input::Key(key) if self.prompt.is_some() => self.prompt_key(key, now),
            Input::Key(key) => return self.overlay_key(key, now),
            Input::Press { col, row, is_drag } => self.press(col, row, is_drag, now),
            Input::Release => self.is_dragging = false,
            Input::Wheel { is_up } => match self.overlay {
                Overlay::None => self.go_by(STEP, is_up, now),
                Overlay::Help | Overlay::Metadata | Overlay::Commands(_) => {
                    return self.overlay_key(if is_up { Key::Up } else { Key::Down }, now);
                }
            },
        }
        Flow::Continue
    }

    fn press(&mut self, col: u16, row: u16, is_drag: bool, now: Duration) {
        let Some(bar) = self.bar else { return };
        if !is_drag {
            self.is_dragging = row == bar.row && col >= bar.col && col < bar.col + bar.cols;
        }
        if let (true, Some(length)) = (self.is_dragging, self.player.length().time()) {
            let col = col.saturating_sub(bar.col).min(bar.cols.saturating_sub(1));
            self.go(Target::Time(time_at(col, bar.cols, length)), now);
        }
    }

    fn overlay_key(&mut self, key: Key, now: Duration) -> Flow {
        let (scroll, most) = self.scroll;
        match (&mut self.overlay, key) {
            (Overlay::None, _) => return self.key(key, now),
            (Overlay::Commands(list), _) => {
                let choice = list.key(key, &self.reader.found().commands, self.player.position().time);
                match choice {
                    Choice::None => {}
                    Choice::Close => self.overlay = Overlay::None,
                    Choice::Go(time) => {
                        self.overlay = Overlay::None;
                        self.go(Target::Time(time), now);
                    }
                }
            }
            (_, Key::Up) => self.scroll.0 = scroll.saturating_sub(1),
            (_, Key::Down) => self.scroll.0 = (scroll + 1).min(most),
            (_, Key::PageUp) => self.scroll.0 = scroll.saturating_sub(self.screen_area.rows.into()),
            (_, Key::PageDown) => self.scroll.0 = (scroll + usize::from(self.screen_area.rows)).min(most),
            (Overlay::Help, Key::Escape | Key::Enter | Key::Char('?' | 'q') | Key::F1)
            | (Overlay::Metadata, Key::Escape | Key::Enter | Key::Char('m' | 'q')) => {
                self.overlay = Overlay::None;
            }
            // Any other key does what it says.
            (Overlay::Help | Overlay::Metadata, _) => {
                self.overlay = Overlay::None;
                return self.key(key, now);
            }
        }
        Flow::Continue
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "other keys do nothing")]
    fn key(&mut self, key: Key, now: Duration) -> Flow {
        match key {
            Key::Char('q') => return Flow::Quit,
            Key::Char(' ') => self.toggle(now),
            Key::Left => self.go_by(STEP, true, now),
            Key::Right => self.go_by(STEP, false, now),
            Key::ShiftLeft | Key::PageUp => self.go_by(self.tenth(), true, now),
            Key::ShiftRight | Key::PageDown => self.go_by(self.tenth(), false, now),
            Key::Home => self.go(Target::Time(Micros(0)), now),
            Key::End => self.go(Target::End, now),
            Key::Char(digit @ '0'..='9') => {
                let tens = digit.to_digit(10).unwrap_or(0);
                self.go(Target::Percent(f64::from(tens * 10)), now);
            }
            Key::Char('[') => self.go(Target::PreviousMarker, now),
            Key::Char(']') => self.go(Target::NextMarker, now),
            Key::Char('{') => self.go(Target::PreviousCommand, now),
            Key::Char('}') => self.go(Target::NextCommand, now),
            Key::Char(',') => self.step(-1),
            Key::Char('.') => self.step(1),
            Key::Char('<') => self.change_speed(false, now),
            Key::Char('>') => self.change_speed(true, now),
            Key::Char('c') => self.overlay = Overlay::Commands(List::new()),
            Key::Char('?') | Key::F1 => self.open(Overlay::Help),
            Key::Char('m') => self.open(Overlay::Metadata),
            Key::Char('i') => self.toggle_input(now),
            Key::Char('b') => self.shows_status = !self.shows_status,
            Key::Char('z') => self.turn_view(now),
            Key::Char('g') => self.prompt = Some(Prompt::Place(Field::default())),
            Key::Char('/') => self.prompt = Some(Prompt::Pattern(Field::default(), self.aim())),
            Key::Char('n') => self.next_hit(Wanted::Next, now),
            Key::Char('N') => self.next_hit(Wanted::Before, now),
            Key::Escape => (self.search, self.wanted_hit) = (None, None),
            Key::Char('s') => self.prompt = Some(Prompt::Form),
            Key::Char('a') if self.note.is_some() => self.prompt = Some(Prompt::Note(Field::default())),
            Key::Char('h') => self.pan(-1, 0),
            Key::Char('l') => self.pan(1, 0),
            Key::Char('k') | Key::Up => self.pan(0, -1),
            Key::Char('j') | Key::Down => self.pan(0, 1),
            _ => {}
        }
        Flow::Continue
    }

    fn open(&mut self, overlay: Overlay) {
        self.scroll = (0, 0);
        self.overlay = overlay;
    }

    fn toggle(&mut self, now: Duration) {
        if self.player.is_playing() {
            self.player.pause(now);
            self.state = State::Paused;
        } else {
            self.player.play();
            self.is_stale = true;
        }
    }

    fn step(&mut self, frames: i64) {
        self.journey = None;
        self.player.step(frames);
        self.state = State::Paused;
        self.is_stale = true;
    }

    fn tenth(&self) -> Micros {
        self.player.length().time().map_or(STEP, |length| Micros(length.0 / 10))
    }

    fn change_speed(&mut self, is_faster: bool, now: Duration) {
        let current = self.player.speed();
        let next = if is_faster {
            SPEEDS.into_iter().find(|speed| *speed > current * 1.001)
        } else {
            SPEEDS.into_iter().rev().find(|speed| *speed < current * 0.999)
        };
        if let Some(next) = next {
            self.player.set_speed(now, next);
        }
        self.say(format!("speed {}", speed(self.player.speed())), now);
    }

    fn toggle_input(&mut self, now: Duration) {
        self.shows_input = !self.shows_input;
        let found = self.reader.found();
        let is_missing = self.shows_input && !found.has_typed() && found.is_complete;
        drop(found);
        if is_missing {
            self.shows_input = false;
            self.say("this recording holds nothing that was typed", now);
        }
    }

    fn turn_view(&mut self, now: Duration) {
        if View::is_cut(&self.picture, self.screen_area) {
            self.view.turn();
        } else {
            self.say("all of the screen is shown", now);
        }
    }

    fn pan(&mut self, right: i32, down: i32) {
        if View::is_cut(&self.picture, self.screen_area) {
            self.view.pan(right, down, &self.picture, self.screen_area);
        }
    }

    /// Looks for what was typed: once, however much came at a time.
    fn settle(&mut self, now: Duration) {
        if std::mem::take(&mut self.is_typed)
            && let Some(Prompt::Pattern(field, from)) = &self.prompt
        {
            let (text, from) = (field.text().to_owned(), *from);
            self.look_for(&text, from, now);
        }
    }

    fn prompt_key(&mut self, key: Key, now: Duration) {
        if matches!(key, Key::Enter | Key::Backspace) {
            self.settle(now);
        }
        let Some(mut prompt) = self.prompt.take() else { return };
        match (&mut prompt, key) {
            (Prompt::Pattern(_, from), Key::Escape) => return self.look_for("", *from, now),
            (_, Key::Escape) => return,
            (Prompt::Form, Key::Char('t')) => return self.save(Form::Text, now),
            (Prompt::Form, Key::Char('a')) => return self.save(Form::Ansi, now),
            (Prompt::Form, Key::Char('v')) => return self.save(Form::Svg, now),
            (Prompt::Form, _) => return,
            (Prompt::Place(field) | Prompt::Pattern(field, _), Key::Backspace) if field.is_empty() => return,
            (Prompt::Place(field), Key::Enter) => {
                if !field.text().trim().is_empty() {
                    match field.text().parse() {
                        Ok(target) => self.go(target, now),
                        Err(error) => self.say(harmless(&error), now),
                    }
                }
                return;
            }
            (Prompt::Pattern(field, from), Key::Enter) => {
                match Pattern::new(field.text()) {
                    Ok(_) if field.is_empty() => self.next_hit(Wanted::Next, now),
                    // It is there; or it is on its way, or not there: that is said.
                    Ok(_) => match self.search_text().filter(|_| self.last_hit.is_some()) {
                        Some(text) => self.say(format!("/{}   {text}", harmless(field.text())), now),
                        None => self.next_hit(Wanted::From(*from), now),
                    },
                    Err(error) => self.say(harmless(&error.to_string().replace('\n', " ")), now),
                }
                return;
            }
            (Prompt::Pattern(field, _), key) => {
                let before = field.clone();
                field.key(key);
                self.is_typed |= *field != before;
            }
            (Prompt::Note(field), Key::Enter) => {
                let time = self.player.position().time;
                if let Some(note) = &mut self.note {
                    let said = note(time, field.text().trim());
                    self.say(harmless(&said), now);
                }
                return;
            }
            (Prompt::Place(field) | Prompt::Note(field), _) => _ = field.key(key),
        }
        self.prompt = Some(prompt);
    }

    fn save(&mut self, form: Form, now: Duration) {
        let time = self.player.position().time;
        let header = self.player.header().clone();
        match save(&self.name, &header, time, self.player.screen(), form) {
            Ok(name) => self.say(format!("saved {}", harmless(&name)), now),
            Err(error) => self.say(format!("cannot save the screen: {error}"), now),
        }
    }

    /// What the clock shows.
    pub(super) fn clock(&self, has_tenths: bool) -> String {
        clock(self.aim(), has_tenths)
    }
}

impl Program for App<'_> {
    fn work(&mut self, now: Duration) -> Option<Duration> {
        self.pass(now)
    }

    fn input(&mut self, input: Input, now: Duration) -> Flow {
        self.is_dirty = true;
        self.take(input, now)
    }

    fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn draw(&mut self, cols: u16, rows: u16) -> Grid {
        self.is_dirty = false;
        self.drawn(cols, rows)
    }
}
