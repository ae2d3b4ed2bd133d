//! What a program has started and left, where nothing more may be done.
//!
//! Who ends is not asked what becomes of its children. They become ours for that time, so that they can be found, however
//! many each of them starts meanwhile.
//!
//! *Not here*: what was left behind before, as a daemon is. Nothing is carried for it any more.

use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};

/// So often is looked for more of them; who cannot be killed, because it is another's, is not waited for.
const ROUNDS: u32 = 200;

/// And so long between.
const PAUSE: Duration = Duration::from_millis(1);

/// Whatever loses its parent from here on is ours.
pub(super) fn adopt() {
    // Where that cannot be, what the program has started goes on without anybody who carries for it.
    _ = set_child_subreaper(Some(getpid()));
}

/// Kills all that are ours, but for that one.
pub(super) fn kill_all_but(spared: Pid) {
    for _ in 0..ROUNDS {
        let mut left = children();
        left.retain(|child| *child != spared);
        if left.is_empty() {
            return;
        }
        for child in left {
            // Who is gone already is waited for.
            _ = kill_process(child, Signal::KILL);
            _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
        std::thread::sleep(PAUSE);
    }
}

fn children() -> Vec<Pid> {
    let this = getpid().as_raw_nonzero();
    let listed = std::fs::read_to_string(format!("/proc/{this}/task/{this}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}
