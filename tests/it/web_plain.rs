//! The web app in a real browser in which no script runs: all that can be read is read, and forms and links do what they say.

use casemate_tests::{LONG, PASSWORD, wait_until};
use serde_json::Value;

use crate::web::Web;

impl Web {
    /// Goes to a page.
    fn show(&mut self, path: &str) {
        let address = format!("{}{path}", self.server.address);
        self.browser.go(&address);
        self.browser.wait_for(&format!(
            "location.href == {} && document.readyState == 'complete'",
            Value::from(address)
        ));
    }

    /// Goes on by a link or a button, until another page is there.
    fn follow(&mut self, selector: &str) {
        let was = Value::from(self.browser.address());
        self.browser.click(selector);
        self.browser.wait_for(&format!("location.href != {was} && document.readyState == 'complete'"));
    }

    /// Elements that are to be seen.
    fn seen(&mut self, selector: &str) -> Vec<String> {
        let found = self.browser.evaluate(&format!(
            "[...document.querySelectorAll({})].filter(e => e.checkVisibility()).map(e => e.innerText.trim())",
            Value::from(selector)
        ));
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn without_scripts_everything_is_read_and_forms_work() {
    let Some(mut web) = Web::begin() else { return };
    let id = web.session("web-1", "alice@org.com", &["echo hers", "false"]);
    web.session("web-2", "bob@org.com", &["echo his"]);
    for _ in 0..120 {
        assert_eq!(web.administrator.get("me").status, 200);
    }
    web.browser.forget();
    web.browser.run_scripts(false);
    // In, on the way to a page.
    let there = format!("{}/admin/events/commands", web.server.address);
    web.browser.go(&there);
    web.browser.wait_for("document.querySelector('#email')");
    web.fill("#email", "admin@org.com");
    web.fill("#password", PASSWORD);
    web.follow("button.main");
    assert_eq!(web.browser.address(), there);
    assert!(web.seen(".tools")[0].contains("Without scripts"), "{:?}", web.seen(".tools"));
    assert_eq!(web.seen("#zone, #help, #pause"), [""; 0]);
    assert!(web.seen("th.time")[0].contains("UTC"));
    // Filtered, by names, by time, by what a row says.
    web.fill("#subjectNames", "alice@org.com");
    web.follow("#filter button.main");
    assert_eq!(web.column("Command"), ["exit", "false", "echo hers", "bash --norc --noprofile -i"]);
    web.browser.click(".moments summary");
    web.browser.evaluate("document.querySelector('#endTimestamp').value = '2026-01-01T00:00:00'");
    web.follow("#filter button.main");
    assert_eq!(web.seen(".empty").len(), 1);
    web.follow("#filter a.button");
    web.follow("#log td[data-label=Target] a[href*='web-2']");
    assert_eq!(web.column("Command"), ["exit", "echo his", "bash --norc --noprofile -i"]);
    // Columns are a form as well, and the order is a link.
    web.browser.click("details.menu summary");
    web.browser.click("#columns input[value=cwd]");
    web.follow("#columns button");
    assert_eq!(web.column("Directory").len(), 3);
    web.follow("a.sort");
    assert_eq!(web.column("Command")[0], "bash --norc --noprofile -i");
    // Page by page.
    web.show("/admin/events/user-events?serviceActions=subjects:me");
    let first = web.texts("#log time");
    web.follow("#next");
    let second = web.texts("#log time");
    assert_eq!((first.len(), second.len()), (100, 20));
    assert!(second[0] < first[99]);
    // From a command to all of it, and on to its session.
    web.show("/admin/events/commands?search=hers");
    web.follow("#log a.open");
    assert!(web.seen("h1") == ["Command"] && web.texts("dd").contains(&"alice@org.com".to_owned()));
    web.follow("p.more a");
    assert!(web.browser.address().contains(&format!("/admin/sessions/{id}?t=")));
    assert!(web.texts("#commands code").contains(&"echo hers".to_owned()));
    assert!(web.seen("noscript")[0].contains("takes scripts"));
    assert_eq!(web.seen("[data-act], #find, #player"), [""; 0]);
    web.pictures("session-without-scripts");
    // What is taken away is what was sent.
    let folder = web.world.path("downloads");
    std::fs::create_dir(&folder).unwrap();
    web.browser.download_to(&folder);
    web.browser.click(".tools a[download]");
    let sent = web.administrator.get(&format!("session-recordings/{id}")).text;
    // A file of its name is there before all of it is.
    wait_until("all of it is there", LONG, || {
        let found = std::fs::read_dir(&folder).unwrap().next()?.unwrap().path();
        let is_named = found.extension()? == "cast";
        (is_named && std::fs::read_to_string(found).ok()? == sent).then_some(())
    });
    // Deleted by a form, and somebody added by another.
    web.show("/admin/session-recordings?by=time");
    web.browser.click(&format!("[data-id='{id}'] details.act summary"));
    web.fill(&format!("[data-id='{id}'] input[name=reason]"), "no longer needed");
    web.browser.click(&format!("[data-id='{id}'] button.danger"));
    web.browser.wait_for("document.querySelectorAll('table.recordings tbody tr').length == 1");
    web.show("/admin/settings/people");
    web.browser.click("details.add summary");
    web.fill("input[name=email]", "carol@org.com");
    web.browser.click("details.add button.main");
    web.browser.wait_for("document.querySelector('input.secret')?.value.includes('token=')");
    web.browser.click(".who form button");
    web.browser.wait_for("location.pathname == '/sign-in'");
    web.assert_no_complaints();
}
