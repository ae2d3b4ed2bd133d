//! `integration = true` on a host: the login shells of people mark what they run, and are otherwise as they were.

use casemate_tests::machine::{Machine, Way, same_on};
use casemate_tests::{LONG, booted, wait_until};
use serde_json::Value;

use crate::host::{EACH, log_in, log_out, outcome, started};
use crate::integrate::{BASH_DUMP, FISH_DUMP, ZSH_DUMP, type_lines};

/// Machines with accounts: bare, and with integrated shells.
struct Machines {
    bare: Machine,
    login: Machine,
    forced: Machine,
}

impl Machines {
    fn new() -> Result<Self, String> {
        let integrated = |way| {
            let machine = Machine::new(way)?;
            machine.configure("\n[policy]\nintegration = true\n");
            Ok::<_, String>(machine)
        };
        Ok(Self {
            bare: Machine::new(Way::Bare)?,
            login: integrated(Way::Login)?,
            forced: integrated(Way::Forced)?,
        })
    }

    fn all(&self) -> [&Machine; 3] {
        [&self.bare, &self.login, &self.forced]
    }
}

/// What a login shell says of itself and leaves behind, at any machine the same. `files` are what it reads; each writes
/// its name into `~/order`.
#[track_caller]
fn check_login(
    machines: &Machines,
    account: &str,
    files: &[(&str, &str)],
    dump: &str,
    end: &str,
    left: &[&str],
) {
    let value = same_on(&machines.bare, &[&machines.login], |machine| {
        let home = format!("/home/{account}");
        machine.sh(&format!(
            "cd {home}; rm -rf order state statuses .bash_profile .bash_login .profile .bash_logout .bashrc .zsh* .z* dots \
             .config .local .bash_history history; chown -R {account} /home/{account}"
        ));
        for (name, content) in files {
            let name = name.replace('~', &home);
            let path = if name.starts_with('/') { name } else { format!("{home}/{name}") };
            machine.write(&path, content);
        }
        machine.sh(&format!("chown -R {account} {home}"));
        machine.write(format!("{home}/dump"), dump);
        let mut session = log_in(machine, account);
        type_lines(&mut session, &["false", "cd /usr", "echo typed-4''2", ". ~/dump >~/state 2>&1", end]);
        let status = session.wait_exit(LONG);
        assert!(session.text().contains("typed-42"), "{}", session.dump());
        let state: Vec<_> = machine
            .read(format!("{home}/state"))
            .lines()
            .map(without_marks)
            // A login shell called `-bash` looks for its path in the account's entry.
            .filter(|line| !["__casemate", "SSH_", "declare -- BASH="].iter().any(|not| line.contains(not)))
            .collect();
        let left: Vec<_> = left
            .iter()
            .map(|name| {
                let text = machine.read(format!("{home}/{name}"));
                // The history of fish has times.
                text.lines().filter(|line| !line.starts_with("  when: ")).collect::<Vec<_>>().join("\n")
            })
            .collect();
        let scripts = machine.sh("find /tmp -name 'casemate-*'");
        (status, state, left, session.screen(), scripts)
    });
    assert!(value.1.len() > 20, "{value:#?}");
    assert_eq!(value.4, "", "nothing is left of the scripts");
    let recordings = machines.login.finished();
    let recording = recordings.iter().rfind(|recording| recording.account == account).unwrap();
    assert!(recording.cast.output().contains("\x1b]133;A"), "{account} is integrated");
}

/// What a shell says of its prompts, as it is without our marks.
fn without_marks(line: &str) -> String {
    ["\\${__casemate_b-}", "\\${__casemate_p-}"]
        .iter()
        .fold(line.to_owned(), |line, mark| line.replace(mark, ""))
}

const BASH_RC: &str = "echo bashrc $? >>~/order\nshopt -s histappend\nalias ll='ls -l'\n";
const BASH_PROFILE: &str = "echo NAME $? $0 $BASH_SUBSHELL ${POSIXLY_CORRECT-no} >>~/order\nshopt -q login_shell && echo login >>~/order\n\
     PS1='ready> '\ntrap 'echo trapped >>~/order' EXIT\nPROMPT_COMMAND='echo $? >>~/statuses'\n(exit 7)\n";

#[test]
fn bash_reads_what_a_login_shell_reads_and_is_one() {
    let machines = booted!(Machines::new());
    for machine in machines.all() {
        let profile = machine.read("/etc/profile");
        machine.write("/etc/profile", format!("{profile}\necho /etc/profile ${{ENV-no}} >>~/order\n"));
    }
    let logout = (".bash_logout", "echo logout >>~/order\n");
    let files = [".bash_profile", ".bash_login", ".profile"];
    for first in 0..files.len() {
        let contents: Vec<_> = files.iter().map(|name| BASH_PROFILE.replace("NAME", name)).collect();
        let mut there: Vec<_> =
            files.iter().copied().zip(contents.iter().map(String::as_str)).skip(first).collect();
        there.extend([logout, (".bashrc", BASH_RC)]);
        let dump = format!("logout_is() {{ type -t logout; }}; logout_is\n{BASH_DUMP}");
        let left = ["order", "statuses", ".bash_history"];
        check_login(&machines, "alice", &there, &dump, "logout", &left);
        let order = machines.login.read("/home/alice/order");
        let expected = format!("/etc/profile no\n{} 0 -bash 0 no\nlogin\nlogout\ntrapped\n", files[first]);
        assert_eq!(order, expected);
    }
}

#[test]
fn zsh_reads_what_a_login_shell_reads_and_is_one() {
    let machines = booted!(Machines::new());
    for folder in ["", "dots/"] {
        let of = |name: &str, more: &str| {
            // In the first one `$0` is its own name.
            let called = if name == ".zshenv" { "" } else { "$0" };
            let text = format!("echo {name} $? ${{ZDOTDIR-no}} {called} >>~/order\n{more}");
            (format!("{folder}{name}"), text)
        };
        let rc = "PROMPT='ready> '\nsetopt hist_ignore_space no_prompt_sp\nHISTFILE=~/history\nSAVEHIST=9\nHISTSIZE=9\n";
        let mut files = vec![
            of(".zshenv", ""),
            of(".zprofile", ""),
            of(".zshrc", rc),
            of(".zlogin", "[[ -o login ]] && echo login >>~/order\n"),
            of(".zlogout", ""),
        ];
        if !folder.is_empty() {
            files.push((".zshenv".to_owned(), "export ZDOTDIR=~/dots\nsource ~/dots/.zshenv\n".to_owned()));
        }
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        check_login(&machines, "bob", &files, ZSH_DUMP, "logout", &["order", "history"]);
        let order = machines.login.read("/home/bob/order");
        let names: Vec<_> = order.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(names, [".zshenv", ".zprofile", ".zshrc", ".zlogin", "login", ".zlogout"], "{order}");
    }
}

#[test]
fn fish_reads_what_a_login_shell_reads_and_is_one() {
    let machines = booted!(Machines::new());
    let config = "echo config >>~/order\nstatus is-login; and echo login >>~/order\nset -g fish_greeting\n\
                  set -g fish_autosuggestion_enabled 0\nfunction fish_prompt; echo $status >>~/statuses; echo 'ready> '; end\n\
                  function fish_right_prompt; end\nfunction bye --on-event fish_exit; echo bye >>~/order; end\n";
    let files =
        [(".config/fish/config.fish", config), (".config/fish/conf.d/a.fish", "echo conf >>~/order\n")];
    let left = ["order", "statuses", ".local/share/fish/fish_history"];
    check_login(&machines, "carol", &files, FISH_DUMP, "exit", &left);
    assert_eq!(machines.login.read("/home/carol/order"), "conf\nconfig\nlogin\nbye\n");
}

#[test]
fn the_command_log_knows_what_the_marks_say() {
    let machines = booted!(Machines::new());
    for account in ["alice", "bob", "carol"] {
        for machine in [&machines.login, &machines.forced] {
            let mark = format!("mark-marks-{account}");
            let mut session = log_in(machine, account);
            let ran = format!("echo {mark}; sh -c 'exit 9'");
            type_lines(&mut session, &["cd /usr/share", "false", &ran, "exit 4"]);
            assert_eq!(session.wait_exit(LONG), 4);
            let recording = machine.recording(&mark);
            assert_eq!(recording.cast.header["casemate"]["marks_nonce"].as_str().map(str::len), Some(32));
            let said: Vec<_> = recording
                .commands()
                .into_iter()
                .filter(|event| event["state"] == "finished")
                .map(|event| {
                    let text = |key: &str| event[key].as_str().unwrap_or("?").to_owned();
                    (text("command"), event["confidence"].as_f64(), event["exit_code"].as_i64(), text("cwd"))
                })
                .collect();
            // Marks and screen agree.
            let of = |command: &str, status: Option<i64>, cwd: &str| {
                (command.to_owned(), Some(1.0), status, cwd.to_owned())
            };
            let expected = [
                of("cd /usr/share", Some(0), &format!("/home/{account}")),
                of("false", Some(1), "/usr/share"),
                of(&ran, Some(9), "/usr/share"),
            ];
            assert_eq!(said[..3], expected, "{said:#?}\n{}", recording.cast.text);
            assert_eq!((said[3].0.as_str(), said.len()), ("exit 4", 4), "{said:#?}");
        }
    }
}

#[test]
fn what_cannot_be_integrated_stays_as_it_is() {
    let machines = booted!(Machines::new());
    for account in EACH {
        let line = format!("echo mark-plain-{account}; probe; exit 3");
        same_on(&machines.bare, &[&machines.login, &machines.forced], |machine| {
            let mut session = machine.ssh(&["-tt", account, &line]).on_terminal();
            (session.wait_exit(LONG), session.text())
        });
        let recording = machines.login.recording(&format!("mark-plain-{account}"));
        started(&recording, account, &line, 3);
        assert!(!recording.cast.text.contains("]133;") && !recording.cast.text.contains("marks_nonce"));
        // Lines that nobody types.
        let lines = format!("echo 'echo said; probe; exit 5' | su - {account}");
        same_on(&machines.bare, &[&machines.login], |machine| {
            let mut session = machine.root("sh").args(&["-c", &lines]).on_terminal();
            // On a PTY of its own a shell leads a session of its own.
            (session.wait_exit(LONG), session.text().replace("session member", "session leader"))
        });
    }
    let same = same_on(&machines.bare, &[&machines.login, &machines.forced], |machine| {
        let mut session = log_in(machine, "dave");
        session.send("probe >given; echo $-; set\r");
        session.wait_prompt();
        (log_out(&mut session, 2), machine.read("/home/dave/given"))
    });
    assert_eq!(same.0, 2);
    // A terminal that takes no marks.
    same_on(&machines.bare, &[&machines.login], |machine| {
        let mut session = machine.ssh(&["-tt", "alice"]).env("TERM", "dumb").on_terminal();
        session.wait_prompt();
        session.send("echo $0 $-; probe >given\r");
        session.wait_prompt();
        (log_out(&mut session, 2), machine.read("/home/alice/given"))
    });
}

#[test]
fn whoever_fills_the_folder_of_temporary_files_keeps_nobody_out() {
    let machine = booted!(Machine::new(Way::Login));
    machine.configure("\n[policy]\nintegration = true\n");
    machine.sh("mount -t tmpfs -o size=4k,mode=1777 full /tmp; head -c 100k /dev/zero >/tmp/full || true");
    let mut session = log_in(&machine, "alice");
    session.send("echo mark-full-$((40 + 2))\r");
    session.wait_for("mark-full-42");
    assert_eq!(log_out(&mut session, 0), 0);
    let recording = machine.recording("mark-full-42");
    assert!(!recording.cast.text.contains("]133;"));
    wait_until("no folder", LONG, || (machine.sh("ls /tmp") == "full\n").then_some(()));
}

#[test]
fn shells_that_read_input_from_nobody_are_recorded_alike() {
    let machines = booted!(Machines::new());
    for account in EACH {
        same_on(&machines.bare, &[&machines.login, &machines.forced], |machine| {
            outcome(machine.ssh(&["-T", account]).run_with_input(b"echo one; probe; exit 9\n"))
        });
    }
    let recorded: Vec<Value> = machines.login.noted("unrecorded", "alice");
    assert_eq!(recorded, [Value::Null; 0]);
}
