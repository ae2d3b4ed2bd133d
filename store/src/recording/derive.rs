//! From a recording to records of its commands.

use std::sync::Arc;

use casemate_cast_format::{Code, Item, Micros};
use casemate_command_log::{CommandEvent, CommandLog, State};

use super::capture::{Capture, OutputText};
use super::filter::{Filter, Wanted};

/// A command event, and what is known about it besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The event.
    pub event: CommandEvent,
    /// The recording it is from, where it has a name.
    pub recording: Option<Arc<str>>,
    /// What the command put out, if that was asked for and is known.
    pub output: Option<OutputText>,
}

/// What is wanted of a recording.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Which events.
    pub filter: Filter,
    /// What the commands put out, too.
    pub with_output: bool,
    /// Records of commands that have begun, too.
    pub with_started: bool,
}

/// Derives records.
pub struct Deriver<'a> {
    wish: &'a Wish,
    recording: Option<Arc<str>>,
    log: Option<CommandLog>,
    capture: Option<Capture>,
    /// Events that were left out because nobody knows when they happened.
    pub untimed: u64,
}

impl std::fmt::Debug for Deriver<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Deriver").field("recording", &self.recording).finish_non_exhaustive()
    }
}

impl<'a> Deriver<'a> {
    /// Begins; `recording` is its name.
    #[must_use]
    pub fn new(wish: &'a Wish, recording: Option<&str>) -> Self {
        Self { wish, recording: recording.map(Arc::from), log: None, capture: None, untimed: 0 }
    }

    /// Whether the beginning of a recording was read.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.log.is_some()
    }

    /// Takes the next item of the recording.
    ///
    /// # Errors
    ///
    /// Those of `give`.
    pub fn item<E>(
        &mut self,
        item: &Item<'_>,
        give: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        match item {
            Item::Header(header) => {
                let log = CommandLog::new(header);
                // Where output is kept, it must be known when each command begins.
                let live = self.wish.with_started || self.wish.with_output;
                self.log = Some(if live { log.live() } else { log });
                let size = header.size;
                self.capture = self.wish.with_output.then(|| Capture::new(size));
                Ok(())
            }
            Item::Event(event) => {
                let Some(log) = &mut self.log else { return Ok(()) };
                log.handle(event);
                if let Some(capture) = &mut self.capture {
                    if event.code == Code::Output {
                        capture.output(event);
                    } else if let Some(size) = event.size() {
                        capture.resize(size);
                    }
                }
                self.give(give)?;
                self.capture.iter_mut().for_each(Capture::trim);
                Ok(())
            }
            Item::Comment(_) | Item::Defect(_) => Ok(()),
        }
    }

    /// So much time of the recording has passed.
    ///
    /// # Errors
    ///
    /// Those of `give`.
    pub fn advance<E>(
        &mut self,
        now: Micros,
        give: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(log) = &mut self.log {
            log.advance(now);
        }
        self.give(give)
    }

    /// The recording is at its end.
    ///
    /// # Errors
    ///
    /// Those of `give`.
    pub fn finish<E>(&mut self, give: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.give(give)
    }

    fn give<E>(&mut self, give: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        while let Some(mut event) = self.log.as_mut().and_then(CommandLog::next_event) {
            let mut output = None;
            if event.state == Some(State::Started) {
                if let Some(capture) = &mut self.capture {
                    capture.started(&event);
                }
                if !self.wish.with_started {
                    continue;
                }
            } else if let Some(capture) = &mut self.capture {
                output = capture.finished(&event);
            }
            if !self.wish.with_started {
                event.state = None;
            }
            match self.wish.filter.wants(&event) {
                Wanted::Yes => give(Record { event, recording: self.recording.clone(), output })?,
                Wanted::No => {}
                Wanted::Untimed => self.untimed += 1,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_cast_format::{Event, Header, Size, own};

    /// The records of a session on a screen of 80 columns.
    fn records(wish: &Wish, outputs: &[(u64, &str)]) -> Vec<Record> {
        let mut deriver = Deriver::new(wish, Some("s.cast"));
        let mut records = Vec::new();
        let mut give = |record| {
            records.push(record);
            Ok::<(), std::convert::Infallible>(())
        };
        let header = Item::Header(Box::new(Header::new(Size { cols: 80, rows: 24 })));
        deriver.item(&header, &mut give).unwrap();
        for &(tenths, output) in outputs {
            let event = Event::new(Micros(tenths * 100_000), Code::Output, output);
            deriver.item(&Item::Event(event), &mut give).unwrap();
        }
        deriver.finish(&mut give).unwrap();
        records
    }

    /// Types a line, key by key.
    fn session(lines: &[(&str, &str)]) -> Vec<(u64, String)> {
        let mut outputs = vec![(1, "a@b:~$ ".to_owned())];
        let mut now = 10;
        for (line, output) in lines {
            for key in line.chars() {
                now += 2;
                outputs.push((now, key.to_string()));
            }
            now += 2;
            outputs.push((now, "\r\n".into()));
            for piece in output.split_inclusive('|') {
                now += 1;
                outputs.push((now, piece.trim_end_matches('|').into()));
            }
            outputs.push((now + 1, "a@b:~$ ".into()));
            now += 20;
        }
        outputs
    }

    fn outputs(lines: &[(&str, &str)]) -> Vec<(String, Option<OutputText>)> {
        let wish = Wish { with_output: true, ..Wish::default() };
        let session = session(lines);
        let session: Vec<_> = session.iter().map(|(time, text)| (*time, text.as_str())).collect();
        let records = records(&wish, &session);
        records.into_iter().map(|record| (record.event.command.unwrap_or_default(), record.output)).collect()
    }

    fn text(text: &str) -> Option<OutputText> {
        Some(OutputText { text: text.into(), is_cut: false })
    }

    #[test]
    fn each_command_has_its_own_output() {
        let got = outputs(&[
            ("ls", "one\r\n|two\r\n"),
            ("true", ""),
            ("make", "10%\r100%\r\n|\x1b[1mdone\x1b[m\r\n"),
            ("vim", "\x1b[?1049h\x1b[Htext\r\n\x1b[?1049l"),
        ]);
        let expected = [
            ("ls", text("one\ntwo\n")),
            ("true", text("")),
            ("make", text("100%\ndone\n")),
            ("vim", text("")),
        ];
        assert_eq!(got, expected.map(|(command, output)| (command.to_owned(), output)));
    }

    /// Where the line ends, and where a line editor says so, may be one event, or several, or marked.
    #[test]
    fn output_begins_where_the_line_ended_however_that_was_cut() {
        let wish = Wish { with_output: true, ..Wish::default() };
        let (begin, end) = (&["\x1b[?2004h", "a@b:~$ ", "grep x"][..], &["\x1b[?2004h", "a@b:~$ "][..]);
        let mark = "\x1b]133;C;cmdline_url=grep%20x\x07";
        for between in [
            &["\r\n\x1b[?2004l\r", "one\r\ntwo\r\n"][..],
            &["\r\n", "\x1b[?2004l\r", "one\r\n", "two\r\n"],
            &["\r\n", "\x1b[?2004l\rone\r\ntwo\r\n"],
            &["\x1b[?2004l\r\r\n", "one\r\ntwo\r\n"],
            &["\x1b[?2004l", "\r\r\n", "one\r\n", "two\r\n"],
            &["\r\n\x1b[?2004l\r", mark, "one\r\n", "two\r\n", "\x1b]133;D;0\x07"],
            &["\r\n", "\x1b[?2004l\r", mark, "one\r\ntwo\r\n\x1b]133;D;0\x07"],
        ] {
            let events = (1..).zip([begin, between, end].concat());
            let events: Vec<_> = events.map(|(at, text)| (at * 10, text)).collect();
            let got: Vec<_> = records(&wish, &events).into_iter().map(|record| record.output).collect();
            assert_eq!(got, [text("one\ntwo\n")], "{between:?}");
        }
    }

    #[test]
    fn long_output_is_cut_at_its_end() {
        let long = "0123456789abcde\r\n".repeat(20_000);
        let got = outputs(&[("seq", &long), ("id", "root\r\n")]);
        let output = got[0].1.as_ref().unwrap();
        let begin: String = output.text.chars().take(40).collect();
        assert!(output.is_cut && begin.starts_with("0123456789abcde\n0123"), "{} {begin:?}", output.is_cut);
        assert!(output.text.len() <= super::super::capture::OUTPUT_LIMIT);
        assert_eq!(got[1], ("id".into(), text("root\n")));
    }

    #[test]
    fn a_command_that_the_session_is_has_all_output_and_those_in_it_theirs() {
        let wish = Wish { with_output: true, ..Wish::default() };
        let long = "0123456789abcde\r\n".repeat(40_000);
        let session = session(&[("ls", "one\r\n"), ("seq", &long), ("seq 2", &long), ("id", "root\r\n")]);
        let mut deriver = Deriver::new(&wish, None);
        let mut records = Vec::new();
        let mut give = |record: Record| {
            records.push((record.event.command.unwrap_or_default(), record.output.unwrap()));
            Ok::<(), std::convert::Infallible>(())
        };
        let header = Item::Header(Box::new(Header::new(Size { cols: 80, rows: 24 })));
        deriver.item(&header, &mut give).unwrap();
        let exec = r#"{"argv":["sh","-c","bash"],"terminal":true}"#;
        let mut events = vec![Event::own(Micros(0), own::EXEC, exec)];
        events.extend(
            session.iter().map(|(time, text)| Event::new(Micros(time * 100_000), Code::Output, text)),
        );
        events.push(Event::new(Micros(events[events.len() - 1].time.0 + 1_000_000), Code::Exit, "0"));
        for event in events {
            deriver.item(&Item::Event(event), &mut give).unwrap();
        }
        deriver.finish(&mut give).unwrap();
        let names: Vec<_> = records.iter().map(|(command, _)| command.as_str()).collect();
        assert_eq!(names, ["ls", "seq", "seq 2", "id", "bash"]);
        assert_eq!((&records[0].1, &records[3].1), (&text("one\n").unwrap(), &text("root\n").unwrap()));
        assert!(records[2].1.is_cut && records[2].1.text.starts_with("0123456789abcde\n0123"));
        let whole = &records[4].1;
        assert!(whole.is_cut && whole.text.starts_with("a@b:~$ ls\none\na@b:~$ seq\n0123"));
    }

    #[test]
    fn output_changes_nothing_else() {
        let session = session(&[("ls", "one\r\n|two\r\n"), ("psql", "db=> "), ("exit", "")]);
        let session: Vec<_> = session.iter().map(|(time, text)| (*time, text.as_str())).collect();
        let plain = records(&Wish::default(), &session);
        let with_output = records(&Wish { with_output: true, ..Wish::default() }, &session);
        let without: Vec<_> =
            with_output.into_iter().map(|record| Record { output: None, ..record }).collect();
        assert_eq!(plain, without);
    }
}
