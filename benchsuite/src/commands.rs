//! Commands: `casemate commands` beside `asciinema convert -f txt`, the same recording, side by side.
//!
//! The peer writes what was on the screen as text and knows of no commands; nobody else lists them. It is what somebody
//! would otherwise search by eye, and it emulates the same terminal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::procfs::peak_mib;
use crate::report::{Goal, Table, spread};
use crate::session::{self, Contents};
use crate::stats::{median, order};
use crate::suite::Suite;
use crate::tools::Tool;
use crate::{pty, say};

/// The recordings for the second look at memory are so many times longer.
const LONGER: u64 = 10;
/// What memory may grow by in them: buffers that fit the machine, not the recording.
const GROWTH: f64 = 1.25;

struct Case {
    name: &'static str,
    contents: Contents,
    /// What its wall time may be, in that of asciinema.
    limit: f64,
}

const CASES: [Case; 5] = [
    Case { name: "`seq`", contents: Contents::Seq, limit: 0.1 },
    Case { name: "coloured log", contents: Contents::Log, limit: 0.25 },
    Case { name: "bash", contents: Contents::Bash, limit: 1.0 },
    Case { name: "fish", contents: Contents::Fish, limit: 1.0 },
    Case { name: "zsh with a clock", contents: Contents::Zsh, limit: 1.0 },
];

impl Case {
    fn bytes(&self, suite: &Suite) -> u64 {
        match self.contents {
            Contents::Seq | Contents::Log => suite.scale.commands_bytes,
            Contents::Bash | Contents::Fish | Contents::Zsh => suite.scale.commands_typed_bytes,
        }
    }
}

#[derive(Default)]
struct Runs {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if ![Tool::Cast, Tool::Zst].into_iter().any(|tool| suite.usable(tool)) {
        say("commands: nothing to measure without casemate");
        return Ok(());
    }
    let mut programs = vec![("casemate commands", suite.casemate.clone())];
    if suite.usable(Tool::Asciinema) {
        programs.push(("asciinema convert -f txt", PathBuf::from("asciinema")));
    }
    let mut rows = Vec::new();
    for case in &CASES {
        rows.append(&mut of_case(suite, case, &programs)?);
    }
    suite.table(Table {
        title: "Commands of a recording".to_owned(),
        note: format!(
            "Output only, plain asciicast v2. Median (quartiles) of {} pairs in alternating order, from file to file. \
             Found: commands of which place and text are right, of all that were run. The peak of resident memory is \
             of one more run; behind the arrow, for a recording {LONGER} times as long.",
            suite.scale.commands_rounds
        ),
        header: vec!["recording", "tool", "wall s", "× asciinema", "CPU s", "found", "peak RSS MiB"],
        rows,
    });
    Ok(())
}

fn of_case(suite: &mut Suite, case: &Case, programs: &[(&str, PathBuf)]) -> Result<Vec<Vec<String>>> {
    let (input, output) = (suite.path("commands.cast"), suite.path("commands.out"));
    let expected = session::write(&input, case.contents, case.bytes(suite))?;
    let name = match std::fs::metadata(&input)?.len() {
        bytes @ 1_000_000.. => format!("{} MB of {}", bytes / 1_000_000, case.name),
        bytes => format!("{} kB of {}", bytes / 1000, case.name),
    };
    let mut all: Vec<Runs> = programs.iter().map(|_| Runs::default()).collect();
    let mut ratios = Vec::new();
    let mut found = expected.len();
    for round in 0..suite.scale.commands_rounds {
        say(&format!("commands: {name}, round {} of {}", round + 1, suite.scale.commands_rounds));
        for index in order(programs.len(), round) {
            run(suite, &programs[index].1, &input, &output, &mut all[index])?;
            if index == 0 {
                found = found.min(right(&output, &expected)?);
            }
        }
        if let [casemate, asciinema] = &all[..] {
            ratios.push(casemate.wall[round] / asciinema.wall[round]);
        }
    }
    let mut peaks = Vec::new();
    for (_, program) in programs {
        peaks.push(peak(suite, program, &input, &output)?);
    }
    if let Some(median) = median(&ratios) {
        suite.goal(Goal::at_most(
            format!("wall time of commands, {name}"),
            case.limit,
            " × asciinema",
            median,
        ));
    }
    if found != expected.len() {
        suite.failures.push(format!("commands of {name}: {found} of {} are right", expected.len()));
    }
    let longer = longer_peak(suite, case, &input, &output)?;
    if let (Some(short), Some(long)) = (peaks[0], longer) {
        let what = format!("peak memory of commands, {LONGER} times {name}");
        suite.goal(Goal::at_most(what, GROWTH, " × that of once", long / short));
    }
    std::fs::remove_file(&input)?;

    let row = |index: usize, runs: &Runs| {
        let first = index == 0;
        let peak = peaks[index].map_or_else(|| "–".to_owned(), |peak| format!("{peak:.1}"));
        vec![
            name.clone(),
            programs[index].0.to_owned(),
            spread(&runs.wall, 3),
            if first { spread(&ratios, 3) } else { "1".to_owned() },
            median(&runs.cpu).map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.2}")),
            if first { format!("{found} of {}", expected.len()) } else { "–".to_owned() },
            longer.filter(|_| first).map_or_else(|| peak.clone(), |longer| format!("{peak} → {longer:.1}")),
        ]
    };
    Ok(all.iter().enumerate().map(|(index, runs)| row(index, runs)).collect())
}

/// Both write a file; the form of the list is the one that programs read.
fn command(suite: &Suite, program: &Path, input: &Path, output: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    if program == suite.casemate {
        command.args(["commands", "--format", "jsonl"]).arg(input).stdout(File::create(output)?);
    } else {
        command.args(["convert", "-q", "--overwrite", "-f", "txt"]).arg(input).arg(output);
        command.stdout(Stdio::null());
    }
    command.stdin(Stdio::null());
    suite.prepare(&mut command);
    Ok(command)
}

fn run(suite: &Suite, program: &Path, input: &Path, output: &Path, runs: &mut Runs) -> Result<()> {
    let mut command = command(suite, program, input, output)?;
    let start = Instant::now();
    let mut child = command.spawn()?;
    let ended = pty::wait(&mut child)?;
    runs.wall.push(start.elapsed().as_secs_f64());
    runs.cpu.push(ended.cpu_seconds);
    ensure!(ended.status.success(), "`{}`: {}", program.display(), ended.status);
    Ok(())
}

fn peak(suite: &Suite, program: &Path, input: &Path, output: &Path) -> Result<Option<f64>> {
    peak_mib(&mut command(suite, program, input, output)?.spawn()?)
}

/// The peak for a recording so much longer, in its place.
fn longer_peak(suite: &Suite, case: &Case, input: &Path, output: &Path) -> Result<Option<f64>> {
    say(&format!("commands: memory for {LONGER} times as much of {}", case.name));
    session::write(input, case.contents, case.bytes(suite) * LONGER)?;
    peak(suite, &suite.casemate, input, output)
}

/// How many of the commands are listed, and right. None may be listed that was not run: it counts against one that was.
fn right(output: &Path, expected: &[String]) -> Result<usize> {
    let text = std::fs::read_to_string(output)?;
    let mut right = 0_usize;
    let mut wrong = 0_usize;
    let mut left = expected.iter();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        if record["kind"] != "shell" {
            continue;
        }
        // Behind one that is missing, the others are still right.
        let mut ahead = left.clone().take(3);
        match ahead.position(|command| record["command"] == command.as_str()) {
            Some(skipped) => {
                right += 1;
                left.nth(skipped);
            }
            None => wrong += 1,
        }
    }
    Ok(right.saturating_sub(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_wrong_or_made_up_is_not_right() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        let expected = ["ls", "id", "ls", "who"].map(str::to_owned);
        let check = |commands: &[&str]| {
            let line = |command: &&str| format!("{{\"kind\":\"shell\",\"command\":\"{command}\"}}\n");
            let others = "{\"kind\":\"cancelled\",\"command\":\"x\"}\n";
            std::fs::write(&path, commands.iter().map(line).collect::<String>() + others).unwrap();
            right(&path, &expected).unwrap()
        };
        assert_eq!(check(&["ls", "id", "ls", "who"]), 4);
        assert_eq!(check(&["ls", "ls", "who"]), 3);
        assert_eq!(check(&["ls", "id", "ls", "wh"]), 2);
        assert_eq!(check(&["ls", "id", "ls", "who", "who"]), 3);
        assert_eq!(check(&[]), 0);
    }
}
