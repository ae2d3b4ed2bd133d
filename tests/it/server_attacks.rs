//! Whoever sends something to the audit server, or asks it, is an adversary: what was tried, and comes to nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use casemate_tests::{AuditServer, LONG, World, wait_until};
use serde_json::json;
use uuid::Uuid;

use crate::server::{commands, in_both};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn no_time_that_somebody_claims_makes_a_log_unreadable() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        for started in ["9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "+12345-01-01T00:00:00Z"] {
            let session = json!({ "user": "x", "targetUser": "y", "type": "SHELL", "startedAt": started });
            let path = format!("ingest/connections/{}", Uuid::now_v7());
            let answer = agent.send("PUT", &path, &JSON, session.to_string().as_bytes());
            assert_eq!(answer.status, 400, "{started}: {}", answer.text);
        }
        for timestamp in ["9000000000000", "1", "-9000000000000", "1e300"] {
            let id = agent.connect("alice@org.com", "cast");
            let text = format!(
                "{{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":{timestamp}}}\n\
                 [0.1,\"o\",\"$ \"]\n[1.0,\"o\",\"id\"]\n[2.0,\"o\",\"\\r\\n\"]\n[2.1,\"o\",\"uid=0\\r\\n$ \"]\n\
                 [9.0,\"o\",\"exit\\r\\n\"]\n[4611686018427387904.0,\"o\",\"$ \"]\n"
            );
            assert_eq!(agent.patch(&id, 0, text.as_bytes(), true).status, 204);
            let events = administrator.json(&format!("events/command?connectionIds={id}"));
            assert!(commands(&events).contains(&"id".to_owned()), "{events}");
            // When it was is what the connection says, if the recording is far from it.
            let time = events.as_array().unwrap().last().unwrap()["timestamp"].as_str().unwrap();
            assert!(time.starts_with("2026-11-26T09:30:0"), "{time}");
        }
        for path in
            ["events", "events/command", "events/connection", "events/export?format=csv", "events/proof"]
        {
            assert_eq!(administrator.get(path).status, 200, "{path}");
        }
    });
}

#[test]
fn rights_that_were_taken_away_are_gone() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    // Nobody but the key of a target is an agent.
    let robot = json!({ "email": "robot@org.com", "role": "Agent" });
    assert_eq!(administrator.post("service-accounts", &robot).status, 400);
    let robot = json!({ "email": "robot@org.com", "role": "Administrator" });
    let made = administrator.post("service-accounts", &robot).json();
    let id = made["serviceAccountSummary"]["id"].as_str().unwrap();
    let asker = server.with_key(made["secret"].as_str().unwrap());
    assert_eq!(asker.post("environments", &json!({ "name": "prod" })).status, 201);
    let change =
        |body: &str| administrator.send("PATCH", &format!("subjects/{id}"), &JSON, body.as_bytes()).status;
    assert_eq!(change("{\"role\":\"Agent\"}"), 400);
    assert_eq!(change("{\"role\":\"Auditor\"}"), 200);
    assert_eq!(asker.post("environments", &json!({ "name": "staging" })).status, 403);

    // A tail does not outlive its key.
    let auditor = administrator.post("api-keys", &json!({ "name": "tail", "role": "Auditor" })).json();
    let mut tail = server.with_key(auditor["secret"].as_str().unwrap()).tail("logs=subject");
    assert_eq!(administrator.get("me").status, 200);
    assert!(tail.next().is_some());
    let key = auditor["apiKeyDetails"]["id"].as_str().unwrap();
    assert_eq!(administrator.send("DELETE", &format!("api-keys/{key}"), &[], &[]).status, 204);
    let begin = Instant::now();
    tail.by_ref().for_each(drop);
    assert!(begin.elapsed() < Duration::from_secs(60), "it ended");

    // Of two links to set a password only the one that was used first works.
    let invited =
        administrator.post("users", &json!({ "email": "carol@org.com", "fullName": "Smith, Carol" })).json();
    let carol = invited["user"]["id"].as_str().unwrap();
    let second = administrator.send("POST", &format!("users/{carol}/link"), &[], &[]).json();
    let asker = server.set_up(second["link"].as_str().unwrap(), None);
    assert_eq!(asker.json("users/me")["fullName"], "Smith, Carol");
    let token = invited["link"].as_str().unwrap().split_once("token=").unwrap().1;
    let again = json!({ "token": token, "password": "correct horse battery" });
    assert_eq!(server.nobody().post("set-up", &again).status, 403);
}

#[test]
fn what_somebody_takes_away_breaks_off_when_he_may_no_more() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let agent = server.with_key(&administrator.agent("web-1"));
    let (id, much) = (agent.connect("alice@org.com", "cast"), "x".repeat(10_000));
    let bytes = vec![b'x'; 3 << 20];
    for number in 0..8 {
        assert_eq!(agent.patch(&id, number * bytes.len(), &bytes, number == 7).status, 204);
        let events: Vec<_> = (0..300)
            .map(|_| {
                json!({ "id": Uuid::now_v7(), "connectionId": id, "timestamp": "2026-11-02T00:00:00Z", "subjectName": "alice",
                    "subjectId": "alice", "targetName": "web-1", "targetUser": "root", "targetType": "SHELL", "command": much })
            })
            .collect();
        let answer = administrator.post("ingest/events?log=command", &json!(events));
        assert!(answer.status < 300, "{}", answer.text);
    }
    let made = administrator.post("api-keys", &json!({ "name": "leaver", "role": "Auditor" })).json();
    let (key, secret) = (&made["apiKeyDetails"]["id"], made["secret"].as_str().unwrap());
    let recording = format!("session-recordings/{id}");
    let file = format!("{recording}?format=file");
    let paths = ["events/command/export?format=ndjson", "events/proof", file.as_str(), recording.as_str()];
    let begun = paths.map(|path| {
        let call = format!(
            "GET /api/v2/{path} HTTP/1.1\r\nhost: x\r\nx-api-key: {secret}\r\nconnection: close\r\n\r\n"
        );
        let mut stream = said(&server, &call);
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200", "{path}");
        stream
    });
    let key = format!("api-keys/{}", key.as_str().unwrap());
    assert_eq!(administrator.send("DELETE", &key, &[], &[]).status, 204);
    std::thread::sleep(Duration::from_secs(6));
    for (mut stream, path) in begun.into_iter().zip(paths) {
        let (mut all, mut some) = (0, vec![0; 1 << 16]);
        while let Ok(count @ 1..) = stream.read(&mut some) {
            all += count;
        }
        assert!(all < 20_000_000, "{path}: {all} bytes");
    }
    // Whoever still may gets all of it, and it ends, the oldest first as well.
    for path in paths {
        let sorted = path.replace("ndjson", "ndjson&sort=asc");
        let answer = administrator.get(&sorted);
        assert!(answer.status == 200 && answer.text.len() >= 8 * 300 * much.len(), "{path}");
    }
}

#[test]
fn nobody_fills_the_log_with_what_he_sends() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let much = "x".repeat(900_000);
    let session =
        json!({ "user": much, "targetUser": "y", "type": "SHELL", "startedAt": "2026-11-26T09:30:00Z" });
    let path = format!("ingest/connections/{}", Uuid::now_v7());
    let auditor = server.with_key(&administrator.key("Auditor"));
    for (asker, status) in [(&server.nobody(), 401), (&auditor, 403), (&administrator, 400)] {
        // Whoever is refused before all of it was read hears it.
        assert_eq!(asker.send("PUT", &path, &JSON, session.to_string().as_bytes()).status, status);
    }
    // Nor where a path only ends as one does that is for everybody.
    let path = "ingest/connections/sign-in";
    assert_eq!(server.nobody().send("PUT", path, &JSON, b"{}").status, 401);
    assert_eq!(auditor.get(&format!("events/command?search={}", "y".repeat(5000))).status, 200);
    let log = administrator.get("events/subject").text;
    assert!(log.len() < 20_000, "{} bytes", log.len());
    // What is no text at all is refused in our form.
    for (path, method) in [("users/%ff", "GET"), ("targets/%ff", "DELETE")] {
        let answer = administrator.send(method, path, &[], &[]);
        assert!((400..500).contains(&answer.status), "{path}");
        assert!(answer.json()["errorMsg"].is_string(), "{path}");
    }
    let too_much = vec![b'x'; 5 << 20];
    let id = server.with_key(&administrator.agent("web-1")).connect("alice@org.com", "cast");
    let path = format!("ingest/recordings/{id}");
    for _ in 0..10 {
        let answer = administrator.send("PATCH", &path, &[("upload-offset", "0")], &too_much);
        assert_eq!((answer.status, answer.json()["errorType"].as_str()), (413, Some("TooLarge")));
        let answer = server.nobody().send("PATCH", &path, &[("upload-offset", "0")], &too_much);
        assert_eq!((answer.status, answer.json()["errorType"].as_str()), (401, Some("Unauthenticated")));
    }
    assert_eq!(administrator.json(&format!("session-recordings/{id}/details"))["size"], 0);
}

#[test]
fn a_call_is_written_down_with_a_little_of_what_it_sent() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let user = server.with_key(&administrator.key("User"));
    let value = "%01".repeat(100);
    let query: Vec<String> = (0..128).map(|number| format!("a{number}={value}")).collect();
    let path = format!("events/command?{}", query.join("&"));
    (0..10).for_each(|_| assert_eq!(user.get(&path).status, 400));
    let log = user.json("events/subject?serviceActions=events:list&search=a0").to_string();
    assert!((10_000..100_000).contains(&log.len()), "{} bytes", log.len());
}

#[test]
fn a_recording_that_is_held_is_not_cut_off() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let id = agent.connect("alice@org.com", "cast");
        let header = b"{\"version\":2,\"width\":80,\"height\":24}\n";
        assert_eq!(agent.patch(&id, 0, header, false).status, 204);
        let recording = format!("session-recordings/{id}");
        let hold = administrator.send(
            "PUT",
            &format!("{recording}/hold"),
            &JSON,
            b"{\"reason\":\"case 7, of May\"}",
        );
        assert_eq!(hold.status, 200, "{}", hold.text);
        assert_eq!(administrator.send("PATCH", &format!("connections/{id}/close"), &[], b"").status, 204);
        assert_eq!(administrator.send("DELETE", &recording, &[], &[]).status, 409);
        assert_eq!(agent.patch(&id, header.len(), b"[1.0,\"o\",\"x\"]\n", true).status, 204);
        // An agent's words are its own: it takes no event of anybody else's place.
        let other = agent.connect("alice@org.com", "cast");
        let closed =
            administrator.json(&format!("events/connection?connectionIds={id}&connectionEventTypes=Closed"));
        let told = json!({ "id": closed[0]["id"], "type": "ShellConnect", "reason": "first, then second" });
        assert_eq!(agent.post(&format!("ingest/connections/{other}/events"), &told).status, 204);
        let events = administrator.json(&format!("events/connection?connectionIds={other}"));
        assert!(events.as_array().unwrap().iter().all(|event| event["id"] != closed[0]["id"]), "{events}");
    });
}

/// A server with limits.
fn limited(world: &World, limits: &str) -> AuditServer {
    world.write("limits.toml", format!("[limits]\n{limits}\n"));
    let config = world.path("limits.toml");
    AuditServer::start_with(&world.path("server"), None, &["--config", config.to_str().unwrap()])
}

/// A connection on which something was said.
fn said(server: &AuditServer, what: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(what.as_bytes()).unwrap();
    stream
}

/// All that comes until the other side closes.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn whoever_is_slow_keeps_nothing() {
    let world = World::new();
    let server = limited(&world, "head-seconds = 1\nbody-seconds = 2");
    let begin = Instant::now();
    for said in ["", "GET /api/v2/me HTTP/1.1\r\nHost: x\r\nX-Slow:", "G"].map(|what| said(&server, what)) {
        let mut said = said;
        rest(&mut said);
    }
    let head = "POST /api/v2/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
    let mut slow = said(&server, head);
    let mut typing = slow.try_clone().unwrap();
    std::thread::spawn(move || {
        // Byte by byte, and never all of it.
        while typing.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let answer = rest(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("TooSlow"), "{answer}");
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
    // Who asks and asks, and reads no answer, is left.
    let mut deaf = said(&server, "");
    let calls = "GET /api/v2/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let asked = Instant::now();
    while deaf.write_all(calls.as_bytes()).is_ok() {
        assert!(asked.elapsed() < LONG, "it is kept");
    }
    // What comes in time is taken.
    assert_eq!(server.administrator().json("me")["role"], "Administrator");
}

#[test]
fn nobody_takes_all_connections() {
    let world = World::new();
    let server = limited(&world, "connections-per-address = 6");
    let administrator = server.administrator();
    let mut taken = Vec::new();
    wait_until("a connection that is refused", LONG, || {
        let mut one = said(&server, "");
        one.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let is_refused = matches!(one.read(&mut [0]), Ok(0));
        taken.push(one);
        is_refused.then_some(())
    });
    // Who is refused late is refused.
    taken.retain_mut(|one| !matches!(one.read(&mut [0]), Ok(0)));
    assert!(taken.len() <= 6, "{} connections", taken.len());
    drop(taken);
    wait_until("one that is not", LONG, || {
        server.nobody().try_send("GET", "me", &[], &[]).is_ok_and(|answer| answer.status == 401).then_some(())
    });
    assert_eq!(administrator.json("me")["role"], "Administrator");
}

#[test]
fn whom_nobody_knows_is_not_written_down_for_ever() {
    let world = World::new();
    let server = limited(&world, "unknown-calls = 20");
    let administrator = server.administrator();
    let nobody = server.nobody();
    let statuses: Vec<u16> = (0..60).map(|_| nobody.get("me").status).collect();
    let known = statuses.iter().filter(|status| **status == 401).count();
    assert!((1..=20).contains(&known), "{statuses:?}");
    assert!(statuses[known..].iter().all(|status| *status == 429), "{statuses:?}");
    let refused = nobody.get("me");
    assert!(refused.header("retry-after").is_some() && refused.json()["errorType"] == "TooManyRequests");
    // Whoever is known goes on calling from there, and whoever signs in is let in.
    let wrong = json!({ "email": "nobody@org.com", "password": "a wrong password" });
    let signs_in = nobody.post("sign-in", &wrong);
    assert_eq!(signs_in.status, 401, "{}", signs_in.text);
    let calls = administrator.json("events/subject?evaluation=false");
    assert_eq!(calls.as_array().unwrap().len(), known + 1);
    // Nor are those for ever who try to sign in with what is no sign-in.
    let statuses: Vec<u16> = (0..60).map(|_| nobody.post("sign-in", &json!([])).status).collect();
    assert!(statuses.starts_with(&[400]) && statuses.ends_with(&[429]), "{statuses:?}");
}

#[test]
fn who_asks_for_proof_again_makes_nothing_new() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let checkpoints = || {
            let proof = administrator.get("events/proof").text;
            proof.lines().filter(|line| line.contains("\"checkpoint\"")).count()
        };
        let first = checkpoints();
        assert!(first > 0);
        assert_eq!([checkpoints(), checkpoints()], [first, first]);
        assert_eq!(administrator.post("environments", &json!({ "name": "prod" })).status, 201);
        assert_eq!([checkpoints(), checkpoints()], [first + 1, first + 1]);
    });
}

#[test]
fn who_looked_at_it_is_not_forged() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let id = server.with_key(&administrator.agent("web-1")).connect("alice@org.com", "cast");
    let path = format!("session-recordings/{id}");
    let looks = |how: &str| administrator.get(&format!("/admin/sessions/{id}")).text.matches(how).count();
    // Who is refused has not looked at it, however often and however fast he asks.
    let user = server.with_key(&administrator.key("User"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| assert_eq!(user.get(&path).status, 404)));
        }
    });
    assert_eq!(looks("downloaded it"), 0);
    // He does not learn whether there is such a thing: neither by the answer nor by what is written down.
    let unknown = Uuid::now_v7().to_string();
    let answers = [&id, &unknown].map(|id| user.get(&format!("session-recordings/{id}")).text);
    assert_eq!(answers[0], answers[1]);
    let events = user.json("events/subject?serviceActions=sessionrecordings:get");
    let said = |of: &str| {
        let mut of: Vec<_> =
            events.as_array().unwrap().iter().filter(|event| event["resource"] == of).collect();
        let last = of.pop().unwrap();
        (of.len(), last["evaluation"].clone(), last["context"].clone())
    };
    let (existing, none) = (said(&id), said(&unknown));
    assert_eq!((existing.0, none.0), (80, 0), "each call is one event");
    assert_eq!((&existing.1, &existing.1, &existing.2), (&json!(false), &none.1, &none.2));
    // What was asked for is what is said of it.
    let auditor = server.with_key(&administrator.key("Auditor"));
    assert_eq!(auditor.get(&format!("{path}?format=player&format=file")).status, 400);
    assert_eq!(looks("played it"), 0);
    assert_eq!(looks("There may be more"), 0);
    (0..101).for_each(|_| drop(auditor.get(&path)));
    assert_eq!((looks("downloaded it"), looks("There may be more")), (100, 1));
}
