//! What holds for any output: no panic, the same text however it is cut, and by either path.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Event, play, play_gathering};

/// Output made of what terminals care about.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,30}\r\n".prop_map(String::into_bytes),
        2 => "([a-z ]{0,6}\r\n){1,40}".prop_map(String::into_bytes),
        2 => "([ab é日─\t]{0,9}\r\n){1,40}".prop_map(String::into_bytes),
        1 => "\x1b\\[[0-9;]{0,4}m[a-z]{0,9}\r\n".prop_map(String::into_bytes),
        3 => "\x1b\\[[?]?[0-9]{0,3}(;[0-9]{1,2})?[@-Z`a-u]".prop_map(String::into_bytes),
        2 => "\x1b\\[\\?(6|7|47|1047|1048|1049)[hl]".prop_map(String::into_bytes),
        1 => "\x1b[78cDEM]".prop_map(String::into_bytes),
        2 => "[a日☁\u{FE0F}\u{301}\u{FFFD}\u{10FFFF}\u{10FFFE}❤\u{200D}👍]{1,12}".prop_map(String::into_bytes),
        1 => "[\r\n\x08\t\x0b\x1b\x18]".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let size = || prop_oneof![6 => 1..20_u16, 1 => Just(0), 1 => Just(u16::MAX)];
    vec(
        prop_oneof![
            4 => output().prop_map(Event::Output),
            1 => (size(), size()).prop_map(|(columns, rows)| Event::Resize(columns, rows)),
        ],
        0..6,
    )
}

/// Cuts each output into pieces of the given lengths.
fn cut(events: &[Event], lengths: &[usize]) -> Vec<Event> {
    let mut lengths = lengths.iter().cycle();
    let mut pieces = Vec::new();
    for event in events {
        let Event::Output(bytes) = event else {
            pieces.push(event.clone());
            continue;
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
            pieces.push(Event::Output(piece.to_vec()));
            rest = after;
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn fast_path_gives_what_the_emulator_gives(columns in 2..14_u16, rows in 2..6_u16, events in events()) {
        let fast = play(columns, rows, true, &events);
        let full = play(columns, rows, false, &events);
        prop_assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(full).unwrap());
    }

    #[test]
    fn any_cut_gives_the_same_text(events in events(), lengths in vec(1..70_usize, 1..9), gathered in 1..99_usize) {
        let whole = play(9, 3, true, &events);
        let pieces = play(9, 3, true, &cut(&events, &lengths));
        prop_assert_eq!(&String::from_utf8(pieces).unwrap(), &String::from_utf8(whole.clone()).unwrap());
        let gathering = play_gathering(9, 3, gathered, &cut(&events, &lengths));
        prop_assert_eq!(String::from_utf8(gathering).unwrap(), String::from_utf8(whole).unwrap());
    }

    /// However often the size changes, lines that only ever flow come out whole, once.
    #[test]
    fn resizing_neither_loses_nor_doubles(
        lines in vec("[a-z日é]{0,3}( [a-z]{1,9}){0,4}", 0..25),
        sizes in vec((2..30_u16, 2..8_u16), 1..9),
        cut_at in vec(0..40_usize, 1..5),
    ) {
        let mut events = Vec::new();
        let mut sizes = sizes.iter().cycle();
        let mut cut_at = cut_at.iter().cycle();
        for line in &lines {
            let cut: usize = line.chars().take(*cut_at.next().unwrap()).map(char::len_utf8).sum();
            let (columns, rows) = *sizes.next().unwrap();
            events.push(Event::Output(line[..cut].into()));
            events.push(Event::Resize(columns, rows));
            events.push(Event::Output(format!("{}\r\n", &line[cut..]).into()));
        }
        let text = String::from_utf8(play(9, 3, true, &events)).unwrap();
        let expected = lines.join("\n");
        prop_assert_eq!(text.trim_end(), expected.trim_end());
    }
}

proptest! {
    // The largest screens are slow to lay out.
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_size_and_no_bytes_panic(columns in any::<u16>(), rows in any::<u16>(), events in events()) {
        play(columns, rows, true, &events);
    }
}

#[test]
fn huge_and_missing_sizes_are_bounded() {
    for (columns, rows) in [(0, 0), (1, 1), (u16::MAX, u16::MAX), (u16::MAX, 1), (1, u16::MAX)] {
        let (columns, rows) = crate::vt100_screen::sensible_size(columns, rows);
        assert!(columns >= 2 && rows >= 2 && u32::from(columns) * u32::from(rows) <= 64 * 1024);
    }
}

#[test]
fn widened_last_column_does_not_panic() {
    let output = "\x1b[4;10H☁\u{FE0F}\x1b[3;10Ha\x1b[4;10Hb\r\n☁\u{FE0F}".as_bytes().to_vec();
    for columns in 1..12 {
        play(columns, 4, true, &[Event::Output(output.clone())]);
    }
}
