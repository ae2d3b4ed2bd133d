//! What sessions look like as text: lines, clearing, the alternate screen, wide characters.

use expect_test::expect;

use super::{check, text};

#[test]
fn plain_lines_scroll_off_and_come_out_once() {
    check(
        "1\r\n2\r\n\r\n4\r\n5\r\n6\r\n",
        expect![[r#"
        1
        2

        4
        5
        6
    "#]],
    );
}

#[test]
fn a_character_is_repeated_that_has_scrolled_off() {
    let (lines, blank_lines) = ("a\r\n".repeat(20), "\r\n".repeat(40));
    assert!(text(&format!("{lines}b\x1b[m\t\r\n{blank_lines}\x1b[3b")).ends_with("\n\nbbb\n"));
}

#[test]
fn nothing_gives_nothing() {
    check("", expect![[""]]);
    check("\r\n\r\n   \r\n\x1b[2J", expect![[""]]);
}

#[test]
fn last_line_without_newline_is_ended() {
    check(
        "one\r\ntwo",
        expect![[r#"
        one
        two
    "#]],
    );
}

#[test]
fn progress_bar_leaves_its_last_state() {
    check(
        "10%\r50%\r100%\r\n\x1b[32mok\x1b[m\r\n",
        expect![[r#"
        100%
        ok
    "#]],
    );
}

#[test]
fn wrapped_rows_are_one_line() {
    check(
        "0123456789abcdefghijXYZ   \r\nexactly 10\r\nnext",
        expect![[r#"
        0123456789abcdefghijXYZ
        exactly 10
        next
    "#]],
    );
    check(
        "a\r\nb\r\nc\r\n0123456789abcdefghijklmnopqrstuvwxyz0123456789",
        expect![[r#"
        a
        b
        c
        0123456789abcdefghijklmnopqrstuvwxyz0123456789
    "#]],
    );
    check(
        "0123456789          tail",
        expect![[r#"
        0123456789          tail
    "#]],
    );
}

#[test]
fn clear_keeps_what_it_clears() {
    check(
        "one\r\n$ clear\r\n\x1b[H\x1b[2J\x1b[3J$ two\r\n",
        expect![[r#"
        one
        $ clear
        $ two
    "#]],
    );
    check(
        "one\r\n$ clear\r\n\x1b[H\x1b[J$ two\r\n",
        expect![[r#"
        one
        $ clear
        $ two
    "#]],
    );
    check(
        "one\r\n\x1b[?2Jtwo\r\n",
        expect![[r#"
        one

        two
    "#]],
    );
    check(
        "one\r\n\x1bctwo",
        expect![[r#"
        one
        two
    "#]],
    );
    check(
        "one\r\n\x1b[3Jtwo",
        expect![[r#"
        one
        two
    "#]],
    );
}

#[test]
fn erasing_below_the_prompt_is_no_clear() {
    check(
        "$ l\r\nls lsof\x1b[A\r\x1b[J$ ls\r\n",
        expect![[r#"
        $ ls
    "#]],
    );
}

#[test]
fn alternate_screen_leaves_nothing() {
    for mode in ["47", "1047", "1049", "1049;25"] {
        let output = format!(
            "$ vi\r\n\x1b[?{mode}h\x1b[2J\x1b[H~file\r\n~\r\n~\r\n~\r\n:q\r\n\r\n\x1b[?{mode}l$ done"
        );
        assert_eq!(text(&output), "$ vi\n$ done\n", "{mode}");
    }
    check(
        "$ vi\r\n\x1b[?1049h~file",
        expect![[r#"
        $ vi
    "#]],
    );
    check(
        "$ vi\r\n\x1b[?1049h~file\x1bcreset",
        expect![[r#"
        $ vi
        reset
    "#]],
    );
}

#[test]
fn wide_and_combining_characters() {
    check(
        "日本語日本語日本語\r\ne\u{301}té ☁\u{FE0F} ok",
        expect![[r#"
        日本語日本語日本語
        été ☁️ ok
    "#]],
    );
    check(
        "a日本語日本語",
        expect![[r#"
        a日本語日本語
    "#]],
    );
    check(
        "caf\u{FFFD}",
        expect![[r#"
        caf�
    "#]],
    );
}
