//! Idle: what a recorder costs while the shell waits at its prompt.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::procfs::{Footprint, footprint, own_processes};
use crate::report::{Goal, Table};
use crate::say;
use crate::suite::Suite;

/// By then the last flush after the prompt is over, also tlog's (its latency is 10 s, but that
/// timer is one wake-up at most and is counted if it falls into the window).
const SETTLE: Duration = Duration::from_millis(1500);
/// The goal of the project.
const RSS_LIMIT_MIB: f64 = 10.0;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let args = ["bash", "--norc", "--noprofile", "-i"].map(str::to_owned);
    let window = suite.scale.idle;
    let mut rows = Vec::new();
    for tool in suite.tools() {
        say(&format!("idle: {}", tool.name()));
        let file = suite.path(tool.file_name());
        drop(std::fs::remove_file(&file));
        // One after the other: two of the same program would share pages and spoil the Pss.
        let mut terminal = suite.start(tool, &file, &args)?;
        terminal.wait_for("prompt$").with_context(|| tool.name().to_owned())?;
        sleep(SETTLE.min(window * 3));
        let pids = own_processes(terminal.pid())?;
        let before = footprint(&pids)?;
        sleep(window);
        let after = footprint(&pids)?;
        terminal.write(b"exit\r")?;
        terminal.drain()?;
        terminal.finish()?;

        let Footprint { processes, threads, rss_kib, pss_kib, .. } = after;
        let switches = after.switches - before.switches;
        let mib = |kib: u64| kib as f64 / 1024.0;
        rows.push(vec![
            tool.name().to_owned(),
            format!("{:.1}", mib(rss_kib)),
            format!("{:.1}", mib(pss_kib)),
            format!("{processes} / {threads}"),
            switches.to_string(),
        ]);
        if tool.is_casemate() {
            let what = format!("resident memory while idle, {}", tool.name());
            suite.goal(Goal::at_most(what, RSS_LIMIT_MIB, " MiB", mib(rss_kib)));
            suite.goal(Goal {
                what: format!("context switches in {} s idle, {}", window.as_secs_f64(), tool.name()),
                wanted: "0".to_owned(),
                found: switches.to_string(),
                met: switches == 0,
            });
        }
    }
    suite.table(Table {
        title: "Idle at a bash prompt".to_owned(),
        note: format!(
            "All processes of the recorder itself together, the shell not counted. Context switches, voluntary or \
             not, of all its threads within {} s.",
            window.as_secs_f64()
        ),
        header: vec!["tool", "RSS MiB", "Pss MiB", "processes / threads", "context switches"],
        rows,
    });
    Ok(())
}
