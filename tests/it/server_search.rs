//! Search in what was to be seen in sessions that an audit server has.

use casemate_tests::{Asker, LONG, World, need, wait_until};
use serde_json::{Value, json};

use crate::server::{in_both, pages, recording};

/// The lines that are found, when there are as many as that.
fn lines(asker: &Asker, query: &str, number: usize) -> Vec<Value> {
    wait_until(&format!("{number} lines for {query}"), LONG, || {
        let found = asker.json(&format!("session-recordings/search?{query}"));
        let found = found.as_array().unwrap().clone();
        (found.len() == number).then_some(found)
    })
}

fn of(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_was_to_be_seen_is_found_with_its_command() {
    need!("bash");
    in_both(|server, world| {
        let administrator = server.administrator();
        let invited = administrator.post("users", &json!({ "email": "alice@org.com" })).json();
        let alice = server.set_up(invited["link"].as_str().unwrap(), None);
        let agent = server.with_key(&administrator.agent("web-1"));
        let bytes = recording(world, "cast.zst", &["echo Needle-$((40 + 2))", "false", "echo other"]);
        let mut ids = Vec::new();
        for user in ["alice@org.com", "bob@org.com"] {
            let id = agent.connect(user, "cast.zst");
            assert_eq!(agent.patch(&id, 0, &bytes, true).status, 204);
            ids.push(id);
        }
        let found = lines(&administrator, "text=needle-42", 2);
        for (id, user) in ids.iter().zip(["alice@org.com", "bob@org.com"]) {
            let line = found.iter().find(|line| of(line, "connectionId") == *id).unwrap();
            assert_eq!(
                (of(line, "line"), of(line, "command")),
                ("Needle-42".into(), "echo Needle-$((40 + 2))".into())
            );
            assert_eq!(of(line, "subjectName"), user);
            assert_eq!((of(line, "targetName"), of(line, "targetUser")), ("web-1".into(), "deploy".into()));
            // The command is the one that the log has, and it began before its line was seen.
            let command = administrator.json(&format!("events/command?connectionIds={id}&search=needle"));
            assert_eq!(of(line, "commandId"), of(&command[0], "id"));
            let seconds = |event: &Value| event["offset"].as_f64().unwrap();
            let late = seconds(line) - seconds(&command[0]);
            assert!((0.0..5.0).contains(&late), "{late}");
        }
        // The line in which a command was typed is the command's.
        let typed = lines(&administrator, "text=echo%20needle&userNames=bob@org.com", 1);
        assert_eq!(of(&typed[0], "command"), "echo Needle-$((40 + 2))");

        // Page by page it is the same.
        let paged = pages(&administrator, "session-recordings/search?text=needle-4&count=1");
        assert_eq!(paged, found);
        let (first, last) = (of(&found[0], "timestamp"), "2030-01-01T00:00:00Z");
        lines(&administrator, &format!("text=needle-42&startTimestamp={first}&endTimestamp={last}"), 2);
        lines(&administrator, &format!("text=needle-42&startTimestamp={last}"), 0);
        lines(&administrator, "text=needle-42&targetNames=web-2", 0);
        lines(&administrator, "text=needle-43", 0);

        // Whose role reaches no further finds what was seen in his own sessions.
        assert_eq!(of(&lines(&alice, "text=needle-42", 1)[0], "connectionId"), ids[0]);
        lines(&alice, "text=needle-42&userNames=bob@org.com", 0);
        assert_eq!(agent.get("session-recordings/search?text=needle").status, 403);
        let bob = administrator.json("subjects");
        let bob = bob.as_array().unwrap().iter().find(|subject| of(subject, "email") == "bob@org.com");
        let bob = bob.map(|bob| of(bob, "id")).unwrap_or_default();
        lines(&alice, &format!("text=needle-42&subjectIds={bob}"), 0);
        let asked = administrator.json("events/subject?serviceActions=sessionrecordings:search");
        let asked = asked.as_array().unwrap();
        assert!(asked.iter().any(|call| call["evaluation"] == false), "{asked:?}");
        assert!(asked.iter().any(|call| of(call, "context").contains("needle-42")), "{asked:?}");

        on_the_command_line(world, &server.address, &administrator.key("Auditor"));

        // With the recording it is gone.
        let recording = format!("session-recordings/{}", ids[0]);
        assert_eq!(administrator.send("DELETE", &recording, &[], &[]).status, 204);
        let left = administrator.json("session-recordings/search?text=needle-42");
        assert_eq!(left.as_array().unwrap().len(), 1);
        assert_eq!(of(&left[0], "connectionId"), ids[1]);
    });
}

fn on_the_command_line(world: &World, server: &str, key: &str) {
    world.write("key", format!("{key}\n"));
    let log = |args: &[&str]| {
        let server = ["log", "--server", server, "--key-file", "key"];
        world.casemate(&[&server, args].concat()).run()
    };
    let table = log(&["output", "NEEDLE-42", "--user", "bob@org.com"]).success().text();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[1].contains("bob@org.com on web-1 as deploy") && rows[1].ends_with("Needle-42"), "{table}");
    let json = log(&["output", "needle-42", "--json", "-n", "0"]).success().text();
    let sessions: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sessions.len(), 2);
    for (args, said) in [
        (&["output"][..], "it is not said what to look for"),
        (&["commands", "needle"], "`needle` means nothing here"),
        (&["output", "x", "--follow"], "is searched, and no log"),
        (&["output", "x", "--search", "y"], "`--search` means nothing here"),
    ] {
        log(args).fails(said);
    }
}

#[test]
fn a_session_that_goes_on_for_long_is_found_before_it_ends() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        // It began long ago, by what its agent says.
        let id = agent.connect("alice@org.com", "cast");
        let begin = "{\"version\":2,\"width\":80,\"height\":24}\n";
        let events: String =
            (0..300).map(|at| format!("[{}.5,\"o\",\"line {at} of a long job\\r\\n\"]\n", at)).collect();
        let bytes = format!("{begin}{events}");
        let (first, rest) = bytes.as_bytes().split_at(bytes.len() / 2);
        assert_eq!(agent.patch(&id, 0, first, false).status, 204);
        let found = lines(&administrator, "text=line%2050%20of%20a%20long", 1);
        assert_eq!(
            (of(&found[0], "line"), found[0]["offset"].as_f64()),
            ("line 50 of a long job".into(), Some(50.5))
        );
        assert_eq!(of(&found[0], "timestamp"), "2026-11-26T09:30:50.500000Z");
        assert_eq!(agent.patch(&id, first.len(), rest, true).status, 204);
        lines(&administrator, "text=line%20299%20of", 1);
        assert_eq!(lines(&administrator, "text=line%2050%20of%20a%20long", 1), found);
        lines(&administrator, "text=of%20a%20long%20job&count=1000", 300);
    });
}

#[test]
fn names_are_offered_to_whoever_begins_to_type_one() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let invited = administrator.post("users", &json!({ "email": "alice@org.com" })).json();
        let alice = server.set_up(invited["link"].as_str().unwrap(), None);
        for (target, user) in [("web-1", "alice@org.com"), ("db-1", "bob@org.com")] {
            server.with_key(&administrator.agent(target)).connect(user, "cast");
        }
        let offered = |asker: &Asker, query: &str| asker.json(&format!("events/{query}"));
        for (query, expected) in [
            ("connection/values?field=subjectName&prefix=AL", json!(["alice@org.com"])),
            ("connection/values?field=subjectName", json!(["alice@org.com", "bob@org.com"])),
            ("connection/values?field=subjectName&prefix=b&count=1", json!(["bob@org.com"])),
            ("connection/values?field=targetName&prefix=b", json!(["db-1", "web-1"])),
            ("connection/values?field=connectionEventType&prefix=cr", json!(["Created"])),
            ("connection/values?field=ipAddress", json!(["192.0.2.7"])),
            ("connection/values?field=spaceName", json!(["work"])),
            ("command/values?field=subjectName", json!([])),
            ("values?field=subjectName&prefix=admin", json!(["admin@org.com"])),
            ("values?field=targetUser&logs=connection,command", json!(["deploy"])),
        ] {
            assert_eq!(offered(&administrator, query), expected, "{query}");
        }
        // To her what stands in her own events is offered.
        assert_eq!(offered(&alice, "values?field=targetName"), json!(["web-1"]));
        assert_eq!(offered(&alice, "values?field=subjectName&prefix=bob"), json!([]));
        for (path, status) in [("values?field=secret", 400), ("values", 400), ("sql/values?field=kind", 404)]
        {
            assert_eq!(administrator.get(&format!("events/{path}")).status, status, "{path}");
        }
        assert_eq!(server.nobody().get("events/values?field=subjectName").status, 401);
    });
}
