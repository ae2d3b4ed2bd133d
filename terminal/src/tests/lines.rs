//! Rows and their numbers: scrolling, clearing, changes of size; cells that were written and those that were not.

use expect_test::expect;

use super::{picture, screen};
use crate::{Color, Screen, Vt100Screen};

fn line(screen: &impl Screen, number: u64) -> Option<String> {
    let mut text = String::new();
    screen.line(number)?.text(0, u16::MAX, &mut text);
    Some(text)
}

#[test]
fn lines_keep_their_numbers() {
    let mut screen = Vt100Screen::new(10, 4, 3);
    for number in 0..10 {
        screen.feed(format!("line {number}\r\n").as_bytes());
    }
    assert_eq!(screen.scrolled(), 7);
    assert_eq!(line(&screen, 3), None, "the scrollback is bounded");
    for number in 4..10 {
        assert_eq!(line(&screen, number).unwrap(), format!("line {number}"));
    }
    assert_eq!(line(&screen, 10).unwrap(), "");
    assert_eq!(line(&screen, 11), None);

    // Clearing leaves the numbers alone, and so does the alternate screen.
    screen.feed(b"\x1b[?1049h\n\n\n\n\n\n\x1b[?1049l\x1b[H\x1b[2Jnew");
    assert_eq!(screen.scrolled(), 7);
    assert_eq!(line(&screen, 7).unwrap(), "new");
    assert_eq!(line(&screen, 6).unwrap(), "line 6");
    screen.feed(b"\x1b[3J");
    assert_eq!((line(&screen, 6), line(&screen, 7).unwrap()), (None, "new".to_owned()));
    screen.feed(b"\x1bc");
    assert_eq!((screen.scrolled(), line(&screen, 7).unwrap()), (7, String::new()));
}

#[test]
fn what_leaves_at_the_top_counts_what_is_between_margins_does_not() {
    let mut screen = screen("1\r\n2\r\n3\r\n4\x1b[1;2r\x1b[2;1H\n\n");
    assert_eq!((screen.scrolled(), line(&screen, 1).unwrap()), (2, "2".to_owned()));
    screen.feed(b"\x1b[2;3r\x1b[3;1H\n\n");
    assert_eq!(screen.scrolled(), 2);
    screen.feed(b"\x1b[r\x1b[99S");
    assert_eq!(screen.scrolled(), 6);
}

#[test]
fn a_lower_screen_keeps_the_prompt() {
    let mut low = screen("1\r\n2\r\n3\r\n$ ls");
    low.resize(10, 2);
    assert_eq!((low.scrolled(), line(&low, 3).unwrap()), (2, "$ ls".to_owned()));
    low.resize(10, 4);
    expect![[r#"
        3
        $ ls


        (1, 4)
    "#]]
    .assert_eq(&picture(&low));
    assert_eq!(line(&low, 0).unwrap(), "1");

    let mut high = screen("$ ls\r\nbelow\x1b[1;3H");
    high.resize(10, 2);
    assert_eq!((high.scrolled(), line(&high, 0).unwrap()), (0, "$ ls".to_owned()));
}

#[test]
fn a_prompt_that_the_shell_redraws_stands_at_the_same_number() {
    // Readline goes up as many rows as the line took before, and writes it again.
    let mut screen = screen("out\r\n$ echo abcdefgh");
    screen.resize(8, 4);
    screen.feed(b"\r\x1b[K\x1b[A\r$ echo abcdefgh");
    expect![[r#"
        out
        $ echo a↩
        bcdefgh

        (2, 7)
    "#]]
    .assert_eq(&picture(&screen));
    screen.resize(20, 4);
    screen.feed(b"\r\x1b[K\x1b[A\r$ echo abcdefgh\x1b[J");
    expect![[r#"
        out
        $ echo abcdefgh


        (1, 15)
    "#]]
    .assert_eq(&picture(&screen));
}

#[test]
fn the_primary_screen_is_resized_behind_the_alternate_one() {
    let mut screen = screen("1\r\n2\r\n3\r\n$ vi\x1b[?1049h\x1b[Hedit");
    screen.resize(12, 2);
    assert_eq!((screen.scrolled(), line(&screen, 3).unwrap()), (2, "$ vi".to_owned()));
    screen.feed(b"\x1b[?1049l!");
    assert_eq!(line(&screen, 3).unwrap(), "$ vi!");
}

#[test]
fn sizes_are_bounded() {
    let mut screen = Vt100Screen::new(0, 0, 0);
    assert_eq!((screen.size().cols, screen.size().rows), (80, 24));
    for (cols, rows) in [(1, 1), (u16::MAX, u16::MAX), (u16::MAX, 1), (1, u16::MAX)] {
        screen.resize(cols, rows);
        let size = screen.size();
        assert!(size.cols >= 2 && size.rows >= 2 && u32::from(size.cols) * u32::from(size.rows) <= 65536);
    }
}

#[test]
fn written_and_unwritten_cells() {
    let screen = screen("a \x1b[1;6Hb  \x1b[31m日\x1b[m\x1b[1;8H\x1b[X");
    let line = screen.line(0).unwrap();
    let written: Vec<bool> = line.cells().map(|cell| cell.written).collect();
    assert_eq!(written, [true, true, false, false, false, true, true, false, true, true]);
    let wide = line.cell(8).unwrap();
    assert_eq!((wide.text, wide.width, wide.style.foreground), ("日", 2, Color::Indexed(1)));
    let half = line.cell(9).unwrap();
    assert_eq!((half.text, half.width, half.written), ("", 0, true));
    assert_eq!((line.len(), line.cell(10)), (10, None));
}

#[test]
fn erased_cells_keep_the_colour_behind_them_and_are_not_written() {
    let screen = screen("abc\r\x1b[41m\x1b[K\x1b[m");
    assert_eq!((screen.line(0).unwrap().len(), screen.line(0).unwrap().cell(0)), (0, None));
    let screen = super::screen("abc\x1b[1;9Hx\r\x1b[41m\x1b[2X");
    let cell = screen.line(0).unwrap().cell(1).unwrap();
    assert_eq!((cell.written, cell.style.background), (false, Color::Indexed(1)));
}

#[test]
fn wrapped_rows_join() {
    let screen = screen("0123456789abc\x1b[1;1H\x1b[@x");
    assert!(screen.line(0).unwrap().is_wrapped(), "inserting moves text, but the line still goes on");
    let erased = super::screen("0123456789abc\x1b[1;5H\x1b[K");
    assert!(!erased.line(0).unwrap().is_wrapped());
    let rewritten = super::screen("0123456789abc\x1b[1;1H9876543210\r\n");
    assert!(!rewritten.line(0).unwrap().is_wrapped(), "what was written over it ends there");
}

#[test]
fn memory_of_the_scrollback_is_bounded() {
    let mut screen = Vt100Screen::new(4096, 16, 10);
    let long = format!("{}\r\n", "x".repeat(4000));
    for _ in 0..50 {
        screen.feed(long.as_bytes());
    }
    let first = screen.scrolled();
    let kept = (0..first).filter(|&number| screen.line(number).is_some()).count();
    assert_eq!((kept, line(&screen, first - 1).unwrap().len()), (1, 4000));
}
