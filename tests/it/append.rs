//! A second session behind the first, in every format, also behind a torn end.

use casemate_tests::{Cast, World, need};
use serde_json::Value;

/// Records twice into `file`.
fn twice(world: &World, file: &str, format: &[&str]) {
    for (index, word) in ["first", "second"].iter().enumerate() {
        let mut args = vec![file];
        args.extend(format);
        if index == 1 {
            args.push("--append");
        }
        args.extend(["--", "echo", word]);
        world.rec(&args).on_terminal().wait_success();
    }
}

#[track_caller]
fn assert_both(cast: &Cast) {
    assert_eq!(cast.output(), "first\r\nsecond\r\n");
    assert_eq!(cast.data("x"), ["0", "0"]);
    assert_eq!(cast.data("end"), ["exit", "exit"]);
    let sessions = cast.data("session");
    assert_eq!(sessions.len(), 1, "one appended session");
    let facts: Value = serde_json::from_str(sessions[0]).expect("session facts are JSON");
    assert!(facts["start_us"].as_u64() > cast.header["casemate"]["start_us"].as_u64(), "{facts}");
    let codes = cast.events.iter().map(|event| event.code.as_str());
    let order: Vec<_> = codes.filter(|code| !["r", "process"].contains(code)).collect();
    assert_eq!(order, ["exec", "o", "x", "end", "session", "exec", "o", "x", "end"]);
}

#[test]
fn asciicasts_in_both_versions_plain_and_compressed() {
    let world = World::new();
    for (file, format, version) in
        [("a.cast", "v2", 2), ("a.cast.zst", "v2", 2), ("b.cast", "v3", 3), ("b.cast.zst", "v3", 3)]
    {
        twice(&world, file, &["-f", format]);
        let cast = Cast::read(world.path(file));
        assert_eq!(cast.header["version"], version, "{file}");
        assert_both(&cast);
        let checked = world.casemate(&["info", "--strict", file]).run().success();
        assert_eq!(checked.stderr, "", "{file} has defects");
    }
}

#[test]
fn bytes_and_text_just_go_on() {
    let world = World::new();
    twice(&world, "a.raw", &[]);
    assert_eq!(world.bytes("a.raw"), b"first\r\nsecond\r\n");
    twice(&world, "a.txt", &[]);
    assert_eq!(world.bytes("a.txt"), b"first\nsecond\n");
}

#[test]
fn the_version_of_the_file_is_kept_and_another_refused() {
    let world = World::new();
    world.rec(&["a.cast", "-f", "v3", "--", "echo", "first"]).on_terminal().wait_success();
    world.rec(&["a.cast", "--append", "--", "echo", "second"]).on_terminal().wait_success();
    let cast = Cast::read(world.path("a.cast"));
    assert_eq!(cast.header["version"], 3);
    assert_both(&cast);

    let before = world.bytes("a.cast");
    world.rec(&["a.cast", "--append", "-f", "v2", "--", "touch", "ran"]).run().fails("a.cast");
    assert_eq!(world.bytes("a.cast"), before);
    assert!(!world.path("ran").exists());
}

#[test]
fn appending_to_nothing_starts_a_recording() {
    let world = World::new();
    for file in ["a.cast", "a.cast.zst"] {
        world.rec(&[file, "--append", "--", "echo", "first"]).on_terminal().wait_success();
        assert_eq!(Cast::read(world.path(file)).output(), "first\r\n");
    }
}

#[test]
fn another_size_is_told_by_a_resize() {
    let world = World::new();
    world.rec(&["a.cast", "--", "echo", "first"]).on_terminal().wait_success();
    world.rec(&["a.cast", "--append", "--", "echo", "second"]).size(81, 25).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("a.cast")).data("r"), ["81x25"]);
}

#[test]
fn a_torn_end_is_cut_before_anything_follows() {
    let world = World::new();
    // Two flushes, the second of bytes that zstd cannot make small: the deepest cut is in the second.
    let script = "echo first; sleep 0.4; head -c 900 /dev/urandom | od -An -v -tx1";
    for (file, cut) in [("a.cast", 9), ("b.cast.zst", 3), ("c.cast.zst", 150), ("d.cast.zst", 600)] {
        world.rec(&[file, "-q", "-c", script]).on_terminal().wait_success();
        let whole = world.bytes(file);
        world.write(file, &whole[..whole.len() - cut]);
        world.rec(&[file, "--append", "--", "echo", "second"]).on_terminal().wait_success();
        let cast = Cast::read(world.path(file));
        assert!(cast.output().starts_with("first\r\n"), "{file}: {:?}", cast.output());
        assert!(cast.output().ends_with("second\r\n"), "{file}: {:?}", cast.output());
        cast.assert_end(Some("0"), "exit");
    }
}

#[test]
fn something_else_is_not_appended_to() {
    let world = World::new();
    for file in ["a.cast", "a.cast.zst"] {
        world.write(file, "just some notes\n");
        world.rec(&[file, "--append", "--", "touch", "ran"]).run().fails(file);
        assert_eq!(world.bytes(file), b"just some notes\n");
        assert!(!world.path("ran").exists());
    }
}

#[test]
fn parts_of_an_appended_recording_take_nobodys_place() {
    let world = World::new();
    world.write("s.2.cast", "somebody's");
    let args = ["s.cast", "-q", "-a", "--max-size", "1K", "--", "seq", "1", "2000"];
    world.rec(&args).on_terminal().wait_success();
    assert_eq!(world.bytes("s.2.cast"), b"somebody's");
    assert!(world.path("s.3.cast").exists(), "the second part has another name");
}

#[test]
fn a_signed_recording_goes_on_only_with_its_key() {
    need!("openssl");
    let world = World::new();
    let script = "openssl genpkey -algorithm ed25519 -out k.pem && openssl pkey -in k.pem -pubout -out k.pub";
    world.script(script).run().success();
    let sign = ["s.cast.zst", "-q", "-a", "--sign-key", "k.pem", "--", "echo", "signed"];
    world.rec(&sign).on_terminal().wait_success();
    world.rec(&["s.cast.zst", "-q", "-a", "--", "echo", "unsigned"]).run().fails("signed");
    world.rec(&sign).on_terminal().wait_success();
    world.casemate(&["info", "--public-key", "k.pub", "s.cast.zst"]).run().success();
    assert_eq!(Cast::read(world.path("s.cast.zst")).output(), "signed\r\nsigned\r\n");
    // Where nothing can be signed, nobody is left to believe that it was.
    world.rec(&["p.cast", "-q", "--sign-key", "k.pem", "--", "true"]).run().fails("signed");
    assert!(!world.path("p.cast").exists());
}
