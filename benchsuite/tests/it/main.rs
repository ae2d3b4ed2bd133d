//! The whole suite at its smallest, so that it cannot rot: the real program, real terminals, and
//! the two tools that every machine has.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casemate-benchsuite")).args(args).output().expect("the harness starts")
}

#[test]
fn the_whole_suite_runs_at_its_smallest() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("results.md");
    let output = bench(&["--tiny", "--tools", "bare,script", "--out", &out.display().to_string()]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stdout, std::fs::read_to_string(out).unwrap());
    for expected in
        ["- CPU: ", "- kernel: Linux", "## Burst: `seq 1 2000`", "## Keystroke echo", "## Idle at a bash"]
    {
        assert!(stdout.contains(expected), "no {expected} in\n{stdout}\n{stderr}");
    }
    let rows = stdout.lines().filter(|line| line.starts_with("| bare copy loop |"));
    assert_eq!(rows.count(), 4, "{stdout}");
    assert!(!stdout.contains("short in"), "the copy loop loses bytes:\n{stdout}");
}

#[test]
fn a_casemate_that_does_not_work_fails_the_suite() {
    let output =
        bench(&["--tiny", "--tools", "bare,cast", "--only", "idle", "--casemate", "/nonexistent/casemate"]);
    assert!(!output.status.success());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("- casemate `.cast`: not measured ("), "{stdout}");
    assert!(stdout.contains("**FAILED: "), "{stdout}");
}

/// A recorder that shows everything and keeps one line of it.
const FORGETFUL: &str = r#"#!/bin/sh
while [ "$1" != -- ]; do file=$1; shift; done
shift
printf '%s\n' '{"version":2,"width":80,"height":24}' '[0.1, "o", "1\r\n"]' '[0.2, "x", "0"]' >"$file"
exec "$@"
"#;

#[test]
fn a_recording_that_lost_something_fails_the_suite() {
    let directory = tempfile::tempdir().unwrap();
    let fake = directory.path().join("casemate");
    std::fs::write(&fake, FORGETFUL).unwrap();
    std::fs::set_permissions(&fake, Permissions::from_mode(0o755)).unwrap();
    let fake = fake.display().to_string();
    let output = bench(&["--tiny", "--tools", "script,cast", "--only", "burst", "--casemate", &fake]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("**LOST** in 2 of 2"), "{stdout}");
    assert!(stdout.contains("**FAILED: LOST: casemate `.cast`, `seq 1 2000`, round 1: 3 bytes"), "{stdout}");
}

/// Leads to the same shell, and keeps nothing.
const NOT_RECORDING: &str = "#!/bin/sh\nexec /bin/bash \"$@\"\n";

#[test]
fn a_login_shell_that_does_not_record_fails_the_suite() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("casemate", FORGETFUL), ("casemate-shell", NOT_RECORDING)] {
        std::fs::write(directory.path().join(name), text).unwrap();
        std::fs::set_permissions(directory.path().join(name), Permissions::from_mode(0o755)).unwrap();
    }
    let fake = directory.path().join("casemate").display().to_string();
    let accounts = std::fs::read("/etc/passwd").unwrap();
    let output = bench(&["--tiny", "--tools", "script,cast", "--only", "host", "--casemate", &fake]);
    assert_eq!(std::fs::read("/etc/passwd").unwrap(), accounts);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if stderr.contains("host: not measured: only root can") {
        assert!(output.status.success(), "{stderr}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for expected in [
        "## From login to prompt",
        "## Moving bytes",
        "**FAILED: LOST: host: 0 of 9 sessions were recorded**",
    ] {
        assert!(stdout.contains(expected), "no {expected} in\n{stdout}\n{stderr}");
    }
}

#[test]
fn unknown_arguments_are_refused() {
    for args in [&["--fast"][..], &["--only", "luck"], &["--tools", "screen"], &["--rounds"]] {
        let output = bench(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{args:?}");
    }
}
