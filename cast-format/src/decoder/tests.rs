//! What the decoder makes of good, odd and broken recordings.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Decoder, Item};
use crate::{Micros, Version};

#[track_caller]
fn check(input: impl AsRef<[u8]>, expected: &Expect) {
    let mut decoder = Decoder::new();
    decoder.feed(input.as_ref());
    decoder.finish();
    let mut shown = String::new();
    while let Some(item) = decoder.next_item() {
        shown += &match item {
            Item::Header(header) => format!("v{} {}\n", header.version.number(), header.size),
            Item::Event(event) => {
                format!("{} {} {:?}\n", event.time, event.code.as_str(), event.data.decode())
            }
            Item::Comment(comment) => format!("{comment}\n"),
            Item::Defect(defect) => format!("!{defect}\n"),
        };
    }
    expected.assert_eq(&shown);
}

const V2: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";
const V3: &str = "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n";

#[test]
fn reads_v2_with_absolute_times() {
    check(
        format!(
            "{V2}[0.25, \"o\", \"a\"]\r\n\n[ 1 ,\t\"i\",\"b\" ] \n[1.5,\"r\",\"100x50\"]\n[2,\"m\",\"\"]\n[2.0, \"x\", \"0\"]"
        ),
        &expect![[r#"
            v2 80x24
            0.25 o "a"
            1.0 i "b"
            1.5 r "100x50"
            2.0 m ""
            2.0 x "0"
        "#]],
    );
}

#[test]
fn reads_v3_with_intervals_that_count_even_where_the_event_does_not() {
    check(
        format!(
            "{V3}# a comment\n[0.0000004, \"o\", \"a\"]\n[0.0000004, \"zz\", \"other\"]\n[0.0000004, \"r\", \"-1x0\"]\n[1, \"o\", true]\n[1, \"o\", \"b\"]\n"
        ),
        &expect![[r##"
            v3 80x24
            # a comment
            0.0 o "a"
            0.000001 zz "other"
            !5: no terminal size: `-1x0`, event left out
            !6: the event's data is no string, event left out
            2.000001 o "b"
        "##]],
    );
}

#[test]
fn reads_v1_pretty_printed_and_with_keys_behind_the_events() {
    check(
        "{\n  \"version\": 1,\n \"stdout\": [\n [0.5, \"a\"],\n [1e-05, \"b\\u001b\"],\n [-1, \"c\"],\n [2, \"d\", 3], [1, \"e\"]\n ],\n \"width\": 100, \"height\": 50\n}\n",
        &expect![[r#"
            v1 100x50
            0.5 o "a"
            0.50001 o "b\u{1b}"
            !6: the event's time is negative or out of range, event left out
            !7: too many parts, event left out
            3.50001 o "e"
        "#]],
    );
    check(
        r#"{"version":1,"width":80,"height":24,"stdout":[[1,"a"],[1,"b"#,
        &expect![[r#"
        v1 80x24
        1.0 o "a"
        !1: the last line is cut off, left out: `,[1,\"b`
    "#]],
    );
}

#[test]
fn keeps_everything_around_a_broken_line() {
    check(
        format!(
            "{V2}[1, \"o\", \"a\"]\ngarbage\n[\"1\", \"o\", \"x\"]\n[-1, \"o\", \"x\"]\n[1, 5, \"x\"]\n[1, \"o\", \"x\", 1]\n[]\n{{}}\n  # c\n[0.5, \"o\", \"early\"]\n[2, \"\\u006f\", \"b\"]\n[3, \"o\", \"thr"
        ),
        &expect![[r#"
            v2 80x24
            1.0 o "a"
            !3: not an event, left out: `garbage`
            !4: the event's time is no number, event left out
            !5: the event's time is negative or out of range, event left out
            !6: the event's code is no string, event left out
            !7: too many parts, event left out
            !8: not an event, left out: `[]`
            !9: not an event, left out: `{}`
            # c
            !10: a comment must begin in the first column; kept as a comment
            1.0 o "early"
            !11: the event is 0.5 s earlier than the one before it, moved to its time
            2.0 o "b"
            !13: the last line is cut off, left out: `[3, \"o\", \"thr`
        "#]],
    );
}

#[test]
fn mends_text_that_is_no_unicode() {
    let mut input = V2.as_bytes().to_vec();
    input.extend_from_slice(b"[1, \"o\", \"a\xffb\"]\n[2, \"o\", \"c\\ud800\"]\n[3, \"o\", \"raw\x1b\"]\n");
    check(
        input,
        &expect![[r#"
        v2 80x24
        1.0 o "a�b"
        !2: bytes that are not UTF-8, replaced by U+FFFD
        2.0 o "c�"
        !3: half of a surrogate pair, replaced by U+FFFD
        !4: not an event, left out: `[3, \"o\", \"raw\u{1b}\"]`
    "#]],
    );
}

#[test]
fn finds_the_header_or_does_without() {
    check(
        format!("\u{feff}{V3}"),
        &expect![[r#"
        v3 80x24
    "#]],
    );
    check(
        "{\"version\":2,\"wid\n[1, \"o\", \"a\"]\n",
        &expect![[r#"
        v2 80x24
        !1: unreadable header, asciicast v2 with 80x24 assumed
        1.0 o "a"
    "#]],
    );
    check(
        "[1, \"o\", \"a\"]\n",
        &expect![[r#"
        v2 80x24
        !1: unreadable header, asciicast v2 with 80x24 assumed
        1.0 o "a"
    "#]],
    );
    check(
        "",
        &expect![[r#"
        !1: the file is empty
    "#]],
    );
    check(
        "hello\nworld\n",
        &expect![[r#"
        !1: not an asciicast v1, v2 or v3 recording: it begins with `hello`
    "#]],
    );
    check(
        "{\"version\":9}\n[1, \"o\", \"a\"]\n",
        &expect![[r#"
        !1: not an asciicast v1, v2 or v3 header
    "#]],
    );
    check(
        "{\"a\":[1,2\n",
        &expect![[r#"
        !1: not an asciicast v1, v2 or v3 recording: it begins with `{\"a\":[1,2\n`
    "#]],
    );
}

#[test]
fn a_line_without_end_takes_no_memory_for_ever() {
    let mut decoder = Decoder::new();
    decoder.feed(V2.as_bytes());
    let piece = vec![b'x'; 8 << 20];
    for _ in 0..9 {
        decoder.feed(&piece);
        while let Some(item) = decoder.next_item() {
            assert!(matches!(item, Item::Header(_)));
        }
    }
    assert!(decoder.buffer.rest().len() <= super::MAX_LINE);
    decoder.feed(b"\n[1, \"o\", \"behind\"]\n");
    let shown: Vec<_> = std::iter::from_fn(|| decoder.next_item().map(|item| format!("{item:?}"))).collect();
    assert!(shown[0].contains("LineTooLong"), "{shown:?}");
    assert!(shown[1].contains("behind"), "{shown:?}");
}

#[test]
fn a_key_nested_too_deep_costs_nothing_but_itself() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    check(
        format!("{{\"version\":2,\"width\":100,\"deep\":{deep},\"height\":50}}\n[1, \"o\", \"a\"]\n"),
        &expect![[r#"
            v2 100x50
            !1: the header's `deep` cannot be read, left out
            1.0 o "a"
        "#]],
    );
}

#[test]
fn resumes_in_the_middle() {
    for (version, expected) in [(Version::V2, 7_500_000), (Version::V3, 11_500_000)] {
        let mut decoder = Decoder::resume(version, Micros(4_000_000));
        decoder.feed(b"[4, \"o\", \"a\"]\n[7.5, \"o\", \"b\"]\n");
        let times: Vec<_> = std::iter::from_fn(|| match decoder.next_item() {
            Some(Item::Event(event)) => Some(event.time),
            _ => None,
        })
        .collect();
        assert_eq!(times, [Micros(4_000_000), Micros(expected)]);
    }
}

proptest! {
    #[test]
    fn going_on_elsewhere_makes_no_difference(
        version in prop_oneof![Just(V2), Just(V3)],
        lines in proptest::collection::vec("\\[[0-9]{1,2}(\\.[0-9]{1,10})?, \"o\", \"\"\\]|\\[0.1, \"o\"|# c|", 0..12),
        at in any::<prop::sample::Index>(),
    ) {
        let read = |mut decoder: Decoder, lines: &[String]| {
            for line in lines {
                decoder.feed(line.as_bytes());
                decoder.feed(b"\n");
            }
            decoder.finish();
            let mut shown = Vec::new();
            while let Some(item) = decoder.next_item() {
                if let Item::Event(event) = item {
                    shown.push(event.time);
                }
            }
            (shown, decoder.nanos())
        };
        let mut whole = Decoder::new();
        whole.feed(version.as_bytes());
        let (before, behind) = lines.split_at(at.index(lines.len() + 1));
        let mut part = Decoder::new();
        part.feed(version.as_bytes());
        let (mut times, nanos) = read(part, before);
        let number = if version == V2 { Version::V2 } else { Version::V3 };
        let (rest, end) = read(Decoder::resume_behind(number, nanos), behind);
        times.extend(rest);
        prop_assert_eq!((times, end), read(whole, &lines));
    }

    #[test]
    fn any_pieces_of_any_bytes_give_the_same(lines in proptest::collection::vec(prop_oneof![
        Just(V2.as_bytes().to_vec()), Just(V3.as_bytes().to_vec()),
        Just(b"{\"version\": 1, \"width\": 2, \"height\": 3, \"stdout\": [[1, \"a\"]".to_vec()),
        Just(b", [2, \"b\"], ".to_vec()), Just(b"], \"title\": \"t\"}".to_vec()),
        Just(b"[1, \"o\", \"\\ud83d\\ude00\\ud800\"]\n".to_vec()), Just(b"[0.5, \"r\", \"1x1\"]\n".to_vec()),
        Just(b"[3.25, \"comment\", \"# c\"]\n# d\n".to_vec()), Just("\u{feff}".into()),
        proptest::collection::vec(any::<u8>(), 0..6)], 0..8)) {
        crate::fuzz::fuzz_decode(&lines.concat());
    }
}
