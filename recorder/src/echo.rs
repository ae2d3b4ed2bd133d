//! Keeps what is typed out of the recording where the terminal does not show it. Pure.
//!
//! In canonical mode the terminal's ECHO flag tells. Line editors, and everything over ssh, switch
//! it off and echo themselves: there, typed characters are held back until they come back in the
//! output. A run of which most never came back is replaced by one `hidden` event, which says
//! neither what was typed nor how much.
//!
//! Whoever errs here errs towards hiding: what was echoed stands in the output anyway.

use std::collections::VecDeque;
use std::ops::Range;

use casemate_cast_format::Micros;

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

/// A line typed ahead is recognized by being shown as a whole; a shorter one could be anything.
const SHORTEST_AHEAD: usize = 3;

/// Typed ahead by a program, not by a person: what is over is decided at once.
const LONGEST_QUEUE: usize = 16 << 10;

/// Nobody types a longer run without a control key.
const LONGEST_RUN: usize = 4096;

/// Decides what of the input may be recorded.
#[derive(Debug, Default)]
pub struct InputGuard {
    queue: VecDeque<Key>,
    /// Something was hidden in the line that is being typed, and was said.
    hidden_in_line: bool,
    /// The line at the front was typed while the one before it was at work: lines that end are not its.
    ahead: bool,
    text: PlainText,
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
        if self.queue.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.feed(bytes, |line, ended, moved| {
            if self.ahead {
                self.recognize(line);
            } else if moved {
                // Drawn somewhere else, like a clock: no echo, which comes where the cursor is.
            } else if !ended || self.queue.iter().any(|key| key.kind == Kind::Enter) {
                // Without an Enter pending, a line that ends is somebody else's output.
                self.see(line);
            }
            self.settle(ended, &mut emit);
        });
        self.text = text;
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

    /// Marks what the text shows. An echo stands at the beginning of what a program writes, before the
    /// rest of the line that it draws anew, or at its end; text of others seldom does either.
    fn see(&mut self, line: &str) {
        let is_unseen = |key: &&mut Key| matches!(key.kind, Kind::Unseen(_));
        let mut unseen: Vec<&mut Key> =
            self.queue.iter_mut().take_while(|key| key.kind != Kind::Enter).filter(is_unseen).collect();
        let typed: Vec<char> = unseen
            .iter()
            .filter_map(|key| if let Kind::Unseen(typed) = key.kind { Some(typed) } else { None })
            .collect();
        if let Some(shown) = echoed(&typed, line) {
            for key in &mut unseen[shown] {
                key.kind = Kind::Seen;
            }
        }
    }

    /// Marks the line at the front if the text ends with all of it.
    fn recognize(&mut self, line: &str) {
        let typed: String = self
            .queue
            .iter()
            .take_while(|key| key.kind != Kind::Enter)
            .filter_map(|key| if let Kind::Unseen(typed) = key.kind { Some(typed) } else { None })
            .collect();
        if typed.chars().count() >= SHORTEST_AHEAD && line.ends_with(&typed) {
            for key in self.queue.iter_mut().take_while(|key| key.kind != Kind::Enter) {
                if matches!(key.kind, Kind::Unseen(_)) {
                    key.kind = Kind::Seen;
                }
            }
        }
    }

    /// Lets go what is decided: `line_ended` closes the line that was typed first.
    fn settle(&mut self, line_ended: bool, mut emit: impl FnMut(Typed)) {
        if line_ended && !self.ahead && self.queue.iter().any(|key| key.kind == Kind::Enter) {
            loop {
                self.decide_run(&mut emit);
                let ended = self.queue.front().is_none_or(|key| key.kind == Kind::Enter);
                self.release_control(&mut emit);
                if ended {
                    break;
                }
            }
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

/// Which of the typed characters a text shows at its beginning or end: the longest such stretch.
fn echoed(typed: &[char], text: &str) -> Option<Range<usize>> {
    /// The end of a text is compared with no more of what was typed than this.
    const COMPARED_AT_END: usize = 256;
    let in_common = |from: usize| {
        let pairs = typed[from..].iter().zip(text.chars());
        from..from + pairs.take_while(|(typed, shown)| *typed == shown).count()
    };
    let at_end = |stretch: &[char]| {
        let mut shown = text.chars().rev();
        stretch.iter().rev().all(|typed| shown.next() == Some(*typed))
    };
    let compared = typed.len().min(COMPARED_AT_END);
    let from_first = (1..=compared).rev().find(|&length| at_end(&typed[..length])).map(|length| 0..length);
    let to_last = (typed.len() - compared..typed.len()).find(|&from| at_end(&typed[from..]));
    let to_last = to_last.map(|from| from..typed.len());
    let stretches = (0..typed.len()).map(in_common).chain(from_first).chain(to_last);
    // Of equally long ones the first: it can be recorded at once.
    stretches.filter(|stretch| !stretch.is_empty()).rev().max_by_key(Range::len)
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

/// The text of a terminal stream, without its escape sequences. What it is fed does not tear
/// characters apart.
#[derive(Debug, Default)]
struct PlainText {
    state: Escape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Control,
    /// OSC, DCS and their like, up to BEL or ST.
    String,
}

impl PlainText {
    /// Gives each stretch of text that stands where the cursor went on, whether its line ended, and
    /// whether the cursor had been sent somewhere else before.
    fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&str, bool, bool)) {
        let mut text = Vec::new();
        let mut moved = false;
        for &byte in bytes {
            let leaves = match self.state {
                Escape::Control => matches!(byte, b'A' | b'B' | b'E'..=b'H' | b'd' | b'f' | b's' | b'u'),
                Escape::Begun => matches!(byte, b'7' | b'8' | b'M'),
                Escape::None | Escape::String => false,
            };
            if leaves {
                if !text.is_empty() {
                    line(&String::from_utf8_lossy(&text), false, moved);
                    text.clear();
                }
                moved = true;
            }
            self.state = match (self.state, byte) {
                (_, 0x1b) => Escape::Begun,
                (Escape::Begun, b'[') => Escape::Control,
                (Escape::Begun, b']' | b'P' | b'^' | b'_' | b'X') => Escape::String,
                (Escape::Begun, 0x20..0x30) => Escape::Begun,
                (Escape::Control, 0x40..0x7f) | (Escape::String, 0x07) | (Escape::Begun, _) => Escape::None,
                (Escape::Control | Escape::String, _) => self.state,
                (Escape::None, b'\n') => {
                    line(&String::from_utf8_lossy(&text), true, std::mem::take(&mut moved));
                    text.clear();
                    Escape::None
                }
                (Escape::None, _) => {
                    if byte >= b' ' {
                        text.push(byte);
                    }
                    Escape::None
                }
            };
        }
        if !text.is_empty() {
            line(&String::from_utf8_lossy(&text), false, moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, InputGuard, Typed};
    use casemate_cast_format::Micros;
    use proptest::prelude::*;

    /// `<text` is typed, `>text` comes back, `.` is two seconds of silence.
    #[track_caller]
    fn check(echo: Echo, script: &[&str], expected: &str) {
        let mut guard = InputGuard::default();
        let mut shown = String::new();
        let mut now = Micros(0);
        let mut emit = |typed| match typed {
            Typed::Shown(_, bytes) => shown += &String::from_utf8_lossy(&bytes),
            Typed::Hidden(_) => shown += "<hidden>",
        };
        for step in script {
            now = now.plus(Micros(1_000));
            match step.split_at(1) {
                ("<", text) => guard.input(now, text.as_bytes(), echo, &mut emit),
                (">", text) => guard.output(text.as_bytes(), &mut emit),
                _ => {
                    now = now.plus(Micros(2_000_000));
                    guard.expire(now, &mut emit);
                }
            }
        }
        guard.finish(&mut emit);
        assert_eq!(shown.escape_debug().to_string(), expected.escape_debug().to_string(), "{script:?}");
    }

    #[test]
    fn what_the_terminal_shows_is_kept() {
        check(Echo::On, &["<ls", "<\r"], "ls\r");
        check(Echo::On, &["<ls\r"], "ls\r");
    }

    #[test]
    fn what_the_terminal_hides_is_hidden() {
        check(Echo::Off, &["<hunter2\r"], "<hidden>\r");
        check(Echo::Off, &["<h", "<unter", "<\x7f2\r", "<x\x03"], "<hidden>\r<hidden>\x03");
        check(Echo::Off, &["<\r"], "\r");
    }

    #[test]
    fn a_line_editor_shows_what_is_typed() {
        check(Echo::Program, &["<l", ">l", "<s", ">\x08ls", "<\r", ">\r\n"], "ls\r");
        check(Echo::Program, &["<ls -l\r", ">ls -l\r\n"], "ls -l\r");
        check(
            Echo::Program,
            &["<l", ">\x1b[31ml\x1b[39m", "<é", ">é", "<\t", ">a\x07", "<\x1b[A"],
            "lé\t\x1b[A",
        );
        check(
            Echo::Program,
            &["<l", ">l", "<x", ">x", "<\x7f", ">\x08 \x08", "<s", ">s", "<\r"],
            "lx\x7fs\r",
        );
    }

    #[test]
    fn a_slow_connection_shows_it_later() {
        check(Echo::Program, &["<ls", "<\r", ">l", ">s\r\nfile\r\n"], "ls\r");
        check(Echo::Program, &["<ls", ".", "<\r", ">ls\r\n"], "ls\r");
    }

    #[test]
    fn a_program_that_shows_nothing_hides_it() {
        check(Echo::Program, &["<hunter2", "<\r", ">\r\nLast login: hu nt er 2\r\n"], "<hidden>\r");
        check(Echo::Program, &["<h", "<u", "<nter2\r", ".", ">\r\nhunter2 h u n t e r 2"], "<hidden>\r");
        check(Echo::Program, &["<h", ">*", "<unter2", ">******", "<\r", ">\r\n"], "<hidden>\r");
        check(Echo::Program, &["<hunter2", "<\x03", ">^C\r\n"], "<hidden>\x03");
        check(Echo::Program, &["<hunter2"], "<hidden>");
        check(Echo::Program, &["<hun", "<\x7f\x7f", "<nter2\r", ">\r\n", "<ls", ">ls"], "<hidden>\rls");
    }

    #[test]
    fn lines_typed_ahead_are_shown_one_after_the_other() {
        let shown = [
            "<echo one\recho two\recho 3\r",
            ">echo one\r\n",
            ">one\r\n$ ",
            ">echo two\r\ntwo\r\n$ echo 3",
            ">\r\n3\r\n",
        ];
        check(Echo::Program, &shown, "echo one\recho two\recho 3\r");
        check(Echo::Program, &["<ls\rhunter2\r", ">ls\r\nPassword: ", ">\r\nwrong\r\n$ "], "ls\r<hidden>\r");
        check(Echo::Program, &["<hunter2\rls -l\r", ">\r\n$ ", ">ls -l\r\n"], "<hidden>\rls -l\r");
    }

    #[test]
    fn text_of_others_is_no_echo() {
        check(Echo::Program, &["<hunter2", ">still hunting for the agent ", "<\r", ">\r\n"], "<hidden>\r");
        check(Echo::Program, &["<h", ">still hunting", "<unter2\r", ">\r\n"], "<hidden>\r");
    }

    #[test]
    fn a_clock_in_the_corner_is_no_echo() {
        let clock = ">\x1b7\x1b[1;70Hdone 12:34\x1b8";
        check(Echo::Program, &["<d", clock, "<o", clock, "<n", "<e", clock, "<\r", ">\r\n"], "<hidden>\r");
    }

    #[test]
    fn a_line_is_drawn_anew_around_what_is_typed() {
        // In mid-line, behind a suggestion, and by an editor that shows its mode first.
        check(Echo::Program, &["<x", ">x rest\x08\x08\x08\x08\x08", "<\r"], "x\r");
        check(
            Echo::Program,
            &["<l", ">l\x1b[90ms -la\x1b[m\x1b[5D", "<s", ">s\x1b[90m -la\x1b[m\x1b[4D", "<\r"],
            "ls\r",
        );
        check(Echo::Program, &["<i", ">\x1b[24;1H-- INSERT --", "<h", ">h", "<e", ">e", "<\x1b"], "ihe\x1b");
    }

    #[test]
    fn lines_of_others_are_no_echo() {
        check(Echo::Program, &["<h", ">[1] Done hunter2\r\n", "<unter2\r", ">\r\n"], "<hidden>\r");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_that_is_echoed(text in "[a-z ]{1,12}", cut in 0..12_usize) {
            let cut = cut.min(text.len());
            let steps = [format!("<{}", &text[..cut]), format!("<{}", &text[cut..]), format!(">{text}"), "<\r".into(), ">\r\n".into()];
            let steps: Vec<_> = steps.iter().map(String::as_str).collect();
            check(Echo::Program, &steps, &format!("{text}\r"));
        }

        #[test]
        fn a_secret_never_comes_out(secret in "[a-zA-Z0-9]{6,16}", cut in 0..16_usize, noise in "[ .:*\r\n]{0,9}") {
            let cut = cut.min(secret.len());
            let steps = [format!("<{}", &secret[..cut]), format!(">{noise}"), format!("<{}\r", &secret[cut..]), format!(">\r\n{secret}")];
            let steps: Vec<_> = steps.iter().map(String::as_str).collect();
            check(Echo::Program, &steps, "<hidden>\r");
        }
    }
}
