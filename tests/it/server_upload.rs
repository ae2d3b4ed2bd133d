//! Uploads to an audit server: at any offset, again, broken off, damaged; and what is in the logs then.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use casemate_tests::{AuditServer, LONG, World, need, wait_until};
use serde_json::{Value, json};

use crate::server::{commands, derived, in_both, logged, recording, session};

#[test]
fn bytes_are_kept_once_wherever_they_are_gone_on_with() {
    need!("bash");
    in_both(|server, world| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let bytes = recording(world, "cast.zst", &["echo one", "false", "echo two"]);
        let id = session(world, "cast.zst");
        assert_eq!(agent.connect_as(&id, "alice@org.com", "cast.zst").status, 201);
        let (third, half) = (bytes.len() / 3, bytes.len() / 2);

        assert_eq!(
            agent.patch(&id, 0, &bytes[..half], false).header("upload-offset"),
            Some(&*half.to_string())
        );
        // What is there may come again, with more behind it.
        assert_eq!(agent.patch(&id, third, &bytes[third..half], false).status, 204);
        let more = half + 5;
        assert_eq!(
            agent.patch(&id, third, &bytes[third..more], false).header("upload-offset"),
            Some(&*more.to_string())
        );
        // A gap is none of ours, and other bytes are not what was sent before.
        let gap = agent.patch(&id, more + 1, &bytes[more + 1..], false);
        assert_eq!((gap.status, gap.json()["errorType"].as_str()), (409, Some("OffsetMismatch")));
        assert_eq!(gap.header("upload-offset"), Some(&*more.to_string()));
        let mut other = bytes.clone();
        other[third] ^= 1;
        let differs = agent.patch(&id, 0, &other, true);
        assert_eq!((differs.status, differs.json()["errorType"].as_str()), (422, Some("Differs")));
        // A seal that does not fit is refused, and nothing of it is kept.
        let mut broken = bytes[more..].to_vec();
        let last = broken.len() - 40;
        broken[last] ^= 1;
        let refused = agent.patch(&id, more, &broken, true);
        assert_eq!(refused.status, 422, "{}", refused.text);
        let head = agent.send("HEAD", &format!("ingest/recordings/{id}"), &[], &[]);
        assert_eq!(head.header("upload-offset"), Some(&*more.to_string()));
        assert_eq!(head.header("upload-complete"), Some("?0"));

        assert_eq!(agent.patch(&id, more, &bytes[more..], true).status, 204);
        // The answer was lost, and it comes again.
        assert_eq!(agent.patch(&id, more, &bytes[more..], true).status, 204);
        assert_eq!(agent.patch(&id, bytes.len(), b"more", false).status, 409);

        let events = administrator.json("events/command?eventCount=100");
        // They are those that the recording has, with the same ids, wherever they are derived.
        assert_eq!(logged(&events), derived(world, "cast.zst"));
        assert!(commands(&events).ends_with(&["echo two".into(), "exit".into()]), "{events}");
        let event = &events.as_array().unwrap()[1];
        for (field, value) in [
            ("subjectName", "alice@org.com"),
            ("targetName", "web-1"),
            ("targetUser", "deploy"),
            ("targetType", "SHELL"),
            ("connectionId", &id),
            ("recordingId", &id),
            ("spaceName", "work"),
            ("ipAddress", "192.0.2.7"),
        ] {
            assert_eq!(event[field], value, "{field} of {event}");
        }
        assert!(event["offset"].as_f64().unwrap() > 0.0);
        assert_eq!(administrator.get(&format!("session-recordings/{id}?format=file")).status, 200);
        let listed = administrator.json("session-recordings");
        assert_eq!(
            (listed[0]["size"].as_u64(), &listed[0]["complete"]),
            (Some(bytes.len() as u64), &json!(true))
        );
    });
}

#[test]
fn each_line_of_a_plain_recording_may_come_by_itself() {
    need!("bash");
    in_both(|server, world| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let bytes = recording(world, "cast", &["echo one", "echo two"]);
        let id = session(world, "cast");
        assert_eq!(agent.connect_as(&id, "alice", "cast").status, 201);
        let mut at = 0;
        for piece in bytes.chunks(97) {
            assert_eq!(agent.patch(&id, at, piece, false).status, 204);
            at += piece.len();
        }
        assert_eq!(agent.patch(&id, at, b"", true).status, 204);
        let typed = commands(&administrator.json("events/command"));
        assert!(typed.ends_with(&["echo two".into(), "exit".into()]), "{typed:?}");
        assert_eq!(logged(&administrator.json("events/command")), derived(world, "cast"));
        assert_eq!(administrator.get(&format!("session-recordings/{id}")).text.into_bytes(), bytes);
        let third = administrator.get(&format!("session-recordings/{id}?format=v3")).text;
        assert!(third.starts_with("{\"version\":3"), "{third}");
        let ends: Vec<Value> = administrator.json("events/connection").as_array().unwrap().clone();
        let what: Vec<&str> =
            ends.iter().map(|event| event["connectionEventType"].as_str().unwrap()).collect();
        assert_eq!(what, ["Closed", "ShellConnect", "Created"]);
        assert_eq!(ends[0]["reason"], "the recording ended");
    });
}

#[test]
fn what_is_told_twice_is_one_connection() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let id = agent.connect("alice@org.com", "cast");
        let again = agent.connect_as(&id, "alice@org.com", "cast");
        assert_eq!((again.status, again.json()["uploadOffset"].as_u64()), (200, Some(0)));
        assert_eq!(agent.connect_as(&id, "bob@org.com", "cast").status, 409);
        assert_eq!(agent.connect_as(&id, "alice@org.com", "cast.zst").status, 409);
        assert_eq!(agent.connect_as("7", "alice@org.com", "cast").status, 400);
        let events = administrator.json("events/connection");
        assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
        let happened = json!({ "id": "01a21b2e-9983-7000-8044-7798cc786503", "type": "ClientConnect" });
        for _ in 0..2 {
            assert_eq!(agent.post(&format!("ingest/connections/{id}/events"), &happened).status, 204);
        }
        assert_eq!(administrator.json("events/connection").as_array().unwrap().len(), 3);
        let open = administrator.json("connections?connectionState=Open");
        assert_eq!((open[0]["id"].as_str(), &open[0]["inactive"]), (Some(&*id), &json!(false)));
        let gone = json!({ "id": "01a21b2e-9983-7000-8044-7798cc786504", "type": "ClientDisconnect" });
        assert_eq!(agent.post(&format!("ingest/connections/{id}/events"), &gone).status, 204);
        assert_eq!(administrator.json("connections?connectionState=Inactive")[0]["inactive"], json!(true));
    });
}

#[test]
fn whoever_closes_is_named_and_the_recorder_hears_it() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let [first, second, third] = [(); 3].map(|()| agent.connect("alice@org.com", "cast"));
        let csrf = [("content-type", "application/json")];
        let close = |path: &str, body: &[u8]| administrator.send("PATCH", path, &csrf, body).status;
        assert_eq!(close(&format!("connections/{first}/close"), b"{\"reason\":\"lunch\"}"), 204);
        let user = administrator.json("users/alice@org.com")["id"].as_str().unwrap().to_owned();
        assert_eq!(close(&format!("users/{user}/close-connections"), b""), 204);
        let heard = agent.patch(&first, 0, b"", false);
        assert_eq!(
            heard.header("casemate-close"),
            Some("admin@org.com%20closed%20the%20connection%3A%20lunch")
        );
        assert!(agent.patch(&third, 0, b"", false).header("casemate-close").is_some());
        // What was on its way is kept all the same.
        let header = b"{\"version\":2,\"width\":80,\"height\":24}\n";
        assert_eq!(agent.patch(&first, 0, header, false).status, 204);

        let fourth = agent.connect("alice@org.com", "cast");
        let target = administrator.json("targets/bzero")[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(administrator.send("DELETE", &format!("targets/bzero/{target}"), &[], &[]).status, 204);
        let reasons = |id: &str| {
            let events = administrator
                .json(&format!("events/connection?connectionIds={id}&connectionEventTypes=Closed"));
            assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
            events[0]["reason"].as_str().unwrap().to_owned()
        };
        assert_eq!(reasons(&first), "admin@org.com closed the connection: lunch");
        assert_eq!(reasons(&second), "admin@org.com closed all connections");
        assert_eq!(reasons(&fourth), "admin@org.com deleted target");
        // The key of a target that is gone opens nothing.
        assert_eq!(agent.patch(&fourth, 0, b"", false).status, 401);
    });
}

#[test]
fn a_recording_is_deleted_once_it_is_over_and_nobody_holds_it() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let id = agent.connect("alice@org.com", "cast");
        let bytes = b"{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"hello\\r\\n\"]\n";
        let path = format!("session-recordings/{id}");
        assert_eq!(agent.patch(&id, 0, bytes, false).status, 204);
        // As far as it is there, while it goes on.
        assert_eq!(administrator.get(&path).text.as_bytes(), bytes);
        let file = format!("{path}?format=file");
        for (range, status, expected) in [
            ("bytes=1-9", 206, &bytes[1..10]),
            ("bytes=30-", 206, &bytes[30..]),
            ("bytes=-5", 206, &bytes[bytes.len() - 5..]),
        ] {
            let part = administrator.send("GET", &file, &[("range", range)], &[]);
            assert_eq!((part.status, part.text.as_bytes()), (status, expected), "{range}");
        }
        assert_eq!(administrator.send("GET", &file, &[("range", "bytes=900-")], &[]).status, 416);
        assert_eq!(administrator.send("DELETE", &path, &[], &[]).status, 409);
        assert_eq!(agent.patch(&id, bytes.len(), b"", true).status, 204);
        let json = [("content-type", "application/json")];
        let hold = administrator.send("PUT", &format!("{path}/hold"), &json, b"{\"reason\":\"case 7\"}");
        assert_eq!(hold.json()["hold"]["by"], "admin@org.com");
        let held = administrator.send("DELETE", &path, &[], &[]);
        assert_eq!(held.status, 409);
        assert!(held.text.contains("case 7"), "{}", held.text);
        let auditor = server.with_key(&administrator.key("Auditor"));
        assert_eq!(auditor.send("DELETE", &path, &[], &[]).status, 403);
        assert_eq!(administrator.send("DELETE", &format!("{path}/hold"), &[], &[]).status, 200);
        assert_eq!(administrator.send("DELETE", &format!("{path}?reason=its%20time"), &[], &[]).status, 204);
        let gone = administrator.get(&path);
        assert_eq!(gone.status, 410);
        assert!(gone.text.contains("admin@org.com deleted it"), "{}", gone.text);
        assert_eq!(administrator.json("session-recordings"), json!([]));
        let deleted =
            administrator.json("events/subject?serviceActions=sessionrecordings:delete&evaluation=true");
        assert_eq!(deleted.as_array().unwrap().len(), 3, "{deleted}");
    });
}

#[test]
fn of_what_is_half_sent_nothing_is_kept() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let key = administrator.agent("web-1");
        let agent = server.with_key(&key);
        let id = agent.connect("alice@org.com", "cast");
        let bytes = b"{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"hello\\r\\n\"]\n";
        let length = bytes.len();
        let head = format!(
            "PATCH /api/v2/ingest/recordings/{id} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {key}\r\nUpload-Offset: 0\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\r\n"
        );
        for half in [0, 1, length / 2, length - 1] {
            let mut line = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
            line.write_all(&[head.as_bytes(), &bytes[..half]].concat()).unwrap();
            line.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            line.read_to_string(&mut answer).ok();
            assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
            let head = agent.send("HEAD", &format!("ingest/recordings/{id}"), &[], &[]);
            assert_eq!(head.header("upload-offset"), Some("0"));
        }
        assert_eq!(agent.patch(&id, 0, bytes, true).status, 204);
        assert_eq!(administrator.get(&format!("session-recordings/{id}")).text.as_bytes(), bytes);
    });
}

#[test]
fn a_connection_that_nobody_carries_any_more_is_closed() {
    let world = World::new();
    let config = world.write("server.toml", "[connections]\nlease = 5\n").display().to_string();
    let server = AuditServer::start_with(&world.path("server"), None, &["--config", &config]);
    let administrator = server.administrator();
    let agent = server.with_key(&administrator.agent("web-1"));
    let id = agent.connect("alice@org.com", "cast");
    let header = b"{\"version\":2,\"width\":80,\"height\":24}\n";
    assert_eq!(agent.patch(&id, 0, header, false).status, 204);
    let query = format!("events/connection?connectionIds={id}&connectionEventTypes=Closed");
    let closed = wait_until("a lease that is over", 3 * LONG, || {
        let events = administrator.json(&query);
        events.as_array().unwrap().first().cloned()
    });
    assert_eq!(closed["reason"], "lease expired");
    // Whoever watches it is not left waiting.
    let watched = administrator.get(&format!("session-recordings/{id}/live"));
    assert_eq!((watched.status, watched.text.as_bytes()), (200, &header[..]));
    // Whoever comes back goes on, and can be told to end.
    let rest = b"[1.0,\"o\",\"more\"]\n";
    assert_eq!(agent.patch(&id, header.len(), rest, false).status, 204);
    assert_eq!(administrator.json(&format!("connections/{id}"))["state"], "Open");
    let closed = administrator.send("PATCH", &format!("connections/{id}/close"), &[], &[]);
    assert_eq!(closed.status, 204, "{}", closed.text);
    let told = agent.patch(&id, header.len() + rest.len(), b"", true);
    assert_eq!(told.header("casemate-close"), Some("admin@org.com%20closed%20the%20connection"));
    assert_eq!(administrator.json(&query).as_array().unwrap().len(), 2);
}

#[test]
fn what_other_systems_send_is_in_the_logs_once() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let made = administrator.post("targets/kube", &json!({ "targetName": "eks-prod" }));
        let cluster = server.with_key(made.json()["agentKey"].as_str().unwrap());
        let call = |id: &str, uri: &str, time: &str| {
            json!({
                "level": "Metadata", "auditID": id, "stage": "ResponseComplete", "requestURI": uri, "verb": "list",
                "user": { "username": "alice@org.com", "groups": ["system:masters"] }, "sourceIPs": ["192.0.2.7"],
                "userAgent": "kubectl/v1.35.0", "objectRef": { "resource": "pods", "namespace": "shop" },
                "responseStatus": { "code": 200 }, "requestReceivedTimestamp": time, "stageTimestamp": time,
            })
        };
        let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [
            call("11111111-2222-4333-8444-555555555555", "/api/v1/namespaces/shop/pods?limit=500", "2026-11-26T09:30:00.100000Z"),
            call("11111111-2222-4333-8444-555555555556", "/apis/apps/v1/namespaces/shop/deployments", "2026-11-26T09:30:00.200000Z"),
        ]});
        for came in [1, 0] {
            assert_eq!(cluster.post("ingest/kube", &list).json()["events"], came);
        }
        let events = administrator.json("events/kube?subjectNames=alice@org.com&search=deployments");
        assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
        // Sent again with others, and while it is on its way; and somebody has chosen an audit id that was there before.
        let mut more = list;
        let others = [
            call("11111111-2222-4333-8444-555555555556", "/api/v1/secrets", "2026-11-26T09:30:00.200000Z"),
            call("11111111-2222-4333-8444-555555555557", "/version", "2026-11-26T09:30:00.300000Z"),
        ];
        more["items"].as_array_mut().unwrap().extend(others);
        std::thread::scope(|scope| {
            let sent = || assert_eq!(cluster.post("ingest/kube", &more).status, 200);
            (0..4).for_each(|_| drop(scope.spawn(sent)));
        });
        let events = administrator.json("events/kube?subjectNames=alice@org.com&sort=asc");
        let calls =
            events.as_array().unwrap().iter().flat_map(|event| event["endpoints"].as_array().unwrap());
        let calls: Vec<_> = calls.map(|call| call["event"].as_str().unwrap()).collect();
        assert_eq!(
            calls,
            [
                "/api/v1/namespaces/shop/pods?limit=500",
                "/apis/apps/v1/namespaces/shop/deployments",
                "/api/v1/secrets",
                "/version",
            ],
            "{events}"
        );
        let events = administrator.json("events/kube?subjectNames=alice@org.com&search=deployments");
        assert_eq!(
            (&events[0]["targetName"], &events[0]["groupingGuessed"]),
            (&json!("eks-prod"), &json!(true))
        );
        assert_eq!(cluster.post("ingest/kube", &json!({ "kind": "Pod" })).status, 400);

        let export = json!([{
            "id": "6c6e1f0a-0000-4000-8000-000000000001", "connectionId": "d5b264c7-534c-4184-a4e4-3703489cb917",
            "targetId": "d5b264c7-534c-4184-a4e4-3703489cb918", "targetType": "SHELL", "targetName": "old",
            "subjectId": "d5b264c7-534c-4184-a4e4-3703489cb919", "subjectType": "User", "subjectName": "bob@org.com",
            "organizationId": "d5b264c7-534c-4184-a4e4-3703489cb910", "timestamp": "2024-05-28T18:12:09Z",
            "targetUser": "admin", "environmentId": "", "environmentName": "prod", "command": "echo 'hello world'",
        }, { "colour": "red" }]);
        for _ in 0..2 {
            let taken = administrator.post("ingest/events", &export);
            assert_eq!((taken.status, &taken.json()["events"]), (200, &json!(1)), "{}", taken.text);
            assert_eq!(taken.json()["defects"].as_array().unwrap().len(), 1);
        }
        let found = administrator.json("events/command?environmentNames=prod");
        assert_eq!(commands(&found), ["echo 'hello world'"]);
        assert_eq!(cluster.post("ingest/events", &export).status, 403);
    });
}
