//! One event line: `[time, "code", "data"]`, or `[time, "data"]` inside a v1 document.

use std::borrow::Cow;

use serde_json::Value;

use crate::defect::{DefectKind, excerpt};
use crate::event::{Code, Size};
use crate::text::{Text, scan_string};
use crate::time::Nanos;

/// An event as the line says it: its time is not yet put into relation to others.
pub(super) struct RawEvent<'a> {
    pub(super) time: Nanos,
    pub(super) code: Code<'a>,
    pub(super) data: Text<'a>,
    pub(super) lone_surrogate: bool,
}

/// Why a line is no event, and the time that it still takes up, where that can be read.
pub(super) struct BadLine {
    pub(super) kind: DefectKind,
    pub(super) time: Option<Nanos>,
}

/// Whether an event names its code, or is one of v1's, which are all output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Coded,
    OutputOnly,
}

pub(super) fn parse(line: &str, shape: Shape) -> Result<RawEvent<'_>, BadLine> {
    // Inside strings JSON allows no control characters; between tokens they are blanks. Looked at
    // first, because `scan` decodes an escaped code.
    let has_control = line.bytes().fold(false, |found, byte| found | (byte < b' '));
    if has_control && !is_json(line) {
        return Err(diagnose(line, shape));
    }
    match scan(line, shape) {
        Some(event) => check_size(event),
        None => Err(diagnose(line, shape)),
    }
}

/// Reads a line without copying or decoding its data. `None` says nothing about why not.
fn scan(line: &str, shape: Shape) -> Option<RawEvent<'_>> {
    let bytes = line.as_bytes();
    let skip_blank = |mut at: usize| {
        while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    let expect = |at: usize, byte: u8| {
        let at = skip_blank(at);
        (bytes.get(at) == Some(&byte)).then(|| skip_blank(at + 1))
    };

    let number = expect(0, b'[')?;
    let is_end = |byte: &u8| matches!(byte, b',' | b' ' | b'\t' | b'\n' | b'\r');
    let number_end = number + bytes.get(number..)?.iter().position(is_end)?;
    let time = Nanos::from_seconds(&line[number..number_end])?;
    let mut at = expect(number_end, b',')?;
    let code = match shape {
        Shape::OutputOnly => Code::Output,
        Shape::Coded => {
            let code = scan_string(bytes, at).filter(|found| !found.lone_surrogate)?;
            let (start, end) = (at, code.end);
            at = expect(end, b',')?;
            let body = &line[start + 1..end - 1];
            Code::parse(if body.contains('\\') {
                Cow::Owned(Text::from_scanned(&line[start..end], false).decode().into_owned())
            } else {
                Cow::Borrowed(body)
            })
        }
    };
    let data = scan_string(bytes, at)?;
    let end = expect(data.end, b']')?;
    (end == bytes.len()).then(|| RawEvent {
        time,
        code,
        data: Text::from_scanned(&line[at..data.end], data.lone_surrogate),
        lone_surrogate: data.lone_surrogate,
    })
}

fn is_json(line: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
}

fn check_size(event: RawEvent<'_>) -> Result<RawEvent<'_>, BadLine> {
    if event.code == Code::Resize {
        let size = event.data.decode();
        if Size::parse(&size).is_none() {
            let kind = DefectKind::BadSize(excerpt(&size));
            return Err(BadLine { kind, time: Some(event.time) });
        }
    }
    Ok(event)
}

/// Says what is wrong with a line that [`scan`] did not read.
fn diagnose(line: &str, shape: Shape) -> BadLine {
    let bad = |kind| BadLine { kind, time: None };
    let parts = match serde_json::from_str::<Value>(line) {
        Ok(Value::Array(parts)) => parts,
        Ok(_) => return bad(DefectKind::NotAnEvent(excerpt(line))),
        Err(error) if error.is_eof() => return bad(DefectKind::CutOff(excerpt(line))),
        Err(_) => return bad(DefectKind::NotAnEvent(excerpt(line))),
    };
    let expected = if shape == Shape::Coded { 3 } else { 2 };
    let time = match parts.first() {
        Some(Value::Number(number)) => Nanos::from_seconds(&number.to_string()),
        Some(_) => return bad(DefectKind::BadTime("no number")),
        None => return bad(DefectKind::NotAnEvent(excerpt(line))),
    };
    let kind = if time.is_none() {
        DefectKind::BadTime("negative or out of range")
    } else if parts.len() != expected {
        DefectKind::BadShape(if parts.len() > expected { "too many parts" } else { "too few parts" })
    } else if shape == Shape::Coded && !parts[1].is_string() {
        DefectKind::BadShape("the event's code is no string")
    } else if parts.last().is_some_and(|data| !data.is_string()) {
        DefectKind::BadShape("the event's data is no string")
    } else {
        DefectKind::NotAnEvent(excerpt(line))
    };
    BadLine { kind, time }
}
