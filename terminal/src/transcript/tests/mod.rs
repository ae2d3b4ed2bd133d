//! Tests of the whole crate through its one type, and what they share.

mod moves;
mod properties;
mod scenes;

use expect_test::Expect;

use super::Transcript;

/// Something that happens to a terminal.
#[derive(Clone, Debug)]
enum Event {
    Output(Vec<u8>),
    Resize(u16, u16),
}

/// Returns the text of a session; `fast` says whether plain lines may go past the emulator.
fn play(columns: u16, rows: u16, fast: bool, events: &[Event]) -> Vec<u8> {
    let mut transcript = Transcript::new(columns, rows);
    transcript.fast = fast;
    play_on(transcript, events)
}

/// Like [`play`], but looks at the output as soon as `gathered` bytes are there.
fn play_gathering(columns: u16, rows: u16, gathered: usize, events: &[Event]) -> Vec<u8> {
    let mut transcript = Transcript::new(columns, rows);
    transcript.limit = gathered;
    play_on(transcript, events)
}

fn play_on(mut transcript: Transcript, events: &[Event]) -> Vec<u8> {
    let mut text = Vec::new();
    for event in events {
        match event {
            Event::Output(bytes) => transcript.feed(bytes, &mut text),
            Event::Resize(columns, rows) => transcript.resize(*columns, *rows, &mut text),
        }
    }
    transcript.finish(&mut text);
    text
}

/// Returns the text of some output on a small screen of 10 columns and 4 rows.
fn text(output: &str) -> String {
    String::from_utf8(play(10, 4, true, &[Event::Output(output.into())])).unwrap()
}

#[track_caller]
fn check(output: &str, expected: Expect) {
    expected.assert_eq(&text(output));
}

#[track_caller]
fn check_resized(before: &str, columns: u16, rows: u16, after: &str, expected: Expect) {
    let events = [Event::Output(before.into()), Event::Resize(columns, rows), Event::Output(after.into())];
    expected.assert_eq(&String::from_utf8(play(10, 4, true, &events)).unwrap());
}
