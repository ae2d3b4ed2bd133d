//! bash, zsh, fish, dash and tmux under the recorder: prompt, command, job control, exit status.

use casemate_tests::{Cast, LONG, PROMPT, World, need, process};

/// How one shell is started and what it says.
struct Shell {
    /// Program and arguments.
    start: &'static [&'static str],
    /// Prints `sum-42`.
    sum: &'static str,
    /// What it says when a job is stopped.
    stopped: &'static str,
}

const BASH: Shell =
    Shell { start: &["bash", "--noprofile", "-i"], sum: "echo sum-$((40+2))", stopped: "Stopped" };
const ZSH: Shell = Shell { start: &["zsh", "-i"], sum: "echo sum-$((40+2))", stopped: "suspended" };
const FISH: Shell = Shell { start: &["fish", "-i"], sum: "echo sum-(math 40+2)", stopped: "stopped" };
const DASH: Shell = Shell { start: &["dash", "-i"], sum: "echo sum-$((40+2))", stopped: "Stopped" };

fn check(shell: &Shell) {
    let world = World::new();
    let mut args = vec!["s.cast", "-q", "--return", "--"];
    args.extend(shell.start);
    let mut session = world.rec(&args).on_terminal();
    session.wait_screen(PROMPT.trim_end());
    session.wait_raw();
    session.send(format!("{}\r", shell.sum));
    session.wait_screen("\nsum-42");

    session.send("sleep 3001\r");
    let sleeper = process::wait_foreground(session.pid(), "sleep 3001");
    session.send("\x1a");
    session.wait_screen(shell.stopped);
    assert!(process::alive(sleeper), "Ctrl-Z must stop, not end");
    session.send("fg\r");
    process::wait_foreground(session.pid(), "sleep 3001");
    session.send("\x03");
    process::wait_gone(&[sleeper], LONG);
    // Until then the line is the terminal's, which shows what is typed at once.
    session.wait_prompt();
    session.send("echo still-here\r");
    session.wait_screen("\nstill-here");

    session.send("exit 3\r");
    assert_eq!(session.wait_exit(LONG), 3, "{}", session.dump());
    let cast = Cast::read(world.path("s.cast"));
    cast.assert_end(Some("3"), "exit");
    assert_eq!(cast.exact_output(), session.output(), "what was recorded is what was shown");
    let places: Vec<_> = ["sum-42", "sleep 3001", shell.stopped, "still-here"]
        .iter()
        .map(|text| cast.output().find(text).unwrap_or_else(|| panic!("{text} is not recorded")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn bash() {
    need!("bash");
    check(&BASH);
}

#[test]
fn zsh() {
    need!("zsh");
    check(&ZSH);
}

#[test]
fn fish() {
    need!("fish");
    check(&FISH);
}

#[test]
fn dash() {
    need!("dash");
    check(&DASH);
}

#[test]
fn the_recorder_in_a_shell_of_its_own() {
    // Ctrl-Z inside stops the inner job, never the recorder, whose own shell would then wait forever.
    need!("bash");
    let world = World::new();
    let outer = format!("{} rec -q s.cast -- bash --noprofile -i\r", casemate_tests::casemate().display());
    let mut session = world.program("bash").args(&["--noprofile", "-i"]).on_terminal();
    session.wait_for(PROMPT);
    session.send(&outer);
    session.wait_for(PROMPT);
    session.send("sleep 3002\r");
    let sleeper = process::wait_foreground(session.pid(), "sleep 3002");
    session.send("\x1a");
    session.wait_for("Stopped");
    session.wait_for(PROMPT);
    session.send("kill -9 %1; wait %1\r"); // KILL reaches a stopped job at once
    process::wait_gone(&[sleeper], LONG);
    session.wait_prompt();
    session.send("exit\r");
    session.wait_for("exit\r\n");
    session.wait_for(PROMPT);
    session.send("echo outer-$?\r");
    session.wait_for("outer-0");
    session.send("exit\r");
    session.wait_success();
    assert!(Cast::read(world.path("s.cast")).output().contains("Stopped"));
}

#[test]
fn tmux() {
    need!("tmux");
    let world = World::new();
    let args = ["s.cast", "-q", "--", "tmux", "-u", "-f", "/dev/null", "new-session", "sh"];
    let mut session = world.rec(&args).on_terminal();
    session.wait_screen("[0]");
    session.wait_screen(PROMPT.trim_end());
    session.send("echo in-$((40+2))-tmux\r");
    session.wait_screen("\nin-42-tmux");
    session.resize(90, 20);
    // One row is the status line. When tmux passes the size on is its own affair.
    session.send("until stty size | grep -x '[1]9 90'; do sleep 0.1; done\r");
    session.wait_for("19 90");
    session.send("exit\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.exact_output(), session.output());
    assert!(cast.output().contains("in-42-tmux"));
    assert_eq!(cast.data("r"), ["90x20"]);
}
