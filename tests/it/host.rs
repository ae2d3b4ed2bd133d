//! What the tests of a wrapped host have in common.

use std::time::Duration;

use casemate_tests::machine::{Machine, RECORDINGS, Recording, Way};
use casemate_tests::{Finished, LONG, Session, wait_until};
use serde_json::Value;

/// The accounts, each with another shell: bash, zsh, fish, dash.
pub(crate) const EACH: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Status, standard output, standard error.
pub(crate) fn outcome(finished: Finished) -> (i32, String, String) {
    (finished.code, finished.text(), finished.stderr)
}

/// What is to be compared of a run that gave many bytes.
pub(crate) fn measured(finished: Finished) -> (i32, usize, u64, String) {
    (finished.code, finished.stdout.len(), checksum(&finished.stdout), finished.stderr)
}

/// FNV-1a: enough to tell bytes apart that nobody chose to look alike.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Bytes of every kind, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A machine whose recordings have a disk of their own, that nobody has filled yet.
pub(crate) fn with_disk(more: &str) -> Result<Machine, String> {
    let machine = Machine::new(Way::Login)?;
    machine.sh(&format!("mount -t tmpfs -o size=20m,mode=2770,gid=890 small {RECORDINGS}"));
    machine.configure(more);
    machine.write("/tmp/noise", noise(1 << 20));
    Ok(machine)
}

/// Leaves 200 KiB of that disk.
pub(crate) fn fill(machine: &Machine) {
    machine
        .sh(&format!("cat /dev/zero >{RECORDINGS}/rest 2>/dev/null || truncate -s -200K {RECORDINGS}/rest"));
}

/// Somebody logs in on a terminal, and stands at a prompt.
#[track_caller]
pub(crate) fn log_in(machine: &Machine, account: &str) -> Session {
    let mut session = machine.ssh(&["-tt", account]).on_terminal();
    session.wait_prompt();
    session
}

/// Waits as long as a person looks at a prompt before typing: what stands there then is one.
pub(crate) fn look(session: &Session) {
    wait_until("a rest", LONG, || (session.quiet_for() > Duration::from_millis(250)).then_some(()));
}

/// Ends a session at its prompt, and gives its status.
#[track_caller]
pub(crate) fn log_out(session: &mut Session, status: i32) -> i32 {
    session.wait_prompt();
    session.send(format!("exit {status}\r"));
    session.wait_exit(LONG)
}

/// The one event that a recording without a terminal has of some code, and that is JSON.
#[track_caller]
pub(crate) fn only(recording: &Recording, code: &str) -> Value {
    let data = recording.cast.data(code);
    assert_eq!(data.len(), 1, "one {code:?} event: {:?}", recording.cast.events);
    serde_json::from_str(data[0]).expect("the event is JSON")
}

/// Asserts that a session on a terminal was started to run a line, and gives the command event that this is, as it stands
/// beside those of what was typed.
#[track_caller]
pub(crate) fn started(recording: &Recording, account: &str, line: &str, status: i32) -> Value {
    let exec = only(recording, "exec");
    assert_eq!(recording.cast.events[0].code, "exec");
    assert_eq!((&exec["argv"][1], &exec["argv"][2]), (&"-c".into(), &line.into()), "{exec}");
    assert_eq!(exec["terminal"], true, "{exec}");
    let mut commands = recording.commands();
    commands.retain(|event| event["source"] == "exec");
    let states: Vec<_> = commands.iter().map(|event| event["state"].as_str()).collect();
    assert_eq!(states, [Some("started"), Some("finished")], "{commands:#?}");
    let finished = commands.pop().expect("there are two");
    assert_eq!((&finished["kind"], &finished["id"]), (&"shell".into(), &commands[0]["id"]), "{finished}");
    assert_eq!((&finished["command"], &finished["exit_code"]), (&line.into(), &status.into()), "{finished}");
    assert_eq!((&finished["argv"], &finished["cwd"]), (&exec["argv"], &exec["cwd"]), "{finished}");
    assert_eq!((&finished["target_user"], &finished["offset"]), (&account.into(), &0.0.into()), "{finished}");
    assert!(finished["duration"].as_f64() > Some(0.0) && finished["bytes_out"].is_null(), "{finished}");
    assert_eq!(finished["output_bytes"], recording.cast.exact_output().len(), "{finished}");
    finished
}

/// Asserts that a session without a terminal is recorded as its command line, and gives its command event.
#[track_caller]
pub(crate) fn piped(recording: &Recording, account: &str, line: &str, status: i32) -> Value {
    assert_eq!(recording.account, account);
    let exec = only(recording, "exec");
    assert_eq!(exec["argv"][1], "-c", "{exec}");
    assert_eq!(exec["argv"][2], line, "{exec}");
    recording.cast.assert_end(Some(&status.to_string()), "exit");
    let commands = recording.commands();
    let finished = commands.last().expect("a command event");
    assert_eq!((&finished["source"], &finished["kind"]), (&"exec".into(), &"shell".into()), "{finished}");
    assert_eq!(finished["exit_code"], status, "{finished}");
    assert_eq!(finished["argv"], exec["argv"], "{finished}");
    assert_eq!(finished["target_user"], account, "{finished}");
    let bytes = only(recording, "traffic");
    for (name, key) in [("bytes_in", "in"), ("bytes_out", "out"), ("bytes_err", "err")] {
        assert_eq!(finished[name], bytes[key], "{name} of {finished}");
    }
    finished.clone()
}
