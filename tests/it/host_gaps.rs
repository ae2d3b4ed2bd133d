//! What is not recorded: said, and written down when it happens; and a recorder that only seems to be at work.

use std::fs;
use std::time::{Duration, Instant};

use casemate_tests::machine::{Machine, RECORDINGS, SHELL, Way};
use casemate_tests::{LONG, booted, need, process, same, wait_until};
use serde_json::Value;

use crate::host::{EACH, fill, log_in, log_out, look, outcome, with_disk};

/// The entries of the host log of a kind, as soon as there are any.
fn wait_noted(machine: &Machine, kind: &str, account: &str) -> Vec<Value> {
    wait_until(&format!("{kind:?} in the host log"), LONG, || {
        Some(machine.noted(kind, account)).filter(|noted| !noted.is_empty())
    })
}

const BEST_EFFORT: &str = "[policy]\nmode = \"best-effort\"\npipes = \"content\"\n";

#[test]
fn a_gap_is_written_down_when_it_begins_and_when_it_is_over() {
    let machine = booted!(with_disk(BEST_EFFORT));
    // On a terminal, and, by way of ssh's own terminal, without one.
    for (number, options) in
        [["-tt", "alice"].as_slice(), &["-T", "alice", "exec bash"]].into_iter().enumerate()
    {
        let mut session = machine.ssh(options).on_terminal();
        if number == 0 {
            session.wait_prompt();
        }
        session.send("echo begun-$((40+2))\r");
        session.wait_for("begun-42");
        fill(&machine);
        session.send("base64 /tmp/noise; echo went-$((40+2))\r");
        session.wait_for("went-42");
        let begun = wait_until("the gap", LONG, || {
            let noted = machine.noted("unrecorded", "alice");
            (noted.len() == number + 1).then(|| noted[number].clone())
        });
        assert!(begun["reason"].as_str().unwrap().contains("No space left"), "{begun}");
        assert_eq!(machine.noted("unrecorded-end", "alice").len(), number, "it goes on");
        wait_until("a word about it", LONG, || session.text().contains("casemate: ").then_some(()));
        session.send("exit 4\r");
        assert_eq!(session.wait_exit(LONG), 4);
        let ended = wait_until("its end", LONG, || {
            let noted = machine.noted("unrecorded-end", "alice");
            (noted.len() == number + 1).then(|| noted[number].clone())
        });
        assert_eq!(ended["session"], begun["session"]);
        assert!(ended["duration"].as_f64().unwrap() > 0.0, "{ended}");
        assert_eq!(machine.noted("unrecorded", "alice").len(), number + 1, "{:?}", machine.host_log());
        machine.sh(&format!("rm {RECORDINGS}/rest"));
    }
}

#[test]
fn a_gap_that_cannot_be_written_down_is_as_soon_as_it_can_be() {
    let machine = booted!(with_disk(BEST_EFFORT));
    let mut session = log_in(&machine, "alice");
    fill(&machine);
    machine.sh("mv /var/lib/casemate/log /var/lib/casemate/away; touch /var/lib/casemate/log");
    session.send("base64 /tmp/noise; echo went-$((40+2))\r");
    session.wait_for("went-42");
    look(&session);
    machine.sh("rm /var/lib/casemate/log; mv /var/lib/casemate/away /var/lib/casemate/log");
    let noted = wait_noted(&machine, "unrecorded", "alice");
    assert_eq!((noted.len(), machine.noted("unrecorded-end", "alice").len()), (1, 0));
    session.send("exit 4\r");
    assert_eq!(session.wait_exit(LONG), 4);
    assert_eq!(wait_noted(&machine, "unrecorded-end", "alice").len(), 1);
}

/// Puts a descriptor that cannot be written to in the place of a recorder's command log: stops it, has it make one call of
/// the system, and lets it go on.
const SPOIL: &str = "\
import ctypes, os, sys
pid, folder = int(sys.argv[1]), f'/proc/{sys.argv[1]}/fd/'
opened = {int(fd): os.readlink(folder + fd) for fd in os.listdir(folder)}
log = next(fd for fd, path in opened.items() if path.endswith('.commands.jsonl'))
other = next(fd for fd, path in opened.items() if path.endswith('/sessions'))
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
def ptrace(*args):
    ctypes.set_errno(0)
    result = libc.ptrace(*args)
    assert ctypes.get_errno() == 0, (args, os.strerror(ctypes.get_errno()))
    return result
ptrace(16, pid, 0, 0)
os.waitpid(pid, 0x40000000)
before = (ctypes.c_ulong * 27)()
ptrace(12, pid, 0, ctypes.addressof(before))
now = (ctypes.c_ulong * 27)(*before)
at = before[16]
text = ptrace(1, pid, at, 0) & (1 << 64) - 1
ptrace(4, pid, at, text & ~0xffffff | 0xcc050f)
now[10], now[14], now[13], now[15] = 33, other, log, (1 << 64) - 1
ptrace(13, pid, 0, ctypes.addressof(now))
ptrace(7, pid, 0, 0)
os.waitpid(pid, 0x40000000)
ptrace(12, pid, 0, ctypes.addressof(now))
assert now[10] == log, now[10]
ptrace(4, pid, at, text)
ptrace(13, pid, 0, ctypes.addressof(before))
ptrace(17, pid, 0, 0)
";

#[test]
fn a_command_log_that_cannot_be_written_is_said_and_the_recording_goes_on() {
    need!("python3");
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    session.send("echo before\r");
    session.wait_for("before\r\n");
    session.wait_prompt();
    look(&session);
    // What no disk does by itself: of a session's two files one takes no more.
    machine.write("/tmp/spoil.py", SPOIL);
    machine.sh("python3 /tmp/spoil.py $(pgrep -u alice casemate-shell | head -1)");
    session.send("echo after-$((40+2))\r");
    session.wait_for("after-42");
    let noted = wait_noted(&machine, "command-log", "alice");
    wait_until("a word about it", LONG, || {
        session.text().contains("casemate: the command log cannot be written").then_some(())
    });
    session.send("\r");
    look(&session);
    session.send("echo mark-later\r");
    session.wait_for("mark-later\r\n");
    assert_eq!(log_out(&mut session, 5), 5);
    assert_eq!(noted.len(), 1, "{:?}", machine.host_log());
    assert_eq!(machine.noted("command-log", "alice").len(), 1);
    for kind in ["unrecorded", "refused"] {
        assert_eq!(machine.noted(kind, "alice").len(), 0, "{:?}", machine.host_log());
    }
    // The recording is whole, and has it all.
    let recording = machine.recording("mark-later");
    assert_eq!(noted[0]["session"], recording.cast.session());
    assert!(!recording.commands().iter().any(|event| event["command"] == "echo mark-later"));
    let path = recording.path.strip_prefix(machine.path("/")).unwrap().display().to_string();
    let derived =
        machine.sh(&format!("casemate verify /{path} >/dev/null; casemate commands -f jsonl /{path}"));
    assert!(derived.contains("echo mark-later"), "{derived}");
}

#[test]
fn a_refused_session_leaves_no_files_behind() {
    let machine = booted!(Machine::new(Way::Login));
    machine.configure("[[rule]]\nusers = [\"alice\"]\npolicy.shell = \"/etc/passwd\"\n");
    for option in ["-T", "-tt"] {
        let finished = machine.ssh(&[option, "alice", "true"]).run();
        let said = finished.text() + &finished.stderr;
        assert!(finished.code == 1 && said.contains("casemate: "), "{finished:?}");
    }
    assert_eq!(machine.sh(&format!("find {RECORDINGS} -type f")), "");
    assert_eq!(machine.noted("refused", "alice").len(), 2);
    // A terminal that adds a carriage return by itself is given none.
    let mut refused = machine.account("alice", SHELL).on_terminal();
    assert_eq!(refused.wait_exit(LONG), 1);
    let said = refused.text();
    assert!(said.contains("\r\n") && !said.contains("\r\r\n"), "{said:?}");
}

#[test]
fn a_stopped_recorder_records_nothing_so_another_one_does() {
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    session.send("echo mark-outer\r");
    session.wait_for("mark-outer\r\n");
    session.wait_prompt();
    let own = "$(pgrep -u alice casemate-shell | head -1)";
    let within = |mark: &str, stop: &str, go_on: &str| {
        format!("sh -c '{stop}; {SHELL} -c \"echo {mark}-\\$((40+2)); echo {mark} >>/tmp/ran\"; {go_on}'\r")
    };
    session.send(within("at-work", "true", "true"));
    session.wait_for("at-work-42");
    session.wait_prompt();
    assert_eq!(machine.noted("skipped", "alice").len(), 1);
    assert_eq!(machine.recordings().len(), 1);
    // On a busy machine its threads need a moment to stop.
    let stop = format!("r={own}; kill -STOP $r; until grep -q State:.T /proc/$r/status; do :; done");
    session.send(within("stopped", &stop, "kill -CONT $r"));
    session.wait_for("stopped-42");
    session.wait_prompt();
    assert_eq!(log_out(&mut session, 0), 0);
    assert_eq!(machine.read("/tmp/ran"), "at-work\nstopped\n");
    let with = |mark: &str| {
        let mut found = machine.finished();
        found.retain(|recording| recording.cast.output().contains(mark));
        found.len()
    };
    wait_until("both recordings", LONG, || (with("stopped-42") == 2).then_some(()));
    assert_eq!((machine.noted("skipped", "alice").len(), with("at-work-42")), (1, 1));
}

/// Opens terminals of another devpts until one has the number of ours, and starts a shell on it.
const NAMESAKE: &str = "\
import os, pty, subprocess, sys
number = os.ttyname(0).rsplit('/', 1)[1]
while True:
    master = os.open('/tmp/pts/ptmx', os.O_RDWR | os.O_NOCTTY)
    import fcntl, struct, array
    fcntl.ioctl(master, 0x40045431, struct.pack('i', 0))
    n = array.array('i', [0]); fcntl.ioctl(master, 0x80045430, n)
    if str(n[0]) == number: break
slave = os.open('/tmp/pts/' + number, os.O_RDWR | os.O_NOCTTY)
assert os.fstat(slave).st_rdev == os.fstat(0).st_rdev
run = subprocess.Popen(['casemate-shell', '-c', 'echo mark-namesake'], stdin=slave, stdout=slave, stderr=slave)
seen = b''
while b'mark-namesake' not in seen: seen += os.read(master, 1000)
print('status', run.wait())
";

#[test]
fn a_terminal_of_the_same_number_elsewhere_is_another() {
    need!("python3");
    let machine = booted!(Machine::new(Way::Login));
    machine.sh("mkdir /tmp/pts; mount -t devpts -o newinstance,ptmxmode=666,mode=666 other /tmp/pts");
    machine.write("/tmp/namesake.py", NAMESAKE);
    let mut session = log_in(&machine, "alice");
    session.send("python3 /tmp/namesake.py\r");
    session.wait_for("status 0");
    log_out(&mut session, 0);
    assert_eq!(machine.noted("skipped", "alice").len(), 0);
    assert_eq!(machine.recording("mark-namesake").account, "alice");
    assert_eq!(machine.recordings().len(), 2);
}

/// Starts a program with an environment that no shell makes.
const STARTS: &str = "\
#include <unistd.h>
int main(int c, char **v) {
  char *env[] = {\"Z=1\", \"A=1\", \"A=2\", \"nothing\", \"=C:=x\", \"\", \"B=\", \"A=3\", \"PATH=/usr/local/bin:/usr/bin:/bin\",
    \"LD_LIBRARY_PATH=/home\", \"M=a\\nb\", 0};
  char *argv[] = {v[1], \"-c\", \"cat /proc/$$/environ | tr '\\\\0' '|'; true\", 0};
  execve(v[1], argv, env);
  return 1;
}
";

#[test]
fn the_environment_is_given_on_entry_by_entry() {
    need!("cc");
    let same = same!(|machine: &Machine| {
        machine.write("/tmp/starts.c", STARTS);
        machine.sh("cc -o /tmp/starts /tmp/starts.c");
        let shell = machine.shell_of("dave");
        let start = |launch: casemate_tests::Launch| launch.args(&[shell.as_str()]);
        let piped = outcome(start(machine.account("dave", "/tmp/starts")).run());
        let mut session = start(machine.account("dave", "/tmp/starts")).on_terminal();
        (piped, session.wait_exit(LONG), session.text())
    });
    assert!(same.value.0.1.starts_with("Z=1|A=1|A=2|nothing|=C:=x||B=|A=3|"), "{:?}", same.value);
}

#[test]
fn a_death_by_any_signal_is_one() {
    for account in EACH {
        let own = if account == "carol" { "$fish_pid" } else { "$$" };
        for signal in [35, 64, 15, 9] {
            same!(|machine: &Machine| {
                let shell = machine.shell_of(account);
                let line = format!("kill -{signal} {own}; sleep 30");
                let piped = machine.account(account, &shell).args(&["-c", &line]).run().code;
                let mut session = machine.account(account, &shell).args(&["-c", &line]).on_terminal();
                (piped, session.wait_exit(LONG))
            });
        }
    }
}

#[test]
fn a_panes_shell_is_seen_where_it_is_shown() {
    need!("tmux");
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    // tmux starts what SHELL says, which is the real one.
    session.send("exec tmux -f /dev/null new\r");
    wait_until("a pane", LONG, || session.text().contains("\u{1b}[?1049h").then_some(()));
    look(&session);
    session.send("echo mark-pane-$((40+2))\r");
    session.wait_for("mark-pane-42");
    session.send("exit\r");
    assert_eq!(session.wait_exit(LONG), 0);
    assert_eq!(machine.recording("mark-pane-42").account, "alice");
    assert_eq!(machine.recordings().len(), 1);
    // What a server that is there already starts is not.
    machine.account("alice", "tmux").args(&["-f", "/dev/null", "new", "-d"]).run().success();
    let mut session = machine.ssh(&["-tt", "alice", "tmux attach"]).on_terminal();
    wait_until("the pane", LONG, || session.text().contains("\u{1b}[?1049h").then_some(()));
    session.send("echo mark-attached-$((40+2)); tmux detach\r");
    assert_eq!(session.wait_exit(LONG), 0);
    assert_eq!(machine.recording("mark-attached-42").account, "alice");
    machine.account("alice", "tmux").args(&["kill-server"]).run().success();
}

#[test]
fn processes_that_are_hidden_hide_no_login() {
    let machine = booted!(Machine::new(Way::Login));
    let logged_in = |mark: &str, start: &str| {
        let mut session = log_in(&machine, "alice");
        session
            .send(format!("{start}casemate-shell -c 'ls -d /proc/1; true {mark}' 2>&1 </dev/null | cat\r"));
        session.wait_prompt();
        assert_eq!(log_out(&mut session, 0), 0);
        let facts = machine.recording(&format!("true {mark}'")).cast.header["casemate"].clone();
        facts["login"]["service"].clone()
    };
    // What belongs to root is not to be seen, and with it not who let somebody in; but the kernel knows the session.
    machine.sh("mount -o remount,hidepid=2 /proc");
    assert_eq!(logged_in("mark-hidden", ""), "sshd");
    // The group of the recorder may be one that sees all.
    machine.sh("mount -o remount,hidepid=2,gid=casemate /proc");
    assert_eq!(logged_in("mark-seen", ""), "sshd");
    machine.sh("mount -o remount,hidepid=0 /proc");
    assert_eq!(logged_in("mark-left", "setsid -f "), "sshd");
}

#[test]
fn another_group_and_a_display_from_afar_come_through() {
    need!("sg", "newgrp", "xauth");
    let group = same!(|machine: &Machine| {
        let line = "sg audit -c 'id -gn; id -Gn; true'; newgrp audit <<<'id -gn; exit 6'; echo $?";
        let piped = outcome(machine.ssh(&["-T", "vera", line]).run());
        let mut session = log_in(machine, "vera");
        session.send("sg audit -c 'id -gn >given'; newgrp audit\r");
        session.wait_prompt();
        look(&session);
        session.send("id -gn >>given; exit 6\r");
        session.wait_prompt();
        look(&session);
        (piped, log_out(&mut session, 4), machine.read("/home/vera/given"))
    });
    assert_eq!(group.value.2, "audit\naudit\n");
    for (_, machine) in group.wrapped {
        assert!(!machine.read("/home/vera/given").contains("casemate"));
    }
    for way in [Way::Bare, Way::Login, Way::Forced] {
        let machine = booted!(Machine::new(way));
        machine.serve(2222, &["-o", "X11Forwarding=yes"]);
        for option in ["-T", "-tt"] {
            let line = "echo ${DISPLAY%.0} $(xauth list | wc -l)";
            let finished =
                machine.ssh(&["-Y", "-p", "2222", option, "alice", line]).env("DISPLAY", ":7").run();
            let display = finished.text().trim().rsplit('\n').next().unwrap_or_default().trim().to_owned();
            assert!(display.starts_with("localhost:1") && !display.ends_with(" 0"), "{way:?}: {finished:?}");
        }
    }
}

/// Whoever looks at it soon gets no answer that is not there yet.
#[test]
fn twenty_lookers_and_twenty_comers_lose_no_session() {
    let machine = booted!(Machine::new(Way::Login));
    let mut session = log_in(&machine, "alice");
    session.send("echo mark-race\r");
    session.wait_for("mark-race\r\n");
    let listing = "for i in $(seq 20); do casemate sessions --json >/dev/null; done";
    let coming = format!(
        "for i in $(seq 20); do setpriv --reuid bob --regid bob --clear-groups -- {SHELL} -c true; done"
    );
    let line = format!("{listing} & {listing} & {listing} & {coming} & {coming} & {coming} & wait");
    let begun = Instant::now();
    machine.sh(&line);
    assert!(begun.elapsed() < 10 * LONG.max(Duration::from_secs(1)));
    // Nobody took it for dead.
    wait_until("one entry", LONG, || {
        let entries = fs::read_dir(machine.path("/run/casemate/sessions")).unwrap().count();
        (entries == 1).then_some(())
    });
    assert!(process::alive(machine.init()));
    session.send("sh -c 'casemate-shell -c true'\r");
    wait_noted(&machine, "skipped", "alice");
    log_out(&mut session, 0);
}
