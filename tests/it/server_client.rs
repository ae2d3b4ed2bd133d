//! What talks to an audit server: `rec --server`, `upload`, `log`, and what `verify` says of what it gives out.

use casemate_tests::{Asker, AuditServer, LONG, Launch, World, need, wait_until};
use serde_json::{Value, json};

use crate::server::{commands, recording};

/// A server, its administrator, and a world in which a key is for the agent of `web-1` or for a role.
fn begin(role: &str) -> (AuditServer, Asker, World) {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let secret = if role == "Agent" { administrator.agent("web-1") } else { administrator.key(role) };
    world.write("key", secret + "\n");
    (server, administrator, world)
}

/// `casemate ARGS… --server … --key-file key`
fn casemate(world: &World, server: &AuditServer, args: &[&str]) -> Launch {
    let (command, rest) = args.split_first().unwrap();
    let server = ["--server", &server.address, "--key-file", "key"];
    world.casemate(&[&[*command], &server[..], rest].concat())
}

fn spool(world: &World) -> Vec<String> {
    let folders = world.names(".local/state/casemate/spool");
    folders.iter().flat_map(|folder| world.names(&format!(".local/state/casemate/spool/{folder}"))).collect()
}

fn typed(administrator: &Asker) -> Vec<String> {
    commands(&administrator.json("events/command"))
}

/// How often a command is in the log. Before the second prompt nobody knows what of the line is the first one.
fn count(administrator: &Asker, command: &str) -> usize {
    typed(administrator).iter().filter(|typed| typed.ends_with(command)).count()
}

fn wait_typed(administrator: &Asker, command: &str) {
    wait_until(&format!("`{command}` in the log"), LONG, || {
        (count(administrator, command) > 0).then_some(())
    });
}

fn connection(administrator: &Asker) -> Value {
    administrator.json("connections")[0].clone()
}

const SHELL: &str = "bash --norc --noprofile -i";

#[test]
fn a_session_is_on_the_server_while_it_goes_on() {
    need!("bash");
    let (server, administrator, world) = begin("Agent");
    let args = ["rec", "-I", "--user", "alice@org.com", "--target-user", "deploy", "s.cast.zst", "-c", SHELL];
    let mut session = casemate(&world, &server, &args).on_terminal();
    session.wait_prompt();
    session.send("echo one\r");
    wait_typed(&administrator, "echo one");
    let open = connection(&administrator);
    assert_eq!((&open["state"], &open["inactive"]), (&json!("Open"), &json!(false)), "{open}");
    for (field, value) in
        [("subjectName", "alice@org.com"), ("targetName", "web-1"), ("targetUser", "deploy")]
    {
        assert_eq!(open[field], value);
    }
    assert_eq!((&open["inputRecording"], &open["knownBy"]["user"]), (&json!(true), &json!("flag")));
    session.wait_prompt();
    session.send("exit\r");
    session.wait_success();
    assert!(session.text().contains("uploaded to"), "{}", session.text());

    let closed = connection(&administrator);
    assert_eq!(
        (&closed["state"], &closed["reason"]),
        (&json!("Closed"), &json!("the program ended with status 0"))
    );
    let id = closed["id"].as_str().unwrap();
    let kept = administrator.send("GET", &format!("session-recordings/{id}?format=file"), &[], &[]);
    assert_eq!(
        (kept.status, kept.header("content-length")),
        (200, Some(&*world.bytes("s.cast.zst").len().to_string()))
    );
    assert_eq!(spool(&world), [""; 0]);
    // A file that was given a name stays, and is known.
    let again = casemate(&world, &server, &["upload", "s.cast.zst"]).run().success();
    assert!(again.stderr.contains(&format!("is there already, as {id}")), "{}", again.stderr);
    assert_eq!(count(&administrator, "echo one"), 1);
}

#[test]
fn a_session_that_somebody_closes_ends_and_says_why() {
    need!("bash");
    let (server, administrator, world) = begin("Agent");
    let mut session =
        casemate(&world, &server, &["rec", "--user", "alice@org.com", "-c", SHELL]).on_terminal();
    session.wait_prompt();
    let id = wait_until("the connection", LONG, || {
        let list = administrator.json("connections");
        list[0]["id"].as_str().map(str::to_owned)
    });
    let headers = [("content-type", "application/json")];
    let closed = administrator.send("PATCH", &format!("connections/{id}/close"), &headers, b"{}");
    assert!(closed.status < 300, "{}", closed.text);
    assert_eq!(session.wait_exit(LONG), 128 + 15);
    let text = session.text();
    assert!(text.contains("the session was closed: ") && text.contains("admin@org.com"), "{text}");
    // All of it is there, and nothing is left here.
    assert_eq!(spool(&world), [""; 0]);
    let events = administrator.json(&format!("events/connection?connectionIds={id}&sort=asc"));
    let happened: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["connectionEventType"].as_str().unwrap())
        .collect();
    assert_eq!(happened.iter().filter(|what| **what == "Closed").count(), 1, "{happened:?}");
}

#[test]
fn what_is_recorded_without_the_server_is_uploaded_later() {
    need!("bash");
    let (mut server, administrator, world) = begin("Agent");
    let mut session =
        casemate(&world, &server, &["rec", "--user", "alice@org.com", "-c", SHELL]).on_terminal();
    session.wait_prompt();
    session.send("echo before\r");
    wait_typed(&administrator, "echo before");
    server.kill();
    session.wait_prompt();
    session.send("echo behind\r");
    session.wait_for("behind");
    session.wait_prompt();
    session.send("exit\r");
    session.wait_success();
    assert!(session.text().contains("is not on http://127.0.0.1:"), "{}", session.text());
    assert!(session.text().contains("casemate upload --server"), "{}", session.text());
    assert_eq!(spool(&world).len(), 1);

    server.kill_and_start();
    casemate(&world, &server, &["upload", "--spool"]).run().success();
    assert_eq!(spool(&world), [""; 0]);
    for command in ["echo before", "echo behind"] {
        assert_eq!(count(&administrator, command), 1, "{:?}", typed(&administrator));
    }
    assert_eq!(connection(&administrator)["state"], "Closed");

    // A server that is not there at first is no reason not to record, and the next one takes what is left.
    server.kill();
    let run = casemate(&world, &server, &["rec", "--user", "bob@org.com", "--", "true"]).run().success();
    assert!(run.stderr.contains("uploading when it can be reached"), "{}", run.stderr);
    let left = spool(&world);
    assert_eq!(left.len(), 1);
    server.kill_and_start();
    let next = ["rec", "-q", "--user", "bob@org.com", "-c", SHELL];
    let mut session = casemate(&world, &server, &next).on_terminal();
    session.wait_prompt();
    wait_until("the one that was left is taken", LONG, || (!spool(&world).contains(&left[0])).then_some(()));
    session.send("exit\r");
    session.wait_success();
    wait_until("an empty spool", LONG, || spool(&world).is_empty().then_some(()));
    assert_eq!(administrator.json("connections?userEmail=bob@org.com").as_array().unwrap().len(), 2);
}

#[test]
fn what_the_server_refuses_is_not_recorded() {
    let (server, administrator, world) = begin("Auditor");
    let args = ["rec", "--user", "alice@org.com", "s.cast.zst", "--", "touch", "ran"];
    casemate(&world, &server, &args).run().fails("nothing is recorded: http://127.0.0.1:");
    assert!(!world.path("s.cast.zst").exists() && !world.path("ran").exists());
    let best = [&args[..1], &["--best-effort"], &args[1..]].concat();
    let run = casemate(&world, &server, &best).run().success();
    assert!(run.stderr.contains("recording here only"), "{}", run.stderr);
    assert!(world.path("s.cast.zst").exists() && world.path("ran").exists());
    assert_eq!(administrator.json("connections"), json!([]));
    for (args, error, hint) in [
        (&["rec", "-a", "s.cast.zst", "--", "true"][..], "appended to", "give another FILE"),
        (&["rec", "--max-size", "1M", "x.cast", "--", "true"], "in several files", "casemate cat PARTS"),
        (&["rec", "x.raw", "--", "true"], "only asciicast", "record to NAME.cast"),
        (&["rec", "-", "--", "true"], "standard output", "give a file"),
    ] {
        let run = casemate(&world, &server, args).run().fails(error);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
    world
        .casemate(&["rec", "--server", "audit.example.com", "--", "true"])
        .run()
        .fails("no address of a server");
}

#[test]
fn files_are_uploaded_once() {
    need!("bash");
    let (server, administrator, world) = begin("Administrator");
    recording(&world, "cast.zst", &["echo one"]);
    recording(&world, "cast", &["echo two"]);
    world.write(
        "others/old.cast",
        "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n[0.5,\"o\",\"$ ls\\r\\n\"]\n",
    );
    world.write("others/notes.json", "{}");

    // A recording of others does not say whose it is.
    let run = casemate(&world, &server, &["upload", "made.cast.zst", "made.cast", "others"]).run().exits(1);
    assert!(run.stderr.contains("does not say who was recorded"), "{}", run.stderr);
    assert!(run.stderr.contains("2 on http://127.0.0.1:") && run.stderr.contains("1 left"), "{}", run.stderr);
    let named = ["upload", "--user", "carol@org.com", "--target", "db-1", "others"];
    casemate(&world, &server, &named).run().success();
    let again = casemate(&world, &server, &named).run().success();
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    let carols = administrator.json("connections?userEmail=carol@org.com");
    assert_eq!(
        (&carols[0]["targetName"], &carols[0]["targetUser"]),
        (&json!("db-1"), &json!("n/a")),
        "{carols}"
    );
    assert_eq!(carols.as_array().unwrap().len(), 1);
    let all = typed(&administrator);
    assert!(
        ["echo one", "echo two"].iter().all(|command| all.iter().any(|typed| typed == command)),
        "{all:?}"
    );

    // Another recording with the same id is not taken for the same.
    let mut changed = world.bytes("made.cast");
    let last = changed.len() - 4;
    changed[last] ^= 1;
    world.write("changed.cast", &changed);
    casemate(&world, &server, &["upload", "changed.cast"]).run().fails("has another recording");
    changed.extend_from_slice(b"\n");
    world.write("longer.cast", &changed);
    casemate(&world, &server, &["upload", "longer.cast"]).run().fails("has another recording");
    casemate(&world, &server, &["upload", "gone.cast"]).run().exits(1);
    world.write("none", "text");
    casemate(&world, &server, &["upload", "none"]).run().fails("is no recording");
}

#[test]
fn logs_are_shown_followed_and_proven() {
    need!("bash");
    let (mut server, administrator, world) = begin("Administrator");
    recording(&world, "cast.zst", &["echo one", "false"]);
    casemate(&world, &server, &["upload", "made.cast.zst"]).run().success();

    let table = casemate(&world, &server, &["log", "commands"]).run().success().text();
    let title = table.lines().next().unwrap();
    assert!(title.starts_with("TIME (") && title.ends_with("COMMAND"), "{table}");
    let at = |command: &str| {
        table.lines().position(|line| line.ends_with(command)).unwrap_or_else(|| panic!("{command}: {table}"))
    };
    assert!(at("echo one") < at("false"), "the oldest first: {table}");
    let last = casemate(&world, &server, &["log", "commands", "--json", "-n", "1"]).run().success();
    assert_eq!(last.text().lines().count(), 1);
    let found = casemate(&world, &server, &["log", "commands", "--search", "ONE", "--json", "-n", "0"])
        .run()
        .success();
    let found: Value = serde_json::from_str(&found.text()).unwrap();
    assert_eq!(found["command"], "echo one");
    for log in ["kube", "connections", "connection-events", "user-events", "agents", "all"] {
        casemate(&world, &server, &["log", log]).run().success();
    }
    let csv = casemate(&world, &server, &["log", "commands", "--export", "csv"]).run().success().text();
    assert!(csv.starts_with("timestamp,") && csv.contains("echo one"), "{csv}");
    casemate(&world, &server, &["log", "commands", "--user-type", "Robot"]).run().fails("`Robot`");
    casemate(&world, &server, &["log", "commands", "--state", "Open"]).run().fails("--state");

    // What is followed goes on behind a server that began anew.
    let mut followed =
        casemate(&world, &server, &["log", "commands", "-f", "-n", "1"]).size(160, 40).on_terminal();
    followed.wait_for("COMMAND");
    server.kill_and_start();
    recording(&world, "cast", &["echo later"]);
    casemate(&world, &server, &["upload", "made.cast"]).run().success();
    followed.wait_for("echo later");

    let key = administrator.json("organization")["publicKey"].as_str().unwrap().to_owned();
    casemate(&world, &server, &["log", "--proof", "-o", "proof.jsonl"]).run().success();
    let verified = world.casemate(&["verify", "--key", &key, "proof.jsonl"]).run().success();
    assert!(
        verified.text().contains("intact: ") && verified.text().contains("signed by the key"),
        "{}",
        verified.text()
    );
    tampered(&world, &key);
}

/// Every row that is changed, taken away or put in is named.
fn tampered(world: &World, key: &str) {
    let proof = String::from_utf8(world.bytes("proof.jsonl")).unwrap();
    let lines: Vec<&str> = proof.lines().collect();
    let row = lines.iter().position(|line| line.contains("echo one")).expect("the command is in it");
    let check = |lines: &[&str], says: &str| {
        world.write("bad.jsonl", lines.join("\n") + "\n");
        let run = world.casemate(&["verify", "-q", "--key", key, "bad.jsonl"]).run().exits(1);
        assert!(run.text().contains("NOT INTACT") && run.text().contains(says), "{says}: {}", run.text());
    };
    let changed = lines[row].replace("echo one", "echo two");
    let number = |at: usize| format!("line {}:", at + 1);
    check(&[&lines[..row], &[changed.as_str()], &lines[row + 1..]].concat(), &number(row));
    check(&[&lines[..row], &lines[row + 1..]].concat(), &number(row));
    check(&[&lines[..=row], &lines[row..]].concat(), &number(row + 1));
    check(&lines[..lines.len() - 1], "are missing");
}

#[test]
fn what_others_recorded_is_taken_in_once() {
    need!("script");
    let (server, administrator, world) = begin("Administrator");
    let script = "mkdir old && cd old && script -q -c 'printf hello' --timing=typescript.timing typescript < /dev/null";
    world.script(script).run().success();
    let tlog = r#"{"ver":"2.3","host":"web-7","rec":"r1","user":"johndoe","term":"xterm","session":324,"id":1,"pos":0,"time":1700000000.5,"timing":"=100x30>8","out_txt":"tlog's $"}"#;
    world.write("old/tlog.json", format!("{tlog}\n"));
    world.write(
        "old/first.json",
        r#"{"version":1,"width":80,"height":24,"duration":1.0,"stdout":[[0.1,"first"]]}"#,
    );
    world.write("old/notes.txt", "hello");

    // tlog says whose it is, the others do not.
    let run = casemate(&world, &server, &["import", "old"]).run().exits(1);
    assert!(run.stderr.contains("1 on http://127.0.0.1:") && run.stderr.contains("2 left"), "{}", run.stderr);
    let johns = administrator.json("connections?userEmail=johndoe");
    assert_eq!(
        (&johns[0]["targetName"], &johns[0]["timeCreated"]),
        (&json!("web-7"), &json!("2023-11-14T22:13:20.500000Z")),
        "{johns}"
    );
    for file in ["old/typescript", "old/first.json"] {
        let args = ["import", "--user", "carol@org.com", "--target", "db-1", file];
        casemate(&world, &server, &args).run().success();
        let again = casemate(&world, &server, &args).run().success();
        assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    }
    let carols = administrator.json("connections?userEmail=carol@org.com");
    let shown: Vec<String> = carols
        .as_array()
        .unwrap()
        .iter()
        .map(|connection| {
            let id = connection["id"].as_str().unwrap();
            administrator.get(&format!("session-recordings/{id}")).text
        })
        .collect();
    assert_eq!(shown.len(), 2);
    assert!(
        ["hello", "first"].iter().all(|text| shown.iter().any(|shown| shown.contains(text))),
        "{shown:?}"
    );
    casemate(&world, &server, &["import", "old/notes.txt"]).run().fails("nothing that is known");
}

#[test]
fn what_bastionzero_gave_out_is_taken_in_once() {
    let (server, administrator, world) = begin("Administrator");
    let event = |number: u32| {
        json!({
            "id": format!("5c0cf2ab-6a0c-4a9a-9fd8-00000000000{number}"), "connectionId": "5c0cf2ab-6a0c-4a9a-9fd8-1ea2f50bd1f6",
            "targetId": "9d5ec8b0-6a0c-4a9a-9fd8-1ea2f50bd1f6", "targetType": "SHELL", "targetName": "bzero-target",
            "targetUser": "ec2-user", "subjectId": "1b5ec8b0-6a0c-4a9a-9fd8-1ea2f50bd1f6", "subjectType": "User",
            "subjectName": "dave@org.com", "organizationId": "2b5ec8b0-6a0c-4a9a-9fd8-1ea2f50bd1f6",
            "timestamp": format!("2024-05-28T18:12:0{number}Z"), "environmentId": "3b5ec8b0-6a0c-4a9a-9fd8-1ea2f50bd1f6",
            "environmentName": "Default", "command": format!("uptime {number}"),
        })
    };
    world.write(
        "commands.json",
        json!([event(1), event(2), {"id": "none", "timestamp": "2024-05-28T18:12:09Z"}]).to_string(),
    );
    for _ in 0..2 {
        let run = casemate(&world, &server, &["import", "commands.json"]).run().success();
        assert!(run.stderr.contains("commands.json: 2 events"), "{}", run.stderr);
        assert!(run.stderr.contains("warning: commands.json: event"), "{}", run.stderr);
    }
    assert_eq!(typed(&administrator), ["uptime 1", "uptime 2"]);
    let shown = casemate(&world, &server, &["log", "commands", "--user", "dave@org.com"]).run().success();
    assert!(shown.text().contains("dave@org.com on bzero-target as ec2-user"), "{}", shown.text());
}

#[test]
fn what_a_kubernetes_cluster_has_logged_is_taken_in_once() {
    let (server, administrator, world) = begin("Administrator");
    assert_eq!(administrator.post("targets/kube", &json!({ "targetName": "eks-prod" })).status, 201);
    let call = |number: u32, user: &str, time: &str| {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
            "auditID": format!("11111111-2222-4333-8444-00000000000{number}"), "verb": "list",
            "requestURI": format!("/api/v1/namespaces/shop/pods?page={number}"), "user": { "username": user },
            "userAgent": "kubectl/v1.35.0", "responseStatus": { "code": 200 }, "requestReceivedTimestamp": time,
        })
    };
    let lines = [
        call(1, "alice@org.com", "2026-11-26T09:30:00.1Z").to_string(),
        call(2, "bob@org.com", "2026-11-26T09:30:00.2Z").to_string(),
        "what is none".to_owned(),
        call(3, "alice@org.com", "2026-11-26T09:30:01Z").to_string(),
        call(4, "alice@org.com", "2026-11-26T09:40:00Z").to_string(),
        // No server takes it; what is behind it comes in all the same.
        format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20)),
        call(5, "carol@org.com", "2026-11-26T09:50:00Z").to_string(),
    ];
    world.write("audit.log", lines.join("\n") + "\n");
    casemate(&world, &server, &["import", "audit.log"]).run().fails("which cluster is it?");
    for new in [4, 0] {
        let run = casemate(&world, &server, &["import", "--target", "eks-prod", "audit.log"]).run().success();
        let said = format!("audit.log: {new} new Kubernetes commands");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
        let left_out =
            "warning: audit.log:6: the line has 18 MiB, and no more than 16 are taken: it is left out";
        assert!(run.stderr.contains(left_out), "{}", run.stderr);
        assert!(run.stderr.contains("audit.log, from line 1: event 2: "), "{}", run.stderr);
    }
    // The file is cut, as a log is from time to time, and goes on: what was there stays as it is.
    let rest = [&lines[3..5], &lines[6..], &[call(6, "dora@org.com", "2026-11-26T09:55:00Z").to_string()]];
    world.write("audit.log", rest.concat().join("\n") + "\n");
    let run = casemate(&world, &server, &["import", "--target", "eks-prod", "audit.log"]).run().success();
    assert!(run.stderr.contains("audit.log: 1 new Kubernetes command"), "{}", run.stderr);
    let events = administrator.json("events/kube?subjectNames=alice@org.com&sort=asc");
    let calls: Vec<_> =
        events.as_array().unwrap().iter().map(|event| event["endpoints"].as_array().unwrap().len()).collect();
    assert_eq!(calls, [2, 1], "{events}");
    let shown = casemate(&world, &server, &["log", "kube", "--user", "bob@org.com"]).run().success().text();
    assert!(shown.contains("eks-prod") && shown.contains("pods?page=2"), "{shown}");
}
