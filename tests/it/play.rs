//! `casemate play`: screens at three sizes, every way out, places, following, plain.

use std::fmt::Write as _;

use casemate_tests::{LONG, PROMPT, Session, World, need, wait_until};
use rustix::process::Signal;
use serde_json::json;

use crate::screens::{SIZES, check};

/// A session of three commands, with wide characters, colours, markers and keys.
fn demo() -> String {
    let prompt = "\u{1b}[1;32malice@web-1\u{1b}[m:~$ ";
    // In tenths of a second.
    let mut events = vec![(1, "o", prompt.to_owned())];
    let mut now = 5;
    for (command, output) in [
        ("echo 日本語 ok", "日本語 ok\r\n"),
        ("ls --color", "\u{1b}[34msrc\u{1b}[m  \u{1b}[41merror.log\u{1b}[m  naïve.txt\r\n"),
        ("seq 3", "1\r\n2\r\n3\r\n"),
    ] {
        for key in command.chars() {
            events.push((now, "i", key.to_string()));
            events.push((now, "o", key.to_string()));
            now += 1;
        }
        events.push((now, "i", "\r".to_owned()));
        events.push((now, "o", "\r\n".to_owned()));
        events.push((now + 2, "o", output.to_owned()));
        events.push((now + 3, "o", prompt.to_owned()));
        events.push((now + 5, "m", format!("after {}", &command[..3])));
        now += 20;
    }
    events.push((100, "o", String::new()));
    cast(60, 16, &events)
}

fn cast(cols: u16, rows: u16, events: &[(u32, &str, String)]) -> String {
    let header = json!({
        "version": 2, "width": cols, "height": rows, "timestamp": 1_700_000_000, "title": "a demo \u{1b}[2J",
        "env": {"TERM": "xterm-256color"},
    });
    let mut text = format!("{header}\n");
    for (time, code, data) in events {
        writeln!(text, "{}", json!([f64::from(*time) / 10.0, code, data])).unwrap();
    }
    text
}

/// A screen larger than any terminal of these tests: each row says its number.
fn large() -> String {
    let mut output = "\u{1b}[2J".to_owned();
    for row in 1..=70 {
        let ruler: String = (0..25).map(|tens| format!("{:>3},{row:02}··· ", tens * 10)).collect();
        write!(output, "\u{1b}[{row};1H{ruler}").unwrap();
    }
    output.push_str("\u{1b}[35;125H");
    cast(250, 70, &[(5, "o", output), (20, "o", "*".to_owned())])
}

fn play(world: &World, size: (u16, u16), args: &[&str]) -> Session {
    let args: Vec<_> = ["play"].into_iter().chain(args.iter().copied()).collect();
    world.casemate(&args).size(size.0, size.1).on_terminal()
}

fn screens(file: &str, args: &[&str], keys: &str, scene: &str) {
    let world = World::new();
    world.write("demo.cast", file);
    for size in SIZES {
        let args: Vec<_> = ["--paused", "demo.cast"].into_iter().chain(args.iter().copied()).collect();
        let mut session = play(&world, size, &args);
        session.wait_screen("‖");
        session.send(keys);
        check(&mut session, size, scene);
        // Whatever is open: Escape closes it.
        session.send("\u{1b}");
        session.wait_screen("‖");
        session.send("\u{3}");
        assert_eq!(session.wait_exit(LONG), 130);
    }
}

#[test]
fn a_small_screen_is_centred() {
    screens(&demo(), &["--start-at", "50%"], "", "play");
}

#[test]
fn a_large_screen_is_shown_where_the_cursor_is() {
    screens(&large(), &["--start-at", "1"], "", "large");
}

#[test]
fn a_large_screen_can_be_moved() {
    screens(&large(), &["--start-at", "1"], "llj", "panned");
}

#[test]
fn a_large_screen_can_be_seen_as_a_whole() {
    screens(&large(), &["--start-at", "1"], "z", "fit");
}

#[test]
fn the_command_list_is_filtered_by_typing() {
    screens(&demo(), &["--start-at", "4"], "c", "commands");
    screens(&demo(), &["--start-at", "4"], "cSEQ", "filtered");
}

#[test]
fn help_lists_the_keys() {
    screens(&demo(), &["--start-at", "end"], "?", "help");
}

#[test]
fn metadata_says_what_a_recording_is() {
    screens(&demo(), &["--start-at", "end"], "m", "metadata");
}

#[test]
fn what_was_typed_is_shown() {
    screens(&demo(), &["--start-at", "4.5"], "i", "input");
}

#[test]
fn search_goes_from_hit_to_hit() {
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = play(&world, (80, 24), &["--paused", "demo.cast"]);
    session.wait_screen("0:00.0 / 0:10");
    session.send("/LOG\r");
    session.wait_screen("nothing from here on");
    session.send("/error.l.g\r");
    session.wait_screen("1 of 1");
    session.wait_screen("naïve.txt");
    session.send("/日本\r");
    session.wait_screen("nothing from here on, 2 elsewhere");
    session.send("N");
    session.wait_screen("2 of 2");
    session.send("N");
    session.wait_screen("1 of 2");
    session.send("nn");
    session.wait_screen("nothing from here on, 2 elsewhere");
    // As one types; Escape leads back to where that began.
    session.send("g0\r");
    session.wait_screen("0:00.0 / 0:10");
    session.send("/日");
    session.wait_screen("1 of 2");
    session.wait_screen("$ echo 日");
    session.send("本語 ok$");
    session.wait_screen("日本語 ok");
    session.send("(");
    session.send("\u{7f}");
    session.send("x");
    session.wait_screen("nothing");
    session.send("\u{1b}");
    session.wait_screen("0:00.0 / 0:10");
    session.send("q");
    session.wait_success();
}

#[test]
fn every_place_can_be_started_at() {
    let world = World::new();
    world.write("demo.cast", demo());
    for (place, expected) in [
        ("4", "0:04.0 /"),
        ("0:04", "0:04.0 /"),
        ("4s500ms", "0:04.5 /"),
        ("50%", "0:05.0 /"),
        ("marker:2", "0:05.1 /"),
        ("marker:after ls", "0:05.1 /"),
        ("marker:after s", "0:07.6 /"),
        ("command:2", "0:04.6 /"),
        ("event:1", "0:00.1 /"),
        ("end", "0:10.0 /"),
    ] {
        let mut session = play(&world, (80, 24), &["--paused", "demo.cast", "--start-at", place]);
        session.wait_screen(expected);
        session.send("q");
        session.wait_success();
    }
    let mut session = play(&world, (80, 24), &["--paused", "demo.cast", "--start-at", "marker:none"]);
    session.wait_screen("no marker is called `none`");
    session.send("g");
    session.send("command:9\r");
    session.wait_screen("there is no command 9");
    session.send("q");
    session.wait_success();
}

#[test]
fn keys_go_everywhere() {
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = play(&world, (80, 24), &["--paused", "demo.cast"]);
    for (keys, expected) in [
        ("}", "0:01.6 /"),
        ("}", "0:04.6 /"),
        ("{", "0:01.6 /"),
        ("]", "0:02.1 /"),
        ("]", "0:05.1 /"),
        ("[", "0:02.1 /"),
        ("5", "0:05.0 /"),
        ("\u{1b}[C", "0:10.0 /"),
        ("\u{1b}[D", "0:05.0 /"),
        ("\u{1b}[1;2D", "0:04.0 /"),
        ("\u{1b}[1;2C", "0:05.0 /"),
        ("\u{1b}[H", "0:00.0 /"),
        (".", "0:00.1 /"),
        (".", "0:00.5 /"),
        (",", "0:00.1 /"),
        ("g0:07\r", "0:07.0 /"),
        ("cls\r", "0:04.6 /"),
        // The left end of the timeline, and, dragged, its right end.
        ("\u{1b}[<0;19;24M", "0:00.0 /"),
        ("\u{1b}[<32;79;24M\u{1b}[<0;79;24m", "0:10.0 /"),
        ("\u{1b}[<64;10;10M", "0:05.0 /"),
        ("\u{1b}[F", "0:10.0 /"),
    ] {
        session.send(keys);
        session.wait_screen(expected);
    }
    session.send("b");
    wait_until("the line to be hidden", LONG, || (!session.screen().contains("0:10.0")).then_some(()));
    session.send("b");
    session.wait_screen("0:10.0 /");
    session.send(">");
    session.wait_screen("speed 1.5×");
    session.send("q");
    session.wait_success();
}

#[test]
fn it_plays_to_the_end_and_anew() {
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = play(&world, (80, 24), &["demo.cast", "-s", "10"]);
    session.wait_screen("■ 0:10.0 / 0:10");
    session.send(" ");
    session.wait_screen("▶ 0:0");
    session.wait_screen("■ 0:10.0 / 0:10");
    session.send("q");
    session.wait_success();
    let mut session = play(&world, (80, 24), &["demo.cast", "-s", "20", "--pause-on-markers"]);
    session.wait_screen("marker: after ech");
    session.wait_screen("‖ 0:02.1 / 0:10");
    session.send(" ");
    session.wait_screen("marker: after ls");
    session.send("q");
    session.wait_success();
}

#[test]
fn a_screen_is_saved_and_nothing_replaced() {
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = play(&world, (80, 24), &["--paused", "demo.cast", "--start-at", "50%"]);
    session.wait_screen("0:05.0 /");
    for (keys, name) in [
        ("st", "demo-0m05.000s.txt"),
        ("st", "demo-0m05.000s-2.txt"),
        ("sa", "demo-0m05.000s.ansi"),
        ("sv", "demo-0m05.000s.svg"),
    ] {
        session.send(keys);
        session.wait_screen(&format!("saved {name}"));
    }
    session.send("q");
    session.wait_success();
    let text = String::from_utf8(world.bytes("demo-0m05.000s.txt")).unwrap();
    assert!(text.starts_with("alice@web-1:~$ echo 日本語 ok\n日本語 ok\n"), "{text}");
    assert!(String::from_utf8(world.bytes("demo-0m05.000s.ansi")).unwrap().contains("\u{1b}[41m"));
    assert!(world.bytes("demo-0m05.000s.svg").starts_with(b"<svg"));
}

#[test]
fn recorded_colours_are_exact_with_and_without_ours() {
    let world = World::new();
    world.write("c.cast", cast(20, 4, &[(1, "o", "\u{1b}[38;2;1;2;3;48;5;200mX".to_owned())]));
    for (variable, status) in [("", "Idx(3) on"), ("1", "Default on")] {
        let mut session = world
            .casemate(&["play", "--paused", "--start-at", "end", "c.cast"])
            .env("NO_COLOR", variable)
            .size(20, 5)
            .on_terminal();
        session.wait_screen("‖");
        session.wait_screen("X");
        assert_eq!(session.cell_style(0, 0), "Rgb(1, 2, 3) on Idx(200), inverse false");
        let style = session.cell_style(0, 4);
        assert!(style.starts_with(status), "{style}");
        session.send("q");
        session.wait_success();
    }
}

/// What is recorded may ask a terminal for anything; it gets nothing.
#[test]
fn recorded_bytes_never_reach_the_terminal() {
    let world = World::new();
    let hostile = "\u{1b}]52;c;aGFjaw==\u{7}\u{1b}]0;owned\u{7}\u{1b}[6n\u{1b}P$q\u{1b}\\\u{1b}[?1000h\u{9b}5n\u{1b}[8;1;1tseen";
    let events = [
        (1, "o", hostile.to_owned()),
        (2, "m", "label\u{1b}]0;owned\u{7}\u{202e}\u{9b}6n".to_owned()),
        (3, "i", "\u{1b}]0;owned\u{7}".to_owned()),
    ];
    world.write("h.cast", cast(40, 10, &events));
    let mut session = play(&world, (80, 24), &["-m", "h.cast"]);
    session.wait_screen("seen");
    session.wait_screen("marker: label\\u{1b}]0;owned\\u{7}\\u{202e}\\u{9b}6n");
    session.send(".im");
    session.wait_screen("a demo \\u{1b}[2J");
    session.send("q");
    session.send("q");
    session.wait_success();
    let output = session.output();
    for forbidden in ["aGFjaw", "\u{1b}]", "\u{1b}P", "\u{9b}", "\u{202e}", "[6n", "1000h", "[8;1;1t"] {
        let is_there = output.windows(forbidden.len()).any(|window| window == forbidden.as_bytes());
        assert!(!is_there, "{forbidden:?}\n{}", session.dump());
    }
}

/// What must be as before: modes of the line, and what programs switch.
fn state(session: &mut Session) -> (String, String) {
    (format!("{:?}", session.modes()), session.switches())
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let world = World::new();
    world.write("demo.cast", demo());
    for plain in [false, true] {
        // All that a program may leave on.
        let mess = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?1003h\u{1b}[?2004h\u{1b}[?1h\u{1b}=left on";
        world.write("mess.cast", cast(80, 24, &[(1, "o", mess.to_owned()), (6000, "o", "end".to_owned())]));
        for (way, status) in [("q", 0), ("C-c", 130), ("TERM", 143), ("HUP", 129), ("INT", 130)] {
            // Another program holds the terminal before and after.
            let mut session = world
                .script("read -r _; \"$CASEMATE\" play $PLAIN mess.cast; echo status=$?; read -r _")
                .env("PLAIN", if plain { "--plain" } else { "" })
                .on_terminal();
            let before = state(&mut session);
            session.send("\n");
            session.wait_screen("left on");
            session.wait_raw();
            let player = wait_until("the player", LONG, || {
                casemate_tests::process::descendants(session.pid()).into_iter().next()
            });
            let pid = rustix::process::Pid::from_raw(i32::try_from(player).unwrap()).unwrap();
            let kill = |signal| rustix::process::kill_process(pid, signal).unwrap();
            match way {
                "q" => session.send("q"),
                "C-c" => session.send("\u{3}"),
                "TERM" => kill(Signal::TERM),
                "HUP" => kill(Signal::HUP),
                _ => kill(Signal::INT),
            }
            session.wait_screen(&format!("status={status}"));
            assert_eq!(state(&mut session), before, "plain {plain}, {way}");
            session.send("\n");
            session.wait_success();
        }
    }
}

#[test]
fn it_stops_and_goes_on_as_the_shell_says() {
    need!("bash");
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = world.program("bash").args(&["--noprofile", "-i"]).size(80, 24).on_terminal();
    session.wait_prompt();
    let before = session.switches();
    session.send("stty -a > before\r");
    wait_until("stty", LONG, || {
        (session.before_cursor() == PROMPT
            && world.path("before").metadata().is_ok_and(|file| file.len() > 0))
        .then_some(())
    });
    session
        .send(format!("{} play --paused --start-at 50% demo.cast\r", casemate_tests::casemate().display()));
    session.wait_screen("0:05.0 /");
    session.send("\u{1a}");
    session.wait_screen("Stopped");
    session.wait_prompt();
    assert_eq!(session.switches(), before);
    session.send("stty -a > stopped\r");
    session.send("fg\r");
    session.wait_screen("‖ 0:05.0 /");
    session.send("6");
    session.wait_screen("0:06.0 /");
    session.send("q");
    session.wait_prompt();
    assert_eq!(session.switches(), before);
    session.send("stty -a > after\r");
    session.send("exit\r");
    session.wait_success();
    assert_eq!(world.bytes("stopped"), world.bytes("before"));
    assert_eq!(world.bytes("after"), world.bytes("before"));
}

#[test]
fn a_terminal_that_is_gone_ends_it() {
    let world = World::new();
    world.write("demo.cast", demo());
    for ignored in [false, true] {
        // `nohup` has the hang-up ignored.
        let script = if ignored {
            "trap '' HUP; exec \"$CASEMATE\" play demo.cast"
        } else {
            "exec \"$CASEMATE\" play demo.cast"
        };
        let mut session = world.script(script).on_terminal();
        session.wait_screen("▶");
        session.hang_up();
        let status = session.wait_exit(LONG);
        assert!(matches!(status, 0 | 129), "{status}");
    }
}

#[test]
fn another_size_is_another_screen() {
    let world = World::new();
    world.write("demo.cast", demo());
    let mut session = play(&world, (80, 24), &["--paused", "--start-at", "50%", "demo.cast"]);
    session.wait_screen("0:05.0 / 0:10");
    session.resize(40, 10);
    session.wait_screen("‖ 0:05/0:10");
    session.resize(100, 30);
    session.wait_screen("0:05.0 / 0:10");
    session.send("q");
    session.wait_success();
}

#[test]
fn plain_is_the_bytes() {
    let world = World::new();
    world.write("demo.cast", demo());
    let expected = "\u{1b}[1;32malice@web-1\u{1b}[m:~$ ";
    let all: String = demo()
        .lines()
        .skip(1)
        .filter_map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            (event[1] == "o").then(|| event[2].as_str().unwrap().to_owned())
        })
        .collect();
    assert!(all.starts_with(expected));
    for args in [&["play", "--plain", "-s", "1000", "demo.cast"][..], &["play", "-s", "1000", "demo.cast"]] {
        let finished = world.casemate(args).run();
        assert_eq!(finished.success().text(), all);
    }
    let file = demo();
    let finished = world.casemate(&["play", "-s", "1000", "-"]).run_with_input(file.as_bytes());
    assert_eq!(finished.success().text(), all);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new();
    let lines = |second| (second, "o", "a line\r\n".repeat(20_000));
    world.write("long.cast", cast(80, 24, &[lines(1), lines(2), lines(3)]));
    let script = "{ \"$CASEMATE\" play -s 100 --plain long.cast; echo $? >&2; } | head -1";
    let run = world.script(script).run().success();
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("a line\r\n", "0\n"));
}

#[test]
fn what_comes_through_a_pipe_is_played_as_it_comes() {
    let world = World::new();
    world.write("one", cast(60, 16, &[(1, "o", "first\r\n".to_owned())]));
    world.write("two", "[0.2, \"o\", \"second\\r\\n\"]\n");
    // The rest comes only when the beginning has been seen.
    let script =
        "{ cat one; until grep -q first out; do sleep 0.05; done; cat two; } | \"$CASEMATE\" play - > out";
    world.script(script).run().success();
    assert_eq!(world.bytes("out"), b"first\r\nsecond\r\n");

    let script = "{ cat one; until [ -e seen ]; do sleep 0.05; done; cat two; } | \"$CASEMATE\" play -";
    let mut session = world.script(script).on_terminal();
    session.wait_screen("first");
    world.write("seen", "");
    session.wait_screen("second");
    session.wait_screen("■ 0:00.2 / 0:00");
    session.send("q");
    session.wait_success();

    // Nobody waits for a pipe that stands still.
    let mut session = world.script("{ cat one; exec sleep 1000; } | \"$CASEMATE\" play -").on_terminal();
    session.wait_screen("first");
    session.send("q");
    session.wait_for("\u{1b}[?1049l");
    session.hang_up();
}

#[test]
fn a_recording_in_progress_is_followed() {
    need!("bash");
    for name in ["live.cast", "live.cast.zst"] {
        let world = World::new();
        let mut recorded = world.rec(&[name, "--", "bash", "--noprofile", "-i"]).on_terminal();
        recorded.wait_for(PROMPT);
        wait_until("the file", LONG, || {
            world.path(name).metadata().is_ok_and(|file| file.len() > 0).then_some(())
        });
        let mut session = play(&world, (100, 40), &["--follow", name]);
        session.wait_screen("●");
        for number in 1..4 {
            recorded.send(format!("echo seen-$(({number}+40))\r"));
            session.wait_screen(&format!("seen-{}", number + 40));
        }
        // The first command is known, and one can go there and come back to what is new.
        session.send("g");
        session.send("command:1\r");
        session.wait_screen("▶");
        session.send("\u{1b}[F");
        recorded.send("echo last-$((2+40))\r");
        session.wait_screen("last-42");
        session.send("q");
        session.wait_success();
        recorded.send("exit\r");
        recorded.wait_success();
    }
}

#[test]
fn what_cannot_be_played_is_named() {
    let world = World::new();
    world.write("none.cast", "no recording\n");
    for (args, message) in
        [(&["play", "none.cast"][..], "none.cast"), (&["play", "missing.cast"], "cannot read `missing.cast`")]
    {
        let _failed = world.casemate(args).run().fails(message);
    }
    for args in [&["play", "-s", "0", "none.cast"][..], &["play", "--start-at", "later", "none.cast"]] {
        let _refused = world.casemate(args).run().exits(2);
    }
}
