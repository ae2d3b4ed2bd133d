//! Exports of what is filtered, in a real browser: what it downloads is what the API gives, and one that goes on can be stopped.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casemate_tests::{LONG, slow_wire, wait_until};
use serde_json::{Value, json};

use crate::web::Web;

/// So many calls, each with a text that nothing makes smaller, are more than a wire that is [`SLOW`] takes at once.
const CALLS: usize = 20_000;

/// So many bytes a second.
const SLOW: u32 = 200_000;

/// The names of files in a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Downloads the form of that name, and gives what came and under which name.
fn download(web: &mut Web, form: &str, folder: &Path) -> (String, String) {
    let before = files(folder);
    click(web, form);
    web.browser.wait_for("document.querySelector('#exports li[data-state=complete]')");
    let name = wait_until("a file", LONG, || {
        files(folder).into_iter().find(|name| {
            let is_one = name.starts_with("casemate-") && !name.ends_with(".crdownload");
            // A file of its name is there before all of it is.
            let has_come = || std::fs::metadata(folder.join(name)).is_ok_and(|about| about.len() > 0);
            is_one && !before.contains(name) && has_come()
        })
    });
    let said = web.texts("#exports li").concat();
    assert!(said.contains(&format!("as {form}")) && said.contains("done: "), "{said}");
    web.browser.click("#exports li button");
    assert!(web.texts("#exports li").is_empty());
    (std::fs::read_to_string(folder.join(&name)).unwrap(), name)
}

fn click(web: &mut Web, form: &str) {
    web.browser.evaluate("document.querySelectorAll('details.menu')[1].open = true");
    web.browser.click(&format!("details.menu a[data-export$=' {form}']"));
}

#[test]
fn what_is_downloaded_is_what_the_filter_finds_in_each_form() {
    Web::in_both(|mut web| {
        web.session("web-1", "alice@org.com", &["echo one", "false", "echo '=1+1, \"quoted\"'"]);
        web.session("web-2", "bob@org.com", &["echo two"]);
        let folder = web.world.path("downloads");
        std::fs::create_dir(&folder).unwrap();
        web.browser.download_to(&folder);
        for (page, path, filter) in [
            ("commands", "events/command/export", "subjectNames=alice@org.com&search=echo&sort=asc"),
            ("connections", "connections/export", "targetNames=web-2"),
        ] {
            web.go(&format!("/admin/events/{page}?{filter}"));
            for (form, title) in
                [("json", "JSON"), ("ndjson", "NDJSON"), ("csv", "CSV"), ("ocsf", "OCSF"), ("ecs", "ECS")]
            {
                let (downloaded, name) = download(&mut web, title, &folder);
                let given = web.administrator.get(&format!("{path}?{filter}&format={form}"));
                assert_eq!(given.status, 200, "{}", given.text);
                assert_eq!(downloaded, given.text, "{page} as {form}");
                assert!(!downloaded.contains("bob@org.com") || page == "connections", "{downloaded}");
                assert!(!downloaded.contains("alice@org.com") || page == "commands", "{downloaded}");
                let begin = if page == "commands" {
                    "casemate-command-filtered-20"
                } else {
                    "casemate-connections-filtered-20"
                };
                let ending = if matches!(form, "ocsf" | "ecs") {
                    format!("Z.{form}.ndjson")
                } else {
                    format!("Z.{form}")
                };
                assert!(name.starts_with(begin) && name.ends_with(&ending), "{name}");
                let lines = downloaded.lines().count();
                let rows = if page == "commands" { 2 } else { 1 };
                assert_eq!(
                    lines,
                    rows + match form {
                        "json" => 2,
                        "csv" => 1,
                        _ => 0,
                    },
                    "{downloaded}"
                );
            }
        }
        let connection: Value = serde_json::from_str(
            &web.administrator.get("connections/export?targetNames=web-1&format=ecs").text,
        )
        .unwrap();
        assert!(
            connection["event"]["end"].is_string() && connection["labels"]["state"] == "Closed",
            "{connection}"
        );
        let table = web.administrator.get("connections/export?format=csv").text;
        assert!(table.starts_with("timeCreated,timeEnded,state,") && table.lines().count() == 3, "{table}");
        let refused = web.administrator.get("connections/export?count=3");
        assert!(refused.status == 400 && refused.text.contains("`count`"), "{}", refused.text);
        web.assert_no_complaints();
    });
}

/// Calls of as many people to a cluster.
fn fill(web: &Web) {
    let cluster = web.administrator.post("targets/kube", &json!({ "targetName": "shop-cluster" })).json();
    let agent = web.server.with_key(cluster["agentKey"].as_str().unwrap());
    let mut noise = File::open("/dev/urandom").unwrap();
    let mut program = || {
        let mut bytes = [0; 700];
        noise.read_exact(&mut bytes).unwrap();
        STANDARD.encode(bytes)
    };
    let numbers: Vec<usize> = (0..CALLS).collect();
    for some in numbers.chunks(2000) {
        let mut call = |number: &usize| {
            json!({
                "level": "Metadata", "auditID": format!("7b6f1c1e-0000-4000-8000-{number:012}"), "stage": "ResponseComplete",
                "requestURI": "/api/v1/namespaces/shop/pods?limit=500", "verb": "list",
                "user": { "username": format!("u{number}@example.com") }, "sourceIPs": ["192.0.2.7"], "userAgent": program(),
                "objectRef": { "resource": "pods", "namespace": "shop", "apiVersion": "v1" }, "responseStatus": { "code": 200 },
                "requestReceivedTimestamp": "2026-11-27T09:30:00.000000Z", "stageTimestamp": "2026-11-27T09:30:00.010000Z",
            })
        };
        let items: Vec<_> = some.iter().map(&mut call).collect();
        let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items });
        let sent = agent.post("ingest/kube", &list);
        assert!(sent.status < 300, "{}", sent.text);
    }
}

#[test]
fn an_export_says_how_far_it_is_and_is_stopped() {
    let Some(mut web) = Web::begin() else { return };
    fill(&web);
    let folder = web.world.path("downloads");
    std::fs::create_dir(&folder).unwrap();
    web.browser.download_to(&folder);
    let straight = web.server.address.clone();
    web.server.address = slow_wire(&straight, SLOW);
    web.go("/admin/events/kubernetes-commands");
    web.server.address = straight;
    wait_until("all calls are in the log", 2 * LONG, || {
        let last = web.administrator.json("events/kube?eventCount=1&sort=asc&userNames=u19999@example.com");
        (!last.as_array().unwrap().is_empty()).then_some(())
    });
    click(&mut web, "OCSF");
    web.browser.wait_for("document.querySelector('#exports li[data-state=running] time')");
    web.pictures("export");
    web.browser.click("#exports li button");
    web.browser.wait_for("document.querySelector('#exports li[data-state=stopped]')");
    let said = web.texts("#exports li span").concat();
    assert!(said.starts_with("stopped after ") && said.contains("MB"), "{said}");
    assert!(!files(&folder).iter().any(|name| name.ends_with(".ndjson")), "{:?}", files(&folder));
    // Of many of one moment each has its page.
    let first = web.administrator.json("events/kube?eventCount=1&userNames=u0@example.com")[0].clone();
    let of = first["connectionId"].as_str().map(|of| format!("?of={of}")).unwrap_or_default();
    let address = format!("/admin/events/kubernetes-commands/{}{of}", first["id"].as_str().unwrap());
    assert!(web.administrator.get(&address).text.contains("u0@example.com"));
    // Whoever else asks is told of none.
    let auditor = web.server.with_key(&web.administrator.key("Auditor"));
    let id = uuid::Uuid::now_v7();
    let whole = web.administrator.get(&format!("events/kube/export?format=ndjson&exportId={id}"));
    assert_eq!(whole.text.lines().count(), CALLS);
    let progress = web.administrator.json(&format!("exports/{id}"));
    assert_eq!((&progress["state"], progress["events"].as_u64()), (&json!("complete"), Some(CALLS as u64)));
    assert_eq!(progress["bytes"].as_u64(), Some(whole.text.len() as u64));
    assert_eq!(auditor.get(&format!("exports/{id}")).status, 404);
    assert_eq!(auditor.send("DELETE", &format!("exports/{id}"), &[], &[]).status, 404);
    let again = web.administrator.get(&format!("events/kube/export?exportId={id}"));
    assert_eq!(again.status, 409, "{}", again.text);
    // To ask how far it is is a part of it.
    let asked = web.administrator.json(&format!("events/subject?serviceActions=events:export&search={id}"));
    let asked: Vec<_> = asked.as_array().unwrap().iter().map(|event| &event["resource"]).collect();
    assert_eq!(asked.len(), 4, "two exports, two of somebody else: {asked:?}");
}
