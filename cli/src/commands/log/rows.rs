//! Events of each log as rows of a table. Pure.
//!
//! Events are read as the JSON that the server sent: one of a later version, with more in it, is shown all the same.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, Local, Utc};
use serde_json::Value;

use super::ask::LogArg;
use super::table::{Column, Row};

/// So many commands are remembered until their end comes.
const REMEMBERED: usize = 10_000;

/// Makes rows.
pub(super) struct Rows {
    log: LogArg,
    /// What the clock on the wall says.
    zone: fn(DateTime<Utc>) -> DateTime<FixedOffset>,
    is_live: bool,
    /// Commands whose end has not come, by their ids: who, and what.
    begun: HashMap<String, (String, String)>,
}

/// The zone of whoever looks.
pub(super) fn local(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    time.with_timezone(&Local).fixed_offset()
}

impl Rows {
    pub(super) fn new(log: LogArg, zone: fn(DateTime<Utc>) -> DateTime<FixedOffset>, is_live: bool) -> Self {
        Self { log, zone, is_live, begun: HashMap::new() }
    }

    /// The columns; `now` says what the zone is.
    pub(super) fn columns(&self, now: DateTime<Utc>) -> Vec<Column> {
        let zone = (self.zone)(now).offset().to_string();
        let zone = if zone == "+00:00" { "UTC".to_owned() } else { format!("UTC{zone}") };
        let time = |title: &str| Column { least: 19, ..Column::new(&format!("{title} ({zone})")) };
        let live = |column: Column, least| Column { least: if self.is_live { least } else { 0 }, ..column };
        let who = || live(Column::new("WHO"), 24);
        match self.log {
            LogArg::Commands => vec![
                time("TIME"),
                who(),
                live(Column::number("EXIT"), 4),
                live(Column::number("TOOK"), 7),
                Column::new("COMMAND"),
            ],
            LogArg::Kube => {
                vec![time("TIME"), who(), live(Column::number("STATUS"), 3), Column::new("COMMAND")]
            }
            LogArg::Connections => vec![
                time("START"),
                Column::new("END"),
                Column::new("STATE"),
                Column::new("WHO"),
                Column::new("KNOWN BY"),
                Column::new("AS"),
                Column::new("TARGET"),
                Column::new("ID"),
                Column::new("REASON"),
            ],
            LogArg::ConnectionEvents => vec![
                time("TIME"),
                who(),
                live(Column::new("EVENT"), 16),
                live(Column::new("CONNECTION"), 36),
                Column::new("REASON"),
            ],
            LogArg::UserEvents => vec![
                time("TIME"),
                who(),
                live(Column::new("ALLOWED"), 3),
                live(Column::new("ACTION"), 20),
                Column::new("RESOURCE"),
            ],
            LogArg::Agents => vec![
                time("TIME"),
                live(Column::new("TARGET"), 36),
                live(Column::new("STATUS"), 8),
                Column::new("REASON"),
            ],
            LogArg::Output => vec![
                time("TIME"),
                who(),
                Column::new("SESSION"),
                Column::number("AT"),
                Column::new("COMMAND"),
                Column::new("LINE"),
            ],
            LogArg::All => vec![time("TIME"), live(Column::new("LOG"), 10), who(), Column::new("WHAT")],
        }
    }

    /// The row of an event; `of` is its log.
    pub(super) fn row(&mut self, of: &str, event: &Value) -> Option<Row> {
        let time = self.time(event, &["timestamp", "creationDate", "timeStamp", "timeCreated"]);
        if of == "command-end" {
            return self.end(event, time);
        }
        let who = who(event);
        let row = match self.log {
            LogArg::Commands => {
                let command = command(event);
                self.remember(event, &who, &command);
                let exit = number(event, "exitCode");
                let bad = (exit != "0" && !exit.is_empty()).then_some(2);
                Row { cells: vec![time, who, exit, took(event), command], bad }
            }
            LogArg::Kube => {
                let status = number(event, "statusCode");
                let bad = status.starts_with(['4', '5']).then_some(2);
                Row { cells: vec![time, who, status, kube(event)], bad }
            }
            LogArg::Connections => self.connection(event, time),
            LogArg::ConnectionEvents => {
                let [happened, id, reason] =
                    ["connectionEventType", "connectionId", "reason"].map(|name| text(event, name));
                Row { cells: vec![time, who, happened, id, reason], bad: None }
            }
            LogArg::UserEvents => {
                let is_allowed = event.get("evaluation").and_then(Value::as_bool).unwrap_or(false);
                let allowed = if is_allowed { "yes" } else { "no" };
                let cells =
                    vec![time, who, allowed.into(), text(event, "serviceAction"), text(event, "resource")];
                Row { cells, bad: (!is_allowed).then_some(2) }
            }
            LogArg::Agents => {
                let [target, status, reason] =
                    ["targetId", "statusChange", "reason"].map(|name| text(event, name));
                Row { cells: vec![time, target, status, reason], bad: None }
            }
            LogArg::Output => {
                let offset = event.get("offset").and_then(Value::as_f64);
                let offset = offset.map_or_else(String::new, |offset| format!("{offset:.1}"));
                let [session, command, line] =
                    ["connectionId", "command", "line"].map(|name| text(event, name));
                Row { cells: vec![time, who, session, offset, command, line], bad: None }
            }
            LogArg::All => {
                let what = what(of, event);
                self.remember(event, &who, &what);
                Row { cells: vec![time, of.to_owned(), who, what], bad: None }
            }
        };
        Some(row)
    }

    /// The end of a command, with the command if it is known.
    fn end(&mut self, event: &Value, time: String) -> Option<Row> {
        let (who, command) = self.begun.remove(&text(event, "id")).unwrap_or_default();
        let exit = number(event, "exitCode");
        let is_bad = exit != "0" && !exit.is_empty();
        match self.log {
            LogArg::Commands => Some(Row {
                cells: vec![time, who, exit, took(event), format!("└ {command}")],
                bad: is_bad.then_some(2),
            }),
            LogArg::All => {
                let exit = if exit.is_empty() { "ended".into() } else { format!("ended with {exit}") };
                let took = took(event);
                let took = if took.is_empty() { took } else { format!(" after {took}") };
                Some(Row {
                    cells: vec![time, "command".into(), who, format!("└ {command} ({exit}{took})")],
                    bad: None,
                })
            }
            LogArg::Kube
            | LogArg::Connections
            | LogArg::ConnectionEvents
            | LogArg::UserEvents
            | LogArg::Output
            | LogArg::Agents => None,
        }
    }

    fn remember(&mut self, event: &Value, who: &str, command: &str) {
        let is_open = event.get("command").is_some()
            && event.get("exitCode").is_none()
            && event.get("duration").is_none();
        if self.is_live && is_open {
            if self.begun.len() >= REMEMBERED {
                self.begun.clear();
            }
            self.begun.insert(text(event, "id"), (who.to_owned(), command.to_owned()));
        }
    }

    fn connection(&self, event: &Value, start: String) -> Row {
        let end = self.time(event, &["timeEnded"]);
        let mut state = text(event, "state");
        if event.get("inactive").and_then(Value::as_bool).unwrap_or(false) {
            state.push_str(", inactive");
        }
        let [who, as_whom, target, id] =
            ["subjectName", "targetUser", "targetName", "id"].map(|name| text(event, name));
        let known_by = event.get("knownBy").map(|known| text(known, "user")).unwrap_or_default();
        let reason = something(event, "reason").unwrap_or_default();
        let cells = vec![start, end, state, who, known_by, as_whom, target, id, reason];
        Row { cells, bad: None }
    }

    fn time(&self, event: &Value, names: &[&str]) -> String {
        let Some(time) = names.iter().find_map(|name| event.get(*name)?.as_str()) else {
            return String::new();
        };
        DateTime::parse_from_rfc3339(time).map_or_else(
            |_| time.to_owned(),
            |time| (self.zone)(time.to_utc()).format("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }
}

fn text(event: &Value, name: &str) -> String {
    event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What BastionZero's API writes for nothing is nothing here.
fn something(event: &Value, name: &str) -> Option<String> {
    Some(text(event, name)).filter(|text| !text.is_empty() && !matches!(text.as_str(), "n/a" | "N/A"))
}

fn number(event: &Value, name: &str) -> String {
    event.get(name).filter(|value| value.is_number()).map_or_else(String::new, ToString::to_string)
}

fn took(event: &Value) -> String {
    event.get("duration").and_then(Value::as_f64).map_or_else(String::new, |seconds| match seconds {
        ..60.0 => format!("{seconds:.2} s"),
        60.0..3600.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    })
}

/// `alice@org.com on web-1 as root`, as far as it is known.
fn who(event: &Value) -> String {
    let user = something(event, "subjectName").or_else(|| something(event, "userEmail"));
    let target = something(event, "targetName");
    let role = something(event, "targetUser").or_else(|| something(event, "role"));
    let mut who = match (user, target) {
        // A name of a mailbox and a host would be one name.
        (Some(user), Some(target)) if user.contains('@') => format!("{user} on {target}"),
        (Some(user), Some(target)) => format!("{user}@{target}"),
        (Some(user), None) => user,
        (None, Some(target)) => format!("@{target}"),
        (None, None) => String::new(),
    };
    if let Some(role) = role {
        who = if who.is_empty() { format!("as {role}") } else { format!("{who} as {role}") };
    }
    who
}

fn command(event: &Value) -> String {
    let command = text(event, "command");
    let kind = text(event, "kind");
    let shown = match (command.as_str(), text(event, "reason").as_str()) {
        ("", _) if kind == "hidden" => "(run without being shown)".to_owned(),
        ("", "not_echoed" | "notEchoed") => "(an answer that was not shown)".into(),
        ("", _) => "(not known)".into(),
        (command, _) => command.to_owned(),
    };
    match (kind.as_str(), something(event, "program")) {
        ("program", Some(program)) => format!("{program}> {shown}"),
        ("program", None) => format!("> {shown}"),
        ("cancelled", _) => format!("{shown} (not run)"),
        _ => shown,
    }
}

fn kube(event: &Value) -> String {
    if let Some(said) = something(event, "kubeEnglishCommand") {
        return said;
    }
    let calls = |name: &str| {
        let calls = event.get(name).and_then(Value::as_array).into_iter().flatten();
        calls.map(|call| text(call, "event")).collect::<Vec<_>>()
    };
    let executed = calls("execCommands");
    let called = if executed.is_empty() { calls("endpoints") } else { executed };
    let verbs = event.get("verbs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let verbs = verbs.collect::<Vec<_>>().join(",");
    let more = if called.len() > 1 { format!(" and {} more", called.len() - 1) } else { String::new() };
    format!("{verbs} {}{more}", called.first().cloned().unwrap_or_default()).trim().to_owned()
}

/// An event of any log in a line.
fn what(of: &str, event: &Value) -> String {
    match of {
        "command" => {
            let exit = number(event, "exitCode");
            let exit = if exit.is_empty() || exit == "0" { String::new() } else { format!(" (exit {exit})") };
            command(event) + &exit
        }
        "kube" => kube(event),
        "connection" => {
            let reason = something(event, "reason").map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{}{reason} ({})", text(event, "connectionEventType"), text(event, "connectionId"))
        }
        "subject" => {
            let is_allowed = event.get("evaluation").and_then(Value::as_bool).unwrap_or(false);
            let refused = if is_allowed { "" } else { " (refused)" };
            format!("{} {}{refused}", text(event, "serviceAction"), text(event, "resource"))
        }
        "agent-status-change" => format!("{} {}", text(event, "statusChange"), text(event, "reason")),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{Look, Table};
    use super::*;
    use expect_test::{Expect, expect};
    use serde_json::json;

    fn zone(time: DateTime<Utc>) -> DateTime<FixedOffset> {
        time.with_timezone(&FixedOffset::east_opt(3600).unwrap())
    }

    fn command_event(more: Value) -> Value {
        let mut event = json!({
            "id": "c1", "connectionId": "0196a1b2-c3d4-7e5f-8a9b-000000000001", "timestamp": "2026-11-22T07:03:28.123456Z",
            "subjectName": "alice@org.com", "targetName": "web-1", "targetUser": "root", "command": "systemctl restart nginx",
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    #[track_caller]
    fn check(log: LogArg, is_live: bool, events: &[(&str, Value)], expected: &Expect) {
        let mut rows = Rows::new(log, zone, is_live);
        let mut table =
            Table::new(Look { has_colour: false, width: Some(120) }, rows.columns(DateTime::default()));
        let mut out = String::new();
        for (of, event) in events {
            if let Some(row) = rows.row(of, event) {
                table.row(row, &mut out);
            }
        }
        table.flush(&mut out);
        expected.assert_eq(&out);
    }

    #[test]
    fn commands_and_their_ends() {
        check(
            LogArg::Commands,
            false,
            &[
                ("command", command_event(json!({"exitCode": 1, "duration": 0.25}))),
                (
                    "command",
                    command_event(json!({"kind": "program", "program": "psql", "command": "select\n1"})),
                ),
            ],
            &expect![[r#"
                TIME (UTC+01:00)     WHO                             EXIT    TOOK  COMMAND
                2026-11-22 08:03:28  alice@org.com on web-1 as root     1  0.25 s  systemctl restart nginx
                2026-11-22 08:03:28  alice@org.com on web-1 as root                psql> select\n1
            "#]],
        );
        let end = json!({"id": "c1", "timestamp": "2026-11-22T07:04:00Z", "exitCode": 0, "duration": 31.9});
        check(
            LogArg::Commands,
            true,
            &[("command", command_event(json!({}))), ("command-end", end.clone())],
            &expect![[r#"
                TIME (UTC+01:00)     WHO                             EXIT     TOOK  COMMAND
                2026-11-22 08:03:28  alice@org.com on web-1 as root                 systemctl restart nginx
                2026-11-22 08:04:00  alice@org.com on web-1 as root     0  31.90 s  └ systemctl restart nginx
            "#]],
        );
        check(
            LogArg::All,
            true,
            &[
                ("command", command_event(json!({}))),
                ("command-end", end),
                (
                    "subject",
                    json!({"timestamp": "2026-11-22T07:04:00Z", "subjectName": "eve", "serviceAction": "sessionrecordings:get", "resource": "x", "evaluation": false}),
                ),
            ],
            &expect![[r#"
                TIME (UTC+01:00)     LOG         WHO                             WHAT
                2026-11-22 08:03:28  command     alice@org.com on web-1 as root  systemctl restart nginx
                2026-11-22 08:04:00  command     alice@org.com on web-1 as root  └ systemctl restart nginx (ended with 0 after 31.90 s)
                2026-11-22 08:04:00  subject     eve                             sessionrecordings:get x (refused)
            "#]],
        );
    }

    #[test]
    fn the_other_logs() {
        check(
            LogArg::ConnectionEvents,
            false,
            &[(
                "connection",
                json!({"timestamp": "2026-11-22T07:03:28Z", "subjectName": "alice@org.com", "targetName": "web-1", "targetUser": "n/a",
                    "connectionId": "0196a1b2-c3d4-7e5f-8a9b-000000000001", "connectionEventType": "Closed", "reason": "admin@org.com deleted target"}),
            )],
            &expect![[r#"
                TIME (UTC+01:00)     WHO                     EVENT   CONNECTION                            REASON
                2026-11-22 08:03:28  alice@org.com on web-1  Closed  0196a1b2-c3d4-7e5f-8a9b-000000000001  admin@org.com deleted target
            "#]],
        );
        check(
            LogArg::Connections,
            false,
            &[(
                "",
                json!({"timeCreated": "2026-11-22T07:03:28Z", "state": "Open", "inactive": true, "subjectName": "alice@org.com",
                    "knownBy": {"user": "key", "target": "flag"}, "targetName": "web-1", "targetUser": "root", "id": "0196a1b2-c3d4-7e5f-8a9b-000000000001"}),
            )],
            &expect![[r#"
                START (UTC+01:00)    STATE           WHO            KNOWN BY  AS    TARGET  ID                                    REASON
                2026-11-22 08:03:28  Open, inactive  alice@org.com  key       root  web-1   0196a1b2-c3d4-7e5f-8a9b-000000000001
            "#]],
        );
        check(
            LogArg::Kube,
            false,
            &[(
                "kube",
                json!({"creationDate": "2026-11-22T07:03:28Z", "userEmail": "bob@org.com", "targetName": "prod", "role": "edit", "kubeEnglishCommand": "N/A",
                    "endpoints": [{"event": "/api/v1/pods"}, {"event": "/api/v1/nodes"}], "verbs": ["list"], "statusCode": 403}),
            )],
            &expect![[r#"
                TIME (UTC+01:00)     WHO                          STATUS  COMMAND
                2026-11-22 08:03:28  bob@org.com on prod as edit     403  list /api/v1/pods and 1 more
            "#]],
        );
    }

    #[test]
    fn lines_that_were_to_be_seen() {
        check(
            LogArg::Output,
            false,
            &[(
                "",
                json!({"timestamp": "2026-11-22T07:03:28Z", "subjectName": "alice@org.com", "targetName": "web-1", "targetUser": "root",
                    "connectionId": "0196a1b2-c3d4-7e5f-8a9b-000000000001", "offset": 83.25, "command": "make", "line": "make: no rule"}),
            )],
            &expect![[r#"
                TIME (UTC+01:00)     WHO                             SESSION                                 AT  COMMAND  LINE
                2026-11-22 08:03:28  alice@org.com on web-1 as root  0196a1b2-c3d4-7e5f-8a9b-000000000001  83.2  make     make: no rule
            "#]],
        );
    }

    #[test]
    fn what_is_nothing_that_is_known_is_shown_as_far_as_it_goes() {
        for log in [LogArg::Commands, LogArg::Kube, LogArg::Connections, LogArg::UserEvents, LogArg::All] {
            for event in [json!({}), json!([]), json!({"timestamp": 5, "command": []}), Value::Null] {
                assert!(Rows::new(log, zone, true).row("command", &event).is_some());
            }
        }
    }
}
