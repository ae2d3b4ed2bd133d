//! Burst: how long a program takes that writes as fast as it can, its CPU time, and whether all of
//! it was recorded. The pairs `.cast` and `.cast.zst` of the same rounds say what compressing costs.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::report::{Goal, Table, megabytes, spread};
use crate::stats::{Summary, median, order};
use crate::suite::Suite;
use crate::tools::Tool;
use crate::workload::Workload;
use crate::{recording, say};

/// Who stands beside whom: `script` runs anew beside each peer, so that a ratio never spans more
/// than three runs.
const GROUPS: [&[Tool]; 4] = [
    &[Tool::Script, Tool::Cast, Tool::Zst],
    &[Tool::Script, Tool::Bare],
    &[Tool::Script, Tool::Asciinema],
    &[Tool::Script, Tool::Tlog],
];

/// Rounds in which the peers run too; the rounds after that are casemate's alone.
const PEER_ROUNDS: usize = 5;

/// More than noise, less than anybody notices.
const COMPRESSING_LIMIT: f64 = 1.02;

/// What the runs of one tool gave.
#[derive(Default)]
struct Runs {
    wall: Vec<f64>,
    to_script: Vec<f64>,
    cpu: Vec<f64>,
    file_bytes: Vec<f64>,
    incomplete: usize,
    forwarded_short: usize,
}

/// One run, and what is wrong with its recording, where that can be told.
struct Run {
    wall: f64,
    cpu: f64,
    file_bytes: f64,
    forwarded_short: bool,
    defect: Option<String>,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let log = suite.path("burst.log");
    let workloads = [Workload::seq(suite.scale.seq_last), Workload::log(&log, suite.scale.log_bytes)?];
    for workload in &workloads {
        measure_workload(suite, workload)?;
    }
    std::fs::remove_file(log)?;
    Ok(())
}

fn measure_workload(suite: &mut Suite, workload: &Workload) -> Result<()> {
    let mut all: Vec<(Tool, Runs)> = suite.tools().into_iter().map(|tool| (tool, Runs::default())).collect();
    let mut compressing = Vec::new();
    for round in 0..suite.scale.burst_rounds {
        say(&format!("{}: round {} of {}", workload.name, round + 1, suite.scale.burst_rounds));
        for group in GROUPS {
            let group: Vec<Tool> = group.iter().copied().filter(|&tool| suite.usable(tool)).collect();
            let peers_alone = !group.iter().any(|tool| tool.is_casemate());
            if (group == [Tool::Script] && suite.tools().len() > 1) || (peers_alone && round >= PEER_ROUNDS) {
                continue;
            }
            let mut walls: Vec<(Tool, f64)> = Vec::new();
            for index in order(group.len(), round) {
                let tool = group[index];
                let run = run(suite, tool, workload).with_context(|| tool.name().to_owned())?;
                walls.push((tool, run.wall));
                let (_, runs) =
                    all.iter_mut().find(|(other, _)| *other == tool).context("not a usable tool")?;
                runs.wall.push(run.wall);
                runs.cpu.push(run.cpu);
                runs.file_bytes.push(run.file_bytes);
                runs.forwarded_short += usize::from(run.forwarded_short);
                if let Some(defect) = run.defect {
                    runs.incomplete += 1;
                    if tool.is_casemate() {
                        suite.lost(format!(
                            "{}, {}, round {}: {defect}",
                            tool.name(),
                            workload.name,
                            round + 1
                        ));
                    }
                }
            }
            let wall = |of| walls.iter().find(|(tool, _)| *tool == of).map(|(_, wall)| *wall);
            if let Some(script) = wall(Tool::Script) {
                for (tool, runs) in &mut all {
                    if let (true, Some(wall)) = (*tool != Tool::Script, wall(*tool)) {
                        runs.to_script.push(wall / script);
                    }
                }
            }
            if let (Some(zst), Some(cast)) = (wall(Tool::Zst), wall(Tool::Cast)) {
                compressing.push(zst / cast);
            }
        }
    }
    report(suite, workload, &all, &compressing);
    Ok(())
}

fn run(suite: &Suite, tool: Tool, workload: &Workload) -> Result<Run> {
    let file = suite.path(tool.file_name());
    // Left over from the run before; most tools would append or refuse.
    drop(std::fs::remove_file(&file));
    let start = Instant::now();
    let mut terminal = suite.start(tool, &file, &workload.args)?;
    let forwarded = terminal.drain()?;
    let ended = terminal.finish()?;
    let wall = start.elapsed().as_secs_f64();

    let mut defect = None;
    if !ended.status.success() {
        defect = Some(format!("{} ({})", terminal.head(), ended.status));
    }
    let file_bytes = if tool == Tool::Bare { 0.0 } else { std::fs::metadata(&file)?.len() as f64 };
    if tool.is_casemate() || tool == Tool::Asciinema {
        match recording::read(&file) {
            Ok(contents) if contents.output != workload.expected => {
                let (found, expected) = (contents.output.count, workload.expected.count);
                defect = Some(format!("{found} bytes recorded of {expected}, or others"));
            }
            Ok(contents) if contents.exit.as_deref() != Some("0") => {
                defect = Some("no exit status".to_owned());
            }
            Ok(_) => {}
            Err(error) => defect = Some(format!("{error:#}")),
        }
    }
    let forwarded_short = forwarded < workload.expected.count;
    if forwarded_short && tool.is_casemate() {
        defect = Some(format!("{forwarded} bytes forwarded of {}", workload.expected.count));
    }
    if tool != Tool::Bare {
        std::fs::remove_file(&file)?;
    }
    Ok(Run { wall, cpu: ended.cpu_seconds, file_bytes, forwarded_short, defect })
}

fn report(suite: &mut Suite, workload: &Workload, all: &[(Tool, Runs)], compressing: &[f64]) {
    let mut rows = Vec::new();
    for (tool, runs) in all {
        let count = runs.wall.len();
        let complete = match tool {
            Tool::Bare => "–".to_owned(),
            Tool::Script | Tool::Tlog => "not checked".to_owned(),
            Tool::Cast | Tool::Zst | Tool::Asciinema if runs.incomplete == 0 => format!("{count} of {count}"),
            Tool::Cast | Tool::Zst | Tool::Asciinema => format!("**LOST** in {} of {count}", runs.incomplete),
        };
        let forwarded = match runs.forwarded_short {
            0 => format!("{count} of {count}"),
            short => format!("short in {short} of {count}"),
        };
        let ratio = if *tool == Tool::Script { "1".to_owned() } else { spread(&runs.to_script, 3) };
        let size = median(&runs.file_bytes).filter(|&size| size > 0.0);
        rows.push(vec![
            tool.name().to_owned(),
            spread(&runs.wall, 3),
            ratio,
            median(&runs.cpu).map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.2}")),
            size.map_or_else(|| "–".to_owned(), megabytes),
            forwarded,
            complete,
        ]);
        if tool.is_casemate() {
            if let Some(found) = median(&runs.to_script) {
                suite.goal(Goal::at_most(
                    format!("wall time of {}, {}", workload.name, tool.name()),
                    1.05,
                    " × script",
                    found,
                ));
            }
            let (wanted, complete) = (format!("{count} of {count}"), count - runs.incomplete);
            suite.goal(Goal {
                what: format!("{} recorded without loss, {}", workload.name, tool.name()),
                wanted,
                found: format!("{complete} of {count}"),
                met: runs.incomplete == 0,
            });
        }
    }
    let mut note = format!(
        "{} bytes on the terminal, which reads as fast as it can. Median (quartiles) of {} rounds, of which the \
         peers beside `script` take part in the first {PEER_ROUNDS}; a ratio is \
         that of two runs which stood beside each other in one round, in alternating order. Wall time is from \
         starting the tool to its end; CPU time is user and system time of the tool and its children.",
        workload.expected.count, suite.scale.burst_rounds
    );
    if let Some(summary) = Summary::of(compressing) {
        note.push_str(&format!(
            " Compressing while recording (`.cast.zst` to `.cast`, {} pairs): {}.",
            summary.count,
            spread(compressing, 3)
        ));
        let what = format!("wall time of compressing, {}", workload.name);
        suite.goal(Goal::at_most(what, COMPRESSING_LIMIT, " × `.cast`", summary.median));
    }
    suite.table(Table {
        title: format!("Burst: {}", workload.name),
        note,
        header: vec![
            "tool",
            "wall s",
            "× script",
            "CPU s",
            "recording MB",
            "forwarded whole",
            "recorded whole",
        ],
        rows,
    });
}
