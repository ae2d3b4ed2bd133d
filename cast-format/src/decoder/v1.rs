//! asciicast v1: one JSON document, cut into its keys and the elements of `stdout` as it comes.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memchr2;
use serde_json::{Map, Value};

use super::buffer::{Buffer, MAX_LINE};
use crate::defect::{DefectKind, excerpt};
use crate::header::Header;
use crate::text::scan_string;

/// Keys that stand behind the events are found up to here; v1 documents were small.
pub const HEADER_REACH: usize = 16 << 20;

const EVENTS_KEY: &str = "stdout";

#[derive(Debug, Default)]
pub(super) struct Document {
    phase: Phase,
    /// Keys that were read with the header.
    seen: HashSet<String>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Header,
    Elements,
    Trailer,
    Done,
}

pub(super) enum Step {
    Header(Box<Header>, Vec<DefectKind>),
    Element(Range<usize>),
    Defect(DefectKind),
    Fatal(DefectKind),
    End,
    More,
}

impl Document {
    pub(super) fn advance(&mut self, buffer: &mut Buffer) -> Step {
        match self.phase {
            Phase::Header if !buffer.ended && buffer.rest().len() < HEADER_REACH => Step::More,
            Phase::Header => self.header(buffer),
            Phase::Elements => self.element(buffer),
            Phase::Trailer => self.trailer(buffer),
            Phase::Done => Step::End,
        }
    }

    fn header(&mut self, buffer: &mut Buffer) -> Step {
        // No further, however much is there: the same for any pieces.
        let bytes = &buffer.rest()[..buffer.rest().len().min(HEADER_REACH)];
        let not_a_recording = || {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
            Step::Fatal(DefectKind::NotARecording(format!("it begins with {}", excerpt(&shown))))
        };
        let Some(mut at) = skip(bytes, 0, b"{") else { return not_a_recording() };
        let mut object = Map::new();
        let mut events = None;
        while let Some((key, value)) = next_key(bytes, at) {
            let end = value_end(bytes, value);
            if key == EVENTS_KEY {
                events = Some(value);
            } else if let Some(json) = end.and_then(|end| bytes.get(value..end)) {
                let Ok(json) = serde_json::from_slice::<Value>(json) else { break };
                self.seen.insert(key.clone());
                object.insert(key, json);
            }
            let Some(end) = end else { break };
            at = end;
        }
        let mut defects = Vec::new();
        let header = match Header::from_json(object, &mut defects) {
            Some(header) => Box::new(header),
            None => return not_a_recording(),
        };
        match events.and_then(|events| skip(bytes, events, b"[")) {
            Some(first) => {
                buffer.take(first);
                self.phase = Phase::Elements;
            }
            None => {
                self.phase = Phase::Done;
                defects.push(DefectKind::CutOff("no events".into()));
            }
        }
        Step::Header(header, defects)
    }

    fn element(&mut self, buffer: &mut Buffer) -> Step {
        let bytes = buffer.rest();
        let start = skip_any(bytes, 0, b",");
        if bytes.get(start) == Some(&b']') {
            buffer.take(start + 1);
            self.phase = Phase::Trailer;
            return self.trailer(buffer);
        }
        match value_end(bytes, start) {
            Some(end) if end > start => {
                buffer.take(start);
                Step::Element(buffer.take(end - start))
            }
            Some(_) => self.cut_off(buffer),
            None if buffer.ended || bytes.len() > MAX_LINE => self.cut_off(buffer),
            None => Step::More,
        }
    }

    /// Names keys that were out of the header's reach.
    fn trailer(&mut self, buffer: &mut Buffer) -> Step {
        while let Some((key, value)) = next_key(buffer.rest(), 0) {
            let Some(end) = value_end(buffer.rest(), value) else { break };
            buffer.take(end);
            if !self.seen.contains(&key) {
                return Step::Defect(DefectKind::HeaderKeyLate(key));
            }
        }
        let bytes = buffer.rest();
        if skip(bytes, 0, b"}").is_some() {
            self.phase = Phase::Done;
            return Step::End;
        }
        if buffer.ended || bytes.len() > MAX_LINE { self.cut_off(buffer) } else { Step::More }
    }

    fn cut_off(&mut self, buffer: &Buffer) -> Step {
        let rest = String::from_utf8_lossy(buffer.rest());
        let kind = DefectKind::CutOff(excerpt(&rest));
        self.phase = Phase::Done;
        Step::Defect(kind)
    }
}

fn skip_any(bytes: &[u8], mut at: usize, also: &[u8]) -> usize {
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_whitespace() || also.contains(byte)) {
        at += 1;
    }
    at
}

/// Behind the blanks and the one expected byte.
fn skip(bytes: &[u8], at: usize, expected: &[u8; 1]) -> Option<usize> {
    let at = skip_any(bytes, at, b"");
    (bytes.get(at) == Some(&expected[0])).then_some(at + 1)
}

/// The key that comes next in an object, and where its value begins.
fn next_key(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let key = skip_any(bytes, at, b",");
    let end = scan_string(bytes, key)?.end;
    let value = skip_any(bytes, skip(bytes, end, b":")?, b"");
    Some((serde_json::from_slice(&bytes[key..end]).ok()?, value))
}

/// Where the JSON value that begins at `start` ends; `None` where it is not complete.
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => scan_string(bytes, start).map(|found| found.end),
        b'[' | b'{' => {
            let mut depth = 0_usize;
            let mut at = start;
            loop {
                match bytes.get(at)? {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    b'"' => {
                        // A string that is malformed inside still ends at its quote.
                        at = scan_string(bytes, at)
                            .map_or_else(|| loose_string_end(bytes, at), |s| Some(s.end))?;
                        continue;
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
            bytes[start..].iter().position(is_end).map(|length| start + length)
        }
    }
}

fn loose_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}
