//! What holds for any output.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fuzz::{fuzz_scanner, fuzz_screen};
use crate::{Screen, Vt100Screen};

/// Output made of what terminals and scanners care about.
pub(crate) fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,30}\r\n".prop_map(String::into_bytes),
        2 => "[ab é日─\t\u{301}\u{FE0F}]{0,12}".prop_map(String::into_bytes),
        4 => "\x1b\\[[?]?[0-9]{0,3}([;:][0-9]{1,3}){0,3}[@-Z`a-z]".prop_map(String::into_bytes),
        4 => "\x1b\\[([0-57-9]|3[0-79]|4[0-79]|9[0-7]|10[0-7]|[34]8;5;[0-9]{1,3}|[34]8;2;[0-9]{1,2};7;255)m[a-z ─日]{0,9}"
            .prop_map(String::into_bytes),
        2 => "\x1b\\[\\?(6|7|47|1047|1048|1049|2004)[hl]".prop_map(String::into_bytes),
        2 => "\x1b([78cDEHMno]|[()][0B]|#8|\\[!p)".prop_map(String::into_bytes),
        2 => "\x1b\\](0|2|7|9|133|633|1337|3008);[ -~é✓\u{9c}\r\n]{0,20}(\x07|\x1b\\\\|\u{9c})"
            .prop_map(String::into_bytes),
        1 => "\x1bP(tmux;)?(\x1b\x1b\\]133;[ABCD]\x07|[a-z]|\x1b\x1b\\\\){0,3}(\x1b\\\\)?".prop_map(String::into_bytes),
        1 => "[\r\n\x07\x08\t\x0b\x0e\x0f\x18\x1a\x1b\x7f\u{9c}]".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn screens_replay(seed in any::<u8>(), output in output()) {
        fuzz_screen(&[&[seed], output.as_slice()].concat());
    }

    #[test]
    fn signals_stay_in_their_places(seed in any::<u8>(), output in output()) {
        fuzz_scanner(&[&[seed], output.as_slice()].concat());
    }

    /// Text that only flows comes out as it went in, in lines numbered as they were written.
    #[test]
    fn plain_lines_are_where_they_should_be(lines in vec("[ -~]{1,9}", 1..60)) {
        let mut screen = Vt100Screen::new(10, 5, 1000);
        for line in &lines {
            screen.feed(format!("{line}\r\n").as_bytes());
        }
        for (number, line) in (0..).zip(&lines) {
            let mut text = String::new();
            screen.line(number).unwrap().text(0, 10, &mut text);
            prop_assert_eq!(&text, line);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_size_panics(sizes in vec((any::<u16>(), any::<u16>()), 1..5), output in output()) {
        let mut screen = Vt100Screen::new(80, 24, 10);
        for (cols, rows) in sizes {
            screen.resize(cols, rows);
            screen.feed(&output);
            let keyframe = screen.keyframe();
            prop_assert!(screen.restore(&keyframe).is_ok());
        }
    }
}

proptest! {
    #[test]
    fn the_text_of_a_row_is_that_of_its_cells(
        pieces in vec(("[a-c ]{0,80}|[é世🦀\u{301}]{1,3}", 1_u8..9), 0..8),
        from in 0_u16..100,
        to in 0_u16..210,
    ) {
        let mut screen = Vt100Screen::new(200, 4, 0);
        for (text, columns) in pieces {
            screen.feed(format!("{text}\x1b[{columns}C").as_bytes());
        }
        let line = screen.line(screen.scrolled()).unwrap();
        let (mut text, mut cells) = (String::new(), String::new());
        line.text(from, to, &mut text);
        for col in from..to.min(line.len()) {
            let cell = line.cell(col).unwrap();
            prop_assert_eq!(cell.written, line.is_written(col));
            cells.push_str(if cell.written { cell.text } else { " " });
        }
        prop_assert_eq!(text, cells);
    }
}
