//! Each page in a real browser by each role: what is seen, what is offered, and what is refused, whatever is offered.

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::{Value, json};

use crate::web::Web;

/// Who looks; `None` has not signed in. What an administrator may do comes last, because it is done.
const WHO: [Option<&str>; 4] = [None, Some("alice@org.com"), Some("auditor@org.com"), Some("admin@org.com")];

/// What is on the page that is shown: its status, its heading, whose things are on it, and what can be done.
const LOOK: &str = "(() => { \
    const texts = (selector) => [...new Set([...document.querySelectorAll(selector)].filter(e => e.checkVisibility()) \
        .map(e => e.textContent.trim()))].join(', '); \
    const main = document.querySelector('main').innerText; \
    const whose = ['alice', 'bob'].filter(name => main.includes(`${name}@org.com`)).join(', '); \
    const [{ responseStatus }] = performance.getEntriesByType('navigation'); \
    const offered = texts('main details.menu > summary, main [data-act], main a[download], main .acts :is(a, summary), \
        main .acts form.press button, main details.add > summary'); \
    return [responseStatus, texts('h1'), whose, offered, texts('header nav a'), texts('nav.choice a')]; })()";

/// People, and a session of two of them.
struct People {
    hers: String,
    his: String,
    web: Web,
}

impl People {
    fn begin() -> Option<Self> {
        let web = Web::begin()?;
        for (email, role) in [("alice@org.com", "User"), ("auditor@org.com", "Auditor")] {
            let invited = web.administrator.post("users", &json!({ "email": email, "role": role })).json();
            drop(web.server.set_up(invited["link"].as_str().unwrap(), None));
        }
        let hers = web.session("web-1", "alice@org.com", &["echo hers"]);
        let his = web.session("web-2", "bob@org.com", &["echo his"]);
        Some(Self { hers, his, web })
    }

    /// Becomes somebody.
    fn become_(&mut self, who: Option<&str>) {
        self.web.browser.forget();
        if let Some(who) = who {
            self.web.sign_in(who, "/admin/search");
        }
    }

    /// The same in every run.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.hers, "HERS").replace(&self.his, "HIS")
    }
}

#[test]
fn each_role_sees_and_is_offered_what_is_for_it() {
    let Some(mut people) = People::begin() else { return };
    let events = people.web.administrator.json("events/command?subjectNames=bob@org.com");
    let text = |name: &str| events[0][name].as_str().unwrap().to_owned();
    let event = format!("/admin/events/commands/{}?of={}", text("id"), text("connectionId"));
    let mut paths: Vec<String> =
        ["commands", "kubernetes-commands", "connections", "connection-events", "user-events"]
            .map(|log| format!("/admin/events/{log}"))
            .into();
    paths.extend([
        event.clone(),
        format!("/admin/sessions/{}", people.hers),
        format!("/admin/sessions/{}", people.his),
        "/admin/session-recordings".to_owned(),
        "/admin/session-recordings?by=time".to_owned(),
        "/admin/search?text=echo".to_owned(),
    ]);
    let sections = ["people", "keys", "service-accounts", "targets", "environments", "spaces"];
    paths.extend(sections.map(|section| format!("/admin/settings/{section}")));
    let mut seen = String::new();
    for who in WHO {
        people.become_(who);
        writeln!(seen, "{}", who.unwrap_or("nobody")).unwrap();
        let (mut ways, mut choices) = (Value::Null, Value::Null);
        for path in &paths {
            let address = format!("{}{path}", people.web.server.address);
            people.web.browser.go(&address);
            people.web.browser.wait_for("document.readyState == 'complete' && document.querySelector('h1')");
            let [status, title, whose, offered, way, choice] =
                serde_json::from_value::<[Value; 6]>(people.web.browser.evaluate(LOOK)).unwrap();
            let path =
                people.plain(&path.replace(&event, "/admin/events/commands/HIS")).replace("/admin", "");
            let of = |value: &Value| value.as_str().unwrap().to_owned();
            let line = format!("  {path}: {status} {} [{}] {}", of(&title), of(&whose), of(&offered));
            writeln!(seen, "{}", line.trim_end()).unwrap();
            if status == 200 && who.is_some() {
                (ways, choices) = (way, choice);
            }
        }
        if who.is_some() {
            writeln!(seen, "  ways: {}; {}", ways.as_str().unwrap(), choices.as_str().unwrap()).unwrap();
        }
    }
    expect![[r#"
        nobody
          /events/commands: 200 Sign in []
          /events/kubernetes-commands: 200 Sign in []
          /events/connections: 200 Sign in []
          /events/connection-events: 200 Sign in []
          /events/user-events: 200 Sign in []
          /events/commands/HIS: 200 Sign in []
          /sessions/HERS: 200 Sign in []
          /sessions/HIS: 200 Sign in []
          /session-recordings: 200 Sign in []
          /session-recordings?by=time: 200 Sign in []
          /search?text=echo: 200 Sign in []
          /settings/people: 200 Sign in []
          /settings/keys: 200 Sign in []
          /settings/service-accounts: 200 Sign in []
          /settings/targets: 200 Sign in []
          /settings/environments: 200 Sign in []
          /settings/spaces: 200 Sign in []
        alice@org.com
          /events/commands: 200 Commands [alice] Columns, Export
          /events/kubernetes-commands: 200 Kubernetes commands [] Columns, Export
          /events/connections: 200 Connections [alice] Columns, Export
          /events/connection-events: 200 Connection events [alice] Columns, Export
          /events/user-events: 200 User events [alice] Columns, Export
          /events/commands/HIS: 404 There is no such page []
          /sessions/HERS: 200 alice@org.com on web-1 as deploy [alice] Download .cast
          /sessions/HIS: 404 There is no such page []
          /session-recordings: 200 Session recordings [alice] View, Download
          /session-recordings?by=time: 200 Session recordings [alice] View, Download
          /search?text=echo: 200 Search [alice]
          /settings/people: 403 That is not for you []
          /settings/keys: 403 That is not for you []
          /settings/service-accounts: 403 That is not for you []
          /settings/targets: 200 Settings []
          /settings/environments: 200 Settings []
          /settings/spaces: 200 Settings [alice] Make a space, Close
          ways: Commands, Kubernetes commands, Connections, Connection events, User events, Session recordings, Search, Settings; Targets, Environments, Spaces
        auditor@org.com
          /events/commands: 200 Commands [alice, bob] Columns, Export
          /events/kubernetes-commands: 200 Kubernetes commands [] Columns, Export
          /events/connections: 200 Connections [alice, bob] Columns, Export
          /events/connection-events: 200 Connection events [alice, bob] Columns, Export
          /events/user-events: 200 User events [alice, bob] Columns, Export
          /events/commands/HIS: 200 Command [bob]
          /sessions/HERS: 200 alice@org.com on web-1 as deploy [alice] Download .cast
          /sessions/HIS: 200 bob@org.com on web-2 as deploy [bob] Download .cast
          /session-recordings: 200 Session recordings [alice, bob] View, Download
          /session-recordings?by=time: 200 Session recordings [alice, bob] View, Download
          /search?text=echo: 200 Search [alice, bob]
          /settings/people: 200 Settings [alice, bob]
          /settings/keys: 200 Settings []
          /settings/service-accounts: 200 Settings []
          /settings/targets: 200 Settings []
          /settings/environments: 200 Settings []
          /settings/spaces: 200 Settings [alice, bob]
          ways: Commands, Kubernetes commands, Connections, Connection events, User events, Session recordings, Search, Settings; People, Keys, Service accounts, Targets, Environments, Spaces
        admin@org.com
          /events/commands: 200 Commands [alice, bob] Columns, Export
          /events/kubernetes-commands: 200 Kubernetes commands [] Columns, Export
          /events/connections: 200 Connections [alice, bob] Columns, Export
          /events/connection-events: 200 Connection events [alice, bob] Columns, Export
          /events/user-events: 200 User events [alice, bob] Columns, Export
          /events/commands/HIS: 200 Command [bob]
          /sessions/HERS: 200 alice@org.com on web-1 as deploy [alice] Download .cast, Hold, Delete
          /sessions/HIS: 200 bob@org.com on web-2 as deploy [bob] Download .cast, Hold, Delete
          /session-recordings: 200 Session recordings [alice, bob] View, Download, Delete
          /session-recordings?by=time: 200 Session recordings [alice, bob] View, Download, Delete
          /search?text=echo: 200 Search [alice, bob]
          /settings/people: 200 Settings [alice, bob] Add a person, Role, New link, Disable, Remove
          /settings/keys: 200 Settings [] Make a key, Take back
          /settings/service-accounts: 200 Settings [] Add a service account
          /settings/targets: 200 Settings [] Register a target, Change, Delete
          /settings/environments: 200 Settings [] Add an environment
          /settings/spaces: 200 Settings [alice, bob] Make a space, Close
          ways: Commands, Kubernetes commands, Connections, Connection events, User events, Session recordings, Search, Settings; People, Keys, Service accounts, Targets, Environments, Spaces
    "#]].assert_eq(&seen);
}

#[test]
fn each_role_is_refused_what_is_not_for_it() {
    let Some(mut people) = People::begin() else { return };
    let agent = people.web.server.with_key(&people.web.administrator.agent("web-3"));
    let open = agent.connect("bob@org.com", "cast");
    let People { hers, his, .. } = &people;
    let form = |body: &str| ("application/x-www-form-urlencoded", body.to_owned());
    let data = |body: Value| ("application/json", body.to_string());
    let none = ("text/plain", String::new());
    let calls = [
        ("GET", format!("/api/v2/session-recordings/{hers}"), none.clone()),
        ("GET", format!("/api/v2/session-recordings/{his}"), none.clone()),
        ("GET", format!("/api/v2/session-recordings/{his}/player"), none.clone()),
        ("GET", "/api/v2/events/command/export?format=csv".to_owned(), none.clone()),
        ("GET", "/admin/events/user-events/values?field=subjectName&prefix=".to_owned(), none.clone()),
        ("PUT", format!("/api/v2/session-recordings/{hers}/hold"), data(json!({ "reason": "x" }))),
        ("DELETE", format!("/api/v2/session-recordings/{hers}/hold"), none.clone()),
        ("PATCH", format!("/api/v2/connections/{open}/close"), data(json!({ "reason": "x" }))),
        ("DELETE", format!("/api/v2/session-recordings/{his}?reason=x"), none.clone()),
        ("POST", format!("/admin/session-recordings/{hers}/delete"), form("reason=x")),
        (
            "POST",
            "/admin/settings/people".to_owned(),
            form("what=person&email=new@org.com&role=Administrator"),
        ),
        ("POST", "/admin/settings/keys".to_owned(), form("what=key&name=new&role=Administrator")),
        ("POST", "/admin/settings/targets".to_owned(), form("what=target&targetName=new&kind=bzero")),
        ("POST", "/admin/settings/environments".to_owned(), form("what=environment&name=new")),
        ("POST", "/admin/settings/spaces".to_owned(), form("what=space&name=mine")),
    ];
    let mut answered: Vec<String> = calls
        .iter()
        .map(|(method, path, _)| people.plain(&format!("{method} {path}")).replace(&open, "OPEN"))
        .collect();
    for who in WHO {
        people.become_(who);
        if who.is_none() {
            let sign_in = format!("{}/sign-in", people.web.server.address);
            people.web.browser.go(&sign_in);
        }
        for ((method, path, (kind, body)), answered) in calls.iter().zip(&mut answered) {
            // Once with what the sign-in gave, and once without, as a page of somebody else would.
            let said = |token: &str| {
                format!(
                    "(() => {{ const csrf = document.querySelector('[name=csrf]')?.value ?? ''; const form = {kind:?}.endsWith('urlencoded'); \
                 return fetch({path:?}, {{ method: {method:?}, redirect: 'manual', headers: {{ 'content-type': {kind:?}, 'x-csrf-token': {token} }}, \
                 body: {method:?} == 'GET' ? undefined : {body:?} + (form ? `&csrf=${{{token}}}` : '') }}) \
                 .then(answer => answer.type == 'opaqueredirect' ? 'on' : String(answer.status)) }})()"
                )
            };
            if *method != "GET" && who.is_some() {
                assert_eq!(people.web.browser.evaluate(&said("'other'")), "403", "{who:?}: {path}");
            }
            let status = people.web.browser.evaluate(&said("csrf"));
            write!(answered, " {}", status.as_str().unwrap()).unwrap();
        }
    }
    let answered = answered.join("\n") + "\n";
    expect![[r#"
        GET /api/v2/session-recordings/HERS 401 200 200 200
        GET /api/v2/session-recordings/HIS 401 404 200 200
        GET /api/v2/session-recordings/HIS/player 401 404 200 200
        GET /api/v2/events/command/export?format=csv 401 200 200 200
        GET /admin/events/user-events/values?field=subjectName&prefix= on 200 200 200
        PUT /api/v2/session-recordings/HERS/hold 401 403 403 200
        DELETE /api/v2/session-recordings/HERS/hold 401 403 403 200
        PATCH /api/v2/connections/OPEN/close 401 404 403 204
        DELETE /api/v2/session-recordings/HIS?reason=x 401 403 403 204
        POST /admin/session-recordings/HERS/delete on 403 403 on
        POST /admin/settings/people on 403 403 200
        POST /admin/settings/keys on 403 403 200
        POST /admin/settings/targets on 403 403 200
        POST /admin/settings/environments on 403 403 on
        POST /admin/settings/spaces on on 403 on
    "#]]
    .assert_eq(&answered);
}
