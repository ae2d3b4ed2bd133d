//! Sessions on a terminal of which the recorder says that they are one command.

use casemate_cast_format::{Code, Event, Header, Micros, Size, own};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::{Step, out, table, typed};
use crate::{CommandEvent, CommandLog, Kind, Source, State, is_interactive_shell};

fn exec(argv: &[&str]) -> String {
    json!({ "exe": argv[0], "argv": argv, "cwd": "/srv", "terminal": true }).to_string()
}

/// A session that begins with this, and ends with a status.
fn derive(exec: Option<&str>, steps: &[Step], status: Option<i32>, live: bool) -> Vec<CommandEvent> {
    let mut header = Header::new(Size { cols: 60, rows: 12 });
    header.timestamp = Some(1_700_000_000);
    derive_from(&header, exec, steps, status, live)
}

fn derive_from(
    header: &Header,
    exec: Option<&str>,
    steps: &[Step],
    status: Option<i32>,
    live: bool,
) -> Vec<CommandEvent> {
    let log = CommandLog::new(header);
    let mut log = if live { log.live() } else { log };
    let mut events = Vec::new();
    let mut handle = |event: &Event<'_>| {
        log.handle(event);
        events.extend(std::iter::from_fn(|| log.next_event()));
    };
    if let Some(exec) = exec {
        handle(&Event::own(Micros(0), own::EXEC, exec));
    }
    let mut now = 0;
    for step in steps {
        let (after, code, data) = match step {
            Step::Out(after, output) => (after, Code::Output, output.as_str()),
            Step::In(after, input) => (after, Code::Input, input.as_str()),
            Step::Process(after, facts) => (after, Code::Other(own::PROCESS.into()), facts.as_str()),
            Step::Resize(..) | Step::Hidden(_) => panic!("no such step here"),
        };
        now += after * 1000;
        handle(&Event::new(Micros(now), code, data));
    }
    if let Some(status) = status {
        handle(&Event::new(Micros(now), Code::Exit, &status.to_string()));
    }
    log.finish();
    events.extend(std::iter::from_fn(|| log.next_event()));
    events
}

#[track_caller]
fn check(exec: &str, steps: &[Step], status: Option<i32>, expected: Expect) {
    let events = derive(Some(exec), steps, status, false);
    expected.assert_eq(&table(&events));
    assert_eq!(events[0].source, Source::Exec);
}

/// What is typed into a shell, up to its end.
fn shell() -> Vec<Step> {
    let mut steps = vec![out(200, "a@b:~$ ")];
    for (line, output) in [("id", "root\r\n"), ("make all", "cc a.c\r\n")] {
        steps.extend(typed(line));
        steps.push(out(100, &format!("\r\n{output}a@b:~$ ")));
    }
    steps.extend(typed("exit"));
    steps.push(out(100, "\r\n"));
    steps
}

#[test]
fn what_was_started_is_one_command() {
    let events = derive(
        Some(&exec(&["bash", "-c", "apt-get 'upgrade'"])),
        &[out(100, "Reading\r\n"), out(400, "\x1b[1mDone\x1b[m\r\n")],
        Some(100),
        false,
    );
    let [event] = &events[..] else { panic!("{events:#?}") };
    expect![[r#"{"id":"0a881118-5209-8cae-8453-40ea1f0b2799","session":null,"time":"2023-11-14T22:13:20.000000Z","offset":0.0,"duration":0.5,"user":null,"target":null,"target_user":null,"command":"apt-get 'upgrade'","cwd":"/srv","exit_code":100,"kind":"shell","program":null,"source":"exec","confidence":1.0,"output_bytes":22,"output":[0.0,0.5],"argv":["bash","-c","apt-get 'upgrade'"]}"#]]
    .assert_eq(&serde_json::to_string(event).unwrap());
}

#[test]
fn commands_within_it_are_derived_as_if_nobody_had_said_what_it_is() {
    let steps = shell();
    let alone = derive(None, &steps, None, false);
    assert_eq!(alone.len(), 3);
    for argv in [&["sh", "-c", "bash"][..], &["bash", "-c", "cd /srv; exec zsh -l"], &["tmux"]] {
        let events = derive(Some(&exec(argv)), &steps, Some(0), false);
        assert_eq!(events[0].source, Source::Exec);
        let within: Vec<_> =
            events[1..].iter().map(|event| CommandEvent { id: String::new(), ..event.clone() }).collect();
        let alone: Vec<_> =
            alone.iter().map(|event| CommandEvent { id: String::new(), ..event.clone() }).collect();
        assert_eq!(within, alone, "{argv:?}");
    }
}

#[test]
fn who_is_changed_to_is_followed() {
    let mut steps = vec![out(200, "root@b:~# ")];
    steps.extend(typed("id"));
    steps.push(out(100, "\r\nroot\r\nroot@b:~# "));
    check(
        &exec(&["bash", "-c", "sudo -i"]),
        &steps,
        Some(0),
        expect![[r#"
            0.0 shell "sudo -i" exit=0 cwd=/srv
            0.76 shell "id" on=b as=root
        "#]],
    );
    let mut steps = vec![out(200, "Last login: Thu\r\nbob@web-1:~$ ")];
    steps.extend(typed("id"));
    steps.push(out(100, "\r\nbob\r\nbob@web-1:~$ "));
    check(
        &exec(&["ssh", "bob@web-1"]),
        &steps,
        Some(255),
        expect![[r#"
            0.0 shell "ssh bob@web-1" exit=255 cwd=/srv
            0.76 shell "id" on=web-1 as=bob
        "#]],
    );
}

#[test]
fn who_the_session_belongs_to_is_not_who_sudo_is() {
    // Before anybody looks, the shell has become sudo, and that root.
    let facts = |real: &str, argv: &str| {
        Step::Process(
            0,
            format!(
                r#"{{"why":"start","pid":7,"uid":0,{real}"user":"root","argv":[{argv}],"canonical":true}}"#
            ),
        )
    };
    let mut steps = vec![facts(r#""real_uid":2001,"#, r#""sudo","-i""#), facts("", r#""-bash""#)];
    steps.push(out(20, "\x1b[?2004hready> "));
    steps.extend(typed("id"));
    steps.push(out(100, "\r\n\x1b[?2004l\rroot\r\n\x1b[?2004hready> "));
    let mut header = Header::new(Size { cols: 60, rows: 12 });
    let whose = json!({ "session": "s", "user": "u", "target": "t", "target_user": "alice", "start_us": 5 });
    header.set_facts(&serde_json::from_value(whose).unwrap());
    let events = derive_from(&header, Some(&exec(&["bash", "-c", "sudo -i"])), &steps, Some(0), false);
    expect![[r#"
        0.0 shell "sudo -i" on=t as=alice exit=0 cwd=/srv
        0.58 shell "id" on=t as=root
    "#]]
    .assert_eq(&table(&events));
}

#[test]
fn the_folder_of_another_account_is_not_the_one_that_was_left() {
    let facts =
        |text: &str| Step::Process(0, format!(r#"{{"why":"commit","pid":7,{text},"canonical":false}}"#));
    let shell = r#""uid":2001,"user":"alice","exe":"/bin/bash","cwd":"/home/alice","argv":["bash"]"#;
    let mut steps = vec![facts(shell), out(20, "\x1b[?2004halice$ ")];
    steps.extend(typed("sudo -i"));
    steps.push(out(100, "\r\n\x1b[?2004l\r"));
    steps.push(facts(r#""uid":0,"user":"root","argv":["-bash"]"#));
    steps.push(out(100, "\x1b[?2004hroot# "));
    steps.extend(typed("id"));
    steps.push(facts(r#""uid":0,"user":"root","argv":["-bash"]"#));
    steps.push(out(100, "\r\n\x1b[?2004l\rroot\r\n\x1b[?2004hroot# "));
    steps.extend(typed("exit"));
    steps.push(out(100, "\r\n\x1b[?2004l\rlogout\r\n"));
    steps.push(facts(shell));
    steps.push(out(100, "\x1b[?2004halice$ "));
    steps.extend(typed("pwd"));
    steps.push(out(100, "\r\n\x1b[?2004l\r/home/alice\r\n\x1b[?2004halice$ "));
    let events = derive_from(&Header::new(Size { cols: 60, rows: 12 }), None, &steps, Some(0), false);
    expect![[r#"
        0.98 shell "sudo -i" as=alice cwd=/home/alice
        1.64 shell "id" as=root
        2.36 shell "exit" as=root
        3.1 shell "pwd" as=alice cwd=/home/alice
    "#]]
    .assert_eq(&table(&events));
}

#[test]
fn what_a_program_is_told_is_for_it() {
    let mut steps = vec![out(200, "Python 3.11\r\n>>> ")];
    steps.extend(typed("1 + 1"));
    steps.push(out(100, "\r\n2\r\n>>> "));
    check(
        &exec(&["bash", "-c", "python3"]),
        &steps,
        None,
        expect![[r#"
            0.0 shell "python3" cwd=/srv
            1.0 program "1 + 1" program=python3
        "#]],
    );
}

#[test]
fn while_it_runs_what_is_within_ends_before_it() {
    let exec = exec(&["sh", "-c", "bash"]);
    let events = derive(Some(&exec), &shell(), Some(3), true);
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            let what = if event.state == Some(State::Started) { "+" } else { "-" };
            format!("{what}{}", event.command.as_deref().unwrap())
        })
        .collect();
    assert_eq!(said, ["+bash", "+id", "-id", "+make all", "-make all", "+exit", "-exit", "-bash"]);
    assert_eq!(events.last().unwrap().exit_code, Some(3));
    assert_eq!(events.last().unwrap().id, events[0].id);
}

#[test]
fn so_many_commands_are_not_waited_for() {
    let mut steps = vec![out(200, "a@b:~$ ")];
    for number in 0..1100 {
        steps.extend([out(200, "i"), out(100, "d"), out(100, &format!("\r\n{number}\r\na@b:~$ "))]);
    }
    let exec = exec(&["sh", "-c", "bash"]);
    let events = derive(Some(&exec), &steps, Some(0), false);
    assert_eq!(events.len(), 1101);
    let whole = events.last().unwrap();
    assert_eq!((whole.command.as_deref(), whole.exit_code), (Some("bash"), Some(0)));
    assert!(events.windows(2).take(1099).all(|pair| pair[0].offset < pair[1].offset));
}

#[test]
fn each_of_several_appended_sessions_is_its_own() {
    let facts =
        json!({ "session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5 }).to_string();
    let mut log = CommandLog::new(&Header::new(Size { cols: 60, rows: 12 }));
    for (time, code, data) in [
        (0, "exec", exec(&["sh", "-c", "one"]).as_str()),
        (1, "x", "1"),
        (2, "session", &facts),
        (2, "exec", &exec(&["sh", "-c", "two"])),
        (3, "x", "2"),
        (4, "session", &facts),
        (4, "o", "a@b:~$ "),
        (5, "x", "0"),
    ] {
        log.handle(&Event::new(Micros(time * 1_000_000), Code::parse(code.into()), data));
    }
    log.finish();
    let mut said: Vec<_> = std::iter::from_fn(|| log.next_event())
        .map(|event| (event.offset.0, event.command.unwrap(), event.exit_code))
        .collect();
    said.sort();
    assert_eq!(said, [(0, "one".into(), Some(1)), (2_000_000, "two".into(), Some(2))]);
}

#[test]
fn a_shell_for_somebody_to_type_into_is_told_from_a_command() {
    let is = |line: &str| is_interactive_shell(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    for line in ["bash", "-bash", "/bin/zsh -l", "fish --login", "bash --rcfile x -i", "bash -s"] {
        assert!(is(line), "{line}");
    }
    for line in
        ["bash -c id", "-zsh -lc id", "sh script", "bash -c", "vim x", "sudo -i", "tmux", "env bash", ""]
    {
        assert!(!is(line), "{line}");
    }
}

proptest! {
    /// What is said of the session changes nothing of what is derived from its screen, but for who reads the lines.
    #[test]
    fn it_is_one_more(pieces in proptest::collection::vec((0_u64..500, "[a-z$#>\r\n ]{0,8}|a@b:~[$] "), 0..40)) {
        let steps: Vec<_> = pieces.iter().map(|(after, text)| out(*after, text)).collect();
        let exec = exec(&["sh", "-c", "true"]);
        let shells = |events: Vec<CommandEvent>| events.into_iter()
            .filter(|event| event.source != Source::Exec && event.kind == Kind::Shell)
            .map(|event| (event.offset, event.command)).collect::<Vec<_>>();
        let with = derive(Some(&exec), &steps, Some(0), false);
        prop_assert_eq!(with.iter().filter(|event| event.source == Source::Exec).count(), 1);
        let mut live: Vec<_> = derive(Some(&exec), &steps, Some(0), true)
            .into_iter()
            .filter(|event| event.state == Some(State::Finished))
            .map(|event| CommandEvent { state: None, ..event })
            .collect();
        live.sort_by_key(|event| event.source != Source::Exec);
        prop_assert_eq!(&with, &live);
        prop_assert_eq!(shells(with), shells(derive(None, &steps, Some(0), false)));
    }
}
