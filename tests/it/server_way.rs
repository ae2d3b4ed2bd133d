//! The whole way, as somebody goes it who sets up an audit server: a target, a real session that is uploaded live, watched,
//! closed from elsewhere, found in all logs, exported and proven.

use casemate_tests::{AuditServer, LONG, World, need, wait_until};
use serde_json::{Value, json};

use crate::server::{commands, in_both};

/// What is typed. Before the second prompt nobody knows what of the line is the first one.
const TYPED: &str = "echo from afar";

#[test]
fn from_an_empty_folder_to_a_proof() {
    need!("bash");
    in_both(|server, world| {
        let administrator = server.administrator();
        world.write("agent.key", administrator.agent("web-1"));
        let auditor = server.with_key(&administrator.key("Auditor"));
        let mut tail = auditor.tail("logs=command,connection");

        let arguments = [
            "rec",
            "-q",
            "--server",
            &server.address,
            "--key-file",
            "agent.key",
            "--user",
            "alice@org.com",
            "-c",
            "bash --norc --noprofile -i",
        ];
        let mut session = world.casemate(&arguments).on_terminal();
        session.wait_prompt();
        session.send(TYPED);
        session.enter();
        let is_ours = |event: &Value| event["command"].as_str().is_some_and(|text| text.ends_with(TYPED));
        let typed = tail.by_ref().find(|message| is_ours(&message.event)).unwrap();
        let id = typed.event["connectionId"].as_str().unwrap().to_owned();
        assert_eq!(typed.event["subjectName"], "alice@org.com");

        // It is open, and can be watched.
        let open = auditor.json("connections?connectionState=Open");
        assert_eq!((open[0]["id"].as_str(), &open[0]["inactive"]), (Some(&*id), &json!(false)));
        wait_until("what was put out", LONG, || {
            let text = auditor.get(&format!("session-recordings/{id}")).text;
            text.contains("from afar\\r\\n").then_some(())
        });
        assert_eq!(administrator.send("DELETE", &format!("session-recordings/{id}"), &[], &[]).status, 409);

        let close = administrator.send("PATCH", &format!("connections/{id}/close"), &[], b"");
        assert_eq!(close.status, 204, "{}", close.text);
        assert_eq!(session.wait_exit(LONG), 128 + 15);
        let complete = wait_until("the rest of it", LONG, || {
            let recording = auditor.json(&format!("session-recordings/{id}/details"));
            (recording["complete"] == true).then_some(recording)
        });
        assert_eq!(complete["connectionState"], "Closed");

        assert!(auditor.json("events/command").as_array().unwrap().iter().any(is_ours));
        let events: Vec<Value> = auditor.json("events/connection").as_array().unwrap().clone();
        let closed: Vec<_> = events.iter().filter(|event| event["connectionEventType"] == "Closed").collect();
        assert_eq!(closed.len(), 1, "{events:?}");
        assert_eq!(closed[0]["reason"], "admin@org.com closed the connection");
        for action in
            ["connections:close", "sessionrecordings:get", "connectionservice:connect", "events:tail"]
        {
            let found = auditor.json(&format!("events/subject?serviceActions={action}"));
            assert!(!found.as_array().unwrap().is_empty(), "{action}");
        }

        // What was sent is a recording as any other, and what is in the logs can be proven.
        world.write("sent.cast", auditor.get(&format!("session-recordings/{id}")).text);
        let listed = world.casemate(&["commands", "-f", "jsonl", "sent.cast"]).run().success().text();
        assert!(listed.contains(TYPED), "{listed}");
        let public = auditor.json("organization")["publicKey"].as_str().unwrap().to_owned();
        world.write("proof.ndjson", auditor.get("events/proof").text);
        world.casemate(&["verify", "--key", &public, "proof.ndjson"]).run().success();
    });
}

#[test]
fn a_demonstration_is_made_of_real_sessions() {
    need!("bash");
    let world = World::new();
    let mut server = AuditServer::start_with(&world.path("server"), None, &["--demo"]);
    let administrator = server.administrator();
    wait_until("four sessions that are over", 2 * LONG, || {
        let closed = administrator.json("connections?connectionState=Closed");
        (closed.as_array().unwrap().len() == 4).then_some(())
    });
    let bob = commands(&administrator.json("events/command?userNames=bob@example.com"));
    assert!(bob.contains(&"sort -t, -k2 -n orders.csv".to_owned()), "{bob:?}");
    let failed =
        administrator.json("events/connection?userNames=carol@example.com&connectionEventTypes=Closed");
    assert_eq!(failed[0]["reason"], "the program ended with status 3");
    let dave =
        administrator.json("connections?userEmail=dave@example.com")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(administrator.send("PATCH", &format!("connections/{dave}/close"), &[], b"").status, 204);
    // What is there stays, and nothing comes to it.
    server.kill_and_start();
    assert_eq!(administrator.json("connections").as_array().unwrap().len(), 5);
}
