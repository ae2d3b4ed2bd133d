//! The web app in a real browser: getting in and out, and who sees what. What the tests of its pages have in common.

use std::path::{Path, PathBuf};

use casemate_tests::browser::{self, Browser};
use casemate_tests::{Asker, AuditServer, PASSWORD, World, skip, tools};
use serde_json::{Value, json};

use crate::server::recording;

/// A server, and somebody who looks at its pages.
pub(crate) struct Web {
    pub(crate) server: AuditServer,
    pub(crate) administrator: Asker,
    pub(crate) browser: Browser,
    pub(crate) world: World,
}

impl Web {
    /// A new server, with an administrator who is signed in in a browser; nothing where there is no browser.
    pub(crate) fn begin() -> Option<Self> {
        Self::begin_with(None)
    }

    /// Does the same with a server on either database.
    pub(crate) fn in_both(test: impl Fn(Self)) {
        let Some(web) = Self::begin() else { return };
        test(web);
        let Some(postgres) = casemate_scratch_postgres::shared() else { return };
        Self::begin_with(Some(&postgres.database())).into_iter().for_each(test);
    }

    fn begin_with(database: Option<&str>) -> Option<Self> {
        if !browser::is_installed() {
            tools::skipped("there is no Chromium");
            return None;
        }
        let world = World::new();
        let server = AuditServer::start(&world.path("server"), database);
        let administrator = server.administrator();
        let mut web = Self { server, administrator, browser: Browser::start(), world };
        web.sign_in("admin@org.com", "/admin/events/commands");
        Some(web)
    }

    /// Signs in by the form, on the way to a page.
    pub(crate) fn sign_in(&mut self, email: &str, path: &str) {
        self.browser.go(&format!("{}{path}", self.server.address));
        self.browser.wait_for("location.pathname == '/sign-in' && document.activeElement?.id == 'email'");
        self.fill("#email", email);
        self.fill("#password", PASSWORD);
        self.browser.click("button.main");
        self.browser.wait_for(&format!("location.pathname + location.search == {}", Value::from(path)));
        self.ready();
    }

    /// Goes to a page.
    pub(crate) fn go(&mut self, path: &str) {
        self.browser.go(&format!("{}{path}", self.server.address));
        self.ready();
    }

    /// Its scripts have done what they begin with.
    fn ready(&mut self) {
        self.browser
            .wait_for("document.readyState == 'complete' && !document.querySelector('#zone')?.hidden");
    }

    /// Writes into a field.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        self.browser.click(selector);
        self.browser.evaluate(&format!("document.querySelector({}).select()", Value::from(selector)));
        self.browser.type_text(text);
    }

    /// What stands in each element that a selector finds.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        let selector = Value::from(selector);
        let found = self
            .browser
            .evaluate(&format!("[...document.querySelectorAll({selector})].map(e => e.innerText.trim())"));
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// What stands in each cell of a column.
    pub(crate) fn column(&mut self, label: &str) -> Vec<String> {
        self.texts(&format!("#log td[data-label='{label}']"))
    }

    /// A real session of bash of somebody on a target, that is over. Gives its id.
    pub(crate) fn session(&self, target: &str, user: &str, commands: &[&str]) -> String {
        let agent = self.server.with_key(&self.administrator.agent(target));
        let bytes = recording(&self.world, "cast", commands);
        let id = uuid::Uuid::now_v7().to_string();
        assert_eq!(agent.connect_as(&id, user, "cast").status, 201);
        assert_eq!(agent.patch(&id, 0, &bytes, true).status, 204);
        id
    }

    /// Nothing was refused to a page, and no script failed.
    #[track_caller]
    pub(crate) fn assert_no_complaints(&mut self) {
        self.browser.evaluate("1");
        assert!(self.browser.complaints.is_empty(), "{:?}", self.browser.complaints);
        let address = &self.server.address;
        let elsewhere: Vec<_> = self
            .browser
            .requests
            .iter()
            .filter(|url| {
                !url.starts_with(address.as_str()) && !url.starts_with("about:") && !url.starts_with("data:")
            })
            .collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    }

    /// Keeps what is to be seen, light and dark, narrow and wide, for whoever looks.
    pub(crate) fn pictures(&mut self, name: &str) {
        for (scheme, width) in [("light", 1440), ("light", 375), ("dark", 1440), ("dark", 375)] {
            self.browser.resize(width, 900);
            self.picture(name, scheme, width);
            // Nothing sticks out to the side.
            let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(self.browser.evaluate(over), 0, "{name} at {width}");
        }
        self.browser.resize(1200, 900);
    }

    /// Keeps what is to be seen now.
    pub(crate) fn picture(&mut self, name: &str, scheme: &str, width: u32) {
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        // What fades is not to be caught half-way.
        let still = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
        let picture = self.browser.picture(&still);
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(folder.join(format!("{name}-{scheme}-{width}.png")), picture).unwrap();
    }
}

/// Where pictures are kept.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/web")
}

/// Asks for a page as no browser does.
fn head(address: &str) -> ureq::http::Response<ureq::Body> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    agent.get(address).call().unwrap()
}

#[test]
fn the_first_administrator_comes_in_and_goes_out() {
    if !browser::is_installed() {
        skip!("there is no Chromium");
    }
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let link = server.link.clone().unwrap();
    let administrator = server.nobody();
    let mut web = Web { browser: Browser::start(), administrator, server, world };
    web.browser.go(&link);
    web.pictures("set-up");
    web.fill("#email", "admin@org.com");
    web.fill("#password", PASSWORD);
    web.browser.click("button.main");
    web.browser.wait_for("location.pathname == '/admin/events/commands'");
    assert_eq!(web.texts(".who .name"), ["admin@org.com"]);
    web.browser.click(".who form button");
    web.browser.wait_for("location.pathname == '/sign-in'");
    // Whoever asked for something is led there, once he has signed in.
    let asked = "/admin/events/user-events?serviceActions=subjects:signin&last=1h";
    web.go_out(asked);
    web.pictures("sign-in");
    web.fill("#email", "admin@org.com");
    web.fill("#password", "wrong horse battery");
    web.browser.click("button.main");
    web.browser.wait_for("document.querySelector('[role=alert]')");
    assert_eq!(web.texts("[role=alert]"), ["there is nobody of that name with that password"]);
    // A refused sign-in has the status of one, which browsers write down.
    web.browser.complaints.retain(|said| !said.contains("401"));
    web.fill("#password", PASSWORD);
    web.browser.click("button.main");
    web.browser.wait_for(&format!("location.pathname + location.search == '{asked}'"));
    assert_eq!(web.column("Allowed"), ["allowed", "refused"]);
    web.assert_no_complaints();
}

impl Web {
    fn go_out(&mut self, path: &str) {
        self.browser.go(&format!("{}{path}", self.server.address));
        self.browser.wait_for("location.pathname == '/sign-in'");
    }
}

#[test]
fn another_site_signs_nobody_in() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let _administrator = server.administrator();
    let form = format!("token=none&email=admin%40org.com&password={}", PASSWORD.replace(' ', "+"));
    let status = |path: &str, said: &[(&str, &str)]| {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(said);
        server.nobody().send("POST", path, &headers, form.as_bytes()).status
    };
    for said in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(status("/sign-in", &[said]), 403, "{said:?}");
        assert_eq!(status("/set-up", &[said]), 403, "{said:?}");
    }
    // Who is let in is led on.
    let own = server.address.clone();
    assert_eq!(status("/sign-in", &[("origin", &own), ("sec-fetch-site", "same-origin")]), 200);
    assert_eq!(status("/sign-in", &[]), 200);
}

#[test]
fn pages_say_to_browsers_what_they_may() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let response = head(&format!("{}/sign-in", server.address));
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(header("cache-control"), "no-store");
    for path in [
        "/admin/events/commands?last=1h",
        "/admin/events/connections/1?at=2",
        "/admin/events/user-events/live",
    ] {
        let response = head(&format!("{}{path}", server.address));
        assert_eq!(response.status(), 303, "{path}");
        let there = response.headers()["location"].to_str().unwrap();
        assert!(there.starts_with("/sign-in?next=%2Fadmin%2F"), "{there}");
    }
    let mut page = head(&format!("{}/sign-in", server.address));
    let page = page.body_mut().read_to_string().unwrap();
    for (_, rest) in page.match_indices("/assets/").map(|(at, _)| page.split_at(at)) {
        let asset = head(&format!("{}{}", server.address, rest.split('"').next().unwrap()));
        assert_eq!(asset.status(), 200);
        assert!(asset.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(head(&format!("{}/assets/app.js", server.address)).status(), 404);
}

#[test]
fn forms_of_others_do_nothing() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator().without("x-csrf-token");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = |path: &str, headers: &[(&str, &str)], body: &str| {
        administrator.send("POST", path, &[&form[..], headers].concat(), body.as_bytes()).status
    };
    assert_eq!(sent("/sign-out", &[], "csrf=csrf0"), 403);
    assert_eq!(sent("/sign-out", &[], ""), 403);
    assert_eq!(administrator.json("me")["role"], "Administrator");
    let evil = [("sec-fetch-site", "cross-site")];
    let credentials = format!("email=admin@org.com&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(
        server.nobody().send("POST", "/sign-in", &[&form[..], &evil].concat(), credentials.as_bytes()).status,
        403
    );
}

#[test]
fn each_role_sees_what_is_its_own() {
    let Some(mut web) = Web::begin() else { return };
    let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
    drop(web.server.set_up(invited["link"].as_str().unwrap(), None));
    web.session("web-1", "alice@org.com", &["echo hers"]);
    web.session("web-2", "bob@org.com", &["echo his"]);
    web.go("/admin/events/commands");
    assert!(web.column("SSO user").iter().any(|name| name == "bob@org.com"));
    web.browser.click(".who form button");
    web.browser.wait_for("location.pathname == '/sign-in'");
    web.sign_in("alice@org.com", "/admin/events/commands");
    for (page, column) in [
        ("commands", "SSO user"),
        ("connections", "SSO user"),
        ("connection-events", "SSO user"),
        ("user-events", "User"),
    ] {
        web.go(&format!("/admin/events/{page}"));
        let names = web.column(column);
        assert!(!names.is_empty() && names.iter().all(|name| name == "alice@org.com"), "{page}: {names:?}");
        let asked = web.browser.evaluate(&format!(
            "fetch('/admin/events/{page}/values?field=subjectName&prefix=bob').then(answer => answer.text())"
        ));
        assert!(!asked.as_str().unwrap().contains("bob"), "{asked}");
    }
    web.assert_no_complaints();
    // An agent has no page, and whoever asks for what there is not is told so in words.
    let other = web.server.with_key(&web.administrator.agent("web-3"));
    let refused = other.get("/admin/events/commands");
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("<h1>That is not for you</h1>"), "{}", refused.text);
    let auditor = web.server.with_key(&web.administrator.key("Auditor"));
    assert_eq!(auditor.get("/admin/events/commands").status, 200);
    let wrong = auditor.get("/admin/events/commands?colour=red");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("there is no such parameter here"), "{}", wrong.text);
    assert_eq!(auditor.get("/admin/events/nothing").status, 404);
    // What was looked at is in the log, as calls of the API are.
    let events =
        web.administrator.json("events/subject?serviceActions=events:list&subjectNames=alice@org.com");
    assert!(events.as_array().unwrap().iter().any(|event| event["resource"] == "command"), "{events}");
}
