//! Keystroke echo: one byte in at the terminal, the time until it is back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::child::{ECHO_QUIT, ECHO_READY};
use crate::pty::Terminal;
use crate::report::{Goal, Table, ratio, spread};
use crate::say;
use crate::stats::{median, order, quantile_of};
use crate::suite::Suite;
use crate::tools::Tool;

/// Between two keys all processes go to sleep, as they do between the keys of a person: without
/// the pause the wake-ups, most of the delay, would not be measured.
const PAUSE: Duration = Duration::from_millis(2);
/// The first keys after another tool's turn find cold caches and are not counted.
const WARM_UP: usize = 5;

/// A session whose keys come back, and what was found in it.
pub(crate) struct Session {
    name: String,
    is_script: bool,
    /// What its median may be, in that of script.
    limit: Option<f64>,
    terminal: Terminal,
    microseconds: Vec<f64>,
    // Median of each block over that of script in the same round of blocks.
    to_script: Vec<f64>,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let exe = std::env::current_exe()?.display().to_string();
    let args = [exe, "__echo".to_owned()];
    let mut sessions = Vec::new();
    for tool in suite.tools() {
        let file = suite.path(tool.file_name());
        drop(std::fs::remove_file(&file));
        let terminal = suite.start(tool, &file, &args)?;
        let limit = tool.is_casemate().then_some(1.1);
        sessions.push(Session::begin(tool.name(), tool == Tool::Script, limit, terminal)?);
    }
    compare(suite, "Keystroke echo", sessions)
}

impl Session {
    /// Waits until `__echo` is ready on this terminal.
    pub(crate) fn begin(
        name: &str,
        is_script: bool,
        limit: Option<f64>,
        mut terminal: Terminal,
    ) -> Result<Self> {
        terminal.wait_for(ECHO_READY).with_context(|| name.to_owned())?;
        let (microseconds, to_script) = (Vec::new(), Vec::new());
        Ok(Self { name: name.to_owned(), is_script, limit, terminal, microseconds, to_script })
    }
}

/// Types into the sessions in turn, and ends them.
pub(crate) fn compare(suite: &mut Suite, title: &str, mut sessions: Vec<Session>) -> Result<()> {
    for round in 0..suite.scale.echo_blocks {
        if round % 10 == 0 {
            say(&format!("echo: block {} of {}", round + 1, suite.scale.echo_blocks));
        }
        let mut medians = vec![0.0; sessions.len()];
        for index in order(sessions.len(), round) {
            let session = &mut sessions[index];
            let block =
                block(&mut session.terminal, suite.scale.echo_block).with_context(|| session.name.clone())?;
            medians[index] = median(&block).context("an empty block")?;
            session.microseconds.extend(block);
        }
        if let Some(script) = sessions.iter().position(|session| session.is_script) {
            for (session, median) in sessions.iter_mut().zip(&medians) {
                session.to_script.push(median / medians[script]);
            }
        }
    }
    for session in &mut sessions {
        session.terminal.write(&[ECHO_QUIT])?;
        session.terminal.drain()?;
        session.terminal.finish()?;
    }
    report(suite, title, &sessions);
    Ok(())
}

fn block(terminal: &mut Terminal, samples: usize) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    let mut buffer = [0; 256];
    for (sample, key) in (0..WARM_UP + samples).zip((b'a'..=b'z').cycle()) {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        terminal.write(&[key])?;
        loop {
            let count = terminal.read(&mut buffer)?;
            ensure!(count > 0, "the session ended: {}", terminal.head());
            if buffer[..count].contains(&key) {
                break;
            }
        }
        if sample >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

fn report(suite: &mut Suite, title: &str, sessions: &[Session]) {
    let of_script = |per_mille| {
        let script = sessions.iter().find(|session| session.is_script)?;
        quantile_of(&script.microseconds, per_mille)
    };
    let mut rows = Vec::new();
    for session in sessions {
        let micros = |found: Option<f64>| found.map_or_else(|| "–".to_owned(), |found| format!("{found:.0}"));
        let (middle, p99) = (median(&session.microseconds), quantile_of(&session.microseconds, 990));
        rows.push(vec![
            session.name.clone(),
            micros(middle),
            micros(p99),
            ratio(middle, of_script(500)),
            spread(&session.to_script, 3),
            ratio(p99, of_script(990)),
        ]);
        if let (Some(limit), Some(middle), Some(script)) = (session.limit, middle, of_script(500)) {
            let what = format!("median keystroke echo, {}", session.name);
            suite.goal(Goal::at_most(what, limit, " × script", middle / script));
        }
    }
    let samples = suite.scale.echo_blocks * suite.scale.echo_block;
    suite.table(Table {
        title: title.to_owned(),
        note: format!(
            "{samples} keys for each tool, {} ms apart, in interleaved blocks of {}, to a program in raw mode \
             that sends each byte back at once. The ratio by blocks is the median (quartiles) of the medians of \
             blocks that stood side by side.",
            PAUSE.as_millis(),
            suite.scale.echo_block
        ),
        header: vec!["tool", "median µs", "p99 µs", "median × script", "by blocks × script", "p99 × script"],
        rows,
    });
}
