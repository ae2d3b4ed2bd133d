//! Sessions on a terminal, wrapped: keys, sizes, job control, hang-ups, all as without us, and recorded.

use std::sync::Arc;
use std::time::Duration;

use casemate_tests::machine::{Machine, Way};
use casemate_tests::{Cast, LONG, PROMPT, Session, World, process, same, wait_until};
use serde_json::Value;

use crate::host::{EACH, log_in, log_out, look, outcome, started};

/// The recording of what a terminal showed is exactly that.
#[track_caller]
fn check_recorded(machine: &Machine, account: &str, mark: &str, session: &Session) -> Arc<Cast> {
    let recording = machine.recording(mark);
    assert_eq!(recording.account, account);
    let (recorded, shown) = (recording.cast.exact_output(), session.output());
    assert!(recorded == shown, "recorded: {}\nshown: {}", recorded.escape_ascii(), shown.escape_ascii());
    recording.cast
}

#[test]
fn a_login_is_recorded_as_it_was_shown() {
    for account in EACH {
        let mark = format!("mark-{account}-shown");
        let same = same!(|machine: &Machine| {
            let mut session = log_in(machine, account);
            look(&session);
            session.send(format!(
                "echo {mark}; printf '\\033[1mbold\\033[m \\377\\n'; stty -a; tty >/dev/null\r"
            ));
            session.wait_for("bold");
            look(&session);
            let status = log_out(&mut session, 4);
            if machine.is_wrapped() {
                check_recorded(machine, account, &mark, &session);
            }
            (status, session.screen())
        });
        assert_eq!(same.value.0, 4);
        for (_, machine) in same.wrapped {
            let commands = machine.recording(&mark).commands();
            let lines: Vec<_> = commands.iter().filter_map(|event| event["command"].as_str()).collect();
            assert!(lines.iter().any(|line| line.contains(&mark)) && lines.contains(&"exit 4"), "{lines:?}");
        }
    }
}

#[test]
fn one_command_on_a_terminal() {
    for account in EACH {
        for size in [(80, 24), (1, 1), (0, 0), (1000, 500), (100, 0)] {
            let mark = format!("mark-{account}-{}-{}", size.0, size.1);
            let line = format!("stty size; probe; true {mark}; exit 3");
            let same = same!(|machine: &Machine| {
                let launch = machine.ssh(&["-tt", account, &line]).size(size.0, size.1);
                let mut session = launch.on_terminal();
                let status = session.wait_exit(LONG);
                if machine.is_wrapped() {
                    check_recorded(machine, account, &mark, &session).assert_end(Some("3"), "exit");
                }
                (status, session.text().replace('\r', ""))
            });
            let (status, text) = &same.value;
            assert_eq!(*status, 3, "{text}");
            assert!(text.starts_with(&format!("{} {}\n", size.1, size.0)), "{text}");
            assert!(text.contains("a controlling terminal"), "{text}");
            for (_, machine) in same.wrapped {
                started(&machine.recording(&mark), account, &line, 3);
            }
        }
    }
}

#[test]
fn a_shell_that_was_asked_for_is_a_command_and_so_is_what_is_typed_there() {
    for (number, (account, shell, target_user)) in [
        ("alice", "bash", "alice"),
        ("alice", "sudo -i", "root"),
        ("bob", "exec zsh -l", "bob"),
        ("carol", "fish", "carol"),
    ]
    .into_iter()
    .enumerate()
    {
        let mark = format!("mark-asked-{number}");
        let same = same!(|machine: &Machine| {
            let mut session = machine.ssh(&["-tt", account, shell]).on_terminal();
            session.wait_prompt();
            look(&session);
            session.send(format!("echo {mark}\r"));
            session.wait_for(&format!("{mark}\r\n"));
            look(&session);
            log_out(&mut session, 3)
        });
        assert_eq!(same.value, 3);
        for (_, machine) in same.wrapped {
            let recording = machine.recording(&mark);
            started(&recording, account, shell, 3);
            let commands = recording.commands();
            let said: Vec<_> = commands
                .iter()
                .map(|event| (event["state"].as_str().unwrap(), event["command"].as_str().unwrap_or("?")))
                .collect();
            let echo = format!("echo {mark}");
            let expected = [
                ("started", shell),
                ("started", &echo),
                ("finished", &echo),
                ("started", "exit 3"),
                ("finished", "exit 3"),
                ("finished", shell),
            ];
            assert_eq!(said, expected, "{commands:#?}");
            // The same from the recording, in the order in which they began; and in the list of sessions.
            let path = recording.path.to_str().unwrap();
            let listed = World::new().casemate(&["commands", "-f", "jsonl", path]).run().success().text();
            let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let said: Vec<_> = listed
                .iter()
                .map(|event| (event["command"].as_str().unwrap(), event["target_user"].as_str().unwrap()))
                .collect();
            assert_eq!(said, [(shell, account), (&echo, target_user), ("exit 3", target_user)], "{shell}");
            let sessions = machine.root("casemate").args(&["sessions", "--json"]).run().success().text();
            let session = sessions.lines().find(|line| line.contains(recording.cast.session())).unwrap();
            let session: Value = serde_json::from_str(session).unwrap();
            assert_eq!((&session["command"], &session["commands"]), (&shell.into(), &3.into()), "{session}");
        }
    }
}

#[test]
fn root_runs_one_command_as_somebody_on_its_terminal() {
    for account in EACH {
        let mark = format!("mark-as-{account}");
        let line = format!("test -t 0 && echo {mark}; exit 6");
        let same = same!(|machine: &Machine| {
            let mut session = machine.root("su").args(&[account, "-c", &line]).on_terminal();
            (session.wait_exit(LONG), session.text())
        });
        assert_eq!(same.value, (6, format!("{mark}\r\n")));
        for (way, machine) in same.wrapped {
            // Where sshd forces us, su starts the account's own shell.
            if way == Way::Login {
                started(&machine.recording(&mark), account, &line, 6);
            }
        }
    }
}

/// Somebody asks for a terminal in this way, and has none.
fn check_no_terminal(option: &str) {
    let line = "test -t 0 && echo terminal; stty size; echo error >&2; cat; probe; true";
    for account in ["alice", "carol"] {
        same!(|machine: &Machine| {
            let (code, output, errors) =
                outcome(machine.ssh(&[option, account, line]).run_with_input(b"typed\n\x04"));
            assert!(output.contains("typed"), "{output}");
            // A terminal shows what is typed when it comes, be that before or behind the first line that is put out.
            (code, output.replacen("typed\r\n", "", 1), errors)
        });
    }
}

#[test]
fn a_terminal_that_is_not_there() {
    // `-t` does not get one.
    check_no_terminal("-t");
    check_no_terminal("-T");
}

#[test]
fn a_terminal_of_a_client_that_has_none() {
    check_no_terminal("-tt");
}

#[test]
fn keys_and_jobs() {
    for (account, stopped) in
        [("alice", "Stopped"), ("bob", "suspended"), ("carol", "stopped"), ("dave", "Stopped")]
    {
        let sleep = format!("sleep 41{}", account.len());
        let same = same!(|machine: &Machine| {
            let mut session = log_in(machine, account);
            session.send(format!("{sleep}\r"));
            let sleeper = process::wait_foreground(machine.init(), &sleep);
            session.send("\x1a");
            session.wait_screen(stopped);
            assert!(process::alive(sleeper), "Ctrl-Z stops");
            session.send("fg\r");
            process::wait_foreground(machine.init(), &sleep);
            session.send("\x03");
            process::wait_gone(&[sleeper], LONG);
            session.wait_prompt();
            session.send("cat\r");
            process::wait_foreground(machine.init(), "cat");
            session.send("line\r\x04");
            session.wait_prompt();
            session.send(format!("{sleep} &\r"));
            let left = wait_until("a job", LONG, || machine.running(&sleep).first().copied());
            session.wait_prompt();
            session.send("kill %1; wait\r");
            process::wait_gone(&[left], LONG);
            // Ctrl-\ is a key of the session: nobody asked for keys of our own.
            session.send(format!("{sleep}\r"));
            let sleeper = process::wait_foreground(machine.init(), &sleep);
            session.send("\x1c");
            process::wait_gone(&[sleeper], LONG);
            log_out(&mut session, 0)
        });
        assert_eq!(same.value, 0);
    }
}

#[test]
fn a_window_that_changes_its_size() {
    let same = same!(|machine: &Machine| {
        let mut session = log_in(machine, "alice");
        for (columns, rows) in [(90, 20), (20, 5), (132, 43)] {
            session.resize(columns, rows);
            session.send(format!("until [ \"$(stty size)\" = '{rows} {columns}' ]; do sleep 0.02; done; echo is-$(({columns}+1))\r"));
            session.wait_for(&format!("is-{}", columns + 1));
            session.wait_prompt();
        }
        session.send("echo mark-resized\r");
        session.wait_for("mark-resized\r\n");
        session.wait_for("mark-resized\r\n");
        log_out(&mut session, 0)
    });
    for (_, machine) in same.wrapped {
        assert_eq!(machine.recording("mark-resized").cast.data("r"), ["90x20", "20x5", "132x43"]);
    }
}

#[test]
fn input_while_a_program_prints_and_a_paste() {
    let same = same!(|machine: &Machine| {
        let mut session = log_in(machine, "dave");
        // Typed ahead, all of it, and more than a terminal's buffer of output meanwhile.
        session.send("seq 1 20000; echo first-$((1+1))\recho second-$((1+1))\r");
        session.wait_for("first-2");
        session.wait_for("second-2");
        session.wait_prompt();
        session.send("cat - >pasted\r");
        process::wait_foreground(machine.init(), "cat -");
        for line in 0..200 {
            session.send(format!("line {line} of a paste\r"));
        }
        session.send("\x04");
        session.wait_prompt();
        let status = log_out(&mut session, 0);
        (status, machine.read("/home/dave/pasted"))
    });
    assert_eq!(same.value.1.lines().count(), 200);
}

#[test]
fn a_password_is_asked_for_and_not_recorded() {
    let same = same!(|machine: &Machine| {
        let mut session = log_in(machine, "bob");
        session.send("su -c 'echo as-$(id -un) mark-su' root\r");
        session.wait_for("assword: ");
        session.send(format!("{}\r", casemate_tests::machine::PASSWORD));
        session.wait_for("as-root");
        log_out(&mut session, 0)
    });
    for (_, machine) in same.wrapped {
        assert!(!machine.recording("as-root").cast.text.contains(casemate_tests::machine::PASSWORD));
    }
}

/// What is left of a session whose client went away in the middle. Others on the same machine sleep for other seconds.
#[track_caller]
fn check_hang_up(name: &str, seconds: [u32; 2], go: impl Fn(&Machine, &mut Session)) {
    for (number, account) in EACH.into_iter().enumerate() {
        let [sleep, kept] = seconds.map(|seconds| format!("sleep {seconds}{number}"));
        let mark = format!("mark-{account}-{name}");
        let same = same!(|machine: &Machine| {
            let mut session = log_in(machine, account);
            session.send(format!("nohup {kept} >/dev/null 2>&1 </dev/null &\r"));
            let kept = wait_until("a job", LONG, || machine.running(&kept).first().copied());
            session.wait_prompt();
            session.send(format!("echo {mark}; {sleep}\r"));
            let sleeper = process::wait_foreground(machine.init(), &sleep);
            go(machine, &mut session);
            process::wait_gone(&[sleeper], Duration::from_secs(2));
            let survived = process::alive(kept);
            process::kill(kept);
            survived
        });
        assert!(same.value, "nohup survives");
        for (way, machine) in same.wrapped {
            let is_there = || machine.finished().into_iter().find(|found| found.cast.text.contains(&mark));
            let recording = wait_until("the recording", Duration::from_secs(2), is_there);
            let end = recording.cast.events.last().map(|end| end.data.clone());
            assert!(recording.cast.output().contains(PROMPT), "{way:?}");
            assert_ne!(end.as_deref(), Some("exit"), "{way:?}");
        }
    }
}

#[test]
fn the_clients_terminal_hangs_up() {
    check_hang_up("hangs", [42, 43], |_, session| session.hang_up());
}

#[test]
fn the_client_is_killed() {
    check_hang_up("killed", [47, 48], |machine, session| {
        machine.kill(&process::descendants(session.pid()));
    });
}
