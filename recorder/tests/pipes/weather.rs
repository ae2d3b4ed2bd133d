//! When the recording cannot be written.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use crate::tests;
use crate::wrapped::{Place, after, exchange, noise};

tests![
    without_a_recording_there_is_no_program,
    a_recording_that_fails_ends_the_session,
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
