//! Keeps what is typed out of the recording where the terminal does not show it. Pure.
//!
//! In canonical mode the terminal's ECHO flag tells. Line editors, and everything over ssh, switch
//! it off and echo themselves: there, typed characters are held back until they come back in the
//! output, where `shown` recognizes them. A run of which most never came back is replaced by one
//! `hidden` event, which says neither what was typed nor how much.
//!
//! Whoever errs here errs towards hiding: what was echoed stands in the output anyway.

mod cursor;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use casemate_cast_format::Micros;

use self::cursor::{Cursor, Stop};
use crate::keys::key_length;

/// How the session's terminal treats what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It shows it.
    On,
    /// It takes lines and does not show them: a password prompt.
    Off,
    /// It passes keys on as they come; whether they are shown is up to the program.
    Program,
}

/// What may be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// This was typed, and shown.
    Shown(Micros, Vec<u8>),
    /// Something was typed that was not shown.
    Hidden(Micros),
}

/// How long an echo may take after the run of characters has ended, in microseconds: longer than
/// the slowest usable connection.
const ECHO_PATIENCE: u64 = 1_000_000;

/// How long a line may take that was typed while another one was still at work.
const AHEAD_PATIENCE: u64 = 10_000_000;

/// Typed ahead by a program, not by a person: what is over is decided at once.
const LONGEST_QUEUE: usize = 16 << 10;

/// Nobody types a longer run without a control key.
const LONGEST_RUN: usize = 4096;

/// How often in one piece of output the cursor leaves its row for one more look at what stands there:
/// nobody's echo does so more often, and each look costs as much as what is held back is long.
const LOOKS_IN_A_PIECE: usize = 16;

/// Decides what of the input may be recorded.
#[derive(Debug, Default)]
pub struct InputGuard {
    queue: VecDeque<Key>,
    /// Something was hidden in the line that is being typed, and was said.
    hidden_in_line: bool,
    /// The line at the front was typed while the one before it was at work: lines that end are not its.
    ahead: bool,
    cursor: Cursor,
    /// Where the cursor stood when the first of what is not seen yet was typed.
    typed_at: i64,
    /// Where the last piece of output left it.
    rested_at: i64,
}

#[derive(Debug)]
struct Key {
    time: Micros,
    bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Typed, not seen yet.
    Unseen(char),
    /// Typed, and came back.
    Seen,
    /// Rubs out; belongs to the run it stands in.
    Edit,
    /// Ends a run; no secret.
    Control,
    /// Ends a run and the line: Enter, Ctrl-C, Ctrl-D.
    Enter,
}

impl Kind {
    fn is_in_run(self) -> bool {
        matches!(self, Self::Unseen(_) | Self::Seen | Self::Edit)
    }
}

impl InputGuard {
    /// Takes input; gives what may be recorded now.
    pub fn input(&mut self, time: Micros, bytes: &[u8], echo: Echo, mut emit: impl FnMut(Typed)) {
        match echo {
            Echo::On => {
                self.finish(&mut emit);
                self.hidden_in_line = false;
                emit(Typed::Shown(time, bytes.to_vec()));
            }
            Echo::Off => {
                self.finish(&mut emit);
                for &byte in bytes {
                    if is_line_end(byte) {
                        emit(Typed::Shown(time, vec![byte]));
                        self.hidden_in_line = false;
                    } else {
                        self.hide(time, &mut emit);
                    }
                }
            }
            Echo::Program => {
                if !self.queue.iter().any(|key| matches!(key.kind, Kind::Unseen(_))) {
                    self.typed_at = self.cursor.position();
                }
                split_keys(bytes, |bytes, kind| {
                    self.queue.push_back(Key { time, bytes: bytes.to_vec(), kind });
                });
                self.settle(false, &mut emit);
                while self.queue.len() > LONGEST_QUEUE {
                    self.decide_run(&mut emit);
                    self.release_controls(&mut emit);
                }
            }
        }
    }

    /// Takes output, which may show what was typed; gives what may be recorded before it.
    pub fn output(&mut self, bytes: &[u8], mut emit: impl FnMut(Typed)) {
        let mut cursor = std::mem::take(&mut self.cursor);
        if self.queue.is_empty() {
            cursor.skip(bytes);
        } else {
            let mut looks = 0;
            cursor.feed(bytes, |cursor, stop| {
                looks += usize::from(stop == Stop::Left);
                if stop == Stop::Left && looks > LOOKS_IN_A_PIECE {
                    return;
                }
                if self.ahead {
                    self.recognize(cursor, stop, &mut emit);
                } else if stop != Stop::LineEnd || self.queue.iter().any(|key| key.kind == Kind::Enter) {
                    // Without an Enter pending, a line that ends is somebody else's output.
                    self.see(cursor, stop);
                }
                self.settle(stop == Stop::LineEnd, &mut emit);
            });
        }
        self.rested_at = cursor.position();
        self.cursor = cursor;
    }

    /// The terminal has so many columns.
    pub fn resize(&mut self, columns: u32) {
        self.cursor.resize(columns);
        (self.typed_at, self.rested_at) = (self.cursor.position(), self.cursor.position());
    }

    /// When [`Self::expire`] is to be called.
    pub fn deadline(&self) -> Option<Micros> {
        let ends_run = |key: &&Key| !key.kind.is_in_run();
        let patience = Micros(if self.ahead { AHEAD_PATIENCE } else { ECHO_PATIENCE });
        self.queue.iter().find(ends_run).map(|key| key.time.plus(patience))
    }

    /// Gives up waiting for what is overdue.
    pub fn expire(&mut self, now: Micros, mut emit: impl FnMut(Typed)) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.decide_run(&mut emit);
            self.settle(false, &mut emit);
        }
    }

    /// Decides on everything that is held back.
    pub fn finish(&mut self, mut emit: impl FnMut(Typed)) {
        while !self.queue.is_empty() {
            self.decide_run(&mut emit);
            self.release_controls(&mut emit);
        }
    }

    /// Lets go what is decided: `line_ended` closes the line that was typed first.
    fn settle(&mut self, line_ended: bool, mut emit: impl FnMut(Typed)) {
        if line_ended && !self.ahead && self.queue.iter().any(|key| key.kind == Kind::Enter) {
            self.close_line(&mut emit);
        }
        loop {
            self.release_controls(&mut emit);
            let run = self.queue.iter().take_while(|key| key.kind.is_in_run());
            let seen = run.clone().take_while(|key| matches!(key.kind, Kind::Seen)).count();
            let all = run.count();
            if seen == 0 && all <= LONGEST_RUN {
                break;
            }
            if seen > 0 { self.show(seen, &mut emit) } else { self.decide_run(&mut emit) }
        }
    }

    /// Decides on the line that was typed first.
    fn close_line(&mut self, mut emit: impl FnMut(Typed)) {
        loop {
            self.decide_run(&mut emit);
            let ended = self.queue.front().is_none_or(|key| key.kind == Kind::Enter);
            self.release_control(&mut emit);
            if ended {
                break;
            }
        }
    }

    /// Decides on the run at the front: shown if most of it was seen, else hidden.
    fn decide_run(&mut self, mut emit: impl FnMut(Typed)) {
        let run = self.queue.iter().take_while(|key| key.kind.is_in_run());
        let length = run.clone().count();
        let seen = run.clone().filter(|key| key.kind == Kind::Seen).count();
        let unseen = run.filter(|key| matches!(key.kind, Kind::Unseen(_))).count();
        if seen > unseen {
            self.show(length, &mut emit);
        } else {
            let time = self.queue.front().map(|key| key.time).filter(|_| length > 0);
            self.queue.drain(..length);
            time.into_iter().for_each(|time| self.hide(time, &mut emit));
        }
    }

    /// Control keys at the front hide nothing.
    fn release_controls(&mut self, mut emit: impl FnMut(Typed)) {
        while self
            .queue
            .front()
            .is_some_and(|key| matches!(key.kind, Kind::Control | Kind::Enter | Kind::Edit))
        {
            self.release_control(&mut emit);
        }
    }

    fn release_control(&mut self, mut emit: impl FnMut(Typed)) {
        if let Some(key) = self.queue.front() {
            if key.kind == Kind::Enter {
                self.hidden_in_line = false;
                self.ahead = self.queue.iter().skip(1).any(|key| key.kind == Kind::Enter);
            }
            self.show(1, &mut emit);
        }
    }

    fn hide(&mut self, time: Micros, mut emit: impl FnMut(Typed)) {
        if !std::mem::replace(&mut self.hidden_in_line, true) {
            emit(Typed::Hidden(time));
        }
    }

    /// Gives the first `count` keys, those of one moment together.
    fn show(&mut self, count: usize, mut emit: impl FnMut(Typed)) {
        let mut together: Option<(Micros, Vec<u8>)> = None;
        for key in self.queue.drain(..count) {
            match &mut together {
                Some((time, bytes)) if *time == key.time => bytes.extend(key.bytes),
                _ => {
                    if let Some((time, bytes)) = together.replace((key.time, key.bytes)) {
                        emit(Typed::Shown(time, bytes));
                    }
                }
            }
        }
        if let Some((time, bytes)) = together {
            emit(Typed::Shown(time, bytes));
        }
    }
}

/// Enter, and the keys that abandon or end a line.
fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0x03 | 0x04)
}

fn split_keys(bytes: &[u8], mut emit: impl FnMut(&[u8], Kind)) {
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let (key, behind) = rest.split_at(key_length(rest));
        let kind = match first {
            _ if is_line_end(first) => Kind::Enter,
            0x08 | 0x7f | 0x15 | 0x17 => Kind::Edit,
            0x00..0x20 => Kind::Control,
            _ => Kind::Unseen(
                String::from_utf8_lossy(key).chars().next().unwrap_or(char::REPLACEMENT_CHARACTER),
            ),
        };
        emit(key, kind);
        rest = behind;
    }
}
