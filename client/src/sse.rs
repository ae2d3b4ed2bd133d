//! Server-sent events out of a stream of bytes. Pure.
//!
//! As the standard says it, but for `retry`, which nobody sends: lines end as they like, a comment is passed over, an event
//! is given at its empty line, and one without its empty line never.

/// A longer line, or event, is none.
const LONGEST: usize = 64 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Where the stream goes on behind it; the last one that was said.
    pub id: String,
    /// What kind it is.
    pub event: String,
    /// What it says.
    pub data: String,
}

/// A stream being read.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The last line ended with a carriage return: a line feed belongs to it.
    was_return: bool,
    id: String,
    /// The id behind the last empty line: what was read of it before is not lost, whether it was an event or not.
    last: String,
    event: String,
    data: Option<String>,
    is_too_long: bool,
}

/// An event that is longer than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than any is")]
pub struct TooLong;

impl Parser {
    /// Takes bytes, and gives the events that end in them.
    ///
    /// # Errors
    /// An event is longer than any. Nothing more comes then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let was_return = std::mem::replace(&mut self.was_return, byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.is_too_long || self.line.len() > LONGEST {
                self.is_too_long = true;
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// Where the stream goes on behind all that ended so far; empty where it did not say.
    #[must_use]
    pub fn last_id(&self) -> &str {
        &self.last
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            self.last.clone_from(&self.id);
            let event = std::mem::take(&mut self.event);
            let data = self.data.take()?;
            return Some(Event { id: self.id.clone(), event, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                    self.is_too_long |= data.len() > LONGEST;
                }
            },
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = ": hello\n\nid: 1\nevent: command\ndata: {\"a\":1}\n\nevent:x\r\ndata:one\r\ndata: two\r\n\r\n\
                          data\n\nid: 3\n\nevent: lost\ndata: no end";

    fn all(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        pieces.iter().flat_map(|piece| parser.feed(piece).unwrap()).collect()
    }

    #[test]
    fn events_are_taken_apart() {
        let event = |id: &str, event: &str, data: &str| Event {
            id: id.into(),
            event: event.into(),
            data: data.into(),
        };
        let expected = [event("1", "command", "{\"a\":1}"), event("1", "x", "one\ntwo"), event("1", "", "")];
        assert_eq!(all(&[STREAM.as_bytes()]), expected);
    }

    #[test]
    fn what_did_not_end_is_asked_for_again() {
        let mut parser = Parser::default();
        for (bytes, last) in
            [(": hello\n", ""), ("id: 7\n", ""), ("\n", "7"), ("id: 8\ndata: x\n", "7"), ("\n", "8")]
        {
            parser.feed(bytes.as_bytes()).unwrap();
            assert_eq!(parser.last_id(), last, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cut in 0..STREAM.len(), other in 0..STREAM.len()) {
            let (one, two) = (cut.min(other), cut.max(other));
            let bytes = STREAM.as_bytes();
            prop_assert_eq!(all(&[&bytes[..one], &bytes[one..two], &bytes[two..]]), all(&[bytes]));
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            all(&[&bytes]);
        }
    }
}
