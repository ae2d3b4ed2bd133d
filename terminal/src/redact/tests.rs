//! Secrets, and the ways in which they get into a recording.

use std::ops::Range;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{OutputFinder, Patterns, Spans, TypedFinder, mask};
use crate::{Screen, Vt100Screen};

/// Finds a text, and whatever digits stand behind `pin=`.
struct Secret;

impl Patterns for Secret {
    fn find(&self, text: &str, sink: &mut dyn FnMut(Range<usize>)) {
        for word in ["hunter2", "日本"] {
            text.match_indices(word).for_each(|(at, _)| sink(at..at + word.len()));
        }
        for (at, sign) in text.match_indices("pin=") {
            let start = at + sign.len();
            let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                sink(start..start + digits);
            }
        }
    }
}

/// Looks again until nothing is found.
fn settle(find: impl Fn(Spans) -> Spans) -> Spans {
    let mut known = Spans::default();
    for _ in 0..9 {
        let found = find(known.clone());
        if found.is_empty() {
            return known;
        }
        found.iter().for_each(|span| assert!(known.insert(span), "it was known"));
    }
    panic!("it does not settle");
}

fn find(pieces: &[&str]) -> Spans {
    settle(|known| {
        let mut finder = OutputFinder::new(&Secret, known, 20, 5);
        pieces.iter().for_each(|piece| finder.feed(piece));
        finder.finish()
    })
}

fn find_typed(pieces: &[&str]) -> Spans {
    settle(|known| {
        let mut finder = TypedFinder::new(&Secret, known);
        pieces.iter().for_each(|piece| finder.feed(piece));
        finder.finish()
    })
}

fn masked(pieces: &[&str], spans: &Spans) -> Vec<String> {
    let mut at = 0;
    let masked = |piece: &&str| {
        let masked = mask(piece, at, spans).unwrap_or_else(|| (*piece).to_owned());
        at += piece.len() as u64;
        masked
    };
    pieces.iter().map(masked).collect()
}

fn redact(pieces: &[&str]) -> Vec<String> {
    masked(pieces, &find(pieces))
}

fn shown(pieces: &[String]) -> String {
    pieces
        .join("⏐")
        .replace('\0', "␀")
        .replace('\x1b', "␛")
        .replace('\x08', "␈")
        .replace('\r', "␍")
        .replace('\n', "␊")
        .replace('\x07', "␇")
        .replace('\x7f', "␡")
}

#[track_caller]
fn check(pieces: &[&str], expected: Expect) {
    expected.assert_eq(&shown(&redact(pieces)));
}

#[track_caller]
fn check_typed(pieces: &[&str], expected: Expect) {
    expected.assert_eq(&shown(&masked(pieces, &find_typed(pieces))));
}

#[test]
fn what_is_whole_is_found() {
    check(&["is it hunter2?\r\n日本語 pin=1234."], expect!["is it ███████?␍␊████語 pin=████."]);
    check(&["nothing to hide"], expect!["nothing to hide"]);
}

#[test]
fn what_comes_in_pieces_is_found() {
    check(&["hun", "ter", "2 h", "u", "nter2"], expect!["███⏐███⏐█ █⏐█⏐█████"]);
    check(&["hun\x1b[1;31mter\x1b[m", "\x1b[4", "m2\x1b[24m"], expect!["███␛[1;31m███␛[m⏐␛[4⏐m█␛[24m"]);
    check(&["hun\x1b]2;title\x07ter\x00\x072"], expect!["███␛]2;title␇███␀␇█"]);
}

#[test]
fn what_is_drawn_again_while_it_is_edited_is_found() {
    // As zsh does with colours: each key draws the word so far.
    check(
        &["$ h", "\x08\x1b[4mhu\x1b[m", "\x08\x08\x1b[4mhun\x1b[m", "ter", "\x1b[3D\x1b[Kter2"],
        expect!["$ █⏐␈␛[4m██␛[m⏐␈␈␛[4m███␛[m⏐███⏐␛[3D␛[K████"],
    );
    // The end first, and the beginning put in before it.
    check(&["$ ter2", "\r$ \x1b[3@hun", "\x1b[2D"], expect!["$ ████⏐␍$ ␛[3@███⏐␛[2D"]);
    // A mistake in its midst, mended.
    check(&["$ hunx", "\x08\x1b[K", "ter2"], expect!["$ ███x⏐␈␛[K⏐████"]);
}

#[test]
fn what_is_placed_with_the_cursor_is_found() {
    check(&["\x1b[3;6Hter2", "\x1b[3;3H", "hun\r\n"], expect!["␛[3;6H████⏐␛[3;3H⏐███␍␊"]);
    check(
        &["\x1b[?1049h\x1b[3;6Hter2\x1b[3;3Hhun\x1b[?1049l"],
        expect!["␛[?1049h␛[3;6H████␛[3;3H███␛[?1049l"],
    );
    check(&["\x1b[3;6Hter2\x1b[3;3Hhun\x1b[2J"], expect!["␛[3;6H████␛[3;3H███␛[2J"]);
}

#[test]
fn what_goes_on_in_the_next_row_is_found() {
    // Of itself; as readline wraps; and as programs do that place each row.
    check(&["0123456789012345hunter2"], expect!["0123456789012345███████"]);
    check(&["0123456789012345hunt \rer2"], expect!["0123456789012345████ ␍███"]);
    check(&["\x1b[2;17Hhunt\x1b[3;1Her2"], expect!["␛[2;17H████␛[3;1H███"]);
}

#[test]
fn what_is_in_control_strings_is_found() {
    check(
        &["\x1b]2;its hun", "ter2\x07\x1b]8;;http://x/%68unter2\x1b\\link"],
        expect![[r#"␛]2;its ███⏐████␇␛]8;;http://x/█████████␛\link"#]],
    );
    check(
        &["\x1b]633;E;echo\\x20hunter\\x32;n\x07\x1b]52;c;aXQgaXMgaHVudGVyMiE=\x07"],
        expect![[r#"␛]633;E;echo\x20██████████;n␇␛]52;c;███████████████████=␇"#]],
    );
    check(
        &["\x1b]1337;SetUserVar=x=aHVudGVyMg==\x07\x1bPtmux;\x1b\x1b]0;hun\nter2\x07\x1b\\"],
        expect![[r#"␛]1337;SetUserVar=x=██████████==␇␛Ptmux;␛␛]0;███␊████␇␛\"#]],
    );
}

#[test]
fn what_a_sequence_takes_the_beginning_of_is_found() {
    check(&["\x1b[hunter2 \x1b(hunter2"], expect!["␛[h██████ ␛(h██████"]);
    check_typed(&["\x1b[hunter2"], expect!["␛[h██████"]);
}

#[test]
fn what_is_typed_is_found() {
    check_typed(&["h", "u", "n", "t", "e", "r", "2", "\r"], expect!["█⏐█⏐█⏐█⏐█⏐█⏐█⏐␍"]);
    check_typed(&["hux\x7fnter", "2\r\x1b[200~hunter2\x1b[201~"], expect!["██x␡████⏐█␍␛[200~███████␛[201~"]);
    check_typed(
        &["hun", "\x1b[C", "ter\x1bOC", "2 xyz\x17huntwo\x17hunter2 oh\x15pin=1"],
        expect!["███⏐␛[C⏐███␛OC⏐█ xyzhuntwo███████ ohpin=█"],
    );
    // Corrected, and then given up.
    check_typed(
        &["hunterx\x7f2\x15ls\r", "huntex\x7fr2\x7f\x7f\x7f\r"],
        expect!["██████x␡█ls␍⏐█████x␡██␡␡␡␍"],
    );
}

#[test]
fn what_scrolls_away_at_once_is_found() {
    let lines: String = (0..5000).map(|line| format!("\x1b[6Cter{}\x1b[7Dhun\r\n", line % 3)).collect();
    let redacted = redact(&[&lines]).concat();
    assert_eq!(redacted.matches("\x1b[6C████\x1b[7D███\r\n").count(), 1666);
}

/// Plain lines, colours, and what comes between.
fn flows() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        6 => "(\x1b\\[3[1-4]m)?[a-z]{0,6}(hun|ter2|hunter2|hun\x1b\\[mter2|pin=7)?(\t|日本)?[a-z]{0,3}\r\n",
        1 => "[a-z]{10,17}(hun\r\nter2|hunter2)\r\n",
        1 => "(hun|ter2)|\x1b\\[[1-5];[1-9]H|\x1b\\[2;4r|\x1b\\[r|\x1b\\[\\?7[lh]",
    ];
    let piece = proptest::collection::vec(line, 0..30).prop_map(|lines| lines.concat());
    proptest::collection::vec(piece, 0..8)
}

/// Output in which the secret comes in fragments.
fn fragments() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        4 => "(hun|ter2|hunter2|h|u|n|t|e|r|2|日|本|pin=|[0-9]{1,3})",
        2 => "\x1b\\[[0-9]{0,2}[mCDGKPX@]",
        1 => "\x1b\\[[1-5];[1-9]H",
        1 => "(\r\n|\r|\x08|\x08\x08\x08| )",
        1 => "\x1b\\](2|0|8;);(hun)?(ter2|[a-z]{2})\x07",
        1 => "\x1b\\[\\?(1049|7|6)[hl]|\x1b\\[[234]J|\x1b[78M]|\x1b\\[2;4r",
    ];
    proptest::collection::vec(
        proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
        0..12,
    )
}

/// What a screen shows, row by row, after each piece.
fn screens(pieces: &[String]) -> Vec<Vec<String>> {
    let mut screen = Vt100Screen::new(20, 5, 100);
    let mut screens = Vec::new();
    for piece in pieces {
        screen.feed(piece.as_bytes());
        screens.push(crate::render::rows(&screen));
    }
    screens
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Neither the text nor any screen shows what is searched for, and all the rest is where it was.
    #[test]
    fn nothing_remains_and_nothing_moves(pieces in fragments()) {
        let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let redacted = redact(&borrowed);
        let is_found = |text: &str| {
            let mut is_found = false;
            Secret.find(text, &mut |_| is_found = true);
            is_found
        };
        prop_assert!(redacted.iter().all(|piece| !is_found(piece)), "{:?}", redacted);
        prop_assert!(!is_found(&redacted.concat()), "{:?}", redacted);
        for (before, after) in screens(&pieces).iter().zip(screens(&redacted)) {
            for (before, after) in before.iter().zip(after) {
                prop_assert!(!is_found(&after), "{:?} shows {}", redacted, after);
                // Of a wide character half may be overwritten, and of two blocks one.
                if !pieces.iter().any(|piece| piece.contains(['日', '本'])) {
                    prop_assert_eq!(before.chars().count(), after.chars().count());
                }
            }
        }
    }

    #[test]
    fn any_output_settles(output in crate::tests::properties::output(), cols in any::<u16>(), rows in any::<u16>()) {
        let text = String::from_utf8_lossy(&output).replace("ab", "hunter2");
        let spans = settle(|known| {
            let mut finder = OutputFinder::new(&Secret, known, 20, 5);
            finder.feed(&text);
            finder.resize(cols, rows);
            finder.feed(&text);
            finder.finish()
        });
        let masked = mask(&text, 0, &spans).unwrap_or_else(|| text.clone());
        prop_assert!(!masked.contains("hunter2"));
        let mut finder = TypedFinder::new(&Secret, Spans::default());
        finder.feed(&text);
        prop_assert!(finder.finish().iter().all(|span| span.end <= text.len() as u64));
    }

    #[test]
    fn what_goes_past_the_screen_is_found_as_well(pieces in flows()) {
        let find = |is_fast| settle(|known| {
            let mut finder = OutputFinder::new(&Secret, known, 20, 3);
            finder.fast = is_fast;
            pieces.iter().for_each(|piece| finder.feed(piece));
            finder.finish()
        });
        prop_assert_eq!(find(true), find(false));
    }

    #[test]
    fn cutting_changes_nothing(pieces in fragments(), length in 1_usize..9) {
        let whole = pieces.concat();
        let characters: Vec<char> = whole.chars().collect();
        let cut: Vec<String> = characters.chunks(length).map(|piece| piece.iter().collect()).collect();
        let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
        prop_assert_eq!(find_typed(&cut), find_typed(&[&whole]));
        // A screen is looked at after each piece, so more is found in more of them.
        let (once, often) = (find(&[&whole]), find(&cut));
        prop_assert!(once.iter().all(|span| often.covers(&span)), "{:?} {:?}", once, often);
    }
}
