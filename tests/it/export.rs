//! `casemate export`: a part of a recording, faster, as text, as a picture; and nothing left of what was to be hidden.

use std::num::NonZero;

use casemate_tests::typist::keys;
use casemate_tests::{Cast, PROMPT, Typist, World, need};

const SESSION: &str = "{\"version\":2,\"width\":20,\"height\":4,\"timestamp\":1700000000,\"duration\":60}\n\
    [1, \"o\", \"$ make\\r\\n\"]\n[2, \"m\", \"build\"]\n[10, \"o\", \"\\u001b[32mbuilt\\u001b[m\\r\\n\"]\n\
    [12, \"o\", \"\\u001b[H\\u001b[2Jtests\\r\\n\"]\n[14, \"m\", \"test\"]\n[20, \"o\", \"done\\r\\n\"]\n\
    [60, \"x\", \"0\"]\n";

fn world() -> World {
    let world = World::new();
    world.write("s.cast", SESSION);
    world
}

/// The screen at the end of a recording, by an emulator of others.
fn screen(cast: &Cast) -> String {
    let side = |key: &str| NonZero::new(u16::try_from(cast.header[key].as_u64().unwrap()).unwrap()).unwrap();
    let mut parser = vt100::Parser::new(side("height"), side("width"), 0);
    parser.process(cast.output().as_bytes());
    parser.screen().contents()
}

#[test]
fn a_cut_is_a_recording_of_its_own() {
    let world = world();
    for (name, selection) in [
        ("a.cast", &["--from", "marker:build", "--to", "0:12"][..]),
        ("b.cast.zst", &["--select", "2..20%"][..]),
    ] {
        let args = [&["export", "s.cast", "-o", name], selection].concat();
        world.casemate(&args).run().success();
        let cast = Cast::read(world.path(name));
        assert_eq!(
            (&cast.header["duration"], &cast.header["timestamp"]),
            (&10.0.into(), &1_700_000_002.into())
        );
        assert_eq!(cast.header["casemate"]["excerpt"]["from"], 2.0);
        assert_eq!(cast.data("m"), ["build"]);
        let times: Vec<_> = cast.events.iter().map(|event| event.time / 1_000_000).collect();
        assert_eq!(times, [0, 0, 8, 10, 10]);
        assert_eq!(cast.data("end"), ["excerpt"]);
        assert_eq!(screen(&cast).trim_end(), "tests");
        crate::rec::assert_private(world.path(name));
    }
    world.casemate(&["export", "s.cast", "-o", "-", "--from", "11", "--format", "v3"]).run().success();
    world.casemate(&["info", "--strict", "b.cast.zst"]).run().success();
    // The screen at its first moment is the one that the whole has there.
    world.casemate(&["export", "s.cast", "-o", "c.cast", "--select", "11..11"]).run().success();
    assert_eq!(screen(&Cast::read(world.path("c.cast"))).trim_end(), "$ make\nbuilt");
}

#[test]
fn time_passes_faster() {
    let world = world();
    world.casemate(&["export", "s.cast", "-o", "fast.cast", "--speed", "2", "-i", "4"]).run().success();
    let cast = Cast::read(world.path("fast.cast"));
    let times: Vec<_> = cast.events.iter().map(|event| event.time).collect();
    assert_eq!(times, [500_000, 1_000_000, 3_000_000, 4_000_000, 5_000_000, 7_000_000, 9_000_000]);
    assert_eq!(cast.header["duration"], 9.0);
}

#[test]
fn text_loses_nothing_to_a_cleared_screen_and_pictures_are_of_one_moment() {
    let world = world();
    world.casemate(&["export", "s.cast", "-o", "s.txt"]).run().success();
    assert_eq!(world.bytes("s.txt"), b"$ make\nbuilt\ntests\ndone\n");
    world.casemate(&["export", "s.cast", "-o", "s.svg", "--at", "marker:build"]).run().success();
    let svg = String::from_utf8(world.bytes("s.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">$ make</text>") && !svg.contains("built"), "{svg}");
    assert!(svg.len() < 1000);
    let end = world.casemate(&["export", "s.cast", "-o", "-", "-f", "svg"]).run().success();
    assert!(end.text().contains(">done</text>"));
}

#[test]
fn what_cannot_be_exported_is_said() {
    let world = world();
    let export = |args: &[&str], message: &str| {
        let args = [&["export", "s.cast", "-o", "out.cast"], args].concat();
        world.casemate(&args).run().fails(message)
    };
    let no_marker = export(&["--from", "marker:deploy"], "s.cast: no marker is called `deploy`");
    assert!(no_marker.stderr.contains("its markers are build, test"), "{no_marker:?}");
    export(&["--from", "90"], "it ends at 60.0 s");
    export(&["--from", "20", "--to", "10"], "before it begins at 20.0 s");
    export(&["--redact", "("], "`(` is no regular expression");
    export(&["--at", "3"], "--at is for pictures");
    world.casemate(&["export", "s.cast", "-o", "x.cast", "--to", "5x"]).run().exits(2);
    world.casemate(&["export", "-", "-o", "x.cast"]).run().fails("read more than once");
    assert!(!world.path("out.cast").exists());
}

/// Text without its sequences, as nobody but this test takes them out.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('\x1b') {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at + 1..];
        let end = match sequence.chars().next() {
            Some('[') => sequence.find(|end: char| matches!(end, '@'..='Z' | '\\'..='~')).map(|end| end + 1),
            Some(']') => sequence
                .find(['\x07', '\x1b'])
                .map(|end| end + usize::from(sequence[end..].starts_with('\x07'))),
            _ => Some(sequence.chars().next().map_or(0, char::len_utf8)),
        };
        rest = &sequence[end.unwrap_or(sequence.len())..];
    }
    plain + rest
}

/// A secret is typed, in pieces and with mistakes, given to a program, and printed.
fn betray(t: &mut Typist) {
    t.text("echo hun");
    t.text("x");
    t.keys(&[keys::BACKSPACE]);
    t.text("ter2");
    t.enter("echo hunter2");
    t.text("sleep 0.3 # ter2");
    t.times(4, keys::LEFT);
    t.text("hun");
    t.enter("sleep 0.3 # hunter2");
    t.run("printf '\\033]2;it is hunter2\\007'");
    t.run("sh -c 'sleep 0.3; :' hunter2");
    t.run("printf 'hun\\033[1mter\\033[m2\\n'; printf 'hun'; sleep 0.1; printf 'ter2\\n'");
    t.run("printf '\\033[5C'; printf 'ter2\\r'; sleep 0.1; printf '\\033[2Chun\\n'");
    t.run("printf 'hunter2 \\377\\n'");
    t.run("echo and this stays");
}

#[track_caller]
fn check_redaction(shell: &[&str], rec: &[&str]) {
    let world = World::new();
    let args = [&["-q", "-I", "-t", "hunter2 at work"], rec, &["live.cast.zst", "--"], shell].concat();
    let mut typist = Typist::new(world.rec(&args).on_terminal(), "redact", "t", "u", PROMPT);
    typist.hurry();
    typist.ready();
    betray(&mut typist);
    typist.finish();
    let whole = Cast::read(world.path("live.cast.zst"));
    assert!(whole.text.contains("hunter2") && !whole.data("process").is_empty());

    world.write("secrets", "hunter2\n\n");
    let args = ["export", "live.cast.zst", "-o", "out.cast.zst", "--redact-texts-from", "secrets"];
    let run = world.casemate(&args).run().success();
    assert!(run.stderr.contains("something was hidden in"), "{run:?}");
    let cast = Cast::read(world.path("out.cast.zst"));
    for event in &cast.events {
        assert!(!event.data.contains("hunter2") && !plain(&event.data).contains("hunter2"), "{event:?}");
    }
    for text in [cast.output(), cast.input(), plain(&cast.output()), screen(&cast)] {
        assert!(!text.contains("hunter2"), "{text:?}");
    }
    let exact = cast.exact_output();
    assert!(!String::from_utf8_lossy(&exact).contains("hunter2"));
    let header = cast.header.to_string();
    assert!(!header.contains("hunter2") && header.contains("███████ at work"), "{header}");
    // What was typed key by key is hidden key by key.
    assert!(!cast.output().contains("hunt") && !cast.output().contains("nter2"), "{}", cast.output());

    // All else is as it was: every event but the exact bytes of what was hidden, at its time.
    let kept = |cast: &Cast| {
        let events = cast.events.iter().filter(|event| event.code != "bytes");
        events.map(|event| (event.time, event.code.clone())).collect::<Vec<_>>()
    };
    assert_eq!(kept(&cast), kept(&whole));
    assert!(cast.output().contains("and this stays"));
    assert_eq!(screen(&cast), screen(&whole).replace("hunter2", "███████"));
}

#[test]
fn nothing_is_left_of_a_secret_in_bash() {
    need!("bash");
    check_redaction(&["bash"], &["--integrate"]);
}

#[test]
fn nothing_is_left_of_a_secret_in_zsh() {
    need!("zsh");
    check_redaction(&["zsh"], &[]);
}

#[test]
fn nothing_is_left_of_a_secret_in_fish() {
    need!("fish");
    check_redaction(&["fish"], &[]);
}

#[test]
fn what_is_hidden_is_told_and_what_matches_nothing_too() {
    let world = world();
    let args = ["export", "s.cast", "-o", "out.cast", "--redact", "b[a-z]+", "--redact-text", "no such text"];
    let run = world.casemate(&args).run().success();
    assert!(
        run.stderr.contains("hidden in 2 places") && run.stderr.contains("nothing matches `no such text`"),
        "{run:?}"
    );
    let cast = Cast::read(world.path("out.cast"));
    assert_eq!(cast.header["casemate"]["excerpt"]["redacted"], true);
    assert_eq!(cast.output(), "$ make\r\n\x1b[32m█████\x1b[m\r\n\x1b[H\x1b[2Jtests\r\ndone\r\n");
    // Before and behind a cut.
    world
        .casemate(&["export", "s.cast", "-o", "cut.cast", "--from", "11", "--redact", "built"])
        .run()
        .success();
    assert!(!Cast::read(world.path("cut.cast")).text.contains("built"));
    // What was typed, left out.
    world.write(
        "i.cast",
        "{\"version\":2,\"width\":20,\"height\":4}\n[1, \"i\", \"secret\"]\n[2, \"o\", \"x\"]\n",
    );
    world.casemate(&["export", "i.cast", "-o", "o.cast", "--no-input"]).run().success();
    assert_eq!(Cast::read(world.path("o.cast")).events.len(), 1);
}
