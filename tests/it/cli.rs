//! convert, cat, info, repair, completions, man: what they print and how they fail.

use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

use casemate_tests::{Cast, LONG, World, need, tools, wait_until};
use serde_json::Value;

const TWO: &str = "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000,\"title\":\"Two\"}\n\
                   [0.5, \"o\", \"one\\r\\n\"]\n[1.25, \"i\", \"x\"]\n[1.5, \"o\", \"two\\r\\n\"]\n";
const THREE: &str = "{\"version\":3,\"term\":{\"cols\":100,\"rows\":30},\"timestamp\":1700000100}\n\
                     [0.5, \"o\", \"three\\r\\n\"]\n[0.75, \"x\", \"0\"]\n";

fn world() -> World {
    let world = World::new();
    world.write("two.cast", TWO);
    world.write("three.cast", THREE);
    world
}

#[test]
fn convert_goes_from_any_form_to_any_form() {
    let world = world();
    for (index, (format, extension)) in
        [("v2", "cast"), ("v3", "cast"), ("v2", "cast.zst"), ("v3", "cast.zst")].into_iter().enumerate()
    {
        let file = format!("out-{index}.{extension}");
        world.casemate(&["convert", "two.cast", &file, "-f", format]).run().success();
        let cast = Cast::read(world.path(&file));
        assert_eq!(cast.header["version"], if format == "v2" { 2 } else { 3 });
        assert_eq!(cast.header["title"], "Two");
        let events: Vec<_> = cast.events.iter().map(|e| (e.time, e.code.as_str(), e.data.as_str())).collect();
        assert_eq!(events, [(500_000, "o", "one\r\n"), (1_250_000, "i", "x"), (1_500_000, "o", "two\r\n")]);
        crate::rec::assert_private(world.path(&file));
        // and back again
        let back = world.casemate(&["convert", &file, "-", "-f", "v2"]).run().success();
        assert_eq!(Cast::parse(&back.stdout, "back").events, cast.events);
    }
    world.casemate(&["convert", "two.cast", "out.txt"]).run().success();
    assert_eq!(world.bytes("out.txt"), b"one\ntwo\n");
    world.casemate(&["convert", "two.cast", "out.raw"]).run().success();
    assert_eq!(world.bytes("out.raw"), b"one\r\ntwo\r\n");
}

#[test]
fn convert_streams_with_a_dash() {
    let world = world();
    let run = world.casemate(&["convert", "-", "-", "-f", "raw"]).run_with_input(TWO.as_bytes()).success();
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("one\r\ntwo\r\n", ""));
    // The container, too, and into a file that is not empty.
    world.casemate(&["convert", "two.cast", "two.cast.zst"]).run().success();
    let packed = world.bytes("two.cast.zst");
    let run = world.casemate(&["convert", "-", "-", "-f", "v3"]).run_with_input(&packed).success();
    assert_eq!(Cast::parse(&run.stdout, "stdout").header["version"], 3);
    world.write("log", "before\n");
    world.script("\"$CASEMATE\" convert two.cast - -f txt >> log").run().success();
    assert_eq!(world.bytes("log"), b"before\none\ntwo\n");
}

#[test]
fn convert_overwrites_only_on_request() {
    let world = world();
    world.write("out.cast", "precious");
    let refused = world.casemate(&["convert", "two.cast", "out.cast"]).run().fails("out.cast");
    assert!(refused.stderr.contains("hint: ") && refused.stderr.contains("--overwrite"), "{refused:?}");
    assert_eq!(world.bytes("out.cast"), b"precious");
    world.casemate(&["convert", "--overwrite", "two.cast", "out.cast"]).run().success();
    assert_eq!(Cast::read(world.path("out.cast")).output(), "one\r\ntwo\r\n");
}

#[test]
fn convert_that_is_killed_leaves_nothing_behind() {
    let world = world();
    for signal in ["TERM", "HUP", "KILL"] {
        let script = format!(
            "mkfifo pipe; \"$CASEMATE\" convert pipe out.cast & convert=$!; exec 3>pipe; cat two.cast >&3; \
             until [ -n \"$(find /proc/$convert/fd -lname \"$PWD/[#.]*\")\" ]; do sleep 0.01; done; \
             kill -{signal} $convert; wait $convert; rm pipe"
        );
        world.script(&script).run().success();
        assert!(!world.path("out.cast").exists());
        let left = world.names(".").into_iter().filter(|name| name.starts_with(".tmp")).collect::<Vec<_>>();
        assert!(left.is_empty(), "after {signal}: {left:?}");
    }
}

#[test]
fn what_is_being_recorded_is_not_replaced() {
    let world = world();
    for file in ["live.cast", "live.cast.zst"] {
        let mut session =
            world.rec(&[file, "-q", "--", "sh", "-c", "echo first; read x; echo last"]).on_terminal();
        session.wait_for("first");
        wait_until("the recording", LONG, || world.path(file).exists().then_some(()));
        world
            .casemate(&["convert", "--overwrite", "two.cast", file])
            .run()
            .fails("a recorder is writing to it");
        world
            .casemate(&["cat", "--overwrite", "two.cast", "-o", file])
            .run()
            .fails("a recorder is writing to it");
        world.write("torn.cast", &world.bytes("two.cast")[..world.bytes("two.cast").len() - 5]);
        let repair = world.casemate(&["repair", "--overwrite", "torn.cast", "-o", file]).run();
        assert!(repair.fails("a recorder is writing to it").stderr.contains("hint: "));
        world.rec(&[file, "--overwrite", "-q", "--", "true"]).run().fails("a recorder is writing to it");
        session.send("\r");
        session.wait_success();
        assert!(Cast::read(world.path(file)).output().ends_with("last\r\n"));
        world.casemate(&["convert", "--overwrite", "two.cast", file]).run().success();
    }
}

#[test]
fn repair_signs_what_it_writes_anew() {
    need!("openssl");
    let world = World::new();
    let make = "openssl genpkey -algorithm ed25519 -out k.pem && openssl pkey -in k.pem -pubout -out k.pub";
    world.script(make).run().success();
    world.rec(&["s.cast.zst", "-q", "--sign-key", "k.pem", "--", "seq", "5000"]).on_terminal().wait_success();
    let mut damaged = world.bytes("s.cast.zst");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    world.write("s.cast.zst", damaged);
    world.casemate(&["repair", "--sign-key", "k.pem", "s.cast.zst"]).run().success();
    let checked = ["info", "--strict", "--public-key", "k.pub", "s.repaired.cast.zst"];
    world.casemate(&checked).run().success();
    // A plain recording has no place for a signature.
    world.write("torn.cast", "{\"version\":2,\"width\":80,\"height\":24}\n[1.0, \"o\", \"kept\"]\n[2.0, \"o");
    world.casemate(&["repair", "--sign-key", "k.pem", "torn.cast"]).run().fails("can be signed");
    assert!(!world.path("torn.repaired.cast").exists());
}

#[test]
fn convert_never_eats_its_own_input() {
    let world = world();
    let run = world.casemate(&["convert", "--overwrite", "-f", "v3", "two.cast", "two.cast"]).run();
    // Refusing and doing it right are both good; losing the recording is not.
    let left = Cast::read(world.path("two.cast"));
    assert_eq!(left.output(), "one\r\ntwo\r\n", "{run:?}");
}

#[test]
fn cat_joins_in_the_version_of_the_first() {
    let world = world();
    for (first, second, version, output) in [
        ("two.cast", "three.cast", 2, "one\r\ntwo\r\nthree\r\n"),
        ("three.cast", "two.cast", 3, "three\r\none\r\ntwo\r\n"),
    ] {
        let run = world.casemate(&["cat", first, second]).run().success();
        let cast = Cast::parse(&run.stdout, "cat");
        assert_eq!(cast.header["version"], version);
        assert_eq!(cast.output(), output);
        let size = if version == 2 { "100x30" } else { "80x24" };
        assert_eq!(cast.data("r"), [size], "the second one's size");
        let only = Cast::parse(&world.bytes(first), first);
        assert_eq!(cast.header.get("title"), only.header.get("title"), "the header of the first wins");
    }
    let run = world.casemate(&["cat", "two.cast", "three.cast"]).run().success();
    let times: Vec<_> = Cast::parse(&run.stdout, "cat").of("o").iter().map(|event| event.time).collect();
    assert_eq!(times, [500_000, 1_500_000, 2_000_000], "time runs on");
}

#[test]
fn cat_of_one_and_into_a_file() {
    let world = world();
    let run = world.casemate(&["cat", "two.cast"]).run().success();
    assert_eq!(Cast::parse(&run.stdout, "cat").events, Cast::read(world.path("two.cast")).events);
    world.casemate(&["cat", "two.cast", "three.cast", "-o", "out.cast.zst"]).run().success();
    assert_eq!(Cast::read(world.path("out.cast.zst")).output(), "one\r\ntwo\r\nthree\r\n");
    world.casemate(&["cat"]).run().exits(2);
}

#[test]
fn info_as_json_has_fixed_names() {
    let world = world();
    world.rec(&["s.cast.zst", "-q", "--", "sh", "-c", "echo hi"]).on_terminal().wait_success();
    let session = Cast::read(world.path("s.cast.zst")).session().to_owned();
    let info = |file: &str| -> Value {
        let run = world.casemate(&["info", "--json", file]).run().success();
        let value: Value =
            serde_json::from_slice(&run.stdout).unwrap_or_else(|err| panic!("{err}: {}", run.text()));
        // One file may be an object or a list of one.
        value.get(0).cloned().unwrap_or(value)
    };
    let ours = info("s.cast.zst");
    for key in ["file", "version", "duration", "events", "file_bytes", "sessions", "defects"] {
        assert!(ours.get(key).is_some(), "no {key}: {ours}");
    }
    assert_eq!(ours["version"], 2);
    assert_eq!(ours["file_bytes"].as_u64(), Some(world.bytes("s.cast.zst").len() as u64));
    assert_eq!(ours["defects"], serde_json::json!([]));
    assert!(ours["sessions"].to_string().contains(&session), "{ours}");

    let theirs = info("two.cast");
    assert_eq!(theirs["duration"], 1.5);
    world.write("bad.cast", format!("{TWO}nonsense\n"));
    let bad = info("bad.cast");
    assert!(bad["defects"].to_string().contains('5'), "the line of the defect: {bad}");
}

#[test]
fn info_for_people() {
    let world = world();
    let run = world.casemate(&["info", "two.cast", "three.cast"]).run().success();
    for word in ["two.cast", "three.cast", "Two", "80", "100"] {
        assert!(run.text().contains(word), "no {word}: {}", run.text());
    }
    assert!(!run.text().contains('\x1b'), "colours in a pipe: {}", run.text());
}

#[test]
fn titles_cannot_write_to_the_terminal() {
    let world = World::new();
    world.write(
        "evil.cast",
        "{\"version\":2,\"width\":80,\"height\":24,\"title\":\"\\u001b]0;owned\\u0007\\u001b[2Jx\"}\n[0.1, \"\\u001bz\", \"\"]\n",
    );
    let run = world.casemate(&["info", "evil.cast"]).run();
    assert!(!run.text().contains('\x1b') && !run.stderr.contains('\x1b'), "{run:?}");
}

#[test]
fn colours_are_only_for_terminals_and_never_with_no_color() {
    let world = world();
    for args in [&["info", "two.cast"][..], &["convert", "missing.cast", "-"]] {
        let mut session = world.casemate(args).env("NO_COLOR", "1").on_terminal();
        let _ = session.wait_exit(LONG);
        assert!(session.output_len() > 0);
        let text = session.text();
        let colour = text
            .split("\x1b[")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
        assert!(!colour, "{text:?}");
    }
}

#[test]
fn repair_salvages_and_says_what_was_lost() {
    let world = World::new();
    // Several flushes of bytes that zstd cannot make small: the cut is in one of the last.
    let script =
        "echo first; for i in 1 2 3 4; do sleep 0.2; head -c 300 /dev/urandom | od -An -v -tx1; done";
    for file in ["s.cast", "s.cast.zst"] {
        world.rec(&[file, "-q", "-c", script]).on_terminal().wait_success();
    }
    for (file, repaired, cut) in
        [("s.cast", "s.repaired.cast", 60), ("s.cast.zst", "s.repaired.cast.zst", 600)]
    {
        let before = Cast::read(world.path(file)).output();
        let whole = world.bytes(file);
        let torn = &whole[..whole.len() - cut];
        world.write(file, torn);
        let run = world.casemate(&["repair", file]).run().success();
        assert!(
            run.stderr.contains("cut off") || run.stderr.contains("bytes"),
            "not said what was lost: {run:?}"
        );
        assert_eq!(world.bytes(file), torn, "the torn file was touched");
        crate::rec::assert_private(world.path(repaired));
        let cast = Cast::read(world.path(repaired));
        assert!(cast.output().len() > 900 && before.starts_with(&cast.output()), "{}", cast.text);
        let checked = world.casemate(&["info", "--strict", repaired]).run().success();
        assert_eq!(checked.stderr, "");
        world.casemate(&["repair", file]).run().fails(repaired);
        world.casemate(&["repair", "--overwrite", file, "-o", repaired]).run().success();
    }
}

#[test]
fn repair_of_damage_in_the_middle_keeps_what_is_around_it() {
    let world = World::new();
    let lines: String = (0..100).map(|n| format!("[{n}.0, \"o\", \"{n} \"]\n")).collect();
    let text = format!("{{\"version\":2,\"width\":80,\"height\":24}}\n{lines}");
    let damaged = text.replace("[50.0, \"o\", \"50 \"]", "[50.0, \"o\", \"50");
    world.write("s.cast", &damaged);
    let run = world.casemate(&["repair", "s.cast"]).run().success();
    assert!(run.stderr.contains("s.cast:52"), "{run:?}");
    let cast = Cast::read(world.path("s.repaired.cast"));
    let expected: String = (0..100).filter(|n| *n != 50).map(|n| format!("{n} ")).collect();
    assert_eq!(cast.output(), expected);
}

#[test]
fn a_changed_byte_in_a_container_is_found_and_named() {
    let world = World::new();
    world.rec(&["s.cast.zst", "-q", "--", "seq", "5000"]).on_terminal().wait_success();
    let whole = world.bytes("s.cast.zst");
    for place in [whole.len() / 4, whole.len() / 2] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        world.write("changed.cast.zst", changed);
        let run = world.casemate(&["info", "changed.cast.zst"]).run().success();
        let said = format!("{}{}", run.text(), run.stderr);
        assert!(said.contains("segment 0") || said.contains("segment 1"), "the segment is not named: {said}");
        world.casemate(&["info", "--strict", "changed.cast.zst"]).run().exits(1);
    }
}

#[test]
fn a_signature_is_made_and_checked() {
    need!("openssl");
    let world = World::new();
    for name in ["a", "b"] {
        let script = format!(
            "openssl genpkey -algorithm ed25519 -out {name}.pem && openssl pkey -in {name}.pem -pubout -out {name}.pub"
        );
        world.script(&script).run().success();
    }
    world
        .rec(&["s.cast.zst", "-q", "--sign-key", "a.pem", "--", "echo", "signed"])
        .on_terminal()
        .wait_success();
    world.casemate(&["info", "--strict", "--public-key", "a.pub", "s.cast.zst"]).run().success();
    world.casemate(&["info", "--strict", "--public-key", "b.pub", "s.cast.zst"]).run().fails("sign");
    world.rec(&["unsigned.cast.zst", "-q", "--", "echo", "unsigned"]).on_terminal().wait_success();
    world.casemate(&["info", "--strict", "--public-key", "a.pub", "unsigned.cast.zst"]).run().fails("sign");
    // A key that is none stops the session before it starts.
    world.write("bad.pem", "no key");
    world.rec(&["t.cast.zst", "--sign-key", "bad.pem", "--", "touch", "ran"]).run().fails("bad.pem");
    assert!(!world.path("ran").exists());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    need!("bash");
    let world = World::new();
    let events: String = (0..50_000).map(|n| format!("[{n}.0, \"o\", \"line {n}\\r\\n\"]\n")).collect();
    world.write("big.cast", format!("{{\"version\":2,\"width\":80,\"height\":24}}\n{events}"));
    for command in
        ["convert big.cast - -f raw", "convert big.cast -", "cat big.cast", "convert big.cast - -f txt"]
    {
        let script = format!("\"$CASEMATE\" {command} 2>err | head -n 1; echo \"status ${{PIPESTATUS[0]}}\"");
        let run = world.program("bash").args(&["-c", &script]);
        let run = run.env("CASEMATE", &casemate_tests::casemate().display().to_string()).run().success();
        assert!(run.text().ends_with("status 0\n"), "{command}: {}", run.text());
        assert_eq!(world.bytes("err"), b"", "{command}");
    }
}

#[test]
fn a_full_disk_is_an_error_everywhere() {
    let world = world();
    for command in [
        "convert two.cast - -f raw",
        "cat two.cast",
        "info two.cast",
        "info --json two.cast",
        "completions bash",
    ] {
        let run = world.script(&format!("\"$CASEMATE\" {command} > /dev/full")).run();
        run.fails("No space left on device");
    }
}

#[test]
fn errors_are_one_line_that_names_the_file() {
    let world = world();
    for args in [
        &["convert", "missing.cast", "out.cast"][..],
        &["cat", "two.cast", "missing.cast"],
        &["info", "missing.cast"],
        &["repair", "missing.cast"],
    ] {
        let run = world.casemate(args).run().fails("missing.cast");
        assert_eq!(run.text(), "", "{args:?} wrote to standard output");
        for line in run.stderr.lines() {
            assert!(line.starts_with("error: ") || line.starts_with("hint: "), "{args:?}: {line}");
        }
    }
    assert!(!world.path("out.cast").exists(), "an empty file was left behind");
}

#[test]
fn usage_errors_have_status_2_and_help_goes_to_stdout() {
    let world = World::new();
    for args in
        [&["convert"][..], &["no-such-command"], &["info"], &["repair"], &["convert", "a", "b", "-f", "gif"]]
    {
        let run = world.casemate(args).run().exits(2);
        assert!(run.text().is_empty() && !run.stderr.is_empty(), "{args:?}: {run:?}");
    }
    for args in [&["--help"][..], &["rec", "--help"], &["record", "--help"], &["-V"], &["convert", "-h"]] {
        let run = world.casemate(args).run().success();
        assert!(!run.text().is_empty() && run.stderr.is_empty(), "{args:?}: {run:?}");
    }
    assert!(world.casemate(&["-V"]).run().success().text().starts_with("casemate "));
}

#[test]
fn completions_are_valid_in_their_shells() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let run = world.casemate(&["completions", shell]).run().success();
        for word in ["rec", "convert", "capture-input", "max-duration"] {
            assert!(run.text().contains(word), "{shell} knows no {word}");
        }
        if tools::find(shell).is_some() && shell != "elvish" {
            world.write("completions", run.stdout);
            world.program(shell).args(&["-n", "completions"]).run().success();
        }
    }
    world.casemate(&["completions", "cmd.exe"]).run().exits(2);
}

#[test]
fn man_pages_for_every_command() {
    let world = World::new();
    let run = world.casemate(&["man"]).run().success();
    assert!(run.text().contains(".TH"), "{}", run.text());
    world.casemate(&["man", "pages"]).run().success();
    let names = world.names("pages");
    for page in [
        "casemate.1",
        "casemate-rec.1",
        "casemate-convert.1",
        "casemate-cat.1",
        "casemate-info.1",
        "casemate-repair.1",
    ] {
        assert!(names.iter().any(|name| name == page), "no {page}: {names:?}");
    }
    let rec = String::from_utf8(world.bytes("pages/casemate-rec.1")).unwrap();
    assert!(rec.contains("capture\\-input"), "{rec}");
}

#[test]
fn a_recorder_killed_before_its_first_seal_leaves_something_to_repair() {
    let world = World::new();
    let mut session =
        world.rec(&["s.cast.zst", "-q", "--", "sh", "-c", "echo early; sleep 3003"]).on_terminal();
    session.wait_for("early");
    wait_until("the line in the file", LONG, || {
        Cast::read_open(world.path("s.cast.zst")).filter(|cast| cast.output().contains("early"))
    });
    session.signal(rustix::process::Signal::KILL);
    assert_eq!(session.wait_exit(LONG), 137);
    world.casemate(&["info", "--strict", "s.cast.zst"]).run().fails("unfinished");
    let repaired = world.casemate(&["repair", "s.cast.zst"]).run().success();
    assert!(!repaired.stderr.contains("nothing to repair"), "{}", repaired.stderr);
    world.casemate(&["info", "--strict", "s.repaired.cast.zst"]).run().success();
    assert_eq!(Cast::read(world.path("s.repaired.cast.zst")).output(), "early\r\n");
    // What was sealed or flushed stands there as it was, byte for byte.
    let (before, after) = (world.bytes("s.cast.zst"), world.bytes("s.repaired.cast.zst"));
    assert!(after.starts_with(&before[..before.len() - 3]), "the repaired file begins as the old one");
}

#[test]
fn reading_changes_nothing_of_a_recording_not_even_when_it_was_read() {
    let world = World::new();
    world.rec(&["evidence/s.cast.zst", "-q", "--", "echo", "hi"]).run().success();
    let whole = world.bytes("evidence/s.cast.zst");
    world.write("evidence/torn.cast.zst", &whole[..whole.len() - 60]);
    let paths = ["s.cast.zst", "torn.cast.zst"].map(|name| world.path(&format!("evidence/{name}")));
    // Older than the last change: most systems note the next reading of such a file.
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for path in &paths {
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_accessed(then)).unwrap();
    }
    let times = || {
        paths.each_ref().map(|path| {
            let metadata = path.metadata().unwrap();
            (metadata.accessed().unwrap(), metadata.modified().unwrap())
        })
    };
    let before = times();
    assert_eq!(before.map(|(accessed, _)| accessed), [then; 2]);
    for (command, more, status) in [
        ("info", &[][..], 0),
        ("verify", &[], 1),
        ("commands", &[], 0),
        ("search", &["hi"], 0),
        ("cat", &[], 0),
        ("report", &["-o", "r.html"], 0),
        ("repair", &["-o", "whole.cast.zst"], 0),
        ("convert", &["-f", "txt", "-"], 0),
        ("export", &["-o", "part.cast"], 0),
        ("screen", &["--at", "100%"], 0),
        ("play", &["--plain", "--speed", "100"], 0),
    ] {
        let one = matches!(command, "repair" | "convert" | "export" | "screen" | "play");
        let files: &[&str] = match command {
            _ if one => &["evidence/torn.cast.zst"],
            _ => &["evidence/s.cast.zst", "evidence/torn.cast.zst"],
        };
        let arguments = if command == "search" { [more, files].concat() } else { [files, more].concat() };
        world.casemate(&[&[command][..], &arguments].concat()).run().exits(status);
        assert_eq!(times(), before, "{command}");
    }
}

#[test]
fn nothing_in_a_recording_reaches_the_terminal_unescaped() {
    let world = World::new();
    let hostile = "\\u001b]0;pwn\\u0007";
    world.write(
        "h.cast",
        format!("{{\"version\":1,\"width\":80,\"height\":24,\"title\":\"{hostile}\",\"stdout\":[[0.1,\"x\"]],\"{hostile}\":bad}}"),
    );
    world.write("l.cast", format!("{{\"version\":2,\"width\":80,\"height\":24,\"title\":\"{hostile}\"}}\n[1, \"m\", \"{hostile}\"]\n\u{1b}]0;pwn\u{7}\n"));
    for args in [
        &["info", "h.cast", "l.cast"][..],
        &["convert", "h.cast", "a.cast"],
        &["convert", "l.cast", "b.cast"],
        &["info", "\u{1b}]0;pwn\u{7}"],
    ] {
        let run = world.casemate(args).run();
        for shown in [run.text(), run.stderr.clone()] {
            assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{args:?}: {shown:?}");
        }
    }
}

/// What a flood leaves in a frame that was torn is whole lines, though no line ends where a block does.
#[test]
fn a_torn_flood_is_repaired_event_by_event() {
    let world = World::new();
    let script = "i=0; while [ $i -lt 100 ]; do head -c 6000 /dev/urandom | base64 -w 0; i=$((i+1)); done";
    world.rec(&["f.cast", "-q", "--headless", "-c", script]).run().success();
    world.casemate(&["convert", "-q", "f.cast", "f.cast.zst"]).run().success();
    let whole = world.bytes("f.cast.zst");
    for part in [5, 8] {
        world.write("torn.cast.zst", &whole[..whole.len() / 10 * part]);
        world.casemate(&["repair", "-q", "--overwrite", "torn.cast.zst", "-o", "r.cast.zst"]).run().success();
        let raw =
            |file: &str| world.casemate(&["convert", "-q", "-f", "raw", file, "-"]).run().success().stdout;
        let (torn, repaired) = (raw("torn.cast.zst"), raw("r.cast.zst"));
        assert!(!torn.is_empty() && torn == repaired, "{part}: {} of {}", repaired.len(), torn.len());
        world.casemate(&["verify", "-q", "r.cast.zst"]).run().success();
    }
}
