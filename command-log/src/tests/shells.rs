//! Sessions as shells write them.

use expect_test::expect;

use super::{Step, check, out, typed};

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
        1.09 shell "uptime" on=web-1 as=alice
        2.541 shell "echo 'a b'" on=web-1 as=alice
        3.272 shell "echo x" on=web-1 as=alice
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
        2.44 shell "for i in 1 2; do\necho $i\ndone" on=web-1 as=alice
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
        0.26 shell "ls"
        0.755 shell "cat a"
        1.17 shell "exit"
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
        0.98 cancelled "rm -rf /srv" on=web-1 as=alice
        1.791 shell "echo '^C'" on=web-1 as=alice
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
        2.29 shell "read -p 'Name: ' name" on=web-1 as=alice
        3.321 shell "python3" on=web-1 as=alice
        4.681 shell "ls" on=web-1 as=alice
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
        1.09 shell "id -un" on=web-1 as=alice
        1.791 shell "sudo -i" on=web-1 as=alice
        2.661 shell "whoami" on=web-1 as=root
        3.076 shell "exit" on=web-1 as=root
        4.132 shell "ssh bob@db-1" on=web-1 as=alice
        4.782 shell "ls" on=db-1 as=bob
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
        1.365 shell "echo one two" on=web-1 as=alice
    "#]],
    );
}
