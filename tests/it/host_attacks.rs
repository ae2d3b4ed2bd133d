//! Who is recorded, and does not want to be: by environment, names, links, and the configuration.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use casemate_tests::machine::{CONFIG, Machine, RECORDINGS, SHELL, Way};
use casemate_tests::{booted, need, same};

use crate::host::outcome;

/// Variables that decide something for some programs, recorders among them.
const EVIL: &str = "\
LD_PRELOAD=/home/alice/evil.so
LD_AUDIT=/home/alice/evil.so
LD_LIBRARY_PATH=/home/alice
LD_DEBUG=all
LD_DEBUG_OUTPUT=/tmp/ld
GCONV_PATH=/home/alice
MALLOC_CHECK_=3
ENV=/home/alice/evil.sh
BASH_ENV=/home/alice/evil.sh
ZDOTDIR=/home/alice
PATH=/home/alice/bin:/usr/bin:/bin
SHELL=/bin/false
HOME=/tmp
TMPDIR=/home/alice
TZ=../../../home/alice/zone
LOCPATH=/home/alice
XDG_DATA_HOME=/home/alice
XDG_CONFIG_HOME=/home/alice
RUST_LOG=trace
RUST_BACKTRACE=full
NOTIFY_SOCKET=/home/alice/socket
CASEMATE_CONFIG=/home/alice/config.toml
CASEMATE_RECORDINGS=/home/alice
CASEMATE_SHELL=/bin/false
CASEMATE_SESSION=../../../home/alice/01a219c6
CASEMATE_MODE=best-effort
TLOG_REC_SESSION_CONF_TEXT={\"writer\":\"file\",\"file\":{\"path\":\"/dev/null\"}}
TLOG_REC_SESSION_CONF_FILE=/home/alice/config.toml
TLOG_REC_SESSION_SHELL=/bin/false
SUDO_USER=mallory
LOGNAME=../../mallory
USER=root
COLUMNS=0
LINES=99999999999
TERM=../../../home/alice/term
";

/// A library that says with which rights it was loaded.
const LIBRARY: &str = "\
#include <stdio.h>
#include <unistd.h>
unsigned la_version(unsigned v) { return v; }
__attribute__((constructor)) static void loaded(void) {
  FILE *f = fopen(\"/tmp/loaded\", \"a\");
  if (f) { fprintf(f, \"%d %d\\n\", (int) geteuid(), (int) getegid()); fclose(f); }
}
";

/// alice's home, full of what those variables name.
fn arm(machine: &Machine) {
    machine.write("/home/alice/evil.c", LIBRARY);
    machine.write("/home/alice/evil.sh", "echo evil >>/tmp/evil\n");
    machine.write("/home/alice/config.toml", "[policy]\nmode = \"best-effort\"\nrecordings = \"/tmp\"\n");
    machine.write("/home/alice/.ssh/environment", EVIL);
    machine.sh("cd /home/alice; cc -shared -fPIC -o evil.so evil.c; mkdir bin; ln -s /bin/false bin/bash
        touch /tmp/loaded /tmp/evil; chmod 666 /tmp/loaded /tmp/evil; chown -R alice: /home/alice; chmod 600 .ssh/environment");
    machine.serve(2300, &["-o", "PermitUserEnvironment=yes", "-o", "AcceptEnv=*"]);
}

#[test]
fn the_environment_decides_nothing_and_comes_through() {
    need!("cc");
    let mut given = Vec::new();
    for way in [Way::Bare, Way::Login, Way::Forced] {
        let machine = booted!(Machine::new(way));
        arm(&machine);
        let line = "/usr/local/bin/probe; true mark-evil";
        let finished = machine.ssh(&["-p", "2300", "alice", line]).run().success();
        let forced = ["SSH_ORIGINAL_COMMAND", "SHLVL", "PWD", "OLDPWD", "_", "SHELL"];
        let is_same = |line: &&str| !forced.iter().any(|name| line.starts_with(&format!("env {name}=")));
        let text = finished.text();
        given.push(
            text.lines()
                .filter(|line| line.starts_with("env "))
                .filter(is_same)
                .collect::<Vec<_>>()
                .join("\n"),
        );
        if way == Way::Bare {
            continue;
        }
        let recording = machine.recording("mark-evil");
        assert_eq!(recording.account, "alice");
        assert_eq!(recording.cast.header["casemate"]["target_user"], "alice");
        let loaded = machine.read("/tmp/loaded");
        assert!(loaded.contains("2001 2001"), "the library is a library: {loaded:?}");
        assert!(!loaded.contains(" 890"), "loaded into the recorder: {loaded:?}");
        // Nothing of ours anywhere else.
        let stray = machine.sh("find /home /tmp -name '*.cast*' -o -name '*.commands.jsonl' -o -name 'ld.*'");
        assert_eq!(stray.lines().filter(|path| !path.starts_with("/tmp/ld")).count(), 0, "{stray}");
        assert_eq!(machine.noted("unrecorded", "alice").len(), 0);
    }
    assert_eq!(given[0], given[1], "login shell");
    assert_eq!(given[0], given[2], "forced");
}

#[test]
fn the_command_that_ssh_brings_is_one_word() {
    // As the same words without us: nothing is evaluated twice, and nothing is evaluated by us.
    let lines = [
        "echo $(id -un) `id -u` \\$HOME '$HOME' \"$HOME\"",
        "echo one; echo two >&2 || echo three && exit 3",
        "'; exit 0; '",
        "echo a\necho b\n\nexit 5",
        "-c 'echo option'",
        "--explain",
        "--list",
        "--follow 0",
        " ",
        "#",
        "printf '%s' \"$0\" | od -c",
    ];
    for line in lines {
        let same = same!(|machine: &Machine| outcome(machine.ssh(&["dave", "--", line]).run()));
        assert!(same.value.0 < 128, "{:?}", same.value);
    }
    let long = format!("echo {} | wc -c", "x".repeat(100_000));
    for way in [Way::Login, Way::Forced] {
        let machine = booted!(casemate_tests::machine::shared(way));
        assert_eq!(machine.ssh(&["dave", &long]).run().success().text(), "100001\n");
    }
}

#[test]
fn a_name_is_never_a_path() {
    let machine = booted!(Machine::new(Way::Login));
    let names = ["..", ".", "a/../../../../tmp/x", "/tmp/y", "-rf", "a b", "\u{1b}[31mred", "", "x.cast.zst"];
    let mut passwd = machine.read("/etc/passwd");
    for (number, name) in names.iter().enumerate() {
        passwd.push_str(&format!("{name}:x:{}:2200::/tmp:{SHELL}\n", 2200 + number));
    }
    machine.write("/etc/passwd", passwd);
    // The last has no name at all.
    for number in 0..=names.len() {
        let id = (2200 + number).to_string();
        let line = format!("true mark-{id}-named");
        let args = ["--reuid", &id, "--regid", &id, "--clear-groups", "--", SHELL, "-c", &line];
        let finished = machine.root("setpriv").args(&args).run().success();
        assert_eq!(finished.stderr, "");
        let recording = machine.recording(&format!("mark-{id}-named"));
        let inside = recording.path.strip_prefix(machine.path(RECORDINGS)).unwrap();
        assert_eq!(inside.components().count(), 3, "{}", inside.display());
        let is_plain = |name: &str| !name.starts_with(['.', '-']) && !name.contains([' ', '\u{1b}']);
        assert!(is_plain(&recording.account), "{:?}", recording.account);
        assert!(number == 8 || recording.account == format!("uid-{id}"), "{:?}", recording.account);
    }
    assert_eq!(
        machine.sh(
            "find / -xdev -name '*.cast.zst' ! -path '/var/lib/casemate/*' -newer /etc/passwd -path '/tmp/*'"
        ),
        ""
    );
}

#[test]
fn a_link_names_a_shell_or_nothing_runs() {
    let machine = booted!(Machine::new(Way::Login));
    machine.write("/home/dave/bin/tool", "#!/bin/sh\necho tool \"$@\"\n");
    machine.sh("chmod 755 /home/dave /home/dave/bin /home/dave/bin/tool");
    for (name, wanted) in [
        ("casemate-shell-bin-dash", Some("dash ran\n")),
        ("-casemate-shell-bin-dash", Some("-dash ran\n")),
        ("/tmp/casemate-shell-bin-dash", Some("ran\n")),
        ("casemate-shell-..-..-bin-dash", None),
        ("casemate-shell-", None),
        ("casemate-shell-bin-", None),
        ("casemate-shell-bin-\\", None),
        ("casemate-shell-bin-nothing", None),
        ("casemate-shell-etc", None),
        ("casemate-shell-etc-passwd", None),
        ("", Some("ran\n")),
        ("-", Some("ran\n")),
        ("../../casemate-shell", Some("ran\n")),
    ] {
        let mark = format!("mark-link-{}", wanted.is_some());
        let line = format!("exec -a '{name}' {SHELL} -c 'echo $0 ran; true {mark}'");
        let finished = machine.account("dave", "bash").args(&["-c", &line]).run();
        match wanted {
            Some(text) => assert!(finished.text().ends_with(text), "{name}: {finished:?}"),
            None => {
                assert!(finished.code != 0 && finished.stdout.is_empty(), "{name}: {finished:?}");
                assert!(finished.stderr.starts_with("casemate: "), "{name}: {}", finished.stderr);
            }
        }
    }
    // A shell that would be us again and again.
    for shell in [SHELL, "/usr/bin/casemate-shell-usr-bin-casemate\\\\-shell"] {
        machine.configure(&format!("[policy]\nshell = \"{shell}\"\n"));
        let finished = machine.account("dave", SHELL).args(&["-c", "echo ran"]).run();
        assert!(finished.code != 0 || finished.text() == "ran\n", "{shell}: {finished:?}");
    }
}

/// A configuration that decides nothing: nobody but root gets a session, and that is written down.
fn check_refused(machine: &Machine, what: &str) {
    let before = machine.noted("refused", "alice").len();
    machine.sh("rm -f /tmp/ran");
    for args in [["-T", "alice", "touch /tmp/ran; echo ran"], ["-tt", "alice", "touch /tmp/ran; echo ran"]] {
        let finished = machine.ssh(&args).run();
        assert_eq!(finished.code, 1, "{what}: {finished:?}");
        let said = finished.text() + &finished.stderr;
        assert!(!said.contains("ran\n"), "{what}: {said}");
        assert!(said.contains("casemate: ") && said.contains("/etc/casemate"), "{what}: {said}");
    }
    assert!(!machine.path("/tmp/ran").exists(), "{what}");
    assert_eq!(machine.noted("refused", "alice").len(), before + 2, "{what}: {:?}", machine.host_log());
    // Root is let in to mend it, and told.
    let root = machine.root(SHELL).args(&["-c", "echo ran"]).run().success();
    assert_eq!(root.text(), "ran\n", "{what}");
    assert!(root.stderr.contains("/etc/casemate"), "{what}: {}", root.stderr);
}

#[test]
fn a_configuration_that_is_not_roots_alone_is_none() {
    let machine = booted!(Machine::new(Way::Login));
    let file = machine.path("/etc/casemate/config.toml");
    let mend = || {
        machine.sh("rm -rf /etc/casemate; mkdir -m 755 /etc/casemate");
        machine.write("/etc/casemate/config.toml", CONFIG);
    };
    chown(&file, Some(2001), None).unwrap();
    check_refused(&machine, "alice's file");
    mend();
    for mode in [0o664, 0o646, 0o666] {
        machine.chmod("/etc/casemate/config.toml", mode);
        check_refused(&machine, "others can write to the file");
    }
    mend();
    machine.chmod("/etc/casemate", 0o777);
    check_refused(&machine, "others can write to the folder");
    mend();
    chown(machine.path("/etc/casemate"), Some(2001), None).unwrap();
    check_refused(&machine, "alice's folder");
    mend();
    machine.sh("mv /etc/casemate /home/alice/casemate; ln -s /home/alice/casemate /etc/casemate");
    check_refused(&machine, "the folder is a link");
    mend();
    fs::remove_file(&file).unwrap();
    symlink("/home/alice/config.toml", &file).unwrap();
    check_refused(&machine, "the file is a link");
    mend();
    fs::remove_file(&file).unwrap();
    machine.sh("mkfifo /etc/casemate/config.toml");
    check_refused(&machine, "a pipe");
    mend();
    machine.sh("rm /etc/casemate/config.toml; mkdir /etc/casemate/config.toml");
    check_refused(&machine, "a folder");
    mend();
    machine.sh("rm /etc/casemate/config.toml; ln /dev/shm/none /etc/casemate/config.toml 2>/dev/null || \
        truncate -s 1G /etc/casemate/config.toml");
    check_refused(&machine, "a file without end");
    mend();
    for text in [
        "unknown = 1\n",
        "[policy]\nmode = \"lenient\"\n",
        "[policy\n",
        "\u{0}",
        "[[rule]]\npolicy.mode = \"strict\"\n",
    ] {
        machine.write("/etc/casemate/config.toml", text);
        check_refused(&machine, text);
    }
    fs::write(&file, b"# \xff\n").unwrap();
    check_refused(&machine, "no UTF-8");
    // Without one, there are sessions.
    fs::remove_file(&file).unwrap();
    assert_eq!(machine.ssh(&["alice", "echo ran # mark-none"]).run().success().text(), "ran\n");
    assert_eq!(machine.recording("mark-none").account, "alice");
}

#[test]
fn recordings_go_only_where_nobody_else_has_a_say() {
    let machine = booted!(Machine::new(Way::Login));
    machine.sh("mkdir -m 755 /home/alice/mine; chown alice: /home/alice/mine; mkdir -m 777 /srv/open
        mkdir -m 2770 /srv/group; chgrp casemate /srv/group; ln -s /srv/group /srv/link");
    for folder in ["/home/alice/mine", "/srv/open", "/srv/link", "/srv/nothing", "/etc/passwd"] {
        machine.configure(&format!("[policy]\nrecordings = \"{folder}\"\n"));
        let finished = machine.ssh(&["alice", "echo ran"]).run();
        assert_eq!((finished.code, finished.text().as_str()), (1, ""), "{folder}: {finished:?}");
        assert!(finished.stderr.contains(folder), "{}", finished.stderr);
    }
    machine.configure("[policy]\nrecordings = \"/srv/group\"\n");
    machine.ssh(&["alice", "echo ran"]).run().success();
    assert_eq!(machine.sh("find /srv/group -name '*.cast.zst' | wc -l"), "1\n");
    // The folder of a day or of an account, planted before.
    machine.configure("");
    let day = machine.sh("date -u +%F");
    let day = format!("{RECORDINGS}/{}", day.trim());
    for plant in [
        "ln -s /tmp DAY",
        "mkdir -m 777 DAY",
        "touch DAY",
        "mkdir -m 2770 DAY; chgrp casemate DAY; ln -s /tmp DAY/alice",
    ] {
        machine.sh(&format!("rm -rf {day}; {}", plant.replace("DAY", &day)));
        let finished = machine.ssh(&["alice", "echo ran"]).run();
        assert_eq!((finished.code, finished.text().as_str()), (1, ""), "{plant}: {finished:?}");
    }
    assert_eq!(machine.sh("find /tmp -name '*.cast.zst'"), "");
}
