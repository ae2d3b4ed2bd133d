//! What is sent to us the program gets, once.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Child;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::ends::pid;
use crate::tests;
use crate::wrapped::{Place, wait_for};

tests![
    a_signal_to_us_is_the_programs,
    a_signal_to_all_comes_once,
    who_is_told_to_stop_stops,
    whoever_kills_us_kills_the_program,
    whoever_kills_the_keeper_ends_the_session,
];

/// Says each signal, until input ends.
const SAYS: &str = "for s in HUP INT QUIT TERM USR1 USR2 CONT WINCH ALRM; do trap \"echo $s\" $s; done; echo ready; \
                    while :; do read -t 0.02 x; [ $? = 1 ] && break; done; echo end";

fn next(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    lines.next().unwrap().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

fn a_signal_to_us_is_the_programs() {
    let place = Place::new();
    let mut child = place.bash(SAYS).spawn().unwrap();
    let mut lines = lines(&mut child);
    assert_eq!(next(&mut lines), "ready");
    use Signal::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGALRM] {
        kill(pid(&child), signal).unwrap();
        assert_eq!(format!("SIG{}", next(&mut lines)), signal.as_str());
    }
    drop(child.stdin.take());
    assert_eq!(next(&mut lines), "end");
    assert!(child.wait().unwrap().success());
}

fn a_signal_to_all_comes_once() {
    let place = Place::new();
    let mut child = place.bash(SAYS).process_group(0).spawn().unwrap();
    let mut lines = lines(&mut child);
    assert_eq!(next(&mut lines), "ready");
    for round in 0..20 {
        let (all, one) = if round % 2 == 0 {
            (Signal::SIGUSR1, Signal::SIGUSR2)
        } else {
            (Signal::SIGTERM, Signal::SIGUSR1)
        };
        killpg(pid(&child), all).unwrap();
        assert_eq!(format!("SIG{}", next(&mut lines)), all.as_str(), "round {round}");
        kill(pid(&child), one).unwrap();
        assert_eq!(format!("SIG{}", next(&mut lines)), one.as_str(), "round {round}");
    }
    drop(child.stdin.take());
    assert_eq!(next(&mut lines), "end");
    assert!(child.wait().unwrap().success());
}

fn who_is_told_to_stop_stops() {
    let place = Place::new();
    let mut child = place.bash("echo ready; read x; echo $x").process_group(0).spawn().unwrap();
    let mut lines = lines(&mut child);
    assert_eq!(next(&mut lines), "ready");
    // As the terminal of whoever started us does.
    killpg(pid(&child), Signal::SIGTSTP).unwrap();
    assert_eq!(
        waitpid(pid(&child), Some(WaitPidFlag::WUNTRACED)).unwrap(),
        WaitStatus::Stopped(pid(&child), Signal::SIGTSTP)
    );
    killpg(pid(&child), Signal::SIGCONT).unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"on\n").unwrap();
    assert_eq!(next(&mut lines), "on");
    assert!(child.wait().unwrap().success());
}

fn whoever_kills_us_kills_the_program() {
    let place = Place::new();
    let mut child = place.bash("echo $$; exec sleep 100").spawn().unwrap();
    let mut lines = lines(&mut child);
    let program = next(&mut lines);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(lines.next().is_none(), "its output has ended");
    wait_for("the program is gone", || !std::path::Path::new(&format!("/proc/{program}")).exists());
    let events = place.events();
    assert_eq!(place.traffic().1, "137");
    assert_eq!(events.last().unwrap().1, "signal KILL");
}

fn whoever_kills_the_keeper_ends_the_session() {
    let place = Place::new();
    let mut child = place.bash("echo $$; exec sleep 100 >/dev/null 2>&1").spawn().unwrap();
    let program = next(&mut lines(&mut child));
    let wrapper = child.id();
    let children = std::fs::read_to_string(format!("/proc/{wrapper}/task/{wrapper}/children")).unwrap();
    let keeper = children.split_whitespace().find(|child| **child != program).unwrap();
    kill(nix::unistd::Pid::from_raw(keeper.parse().unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let events = place.events_so_far();
    assert_eq!(events.iter().map(|event| event.0.as_str()).collect::<Vec<_>>(), ["exec"]);
}
