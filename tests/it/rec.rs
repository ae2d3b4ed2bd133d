//! Flags, facts and files of `casemate rec`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use casemate_tests::{Cast, LONG, World};
use serde_json::json;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[track_caller]
pub(crate) fn assert_private(path: impl AsRef<Path>) {
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "mode {mode:o} of {}", path.as_ref().display());
}

#[test]
fn a_session_becomes_an_asciicast_v2() {
    let world = World::new();
    let before = now();
    let mut session =
        world.rec(&["s.cast", "--", "sh", "-c", "printf 'one\\n'; printf two; exit 3"]).on_terminal();
    assert_eq!(session.wait_exit(LONG), 0, "without --return the child's status is not ours");
    assert!(session.text().contains("one\r\ntwo"), "{}", session.dump());
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.header["version"], 2);
    assert_eq!((&cast.header["width"], &cast.header["height"]), (&json!(100), &json!(30)));
    let timestamp = cast.header["timestamp"].as_u64().unwrap();
    assert!((before..=now()).contains(&timestamp), "timestamp {timestamp}");
    assert_eq!(cast.output(), "one\r\ntwo");
    cast.assert_end(Some("3"), "exit");
}

#[test]
fn the_header_holds_the_facts_of_the_session() {
    let world = World::new();
    let before = now();
    world.rec(&["s.cast", "-c", "true"]).on_terminal().wait_success();
    let cast = Cast::read(world.path("s.cast"));
    let facts = &cast.header["casemate"];
    let id = cast.session();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "{id} is no UUIDv7");
    let start = facts["start_us"].as_u64().unwrap();
    assert!((before..=now()).contains(&(start / 1_000_000)), "start_us {start}");
    for fact in ["user", "target", "target_user"] {
        assert!(facts[fact].as_str().is_some_and(|value| !value.is_empty()), "no {fact}: {facts}");
        assert!(facts["known_by"][fact].is_string(), "not said how {fact} is known: {facts}");
    }
    assert!(facts["tool"].as_str().unwrap().starts_with("casemate "), "{facts}");
    assert_eq!(facts["part"], 1);
    assert_eq!(facts.get("within"), None, "not within another recording");
}

#[test]
fn facts_can_be_given() {
    let world = World::new();
    let default = {
        world.rec(&["a.cast", "-c", "true"]).on_terminal().wait_success();
        Cast::read(world.path("a.cast")).header["casemate"].clone()
    };
    let args = ["b.cast", "--user", "alice", "--target", "web-1", "--target-user", "deploy", "-c", "true"];
    world.rec(&args).on_terminal().wait_success();
    let given = Cast::read(world.path("b.cast")).header["casemate"].clone();
    assert_eq!(
        (&given["user"], &given["target"], &given["target_user"]),
        (&json!("alice"), &json!("web-1"), &json!("deploy"))
    );
    assert_ne!(given["known_by"]["user"], default["known_by"]["user"], "a claim is not knowledge: {given}");
}

#[test]
fn title_idle_limit_and_command_go_into_the_header() {
    let world = World::new();
    world.rec(&["a.cast", "-t", "A title: ünï", "-i", "2.5", "-c", "true"]).on_terminal().wait_success();
    let header = Cast::read(world.path("a.cast")).header;
    assert_eq!(header["title"], "A title: ünï");
    assert_eq!(header["idle_time_limit"], 2.5);
    assert_eq!(header.get("command"), None, "the command line may hold secrets");

    world.rec(&["b.cast", "--record-command", "-c", "true # remember"]).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("b.cast")).header["command"], "true # remember");
}

#[test]
fn only_the_named_variables_are_recorded() {
    let world = World::new();
    world.rec(&["a.cast", "-c", "true"]).on_terminal().wait_success();
    // v2 has no other place for the terminal's type, so TERM may stand beside what was asked for.
    let mut env = Cast::read(world.path("a.cast")).header["env"].clone();
    env.as_object_mut().unwrap().remove("TERM");
    assert_eq!(env, json!({"SHELL": "/bin/sh"}));

    let launch = world.rec(&["b.cast", "--capture-env", "TERM,MISSING,COLOUR", "-c", "true"]);
    launch.env("COLOUR", "blue").env("TOKEN", "geheim").on_terminal().wait_success();
    let cast = Cast::read(world.path("b.cast"));
    assert_eq!(cast.header["env"], json!({"TERM": "xterm-256color", "COLOUR": "blue"}));
    assert!(!cast.text.contains("geheim"));
}

#[test]
fn the_extension_decides_the_format() {
    let world = World::new();
    for file in ["s.cast", "s.cast.zst", "s.txt", "s.raw"] {
        world.rec(&[file, "--", "printf", "plain\\n\\033[31mred\\033[0m\\n"]).on_terminal().wait_success();
        assert_private(world.path(file));
    }
    let output = "plain\r\n\x1b[31mred\x1b[0m\r\n";
    assert_eq!(Cast::read(world.path("s.cast")).output(), output);
    assert_eq!(world.bytes("s.cast.zst")[..4], 0xFD2F_B528_u32.to_le_bytes(), "a zstd frame comes first");
    assert_eq!(Cast::read(world.path("s.cast.zst")).output(), output);
    assert_eq!(String::from_utf8(world.bytes("s.raw")).unwrap(), output);
    assert_eq!(String::from_utf8(world.bytes("s.txt")).unwrap(), "plain\nred\n");
}

#[test]
fn the_format_flag_wins_over_the_extension() {
    let world = World::new();
    for (format, file) in [
        ("asciicast-v3", "a.cast"),
        ("v3", "b.cast.zst"),
        ("v2", "c.anything"),
        ("asciicast-v2", "d.raw"),
        ("raw", "e.cast"),
        ("txt", "f.cast"),
    ] {
        world.rec(&[file, "-f", format, "--", "echo", "format"]).on_terminal().wait_success();
    }
    for file in ["a.cast", "b.cast.zst"] {
        let cast = Cast::read(world.path(file));
        assert_eq!(cast.header["version"], 3, "{file}");
        assert_eq!((&cast.header["term"]["cols"], &cast.header["term"]["rows"]), (&json!(100), &json!(30)));
        assert_eq!(cast.header["term"]["type"], "xterm-256color");
        assert_eq!(cast.output(), "format\r\n");
        cast.assert_end(Some("0"), "exit");
    }
    for file in ["c.anything", "d.raw"] {
        let cast = Cast::parse(&world.bytes(file), file);
        assert_eq!((&cast.header["version"], cast.output().as_str()), (&json!(2), "format\r\n"));
    }
    assert_eq!(world.bytes("e.cast"), b"format\r\n");
    assert_eq!(world.bytes("f.cast"), b"format\n");
}

#[test]
fn a_finished_container_ends_with_the_official_seek_table() {
    let world = World::new();
    world.rec(&["s.cast.zst", "--", "seq", "100"]).on_terminal().wait_success();
    let bytes = world.bytes("s.cast.zst");
    assert_eq!(bytes[bytes.len() - 4..], 0x8F92_EAB1_u32.to_le_bytes(), "the seek table's magic number");
    assert!(bytes.windows(4).any(|window| window == 0x184D_2A5C_u32.to_le_bytes()), "no seal");
}

#[test]
fn files_are_private_whatever_the_umask() {
    let world = World::new();
    let script = "umask 0; for f in a.cast a.cast.zst a.raw a.txt; do \"$CASEMATE\" rec -q $f -- true; done; \
                  \"$CASEMATE\" rec -q --log-file a.log b.cast -- true";
    world.script(script).on_terminal().wait_success();
    for file in ["a.cast", "a.cast.zst", "a.raw", "a.txt", "b.cast"] {
        assert_private(world.path(file));
    }
}

#[test]
fn an_existing_file_is_refused_before_anything_runs() {
    let world = World::new();
    for file in ["s.cast", "s.cast.zst", "s.txt", "s.raw"] {
        world.write(file, "precious\n");
        let refused = world.rec(&[file, "--", "touch", "ran"]).run().fails(file);
        assert!(refused.stderr.contains("hint: ") && refused.stderr.contains("--overwrite"), "{refused:?}");
        assert_eq!(world.bytes(file), b"precious\n");
        assert!(!world.path("ran").exists(), "the program ran");
    }
}

#[test]
fn overwrite_replaces_and_makes_private() {
    let world = World::new();
    let path = world.write("s.cast", "old ".repeat(10_000));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    world.rec(&["s.cast", "--overwrite", "--", "echo", "new"]).on_terminal().wait_success();
    let cast = Cast::read(path);
    assert_eq!(cast.output(), "new\r\n");
    assert!(!cast.text.contains("old "));
    assert_private(world.path("s.cast"));
}

#[test]
fn two_dashes_start_a_program_without_a_shell() {
    let world = World::new();
    let args = ["s.cast", "--", "printf", "%s|", "two words", "$HOME", "*", "", "-q"];
    world.rec(&args).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).output(), "two words|$HOME|*||-q|");
}

#[test]
fn a_command_goes_through_the_shell() {
    let world = World::new();
    world.rec(&["s.cast", "-c", "echo $((6*7)); echo \"$0\" | wc -l"]).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).output(), "42\r\n1\r\n");
}

#[test]
fn without_a_command_the_users_shell_runs() {
    let world = World::new();
    let shell = world.write("my-shell", "#!/bin/sh\necho I am the shell, $# arguments\n");
    std::fs::set_permissions(&shell, PermissionsExt::from_mode(0o755)).unwrap();
    let launch = world.rec(&["s.cast"]).env("SHELL", &shell.display().to_string());
    launch.on_terminal().wait_success();
    assert!(Cast::read(world.path("s.cast")).output().contains("I am the shell"));
}

#[test]
fn the_child_knows_its_session() {
    let world = World::new();
    world.rec(&["s.cast", "-c", "printf %s \"$CASEMATE_SESSION\""]).on_terminal().wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.output(), cast.session());
}

#[test]
fn the_window_size_can_be_given_whole_or_in_part() {
    let world = World::new();
    for (size, columns, rows) in [("97x31", 97, 31), ("97x", 97, 30), ("x31", 100, 31)] {
        let file = format!("{size}.cast");
        world.rec(&[&file, "--window-size", size, "--", "stty", "size"]).on_terminal().wait_success();
        let cast = Cast::read(world.path(&file));
        assert_eq!(cast.output(), format!("{rows} {columns}\r\n"), "{size}");
        assert_eq!((&cast.header["width"], &cast.header["height"]), (&json!(columns), &json!(rows)));
    }
}

#[test]
fn a_resize_is_an_event_at_its_place() {
    let world = World::new();
    let script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut session = world.rec(&["s.cast", "--no-process-facts", "-c", script]).on_terminal();
    session.wait_for("ready");
    session.resize(121, 41);
    session.wait_for("41 121");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("r"), ["121x41"]);
    let codes: Vec<_> = cast.events.iter().map(|event| event.code.as_str()).collect();
    assert_eq!(codes, ["o", "r", "o", "x", "end"]);
}

#[test]
fn with_return_the_childs_status_is_ours() {
    let world = World::new();
    for (script, status) in
        [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("exit 255", 255)]
    {
        let args = ["--overwrite", "s.cast", "--return", "--", "sh", "-c", script];
        let mut session = world.rec(&args).on_terminal();
        assert_eq!(session.wait_exit(LONG), status, "{script}");
        Cast::read(world.path("s.cast")).assert_end(Some(&status.to_string()), "exit");
    }
}

#[test]
fn without_return_the_status_says_whether_the_recording_is_good() {
    let world = World::new();
    world.rec(&["s.cast", "--", "sh", "-c", "kill -KILL $$"]).on_terminal().wait_success();
    Cast::read(world.path("s.cast")).assert_end(Some("137"), "exit");
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let world = World::new();
    world.rec(&["s.cast", "--", "/no/such/program"]).run().fails("/no/such/program");
}

#[test]
fn a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_an_error() {
    let world = World::new();
    world.rec(&["new/folder/s.cast", "--", "echo", "deep"]).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("new/folder/s.cast")).output(), "deep\r\n");
    world.write("file", "");
    world.rec(&["file/s.cast", "--", "touch", "ran"]).run().fails("file/s.cast");
    assert!(!world.path("ran").exists(), "nothing runs unrecorded");
}

#[test]
fn wrong_arguments_are_refused_before_anything_runs() {
    let world = World::new();
    for args in [
        &["--no-such-flag"][..],
        &["--window-size", "wide"],
        &["--window-size", "0x0"],
        &["-i", "nan"],
        &["-i=-1"],
        &["--max-size", "12Q"],
        &["--max-duration", "soon"],
        &["-f", "gif"],
        &["--append", "--overwrite"],
        &["--prefix-key", "nonsense"],
        &["-c", "true", "--", "true"],
    ] {
        let mut all = vec!["s.cast"];
        all.extend(args);
        if !args.contains(&"--") {
            all.extend(["--", "touch", "ran"]);
        }
        let refused = world.rec(&all).run().exits(2);
        assert!(refused.stderr.contains("error: "), "{args:?}: {refused:?}");
        assert!(!world.path("ran").exists() && !world.path("s.cast").exists(), "{args:?} did something");
    }
}

#[test]
fn the_terminal_is_as_it_was_before() {
    let world = World::new();
    // A shell keeps the terminal open, so that its modes can still be read after the recorder ended.
    let script = "stty -g > before; \"$CASEMATE\" rec s.cast -- sh -c 'stty -echo raw'; stty -g > after";
    world.script(script).on_terminal().wait_success();
    assert_eq!(world.bytes("before"), world.bytes("after"));
    assert!(world.bytes("before").len() > 20, "stty -g said nothing");
}

#[test]
fn input_is_recorded_only_on_request() {
    let world = World::new();
    for (file, flag, expected) in [("a.cast", "-q", ""), ("b.cast", "-I", "typed\r")] {
        let args = [file, flag, "--", "sh", "-c", "echo ready; read line; echo \"<$line>\""];
        let mut session = world.rec(&args).on_terminal();
        session.wait_for("ready");
        session.wait_raw();
        session.send("typed\r");
        session.wait_for("<typed>");
        session.wait_success();
        let cast = Cast::read(world.path(file));
        assert_eq!(cast.input(), expected, "{flag}");
        assert_eq!(cast.output(), "ready\r\ntyped\r\n<typed>\r\n");
    }
}
