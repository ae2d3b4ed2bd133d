//! casemate and its peers side by side: every number here is a ratio of one run on one machine.
//!
//! `main` reads the arguments, finds out which tools work, calls one module per measure and hands
//! the tables to [`report`]. The measures share [`pty`] (the terminal around the tool), [`tools`]
//! (how each tool is called) and [`stats`] (pure).
//!
//! *Invariants*: tools are compared only with runs that stood next to theirs in time; a run of
//! casemate that lost a byte is named LOST and makes the suite fail, however fast it was.
//!
//! *Not here*: microbenchmarks, and any judgement by wall time alone (goals that are missed are
//! shown, but only lost data makes the exit status 1).

mod audit;
mod burst;
mod child;
mod commands;
mod convert;
mod echo;
mod host;
mod idle;
mod machine;
mod play;
mod procfs;
mod pty;
mod recording;
mod report;
mod search;
mod server;
mod session;
mod size;
mod stats;
mod suite;
mod tools;
mod workload;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::host::Surroundings;
use crate::suite::{Measure, Scale, Suite};
use crate::tools::Tool;

const HELP: &str = "\
casemate and its peers, side by side, as ratios of one run

Usage: benchsuite/run [OPTIONS]

Options:
  --quick          smoke run of less than 30 s; its numbers mean little
  --tiny           the smallest run there is, for the suite's own test
  --only NAME      burst, echo, size, idle, convert, commands, search, audit, server, play or host;
                   can be repeated (host: casemate in the place of a login shell; only root can measure it)
  --tools A,B,...  bare, script, cast, zst, asciinema, tlog (default: all)
  --rounds N       rounds of interleaved runs of burst and commands (default: 21 and 7)
  --index FILE     of search and audit (SQLite): keep it there, and ask the one that is there already;
                   of audit also the address of a PostgreSQL that was filled before
  --events N       of audit: commands in the log (default: 10000000)
  --database NAME  of audit and server: sqlite or postgres (default: one after the other)
  --casemate PATH  the casemate to measure (default: the one beside this program)
  --out FILE       write the tables there as well
  -h, --help       this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("__private") => bench(&args[1..], Surroundings::Private),
        Some(name) if name.starts_with("__") => child::run(name, &args[1..]),
        _ => bench(&args, Surroundings::Shared),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Talk goes to stderr; there is nobody to tell when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

struct Options {
    scale: Scale,
    measures: Vec<Measure>,
    tools: Vec<Tool>,
    casemate: PathBuf,
    index: Option<PathBuf>,
    databases: Vec<&'static str>,
    out: Option<PathBuf>,
}

/// `None` when help was asked for.
fn parse(args: &[String]) -> Result<Option<Options>> {
    let beside = std::env::current_exe()?.with_file_name("casemate");
    let mut options = Options {
        scale: Scale::FULL,
        measures: Vec::new(),
        tools: Tool::ALL.to_vec(),
        casemate: beside,
        index: None,
        databases: Vec::new(),
        out: None,
    };
    let (mut rounds, mut events) = (None, None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("`{arg}` wants a value"));
        match arg.as_str() {
            "--quick" => options.scale = Scale::QUICK,
            "--tiny" => options.scale = Scale::TINY,
            "--only" => {
                let name = value()?;
                let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
                options.measures.push(measure.with_context(|| format!("no measure is named `{name}`"))?);
            }
            "--tools" => {
                let names = value()?.split(',');
                options.tools = names
                    .map(|name| {
                        let tool = Tool::ALL.into_iter().find(|tool| tool.short_name() == name);
                        tool.with_context(|| format!("no tool is named `{name}`"))
                    })
                    .collect::<Result<_>>()?;
            }
            "--rounds" => rounds = Some(value()?.parse().context("`--rounds` wants a number")?),
            "--events" => events = Some(value()?.parse().context("`--events` wants a number")?),
            "--database" => options.databases.push(match value()?.as_str() {
                "sqlite" => "sqlite",
                "postgres" => "postgres",
                name => bail!("`{name}` is neither sqlite nor postgres"),
            }),
            "--index" => options.index = Some(PathBuf::from(value()?)),
            "--casemate" => options.casemate = PathBuf::from(value()?),
            "--out" => options.out = Some(PathBuf::from(value()?)),
            "-h" | "--help" => return Ok(None),
            _ => bail!("unknown argument `{arg}`"),
        }
    }
    if let Some(rounds) = rounds {
        options.scale.burst_rounds = rounds;
        options.scale.commands_rounds = rounds;
    }
    if let Some(events) = events {
        options.scale.audit_commands = events;
    }
    if options.measures.is_empty() {
        options.measures = Measure::ALL.to_vec();
    }
    Ok(Some(options))
}

fn bench(args: &[String], surroundings: Surroundings) -> Result<ExitCode> {
    let mut stdout = std::io::stdout();
    let Some(options) = parse(args)? else {
        stdout.write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    if options.measures.contains(&Measure::Host) && surroundings == Surroundings::Shared {
        host::enter(args)?;
    }
    let mut suite = Suite::new(options.scale, &options.tools, options.casemate)?;
    if !options.databases.is_empty() {
        suite.databases = options.databases;
    }
    for measure in &options.measures {
        say(&format!("== {}", measure.name()));
        let result = match measure {
            Measure::Burst => burst::measure(&mut suite),
            Measure::Echo => echo::measure(&mut suite),
            Measure::Size => size::measure(&mut suite),
            Measure::Idle => idle::measure(&mut suite),
            Measure::Convert => convert::measure(&mut suite),
            Measure::Commands => commands::measure(&mut suite),
            Measure::Search => search::measure(&mut suite, options.index.as_deref()),
            Measure::Audit => audit::measure(&mut suite, options.index.as_deref()),
            Measure::Server => server::measure(&mut suite),
            Measure::Play => play::measure(&mut suite),
            Measure::Host => host::measure(&mut suite, surroundings),
        };
        // What the other measures find is worth having; the run fails all the same.
        if let Err(error) = result {
            suite.failures.push(format!("{}: {error:#}", measure.name()));
        }
    }
    let text = suite.render();
    stdout.write_all(text.as_bytes())?;
    if let Some(out) = options.out {
        std::fs::write(&out, &text).with_context(|| format!("{}", out.display()))?;
    }
    for failure in &suite.failures {
        say(&format!("error: {failure}"));
    }
    Ok(if suite.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
