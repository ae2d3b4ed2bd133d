//! `casemate search`: in files, pipes and folders, with and without an index.

use std::fs;
use std::sync::Barrier;

use casemate_tests::World;
use serde_json::Value;

/// A recording of somebody who gives commands, one key at a time, each with some output.
fn session(commands: &[(&str, &str)]) -> String {
    let mut cast = String::from("{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n");
    let mut now = 0.5;
    let mut output = |text: &str| {
        cast.push_str(&format!("[{now}, \"o\", {}]\n", serde_json::to_string(text).unwrap()));
        now += 0.25;
    };
    output("alice@web-1:~$ ");
    for (command, text) in commands {
        command.chars().for_each(|key| output(&key.to_string()));
        output("\r\n");
        output(text);
        output("alice@web-1:~$ ");
    }
    cast
}

/// A folder with two recordings, and one that is none.
fn world() -> World {
    let world = World::new();
    fs::create_dir_all(world.path("audit/sub")).unwrap();
    let restart = ("systemctl restart nginx", "nginx: done\r\n");
    world.write("audit/a.cast", session(&[("ls", "notes\r\n"), restart]));
    let full_screen = ("vi", "\x1b[?1049h\x1b[HServer nginx-17\x1b[?1049l");
    let progress = ("make", "10%\r50% nginx\r\x1b[K99%\r\n");
    world.write("audit/sub/b.cast", session(&[full_screen, progress]));
    world
}

/// Where each hit is, without the times.
fn hits(text: &str) -> Vec<(String, String, String)> {
    text.lines()
        .map(|line| {
            let hit: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| hit[key].as_str().unwrap().to_owned();
            assert!(hit["offset"].as_f64().unwrap() > 0.0 && hit["session"].is_null());
            (text("file"), text("where"), text("line"))
        })
        .collect()
}

#[test]
fn all_that_was_typed_or_to_be_seen_is_found() {
    let world = world();
    let expected = [
        ("audit/a.cast", "output", "alice@web-1:~$ systemctl restart nginx"),
        ("audit/a.cast", "command", "systemctl restart nginx"),
        ("audit/a.cast", "output", "nginx: done"),
        ("audit/sub/b.cast", "output", "Server nginx-17"),
    ];
    let mut expected =
        expected.map(|(file, place, line)| (file.to_owned(), place.to_owned(), line.to_owned()));
    expected.sort();
    for more in [&["audit"][..], &["audit", "--no-index"], &["audit/a.cast", "audit/sub/b.cast"], &["audit"]]
    {
        let mut args = vec!["search", "nginx", "--format", "jsonl"];
        args.extend(more);
        let run = world.casemate(&args).run().success();
        let mut got = hits(&run.text());
        // `50% nginx` stood for no moment: it was overwritten at once.
        got.sort();
        assert_eq!(got, expected, "{more:?}");
    }
    // From elsewhere the same index says the same, by other names.
    let run = world.script("cd audit && \"$CASEMATE\" search nginx-17 . --format jsonl").run().success();
    assert_eq!(hits(&run.text())[0].0, "./sub/b.cast");
    assert_eq!(world.names(".cache/casemate/index").iter().filter(|name| name.ends_with(".db")).count(), 1);
    assert_eq!(world.names("audit"), ["a.cast", "sub"]);
}

#[test]
fn first_searches_at_the_same_moment_share_an_index() {
    for round in 0..20 {
        let world = world();
        let start = Barrier::new(4);
        let search = || {
            start.wait();
            world.casemate(&["search", "nginx", "audit", "--in", "commands"]).run()
        };
        let runs: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(search)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for run in runs {
            let run = run.exits(0);
            assert_eq!(run.text().lines().count(), 1, "round {round}: {run:?}");
            // At most it says that it waits for another one.
            assert!(!run.stderr.contains("error"), "round {round}: {run:?}");
        }
        let names = world.names(".cache/casemate/index");
        assert_eq!(names.iter().filter(|name| name.ends_with(".new")).count(), 0, "{names:?}");
    }
}

#[test]
fn where_and_how_to_look() {
    let world = world();
    let count = |args: &[&str]| {
        let mut all = vec!["search", "--format", "jsonl"];
        all.extend(args);
        world.casemate(&all).run().text().lines().count()
    };
    for index in [&["audit"][..], &["audit", "--no-index"]] {
        let with = |args: &[&str]| count(&[args, index].concat());
        assert_eq!(with(&["nginx", "--in", "commands"]), 1);
        assert_eq!(with(&["nginx", "--in", "output"]), 3);
        assert_eq!(with(&["NGINX", "--in", "commands"]), 0);
        assert_eq!(with(&["NGINX", "-i", "--in", "commands"]), 1);
        assert_eq!(with(&["r.start|^ls$", "--in", "commands"]), 2);
        assert_eq!(with(&["r.start", "-F"]), 0);
        assert_eq!(with(&["99%", "-F"]), 1);
        assert_eq!(with(&["-", "--in", "output", "-F"]), 7, "too short to be looked up");
    }
}

#[test]
fn the_status_says_whether_anything_was_found() {
    let world = world();
    world.casemate(&["search", "nginx", "audit"]).run().exits(0);
    let nothing = world.casemate(&["search", "apache", "audit"]).run().exits(1);
    assert_eq!((nothing.text().as_str(), nothing.stderr.as_str()), ("", ""));
    for args in [&["search", "(", "audit"][..], &["search", "nginx", "nothing.cast"], &["search", "nginx"]] {
        world.casemate(args).run().exits(2);
    }
    // A bad recording is no reason to be silent about the others.
    world.write("audit/bad.cast", "no recording\n");
    for index in [&["search", "nginx-17", "audit"][..], &["search", "nginx-17", "audit", "--no-index"]] {
        let run = world.casemate(index).run().exits(2);
        assert!(
            run.text().contains("Server nginx-17") && run.stderr.contains("audit/bad.cast: not an"),
            "{run:?}"
        );
    }
    let stdin = world.script("\"$CASEMATE\" search --in commands nginx - < audit/a.cast").run().success();
    assert!(stdin.text().starts_with("standard input:0:"), "{}", stdin.text());
}

#[test]
fn rows_for_people() {
    let world = world();
    let run = world.casemate(&["search", "restart", "audit", "--in", "commands"]).run().success();
    assert_eq!(run.text(), "audit/a.cast:0:07.750:$ systemctl restart nginx\n");
    world.write("evil.cast", session(&[("x", "evil \u{202e}\r\n")]));
    let run = world.casemate(&["search", "evil", "evil.cast"]).run().success();
    assert!(run.text().contains("evil"), "{}", run.text());
}

#[test]
fn an_index_of_choice_is_never_among_the_recordings_and_replaces_nothing() {
    let world = world();
    world.casemate(&["search", "nginx", "audit", "--index", "i.db"]).run().success();
    assert!(world.bytes("i.db").starts_with(b"SQLite"));
    world.casemate(&["search", "nginx", "audit", "--index", "audit/i.db"]).run().exits(2);
    world.write("notes.txt", "mine");
    let run = world.casemate(&["search", "nginx", "audit", "--index", "notes.txt"]).run().exits(2);
    assert!(run.stderr.contains("is no index of casemate"), "{}", run.stderr);
    assert_eq!(world.bytes("notes.txt"), b"mine");
    assert_eq!(world.names("audit"), ["a.cast", "sub"]);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let world = world();
    world.casemate(&["search", "nginx", "audit"]).run().success();
    let name = world.names(".cache/casemate/index").into_iter().find(|name| name.ends_with(".db")).unwrap();
    let place = format!(".cache/casemate/index/{name}");
    let whole = world.bytes(&place);
    for from in [0, 100, 8192, 5 * 8192] {
        let mut bytes = whole.clone();
        let end = bytes.len().min(from + 40_000);
        bytes[from..end].fill(0x5a);
        world.write(&place, bytes);
        let run = world.casemate(&["search", "nginx", "audit"]).run().success();
        assert_eq!(run.text().lines().count(), 4, "{run:?}");
    }
}

#[test]
fn what_flooded_is_found_all_the_same() {
    let world = World::new();
    let flood: String = (0..30_000).map(|number| format!("{number} {}\r\n", "flood ".repeat(10))).collect();
    fs::create_dir(world.path("audit")).unwrap();
    world.write("audit/a.cast", session(&[("cat", &flood), ("ls", "after\r\n")]));
    for args in [&["search", "flood", "audit"][..], &["search", "flood", "audit", "--no-index"]] {
        let run = world.casemate(args).run().success();
        assert_eq!(run.text().lines().count(), 30_000, "{}", run.stderr);
        assert_eq!(
            run.stderr.contains("are in no index: reading 1 recording"),
            !args.contains(&"--no-index")
        );
    }
}
