//! An audit server under a load that goes on: nothing is lost, everything is in the tail, and memory does not grow with it; nor
//! with what is taken away of it.

use std::io::Read as _;
use std::time::{Duration, Instant};

use casemate_tests::load::{self, Load};
use casemate_tests::process::resident_kib;
use casemate_tests::{is_release, tools};
use serde_json::{Value, json};

/// Caches of the database fill up in the first minutes; then it stays as it is, but for what an allocator does.
const GROWTH_KIB: u64 = 24 << 10;

/// Whatever is asked of it.
const LIMIT_KIB: u64 = 300 << 10;

#[test]
fn memory_does_not_grow_with_what_was_uploaded() {
    let is_slow = std::env::var_os("CASEMATE_SLOW_TESTS").is_some();
    let length = if is_slow { Duration::from_hours(1) } else { Duration::from_mins(1) };
    crate::server::in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1")).without("connection");
        let reader = server.with_key(&administrator.key("Auditor"));
        let load = Load { sessions: 20, length, commands: 5, output: 20_000 };
        let felt = load::put(&server, &agent, &reader, load);
        assert!(felt.sent > load.sessions * load.commands, "{} commands", felt.sent);
        assert_eq!(felt.tail.len(), felt.sent, "commands that are not in the tail");
        let events = administrator.json("events/command?eventCount=10000&commandSearch=echo%20session");
        assert_eq!(events.as_array().map(Vec::len), Some(felt.sent.min(10_000)));
        let (middle, end) = (felt.usual_kib(0.4..0.6), felt.usual_kib(0.8..1.01));
        let said = format!("{middle} KiB in the middle, {end} at the end, {} at most", felt.peak_kib());
        if !is_release() {
            tools::left_out(&format!("needs a release build for the promise about memory (here {said})"));
            return;
        }
        assert!(end < middle + GROWTH_KIB && felt.peak_kib() < LIMIT_KIB, "{said}");
    });
}

#[test]
fn an_export_is_in_memory_part_by_part() {
    const EVENTS: u32 = 16_000;
    crate::server::in_both(|server, _| {
        let administrator = server.administrator();
        let event = |number: u32| {
            json!({
                "id": format!("6c6e1f0a-0000-4000-8000-{number:012}"), "connectionId": "d5b264c7-534c-4184-a4e4-3703489cb917",
                "targetId": "", "targetType": "SHELL", "targetName": "old", "subjectId": "", "subjectType": "User",
                "subjectName": "bob@org.com", "organizationId": "", "timestamp": "2024-05-28T18:12:09Z", "targetUser": "admin",
                "environmentId": "", "environmentName": "prod", "command": "ls", "cwd": "x".repeat(2500),
            })
        };
        for part in (0..EVENTS).step_by(4_000) {
            let events: Vec<Value> = (part..part + 4_000).map(event).collect();
            let taken = administrator.post("ingest/events", &Value::from(events));
            assert_eq!((taken.status, &taken.json()["events"]), (200, &json!(4_000)), "{}", taken.text);
        }
        let export = administrator.get("events/command/export?format=ndjson").text;
        assert_eq!(export.lines().count(), EVENTS as usize);
        let size = export.len() as u64 / 1024;
        // Whoever reads no further is waited for, with no more in memory than what is sent next.
        let key = server.with_key(&administrator.key("Auditor"));
        let before = resident_kib(server.pid());
        let mut slow = key.open_stream("events/command/export?format=ndjson");
        slow.read_exact(&mut [0; 64 << 10]).unwrap();
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            let now = resident_kib(server.pid());
            assert!(now < before + size / 4, "{before} KiB before, {now} now, for {size}");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}
