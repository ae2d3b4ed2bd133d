//! The page of a session in a real browser: played at any moment, searched, live, and what may be done with it.

use casemate_tests::{LONG, wait_until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::web::Web;

/// What the player shows, row by row.
const SHOWN: &str = "[...document.querySelectorAll('#player .ap-line')].map(line => line.textContent.trimEnd()).join('\\n').trimEnd()";

/// A recording of some minutes, with all that a terminal is used for: colours, wide characters, another screen, margins, and
/// two sizes. Each second has a line of its own.
fn long() -> String {
    let mut text = json!({ "version": 2, "width": 80, "height": 24 }).to_string() + "\n";
    let mut event = |at: f64, code: &str, data: &str| {
        text.push_str(&format!("{}\n", json!([at, code, data])));
    };
    for second in 0..600_u32 {
        let at = f64::from(second);
        match second {
            100 => event(at, "o", "\x1b[?1049h\x1b[2J\x1b[H\x1b[7m an editor \x1b[m\r\n"),
            150 => event(at, "o", "\x1b[?1049l"),
            200 => event(at, "r", "60x20"),
            250 => event(at, "o", "\x1b[3;10r\x1b[3;1H"),
            300 => event(at, "o", "\x1b[r\x1b[2J\x1b[H"),
            350 => event(at, "m", "half"),
            400 => event(at, "r", "100x30"),
            _ => {}
        }
        let colour = 31 + second % 7;
        event(
            at + 0.1,
            "o",
            &format!("\x1b[{colour}mline {second}\x1b[m 日本語 é ─ \x1b[1mbold\x1b[m and the rest of it"),
        );
        // Enough that there is more than one part.
        event(at + 0.2, "o", &format!("\r\x1b[K{:>3000}\r\x1b[Kline {second} 日本\r\n", second));
    }
    text
}

#[test]
fn a_recording_shows_in_parts_what_it_shows_as_a_whole() {
    let Some(mut web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let id = Uuid::now_v7().to_string();
    assert_eq!(agent.connect_as(&id, "alice@org.com", "cast").status, 201);
    assert_eq!(agent.patch(&id, 0, long().as_bytes(), true).status, 204);
    let index = web.administrator.json(&format!("session-recordings/{id}/player"));
    let parts = index["segments"].as_array().unwrap().len();
    assert!(parts > 2, "{parts}");
    web.go(&format!("/admin/sessions/{id}?t=83.15"));
    web.browser.wait_for(&format!("{SHOWN}.includes('line 83')"));
    web.browser.evaluate(
        "{ const place = document.createElement('div'); document.querySelector('#page').append(place); \
         place.id = 'whole'; \
         window.whole = AsciinemaPlayer.create(`/api/v2/session-recordings/${document.querySelector('#session').dataset.id}?format=v2`, \
             place, { preload: true, fit: 'width' }) }",
    );
    let whole = SHOWN.replace("#player", "#whole");
    web.browser.wait_for("document.querySelector('#whole .ap-line')");
    // Backwards, forwards, within a part and far beyond.
    for at in
        [83.15, 120.15, 40.15, 160.15, 499.15, 270.15, 320.15, 240.15, 210.15, 410.15, 599.15, 5.15, 349.15]
    {
        web.browser.evaluate(&format!("Promise.all([window.player.seek({at}), window.whole.seek({at})])"));
        let line = format!("line {} ", f64::floor(at));
        web.browser.wait_for(&format!("{SHOWN}.includes('{line}') && {whole}.includes('{line}')"));
        let resized = at > 200.0;
        let (part, all) = (web.browser.evaluate(SHOWN), web.browser.evaluate(&whole));
        // Behind a change of the size the other one lays lines out anew, and ours does not: the row of the moment is the same.
        if resized {
            let row = |shown: &Value| {
                shown.as_str().unwrap().lines().find(|row| row.contains(&line)).map(str::to_owned)
            };
            assert_eq!(row(&part), row(&all), "at {at}");
        } else {
            assert_eq!(part, all, "at {at}");
        }
    }
    web.assert_no_complaints();
}

#[test]
fn a_command_leads_to_its_moment_and_the_moment_to_its_command() {
    let Some(mut web) = Web::begin() else { return };
    let id = web.session(
        "web-1",
        "alice@org.com",
        &["echo first-$((40+2))", "sleep 1; echo second-$((40+3))", "false"],
    );
    web.go("/admin/events/commands");
    web.go(&format!("/admin/sessions/{id}"));
    let commands = web.texts("#commands code");
    let at = commands.iter().position(|command| command.starts_with("sleep 1")).unwrap() + 1;
    web.browser.wait_for("document.querySelector('#player .ap-line')");
    web.browser.click(&format!("#commands li:nth-child({at}) a"));
    web.browser.wait_for(&format!(
        "document.querySelector('#commands li:nth-child({at})').hasAttribute('aria-current')"
    ));
    web.browser.wait_for("location.search.startsWith('?t=')");
    // It is being typed, and not yet answered.
    web.browser.wait_for(&format!("{SHOWN}.includes('first-42') && !{SHOWN}.includes('second-43')"));
    // Its last moment, by a link that somebody sends.
    web.go(&format!("/admin/sessions/{id}?t=99999"));
    web.browser.wait_for(&format!("{SHOWN}.includes('second-43')"));
    // What was found in the output leads there as well.
    let found =
        || web.administrator.json(&format!("session-recordings/search?text=second-43&connectionIds={id}"));
    wait_until("it is indexed", LONG, || (!found().as_array().unwrap().is_empty()).then_some(()));
    web.fill("#find-text", "second-43");
    web.browser.press("Enter");
    web.browser.wait_for("document.querySelector('#found a') && document.querySelector('#hits rect')");
    web.browser.click("#found a");
    web.browser.wait_for(&format!("{SHOWN}.includes('second-43') && {SHOWN}.includes('sleep 1')"));
    assert!(
        web.texts(".looks li")
            .iter()
            .any(|look| look.contains("admin@org.com") && look.contains("played it"))
    );
    web.browser.evaluate("scrollTo(0, 0)");
    web.pictures("session");
    // What is downloaded is what was sent.
    let file = web.administrator.get(&format!("session-recordings/{id}?format=file"));
    let sent = web.world.bytes("made.cast");
    let downloaded = web
        .browser
        .evaluate("fetch(document.querySelector('.tools a[download]').href).then(answer => answer.text())");
    assert_eq!((file.text.as_bytes(), downloaded.as_str().unwrap().as_bytes()), (&*sent, &*sent));
    web.assert_no_complaints();
}

#[test]
fn a_recording_is_held_and_deleted_by_whoever_may() {
    let Some(mut web) = Web::begin() else { return };
    let id = web.session("web-1", "alice@org.com", &["true"]);
    web.go(&format!("/admin/sessions/{id}?t=99999"));
    assert_eq!(web.texts("[data-act]"), ["Hold", "Delete"]);
    let act = |web: &mut Web, act: &str, reason: &str| {
        // What a page still asks for when it is left is a complaint.
        web.browser.wait_for(&format!("{SHOWN}.includes('exit')"));
        web.browser.click(&format!("[data-act={act}]"));
        web.browser.wait_for("document.querySelector('#ask').open");
        if !reason.is_empty() {
            web.fill("#ask input", reason);
        }
        web.browser.evaluate("window.before = true");
        web.browser.click("#ask button.main");
        web.browser.wait_for("window.before === undefined && document.readyState == 'complete'");
    };
    act(&mut web, "hold", "case 7");
    assert_eq!(web.texts("[data-act]"), ["Release"]);
    assert!(web.texts(".hold")[0].contains("case 7"));
    act(&mut web, "release", "");
    act(&mut web, "delete", "asked by alice");
    assert!(web.texts(".wrong")[0].contains("asked by alice"), "{:?}", web.texts(".wrong"));
    assert_eq!(web.administrator.get(&format!("session-recordings/{id}")).status, 410);
    web.assert_no_complaints();
}

#[test]
fn a_session_that_goes_on_is_played_as_it_does_and_closed() {
    let Some(mut web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let id = Uuid::now_v7().to_string();
    assert_eq!(agent.connect_as(&id, "alice@org.com", "cast").status, 201);
    let mut sent = 0;
    let mut send = |text: &str| {
        assert_eq!(agent.patch(&id, sent, text.as_bytes(), false).status, 204);
        sent += text.len();
    };
    send("{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"the beginning\\r\\n\"]\n");
    web.go(&format!("/admin/sessions/{id}"));
    web.browser.wait_for(&format!("{SHOWN}.includes('the beginning')"));
    send("[1.5,\"r\",\"60x10\"]\n[1.5,\"o\",\"and on it goes\\r\\n\"]\n");
    web.browser.wait_for(&format!("{SHOWN}.includes('and on it goes')"));
    assert_eq!(web.texts("[data-act]"), ["Close the session", "Hold"]);
    web.browser.click("[data-act=close]");
    web.fill("#ask input", "enough");
    web.browser.click("#ask button.main");
    wait_until("it is told", LONG, || {
        let answer = agent.patch(&id, sent, b"", false);
        answer.header("casemate-close").map(|reason| assert!(reason.contains("enough"), "{reason}"))
    });
    web.assert_no_complaints();
}

#[test]
fn nobody_is_offered_what_he_may_not_do_or_shown_what_is_not_his() {
    let Some(web) = Web::begin() else { return };
    let id = web.session("web-1", "alice@org.com", &["true"]);
    let page = |role: &str| {
        let key = web.administrator.key(role);
        web.server.with_key(&key).get(&format!("/admin/sessions/{id}"))
    };
    let (administrator, auditor, user) = (page("Administrator"), page("Auditor"), page("User"));
    assert!(administrator.text.contains("data-act=\"delete\""), "{}", administrator.text);
    assert_eq!(auditor.status, 200);
    assert!(
        auditor.text.contains("Download .cast") && !auditor.text.contains("data-act"),
        "{}",
        auditor.text
    );
    assert_eq!(user.status, 404);
    assert!(!user.text.contains("alice"), "{}", user.text);
    assert_eq!(web.administrator.get("/admin/sessions/none").status, 404);
}
