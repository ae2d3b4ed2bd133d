//! Who is recorded, and takes on the recorder: its process, its files, its disk.

use std::fs;
use std::time::Duration;

use casemate_tests::machine::{Machine, RECORDINGS, SHELL, Way};
use casemate_tests::{LONG, Session, booted, need, process, wait_until};

use crate::host::{EACH, fill, log_in, log_out, look, with_disk};

/// The processes of an account that are recorders.
fn recorders(machine: &Machine, account: &str) -> Vec<u32> {
    let id = format!("\t{}", 2001 + EACH.iter().position(|name| *name == account).unwrap());
    let is_it = |pid: &u32| {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let uid = status.lines().find(|line| line.starts_with("Uid:")).unwrap_or_default();
        exe.ends_with("casemate-shell") && uid.contains(&id)
    };
    machine.processes().into_iter().filter(is_it).collect()
}

/// A process id as it is inside.
fn inside(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

/// Somebody has logged in, and left a mark; gives the session and its recorder, as an id inside.
fn victim(machine: &Machine, account: &str, mark: &str) -> (Session, String) {
    let mut session = log_in(machine, account);
    session.send(format!("echo {mark}\r"));
    session.wait_for(&format!("{mark}\r\n"));
    session.wait_prompt();
    let found = recorders(machine, account);
    assert_eq!(found.len(), 1, "one recorder");
    (session, inside(found[0]))
}

#[test]
fn the_recorder_is_out_of_reach() {
    let machine = booted!(Machine::new(Way::Login));
    let (mut session, recorder) = victim(&machine, "alice", "mark-reach");
    let attach = "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True)\n\
        for request in (16, 0x4206):\n  \
        print(libc.ptrace(request, int(sys.argv[1]), 0, 0), os.strerror(ctypes.get_errno()))\n\
        fd = os.pidfd_open(int(sys.argv[1])); print(libc.syscall(438, fd, 0, 0), os.strerror(ctypes.get_errno()))\n\
        class V(ctypes.Structure): _fields_ = [('a', ctypes.c_void_p), ('n', ctypes.c_size_t)]\n\
        b = ctypes.create_string_buffer(8); l = V(ctypes.addressof(b), 8); r = V(0x400000, 8)\n\
        print(libc.process_vm_readv(int(sys.argv[1]), ctypes.byref(l), 1, ctypes.byref(r), 1, 0), \
        os.strerror(ctypes.get_errno()))\n";
    machine.write("/tmp/attach.py", attach);
    for account in ["alice", "bob"] {
        for line in [
            "cat /proc/PID/mem",
            "cat /proc/PID/environ",
            "cat /proc/PID/maps",
            "cat /proc/PID/auxv",
            "ls /proc/PID/fd/",
            "ls /proc/PID/fdinfo/",
            "ls /proc/PID/map_files/",
            "ls /proc/PID/root/",
            "ls /proc/PID/cwd/",
            "readlink /proc/PID/exe",
            "cat /proc/PID/task/PID/mem",
            "ls /proc/PID/task/PID/fd/",
            "echo 15 >/proc/PID/oom_score_adj",
            "echo x >/proc/PID/comm",
            "prlimit --pid PID --fsize=0",
            "prlimit --pid PID --nofile=1",
            "gdb -p PID -batch 2>&1 | grep -q 'not permitted' && exit 1",
            "nsenter -t PID -U true",
        ] {
            let line = line.replace("PID", &recorder);
            let finished = machine.account(account, "sh").args(&["-c", &line]).run();
            assert!(finished.code != 0 && finished.stdout.is_empty(), "{account}: {line}: {finished:?}");
        }
        if let Some(python) = casemate_tests::tools::python() {
            let finished = machine.account(account, &python.to_string_lossy());
            let finished = finished.args(&["/tmp/attach.py", &recorder]).run().success();
            assert_eq!(finished.text(), "-1 Operation not permitted\n".repeat(4), "{account}");
        }
    }
    // A dead recorder leaves no memory behind.
    machine.sh("echo /tmp/core.%p >/proc/sys/kernel/core_pattern 2>/dev/null || true");
    log_out(&mut session, 0);
    assert_eq!(machine.recording("mark-reach").cast.output().matches("mark-reach").count(), 2);
}

#[test]
fn recordings_are_out_of_reach_ones_own_included() {
    let machine = booted!(Machine::new(Way::Login));
    let (mut session, _) = victim(&machine, "alice", "mark-own");
    let path = machine.recordings().pop().unwrap();
    let path = path.strip_prefix(machine.path("/")).unwrap().display().to_string();
    let folder = path.rsplit_once('/').unwrap().0;
    let before = fs::read(machine.path(&path)).unwrap();
    for account in ["alice", "bob", "vera"] {
        for line in [
            "ls /var/lib/casemate/",
            "ls RECORDINGS/",
            "ls /FOLDER/",
            "cat /FILE",
            "stat /FILE",
            "cp /FILE /tmp/copy-$USER",
            "ln /FILE /tmp/link-$USER",
            "mv /FILE /tmp/moved-$USER",
            "rm -f /FILE",
            "chmod 777 /FILE",
            "truncate -s 0 /FILE",
            "echo more >>/FILE",
            "touch RECORDINGS/planted",
            "touch /FOLDER/planted",
            "mkdir RECORDINGS/2099-01-01",
            "ln -s /tmp RECORDINGS/2099-01-01",
            "mount --bind /tmp RECORDINGS",
            "unshare -Ur cat /FILE",
            "unshare -Urm sh -c 'mount --bind RECORDINGS /mnt && ls /mnt/'",
            "cat /var/lib/casemate/log/*",
            "echo '{}' >>/var/lib/casemate/log/$(date -u +%F).jsonl",
            "ls /run/casemate/",
            "ls /run/casemate/sessions/",
            "touch /run/casemate/sessions/00000000-0000-7000-8000-000000000000.json",
            "touch /run/casemate/logins/1-1.json",
            "sg casemate -c id </dev/null",
            "newgrp casemate </dev/null | grep casemate",
            "chgrp casemate /tmp/attach-$USER",
        ] {
            let line =
                line.replace("FILE", &path).replace("FOLDER", folder).replace("RECORDINGS", RECORDINGS);
            let finished = machine.account(account, "sh").args(&["-c", &line]).run();
            assert!(finished.code != 0 && finished.stdout.is_empty(), "{account}: {line}: {finished:?}");
        }
        // Not by way of the program that may go there, either.
        for args in [["-c", "ls /var/lib/casemate/recordings/"], ["-c", "id -Gn; id -gn"], ["/FILE", ""]] {
            let args = args.map(|arg| arg.replace("FILE", &path));
            let finished = machine.account(account, SHELL).args(&args).run();
            assert!(
                !finished.text().contains("casemate") && !finished.text().contains("2026-"),
                "{finished:?}"
            );
        }
    }
    assert_eq!(machine.sh("ls /tmp | grep -E '^(copy|link|moved)' || true"), "");
    log_out(&mut session, 0);
    let after = fs::read(machine.path(&path)).unwrap();
    assert!(after.starts_with(&before), "a recording only grows");
    let recording = machine.recording("mark-own");
    machine.sh(&format!(
        "casemate verify /{path} && test ! -e {RECORDINGS}/planted -a ! -e {RECORDINGS}/2099-01-01"
    ));
    assert_eq!(recording.cast.output().matches("mark-own").count(), 2);
}

#[test]
fn a_killed_recorder_takes_the_session_with_it() {
    for (way, how) in [(Way::Login, "KILL"), (Way::Forced, "ILL"), (Way::Login, "ABRT")] {
        let machine = booted!(Machine::new(way));
        let (mut session, recorder) = victim(&machine, "alice", "mark-killed");
        session.send("sleep 4411\r");
        let sleeper = process::wait_foreground(machine.init(), "sleep 4411");
        look(&session);
        let kill = format!("ulimit -c unlimited; cd /tmp; kill -{how} {recorder}");
        machine.account("alice", "sh").args(&["-c", &kill]).run().success();
        process::wait_gone(&[sleeper], Duration::from_secs(2));
        assert!(session.wait_exit(LONG) > 128 || !session.is_running());
        // All but the last moments is there, it is not called whole, and nothing else was left behind.
        let path = machine.recordings().pop().unwrap();
        let cast = casemate_tests::Cast::read_open(&path).unwrap();
        assert!(cast.output().contains("mark-killed\r\n"), "{}", cast.output());
        let inside = path.strip_prefix(machine.path("/")).unwrap().display().to_string();
        let verified = machine.root("casemate").args(&["verify", &format!("/{inside}")]).run();
        assert!(verified.code != 0 && verified.text().contains("UNFINISHED"), "{verified:?}");
        assert_eq!(machine.sh("find /tmp -name 'core*'"), "");
        // The next one is recorded as ever.
        machine.ssh(&["alice", "true mark-next"]).run().success();
        assert_eq!(machine.recording("mark-next").account, "alice");
    }
}

#[test]
fn a_stopped_recorder_stops_the_session() {
    let machine = booted!(Machine::new(Way::Login));
    let (mut session, recorder) = victim(&machine, "dave", "mark-stopped");
    machine.account("dave", "kill").args(&["-STOP", &recorder]).run().success();
    let shown = session.output_len();
    session.send("echo unseen-$((1+1)) >/tmp/unseen; echo while-stopped\r");
    // Whatever was typed waits before the recorder: the shell has not got it.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(session.output_len(), shown);
    assert!(!machine.path("/tmp/unseen").exists());
    machine.account("dave", "kill").args(&["-CONT", &recorder]).run().success();
    session.wait_for("while-stopped\r\n");
    log_out(&mut session, 0);
    assert!(machine.recording("mark-stopped").cast.output().contains("while-stopped"));
}

#[test]
fn a_recorder_that_is_starved_lets_nothing_run_unrecorded() {
    let machine = booted!(Machine::new(Way::Login));
    for limit in [
        "-f 0",
        "-f 1",
        "-n 3",
        "-n 6",
        "-n 10",
        "-v 1000",
        "-v 20000",
        "-v 100000",
        "-t 0",
        "-u 1",
        "-l 0",
        "-s 16",
        "-d 100",
    ] {
        let number = limit.replace([' ', '-'], "");
        let line = format!(
            "ulimit {limit}; exec {SHELL} -c 'mkdir /tmp/ran-{number} && true mark-starved-{number}-'"
        );
        let finished = machine.account("dave", "dash").args(&["-c", &line]).run();
        if machine.path(format!("/tmp/ran-{number}")).exists() {
            // Where it has no time left the recorder is killed: its recording is not finished then.
            let mark = format!("mark-starved-{number}-");
            let found = machine.recordings();
            let mut found = found.iter().filter_map(|path| casemate_tests::Cast::read_open(path));
            let is_recorded = found.any(|cast| cast.text.contains(&mark));
            assert!(is_recorded, "ulimit {limit}: ran, and is not recorded: {finished:?}");
        } else {
            assert_ne!(finished.code, 0, "ulimit {limit}: {finished:?}");
        }
    }
}

#[test]
fn a_full_disk_ends_a_strict_session() {
    let machine = booted!(with_disk(""));
    let mut session = log_in(&machine, "alice");
    fill(&machine);
    session.send("base64 /tmp/noise; touch /tmp/went-on; echo went-$((40+2))\r");
    let status = session.wait_exit(LONG);
    let shown = session.text();
    assert!(status != 0 && !shown.contains("went-42"), "{status}");
    let end = &shown[shown.len().saturating_sub(500)..];
    assert!(end.contains("casemate: ") && end.contains("No space left"), "{end}");
    wait_until("the end of the shell", Duration::from_secs(2), || {
        machine.running("-bash").is_empty().then_some(())
    });
    assert!(!machine.path("/tmp/went-on").exists(), "nothing runs any more");
    assert_eq!(machine.noted("refused", "alice").len(), 1, "{:?}", machine.host_log());
    // No recording, no session; in any form.
    for option in ["-T", "-tt"] {
        let finished = machine.ssh(&[option, "alice", "touch /tmp/went-on"]).run();
        let said = finished.text() + &finished.stderr;
        assert!(finished.code == 1 && said.contains("casemate: "), "{said}");
    }
    assert!(!machine.path("/tmp/went-on").exists());
    assert_eq!(machine.noted("refused", "alice").len(), 3, "{:?}", machine.host_log());
    // Room again, sessions again.
    machine.sh(&format!("rm {RECORDINGS}/rest"));
    machine.ssh(&["alice", "true mark-room"]).run().success();
    assert_eq!(machine.recording("mark-room").account, "alice");
}

#[test]
fn a_full_disk_makes_a_gap_that_is_said_where_that_is_allowed() {
    let machine = booted!(with_disk("[policy]\nmode = \"best-effort\"\n"));
    let mut session = log_in(&machine, "alice");
    fill(&machine);
    session.send("base64 /tmp/noise; echo went-$((40+2))\r");
    session.wait_for("went-42");
    // What is said of the gap may stand behind the prompt.
    look(&session);
    session.send("exit 4\r");
    assert_eq!(session.wait_exit(LONG), 4);
    assert!(session.text().contains("casemate: "), "the gap is said");
    let gaps = || machine.noted("unrecorded", "alice").len();
    assert_eq!(gaps(), 1, "{:?}", machine.host_log());
    let finished = machine.ssh(&["alice", "cat; echo ran; exit 5"]).run_with_input(b"in\n").exits(5);
    assert_eq!(finished.text(), "in\nran\n");
    assert!(finished.stderr.contains("casemate: "), "{}", finished.stderr);
    assert_eq!(gaps(), 2, "{:?}", machine.host_log());
}

#[test]
fn an_emergency_is_let_through_and_written_down() {
    let machine = booted!(Machine::new(Way::Login));
    // Also without a place to record to, or a log.
    for broken in [false, true] {
        if broken {
            machine.sh(&format!("rm -rf {RECORDINGS} /var/lib/casemate/log; touch {RECORDINGS}"));
        }
        let finished = machine.ssh(&["erin", "cat; echo ran; exit 6"]).run_with_input(b"in\n").exits(6);
        assert_eq!(finished.text(), "in\nran\n");
        let mut session = log_in(&machine, "erin");
        assert!(session.text().contains("casemate: "), "{}", session.text());
        assert_eq!(log_out(&mut session, 7), 7);
        if !broken {
            let noted = machine.noted("emergency", "erin");
            assert_eq!(noted.len(), 2, "{:?}", machine.host_log());
            assert_eq!(noted[0]["group"], "breakglass");
        }
    }
    assert_eq!(machine.recordings().len(), 0);
}

#[test]
fn a_descriptor_of_the_recorder_is_nobody_elses() {
    need!("python3");
    let machine = booted!(Machine::new(Way::Login));
    // Started with the lowest numbers free, what it opens gets them; its program must not.
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<&- 2>&-"] {
        let line =
            format!("exec {SHELL} -c 'ls -l /proc/$$/fd/ >/tmp/fds-$$; cat /tmp/fds-$$ >>/tmp/fds' {closed}");
        // Without standard streams a shell's script may end as it likes.
        let finished = machine.account("alice", "sh").args(&["-c", &line]).run();
        assert!(finished.code < 128, "{closed}: {finished:?}");
    }
    let descriptors = machine.read("/tmp/fds");
    assert!(!descriptors.contains("casemate"), "{descriptors}");
}
