//! `casemate review`: its screens at three sizes, from the table to the moment and back, notes, evidence untouched.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use casemate_tests::{LONG, Session, World, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::screens::{SIZES, check};

/// A session of somebody who gives commands, one key at a time, each with some output; it begins `start` seconds
/// after midnight.
fn session(user: &str, target: &str, account: &str, start: u64, commands: &[(&str, &str)]) -> String {
    let start_us = (1_795_305_600 + start) * 1_000_000;
    let header = json!({
        "version": 2, "width": 80, "height": 24, "timestamp": start_us / 1_000_000,
        "title": format!("work on {target}"),
        "casemate": {
            "session": format!("01a21909-33c2-7721-ad43-{start:012}"), "user": user, "target": target,
            "target_user": account, "start_us": start_us,
        },
    });
    let mut cast = format!("{header}\n");
    let mut now = 5;
    let mut output = |text: &str| {
        writeln!(cast, "{}", json!([f64::from(now) / 10.0, "o", text])).unwrap();
        now += 1;
    };
    let prompt = format!("{account}@{target}:~$ ");
    output(&prompt);
    for (command, text) in commands {
        command.chars().for_each(|key| output(&key.to_string()));
        output("\r\n");
        output(text);
        output(&prompt);
    }
    cast
}

/// A folder with recordings in four states, wide characters, and a name that would act on a terminal.
fn evidence() -> World {
    let world = World::new();
    fs::create_dir_all(world.path("audit/web")).unwrap();
    let write = |name: &str, cast: String| world.write(name, cast);
    write(
        "audit/web/nginx.cast",
        session(
            "alice",
            "web-1",
            "root",
            600,
            &[
                ("systemctl restart nginx", "nginx: done\r\n"),
                ("cat /etc/shadow", "cat: /etc/shadow: Permission denied\r\n"),
            ],
        ),
    );
    write(
        "audit/日本語.cast",
        session(
            "björn",
            "db-1",
            "postgres",
            1200,
            &[
                ("echo 日本語のログ", "日本語のログ\r\n"),
                ("ls /etc/shadow*", "/etc/shadow  /etc/shadow-\r\n"),
            ],
        ),
    );
    write(
        "audit/bad\u{1b}]0;owned\u{7}\u{202e}.cast",
        session("mallory", "web-1", "www-data", 300, &[("id", "uid=33\r\n")]),
    );
    write("audit/none.cast.zst", "this is no recording\n".into());
    write(
        "sealed.cast",
        session("carol", "web-2", "carol", 1800, &[("sudo -i", ""), ("rm -rf /srv/old", "")]),
    );
    world.casemate(&["convert", "-q", "sealed.cast", "audit/sealed.cast.zst"]).run().success();
    let mut broken = world.bytes("audit/sealed.cast.zst");
    broken.extend_from_slice(b"something more");
    world.write("audit/broken.cast.zst", broken);
    world
}

fn review(world: &World, size: (u16, u16), args: &[&str]) -> Session {
    let args: Vec<_> =
        ["review", "audit", "--case", "case.json"].into_iter().chain(args.iter().copied()).collect();
    world.casemate(&args).size(size.0, size.1).on_terminal()
}

/// Waits until the index is up to date.
fn wait_ready(session: &mut Session) {
    session.wait_screen("? keys");
}

#[track_caller]
fn screens(keys: &[&str], scene: &str) {
    let world = evidence();
    for size in SIZES {
        let mut session = review(&world, size, &[]);
        wait_ready(&mut session);
        for keys in keys {
            session.send(keys);
        }
        check(&mut session, size, &format!("review-{scene}"));
        session.send("\u{3}");
        assert_eq!(session.wait_exit(LONG), 130);
    }
}

#[test]
fn sessions_are_a_table() {
    screens(&[], "sessions");
}

#[test]
fn sessions_are_filtered_as_one_types() {
    screens(&["/is:dam"], "filtered");
}

#[test]
fn commands_of_all_sessions_are_one_timeline() {
    screens(&["2"], "commands");
}

#[test]
fn commands_and_screens_are_searched() {
    screens(&["3shadow\r"], "search");
}

#[test]
fn details_say_what_is_wrong() {
    let world = evidence();
    for size in SIZES {
        let mut session = review(&world, size, &[]);
        wait_ready(&mut session);
        session.send("/broken\r");
        session.wait_screen("damaged");
        session.send("m");
        session.wait_screen("state     damaged");
        if size.0 > 40 {
            session.wait_screen("damaged bytes");
        }
        session.send("m\u{1b}/none\r");
        session.wait_screen("none");
        session.send("m");
        session.wait_screen("nothing of it can be");
        session.send("qq");
        session.wait_success();
    }
}

#[test]
fn there_is_help() {
    screens(&["?"], "help");
}

#[test]
fn from_a_command_to_its_moment_and_back() {
    let world = evidence();
    let mut session = review(&world, (80, 24), &[]);
    wait_ready(&mut session);
    session.send("2/user:bj\u{7f}\u{7f}alice shad\r");
    session.wait_screen("1 command");
    session.send("\r");
    // The command stands there, and what came of it does not yet.
    session.wait_screen("root@web-1:~$ cat /etc/shadow");
    session.wait_screen("‖ 0:");
    assert!(!session.screen().contains("Permission denied"), "{}", session.screen());
    // A note on the moment, a little later.
    session.send(".");
    session.wait_screen("Permission denied");
    session.send("ahe tried the passwords\r");
    session.wait_screen("noted in case.json");
    session.send("q");
    session.wait_screen("1 command");
    session.send("adirectly\r");
    session.wait_screen("noted in case.json");
    session.send("4");
    session.wait_screen("he tried the passwords");
    session.wait_screen("2 notes");
    session.send("\r");
    session.wait_screen("root@web-1:~$ cat /etc/shadow");
    session.send("q");
    session.wait_screen("2 notes");
    session.send("e\u{15}straight\r");
    session.wait_screen("straight");
    session.send("\u{1b}[Bd");
    session.wait_screen("remove this note?");
    session.send("y");
    session.wait_screen("1 note");
    session.send("q");
    session.wait_success();
    let case: Value = serde_json::from_slice(&world.bytes("case.json")).unwrap();
    let marks = case["bookmarks"].as_array().unwrap();
    assert_eq!(marks.len(), 1, "{case}");
    let mark = &marks[0];
    assert_eq!((&mark["note"], &mark["line"]), (&json!("straight"), &json!("cat /etc/shadow")));
    assert_eq!((&mark["user"], &mark["target"]), (&json!("alice"), &json!("web-1")));
    assert_eq!(mark["session"], "01a21909-33c2-7721-ad43-000000000600");
    // They are in the report.
    let report = world.casemate(&["report", "audit", "-o", "r.html", "--case", "case.json"]).run().exits(1);
    assert!(!report.stderr.contains("not in this report"), "{}", report.stderr);
    let page = String::from_utf8(world.bytes("r.html")).unwrap();
    assert!(page.contains("<bdi>straight</bdi></strong>, on <code><bdi>cat /etc/shadow</bdi></code>"));
    let report = world
        .casemate(&["report", "audit/sealed.cast.zst", "-o", "s.html", "--case", "case.json"])
        .run()
        .success();
    assert!(report.stderr.contains("one note of the case is on a recording that is not in this report"));
    // Notes are there the next time.
    let mut session = review(&world, (80, 24), &[]);
    session.wait_screen("◆");
    session.send("4");
    session.wait_screen("straight");
    session.send("q");
    session.wait_success();
}

#[test]
fn a_session_is_played_from_its_start_and_its_commands_are_listed() {
    let world = evidence();
    let mut session = review(&world, (80, 24), &[]);
    wait_ready(&mut session);
    session.send("/日本\r");
    session.wait_screen("1 of 6");
    session.send("c");
    session.wait_screen("2 commands");
    session.wait_screen("of 日本語.cast");
    session.send("\u{1b}");
    session.wait_screen("9 commands");
    session.send("1\r");
    session.wait_screen("▶ 0:0");
    session.wait_screen("postgres@db-1:~$ ech");
    session.send("q");
    session.wait_screen("1 of 6");
    // A click chooses, a second one plays; one on a title sorts.
    session.send("\u{1b}");
    session.wait_screen("6 sessions");
    session.send("\u{1b}[<0;25;3M\u{1b}[<0;25;3m");
    session.wait_screen("who▲");
    session.send("\u{1b}[<0;25;5M\u{1b}[<0;25;5m\u{1b}[<0;25;5M\u{1b}[<0;25;5m");
    session.wait_screen("▶ 0:0");
    session.send("q");
    session.wait_screen("who▲");
    session.send("q");
    session.wait_success();
}

#[test]
fn a_key_tells_who_else_signed() {
    let world = evidence();
    for key in ["key", "other"] {
        world.casemate(&["keygen", key]).run().success();
    }
    let signed = ["--sign-key", "key", "audit/signed.cast.zst", "--", "echo", "hello"];
    world.rec(&signed).on_terminal().wait_success();
    let mut session = review(&world, (100, 24), &["--key", "key.pub"]);
    session.wait_screen("signed");
    session.send("q");
    session.wait_success();
    let mut session = review(&world, (100, 24), &["--key", "other.pub"]);
    session.wait_screen("other key");
    session.send("q");
    session.wait_success();
}

/// Every file and folder below: its path, content, times and modes.
fn state(world: &World) -> Vec<(std::path::PathBuf, Vec<u8>, [i64; 4])> {
    let mut found = Vec::new();
    let mut folders = vec![world.path("audit")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::metadata(&path).unwrap();
            let times = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
            if about.is_dir() {
                folders.push(path.clone());
            }
            let content = if about.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            found.push((path, content, times));
        }
    }
    found.sort();
    found
}

#[test]
fn evidence_stays_as_it_was() {
    let world = evidence();
    let before = state(&world);
    let mut session = review(&world, (80, 24), &[]);
    wait_ready(&mut session);
    session.send("2");
    session.wait_screen("9 commands");
    session.send("\r");
    session.wait_screen("‖ 0:");
    session.send("astop\r");
    session.wait_screen("noted");
    session.send("q");
    session.wait_screen("? keys");
    session.send("q");
    session.wait_success();
    assert_eq!(state(&world), before);
    for case in ["audit/case.json", "audit/web/../case.json"] {
        let refused = world.casemate(&["review", "audit", "--case", case]).run();
        refused.fails("would be among the recordings");
    }
    assert_eq!(state(&world), before);
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let world = evidence();
    for way in ["q", "ctrl-c", "term", "ctrl-c in the player", "hup in the player"] {
        let mut session = world.script("stty -a > before; \"$CASEMATE\" review audit --case case.json; echo \"left with $?\"; stty -a > after; read -r _").on_terminal();
        let before = session.switches();
        wait_ready(&mut session);
        if way.ends_with("player") {
            session.send("\r");
            session.wait_screen("▶");
        }
        let status = match way {
            "q" => {
                session.send("q");
                0
            }
            "term" => {
                let pid = wait_until("the review", LONG, || child(session.pid()));
                rustix::process::kill_process(pid, Signal::TERM).unwrap();
                143
            }
            "hup in the player" => {
                let pid = wait_until("the review", LONG, || child(session.pid()));
                rustix::process::kill_process(pid, Signal::HUP).unwrap();
                129
            }
            _ => {
                session.send("\u{3}");
                130
            }
        };
        session.wait_screen(&format!("left with {status}"));
        assert_eq!(session.switches(), before, "{way}");
        session.send("\r");
        session.wait_success();
        assert_eq!(world.bytes("after"), world.bytes("before"), "{way}");
    }
}

/// The child of a shell.
fn child(pid: u32) -> Option<rustix::process::Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    rustix::process::Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

#[test]
fn a_recording_that_has_changed_is_not_played_without_a_word() {
    let world = evidence();
    let mut session = review(&world, (80, 24), &[]);
    wait_ready(&mut session);
    let mut cast = world.bytes("audit/web/nginx.cast");
    cast.extend_from_slice(b"[99.0, \"o\", \"and more\"]\n");
    world.write("audit/web/nginx.cast", cast);
    session.send("/alice\r");
    session.wait_screen("1 of 6");
    session.send("\r");
    session.wait_screen("it has changed since it was indexed");
    session.send("\r");
    session.wait_screen("▶ 0:0");
    session.send("qq");
    session.wait_success();
    let finished = world.casemate(&["review", "/dev/zero"]).run();
    finished.fails("neither a folder nor a file");
}

#[test]
fn a_case_is_one_review_s() {
    let world = evidence();
    let mut session = review(&world, (80, 24), &[]);
    wait_ready(&mut session);
    session.send("ax\r");
    session.wait_screen("noted");
    let refused = world.casemate(&["review", "audit", "--case", "case.json"]).run();
    refused.fails("is used by another review");
    session.send("q");
    session.wait_success();
    world.write("case.json", "{\"some\": \"other file\"}");
    let refused = world.casemate(&["review", "audit", "--case", "case.json"]).run();
    refused.fails("is no case file");
    assert_eq!(world.bytes("case.json"), b"{\"some\": \"other file\"}");
}

#[test]
fn without_a_terminal_there_is_none() {
    let world = evidence();
    let finished = world.casemate(&["review", "audit"]).run();
    assert!(finished.fails("a review needs a terminal").stderr.contains("casemate search"));
    let finished = world.casemate(&["review", "nowhere"]).run();
    finished.fails("cannot read `nowhere`");
}
