//! One call that says for all of a host that it goes on, and hears at once what is to end.

use std::thread;
use std::time::{Duration, Instant};

use casemate_tests::{Answer, Asker, AuditServer, LONG, World, wait_until};
use serde_json::{Value, json};

use crate::server::in_both;

/// Says that these go on; the answer may take so many seconds.
fn beat(agent: &Asker, connections: &[&str], wait: u32) -> Answer {
    let headers = [("content-type", "application/json"), ("prefer", &*format!("wait={wait}"))];
    let body = json!({ "connections": connections }).to_string();
    agent.send("POST", "ingest/heartbeat", &headers, body.as_bytes())
}

/// What is to end, after how long.
fn heard(agent: &Asker, connections: &[&str], wait: u32) -> (Value, Duration) {
    let begun = Instant::now();
    let answer = beat(agent, connections, wait);
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.json()["closed"].clone(), begun.elapsed())
}

#[test]
fn what_somebody_closes_is_heard_at_once_by_whoever_carries_it() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let [host, other] = ["web-1", "web-2"].map(|target| server.with_key(&administrator.agent(target)));
        let [one, two] = ["alice@org.com", "bob@org.com"].map(|user| host.connect(user, "cast"));
        let foreign = other.connect("alice@org.com", "cast");
        let nobody = "0196a1b2-c3d4-7e5f-8a9b-000000000001";
        let all = [&*one, &*two, &*foreign, nobody];
        assert_eq!(heard(&host, &all, 0).0, json!([]));
        let (nothing, took) = heard(&host, &all, 2);
        assert_eq!(nothing, json!([]));
        assert!(took >= Duration::from_secs(2), "{took:?}");
        let close = |id: &str| {
            let closed = administrator.send("PATCH", &format!("connections/{id}/close"), &[], b"");
            assert_eq!(closed.status, 204, "{}", closed.text);
        };
        thread::scope(|scope| {
            let waiting = scope.spawn(|| heard(&host, &all, 20));
            thread::sleep(Duration::from_millis(500));
            close(&foreign);
            thread::sleep(Duration::from_millis(500));
            close(&two);
            let begun = Instant::now();
            let (closed, _) = waiting.join().unwrap();
            let reason = "admin@org.com closed the connection";
            assert_eq!(closed, json!([{ "connectionId": two, "reason": reason }]));
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        });
        // Whoever has not heard it hears it again.
        assert_eq!(heard(&host, &all, 20).0[0]["connectionId"], json!(two));
        assert_eq!(heard(&host, &[&one], 0).0, json!([]));

        assert_eq!(beat(&administrator, &[], 0).status, 403);
        assert_eq!(host.send("POST", "ingest/heartbeat", &[], b"").json(), json!({ "closed": [] }));
        let many = vec![nobody; 10_001];
        assert_eq!(beat(&host, &many, 0).status, 400);
        assert_eq!(beat(&host, &many[..10_000], 0).status, 200);
        assert_eq!(beat(&host, &["x"], 0).status, 400);
    });
}

#[test]
fn one_call_renews_all_leases_and_revives_what_had_lapsed() {
    let world = World::new();
    let config = world.write("server.toml", "[connections]\nlease = 5\n").display().to_string();
    let server = AuditServer::start_with(&world.path("server"), None, &["--config", &config]);
    let administrator = server.administrator();
    let [host, other] = ["web-1", "web-2"].map(|target| server.with_key(&administrator.agent(target)));
    let [kept, silent] = ["alice@org.com", "bob@org.com"].map(|user| host.connect(user, "cast"));
    let state = |id: &str| administrator.json(&format!("connections/{id}"))["state"].clone();
    wait_until("a lease that is over", 3 * LONG, || {
        // It is answered before that, however long it may take.
        let (closed, took) = heard(&host, &[&kept], 20);
        assert_eq!(closed, json!([]));
        assert!(took < Duration::from_secs(3), "{took:?}");
        // Another host's word is none.
        heard(&other, &[&silent], 0);
        (state(&silent) == "Closed").then_some(())
    });
    assert_eq!(state(&kept), "Open");
    heard(&other, &[&silent], 0);
    assert_eq!(state(&silent), "Closed");
    heard(&host, &[&kept, &silent], 0);
    assert_eq!(state(&silent), "Open");
}

#[test]
fn who_waits_keeps_no_server_from_its_end() {
    let world = World::new();
    let mut server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let host = server.with_key(&administrator.agent("web-1"));
    let id = host.connect("alice@org.com", "cast");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| heard(&host, &[&id], 20));
        thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        assert!(server.end());
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(waiting.join().unwrap().0, json!([]));
    });
}
