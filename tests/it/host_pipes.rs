//! Sessions without a terminal on a wrapped host: what they leave unread, what is recorded of what passes, and what
//! becomes of them where the recorder cannot go on.

use std::time::Duration;

use casemate_tests::machine::{Machine, RECORDINGS, Way};
use casemate_tests::{Cast, LONG, Session, booted, process, same, wait_until};

use crate::host::{EACH, noise, only, outcome};

#[test]
fn what_a_command_does_not_read_is_there_for_the_next() {
    for account in EACH {
        for line in [
            "printf 'a\\nb\\nc\\n' | (su ACCOUNT -c 'read x; echo $x'; echo rest; cat)",
            "printf 'a\\nb\\nc\\n' | (su ACCOUNT -c 'read x </dev/null; true'; echo rest; cat)",
            "seq 20000 | (su ACCOUNT -c 'head -c 5000 | wc -c'; cat | wc -c)",
            "seq 20000 | (su ACCOUNT -c 'exec /bin/true'; sudo -u ACCOUNT -i true; cat | wc -c)",
            "printf '%s\\n' one two three | while read host; do su ACCOUNT -c \"echo on $host\"; done",
            "yes | (su ACCOUNT -c 'head -n 1 >/dev/null'; echo $?)",
            "printf 'cat\\nrest\\n' | (su - ACCOUNT; echo $?)",
        ] {
            let line = line.replace("ACCOUNT", account);
            let same = same!(|machine: &Machine| outcome(machine.root("sh").args(&["-c", &line]).run()));
            assert_eq!(same.value.0, 0, "{line}: {:?}", same.value);
        }
    }
}

#[test]
fn what_is_counted_is_what_was_read() {
    let machine = booted!(Machine::new(Way::Login));
    machine.configure("[policy]\npipes = \"content\"\n");
    let line = "printf 'a\\nb\\nc\\n' | (su dave -c 'read x; echo $x; true mark-read'; cat)";
    let finished = machine.root("sh").args(&["-c", line]).run().success();
    assert_eq!(finished.text(), "a\nb\nc\n");
    let recording = machine.recording("mark-read");
    assert_eq!(only(&recording, "traffic")["in"], 2);
    assert_eq!(recording.cast.exact("i"), b"a\n");
}

#[test]
fn a_command_from_a_terminal_with_nothing_to_read() {
    for account in EACH {
        let line =
            format!("su {account} -c 'cat; echo ran; probe >/dev/null; exit 5' </dev/null; echo status $?");
        let same = same!(|machine: &Machine| {
            let mut session = machine.root("sh").args(&["-c", &line]).env("TERM", "xterm").on_terminal();
            (session.wait_exit(LONG), session.text())
        });
        assert_eq!(same.value, (0, "ran\r\nstatus 5\r\n".to_owned()));
    }
}

/// A recorded session's file, unlike those that are read once they are finished.
fn unfinished(machine: &Machine) -> Cast {
    let path = machine.recordings().pop().unwrap();
    let inside = path.strip_prefix(machine.path("/")).unwrap().display().to_string();
    let verified = machine.root("casemate").args(&["verify", &format!("/{inside}")]).run();
    assert!(verified.code != 0 && verified.text().contains("UNFINISHED"), "{verified:?}");
    Cast::read_open(&path).unwrap()
}

/// A session of alice's without a terminal, and its two recorders: the one that stands in for the program, and the one
/// that keeps the recording.
fn victim(machine: &Machine, line: &str) -> (Session, [u32; 2]) {
    let mut session = machine.ssh(&["-T", "alice", line]).on_terminal();
    session.wait_for("began");
    let ours = |pid: &u32| {
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        exe.ends_with("casemate-shell")
    };
    let found: Vec<u32> = machine.processes().into_iter().filter(ours).collect();
    assert_eq!(found.len(), 2, "a stand-in and a keeper");
    let parent_of = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
        line.trim().parse::<u32>().unwrap()
    };
    let [one, other] = [found[0], found[1]];
    (session, if parent_of(one) == other { [other, one] } else { [one, other] })
}

fn gone(machine: &Machine, command: &str) {
    wait_until(command, LONG, || machine.running(command).is_empty().then_some(()));
}

#[test]
fn a_killed_stand_in_takes_the_program_with_it() {
    for mode in ["strict", "best-effort"] {
        let machine = booted!(Machine::new(Way::Login));
        machine.configure(&format!("[policy]\nmode = \"{mode}\"\n"));
        let line = "trap 'touch /tmp/asked' HUP TERM EXIT; sleep 4412 & echo began; wait; touch /tmp/went-on; \
                    true mark-stand-in";
        let (mut session, [stand_in, _]) = victim(&machine, line);
        let shell = format!("bash -c {line}");
        // Until it is another program, what it starts is one more of it.
        wait_until("the shell alone", LONG, || (machine.running(&shell).len() == 1).then_some(()));
        machine.kill(&[stand_in]);
        gone(&machine, &shell);
        // What it left behind is carried for, and recorded, to its end.
        let left = machine.running("sleep 4412");
        assert_eq!(left.len(), 1, "{mode}");
        machine.kill(&left);
        assert_eq!(session.wait_exit(LONG), 255, "{mode}");
        let recording = machine.recording("mark-stand-in");
        recording.cast.assert_end(Some("137"), "signal KILL");
        assert_eq!(only(&recording, "traffic")["out"], 6, "{mode}");
        assert!(!machine.path("/tmp/went-on").exists() && !machine.path("/tmp/asked").exists(), "{mode}");
    }
}

#[test]
fn a_killed_keeper_takes_a_strict_session_with_it() {
    let machine = booted!(Machine::new(Way::Login));
    let line = "trap 'touch /tmp/asked' HUP TERM EXIT; echo began; (trap 'touch /tmp/asked' HUP TERM EXIT; sleep 4413; \
                touch /tmp/went-on) & sleep 4414; touch /tmp/went-on; true mark-keeper";
    let (mut session, [_, keeper]) = victim(&machine, line);
    machine.kill(&[keeper]);
    assert_eq!(session.wait_exit(LONG), 255);
    // Not even what it had started, and would have gone on by itself.
    gone(&machine, "sleep 4413");
    gone(&machine, "sleep 4414");
    assert!(!machine.path("/tmp/went-on").exists() && !machine.path("/tmp/asked").exists());
    let cast = unfinished(&machine);
    assert!(cast.text.contains("mark-keeper") && cast.data("x").is_empty(), "{}", cast.text);
}

#[test]
fn a_killed_keeper_leaves_other_sessions_alone() {
    let machine = booted!(Machine::new(Way::Login));
    machine.configure("[policy]\nmode = \"best-effort\"\n");
    let line =
        "echo began; until [ -e /tmp/go ]; do sleep 0.01; done; touch /tmp/went-on; exit 7; true mark-kept";
    let (mut session, [_, keeper]) = victim(&machine, line);
    machine.kill(&[keeper]);
    process::wait_gone(&[keeper], Duration::from_secs(2));
    machine.write("/tmp/go", "");
    assert_eq!(session.wait_exit(LONG), 7);
    assert!(machine.path("/tmp/went-on").exists());
    assert!(unfinished(&machine).text.contains("mark-kept"));
}

#[test]
fn a_full_disk_ends_a_strict_session_at_once() {
    let machine = booted!(Machine::new(Way::Login));
    machine.sh(&format!("mount -t tmpfs -o size=20m,mode=2770,gid=890 small {RECORDINGS}"));
    machine.configure("[policy]\npipes = \"content\"\npipes-limit = \"unlimited\"\n");
    machine.write("/tmp/noise", noise(1 << 20));
    let line =
        "trap 'touch /tmp/asked' HUP TERM EXIT; while :; do cat /tmp/noise || touch /tmp/went-on; done";
    let finished = machine.ssh(&["alice", line]).run();
    assert_eq!(finished.code, 255);
    assert!(finished.stderr.contains("casemate: the recording cannot be written"), "{}", finished.stderr);
    assert!(finished.stdout.len() > 4 << 20, "{}", finished.stdout.len());
    assert!(!machine.path("/tmp/went-on").exists() && !machine.path("/tmp/asked").exists());
    let noted = wait_until("the end is written down", LONG, || {
        Some(machine.noted("refused", "alice")).filter(|noted| !noted.is_empty())
    });
    assert_eq!(noted.len(), 1, "{noted:?}");
}

#[test]
fn content_is_kept_to_its_limit_and_shown_as_lines() {
    let machine = booted!(Machine::new(Way::Login));
    machine.configure("[policy]\npipes = \"content\"\npipes-limit = \"3000\"\n");
    let bytes = noise(5000);
    machine.write("/tmp/noise", &bytes);
    let line = "printf 'one\\ntwo\\n'; cat /tmp/noise; true mark-limit";
    let finished = machine.ssh(&["alice", line]).run().success();
    let passed = [b"one\ntwo\n", &bytes[..]].concat();
    assert_eq!(finished.stdout, passed);
    let recording = machine.recording("mark-limit");
    let path = recording.path.strip_prefix(machine.path("/")).unwrap().display().to_string();
    machine.root("casemate").args(&["convert", "-f", "raw", &format!("/{path}"), "/tmp/raw"]).run().success();
    assert!(
        std::fs::read(machine.path("/tmp/raw")).unwrap() == passed[..3000],
        "what was recorded comes back"
    );
    let gaps: Vec<serde_json::Value> =
        recording.cast.data("gap").iter().map(|gap| serde_json::from_str(gap).unwrap()).collect();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert_eq!((&gaps[0]["stream"], &gaps[0]["limit"]), (&"out".into(), &3000.into()));
    assert_eq!((&gaps[1]["stream"], &gaps[1]["bytes"]), (&"out".into(), &2008.into()));
    assert_eq!(only(&recording, "traffic")["out"], 5008);

    machine.configure("[policy]\npipes = \"content\"\n");
    machine.ssh(&["alice", "printf 'one\\ntwo\\nthree'; true mark-lines"]).run().success();
    let recording = machine.recording("mark-lines");
    assert_eq!(recording.cast.output(), "one\ntwo\nthree");
    let path = recording.path.strip_prefix(machine.path("/")).unwrap().display().to_string();
    let shown = machine.root("casemate").args(&["screen", &format!("/{path}")]).run().success().text();
    assert_eq!(shown.lines().map(str::trim_end).take(3).collect::<Vec<_>>(), ["one", "two", "three"]);
    let text =
        machine.root("casemate").args(&["convert", "-f", "txt", &format!("/{path}"), "-"]).run().success();
    assert_eq!(text.text(), "one\ntwo\nthree\n");
    machine.root("casemate").args(&["verify", "--screens", &format!("/{path}")]).run().success();
}
