//! What holds for any output: nothing that stood there is missed, nothing is made up, however it is cut.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Event, Sightings, play, play_on};
use crate::{Line, Screen, Vt100Screen};

/// Output made of what terminals care about.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,30}\r\n".prop_map(String::into_bytes),
        2 => "([a-z ]{0,6}\r\n){1,40}".prop_map(String::into_bytes),
        2 => "([ab é日─\t]{0,9}\r\n){1,40}".prop_map(String::into_bytes),
        1 => "(\x1b\\[(0|1;8|38;5;8|28|31)m[a-z]{0,3}\r\n){1,30}".prop_map(String::into_bytes),
        3 => "\x1b\\[[?]?[0-9]{0,2}(;[0-9]{1,2})?[@-Z`a-u]".prop_map(String::into_bytes),
        2 => "\x1b\\[(H|2J|J|1J|K|1K|2K|A|B|[1-3];[3-5]r|r)[a-c]{0,4}".prop_map(String::into_bytes),
        2 => "\x1b\\[\\?(6|7|47|1047|1048|1049)[hl]".prop_map(String::into_bytes),
        2 => "\x1b[78cDEMk]".prop_map(String::into_bytes),
        2 => "[a日☁\u{FE0F}\u{301}\u{FFFD}\u{10FFFF}❤\u{200D}👍]{1,12}".prop_map(String::into_bytes),
        1 => "[\r\n\x08\t\x0b\x1b\x18]".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let size = || prop_oneof![6 => 1..20_u16, 1 => Just(0)];
    let after = || prop_oneof![3 => Just(0), 3 => 1..16_u64, 5 => 16..40_u64];
    vec(
        prop_oneof![
            6 => (after(), output()).prop_map(|(after, output)| Event::Output(after, output)),
            1 => (after(), size(), size()).prop_map(|(after, cols, rows)| Event::Resize(after, cols, rows)),
        ],
        0..8,
    )
}

/// Cuts each output into pieces of the given lengths, at the same times.
fn cut(events: &[Event], lengths: &[usize]) -> Vec<Event> {
    let mut lengths = lengths.iter().cycle();
    let mut pieces = Vec::new();
    for event in events {
        let Event::Output(after, bytes) = event else {
            pieces.push(event.clone());
            continue;
        };
        let (mut after, mut rest) = (*after, bytes.as_slice());
        loop {
            let (piece, behind) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
            pieces.push(Event::Output(after, piece.to_vec()));
            (after, rest) = (0, behind);
            if rest.is_empty() {
                break;
            }
        }
    }
    pieces
}

/// The lines that are to be seen on a screen.
fn lines(screen: &Vt100Screen) -> Vec<String> {
    join((0..screen.size().rows).map(|row| screen.shown(row).unwrap()))
}

/// The lines of the primary screen and above it.
fn lines_from_above(screen: &Vt100Screen) -> Vec<String> {
    let end = screen.scrolled() + u64::from(screen.size().rows);
    join((0..end).filter_map(|number| screen.line(number)))
}

fn join<'a>(rows: impl Iterator<Item = Line<'a>>) -> Vec<String> {
    let mut lines = vec![String::new()];
    for row in rows {
        let line = lines.last_mut().unwrap();
        for cell in row.cells() {
            if cell.style.concealed || (cell.text.is_empty() && cell.width > 0) {
                line.push_str(if cell.width == 2 { "  " } else { &" "[..cell.width.min(1).into()] });
            } else {
                line.push_str(cell.text);
            }
        }
        if !row.is_wrapped() {
            lines.push(String::new());
        }
    }
    lines.iter().map(|line| line.trim_end_matches(' ').to_owned()).filter(|line| !line.is_empty()).collect()
}

fn look(screen: &Vt100Screen, now: u64) -> impl Iterator<Item = (u64, String, bool)> {
    lines(screen).into_iter().enumerate().map(move |(at, line)| (now, line, at == 0))
}

/// Somebody who looks at the screen whenever it rests: when, what is seen, and whether it stands at the top.
fn observe(cols: u16, rows: u16, events: &[Event]) -> Vec<(u64, String, bool)> {
    let mut screen = Vt100Screen::new(cols, rows, 0);
    let (mut now, mut seen) = (0, Vec::new());
    for event in events {
        let (Event::Output(after, _) | Event::Resize(after, ..)) = event;
        if *after >= 16 {
            seen.extend(look(&screen, now));
        }
        now += after;
        match event {
            Event::Output(_, bytes) => screen.feed(bytes),
            Event::Resize(_, cols, rows) => screen.resize(*cols, *rows),
        }
    }
    seen.extend(look(&screen, now));
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_at_a_rest_is_seen(cols in 2..14_u16, rows in 2..6_u16, events in events()) {
        let seen: BTreeSet<(String, u64)> = play(cols, rows, &events).into_iter().map(|(time, text)| (text, time)).collect();
        for (time, line, is_first) in observe(cols, rows, &events) {
            let mut forms = seen.range((line.clone(), 0)..).take_while(|(text, _)| text.starts_with(&line));
            // The first line may have begun above the screen.
            let is_seen = forms.next().is_some() || (is_first && seen.iter().any(|(text, _)| text.contains(&line)));
            prop_assert!(is_seen, "{line:?} stood there at {time}, seen: {seen:?}");
        }
    }

    #[test]
    fn plain_lines_are_seen_as_the_emulator_shows_them(cols in 2..14_u16, rows in 2..6_u16, events in events()) {
        let mut emulated = Sightings::new(cols, rows);
        emulated.fast = false;
        prop_assert_eq!(play(cols, rows, &events), play_on(emulated, &events));
    }

    #[test]
    fn any_cut_is_seen_alike(events in events(), lengths in vec(1..70_usize, 1..9), limit in 1..99_usize) {
        let gathering = || {
            let mut sightings = Sightings::new(9, 3);
            sightings.limit = limit;
            sightings
        };
        let pieces = cut(&events, &lengths);
        prop_assert_eq!(play(9, 3, &pieces), play(9, 3, &events));
        prop_assert_eq!(play_on(gathering(), &pieces), play_on(gathering(), &events));
    }

    #[test]
    fn lines_that_flow_are_all_seen(mut lines in vec("[a-z日é]{1,3}( [a-z]{1,9}){0,4}", 0..60)) {
        let events: Vec<_> = lines.iter().map(|line| Event::Output(3, format!("{line}\r\n").into_bytes())).collect();
        let mut seen: Vec<_> = play(9, 3, &events).into_iter().map(|(_, text)| text).collect();
        seen.sort();
        lines.sort();
        prop_assert_eq!(seen, lines);
    }
}

proptest! {
    // The largest screens are slow, and so is to look after each byte.
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Of lines that wrap between margins, each row that falls out at once is one.
    #[test]
    fn nothing_is_made_up(events in events()) {
        let events: Vec<_> = events.into_iter().filter(|event| matches!(event, Event::Output(..))).collect();
        let mut screen = Vt100Screen::new(60, 4, 9);
        let mut stood = BTreeSet::new();
        for event in &events {
            let Event::Output(_, bytes) = event else { continue };
            for byte in bytes {
                screen.feed(&[*byte]);
                stood.extend(lines(&screen));
                stood.extend(lines_from_above(&screen));
            }
        }
        for (time, text) in play(60, 4, &events) {
            let is_seen = stood.contains(&text) || stood.iter().any(|line| line.contains(&text));
            prop_assert!(is_seen, "{text:?} is said to have stood there at {time}");
        }
    }

    #[test]
    fn no_size_and_no_bytes_panic(cols in any::<u16>(), rows in any::<u16>(), events in events()) {
        play(cols, rows, &events);
    }
}
