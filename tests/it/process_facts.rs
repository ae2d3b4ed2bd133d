//! Process facts: who was in the foreground, as events between those of output and input.

use casemate_tests::{Cast, Event, LONG, PROMPT, Session, World, need, process, skip, tools, wait_until};
use serde_json::Value;

/// The facts with their places among the events.
fn facts(cast: &Cast) -> Vec<(usize, Value)> {
    let is_process = |(_, event): &(usize, &Event)| event.code == "process";
    let parse = |(place, event): (usize, &Event)| (place, serde_json::from_str(&event.data).unwrap());
    cast.events.iter().enumerate().filter(is_process).map(parse).collect()
}

fn argv(facts: &Value) -> String {
    let words = facts["argv"].as_array().map(Vec::as_slice).unwrap_or_default();
    words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// The first facts of a program after a place, for this reason or any.
#[track_caller]
fn find<'f>(facts: &'f [(usize, Value)], after: usize, why: &str, command: &str) -> &'f (usize, Value) {
    let fits = |(place, facts): &&(usize, Value)| {
        *place >= after && (why.is_empty() || facts["why"] == why) && argv(facts) == command
    };
    facts.iter().find(fits).unwrap_or_else(|| panic!("no {why} of `{command}` after {after} in {facts:#?}"))
}

/// Where text stands in the events of a code.
#[track_caller]
fn place(cast: &Cast, code: &str, text: &str) -> usize {
    let is_it = |event: &Event| event.code == code && event.data.contains(text);
    cast.events.iter().position(is_it).unwrap_or_else(|| panic!("no {code} with {text:?}"))
}

/// Waits until facts of a program stand in the recording.
#[track_caller]
fn wait_for_facts(world: &World, command: &str) {
    wait_until(&format!("facts of `{command}`"), LONG, || {
        let cast = Cast::read_open(world.path("s.cast"))?;
        facts(&cast).iter().any(|(_, facts)| argv(facts) == command).then_some(())
    });
}

fn bash(world: &World, flags: &[&str]) -> Session {
    let mut args = vec!["s.cast", "-q"];
    args.extend(flags);
    args.extend(["--", "bash", "--noprofile"]);
    let mut session = world.rec(&args).on_terminal();
    session.wait_for(PROMPT);
    session
}

#[test]
fn who_gets_a_line_and_who_runs_then() {
    need!("bash");
    let world = World::new();
    let mut session = bash(&world, &["-I"]);
    session.send("cd /; sleep 3006");
    session.wait_for("sleep 3006");
    session.send("\r");
    let sleeper = process::wait_foreground(session.pid(), "sleep 3006");
    wait_for_facts(&world, "sleep 3006");
    session.send("\x03");
    session.wait_for(PROMPT);
    wait_until("the shell to be seen again", LONG, || {
        let cast = Cast::read_open(world.path("s.cast"))?;
        (argv(&facts(&cast).last()?.1) == "bash --noprofile").then_some(())
    });
    session.send("exit\r");
    _ = session.wait_exit(LONG);

    let cast = Cast::read(world.path("s.cast"));
    let facts = facts(&cast);
    let (first, start) = &facts[0];
    assert_eq!((*first, start["why"].as_str()), (0, Some("start")), "before everything else");
    assert_eq!(start["cwd"].as_str(), world.path("").to_str().map(|path| path.trim_end_matches('/')));

    let (commit_place, commit) = find(&facts, 1, "commit", "bash --noprofile");
    assert_eq!(commit["pid"], start["pid"]);
    assert!(commit["exe"].as_str().unwrap().ends_with("/bash"));
    assert_eq!((commit["canonical"].as_bool(), commit["echo"].as_bool()), (Some(false), Some(false)));
    assert!(*commit_place < place(&cast, "i", "\r"), "who gets a line is said before it is there");
    assert!(*commit_place > place(&cast, "o", "sleep 3006"), "and after its echo");

    let (sleep_place, sleep) = find(&facts, *commit_place, "foreground", "sleep 3006");
    assert_eq!(sleep["pid"], sleeper);
    assert_eq!((sleep["cwd"].as_str(), sleep["uid"].as_u64()), (Some("/"), start["uid"].as_u64()));
    assert_eq!(sleep["canonical"], true);
    assert!(*sleep_place < place(&cast, "i", "\u{3}"));
    let (back, last) = find(&facts, *sleep_place, "foreground", "bash --noprofile");
    assert!(place(&cast, "i", "\u{3}") < *back);
    assert_eq!((last["cwd"].as_str(), &last["pid"]), (Some("/"), &start["pid"]));
}

#[test]
fn a_hidden_line_goes_to_a_terminal_that_does_not_echo() {
    let world = World::new();
    let script = "stty -echo; printf ask; read x; stty echo; printf again; read y";
    let mut session = world.rec(&["s.cast", "-q", "--", "sh", "-c", script]).on_terminal();
    session.wait_for("ask");
    session.send("secret\r");
    session.wait_for("again");
    session.send("plain\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    let modes: Vec<_> = facts(&cast)
        .iter()
        .filter(|(_, facts)| facts["why"] == "commit")
        .map(|(_, facts)| (facts["canonical"] == true, facts["echo"] == true))
        .collect();
    assert_eq!(modes, [(true, false), (true, true)]);
}

#[test]
fn another_program_in_the_same_process_is_news() {
    need!("bash", "dash");
    let world = World::new();
    let mut session = bash(&world, &[]);
    for program in ["dash", "sleep 3007"] {
        session.send(format!("exec {program}\r"));
        wait_for_facts(&world, program);
    }
    session.send("\x03");
    _ = session.wait_exit(LONG);
    let facts = facts(&Cast::read(world.path("s.cast")));
    let (dash, news) = find(&facts, 0, "foreground", "dash");
    assert_eq!(news["pid"], facts[0].1["pid"]);
    find(&facts, *dash, "foreground", "sleep 3007");
}

#[test]
fn another_user_is_news_and_so_is_the_way_back() {
    need!("bash", "su");
    if !rustix::process::geteuid().is_root() {
        skip!("needs root, to become somebody else");
    }
    let world = World::new();
    let mut session = bash(&world, &[]);
    // The home is still ours, and its files are hidden from them.
    session.send("su -s /bin/bash nobody\r");
    session.wait_for("nobody@");
    session.send("exit\r");
    session.wait_for(PROMPT);
    session.send("exit\r");
    session.wait_success();
    let facts = facts(&Cast::read(world.path("s.cast")));
    let (there, nobody) = find(&facts, 1, "commit", "bash");
    assert_eq!(nobody["user"], "nobody");
    assert_ne!(nobody["uid"], 0);
    // It may be noted only when it gets its next line.
    let (_, back) = find(&facts, *there, "", "bash --noprofile");
    assert_eq!((back["uid"].as_u64(), back["user"].as_str()), (Some(0), Some("root")));
}

#[test]
fn a_pipeline_whose_leader_has_ended_is_known_by_another_member() {
    need!("bash");
    let world = World::new();
    let mut session = bash(&world, &[]);
    session.send("true | sleep 3008\r");
    wait_for_facts(&world, "sleep 3008");
    session.send("\x03");
    session.wait_for(PROMPT);
    session.send("exit\r");
    _ = session.wait_exit(LONG);
    let facts = facts(&Cast::read(world.path("s.cast")));
    let (_, sleep) = find(&facts, 1, "foreground", "sleep 3008");
    assert!(sleep["group"].as_u64().is_some_and(|group| Some(group) != sleep["pid"].as_u64()), "{sleep}");
}

#[test]
fn nothing_is_noted_in_a_pause_or_when_it_is_not_wanted() {
    need!("bash");
    let world = World::new();
    let mut session = bash(&world, &[]);
    session.wait_raw();
    session.send("\x1cp");
    session.wait_for("not recording");
    session.send("exec sh\r");
    session.wait_for(PROMPT);
    session.send("\x1cp");
    wait_until("the end of the pause", LONG, || {
        let cast = Cast::read_open(world.path("s.cast"))?;
        (cast.data("pause") == ["begin", "end"]).then_some(())
    });
    session.send("exit\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    let pauses: Vec<usize> = ["begin", "end"].iter().map(|data| place(&cast, "pause", data)).collect();
    let facts = facts(&cast);
    assert!(!facts.iter().any(|(place, _)| (pauses[0]..pauses[1]).contains(place)), "{facts:#?}");
    find(&facts, pauses[1], "foreground", "sh");

    for (file, flags) in [("no.cast", &["--no-process-facts"][..]), ("no.raw", &[])] {
        let mut args = vec![file, "-q"];
        args.extend(flags);
        args.extend(["--", "sh", "-c", "echo hi"]);
        world.rec(&args).run().success();
    }
    assert!(Cast::read(world.path("no.cast")).of("process").is_empty());
    assert_eq!(world.bytes("no.raw"), b"hi\r\n");
}

#[test]
fn piped_lines_do_not_fill_the_recording() {
    let world = World::new();
    let input = "line\n".repeat(200_000);
    let args = ["s.cast", "-q", "--", "sh", "-c", "stty -echo; cat >/dev/null"];
    world.rec(&args).run_with_input(input.as_bytes()).success();
    let cast = Cast::read(world.path("s.cast"));
    let last = cast.events.last().unwrap().time;
    let commits = u64::try_from(cast.of("process").len()).unwrap();
    assert!(commits <= last / 10_000 + 20, "{commits} facts in {last} µs");
}

#[test]
fn conversions_keep_them_and_info_counts_them() {
    let world = World::new();
    world.rec(&["s.cast", "-q", "--", "sh", "-c", "echo hi"]).run().success();
    let events = Cast::read(world.path("s.cast")).events;
    assert!(events.iter().any(|event| event.code == "process"));
    world.casemate(&["convert", "-q", "-f", "v3", "s.cast", "three.cast"]).run().success();
    world.casemate(&["convert", "-q", "three.cast", "back.cast.zst"]).run().success();
    if tools::find("zstd").is_some() {
        assert_eq!(Cast::read(world.path("back.cast.zst")).events, events);
    }
    let info = world.casemate(&["info", "back.cast.zst"]).run().success();
    assert!(info.text().contains("process"), "{}", info.text());
}
