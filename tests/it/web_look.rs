//! Each page as people see it: at several widths, light and dark, and by the rules of axe.
//!
//! Pictures of all of them are in `target/web`, for whoever looks.

use std::collections::HashMap;

use casemate_tests::{LONG, skip, tools, wait_until};
use serde_json::json;

use crate::server::recording;
use crate::web::Web;

/// A page: what its pictures are called, and where it is.
type Place = (&'static str, String);

/// Whether the stills that are to be seen have come.
const STILLS: &str = "[...document.querySelectorAll('.still img')].every(one => \
    one.naturalWidth > 0 || one.getBoundingClientRect().top > innerHeight)";

/// A server on which something has happened, and its pages.
fn busy() -> Option<(Web, Vec<Place>)> {
    let web = Web::begin()?;
    let invited =
        web.administrator.post("users", &json!({ "email": "alice@example.com", "fullName": "Alice A." }));
    drop(web.server.set_up(invited.json()["link"].as_str().unwrap(), None));
    let more = [
        ("users", json!({ "email": "bob@example.com" })),
        ("environments", json!({ "name": "production" })),
        ("environments", json!({ "name": "staging" })),
        ("spaces", json!({ "name": "migration of the shop" })),
        ("api-keys", json!({ "name": "siem", "role": "Auditor" })),
    ];
    for (what, said) in more {
        assert_eq!(web.administrator.post(what, &said).status, 201, "{said}");
    }
    let agents: HashMap<_, _> = ["web-1", "web-2", "db-1"]
        .map(|target| (target, web.server.with_key(&web.administrator.agent(target))))
        .into();
    let sessions: [(&str, &str, &str, &[&str]); 4] = [
        (
            "web-1",
            "alice@example.com",
            "deploy",
            &["ls -l --color /etc | head -12", "systemctl status nginx", "df -h /", "false"],
        ),
        (
            "db-1",
            "bob@example.com",
            "postgres",
            &[
                "printf 'id,total\\n1,9.50\\n' | tee orders.csv",
                "sort orders.csv",
                "\
            find / -xdev -type f -name '*.conf' -newermt '2026-11-01' -not -path '/proc/*' -printf '%T+ %p\\n' 2>/dev/null | sort | tail -3",
            ],
        ),
        (
            "web-2",
            "carol@example.com",
            "root",
            &["echo $'\\e]0;<b>title</b>\\a\\e[1;31mred\\e[m'", "echo '<script>alert(1)</script>'"],
        ),
        ("web-1", "alice@example.com", "deploy", &["for i in 1 2 3; do echo release $i; done"]),
    ];
    let mut played = String::new();
    for (target, user, account, commands) in sessions {
        let bytes = recording(&web.world, "cast", commands);
        let id = uuid::Uuid::now_v7().to_string();
        let began = json!({ "user": user, "targetUser": account, "type": "SHELL", "recording": "cast", "startedAt": web.now(), "ipAddress": "192.0.2.7", "space": "work" });
        assert_eq!(agents[target].begin(&id, &began).status, 201);
        assert_eq!(agents[target].patch(&id, 0, &bytes, true).status, 204);
        let still = format!("/admin/session-recordings/{id}/still.svg");
        wait_until("its film is made", LONG, || web.administrator.get(&still).header("etag").map(drop));
        if played.is_empty() {
            played = id;
        }
    }
    let open = uuid::Uuid::now_v7().to_string();
    let began = json!({ "user": "dave@example.com", "targetUser": "root", "type": "SHELL", "recording": "cast", "startedAt": web.now(), "ipAddress": "2001:db8::7" });
    assert_eq!(agents["db-1"].begin(&open, &began).status, 201);
    let part = b"{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"root@db-1:~# \"]\n";
    assert_eq!(agents["db-1"].patch(&open, 0, part, false).status, 204);
    web.kubernetes();
    let found = || web.administrator.json("session-recordings/search?text=release&count=1");
    wait_until("output is found", LONG, || (!found().as_array().unwrap().is_empty()).then_some(()));
    let event = web.administrator.json("events/command?search=for+i");
    let event = &event[0];
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    let mut places: Vec<Place> =
        ["commands", "kubernetes-commands", "connections", "connection-events", "user-events"]
            .map(|log| (log, format!("/admin/events/{log}")))
            .into();
    places.extend([
        (
            "nothing-found",
            "/admin/events/commands?search=nothing-like-it&subjectNames=eve@example.com".to_owned(),
        ),
        ("event", format!("/admin/events/commands/{}?at={}", text("id"), text("timestamp"))),
        ("session", format!("/admin/sessions/{played}?t=99999")),
        ("session-open", format!("/admin/sessions/{open}")),
        ("recordings-by-person", "/admin/session-recordings".to_owned()),
        ("recordings-by-target", "/admin/session-recordings?by=target".to_owned()),
        ("recordings-of-person", "/admin/session-recordings?of=alice@example.com".to_owned()),
        ("recordings-by-time", "/admin/session-recordings?by=time".to_owned()),
        ("search", "/admin/search".to_owned()),
        ("search-hits", "/admin/search?text=release".to_owned()),
        ("wrong", "/admin/events/commands?colour=red".to_owned()),
        ("missing", "/admin/nothing".to_owned()),
    ]);
    for (name, section) in [
        ("settings-people", "people"),
        ("settings-keys", "keys"),
        ("settings-service-accounts", "service-accounts"),
        ("settings-targets", "targets"),
        ("settings-environments", "environments"),
        ("settings-spaces", "spaces"),
    ] {
        places.push((name, format!("/admin/settings/{section}")));
    }
    Some((web, places))
}

impl Web {
    /// A moment ago, by the server's clock.
    fn now(&self) -> String {
        let latest = self.administrator.json("events/subject");
        latest[0]["timestamp"].as_str().unwrap().to_owned()
    }

    /// A call of a cluster's API, in its log.
    fn kubernetes(&self) {
        let item = |number: u32, verb: &str, path: &str, code: u32| {
            json!({
                "level": "Metadata", "auditID": format!("7b6f1c1e-0000-4000-8000-{number:012}"), "stage": "ResponseComplete",
                "requestURI": path, "verb": verb, "user": { "username": "alice@example.com", "groups": ["system:masters"] },
                "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.35.0", "responseStatus": { "code": code },
                "objectRef": { "resource": "pods", "namespace": "shop", "apiVersion": "v1" },
                "requestReceivedTimestamp": self.now(), "stageTimestamp": self.now(),
            })
        };
        let items = [
            item(1, "list", "/api/v1/namespaces/shop/pods?limit=500", 200),
            item(2, "get", "/api/v1/namespaces/shop/pods/cart-7d9f", 404),
        ];
        let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items });
        let cluster =
            self.administrator.post("targets/kube", &json!({ "targetName": "shop-cluster" })).json();
        let agent = self.server.with_key(cluster["agentKey"].as_str().unwrap());
        assert_eq!(agent.post("ingest/kube", &list).status, 200);
        let logged = || self.administrator.json("events/kube");
        wait_until("calls are in the log", LONG, || (!logged().as_array().unwrap().is_empty()).then_some(()));
    }

    /// Shows a page with all that unfolds, when it has come to rest.
    fn open(&mut self, (name, path): &Place) {
        let address = format!("{}{path}", self.server.address);
        self.browser.go(&address);
        self.browser.wait_for("document.readyState == 'complete'");
        match *name {
            "session" => self.browser.wait_for("document.querySelector('#player .ap-line')"),
            "recordings-by-person"
            | "recordings-by-target"
            | "recordings-of-person"
            | "recordings-by-time" => self.browser.wait_for(STILLS),
            _ => {}
        }
    }
}

/// What axe finds that keeps people from using a page.
fn found(web: &mut Web) -> Vec<String> {
    let found = web.browser.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => \
         nodes.map(node => `${impact} ${id}: ${node.target.join(' ')}: ${node.any.concat(node.all, node.none).map(one => one.message).join('; ')}`)))",
    );
    found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_page_can_be_used_by_all_and_fits_where_it_is_shown() {
    let Some((mut web, mut places)) = busy() else { return };
    let axe = tools::cache().join("axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(&axe) else { skip!("there is no axe-core") };
    let axe = format!("{axe};0");
    places.push(("sign-in", "/sign-in?next=/admin/search".to_owned()));
    let mut wrong = Vec::new();
    for place in &places {
        let (name, _) = place;
        if *name == "sign-in" {
            web.browser.forget();
        }
        web.open(place);
        web.browser.evaluate(&axe);
        for (scheme, width, height) in [
            ("light", 1440, 900),
            ("light", 375, 1400),
            ("light", 2560, 1300),
            ("light", 800, 900),
            ("dark", 1440, 900),
            ("dark", 375, 1400),
            ("dark", 2560, 1300),
        ] {
            web.browser.resize(width, height);
            if name.starts_with("session") {
                // The player takes the new size a moment later.
                web.browser.wait_for(
                    "document.querySelector('.ap-term')?.getBoundingClientRect().right <= \
                    document.querySelector('#player').getBoundingClientRect().right + 1",
                );
            }
            web.picture(name, scheme, width);
            if web.browser.evaluate("document.documentElement.scrollWidth <= innerWidth") != true {
                wrong.push(format!("{name} at {width}: it sticks out to the side"));
            }
            // Nor is anything of a table out of sight.
            let fits =
                "[...document.querySelectorAll('.wide')].every(one => one.scrollWidth <= one.clientWidth)";
            if web.browser.evaluate(fits) != true {
                wrong.push(format!("{name} at {width}: a table is wider than it is seen"));
            }
            wrong.extend(
                found(&mut web).into_iter().map(|what| format!("{name}, {scheme}, at {width}: {what}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    // The status of an error page is one that browsers write down.
    web.browser.complaints.retain(|said| !said.contains("status of 40"));
    web.assert_no_complaints();
}
