//! Pages of small recordings.

use std::io::Read as _;

use base64::Engine as _;
use casemate_cast_format::segment::Verdict;
use casemate_cast_format::{Decoder, Micros};
use chrono::DateTime;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{Limits, Note, Playback, Reader, Reason, Recording, Report, Source, State};

const LIMITS: Limits = Limits { commands: 100, stills: 3, embedded: 1 << 20 };

fn recording(cast: &str, limits: Limits) -> Recording {
    noted(cast, limits, Vec::new())
}

fn noted(cast: &str, limits: Limits, notes: Vec<Note>) -> Recording {
    let (mut decoder, mut reader) = (Decoder::new(), Reader::new(limits, notes));
    decoder.feed(cast.as_bytes());
    decoder.finish();
    while let Some(item) = decoder.next_item() {
        reader.item(&item);
    }
    let source = Source {
        name: "a/session.cast".into(),
        bytes: cast.len() as u64,
        sha256: Sha256::digest(cast).into(),
        format: "asciicast v2".into(),
        has_changed: false,
        verdict: None,
        defects: Vec::new(),
        defect_count: 0,
    };
    reader.finish(source).expect("it has a header")
}

fn report(recordings: Vec<Recording>) -> Report {
    Report {
        title: "A case".into(),
        facts: vec![("Case".into(), "7".into())],
        note: Some("One.\n\nTwo.".into()),
        made: DateTime::from_timestamp(1_700_000_500, 0).unwrap(),
        tool: "casemate 0.0.0".into(),
        places: vec!["a".into()],
        recordings,
        failures: Vec::new(),
        key: None,
    }
}

const HEADER: &str = r#"{"version":2,"width":30,"height":3,"timestamp":1700000000,"casemate":{"session":"01a2","user":"alice","target":"web-1","target_user":"root","start_us":1700000000500000,"known_by":{"user":"flag"},"tool":"casemate 0.0.0"}}"#;

const SESSION: &str = r#"[0.1, "o", "root@web-1:~# "]
[1, "o", "ls"]
[1.5, "o", "\r\n"]
[1.6, "o", "a  b\r\nroot@web-1:~# "]
[2, "m", "here"]
[2, "o", "!"]
[2.5, "o", "\b \b"]
[3, "o", "exit"]
[3.5, "o", "\r\n"]
[3.6, "x", "0"]
[3.6, "end", "exit"]
"#;

#[test]
fn lines_of_a_session_without_a_terminal_are_lines() {
    let header = HEADER.replace("\"tool\"", "\"terminal\":false,\"tool\"");
    let lines = "[0.1, \"o\", \"one\\ntwo\\n\"]\n";
    for (header, begins) in [(header.as_str(), "[0.0, \"o\", \"\\u001b[20h\"]\n[0.1, "), (HEADER, "[0.1, ")] {
        let Playback::Embedded(copy) = recording(&format!("{header}\n{lines}"), LIMITS).playback else {
            panic!("it can be played")
        };
        let mut text = String::new();
        let deflated = base64::engine::general_purpose::STANDARD.decode(copy).unwrap();
        flate2::read::DeflateDecoder::new(&*deflated).read_to_string(&mut text).unwrap();
        assert!(text.split_once('\n').unwrap().1.starts_with(begins), "{text}");
    }
}

fn session() -> Recording {
    recording(&format!("{HEADER}\n{SESSION}"), LIMITS)
}

/// The text of a page between two of its marks, without markup; a line for each block.
fn text(page: &str, from: &str, to: &str) -> String {
    let part = page.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let mut text = String::new();
    for piece in part.split('<') {
        let (tag, content) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        if matches!(name, "h1" | "h2" | "h3" | "h4" | "p" | "li" | "tr" | "div" | "caption" | "figcaption")
            && !text.ends_with('\n')
        {
            text.push('\n');
        } else if matches!(tag, "/dt" | "/td" | "/th") {
            text.push_str(" | ");
        }
        if name != "script" {
            text.push_str(content);
        }
    }
    text.trim().to_owned()
}

#[track_caller]
fn check(page: &str, from: &str, to: &str, expected: Expect) {
    expected.assert_eq(&text(page, from, to));
}

#[test]
fn a_page_says_what_there_is() {
    let page = report(vec![session()]).page();
    check(
        &page,
        "<header",
        "<nav",
        expect![[r#"
        Report on terminal sessions
        A case
        Case | 7
        Made | 2023-11-14 22:21:40 UTC
        Made with | casemate 0.0.0
        Recordings | 1
        Period | 2023-11-14 22:13:20 to 2023-11-14 22:13:24 UTC
        Recorded time | 3.6 s
        Commands | 2
        One.
        Two."#]],
    );
    check(
        &page,
        "<article",
        "</article>",
        expect![[r#"
        1 alice on web-1 as root
        File | a/session.cast, 445 bytes
        Integrity | ○ not sealed
        SHA-256 | 563aea7a85e888708ae8db3d543f9583f05636c579fd8f7bee841825d0c7373d
        Began | 2023-11-14 22:13:20 UTC
        Length | 3.6 s
        Session | 01a2
        Person | aliceknown by flag
        Machine | web-1
        Account | root
        Recorded by | casemate 0.0.0
        Terminal | 30x3
        Ended | exit, status 0
        Play this recording
        Commands
        2 commands
        At | Time (UTC) | As | On | Took | Command | 
        0:01.5 | 2023-11-14 22:13:22 | root | web-1 | 0.10 s | ls | 
        0:03.5 | 2023-11-14 22:13:24 | root | web-1 | – | exit | 
        Marked moments

        here, at 0:02.0


        root@web-1:~# ls
        a
        b
        root@web-1:~# !

        0:02.0 here"#]],
    );
    let policy =
        page.split_once("Content-Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap().0;
    assert_eq!(policy.matches("'sha256-").count(), 4);
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe-inline")
    );
}

#[test]
fn stills_are_of_marked_moments_when_they_are_over() {
    let stills = session().stills;
    assert_eq!(stills.len(), 1);
    assert_eq!((stills[0].at, &stills[0].reason), (Micros(2_000_000), &Reason::Marker("here".into())));
    assert!(stills[0].svg.contains(">root@web-1:~# !</text>"), "{}", stills[0].svg);
    // Without any, the end.
    let end = recording(&format!("{HEADER}\n[1, \"o\", \"bye\"]\n"), LIMITS).stills;
    assert!(end[0].reason == Reason::End && end[0].svg.contains(">bye</text>"));
}

#[test]
fn noted_moments_are_shown_as_they_were() {
    let note =
        |at, text: &str| Note { at: Micros(at), text: text.into(), by: "R. Meyer".into(), about: None };
    let cast = format!(
        "{HEADER}\n[1, \"o\", \"one\"]\n[2, \"o\", \" two\"]\n[2, \"m\", \"here\"]\n[3, \"o\", \" three\"]\n"
    );
    let notes = vec![note(9_000_000, "late"), note(2_000_000, "second"), note(1_500_000, "")];
    let noted = noted(&cast, Limits { stills: 9, ..LIMITS }, notes);
    let shown: Vec<_> = noted
        .stills
        .iter()
        .map(|still| {
            let text = match &still.reason {
                Reason::Marker(text) | Reason::Note(Note { text, .. }) => text.as_str(),
                Reason::End => "the end",
            };
            let what = ["one</text>", "one two</text>", "one two three</text>"];
            (
                still.at.0,
                text,
                what.map(|what| still.svg.contains(&format!(">{what}"))).iter().position(|is| *is),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (1_500_000, "", Some(0)),
            (2_000_000, "here", Some(1)),
            (2_000_000, "second", Some(1)),
            (9_000_000, "late", Some(2))
        ]
    );
    let page = report(vec![noted]).page();
    assert!(page.contains("<bdi>second</bdi>") && page.contains("noted by <bdi>R. Meyer</bdi>"));
}

#[test]
fn more_than_can_be_shown_is_counted() {
    let cast = format!("{HEADER}\n{SESSION}[4, \"m\", \"\"]\n[5, \"m\", \"two\"]\n");
    let limits = Limits { commands: 1, stills: 2, embedded: 100 };
    let long = recording(&cast, limits);
    assert_eq!((long.commands.len(), long.more_commands, long.stills.len(), long.more_stills), (1, 1, 2, 1));
    assert!(matches!(long.playback, Playback::TooLong));
    let page = report(vec![long]).page();
    assert!(
        page.contains("1 command more are not listed")
            || page.contains("1 command</")
            || page.contains("more are not listed")
    );
    assert!(page.contains("too long to be part of this page"));
    assert!(!page.contains("<script"));
}

#[test]
fn the_copy_is_what_the_player_needs_at_the_times_that_were() {
    use std::io::Read as _;

    use base64::Engine as _;
    let cast = format!("{}\n{SESSION}", HEADER.replacen('{', "{\"idle_time_limit\":0.1,", 1));
    let Playback::Embedded(data) = recording(&cast, LIMITS).playback else { panic!("it is short") };
    let packed = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    let (header, events) = text.split_once('\n').unwrap();
    assert!(header.starts_with("{\"version\":2,\"width\":30,\"height\":3,\"theme\":{\"fg\":\"#"), "{header}");
    assert!(!header.contains("idle_time_limit"));
    assert_eq!(events.lines().count(), 10);
    assert!(
        events.starts_with("[0.1, \"o\", \"root@web-1:~# \"]\n") && events.ends_with("[3.6, \"x\", \"0\"]\n")
    );
}

#[test]
fn a_file_is_judged_as_verify_does_and_told_by_whom_it_is_signed() {
    let mut source = recording(HEADER, LIMITS).source;
    let mut state = |verdict: &Verdict, key: Option<[u8; 32]>| {
        source.verdict = Some(verdict.clone());
        State::of(&source, key)
    };
    let (ours, others) = (Some([1; 32]), Some([2; 32]));
    let finished = Verdict { finished: true, segments: 3, ..Verdict::default() };
    let signed = Verdict { signed_by: ours, ..finished.clone() };
    assert_eq!([state(&finished, None), state(&finished, ours)], [State::Chained, State::OtherKey]);
    assert_eq!([state(&signed, None), state(&signed, ours)], [State::SignedBySomebody, State::Signed]);
    assert_eq!(state(&signed, others), State::OtherKey);
    assert_eq!(state(&Verdict { segments: 3, ..Verdict::default() }, ours), State::Unfinished);
    assert_eq!(state(&Verdict::default(), ours), State::Unsealed);
    assert_eq!(state(&Verdict { more_defects: 1, ..signed }, ours), State::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Wherever a text of a recording stands in the page, it is nothing but text.
    #[test]
    fn nothing_foreign_is_markup(words in proptest::collection::vec("(<zz y='x'>|\"zz=|</zz>|&zz;|<!--zz|]]>|</script>|</style>|[a-z ]{1,6}|\u{202e}|\u{1b}){1,4}", 12)) {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        let facts = serde_json::json!({"session": words[0], "user": words[1], "target": words[2], "target_user": words[3], "start_us": 1, "tool": words[4], "known_by": {"user": words[5]}});
        let cast = format!(
            "{{\"version\":2,\"width\":80,\"height\":5,\"title\":{},\"command\":{},\"env\":{{\"TERM\":{}}},\"casemate\":{facts}}}\n\
             [0.1, \"o\", \"a@b:~$ \"]\n[1, \"o\", {}]\n[1.5, \"o\", \"\\r\\n\"]\n[2, \"m\", {}]\n[3, \"end\", {}]\n",
            json(&words[6]), json(&words[7]), json(&words[8]), json(&words[9].replace('\u{1b}', "")), json(&words[10]), json(&words[11]),
        );
        let note = Note { at: Micros(5), text: words[5].clone(), by: words[6].clone(), about: Some(words[7].clone()) };
        let mut recording = noted(&cast, LIMITS, vec![note]);
        recording.source.name.clone_from(&words[0]);
        recording.source.defects = words.clone();
        let mut report = report(vec![recording]);
        (report.title, report.places, report.failures) = (words[1].clone(), words.clone(), words.clone());
        report.facts = vec![(words[2].clone(), words[3].clone())];
        report.note = Some(words[4].clone());
        let page = report.page();
        let body = page.split_once("<body>").unwrap().1;
        let body = body.split_once("<script>").unwrap().0;
        for markup in ["<zz", "</zz", "\"zz", "&zz;", "<!--", "]]>", "</style", "\u{202e}", "\u{1b}"] {
            prop_assert!(!body.contains(markup), "{}", markup);
        }
        // The copy, the player, the page's own.
        prop_assert_eq!(page.matches("<script").count(), 3);
        prop_assert_eq!(page.matches("</script>").count(), 3);
    }
}
