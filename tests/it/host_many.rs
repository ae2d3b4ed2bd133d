//! Many sessions at once, and sessions within sessions: every one is recorded, and once.

use std::collections::HashSet;
use std::thread;

use casemate_tests::machine::{Machine, Way};
use casemate_tests::{LONG, booted, process, slow_lane, turn, wait_until};

use crate::host::{EACH, log_in, log_out, look};

/// So many log in at once, half of them on a terminal; each is recorded by itself.
fn check_many(machine: &Machine, many: usize) {
    let _turn = turn();
    thread::scope(|scope| {
        for number in 0..many {
            scope.spawn(move || {
                let account = EACH[number % EACH.len()];
                let line =
                    format!("echo begin-{number}-of-{many}; sleep 1; echo mark-{number}-of-{many}-; exit 3");
                if number % 2 == 0 {
                    let mut session = machine.ssh(&["-tt", account, &line]).on_terminal();
                    assert_eq!(session.wait_exit(LONG * 4), 3, "{}", session.dump());
                } else {
                    let finished = machine.ssh(&[account, &line]).run().exits(3);
                    assert!(
                        finished.text().ends_with(&format!("mark-{number}-of-{many}-\n")),
                        "{finished:?}"
                    );
                }
            });
        }
    });
    let mut sessions = HashSet::new();
    for number in 0..many {
        let recording = machine.recording(&format!("mark-{number}-of-{many}-"));
        assert_eq!(recording.account, EACH[number % EACH.len()]);
        recording.cast.assert_end(Some("3"), "exit");
        assert!(sessions.insert(recording.cast.session().to_owned()), "an id of its own");
        if number % 2 == 0 {
            assert!(recording.cast.output().contains(&format!("begin-{number}-of-{many}\r\n")));
        }
        let commands = recording.commands();
        let ran = commands.iter().filter(|event| event["exit_code"] == 3 && event["source"] == "exec");
        assert_eq!(ran.count(), 1, "{commands:?}");
    }
}

#[test]
fn twenty_logins_at_once() {
    let machine = booted!(Machine::new(Way::Login));
    check_many(&machine, 20);
    // Nothing is left of them.
    wait_until("the end of all sessions", LONG, || {
        machine.sh("ls /run/casemate/sessions/").is_empty().then_some(())
    });
}

#[test]
fn a_hundred_logins_at_once() {
    slow_lane!();
    let machine = booted!(Machine::new(Way::Forced));
    check_many(&machine, 100);
}

#[test]
fn a_session_within_a_session_is_recorded_once() {
    let machine = booted!(Machine::new(Way::Login));
    for (start, account) in [
        ("sudo -i -u dave", "dave"),
        ("sudo su - bob", "bob"),
        ("casemate-shell", "alice"),
        ("sudo -u bob casemate-shell-usr-bin-zsh", "bob"),
    ] {
        let before = machine.recordings().len();
        let mut session = log_in(&machine, "alice");
        look(&session);
        session.send(format!("{start}\r"));
        wait_until("a shell within", LONG, || {
            (session.quiet_for().as_millis() > 400 && session.text().matches("ready> ").count() > 1)
                .then_some(())
        });
        session.send(format!("echo inside-$((40+2)) mark-within-{account}-{before}\r"));
        session.wait_for("inside-42");
        session.send("exit\r");
        session.wait_prompt();
        look(&session);
        assert_eq!(log_out(&mut session, 0), 0, "{start}");
        let recording = machine.recording(&format!("inside-42 mark-within-{account}-{before}"));
        assert_eq!(recording.account, "alice", "{start}");
        assert_eq!(machine.recordings().len(), before + 1, "{start}: one recording of both");
        let skipped = machine.noted("skipped", account);
        let last = skipped.last().unwrap_or_else(|| panic!("{start}: {:?}", machine.host_log()));
        assert_eq!(last["within"], recording.cast.session(), "{start}");
    }
}

#[test]
fn who_only_seems_to_be_within_a_session_is_recorded() {
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    // A terminal that the user made; one without any; and a claim of the environment.
    for (number, start) in [
        "script -qc 'casemate-shell -c \"echo MARK\"' /dev/null",
        "CASEMATE_SESSION=01a219c6-4e94-7227-a068-fab9dacc5f39 casemate-shell -c 'echo MARK' </dev/null 2>&1 | cat",
        "ssh-keygen -q -t ed25519 -N '' -f ~/k; cat ~/k.pub >>~/.ssh/authorized_keys; \
         ssh -tt -i ~/k -o StrictHostKeyChecking=no alice@localhost 'echo MARK'",
    ]
    .into_iter()
    .enumerate()
    {
        let before = machine.recordings().len();
        session.send(format!("{}\r", start.replace("MARK", &format!("mark-seems-$((1+{number}))"))));
        session.wait_for(&format!("mark-seems-{}", number + 1));
        session.wait_prompt();
        assert_eq!(machine.recordings().len(), before + 1, "{start}");
    }
    assert_eq!(machine.noted("skipped", "alice").len(), 0);
    log_out(&mut session, 0);
}

#[test]
fn what_goes_on_after_its_recorder_is_no_session_to_be_within() {
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    session.send("nohup sh -c 'sleep 4455; exec casemate-shell' >/dev/null 2>&1 &\r");
    let sleeper = wait_until("a job", LONG, || machine.running("sleep 4455").first().copied());
    session.hang_up();
    wait_until("the end", LONG, || machine.sh("ls /run/casemate/sessions/").is_empty().then_some(()));
    let before = machine.recordings().len();
    process::kill(sleeper);
    // It runs in the dead terminal's session, with nobody to record it but itself.
    wait_until("a recording of its own", LONG, || (machine.recordings().len() == before + 1).then_some(()));
}
