//! The prefix key: pause, marker, stop, the key itself.

use casemate_tests::{Cast, LONG, PROMPT, Session, World, need, process, wait_until};

/// `C-\`, the default.
const PREFIX: &str = "\x1c";

fn bash(world: &World, flags: &[&str]) -> Session {
    let mut args = vec!["s.cast", "-I"];
    args.extend(flags);
    args.extend(["--", "bash", "--noprofile", "-i"]);
    let mut session = world.rec(&args).on_terminal();
    session.wait_for(PROMPT);
    session.wait_raw();
    session
}

/// Waits until the file that is being written holds `count` events of `code`.
#[track_caller]
fn wait_events(world: &World, code: &str, count: usize) {
    wait_until(&format!("{count} `{code}` events in the file"), LONG, || {
        Cast::read_open(world.path("s.cast")).filter(|cast| cast.of(code).len() == count)
    });
}

#[test]
fn nothing_is_recorded_between_the_two_ends_of_a_pause() {
    let world = World::new();
    let mut session = bash(&world, &[]);
    session.send("echo before-$((40+2))\r");
    session.wait_for("before-42");
    session.wait_for(PROMPT);
    session.send(format!("{PREFIX}p"));
    wait_events(&world, "pause", 1);
    session.send("echo unseen-$((40+2))\r");
    session.wait_for("unseen-42"); // the session itself goes on
    session.wait_for(PROMPT);
    session.send(format!("{PREFIX}p"));
    wait_events(&world, "pause", 2);
    session.send("echo after-$((40+2))\r");
    session.wait_for("after-42");
    session.send("exit\r");
    session.wait_success();

    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("pause"), ["begin", "end"]);
    let codes: Vec<_> = cast.events.iter().map(|event| event.code.as_str()).collect();
    let begin = codes.iter().position(|code| *code == "pause").unwrap();
    assert_eq!(codes[begin + 1], "pause", "something was recorded while paused: {codes:?}");
    assert!(!cast.text.contains("unseen"));
    assert!(cast.output().contains("before-42") && cast.output().contains("after-42"));
    assert!(
        !cast.input().contains('\x1c') && !cast.input().contains('p'),
        "keys of ours: {:?}",
        cast.input()
    );
}

#[test]
fn a_session_that_ends_in_a_pause_still_says_how() {
    let world = World::new();
    let mut session = bash(&world, &["--return"]);
    session.send(format!("{PREFIX}p"));
    wait_events(&world, "pause", 1);
    session.send("echo unseen-$((40+2)); exit 6\r");
    assert_eq!(session.wait_exit(LONG), 6);
    let cast = Cast::read(world.path("s.cast"));
    assert!(!cast.text.contains("unseen"));
    cast.assert_end(Some("6"), "exit");
}

#[test]
fn a_marker_has_the_label_that_was_typed() {
    let world = World::new();
    let mut session = bash(&world, &[]);
    let before = session.output_len();
    session.send(format!("{PREFIX}m"));
    session.wait_for_more(before); // it asks for the label
    session.send("chapter zwei: ü\r");
    wait_events(&world, "m", 1);
    session.send("echo after-$((40+2))\r");
    session.wait_for("after-42");
    session.send(format!("{PREFIX}m\r"));
    wait_events(&world, "m", 2);
    session.send("exit\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("m"), ["chapter zwei: ü", ""]);
    assert!(!cast.output().contains("chapter"), "the question is not part of the session");
    assert_eq!(cast.input(), "echo after-$((40+2))\rexit\r", "the label is not input");
}

#[test]
fn a_label_can_be_corrected_while_typing() {
    let world = World::new();
    let mut session = bash(&world, &[]);
    session.send(format!("{PREFIX}mwrong\x7f\x7f\x7f\x7f\x7fright\r"));
    wait_events(&world, "m", 1);
    session.send("exit\r");
    session.wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).data("m"), ["right"]);
}

#[test]
fn a_marker_over_a_full_screen_program_leaves_its_screen_alone() {
    need!("less");
    let world = World::new();
    world.write("text", (1..=200).map(|line| format!("row {line}\n")).collect::<String>());
    let mut session = world.rec(&["s.cast", "-q", "--", "less", "text"]).on_terminal();
    session.wait_screen("row 29");
    session.wait_raw();
    // The last line is the pager's own: drawn anew, it no longer names the file.
    let rows = |screen: String| {
        screen.lines().filter(|line| line.starts_with("row ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = rows(session.screen());
    let length = session.output_len();
    session.send(format!("{PREFIX}m"));
    session.wait_for_more(length);
    session.send("in less\r");
    wait_events(&world, "m", 1);
    wait_until("the screen of less as it was", LONG, || (rows(session.screen()) == before).then_some(()));
    session.send("G");
    session.wait_screen("row 200");
    session.send("q");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("m"), ["in less"]);
    assert!(!cast.output().contains("in less"));
}

#[test]
fn stop_ends_session_and_recording() {
    let world = World::new();
    let mut session = bash(&world, &[]);
    let family = process::descendants(session.pid());
    session.send(format!("{PREFIX}q"));
    session.wait_success();
    process::wait_gone(&family, LONG);
    Cast::read(world.path("s.cast")).assert_end(None, "stopped");
}

/// A child that takes bytes as they are, and shows the first `count` of them in hexadecimal.
fn hexdump(world: &World, flags: &[&str], count: usize) -> Session {
    let script = format!(
        "stty raw -echo; printf '\\033[?2004hgo\\n'; head -c {count} | od -An -v -tx1 | tr -d ' \\n'"
    );
    let mut args = vec!["s.cast", "-q"];
    args.extend(flags);
    args.extend(["-c", &script]);
    let mut session = world.rec(&args).on_terminal();
    session.wait_for("go\n");
    session.wait_raw();
    session
}

#[test]
fn the_prefix_twice_is_the_key_itself() {
    let world = World::new();
    let mut session = hexdump(&world, &[], 3);
    session.send(format!("a{PREFIX}"));
    session.send(format!("{PREFIX}b"));
    session.wait_for("611c62");
    session.wait_success();
}

#[test]
fn without_a_prefix_key_every_key_goes_through() {
    let world = World::new();
    let mut session = hexdump(&world, &["--prefix-key", "none"], 3);
    session.send(format!("{PREFIX}pq"));
    session.wait_for("1c7071");
    session.wait_success();
}

#[test]
fn another_prefix_key() {
    let world = World::new();
    let mut session = hexdump(&world, &["--prefix-key", "C-a"], 3);
    session.send(format!("{PREFIX}\x01p"));
    wait_events(&world, "pause", 1);
    session.send("\x01pxy");
    wait_events(&world, "pause", 2);
    session.wait_for("1c7879");
    session.wait_success();
}

#[test]
fn a_key_in_the_middle_of_a_burst_is_taken() {
    let world = World::new();
    let mut session = hexdump(&world, &[], 5);
    session.send(format!("ab{PREFIX}pcd"));
    wait_events(&world, "pause", 1);
    session.send(format!("{PREFIX}p"));
    wait_events(&world, "pause", 2);
    session.send("e");
    session.wait_for("6162636465");
    session.wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).data("pause"), ["begin", "end"]);
}

/// Pastes something with keys of ours in it, cut into two reads behind `cut` bytes.
fn paste(cut: usize) {
    let world = World::new();
    let paste = format!("\x1b[200~x{PREFIX}py{PREFIX}q\x1b[201~");
    let mut session = hexdump(&world, &[], paste.len());
    session.send(&paste[..cut]);
    if cut > 0 {
        std::thread::sleep(std::time::Duration::from_millis(50)); // nothing shows that the first read is over
    }
    session.send(&paste[cut..]);
    let hex: String = paste.bytes().map(|byte| format!("{byte:02x}")).collect();
    session.wait_for(&hex);
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.data("pause"), [""; 0]);
    cast.assert_end(Some("0"), "exit");
}

#[test]
fn a_key_in_a_bracketed_paste_is_text() {
    paste(0);
}

#[test]
fn a_key_in_a_paste_that_comes_in_two_reads_is_text() {
    paste(8);
    paste(14);
}

#[test]
fn a_key_in_a_paste_whose_first_bracket_is_cut_is_text() {
    paste(3);
}

#[test]
fn the_key_works_again_after_a_paste() {
    let world = World::new();
    let mut session = hexdump(&world, &[], 14);
    session.send(format!("\x1b[200~x\x1b[201~{PREFIX}p"));
    wait_events(&world, "pause", 1);
    session.send(format!("{PREFIX}py"));
    session.wait_for("79");
    session.wait_success();
    assert_eq!(Cast::read(world.path("s.cast")).data("pause"), ["begin", "end"]);
}
