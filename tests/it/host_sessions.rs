//! `casemate sessions` and `casemate watch`: who may see which sessions, and what they see.

use std::time::Duration;

use casemate_tests::machine::{CONFIG, Machine, Way};
use casemate_tests::{Finished, LONG, Session, wait_until};
use serde_json::Value;

use crate::host::{log_in, log_out};

/// A machine whose auditors are in the group `audit`, as vera is.
fn watched() -> Option<Machine> {
    match Machine::new(Way::Login) {
        Ok(machine) => {
            machine.write("/etc/casemate/config.toml", format!("watchers = [\"audit\"]\n{CONFIG}"));
            Some(machine)
        }
        Err(missing) => {
            casemate_tests::tools::skipped(&missing);
            None
        }
    }
}

fn sessions(machine: &Machine, account: &str, more: &[&str]) -> Finished {
    machine.account(account, "casemate").args(&["sessions"]).args(more).run()
}

fn listed(machine: &Machine, more: &[&str]) -> Vec<Value> {
    let text = sessions(machine, "vera", &[&["--json"], more].concat()).success().text();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn watch(machine: &Machine, id: &str) -> Session {
    machine.account("vera", "casemate").args(&["watch", id]).size(80, 24).on_terminal()
}

#[test]
fn an_auditor_sees_who_is_in_and_watches_until_they_leave() {
    let Some(machine) = watched() else { return };
    let mut alice = log_in(&machine, "alice");
    alice.send("echo before-$((40 + 2))\r");
    alice.wait_for("before-42");
    let running = wait_until("a command", Duration::from_secs(10), || {
        listed(&machine, &["--running"]).into_iter().find(|session| session["commands"] == 1)
    });
    assert_eq!((&running["state"], &running["account"]), (&"running".into(), &"alice".into()), "{running}");
    assert_eq!((&running["target_user"], &running["parts"]), (&"alice".into(), &1.into()), "{running}");
    let id = running["session"].as_str().unwrap().to_owned();

    let mut vera = watch(&machine, &id[..13]);
    vera.wait_screen("before-42");
    alice.send("echo during-$((40 + 3))\r");
    vera.wait_screen("during-43");
    // What she types reaches the player only.
    vera.send("x");
    assert_eq!(log_out(&mut alice, 3), 3);
    assert_eq!(vera.wait_exit(LONG), 0, "{}", vera.dump());
    vera.wait_for("the session has ended");

    let watchings = machine.noted("watched", "vera");
    assert_eq!(watchings.len(), 1, "{watchings:?}");
    assert_eq!((&watchings[0]["session"], &watchings[0]["of"]), (&Value::from(id.clone()), &"alice".into()));
    assert_eq!(listed(&machine, &["--running"]), [Value::Null; 0]);
    let past = listed(&machine, &["--user", "alice"]);
    assert_eq!((&past[0]["session"], &past[0]["state"]), (&Value::from(id), &"finished".into()), "{past:?}");
    assert_eq!(past[0]["commands"], 3, "{past:?}");
    machine.account("vera", "casemate").args(&["watch", "0"]).run().fails("no session that runs");
}

#[test]
fn nobody_else_sees_anything() {
    let Some(machine) = watched() else { return };
    let mut alice = log_in(&machine, "alice");
    let id = listed(&machine, &["--running"])[0]["session"].as_str().unwrap().to_owned();
    for account in ["alice", "bob"] {
        sessions(&machine, account, &[]).fails("may not see the sessions of this host");
        machine.account(account, "casemate").args(&["watch", &id]).run().fails("may not see the sessions");
        let helper = |args: &[&str]| machine.account(account, "casemate-shell").args(args).run();
        for args in [
            &["--list"][..],
            &["--follow", &id],
            &["--follow", "../../../etc/shadow"],
            &["--list", "--running"],
        ] {
            let finished = helper(args);
            assert_eq!((finished.code, finished.stdout.len()), (1, 0), "{args:?}");
        }
        assert!(!machine.noted("refused", account).is_empty());
        for path in ["/run/casemate/sessions", "/var/lib/casemate/recordings", "/run/casemate/usage"] {
            let ls = machine.account(account, "ls").args(&[path]).run();
            assert_ne!(ls.code, 0, "{account} lists {path}");
        }
    }
    // She may, but not what would show itself.
    sessions(&machine, "vera", &[]).success();
    machine.root("casemate").args(&["sessions", "--running"]).run().success();
    log_out(&mut alice, 0);
}

#[test]
fn whoever_watches_and_leaves_leaves_nothing_running() {
    let Some(machine) = watched() else { return };
    let mut alice = log_in(&machine, "alice");
    let id = listed(&machine, &["--running"])[0]["session"].as_str().unwrap().to_owned();
    let mut vera = watch(&machine, &id);
    vera.wait_screen("ready>");
    let followers = || machine.running(&format!("/usr/bin/casemate-shell --follow {id}")).len();
    assert_eq!(followers(), 1);
    vera.send("q");
    assert_eq!(vera.wait_exit(LONG), 0, "{}", vera.dump());
    wait_until("the helper to end", Duration::from_secs(5), || (followers() == 0).then_some(()));
    assert!(alice.is_running());
    log_out(&mut alice, 0);
}
