//! What sessions look like as text: cursor moves, modes, control strings, resizing.

use expect_test::expect;

use super::{check, check_resized};

#[test]
fn cursor_moves() {
    check(
        "\x1b[3;4Hlow\x1b[1;1Hhigh\x1b[2Bx",
        expect![[r#"
        high

           lxw
    "#]],
    );
    check(
        "abc\x1b[2DX\x1b[5GY\x1b[K\r\nline\x1b[1Aup\x1b7\r\n\x1b8!",
        expect![[r#"
        aXc up!
        line
    "#]],
    );
    check(
        "ab\x1b[3b|\x1bE\x1bDdown",
        expect![[r#"
        abbbb|

        down
    "#]],
    );
}

#[test]
fn no_wrap_mode_overwrites_the_last_column() {
    check(
        "\x1b[?7l0123456789abc\r\n\x1b[?7hnext",
        expect![[r#"
        012345678c
        next
    "#]],
    );
}

#[test]
fn control_strings_are_passed_over() {
    check(
        "a\x1b]0;title\x07b\x1b]133;A\x1b\\c\x1bPq#0\x1b\\d\x1b_x\x07y\x1b\\e",
        expect![[r#"
        abcde
    "#]],
    );
}

#[test]
fn scrolling_above_a_status_line() {
    check(
        "a\r\n\x1b[1;3r\x1b[4;1Hstatus\x1b[2;1Hb\r\nc\r\nd\r\ne\x1b[r",
        expect![[r#"
        a
        b
        c
        d
        e
        status
    "#]],
    );
}

#[test]
fn resize_joins_and_wraps_again() {
    check_resized(
        "0123456789abc\r\n$ ls",
        5,
        4,
        " -l\r\nx",
        expect![[r#"
        0123456789abc
        $ ls -l
        x
    "#]],
    );
    check_resized(
        "0123456789abc\r\n$ ls",
        40,
        9,
        " -l\r\nx",
        expect![[r#"
        0123456789abc
        $ ls -l
        x
    "#]],
    );
    check_resized(
        "1\r\n2\r\n3\r\n4\r\n$ ls",
        10,
        2,
        " -l\r\nx",
        expect![[r#"
        1
        2
        3
        4
        $ ls -l
        x
    "#]],
    );
    check_resized(
        "1\r\n2\r\n3\r\n4\r\n$ ls",
        10,
        8,
        " -l\r\nx",
        expect![[r#"
        1
        2
        3
        4
        $ ls -l
        x
    "#]],
    );
    check_resized(
        "1\r\nbelow\x1b[A\r",
        4,
        2,
        "one",
        expect![[r#"
        1
        oneow
    "#]],
    );
}

#[test]
fn resize_amid_a_sequence_and_in_an_editor() {
    check_resized(
        "$ a\x1b[",
        20,
        5,
        "Db",
        expect![[r#"
        $ b
    "#]],
    );
    check_resized(
        "$ vi\r\n\x1b[?1049h\x1b[H~",
        20,
        5,
        "~\r\n~\x1b[?1049l$ ",
        expect![[r#"
        $ vi
        $
    "#]],
    );
    check_resized(
        "1\r\n2\r\nab\x1b7cd",
        20,
        5,
        "\x1b8X",
        expect![[r#"
        1
        2
        abXd
    "#]],
    );
}
