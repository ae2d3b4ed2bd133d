//! `casemate commands` and `rec --commands`: who ran what, in every form, from files, folders and pipes, and live.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use casemate_tests::{LONG, Session, World, need, wait_until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::rec::assert_private;

/// A recording of a stranger: keys come one by one, and nobody says who it was.
const PLAIN: &str = "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n\
    [0.1,\"o\",\"a@b:~$ \"]\n[1.0,\"o\",\"i\"]\n[1.2,\"o\",\"d\"]\n[1.4,\"o\",\"\\r\\n\"]\n\
    [1.5,\"o\",\"uid=0(root)\\r\\n\"]\n[1.6,\"o\",\"a@b:~$ \"]\n[3.0,\"o\",\"\"]\n";

const WHO: [&str; 6] = ["--user", "alice", "--target", "web-1", "--target-user", "root"];

/// The prompt of bash here: one that says who and where, as most do.
const SHELL_PROMPT: &str = "root@web-1:~$";

/// Waits until nothing but a prompt stands in the last line.
#[track_caller]
fn wait_prompt(session: &mut Session) {
    wait_until("a prompt", LONG, || {
        let screen = session.screen();
        (screen.trim_end().lines().last()?.trim_end() == SHELL_PROMPT).then_some(())
    });
    // A person looks before typing.
    std::thread::sleep(Duration::from_millis(100));
}

/// Gives the shell that prompt.
fn rc(world: &World) {
    world.write(".bashrc", format!("PS1='{SHELL_PROMPT} '\nunset PROMPT_COMMAND HISTFILE\n"));
}

/// bash on a terminal, recorded as these arguments say.
fn bash(world: &World, args: &[&str]) -> Session {
    rc(world);
    let mut all = args.to_vec();
    all.extend(WHO);
    all.extend(["-q", "--", "bash", "--noprofile", "-i"]);
    let mut session = world.rec(&all).on_terminal();
    wait_prompt(&mut session);
    session
}

/// Types a command, perhaps of several lines, and waits until it has ended.
fn run(session: &mut Session, command: &str) {
    for line in command.split('\n') {
        session.type_slowly(line);
        session.enter();
        std::thread::sleep(Duration::from_millis(100));
    }
    wait_prompt(session);
}

/// A home with a real session in `s.cast`.
fn recorded() -> World {
    let world = World::new();
    let mut session = bash(&world, &["s.cast"]);
    run(&mut session, "echo one; echo two");
    run(&mut session, "cat <<E\nit's\nE");
    run(&mut session, "echo 'a|b' > out");
    session.send("exit\r");
    session.wait_success();
    world
}

/// The records of JSON Lines.
fn records(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}")))
        .collect()
}

fn commands(records: &[Value]) -> Vec<&str> {
    records.iter().filter_map(|record| record["command"].as_str()).collect()
}

const TYPED: [&str; 4] = ["echo one; echo two", "cat <<E\nit's\nE", "echo 'a|b' > out", "exit"];

#[test]
fn json_lines_are_the_contract() {
    need!("bash");
    let world = recorded();
    let run = world.casemate(&["commands", "-f", "jsonl", "--with-output", "s.cast"]).run().success();
    let records = records(&run.text());
    assert_eq!(commands(&records), TYPED);
    for key in [
        "id",
        "session",
        "time",
        "offset",
        "duration",
        "user",
        "target",
        "target_user",
        "command",
        "cwd",
        "exit_code",
        "kind",
        "program",
        "source",
        "confidence",
        "output_bytes",
        "recording",
    ] {
        assert!(records.iter().all(|record| record.get(key).is_some()), "no {key}: {records:?}");
    }
    let first = &records[0];
    assert_eq!(
        (&first["user"], &first["target"], &first["target_user"]),
        (&"alice".into(), &"web-1".into(), &"root".into())
    );
    assert_eq!(first["recording"], "s.cast");
    assert_eq!(first["output_text"], "one\ntwo\n");
    let time = first["time"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == "2026-11-22T07:03:28.123456Z".len(), "{time}");
    assert!(first.get("state").is_none(), "a file is not live: {first}");
    // From a pipe that nothing more comes through, the same, said twice.
    let piped =
        world.casemate(&["commands", "-f", "jsonl", "-"]).run_with_input(&world.bytes("s.cast")).success();
    let states: Vec<_> = self::records(&piped.text()).iter().map(|record| record["state"].clone()).collect();
    assert!(states.contains(&"started".into()), "{states:?}");
    assert_eq!(states.iter().filter(|state| *state == "finished").count(), 4, "{states:?}");
    let once = world
        .casemate(&["commands", "-f", "jsonl", "--no-live", "-"])
        .run_with_input(&world.bytes("s.cast"))
        .success();
    assert_eq!(commands(&self::records(&once.text())), TYPED);
}

#[test]
fn a_table_for_people() {
    need!("bash");
    let world = recorded();
    let table = world.casemate(&["commands", "s.cast"]).run().success().text();
    assert!(table.starts_with("TIME (UTC"), "{table}");
    assert!(table.contains("alice@web-1 as root") && table.contains("cat <<E\\nit's\\nE"), "{table}");
    assert!(!table.contains('\x1b'), "colours in a pipe: {table}");
    // On a terminal no line is wider than the terminal, and there are colours, unless somebody refuses.
    for (no_color, colours) in [("", true), ("1", false)] {
        let launch = world.casemate(&["commands", "s.cast"]).size(60, 30).env("NO_COLOR", no_color);
        let mut session = launch.on_terminal();
        session.wait_success();
        let text = session.text();
        assert_eq!(text.contains("\x1b[1m"), colours, "{text:?}");
        let lines = session.screen().lines().filter(|line| !line.is_empty()).count();
        assert_eq!(lines, 5, "a title and four commands\n{}", session.dump());
    }
    // The zone is that of whoever looks.
    let east = world.casemate(&["commands", "s.cast"]).env("TZ", "XYZ-3").run().success().text();
    assert!(east.starts_with("TIME (UTC+03:00)"), "{east}");
}

#[test]
fn csv_has_a_header_and_whole_cells() {
    need!("bash");
    let world = recorded();
    let text = world.casemate(&["commands", "-f", "csv", "s.cast"]).run().success().text();
    assert!(text.starts_with("time,offset,duration,user,target,target_user,command,"), "{text}");
    assert!(text.contains(",\"cat <<E\nit's\nE\","), "{text}");
    assert!(text.ends_with("\r\n"));
}

#[test]
fn a_script_runs_again_what_was_run() {
    need!("bash");
    let world = recorded();
    world.casemate(&["commands", "-f", "sh", "s.cast", "-o", "again.sh"]).run().success();
    fs::remove_file(world.path("out")).unwrap();
    let again = world.program("bash").args(&["again.sh"]).run().success();
    assert_eq!(again.text(), "one\ntwo\nit's\n", "{again:?}");
    assert_eq!(world.bytes("out"), b"a|b\n");
    world.casemate(&["commands", "-f", "sh", "s.cast", "-o", "again.sh"]).run().fails("again.sh");
    world.casemate(&["commands", "-f", "sh", "s.cast", "-o", "again.sh", "--overwrite"]).run().success();
    world.casemate(&["commands", "s.cast", "-o", "s.cast", "--overwrite"]).run().fails("s.cast");
}

#[test]
fn markdown_is_a_table_or_blocks() {
    need!("bash");
    let world = recorded();
    let table = world.casemate(&["commands", "-f", "markdown", "s.cast"]).run().success().text();
    assert!(table.contains("| `alice@web-1 as root` |") && table.contains("`echo 'a\\|b' > out`"), "{table}");
    let blocks = world.casemate(&["commands", "-f", "markdown", "--with-output", "s.cast"]).run().success();
    assert!(blocks.text().contains("```console\n$ echo one; echo two\none\ntwo\n```"), "{}", blocks.text());
}

#[test]
fn only_what_is_asked_for() {
    need!("bash");
    let world = recorded();
    world.write("plain.cast", PLAIN);
    let asked = |args: &[&str]| -> Vec<String> {
        let mut all = vec!["commands", "-f", "jsonl", "s.cast", "plain.cast"];
        all.extend(args);
        let run = world.casemate(&all).run().success();
        commands(&records(&run.text())).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(asked(&["--user", "alice", "--grep", "^echo"]), [TYPED[0], TYPED[2]]);
    assert_eq!(asked(&["--target", "nowhere"]), [""; 0]);
    assert_eq!(asked(&["--until", "2023-12-24"]), ["id"]);
    assert_eq!(asked(&["--since", "1h", "--grep", "it's"]), [TYPED[1]]);
    assert_eq!(asked(&["--kind", "cancelled", "--kind", "hidden"]), [""; 0]);
    assert_eq!(asked(&["--grep", "^id$"]), ["id"]);
    world.write("untimed.cast", PLAIN.replace(",\"timestamp\":1700000000", ""));
    let untimed = world.casemate(&["commands", "untimed.cast", "--since", "1h"]).run().success();
    assert!(untimed.stderr.contains("do not say when"), "{untimed:?}");
    for args in [&["--grep", "("], &["--since", "soon"], &["--kind", "odd"]] {
        world.casemate(&[&["commands", "s.cast"], &args[..]].concat()).run().exits(2);
    }
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let world = World::new();
    for name in ["a/one.cast", "a/b/two.cast", "z.cast"] {
        world.write(&format!("all/{name}"), PLAIN);
    }
    world.write("all/a/bad.cast", "no recording\n");
    world.write("all/data.json", "{\"some\": [\"data\"]}\n");
    world.write("all/notes.txt", PLAIN);
    world.write("all/torn.cast", format!("{PLAIN}[9.0, \"o\", \"torn"));
    symlink(".", world.path("all/loop")).unwrap();
    symlink(world.path("all"), world.path("all/a/loop.cast")).unwrap();
    mknodat(CWD, world.path("all/fifo.cast"), FileType::Fifo, Mode::from_bits_retain(0o600), 0).unwrap();
    let run = world.casemate(&["commands", "-f", "jsonl", "all"]).run().fails("bad.cast");
    let names: Vec<_> =
        records(&run.text()).iter().map(|record| record["recording"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["all/torn.cast", "all/z.cast", "all/a/one.cast", "all/a/b/two.cast"], "{run:?}");
    assert!(run.stderr.contains("warning: all/torn.cast:9: the last line is cut off"), "{run:?}");
    assert!(!run.stderr.contains("data.json"), "{run:?}");
    // The same every time, and nothing twice.
    let again = world.casemate(&["commands", "-f", "jsonl", "all", "all/z.cast"]).run().exits(1);
    assert_eq!(again.stdout, run.stdout);
    let missing = world.casemate(&["commands", "nothing", "all/z.cast"]).run().fails("nothing");
    assert!(missing.text().contains("id"), "{missing:?}");
    world.casemate(&["commands", "all/z.cast", "--strict"]).run().success();
    world.casemate(&["commands", "all/torn.cast", "--strict"]).run().fails("torn.cast:9");
}

#[test]
fn many_recordings_come_in_order() {
    let world = World::new();
    for index in 0..200 {
        world.write(&format!("all/{index:03}.cast"), PLAIN.replace("\"i\"", &format!("\"echo {index}; i\"")));
    }
    let run = world.casemate(&["commands", "-f", "jsonl", "all"]).run().success();
    let expected: Vec<_> = (0..200).map(|index| format!("echo {index}; id")).collect();
    assert_eq!(commands(&records(&run.text())), expected);
    // Whoever has seen enough may leave.
    world.script("\"$CASEMATE\" commands -f jsonl all 2>err | head -n 1; cat err").run().success();
    assert_eq!(world.bytes("err"), b"");
}

#[test]
fn without_files_it_lists_what_was_recorded() {
    need!("bash");
    let world = World::new();
    world.casemate(&["commands"]).run().fails("no recordings");
    rc(&world);
    let mut session = world.rec(&["-q", "--", "bash", "--noprofile", "-i"]).on_terminal();
    wait_prompt(&mut session);
    run(&mut session, "echo recorded");
    session.send("exit\r");
    session.wait_success();
    let run = world.casemate(&["commands"]).run().success();
    assert!(run.text().contains("echo recorded"), "{run:?}");
}

#[test]
fn hostile_text_stays_where_it_belongs() {
    let world = World::new();
    let title = "{\"version\":2,\"width\":80,\"height\":24,\"casemate\":{\"session\":\"s\",\"user\":\"e\\u001b]0;x\\u0007\\n\\u202e$(touch pwned)\",\
                 \"target\":\"`touch pwned`|</td>\",\"target_user\":\"=1+1\",\"start_us\":1700000000000000}}";
    let (_, events) = PLAIN.split_once('\n').unwrap();
    // Marks with a command that the screen cannot have shown.
    let events = events.replace(
        "\\r\\n\"]\n[1.5",
        "\\r\\n\\u001b]633;E;echo \\\\x1b]0\\\\x3bx\\\\x0a\\\\x0dtouch pwned;\\u0007\"]\n[1.5",
    );
    world.write("evil\n\u{1b}[2J.cast", format!("{title}\n{events}"));
    for format in ["table", "csv", "jsonl", "sh", "markdown"] {
        for more in [&[][..], &["--with-output"]] {
            let args = [&["commands", "-f", format, "."], more].concat();
            let run = world.casemate(&args).run().success();
            if format != "csv" {
                let controls: Vec<_> = run.text().chars().filter(|c| c.is_control() && *c != '\n').collect();
                assert!(controls.is_empty(), "{format}: {:?}", run.text());
            }
            if format == "sh" {
                world.write("again.sh.txt", run.stdout);
                let again = world.program("bash").args(&["again.sh.txt"]).run();
                assert!(!world.path("pwned").exists(), "{again:?}");
            }
        }
    }
}

#[test]
fn a_pipe_is_read_while_the_session_goes_on() {
    need!("bash");
    let world = World::new();
    rc(&world);
    let script =
        "\"$CASEMATE\" rec -q - -- bash --noprofile -i | \"$CASEMATE\" commands -f jsonl - > live.jsonl";
    let mut session = world.script(script).on_terminal();
    wait_prompt(&mut session);
    session.type_slowly("sleep 3002");
    session.send("\r");
    let live = || records(&String::from_utf8_lossy(&world.bytes("live.jsonl")));
    let started = wait_until("the command that runs", LONG, || live().first().cloned());
    assert_eq!((&started["state"], &started["command"]), (&"started".into(), &"sleep 3002".into()));
    session.send("\x03");
    let finished = wait_until("its end", LONG, || live().get(1).cloned());
    assert_eq!((&finished["state"], &finished["id"]), (&"finished".into(), &started["id"]));
    wait_prompt(&mut session);
    session.send("exit\r");
    session.wait_success();
    assert_eq!(commands(&live()).last(), Some(&"exit"));
}

#[test]
fn a_session_says_what_runs_in_it() {
    need!("bash");
    let world = World::new();
    let mut session = bash(&world, &["s.cast.zst", "--commands", "run.jsonl"]);
    session.type_slowly("sleep 3003");
    session.send("\r");
    let live = || records(&String::from_utf8_lossy(&world.bytes("run.jsonl")));
    let started = wait_until("the command that runs", LONG, || live().first().cloned());
    assert_eq!((&started["state"], &started["command"]), (&"started".into(), &"sleep 3003".into()));
    assert_eq!((&started["user"], &started["target_user"]), (&"alice".into(), &"root".into()));
    assert_private(world.path("run.jsonl"));
    session.send("\x03");
    wait_until("its end", LONG, || live().get(1).cloned());
    wait_prompt(&mut session);
    session.send("exit\r");
    session.wait_success();
    // What is derived again from the recording has the same ids, times and texts.
    let again = world.casemate(&["commands", "-f", "jsonl", "s.cast.zst"]).run().success();
    let fields = |record: &Value| ["id", "time", "offset", "command", "kind"].map(|key| record[key].clone());
    let finished: Vec<_> = live().iter().filter(|record| record["state"] == "finished").map(fields).collect();
    assert_eq!(finished, records(&again.text()).iter().map(fields).collect::<Vec<_>>());
}

#[test]
fn the_commands_of_two_sessions_in_one_file() {
    need!("bash");
    let world = World::new();
    for (args, expected) in [(&["-a"][..], 1), (&["-a"], 2)] {
        let all = [&["s.cast", "--commands", "run.jsonl"], args].concat();
        let mut session = bash(&world, &all);
        run(&mut session, "echo again");
        session.send("exit\r");
        session.wait_success();
        let records = records(&String::from_utf8_lossy(&world.bytes("run.jsonl")));
        let ids: std::collections::BTreeSet<_> =
            records.iter().map(|record| record["id"].to_string()).collect();
        assert_eq!(ids.len(), 2 * expected, "{records:?}");
    }
    let refused = world.rec(&["t.cast", "--commands", "run.jsonl", "--", "true"]).run().fails("run.jsonl");
    assert!(refused.stderr.contains("--overwrite") && !world.path("t.cast").exists(), "{refused:?}");
    world.rec(&["t.cast", "--commands", "run.jsonl", "--overwrite", "--", "true"]).run().success();
    let replaced = records(&String::from_utf8_lossy(&world.bytes("run.jsonl")));
    assert_eq!(commands(&replaced), ["true", "true"], "begun and ended");
    world.rec(&["u.cast", "--commands", "-", "--", "true"]).run().fails("standard output");
    world.rec(&["u.cast", "--commands", "u.cast", "--", "true"]).run().fails("u.cast");
    world.rec(&["v.cast", "--commands", "new.jsonl", "--", "/nonexistent"]).run().fails("nonexistent");
    assert!(!world.path("new.jsonl").exists(), "a session that never began leaves nothing");
}

#[test]
fn commands_that_cannot_be_written_do_not_stop_the_recording() {
    need!("bash");
    let world = World::new();
    let mut session = bash(&world, &["s.cast", "--commands", "/dev/full"]);
    run(&mut session, "echo kept");
    session.send("exit\r");
    assert_eq!(session.wait_exit(LONG), 1, "{}", session.dump());
    session.wait_for("the command events are not whole");
    let again = world.casemate(&["commands", "-f", "jsonl", "s.cast"]).run().success();
    assert_eq!(commands(&records(&again.text())), ["echo kept", "exit"]);
}

#[test]
fn a_reader_that_is_stuck_does_not_stop_the_session() {
    need!("bash");
    let world = World::new();
    mknodat(CWD, world.path("pipe"), FileType::Fifo, Mode::from_bits_retain(0o600), 0).unwrap();
    world.rec(&["s.cast", "--commands", "pipe", "--", "true"]).run().fails("nobody reads");
    // Opened to read, and never read.
    let stuck = fs::File::options().read(true).write(true).open(world.path("pipe")).unwrap();
    let line = "x".repeat(1500);
    let script = format!(
        "for i in $(seq 40); do printf 'a@b:~$ '; sleep 0.06; printf 'echo {line}'; sleep 0.06; echo; done"
    );
    let run = world.rec(&["t.cast", "--commands", "pipe", "-q", "--", "bash", "-c", &script]).run();
    let run = run.exits(1);
    assert!(run.stderr.contains("its reader takes nothing more"), "{run:?}");
    assert!(run.took < Duration::from_secs(25), "it took {:?}", run.took);
    drop(stuck);
}
