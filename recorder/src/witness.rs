//! Somebody who reads along while a session is recorded: the same events, in the order of the file.
//!
//! A [`Witness`] is told on the journal's thread, never on the proxy's. What it takes time for, the journal waits for,
//! and no longer: it is to put aside what it is told.

use casemate_cast_format::exact::Utf8Joiner;
use casemate_cast_format::{Event, Header, Micros, SessionFacts};

/// Reads along.
pub trait Witness: Send {
    /// A file begins: that of the session, or the next part of it. Times count from there. Where a session is
    /// appended, they go on from the one before, and the header's start is set back by as much.
    fn begin(&mut self, header: &Header);

    /// Output was recorded; it is never cut within a character.
    fn output(&mut self, time: Micros, text: &str);

    /// Something else was recorded.
    fn event(&mut self, event: &Event<'_>);

    /// The recording cannot be written; from here on nothing is told, but the end. The session is told at the same time.
    fn failed(&mut self, _failure: &str) {}
}

/// A witness, and what it cannot be told yet.
pub(crate) struct Told {
    witness: Box<dyn Witness>,
    joiner: Utf8Joiner,
}

impl Told {
    pub(crate) fn new(witness: Box<dyn Witness>) -> Self {
        Self { witness, joiner: Utf8Joiner::default() }
    }

    pub(crate) fn begin(&mut self, header: &Header, facts: &SessionFacts) {
        let mut header = header.clone();
        header.set_facts(facts);
        self.witness.begin(&header);
    }

    pub(crate) fn output(&mut self, time: Micros, bytes: &[u8]) {
        let mut joined = Vec::new();
        let whole = self.joiner.feed(bytes, &mut joined);
        tell_output(&mut *self.witness, time, whole);
    }

    pub(crate) fn end_of_output(&mut self, time: Micros) {
        tell_output(&mut *self.witness, time, &self.joiner.finish());
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        self.witness.event(event);
    }

    pub(crate) fn failed(&mut self, failure: &str) {
        self.witness.failed(failure);
    }
}

fn tell_output(witness: &mut dyn Witness, time: Micros, bytes: &[u8]) {
    if !bytes.is_empty() {
        witness.output(time, &String::from_utf8_lossy(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_cast_format::Size;
    use std::sync::{Arc, Mutex};

    struct Notes(Arc<Mutex<Vec<String>>>);

    impl Witness for Notes {
        fn begin(&mut self, header: &Header) {
            self.0.lock().unwrap().push(format!("begin {}", header.facts().unwrap().start_us));
        }

        fn output(&mut self, time: Micros, text: &str) {
            self.0.lock().unwrap().push(format!("{time} {text}"));
        }

        fn event(&mut self, _: &Event<'_>) {}
    }

    #[test]
    fn characters_are_never_cut() {
        let notes = Arc::default();
        let mut told = Told::new(Box::new(Notes(Arc::clone(&notes))));
        let facts = serde_json::json!({ "session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5 });
        let facts: SessionFacts = serde_json::from_value(facts).unwrap();
        told.begin(&Header::new(Size { cols: 80, rows: 24 }), &facts);
        told.output(Micros(1_000_000), b"a\xe2\x82");
        told.output(Micros(2_000_000), b"\xac\xff\xe2");
        told.end_of_output(Micros(3_000_000));
        assert_eq!(*notes.lock().unwrap(), ["begin 5", "1.0 a", "2.0 €\u{fffd}", "3.0 \u{fffd}"]);
    }
}
