//! An audit server that is killed at random moments of a load: nothing that it acknowledged is lost, nothing is there
//! twice.

use std::time::{Duration, Instant};

use casemate_tests::{Asker, need};
use serde_json::Value;

use crate::server::{commands, recording};

/// Uploads until it is done, whatever happens to the server; what was acknowledged must be there ever after.
fn upload(agent: &Asker, id: &str, bytes: &[u8], piece: usize) {
    let path = format!("ingest/recordings/{id}");
    let mut acknowledged = 0;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(120) {
        let Ok(head) = agent.try_send("HEAD", &path, &[], &[]) else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        let at: usize = head.header("upload-offset").expect("where it goes on").parse().unwrap();
        assert!(at >= acknowledged, "{acknowledged} bytes were acknowledged, and {at} are there");
        acknowledged = at;
        if head.header("upload-complete") == Some("?1") {
            return;
        }
        let end = (at + piece).min(bytes.len());
        if let Ok(answer) = agent.try_patch(id, at, &bytes[at..end], end == bytes.len()) {
            assert_eq!(answer.status, 204, "{}", answer.text);
            acknowledged = end;
        }
    }
    panic!("it was not done in two minutes");
}

#[test]
fn what_was_acknowledged_is_there_once() {
    need!("bash");
    let rounds = if std::env::var_os("CASEMATE_SLOW_TESTS").is_some() { 100 } else { 10_u64 };
    crate::server::in_both(|mut server, world| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let lines: Vec<String> = (0..12).map(|number| format!("echo number {number}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let bytes = recording(world, "cast.zst", &lines);
        let expected = lines.len() + 2;
        for round in 0..rounds / 2 {
            let ids: Vec<String> = (0..4).map(|_| agent.connect("alice@org.com", "cast.zst")).collect();
            std::thread::scope(|scope| {
                let loads: Vec<_> = ids
                    .iter()
                    .map(|id| {
                        let (agent, bytes) = (&agent, &bytes);
                        scope.spawn(move || upload(agent, id, bytes, 61))
                    })
                    .collect();
                // Not always at the same moment of the load.
                for kill in 0..2_u64 {
                    std::thread::sleep(Duration::from_millis(40 + 67 * (round + kill) % 300));
                    server.kill_and_start();
                }
                for load in loads {
                    load.join().unwrap();
                }
            });
            for id in &ids {
                assert_eq!(agent.connect_as(id, "alice@org.com", "cast.zst").status, 200);
                let events = administrator.json(&format!("events/command?connectionIds={id}"));
                assert_eq!(commands(&events).len(), expected, "{events}");
                let kept = administrator.json(&format!("session-recordings/{id}/details"));
                assert_eq!(kept["size"].as_u64(), Some(bytes.len() as u64));
                let closed = format!("events/connection?connectionIds={id}&connectionEventTypes=Closed");
                assert_eq!(administrator.json(&closed).as_array().map(Vec::len), Some(1));
            }
        }
        let ids: Vec<Value> = administrator.json("events?eventCount=10000").as_array().unwrap().clone();
        let mut unique: Vec<String> =
            ids.iter().map(|event| format!("{} {}", event["log"], event["id"])).collect();
        let number = unique.len();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), number, "an event is there twice");
        let proof = administrator.get("events/proof").text;
        world.write("proof.ndjson", proof);
        world.casemate(&["verify", "proof.ndjson"]).run().success();
    });
}
