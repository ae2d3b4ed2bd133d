//! The search in a real browser: in commands and in what was to be seen, each hit at its moment.

use casemate_tests::{LONG, wait_until};
use serde_json::json;

use crate::web::Web;

#[test]
fn what_is_found_leads_to_its_moment() {
    Web::in_both(|mut web| {
        let invited = web.administrator.post("users", &json!({ "email": "alice@org.com" })).json();
        let alice = web.server.set_up(invited["link"].as_str().unwrap(), None);
        let first = web.session("web-1", "alice@org.com", &["echo needle-$((40+2))", "true"]);
        web.session(
            "web-2",
            "bob@org.com",
            &["echo Needle-of-bob", "seq 60 | sed 's/^/a line with a straw /'"],
        );
        let found = |text: &str| {
            web.administrator
                .json(&format!("session-recordings/search?text={text}"))
                .as_array()
                .unwrap()
                .len()
        };
        wait_until("it is indexed", LONG, || {
            (found("needle-42") == 1 && found("straw%2059") == 1).then_some(())
        });
        web.go("/admin/search");
        assert!(web.texts("section.hits").is_empty());
        // The key that leads to the filter elsewhere leads to the field here.
        web.browser.press("/");
        web.browser.type_text("needle-");
        web.browser.press("Enter");
        web.browser.wait_for(
            "location.search == '?text=needle-' && document.querySelectorAll('section.hits').length == 2",
        );
        let mut commands = web.texts("[data-in=commands] td.main");
        // Both sessions began at the same moment.
        commands.sort();
        assert_eq!(commands, ["echo Needle-of-bob", "echo needle-$((40+2))"]);
        assert!(web.texts("[data-in=output] mark").iter().all(|mark| mark.to_lowercase() == "needle-"));
        let lines = web.texts("[data-in=output] td.main");
        assert!(
            lines.contains(&"needle-42".to_owned()) && lines.contains(&"Needle-of-bob".to_owned()),
            "{lines:?}"
        );
        web.pictures("search");
        let at = lines.iter().position(|line| line == "needle-42").unwrap() + 1;
        web.browser.click(&format!("[data-in=output] tbody tr:nth-child({at}) a.play"));
        web.browser.wait_for(&format!(
            "location.pathname == '/admin/sessions/{first}' && location.search.startsWith('?t=')"
        ));
        web.browser.wait_for(
        "[...document.querySelectorAll('#player .ap-line')].some(line => line.textContent.trimEnd() === 'needle-42')",
    );
        // More than a page has: it goes on, and nothing is there twice.
        web.go("/admin/search?text=with%20a%20straw%20&in=output");
        let mut lines = web.texts("[data-in=output] td.main");
        assert_eq!((lines.len(), web.texts("section.hits").len()), (50, 1));
        web.browser.click("a.next");
        web.browser.wait_for("location.search.includes('before=') && document.querySelectorAll('[data-in=output] tbody tr').length < 50");
        lines.extend(web.texts("[data-in=output] td.main"));
        lines.retain(|line| line.starts_with("a line with"));
        lines.sort();
        let number = lines.len();
        lines.dedup();
        assert_eq!((number, lines.len()), (60, 60));
        web.assert_no_complaints();
        // A user finds his own; what is no question is refused.
        let page = alice.get("/admin/search?text=needle-").text;
        assert!(page.contains("alice@org.com") && !page.contains("bob"), "{page}");
        for (query, wrong) in [
            ("before=1.2-3&text=a", "`before`"),
            ("in=nowhere&text=a", "`in`"),
            ("colour=red", "no such parameter"),
        ] {
            let refused = alice.get(&format!("/admin/search?{query}"));
            assert!(refused.status == 400 && refused.text.contains(wrong), "{query}: {}", refused.text);
        }
    });
}
