//! What the tests of the audit server have in common.

use std::collections::BTreeSet;
use std::time::Duration;

use casemate_tests::{Asker, AuditServer, LONG, World, wait_until};
use serde_json::Value;

/// Does the same with logs in SQLite, and in PostgreSQL.
pub(crate) fn in_both(test: impl Fn(AuditServer, &World)) {
    let world = World::new();
    test(AuditServer::start(&world.path("server"), None), &world);
    let Some(postgres) = casemate_scratch_postgres::shared() else { return };
    let world = World::new();
    test(AuditServer::start(&world.path("server"), Some(&postgres.database())), &world);
}

/// All rows of a list, page by page.
pub(crate) fn pages(asker: &Asker, path: &str) -> Vec<Value> {
    let (mut path, mut rows) = (path.to_owned(), Vec::new());
    loop {
        let page = asker.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        rows.extend(page.json().as_array().unwrap().clone());
        let Some(link) = page.header("link") else { return rows };
        path = link.split(['<', '>']).nth(1).unwrap().trim_start_matches("/api/v2/").to_owned();
    }
}

/// A person looks at a prompt for longer.
const RESTS: Duration = Duration::from_millis(300);

/// A real session of bash: its recording.
pub(crate) fn recording(world: &World, form: &str, commands: &[&str]) -> Vec<u8> {
    let name = format!("made.{form}");
    let shell = "bash --norc --noprofile -i";
    let mut session = world.rec(&[&name, "-q", "--overwrite", "-c", shell]).on_terminal();
    for command in commands {
        session.wait_prompt();
        wait_until("a prompt that rests", LONG, || (session.quiet_for() > RESTS).then_some(()));
        session.send(command);
        session.enter();
    }
    session.wait_prompt();
    wait_until("a prompt that rests", LONG, || (session.quiet_for() > RESTS).then_some(()));
    session.send("exit\r");
    session.wait_success();
    world.bytes(&name)
}

/// Ids and texts of the commands that a recording of [`recording`] has, derived here.
pub(crate) fn derived(world: &World, form: &str) -> BTreeSet<(String, String)> {
    let run = world.casemate(&["commands", "-f", "jsonl", &format!("made.{form}")]).run().success();
    let events = run.text();
    events.lines().map(|line| identity(&serde_json::from_str(line).unwrap())).collect()
}

/// The session that a recording of [`recording`] is of.
pub(crate) fn session(world: &World, form: &str) -> String {
    let run = world.casemate(&["commands", "-f", "jsonl", &format!("made.{form}")]).run().success().text();
    let event: Value = serde_json::from_str(run.lines().next().unwrap()).unwrap();
    event["session"].as_str().unwrap().to_owned()
}

/// The same of those that a log has.
pub(crate) fn logged(events: &Value) -> BTreeSet<(String, String)> {
    events.as_array().unwrap().iter().map(identity).collect()
}

fn identity(event: &Value) -> (String, String) {
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    (text("id"), text("command"))
}

/// The commands that a log has, the oldest first.
pub(crate) fn commands(of: &Value) -> Vec<String> {
    let mut events = of.as_array().unwrap().clone();
    events.sort_by_key(|event| event["timestamp"].as_str().unwrap().to_owned());
    events.iter().map(|event| event["command"].as_str().unwrap().to_owned()).collect()
}
