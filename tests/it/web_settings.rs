//! The settings in a real browser: who there is, what there is, and what each role may do with it.

use serde_json::json;

use crate::web::Web;

/// What was shown once.
fn secret(web: &mut Web) -> String {
    web.browser.wait_for("document.querySelector('input.secret')");
    web.browser.evaluate("document.querySelector('input.secret').value").as_str().unwrap().to_owned()
}

/// Opens the form to add something, and sends it.
fn add(web: &mut Web, what: &str, fields: &[(&str, &str)]) {
    let form = format!("details.add:has([value='{what}'])");
    web.browser.click(&format!("{form} summary"));
    for (name, text) in fields {
        web.fill(&format!("{form} input[name={name}]"), text);
    }
    web.browser.evaluate("window.before = true");
    web.browser.click(&format!("{form} button.main"));
    web.browser.wait_for("window.before === undefined && document.readyState == 'complete'");
}

/// Does something with the row that has a text in it.
fn act(web: &mut Web, row: &str, path: &[&str]) {
    let found = web.browser.evaluate(&format!(
        "[...document.querySelectorAll('main tbody tr')].find(row => row.innerText.includes('{row}'))?.dataset.id"
    ));
    let row = format!("[data-id='{}']", found.as_str().expect("there is such a row"));
    web.browser.evaluate("window.before = true");
    for step in path {
        web.browser.click(&format!("{row} {step}"));
    }
    web.browser.wait_for("window.before === undefined && document.readyState == 'complete'");
}

#[test]
fn an_administrator_adds_changes_and_removes() {
    let Some(mut web) = Web::begin() else { return };
    web.go("/admin/settings");
    assert_eq!(web.browser.evaluate("location.pathname"), "/admin/settings/people");
    assert_eq!(
        web.texts(".choice a"),
        ["People", "Keys", "Service accounts", "Targets", "Environments", "Spaces"]
    );
    // A person, who sets a password by the link.
    add(&mut web, "person", &[("email", "alice@org.com"), ("fullName", "Alice <b>A.")]);
    let link = secret(&mut web);
    web.pictures("settings-people");
    let alice = web.server.set_up(&link, None);
    assert_eq!(alice.json("me")["role"], "User");
    web.go("/admin/settings/people");
    assert!(web.texts("input.secret").is_empty());
    assert!(web.texts("main tbody").concat().contains("Alice <b>A."));
    act(&mut web, "alice@org.com", &["[action$='/change']:has([name=enabled]) button"]);
    assert_eq!(alice.get("me").status, 401);
    act(&mut web, "alice@org.com", &["[action$='/change']:has([name=enabled]) button"]);
    let users = web.administrator.json("users");
    let is_enabled = |user: &serde_json::Value| user["email"] == "alice@org.com" && user["enabled"] == true;
    assert!(users.as_array().unwrap().iter().any(is_enabled), "{users}");
    act(&mut web, "alice@org.com", &["[action$='/link'] button"]);
    assert_ne!(secret(&mut web), link);
    // A key, which is shown once and taken back.
    web.go("/admin/settings/keys");
    add(&mut web, "key", &[("name", "siem")]);
    let made = secret(&mut web);
    let key = web.server.with_key(&made);
    assert_eq!(key.json("me")["role"], "Auditor");
    web.pictures("settings-keys");
    act(&mut web, "siem", &["details.act summary", "button.danger"]);
    assert_eq!(key.get("me").status, 401);
    web.go("/admin/settings/service-accounts");
    add(&mut web, "service-account", &[("email", "robot@org.com")]);
    let made = secret(&mut web);
    let robot = web.server.with_key(&made);
    assert_eq!(robot.json("me")["role"], "Auditor");
    web.pictures("settings-service-accounts");
    act(&mut web, "robot@org.com", &["details.act:has(.danger) summary", "button.danger"]);
    assert_eq!(robot.get("me").status, 401);
    // An environment, a target in it, and its agent's key.
    web.go("/admin/settings/environments");
    add(&mut web, "environment", &[("name", "production")]);
    web.go("/admin/settings/targets");
    add(&mut web, "target", &[("targetName", "web-1")]);
    let made = secret(&mut web);
    let agent = web.server.with_key(&made);
    // By its name, which is offered.
    assert_eq!(web.browser.evaluate("document.querySelector('datalist').options[0].value"), "production");
    let change = "details.act:has([name=environment])";
    web.browser.click(&format!("tbody {change} summary"));
    web.fill(&format!("tbody {change} [name=environment]"), "production");
    act(&mut web, "web-1", &[&format!("{change} button.main")]);
    assert!(web.texts("main tbody").concat().contains("production"));
    web.pictures("settings-targets");
    let id = agent.connect("bob@org.com", "cast");
    act(&mut web, "web-1", &["details.act:has(.danger) summary", "button.danger"]);
    let closed = web.administrator.json(&format!("connections/{id}"));
    assert_eq!(agent.patch(&id, 0, b"", false).status, 401);
    assert_eq!(closed["reason"], "admin@org.com deleted target", "{closed}");
    // A space, and what cannot be done is said.
    web.go("/admin/settings/spaces");
    add(&mut web, "space", &[("name", "work")]);
    assert!(web.texts("main tbody").concat().contains("admin@org.com"));
    web.pictures("settings-spaces");
    web.assert_no_complaints();
    web.go("/admin/settings/environments");
    add(&mut web, "environment", &[("name", "a,b")]);
    assert_eq!(web.texts("h1"), ["That was not done"]);
    assert!(web.texts("[role=alert]")[0].contains("comma"));
    web.browser.click("main p a");
    web.browser.wait_for("location.pathname == '/admin/settings/environments'");
}

#[test]
fn each_role_is_offered_what_it_may() {
    let Some(mut web) = Web::begin() else { return };
    let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
    let alice = web.server.set_up(invited["link"].as_str().unwrap(), None);
    let auditor = web.server.with_key(&web.administrator.key("Auditor"));
    for (asker, path, sees, changes) in [
        (&auditor, "people", true, false),
        (&auditor, "keys", true, false),
        (&auditor, "service-accounts", true, false),
        (&auditor, "targets", true, false),
        (&auditor, "environments", true, false),
        (&auditor, "spaces", true, false),
        (&alice, "people", false, false),
        (&alice, "keys", false, false),
        (&alice, "service-accounts", false, false),
        (&alice, "targets", true, false),
        (&alice, "environments", true, false),
        (&alice, "spaces", true, true),
    ] {
        let answer = asker.get(&format!("/admin/settings/{path}"));
        assert_eq!(answer.status == 200, sees, "{path}: {}", answer.text);
        assert_eq!(
            answer.text.contains("method=\"post\" action=\"/admin/settings/"),
            changes,
            "{path}: {}",
            answer.text
        );
    }
    let alices = alice.get("/admin/settings/targets").text;
    assert!(!alices.contains("/admin/settings/people") && alices.contains("/admin/settings/spaces"));
    // Whatever is offered: the gate decides.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = |asker: &casemate_tests::Asker, path: &str, body: &str| {
        asker.send("POST", &format!("/admin/settings/{path}"), &form, body.as_bytes()).status
    };
    let id = invited["user"]["id"].as_str().unwrap();
    for (path, body) in [
        ("people", "what=person&email=eve@org.com&role=Administrator"),
        ("keys", "what=key&name=eve&role=Administrator"),
        ("service-accounts", "what=service-account&email=eve@org.com"),
        ("targets", "what=target&targetName=eve&kind=bzero"),
        ("targets", "what=target&targetName=eve&kind=bzero&environment=none"),
        ("environments", "what=environment&name=eve"),
        (&format!("people/{id}/change"), "role=Administrator"),
        (&format!("people/{id}/delete"), ""),
        (&format!("people/{id}/link"), ""),
        (&format!("keys/{id}/delete"), ""),
        (&format!("service-accounts/{id}/delete"), ""),
        (&format!("targets/{id}/change?after=x"), "targetName=eve&environment=none"),
        (&format!("targets/{id}/delete"), ""),
    ] {
        assert_eq!(sent(&alice, path, body), 403, "{path}");
        assert_eq!(sent(&auditor, path, body), 403, "{path}");
        // A page of somebody else has no token.
        assert_eq!(sent(&web.administrator.without("x-csrf-token"), path, body), 403, "{path}");
    }
    assert_eq!(alice.json("me")["role"], "User");
    assert_eq!(sent(&alice, "spaces", "what=space&name=hers"), 200);
    assert_eq!(alice.json("spaces")[0]["displayName"], "hers");
    // An agent is led nowhere.
    let agent = web.server.with_key(&web.administrator.agent("web-9"));
    for path in ["", "/people", "/environments", "/spaces"] {
        assert_eq!(agent.get(&format!("/admin/settings{path}")).status, 403, "{path}");
    }
    web.assert_no_complaints();
}

#[test]
fn however_many_there_are_a_page_of_them_is_light_and_found_by_name() {
    Web::in_both(|mut web| {
        for number in 0..120 {
            let invited = web.administrator.post(
                "users",
                &json!({ "email": format!("person-{number:03}@org.com"), "fullName": format!("Ünit {number}") }),
            );
            assert_eq!(invited.status, 201, "{}", invited.text);
        }
        for number in 0..60 {
            let environment =
                web.administrator.post("environments", &json!({ "name": format!("env.{number:02}") }));
            assert_eq!(environment.status, 201, "{}", environment.text);
            drop(web.administrator.agent(&format!("web.{number:02}")));
        }
        let names = |web: &mut Web| web.texts("main td.main > bdi");
        // Page by page, each once.
        web.go("/admin/settings/people");
        let mut seen = names(&mut web);
        assert_eq!(
            (seen.len(), seen[0].as_str(), seen[1].as_str()),
            (50, "admin@org.com", "person-000@org.com")
        );
        let light = web.administrator.get("/admin/settings/people").text.len();
        assert!(light < 150_000, "{light} bytes");
        for (first, count) in [("person-049@org.com", 50), ("person-099@org.com", 21)] {
            web.browser.click("#next");
            web.browser.wait_for(&format!("document.querySelector('td.main bdi').innerText == '{first}'"));
            let more = names(&mut web);
            assert_eq!(more.len(), count);
            seen.extend(more);
        }
        assert!(seen.is_sorted() && seen.len() == 121 && web.texts("#next").is_empty(), "{seen:?}");
        web.pictures("settings-people-last");
        // What is done there leads back there.
        act(&mut web, "person-110@org.com", &["[action*='/change']:has([name=enabled]) button"]);
        assert!(web.texts("main tbody tr:nth-child(12)")[0].contains("disabled"));
        let address = web.browser.evaluate("location.search");
        assert!(address.as_str().unwrap().starts_with("?after=person-098@org.com."), "{address}");
        act(&mut web, "person-112@org.com", &["[action*='/link'] button"]);
        assert!(secret(&mut web).contains("token=") && names(&mut web)[0] == "person-099@org.com");
        web.browser.click("#newest");
        web.browser.wait_for("location.search == '' && document.querySelectorAll('td.main').length == 50");
        // By a part of a name, whatever its capitals; also that of the full name.
        web.fill("#text", "N-11");
        web.browser.press("Enter");
        web.browser
            .wait_for("location.search == '?text=N-11' && document.querySelectorAll('td.main').length == 10");
        act(&mut web, "person-111@org.com", &["details.act:has(.danger) summary", "button.danger"]);
        assert_eq!(web.browser.evaluate("location.search"), "?text=N-11");
        assert_eq!(names(&mut web).len(), 9);
        web.go("/admin/settings/people?text=%C3%BCnit%20117");
        assert_eq!(names(&mut web), ["person-117@org.com"]);
        web.go("/admin/settings/people?text=%5B.*%25");
        assert_eq!(web.texts(".empty"), ["Nobody has that in its name. Fewer letters find more."]);
        web.pictures("settings-people-none");
        // Names with points in them, of all that has names.
        for (section, first, last) in [
            ("environments", "env.50", "env.59"),
            ("targets", "web.50", "web.59"),
            ("keys", "agent of web.50", "agent of web.59"),
        ] {
            web.go(&format!("/admin/settings/{section}"));
            web.browser.click("#next");
            web.browser.wait_for(&format!("document.querySelector('td.main bdi').innerText == '{first}'"));
            let more = names(&mut web);
            assert_eq!((more.len(), more[9].as_str()), (10, last), "{section}");
        }
        assert_eq!(web.texts("main td[data-label=Role]")[0], "Agent of web.50");
        // What cannot be done is said, and back is where it was to be.
        web.go("/admin/settings/targets?text=web.07");
        let change = "details.act:has([name=environment])";
        web.browser.click(&format!("tbody {change} summary"));
        web.fill(&format!("tbody {change} [name=environment]"), "env.99");
        web.browser.click(&format!("tbody {change} button.main"));
        web.browser.wait_for("document.querySelector('[role=alert]')");
        assert!(web.texts("[role=alert]")[0].contains("there is no such environment"));
        web.browser.click("main p a");
        web.browser.wait_for("location.pathname + location.search == '/admin/settings/targets?text=web.07'");
        for wrong in
            ["colour=red", &format!("text={}", "x".repeat(201)), &format!("after={}", "x".repeat(292))]
        {
            let refused = web.administrator.get(&format!("/admin/settings/people?{wrong}"));
            assert_eq!(refused.status, 400, "{wrong}");
        }
        web.browser.complaints.retain(|said| !said.contains("status of 40"));
        web.assert_no_complaints();
    });
}
