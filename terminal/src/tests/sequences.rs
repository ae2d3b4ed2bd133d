//! What sequences do to the screen.

use expect_test::expect;

use super::{check, picture, screen};
use crate::Screen;

#[test]
fn cursor_is_saved_and_restored() {
    check(
        "ab\x1b[scd\x1b[2;2Hx\x1b[uY",
        expect![[r#"
        abYd
         x


        (0, 3)
    "#]],
    );
    check(
        "ab\x1b7\x1b(0\x1b[3;3Hq\x1b8q",
        expect![[r#"
        abq

          ─

        (0, 3)
    "#]],
    );
}

#[test]
fn line_drawing() {
    check(
        "\x1b(0lqk\x1b(B q\r\n\x1b)0\x0ex\x0fx\r\n\x1b(0m\x1b(Bj",
        expect![[r#"
        ┌─┐ q
        │x
        └j

        (2, 2)
    "#]],
    );
}

#[test]
fn lines_down_up_and_next() {
    check(
        "a\x1bDb\x1bEc\x1bMd",
        expect![[r#"
        a
         d
        c

        (1, 2)
    "#]],
    );
    check(
        "1\r\n2\r\n3\r\n4\x1b[H\x1bM0",
        expect![[r#"
        0
        1
        2
        3
        (0, 1)
    "#]],
    );
    check(
        "a\x1b[20h\nb\x1b[20l\nc",
        expect![[r#"
        a
        b
         c

        (2, 2)
    "#]],
    );
}

#[test]
fn insert_mode_and_inserted_cells() {
    check(
        "abcdef\r\x1b[4hXY\x1b[4lZ\x1b[2;1H0123456789\x1b[2;3H\x1b[3@\x1b[3;1Habcdef\x1b[3;2H\x1b[2P\x1b[2X",
        expect![[r#"
        XYZbcdef
        01   23456
        a  f

        (2, 1)
    "#]],
    );
}

#[test]
fn insert_and_delete_lines_between_margins() {
    check(
        "1\r\n2\r\n3\r\n4\x1b[1;3r\x1b[2;2H\x1b[Lx",
        expect![[r#"
        1
        x
        2
        4
        (1, 1)
    "#]],
    );
    check(
        "1\r\n2\r\n3\r\n4\x1b[1;3r\x1b[1;2H\x1b[M\x1b[r\x1b[4;1H\x1b[9Ly",
        expect![[r#"
        2
        3

        y
        (3, 1)
    "#]],
    );
}

#[test]
fn origin_mode_counts_from_the_margin() {
    check(
        "\x1b[2;3r\x1b[?6hA\x1b[9;3HB\x1b[?6l\x1b[1;5HC",
        expect![[r#"
            C
        A
          B

        (0, 5)
    "#]],
    );
}

#[test]
fn scrolling_keeps_what_is_outside_the_margins() {
    check(
        "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx\x1b[2;1H\x1bMy\x1b[S\x1b[T",
        expect![[r#"
            1

            3
            4
            (1, 1)
        "#]],
    );
}

#[test]
fn tab_stops() {
    check(
        "\ta\x1b[3g\r\tb\x1b[1;4H\x1bH\r\tc\x1b[1;10H\x1b[Zd\x1b[2;1H\x1b[Ie\x1b[0g",
        expect![[r#"
               d    ab
               e


            (1, 4)
        "#]],
    );
}

#[test]
fn repeat() {
    check(
        "ab\x1b[3b|é\x1b[2b\r\n\x1b[99b",
        expect![[r#"
        abbbb|ééé
        éééééééééé

        
        (1, 10)
    "#]],
    );
}

#[test]
fn alignment_and_soft_reset() {
    check(
        "\x1b#8",
        expect![[r#"
        EEEEEEEEEE
        EEEEEEEEEE
        EEEEEEEEEE
        EEEEEEEEEE
        (0, 0)
    "#]],
    );
    check(
        "\x1b[2;3r\x1b[4h\x1b(0\x1b[1;31m\x1b[!pq\x1b[4;1Hz",
        expect![[r#"
        q


        z
        (3, 1)
    "#]],
    );
    assert_eq!(screen("\x1b[1;31m\x1b[!p").style(), crate::Style::default());
}

#[test]
fn wide_characters_at_the_edge() {
    check(
        "123456789日x",
        expect![[r#"
        123456789↩
        日x


        (1, 3)
    "#]],
    );
    check(
        "日本語\x1b[1;2Hx\x1b[1;5Hy",
        expect![[r#"
             x本y



            (0, 5)
        "#]],
    );
    check(
        "\x1b[?7l123456789日x",
        expect![[r#"
        123456789x



        (0, 9)
    "#]],
    );
    check(
        "日本語\x1b[1;2H\x1b[P\x1b[1;1H\x1b[@",
        expect![[r#"
              本語



            (0, 0)
        "#]],
    );
}

#[test]
fn combining_and_invalid_characters() {
    check(
        "e\u{301}日\u{301}\u{FE0F}|\u{FFFD}|",
        expect![[r#"
            é日́️|�|



            (0, 6)
        "#]],
    );
    let mut invalid = screen("");
    invalid.feed(b"a\xffb\xe6\x97c\xe6");
    invalid.feed(b"\x97\xa5d\xf0\x9f");
    invalid.feed(b"\n");
    expect![[r#"
        a�b�c日d�



        (1, 9)
    "#]]
    .assert_eq(&picture(&invalid));
}

#[test]
fn erasing_behind_the_last_column_erases_nothing() {
    check(
        "0123456789\x1b[K\x1b[Jx",
        expect![[r#"
        0123456789↩
        x


        (1, 1)
    "#]],
    );
    // A movement gives up the pending wrap.
    check(
        "0123456789\x08x\r\n0123456789\x1b[A\x1b[By",
        expect![[r#"
        01234567x9
        012345678y


        (1, 10)
    "#]],
    );
}

#[test]
fn control_strings_show_nothing() {
    check(
        "a\x1b]0;ti\r\ntle\x07b\x1bPq\x07#0\x1b\\cd\x1b]2;✓\u{9c}e\x1b_x\x18f",
        expect![[r#"
        abcdef



        (0, 6)
    "#]],
    );
    check(
        "a\x1bPtmux;\x1b\x1b]133;A\x1b\x1b\\\x1b\x1b[2Jxyz\x1b\\b",
        expect![[r#"
        ab



        (0, 2)
    "#]],
    );
    // Extensions of the keyboard share final bytes with others.
    check(
        "a\x1b[>1u\x1b[<u\x1b[=1;1u\x1b[>4;1m\x1b[?4m\x1b[?1sb\x1b[4:3;38:2::1:2:3;38;5;9mc",
        expect![[r#"
        abc



        (0, 3)
    "#]],
    );
}

#[test]
fn titles_of_screen_and_tmux() {
    let output = b"\x1bktitle\x1b\\$ ";
    for (term, expected) in [("xterm-256color", "title$ "), ("screen.xterm", "$ "), ("tmux-256color", "$ ")] {
        let mut screen = crate::Vt100Screen::new(10, 4, 0).for_term(term);
        screen.feed(output);
        let mut text = String::new();
        screen.line(0).unwrap().text(0, 10, &mut text);
        assert_eq!(text, expected, "{term}");
    }
}

#[test]
fn lines_of_a_session_without_a_terminal() {
    for (term, column) in [("xterm", 7), (crate::NO_TERMINAL, 1)] {
        let mut screen = crate::Vt100Screen::new(10, 4, 0).for_term(term);
        screen.feed(b"one\ntwo\nx");
        assert_eq!(screen.cursor(), crate::Position { row: 2, col: column }, "{term}");
    }
}

#[test]
fn alternate_screens() {
    let text = "$ vi\r\nab";
    for (mode, expected) in [(47, "(2, 3)"), (1047, "(2, 3)"), (1049, "(1, 2)")] {
        let mut screen = screen(text);
        screen.feed(format!("\x1b[?{mode}h").as_bytes());
        assert!(screen.is_alternate());
        assert_eq!(screen.cursor(), crate::Position { row: 1, col: 2 });
        screen.feed(b"\x1b[3;1Hedi");
        let mut line = String::new();
        screen.line(0).unwrap().text(0, 10, &mut line);
        assert_eq!(line, "$ vi", "the primary screen can still be read");
        screen.feed(format!("\x1b[?{mode}l").as_bytes());
        assert!(!screen.is_alternate());
        let picture = picture(&screen);
        assert!(picture.starts_with("$ vi\nab\n\n\n") && picture.contains(expected), "{mode}: {picture}");
    }
}

#[test]
fn styles() {
    use crate::{Color, Style};
    let bold = Style { bold: true, ..Style::default() };
    for (sequence, style) in [
        ("1;2", Style { dim: true, ..bold }),
        ("1;2;22", Style::default()),
        (
            "3;4;7;8",
            Style { italic: true, underline: true, inverse: true, concealed: true, ..Style::default() },
        ),
        ("4:3", Style { underline: true, ..Style::default() }),
        ("4;4:0", Style::default()),
        ("31;42", Style { foreground: Color::Indexed(1), background: Color::Indexed(2), ..Style::default() }),
        (
            "97;100",
            Style { foreground: Color::Indexed(15), background: Color::Indexed(8), ..Style::default() },
        ),
        ("38;5;200;1", Style { foreground: Color::Indexed(200), ..bold }),
        (
            "38;2;1;2;3;48:5:4",
            Style { foreground: Color::Rgb(1, 2, 3), background: Color::Indexed(4), ..Style::default() },
        ),
        ("38:2:1:2:3", Style { foreground: Color::Rgb(1, 2, 3), ..Style::default() }),
        ("38:2::1:2:3", Style { foreground: Color::Rgb(1, 2, 3), ..Style::default() }),
        ("58;5;1;1", bold),
        ("31;39;41;49", Style::default()),
        ("1;", Style::default()),
    ] {
        assert_eq!(screen(&format!("\x1b[{sequence}m")).style(), style, "{sequence}");
    }
}
