//! Conversion: `casemate convert` and `asciinema convert`, the same file, side by side.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::procfs::peak_mib;
use crate::report::{Goal, Table, ratio, spread};
use crate::stats::{median, order};
use crate::suite::Suite;
use crate::tools::Tool;
use crate::workload::{Digest, LogLines, Random};
use crate::{pty, recording, say};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Two,
    Three,
}

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    from: Version,
    format: &'static str,
    output: &'static str,
}

const CASES: [Case; 4] = [
    Case { name: "v3 → v2", from: Version::Three, format: "asciicast-v2", output: "converted.cast" },
    Case { name: "v2 → v3", from: Version::Two, format: "asciicast-v3", output: "converted.cast" },
    Case { name: "v3 → raw", from: Version::Three, format: "raw", output: "converted.raw" },
    Case { name: "v3 → txt", from: Version::Three, format: "txt", output: "converted.txt" },
];

#[derive(Default)]
struct Runs {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    peak_mib: Option<f64>,
    output_bytes: u64,
    resizes_added: usize,
    wrong: usize,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let casemate = [Tool::Cast, Tool::Zst].into_iter().any(|tool| suite.usable(tool));
    let programs: Vec<(&str, PathBuf)> = [
        ("casemate", suite.casemate.clone(), casemate),
        ("asciinema", PathBuf::from("asciinema"), suite.usable(Tool::Asciinema)),
    ]
    .into_iter()
    .filter_map(|(name, path, usable)| usable.then_some((name, path)))
    .collect();
    if programs.is_empty() {
        say("convert: neither casemate nor asciinema to measure");
        return Ok(());
    }
    let (two, three) = (suite.path("source-v2.cast"), suite.path("source-v3.cast"));
    let bytes = suite.scale.convert_bytes;
    let expected = source(&two, Version::Two, bytes)?;
    ensure!(source(&three, Version::Three, bytes)? == expected, "the two sources differ");

    let mut rows = Vec::new();
    for case in CASES {
        let input = if case.from == Version::Two { &two } else { &three };
        let mut all: Vec<Runs> = programs.iter().map(|_| Runs::default()).collect();
        let mut ratios = Vec::new();
        for round in 0..suite.scale.convert_rounds {
            say(&format!("convert: {}, round {} of {}", case.name, round + 1, suite.scale.convert_rounds));
            for index in order(programs.len(), round) {
                let (name, program) = &programs[index];
                run(suite, case, program, input, &mut all[index])?;
                let runs = &mut all[index];
                match check(suite, case, expected) {
                    Ok(Output::Same) => {}
                    Ok(Output::ResizesAdded) if *name != "casemate" => runs.resizes_added += 1,
                    Ok(Output::ResizesAdded) => {
                        runs.wrong += 1;
                        suite.lost(format!("convert {}: resize sequences added to the output", case.name));
                    }
                    Err(error) => {
                        runs.wrong += 1;
                        if *name == "casemate" {
                            suite.lost(format!("convert {}: {error:#}", case.name));
                        }
                    }
                }
            }
            if let [casemate, asciinema] = &all[..] {
                ratios.push(casemate.wall[round] / asciinema.wall[round]);
            }
        }
        for ((_, program), runs) in programs.iter().zip(&mut all) {
            runs.peak_mib = peak_mib(&mut command(suite, case, program, input).spawn()?)?;
            runs.output_bytes = std::fs::metadata(suite.path(case.output))?.len();
        }
        if let Some(found) = median(&ratios)
            && case.format == "asciicast-v2"
        {
            suite.goal(Goal::at_most(
                format!("wall time of converting {}", case.name),
                0.5,
                " × asciinema",
                found,
            ));
        }
        let peer_peak = all.last().and_then(|runs| runs.peak_mib);
        for ((name, _), runs) in programs.iter().zip(&all) {
            let first = *name == "casemate";
            let dash = || "–".to_owned();
            let whole = match (case.format, runs.wrong) {
                ("txt", _) => "not checked".to_owned(),
                (_, 0) if runs.resizes_added > 0 => "but for resize sequences added".to_owned(),
                (_, 0) => "yes".to_owned(),
                (_, wrong) => format!("**no**, {wrong} of {}", runs.wall.len()),
            };
            rows.push(vec![
                case.name.to_owned(),
                (*name).to_owned(),
                spread(&runs.wall, 3),
                if first { spread(&ratios, 3) } else { "1".to_owned() },
                median(&runs.cpu).map_or_else(dash, |cpu| format!("{cpu:.2}")),
                runs.peak_mib.map_or_else(dash, |peak| format!("{peak:.1}")),
                if first && all.len() > 1 { ratio(runs.peak_mib, peer_peak) } else { "1".to_owned() },
                runs.output_bytes.to_string(),
                whole,
            ]);
        }
    }
    suite.table(Table {
        title: format!("Conversion of {:.0} MB", bytes as f64 / 1e6),
        note: format!(
            "Median (quartiles) of {} pairs in alternating order, from file to file. Whole: the output in the \
             result is that of the source, byte for byte. The peak of resident memory is of one more run.",
            suite.scale.convert_rounds
        ),
        header: vec![
            "conversion",
            "tool",
            "wall s",
            "× asciinema",
            "CPU s",
            "peak RSS MiB",
            "peak × asciinema",
            "result B",
            "whole",
        ],
        rows,
    });
    for path in [two, three] {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// A recording as a recorder makes one: output in pieces of one to some hundreds of bytes, now and
/// then a key, a marker and a resize, an exit status at the end. The digest is that of the output.
fn source(path: &Path, version: Version, bytes: u64) -> Result<Digest> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut lines, mut random, mut digest) = (LogLines::new(), Random::new(), Digest::new());
    let header = match version {
        Version::Two => {
            r#"{"version":2,"width":120,"height":40,"timestamp":1767225600,"env":{"SHELL":"/bin/sh"}}"#
        }
        Version::Three => {
            r#"{"version":3,"term":{"cols":120,"rows":40},"timestamp":1767225600,"env":{"SHELL":"/bin/sh"}}"#
        }
    };
    writeln!(file, "{header}")?;
    let (mut milliseconds, mut before, mut written) = (0_u64, 0_u64, 0_u64);
    // Milliseconds, which v3 keeps exactly, so that both sources hold the same moments.
    let mut event = |milliseconds: u64, code: &str, data: &str| -> Result<u64> {
        let time = match version {
            Version::Two => milliseconds,
            Version::Three => milliseconds - before,
        };
        before = milliseconds;
        let data = serde_json::to_string(data)?;
        let line = format!("[{}.{:03}, \"{code}\", {data}]\n", time / 1000, time % 1000);
        file.write_all(line.as_bytes())?;
        // Without the time, whose length differs: both sources must end at the same event.
        Ok((data.len() + "[0.000, \"o\", ]\n".len()) as u64)
    };
    while written < bytes {
        let mut text = String::new();
        for _ in 0..random.below(5) {
            text.push_str(&lines.next_line());
            text.push_str("\r\n");
        }
        if text.is_empty() {
            text.push('k');
            written += event(milliseconds, "i", "k")?;
        }
        milliseconds += random.below(30);
        digest.update(text.as_bytes());
        written += event(milliseconds, "o", &text)?;
        match random.below(10_000) {
            0 => written += event(milliseconds, "m", "a marker")?,
            1 => written += event(milliseconds, "r", "100x30")?,
            _ => {}
        }
    }
    event(milliseconds + 1, "x", "0")?;
    file.flush()?;
    Ok(digest)
}

fn command(suite: &Suite, case: Case, program: &Path, input: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["convert", "-q", "--overwrite", "-f", case.format]).arg(input).arg(suite.path(case.output));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    suite.prepare(&mut command);
    command
}

fn run(suite: &Suite, case: Case, program: &Path, input: &Path, runs: &mut Runs) -> Result<()> {
    drop(std::fs::remove_file(suite.path(case.output)));
    let start = Instant::now();
    let mut child = command(suite, case, program, input).spawn()?;
    let ended = pty::wait(&mut child)?;
    runs.wall.push(start.elapsed().as_secs_f64());
    runs.cpu.push(ended.cpu_seconds);
    ensure!(ended.status.success(), "`{} convert`, {}: {}", program.display(), case.name, ended.status);
    Ok(())
}

/// What a result holds in comparison with its source.
#[derive(Debug, PartialEq)]
enum Output {
    Same,
    /// asciinema writes the size of the terminal into raw output, as `CSI 8 ; rows ; columns t`.
    ResizesAdded,
}

fn check(suite: &Suite, case: Case, expected: Digest) -> Result<Output> {
    let path = suite.path(case.output);
    let found = match case.format {
        "raw" => {
            let bytes = std::fs::read(&path)?;
            let mut stripped = Digest::new();
            for piece in without_resizes(&bytes) {
                stripped.update(piece);
            }
            if stripped == expected && stripped.count < bytes.len() as u64 {
                return Ok(Output::ResizesAdded);
            }
            Digest::of_file(&path)?
        }
        // What a text transcript must hold is for the tests to say.
        "txt" => return Ok(Output::Same),
        _ => recording::read(&path).context("the result cannot be read")?.output,
    };
    ensure!(
        found == expected,
        "{} bytes of output in the result of {}, or others",
        found.count,
        expected.count
    );
    Ok(Output::Same)
}

/// The pieces between sequences that resize a terminal.
fn without_resizes(bytes: &[u8]) -> Vec<&[u8]> {
    const START: &[u8] = b"\x1b[8;";
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(start) = bytes[at..].iter().position(|&byte| byte == START[0]).map(|found| at + found) {
        at = start + 1;
        if bytes[start..].starts_with(START) {
            let numbers = bytes[start + START.len()..].iter();
            let length = numbers.take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            let end = start + START.len() + length;
            if bytes.get(end) == Some(&b't') {
                pieces.push(&bytes[from..start]);
                from = end + 1;
                at = from;
            }
        }
    }
    pieces.push(&bytes[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_resizes_are_taken_out() {
        let bytes = b"\x1b[8;24;80ta\x1b[8;1mb\x1b[8;1;1t\x1b[8;";
        assert_eq!(without_resizes(bytes).concat(), b"a\x1b[8;1mb\x1b[8;");
    }

    #[test]
    fn both_sources_hold_the_same_output_and_time() {
        let directory = tempfile::tempdir().unwrap();
        let [two, three] = ["two", "three"].map(|name| directory.path().join(name));
        let expected = source(&two, Version::Two, 2_000_000).unwrap();
        assert_eq!(source(&three, Version::Three, 2_000_000).unwrap(), expected);
        for path in [&two, &three] {
            let contents = recording::read(path).unwrap();
            assert_eq!((contents.output, contents.exit.as_deref()), (expected, Some("0")));
        }
        let times = |path: &Path| -> Vec<f64> {
            let text = std::fs::read_to_string(path).unwrap();
            let events = text.lines().skip(1);
            events.map(|line| serde_json::from_str::<(f64, String, String)>(line).unwrap().0).collect()
        };
        let (sum, last) = (times(&three).iter().sum::<f64>(), times(&two).last().copied().unwrap());
        assert!((sum - last).abs() < 1e-6, "{sum} {last}");
    }
}
