//! Attacks that keep a command out of the log: each of these ran, and has to stand there.

use super::{CommandEvent, Kind, Reason, Step, derive, out, typed};

const BASH: &str = "\x1b[?2004halice@web-1:~$ ";
const ENTER: &str = "\r\n\x1b[?2004l\r";
const PLAIN: &str = "alice@web-1:~$ ";

fn key(after: u64, input: &str) -> Step {
    Step::In(after, input.to_owned())
}

/// A line that is typed, with its keys, up to what ends it.
fn keyed(line: &str, enter: &str) -> Vec<Step> {
    let mut steps = vec![out(300, "")];
    for letter in line.chars() {
        steps.extend([key(80, &letter.to_string()), out(1, &letter.to_string())]);
    }
    steps.push(key(90, enter));
    steps
}

/// A session of a shell whose line editor takes the terminal, that ran one command.
fn in_bash(rest: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![out(10, BASH)];
    steps.extend(typed("true"));
    steps.extend([out(90, ENTER), out(1, BASH)]);
    steps.extend(rest);
    steps
}

/// A session of a shell without one.
fn in_sh(rest: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![out(10, "$ ")];
    steps.extend(typed("true"));
    steps.extend([out(90, "\r\n"), out(1, "$ ")]);
    steps.extend(rest);
    steps
}

fn commands(steps: &[Step]) -> Vec<String> {
    let is_shell = |event: &CommandEvent| event.kind == Kind::Shell;
    derive(steps, false).into_iter().filter(is_shell).filter_map(|event| event.command).collect()
}

#[track_caller]
fn check(steps: &[Step], expected: &[&str]) {
    assert_eq!(commands(steps), expected);
}

#[test]
fn an_editor_that_does_not_take_the_terminal_any_more() {
    let mut steps = typed("bind 'set enable-bracketed-paste off'");
    steps.extend([out(90, ENTER), out(1, PLAIN)]);
    for line in ["rm -rf /srv", "halt"] {
        steps.extend(typed(line));
        steps.extend([out(90, "\r\n"), out(3, PLAIN)]);
    }
    check(&in_bash(steps), &["true", "bind 'set enable-bracketed-paste off'", "rm -rf /srv", "halt"]);
}

#[test]
fn a_prompt_that_gives_the_terminal_back_itself() {
    let mut steps = typed(". x");
    steps.extend([out(90, ENTER), out(1, "\x1b[?2004h\x1b[?2004lalice@web-1:~$ ")]);
    steps.extend(typed("rm -rf /srv"));
    steps.extend([out(90, "\r\n\x1b[?2004l\r"), out(3, "\x1b[?2004h\x1b[?2004lalice@web-1:~$ ")]);
    check(&in_bash(steps), &["true", ". x", "rm -rf /srv"]);
}

#[test]
fn a_job_that_gives_the_terminal_back_at_an_empty_prompt() {
    let mut steps = typed("./job &");
    steps.extend([out(90, ENTER), out(1, BASH), out(500, "\x1b[?2004l")]);
    steps.extend(typed("rm -rf /srv"));
    steps.extend([out(90, ENTER), out(3, BASH)]);
    check(&in_bash(steps), &["true", "./job &", "rm -rf /srv"]);
}

#[test]
fn a_job_that_gives_the_terminal_back_within_a_line() {
    let mut steps = typed("rm -r");
    steps.push(out(30, "\x1b[?2004l"));
    steps.extend(typed("f /srv"));
    steps.extend([out(90, ENTER), out(3, BASH)]);
    check(&in_bash(steps), &["true", "rm -rf /srv"]);
}

#[test]
fn a_shell_without_an_editor_for_which_one_was_switched_on() {
    let mut steps = typed("printf '\\033[?2004h'");
    steps.extend([out(90, "\r\n"), out(1, "\x1b[?2004h"), out(1, "$ ")]);
    for line in ["rm -rf /srv", "halt"] {
        steps.extend(typed(line));
        steps.extend([out(90, "\r\n"), out(3, "$ ")]);
    }
    check(&in_sh(steps), &["true", "printf '\\033[?2004h'", "rm -rf /srv", "halt"]);
}

#[test]
fn a_shell_without_an_editor_whose_prompt_switches_one_on() {
    let mut steps = typed("PS1=x");
    steps.extend([out(90, "\r\n"), out(1, "\x1b[?2004h$ ")]);
    for line in ["rm -rf /srv", "halt", "ls"] {
        steps.extend(typed(line));
        steps.extend([out(90, "\r\n"), out(3, "\x1b[?2004h$ ")]);
    }
    check(&in_sh(steps), &["true", "PS1=x", "rm -rf /srv", "halt", "ls"]);
}

#[test]
fn a_command_that_goes_back_to_its_line_and_rubs_it_out() {
    let mut steps = typed("./evil");
    steps.extend([out(90, ENTER), out(1, "\x1b[A\x1b[?2004h\x1b[2K\n"), out(50, ""), out(1, BASH)]);
    steps.extend(typed("ls"));
    steps.extend([out(90, ENTER), out(3, BASH)]);
    check(&in_bash(steps), &["true", "./evil", "ls"]);
}

#[test]
fn a_command_of_zsh_that_goes_back_to_its_line_and_rubs_it_out() {
    let zsh = "\x1b[?1h\x1b=\x1b[?2004hweb% ";
    let mut steps = vec![out(10, zsh)];
    steps.extend(typed("./evil"));
    steps.extend([
        out(90, "\x1b[?1l\x1b>\x1b[?2004l\r\r\n"),
        out(9, "\x1b[A\x1b[?2004h\x1b[2K\n"),
        out(50, ""),
    ]);
    steps.push(out(1, zsh));
    steps.extend(typed("ls"));
    steps.extend([out(90, "\x1b[?1l\x1b>\x1b[?2004l\r\r\n"), out(3, zsh)]);
    check(&steps, &["./evil", "ls"]);
}

#[test]
fn a_command_that_poses_as_a_list_of_completions() {
    let mut steps = typed("./evil");
    steps.extend([out(90, "\r\n"), out(3, "x\r\n$ ./evil"), out(300, "\r\x1b[K"), out(3, "$ ")]);
    steps.extend(typed("ls"));
    steps.extend([out(90, "\r\n"), out(3, "$ ")]);
    check(&in_sh(steps), &["true", "./evil", "ls"]);
}

#[test]
fn what_begins_a_paste_typed_by_hand() {
    for prefix in ["\x1b[200~", "\x1bO", "\x1b[", "\x1b[1;"] {
        let mut steps = vec![key(300, prefix), out(1, "^["), out(80, "\x08\x08\x1b[K")];
        for line in ["rm -rf /srv", "halt"] {
            let mut line = keyed(line, "");
            line.pop();
            steps.extend(line);
            steps.extend([key(90, "\r"), out(1, "\r\n"), out(3, "$ ")]);
        }
        check(&in_sh(steps), &["true", "rm -rf /srv", "halt"]);
    }
}

#[test]
fn an_enter_within_an_escape_sequence() {
    for last in ["\x1bO\r", "\x1b[\r", "\x1b\r"] {
        let mut steps = keyed("rm -rf /srv #", last);
        steps.extend([out(1, "\r\n"), out(3, "$ ")]);
        check(&in_sh(steps), &["true", "rm -rf /srv #"]);
    }
}

#[test]
fn another_key_that_accepts_a_line() {
    let mut steps = keyed("rm -rf /srv", "\x14");
    steps.extend([out(1, "\r\n"), out(3, "$ "), key(500, "\x14"), out(1, "halt\r\n"), out(3, "$ ")]);
    check(&in_sh(steps), &["true", "rm -rf /srv", "halt"]);
}

#[test]
fn output_of_a_job_that_comes_into_a_line_without_an_editor() {
    let mut steps = keyed("rm -rf /srv", "");
    steps.pop();
    steps.extend([out(500, "hi\r\nhi\r\n"), key(500, "\r"), out(1, "\r\n"), out(3, "$ ")]);
    check(&in_sh(steps), &["true", "rm -rf /srv"]);
}

#[test]
fn output_of_a_job_that_comes_before_a_line_without_an_editor() {
    let mut steps = keyed("./job &", "\r");
    steps.extend([out(1, "\r\n"), out(3, "$ "), out(500, "hi\r\n")]);
    steps.extend(keyed("rm -rf /srv", "\r"));
    steps.extend([out(1, "\r\n"), out(3, "$ ")]);
    check(&in_sh(steps), &["true", "./job &", "rm -rf /srv"]);
}

#[test]
fn more_enters_than_are_counted() {
    let mut steps = keyed("cat", "\r");
    steps.push(out(1, "\r\n"));
    steps.extend((0..300).flat_map(|_| [key(10, "\r"), out(1, "\r\n\r\n")]));
    steps.extend([key(90, "\x03"), out(1, "^C\r\n$ ")]);
    steps.extend(keyed("halt", "\r"));
    steps.extend([out(1, "\r\n"), out(3, "$ ")]);
    check(&in_sh(steps), &["true", "cat", "halt"]);
}

#[test]
fn a_line_typed_ahead_behind_a_prompt_that_nobody_knows() {
    let mut steps = typed("PS1= ; sleep 2");
    steps.extend([out(90, ENTER), out(1000, "rm -rf /srv\r\n")]);
    steps.extend([out(900, "\x1b[?2004hrm -rf /srv\r\n\x1b[?2004l\r"), out(3, "\x1b[?2004h")]);
    steps.extend(typed("ls"));
    steps.extend([out(90, ENTER), out(3, "\x1b[?2004h")]);
    let found = commands(&in_bash(steps));
    assert!(found.iter().any(|command| command == "rm -rf /srv"), "{found:?}");
}

#[test]
fn another_prompt_on_a_faked_alternate_screen() {
    let mut steps = typed("./evil");
    steps.extend([out(90, ENTER), out(1, "\x1b[?1049h"), out(1, "\x1b[?2004hx$ ")]);
    for line in ["rm -rf /srv", "halt"] {
        steps.extend(typed(line));
        steps.extend([out(90, ENTER), out(3, "\x1b[?2004hx$ ")]);
    }
    check(&in_bash(steps), &["true", "./evil", "rm -rf /srv", "halt"]);
    let mut steps = typed("./evil");
    steps.extend([out(90, "\r\n"), out(1, "\x1b[?1049h"), out(1, "x$ "), out(500, "")]);
    for line in ["rm -rf /srv", "halt"] {
        steps.extend(typed(line));
        steps.extend([out(90, "\r\n"), out(3, "x$ "), out(500, "")]);
    }
    // It could be a program of that name.
    let events = derive(&in_sh(steps), false);
    let commands: Vec<_> = events.iter().filter_map(|event| event.command.as_deref()).collect();
    assert_eq!(commands, ["true", "./evil", "rm -rf /srv", "halt"]);
}

#[test]
fn a_name_that_is_asked_for_as_a_prompt() {
    let mut steps = typed("PS1='Name: '");
    steps.extend([out(90, "\r\n"), out(1, "Name: "), out(900, "rm -rf /srv\r\n"), out(3, "Name: ")]);
    steps.push(out(900, ""));
    check(&in_sh(steps), &["true", "PS1='Name: '", "rm -rf /srv"]);
}

#[test]
fn a_line_that_is_longer_than_what_is_kept() {
    let long = "x".repeat(60 * 600);
    let steps = vec![out(300, "rm -rf /srv #"), out(80, &long), out(90, ENTER), out(3, BASH), out(300, "")];
    let events = derive(&in_bash(steps), false);
    let found: Vec<_> = events.iter().map(|event| (event.command.as_deref(), event.reason)).collect();
    assert_eq!(found, [(Some("true"), None), (None, Some(Reason::TooLong))]);
}

#[test]
fn the_last_line_of_a_shell_for_which_an_editor_was_switched_on() {
    let mut steps = typed("printf '\\033[?2004h'");
    steps.extend([out(90, "\r\n"), out(1, "\x1b[?2004h"), out(1, "$ ")]);
    steps.extend(typed("exec rm -rf /srv"));
    steps.push(out(90, "\r\n"));
    check(&in_sh(steps), &["true", "printf '\\033[?2004h'", "exec rm -rf /srv"]);
}
