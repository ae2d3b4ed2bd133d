//! `casemate report`: a page that stands by itself, in a real browser, whatever is in the recordings.

use casemate_tests::browser::{self, Browser};
use casemate_tests::{World, need, skip};

/// A recording that would like to be more than text.
const HOSTILE: &str = r#"{"version":2,"width":40,"height":6,"timestamp":1700000000,"title":"</title><script>window.pwned=1</script>","command":"<img src=x onerror=window.pwned=2>"}
[0.1, "o", "a@web:~$ "]
[0.8, "o", "echo '</script><script>window.pwned=3</script>'"]
[1.0, "o", "\r\n"]
[1.01, "o", "</script><script>window.pwned=3</script>\r\n\u001b]0;<b>\u0007a@web:~$ "]
[1.5, "m", "</script><!--<svg onload=window.pwned=4>"]
[2.0, "o", "echo second"]
[2.4, "o", "\r\n"]
[2.6, "o", "second!\r\na@web:~$ "]
[8.5, "o", "exit"]
[9.0, "o", "\r\n"]
"#;

fn world() -> World {
    let world = World::new();
    world.write("evidence/hostile.cast", HOSTILE);
    world
}

#[test]
fn a_report_says_what_the_files_are() {
    need!("openssl", "sha256sum");
    let world = world();
    let make = "openssl genpkey -algorithm ed25519 -out k.pem && openssl pkey -in k.pem -pubout -out k.pub";
    world.script(make).run().success();
    let rec = |file: &str, more: &[&str]| {
        let args =
            [&["-q", "--user", "alice", "--target", "web-1"], more, &[file, "--", "seq", "3000"]].concat();
        world.rec(&args).on_terminal().wait_success();
    };
    rec("evidence/signed.cast.zst", &["--sign-key", "k.pem"]);
    rec("evidence/unsigned.cast.zst", &[]);
    let whole = world.bytes("evidence/unsigned.cast.zst");
    let mut changed = whole.clone();
    changed[whole.len() / 3] ^= 1;
    world.write("evidence/changed.cast.zst", changed);
    world.write("evidence/torn.cast.zst", &whole[..whole.len() - 150]);
    world.write("evidence/no.cast", "nothing");
    let args = [
        "report",
        "evidence",
        "-o",
        "r.html",
        "--title",
        "A <b>case</b>",
        "--fact",
        "Case=7 & 8",
        "--key",
        "k.pub",
    ];
    let run = world.casemate(&args).run().exits(1);
    assert!(run.stderr.contains("no.cast") && run.stderr.contains("on 5 recordings, SHA-256 "), "{run:?}");
    crate::rec::assert_private(world.path("r.html"));
    let page = String::from_utf8(world.bytes("r.html")).unwrap();
    for (text, count) in [
        ("✓ intact, signed by the given key", 1),
        ("✕ not signed by the given key", 1),
        ("✕ NOT INTACT", 1),
        ("○ unfinished", 1),
        ("○ not sealed", 1),
        // In the overview, the files, the sessions, and where it is explained.
    ] {
        assert_eq!(page.matches(text).count(), 4 * count, "{text}");
    }
    for text in
        ["A &lt;b&gt;case&lt;/b&gt;", "7 &amp; 8", "casemate 0.1.0", "could not be read", "does not prove"]
    {
        assert!(page.contains(text), "{text}");
    }
    let sums =
        world.script("cd evidence && sha256sum *.zst hostile.cast; cd ..; sha256sum r.html").run().success();
    for line in sums.text().lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let place = if name == "r.html" { &run.stderr } else { &page };
        assert!(place.contains(sum), "{line}");
    }
}

#[test]
fn a_report_needs_nothing_but_files() {
    let world = world();
    let report = |args: &[&str]| world.casemate(&[&["report", "-o", "r.html"], args].concat()).run();
    report(&["nowhere"]).exits(1);
    report(&["-"]).fails("made of files");
    report(&["evidence", "--fact", "no value"]).exits(2);
    world
        .casemate(&["report", "evidence/hostile.cast", "-o", "evidence/hostile.cast"])
        .run()
        .fails("is the input as well");
    world.script("mkdir empty; \"$CASEMATE\" report empty -o e.html").run().fails("there are no recordings");
    report(&["evidence", "--overwrite", "--embed-limit", "0"]).success();
    let page = String::from_utf8(world.bytes("r.html")).unwrap();
    assert!(page.contains("too long to be part of this page") && !page.contains("<script"));
    assert!(page.len() < 60_000, "{}", page.len());
}

#[test]
fn recordings_play_in_the_page_and_whatever_is_in_them_stays_text() {
    if !browser::is_installed() {
        skip!("needs chromium");
    }
    let world = world();
    world.casemate(&["report", "evidence", "-o", "r.html"]).run().success();
    let mut browser = Browser::open(&world.path("r.html"), "");
    let shown = "(document.querySelector('.ap-term-text')?.textContent ?? '')";
    assert_eq!(browser.evaluate("document.title"), "Terminal sessions");
    assert_eq!(
        browser.evaluate("[...document.querySelectorAll('.command code')].map(code => code.textContent)"),
        serde_json::json!(["echo '</script><script>window.pwned=3</script>'", "echo second", "exit",])
    );
    // A command leads to its moment, and from there it plays.
    browser.click("tbody tr:nth-child(2) a.moment");
    browser.wait_for(&format!("{shown}.includes('echo second')"));
    let text = browser.evaluate(shown);
    assert!(text.as_str().unwrap().contains("</script><script>window.pwned=3</script>"), "{text}");
    assert!(!text.as_str().unwrap().contains("exit"), "{text}");
    browser.wait_for(&format!("{shown}.includes('second!')"));
    // So does a marked moment, and one further on.
    browser.evaluate(&format!(
        "window.was = []; new MutationObserver(() => was.push({shown})).observe(document, {{ subtree: true, childList: true, characterData: true }})"
    ));
    browser.click("figcaption a.moment");
    browser.wait_for(
        "location.hash == '#play-1-1.5' && was.some(text => text != '' && !text.includes('echo second'))",
    );
    browser.click("tbody tr:nth-child(3) a.moment");
    browser.wait_for(&format!("location.hash == '#play-1-9.0' && {shown}.includes('exit')"));
    assert_eq!(browser.evaluate("document.querySelectorAll('.ap-player').length"), 1);

    assert_eq!(browser.evaluate("window.pwned ?? 'no'"), "no");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('main img, main b, [onload], [onerror]').length"),
        0
    );
    assert!(
        browser.requests.iter().all(|url| url.starts_with("file://") && url.ends_with("r.html")),
        "{:?}",
        browser.requests
    );
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);

    // What is not of the page does not run in it, and reaches nobody.
    browser.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.pwned = 5' }))");
    assert_eq!(browser.evaluate("window.pwned ?? 'no'"), "no");
    assert_eq!(browser.evaluate("fetch('data:,x').then(() => 'yes', () => 'no')"), "no");
    assert!(
        browser.complaints.iter().any(|text| text.contains("Content Security Policy")),
        "{:?}",
        browser.complaints
    );

    let pdf = browser.pdf();
    let pages = pdf.windows(11).filter(|bytes| bytes == b"/Type /Page").count()
        - pdf.windows(12).filter(|bytes| bytes == b"/Type /Pages").count();
    assert!(pages == 3 || pages == 4, "{pages} pages");
}

#[test]
fn a_moment_can_be_linked_to() {
    if !browser::is_installed() {
        skip!("needs chromium");
    }
    let world = world();
    world.casemate(&["report", "evidence", "-o", "r.html"]).run().success();
    let mut browser = Browser::open(&world.path("r.html"), "#play-1-2.0");
    browser.wait_for("(document.querySelector('.ap-term-text')?.textContent ?? '').includes('echo second')");
}
