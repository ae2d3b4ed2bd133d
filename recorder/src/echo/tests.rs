//! What is recorded of what is typed, by examples and by what must hold for any.

use super::{Echo, InputGuard, Typed};
use casemate_cast_format::Micros;
use proptest::prelude::*;

/// `<text` is typed, `>text` comes back, `.` is two seconds of silence.
#[track_caller]
fn check(echo: Echo, script: &[&str], expected: &str) {
    let mut guard = InputGuard::default();
    let mut shown = String::new();
    let mut now = Micros(0);
    let mut emit = |typed| match typed {
        Typed::Shown(_, bytes) => shown += &String::from_utf8_lossy(&bytes),
        Typed::Hidden(_) => shown += "<hidden>",
    };
    for step in script {
        now = now.plus(Micros(1_000));
        match step.split_at(1) {
            ("<", text) => guard.input(now, text.as_bytes(), echo, &mut emit),
            (">", text) => guard.output(text.as_bytes(), &mut emit),
            _ => {
                now = now.plus(Micros(2_000_000));
                guard.expire(now, &mut emit);
            }
        }
    }
    guard.finish(&mut emit);
    assert_eq!(shown.escape_debug().to_string(), expected.escape_debug().to_string(), "{script:?}");
}

#[test]
fn what_the_terminal_shows_is_kept() {
    check(Echo::On, &["<ls", "<\r"], "ls\r");
    check(Echo::On, &["<ls\r"], "ls\r");
}

#[test]
fn what_the_terminal_hides_is_hidden() {
    check(Echo::Off, &["<hunter2\r"], "<hidden>\r");
    check(Echo::Off, &["<h", "<unter", "<\x7f2\r", "<x\x03"], "<hidden>\r<hidden>\x03");
    check(Echo::Off, &["<\r"], "\r");
}

#[test]
fn a_line_editor_shows_what_is_typed() {
    check(Echo::Program, &["<l", ">l", "<s", ">\x08ls", "<\r", ">\r\n"], "ls\r");
    check(Echo::Program, &["<ls -l\r", ">ls -l\r\n"], "ls -l\r");
    check(Echo::Program, &["<l", ">\x1b[31ml\x1b[39m", "<é", ">é", "<\t", ">a\x07", "<\x1b[A"], "lé\t\x1b[A");
    check(Echo::Program, &["<l", ">l", "<x", ">x", "<\x7f", ">\x08 \x08", "<s", ">s", "<\r"], "lx\x7fs\r");
}

#[test]
fn a_slow_connection_shows_it_later() {
    check(Echo::Program, &["<ls", "<\r", ">l", ">s\r\nfile\r\n"], "ls\r");
    check(Echo::Program, &["<ls", ".", "<\r", ">ls\r\n"], "ls\r");
}

#[test]
fn a_program_that_shows_nothing_hides_it() {
    check(Echo::Program, &["<hunter2", "<\r", ">\r\nLast login: hu nt er 2\r\n"], "<hidden>\r");
    check(Echo::Program, &["<h", "<u", "<nter2\r", ".", ">\r\nhunter2 h u n t e r 2"], "<hidden>\r");
    check(Echo::Program, &["<h", ">*", "<unter2", ">******", "<\r", ">\r\n"], "<hidden>\r");
    check(Echo::Program, &["<hunter2", "<\x03", ">^C\r\n"], "<hidden>\x03");
    check(Echo::Program, &["<hunter2"], "<hidden>");
    check(Echo::Program, &["<hun", "<\x7f\x7f", "<nter2\r", ">\r\n", "<ls", ">ls"], "<hidden>\rls");
}

#[test]
fn lines_typed_ahead_are_shown_one_after_the_other() {
    let shown = [
        "<echo one\recho two\recho 3\r",
        ">echo one\r\n",
        ">one\r\n$ ",
        ">echo two\r\ntwo\r\n$ echo 3",
        ">\r\n3\r\n",
    ];
    check(Echo::Program, &shown, "echo one\recho two\recho 3\r");
    check(Echo::Program, &["<ls\rhunter2\r", ">ls\r\nPassword: ", ">\r\nwrong\r\n$ "], "ls\r<hidden>\r");
    check(Echo::Program, &["<hunter2\rls -l\r", ">\r\n$ ", ">ls -l\r\n"], "<hidden>\rls -l\r");
}

#[test]
fn text_of_others_is_no_echo() {
    check(Echo::Program, &["<hunter2", ">still hunting for the agent ", "<\r", ">\r\n"], "<hidden>\r");
    check(Echo::Program, &["<h", ">still hunting", "<unter2\r", ">\r\n"], "<hidden>\r");
}

#[test]
fn a_clock_in_the_corner_is_no_echo() {
    let clock = ">\x1b7\x1b[1;70Hdone 12:34\x1b8";
    check(
        Echo::Program,
        &["<d", clock, "<o", clock, "<n", ">\rd o n e", "<e", clock, "<\r", ">\r\n"],
        "<hidden>\r",
    );
}

#[test]
fn what_others_draw_behind_a_carriage_return_is_no_echo() {
    let asked = ">Password: ";
    for drawn in [">\rhunter2 ok", ">\r[h] 50 %", ">\x08h", ">\rhunting ", ">\r\x1b[Kh", ">h\r", ">hunting"] {
        check(Echo::Program, &[asked, "<h", drawn, "<unter2", "<\r", ">\r\n"], "<hidden>\r");
    }
    // A spinner beside the prompt, with and without room of its own.
    check(Echo::Program, &[asked, "<-", ">-\x08", "<x", ">\x08|", "<\r", ">\r\n"], "<hidden>\r");
}

#[test]
fn fish_goes_back_to_the_beginning_of_its_line() {
    let prompt = ">\x1b[92mroot\x1b(B\x1b[m# \x1b[K\r\x1b[6C";
    let echoes =
        [prompt, "<e", ">e\r\x1b[7C", ">\x08\x1b[91me\r\x1b[7C", "<c", ">\x1b[91mc\x1b[90mho \r\x1b[8C"];
    check(Echo::Program, &[&echoes[..], &["<\r", ">\r\n"]].concat(), "ec\r");
    // In two pieces, and drawn as a whole.
    check(Echo::Program, &[prompt, "<e", ">e\r", ">\x1b[7C", "<\r", ">\r\n"], "e\r");
    check(Echo::Program, &[prompt, "<ls", ">\rroot# ls\r\x1b[8C", "<\r", ">\r\n"], "ls\r");
    // Its mask for `read -s`.
    check(Echo::Program, &[prompt, "<h", ">●\r\x1b[7C", "<u", ">●\r\x1b[8C", "<\r", ">\r\n"], "<hidden>\r");
}

#[test]
fn a_short_line_typed_ahead_holds_nothing_back() {
    let pasted = "<sleep 1\rls\recho hi\r";
    check(
        Echo::Program,
        &[">$ ", pasted, ">sleep 1\r\n", ">$ ls\r\na  b\r\n$ ", ">echo hi\r\nhi\r\n$ "],
        "sleep 1\rls\recho hi\r",
    );
    // Behind a prompt that looks like a word it is not recognized, but the next line is.
    let mut guard = InputGuard::default();
    let mut typed = Vec::new();
    guard.input(Micros(1), b"one\rls\recho hi\r", Echo::Program, |decided| typed.push(decided));
    guard.output(b"one\r\n", |decided| typed.push(decided));
    guard.output(b"ok ls\r\nok>ls\r\nokecho hi\r\n", |decided| typed.push(decided));
    assert_eq!(guard.deadline(), None, "{typed:?}");
    assert!(typed.ends_with(&[Typed::Shown(Micros(1), b"\r".to_vec())]), "{typed:?}");
}

#[test]
fn a_secret_typed_ahead_stays_hidden() {
    check(
        Echo::Program,
        &[">$ ", "<su\rhunter2\rid\r", ">su\r\nPassword: ", ">\r\n# id\r\nroot\r\n# "],
        "su\r<hidden>\r<hidden>\r",
    );
    check(Echo::Program, &[">$ ", "<su\rab\r", ">su\r\nPassword: ", ">\r\nno cab\r\n$ "], "su\r<hidden>\r");
}

#[test]
fn a_line_is_completed_searched_and_wrapped() {
    check(Echo::Program, &[">$ ", "<ca\t", ">cat ", "<ga\t", ">gamma ", "<\r", ">\r\n"], "ca\tga\t\r");
    let search = [">(search)`': ", "<l", ">\x08\x08\x08l': ls\x08\x08", "<s", ">\x08\x08\x08s': ls\x08\x08"];
    check(Echo::Program, &[&search[..], &["<\r", ">\r\n"]].concat(), "ls\r");
    let long = format!(">{}", "x".repeat(79));
    check(Echo::Program, &[&long, "<a", ">a \r", "<b", ">b", "<\r", ">\r\n"], "ab\r");
    check(Echo::Program, &[">$ ", "<lx\x7fs\r", ">lx\x08 \x08s\r\n"], "lx\x7fs\r");
    check(Echo::Program, &[">$ ", "<e\u{301}e", ">e\u{301}e", "<\r", ">\r\n"], "e\u{301}e\r");
}

#[test]
fn a_line_is_drawn_anew_around_what_is_typed() {
    // In mid-line, behind a suggestion, and by an editor that shows its mode first.
    check(Echo::Program, &["<x", ">x rest\x08\x08\x08\x08\x08", "<\r"], "x\r");
    check(
        Echo::Program,
        &["<l", ">l\x1b[90ms -la\x1b[m\x1b[5D", "<s", ">s\x1b[90m -la\x1b[m\x1b[4D", "<\r"],
        "ls\r",
    );
    check(Echo::Program, &["<i", ">\x1b[24;1H-- INSERT --", "<h", ">h", "<e", ">e", "<\x1b"], "ihe\x1b");
}

#[test]
fn lines_of_others_are_no_echo() {
    check(Echo::Program, &["<h", ">[1] Done hunter2\r\n", "<unter2\r", ">\r\n"], "<hidden>\r");
}

proptest! {
    #[test]
    fn any_typing_and_any_output_keep_the_rules(script in proptest::collection::vec(prop_oneof![
        Just(0xFE), Just(b'<'), Just(b'>'), Just(b'.'), Just(b'-'), Just(b'+'), Just(0x1B), Just(b'['), Just(b';'),
        Just(b'\r'), Just(b'\n'), Just(0x08), Just(0x7F), Just(0x15), b'0'..=b'9', b'A'..=b'H', b'a'..=b'd', any::<u8>(),
    ], 0..120)) {
        crate::fuzz::fuzz_input_guard(&script);
    }

    #[test]
    fn nothing_is_lost_that_is_echoed(text in "[a-z ]{1,12}", cut in 0..12_usize) {
        let cut = cut.min(text.len());
        let steps = [format!("<{}", &text[..cut]), format!("<{}", &text[cut..]), format!(">{text}"), "<\r".into(), ">\r\n".into()];
        let steps: Vec<_> = steps.iter().map(String::as_str).collect();
        check(Echo::Program, &steps, &format!("{text}\r"));
    }

    #[test]
    fn a_secret_never_comes_out(secret in "[a-zA-Z0-9]{6,16}", cut in 0..16_usize, noise in "[ .:*\r\n]{0,9}") {
        let cut = cut.min(secret.len());
        let steps = [format!("<{}", &secret[..cut]), format!(">{noise}"), format!("<{}\r", &secret[cut..]), format!(">\r\n{secret}")];
        let steps: Vec<_> = steps.iter().map(String::as_str).collect();
        check(Echo::Program, &steps, "<hidden>\r");
    }
}
