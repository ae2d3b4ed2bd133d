//! The shells of a host, wrapped: given what they are given without us, and doing what they do.

use std::sync::atomic::{AtomicU32, Ordering};

use casemate_tests::machine::{Machine, Way};
use casemate_tests::{LONG, PROMPT, same, wait_until};

use crate::host::{EACH, log_in, log_out, only, outcome, piped};

/// What a command line over ssh does, in each account's shell.
#[track_caller]
fn check_line(what: &str, line: impl Fn(&str) -> String) {
    for account in EACH {
        let mark = format!("mark-{account}-{what}");
        let line = line(&mark);
        let same = same!(|machine: &Machine| {
            outcome(machine.ssh(&[account, &line]).env("LC_MINE", "a b\nc").run())
        });
        for (_, machine) in same.wrapped {
            piped(&machine.recording(&mark), account, &line, same.value.0);
        }
    }
}

#[test]
fn a_command_line_is_given_what_it_is_given_without_us() {
    check_line("given", |mark| format!("probe; true {mark}"));
}

#[test]
fn a_command_line_is_one_with_blanks_quotes_and_everything_else() {
    check_line("quotes", |mark| format!("echo '  two  blanks' \"it's\" \\\\ \\' $HOME * {mark}; exit 7"));
    check_line("lines", |mark| format!("echo first\necho second # {mark}\n"));
    check_line("utf", |mark| format!("echo ünïcode 日本 {mark}"));
}

#[test]
fn a_shell_knows_what_it_is() {
    // Each of its flags, how it is called, whether it is a login shell.
    let ask = |account: &str| match account {
        "alice" => {
            "echo $0 $- $SHLVL $SHELL; shopt login_shell; shopt -p; set -o; alias; ulimit -a; umask; type -t logout"
        }
        "bob" => "echo $0 $- $SHLVL $SHELL; [[ -o login ]] && echo login; setopt; ulimit -a; umask",
        "carol" => {
            "echo $SHLVL $SHELL; status is-login; echo $status; status is-interactive; echo $status; ulimit -a; umask"
        }
        _ => "echo $0 $- $SHELL; set -o; ulimit -a; umask",
    };
    for account in EACH {
        let same = same!(|machine: &Machine| {
            machine.write(format!("/home/{account}/ask"), ask(account).replace("; ", "\n"));
            let line = outcome(machine.ssh(&[account, ask(account)]).run());
            let mut session = log_in(machine, account);
            session.send(". ~/ask >known 2>&1; probe >given\r");
            let status = log_out(&mut session, 3);
            let files = ["known", "given"].map(|name| machine.read(format!("/home/{account}/{name}")));
            (line, status, files)
        });
        assert_eq!(same.value.1, 3);
        let [_, given] = &same.value.2;
        assert!(given.contains("a controlling terminal\n") && given.contains("session leader"), "{given}");
    }
}

/// bash says which process group it cannot set; that is another one in the place of a shell.
fn without_group(text: &str) -> String {
    const SAID: &str = "cannot set terminal process group (";
    let Some((before, rest)) = text.split_once(SAID) else { return text.to_owned() };
    format!(
        "{before}{SAID}{}",
        rest.trim_start_matches(|character: char| character == '-' || character.is_ascii_digit())
    )
}

#[test]
fn every_way_to_start_a_login_shell() {
    // Its path is what stands in the account's entry, as `login`, `su` and a terminal's window do it.
    let starts: [&[&str]; 8] = [
        &["-c", "probe; exit 4"],
        &["-l", "-c", "probe; exit 4"],
        &["-lc", "probe; exit 4"],
        &["-i", "-c", "probe; exit 4"],
        &["/home/script", "one", "two words"],
        &["--no-such-option"],
        &["-c"],
        &["-c", "echo $0", "arg0"],
    ];
    for account in EACH {
        for (number, args) in starts.iter().enumerate() {
            let same = same!(|machine: &Machine| {
                machine.write("/home/script", "echo \"$1|$2|$argv\"\nprobe\nexit 6\n");
                let shell = machine.shell_of(account);
                let finished = machine.account(account, &shell).args(args).run();
                (
                    finished.code,
                    finished.text(),
                    without_group(&finished.stderr.replace(&shell, machine.real_shell_of(account))),
                )
            });
            assert!(number > 4 || same.value.1.contains("Umask"), "{args:?}: {:?}", same.value);
        }
    }
}

#[test]
fn standard_input_is_a_script() {
    for account in EACH {
        let same = same!(|machine: &Machine| {
            let shell = machine.shell_of(account);
            let script = b"echo one; echo two >&2; probe; exit 9\n";
            let over_ssh = outcome(machine.ssh(&["-T", account]).run_with_input(script));
            let started = outcome(machine.account(account, &shell).run_with_input(script));
            (over_ssh, started)
        });
        assert_eq!((same.value.0.0, same.value.1.0), (9, 9), "{:?}", same.value);
    }
}

#[test]
fn su_and_sudo_log_in_as_they_do_without_us() {
    for account in EACH {
        for (number, line) in [
            "su - ACCOUNT -c 'probe; exit 5'",
            "su ACCOUNT -c 'probe; exit 5'",
            "sudo -i -u ACCOUNT sh -c 'probe; true'",
            "setpriv --reuid ACCOUNT --regid ACCOUNT --clear-groups -- $(getent passwd ACCOUNT | cut -d: -f7) -c 'probe; true'",
        ]
        .into_iter()
        .enumerate()
        {
            let line = line.replace("ACCOUNT", account);
            let same = same!(|machine: &Machine| outcome(machine.root("sh").args(&["-c", &line]).run()));
            assert!(same.value.1.contains("Umask"), "{number}: {:?}", same.value);
        }
    }
}

#[test]
fn su_with_a_terminal_of_its_own() {
    for account in EACH {
        let line = format!("su -P - {account} -c 'probe; exit 5'");
        same!(|machine: &Machine| outcome(machine.root("sh").args(&["-c", &line]).run()));
    }
}

#[test]
fn su_and_sudo_on_a_terminal() {
    for line in ["su - ACCOUNT", "su ACCOUNT", "sudo -i -u ACCOUNT", "login -f ACCOUNT"] {
        for account in EACH {
            let line = line.replace("ACCOUNT", account);
            let same = same!(|machine: &Machine| {
                let args: Vec<&str> = line.split(' ').collect();
                let mut session = machine
                    .root(args[0])
                    .args(&args[1..])
                    .env("TERM", "xterm")
                    .env("PS1", PROMPT)
                    .on_terminal();
                session.wait_prompt();
                session.send(format!("probe >/tmp/{account}-shown; tty >/dev/null\r"));
                let status = log_out(&mut session, 8);
                // Where `su` leads the session, a shell on a terminal of its own leads another.
                (
                    status,
                    machine.read(format!("/tmp/{account}-shown")).replace("session member", "session leader"),
                )
            });
            // login has a status of its own.
            assert_eq!(same.value.0, if line.starts_with("login") { 0 } else { 8 }, "{line}");
        }
    }
}

/// Each account is started in this way, and is to write what it was given to GIVEN.
fn check_started(start: &str) {
    // Other tests do the same on the same machines meanwhile.
    static FILES: AtomicU32 = AtomicU32::new(0);
    for account in EACH {
        let given = format!("/tmp/given-{}", FILES.fetch_add(1, Ordering::Relaxed));
        let same = same!(|machine: &Machine| {
            let line = start.replace("SHELL", &machine.shell_of(account)).replace("GIVEN", &given);
            let end = outcome(machine.account(account, "sh").args(&["-c", &line]).run());
            (end, std::fs::read_to_string(machine.path(&given)).ok())
        });
        // fish has no PATH of its own.
        let given = same.value.1.is_some_and(|given| given.contains("Umask"));
        assert!(given || (account == "carol" && start.contains("env -i")), "{start}: {:?}", same.value.0);
    }
}

#[test]
fn started_by_a_service_without_a_terminal_or_anything_else() {
    for start in [
        "exec env -i SHELL -c 'probe >GIVEN; true'",
        "exec SHELL -c 'probe; true' </dev/null >GIVEN 2>&1",
        "umask 077; ulimit -n 64; exec SHELL -l -c 'probe >GIVEN; true' 7</etc/passwd",
        "trap '' INT HUP TERM USR1 PIPE; exec nice -n 3 SHELL -c 'probe >GIVEN; true'",
        "cd /tmp; exec SHELL -c 'probe >GIVEN; true'",
        "mkdir -p gone; cd gone; rmdir ../gone; exec SHELL -c 'probe >GIVEN; true' 2>/dev/null",
    ] {
        check_started(start);
    }
}

#[test]
fn started_with_standard_descriptors_closed() {
    check_started("exec env -i SHELL -c 'probe 0.2 >GIVEN; true' <&- >&- 2>&-");
    check_started("exec SHELL -c 'probe 0.2 >GIVEN; true' <&-");
    check_started("exec SHELL -c 'probe 0.2 >GIVEN; true' 2>&-");
}

#[test]
fn what_a_login_shell_does_at_its_end_it_does() {
    let same = same!(|machine: &Machine| {
        // Others log in and out beside it.
        machine.sh("rm -f /home/alice/logged-out-here");
        let mut session = log_in(machine, "alice");
        session.send("LOGGED_OUT_MARK=-here\r");
        session.wait_for("LOGGED_OUT_MARK=-here\r\n");
        log_out(&mut session, 0);
        machine.read("/home/alice/logged-out-here")
    });
    assert_eq!(same.value, "bye\n");
}

#[test]
fn exit_codes_and_deaths() {
    for account in EACH {
        for end in [
            "exit 0",
            "exit 1",
            "exit 42",
            "exit 255",
            "kill -TERM SELF",
            "kill -KILL SELF",
            "kill -HUP SELF",
        ] {
            let end = end.replace("SELF", if account == "carol" { "$fish_pid" } else { "$$" });
            let mark = format!("mark-{account}-{}", end.replace([' ', '$'], "-"));
            let line = format!("echo before; {end}; sleep 30; true {mark}");
            let same = same!(|machine: &Machine| {
                let shell = machine.shell_of(account);
                let over_ssh = machine.ssh(&[account, &line]).run();
                // ssh gives 255 for any signal; so does it when sshd forces us, but where fish or dash waits for us.
                let code = if end.starts_with("kill") && over_ssh.code > 128 { 255 } else { over_ssh.code };
                ((code, over_ssh.text()), machine.account(account, &shell).args(&["-c", &line]).run().code)
            });
            let (over_ssh, started) = &same.value;
            assert!(!end.contains("KILL") || *started == 137, "{line}: {started}");
            for (way, machine) in same.wrapped {
                if way == Way::Forced {
                    let recording = machine.recording(&mark);
                    assert_eq!(only(&recording, "exec")["argv"][2], *line);
                    assert_eq!(recording.cast.data("x"), [started.to_string()]);
                }
            }
            assert_eq!(over_ssh.1, "before\n");
        }
    }
}

#[test]
fn what_is_left_in_the_background_goes_on() {
    for account in EACH {
        let sleep = format!("sleep {}", 40_000 + EACH.iter().position(|name| *name == account).unwrap());
        let line = format!("nohup {sleep} >/dev/null 2>&1 </dev/null & echo started");
        let same = same!(|machine: &Machine| {
            let outcome = outcome(machine.ssh(&[account, &line]).run());
            let is_there = || Some(machine.running(&sleep)).filter(|left| !left.is_empty());
            let left = wait_until("what was left", LONG, is_there);
            machine.kill(&left);
            (outcome, left.len())
        });
        assert_eq!((same.value.0.1.as_str(), same.value.1), ("started\n", 1));
        let same = same!(|machine: &Machine| {
            let mut session = log_in(machine, account);
            session.send(format!("nohup {sleep} >/dev/null 2>&1 </dev/null &\r"));
            wait_until("the job", LONG, || (!machine.running(&sleep).is_empty()).then_some(()));
            session.wait_prompt();
            if account != "alice" {
                session.send("disown\r");
                session.enter();
            }
            let status = log_out(&mut session, 0);
            let is_there = || Some(machine.running(&sleep)).filter(|left| !left.is_empty());
            let left = wait_until("what was left", LONG, is_there);
            machine.kill(&left);
            (status, left.len())
        });
        assert_eq!(same.value.1, 1, "{account}");
    }
}
