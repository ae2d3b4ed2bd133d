//! The audit log: how fast it takes events that can be searched from then on, how big they are, how fast it answers.
//!
//! In SQLite, and in a real PostgreSQL, by the server's own way in and out, and as a browser asks for pages. No peer has one that can be put beside it.

mod made;
mod pages;
mod questions;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use casemate_audit_log::Time;
use casemate_audit_store::{Appender, Batch, Database, Journal};
use casemate_scratch_postgres::Postgres;
use tokio::task::JoinSet;
use uuid::Uuid;

use self::made::Made;
use crate::report::{Goal, Table};
use crate::say;
use crate::suite::Suite;

/// So many calls with events are under way at once, each of which goes on when its own are on the disk: as from as many
/// sessions.
const CALLS: usize = 200;

/// Commands that come with a call, with what else there is then.
const COMMANDS: u64 = 16;

/// What is set of PostgreSQL and is not what stands in its package: as for a machine with a few gigabytes.
const SETTINGS: [&str; 4] = [
    "shared_buffers=1GB",
    "max_wal_size=2GB",
    "maintenance_work_mem=256MB",
    "checkpoint_completion_target=0.9",
];

/// Asks a database that is there, a file or the address of a PostgreSQL, or makes them.
pub(crate) fn measure(suite: &mut Suite, index: Option<&Path>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(url) = index.and_then(Path::to_str).filter(|url| url.starts_with("postgres")) {
        let mut made = again(suite.scale.audit_commands);
        return runtime.block_on(ask(suite, "PostgreSQL", url, &mut made));
    }
    if suite.databases.contains(&"sqlite") {
        let place = index.map_or_else(|| suite.path("audit.db"), Path::to_owned);
        let url = format!("sqlite:{}", place.display());
        runtime.block_on(one(suite, "SQLite", &url, &place, || Ok(())))?;
        if index.is_none() {
            // There may not be room for two.
            for part in ["", "-wal", "-shm"] {
                drop(std::fs::remove_file(format!("{}{part}", place.display())));
            }
        }
    }
    if suite.databases.contains(&"postgres") {
        let Some(server) = Postgres::start(&suite.path(""), &SETTINGS)? else {
            say("PostgreSQL is not installed: not measured");
            return Ok(());
        };
        // What it does at night by itself.
        let vacuum = || {
            ensure!(server.psql("VACUUM ANALYZE")?.success(), "psql");
            Ok(())
        };
        runtime.block_on(one(suite, "PostgreSQL", &server.url("postgres"), &server.base(), vacuum))?;
    }
    Ok(())
}

async fn one(
    suite: &mut Suite,
    name: &str,
    url: &str,
    place: &Path,
    rest: impl Fn() -> Result<()>,
) -> Result<()> {
    let commands = suite.scale.audit_commands;
    say(&format!("audit: {commands} commands in {name}"));
    let note = place.with_extension("made");
    let is_there = note.exists();
    let mut made = if is_there { again(commands) } else { Made::new() };
    let filled = if is_there {
        std::fs::read_to_string(&note)?
    } else {
        let filled = fill(&Database::open(url).await?, &mut made, commands).await?;
        rest()?;
        filled
    };
    let mut parts = filled.split('\n');
    let mut part = || parts.next().and_then(|part| part.parse::<f64>().ok()).context("it was made otherwise");
    let (events, rate, burst) = (part()?, part()?, part()?);
    if !is_there {
        std::fs::write(&note, &filled)?;
    }
    let bytes = size(place)?;
    suite.table(Table {
        title: format!("{name}: {commands} commands"),
        note: format!(
            "{events:.0} events in all: one command in {} has its end in the log as well, and there are connections, calls \
             of the API and of Kubernetes. Written by the server's journal: {CALLS} calls with {COMMANDS} commands each are under way at any \
             time, and each is answered when its own are on the disk (fsync); found by filter and by text from then on. Commands a second over all, until the index of \
             texts has all of them; and of {} that come at once in the end, before it has.",
            made::END,
            burst_of(commands),
        ),
        header: vec!["commands/s", "at once", "MB", "bytes for a row"],
        rows: vec![vec![
            format!("{rate:.0}"),
            format!("{burst:.0}"),
            format!("{:.0}", bytes / 1e6),
            format!("{:.0}", bytes / events),
        ]],
    });
    if name == "SQLite" {
        for (what, least, found) in [
            ("SQLite: durable commands a second, searchable", 8000.0, rate),
            ("SQLite: durable commands a second, the index of texts catching up", 20_000.0, burst),
        ] {
            let (what, wanted) = (what.to_owned(), format!("≥ {least}"));
            suite.goal(Goal { what, wanted, found: format!("{found:.0}"), met: found >= least });
        }
    }
    ask(suite, name, url, &mut made).await
}

/// The same events again, without keeping them: what is asked depends on them.
fn again(commands: u64) -> Made {
    let (mut made, mut events) = (Made::new(), Vec::new());
    while made.commands < commands {
        made.next(&mut events);
        events.clear();
    }
    made
}

async fn ask(suite: &mut Suite, name: &str, url: &str, made: &mut Made) -> Result<()> {
    let database = Database::open(url).await?;
    questions::ask(suite, name, &database, made).await?;
    drop(database);
    tokio::task::block_in_place(|| pages::ask(suite, name, url))
}

/// So many commands come at once in the end.
fn burst_of(commands: u64) -> u64 {
    (commands / 10).min(120_000)
}

/// Fills a database; says how many events there are, and how many commands a second were kept, over all, and of those that
/// come at once in the end.
async fn fill(database: &Database, made: &mut Made, commands: u64) -> Result<String> {
    let first = commands - burst_of(commands);
    let (some, before) = keep(database, made, first).await?;
    let (others, burst) = keep(database, made, commands).await?;
    let rate = commands as f64 / (before.searchable + burst.searchable).as_secs_f64();
    let at_once = (commands - first) as f64 / burst.durable.as_secs_f64();
    Ok(format!("{}\n{rate}\n{at_once}", some + others))
}

/// How long it took until all of it was there.
struct Kept {
    durable: Duration,
    searchable: Duration,
}

/// Keeps events until there are so many commands; says how many events that were.
async fn keep(database: &Database, made: &mut Made, until: u64) -> Result<(usize, Kept)> {
    let writer = Uuid::now_v7();
    let journal = Journal::open(database, writer, Time::now()).await?;
    let (mut all, from, mut calls) = (0, made.commands, JoinSet::new());
    let (began, mut told) = (Instant::now(), Instant::now());
    while made.commands < until {
        // Making them is counted as well: whoever sends them has to work, too.
        let (mut events, last) = (Vec::new(), until.min(made.commands + COMMANDS));
        while made.commands < last {
            made.next(&mut events);
        }
        all += events.len();
        if calls.len() == CALLS {
            calls.join_next().await.context("a call")???;
        }
        let journal = journal.clone();
        calls.spawn(async move { journal.write(Batch { events, ..Batch::default() }).await });
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            let rate = (made.commands - from) as f64 / began.elapsed().as_secs_f64();
            say(&format!("{} commands, {rate:.0}/s", made.commands));
        }
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    let durable = began.elapsed();
    journal.close().await;
    let mut appender = Appender::resume(database, writer, Time::now()).await?;
    while appender.texts_wait() {
        appender.index_texts().await?;
    }
    Ok((all, Kept { durable, searchable: began.elapsed() }))
}

/// Bytes of a file, with its log of writes, or of all files of a folder.
fn size(place: &Path) -> Result<f64> {
    let mut bytes = 0;
    let mut places = vec![place.to_owned()];
    while let Some(place) = places.pop() {
        let about = std::fs::metadata(&place).with_context(|| place.display().to_string())?;
        if about.is_dir() {
            for entry in std::fs::read_dir(&place)? {
                places.push(entry?.path());
            }
        } else {
            bytes += about.len();
        }
    }
    Ok(bytes as f64)
}
