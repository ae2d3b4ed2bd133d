//! The agent as the service that the package makes of it, under a real systemd: confined, begun again, and there after a boot.

use std::time::Duration;

use casemate_tests::machine::{Machine, Way};
use casemate_tests::{LONG, booted, wait_until};
use serde_json::Value;

use crate::host::{log_in, look};
use crate::host_agent::Carried;

const UNIT: &str = include_str!("../../packaging/systemd/casemate-agent.service");
const TMPFILES: &str = include_str!("../../packaging/tmpfiles.d/casemate.conf");

/// How exposed systemd may find it, of 100. What is left are the capabilities that it needs, the network, and devices.
const EXPOSED: &str = "40";

/// What systemd knows of the service.
fn shown(machine: &Machine, property: &str) -> String {
    let line = format!("systemctl show --value --property={property} casemate-agent.service");
    machine.sh(&line).trim().to_owned()
}

/// Waits until it runs as another process; gives that.
#[track_caller]
fn runs(machine: &Machine, not: &str) -> String {
    wait_until("the service", 3 * LONG, || {
        let process = shown(machine, "MainPID");
        (shown(machine, "ActiveState") == "active" && process != "0" && process != not).then_some(process)
    })
}

#[test]
fn the_agent_is_a_service_that_is_confined_begun_again_and_there_after_a_boot() {
    let mut carried = Carried::on(booted!(Machine::with_systemd(Way::Login)));
    let machine = &carried.machine;
    machine.write("/usr/lib/systemd/system/casemate-agent.service", UNIT);
    machine.write("/usr/lib/tmpfiles.d/casemate.conf", TMPFILES);
    let analyze = |args: &[&str]| machine.root("systemd-analyze").args(args).run().success();
    let verified = analyze(&["verify", "--man=no", "/usr/lib/systemd/system/casemate-agent.service"]);
    assert_eq!((verified.text(), &*verified.stderr), (String::new(), ""));
    machine.sh("systemctl daemon-reload; systemctl enable --now casemate-agent.service");
    let first = runs(machine, "0");
    analyze(&["security", "--no-pager", &format!("--threshold={EXPOSED}"), "casemate-agent.service"]);

    // It carries, and whoever is closed is told why and ends: what it is kept from is not what it needs.
    let mut session = log_in(machine, "alice");
    look(&session);
    session.send("echo mark-first\r");
    let event = carried.command("echo mark-first");
    let close = format!("connections/{}/close", event["connectionId"].as_str().unwrap());
    assert_eq!(carried.administrator.send("PATCH", &close, &[], b"").status, 204);
    session.wait_for("casemate: the session was closed: admin@org.com closed the connection");
    assert_ne!(session.wait_exit(LONG), 0);
    assert_eq!(machine.noted("closed", "alice").len(), 1);
    // What it needs not, it cannot.
    let confined = format!("nsenter --target {first} --mount");
    let can = |line: &str| machine.root("sh").args(&["-c", &format!("{confined} {line}")]).run().code == 0;
    for line in ["touch /etc/x", "touch /usr/bin/x", "touch /home/alice/x", "touch /sys/fs/cgroup/x"] {
        assert!(!can(line), "{line}");
    }
    assert!(can("touch /var/lib/casemate/agent/x") && !machine.path("/tmp/x").exists());
    let status = machine.sh(&format!("cat /proc/{first}/status"));
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000080037"] {
        assert!(status.contains(line), "{line}: {status}");
    }

    // Killed, it is begun again, and goes on with what was recorded meanwhile.
    machine.sh(&format!("kill -KILL {first}"));
    machine.ssh(&["bob", "true mark-meanwhile"]).run().success();
    let second = runs(machine, &first);
    assert_eq!(shown(machine, "NRestarts"), "1");
    carried.command("true mark-meanwhile");
    // Told to end, it does so at once, and that is no failure.
    machine.sh("systemctl stop casemate-agent.service");
    assert_eq!(shown(machine, "Result"), "success", "{second}");
    machine.sh("systemctl start casemate-agent.service");
    runs(machine, &second);

    // After a boot it is there when the network is, and what the boot cut off is on the server and over.
    let mut cut = log_in(machine, "alice");
    look(&cut);
    cut.send("echo mark-cut\r");
    let event = carried.command("echo mark-cut");
    carried.machine.reboot();
    assert_ne!(cut.wait_exit(LONG), 0);
    let machine = &carried.machine;
    runs(machine, "0");
    let since = |unit: &str| -> u64 {
        let line = format!("systemctl show --value --property=ActiveEnterTimestampMonotonic {unit}");
        machine.sh(&line).trim().parse().unwrap()
    };
    let ready = ["network-online.target", "casemate-agent.service", "multi-user.target"].map(since);
    assert!(ready[0] > 0 && ready.is_sorted(), "{ready:?}");
    let closed = wait_until("an end", 6 * LONG, || {
        let mut events = carried.events("connection");
        events.retain(|closed| {
            closed["connectionId"] == event["connectionId"] && closed["connectionEventType"] == "Closed"
        });
        events.pop()
    });
    assert_ne!(closed["reason"], Value::Null, "{closed}");
    machine.ssh(&["bob", "true mark-after"]).run().success();
    carried.command("true mark-after");
    carried.all_is_there();
    std::thread::sleep(Duration::from_secs(1));
    let status = carried.status();
    assert!(
        status["agent"]["away"].is_null() && status["agent"]["refused"] == serde_json::json!({}),
        "{status}"
    );
}
