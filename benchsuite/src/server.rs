//! The audit server under many sessions that upload at once: what each call takes, how soon a command is in a live tail, and
//! how much memory that takes. No peer has one that can be put beside it.
//!
//! The load is made on the same machine, and takes of it what it takes.

use std::path::Path;

use anyhow::Result;
use casemate_scratch_postgres::Postgres;
use casemate_tests::AuditServer;
use casemate_tests::load::{self, Felt, Load, quantile};

use crate::report::{Goal, Table};
use crate::say;
use crate::suite::Suite;

/// How much memory the server may have, in MiB.
const MEMORY: f64 = 300.0;

/// How soon a command is to be in a tail, in milliseconds.
const TAIL: f64 = 250.0;

/// Bytes of output of each command.
const OUTPUT: usize = 2000;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let mut rows = Vec::new();
    if suite.databases.contains(&"sqlite") {
        rows.push(one(suite, "SQLite", None)?);
    }
    if suite.databases.contains(&"postgres") {
        match Postgres::start(&suite.path(""), &[])? {
            Some(server) => rows.push(one(suite, "PostgreSQL", Some(&server.url("postgres")))?),
            None => say("PostgreSQL is not installed: not measured"),
        }
    }
    suite.table(Table {
        title: "Audit server: sessions that upload at once".into(),
        note: format!(
            "{} sessions for {} s, each with a command of {OUTPUT} bytes of output every 1.2 s, in three calls; somebody \
             follows all commands. Each call is acknowledged when its bytes and commands are on the disk (fsync). In the \
             tail: from when a call with the beginning of a command's output begins, until the command is read from the \
             stream. Milliseconds; the server's memory in MiB. The load is made on the same machine.",
            suite.scale.server_sessions,
            suite.scale.server_length.as_secs(),
        ),
        header: vec!["", "calls/s", "call 50 %", "99 %", "commands", "in the tail 50 %", "99 %", "memory"],
        rows,
    });
    Ok(())
}

fn one(suite: &mut Suite, name: &str, database: Option<&str>) -> Result<Vec<String>> {
    let folder = suite.path(&format!("server-{name}"));
    let server = AuditServer::start_program(&suite.casemate, Path::new(&folder), database);
    let administrator = server.administrator();
    let (agent, reader) = (administrator.agent("web-1"), administrator.key("Auditor"));
    let load = Load {
        sessions: suite.scale.server_sessions,
        length: suite.scale.server_length,
        commands: usize::MAX,
        output: OUTPUT,
    };
    say(&format!("server: {} sessions, {name}", load.sessions));
    let agent = server.with_key(&agent).without("connection");
    let felt = load::put(&server, &agent, &server.with_key(&reader), load);
    let Felt { calls, tail, sent, .. } = &felt;
    if tail.len() < *sent {
        suite.lost(format!("{name}: {} of {sent} commands are not in the tail", sent - tail.len()));
    }
    let memory = felt.peak_kib() as f64 / 1024.0;
    let at = |all: &[std::time::Duration], part| quantile(all, part).as_secs_f64() * 1000.0;
    suite.goal(Goal::at_most(format!("{name}: a command in a tail, 99 %"), TAIL, " ms", at(tail, 0.99)));
    suite.goal(Goal::at_most(format!("{name}: memory of the server"), MEMORY, " MiB", memory));
    let rate = calls.len() as f64 / load.length.as_secs_f64();
    let figures = [rate, at(calls, 0.5), at(calls, 0.99)];
    let mut row = vec![name.to_owned()];
    row.extend(figures.iter().map(|figure| format!("{figure:.0}")));
    row.push(sent.to_string());
    row.extend([at(tail, 0.5), at(tail, 0.99), memory].iter().map(|figure| format!("{figure:.0}")));
    Ok(row)
}
