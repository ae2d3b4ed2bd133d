//! What `/proc` says about processes. Everything comes from there, so that no foreign call and no
//! `unsafe` is needed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// `USER_HZ`: the unit of times in `/proc/PID/stat`, 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// The peak is read this often; it only ever grows, so that little is missed.
const PEAK_INTERVAL: Duration = Duration::from_millis(1);

/// User and system time of a process and of the children it waited for; also of a zombie.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    cpu_ticks(&stat).map(|ticks| ticks as f64 / TICKS_PER_SECOND).context("odd /proc/PID/stat")
}

/// Fields 14 to 17 of proc_pid_stat(5): utime, stime, cutime, cstime. The name in field 2 may hold
/// blanks and brackets, so that counting starts behind its last bracket, with field 3.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    fields.skip(11).take(4).map(|field| field.parse::<u64>().ok()).sum()
}

/// What a recorder costs while it does nothing, all of its own processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Footprint {
    pub(crate) processes: u64,
    pub(crate) threads: u64,
    pub(crate) rss_kib: u64,
    pub(crate) pss_kib: u64,
    pub(crate) switches: u64,
}

/// The processes below `root`, itself included, that run the same program as `root`: helpers of
/// the tool, without the shell that it records.
pub(crate) fn own_processes(root: u32) -> Result<Vec<u32>> {
    let program = exe(root)?;
    let mut parents: HashMap<u32, u32> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // A process may end between the listing and the look at it.
        if let Ok(status) = read(&format!("/proc/{pid}/status")) {
            parents.insert(pid, field(&status, "PPid:").unwrap_or(0).try_into()?);
        }
    }
    let below = |mut pid: u32| loop {
        if pid == root {
            return true;
        }
        match parents.get(&pid) {
            Some(&parent) if parent != 0 => pid = parent,
            _ => return false,
        }
    };
    Ok(parents
        .keys()
        .copied()
        .filter(|&pid| below(pid) && exe(pid).is_ok_and(|exe| exe == program))
        .collect())
}

/// Memory and context switches so far of `pids`.
pub(crate) fn footprint(pids: &[u32]) -> Result<Footprint> {
    let mut sum = Footprint::default();
    for pid in pids {
        let status = read(&format!("/proc/{pid}/status"))?;
        sum.processes += 1;
        sum.rss_kib += field(&status, "VmRSS:").unwrap_or(0);
        sum.pss_kib += field(&read(&format!("/proc/{pid}/smaps_rollup"))?, "Pss:").unwrap_or(0);
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            sum.threads += 1;
            for name in ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"] {
                sum.switches += field(&status, name).unwrap_or(0);
            }
        }
    }
    Ok(sum)
}

/// Waits for the end of a process; the most that it had in memory, in MiB.
pub(crate) fn peak_mib(child: &mut Child) -> Result<Option<f64>> {
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // One that has ended and was not waited for has no memory any more.
        peak = read(&status_file).ok().and_then(|status| field(&status, "VmHWM:")).or(peak);
        std::thread::sleep(PEAK_INTERVAL);
    };
    ensure!(status.success(), "while its memory was looked at: {status}");
    Ok(peak.map(|kib| kib as f64 / 1024.0))
}

fn exe(pid: u32) -> Result<PathBuf> {
    Ok(fs::read_link(format!("/proc/{pid}/exe"))?)
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(Path::new(path)).with_context(|| path.to_owned())
}

/// The number behind `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_an_odd_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 1 0 99";
        assert_eq!(cpu_ticks(stat), Some(110));
        assert_eq!(cpu_ticks("7 (sh) S 1"), Some(0));
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[test]
    fn fields_are_matched_whole() {
        let status = "nonvoluntary_ctxt_switches:\t5\nvoluntary_ctxt_switches:\t3\nVmRSS:\t  1234 kB\n";
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(3));
        assert_eq!(field(status, "VmRSS:"), Some(1234));
        assert_eq!(field(status, "Pss:"), None);
    }

    #[test]
    fn this_process_has_a_footprint() {
        let own = own_processes(std::process::id()).expect("own processes");
        assert!(own.contains(&std::process::id()));
        let footprint = footprint(&own).expect("footprint");
        assert!(footprint.rss_kib > 100 && footprint.threads >= 1, "{footprint:?}");
    }
}
