//! Who may do what with an audit server, how they get in, and that each call is in the log.

use casemate_tests::{AuditServer, World};
use serde_json::json;

use crate::server::in_both;

#[test]
fn the_first_administrator_comes_by_a_link_that_works_once() {
    in_both(|mut server, _| {
        let link = server.link.clone().unwrap();
        let short =
            json!({ "token": link.split_once("token=").unwrap().1, "password": "short", "email": "a@b" });
        let refused = server.nobody().post("set-up", &short);
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("12 characters"), "{}", refused.text);
        let administrator = server.administrator();
        assert_eq!(administrator.json("me")["role"], "Administrator");
        let again =
            json!({ "token": short["token"], "password": "correct horse battery", "email": "b@org.com" });
        assert_eq!(server.nobody().post("set-up", &again).status, 403);
        assert_eq!(server.sign_in("Admin@Org.com").json("me")["name"], "admin@org.com");
        server.kill_and_start();
        assert_eq!(server.link, None);
        // Who has signed in stays so.
        assert_eq!(administrator.json("me")["role"], "Administrator");
    });
}

#[test]
fn each_role_may_what_it_may() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agents = ["web-1", "web-2"].map(|target| server.with_key(&administrator.agent(target)));
        let invited = administrator.post("users", &json!({ "email": "alice@org.com" })).json();
        let alice = server.set_up(invited["link"].as_str().unwrap(), None);
        let (hers, his) =
            (agents[0].connect("alice@org.com", "cast"), agents[0].connect("bob@org.com", "cast"));
        let header = b"{\"version\":2,\"width\":80,\"height\":24}\n";
        for id in [&hers, &his] {
            assert_eq!(agents[0].patch(id, 0, header, false).status, 204);
        }
        let auditor = server.with_key(&administrator.key("Auditor"));
        let nobody = server.nobody();
        let [one, other] = &agents;
        let mine = format!("session-recordings/{hers}");
        let others = format!("session-recordings/{his}");
        for (path, expected) in [
            // Administrator, auditor, alice, agent, nobody.
            ("events/command", [200, 200, 200, 403, 401]),
            ("events/subject", [200, 200, 200, 403, 401]),
            ("events/proof", [200, 200, 403, 403, 401]),
            ("users", [200, 200, 403, 403, 401]),
            ("api-keys", [200, 200, 403, 403, 401]),
            ("targets/bzero", [200, 200, 200, 200, 401]),
            ("connections", [200, 200, 200, 403, 401]),
            (&mine, [200, 200, 200, 403, 401]),
            (&others, [200, 200, 404, 403, 401]),
            ("organization", [200, 200, 200, 200, 401]),
            ("nothing", [404, 404, 404, 404, 404]),
        ] {
            let askers = [&administrator, &auditor, &alice, one, &nobody];
            let found = askers.map(|asker| asker.get(path).status);
            assert_eq!(found, expected, "{path}");
        }
        // Her own sessions are all that she sees.
        for path in ["connections", "session-recordings", "events/connection"] {
            let seen = alice.json(path);
            assert!(!seen.as_array().unwrap().is_empty(), "{path}");
            assert!(!seen.to_string().contains("bob@org.com"), "{path}: {seen}");
        }
        let bob = administrator.json("users/bob@org.com")["id"].as_str().unwrap().to_owned();
        assert_eq!(alice.json(&format!("events/connection?subjectIds={bob}")), json!([]));
        // An agent knows of its own target alone.
        assert_eq!(other.json("targets/bzero").as_array().unwrap().len(), 1);
        assert_eq!(other.patch(&hers, 0, header, false).status, 403);
        for (asker, status) in [(&auditor, 403), (&alice, 403), (one, 403)] {
            assert_eq!(
                asker.post("api-keys", &json!({ "name": "mine", "role": "Administrator" })).status,
                status
            );
        }
        // She closes her own session, and no other one.
        let close = |id: &str| alice.send("PATCH", &format!("connections/{id}/close"), &[], b"").status;
        assert_eq!((close(&his), close(&hers)), (404, 204));
        // Whoever is switched off is out at once.
        let change = [("content-type", "application/json")];
        let user = format!("users/{}", invited["user"]["id"].as_str().unwrap());
        assert_eq!(administrator.send("PATCH", &user, &change, b"{\"enabled\":false}").status, 200);
        assert_eq!(alice.get("me").status, 401);
    });
}

#[test]
fn other_sites_change_nothing() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let forged = administrator.without("x-csrf-token");
    assert_eq!(forged.get("me").status, 200);
    let refused = forged.post("environments", &json!({ "name": "prod" }));
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("X-CSRF-Token"), "{}", refused.text);
    // Nor do they make somebody ask for what he does not want to ask for: it would be written down in his name.
    let id = server.with_key(&administrator.agent("web-1")).connect("alice@org.com", "cast");
    let written = || administrator.json("events/subject?serviceActions=sessionrecordings:get").to_string();
    let auditor = server.with_key(&administrator.key("Auditor"));
    for site in ["cross-site", "same-site"] {
        let lured = administrator.clone().with("sec-fetch-site", site);
        let still = format!("/admin/session-recordings/{id}/still.svg");
        for path in [format!("session-recordings/{id}?format=v2"), still] {
            let refused = lured.get(&path);
            assert!(refused.status == 403 && refused.text.contains("another web site"), "{}", refused.text);
        }
        assert_eq!(lured.get(&format!("/admin/sessions/{id}")).status, 200, "a link in a mail");
        assert_eq!(auditor.clone().with("sec-fetch-site", site).get("me").status, 200, "no cookie");
    }
    assert_eq!(written(), "[]");
    let own = administrator.clone().with("sec-fetch-site", "same-origin");
    assert_eq!(own.get(&format!("session-recordings/{id}?format=v2")).status, 200);
    assert!(written().contains(&id));
    assert_eq!(administrator.json("environments"), json!([]));
}

#[test]
fn passwords_are_not_guessed() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    let nobody = server.nobody();
    let statuses: Vec<u16> = (0..12)
        .map(|number| {
            let said = json!({ "email": "admin@org.com", "password": format!("guess number {number}") });
            nobody.post("sign-in", &said).status
        })
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 9, "{statuses:?}");
    assert!(statuses.ends_with(&[429, 429]), "{statuses:?}");
    // Each of them is in the log, and whose name it was.
    let tried = administrator.json("events/subject?serviceActions=subjects:signin&evaluation=false");
    assert_eq!(tried.as_array().unwrap().len(), 12);
    assert!(tried[11]["context"].as_str().unwrap().contains("admin@org.com"), "{tried}");
}

#[test]
fn nobody_keeps_others_out_by_wrong_passwords() {
    let world = World::new();
    world.write("proxies.toml", "proxies = [\"127.0.0.1\"]\n");
    let config = world.path("proxies.toml");
    let server =
        AuditServer::start_with(&world.path("server"), None, &["--config", config.to_str().unwrap()]);
    assert_eq!(server.administrator().json("me")["role"], "Administrator");
    let from = |address: &str, password: &str| {
        let said = json!({ "email": "admin@org.com", "password": password });
        server.nobody().with("x-forwarded-for", address).post("sign-in", &said).status
    };
    let statuses: Vec<u16> = (0..11).map(|_| from("198.51.100.1", "a wrong password")).collect();
    assert!(statuses.starts_with(&[401]) && statuses.ends_with(&[429]), "{statuses:?}");
    assert_eq!(from("198.51.100.2", "a wrong password"), 401);
    assert_eq!(from("198.51.100.2", casemate_tests::PASSWORD), 200);
}

#[test]
fn each_call_is_in_the_log_whatever_came_of_it() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let json = [("content-type", "application/json")];
        assert_eq!(server.nobody().get("users").status, 401);
        assert_eq!(administrator.get("users/01a21b2e-9983-7000-8044-7798cc786503").status, 404);
        assert_eq!(administrator.send("POST", "environments", &json, b"{\"name\":").status, 400);
        assert_eq!(administrator.get("no/such/path").status, 404);
        assert_eq!(administrator.send("PUT", "users", &json, b"{}").status, 405);
        let events = administrator.json("events/subject?sort=asc");
        let said: Vec<(&str, &str, bool)> = events
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let text = |field: &str| event[field].as_str().unwrap();
                (text("serviceAction"), text("resource"), event["evaluation"].as_bool().unwrap())
            })
            .collect();
        assert_eq!(
            said,
            [
                ("subjects:setup", "self", true),
                ("subjects:list", "all", false),
                ("subjects:list", "01a21b2e-9983-7000-8044-7798cc786503", true),
                ("api:call", "POST /api/v2/environments", false),
                ("api:call", "GET /api/v2/no/such/path", false),
                ("api:call", "PUT /api/v2/users", false),
                ("events:list", "subject", true),
            ]
        );
        assert_eq!(events[1]["subjectName"], "n/a");
        assert_eq!(events[2]["ipAddress"], "127.0.0.1");
    });
}
