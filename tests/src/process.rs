//! What `/proc` says about a process.

use std::fs;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};

use crate::wait_until;

/// The fields of `/proc/PID/stat` behind the command name; field 3 of the manual is index 0.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Whether a process is there and not a zombie.
#[must_use]
pub fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z" && fields[0] != "X")
}

/// Waits until none of the processes is alive.
///
/// # Panics
/// If one still is after `timeout`.
#[track_caller]
pub fn wait_gone(pids: &[u32], timeout: Duration) {
    wait_until(&format!("the end of processes {pids:?}"), timeout, || {
        (!pids.iter().any(|pid| alive(*pid))).then_some(())
    });
}

/// Kills a process that may have ended.
pub fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::KILL).ok();
    }
}

/// The processes below a process, in no order that matters.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").expect("read /proc").flatten() {
        let Some(candidate) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(fields) = stat(candidate) {
            parents.push((candidate, fields[1].parse::<u32>().expect("a parent's id is a number")));
        }
    }
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// The command line of a process, arguments joined by blanks.
#[must_use]
pub fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ")
}

/// Waits until a process below `root` whose command line is `command` is in the foreground of its
/// terminal, and gives its id: from then on keys such as Ctrl-Z reach it.
#[track_caller]
pub fn wait_foreground(root: u32, command: &str) -> u32 {
    wait_until(&format!("`{command}` in the foreground"), crate::LONG, || {
        descendants(root).into_iter().find(|pid| {
            // fields 5 and 8 of proc(5): process group, foreground group of the terminal
            command_line(*pid) == command && stat(*pid).is_some_and(|fields| fields[2] == fields[5])
        })
    })
}

/// The modes of the terminal that is a process's standard input.
#[must_use]
pub fn terminal_modes(pid: u32) -> Option<Termios> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(format!("/proc/{pid}/fd/0"), flags, Mode::empty()).ok()?;
    tcgetattr(terminal).ok()
}

fn status_number(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Resident memory in KiB, now.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    status_number(&text, "VmRSS:").expect("a live process has VmRSS")
}

/// The most resident memory there ever was, in KiB; nothing if the process has ended.
#[must_use]
pub fn peak_resident_kib(pid: u32) -> Option<u64> {
    status_number(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmHWM:")
}

/// Context switches of all threads so far, voluntary or not: every wake-up is at least one.
#[must_use]
pub fn context_switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .map(|text| {
            status_number(&text, "voluntary_ctxt_switches:").expect("voluntary switches")
                + status_number(&text, "nonvoluntary_ctxt_switches:").expect("other switches")
        })
        .sum()
}

/// Processor time used so far, in clock ticks (a hundredth of a second on Linux).
#[must_use]
pub fn cpu_ticks(pid: u32) -> u64 {
    let fields = stat(pid).expect("the process is there");
    // fields 14 and 15 of proc(5): utime, stime
    fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks are a number")).sum()
}
