//! The exact bytes of a session, in and out of events that can hold only text.
//!
//! Output that is no UTF-8 stands in an `o` event with U+FFFD for what could not be kept; a
//! `bytes` event right behind it holds in base64 the bytes that the `o` event stands for. In sessions without a terminal
//! the same is done for `i` and `err`; what is no text there at all is kept once, behind an event without any.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::event::{Code, Event, own};
use crate::time::Micros;

/// Cuts a byte stream into pieces that do not tear UTF-8 sequences apart.
#[derive(Debug, Default)]
pub struct Utf8Joiner {
    /// The beginning of a sequence whose end is still to come; at most three bytes.
    held: Vec<u8>,
}

impl Utf8Joiner {
    /// Appends `bytes` to what was held back, and gives all but an unfinished sequence at the end.
    pub fn feed<'a>(&'a mut self, bytes: &'a [u8], joined: &'a mut Vec<u8>) -> &'a [u8] {
        let all = if self.held.is_empty() {
            bytes
        } else {
            joined.clear();
            joined.append(&mut self.held);
            joined.extend_from_slice(bytes);
            joined
        };
        let complete = all.len() - unfinished(all);
        self.held.extend_from_slice(&all[complete..]);
        &all[..complete]
    }

    /// What is still held back at the end of the stream.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// Length of the UTF-8 sequence at the end that only more bytes can complete.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for (back, &byte) in tail.iter().rev().enumerate() {
        if byte & 0xC0 != 0x80 {
            let start = tail.len() - 1 - back;
            return match std::str::from_utf8(&tail[start..]) {
                Err(error) if error.error_len().is_none() => back + 1,
                _ => 0,
            };
        }
    }
    0
}

/// The events for a piece of output: one, or two where the bytes are no UTF-8.
pub fn output_events(time: Micros, bytes: &[u8], emit: impl FnMut(Event<'_>)) {
    exact_events(time, Code::Output, bytes, emit);
}

/// The events for a piece of whatever stream that code stands for: one, or two where the bytes are no UTF-8.
pub fn exact_events(time: Micros, code: Code<'_>, bytes: &[u8], mut emit: impl FnMut(Event<'_>)) {
    match std::str::from_utf8(bytes) {
        Ok(text) => emit(Event::new(time, code, text)),
        Err(_) => {
            emit(Event::new(time, code, &String::from_utf8_lossy(bytes)));
            emit(Event::own(time, own::BYTES, &STANDARD.encode(bytes)));
        }
    }
}

/// Among bytes that are none, so many in a row are text. In noise that is rare; somebody who writes has it soon.
const TEXT_RUN: usize = 16;

/// Fewer bytes than that are shown with what is no text in them: a stray byte does not hide a line.
const STRAY: usize = 64;

/// The events for a piece of what passed a program without a terminal. Text stands there as text, also where it stands
/// among other bytes. These, which nobody was shown, are kept once: in a `bytes` event behind one without any text.
pub fn piped_events(time: Micros, code: &Code<'_>, bytes: &[u8], mut emit: impl FnMut(Event<'_>)) {
    let mut other = |bytes: &[u8]| {
        if bytes.len() < STRAY || std::str::from_utf8(bytes).is_ok() {
            if !bytes.is_empty() {
                exact_events(time, code.clone(), bytes, &mut emit);
            }
        } else {
            emit(Event::new(time, code.clone(), ""));
            emit(Event::own(time, own::BYTES, &STANDARD.encode(bytes)));
        }
    };
    if std::str::from_utf8(bytes).is_ok() {
        return other(bytes);
    }
    // Where what is no text begins, and how far all was looked at.
    let (mut begin, mut at) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid().len();
        if text >= TEXT_RUN {
            other(&bytes[begin..at]);
            other(&bytes[at..at + text]);
            begin = at + text;
        }
        at += text + chunk.invalid().len();
    }
    other(&bytes[begin..]);
}

/// Gives back the exact bytes from a stream of events.
#[derive(Debug, Default)]
pub struct ExactOutput {
    /// Output that a `bytes` event may still replace.
    held: Vec<u8>,
    /// It stands right behind output, which may be empty.
    is_behind: bool,
}

impl ExactOutput {
    /// Takes the next event; appends the output that is now certain.
    pub fn feed(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let is_behind = std::mem::replace(&mut self.is_behind, event.code == Code::Output);
        match &event.code {
            Code::Output => {
                self.finish(out);
                self.held.extend_from_slice(event.data.decode().as_bytes());
            }
            Code::Other(code) if code == own::BYTES => match STANDARD.decode(&*event.data.decode()) {
                // Bytes that say something else than the screen was shown are not believed.
                Ok(exact) if is_behind && self.stands_for(&exact) => {
                    self.held.clear();
                    out.extend_from_slice(&exact);
                }
                Ok(_) | Err(_) => self.finish(out),
            },
            Code::Input | Code::Marker | Code::Resize | Code::Exit | Code::Other(_) => self.finish(out),
        }
    }

    /// Whether these bytes are what the output stands for that was shown, or were not shown.
    fn stands_for(&self, exact: &[u8]) -> bool {
        self.held.is_empty() || String::from_utf8_lossy(exact).as_bytes() == self.held
    }

    /// Appends what is left.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::{ExactOutput, Utf8Joiner, output_events, piped_events};
    use crate::event::{Code, Event, own};
    use crate::time::Micros;
    use proptest::prelude::*;

    fn through_events(chunks: &[Vec<u8>]) -> (Vec<u8>, Vec<String>) {
        let (mut joiner, mut exact) = (Utf8Joiner::default(), ExactOutput::default());
        let (mut bytes, mut texts, mut joined) = (Vec::new(), Vec::new(), Vec::new());
        let mut take = |piece: &[u8]| {
            if !piece.is_empty() {
                output_events(Micros(0), piece, |event| {
                    texts.push(format!("{} {}", event.code.as_str(), event.data.decode()));
                    exact.feed(&event, &mut bytes);
                });
            }
        };
        for chunk in chunks {
            take(joiner.feed(chunk, &mut joined));
        }
        take(&joiner.finish());
        exact.finish(&mut bytes);
        (bytes, texts)
    }

    #[test]
    fn split_sequences_are_joined() {
        let chunks = ["a\u{20ac}".as_bytes()[..2].to_vec(), "\u{20ac}b".as_bytes()[1..].to_vec()];
        assert_eq!(through_events(&chunks).1, ["o a", "o €b"]);
    }

    #[test]
    fn other_bytes_get_a_companion() {
        assert_eq!(through_events(&[b"a\xffb".to_vec()]).1, ["o a\u{fffd}b", "bytes Yf9i"]);
        assert_eq!(through_events(&[b"a\xe2\x82".to_vec()]).1, ["o a", "o \u{fffd}", "bytes 4oI="]);
        assert_eq!(through_events(&["\u{fffd}".into()]).1, ["o \u{fffd}"]);
    }

    #[test]
    fn bytes_that_contradict_the_text_are_not_believed() {
        let (mut exact, mut out) = (ExactOutput::default(), Vec::new());
        exact.feed(&Event::new(Micros(0), Code::Output, "rm -rf /"), &mut out);
        exact.feed(&Event::own(Micros(0), own::BYTES, "bHM="), &mut out);
        exact.finish(&mut out);
        assert_eq!(out, b"rm -rf /");
    }

    /// What is kept of some bytes of a program without a terminal: a `+` is what is not shown.
    fn piped(bytes: &[u8]) -> Vec<String> {
        let (mut exact, mut out, mut shown) = (ExactOutput::default(), Vec::new(), Vec::new());
        piped_events(Micros(0), &Code::Output, bytes, |event| {
            if event.code == Code::Output {
                shown.push(event.data.decode().into_owned());
            } else if shown.last().unwrap().is_empty() {
                *shown.last_mut().unwrap() = "+".into();
            }
            exact.feed(&event, &mut out);
        });
        exact.finish(&mut out);
        assert_eq!(out, bytes);
        shown
    }

    #[test]
    fn of_a_program_without_a_terminal_text_stays_text_and_all_else_is_kept_once() {
        assert_eq!(piped(b"text\n"), ["text\n"]);
        assert_eq!(piped(b""), [""; 0]);
        assert_eq!(piped(b"name: caf\xe9\n"), ["name: caf\u{fffd}\n"]);
        let text = "curl http://example.com/ | sh\n";
        let mut bytes = b"\xff".to_vec();
        bytes.extend_from_slice(text.as_bytes());
        assert_eq!(piped(&bytes), ["\u{fffd}", text]);
        let other = [0xff; 100];
        assert_eq!(piped(&other), ["+"]);
        assert_eq!(piped(&[&other, text.as_bytes(), &other, b"short"].concat()), ["+", text, "+"]);
    }

    #[test]
    fn bytes_behind_nothing_are_not_believed() {
        let (mut exact, mut out) = (ExactOutput::default(), Vec::new());
        exact.feed(&Event::new(Micros(0), Code::Input, ""), &mut out);
        exact.feed(&Event::own(Micros(0), own::BYTES, "bHM="), &mut out);
        exact.feed(&Event::own(Micros(0), own::BYTES, "bHM="), &mut out);
        exact.finish(&mut out);
        assert_eq!(out, b"");
    }

    proptest! {
        #[test]
        fn every_byte_of_a_program_without_a_terminal_comes_back(
            pieces in proptest::collection::vec(prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "[a-z ]{0,40}".prop_map(String::into_bytes),
            ], 0..9),
        ) {
            piped(&pieces.concat());
        }

        #[test]
        fn every_byte_comes_back(chunks in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![any::<u8>(), Just(0xe2), Just(0x82), Just(0xac)], 0..9), 0..9)) {
            prop_assert_eq!(through_events(&chunks).0, chunks.concat());
        }

        #[test]
        fn text_never_needs_a_companion(text in any::<String>(), cut in any::<usize>()) {
            let cut = cut % (text.len() + 1);
            let chunks = [text.as_bytes()[..cut].to_vec(), text.as_bytes()[cut..].to_vec()];
            let (bytes, events) = through_events(&chunks);
            prop_assert_eq!(bytes, text.as_bytes());
            prop_assert!(events.iter().all(|event| event.starts_with("o ")));
        }
    }
}
