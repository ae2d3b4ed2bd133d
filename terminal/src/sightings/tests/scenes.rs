//! Scenes: what is seen of them, and when.

use expect_test::{Expect, expect};

use super::{Event, play};

/// Plays outputs on a screen of 10 columns and 4 rows, one a second.
#[track_caller]
fn check(outputs: &[&str], expected: Expect) {
    let events: Vec<_> =
        outputs.iter().map(|output| Event::Output(1000, output.as_bytes().to_vec())).collect();
    check_events(&events, expected);
}

#[track_caller]
fn check_events(events: &[Event], expected: Expect) {
    let seen = play(10, 4, events);
    let lines: String =
        seen.iter().map(|(time, text)| format!("{}.{} {text}\n", time / 1000, time % 1000)).collect();
    expected.assert_eq(&lines);
}

#[test]
fn a_line_that_is_typed_is_seen_once_in_its_longest_form() {
    check(
        &["$ ", "l", "s", " ", "-", "q", "\x08 \x08", "\r\nfile\r\n$ ", "exit", "\r\n"],
        expect![[r#"
            6.0 $ ls -q
            8.0 file
            9.0 $ exit
        "#]],
    );
}

#[test]
fn what_stays_is_seen_once_wherever_it_moves() {
    check(
        &["one\r\ntwo\r\n", "three\r\n", "four\r\n", "five\r\n", "\x1b[H\x1bMnew"],
        expect![[r#"
        1.0 one
        1.0 two
        5.0 new
        2.0 three
        3.0 four
        4.0 five
    "#]],
    );
}

#[test]
fn progress_is_seen_in_each_form_that_stood() {
    check(
        &["10%", "\r50%\r60%\r70%", "\r\x1b[K99%", "\r\x1b[Kdone"],
        expect![[r#"
        1.0 10%
        2.0 70%
        3.0 99%
        4.0 done
    "#]],
    );
}

#[test]
fn clearing_loses_nothing_even_within_a_moment() {
    check(
        &["one\r\ntwo\x1b[H\x1b[2Jthree\x1b[2J\x1b[Hfour\x1bcfive", "\x1b[H\x1b[J"],
        expect![[r#"
        1.0 one
        1.0 two
        1.0 three
        1.0 four
        1.0 five
    "#]],
    );
}

#[test]
fn what_is_redrawn_is_seen_once() {
    check(
        &["one\r\ntwo", "\x1b[H\x1b[2Jone\r\ntwo", "\x1b[H\x1b[2Jtwo\r\none\r\nthree"],
        expect![[r#"
        1.0 two
        1.0 one
        3.0 three
    "#]],
    );
}

#[test]
fn both_screens_are_seen_and_what_is_behind_stays() {
    check(
        &["$ vi", "\x1b[?1049hedit\r\n~\r\n~\x1b[?1049l", "\x1b[?1049h\x1b[Hagain", "\x1b[?1049l!"],
        expect![[r#"
            2.0     edit
            2.0 ~
            2.0 ~
            4.0 $ vi!
            3.0 again
        "#]],
    );
}

#[test]
fn rows_of_a_line_that_wraps_are_one_line() {
    check(
        &["0123456789abcdefghij", "klm", "\r\n1\r\n2\r\n3\r\n", "4"],
        expect![[r#"
        2.0 0123456789abcdefghijklm
        3.0 1
        3.0 2
        3.0 3
        4.0 4
    "#]],
    );
    // Also while it scrolls off.
    check(
        &["0123456789abcdefghij0123456789ABC", "DEFGHIJ0123456789abcdefghij", "0123\r\n", "x\r\n"],
        expect![[r#"
        3.0 0123456789abcdefghij0123456789ABCDEFGHIJ0123456789abcdefghij0123
        4.0 x
    "#]],
    );
}

#[test]
fn a_line_that_began_above_the_screen_ends_where_that_is_written_over() {
    check(
        &[&"0123456789".repeat(5), "\x1b[Hover", "\x1b[2J\x1b[Hcleared"],
        expect![[r#"
        1.0 01234567890123456789012345678901234567890123456789
        2.0 over456789012345678901234567890123456789
        3.0 cleared
    "#]],
    );
}

#[test]
fn concealed_text_is_blank() {
    check(
        &["pin: \x1b[8m1234\x1b[28m!\r\n", "\x1b[1;8m日本\x1b[m?\r\n", "\x1b[8mall"],
        expect![[r#"
        1.0 pin:     !
        2.0     ?
    "#]],
    );
    let plain = "\x1b[8mhidden\x1b[0m\r\nshown\r\n".repeat(9);
    check(
        &[&plain],
        expect![[r#"
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
        1.0 shown
    "#]],
    );
}

#[test]
fn what_falls_out_between_margins_is_seen() {
    check(
        &["top\x1b[2;3r\x1b[2;1Ha\r\nb\r\nc\r\nd\x1b[2;1H\x1bMe\x1bMf"],
        expect![[r#"
        1.0 a
        1.0 b
        1.0 d
        1.0 c
        1.0 top
        1.0  f
        1.0 e
    "#]],
    );
    check(
        &["\x1b[?1049h1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[H\x1b[2M\x1b[L"],
        expect![[r#"
        1.0 1
        1.0 2
        1.0 3
        1.0 4
        1.0 5
        1.0 6
    "#]],
    );
}

#[test]
fn a_change_of_size_shows_nothing_new() {
    check_events(
        &[
            Event::Output(1000, b"one\r\ntwo two\r\nthree\r\n$ ls".to_vec()),
            Event::Resize(1000, 5, 2),
            Event::Output(1000, b"!".to_vec()),
            Event::Resize(1000, 30, 9),
            Event::Output(1000, b"\r\nend".to_vec()),
        ],
        expect![[r#"
            1.0 one
            1.0 two two
            1.0 three
            3.0 $ ls!
            5.0 end
        "#]],
    );
}

#[test]
fn times_are_those_of_the_moments() {
    check_events(
        &[
            Event::Output(100, b"a".to_vec()),
            Event::Output(10, b"b\r\n".to_vec()),
            Event::Output(5, b"c\r\n".to_vec()),
            Event::Output(1, b"d\r\n".to_vec()),
            Event::Output(0, b"e\r\n".to_vec()),
        ],
        expect![[r#"
            0.115 ab
            0.115 c
            0.116 d
            0.116 e
        "#]],
    );
}

#[test]
fn a_line_without_an_end_comes_in_pieces() {
    let seen = play(10, 4, &[Event::Output(0, b"x".repeat(1_000_000))]);
    let lengths: Vec<_> = seen.iter().map(|(_, text)| text.len()).collect();
    assert!(lengths.iter().all(|length| *length < 70_000), "{lengths:?}");
    assert!((1_000_000..1_060_000).contains(&lengths.iter().sum::<usize>()), "{lengths:?}");
}
