//! Whether somebody in a session waits for what is typed.
//!
//! A process that waits in a read of its terminal, or for one of several descriptors, may wait for keys; one that sleeps,
//! computes or waits for another does not. Of one that may not be looked at it is taken to be so.

use std::collections::VecDeque;

use rustix::process::Pid;

/// More processes are not looked at: among so many one may wait.
const LOOKED_AT: usize = 200;

/// Where a process waits in the system, when it reads a terminal or waits for several descriptors.
const READS: [&str; 6] = ["wait_woken", "n_tty_read", "poll", "select", "ep_", "epoll"];

/// Whether this process, or one that comes from it, may wait for keys.
pub(crate) fn anybody_reads(program: Pid) -> bool {
    let mut next = VecDeque::from([program.as_raw_nonzero().get()]);
    let mut looked_at = 0;
    while let Some(pid) = next.pop_front() {
        looked_at += 1;
        if looked_at > LOOKED_AT || reads(pid) {
            return true;
        }
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        next.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
    false
}

fn reads(pid: i32) -> bool {
    let Ok(stat) = std::fs::read(format!("/proc/{pid}/stat")) else { return false };
    // Behind the name, which may hold anything.
    let state = memchr::memrchr(b')', &stat).and_then(|end| stat.get(end + 2).copied());
    if state != Some(b'S') {
        return false;
    }
    match std::fs::read_to_string(format!("/proc/{pid}/wchan")) {
        Ok(place) if place != "0" => READS.iter().any(|read| place.contains(read)),
        // It has gone on since, or it is not to be known.
        _ => std::fs::read(format!("/proc/{pid}/syscall"))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn check(line: &str, reads: bool) {
        let (_master, terminal) = crate::typed_ahead::terminal_for_tests();
        let child = Command::new("sh").args(["-c", line]).stdin(Stdio::from(terminal)).spawn().unwrap();
        let pid = Pid::from_child(&child);
        struct Ended(Child);
        impl Drop for Ended {
            fn drop(&mut self) {
                self.0.kill().ok();
                self.0.wait().ok();
            }
        }
        let _child = Ended(child);
        let mut found = !reads;
        for _ in 0..100 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            found = anybody_reads(pid);
            if found == reads {
                break;
            }
        }
        assert_eq!(found, reads, "{line}");
    }

    #[test]
    fn whoever_reads_is_told_from_whoever_does_not() {
        check("read x", true);
        check("cat; true", true);
        check("exec sleep 20", false);
        check("sleep 20; true", false);
    }
}
