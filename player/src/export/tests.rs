//! Excerpts of small recordings.

use std::borrow::Cow;
use std::convert::Infallible;

use casemate_cast_format::{Code, Decoder, Encoder, Event, Item, Micros, Version};
use casemate_terminal::{Screen as _, Vt100Screen, render};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Cutter, Excerpt, Pace, Part, Redaction, Still};

const HEADER: &str = r#"{"version":2,"width":20,"height":4}"#;

fn parts(cast: &str) -> Vec<Part<'static>> {
    let mut decoder = Decoder::new();
    decoder.feed(cast.as_bytes());
    decoder.finish();
    let mut parts = Vec::new();
    while let Some(item) = decoder.next_item() {
        parts.push(match item {
            Item::Header(header) => Part::Header(header),
            Item::Event(event) => Part::Event(event.into_owned()),
            Item::Comment(comment) => Part::Comment(Cow::Owned(comment.to_owned())),
            Item::Defect(defect) => panic!("{defect}"),
        });
    }
    parts
}

fn cast(parts: Vec<Part<'_>>) -> String {
    let (mut encoder, mut out) = (Encoder::new(Version::V2), Vec::new());
    for part in parts {
        match part {
            Part::Header(header) => encoder.header(&header, &mut out),
            Part::Event(event) => encoder.event(&event, &mut out),
            Part::Comment(comment) => encoder.comment(&comment, &mut out),
        }
    }
    String::from_utf8(out).unwrap()
}

fn end(parts: &[Part<'_>]) -> Micros {
    let time = |part: &Part<'_>| if let Part::Event(event) = part { Some(event.time) } else { None };
    parts.iter().rev().find_map(time).unwrap_or_default()
}

fn cut(parts: Vec<Part<'static>>, from: u64, to: u64, pace: Pace) -> Vec<Part<'static>> {
    let of = end(&parts);
    let excerpt = Excerpt {
        from: Micros(from),
        to: Micros(to).min(of),
        of,
        pace,
        redacted: false,
        duration: Some(Micros(1)),
    };
    let (mut cutter, mut out) = (Cutter::new(excerpt), Vec::new());
    let mut sink = |part: Part<'_>| {
        out.push(match part {
            Part::Header(header) => Part::Header(header),
            Part::Event(event) => Part::Event(event.into_owned()),
            Part::Comment(comment) => Part::Comment(Cow::Owned(comment.into_owned())),
        });
        Ok::<(), Infallible>(())
    };
    for part in parts {
        let Ok(()) = cutter.take(part, &mut sink);
    }
    let Ok(()) = cutter.finish(&mut sink);
    out
}

#[track_caller]
fn check_cut(events: &str, from: u64, to: u64, expected: Expect) {
    let parts = parts(&format!("{HEADER}\n{events}"));
    expected.assert_eq(&cast(cut(parts, from * 1_000_000, to * 1_000_000, Pace::default())));
}

#[test]
fn a_cut_begins_with_the_screen_as_it_was() {
    let events = "[1, \"o\", \"\\u001b]2;a title\\u0007$ make\\r\\n\"]
[2, \"r\", \"30x4\"]
[2, \"process\", \"{\\\"pid\\\":7}\"]
[3, \"o\", \"\\u001b[32mbuilt\\u001b[m\\r\\n\"]
[4, \"m\", \"here\"]
[4, \"o\", \"tests\\r\\n\"]
[5, \"i\", \"x\"]
[6, \"o\", \"done\\r\\n\"]
[7, \"x\", \"0\"]
";
    check_cut(
        events,
        4,
        5,
        expect![[r#"
        {"version":2,"width":30,"height":4,"casemate":{"excerpt":{"from":4.0,"to":5.0,"of":7.0}}}
        [0.0, "o", "\u001b]2;a title\u0007\u001b[!p\u001b[m\u001b[2J\u001b[H$ make\r\n\u001b[32mbuilt\u001b[m\u001b[3;1H"]
        [0.0, "process", "{\"pid\":7}"]
        [0.0, "m", "here"]
        [0.0, "o", "tests\r\n"]
        [1.0, "i", "x"]
        [1.0, "end", "excerpt"]
    "#]],
    );
    check_cut(
        events,
        5,
        99,
        expect![[r#"
        {"version":2,"width":30,"height":4,"casemate":{"excerpt":{"from":5.0,"to":7.0,"of":7.0}}}
        [0.0, "o", "\u001b]2;a title\u0007\u001b[!p\u001b[m\u001b[2J\u001b[H$ make\r\n\u001b[32mbuilt\r\n\u001b[mtests\u001b[4;1H"]
        [0.0, "process", "{\"pid\":7}"]
        [0.0, "i", "x"]
        [1.0, "o", "done\r\n"]
        [2.0, "x", "0"]
    "#]],
    );
    check_cut(
        events,
        0,
        1,
        expect![[r#"
        {"version":2,"width":20,"height":4,"casemate":{"excerpt":{"from":0.0,"to":1.0,"of":7.0}}}
        [1.0, "o", "\u001b]2;a title\u0007$ make\r\n"]
        [1.0, "end", "excerpt"]
    "#]],
    );
    check_cut(
        events,
        0,
        99,
        expect![[r#"
        {"version":2,"width":20,"height":4}
        [1.0, "o", "\u001b]2;a title\u0007$ make\r\n"]
        [2.0, "r", "30x4"]
        [2.0, "process", "{\"pid\":7}"]
        [3.0, "o", "\u001b[32mbuilt\u001b[m\r\n"]
        [4.0, "m", "here"]
        [4.0, "o", "tests\r\n"]
        [5.0, "i", "x"]
        [6.0, "o", "done\r\n"]
        [7.0, "x", "0"]
    "#]],
    );
    // Where nothing happens any more.
    check_cut(
        "[1, \"o\", \"a\"]\n[9, \"o\", \"b\"]\n",
        3,
        5,
        expect![[r#"
        {"version":2,"width":20,"height":4,"casemate":{"excerpt":{"from":3.0,"to":5.0,"of":9.0}}}
        [0.0, "o", "\u001b[!p\u001b[m\u001b[2J\u001b[Ha\u001b[1;2H"]
        [2.0, "end", "excerpt"]
    "#]],
    );
}

#[test]
fn what_is_known_of_a_session_stays_true() {
    let header = r#"{"version":2,"width":20,"height":4,"timestamp":1000,"duration":9.5,"idle_time_limit":2,"title":"t","casemate":{"session":"s","user":"u","target":"h","target_user":"r","start_us":1000000000,"previous":"x","previous_seal":"y","later":1}}"#;
    let events = r#"[5.5, "o", "a"]
[6, "session", "{\"session\":\"s2\",\"user\":\"u\",\"target\":\"h\",\"target_user\":\"r\",\"start_us\":7000000000}"]
[7, "pause", "begin"]
[8, "o", "b"]
[9.5, "o", "c"]
"#;
    let check = |from, pace, expected: Expect| {
        let cast = cast(cut(parts(&format!("{header}\n{events}")), from, u64::MAX, pace));
        expected.assert_eq(cast.lines().next().unwrap());
    };
    check(
        0,
        Pace::default(),
        expect![[
            r#"{"version":2,"width":20,"height":4,"timestamp":1000,"duration":1e-6,"idle_time_limit":2.0,"title":"t","casemate":{"session":"s","user":"u","target":"h","target_user":"r","start_us":1000000000,"previous":"x","previous_seal":"y","later":1}}"#
        ]],
    );
    check(
        2_500_000,
        Pace::default(),
        expect![[
            r#"{"version":2,"width":20,"height":4,"timestamp":1002,"duration":1e-6,"idle_time_limit":2.0,"title":"t","casemate":{"session":"s","user":"u","target":"h","target_user":"r","start_us":1002500000,"later":1,"excerpt":{"from":2.5,"to":9.5,"of":9.5}}}"#
        ]],
    );
    check(
        7_250_000,
        Pace { speed: 2_000_000, idle_limit: None },
        expect![[
            r#"{"version":2,"width":20,"height":4,"timestamp":7001,"duration":1e-6,"idle_time_limit":1.0,"title":"t","casemate":{"session":"s2","user":"u","target":"h","target_user":"r","start_us":7001250000,"excerpt":{"from":7.25,"to":9.5,"of":9.5,"speed":2.0}}}"#
        ]],
    );
    check(
        0,
        Pace { speed: 500_000, idle_limit: Some(Micros(1_000_000)) },
        expect![[
            r#"{"version":2,"width":20,"height":4,"timestamp":1000,"duration":1e-6,"title":"t","casemate":{"session":"s","user":"u","target":"h","target_user":"r","start_us":1000000000,"later":1,"excerpt":{"speed":0.5,"idle_time_limit":1.0}}}"#
        ]],
    );
}

fn redact(parts: Vec<Part<'static>>, expressions: &[&str]) -> Vec<Part<'static>> {
    let expressions: Vec<String> = expressions.iter().map(|&expression| expression.to_owned()).collect();
    let mut redaction = Redaction::new(&expressions, &["hunter2".to_owned()]).unwrap();
    for _ in 0..20 {
        let mut round = redaction.round();
        for part in &parts {
            match part {
                Part::Header(header) => round.header(header),
                Part::Event(event) => round.event(event),
                Part::Comment(_) => {}
            }
        }
        if !redaction.learn(round.finish()) {
            let mut redactor = redaction.redactor();
            return parts.into_iter().filter_map(|part| redactor.take(part)).collect();
        }
    }
    panic!("it does not settle");
}

#[test]
fn secrets_go_wherever_they_are() {
    let recording = r##"{"version":2,"width":20,"height":4,"command":"mysql -phunter2","title":"hunter2","env":{"PW":"hunter2","SHELL":"/bin/sh"},"casemate":{"argv":["hun","ter2 hunter2"],"n":7},"x":[{"y":"a hunter2"}],"hunter2":{"hunter2":1}}
[1, "o", "$ h"]
[2, "o", "un\u001b[1mter"]
[3, "i", "hun"]
[3, "i", "ter2\r"]
[3.5, "o", "2\u001b[m\r\n"]
[4, "process", "{\"pid\":7,\"argv\":[\"mysql\",\"-p\",\"hunter2\"]}"]
[4, "process", "{\"pid\":7,\"argv\":[\"mysql\",\"--pin\",\"1234\"]}"]
[5, "m", "at hunter2"]
[6, "o", "\ufffdhunter2"]
[6, "bytes", "/2h1bnRlcjI="]
[7, "o", "\ufffd"]
[7, "bytes", "/w=="]
[8, "bytes", "aHVudGVyMg=="]
[8, "o", ""]
[8, "bytes", "////aHVudA=="]
[8.1, "i", "hunt"]
[8.1, "i", "er2\ufffd"]
[8.1, "bytes", "ZXIy/w=="]
[8.2, "err", "\ufffdhunter2"]
[8.2, "bytes", "/2h1bnRlcjI="]
[9, "gap", "{\"text\":\"lost \\u0068unter2\"}"]
[9, "comment", "# hunter2"]
[9, "theirs", "hunter2!"]
[9, "r", "30x10"]
[9, "x", "0"]
"##;
    let redacted = cast(redact(parts(recording), &["--pin [0-9]+"]));
    assert!(!redacted.contains("hunter2"));
    expect![[r##"
        {"version":2,"width":20,"height":4,"command":"mysql -p███████","title":"███████","env":{"PW":"███████","SHELL":"/bin/sh"},"casemate":{"argv":["hun","ter2 ███████"],"n":7},"x":[{"y":"a ███████"}],"███████":{"███████":1}}
        [1.0, "o", "$ █"]
        [2.0, "o", "██\u001b[1m███"]
        [3.0, "i", "███"]
        [3.0, "i", "████\r"]
        [3.5, "o", "█\u001b[m\r\n"]
        [4.0, "process", "{\"pid\":7,\"argv\":[\"mysql\",\"-p\",\"███████\"]}"]
        [4.0, "process", "{\"pid\":7,\"argv\":[\"mysql\",\"█████\",\"████\"]}"]
        [5.0, "m", "at ███████"]
        [6.0, "o", "�███████"]
        [7.0, "o", "\ufffd"]
        [7.0, "bytes", "/w=="]
        [8.0, "o", ""]
        [8.1, "i", "████"]
        [8.1, "i", "███�"]
        [8.2, "err", "�███████"]
        [9.0, "gap", "{\"text\":\"lost ███████\"}"]
        [9.0, "comment", "# ███████"]
        [9.0, "theirs", "███████!"]
        [9.0, "r", "30x10"]
        [9.0, "x", "0"]
    "##]].assert_eq(&redacted);
}

#[test]
fn lines_end_where_people_see_it() {
    let recording = format!("{HEADER}\n[1, \"o\", \"key\\r\\nno key\\r\\nkey\\r\\n\"]\n");
    let redacted = cast(redact(parts(&recording), &["^key$"]));
    assert!(redacted.contains(r#""███\r\nno key\r\n███\r\n""#), "{redacted}");
}

#[test]
fn a_picture_is_of_its_moment() {
    let events = "[1, \"o\", \"one\"]\n[2, \"r\", \"5x2\"]\n[2, \"o\", \" two\"]\n[3, \"o\", \" three\"]\n";
    let text = |at| {
        let mut still = Still::new(Micros(at));
        parts(&format!("{HEADER}\n{events}")).iter().for_each(|part| still.take(part));
        render::txt(still.screen())
    };
    assert_eq!(
        [text(0), text(1_999_999), text(2_000_000)].map(|text| text.trim_end().to_owned()),
        ["", "one", "one t\nwo"]
    );
}

/// Shows each output of a recording; returns the screens at each time.
fn screens(parts: &[Part<'_>]) -> Vec<(Micros, String)> {
    let mut screen = Vt100Screen::new(20, 4, 0);
    let mut screens: Vec<(Micros, String)> = Vec::new();
    for part in parts {
        let Part::Event(event) = part else { continue };
        match event.size() {
            Some(size) => screen.resize(u16::try_from(size.cols).unwrap(), u16::try_from(size.rows).unwrap()),
            None if event.code == Code::Output => screen.feed(event.data.decode().as_bytes()),
            None => {}
        }
        let shown = format!("{}{:?}", render::ansi(&screen), screen.cursor());
        match screens.last_mut() {
            Some((time, last)) if *time == event.time => *last = shown,
            _ => screens.push((event.time, shown)),
        }
    }
    screens
}

fn events() -> impl Strategy<Value = Vec<Event<'static>>> {
    let piece = prop_oneof![
        // A `b` could end a sequence that begins with a number: which character REP repeats is not carried over.
        5 => "[ac-z日 ]{0,9}(\r\n)?",
        3 => "\x1b\\[[0-9;]{0,4}[mHABCDKJ]",
        1 => "\x1b\\[\\?(1049|25|7)[hl]|\x1b[78]|\x1b\\[2;3r",
    ];
    let event = (0_u64..3, piece, any::<bool>()).prop_map(|(pause, text, is_whole)| {
        // An event may end in the midst of a sequence.
        let text = if is_whole { text } else { text.chars().take(3).collect() };
        (pause, text)
    });
    proptest::collection::vec(event, 0..30).prop_map(|events| {
        let mut time = Micros(0);
        let later = |(pause, text): (u64, String)| {
            time = time.plus(Micros(pause));
            Event::new(time, Code::Output, &text)
        };
        events.into_iter().map(later).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// From its first moment to its last one, an excerpt shows what the whole does.
    #[test]
    fn an_excerpt_shows_the_same_screens(events in events(), from in 0_u64..30, length in 0_u64..30) {
        let mut whole = parts(&format!("{HEADER}\n"));
        whole.extend(events.into_iter().map(Part::Event));
        let expected = screens(&whole);
        let to = (from + length).min(end(&whole).0);
        prop_assume!(from <= to);
        let shown = screens(&cut(whole, from, to, Pace::default()));
        for (time, screen) in expected.iter().filter(|(time, _)| (from..=to).contains(&time.0)) {
            let same = shown.iter().find(|(shown, _)| shown.0 + from == time.0);
            prop_assert_eq!(Some(screen), same.map(|(_, screen)| screen));
        }
    }
}
