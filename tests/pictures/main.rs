//! Makes the pictures of the README: of `casemate serve --demo`, as a browser shows it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casemate_tests::browser::{self, Browser};
use casemate_tests::{AuditServer, LONG, PASSWORD, wait_until};

/// How wide the window is, in pixels of a page.
const WIDTH: u32 = 1440;

/// How high it is for a log, and for a session with its timeline.
const HEIGHTS: (u32, u32) = (770, 880);

/// A README is narrower than that: so many pixels of a picture are one of a page.
const SCALE: f64 = 0.8;

/// The session that is shown, and the command that is played.
const SHOWN: (&str, &str, &str) = ("alice@example.com", "web-1", "head -2 /etc/os-release");

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: pictures FOLDER")?;
    if !browser::is_installed() {
        return Err("there is no Chromium".into());
    }
    let data = tempfile::tempdir()?;
    let server = AuditServer::start_with(&data.path().join("server"), None, &["--demo"]);
    let administrator = server.administrator();
    // All that end by themselves have ended, and can be played.
    let over = |count: usize| {
        let events = administrator.json("connections?connectionState=Closed");
        (events.as_array()?.len() >= count).then_some(events)
    };
    let connections = wait_until("sessions are over", LONG, || over(4));
    let (user, target, command) = SHOWN;
    let shown = connections
        .as_array()
        .and_then(|all| all.iter().find(|one| one["subjectName"] == user && one["targetName"] == target))
        .and_then(|one| one["id"].as_str())
        .ok_or("the demonstration has no such session")?;
    let mut browser = Browser::start();
    browser.resize_by(WIDTH, HEIGHTS.0, SCALE);
    browser.go(&format!("{}/sign-in", server.address));
    browser.wait_for("document.activeElement?.id == 'email'");
    browser.type_text("admin@org.com");
    browser.click("#password");
    browser.type_text(PASSWORD);
    browser.click("button.main");
    browser.wait_for(
        "location.pathname == '/admin/events/commands' && document.querySelector('#live-state.live')",
    );
    browser
        .wait_for("[...document.querySelectorAll('#log td[data-label=Took]')].some(took => took.innerText)");
    keep(&mut browser, &folder.join("commands.png"), "light")?;
    browser.resize_by(WIDTH, HEIGHTS.1, SCALE);
    browser.go(&format!("{}/admin/sessions/{shown}", server.address));
    browser.wait_for("document.querySelector('#player .ap-line')");
    browser.evaluate(&format!(
        "[...document.querySelectorAll('#commands li')].find(one => one.querySelector('code').innerText == {}).querySelector('a').id = 'here'",
        serde_json::Value::from(command)
    ));
    browser.click("#here");
    browser.wait_for("document.querySelector('#commands [aria-current] #here')");
    browser.evaluate("window.player.play()");
    std::thread::sleep(Duration::from_millis(600));
    keep(&mut browser, &folder.join("session.png"), "dark")
}

fn keep(browser: &mut Browser, path: &Path, scheme: &str) -> Result<(), Box<dyn Error>> {
    // What is new fades, and is not to be caught half-way.
    let picture = browser.picture(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]);
    std::fs::write(path, picture)?;
    Ok(())
}
