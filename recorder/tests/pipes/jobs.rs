//! What a program leaves behind when it ends.

use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::tests;
use crate::wrapped::{Place, exchange, on_connections, wait_for};

tests![
    a_job_that_was_left_behind_loses_nothing,
    a_job_without_an_end_keeps_nobody,
    what_was_written_is_passed_on_before_we_end,
    a_job_on_a_connection_goes_on,
];

fn a_job_that_was_left_behind_loses_nothing() {
    let place = Place::new();
    let mut child =
        place.bash("(read go; echo late; echo late >&2) <&0 & echo early; exit 5").spawn().unwrap();
    let stdin = child.stdin.take();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(5));
    let events = place.events_so_far();
    assert!(events.iter().all(|event| event.0 != "end"), "the job is still there: {events:?}");
    child.stdin = stdin;
    let given = exchange(child, b"go\n");
    assert_eq!(given.text(), ("early\nlate\n", "late\n"));
    assert_eq!(place.traffic(), ([Some(3), Some(11), Some(5)], "5".into()));
    let events = place.events();
    let said: Vec<_> = events.iter().filter(|event| event.0 != "exec").collect();
    assert_eq!(said[0].1, r#"{"in":0,"out":6,"err":0}"#);
    assert_eq!(said[1].1, "5");
    assert_eq!(said[3].1, "exit");
}

fn a_job_without_an_end_keeps_nobody() {
    let place = Place::new();
    let mut child = place.bash("yes & echo $! >&2").spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut buffer = vec![0; 1 << 20];
    // A reader that takes everything, and one that has stopped.
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(stdout.read(&mut buffer).unwrap() > 0);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    drop(stdout);
    let mut job = String::new();
    stderr.read_to_string(&mut job).unwrap();
    let job: i32 = job.trim().parse().unwrap();
    wait_for("the job has ended with its reader", || {
        let alive = std::fs::read_to_string(format!("/proc/{job}/stat"));
        alive.map_or(true, |stat| stat.contains(") Z"))
    });
    assert_eq!(place.traffic().1, "0");
}

fn what_was_written_is_passed_on_before_we_end() {
    let place = Place::new();
    // The pipe takes more than anybody reads.
    let mut child = place.bash("head -c 100000 /dev/zero; exit 3").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    assert_eq!((out.len(), child.wait().unwrap().code()), (100_000, Some(3)));

    // And what fits into it is there when we are gone.
    let place = Place::new();
    let mut child = place.bash("head -c 60000 /dev/zero").spawn().unwrap();
    child.wait().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    rustix::io::ioctl_fionbio(&stdout, true).unwrap();
    let mut out = vec![0; 60_000];
    stdout.read_exact(&mut out).unwrap();
}

fn a_job_on_a_connection_goes_on() {
    let place = Place::new();
    let (mut child, mut connection, _errors) =
        on_connections(place.bash("(sleep 0.3; echo late) & echo early"));
    assert!(child.wait().unwrap().success());
    let mut out = String::new();
    connection.read_to_string(&mut out).unwrap();
    assert_eq!(out, "early\nlate\n");
    assert_eq!(place.traffic(), ([Some(0), Some(11), Some(0)], "0".into()));
}
