//! The page of a session in a real browser: played at any moment, searched, live, and what may be done with it.

use casemate_tests::slow::Slow;
use casemate_tests::{LONG, Session, need, wait_until};
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
    let index = wait_until("its film", LONG, || {
        let index = web.administrator.get(&format!("session-recordings/{id}/player"));
        (index.status == 200 && index.json()["isWhole"] == true).then(|| index.json())
    });
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

/// How often it was written down that somebody did that with a session.
fn noted(web: &Web, id: &str, action: &str) -> usize {
    let events = web.administrator.json("events/subject?eventCount=1000");
    let of = |event: &&Value| event["serviceAction"] == action && event["resource"] == id;
    events.as_array().unwrap().iter().filter(of).count()
}

/// Types a command, and waits for the prompt behind what it puts out.
fn run(shell: &mut Session, command: &str, output: &str) {
    shell.send(format!("{command}\r"));
    shell.wait_screen(&format!("\n{output}\nready>"));
}

#[test]
fn a_session_that_goes_on_has_its_past_and_is_closed() {
    need!("bash");
    let Some(mut web) = Web::begin() else { return };
    let key = web.administrator.agent("web-1");
    web.world.write("agent.key", key);
    let address = web.server.address.clone();
    let arguments = ["rec", "-q", "--server", &address, "--key-file", "agent.key", "--user", "alice@org.com"];
    let program = ["-c", "bash --norc --noprofile -i"];
    let mut shell = web.world.casemate(&[&arguments[..], &program].concat()).on_terminal();
    shell.wait_prompt();
    run(&mut shell, "echo first-$((40+2))", "first-42");
    // Enough that there is more than one part.
    run(
        &mut shell,
        "for ((i = 0; i < 30000; i++)); do echo \"line $i of something that goes on\"; done",
        "line 29999 of something that goes on",
    );
    run(&mut shell, "echo second-$((40+3))", "second-43");
    let open = wait_until("it is there", LONG, || {
        let open = web.administrator.json("connections?connectionState=Open");
        open[0]["id"].as_str().map(str::to_owned)
    });
    let is_command = |text: &str| {
        format!(
            "[...document.querySelectorAll('#commands code')].some(one => one.textContent.includes('{text}'))"
        )
    };
    web.go(&format!("/admin/sessions/{open}"));
    web.browser.wait_for(&format!("{SHOWN}.includes('second-43')"));
    web.browser.wait_for(&is_command("echo second"));
    // It begins with what is to be seen, not with what led there.
    let first = web.browser.evaluate(
        "new Promise(done => { const source = new EventSource(document.querySelector('#session').dataset.stream); \
         source.addEventListener('output', message => done('output')); \
         source.addEventListener('screen', message => { source.close(); done(message.data); }) })",
    );
    let first = first.as_str().unwrap();
    assert!(first.contains("second-43"), "{first}");
    assert!(!first.contains("first-42") && first.len() < 30_000, "{}", first.len());
    // Its past is there: what was to be seen when the first command had been typed.
    web.browser.wait_for("document.querySelectorAll('#timeline .activity rect').length > 0 && document.querySelectorAll('#timeline .commands rect').length >= 3");
    web.pictures("session-live");
    let at = web.texts("#commands code").iter().position(|command| command.contains("for ((")).unwrap() + 1;
    web.browser.click(&format!("#commands li:nth-child({at}) a"));
    web.browser.wait_for(&format!("{SHOWN}.includes('first-42') && !{SHOWN}.includes('second')"));
    web.browser.wait_for(&format!(
        "document.querySelector('#commands li:nth-child({at})').hasAttribute('aria-current')"
    ));
    web.pictures("session-past");
    // What runs meanwhile is listed, and what is shown stays.
    run(&mut shell, "echo third-$((40+4))", "third-44");
    web.browser.wait_for(&is_command("echo third"));
    assert!(!web.browser.evaluate(SHOWN).as_str().unwrap().contains("third"));
    // Who comes back to what he follows looks at it still.
    let watched = noted(&web, &open, "sessionrecordings:watch");
    assert!(watched > 0);
    web.browser.click("#to-live");
    web.browser
        .wait_for(&format!("{SHOWN}.includes('third-44') && document.querySelector('#to-live').hidden"));
    assert_eq!(noted(&web, &open, "sessionrecordings:watch"), watched);
    run(&mut shell, "echo fourth-$((40+5))", "fourth-45");
    web.browser.wait_for(&format!("{SHOWN}.includes('fourth-45')"));
    web.browser.wait_for(&is_command("echo fourth"));
    assert_eq!(web.texts("[data-act]"), ["Close the session", "Hold"]);
    web.browser.click("[data-act=close]");
    web.fill("#ask input", "enough");
    web.browser.click("#ask button.main");
    assert_eq!(shell.wait_exit(LONG), 128 + 15);
    // It ends where it was, and all of it is there.
    web.browser.wait_for(
        "document.querySelector('#prepared')?.dataset.film == 'whole' && location.search.startsWith('?t=')",
    );
    web.browser.wait_for(&format!("{SHOWN}.includes('fourth-45')"));
    web.assert_no_complaints();
}

#[test]
fn a_great_recording_is_played_while_it_is_prepared() {
    let Some(mut web) = Web::begin() else { return };
    let agent = web.server.with_key(&web.administrator.agent("web-1"));
    let id = Uuid::now_v7().to_string();
    assert_eq!(agent.connect_as(&id, "alice@org.com", "cast.zst").status, 201);
    let line = "x".repeat(150);
    let lines = (0..400_000_u32).map(|second| format!("[{second}.5,\"o\",\"line {second} {line}\\r\\n\"]\n"));
    web.world.write(
        "great.cast",
        format!("{{\"version\":2,\"width\":80,\"height\":24}}\n{}", lines.collect::<String>()),
    );
    // In segments it is on the server long before it can be prepared.
    web.world.casemate(&["convert", "great.cast", "great.cast.zst"]).run().success();
    let segments = web.world.bytes("great.cast.zst");
    let pieces: Vec<&[u8]> = segments.chunks(1 << 20).collect();
    for (number, piece) in pieces.iter().enumerate() {
        let is_last = number + 1 == pieces.len();
        assert_eq!(agent.patch(&id, number * (1 << 20), piece, is_last).status, 204);
    }
    // Otherwise it would be prepared before it is looked at.
    let slow = Slow::down(web.server.pid());
    let administrator = web.administrator.clone();
    let index = || administrator.json(&format!("session-recordings/{id}/player"));
    let first = wait_until("its beginning", LONG, || {
        let begun = administrator.get(&format!("session-recordings/{id}/player"));
        (begun.status == 200).then(|| begun.json())
    });
    assert_eq!(first["isWhole"], false, "it was made in no time");
    // The ticket of the page is for how far it is: whoever reads parts of the recording with it stands in the log.
    let auditor = web.server.with_key(&web.administrator.key("Auditor"));
    let page = auditor.get(&format!("/admin/sessions/{id}")).text;
    let ticket = page.split("/film?ticket=").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let before = noted(&web, &id, "sessionrecordings:get");
    assert_eq!(auditor.get(&format!("session-recordings/{id}/player/0?ticket={ticket}")).status, 200);
    assert_eq!(noted(&web, &id, "sessionrecordings:get"), before + 1);
    web.go(&format!("/admin/sessions/{id}?t=83.6"));
    web.browser.wait_for(&format!("{SHOWN}.includes('line 83 ')"));
    web.browser.evaluate("document.querySelector('#session').dataset.same = ''");
    let said = web.texts("#prepared");
    // A quick machine has prepared all of it by now.
    if !said[0].is_empty() {
        assert!(
            said[0].starts_with("Prepared up to ") && said[0].ends_with(", the rest follows."),
            "{said:?}"
        );
        // More of it comes by itself.
        let duration = "Number(document.querySelector('#timeline').dataset.duration)";
        web.browser.evaluate(&format!("window.before = {duration}"));
        web.browser.wait_for(&format!(
            "document.querySelector('#prepared').textContent != {} && {duration} > window.before",
            Value::from(&*said[0])
        ));
    }
    drop(slow);
    // What is shown stays, but for the moment in which the player takes in that all is there.
    web.browser.wait_for(&format!("{SHOWN}.includes('line 83 ')"));
    web.pictures("session-prepared");
    // The end of what an index names is the end of it, though there is more by now.
    let last = first["segments"].as_array().unwrap().last().unwrap();
    let part = web.administrator.json(&format!("session-recordings/{id}/{}", last["url"].as_str().unwrap()));
    assert_eq!(part["events"].as_array().unwrap().last().unwrap()[0], first["duration"]);
    wait_until("all of it", 4 * LONG, || (index()["isWhole"] == true).then_some(()));
    let again = web.administrator.json(&format!("session-recordings/{id}/{}", last["url"].as_str().unwrap()));
    assert_eq!(again, part);
    web.browser.wait_for("document.querySelector('#prepared').dataset.film == 'whole'");
    web.browser.wait_for(&format!("{SHOWN}.includes('line 83 ')"));
    web.browser.evaluate("window.player.seek(399999)");
    web.browser.wait_for(&format!("{SHOWN}.includes('line 399998 ')"));
    assert_eq!(web.browser.evaluate("'same' in document.querySelector('#session').dataset"), true);
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
