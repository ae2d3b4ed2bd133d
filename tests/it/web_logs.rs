//! The five logs in a real browser.

use casemate_tests::{LONG, wait_until};
use serde_json::{Value, json};

use crate::web::Web;

/// What each session begins with.
const SHELL: &str = "bash --norc --noprofile -i";

/// What is asked for in the address.
fn query(web: &mut Web) -> String {
    web.browser.evaluate("decodeURIComponent(location.search)").as_str().unwrap().to_owned()
}

/// The latest row comes first.
#[track_caller]
fn assert_in_order(web: &mut Web) {
    let times = web
        .browser
        .evaluate("[...document.querySelectorAll('#log td.time time')].map(time => time.dateTime)");
    let times: Vec<_> = times.as_array().unwrap().iter().map(|time| time.as_str().unwrap()).collect();
    assert!(times.iter().rev().is_sorted(), "{times:?}");
}

#[test]
fn names_are_offered_while_they_are_typed() {
    Web::in_both(|mut web| {
        web.session("web-1", "alice@org.com", &["echo one", "false"]);
        web.session("web-2", "bob@org.com", &["echo two"]);
        web.go("/admin/events/commands");
        let commands = web.column("Command");
        assert!(
            commands.contains(&"echo two".to_owned()) && commands.contains(&"false".to_owned()),
            "{commands:?}"
        );
        // By the keyboard alone.
        web.browser.press("/");
        web.browser.type_text("ali");
        web.browser.wait_for("document.querySelector('#offers-subjectNames li')");
        assert_eq!(web.texts(".offers li"), ["alice@org.com"]);
        web.browser.press("ArrowDown");
        web.browser.press("Enter");
        web.browser.wait_for("location.search == '?subjectNames=alice%40org.com'");
        web.browser.wait_for("[...document.querySelectorAll('#log td[data-label=\"SSO user\"]')].every(td => td.innerText == 'alice@org.com')");
        let commands = web.column("Command");
        assert_eq!(commands, ["exit", "false", "echo one", SHELL]);
        // One more, by the mouse: any of them will do.
        web.fill("#subjectNames", "alice@org.com, bo");
        web.browser.wait_for("document.querySelector('.offers li')");
        web.browser.click(".offers li");
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 7");
        assert_eq!(query(&mut web), "?subjectNames=alice@org.com,bob@org.com");
        // A text, and back again by the browser's own button.
        web.fill("#search", "ECHO");
        web.browser.press("Enter");
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 2");
        web.browser.evaluate("history.back()");
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 7");
        // A value of a row asks for it.
        web.browser.click("#log td[data-label=Target] a");
        web.browser.wait_for("location.search.includes('targetNames=web-')");
        web.browser.click("#filter a.button");
        web.browser.wait_for("location.search == '' && !document.querySelector('#filter a.button')");
        // The latest minutes.
        web.browser.evaluate("{ const last = document.querySelector('#last'); last.value = '15m'; last.dispatchEvent(new Event('change', { bubbles: true })) }");
        web.browser.wait_for("location.search == '?last=15m'");
        web.assert_no_complaints();
    });
}

#[test]
fn a_log_is_read_page_by_page_and_taken_away_as_it_is_filtered() {
    let Some(mut web) = Web::begin() else { return };
    for _ in 0..230 {
        assert_eq!(web.administrator.get("me").status, 200);
    }
    web.go("/admin/events/user-events?serviceActions=subjects:me");
    let mut seen = Vec::new();
    for page in [100, 100, 30] {
        web.browser.wait_for(&format!("document.querySelectorAll('#log tbody tr').length == {page}"));
        let ids = web.browser.evaluate("[...document.querySelectorAll('#log tbody tr')].map(row => row.id)");
        seen.extend(ids.as_array().unwrap().clone());
        if page == 100 {
            let was = web.browser.address();
            web.browser.click("#next");
            web.browser.wait_for(&format!("location.href != {}", Value::from(was)));
            web.browser.wait_for(&format!("document.querySelector('#log tbody tr').id != {}", ids[0]));
        }
    }
    assert!(web.texts("#next").is_empty());
    let number = seen.len();
    seen.sort_by_key(|id| id.as_str().unwrap().to_owned());
    seen.dedup();
    assert_eq!((number, seen.len()), (230, 230));
    // What is exported is what the filter finds, whichever page it is.
    let exported = web.browser.evaluate(
        "fetch([...document.querySelectorAll('.menu ul a')].find(a => a.innerText == 'NDJSON' || a.textContent == 'NDJSON').href)\
            .then(answer => answer.text())",
    );
    let exported: Vec<Value> =
        exported.as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported.len(), 230);
    assert!(exported.iter().all(|event| event["serviceAction"] == "subjects:me"));
    // The first ones first.
    web.browser.click("#newest");
    web.browser.wait_for(
        "document.querySelector('a.sort')?.title == 'oldest first' && !location.search.includes('before')",
    );
    web.browser.click("a.sort");
    web.browser.wait_for("document.querySelector('th[aria-sort=ascending]')");
    let times =
        web.browser.evaluate("[...document.querySelectorAll('#log td time')].map(time => time.dateTime)");
    assert!(times.as_array().unwrap().is_sorted_by_key(|time| time.as_str().unwrap().to_owned()), "{times}");
    web.assert_no_complaints();
}

#[test]
fn rows_come_by_themselves_and_wait_when_they_are_told_to() {
    Web::in_both(|mut web| {
        web.go("/admin/events/commands");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        web.session("web-1", "alice@org.com", &["echo one", "false"]);
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 4");
        assert_eq!(web.column("Command"), ["exit", "false", "echo one", SHELL]);
        // How it ended comes later, into the same row.
        web.browser.wait_for(
            "[...document.querySelectorAll('#log td[data-label=Took]')].slice(1).every(td => td.innerText)",
        );
        assert!(!web.browser.evaluate("document.querySelector('.empty') != null").as_bool().unwrap());
        // What waits is counted, and in the address is that it does.
        web.browser.press("p");
        web.browser.wait_for("document.querySelector('#live-state').innerText == 'paused, 0 waiting'");
        assert_eq!(query(&mut web), "?live=paused");
        web.session("web-2", "bob@org.com", &["echo two"]);
        web.browser.wait_for("document.querySelector('#pause').innerText == 'Show 3 new'");
        assert_eq!(web.column("Command").len(), 4);
        web.browser.click("#pause");
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 7");
        // All sessions here began at the same moment: rows of each stand among those of others.
        assert!(web.column("Command").contains(&"echo two".to_owned()));
        assert_in_order(&mut web);
        assert_eq!(query(&mut web), "");
        // While nobody sees the page no stream is open; what happened meanwhile comes then.
        web.browser.evaluate("{ Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange')) }");
        web.session("web-3", "carol@org.com", &["echo three"]);
        assert_eq!(web.column("Command").len(), 7);
        web.browser
            .evaluate("{ delete document.hidden; document.dispatchEvent(new Event('visibilitychange')) }");
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 10");
        let ids = web
            .browser
            .evaluate("new Set([...document.querySelectorAll('#log tbody tr')].map(row => row.id)).size");
        assert_eq!(ids, 10);
        // With a filter comes what it lets through.
        web.go("/admin/events/commands?subjectNames=alice@org.com");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        web.session("web-4", "bob@org.com", &["echo four"]);
        web.session("web-5", "alice@org.com", &["echo five"]);
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 7");
        assert!(web.column("SSO user").iter().all(|name| name == "alice@org.com"));
        // A server that is killed and comes back is heard again, from where it was.
        let id = web.browser.evaluate("document.querySelector('#log tbody tr').id");
        web.server.kill_and_start();
        web.session("web-6", "alice@org.com", &["echo six"]);
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 10");
        assert_eq!(web.browser.evaluate(&format!("document.getElementById({id}) != null")), true);
        assert_in_order(&mut web);
        // That it was away browsers write down.
        web.browser.complaints.retain(|said| !said.contains("ERR_"));
        web.assert_no_complaints();
    });
}

/// Calls of Kubernetes to a cluster, each of a person at a moment.
fn calls(web: &Web, agent: &casemate_tests::Asker, calls: &[(&str, &str)]) {
    let item = |(who, at): &(&str, &str)| {
        json!({
            "level": "Metadata", "auditID": uuid::Uuid::now_v7().to_string(), "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/shop/pods", "verb": "list", "user": { "username": who },
            "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.31.0", "responseStatus": { "code": 200 },
            "objectRef": { "resource": "pods", "namespace": "shop", "apiVersion": "v1" },
            "requestReceivedTimestamp": format!("2026-11-27T{at}:00.000000Z"),
            "stageTimestamp": format!("2026-11-27T{at}:00.010000Z"),
        })
    };
    let items: Vec<_> = calls.iter().map(item).collect();
    let sent = agent.post(
        "ingest/kube",
        &json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items }),
    );
    assert!(sent.status < 300, "{}", sent.text);
    for (who, _) in calls {
        wait_until("a call is in the log", LONG, || {
            let found = web.administrator.json(&format!("events/kube?userNames={who}"));
            (!found.as_array().unwrap().is_empty()).then_some(())
        });
    }
}

#[test]
fn a_row_that_comes_late_stands_where_its_time_puts_it() {
    let Some(mut web) = Web::begin() else { return };
    let cluster = web.administrator.post("targets/kube", &json!({ "targetName": "shop" })).json();
    let agent = web.server.with_key(cluster["agentKey"].as_str().unwrap());
    calls(&web, &agent, &[("a@org.com", "09:10"), ("b@org.com", "09:30")]);
    web.go("/admin/events/kubernetes-commands");
    web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
    assert_eq!(web.column("SSO user"), ["b@org.com", "a@org.com"]);
    calls(&web, &agent, &[("late@org.com", "09:20")]);
    web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 3");
    assert_eq!(web.column("SSO user"), ["b@org.com", "late@org.com", "a@org.com"]);
    // Also what has waited, in whatever order it came.
    web.browser.press("p");
    calls(&web, &agent, &[("new@org.com", "09:40")]);
    calls(&web, &agent, &[("first@org.com", "09:00")]);
    web.browser.wait_for("document.querySelector('#pause').innerText == 'Show 2 new'");
    web.browser.click("#pause");
    web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 5");
    assert_eq!(
        web.column("SSO user"),
        ["new@org.com", "b@org.com", "late@org.com", "a@org.com", "first@org.com"]
    );
    // What is older than a page that is full is on another one, and is said.
    let many: Vec<String> = (0..110).map(|number| format!("u{number}@org.com")).collect();
    let many: Vec<_> = many.iter().map(|who| (who.as_str(), "10:00")).collect();
    calls(&web, &agent, &many);
    web.go("/admin/events/kubernetes-commands");
    web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
    calls(&web, &agent, &[("later@org.com", "09:50")]);
    web.browser
        .wait_for("document.querySelector('#live-state').innerText == 'live, 1 came late: further back'");
    assert_eq!(web.column("SSO user").len(), 100);
    web.assert_no_complaints();
}

#[test]
fn what_somebody_has_merely_looked_at_is_left_out_until_he_asks_for_it() {
    Web::in_both(|mut web| {
        web.session("web-1", "alice@org.com", &["echo one"]);
        let auditor = web.server.with_key(&web.administrator.key("Auditor"));
        assert_eq!(auditor.get("/admin/events/commands").status, 200);
        let lists = |web: &Web, query: &str| {
            let found = web
                .administrator
                .json(&format!("events/subject?serviceActions=events:list,events:tail{query}"));
            found.as_array().unwrap().len()
        };
        // A page is one call: names that are offered and its stream are parts of it.
        let before = lists(&web, "&subjectNames=admin@org.com");
        web.go("/admin/events/commands");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        for text in ["a", "al", "ali"] {
            web.fill("#subjectNames", text);
            web.browser.wait_for("document.querySelector('.offers li')");
        }
        // Each time it is asked that is a call as well.
        assert_eq!(lists(&web, "&subjectNames=admin@org.com"), before + 2);
        // Whoever asks for names without having been let through to the page is written down.
        let by_itself = web.browser.evaluate(
        "fetch('/admin/events/commands/values?field=subjectName&ticket=5-00').then(answer => answer.status)",
    );
        assert_eq!(by_itself, 200);
        assert_eq!(lists(&web, "&subjectNames=admin@org.com"), before + 4);
        web.go("/admin/events/user-events");
        let actions = web.column("Action");
        assert!(actions.contains(&"targets:create".to_owned()), "{actions:?}");
        let lookers: Vec<_> = actions
            .into_iter()
            .zip(web.column("User"))
            .filter(|(action, _)| action == "events:list")
            .map(|(_, who)| who)
            .collect();
        // Whoever was not signed in yet was refused.
        assert_eq!(lookers, ["Auditor key", ""]);
        web.pictures("user-events-looks");
        // What is taken away is what is seen.
        let exported = web.browser.evaluate(
            "fetch(document.querySelector('a[data-export$=\" NDJSON\"]').href).then(answer => answer.text())",
        );
        let exported = exported.as_str().unwrap().to_owned();
        assert_eq!(exported.matches("\"events:list\"").count(), 2, "{exported}");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        let shown = web.column("Action").len();
        // What is looked at meanwhile does not come; what is done does.
        drop(web.administrator.json("events/command"));
        drop(web.administrator.agent("web-2"));
        web.browser.wait_for(&format!("document.querySelectorAll('#log tbody tr').length > {shown}"));
        assert_eq!(web.column("Action").iter().filter(|action| *action == "events:list").count(), 2);
        web.browser.click("#own-looks");
        web.browser.wait_for("location.search == '?ownLooks=true' && document.querySelector('#own-looks').innerText.startsWith('Leave')");
        assert!(web.column("Action").iter().filter(|action| *action == "events:list").count() > 4);
        web.assert_no_complaints();
    });
}

#[test]
fn connections_change_where_they_stand() {
    Web::in_both(|mut web| {
        let agent = web.server.with_key(&web.administrator.agent("web-1"));
        web.go("/admin/events/connections");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        let id = agent.connect("alice@org.com", "cast");
        let header = b"{\"version\":2,\"width\":80,\"height\":24}\n";
        assert_eq!(agent.patch(&id, 0, header, false).status, 204);
        web.browser.wait_for("document.querySelectorAll('#log tbody tr').length == 1");
        let joins = json!({ "id": uuid::Uuid::now_v7().to_string(), "type": "ClientConnect" });
        assert!(agent.post(&format!("ingest/connections/{id}/events"), &joins).status < 300);
        wait_until("it is open", LONG, || (web.column("State") == ["Open"]).then_some(()));
        let closed = web.administrator.send(
            "PATCH",
            &format!("connections/{id}/close"),
            &[],
            b"{\"reason\":\"enough\"}",
        );
        assert_eq!(closed.status, 204);
        assert_eq!(agent.patch(&id, header.len(), b"", true).status, 204);
        wait_until("it is closed", LONG, || (web.column("State") == ["Closed"]).then_some(()));
        assert!(web.column("Reason")[0].contains("enough"), "{:?}", web.column("Reason"));
        web.go("/admin/events/connections?connectionState=Open");
        assert_eq!(
            web.texts(".empty"),
            ["Nothing is as the filter says. Ask for less, or clear the filter."]
        );
        web.go("/admin/events/connection-events");
        assert!(web.column("Event").contains(&"Closed".to_owned()));
        web.assert_no_complaints();
    });
}

#[test]
fn columns_are_kept_and_times_are_of_the_zone_that_one_wants() {
    let Some(mut web) = Web::begin() else { return };
    web.session("web-1", "alice@org.com", &["echo one"]);
    web.browser.move_to("Asia/Tehran");
    web.go("/admin/events/commands");
    let iso = web.browser.evaluate("document.querySelector('#log time').title");
    let shown = web.column("Time")[0].clone();
    assert_eq!(web.texts("th.time [data-zone]"), ["UTC+3:30"]);
    assert_eq!(web.texts("#zone"), ["Asia/Tehran (UTC+3:30)"]);
    web.browser.press("z");
    assert_eq!(web.texts("th.time [data-zone]"), ["UTC"]);
    let utc = web.column("Time")[0].clone();
    assert!(iso.as_str().unwrap().starts_with(&utc.replace(' ', "T")) && utc != shown, "{iso} {utc} {shown}");
    // What is chosen is there at once, on this page and on the next visit.
    web.browser.click("details.menu summary");
    web.browser.click("#columns input[value=duration]");
    web.browser.wait_for("!document.querySelector('#log td[data-label=Took]')");
    web.browser.click("#columns input[value=cwd]");
    web.browser.wait_for("document.querySelector('#log td[data-label=Directory]')");
    web.go("/admin/events/commands");
    let heads = web.texts("#log th");
    assert_eq!(heads[1..], ["SSO user", "Target user", "Target", "Command", "Exit", "Moment", "Directory"]);
    web.browser.click("details.menu summary");
    web.browser.click("#usual");
    web.browser.wait_for("document.querySelector('#log td[data-label=Took]')");
    // Moments that are asked for are of the zone that is shown.
    web.go("/admin/events/commands");
    web.browser.press("z");
    web.browser.click(".moments summary");
    web.browser.evaluate("{ const from = document.querySelector('#startTimestamp'); from.value = '2026-01-01T05:30:00'; document.querySelector('#filter').requestSubmit() }");
    web.browser.wait_for("location.search");
    assert_eq!(query(&mut web), "?startTimestamp=2026-01-01T02:00:00.000Z");
    web.browser.wait_for("document.querySelector('#startTimestamp').value.startsWith('2026-01-01T05:30')");
    web.assert_no_complaints();
}

#[test]
fn the_keyboard_is_enough() {
    let Some(mut web) = Web::begin() else { return };
    web.session("web-1", "alice@org.com", &["echo one", "echo two"]);
    web.go("/admin/events/commands");
    let focus = "document.activeElement.querySelector?.('td[data-label=Command]')?.innerText ?? ''";
    for (key, there) in
        [("j", "exit"), ("j", "echo two"), ("j", "echo one"), ("j", SHELL), ("j", SHELL), ("k", "echo one")]
    {
        web.browser.press(key);
        assert_eq!(web.browser.evaluate(focus), there, "{key}");
    }
    web.browser.press("Enter");
    web.browser.wait_for("document.querySelector('#detail').open");
    let facts = web.texts("#detail .facts").concat();
    assert!(
        facts.contains("echo one") && facts.contains("IP address") && facts.contains("192.0.2.7"),
        "{facts}"
    );
    web.pictures("event");
    web.browser.press("Escape");
    web.browser.wait_for("!document.querySelector('#detail').open");
    assert_eq!(web.browser.evaluate(focus), "echo one");
    web.browser.press("?");
    web.browser.wait_for("document.querySelector('#keys').open");
    web.pictures("keys");
    web.browser.press("Escape");
    // All of an event has an address, for whoever is sent it.
    let address = web.browser.evaluate("document.querySelector('#log a.open').getAttribute('href')");
    web.go(address.as_str().unwrap());
    assert!(web.texts("#event dd").contains(&"exit".to_owned()));
    web.assert_no_complaints();
}

#[test]
fn whatever_stands_in_a_log_stays_text() {
    let Some(mut web) = Web::begin() else { return };
    let hostile = "</td><script>window.pwned=1</script><img src=x onerror=window.pwned=2>";
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    web.go("/admin/events/connections");
    web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
    let id = uuid::Uuid::now_v7().to_string();
    let session = json!({
        "user": "eve@org.com", "targetUser": hostile, "type": "SHELL", "recording": "cast", "startedAt": "2026-11-26T09:30:00Z",
        "space": "a\u{202e}b\u{200b}",
    });
    let answer = agent.begin(&id, &session);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let typed = format!(
        "{{\"version\":2,\"width\":120,\"height\":24}}\n[0.1,\"o\",\"a@web:~$ \"]\n[0.9,\"o\",{}]\n[1.2,\"o\",\"\\r\\n\"]\n\
            [2.5,\"o\",\"a@web:~$ \"]\n",
        json!(format!("echo '{hostile}' \u{202e}x"))
    );
    assert_eq!(agent.patch(&id, 0, typed.as_bytes(), true).status, 204);
    web.browser.wait_for("document.querySelector('#log tbody tr')");
    for page in ["connections", "commands", "connection-events", "user-events"] {
        web.go(&format!("/admin/events/{page}"));
        web.browser.wait_for("document.querySelector('#log tbody tr')");
        let shown = web.texts("#log tbody").concat();
        assert!(
            page == "user-events" || shown.contains("<script>window.pwned=1</script>"),
            "{page}: {shown}"
        );
        assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{page}: {shown}");
    }
    // Also where it is offered, and where it comes back in the form.
    web.go("/admin/events/connections");
    web.fill("#targetUsers", "</td");
    web.browser.wait_for("document.querySelector('.offers li')");
    web.browser.press("ArrowDown");
    web.browser.press("Enter");
    web.browser.wait_for("location.search.includes('targetUsers')");
    web.browser.wait_for("document.querySelector('#log tbody tr')");
    let injected =
        web.browser.evaluate("document.querySelectorAll('main img, main script, [onerror]').length");
    assert_eq!(injected, 0);
    assert_eq!(web.browser.evaluate("window.pwned ?? 'no'"), "no");
    // No page runs what is put into it in any other way.
    web.browser.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.pwned = 5' }))");
    assert_eq!(web.browser.evaluate("window.pwned ?? 'no'"), "no");
    assert!(web.browser.complaints.iter().any(|said| said.contains("Content Security Policy")));
}

#[test]
fn each_page_can_be_looked_at() {
    let Some(mut web) = Web::begin() else { return };
    web.session(
        "web-1",
        "alice@example.com",
        &["cd /srv && ls -la", "systemctl status nginx | head -3", "false", "for i in 1 2; do echo $i; done"],
    );
    web.session("db-1", "bob@example.com", &["echo 'SELECT 1;' | cat", "grep -r password /etc/hosts"]);
    let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [{
        "level": "Metadata", "auditID": "7b6f1c1e-0000-4000-8000-000000000001", "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods?limit=500", "verb": "list",
        "user": { "username": "alice@example.com", "groups": ["system:masters"] },
        "sourceIPs": ["192.0.2.7"], "userAgent": "kubectl/v1.31.0",
        "objectRef": { "resource": "pods", "namespace": "shop", "apiVersion": "v1" },
        "responseStatus": { "code": 200 },
        "requestReceivedTimestamp": "2026-11-27T09:30:00.000000Z", "stageTimestamp": "2026-11-27T09:30:00.010000Z",
    }]});
    let cluster = web.administrator.post("targets/kube", &json!({ "targetName": "shop-cluster" })).json();
    let agent = web.server.with_key(cluster["agentKey"].as_str().unwrap());
    let sent = agent.post("ingest/kube", &list);
    assert!(sent.status < 300, "{}", sent.text);
    for page in ["commands", "kubernetes-commands", "connections", "connection-events", "user-events"] {
        web.go(&format!("/admin/events/{page}"));
        if page == "kubernetes-commands" {
            wait_until("a call is in the log", LONG, || {
                web.go("/admin/events/kubernetes-commands");
                (!web.column("Command").is_empty()).then_some(())
            });
        }
        web.browser.wait_for("document.querySelector('#log tbody tr')");
        web.pictures(page);
    }
    web.go("/admin/events/commands");
    web.browser.click("details.menu summary");
    web.pictures("columns");
    // A page without the player weighs less than 100 KB on its way here.
    let weight = web.browser.evaluate(
        "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))\
            .reduce((sum, entry) => sum + (entry.encodedBodySize || 0), 0)",
    );
    assert!(weight.as_f64().unwrap() < 100_000.0, "{weight}");
    web.assert_no_complaints();
}
