//! How long somebody waits: from logging in to the prompt, and for a command that does nothing.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::machine::{Machine, Shell};
use crate::report::{Goal, Table, spread};
use crate::stats::{median, order};
use crate::suite::Suite;

/// Nobody notices so little beside what a login takes anyway.
const LOGIN_LIMIT_MS: f64 = 15.0;
/// What `bash` without anything in its home prints last before it waits.
const PROMPT: &str = "$ ";

const SHELLS: [Shell; 2] = [Shell::Bare, Shell::Wrapped];

/// Milliseconds, bare and wrapped, of pairs.
#[derive(Default)]
struct Pairs([Vec<f64>; 2]);

impl Pairs {
    /// Takes turns, so that what drifts favours nobody.
    fn of(count: usize, mut run: impl FnMut(Shell) -> Result<f64>) -> Result<Self> {
        let mut pairs = Self::default();
        for round in 0..count {
            for index in order(SHELLS.len(), round) {
                let seconds = run(SHELLS[index]).with_context(|| format!("{:?}", SHELLS[index]))?;
                pairs.0[index].push(seconds * 1e3);
            }
        }
        Ok(pairs)
    }

    fn more(&self) -> Vec<f64> {
        let [bare, wrapped] = &self.0;
        bare.iter().zip(wrapped).map(|(bare, wrapped)| wrapped - bare).collect()
    }

    fn table(&self, title: &str, note: &str) -> Table {
        let [bare, wrapped] = &self.0;
        let ratios: Vec<f64> = bare.iter().zip(wrapped).map(|(bare, wrapped)| wrapped / bare).collect();
        Table {
            title: title.to_owned(),
            note: format!("{note} Median (quartiles) of {} pairs, in alternating order.", bare.len()),
            header: vec!["", "ms", "ms more", "× bare"],
            rows: vec![
                vec!["bare shell".to_owned(), spread(bare, 1), "0".to_owned(), "1".to_owned()],
                vec![
                    "casemate-shell".to_owned(),
                    spread(wrapped, 1),
                    spread(&self.more(), 1),
                    spread(&ratios, 2),
                ],
            ],
        }
    }
}

pub(super) fn login(suite: &mut Suite, machine: &mut Machine) -> Result<()> {
    let pairs = Pairs::of(suite.scale.host_pairs, |shell| {
        machine.settle()?;
        let start = Instant::now();
        let mut terminal = machine.on_terminal(shell, true, &[])?;
        terminal.wait_for(PROMPT)?;
        let seconds = start.elapsed().as_secs_f64();
        terminal.write(b"exit\r")?;
        terminal.drain()?;
        let ended = terminal.finish()?;
        ensure!(ended.status.success(), "{} ({})", terminal.head(), ended.status);
        Ok(seconds)
    })?;
    if let Some(more) = median(&pairs.more()) {
        suite.goal(Goal::at_most(
            "from login to prompt, more than the bare shell",
            LOGIN_LIMIT_MS,
            " ms",
            more,
        ));
    }
    suite.table(pairs.table(
        "From login to prompt",
        "`bash` as a login shell on a terminal, with an empty home: until its prompt is there, with two small steps of \
         the harness, which gives each its terminal and its account.",
    ));
    Ok(())
}

pub(super) fn command(suite: &mut Suite, machine: &mut Machine) -> Result<()> {
    let pairs = Pairs::of(suite.scale.host_pairs, |shell| {
        machine.settle()?;
        let mut command = machine.command(shell, &["-c", "true"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn()?;
        drop(child.stdin.take());
        let mut said = String::new();
        child.stdout.take().context("no pipe")?.read_to_string(&mut said)?;
        child.stderr.take().context("no pipe")?.read_to_string(&mut said)?;
        let status = child.wait()?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(status.success() && said.is_empty(), "{said} ({status})");
        Ok(seconds)
    })?;
    suite.table(pairs.table(
        "A command that does nothing",
        "`bash -c true` without a terminal, its standard descriptors pipes: until it has ended and all of them are at \
         their end.",
    ));
    Ok(())
}
