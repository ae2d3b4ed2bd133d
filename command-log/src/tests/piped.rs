//! Sessions without a terminal.

use casemate_cast_format::{Code, Event, Header, Micros, Size, own};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use crate::{CommandEvent, CommandLog, Source, State};

type Step<'a> = (u64, &'a str, &'a str);

fn event<'a>(&(time, code, data): &'a Step<'a>) -> Event<'a> {
    Event::new(Micros(time * 1000), Code::parse(code.into()), data)
}

fn derive(steps: &[Step<'_>], live: bool) -> Vec<CommandEvent> {
    let mut header = Header::new(Size { cols: 80, rows: 24 });
    header.timestamp = Some(1_700_000_000);
    let log = CommandLog::new(&header);
    let mut log = if live { log.live() } else { log };
    let mut events = Vec::new();
    for step in steps {
        log.handle(&event(step));
        events.extend(std::iter::from_fn(|| log.next_event()));
    }
    log.finish();
    events.extend(std::iter::from_fn(|| log.next_event()));
    events
}

fn exec(argv: &[&str]) -> String {
    json!({ "exe": argv[0], "argv": argv, "cwd": "/srv" }).to_string()
}

#[track_caller]
fn check(steps: &[Step<'_>], expected: Expect) {
    let lines = derive(steps, false).into_iter().map(|mut event| {
        event.id.clear();
        serde_json::to_string(&event).unwrap() + "\n"
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn what_was_started_is_the_command() {
    let exec = exec(&["-bash", "-c", "git-upload-pack 'a b'"]);
    check(
        &[
            (0, "exec", &exec),
            (900, "traffic", r#"{"in":3,"out":20000,"err":0}"#),
            (900, "x", "7"),
            (901, "end", "exit"),
        ],
        expect![[r#"
            {"id":"","session":null,"time":"2023-11-14T22:13:20.000000Z","offset":0.0,"duration":0.9,"user":null,"target":null,"target_user":null,"command":"git-upload-pack 'a b'","cwd":"/srv","exit_code":7,"kind":"shell","program":null,"source":"exec","confidence":1.0,"output_bytes":null,"output":null,"argv":["-bash","-c","git-upload-pack 'a b'"],"bytes_in":3,"bytes_out":20000,"bytes_err":0}
        "#]],
    );
}

#[test]
fn output_that_looks_like_a_shell_is_none() {
    let exec = exec(&["sh", "-c", "cat session.log"]);
    check(
        &[
            (0, "exec", &exec),
            (100, "o", "a@b:~$ "),
            (900, "o", "rm -rf /\r\n"),
            (1900, "o", "a@b:~$ \x1b]133;A\x07\x1b[?2004h"),
            (1950, "err", "a@b:~$ "),
            (2000, "traffic", r#"{"in":null,"out":40,"err":7}"#),
            (2000, "x", "0"),
            (5000, "o", "a@b:~$ uptime\r\n"),
            (9000, "o", "a@b:~$ "),
            (9100, "traffic", r#"{"in":null,"out":400,"err":7}"#),
        ],
        expect![[r#"
            {"id":"","session":null,"time":"2023-11-14T22:13:20.000000Z","offset":0.0,"duration":2.0,"user":null,"target":null,"target_user":null,"command":"cat session.log","cwd":"/srv","exit_code":0,"kind":"shell","program":null,"source":"exec","confidence":1.0,"output_bytes":40,"output":[0.0,2.0],"argv":["sh","-c","cat session.log"],"bytes_out":40,"bytes_err":7}
        "#]],
    );
}

#[test]
fn what_has_no_end_has_none() {
    let exec = exec(&["/usr/bin/rsync", "--server", "it's", ""]);
    check(
        &[(0, "exec", &exec)],
        expect![[r#"
            {"id":"","session":null,"time":"2023-11-14T22:13:20.000000Z","offset":0.0,"duration":null,"user":null,"target":null,"target_user":null,"command":"/usr/bin/rsync --server 'it'\\''s' ''","cwd":"/srv","exit_code":null,"kind":"shell","program":null,"source":"exec","confidence":1.0,"output_bytes":null,"output":null,"argv":["/usr/bin/rsync","--server","it's",""]}
        "#]],
    );
}

#[test]
fn while_it_runs_it_is_said_to_have_started() {
    let exec = exec(&["dash", "-c", "for"]);
    let mut log = CommandLog::new(&Header::new(Size { cols: 80, rows: 24 })).live();
    log.handle(&event(&(0, "exec", &exec)));
    assert_eq!(log.next_event(), None);
    log.advance(Micros(50_000));
    let started = log.next_event().unwrap();
    assert_eq!((started.state, started.command.as_deref()), (Some(State::Started), Some("for")));
    log.handle(&event(&(900, "traffic", r#"{"out":1}"#)));
    log.handle(&event(&(900, "x", "129")));
    let finished = log.next_event().unwrap();
    assert_eq!((finished.state, finished.exit_code), (Some(State::Finished), Some(129)));
    assert_eq!(finished.id, started.id);
    log.finish();
    assert_eq!(log.next_event(), None);

    // What ends in the moment it begins has both.
    let both = derive(&[(0, "exec", &exec), (0, "traffic", r#"{"out":1}"#), (0, "x", "0")], true);
    assert_eq!(both[0].state, Some(State::Started));
    assert_eq!(both[0].piped.as_ref().unwrap().bytes_out, None);
    assert_eq!(both[1].piped.as_ref().unwrap().bytes_out, Some(1));
}

#[test]
fn behind_a_terminal_session_it_is_nothing() {
    let exec = exec(&["sh", "-c", "true"]);
    let session = [
        (0, "o", "a@b:~$ "),
        (500, "exec", exec.as_str()),
        (1000, "o", "i"),
        (1200, "o", "d\r\n"),
        (1300, "o", "root\r\na@b:~$ "),
        (3000, "o", ""),
    ];
    let commands: Vec<_> = derive(&session, false);
    assert_eq!(commands.len(), 1);
    assert_eq!((commands[0].command.as_deref(), commands[0].source), (Some("id"), Source::Screen));
}

#[test]
fn each_of_several_appended_sessions_is_what_it_is() {
    let exec = exec(&["sh", "-c", "true"]);
    let facts =
        json!({ "session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5 }).to_string();
    let commands = derive(
        &[
            (0, "exec", &exec),
            (1, "x", "0"),
            (2, "session", &facts),
            (10, "o", "a@b:~$ "),
            (1000, "o", "id"),
            (1500, "o", "\r\nroot\r\na@b:~$ "),
            (4000, "x", "0"),
            (4100, "session", &facts),
            (4100, "exec", &exec),
            (4200, "x", "1"),
        ],
        false,
    );
    let commands: Vec<_> =
        commands.iter().map(|event| (event.command.as_deref().unwrap(), event.source)).collect();
    assert_eq!(commands, [("true", Source::Exec), ("id", Source::Screen), ("true", Source::Exec)]);
}

#[test]
fn the_line_is_found_behind_further_options() {
    for (argv, command) in [
        (&["bash", "-lc", "id"][..], "id"),
        (&["-zsh", "-c", "id; w"], "id; w"),
        (&["/bin/bash", "--norc", "-o", "pipefail", "-c", "id", "name", "x"], "id"),
        (&["bash", "-c", "-l", "id"], "id"),
        (&["bash", "+o", "posix", "-c", "id"], "id"),
        (&["bash", "-c", "--", "-x"], "-x"),
        (&["fish", "--command=id"], "id"),
        (&["fish", "-l", "-c", "id"], "id"),
        (&["bash", "-c"], "bash -c"),
        (&["bash", "-c", ""], "bash -c ''"),
        (&["bash", "script", "-c", "id"], "bash script -c id"),
        (&["bash", "-s"], "bash -s"),
        (&["bash"], "bash"),
        (&["env", "-c", "id"], "env -c id"),
        (&[""], "''"),
    ] {
        let commands = derive(&[(0, "exec", &exec(argv))], false);
        assert_eq!(commands[0].command.as_deref(), Some(command), "{argv:?}");
    }
}

#[test]
fn what_claims_too_much_is_cut_or_nothing() {
    let long = "x".repeat(1 << 20);
    let commands = derive(&[(0, "exec", &exec(&["sh", "-c", &long]))], false);
    let piped = commands[0].piped.as_ref().unwrap();
    assert!(piped.argv_cut && commands[0].command.as_ref().unwrap().len() <= 256 << 10);
    let beyond = "x".repeat(2 << 20);
    assert_eq!(derive(&[(0, "exec", &exec(&["sh", "-c", &beyond]))], false), []);
    assert_eq!(derive(&[(0, "exec", r#"{"argv":[]}"#)], false)[0].command.as_deref(), Some(""));
}

proptest! {
    #[test]
    fn any_such_events_are_read(
        steps in proptest::collection::vec((0_u64..50, 0..7_usize, "\\PC{0,20}"), 0..20),
    ) {
        let codes = [own::EXEC, own::TRAFFIC, "x", "o", "i", own::SESSION, own::ERR];
        let exec = exec(&["sh", "-c", "id"]);
        let mut now = 0;
        let steps: Vec<Step<'_>> = steps
            .iter()
            .map(|(after, code, text)| {
                now += after;
                let code = codes[*code];
                (now, code, if code == own::EXEC && text.len() % 2 == 0 { exec.as_str() } else { text.as_str() })
            })
            .collect();
        let once = derive(&steps, false);
        let live = derive(&steps, true);
        let finished: Vec<_> = live
            .into_iter()
            .filter(|event| event.state == Some(State::Finished))
            .map(|event| CommandEvent { state: None, ..event })
            .collect();
        prop_assert_eq!(once, finished);
    }
}
