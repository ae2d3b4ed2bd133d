//! The pages of the logs, as a browser asks a real server for them: how soon they are there, and how much is sent.

use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use casemate_tests::{Asker, AuditServer};

use crate::report::{Goal, Table};
use crate::say;
use crate::stats::quantile_of;
use crate::suite::Suite;

/// What the first page of a log may take, in milliseconds.
const FIRST: f64 = 30.0;

/// What a browser that has nothing yet may be sent, in kilobytes.
const SENT: f64 = 100.0;

const LOGS: [&str; 5] =
    ["commands", "kubernetes-commands", "connections", "connection-events", "user-events"];

const OTHERS: [(&str, &str); 5] = [
    ("commands on the busiest target", "/admin/events/commands?targetNames=host-0.prod.example"),
    ("commands of the busiest user", "/admin/events/commands?subjectNames=person-0%40org.example"),
    ("commands with `nginx`", "/admin/events/commands?commandSearch=nginx"),
    ("recordings", "/admin/session-recordings"),
    ("search for `nginx`", "/admin/search?text=nginx"),
];

pub(super) fn ask(suite: &mut Suite, name: &str, url: &str) -> Result<()> {
    let folder = suite.path(&format!("pages-{name}"));
    let server = AuditServer::start_program(&suite.casemate, Path::new(&folder), Some(url));
    let administrator = match server.link {
        Some(_) => server.administrator(),
        None => server.sign_in("admin@org.com"),
    };
    let browser = administrator.clone().with("accept-encoding", "gzip");
    let firsts = LOGS.map(|log| (format!("{log}, first page"), format!("/admin/events/{log}")));
    let others = OTHERS.map(|(what, path)| (what.to_owned(), path.to_owned()));
    let (mut rows, mut slowest) = (Vec::new(), 0.0_f64);
    for (what, path) in firsts.iter().chain(&others) {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..suite.scale.audit_rounds / 4 {
            let asked = Instant::now();
            bytes = sent(&browser, path)?;
            times.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        let at = |per_mille| quantile_of(&times, per_mille).unwrap_or(0.0);
        if rows.len() < LOGS.len() {
            slowest = slowest.max(at(990));
        }
        let figures = [at(500), at(990), at(1000)].map(|time| format!("{time:.1}"));
        let mut row = vec![what.clone(), times.len().to_string()];
        row.extend(figures);
        row.push(format!("{:.1}", bytes as f64 / 1e3));
        say(&row.join(" | "));
        rows.push(row);
    }
    suite.table(Table {
        title: format!("{name}: pages"),
        note: "Each from the call to its last byte, compressed, over HTTP on the same machine; the look itself is written \
               into the log of user events before it is answered (fsync). Milliseconds, kilobytes."
            .into(),
        header: vec!["page", "times", "50 %", "99 %", "slowest", "kB"],
        rows,
    });
    suite.goal(Goal::at_most(format!("{name}: first page of each log, 99 %"), FIRST, " ms", slowest));
    let all = whole(&administrator, &browser, "/admin/events/commands")?;
    suite.goal(Goal::at_most(format!("{name}: first page with all that it needs"), SENT, " kB", all / 1e3));
    Ok(())
}

/// How many bytes come.
fn sent(browser: &Asker, path: &str) -> Result<u64> {
    Ok(std::io::copy(&mut browser.open_stream(path), &mut std::io::sink())?)
}

/// Bytes of a page, and of whatever it refers to.
fn whole(administrator: &Asker, browser: &Asker, path: &str) -> Result<f64> {
    let mut text = String::new();
    administrator.open_stream(path).read_to_string(&mut text).context("a page")?;
    let mut all = sent(browser, path)?;
    for address in text.split('"').filter(|part| part.starts_with("/assets/")) {
        all += sent(browser, address)?;
    }
    Ok(all as f64)
}
