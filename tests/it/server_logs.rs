//! The logs of an audit server: pages, filters, tails, exports, proofs.

use casemate_tests::need;
use serde_json::{Value, json};

use crate::server::{commands, in_both, pages, recording};

#[test]
fn logs_are_paged_filtered_followed_exported_and_proven() {
    need!("bash");
    in_both(|server, world| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let mut tail = administrator.tail("logs=command");
        for (user, line) in [("alice@org.com", "echo nginx"), ("bob@org.com", "echo apache")] {
            let bytes = recording(world, "cast.zst", &[line, "echo done"]);
            let id = agent.connect(user, "cast.zst");
            assert_eq!(agent.patch(&id, 0, &bytes, true).status, 204);
        }

        // Page by page it is the same as at once, either way round.
        let all = administrator.json("events/command");
        for sort in ["desc", "asc"] {
            let mut paged = pages(&administrator, &format!("events/command?eventCount=2&sort={sort}"));
            if sort == "asc" {
                paged.reverse();
            }
            assert_eq!(Value::from(paged), all, "{sort}");
        }

        let found = |query: &str| commands(&administrator.json(&format!("events/command?{query}")));
        assert_eq!(found("commandSearch=NGINX"), ["echo nginx"]);
        assert_eq!(found("userNames=bob%40org.com&search=echo"), ["echo apache", "echo done"]);
        assert_eq!(found("targetNames=web-2"), [""; 0]);
        assert_eq!(found("targetTypes=Bzero").len(), all.as_array().unwrap().len());
        let merged = administrator.json("events?logs=command,connection&userNames=alice@org.com");
        let logs: Vec<&str> =
            merged.as_array().unwrap().iter().map(|event| event["log"].as_str().unwrap()).collect();
        assert!(logs.contains(&"command") && logs.contains(&"connection"), "{logs:?}");
        let bad = administrator.get("events/command?colour=red");
        assert_eq!(
            (bad.status, &bad.json()["errors"]["colour"]),
            (400, &json!(["there is no such parameter here"]))
        );

        // All of them came by the tail, and the rest of them behind any of them.
        let total = all.as_array().unwrap().len();
        let mut ids = Vec::new();
        let mut middle = None;
        while ids.len() < total {
            let message = tail.next().expect("the tail goes on");
            if message.log == "command" {
                ids.push(message.event["id"].clone());
                if ids.len() == 2 {
                    middle = Some(message.id);
                }
            }
        }
        let resumed = administrator.tail(&format!("logs=command&cursor={}", middle.unwrap()));
        let rest: Vec<Value> = resumed
            .filter(|message| message.log == "command")
            .take(total - 2)
            .map(|message| message.event["id"].clone())
            .collect();
        assert_eq!(rest, ids[2..]);
        let hers = administrator.tail("logs=command&cursor=&userNames=alice@org.com");
        let hers: Vec<_> = hers.take(6).map(|message| message.log).collect();
        assert!(hers.contains(&"command-end".to_owned()), "{hers:?}");

        for (form, begin) in
            [("json", "["), ("ndjson", "{"), ("csv", "timestamp,"), ("ocsf", "{"), ("ecs", "{")]
        {
            let export = administrator.get(&format!("events/command/export?format={form}&search=nginx"));
            assert!(export.text.starts_with(begin), "{form}: {}", export.text);
            assert!(
                export.text.contains("echo nginx") && !export.text.contains("apache"),
                "{form}: {}",
                export.text
            );
            assert!(export.header("content-disposition").unwrap().contains("casemate-command-"), "{form}");
        }

        let key = administrator.json("organization")["publicKey"].as_str().unwrap().to_owned();
        let proof = administrator.get("events/proof").text;
        world.write("proof.ndjson", &proof);
        world.casemate(&["verify", "--key", &key, "proof.ndjson"]).run().success();
        world.write("proof.ndjson", proof.replacen("echo nginx", "echo nothing", 1));
        world.casemate(&["verify", "--key", &key, "proof.ndjson"]).run().exits(1);
    });
}
