//! What hung, lost, leaked or grew without bound once, and must not again.

use std::time::Duration;

use casemate_tests::{Cast, LONG, PROMPT, World, need, process, wait_until};
use rustix::process::Signal;

/// `C-\`, the default, then `m`.
const MARKER: &str = "\x1cm";

#[test]
fn a_session_ends_although_the_label_is_still_being_typed() {
    let world = World::new();
    let mut session =
        world.rec(&["s.cast", "-q", "--", "sh", "-c", "echo up; sleep 1; echo down"]).on_terminal();
    session.wait_for("up");
    session.send(format!("{MARKER}half a la"));
    session.wait_for("half a la");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    cast.assert_end(Some("0"), "exit");
    assert_eq!(cast.output(), "up\r\ndown\r\n");
}

#[test]
fn a_recorder_is_terminated_although_the_label_is_still_being_typed() {
    let world = World::new();
    let mut session = world.rec(&["s.cast", "-q", "--", "sh", "-c", "echo up; sleep 3005"]).on_terminal();
    session.wait_for("up");
    let family = process::descendants(session.pid());
    let length = session.output_len();
    session.send(MARKER);
    session.wait_for_more(length);
    session.signal(Signal::TERM);
    assert_eq!(session.wait_exit(LONG), 143);
    process::wait_gone(&family, LONG);
    Cast::read(world.path("s.cast")).assert_end(None, "signal TERM");
}

#[test]
fn keys_behind_a_label_are_commands_again() {
    let world = World::new();
    let mut session = world.rec(&["s.cast", "-q", "--", "sh"]).on_terminal();
    session.wait_for(PROMPT);
    session.send(format!("{MARKER}one\r{MARKER}two\r\x1cq"));
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("m"), ["one", "two"]);
    cast.assert_end(None, "stopped");
}

#[test]
fn a_paste_into_a_label_runs_nothing() {
    let world = World::new();
    let mut session = world.rec(&["s.cast", "-q", "--", "sh"]).on_terminal();
    session.wait_for(PROMPT);
    session.send(format!("{MARKER}\x1b[200~first\rtouch pwned\rmore\x1b[201~\r"));
    session.send("exit\r");
    session.wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).data("m"), ["first touch pwned more"]);
    assert!(!world.path("pwned").exists());
}

#[test]
fn the_reader_of_a_pipe_leaves() {
    let world = World::new();
    world.write(
        "flood",
        "i=0; while [ $i -lt 40 ]; do head -c 50000 /dev/zero | tr '\\0' x; i=$((i+1)); done",
    );
    let script = "mkfifo pipe; head -c 100 pipe >/dev/null & \
                  timeout 20 \"$CASEMATE\" rec --headless pipe -- sh flood; echo status $?";
    let run = world.script(script).run();
    assert!(run.text().contains("status 1"), "{} {}", run.text(), run.stderr);
}

#[test]
fn the_reader_of_a_pipe_stops_reading() {
    let world = World::new();
    // Before and after the end of the session.
    for (program, patience) in [("yes", 0), ("head -c 300000 /dev/zero", 1)] {
        let script = format!(
            "mkfifo pipe; sleep 60 <pipe & reader=$!; \"$CASEMATE\" rec -q --headless pipe -- {program} & \
             sleep 1; sleep {patience}; kill -TERM $!; wait $!; echo status $?; kill $reader; rm pipe"
        );
        let run = world.script(&script).run();
        assert!(run.took < Duration::from_secs(15), "{:?}", run.took);
        assert!(
            ["status 1\n", "status 143\n"].contains(&run.text().as_str()),
            "{} {}",
            run.text(),
            run.stderr
        );
        assert!(run.stderr.contains("signal"), "{}", run.stderr);
    }
}

#[test]
fn two_recorders_do_not_share_a_file() {
    let world = World::new();
    let mut first = world.rec(&["s.cast", "-q", "-a", "--", "sh", "-c", "echo first; read x"]).on_terminal();
    first.wait_for("first");
    wait_until("the first line in the file", LONG, || {
        Cast::read_open(world.path("s.cast")).filter(|cast| cast.output().contains("first"))
    });
    world.rec(&["s.cast", "-q", "-a", "--", "echo", "second"]).run().fails("another recorder");
    first.send("\r");
    first.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    cast.assert_end(Some("0"), "exit");
    assert!(cast.of("session").is_empty() && !cast.output().contains("second"));
}

#[test]
fn characters_cut_by_a_rotation_are_whole() {
    let world = World::new();
    // Each byte of `é€😀` on its own, each long enough for a part of its own.
    let bytes = "é€😀".bytes().map(|byte| format!("printf '\\{byte:o}'; sleep 0.03; ")).collect::<String>();
    world.rec(&["s.cast", "-q", "--headless", "--max-size", "1", "--", "sh", "-c", &bytes]).run().success();
    let mut parts: Vec<_> = world.names(".").into_iter().filter(|name| name.starts_with("s.")).collect();
    parts.sort_by_key(|name| name.split('.').nth(1).and_then(|part| part.parse::<u32>().ok()).unwrap_or(1));
    let mut args = vec!["cat".to_owned()];
    args.extend(parts);
    let joined = world.casemate(&args).run().success();
    assert_eq!(Cast::parse(&joined.stdout, "casemate cat").output(), "é€😀");
}

#[test]
fn a_program_that_cannot_be_started_costs_no_recording() {
    let world = World::new();
    world.write("keep.cast", "precious");
    let good = "{\"version\":2,\"width\":80,\"height\":24}\n[1.0, \"o\", \"kept\"]\n";
    world.write("good.cast", good);
    for program in ["/nonexistent", "nonexistent-program", "."] {
        world.rec(&["keep.cast", "--overwrite", "--", program]).run().fails("cannot start");
        world.rec(&["good.cast", "-a", "--", program]).run().fails("cannot start");
        world.rec(&["new.cast", "--", program]).run().fails("cannot start");
    }
    assert_eq!(world.bytes("keep.cast"), b"precious");
    assert_eq!(world.bytes("good.cast"), good.as_bytes());
    assert!(!world.path("new.cast").exists());
}

#[test]
fn an_empty_file_may_be_recorded_to() {
    let world = World::new();
    world.write("s.cast", "");
    world.rec(&["s.cast", "-q", "--", "echo", "hello"]).on_terminal().wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).output(), "hello\r\n");
}

#[test]
fn signals_that_the_parent_blocked_are_heard() {
    let world = World::new();
    let script = "timeout 20 env --block-signal=CHLD --block-signal=TERM \"$CASEMATE\" rec -q --headless s.cast -- echo done";
    world.script(script).run().success();
    assert_eq!(Cast::read(world.path("s.cast")).output(), "done\r\n");
}

#[test]
fn what_the_parent_ignored_stays_ignored() {
    let world = World::new();
    let script = "trap '' HUP; \"$CASEMATE\" rec -q --headless s.cast -- sh -c 'echo first; sleep 1; echo last' & \
                  until grep -q first s.cast 2>/dev/null; do sleep 0.01; done; kill -HUP $!; wait $!";
    world.script(script).run().success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.output(), "first\r\nlast\r\n");
    cast.assert_end(Some("0"), "exit");
    // The terminal goes, and the session goes on.
    let script = "trap '' HUP; exec \"$CASEMATE\" rec -q t.cast -- sh -c 'echo first; sleep 1; echo last'";
    let mut session = world.script(script).on_terminal();
    session.wait_for("first");
    session.hang_up();
    wait_until("the end of the session", LONG, || {
        Cast::read_open(world.path("t.cast")).filter(|cast| cast.output().contains("last"))
    });
}

#[test]
fn a_bomb_stays_small() {
    need!("zstd");
    let world = World::new();
    // 500 MB in a few kilobytes: one line without end, and nothing but line ends.
    for fill in ["x", "\\\\n"] {
        let make = format!(
            "( echo '{{\"version\":2,\"width\":80,\"height\":24}}'; head -c 500000000 /dev/zero | tr '\\\\0' \"{fill}\" ) | zstd -q -f -o bomb.cast.zst"
        );
        world.script(&make).run().success();
        // Address space, which is more than what is used of it.
        world.script("ulimit -v 600000; exec \"$CASEMATE\" info bomb.cast.zst").run().success();
        world.script("ulimit -v 600000; exec \"$CASEMATE\" convert bomb.cast.zst out.cast").run().success();
        std::fs::remove_file(world.path("out.cast")).unwrap();
    }
}

#[test]
fn a_program_that_types_for_a_person_takes_no_memory() {
    let world = World::new();
    let script = "head -c 3000000 /dev/zero | tr '\\\\0' 'y' | ( ulimit -v 600000; timeout 30 \"$CASEMATE\" rec -q -I --headless s.cast -- \
                  sh -c 'stty raw -echo; timeout 3 cat >/dev/null' ); echo status $?";
    let run = world.script(script).run();
    assert!(run.text().contains("status 0"), "{} {}", run.text(), run.stderr);
    Cast::read(world.path("s.cast")).assert_end(None, "exit");
}
