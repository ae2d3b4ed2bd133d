//! Sessions that are jobs of root's shell on a terminal: `su` and `sudo`, stopped, woken, in the background, left behind.

use std::time::Duration;

use casemate_tests::machine::Machine;
use casemate_tests::{LONG, PROMPT, Session, process, same, wait_until};

use crate::host::{EACH, log_out, look};

/// Root sits at a terminal of this machine.
fn root(machine: &Machine) -> Session {
    let launch = machine.root("bash").args(&["--norc"]).env("TERM", "xterm").env("PS1", PROMPT);
    let mut session = launch.on_terminal();
    session.wait_prompt();
    session
}

/// Root's shell has the terminal again, as it had left it.
fn check_root(session: &mut Session) {
    session.wait_prompt();
    session.send("echo modes $(stty -a | grep -oE -e '-?(icanon|isig)')\r");
    session.wait_for("modes isig icanon\r\n");
    session.wait_prompt();
}

/// What root began is recorded where the account's shell is ours.
fn check_recorded(machine: &Machine, account: &str, mark: &str) {
    if machine.shell_of(account).contains("casemate") {
        assert_eq!(machine.recording(mark).account, account);
    }
}

#[test]
fn what_is_left_in_the_background_lives_on() {
    for (number, start) in [
        "su alice -c 'LINE'",
        "su - alice -c 'LINE'",
        "su alice --session-command='LINE'",
        "sudo -i -u alice sh -c 'LINE'",
        "sudo -u alice -i eval 'LINE'",
    ]
    .into_iter()
    .enumerate()
    {
        let (sleep, mark) = (format!("sleep 44{number}"), format!("mark-left-{number}"));
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(start.replace("LINE", &format!("{sleep} & echo {mark}")) + "\r");
            let left = wait_until("a job", LONG, || machine.running(&sleep).first().copied());
            session.wait_for(&format!("{mark}\r\n"));
            session.wait_for(PROMPT);
            check_root(&mut session);
            // What ended with the session is gone by then.
            std::thread::sleep(Duration::from_millis(300));
            let survived = process::alive(left);
            process::kill(left);
            check_recorded(machine, "alice", &mark);
            (log_out(&mut session, 3), survived)
        });
        assert_eq!(same.value, (3, true), "{start}");
    }
}

#[test]
fn a_shell_that_suspends_itself() {
    for account in ["alice", "bob"] {
        let mark = format!("mark-{account}-suspended");
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(format!("su {account}\r"));
            session.wait_for(&format!("su {account}\r\n"));
            session.wait_for(PROMPT);
            session.wait_prompt();
            session.send("suspend\r");
            session.wait_for("Stopped");
            check_root(&mut session);
            session.send("fg\r");
            session.wait_for(&format!("su {account}"));
            session.send(format!("echo {mark}-$((1+1))\r"));
            session.wait_for(&format!("{mark}-2"));
            session.send("exit 7\r");
            session.wait_for("exit 7");
            session.wait_prompt();
            session.send("echo status $?\r");
            session.wait_for("status 7");
            check_recorded(machine, account, &format!("{mark}-2"));
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3);
    }
}

#[test]
fn a_command_is_stopped_and_goes_on() {
    for (number, start) in
        ["su alice --session-command='LINE'", "sudo -u alice -i eval 'LINE'"].into_iter().enumerate()
    {
        let mark = format!("mark-stopped-{number}");
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(start.replace("LINE", &format!("echo {mark}; cat; true")) + "\r");
            let cat = process::wait_foreground(session.pid(), "cat");
            session.send("one\r");
            session.wait_for("one\r\none");
            session.send("\x1a");
            session.wait_for("Stopped");
            check_root(&mut session);
            assert!(process::alive(cat), "it is stopped");
            session.send("fg\r");
            session.wait_for("fg\r\n");
            look(&session);
            session.send("two\r");
            session.wait_for("two\r\ntwo");
            session.send("\x04");
            process::wait_gone(&[cat], LONG);
            check_root(&mut session);
            check_recorded(machine, "alice", &mark);
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3, "{start}");
    }
}

#[test]
fn begun_in_the_background() {
    for (number, start) in
        ["su alice --session-command='LINE' &", "su alice -c 'LINE' &", "su - bob --session-command='LINE' &"]
            .into_iter()
            .enumerate()
    {
        let mark = format!("mark-background-{number}");
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(start.replace("LINE", &format!("sleep 1; echo {mark}-$((1+1))")) + "\r");
            // Root's shell goes on with its own terminal meanwhile.
            check_root(&mut session);
            session.wait_for(&format!("{mark}-2"));
            session.send("wait\r");
            check_root(&mut session);
            check_recorded(
                machine,
                if start.contains("bob") { "bob" } else { "alice" },
                &format!("{mark}-2"),
            );
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3, "{start}");
    }
}

#[test]
fn brought_to_the_foreground() {
    let same = same!(|machine: &Machine| {
        let mut session = root(machine);
        session.send("su alice --session-command='sleep 1; echo mark-foreground; cat' &\r");
        session.wait_for(&format!("{PROMPT}mark-foreground"));
        session.send("\r");
        session.wait_prompt();
        session.send("fg\r");
        session.wait_for("fg\r\n");
        look(&session);
        session.send("typed\r");
        session.wait_for("typed\r\ntyped");
        session.send("\x03");
        check_root(&mut session);
        log_out(&mut session, 3)
    });
    assert_eq!(same.value, 3);
}

#[test]
fn keys_that_signal_without_a_controlling_terminal() {
    let same = same!(|machine: &Machine| {
        let mut session = root(machine);
        session.send("su alice -c 'echo mark-interrupted; exec cat -u'\r");
        let cat = wait_until("a reader", LONG, || machine.running("cat -u").first().copied());
        session.send("\x03");
        session.wait_for("Session terminated");
        process::wait_gone(&[cat], LONG);
        check_root(&mut session);
        // Whoever wants them as keys gets them.
        session.send("su alice -c 'stty raw; dd bs=1 count=1 status=none | od -An -tx1; stty -raw; echo mark-$((1+1))-raw'\r");
        wait_until("a reader", LONG, || machine.running("dd bs=1 count=1 status=none").first().copied());
        std::thread::sleep(Duration::from_millis(200));
        session.send("\x03");
        session.wait_for("mark-2-raw");
        check_root(&mut session);
        assert!(session.text().contains(" 03"), "{}", session.text());
        check_recorded(machine, "alice", "mark-interrupted");
        log_out(&mut session, 3)
    });
    assert_eq!(same.value, 3);
}

#[test]
fn the_terminal_hangs_up_on_jobs_of_root() {
    for (number, (start, survives)) in [
        ("su alice -c 'LINE'", true),
        ("su alice --session-command='LINE'", false),
        ("su alice --session-command='nohup LINE >/dev/null 2>&1'", true),
    ]
    .into_iter()
    .enumerate()
    {
        let sleep = format!("sleep 45{number}");
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(start.replace("LINE", &sleep) + "\r");
            let left = wait_until("a job", LONG, || machine.running(&sleep).first().copied());
            session.hang_up();
            std::thread::sleep(Duration::from_millis(1500));
            let survived = process::alive(left);
            process::kill(left);
            survived
        });
        assert_eq!(same.value, survives, "{start}");
    }
}

#[test]
fn typed_before_the_shell_is_there() {
    for account in EACH {
        let mark = format!("mark-{account}-ahead");
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(format!("sleep 0.6; su {account} --session-command=cat; echo {mark}-$((1+1))\r"));
            // Until it ends nobody reads.
            wait_until("a pause", LONG, || machine.running("sleep 0.6").first().copied());
            session.send("one\rtwo\r\x04");
            session.wait_for(&format!("{mark}-2"));
            session.wait_prompt();
            let text = session.text();
            log_out(&mut session, 3);
            // The lines as the terminal shows them, and as `cat` does.
            text.matches("one\r\n").count()
        });
        assert_eq!(same.value, 2);
    }
}

#[test]
fn what_is_ignored_stays_ignored() {
    for account in EACH {
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send(format!(
                "(trap '' TERM PIPE USR1 TSTP HUP CHLD; exec su {account} --session-command='probe >/tmp/{account}-ignoring; true')\r"
            ));
            session.wait_for("; true')\r\n");
            session.wait_for(PROMPT);
            check_root(&mut session);
            log_out(&mut session, 3);
            machine.read(format!("/tmp/{account}-ignoring"))
        });
        assert!(same.value.contains("SigIgn") && same.value.contains("session member"), "{}", same.value);
    }
}

#[test]
fn a_signal_is_for_the_shell() {
    for (signal, status) in [("USR1", 138), ("USR2", 140), ("ALRM", 142), ("TERM", 143), ("HUP", 129)] {
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session.send("su alice --session-command='exec sleep 461' &\r");
            wait_until("a program", LONG, || machine.running("sleep 461").first().copied());
            session.wait_prompt();
            session.send(format!("pkill -{signal} -P $!; wait $!; echo status $?\r"));
            session.wait_for(&format!("status {status}\r\n"));
            machine.running("sleep 461").len()
        });
        assert_eq!(same.value, 0, "{signal}");
    }
}

#[test]
fn the_terminal_is_left_to_whoever_else_uses_it() {
    for account in EACH {
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            // Neighbours in a pipeline show what they show, to the byte.
            session.send(format!("su {account} -c 'echo one; sleep 0.5; echo two' | sed s/^/-/\r"));
            session.wait_for("-two\r\n");
            session.wait_for(PROMPT);
            // A pager has its keys, and leaves the terminal as it found it.
            session.send(format!("su {account} -c 'seq 1000; sleep 2' | less\r"));
            session.wait_screen("23");
            look(&session);
            session.send("q");
            session.wait_prompt();
            check_root(&mut session);
            // What is typed ahead is for the shell around it, where nobody reads it.
            session.send(format!("su {account} -c 'echo begun; sleep 1.2'\r"));
            session.wait_for("\rbegun");
            wait_until("a pause", LONG, || machine.running("sleep 1.2").first().copied());
            session.send("echo ahead-$((1+1))\r");
            session.wait_for("ahead-2\r\n");
            session.wait_prompt();
            // A session that was begun elsewhere leaves the terminal alone.
            session.send(format!("setsid su {account} -c 'sleep 1' &\r"));
            check_root(&mut session);
            session.send("echo heard-$((1+1))\r");
            session.wait_for("heard-2\r\n");
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3);
    }
}

#[test]
fn keys_are_taken_when_somebody_wants_them() {
    let same = same!(|machine: &Machine| {
        let mut session = root(machine);
        session.send(
            "su alice -c 'stty -echo; printf pass:; read -r word; stty echo; echo; echo \"[$word]\"; cat' | cat\r",
        );
        session.wait_for("\rpass:");
        look(&session);
        session.send("secret\r");
        session.wait_for("[secret]\r\n");
        session.send("line\r");
        session.wait_for("line\r\nline\r\n");
        session.send("\x04");
        check_root(&mut session);
        assert!(!session.text().replace("[secret]", "").contains("secret"), "{}", session.text());
        log_out(&mut session, 3)
    });
    assert_eq!(same.value, 3);
}

#[test]
fn what_nobody_could_wake_is_not_stopped() {
    for signal in ["TSTP", "TTIN", "TTOU"] {
        let same = same!(|machine: &Machine| {
            let mut session = root(machine);
            session
                .send(format!("su - alice -c 'kill -{signal} $$; echo went-on; exit 5'; echo status $?\r"));
            session.wait_for("went-on\r\n");
            session.wait_for("status 5\r\n");
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3, "{signal}");
    }
}

#[test]
fn a_terminal_is_as_it_was_behind_a_time_limit() {
    let same = same!(|machine: &Machine| {
        let mut session = root(machine);
        session.send("timeout 1 su alice --session-command='sleep 10'\r");
        session.wait_for("sleep 10'\r\n");
        session.wait_for(PROMPT);
        check_root(&mut session);
        log_out(&mut session, 3)
    });
    assert_eq!(same.value, 3);
}
