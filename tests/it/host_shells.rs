//! The shells of a host, wrapped: given what they are given without us, and doing what they do.

use casemate_tests::machine::Machine;
use casemate_tests::{Finished, same};

/// The accounts, each with another shell.
const EACH: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Status, standard output, standard error.
fn outcome(finished: &Finished) -> (i32, String, String) {
    (finished.code, finished.text(), finished.stderr.clone())
}

#[test]
fn a_shell_is_given_what_it_is_given_without_us() {
    for account in EACH {
        let mark = format!("mark-{account}-given");
        let line = format!("probe; true {mark}");
        let same = same!(|machine: &Machine| {
            outcome(&machine.ssh(&["-o", "SendEnv=LC_MINE", account, &line]).env("LC_MINE", "a b\nc").run())
        });
        assert_eq!(same.value.0, 0, "{:?}", same.value);
        assert!(same.value.1.contains("no controlling terminal"), "{}", same.value.1);
        for (_, machine) in same.wrapped {
            let recording = machine.recording(&mark);
            assert_eq!(recording.account, account);
            assert!(recording.cast.data("exec").len() == 1, "{:?}", recording.cast.events);
        }
    }
}
