//! A real shell, and somebody who looks on in a browser: each command is in the log while the session goes on.

use casemate_tests::{LONG, need};

use crate::web::Web;

#[test]
fn what_is_typed_in_a_shell_is_in_the_log_before_the_next_command() {
    need!("bash");
    Web::in_both(|mut web| {
        web.world.write("agent.key", web.administrator.agent("web-1"));
        web.go("/admin/events/commands?subjectNames=alice@org.com");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        let arguments = [
            "rec",
            "-q",
            "--server",
            &web.server.address,
            "--key-file",
            "agent.key",
            "--user",
            "alice@org.com",
            "-c",
            "bash --norc --noprofile -i",
        ];
        let mut session = web.world.casemate(&arguments).on_terminal();
        session.wait_prompt();
        for (typed, rows) in [("echo one", 2), ("cd /usr", 3), ("false", 4), ("echo two", 5)] {
            session.send(typed);
            session.enter();
            session.wait_prompt();
            // Before the second prompt nobody knows what of the line is the first one.
            web.browser.wait_for(&format!(
                "[...document.querySelectorAll('#log td[data-label=Command]')].map(td => td.innerText)\
                 .findIndex(text => text.endsWith('{typed}')) == 0"
            ));
            assert_eq!(web.column("Command").len(), rows, "{:?}", web.column("Command"));
        }
        // How long it took is known when the next prompt is there.
        web.browser.wait_for(
            "[...document.querySelectorAll('#log td[data-label=Took]')].slice(0, 4).every(td => td.innerText)",
        );
        web.go("/admin/events/connections?subjectNames=alice@org.com");
        web.browser.wait_for("document.querySelector('#live-state').className == 'live'");
        assert_eq!(web.column("State"), ["Open"]);
        session.send("exit");
        session.enter();
        assert_eq!(session.wait_exit(LONG), 0);
        web.browser.wait_for("document.querySelector('td[data-label=State]').innerText == 'Closed'");
        web.go("/admin/events/connection-events");
        let events = web.column("Event");
        assert_eq!(
            (events.first(), events.last()),
            (Some(&"Closed".into()), Some(&"Created".into())),
            "{events:?}"
        );
        web.assert_no_complaints();
    });
}
