//! asciinema and zstd read ours, we read theirs.

use std::path::PathBuf;

use casemate_tests::{Cast, Finished, LONG, World, need, peer, tools};

/// Output with colours, other scripts, a resize's worth of lines.
const SCRIPT: &str = "printf '\\033[1;32mgrün\\033[0m 漢字 🎉\\n'; seq 400; printf 'no newline at the end'";

fn expected() -> String {
    let mut text = "\x1b[1;32mgrün\x1b[0m 漢字 🎉\r\n".to_owned();
    for line in 1..=400 {
        text.push_str(&format!("{line}\r\n"));
    }
    text + "no newline at the end"
}

fn asciinema(world: &World, args: &[&str]) -> Finished {
    let program: PathBuf = tools::find("asciinema").expect("the caller looked for it");
    world.write("asciinema/config.toml", "[notifications]\nenabled = false\n");
    world.program(program).args(args).run()
}

/// What asciinema makes of a recording as raw bytes, without the window size it puts before them.
fn asciinema_raw(world: &World, file: &str) -> String {
    asciinema(world, &["convert", "-f", "raw", "--overwrite", file, "theirs.raw"]).success();
    let text = String::from_utf8(world.bytes("theirs.raw")).unwrap();
    match text.strip_prefix("\x1b[8;").and_then(|rest| rest.split_once('t')) {
        Some((_, text)) => text.to_owned(),
        None => text,
    }
}

#[test]
fn zstd_reads_the_container() {
    need!("zstd");
    let world = World::new();
    world.rec(&["s.cast.zst", "-q", "-c", SCRIPT]).on_terminal().wait_success();
    world.program("zstd").args(&["-tq", "s.cast.zst"]).run().success();
    let text = world.program("zstd").args(&["-dcq", "s.cast.zst"]).run().success();
    // The same text as our own conversion to the plain form.
    world.casemate(&["convert", "s.cast.zst", "plain.cast"]).run().success();
    assert_eq!(
        String::from_utf8(text.stdout).unwrap(),
        String::from_utf8(world.bytes("plain.cast")).unwrap()
    );
}

#[test]
fn asciinema_reads_ours() {
    peer!("asciinema");
    let world = World::new();
    for (file, format) in [("two.cast", "v2"), ("three.cast", "v3")] {
        world.rec(&[file, "-q", "-I", "-f", format, "-c", SCRIPT]).on_terminal().wait_success();
        assert_eq!(asciinema_raw(&world, file), expected(), "{file}");
        for version in ["asciicast-v2", "asciicast-v3"] {
            asciinema(&world, &["convert", "-f", version, "--overwrite", file, "out.cast"]).success();
            assert_eq!(Cast::read(world.path("out.cast")).output(), expected(), "{file} as {version}");
        }
        let joined = asciinema(&world, &["cat", file, file]).success();
        assert_eq!(Cast::parse(&joined.stdout, "asciinema cat").output(), expected().repeat(2));
    }
}

#[test]
fn asciinema_reads_what_zstd_unpacks() {
    need!("zstd");
    peer!("asciinema");
    let world = World::new();
    world.rec(&["s.cast.zst", "-q", "-c", SCRIPT]).on_terminal().wait_success();
    let text = world.program("zstd").args(&["-dcq", "s.cast.zst"]).run().success();
    world.write("plain.cast", text.stdout);
    assert_eq!(asciinema_raw(&world, "plain.cast"), expected());
}

#[test]
fn asciinema_reads_events_of_our_own() {
    // Pause, hidden input, exact bytes, a marker: codes it does not know must not disturb it.
    peer!("asciinema");
    let world = World::new();
    let script = "printf 'bad\\377byte '; stty -echo; read x; stty echo; echo done";
    let mut session =
        world.rec(&["s.cast", "-q", "-I", "-f", "v3", "--", "bash", "-c", script]).on_terminal();
    session.wait_for("byte ");
    session.wait_no_echo();
    session.send("secret\r");
    session.wait_success();
    let ours = Cast::read(world.path("s.cast"));
    assert!(!ours.of("bytes").is_empty() && !ours.of("hidden").is_empty(), "{}", ours.text);
    assert_eq!(asciinema_raw(&world, "s.cast"), ours.output());
}

#[test]
fn we_read_what_asciinema_records() {
    peer!("asciinema");
    let world = World::new();
    for format in ["asciicast-v2", "asciicast-v3"] {
        asciinema(&world, &["rec", "--headless", "--overwrite", "-f", format, "-c", SCRIPT, "theirs.cast"])
            .success();
        let theirs = Cast::read(world.path("theirs.cast"));
        for (target, file) in [("v2", "a.cast"), ("v3", "b.cast"), ("v2", "c.cast.zst")] {
            let run = world
                .casemate(&["convert", "--overwrite", "--strict", "-f", target, "theirs.cast", file])
                .run()
                .success();
            assert_eq!(run.stderr, "", "{format}: nothing to complain about");
            let ours = Cast::read(world.path(file));
            assert_eq!(ours.output(), expected());
            assert_eq!(ours.header["timestamp"], theirs.header["timestamp"]);
            assert_eq!(ours.header["env"], theirs.header["env"]);
            // v3 keeps milliseconds, with the error carried: half of one is the most an event may move.
            for (our, their) in ours.of("o").iter().zip(theirs.of("o")) {
                assert!(our.time.abs_diff(their.time) <= 500, "{our:?} {their:?}");
            }
        }
        world.casemate(&["convert", "--overwrite", "theirs.cast", "out.txt"]).run().success();
        let text = String::from_utf8(world.bytes("out.txt")).unwrap();
        assert!(
            text.starts_with("grün 漢字 🎉\n1\n2\n") && text.ends_with("400\nno newline at the end\n"),
            "{text}"
        );
    }
}

#[test]
fn a_version_1_file() {
    let world = World::new();
    world.write(
        "one.cast",
        "{\"version\":1,\"width\":80,\"height\":24,\"duration\":1.515658,\"command\":\"/bin/zsh\",\"title\":\"Old\",\
         \"env\":{\"SHELL\":\"/bin/zsh\"},\"stdout\":[[0.248848,\"hello \"],[1.001376,\"world\"]]}",
    );
    let two = world.casemate(&["convert", "one.cast", "-"]).run().success();
    let two = Cast::parse(&two.stdout, "v1 as v2");
    assert_eq!((two.header["width"].as_u64(), two.header["title"].as_str()), (Some(80), Some("Old")));
    let events: Vec<_> = two.events.iter().map(|event| (event.time, event.data.as_str())).collect();
    assert_eq!(events, [(248_848, "hello "), (1_250_224, "world")]);
    let three = world.casemate(&["convert", "-f", "v3", "one.cast", "-"]).run().success();
    assert_eq!(Cast::parse(&three.stdout, "v1 as v3").output(), "hello world");
    peer!("asciinema");
    assert_eq!(asciinema_raw(&world, "one.cast"), two.output());
}

#[test]
fn script_shows_the_same() {
    need!("script");
    let world = World::new();
    world.write("job", SCRIPT);
    world.rec(&["s.raw", "-q", "--", "sh", "job"]).on_terminal().wait_success();
    let mut session = world.program("script").args(&["-q", "-c", "sh job", "/dev/null"]).on_terminal();
    assert_eq!(session.wait_exit(LONG), 0);
    // `script` leaves output processing on at both terminals: CR CR LF.
    assert_eq!(session.text().replace("\r\r\n", "\r\n"), String::from_utf8(world.bytes("s.raw")).unwrap());
}
