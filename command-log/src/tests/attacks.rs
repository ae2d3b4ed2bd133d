//! Whoever is recorded is an adversary: what they do to keep a command out of the log, or to put one in.

use expect_test::expect;

use super::{Step, check, out, typed};

const BASH: &str = "\x1b[?2004halice@web-1:~$ ";
const ENTER: &str = "\r\n\x1b[?2004l\r";

fn at_prompt(rest: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![out(10, BASH)];
    steps.extend(typed("true"));
    steps.extend([out(90, ENTER), out(1, BASH), out(300, "")]);
    steps.extend(rest);
    steps.extend([out(1, BASH), out(900, "")]);
    steps
}

#[test]
fn enter_in_the_middle_or_at_the_beginning_of_the_line() {
    let mut steps = typed("rm -rf /srv");
    steps.extend([out(90, "\r\x1b[15C"), out(90, ENTER)]);
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.381 shell "rm -rf /srv" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn a_faked_alternate_screen() {
    let mut steps = typed("printf '\\e[?1049h'");
    steps.extend([out(90, ENTER), out(1, "\x1b[?1049h"), out(1, BASH)]);
    steps.extend(typed("rm -rf /srv"));
    steps.push(out(90, ENTER));
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.851 shell "printf '\\e[?1049h'" on=web-1 as=alice
            4.123 shell "rm -rf /srv" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn concealed_text() {
    let mut steps = typed("printf '\\e[8m'");
    steps.extend([out(90, ENTER), out(1, "\x1b[8m"), out(1, BASH)]);
    steps.extend(typed("rm -rf /srv"));
    steps.push(out(90, ENTER));
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.531 shell "printf '\\e[8m'" on=web-1 as=alice
            3.803 shell "rm -rf /srv" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn an_emptied_prompt() {
    let mut steps = typed("PS1=");
    steps.extend([out(90, ENTER), out(1, "\x1b[?2004h"), out(900, "")]);
    steps.extend(typed("rm -rf /srv"));
    steps.push(out(90, ENTER));
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            1.731 shell "PS1=" on=web-1 as=alice
            3.902 shell "rm -rf /srv" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn echo_switched_off() {
    let mut steps = typed("stty -echo");
    steps.extend([out(90, ENTER), out(1, BASH), out(900, "")]);
    steps.extend([out(900, ENTER), out(50, "removed '/srv'\r\n")]);
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.211 shell "stty -echo" on=web-1 as=alice
            4.012 hidden Some(NotEchoed) on=web-1 as=alice
        "#]],
    );
}

#[test]
fn marks_in_a_file_that_is_printed() {
    let mut steps = typed("cat evil");
    steps.push(out(90, ENTER));
    steps.push(out(2, "\x1b]133;A\x07$ \x1b]133;B\x07rm -rf /\r\n\x1b]133;C;cmdline=rm\x07\x1b]133;D;0\x07"));
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.051 shell "cat evil" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn output_that_looks_like_prompts() {
    let mut steps = typed("cat evil");
    steps.push(out(90, ENTER));
    steps.push(out(2, "alice@web-1:~$ rm -rf /\r\nroot@web-1:~# reboot\r\n$ halt\r\n"));
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            2.051 shell "cat evil" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn a_suggestion_that_was_not_accepted() {
    let mut steps =
        vec![out(80, "l\x1b[90ms -la /srv\x1b[39m\x1b[10D"), out(80, "s\x1b[90m -la /srv\x1b[39m\x1b[9D")];
    steps.extend([out(90, "\x1b[K"), out(0, ENTER)]);
    check(
        &at_prompt(steps),
        expect![[r#"
            0.72 shell "true" on=web-1 as=alice
            1.271 shell "ls" on=web-1 as=alice
        "#]],
    );
}

#[test]
fn a_mark_that_says_something_else_than_the_screen() {
    let steps = vec![
        out(10, "\x1b]133;A\x07% \x1b]133;B\x07\x1b[?2004h"),
        out(500, "rm -rf /srv"),
        out(80, "\x1b[?2004l\r\r\n\x1b]133;C;cmdline_url=ls\x07"),
        out(5, "\x1b]133;D;0\x07\x1b]133;A\x07% \x1b]133;B\x07\x1b[?2004h"),
    ];
    check(
        &steps,
        expect![[r#"
            0.59 shell "rm -rf /srv" exit=0 mismatch="ls"
        "#]],
    );
}

#[test]
fn an_empty_line_is_not_the_end_of_a_shell_whose_prompt_looks_like_the_one_before() {
    let prompt = "\x1b[?2004hbash-5.2$ ";
    let mut steps = vec![out(10, prompt)];
    steps.extend(typed("sudo -u bob bash"));
    steps.extend([out(90, ENTER), out(100, prompt)]);
    steps.extend([out(900, ENTER), out(1, prompt)]);
    steps.extend(typed("id"));
    steps.extend([out(90, ENTER), out(1, prompt), out(900, "")]);
    check(
        &steps,
        expect![[r#"
            1.68 shell "sudo -u bob bash"
            3.231 shell "id" as=bob
        "#]],
    );
}
