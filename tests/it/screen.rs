//! `casemate screen`: what stood on the screen at a moment, in every form of recording.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use casemate_tests::{Cast, World};

/// What an emulator that is not ours shows after the events until a time.
fn emulated(cast: &Cast, until: u64) -> Vec<String> {
    let side = |name: &str, index: usize| {
        let size = if cast.header["version"] == 3 {
            &cast.header["term"][["cols", "rows"][index]]
        } else {
            &cast.header[name]
        };
        NonZero::new(u16::try_from(size.as_u64().unwrap()).unwrap()).unwrap()
    };
    let mut parser = vt100::Parser::new(side("height", 1), side("width", 0), 0);
    for event in cast.events.iter().filter(|event| event.time <= until) {
        match event.code.as_str() {
            // It prints nothing there.
            "o" => parser.process(event.data.replace('\u{fffd}', "?").as_bytes()),
            "r" => {
                let (cols, rows) = event.data.split_once('x').unwrap();
                parser.screen_mut().set_size(rows.parse().unwrap(), cols.parse().unwrap());
            }
            _ => {}
        }
    }
    let (_, cols) = parser.screen().size();
    parser.screen().rows(0, cols.into()).map(|row| row.trim_end_matches(' ').to_owned()).collect()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn shown(world: &World, file: &str, at: &str) -> Vec<String> {
    let run = world.casemate(&["screen", file, "--at", at, "--format", "json"]).run().success();
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.text().replace('\u{fffd}', "?")).unwrap()
}

#[test]
fn every_moment_of_a_session_comes_out_in_every_form() {
    let world = World::new();
    for name in ["real-vim.cast", "real-bash.cast", "finished.cast.zst", "signed.cast.zst"] {
        let path = fixtures().join(name);
        let cast = Cast::read(&path);
        let file = path.to_str().unwrap();
        let mut files = vec![file.to_owned()];
        for (number, format) in ["v2", "v3"].into_iter().enumerate() {
            for extension in ["cast", "cast.zst"] {
                let form = format!("{number}.{extension}");
                world.casemate(&["convert", file, &form, "-f", format, "--overwrite"]).run().success();
                files.push(form);
            }
        }
        let end = cast.events.last().unwrap().time;
        for file in files {
            for time in [0, end / 7, end / 3, end / 2, end - 1, end] {
                let at = format!("{}.{:06}", time / 1_000_000, time % 1_000_000);
                assert_eq!(shown(&world, &file, &at), emulated(&cast, time), "{name} as {file} at {at}");
            }
            assert_eq!(shown(&world, &file, "end"), emulated(&cast, u64::MAX), "{name} as {file}");
        }
    }
}

/// Where the other emulator is wrong: a movement gives up a wrap that is pending, and leaving the alternate screen puts
/// the cursor back where it was.
const OTHERWISE: [&str; 2] = ["bash-right-clock.cast.zst", "faked-alternate-screen.cast.zst"];

#[test]
fn final_screens_of_the_shells_are_those_of_another_emulator() {
    let world = World::new();
    let folder = fixtures().join("commands");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.to_str().unwrap().ends_with(".cast.zst"));
    names.sort();
    let (mut differ, mut count) = (Vec::new(), 0);
    for path in names {
        let cast = Cast::read(&path);
        count += 1;
        if shown(&world, path.to_str().unwrap(), "end") != emulated(&cast, u64::MAX) {
            differ.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(differ, OTHERWISE, "of {count}");
}

const MARKED: &str = "{\"version\":2,\"width\":20,\"height\":3}\n[1.0, \"o\", \"one\"]\n[2.0, \"m\", \"built\"]\n\
                      [3.0, \"o\", \"\\r\\n\\u001b[31mtwo  \"]\n[4.0, \"r\", \"20x2\"]\n";

#[test]
fn moments_are_named_in_many_ways() {
    let world = World::new();
    world.write("marked.cast", MARKED);
    let screen = |at: &str| {
        let run = world.casemate(&["screen", "marked.cast", "--at", at]).run().success();
        run.text()
    };
    for at in ["0", "0.9", "event:0", "10%"] {
        assert_eq!(screen(at), "\n\n\n", "{at}");
    }
    for at in ["1", "0:02", "2s", "marker:1", "marker:built", "marker:b", "event:2", "50%"] {
        assert_eq!(screen(at), "one\n\n\n", "{at}");
    }
    for at in ["0:03", "75%"] {
        assert_eq!(screen(at), "one\ntwo\n\n", "{at}");
    }
    // What is behind the end is the end.
    for at in ["end", "1h", "100%", "event:9"] {
        assert_eq!(screen(at), "one\ntwo\n", "{at}");
    }
    let stdin =
        world.casemate(&["screen", "-", "--at", "1", "--format", "json"]).run_with_input(MARKED.as_bytes());
    assert_eq!(stdin.success().text(), "[\"one\", \"\", \"\"]\n");
}

#[test]
fn a_command_is_a_moment() {
    let world = World::new();
    let mut cast = String::from("{\"version\":2,\"width\":40,\"height\":3}\n");
    let texts = ["$ ", "echo one", "\\r\\none\\r\\n$ ", "echo two", "\\r\\ntwo\\r\\n$ "];
    for (second, text) in texts.into_iter().enumerate() {
        cast.push_str(&format!("[{second}.5, \"o\", \"{text}\"]\n"));
    }
    world.write("two.cast", &cast);
    let first = "$ echo one\none\n$\n";
    let run = world.casemate(&["screen", "two.cast", "--at", "command:1"]).run().success();
    assert_eq!(run.text(), first);
    let run = world.casemate(&["screen", "-", "--at", "command:1"]).run_with_input(cast.as_bytes());
    assert_eq!(run.success().text(), first);
    let run = world.casemate(&["screen", "two.cast", "--at", "command:2"]).run().success();
    assert_eq!(run.text(), "$ echo two\ntwo\n$\n");
    let run = world.casemate(&["screen", "two.cast", "--at", "command:3"]).run();
    let run = run.fails("error: two.cast: there is no command 3");
    assert!(run.stderr.contains("casemate commands two.cast"), "{}", run.stderr);
}

#[test]
fn what_is_not_there_is_named() {
    let world = World::new();
    world.write("marked.cast", MARKED);
    world.write("none.cast", "hello\n");
    for (args, error) in [
        (["marked.cast", "marker:gone"], "error: marked.cast: no marker is called `gone`"),
        (["marked.cast", "marker:2"], "error: marked.cast: there is no marker 2"),
        (["gone.cast", "end"], "error: cannot read `gone.cast`: No such file or directory"),
        (["none.cast", "end"], "error: none.cast: not an asciicast v1, v2 or v3 recording"),
        ([".", "end"], "error: cannot read `.`: it is a folder"),
    ] {
        world.casemate(&["screen", args[0], "--at", args[1]]).run().exits(1).fails(error);
    }
    let run = world.casemate(&["screen", "marked.cast", "--at", "soon"]).run().exits(2);
    assert!(run.stderr.contains("try 1:30"), "{}", run.stderr);
}

#[test]
fn nothing_is_written_beside_a_recording() {
    let world = World::new();
    world.write("folder/marked.cast", MARKED);
    world.casemate(&["screen", "folder/marked.cast"]).run().success();
    assert_eq!(world.names("folder"), ["marked.cast"]);
}

/// Screen and tmux take `ESC k` for the beginning of a title; other terminals show what follows.
#[test]
fn another_terminal_shows_what_this_one_hides() {
    let world = World::new();
    let header = r#"{"version":2,"width":20,"height":2,"env":{"TERM":"tmux-256color"}}"#;
    let text = "{}\n[1, \"o\", \"a\\u001bkhidden\\u001b\\\\b\"]\n[2, \"o\", \"c\"]\n";
    world.write("t.cast", text.replacen("{}", header, 1));
    world.casemate(&["convert", "-q", "t.cast", "t.cast.zst"]).run().success();
    for file in ["t.cast", "t.cast.zst"] {
        assert_eq!(shown(&world, file, "end")[0], "abc");
        let screen = |args: &[&str]| {
            let args = [&["screen", file, "--term", "xterm"], args].concat();
            world.casemate(&args).run().success().text().lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!((screen(&[]).as_str(), screen(&["--at", "1"]).as_str()), ("ahiddenbc", "ahiddenb"));
    }
    world
        .casemate(&["screen", "-", "--term", "xterm"])
        .run_with_input(&world.bytes("t.cast"))
        .fails("read twice");
}
