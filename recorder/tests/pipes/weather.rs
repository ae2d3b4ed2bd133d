//! When the recording cannot be written.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use crate::tests;
use crate::wrapped::{Place, after, exchange, noise};

tests![
    without_a_recording_there_is_no_program,
    a_recording_that_fails_ends_the_session,
    nothing_more_is_done_in_it,
    or_the_session_goes_on,
];

fn without_a_recording_there_is_no_program() {
    let place = Place::new();
    std::fs::write(place.file(), "there already").unwrap();
    let given = exchange(place.bash("echo ran").spawn().unwrap(), b"");
    assert_eq!(given.status.code(), Some(70));
    assert_eq!(given.text().0, "");
    assert!(given.text().1.starts_with("cannot record to `"), "{}", given.text().1);
}

/// No file may become longer than that.
fn limited(place: &Place, argv: &[&str]) -> Command {
    after("ulimit -f 64", &place.wrap(argv))
}

fn a_recording_that_fails_ends_the_session() {
    let place = Place::recording("content");
    let mut command = limited(&place, &["bash", "-c", "cat /dev/urandom; sleep 100"]);
    let given = exchange(command.stdin(Stdio::null()).spawn().unwrap(), b"");
    assert!(given.status.signal().is_some(), "{:?}", given.status);
    let told = given.text_of_errors();
    assert!(told.contains("casemate: the recording cannot be written: "), "{told}");
    assert!(told.contains("nothing may go on unrecorded here"), "{told}");
}

/// Neither by the program nor by what it has started, whatever they do when they are asked to end.
fn nothing_more_is_done_in_it() {
    let place = Place::recording("content");
    let done = place.path().join("done");
    let script = "trap 'echo asked >>$0' HUP TERM EXIT; \
        (trap 'echo asked >>$0' HUP TERM PIPE EXIT; echo $BASHPID; while :; do (echo x >>$0.counted); done) & \
        cat /dev/urandom";
    let argv = ["bash", "-c", script, done.to_str().unwrap()];
    let mut command = limited(&place, &argv);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()).ok());
    assert_eq!(exchange(child, b"").status.signal(), Some(9));
    assert!(!done.exists(), "{:?}", std::fs::read_to_string(&done));
    let started = format!("/proc/{}", line.trim());
    assert!(!std::path::Path::new(&started).exists(), "{started} goes on");
}

fn or_the_session_goes_on() {
    let place = Place::recording("content goes-on");
    let input = noise(8 << 20);
    let given = exchange(limited(&place, &["cat"]).spawn().unwrap(), &input);
    assert!(given.out == input && given.status.success());
    let told = given.text_of_errors();
    assert!(told.contains("from here on nothing is recorded"), "{told}");
    // What was written stays.
    assert!(place.events_so_far().iter().any(|event| event.0 == "i"));
}
