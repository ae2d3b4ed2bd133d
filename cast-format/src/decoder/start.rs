//! The first line: which version this is, and what is left where the header is not.

use std::collections::BTreeMap;

use memchr::memchr;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::buffer::Line;
use super::line::{self, Shape};
use super::{Clock, Decoder, Pending, State, v1};
use crate::defect::{DefectKind, excerpt};
use crate::header::{DEFAULT_SIZE, Header, Version};

/// A header is never longer: a longer first line is a v1 document, and waited for as long.
const MAX_HEADER: usize = v1::HEADER_REACH;

/// So much behind a broken first line is looked at for the end of an event.
const MAX_SECOND_LINE: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads as far as the decoder's next state. `None` until more is fed.
pub(super) fn begin(decoder: &mut Decoder) -> Option<()> {
    let buffer = &mut decoder.buffer;
    while buffer.line == 0 && BYTE_ORDER_MARK.starts_with(&buffer.rest()[..buffer.rest().len().min(3)]) {
        if buffer.rest().len() >= BYTE_ORDER_MARK.len() {
            buffer.take(BYTE_ORDER_MARK.len());
        } else if buffer.ended {
            break;
        } else {
            return None;
        }
    }
    let beginning = buffer.rest().trim_ascii_start();
    if beginning.starts_with(b"{")
        && beginning.get(..MAX_HEADER).is_some_and(|header| memchr(b'\n', header).is_none())
    {
        begin_document(decoder);
        return Some(());
    }
    let range = match buffer.next_line() {
        Line::At(range) => range,
        Line::TooLong => {
            decoder.fail(DefectKind::LineTooLong(super::MAX_LINE >> 20));
            return Some(());
        }
        Line::More if buffer.ended => {
            decoder.fail(DefectKind::Empty);
            return Some(());
        }
        Line::More => return None,
    };
    let number = buffer.line;
    // What stands behind it, blank lines too.
    let behind = buffer.rest().len();
    let line = String::from_utf8_lossy(buffer.bytes(range.clone())).into_owned();
    let mut defects = Vec::new();
    match serde_json::from_str(&line).or_else(|error| key_by_key(&line, &mut defects).ok_or(error)) {
        Ok(Value::Object(object)) if object.get("version").and_then(Value::as_f64) == Some(1.0) => {
            buffer.unread_line(&range, number);
            begin_document(decoder);
        }
        Ok(Value::Object(object)) => {
            match Header::from_json(object, &mut defects) {
                Some(header) => begin_lines(decoder, header),
                None => decoder.fail(DefectKind::HeaderVersion),
            }
            defects.into_iter().for_each(|kind| decoder.report(kind));
        }
        _ if line::parse(&line, Shape::Coded).is_ok() => {
            // The header itself is gone.
            decoder.buffer.unread_line(&range, number);
            begin_lines(decoder, Header::new(DEFAULT_SIZE));
            decoder.report(DefectKind::HeaderUnreadable);
        }
        _ if line.trim_start().starts_with('{') => match buffer.next_line() {
            Line::More if !buffer.ended && behind <= MAX_SECOND_LINE => {
                buffer.unread_line(&range, number);
                return None;
            }
            Line::At(second) if is_event(buffer.bytes(second.clone())) => {
                let second_number = buffer.line;
                buffer.unread_line(&second, second_number);
                begin_lines(decoder, Header::new(DEFAULT_SIZE));
                decoder.report(DefectKind::HeaderUnreadable);
            }
            Line::At(_) | Line::More | Line::TooLong => {
                buffer.unread_line(&range, number);
                begin_document(decoder);
            }
        },
        _ => decoder.fail(DefectKind::NotARecording(format!("it begins with {}", excerpt(&line)))),
    }
    Some(())
}

/// An object without the keys that cannot be read; `None` where it is none.
fn key_by_key(line: &str, defects: &mut Vec<DefectKind>) -> Option<Value> {
    let values: BTreeMap<String, &RawValue> = serde_json::from_str(line).ok()?;
    let mut values: Vec<_> = values.into_iter().collect();
    // As they stand in the line.
    values.sort_by_key(|(_, value)| value.get().as_ptr());
    let mut object = Map::new();
    for (key, value) in values {
        match serde_json::from_str(value.get()) {
            Ok(value) => drop(object.insert(key, value)),
            Err(_) => defects.push(DefectKind::HeaderKeyUnreadable(excerpt(&key))),
        }
    }
    Some(Value::Object(object))
}

fn begin_document(decoder: &mut Decoder) {
    decoder.clock = Clock::new(Version::V1);
    // From here on lines are counted by their ends.
    decoder.buffer.line += 1;
    decoder.state = State::Document(v1::Document::default());
}

fn begin_lines(decoder: &mut Decoder, header: Header) {
    decoder.clock = Clock::new(header.version);
    decoder.pending.push_back(Pending::Header(Box::new(header)));
    decoder.state = State::Lines;
}

fn is_event(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| line::parse(line, Shape::Coded).is_ok())
}
