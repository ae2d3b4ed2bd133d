//! The table of bad input, row by row: what is kept, which line is named, that `--strict` stops.

use casemate_tests::{Cast, World};

const V2: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";
const V3: &str = "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n";

/// One defect in a file whose output must still be `output`; `line` is where the defect is.
#[track_caller]
fn defect(text: impl AsRef<[u8]>, line: usize, output: &str) -> Cast {
    let world = World::new();
    world.write("in.cast", text);
    let place = format!("in.cast:{line}: ");
    let lenient = world.casemate(&["convert", "in.cast", "out.cast"]).run().success();
    let warnings: Vec<_> = lenient.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 1, "one warning expected: {}", lenient.stderr);
    assert!(warnings[0].starts_with(&format!("warning: {place}")), "line {line} expected: {}", warnings[0]);
    assert!(warnings[0].len() > "warning: ".len() + place.len() + 3, "says nothing: {}", warnings[0]);
    let cast = Cast::read(world.path("out.cast"));
    assert_eq!(cast.output(), output);
    world.casemate(&["convert", "--strict", "in.cast", "strict.cast"]).run().fails(&place);
    world.casemate(&["info", "--strict", "in.cast"]).run().exits(1);
    let info = world.casemate(&["info", "in.cast"]).run().success();
    assert!(format!("{}{}", info.text(), info.stderr).contains(&place), "info is silent: {info:?}");
    cast
}

/// Something unusual that is accepted without a word, also strictly.
#[track_caller]
fn accepted(text: impl AsRef<[u8]>, output: &str) -> Cast {
    let world = World::new();
    world.write("in.cast", text);
    let run = world.casemate(&["convert", "--strict", "in.cast", "out.cast"]).run().success();
    assert_eq!(run.stderr, "");
    let cast = Cast::read(world.path("out.cast"));
    assert_eq!(cast.output(), output);
    cast
}

#[test]
fn info_names_a_defect_like_every_other_command() {
    let world = World::new();
    world.write("in.cast", format!("{V2}nonsense\n"));
    world.casemate(&["info", "--strict", "in.cast"]).run().fails("in.cast:2: ");
}

#[test]
fn truncated_last_line() {
    defect(format!("{V2}[0.1, \"o\", \"one\"]\n[0.2, \"o\", \"tw"), 3, "one");
    defect(format!("{V3}[0.1, \"o\", \"one\"]\n[0.2"), 3, "one");
}

#[test]
fn a_last_line_without_a_newline_is_whole() {
    accepted(format!("{V2}[0.1, \"o\", \"one\"]\n[0.2, \"o\", \"two\"]"), "onetwo");
}

#[test]
fn garbage_in_the_middle() {
    let cast =
        defect(format!("{V2}[0.1, \"o\", \"one\"]\n\u{1}garbage {{\n[0.3, \"o\", \"two\"]\n"), 3, "onetwo");
    assert_eq!(cast.of("o")[1].time, 300_000);
}

#[test]
fn events_of_the_wrong_shape() {
    for event in [
        "[-0.5, \"o\", \"x\"]",
        "[\"0.5\", \"o\", \"x\"]",
        "[0.5, 7, \"x\"]",
        "[0.5, \"o\", true]",
        "[0.5, \"o\", \"x\", \"more\"]",
        "[0.5, \"o\"]",
        "{\"time\": 0.5}",
        "[1e999, \"o\", \"x\"]",
    ] {
        for header in [V2, V3] {
            let text = format!("{header}[0.1, \"o\", \"one\"]\n{event}\n[0.6, \"o\", \"two\"]\n");
            defect(text, 3, "onetwo");
        }
    }
}

#[test]
fn a_resize_to_nothing_is_ignored_but_its_time_counts() {
    for size in ["-1x0", "80", "axb"] {
        let events = format!("[0.1, \"o\", \"one\"]\n[0.2, \"r\", \"{size}\"]\n[0.3, \"o\", \"two\"]\n");
        let cast = defect(format!("{V3}{events}"), 3, "onetwo");
        assert_eq!(cast.of("o")[1].time, 600_000, "the interval of the ignored event counts");
        assert_eq!(cast.of("r").len(), 0);
        defect(format!("{V2}{events}"), 3, "onetwo");
    }
}

#[test]
fn a_broken_theme_is_ignored() {
    let colours = "#000000:#111111:#222222:#333333";
    for theme in [
        "{}".to_owned(),
        "{\"fg\":\"#zzzzzz\",\"bg\":\"#000000\",\"palette\":\"x\"}".to_owned(),
        format!("{{\"fg\":\"#ffffff\",\"bg\":\"#000000\",\"palette\":\"{colours}\"}}"),
    ] {
        let event = "[0.1, \"o\", \"one\"]\n";
        defect(format!("{{\"version\":2,\"width\":80,\"height\":24,\"theme\":{theme}}}\n{event}"), 1, "one");
        defect(
            format!("{{\"version\":3,\"term\":{{\"cols\":80,\"rows\":24,\"theme\":{theme}}}}}\n{event}"),
            1,
            "one",
        );
    }
}

#[test]
fn unusual_headers_are_accepted() {
    let event = "[0.1, \"o\", \"one\"]\n";
    for header in [
        "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000.5}",
        "{\"version\":3.0,\"term\":{\"cols\":80,\"rows\":24}}",
        "{\"version\":2.0,\"width\":80,\"height\":24}",
        "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"env\":{\"SHELL\":null,\"TERM\":\"xterm\"}}",
        "{\"version\":3,\"term\":{\"cols\":70000,\"rows\":24}}",
        "\u{feff}{\"version\":2,\"width\":80,\"height\":24}",
    ] {
        accepted(format!("{header}\n{event}"), "one");
    }
}

#[test]
fn escapes_are_accepted_anywhere() {
    accepted(format!("{V2}[0.1, \"\\u006f\", \"one\"]\n"), "one");
    let palette = "\\u0023000000".to_owned() + &":#111111".repeat(15);
    let theme = format!("{{\"fg\":\"\\u0023ffffff\",\"bg\":\"#000000\",\"palette\":\"{palette}\"}}");
    let cast = accepted(
        format!("{{\"version\":2,\"width\":80,\"height\":24,\"theme\":{theme}}}\n[0.1, \"o\", \"one\"]\n"),
        "one",
    );
    assert_eq!(cast.header["theme"]["fg"], "#ffffff");
}

#[test]
fn windows_line_ends_and_blank_lines_are_accepted() {
    accepted(V2.replace('\n', "\r\n") + "[0.1, \"o\", \"one\"]\r\n\r\n[0.2, \"o\", \"two\"]\r\n", "onetwo");
}

#[test]
fn bytes_that_are_no_utf_8_and_lone_surrogates() {
    let mut text = format!("{V2}[0.1, \"o\", \"a").into_bytes();
    text.extend(b"\xff");
    text.extend(b"b\"]\n[0.2, \"o\", \"two\"]\n");
    defect(text, 2, "a\u{fffd}btwo");
    defect(format!("{V2}[0.1, \"o\", \"a\\ud800b\"]\n[0.2, \"o\", \"two\"]\n"), 2, "a\u{fffd}btwo");
}

#[test]
fn an_indented_comment() {
    defect(format!("{V3}[0.1, \"o\", \"one\"]\n  # aside\n[0.2, \"o\", \"two\"]\n"), 3, "onetwo");
}

#[test]
fn a_longer_code_passes_verbatim() {
    let cast = accepted(format!("{V2}[0.1, \"zz\", \"data\"]\n[0.2, \"o\", \"one\"]\n"), "one");
    assert_eq!(cast.data("zz"), ["data"]);
}

#[test]
fn what_others_wrote_survives_every_conversion() {
    let world = World::new();
    world.write(
        "a.cast",
        "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24,\"x-gpu\":true},\"tags\":[\"a\",\"b\"],\"x-own\":{\"deep\":[1]}}\n\
         # a remark\n[0.1, \"o\", \"one\"]\n[0.2, \"zz\", \"data\"]\n# another\n[0.3, \"o\", \"two\"]\n",
    );
    let mut from = "a.cast".to_owned();
    for (format, file) in [("v3", "b.cast"), ("v3", "c.cast.zst"), ("v2", "d.cast"), ("v3", "e.cast")] {
        world.casemate(&["convert", "-f", format, &from, file]).run().success();
        let cast = Cast::read(world.path(file));
        assert_eq!(cast.header["tags"], serde_json::json!(["a", "b"]), "{file}");
        assert_eq!(cast.header["x-own"]["deep"][0], 1, "{file}");
        assert_eq!(cast.data("zz"), ["data"], "{file}");
        assert_eq!((cast.output().as_str(), cast.of("o")[1].time), ("onetwo", 600_000), "{file}");
        if matches!(file, "b.cast" | "c.cast.zst") {
            assert!(
                cast.text.contains("\n# a remark\n") && cast.text.contains("\n# another\n"),
                "{}",
                cast.text
            );
        }
        from = file.to_owned();
    }
    world.write(
        "f.cast",
        "{\"version\":2,\"width\":80,\"height\":24,\"duration\":1.5}\n[0.1, \"o\", \"one\"]\n",
    );
    world.casemate(&["convert", "f.cast", "g.cast.zst"]).run().success();
    assert_eq!(Cast::read(world.path("g.cast.zst")).header["duration"], 1.5);
}

#[test]
fn time_that_goes_back_is_held() {
    let cast = defect(
        format!("{V2}[0.5, \"o\", \"one\"]\n[0.2, \"o\", \"two\"]\n[0.7, \"o\", \"three\"]\n"),
        3,
        "onetwothree",
    );
    let times: Vec<_> = cast.of("o").iter().map(|event| event.time).collect();
    assert_eq!(times, [500_000, 500_000, 700_000]);
}

#[test]
fn many_defects_are_all_named() {
    let world = World::new();
    let mut text = V2.to_owned();
    for line in 0..20 {
        text.push_str(&format!("[{line}.0, \"o\", \"{line} \"]\nnonsense\n"));
    }
    world.write("in.cast", text);
    let run = world.casemate(&["convert", "in.cast", "-", "-f", "raw"]).run().success();
    for line in 0..20 {
        assert!(run.stderr.contains(&format!("in.cast:{}: ", 3 + 2 * line)), "{}", run.stderr);
    }
    assert_eq!(run.text(), (0..20).map(|line| format!("{line} ")).collect::<String>());
}

#[test]
fn what_is_no_recording_is_an_error() {
    let world = World::new();
    for text in ["", "hello\n", "{\"version\":9}\n", "[1,2,3]\n", "\0\0\0\0", "{\"version\":2"] {
        world.write("in.cast", text);
        world.casemate(&["convert", "--overwrite", "in.cast", "out.cast"]).run().fails("in.cast");
        assert!(!world.path("out.cast").exists(), "{text:?} left a file behind");
    }
}
