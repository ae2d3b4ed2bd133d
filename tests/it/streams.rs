//! `rec -`, standard input, default names, and what is said where.

use casemate_tests::{Cast, LONG, World};

use crate::rec::assert_private;

#[test]
fn a_recording_to_standard_output_leaves_the_screen_on_the_terminal() {
    let world = World::new();
    let mut session = world
        .script("\"$CASEMATE\" rec - -- sh -c 'printf on-screen' > out.cast; echo \"status $?\"")
        .on_terminal();
    session.wait_for("on-screen");
    session.wait_for("status 0");
    session.wait_success();
    let cast = Cast::read(world.path("out.cast"));
    assert_eq!(cast.header["version"], 2);
    assert_eq!(cast.output(), "on-screen");
    cast.assert_end(Some("0"), "exit");
    assert!(!session.text().contains("\"version\""), "the recording is on the screen\n{}", session.dump());
}

#[test]
fn a_recording_to_a_pipe_holds_nothing_but_the_recording() {
    let world = World::new();
    for (format, start) in
        [("v2", "{\"version\":2"), ("v3", "{\"version\":3"), ("raw", "piped\r\n"), ("txt", "piped\n")]
    {
        let run = world.rec(&["-", "-f", format, "--", "echo", "piped"]).run().success();
        let text = run.text();
        assert!(text.starts_with(start), "{format}: {text}");
        if format.starts_with('v') {
            assert_eq!(Cast::parse(&run.stdout, format).output(), "piped\r\n");
        } else {
            assert_eq!(text, start);
        }
    }
}

#[test]
fn a_reader_of_the_recording_that_leaves_is_an_incomplete_recording() {
    let world = World::new();
    let script =
        "{ \"$CASEMATE\" rec - -- sh -c 'seq 200000; touch finished' 2>err; echo $? > status; } | head -1";
    let run = world.script(script).run().success();
    assert!(run.text().starts_with("{\"version\":2"), "{run:?}");
    assert_eq!(world.bytes("status"), b"1\n", "stderr: {}", String::from_utf8_lossy(&world.bytes("err")));
    assert!(world.path("finished").exists(), "the session did not go on");
}

#[test]
fn without_a_name_the_recording_goes_to_the_users_folder_and_says_so() {
    let world = World::new();
    for (data_home, folder) in
        [(None, ".local/share/casemate/recordings"), (Some("data"), "data/casemate/recordings")]
    {
        let mut launch = world.rec(&["--", "echo", "default"]);
        if let Some(name) = data_home {
            launch = launch.env("XDG_DATA_HOME", &world.path(name).display().to_string());
        }
        let mut session = launch.on_terminal();
        session.wait_success();
        let names = world.names(folder);
        assert_eq!(names.len(), 1, "{folder}: {names:?}");
        let name = format!("{folder}/{}", names[0]);
        assert!(name.ends_with(".cast.zst"), "{name}");
        assert_private(world.path(&name));
        let cast = Cast::read(world.path(&name));
        assert_eq!(cast.output(), "default\r\n");
        // A long path is wrapped by the terminal, not by us: the bytes hold it in one piece.
        assert!(session.text().contains(&names[0]), "not said where\n{}", session.dump());
    }
}

#[test]
fn two_default_names_never_collide() {
    let world = World::new();
    let script = "for i in 1 2 3 4 5 6; do \"$CASEMATE\" rec -q -- echo $i & done; wait";
    world.script(script).run().success();
    assert_eq!(world.names(".local/share/casemate/recordings").len(), 6);
}

#[test]
fn standard_input_is_forwarded_and_its_end_passed_on() {
    let world = World::new();
    let run = world
        .rec(&["s.cast", "--return", "--", "sh"])
        .run_with_input(b"echo from-$((40+2))\nexit 5\n")
        .exits(5);
    assert!(Cast::read(world.path("s.cast")).output().contains("from-42"), "{run:?}");

    // `cat` ends only because the end of its input reaches it, on its own line.
    world.rec(&["t.cast", "--return", "--", "cat"]).run_with_input(b"whole line\n").success();
    let cast = Cast::read(world.path("t.cast"));
    assert_eq!(cast.output().matches("whole line\r\n").count(), 2, "echo and copy: {:?}", cast.output());

    world
        .rec(&["u.cast", "--return", "--", "wc", "-c"])
        .run_with_input("0123456\n".repeat(20_000).as_bytes())
        .success();
    let output = Cast::read(world.path("u.cast")).output();
    assert!(output.trim_end().ends_with("160000"), "{}", &output[output.len() - 40..]);
}

#[test]
fn headless_keeps_off_the_terminal() {
    let world = World::new();
    let mut session =
        world.rec(&["s.cast", "-q", "--headless", "--", "sh", "-c", "stty size; echo unseen"]).on_terminal();
    session.wait_success();
    assert!(!session.text().contains("unseen"), "{}", session.dump());
    let cast = Cast::read(world.path("s.cast"));
    assert!(cast.output().ends_with("unseen\r\n"));
    let size = format!("{} {}\r\n", cast.header["height"], cast.header["width"]);
    assert!(cast.output().starts_with(&size), "header and terminal differ: {size:?} {:?}", cast.output());
}

#[test]
fn quiet_leaves_nothing_but_the_session_on_the_terminal() {
    let world = World::new();
    let mut session = world.rec(&["s.cast", "-q", "--", "printf", "only this"]).on_terminal();
    session.wait_success();
    assert_eq!(session.text(), "only this");

    let mut talking = world.rec(&["t.cast", "--", "printf", "only this"]).on_terminal();
    talking.wait_success();
    assert!(talking.text().contains("t.cast"), "not said where the recording is\n{}", talking.dump());
}

#[test]
fn the_log_never_holds_what_was_on_the_screen() {
    let world = World::new();
    let args = ["s.cast", "-I", "--log-file", "rec.log", "--", "sh", "-c", "read x; echo shown-$x"];
    let mut session = world.rec(&args).on_terminal();
    session.wait_raw();
    session.send("TYPED\r");
    assert_eq!(session.wait_exit(LONG), 0);
    let log = String::from_utf8(world.bytes("rec.log")).unwrap();
    assert!(!log.is_empty(), "an empty log");
    assert!(!log.contains("TYPED") && !log.contains("shown"), "{log}");
    assert_private(world.path("rec.log"));
}
