//! Replay: one moment with `casemate screen`, beside players that can only play up to it.
//!
//! `asciinema play` and `scriptreplay` are asked to hurry as much as they can; both write to a terminal that takes
//! everything at once. What they show at their end is what casemate shows of the last moment.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::procfs::peak_mib;
use crate::pty::{self, Terminal};
use crate::report::{Goal, Table, spread};
use crate::say;
use crate::session::{self, Contents};
use crate::stats::{median, quantile_of};
use crate::suite::{CACHE, Suite};
use crate::tools::Tool;

/// What is promised, for a recording of a gigabyte.
const SEEK_SECONDS: f64 = 0.1;
const FIRST_FRAME_SECONDS: f64 = 1.0;
const INDEXED_MB_PER_CPU_SECOND: f64 = 60.0;
const PEAK_MIB: f64 = 200.0;

#[derive(Default)]
struct Runs {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    peak: Option<f64>,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if ![Tool::Cast, Tool::Zst].into_iter().any(|tool| suite.usable(tool)) {
        say("play: nothing to measure without casemate");
        return Ok(());
    }
    let (plain, packed) = (suite.path("play.cast"), suite.path("play.cast.zst"));
    session::write(&plain, Contents::Log, suite.scale.play_bytes)?;
    say("play: converting");
    let mut convert = Command::new(&suite.casemate);
    convert.args(["convert", "-q", "--overwrite"]).arg(&plain).arg(&packed);
    suite.prepare(&mut convert);
    ensure!(convert.status()?.success(), "the recording cannot be converted");
    let megabytes = std::fs::metadata(&plain)?.len() as f64 / 1e6;

    let moments: Vec<String> =
        (0..suite.scale.play_moments).map(|number| moment(number, suite.scale.play_moments)).collect();
    let anywhere = screens(suite, &packed, &moments, false)?;
    let first = screens(suite, &plain, &vec!["0".to_owned(); suite.scale.play_rounds], true)?;
    let last = vec!["end".to_owned(); suite.scale.play_rounds];
    let indexed = screens(suite, &plain, &last, true)?;
    let again = screens(suite, &plain, &moments, false)?;
    check(suite, &plain, &packed, &moments)?;

    let mut rows = vec![
        row("casemate screen, `.cast.zst`, anywhere", &anywhere, true),
        row("casemate screen, `.cast`, the first moment", &first, false),
        row("casemate screen, `.cast`, the last moment, nothing in the cache", &indexed, false),
        row("casemate screen, `.cast`, anywhere, with the index in the cache", &again, true),
    ];
    let mut peers = Vec::new();
    if suite.usable(Tool::Asciinema) {
        let line =
            ["asciinema", "play", "-q", "-s", "1000000000", &plain.display().to_string()].map(str::to_owned);
        peers.push(("asciinema play -s 1000000000", line.to_vec()));
    }
    if suite.usable(Tool::Script) {
        let (output, timing) = typescript(suite, &plain)?;
        let (output, timing) = (output.display().to_string(), timing.display().to_string());
        let line = ["scriptreplay", "-t", &timing, "-s", &output, "-d", "1000000000"].map(str::to_owned);
        peers.push(("scriptreplay -d 1000000000", line.to_vec()));
    }
    for (name, line) in &peers {
        let runs = to_the_end(suite, name, line)?;
        rows.push(row(name, &runs, false));
    }
    suite.table(Table {
        title: "Any moment of a recording".to_owned(),
        note: format!(
            "{megabytes:.0} MB of coloured log, asciicast v2, 120x40; wall time from the start of the program to its end. \
             Anywhere: {} moments, evenly spread, in an order without pattern. The peers play to the last moment, as fast \
             as they can, on a terminal that takes everything at once; none of them can begin elsewhere.",
            moments.len()
        ),
        header: vec!["", "wall s", "longest s", "CPU s", "peak RSS MiB"],
        rows,
    });
    goals(suite, megabytes, &anywhere, &first, &indexed);
    Ok(())
}

fn goals(suite: &mut Suite, megabytes: f64, anywhere: &Runs, first: &Runs, indexed: &Runs) {
    let longest = |runs: &Runs| quantile_of(&runs.wall, 1000);
    if let Some(found) = longest(anywhere) {
        suite.goal(Goal::at_most("any moment of a `.cast.zst`, the longest wait", SEEK_SECONDS, " s", found));
    }
    if let Some(found) = longest(first) {
        suite.goal(Goal::at_most("first moment of a plain recording", FIRST_FRAME_SECONDS, " s", found));
    }
    if let Some(cpu) = median(&indexed.cpu).filter(|&cpu| cpu > 0.0) {
        let (per, found) = (1.0 / INDEXED_MB_PER_CPU_SECOND, cpu / megabytes);
        let what = format!("CPU time of indexing a MB ({:.0} MB/s)", 1.0 / found);
        suite.goal(Goal::at_most(what, (per * 1e4).round() / 1e4, " s", found));
    }
    for (what, runs) in [("any moment", anywhere), ("the last moment of a plain recording", indexed)] {
        if let Some(found) = runs.peak {
            suite.goal(Goal::at_most(format!("peak memory for {what}"), PEAK_MIB, " MiB", found));
        }
    }
}

/// Percentages, evenly spread, each once.
fn moment(number: usize, of: usize) -> String {
    fn greatest_common_divisor(one: usize, other: usize) -> usize {
        if other == 0 { one } else { greatest_common_divisor(other, one % other) }
    }
    // A step without a common factor comes to all of them.
    let step = (of * 3 / 5..=of).find(|&step| greatest_common_divisor(step, of) == 1).unwrap_or(1);
    let place = number * step % of;
    format!("{:.3}%", (place as f64 + 0.5) * 100.0 / of as f64)
}

/// Shows one moment after the other; `forget` empties the cache before each.
fn screens(suite: &Suite, file: &Path, moments: &[String], forget: bool) -> Result<Runs> {
    let mut runs = Runs::default();
    for moment in moments {
        if forget {
            forget_indexes(suite)?;
        }
        say(&format!("play: {} at {moment}", file.display()));
        let mut command = screen(suite, file, moment, Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn()?;
        let ended = pty::wait(&mut child)?;
        runs.wall.push(start.elapsed().as_secs_f64());
        runs.cpu.push(ended.cpu_seconds);
        ensure!(ended.status.success(), "`casemate screen`: {}", ended.status);
    }
    if forget {
        forget_indexes(suite)?;
    }
    let last = moments.last().context("no moment")?;
    runs.peak = peak_mib(&mut screen(suite, file, last, Stdio::null()).spawn()?)?;
    Ok(runs)
}

fn screen(suite: &Suite, file: &Path, moment: &str, output: Stdio) -> Command {
    let mut command = Command::new(&suite.casemate);
    command
        .args(["screen", "--format", "ansi", "--at", moment])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(output);
    suite.prepare(&mut command);
    command
}

fn forget_indexes(suite: &Suite) -> Result<()> {
    let folder = suite.path(CACHE);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())
    } else {
        Ok(())
    }
}

/// Both forms show the same, and at the end the prompt behind everything.
fn check(suite: &mut Suite, plain: &Path, packed: &Path, moments: &[String]) -> Result<()> {
    for moment in moments.iter().map(String::as_str).chain(["end"]) {
        let shown = [plain, packed].map(|file| screen(suite, file, moment, Stdio::piped()).output());
        let [one, other] = shown.map(|output| output.map(|output| output.stdout));
        let (one, other) = (one?, other?);
        if one != other {
            suite.lost(format!("play: the screen at {moment} depends on the form"));
        }
        let text = String::from_utf8_lossy(&one);
        let rows: Vec<&str> = text.lines().filter(|row| !row.is_empty()).collect();
        if moment == "end" && !rows.last().is_some_and(|row| row.contains('$')) {
            suite.lost(format!("play: no prompt at the end: {rows:?}"));
        }
    }
    Ok(())
}

fn to_the_end(suite: &Suite, name: &str, line: &[String]) -> Result<Runs> {
    let mut runs = Runs::default();
    for round in 0..suite.scale.play_rounds {
        say(&format!("play: {name}, round {} of {}", round + 1, suite.scale.play_rounds));
        let start = Instant::now();
        let mut terminal = Terminal::start(line, |command| suite.prepare(command))?;
        terminal.drain()?;
        let ended = terminal.finish()?;
        runs.wall.push(start.elapsed().as_secs_f64());
        runs.cpu.push(ended.cpu_seconds);
        ensure!(ended.status.success(), "{name}: {} ({})", terminal.head(), ended.status);
    }
    Ok(runs)
}

/// The recording as `script` would have written it: output, and how much of it came after how long.
fn typescript(suite: &Suite, plain: &Path) -> Result<(PathBuf, PathBuf)> {
    let (output_path, timing_path) = (suite.path("play.typescript"), suite.path("play.timing"));
    let mut output = BufWriter::new(File::create(&output_path)?);
    let mut timing = BufWriter::new(File::create(&timing_path)?);
    writeln!(output, "Script started on 2026-01-01 00:00:00+00:00")?;
    let mut before = 0.0;
    for line in BufReader::new(File::open(plain)?).lines().skip(1) {
        let (time, _, data): (f64, String, String) = serde_json::from_str(&line?)?;
        writeln!(timing, "{:.6} {}", time - before, data.len())?;
        output.write_all(data.as_bytes())?;
        before = time;
    }
    output.flush()?;
    timing.flush()?;
    Ok((output_path, timing_path))
}

fn row(name: &str, runs: &Runs, many: bool) -> Vec<String> {
    let dash = || "–".to_owned();
    vec![
        name.to_owned(),
        spread(&runs.wall, 3),
        quantile_of(&runs.wall, 1000).filter(|_| many).map_or_else(dash, |longest| format!("{longest:.3}")),
        median(&runs.cpu).map_or_else(dash, |cpu| format!("{cpu:.2}")),
        runs.peak.map_or_else(dash, |peak| format!("{peak:.1}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_looked_at_once_and_not_in_order() {
        for of in [1, 2, 3, 7, 20, 40] {
            let moments: Vec<f64> =
                (0..of).map(|number| moment(number, of).trim_end_matches('%').parse().unwrap()).collect();
            let mut sorted = moments.clone();
            sorted.sort_by(f64::total_cmp);
            assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] > 99.0 / of as f64), "{moments:?}");
            assert!(of < 7 || moments != sorted);
        }
    }
}
