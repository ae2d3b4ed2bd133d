//! `casemate agent` on a wrapped host, with a real server: what is recorded there arrives, live and once, as whose it is.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use casemate_tests::machine::{CONFIG, Machine, RECORDINGS, Way};
use casemate_tests::{Asker, AuditServer, LONG, Session, World, booted, wait_until};
use serde_json::{Value, json};

use crate::host::{log_in, log_out, look};
use crate::server::commands;

/// A server, a host with its key, and who asks.
pub(crate) struct Carried {
    pub(crate) server: AuditServer,
    pub(crate) administrator: Asker,
    pub(crate) machine: Machine,
    /// The calls that were made from there.
    calls: Arc<AtomicUsize>,
    _world: World,
}

impl Carried {
    fn new() -> Result<Self, String> {
        Ok(Self::on(Machine::new(Way::Login)?))
    }

    /// On a machine that is there.
    pub(crate) fn on(machine: Machine) -> Self {
        let world = World::new();
        let server = AuditServer::start(&world.path("server"), None);
        let administrator = server.administrator();
        machine.write("/etc/casemate/agent.key", administrator.agent("web-1"));
        machine.chmod("/etc/casemate/agent.key", 0o600);
        // That root has come in, to see whether anybody can, is not told.
        machine.sh("rm -f /var/lib/casemate/log/*");
        let (url, calls) = machine.counted_wire(&server.address);
        let alice = machine.sh("ssh-keygen -lf /home/client/.ssh/alice.pub");
        let alice = alice.split(' ').nth(1).expect("a fingerprint");
        machine.configure(&format!(
            "[people]\n\"{alice}\" = \"alice@corp.example\"\n\
             [server]\nurl = \"{url}\"\nkey-file = \"/etc/casemate/agent.key\"\n"
        ));
        Self { server, administrator, machine, calls, _world: world }
    }

    /// Whom alice's key is of.
    fn call_alice(&self, name: &str) {
        let config = self.machine.path("/etc/casemate/config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains("\"alice@corp.example\""));
        std::fs::write(config, text.replace("\"alice@corp.example\"", &format!("\"{name}\""))).unwrap();
    }

    /// Its agent, at work.
    fn agent(&self) -> Session {
        // As the unit of the package has it: root, but not for everything.
        let capabilities = capabilities();
        let arguments = ["--no-new-privs", "--bounding-set", &capabilities, "--", "casemate", "agent"];
        let mut agent = self.machine.root("setpriv").args(&arguments).on_terminal();
        agent.wait_for("carrying what is recorded here");
        agent
    }

    /// Kills the agent itself: without what entered the machine for it, it would live on for a moment.
    fn kill(&self, agent: &mut Session) {
        self.machine.sh("pkill -KILL -xf 'casemate agent'");
        assert_eq!(agent.wait_exit(LONG), 128 + 9);
    }

    pub(crate) fn events(&self, log: &str) -> Vec<Value> {
        self.administrator.json(&format!("events/{log}?eventCount=1000&sort=asc")).as_array().unwrap().clone()
    }

    /// Waits until a command is in the log.
    #[track_caller]
    pub(crate) fn command(&self, text: &str) -> Value {
        wait_until(&format!("`{text}` in the log"), 3 * LONG, || {
            let mut found = self.events("command");
            found.retain(|event| event["command"].as_str().is_some_and(|command| command.contains(text)));
            assert!(found.len() < 2, "once: {found:#?}");
            found.pop()
        })
    }

    /// Waits until all that is kept on the host is on the server, and the same.
    #[track_caller]
    pub(crate) fn all_is_there(&self) {
        for recording in self.machine.recordings() {
            let name = recording.file_name().unwrap().to_str().unwrap();
            let id = &name[7..43];
            wait_until(&format!("all of {id}"), 3 * LONG, || {
                let details = self.administrator.get(&format!("session-recordings/{id}/details"));
                (details.status == 200 && details.json()["complete"] == true).then_some(())
            });
            let there = self.administrator.get(&format!("session-recordings/{id}"));
            let here = self.machine.root("zstd").args(&["-dcq"]).args(&[inside(&recording)]).run().success();
            assert_eq!(there.text, here.text(), "{id}");
        }
    }

    pub(crate) fn status(&self) -> Value {
        let run = self.machine.root("casemate").args(&["agent", "--status", "--json"]).run();
        serde_json::from_str(&run.text()).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }
}

/// What the unit leaves to the agent, as setpriv(1) is told it.
fn capabilities() -> String {
    let unit = include_str!("../../packaging/systemd/casemate-agent.service");
    let left = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).unwrap();
    let names = left.split(' ').map(|name| name.strip_prefix("CAP_").unwrap().to_lowercase());
    names.fold("-all".to_owned(), |all, name| format!("{all},+{name}"))
}

/// Where something is on its machine.
fn inside(path: &std::path::Path) -> String {
    format!("/{}", path.components().skip(4).collect::<std::path::PathBuf>().display())
}

#[test]
fn what_is_typed_on_a_host_is_in_the_log_of_the_server_at_once_until_somebody_closes_it() {
    let carried = booted!(Carried::new());
    let _agent = carried.agent();
    let mut tail = carried.administrator.tail("logs=command,connection");
    let mut session = log_in(&carried.machine, "alice");
    look(&session);
    // What is measured is not how a first session is begun with.
    session.send("true\r");
    tail.by_ref().find(|message| message.event["command"] == "true").unwrap();
    session.wait_prompt();
    look(&session);
    // On a machine that has other things to do as well, one of a few counts.
    let mut last = None;
    let took = (0..3).map(|number| {
        look(&session);
        session.send(format!("echo from-$((40 + {number}))"));
        session.wait_for(&format!("{number}))"));
        let typed = Instant::now();
        session.send("\r");
        let line = format!("echo from-$((40 + {number}))");
        last = tail.by_ref().find(|message| message.event["command"] == line.as_str());
        let took = typed.elapsed();
        session.wait_prompt();
        took
    });
    let took = took.min().unwrap();
    assert!(took < Duration::from_millis(900), "{took:?}");
    let event = last.unwrap();
    let event = event.event;
    for (field, value) in
        [("subjectName", "alice@corp.example"), ("targetName", "web-1"), ("targetUser", "alice")]
    {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    let id = event["connectionId"].as_str().unwrap().to_owned();
    let open = carried.administrator.json("connections?connectionState=Open");
    assert_eq!((&open[0]["id"], &open[0]["inactive"]), (&json!(id), &json!(false)), "{open}");
    let known = json!({ "user": "key", "target": "host", "target_user": "uid" });
    assert_eq!(open[0]["knownBy"], known, "{open}");
    let created = carried.events("connection");
    assert_eq!(created[0]["ipAddress"], "127.0.0.1", "{created:#?}");

    let close = carried.administrator.send(
        "PATCH",
        &format!("connections/{id}/close"),
        &[("content-type", "application/json")],
        b"{\"reason\":\"lunch\"}",
    );
    assert_eq!(close.status, 204, "{}", close.text);
    session.wait_for("casemate: the session was closed: admin@org.com closed the connection: lunch");
    assert_ne!(session.wait_exit(LONG), 0);
    carried.all_is_there();
    let closed = carried.machine.noted("closed", "alice");
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert_eq!(closed[0]["reason"], "admin@org.com closed the connection: lunch");
    let mut events = carried.events("connection");
    events.retain(|event| event["connectionEventType"] == "Closed");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["reason"], "admin@org.com closed the connection: lunch");
    // The login had a shell: it is no connection of its own.
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(carried.administrator.json("connections").as_array().unwrap().len(), 1);
}

#[test]
fn sessions_without_a_terminal_and_logins_without_a_shell_arrive() {
    let carried = booted!(Carried::new());
    let _agent = carried.agent();
    let machine = &carried.machine;
    machine.write("/home/client/file", "1234567");
    machine.client("scp", &["-q", "-O", "file", "alice:copied"]).run().success();
    machine.ssh(&["bob", "echo mark-command"]).run().success();
    let scp = carried.command("scp -t copied");
    assert_eq!((&scp["subjectName"], &scp["targetUser"]), (&json!("alice@corp.example"), &json!("alice")));
    let command = carried.command("echo mark-command");
    assert_eq!((&command["subjectName"], &command["exitCode"]), (&json!("bob"), &json!(0)), "{command}");
    carried.all_is_there();

    let mut forwarding = machine.ssh(&["-N", "alice"]).on_terminal();
    let open = wait_until("a connection", 2 * LONG, || {
        let open = carried.administrator.json("connections?connectionState=Open");
        open.as_array().unwrap().first().cloned()
    });
    assert_eq!(
        (&open["subjectName"], &open["targetUser"]),
        (&json!("alice@corp.example"), &json!("alice")),
        "{open}"
    );
    let login = machine.noted("login", "alice");
    let id = login.last().unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(open["id"], json!(id), "{open}");
    // It is there for longer than a lease would last that nobody renews.
    let close = carried.administrator.send("PATCH", &format!("connections/{id}/close"), &[], b"");
    assert_eq!(close.status, 204, "{}", close.text);
    assert_ne!(forwarding.wait_exit(LONG), 0);
    assert_eq!(machine.noted("closed", "alice").len(), 1);

    // One that is over before anybody says that it had no shell.
    machine.set_shell("carol", "/usr/bin/true");
    machine.ssh(&["carol"]).run().success();
    let login = wait_until("a login", LONG, || machine.noted("logout", "carol").pop());
    let id = login["id"].as_str().unwrap();
    let ended = wait_until("a connection", 2 * LONG, || {
        let mut events = carried.events("connection");
        events.retain(|event| event["connectionId"] == id && event["connectionEventType"] == "Closed");
        events.pop()
    });
    assert_eq!((&ended["reason"], &ended["subjectName"]), (&json!("the login ended"), &json!("carol")));
    assert_eq!(carried.administrator.json("connections").as_array().unwrap().len(), 4);
}

#[test]
fn a_server_that_is_away_holds_up_nobody_and_gets_everything_once() {
    let mut carried = booted!(Carried::new());
    let mut at_work = carried.agent();
    let mut session = log_in(&carried.machine, "alice");
    look(&session);
    session.send("echo before\r");
    carried.command("echo before");
    carried.server.kill();
    session.wait_prompt();
    look(&session);
    session.send("echo while-$((40 + 2))\r");
    session.wait_for("while-42");
    let begun = Instant::now();
    carried.machine.ssh(&["bob", "true mark-away"]).run().success();
    assert!(begun.elapsed() < LONG);
    let away = wait_until("an agent that has noticed", LONG, || {
        let status = carried.status();
        (status["backlog"]["waiting"] == 1 && status["agent"]["away"].is_array()).then_some(status)
    });
    assert_eq!(away["backlog"]["running"], 1, "{away}");
    // The agent goes as well, and so does what it knows.
    carried.kill(&mut at_work);
    carried.machine.sh("rm -r /var/lib/casemate/agent");
    session.send("echo without-$((40 + 3))\r");
    session.wait_for("without-43");
    carried.server.kill_and_start();
    let _again = carried.agent();
    for line in ["echo while-$((40 + 2))", "true mark-away", "echo without-$((40 + 3))"] {
        carried.command(line);
    }
    session.wait_prompt();
    assert_eq!(log_out(&mut session, 0), 0);
    carried.all_is_there();
    let events = Value::from(carried.events("command"));
    let lines = commands(&events);
    assert_eq!(lines.iter().filter(|line| line.contains("before")).count(), 1, "{lines:?}");
    let status = wait_until("nothing that waits", LONG, || {
        let status = carried.status();
        (status["backlog"]["waiting"] == 0 && status["backlog"]["running"] == 0).then_some(status)
    });
    assert!(status["agent"]["away"].is_null() && status["agent"]["refused"] == json!({}), "{status}");
    let said = carried.machine.root("casemate").args(&["agent", "--status"]).run().success().text();
    assert!(said.ends_with("running   0\nwaiting   0\n"), "{said}");
    let mut ends = carried.events("connection");
    ends.retain(|event| event["connectionEventType"] == "Closed");
    assert_eq!(ends.len(), 2, "{ends:#?}");
}

#[test]
fn what_is_planted_among_recordings_is_not_carried() {
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    machine.ssh(&["alice", "true mark-real"]).run().success();
    let real = machine.recording("mark-real").path;
    let (folder, name) = (inside(real.parent().unwrap()), inside(&real));
    let planted = |number: u32| format!("{folder}/000000-0196a1b2-c3d4-7e5f-8a9b-{number:012x}.cast.zst");
    // A recording that is root's alone, and all the ways to have another name lead there.
    machine.sh(&format!(
        "cp {name} /root/secret.cast.zst; ln -s /root/secret.cast.zst {}; ln {name} {}; mkfifo -m 640 {}; cp {name} {}
         cp {name} {}; chgrp casemate {}; chmod 640 {}; mkdir {}; ln -s /root {RECORDINGS}/2026-11-01",
        planted(1), planted(2), planted(3), planted(4), planted(5), planted(5), planted(5), planted(6)
    ));
    // What is alice's and says that it is of another session.
    machine.sh(&format!(
        "cp -p {name} {}; chgrp casemate {}; truncate -s 1T {}; chown alice:casemate {}; chmod 640 {}",
        planted(7),
        planted(7),
        planted(8),
        planted(8),
        planted(8)
    ));
    machine.sh(&format!("rm {}", planted(2)));
    let mut agent = carried.agent();
    carried.command("true mark-real");
    wait_until("that they are looked at", 3 * LONG, || {
        (carried.status()["agent"]["refused"].as_object()?.len() == 7).then_some(())
    });
    assert!(agent.is_running());
    let there = carried.administrator.json("session-recordings");
    assert_eq!(there.as_array().unwrap().len(), 1, "{there}");
    let text = machine.root("casemate").args(&["agent", "--status"]).run();
    assert_eq!(text.code, 1);
    // Nor is it, when it appears later.
    machine.sh(&format!("ln -s /root/secret.cast.zst {}", planted(9)));
    machine.ssh(&["alice", "true mark-later"]).run().success();
    carried.command("true mark-later");
    assert_eq!(carried.administrator.json("session-recordings").as_array().unwrap().len(), 2);
}

#[test]
fn whoever_has_a_name_that_the_server_does_not_take_is_known_by_one_like_it() {
    let carried = booted!(Carried::new());
    carried.call_alice("Liddell, Alice");
    let _agent = carried.agent();
    carried.machine.ssh(&["alice", "true mark-name"]).run().success();
    let command = carried.command("true mark-name");
    let name = command["subjectName"].as_str().unwrap();
    assert!(name.starts_with("Liddell_ Alice~"), "{command}");
    let id = command["connectionId"].as_str().unwrap();
    carried.all_is_there();
    // In the recording it stands as it was.
    let recording = carried.administrator.get(&format!("session-recordings/{id}"));
    assert!(recording.text.contains("\"user\":\"Liddell, Alice\""), "{}", recording.text);
}

#[test]
fn what_an_old_host_log_says_of_logins_makes_no_connections() {
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    machine.ssh(&["alice", "true mark-first"]).run().success();
    let now = machine.host_log().first().unwrap()["start_us"].as_u64().unwrap();
    let planted = |number: u32, start: u64| {
        let id = format!("0196a1b2-c3d4-7e5f-8a9b-{number:012x}");
        machine.sh(&format!(
            "log=$(ls /var/lib/casemate/log/*.jsonl | tail -n 1); echo '{}' >> $log",
            json!({"time": "2026-11-20T10:00:00.000000Z", "kind": "login", "id": id, "account": "alice",
                "service": "sshd", "client": "192.0.2.7", "pid": 4_000_000, "process_start": 1, "start_us": start})
        ));
        id
    };
    // Its recording was there once; of the other one there never was any, and nobody has said that it ended.
    let old = planted(1, now - 86_400_000_000);
    let lost = planted(2, now + 1_000_000);
    for _ in 0..2 {
        let mut agent = carried.agent();
        let ended = wait_until("a connection that is over", 2 * LONG, || {
            let mut events = carried.events("connection");
            events.retain(|event| event["connectionId"] == *lost && event["connectionEventType"] == "Closed");
            events.pop()
        });
        assert!(ended["reason"].as_str().unwrap().contains("when is not known"), "{ended}");
        carried.all_is_there();
        let events = Value::from(carried.events("connection")).to_string();
        assert!(!events.contains(&old), "{events}");
        carried.kill(&mut agent);
    }
}

#[test]
fn what_is_gone_from_a_host_is_forgotten_there_and_makes_no_connections() {
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    let recorded = |command: &str| {
        machine.ssh(&["alice", command]).run().success();
        machine.recording(command).path.file_name().unwrap().to_str().unwrap()[7..43].to_owned()
    };
    // Of both the agent knows that they were delivered, and within which logins they were.
    let delivered = || machine.sh("cat /var/lib/casemate/agent/*.delivered");
    let old = recorded("true mark-old");
    let mut first = carried.agent();
    wait_until("that it is known", 2 * LONG, || delivered().contains(&old).then_some(()));
    carried.kill(&mut first);
    let lines = delivered().lines().count();
    machine.sh(&format!("rm -r {RECORDINGS}/*"));
    let new = recorded("true mark-new");
    for _ in 0..2 {
        let mut agent = carried.agent();
        wait_until("that what is gone is forgotten", 2 * LONG, || {
            let delivered = delivered();
            (!delivered.contains(&old) && delivered.contains(&new)).then_some(())
        });
        carried.kill(&mut agent);
        assert!(delivered().lines().count() <= lines + 1, "{}", delivered());
    }
    assert_eq!(carried.administrator.json("connections").as_array().unwrap().len(), 2);
}

#[test]
fn a_recording_that_the_server_refuses_is_in_no_other_ones_way() {
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    let recorded = |command: &str| {
        machine.ssh(&["alice", command]).run().success();
        let path = machine.recording(command).path;
        let id = path.file_name().unwrap().to_str().unwrap()[7..43].to_owned();
        (inside(&path), id)
    };
    // The server knows the one as another target's, and the other one was deleted there.
    let (foreign, id) = recorded("true mark-foreign");
    let other = carried.server.with_key(&carried.administrator.agent("web-2"));
    assert_eq!(other.connect_as(&id, "alice", "cast.zst").status, 201);
    let (deleted, id) = recorded("true mark-deleted");
    let key = std::fs::read_to_string(machine.path("/etc/casemate/agent.key")).unwrap();
    let own = carried.server.with_key(&key);
    assert_eq!(own.connect_as(&id, "alice", "cast.zst").status, 201);
    let bytes = std::fs::read(machine.path(&deleted)).unwrap();
    assert_eq!(own.patch(&id, 0, &bytes, true).status, 204);
    let delete =
        carried.administrator.send("DELETE", &format!("session-recordings/{id}?reason=gone"), &[], b"");
    assert_eq!(delete.status, 204, "{}", delete.text);
    machine.ssh(&["alice", "true mark-other"]).run().success();

    let _agent = carried.agent();
    carried.command("true mark-other");
    let mut session = log_in(machine, "bob");
    look(&session);
    session.send("echo mark-live\r");
    carried.command("echo mark-live");
    session.wait_prompt();
    assert_eq!(log_out(&mut session, 0), 0);
    // Of what is left there is the one that is refused, and it is said which and why.
    let status = wait_until("one that waits", LONG, || {
        let status = carried.status();
        (status["backlog"]["waiting"] == 1).then_some(status)
    });
    assert!(status["agent"]["away"].is_null(), "{status}");
    let refused = status["agent"]["refused"].as_object().unwrap();
    assert_eq!(refused.keys().collect::<Vec<_>>(), [&foreign], "{status}");
    assert!(refused[&foreign].as_str().unwrap().contains("another"), "{status}");
}

#[test]
fn fifty_sessions_in_which_nothing_happens_make_a_few_calls_a_minute_and_end_at_once() {
    const SESSIONS: usize = 50;
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    let shell =
        "exec setpriv --reuid alice --regid alice --init-groups -- env HOME=/home/alice casemate-shell -c";
    let _idle = machine
        .root("sh")
        .args(&["-c", &format!("for i in $(seq {SESSIONS}); do ({shell} 'sleep 1000; true') & done; wait")])
        .on_terminal();
    wait_until("sessions", 3 * LONG, || (machine.running("sleep 1000").len() == SESSIONS).then_some(()));
    let _agent = carried.agent();
    let open = || carried.administrator.json("connections?connectionState=Open").as_array().unwrap().clone();
    let connections = wait_until("connections", 3 * LONG, || {
        let open = open();
        (open.len() == SESSIONS).then_some(open)
    });
    // Until one call speaks for all, each speaks for itself.
    std::thread::sleep(Duration::from_secs(22));
    let count = || carried.calls.load(Ordering::Relaxed);
    let (before, time) = (count(), Duration::from_secs(20));
    std::thread::sleep(time);
    let made = count() - before;
    assert!(made <= 4, "{made} calls in {time:?}");
    assert_eq!(open().len(), SESSIONS);

    let took = connections[..3].iter().map(|connection| {
        let running = machine.running("sleep 1000").len();
        let begun = Instant::now();
        let path = format!("connections/{}/close", connection["id"].as_str().unwrap());
        assert_eq!(carried.administrator.send("PATCH", &path, &[], b"").status, 204);
        wait_until("its end", LONG, || (machine.running("sleep 1000").len() == running - 1).then_some(()));
        begun.elapsed()
    });
    let took: Vec<_> = took.collect();
    assert!(took.iter().all(|took| *took < Duration::from_secs(5)), "{took:?}");
    // It goes on for the others, for longer than a lease lasts that nobody renews.
    assert_eq!(open().len(), SESSIONS - 3);
}

#[test]
fn only_root_has_an_agent_and_one_and_with_a_key_that_nobody_else_reads() {
    let carried = booted!(Carried::new());
    let machine = &carried.machine;
    machine.account("alice", "casemate").args(&["agent"]).run().fails("only root can do that");
    let agent = || machine.root("casemate").args(&["agent"]).run();
    machine.chmod("/etc/casemate/agent.key", 0o640);
    agent().fails("/etc/casemate/agent.key can be read by others than root");
    machine.chmod("/etc/casemate/agent.key", 0o600);
    let _one = carried.agent();
    agent().fails("an agent runs already");
    // It has nothing to carry, and is there all the same; nobody has done anything.
    let there = wait_until("an agent that is there", LONG, || carried.events("agent-status-change").pop());
    assert_eq!(there["statusChange"], "Online", "{there}");
    wait_until("that this is said", LONG, || carried.status()["agent"]["reachedUs"].as_u64());
    assert!(!Value::from(carried.events("subject")).to_string().contains("heartbeat"));
    let explained = machine.root("casemate").args(&["shell", "--explain"]).run().success().text();
    assert!(explained.contains("server             http://127.0.0.1:"), "{explained}");
    for path in ["/etc/casemate/agent.key", "/var/lib/casemate/agent/status.json"] {
        assert_ne!(machine.account("alice", "cat").args(&[path]).run().code, 0, "{path}");
    }
    let mode = std::fs::metadata(machine.path("/var/lib/casemate/agent")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    machine.write("/etc/casemate/config.toml", CONFIG);
    machine.root("casemate").args(&["agent", "--status"]).run().fails("names no server");
}
