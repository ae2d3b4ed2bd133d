//! What goes through ssh without a terminal, wrapped: every byte, the streams apart, and one command event of it.

use casemate_tests::machine::{Machine, Recording, Way};
use casemate_tests::{LONG, need, same, skip, tools, wait_until};

use crate::host::{EACH, checksum, measured, noise, only, outcome, piped};

/// More than all buffers on the way together.
const MUCH: usize = 20 << 20;

#[test]
fn twenty_megabytes_both_ways_with_errors_apart() {
    let noise = noise(MUCH);
    for account in ["alice", "dave"] {
        let mark = format!("mark-{account}-much");
        let line = format!("echo first >&2; cat; echo last >&2; true {mark}");
        let same = same!(|machine: &Machine| measured(machine.ssh(&[account, &line]).run_with_input(&noise)));
        let wanted = (0, MUCH, checksum(&noise), "first\nlast\n".to_owned());
        assert_eq!(same.value, wanted);
        for (_, machine) in same.wrapped {
            let event = piped(&machine.recording(&mark), account, &line, 0);
            assert_eq!((&event["bytes_in"], &event["bytes_out"]), (&MUCH.into(), &MUCH.into()), "{event}");
            assert_eq!(event["bytes_err"], 11, "{event}");
        }
    }
}

#[test]
fn who_has_had_enough_says_so() {
    let noise = noise(MUCH);
    for line in [
        "head -c 10 | od -c",
        "exec <&-; echo closed",
        "exec >&-; cat >/dev/null; echo done >&2",
        "exec 2>&-; cat | head -c 1000",
        "true",
    ] {
        let same = same!(|machine: &Machine| measured(machine.ssh(&["alice", line]).run_with_input(&noise)));
        assert_eq!(same.value.0, 0, "{line}: {:?}", same.value);
    }
    // The client goes in the middle: whoever prints is told.
    let same = same!(|machine: &Machine| {
        let line = "ssh alice 'cat /dev/zero; echo $? >ended' | head -c 100000 | wc -c";
        let outcome = outcome(machine.client("sh", &["-c", line]).run());
        wait_until("the end of cat", LONG, || machine.running("cat /dev/zero").is_empty().then_some(()));
        outcome
    });
    assert_eq!(same.value.1, "100000\n");
}

#[test]
fn without_standard_input() {
    for account in EACH {
        let mark = format!("mark-{account}-null");
        let line = format!("cat; probe; true {mark}");
        let same = same!(|machine: &Machine| outcome(
            machine.ssh(&["-n", account, &line]).run_with_input(b"unread")
        ));
        for (_, machine) in same.wrapped {
            piped(&machine.recording(&mark), account, &line, 0);
        }
    }
}

#[test]
fn many_at_once_over_one_connection() {
    let script = "ssh -fNM -S ~/.ssh/control-%r -o ControlPersist=no alice\n\
         for i in 1 2 3 4 5 6 7 8; do (ssh -S ~/.ssh/control-%r alice \"echo $i; cat /usr/local/bin/probe; exit $i\" \
         >~/out-$i; echo $? >>~/out-$i) & done; wait\n\
         ssh -S ~/.ssh/control-%r -O exit alice 2>/dev/null; cat ~/out-*";
    let same = same!(|machine: &Machine| outcome(machine.client("sh", &["-c", script]).run()));
    assert_eq!(same.value.0, 0, "{}", same.value.2);
    assert_eq!(same.value.1.matches("where()").count(), 8);
}

/// Runs a script of the client's and compares what came of it with the bytes that were sent.
///
/// `ACCOUNT`, `GOT` (a name in the account's home) and `COPY` (the client's folder) are replaced.
#[track_caller]
fn check_copies(script: &str, results: &[&str], recorded: &str, tool: &str) {
    if tools::find(tool).is_none() {
        skip!("needs {tool}");
    }
    let noise = noise(3 << 20);
    for account in EACH {
        let named = format!("{:x}", checksum(script.as_bytes()));
        let place = |text: &str| {
            let text = text.replace("ACCOUNT", account).replace("GOT", &format!("got-{named}"));
            text.replace("COPY", &format!("/home/client/{named}-{account}"))
        };
        let same = same!(|machine: &Machine| {
            machine.sh(&place("rm -rf COPY /home/ACCOUNT/GOT*"));
            for name in ["a file", "tree/empty", "tree/deep/noise"] {
                let content = if name.ends_with("empty") { &[] } else { &noise[..] };
                machine.write(place(&format!("COPY/{name}")), content);
            }
            machine.sh(&place(
                "chmod 640 'COPY/a file'; touch -d @1234567890 COPY/tree/empty; chown -R client: COPY",
            ));
            let ran = machine.client("sh", &["-ec", &place(script)]).folder(place("COPY")).run();
            let got = results.iter().map(|result| {
                let path = machine.path(place(result));
                let mode = std::fs::metadata(&path).ok().map(|about| about.permissions());
                (std::fs::read(&path).ok().map(|bytes| checksum(&bytes)), mode)
            });
            (outcome(ran), got.collect::<Vec<_>>())
        });
        let (ran, got) = &same.value;
        assert_eq!(ran.0, 0, "{ran:?}");
        for ((sum, _), result) in got.iter().zip(results) {
            let wanted = if result.ends_with("empty") { &[] } else { &noise[..] };
            assert_eq!(*sum, Some(checksum(wanted)), "{result}: {ran:?}");
        }
        for (way, machine) in same.wrapped {
            let is_it = |found: &Recording| {
                found.account == account && found.cast.data("exec").concat().contains(recorded)
            };
            assert!(machine.finished().iter().any(is_it), "{way:?}: {recorded} is not recorded");
        }
    }
}

#[test]
fn scp_in_both_protocols() {
    for (option, recorded) in [("-O", "scp"), ("-s", "sftp-server")] {
        check_copies(
            &format!(
                "scp -p {option} 'a file' ACCOUNT:GOT; scp -rp {option} tree ACCOUNT:GOT-tree\n\
                 scp {option} ACCOUNT:GOT back; scp -r {option} ACCOUNT:GOT-tree back-tree"
            ),
            &[
                "/home/ACCOUNT/GOT",
                "/home/ACCOUNT/GOT-tree/empty",
                "/home/ACCOUNT/GOT-tree/deep/noise",
                "COPY/back",
                "COPY/back-tree/deep/noise",
            ],
            recorded,
            "scp",
        );
    }
}

/// A batch of sftp, and what must come of it.
const BATCH: &str = "printf 'put -p \"a file\" GOT\nput -R tree GOT-tree\nget GOT back\nrename GOT GOT2\nls -1 GOT2\n\
    get -R GOT-tree back-tree\n' | sftp -q -b -";
const BATCHED: [&str; 4] =
    ["/home/ACCOUNT/GOT2", "/home/ACCOUNT/GOT-tree/empty", "COPY/back", "COPY/back-tree/deep/noise"];

#[test]
fn sftp_as_a_program() {
    check_copies(&format!("{BATCH} ACCOUNT"), &BATCHED, "/sftp-server", "sftp");
}

#[test]
fn sftp_inside_of_sshd() {
    // Nothing is started for it, unless sshd is told to start us: then it is the program.
    check_copies(&format!("{BATCH} ACCOUNT-internal"), &BATCHED, "", "sftp");
}

#[test]
fn rsync_both_ways_and_again() {
    check_copies(
        "rsync -a 'a file' ACCOUNT:GOT; rsync -az tree/ ACCOUNT:GOT-tree; rsync -a --stats tree/ ACCOUNT:GOT-tree | \
         grep transferred; rsync -a ACCOUNT:GOT-tree/ back-tree; rsync -a -s ACCOUNT:GOT back",
        &[
            "/home/ACCOUNT/GOT",
            "/home/ACCOUNT/GOT-tree/empty",
            "/home/ACCOUNT/GOT-tree/deep/noise",
            "COPY/back",
            "COPY/back-tree/deep/noise",
        ],
        "rsync --server",
        "rsync",
    );
}

#[test]
fn git_push_clone_and_fetch() {
    check_copies(
        "export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=C GIT_CONFIG_KEY_1=user.email \
         GIT_CONFIG_VALUE_1=c@example.com GIT_CONFIG_KEY_2=init.defaultBranch GIT_CONFIG_VALUE_2=main\n\
         ssh ACCOUNT git init -q --bare GOT.git; git init -q; git add .; git commit -qm one\n\
         git push -q ssh://ACCOUNT/~/GOT.git main 2>&1; git clone -q ACCOUNT:GOT.git back 2>&1\n\
         git -C back fetch 2>&1; git ls-remote ACCOUNT:GOT.git | cut -f2",
        &["COPY/back/tree/empty", "COPY/back/tree/deep/noise"],
        "git-receive-pack",
        "git",
    );
}

#[test]
fn ansible_with_and_without_pipelining() {
    need!("python3");
    if !tools::cache().join("ansible/bin/ansible").exists() {
        tools::left_out("ansible is not installed in target/tools; ./test does that");
        return;
    }
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n\
        \x20 - copy: {src: /usr/local/bin/probe, dest: ~/played, mode: '0600'}\n  - script: /home/client/script\n\
        \x20   register: script\n  - debug: {msg: '{{ script.stdout }}'}\n";
    // With pipelining a module is what an interpreter reads; without, it is copied by sftp first.
    for (pipelining, account) in [("True", "alice"), ("False", "dave")] {
        let same = same!(|machine: &Machine| {
            machine.write("/home/client/play.yml", play);
            machine.write("/home/client/script", "#!/bin/sh\necho from-script as $SHELL, $(umask)\n");
            machine.sh(&format!("rm -rf /home/{account}/.ansible /home/{account}/played"));
            let python = "/opt/shared/ansible/bin/python";
            let hosts = format!("{account},");
            let run = machine.client(python, &["-m", "ansible", "playbook", "-i", &hosts, "play.yml"]);
            let run = run.env("ANSIBLE_PIPELINING", pipelining).env("ANSIBLE_NOCOLOR", "1");
            let run = run.env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3").run();
            assert_eq!(run.code, 0, "{}{}", run.text(), run.stderr);
            (run.text(), machine.read(format!("/home/{account}/played")).len())
        });
        assert!(same.value.0.contains("from-script"), "{}", same.value.0);
        for (way, machine) in same.wrapped {
            let runs = |found: &Recording| found.cast.data("exec").concat().contains("/usr/bin/python3");
            assert!(machine.finished().iter().any(runs), "{way:?}: no module is recorded");
        }
    }
}

#[test]
fn a_tunnel_and_a_login_without_a_shell() {
    let same = same!(|machine: &Machine| {
        let script = "ssh -N -L 7000:127.0.0.1:22 alice & tunnel=$!; \
            for i in $(seq 100); do sleep 0.1; ssh -p 7000 dave 'echo through; exit 3' && break; \
            [ $? = 3 ] && break; done; kill $tunnel; wait $tunnel; ssh -W 127.0.0.1:22 alice </dev/null | head -c 7";
        // How long the tunnel takes is not to be compared.
        let finished = machine.client("sh", &["-c", script]).run();
        (finished.code, finished.text())
    });
    assert!(same.value.1.contains("through\nSSH-2.0"), "{:?}", same.value);
    for (way, machine) in same.wrapped {
        // No shell ran for alice: her logins are in the host log all the same.
        assert!(machine.noted("login", "alice").len() >= 2, "{way:?}: {:?}", machine.host_log());
    }
}

#[test]
fn content_of_pipes_is_recorded_where_the_policy_says_so() {
    let machine = casemate_tests::booted!(Machine::new(Way::Login));
    machine.configure("[policy]\npipes = \"content\"\n");
    let line = "cat; echo wrong >&2; exit 2; # mark-content";
    let finished = machine.ssh(&["dave", line]).run_with_input(b"asked\n\xff\n").exits(2);
    assert_eq!((finished.stdout.as_slice(), finished.stderr.as_str()), (&b"asked\n\xff\n"[..], "wrong\n"));
    let recording = machine.recording("mark-content");
    assert_eq!(recording.cast.exact_output(), b"asked\n\xff\n");
    assert_eq!(recording.cast.exact("i"), b"asked\n\xff\n");
    assert_eq!(recording.cast.exact("err"), b"wrong\n");
    assert_eq!(only(&recording, "traffic")["in"], 8);
}
