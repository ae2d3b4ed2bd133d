//! The page of recordings in a real browser: by whom, on what, when; taken away, and deleted.

use casemate_tests::{LONG, wait_until};
use serde_json::{Value, json};

use crate::web::Web;

/// What is offered at the right of each row.
fn acts(web: &mut Web) -> Vec<String> {
    let found = web.browser.evaluate(
        "[...document.querySelectorAll('td.acts')].map(acts => [...acts.querySelectorAll(':scope > a, summary, .kept')]\
            .map(act => act.firstChild.textContent).join(' '))",
    );
    found.as_array().unwrap().iter().map(|acts| acts.as_str().unwrap().to_owned()).collect()
}

#[test]
fn recordings_are_listed_by_person_taken_away_and_deleted() {
    Web::in_both(|mut web| {
        let first = web.session("web-1", "alice@org.com", &["echo one"]);
        let held = web.session("web-2", "alice@org.com", &["echo two"]);
        web.session("web-4", "bob@org.com", &["echo three"]);
        let hold = format!("/session-recordings/{held}/hold");
        let held_now = web.administrator.send(
            "PUT",
            &hold[1..],
            &[("content-type", "application/json")],
            br#"{"reason":"case 7"}"#,
        );
        assert_eq!(held_now.status, 200, "{}", held_now.text);
        let agent = web.server.with_key(&web.administrator.agent("web-3"));
        agent.connect("carol@org.com", "cast");
        // Beneath each name what is its own, with what can be done at the right.
        web.go("/admin/session-recordings");
        assert_eq!(web.texts("tbody.group h2"), ["alice@org.com", "bob@org.com", "carol@org.com"]);
        assert_eq!(web.texts("td.sum span:first-child"), ["2 sessions", "1 session", "1 session"]);
        assert_eq!(web.texts("tbody.group:first-of-type td[data-label=Target]"), ["web-2", "web-1"]);
        assert_eq!(
            acts(&mut web),
            ["View Download on hold", "View Download Delete", "View Download Delete", "View Download open"]
        );
        web.pictures("recordings");
        web.browser.click("tbody.group h2 a");
        web.browser.wait_for("location.search == '?of=alice@org.com' && document.querySelectorAll('table.recordings tbody tr').length == 2");
        assert_eq!(web.texts(".of h2"), ["alice@org.com"]);
        web.pictures("recordings-of");
        web.browser.click(".of a");
        web.browser.wait_for("location.search == '' && document.querySelector('tbody.group')");
        web.go("/admin/session-recordings?by=time");
        let mut offered = acts(&mut web);
        offered.sort();
        assert_eq!(
            offered,
            ["View Download Delete", "View Download Delete", "View Download on hold", "View Download open"]
        );
        // What is downloaded is what the API gives.
        let downloaded = web.browser.evaluate(&format!(
        "fetch(document.querySelector('[data-id=\"{first}\"] .download').href).then(answer => answer.text())"
    ));
        let given = web.administrator.get(&format!("session-recordings/{first}")).text;
        assert!(given.contains("echo one"));
        assert_eq!(downloaded, Value::from(given));
        // On what, and by a filter.
        web.browser.click(".choice a[href*='by=target']");
        web.browser.wait_for("location.search == '?by=target' && document.querySelector('.choice [aria-current]').innerText == 'By target'");
        assert_eq!(web.texts("tbody.group h2"), ["web-1", "web-2", "web-3", "web-4"]);
        web.fill("#subjectNames", "alice@org.com");
        web.browser.press("Enter");
        web.browser.wait_for("location.search.includes('subjectNames=alice%40org.com') && document.querySelectorAll('tbody.group').length == 2");
        assert!(web.browser.evaluate("location.search").as_str().unwrap().contains("by=target"));
        web.go("/admin/session-recordings?by=time&subjectNames=alice@org.com");
        assert_eq!(web.texts("table.recordings tbody tr").len(), 2);
        // Deleted, with a reason, and back to the same list.
        web.browser.click(&format!("[data-id='{first}'] details.act summary"));
        web.pictures("recordings-delete");
        web.fill(&format!("[data-id='{first}'] input[name=reason]"), "asked by alice");
        web.browser.click(&format!("[data-id='{first}'] button.danger"));
        web.browser.wait_for("document.querySelectorAll('table.recordings tbody tr').length == 1");
        assert!(web.browser.evaluate("location.search").as_str().unwrap().contains("by=time"));
        let gone = web.administrator.get(&format!("session-recordings/{first}"));
        assert!(gone.status == 410 && gone.text.contains("asked by alice"), "{}", gone.text);
        // The same where they stand by person, or by target.
        let last = web.session("web-5", "dora@org.com", &["echo four"]);
        web.go("/admin/session-recordings?by=target&subjectNames=dora@org.com,bob@org.com");
        assert_eq!(web.texts("tbody.group h2"), ["web-4", "web-5"]);
        web.browser.click(&format!("[data-id='{last}'] details.act summary"));
        web.fill(&format!("[data-id='{last}'] input[name=reason]"), "asked by dora");
        web.browser.click(&format!("[data-id='{last}'] button.danger"));
        web.browser.wait_for("document.querySelectorAll('tbody.group').length == 1");
        assert_eq!(
            web.browser.evaluate("location.search + location.hash"),
            "?subjectNames=dora@org.com,bob@org.com&by=target#of-1"
        );
        // From there to the session.
        web.go("/admin/session-recordings");
        web.browser.click(&format!("[data-id='{held}'] .view"));
        web.browser.wait_for(&format!("location.pathname == '/admin/sessions/{held}'"));
        web.assert_no_complaints();
    });
}

#[test]
fn recordings_are_deleted_only_by_whoever_may_and_as_they_are() {
    let Some(mut web) = Web::begin() else { return };
    let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
    let alice = web.server.set_up(invited["link"].as_str().unwrap(), None);
    let hers = web.session("web-1", "alice@org.com", &["echo hers"]);
    web.session("web-2", "bob@org.com", &["echo his"]);
    let names = alice.get("/admin/session-recordings").text;
    assert!(names.contains("of=alice@org.com") && !names.contains("bob@org.com"), "{names}");
    let not_hers = alice.get("/admin/session-recordings?of=bob@org.com").text;
    assert!(not_hers.contains("Nothing is recorded of that name") && !not_hers.contains("data-id"));
    let page = alice.get("/admin/session-recordings?by=time").text;
    assert!(page.contains(&hers) && !page.contains("bob@org.com") && !page.contains("/delete"), "{page}");
    let auditor = web.server.with_key(&web.administrator.key("Auditor"));
    let page = auditor.get("/admin/session-recordings?of=bob@org.com").text;
    assert!(page.contains("bob@org.com") && !page.contains("/delete"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let delete = |asker: &casemate_tests::Asker, id: &str| {
        asker.send("POST", &format!("/admin/session-recordings/{id}/delete"), &form, b"reason=none&csrf=x")
    };
    assert_eq!(delete(&alice, &hers).status, 403);
    assert_eq!(delete(&auditor, &hers).status, 403);
    // Without the token of the sign-in it was somebody else's page.
    assert_eq!(delete(&web.administrator.without("x-csrf-token"), &hers).status, 403);
    let agent = web.server.with_key(&web.administrator.agent("web-3"));
    let open = agent.connect("carol@org.com", "cast");
    let refused = delete(&web.administrator, &open);
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("its session goes on"), "{}", refused.text);
    // It leads on to a page, and the recording is gone.
    assert_eq!(delete(&web.administrator, &hers).status, 200);
    assert_eq!(alice.get(&format!("session-recordings/{hers}")).status, 410);
    // From a command to its moment.
    web.go("/admin/events/commands?subjectNames=bob@org.com");
    let commands = web.column("Command");
    let at = commands.iter().position(|command| command == "echo his").unwrap() + 1;
    web.browser.click(&format!("#log tbody tr:nth-child({at}) a.play"));
    web.browser.wait_for(
        "location.pathname.startsWith('/admin/sessions/') && /^\\?t=[0-9.]+$/.test(location.search)",
    );
    web.browser
        .wait_for("document.querySelector('#commands li[aria-current] code')?.innerText == 'echo his'");
    web.assert_no_complaints();
}

#[test]
fn each_recording_has_a_still_and_to_list_them_is_one_call() {
    let Some(mut web) = Web::begin() else { return };
    let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
    let alice = web.server.set_up(invited["link"].as_str().unwrap(), None);
    let hers = web.session("web-1", "alice@org.com", &["echo '<b>seen</b>'"]);
    let his = web.session("web-2", "bob@org.com", &["echo his"]);
    let looks = |web: &Web| {
        let events = web.administrator.json("events/subject?serviceActions=sessionrecordings:get");
        events.as_array().unwrap().len()
    };
    web.go("/admin/session-recordings?by=time");
    let address = |web: &mut Web, id: &str| {
        let source = format!("document.querySelector('[data-id=\"{id}\"] td.still img').getAttribute('src')");
        web.browser.evaluate(&source).as_str().unwrap().to_owned()
    };
    let (of_hers, of_his) = (address(&mut web, &hers), address(&mut web, &his));
    // Films are made soon after recordings are complete.
    let still = wait_until("there is a still", LONG, || {
        let still = web.administrator.get(&of_hers);
        still.text.contains("seen").then_some(still)
    });
    assert_eq!(still.header("content-type"), Some("image/svg+xml"));
    assert!(still.text.contains("&lt;b&gt;") && !still.text.contains("<b>"), "{}", still.text);
    web.browser.wait_for("[...document.querySelectorAll('td.still img')].every(one => one.naturalWidth > 0)");
    // It is kept by whoever has seen it, at an address that stays.
    let tag = still.header("etag").unwrap().to_owned();
    let again = web.administrator.send("GET", &of_hers, &[("if-none-match", &tag)], b"");
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    web.go("/admin/session-recordings?by=time");
    assert_eq!(address(&mut web, &hers), of_hers);
    assert_eq!(looks(&web), 0);
    // Whoever asks for one by itself looks at the recording; so does whoever comes with what was given to another.
    let (bare, ticket) = of_hers.split_once('?').unwrap();
    assert_eq!(web.administrator.get(bare).status, 200);
    assert_eq!(alice.get(&of_hers).status, 200);
    let played = format!("session-recordings/{hers}/player/0?{ticket}");
    assert_eq!(web.administrator.get(&played).status, 200);
    assert_eq!(looks(&web), 3);
    assert_eq!(alice.get(&of_his).status, 404);
    assert!(!web.server.nobody().get(&of_his).text.contains("<svg"));
    web.go(&format!("/admin/sessions/{hers}"));
    assert!(web.texts(".looks li").iter().any(|look| look.contains("saw a still of it")));
    web.assert_no_complaints();
}

#[test]
fn names_come_page_by_page_each_with_its_newest_few() {
    Web::in_both(|mut web| {
        let agent = web.server.with_key(&web.administrator.agent("web-1"));
        let mut of_first = Vec::new();
        for person in 0..12 {
            for _ in 0..7 {
                let id = agent.connect(&format!("person-{person:02}@org.com"), "cast");
                if person == 0 {
                    of_first.push(id);
                }
            }
        }
        web.go("/admin/session-recordings");
        let names = web.texts("tbody.group h2");
        assert_eq!(
            (names.len(), names[0].as_str(), names[9].as_str()),
            (10, "person-00@org.com", "person-09@org.com")
        );
        let ids = |web: &mut Web, rows: &str| {
            let found = web.browser.evaluate(&format!(
                "[...document.querySelectorAll('{rows} tr[data-id]')].map(row => row.dataset.id)"
            ));
            serde_json::from_value::<Vec<String>>(found).unwrap()
        };
        let newest: Vec<_> = of_first.iter().rev().cloned().collect();
        assert_eq!(ids(&mut web, "#of-0"), newest[..5]);
        assert_eq!(ids(&mut web, "main").len(), 50);
        assert_eq!(web.texts("a.all"), vec!["All 7"; 10]);
        let light = web.administrator.get("/admin/session-recordings").text.len();
        assert!(light < 100_000, "{light} bytes");
        web.browser.click("#of-0 a.all");
        web.browser.wait_for("location.search == '?of=person-00@org.com' && document.querySelectorAll('tr[data-id]').length == 7");
        assert_eq!(ids(&mut web, "main"), newest);
        // The other order is of what stands beneath the names as well.
        web.go("/admin/session-recordings?sort=asc");
        assert_eq!(ids(&mut web, "#of-0"), of_first[..5]);
        web.browser.click("#next");
        web.browser.wait_for("location.search == '?sort=asc&after=person-09@org.com' && document.querySelectorAll('tbody.group').length == 2");
        web.browser.click("#newest");
        web.browser.wait_for(
            "location.search == '?sort=asc' && document.querySelectorAll('tbody.group').length == 10",
        );
        // By keys from row to row, also those of names.
        web.browser.press("j");
        web.browser.press("Enter");
        web.browser.wait_for("location.search == '?sort=asc&of=person-00@org.com'");
        web.go("/admin/session-recordings?by=target&connectionState=Open");
        assert_eq!((web.texts("a.all"), ids(&mut web, "main").len()), (vec!["All 84".to_owned()], 5));
        web.go("/admin/session-recordings?subjectNames=nobody@org.com");
        assert_eq!(
            web.texts(".empty"),
            ["Nothing is as the filter says. Ask for less, or clear the filter."]
        );
        web.assert_no_complaints();
    });
}

#[test]
fn what_goes_on_has_a_still_of_now_if_its_film_is_at_hand() {
    let Some(mut web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let open = agent.connect("carol@org.com", "cast");
    let first = b"{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"<b>first\"]\n";
    assert_eq!(agent.patch(&open, 0, first, false).status, 204);
    web.go("/admin/session-recordings?by=time");
    let of = |web: &mut Web, what: &str| {
        let found = format!("document.querySelector('[data-id=\"{open}\"] td.still {what}");
        web.browser.evaluate(&found).as_str().unwrap().to_owned()
    };
    assert_eq!(of(&mut web, "span').innerText"), "live");
    let still = of(&mut web, "img').getAttribute('src')");
    // No film is begun for it.
    for _ in 0..3 {
        let empty = web.administrator.get(&still);
        assert_eq!((empty.status, empty.header("etag"), empty.text.contains("first")), (200, None, false));
    }
    // Whoever looks at the session has one made.
    assert_eq!(web.administrator.get(&format!("session-recordings/{open}/player")).status, 200);
    let seen = web.administrator.get(&still);
    assert!(seen.text.contains("&lt;b&gt;first") && seen.header("etag").is_some(), "{}", seen.text);
    let second = b"[0.7,\"o\",\"\\u001b[2J\\u001b[Hsecond\"]\n";
    assert_eq!(agent.patch(&open, first.len(), second, false).status, 204);
    let tag = seen.header("etag").unwrap().to_owned();
    // One that was made a moment ago is good for that long, and says of how much it is.
    let seen = wait_until("it is of now", LONG, || {
        let seen = web.administrator.send("GET", &still, &[("if-none-match", &tag)], b"");
        assert!(seen.status == 200 && (seen.header("etag") == Some(&*tag)) == seen.text.contains("first"));
        seen.text.contains("second").then_some(seen)
    });
    assert!(!seen.text.contains("first"), "{}", seen.text);
    web.go("/admin/session-recordings?by=time");
    web.browser.wait_for("document.querySelector('td.still img').naturalWidth > 0");
    web.pictures("recordings-open");
    // With the list it was written down that it was looked at, and not for longer than that may take.
    let events = web.administrator.json("events/subject?serviceActions=sessionrecordings:get");
    assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
    // Of what is complete it is another.
    let size = first.len() + second.len();
    assert_eq!(agent.patch(&open, size, b"", true).status, 204);
    let tag = seen.header("etag").unwrap().to_owned();
    let seen = web.administrator.send("GET", &still, &[("if-none-match", &tag)], b"");
    assert_eq!(seen.status, 200);
    assert_eq!(web.server.with_key(&web.administrator.key("User")).get(&still).status, 404);
    web.assert_no_complaints();
}
