//! Screens in other forms. That they come back from those forms is checked by `fuzz_screen`.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::properties::output;
use super::screen;
use crate::render::{self, Theme};
use crate::{Cell, Screen, Vt100Screen};

#[test]
fn text_and_json_have_the_rows() {
    let screen = screen("a\"\\ \r\n\x1b[8mhidden\x1b[m\r\n\x1b[41m \x1b[m\u{9b}日本");
    assert_eq!(render::txt(&screen), "a\"\\\nhidden\n 日本\n\n");
    assert_eq!(render::json(&screen), "[\"a\\\"\\\\\", \"hidden\", \" 日本\", \"\"]\n");
}

#[test]
fn ansi_has_colours_and_no_movements() {
    let screen =
        screen("\x1b[1;31mred\x1b[22m \x1b[m  \r\n\x1b[3C\x1b[7mx\x1b[44m\x1b[K\x1b[m\r\n日\x1b[4m  ");
    assert_eq!(
        render::ansi(&screen),
        "\x1b[1;31mred\x1b[m\n   \x1b[7mx\x1b[0;44m      \x1b[m\n日\x1b[4m  \x1b[m\n\n"
    );
}

#[track_caller]
fn check_repaint(output: &str, expected: Expect) {
    let repaint = String::from_utf8(screen(output).repaint()).unwrap();
    let repaint = repaint.strip_prefix("\x1b[!p\x1b[m\x1b[2J\x1b[H").unwrap();
    expected.assert_eq(
        &repaint.replace('\x1b', "␛").replace('\r', "␍").replace('\x0e', "␎").replace('\x0f', "␏"),
    );
}

#[test]
fn a_repaint_says_what_differs_from_a_blank_terminal() {
    check_repaint("", expect!["␛[1;1H"]);
    check_repaint("one\r\n\r\n\x1b[32mthree", expect!["one␛[3H␛[32mthree␛[m␛[3;6H␛[32m"]);
    check_repaint("0123456789wrapped\x1b[?25l", expect!["0123456789wrapped␛[2;8H␛[?25l"]);
    check_repaint(
        "shell\x1b[?1049h\x1b[44m\x1b[2J\x1b[mtext\x1b[2;3r\x1b[?1h\x1b[2;2H",
        expect![[r#"
        shell␛[1;6H␛7␛[?1049h␛[2J␛[H␛[44m␛[5X␛[5C␛[mtext␛[44m␛[K␍
        ␛[K␍
        ␛[K␍
        ␛[K␛[m␛[2;3r␛[2;2H␛[?1h"#]],
    );
    check_repaint(
        "\x1b)0\x0e\x1b[3g\x1b[5G\x1bH\x1b[?7l\x1b[4h\x1b[20h\x1b=\x1b[?2004hqq\x1b[38;2;1",
        expect!["␛[3g␛[5G␛H␍␛[4C──␛[1;7H␛)0␎␛[?7l␛[4h␛[20h␛=␛[?2004h␛[38;2;1"],
    );
    check_repaint("full line!", expect!["full line!␛[1;10H!"]);
}

#[test]
fn what_follows_a_repaint_shows_as_it_would_have() {
    for before in [
        "",
        "a\x1b[2;3r\x1b[?6h\x1b[2;1Hb\x1b[?7l",
        "\x1b(0\x1b)0\x0elqk\x1b7\x1b(B",
        "日本語日本語\x1b[?1049h\x1b[2J\x1b[48;5;9m\x1b[K",
        "\x1b[31m\x1b[3;5H\x1b7\x1b[m\x1b[?1049hin it\x1b[2;2H\x1b7\x1b[H",
        "c\x1b8\x1b[?1049h",
        "\x1b(0\x1b[2;3H\x1b[?1049h\x1b(B",
        "a\x1b",
        "a\x1b[3",
        "a\x1b[38;5",
        "a\x1b(",
        "a\x1b]0;titl",
        "a\x1bP",
        "a\x1bPq#0",
        "a\x1bPtmux;\x1b",
        "0123456789",
        "0123456789\x1b7\x1b[H",
        "01234567日\x1b[?7h",
        "012345678日\x1b[A",
        "1\n2\n3\n4\n5\n6\n7",
        "x\x1b[3g\x1b[1;4H\x1bH\r",
    ] {
        let mut whole = screen(before);
        let mut other = Vt100Screen::new(10, 4, 0);
        other.feed(&whole.repaint());
        for behind in ["é日\r\nx\ty", "m\x1b\\\x1bDz", "\x1b8w", "q\x0elq\x1b[?1049lq", "\n\n\n\n\n"] {
            whole.feed(behind.as_bytes());
            other.feed(behind.as_bytes());
            assert_eq!(render::ansi(&other), render::ansi(&whole), "{before:?} and then {behind:?}");
            assert_eq!(other.cursor(), whole.cursor(), "{before:?} and then {behind:?}");
        }
    }
}

#[track_caller]
fn check_svg(output: &str, expected: Expect) {
    let svg = render::svg(&screen(output), &Theme::DARK, "a <title>");
    let body = svg.split_once("<rect").unwrap().1.split_once('\n').unwrap().1;
    expected.assert_eq(body.strip_suffix("</svg>\n").unwrap());
}

#[test]
fn a_picture_has_every_cell_in_its_place() {
    check_svg(
        "\x1b[?25lplain text",
        expect![[r#"
        <text x="0" y="15" textLength="100">plain text</text>
    "#]],
    );
    check_svg(
        "\x1b[?25l\x1b[1;31mred\x1b[m \x1b[3;7mslant\x1b[m",
        expect![[r##"
        <path fill="#d6d9dd" shape-rendering="crispEdges" d="M40 0h50v20h-50z"/>
        <text x="0" y="15" textLength="30" fill="#e5606b" font-weight="bold">red</text>
        <text x="40" y="15" textLength="50" fill="#14161a" font-style="italic">slant</text>
    "##]],
    );
    check_svg(
        "\x1b[?25l\x1b[44m \x1b[K\x1b[m\r\n\x1b[4;9mx\x1b[m \x1b[2my\x1b[m \x1b[8mz\x1b[m",
        expect![[r##"
            <path fill="#5c9cf5" shape-rendering="crispEdges" d="M0 0h100v20h-100z"/>
            <path fill="#d6d9dd" d="M0 37h10v1h-10zM0 31h10v1h-10z"/>
            <text x="0" y="35">x</text>
            <text x="20" y="35" fill="#95989c">y</text>
        "##]],
    );
    check_svg(
        "\x1b[?25l日本 →e\u{301}🦀שלום",
        expect![[r#"
        <text x="0 20" y="15">日本</text>
        <text x="50" y="15">→</text>
        <text x="60" y="15" textLength="10" lengthAdjust="spacingAndGlyphs">é</text>
        <text x="70" y="15" textLength="20" lengthAdjust="spacingAndGlyphs">🦀</text>
        <text x="90" y="15" direction="ltr" unicode-bidi="bidi-override">ש</text>
        <text x="0 10 20" y="35" direction="ltr" unicode-bidi="bidi-override">לום</text>
    "#]],
    );
    check_svg(
        "\x1b[?25l──╮▒\x1b[31m█",
        expect![[r##"
            <path fill="#75787c" shape-rendering="crispEdges" d="M30 0h10v20h-10z"/>
            <path fill="#e5606b" shape-rendering="crispEdges" d="M40 0h10v20h-10z"/>
            <path fill="#d6d9dd" d="M0 10h20v1h-20z"/>
            <path fill="none" stroke="#d6d9dd" d="M20 10.5h1q4.5 0 4.5 4.5v5"/>
        "##]],
    );
    check_svg(
        "cursor 日\x1b[D",
        expect![[r##"
        <path fill="#d6d9dd" shape-rendering="crispEdges" d="M70 0h20v20h-20z"/>
        <text x="0" y="15" textLength="60">cursor</text>
        <text x="70" y="15" fill="#14161a">日</text>
    "##]],
    );
    check_svg(
        "\x1b[?25l<&>\"\u{202e}x",
        expect![[r#"
        <text x="0" y="15" textLength="50">&lt;&amp;&gt;&quot;x</text>
    "#]],
    );
}

/// Finds for each cell what a picture writes there. Fails if it is no XML or has anything but shapes and texts.
fn texts(svg: &str, cols: u16, rows: u16) -> Vec<Vec<String>> {
    let document = roxmltree::Document::parse(svg).expect("a picture is XML");
    let mut cells = vec![vec![String::new(); cols.into()]; rows.into()];
    for node in document.root_element().children().filter(roxmltree::Node::is_element) {
        let numbers = |name| {
            let numbers = node.attribute(name).unwrap_or_default().split_ascii_whitespace();
            numbers.map(|number| number.parse::<usize>().unwrap()).collect::<Vec<_>>()
        };
        match node.tag_name().name() {
            "title" => assert_eq!(node.text(), Some("</title><script>")),
            "rect" | "path" => assert!(!node.has_children()),
            "text" => {
                let (places, text) = (numbers("x"), node.text().unwrap());
                let row = &mut cells[(numbers("y")[0] - 15) / 20];
                let col = |x: usize| x / 10;
                match (places.as_slice(), numbers("textLength").as_slice()) {
                    (&[x], &[length]) if node.attribute("lengthAdjust").is_none() => {
                        assert_eq!(text.chars().count(), col(length));
                        for (at, character) in
                            text.chars().enumerate().filter(|&(_, character)| character != ' ')
                        {
                            row[col(x) + at].push(character);
                        }
                    }
                    (&[x], _) => row[col(x)].push_str(text),
                    (places, []) => {
                        assert_eq!(text.chars().count(), places.len());
                        for (character, &x) in text.chars().zip(places) {
                            row[col(x)].push(character);
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("there is a {other} in it"),
        }
    }
    cells
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn pictures_have_the_text_of_the_screen(output in output(), cols in 2_u16..40, rows in 2_u16..12) {
        let mut screen = Vt100Screen::new(cols, rows, 0);
        screen.feed(&output);
        let svg = render::svg(&screen, &Theme::DARK, "</title><script>");
        let texts = texts(&svg, cols, rows);
        for row in 0..rows {
            for col in 0..cols {
                let Cell { text, style, .. } = screen.shown(row).unwrap().drawn(col);
                let is_drawn = |character| matches!(u32::from(character), 0x2500..=0x259f | 0xe0b0..=0xe0b3);
                let hidden = style.concealed || matches!(text, " " | "\u{a0}") || text.starts_with(is_drawn) && text.chars().count() == 1;
                let is_turning = |character| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                let expected: String = text.chars().filter(|&character| !hidden && !is_turning(character)).collect();
                prop_assert_eq!(&texts[usize::from(row)][usize::from(col)], &expected, "row {} column {}", row, col);
            }
        }
    }

    #[test]
    fn json_is_json(output in output()) {
        let mut screen = Vt100Screen::new(30, 5, 0);
        screen.feed(&output);
        let rows: Vec<String> = serde_json::from_str(&render::json(&screen)).unwrap();
        prop_assert_eq!(rows, render::rows(&screen));
    }
}
