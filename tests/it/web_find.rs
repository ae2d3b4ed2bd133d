//! What is looked for on the page of a session in a real browser: anywhere in any of its commands, and in its output.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use casemate_tests::{Asker, LONG, wait_until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::web::Web;

/// More than the page lists.
const MANY: usize = 2300;

/// A session in which these commands are run, one a second.
fn session(agent: &Asker, user: &str, commands: impl Iterator<Item = String>, is_over: bool) -> String {
    let mut text = json!({ "version": 2, "width": 80, "height": 24 }).to_string() + "\n";
    for (second, command) in commands.enumerate() {
        let run = format!(
            "\x1b]133;A\x07$ \x1b]133;B\x07{command}\r\n\x1b]133;C\x07of {second}\r\n\x1b]133;D;0\x07"
        );
        writeln!(text, "{}", json!([second, "o", run])).unwrap();
    }
    let id = Uuid::now_v7().to_string();
    assert_eq!(agent.connect_as(&id, user, "cast").status, 201);
    let (mut offset, mut pieces) = (0, text.as_bytes().chunks(1 << 16).peekable());
    while let Some(piece) = pieces.next() {
        let is_last = is_over && pieces.peek().is_none();
        let answer = agent.patch(&id, offset, piece, is_last);
        assert_eq!(answer.status, 204, "{}", answer.text);
        offset += piece.len();
    }
    id
}

/// Looks for a text, and waits for what is said of it.
fn find(web: &mut Web, text: &str, said: &str) {
    web.fill("#find-text", text);
    web.browser.press("Enter");
    web.browser.wait_for(&format!("document.querySelector('#said').innerText.startsWith('{said}')"));
}

#[test]
fn a_text_is_found_anywhere_in_any_command() {
    Web::in_both(|mut web| {
        let agent = web.server.with_key(&web.administrator.agent("web-1"));
        let long = "x".repeat(300);
        let commands = (0..MANY).map(|number| match number {
            5 => format!("echo {long} The-End-Of-It"),
            2250 => format!("echo <b>{long}</b> the-end-OF-IT"),
            _ => format!("echo number {number}"),
        });
        let id = session(&agent, "alice@org.com", commands, true);
        let count =
            || web.administrator.json(&format!("session-recordings/search?text=of%205&connectionIds={id}"));
        wait_until("it is indexed", LONG, || (!count().as_array().unwrap().is_empty()).then_some(()));
        web.go(&format!("/admin/sessions/{id}"));
        web.browser.wait_for("document.querySelector('#prepared').dataset.film == 'whole'");
        web.browser.wait_for("document.querySelector('#player .ap-line')");
        let listed = "document.querySelectorAll('#commands > li').length";
        assert_eq!(web.browser.evaluate(listed), 2000);
        assert!(!web.texts("#commands > li").iter().any(|command| command.contains("End-Of-It")));
        find(&mut web, "THE-END-of-it", "2 commands, ");
        let found = web.texts("#found ol:first-of-type code");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].ends_with("x The-End-Of-It") && found[1].ends_with("x</b> the-end-OF-IT"),
            "{found:?}"
        );
        assert_eq!(web.browser.evaluate("document.querySelectorAll('#commands li.found').length"), 1);
        // What stood on the screen is found as well: each has its place on the timeline.
        let places = "document.querySelectorAll('#hits rect').length >= 2";
        assert_eq!(web.browser.evaluate(places), true);
        web.pictures("session-found");
        // One that is not in the list leads to its moment.
        web.browser.evaluate("document.querySelector('#found ol:first-of-type li:nth-child(2) a').click()");
        web.browser.wait_for("/^\\?t=22(49|50|51)/.test(location.search)");
        // Nothing is left of it where nothing is found, and a text that is everywhere has a bound.
        find(&mut web, "nothing-like-it", "0 commands, 0 lines of output");
        assert_eq!(
            web.browser.evaluate("document.querySelectorAll('#hits rect, #found li, li.found').length"),
            0
        );
        find(&mut web, "echo number", "200 commands and more, ");
        // So short a text is in no index.
        find(&mut web, "<b", "1 command, ");
        // All of it can be read.
        web.browser.evaluate("document.querySelector('#commands a.whole').click()");
        web.browser.wait_for("location.pathname.startsWith('/admin/events/commands/')");
        web.browser.wait_for("document.body.innerText.includes('The-End-Of-It')");
        web.assert_no_complaints();
    });
}

#[test]
fn whatever_is_looked_for_the_page_stays_what_it_is() {
    let Some(mut web) = Web::begin() else { return };
    let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
    let alice = web.server.set_up(invited["link"].as_str().unwrap(), None);
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let hostile = [
        "<img src=x onerror=window.hit=1>",
        "100% _of \"it\" --",
        "'a' OR 1=1",
        "\u{202e}ABC",
        "İstanbul",
        "日本語",
    ];
    let commands = hostile.iter().map(|text| format!("echo {text}"));
    let id = session(&agent, "alice@org.com", commands, true);
    let of_bob = session(&agent, "bob@org.com", ["echo his".to_owned()].into_iter(), true);
    web.go(&format!("/admin/sessions/{id}"));
    web.browser.wait_for("document.querySelector('#player .ap-line')");
    for text in hostile {
        web.browser.evaluate("document.querySelector('#said').textContent = ''");
        find(&mut web, text, "1 command, ");
        assert_eq!(web.browser.evaluate("document.querySelectorAll('#found img, #said img').length"), 0);
    }
    // No text is a pattern.
    for text in ["ec%o", "ec_o ", "e.*o"] {
        web.browser.evaluate("document.querySelector('#said').textContent = ''");
        find(&mut web, text, "0 commands, ");
    }
    assert_eq!(web.browser.evaluate("window.hit ?? 0"), 0);
    web.assert_no_complaints();
    let found = |asker: &Asker, id: &str, query: &str| {
        let answer = asker.get(&format!("/admin/sessions/{id}/found?{query}"));
        (answer.status, answer.text)
    };
    for (query, wrong) in [
        ("", "say what to look for"),
        ("text=", "say what to look for"),
        ("text=a%00b", "a character that nothing has"),
        ("text=a&text=b", "it is there twice"),
        ("text=a&colour=red", "there is no such parameter here"),
        (&*format!("text={}", "x".repeat(501)), "more than 500 characters"),
    ] {
        let (status, said) = found(&web.administrator, &id, query);
        assert!(status == 400 && said.contains(wrong), "{query}: {status} {said}");
    }
    // To each his own, and it is written down that he looked.
    let (status, hers) = found(&alice, &id, "text=onerror");
    assert!(status == 200 && hers.contains("1 command"), "{status} {hers}");
    let (status, his) = found(&alice, &of_bob, "text=echo");
    assert!(status == 404 && !his.contains("echo his"), "{status} {his}");
    assert_eq!(found(&agent, &id, "text=echo").0, 403);
    let events =
        web.administrator.json("events/subject?subjectNames=alice@org.com&serviceActions=events:list");
    let is_noted = |event: &Value| event["context"].as_str().unwrap_or_default().contains("onerror");
    assert!(events.as_array().unwrap().iter().any(is_noted), "{events}");
}

#[test]
fn ten_thousand_commands_are_looked_through_at_once() {
    Web::in_both(|web| {
        let agent = web.server.with_key(&web.administrator.agent("web-1"));
        let id =
            session(&agent, "alice@org.com", (0..10_000).map(|number| format!("echo number {number}")), true);
        for (text, said) in
            [("number", "200 commands and more"), ("9999", "1 command,"), ("ec", "200 commands and more")]
        {
            let begin = Instant::now();
            let answer = web.administrator.get(&format!("/admin/sessions/{id}/found?text={text}"));
            let took = begin.elapsed();
            assert!(answer.status == 200 && answer.text.contains(said), "{text}: {}", answer.text);
            // What is in no index is looked for in the output for two seconds.
            assert!(took < Duration::from_secs(15), "{text}: {took:?}");
        }
    });
}

#[test]
fn whoever_follows_what_was_deleted_is_told_so() {
    let Some(web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let id = session(&agent, "alice@org.com", ["echo one".to_owned()].into_iter(), true);
    let answer = web.administrator.send("DELETE", &format!("session-recordings/{id}?reason=x"), &[], b"");
    assert_eq!(answer.status, 204);
    for stream in ["live", "film"] {
        let said = web.administrator.get(&format!("/admin/sessions/{id}/{stream}")).text;
        assert!(said.contains("event: gone"), "{stream}: {said}");
    }
    for stream in ["live?ticket=a&ticket=b", "film?ticket=a&ticket=b", "film?cursor=a"] {
        assert_eq!(web.administrator.get(&format!("/admin/sessions/{id}/{stream}")).status, 400, "{stream}");
    }
}

#[test]
fn whoever_is_in_the_past_stays_there_when_the_session_ends() {
    let Some(mut web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let id = session(&agent, "alice@org.com", (0..20).map(|number| format!("echo number {number}")), false);
    web.go(&format!("/admin/sessions/{id}"));
    web.browser.wait_for("document.querySelectorAll('#timeline .commands rect').length >= 19");
    web.browser.wait_for("document.querySelector('#player .ap-line')");
    web.browser.click("#commands li:nth-child(3) a");
    web.browser.wait_for("/^\\?t=2/.test(location.search) && !document.querySelector('#to-live').hidden");
    find(&mut web, "number 7", "1 command, ");
    let size = web.administrator.json(&format!("session-recordings/{id}/details"))["size"].as_u64().unwrap();
    let more = format!("{}\n", json!([30, "o", "the end\r\n"]));
    assert_eq!(agent.patch(&id, usize::try_from(size).unwrap(), more.as_bytes(), true).status, 204);
    web.browser.wait_for(
        "document.querySelector('#prepared').dataset.film == 'whole' && document.querySelector('#said a')",
    );
    assert!(web.texts("#said")[0].starts_with("The session has ended."));
    assert_eq!(web.browser.evaluate("/^\\?t=2/.test(location.search)"), true);
    // All of it can be gone about in, and what was found is still to be seen.
    assert_eq!(web.browser.evaluate("document.querySelectorAll('#hits rect').length"), 1);
    assert_eq!(web.browser.evaluate("document.querySelectorAll('#timeline .commands rect').length"), 20);
    assert_eq!(web.browser.evaluate("document.querySelectorAll('#commands li.found').length"), 1);
    web.browser.click("#commands li:nth-child(20) a");
    web.browser.wait_for("document.querySelector('#player').innerText.includes('of 18')");
    web.assert_no_complaints();
}
