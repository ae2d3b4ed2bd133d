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
    assert_eq!(web.texts(".choice a"), ["People", "Keys", "Targets", "Environments", "Spaces"]);
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
    add(&mut web, "service-account", &[("email", "robot@org.com")]);
    let made = secret(&mut web);
    assert_eq!(web.server.with_key(&made).json("me")["role"], "Auditor");
    act(&mut web, "siem", &["details.act summary", "button.danger"]);
    assert_eq!(key.get("me").status, 401);
    // An environment, a target in it, and its agent's key.
    web.go("/admin/settings/environments");
    add(&mut web, "environment", &[("name", "production")]);
    web.go("/admin/settings/targets");
    add(&mut web, "target", &[("targetName", "web-1")]);
    let made = secret(&mut web);
    let agent = web.server.with_key(&made);
    let change = "details.act:has([name=environmentId])";
    web.browser.evaluate(&format!("document.querySelector(\"{change} select\").selectedIndex = 1"));
    act(&mut web, "web-1", &[&format!("{change} summary"), &format!("{change} button.main")]);
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
        (&auditor, "targets", true, false),
        (&auditor, "environments", true, false),
        (&auditor, "spaces", true, false),
        (&alice, "people", false, false),
        (&alice, "keys", false, false),
        (&alice, "targets", true, false),
        (&alice, "environments", true, false),
        (&alice, "spaces", true, true),
    ] {
        let answer = asker.get(&format!("/admin/settings/{path}"));
        assert_eq!(answer.status == 200, sees, "{path}: {}", answer.text);
        assert_eq!(answer.text.contains("action=\"/admin/settings/"), changes, "{path}: {}", answer.text);
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
        ("keys", "what=service-account&email=eve@org.com"),
        ("targets", "what=target&targetName=eve&kind=bzero"),
        ("environments", "what=environment&name=eve"),
        (&format!("people/{id}/change"), "role=Administrator"),
        (&format!("people/{id}/delete"), ""),
        (&format!("people/{id}/link"), ""),
        (&format!("keys/{id}/delete"), ""),
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
