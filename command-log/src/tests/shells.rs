//! Sessions as shells write them.

use casemate_cast_format::{Code, Event, Header, Micros, Size, own};
use expect_test::expect;
use serde_json::json;

use super::{Step, check, out, table, typed};
use crate::{CommandLog, State};

/// A prompt of bash, as readline prints it.
const BASH: &str = "\x1b[?2004halice@web-1:~$ ";
/// Enter in bash.
const ENTER: &str = "\r\n\x1b[?2004l\r";

fn session(lines: &[(&str, &str)]) -> Vec<Step> {
    let mut steps = vec![out(10, BASH)];
    for (line, output) in lines {
        steps.push(out(500, ""));
        steps.extend(typed(line));
        steps.push(out(100, ENTER));
        steps.push(out(50, output));
        steps.push(out(1, BASH));
    }
    steps
}

#[test]
fn lines_are_read_from_the_screen() {
    let mut steps = session(&[("uptime", "up 3 days\r\n"), ("echo 'a b'", "a b\r\n")]);
    steps.extend(typed("ecko"));
    steps.extend([
        out(90, "\x08\x1b[K"),
        out(90, "\x08\x1b[K"),
        out(90, "ho x"),
        out(90, "\r\n\x1b[?2004l\rx\r\n"),
    ]);
    check(
        &steps,
        expect![[r#"
            1.39 shell "uptime" on=web-1 as=alice
            3.141 shell "echo 'a b'" on=web-1 as=alice
            4.172 shell "echo x" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn lines_that_go_on_are_one_command() {
    let mut steps = vec![out(10, BASH)];
    steps.extend(typed("for i in 1 2; do"));
    steps.push(out(90, "\r\n\x1b[?2004l\r\x1b[?2004h> "));
    steps.extend(typed("echo $i"));
    steps.push(out(90, "\r\n\x1b[?2004l\r\x1b[?2004h> "));
    steps.extend(typed("done"));
    steps.extend([out(90, ENTER), out(2, "1\r\n2\r\n"), out(1, BASH)]);
    check(
        &steps,
        expect![[r#"
            3.34 shell "for i in 1 2; do\necho $i\ndone" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn old_shells_say_nothing_when_a_line_is_committed() {
    let mut steps = vec![out(10, "$ ")];
    for (line, output) in [("ls", "a  b\r\n$ "), ("cat a", "hello\r\n$ "), ("exit", "")] {
        steps.extend(typed(line));
        steps.push(out(90, "\r\n"));
        steps.push(out(5, output));
    }
    check(
        &steps,
        expect![[r#"
            0.56 shell "ls"
            1.355 shell "cat a"
            2.07 shell "exit"
        "#]],
    );
}

#[test]
fn a_line_that_was_thrown_away_is_no_command() {
    let mut steps = vec![out(10, BASH)];
    steps.extend(typed("rm -rf /srv"));
    steps.push(out(90, "^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r\r\n"));
    steps.push(out(1, BASH));
    steps.extend(typed("echo '^C'"));
    steps.extend([out(90, ENTER), out(2, "^C\r\n"), out(1, BASH)]);
    check(
        &steps,
        expect![[r#"
            1.28 cancelled "rm -rf /srv" on=web-1 as=alice
            2.391 shell "echo '^C'" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn programs_have_lines_of_their_own() {
    let mut steps = session(&[("read -p 'Name: ' name", "Name: ")]);
    steps.truncate(steps.len() - 1);
    steps.extend(typed("Bob"));
    steps.extend([out(90, "\r\n"), out(1, BASH)]);
    steps.extend(typed("python3"));
    steps.extend([out(90, ENTER), out(20, "Python 3.11\r\n>>> ")]);
    steps.extend(typed("1 + 1"));
    steps.extend([out(90, "\r\n2\r\n>>> ")]);
    steps.extend(typed("exit()"));
    steps.extend([out(90, "\r\n"), out(30, BASH)]);
    steps.extend(typed("ls"));
    steps.extend([out(90, ENTER), out(1, BASH)]);
    check(
        &steps,
        expect![[r#"
            2.59 shell "read -p 'Name: ' name" on=web-1 as=alice
            3.27 program "Bob" program=read on=web-1 as=alice
            4.221 shell "python3" on=web-1 as=alice
            5.031 program "1 + 1" program=python3 on=web-1 as=alice
            5.901 program "exit()" program=python3 on=web-1 as=alice
            6.481 shell "ls" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn users_and_targets_are_followed() {
    let mut steps = session(&[("id -un", "alice\r\n")]);
    steps.extend(typed("sudo -i"));
    steps.extend([out(90, ENTER), out(300, "\x1b[?2004hroot@web-1:~# ")]);
    steps.extend(typed("whoami"));
    steps.extend([out(90, ENTER), out(5, "root\r\n\x1b[?2004hroot@web-1:~# ")]);
    steps.extend(typed("exit"));
    steps.extend([out(90, ENTER), out(5, "logout\r\n"), out(1, BASH)]);
    steps.extend(typed("ssh bob@db-1"));
    steps.extend([out(90, ENTER), out(400, "\x1b[?2004hbob@db-1:~$ ")]);
    steps.extend(typed("ls"));
    steps.extend([out(90, ENTER), out(5, "\x1b[?2004hbob@db-1:~$ ")]);
    check(
        &steps,
        expect![[r#"
            1.39 shell "id -un" on=web-1 as=alice
            2.391 shell "sudo -i" on=web-1 as=alice
            3.561 shell "whoami" on=web-1 as=root
            4.276 shell "exit" on=web-1 as=root
            5.632 shell "ssh bob@db-1" on=web-1 as=alice
            6.582 shell "ls" on=db-1 as=bob
        "#]],
    );
}

#[test]
fn marks_give_status_and_directory() {
    let steps = vec![
        out(10, "\x1b]133;A\x07% \x1b]133;B\x07\x1b[?2004h"),
        out(500, "f"),
        out(80, "alse"),
        out(80, "\x1b[?2004l\r\r\n\x1b]133;C;cmdline_url=false\x07"),
        out(5, "\x1b]133;D;1\x07\x1b]7;file://web-1/srv\x07\x1b]133;A\x07% \x1b]133;B\x07\x1b[?2004h"),
        out(500, "pwd"),
        out(80, "\x1b[?2004l\r\r\n\x1b]133;C;cmdline_url=pwd\x07/srv\r\n"),
        out(5, "\x1b]133;D;0\x07\x1b]133;A\x07% \x1b]133;B\x07\x1b[?2004h"),
    ];
    check(
        &steps,
        expect![[r#"
        0.67 shell "false" exit=1
        1.255 shell "pwd" on=web-1 exit=0 cwd=/srv
    "#]],
    );
}

#[test]
fn the_size_may_change_amid_a_line() {
    let mut steps = vec![out(10, BASH)];
    steps.extend(typed("echo one"));
    steps.push(Step::Resize(300, 40, 10));
    steps.push(out(5, "\r\x1b[Kalice@web-1:~$ echo one"));
    steps.extend(typed(" two"));
    steps.extend([out(90, ENTER), out(2, "one two\r\n"), out(1, BASH)]);
    check(
        &steps,
        expect![[r#"
            1.965 shell "echo one two" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn process_facts_tell_a_shell_from_a_program() {
    let facts = |exe: &str, uid: u32, user: &str| {
        Step::Process(
            1,
            format!(
                r#"{{"why":"foreground","pid":9,"uid":{uid},"user":"{user}","exe":"{exe}","argv":["x"],"cwd":"/srv"}}"#
            ),
        )
    };
    let mut steps = vec![facts("/usr/bin/bash", 1000, "alice"), out(10, "> ")];
    steps.extend(typed("./menu"));
    steps.extend([out(90, "\r\n"), facts("/srv/menu", 1000, "alice"), out(20, "shop$ ")]);
    steps.extend(typed("list"));
    steps.extend([out(90, "\r\n"), out(20, "nothing\r\nshop$ ")]);
    steps.extend(typed("quit"));
    steps.extend([out(90, "\r\n"), facts("/usr/bin/bash", 1000, "alice"), out(20, "> ")]);
    steps.extend(typed("ls"));
    steps.extend([out(90, "\r\n"), out(20, "> ")]);
    check(
        &steps,
        expect![[r#"
        0.881 shell "./menu" cwd=/srv
        1.612 program "list" program=menu
        2.342 program "quit" program=menu
        2.913 shell "ls" cwd=/srv
    "#]],
    );
}

#[test]
fn a_prompt_that_our_own_integration_marks_is_a_shells_however_soon_a_line_comes() {
    let facts = json!({
        "session": "s", "user": "u", "target": "t", "target_user": "bob", "start_us": 5, "marks_nonce": "n0",
    });
    let derive = |nonce: &str| {
        let mut header = Header::new(Size { cols: 60, rows: 12 });
        header.set_facts(&serde_json::from_value(facts.clone()).unwrap());
        let mut log = CommandLog::new(&header);
        let zsh = r#"{"why":"start","pid":7,"uid":2002,"user":"bob","exe":"/usr/bin/zsh","argv":["-zsh"],"cwd":"/","canonical":true,"echo":true}"#;
        log.handle(&Event::own(Micros(0), own::PROCESS, zsh));
        // As it comes from a machine that types.
        for (time, output) in [
            (6700, "\x1b]133;A;NONCE\x07"),
            (7700, "\r\x1b[Jready> \x1b]133;B;NONCE\x07"),
            (7800, "\x1b[K"),
            (8000, "\x1b[?1h\x1b=\x1b[?2004h"),
            (11_600, "c\x08cd /usr/share"),
            (
                12_900,
                "\x1b[?1l\x1b>\x1b[?2004l\r\r\n\x1b]133;C;NONCE;cmdline_url=cd%20/usr/share\x07\x1b]133;D;0;NONCE\x07",
            ),
            (13_200, "\x1b]133;A;NONCE\x07\r\x1b[Jready> \x1b]133;B;NONCE\x07\x1b[K\x1b[?1h\x1b=\x1b[?2004h"),
        ] {
            let output = output.replace("NONCE", &format!("nonce={nonce}"));
            log.handle(&Event::new(Micros(time), Code::Output, &output));
        }
        log.finish();
        std::iter::from_fn(|| log.next_event()).collect::<Vec<_>>()
    };
    expect![[r#"
        0.0129 shell "cd /usr/share" on=t as=bob exit=0 cwd=/
    "#]]
    .assert_eq(&table(&derive("n0")));
    // Whoever prints marks and does not know it proves nothing.
    assert_eq!(table(&derive("other")), "");
}

#[test]
fn a_command_is_said_when_a_mark_says_that_its_output_begins() {
    let mut log = CommandLog::new(&Header::new(Size { cols: 60, rows: 12 })).live();
    let mut said = Vec::new();
    let prompt = "\x1b]133;A\x07$ \x1b]133;B\x07";
    let mut print = |millis: u64, output: &str| {
        log.handle(&Event::new(Micros(millis * 1000), Code::Output, output));
        said.extend(
            std::iter::from_fn(|| log.next_event()).map(|event| (millis, event.state, event.command)),
        );
    };
    print(10, prompt);
    print(500, "ls");
    // All of it at once, and then nothing more for a long time.
    print(900, &format!("\r\n\x1b]133;C\x07a  b\r\n\x1b]133;D;0\x07{prompt}"));
    print(9_000, "sleep");
    let started = |at, command: &str| (at, Some(State::Started), Some(command.to_owned()));
    let finished = |at, command: &str| (at, Some(State::Finished), Some(command.to_owned()));
    assert_eq!(said, [started(900, "ls"), finished(9_000, "ls")]);
}

#[test]
fn what_a_mark_says_was_run_is_not_taken_back() {
    let mut log = CommandLog::new(&Header::new(Size { cols: 60, rows: 12 })).live();
    let mut said = Vec::new();
    let prompt = "\x1b]133;A\x07$ \x1b]133;B\x07";
    for (millis, output) in [
        (10, prompt.to_owned()),
        (500, "ls".into()),
        // It looks like a list of completions: the line stands behind the next prompt.
        (900, format!("\r\n\x1b]133;C\x07lsblk  lscpu\r\n{prompt}ls")),
        (950, "cpu".into()),
        (990, format!("\r\n\x1b]133;C\x07x86\r\n{prompt}")),
    ] {
        log.handle(&Event::new(Micros(millis * 1000), Code::Output, &output));
        said.extend(std::iter::from_fn(|| log.next_event()));
    }
    log.finish();
    said.extend(std::iter::from_fn(|| log.next_event()));
    let said: Vec<_> = said.iter().map(|event| (event.state, event.command.as_deref())).collect();
    let (started, finished) = (Some(State::Started), Some(State::Finished));
    let commands =
        [(started, Some("ls")), (finished, Some("ls")), (started, Some("lscpu")), (finished, Some("lscpu"))];
    assert_eq!(said, commands);
}
