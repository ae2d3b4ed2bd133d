//! A real browser: headless Chromium, driven through its DevTools protocol over two named pipes.
//!
//! [`Browser::open`] shows a page; what the page asked for and what it complained about is kept. Clicks are those of a
//! mouse, not calls of a script.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{LONG, tools};

/// The names under which distributions have it.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Chromium starts slowly where other builds run.
const START: Duration = Duration::from_secs(60);

/// A browser that shows one page.
pub struct Browser {
    child: Child,
    to: File,
    from: File,
    received: Vec<u8>,
    events: VecDeque<Value>,
    session: Value,
    next_id: u64,
    /// The URLs that were asked for.
    pub requests: Vec<String>,
    /// What the page complained about, or was refused.
    pub complaints: Vec<String>,
    _home: TempDir,
}

/// Whether there is a browser.
#[must_use]
pub fn is_installed() -> bool {
    PROGRAMS.iter().any(|program| tools::find(program).is_some())
}

impl Browser {
    /// Starts a browser and opens a file, with `#fragment` behind it.
    #[must_use]
    pub fn open(page: &Path, fragment: &str) -> Self {
        let mut browser = Self::start();
        browser.go(&format!("file://{}{fragment}", page.display()));
        browser
    }

    /// Opens an address in the same window.
    pub fn go(&mut self, address: &str) {
        self.call("Page.navigate", &json!({ "url": address }));
        self.wait_event("Page.loadEventFired");
    }

    /// Where it is by now.
    #[track_caller]
    pub fn address(&mut self) -> String {
        self.evaluate("location.href").as_str().expect("an address is text").to_owned()
    }

    /// Types into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Presses a key and lets go of it: a character, or a name such as `Enter`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { key };
        let mut event = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if text.chars().count() == 1 {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", &event);
        self.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// Gives the window a size.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.resize_by(width, height, 1.0);
    }

    /// The same, with so many pixels of a picture for each of the page.
    pub fn resize_by(&mut self, width: u32, height: u32, scale: f64) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Puts it somewhere in the world: `Asia/Kolkata`.
    pub fn move_to(&mut self, zone: &str) {
        self.call("Emulation.setTimezoneOverride", &json!({ "timezoneId": zone }));
    }

    /// Starts a browser that shows nothing yet.
    #[must_use]
    pub fn start() -> Self {
        let program =
            PROGRAMS.iter().find_map(|program| tools::find(program)).expect("is_installed was asked");
        let home =
            tempfile::Builder::new().prefix("casemate-browser-").tempdir().expect("a temporary folder");
        let pipe = |name: &str| {
            let path = home.path().join(name);
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("make a named pipe");
            // Opened both ways, it waits for nobody.
            File::options().read(true).write(true).open(path).expect("open a named pipe")
        };
        let (to, from) = (pipe("to"), pipe("from"));
        let child = Command::new("/bin/sh")
            .args(["-c", "exec \"$@\" 3<to 4>from", "sh"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
            ])
            .args(["--no-first-run", "--remote-debugging-pipe", "--window-size=1200,900"])
            .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
            .arg("about:blank")
            .current_dir(home.path())
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the browser");
        let mut browser = Self {
            child,
            to,
            from,
            received: Vec::new(),
            events: VecDeque::new(),
            session: Value::Null,
            next_id: 0,
            requests: Vec::new(),
            complaints: Vec::new(),
            _home: home,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// What a script gives.
    ///
    /// # Panics
    /// If it throws.
    #[track_caller]
    pub fn evaluate(&mut self, script: &str) -> Value {
        let parameters = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until a script gives something that is true, of a page that is there as a whole.
    #[track_caller]
    pub fn wait_for(&mut self, script: &str) {
        let deadline = Instant::now() + LONG;
        while self.evaluate(&format!("document.readyState != 'loading' && Boolean({script})")) != true {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {script}; complaints: {:?}",
                self.complaints
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where the middle of the first element is that a selector finds, and that is to be seen then; null if there is none.
    #[track_caller]
    fn middle(&mut self, selector: &str) -> Value {
        let selector = Value::from(selector);
        self.evaluate(&format!(
            "(() => {{ const element = document.querySelector({selector}); if (!element) return null; \
             element.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const box = element.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ))
    }

    /// Clicks on the first element that a selector finds, in its middle, once that stands still.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let deadline = Instant::now() + LONG;
        let mut place = self.middle(selector);
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let before = std::mem::replace(&mut place, self.middle(selector));
            if place == before || Instant::now() > deadline {
                break;
            }
        }
        assert!(place.is_array(), "there is no {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// The page on paper, as PDF.
    pub fn pdf(&mut self) -> Vec<u8> {
        let parameters = json!({ "printBackground": true, "preferCSSPageSize": true });
        self.data("Page.printToPDF", &parameters)
    }

    /// What is to be seen, as PNG; `features` are what media queries ask for.
    pub fn picture(&mut self, features: &[(&str, &str)]) -> Vec<u8> {
        self.prefer(features);
        self.data("Page.captureScreenshot", &json!({ "format": "png" }))
    }

    /// What media queries are answered from now on: `("prefers-color-scheme", "dark")`.
    pub fn prefer(&mut self, features: &[(&str, &str)]) {
        let features: Vec<_> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Is one in which somebody has switched scripts off, or on again; from the next page on.
    pub fn run_scripts(&mut self, runs: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": !runs }));
    }

    /// Keeps in a folder what is downloaded.
    pub fn download_to(&mut self, folder: &Path) {
        let said = json!({ "behavior": "allow", "downloadPath": folder });
        self.call("Browser.setDownloadBehavior", &said);
    }

    /// Forgets who is signed in.
    pub fn forget(&mut self) {
        self.call("Network.clearBrowserCookies", &json!({}));
    }

    fn data(&mut self, method: &str, parameters: &Value) -> Vec<u8> {
        let result = self.call(method, parameters);
        STANDARD.decode(result["data"].as_str().expect("data is text")).expect("data is base64")
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("write to the browser");
        let deadline = Instant::now() + START;
        loop {
            let message = self.receive(deadline);
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.note(message);
        }
    }

    fn wait_event(&mut self, method: &str) {
        let deadline = Instant::now() + START;
        loop {
            if let Some(at) = self.events.iter().position(|event| event["method"] == method) {
                self.events.drain(..=at);
                return;
            }
            let message = self.receive(deadline);
            self.note(message);
        }
    }

    fn note(&mut self, event: Value) {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                self.requests.push(parameters["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            // Advice, as that what was to have the focus came after somebody had it, is no complaint.
            Some("Log.entryAdded")
                if matches!(parameters["entry"]["level"].as_str(), Some("verbose" | "info")) => {}
            Some("Log.entryAdded") => self.complaints.push(parameters["entry"]["text"].to_string()),
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(parameters["exceptionDetails"].to_string());
            }
            Some("Runtime.consoleAPICalled") => self.complaints.push(parameters["args"].to_string()),
            _ => {}
        }
        self.events.push_back(event);
    }

    fn receive(&mut self, deadline: Instant) -> Value {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == 0) {
                let message: Vec<u8> = self.received.drain(..=end).collect();
                return serde_json::from_slice(&message[..end]).expect("the browser sends JSON");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the browser does not answer");
            let timeout = Timespec::try_from(left).expect("a minute is a time");
            let mut ready = [PollFd::new(&self.from, PollFlags::IN)];
            if poll(&mut ready, Some(&timeout)).is_ok_and(|count| count > 0) {
                let mut chunk = vec![0; 64 << 10];
                let length = self.from.read(&mut chunk).expect("read from the browser");
                self.received.extend_from_slice(&chunk[..length]);
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
