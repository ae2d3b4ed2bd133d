//! `-I`: what was typed is recorded; what was not echoed is not, and a `hidden` event says so.
//!
//! Secrets are made of letters that nothing else in a session's input uses, so that not even one of them
//! may turn up in an `i` event.

use std::time::{Duration, Instant};

use casemate_tests::{Cast, LONG, PROMPT, Session, Sshd, World, need, skip, tools, wait_until};

const SECRET: &str = "QZXJKVW";

/// No letter of the secret in the input, the secret nowhere in the text; input was hidden `times` times.
#[track_caller]
fn assert_secret(cast: &Cast, times: usize) {
    assert!(!cast.text.contains(SECRET), "the secret is in the recording");
    let input = cast.input();
    assert!(!input.contains(|letter| SECRET.contains(letter)), "letters of the secret: {input:?}");
    let hidden = cast.data("hidden");
    assert_eq!(hidden, vec![""; times], "`hidden` events");
}

/// Starts `args` under `rec -I`.
fn record(world: &World, args: &[&str]) -> Session {
    let mut all = vec!["s.cast", "-I", "-q", "--"];
    all.extend(args);
    world.rec(&all).on_terminal()
}

/// Types the secret at a quick person's pace: nothing comes back that could be waited for.
fn type_secret(session: &Session) {
    for key in SECRET.chars() {
        session.send(key.to_string());
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A program of its own asks for a password, and prints its length.
fn asked_by(world: &World, args: &[&str], slowly: bool) {
    let mut session = record(world, args);
    session.wait_for("assword:");
    session.wait_no_echo();
    if slowly {
        type_secret(&session);
    } else {
        session.send(SECRET);
    }
    session.send("\r");
    session.wait_for("got 7");
    session.wait_for("more?");
    session.send("plain\r");
    session.wait_for("then plain");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_secret(&cast, 1);
    assert!(cast.input().ends_with("plain\r"), "{:?}", cast.input());
    assert_eq!(cast.input().matches('\r').count(), 2, "an Enter is lost or doubled: {:?}", cast.input());
}

/// Asks once more, with echo, so that a recorder which hides everything fails too.
const MORE: &str = "printf 'more? '; read y; echo then $y";

#[test]
fn bash_read_s() {
    need!("bash");
    let script = format!("read -s -p 'Password: ' x; echo; echo got ${{#x}}; {MORE}");
    for slowly in [false, true] {
        asked_by(&World::new(), &["bash", "-c", &script], slowly);
    }
}

#[test]
fn stty_without_echo() {
    let script =
        format!("stty -echo; printf 'Password: '; read x; stty echo; echo; echo got ${{#x}}; {MORE}");
    for slowly in [false, true] {
        asked_by(&World::new(), &["sh", "-c", &script], slowly);
    }
}

#[test]
fn zsh_read_s() {
    need!("zsh");
    let script = format!("read -s 'x?Password: '; echo; echo got ${{#x}}; {MORE}");
    asked_by(&World::new(), &["zsh", "-f", "-c", &script], true);
}

#[test]
fn python_getpass() {
    let Some(python) = tools::python() else { skip!("needs python3") };
    let program = "import getpass\nx = getpass.getpass('Password: ')\nprint('got', len(x))\n\
                   y = input('more? ')\nprint('then', y)";
    asked_by(&World::new(), &[&python.display().to_string(), "-c", program], true);
}

/// A reader in raw mode that prints a star for each key, as sudo with `pwfeedback` does.
const STARS: &str = "\
import os, sys, termios, tty
old = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b'Password: ')
count = 0
while os.read(0, 1) != b'\\r':
    count += 1
    os.write(1, b'*')
termios.tcsetattr(0, termios.TCSADRAIN, old)
print('\\ngot', count)
print('then', input('more? '))
";

#[test]
fn a_password_that_shows_as_stars() {
    let Some(python) = tools::python() else { skip!("needs python3") };
    for slowly in [false, true] {
        asked_by(&World::new(), &[&python.display().to_string(), "-c", STARS], slowly);
    }
}

/// An interactive shell in raw mode with ECHO off, between ordinary commands.
fn asked_in_a_shell(start: &[&str], read: &str, count: &str) {
    let world = World::new();
    let mut session = record(&world, start);
    session.wait_screen(PROMPT.trim_end());
    session.type_slowly("echo apple");
    session.send("\r");
    session.wait_screen("\napple");
    session.wait_prompt();
    session.type_slowly(read);
    session.send("\r");
    session.wait_screen("\nPassword:");
    session.wait_no_echo();
    type_secret(&session);
    session.send("\r");
    session.wait_prompt();
    session.type_slowly(count);
    session.send("\r");
    session.wait_screen("\ngot-7");
    session.wait_prompt();
    session.type_slowly("echo pear");
    session.send("\r");
    session.wait_screen("\npear");
    session.wait_prompt();
    session.type_slowly("exit");
    session.send("\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_secret(&cast, 1);
    let input = cast.input();
    assert!(input.contains("echo apple\r"), "{input:?}");
    assert!(input.contains("echo pear\r"), "{input:?}");
    assert_eq!(input.matches('\r').count(), 6, "an Enter is lost or doubled: {input:?}");
}

#[test]
fn read_s_in_interactive_bash() {
    need!("bash");
    asked_in_a_shell(&["bash", "--noprofile", "-i"], "read -s -p Password: x", "echo got-${#x}");
}

#[test]
fn read_s_in_interactive_zsh() {
    need!("zsh");
    asked_in_a_shell(&["zsh", "-i"], "read -s 'x?Password:'", "echo got-${#x}");
}

#[test]
fn read_s_in_interactive_fish() {
    need!("fish");
    // fish shows a mask of its own, one character per key
    asked_in_a_shell(&["fish", "-i"], "read -s -P Password: x", "echo got-(string length $x)");
}

/// What is typed at an echoing prompt is recorded, in order.
fn typed_in(start: &[&str]) {
    let world = World::new();
    let mut session = record(&world, start);
    session.wait_screen(PROMPT.trim_end());
    for word in ["one-apple", "two-pears", "three-plums"] {
        session.wait_prompt();
        session.type_slowly(&format!("echo {word}"));
        session.send("\r");
        session.wait_screen(&format!("\n{word}"));
    }
    session.wait_prompt();
    session.enter();
    session.wait_prompt();
    session.send("\x04");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.input(), "echo one-apple\recho two-pears\recho three-plums\r\r\x04");
    assert_eq!(cast.data("hidden"), [""; 0], "nothing was hidden");
    // Each Enter stands before what it caused.
    let mut input = String::new();
    for event in &cast.events {
        if event.code == "i" {
            input.push_str(&event.data);
        }
        for word in ["one-apple", "two-pears", "three-plums"] {
            let shown = event.code == "o" && event.data.contains(&format!("{word}\r\n"));
            assert!(
                !shown || input.contains(&format!("{word}\r")),
                "the result of {word} stands before its Enter"
            );
        }
    }
}

#[test]
fn whole_lines_in_one_piece() {
    need!("bash");
    let world = World::new();
    let mut session = record(&world, &["bash", "--noprofile", "-i"]);
    session.wait_prompt();
    session.send("echo one-apple\r");
    session.wait_screen("\none-apple");
    session.wait_prompt();
    session.send("echo two-$((1+1))\recho three-$((1+2))\r\r\recho four-$((2+2))\r");
    session.wait_screen("\nfour-4");
    session.wait_prompt();
    session.send("exit\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    let lines = "echo one-apple\recho two-$((1+1))\recho three-$((1+2))\r\r\recho four-$((2+2))\rexit\r";
    assert_eq!(cast.input(), lines);
    assert_eq!(cast.data("hidden"), [""; 0], "nothing was hidden");
}

#[test]
fn typing_in_bash() {
    need!("bash");
    typed_in(&["bash", "--noprofile", "-i"]);
}

#[test]
fn typing_in_zsh() {
    need!("zsh");
    typed_in(&["zsh", "-i"]);
}

#[test]
fn typing_in_fish() {
    need!("fish");
    typed_in(&["fish", "-i"]);
}

#[test]
fn typing_in_a_canonical_terminal() {
    let world = World::new();
    let mut session = record(&world, &["cat"]);
    session.wait_raw();
    session.send("wrong\x7f\x7f\x7f\x7f\x7fright\r");
    session.wait_for("\nright\r\n");
    session.send("\x04");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.input(), "wrong\x7f\x7f\x7f\x7f\x7fright\r\x04");
}

#[test]
fn letters_of_other_languages_and_pastes() {
    need!("bash");
    let world = World::new();
    let mut session = record(&world, &["bash", "--noprofile", "-i"]);
    session.wait_for(PROMPT);
    session.send("\x1b[200~echo grüße-漢字-🎉\x1b[201~");
    session.wait_screen("grüße-漢字-🎉");
    session.send("\r");
    session.wait_screen("\ngrüße-漢字-🎉");
    session.wait_prompt();
    session.type_slowly("exit");
    session.send("\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.input(), "\x1b[200~echo grüße-漢字-🎉\x1b[201~\rexit\r");
}

#[test]
fn over_ssh() {
    need!("bash");
    let world = World::new();
    let server = match Sshd::start(&world) {
        Ok(server) => server,
        Err(missing) => skip!("needs {missing}"),
    };
    let mut args = vec!["ssh".to_owned(), "-tt".to_owned()];
    args.extend(server.client.iter().cloned());
    args.push("127.0.0.1".to_owned());
    args.push(format!("PS1='{PROMPT}' bash --noprofile --norc -i"));
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut session = record(&world, &args);
    session.wait_for(PROMPT);
    session.type_slowly("echo far-$((40+2))");
    session.send("\r");
    session.wait_screen("\nfar-42");
    session.wait_prompt();
    session.type_slowly("stty -echo; printf Pass; printf 'word:'; read x; stty echo; echo got-${#x}");
    session.send("\r");
    session.wait_for("Password:");
    session.send(SECRET);
    session.send("\r");
    session.wait_screen("got-7");
    session.wait_prompt();
    session.type_slowly("exit");
    session.send("\r");
    assert_eq!(session.wait_exit(LONG), 0, "{}", session.dump());
    let cast = Cast::read(world.path("s.cast"));
    assert_secret(&cast, 1);
    let input = cast.input();
    assert!(input.starts_with("echo far-$((40+2))\r") && input.ends_with("exit\r"), "{input:?}");
    assert_eq!(input.matches('\r').count(), 4, "{input:?}");
}

/// A reader in raw mode below a status line that is drawn behind a carriage return, with every letter of the
/// secret in it, and a spinner that is drawn where the cursor is.
const STATUS_LINE: &str = "\
import os, sys, termios, tty
old = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b'Password: ')
count = 0
while os.read(0, 1) != b'\\r':
    count += 1
    os.write(1, b'\\rQ Z X J K V W %d %%\\x1b[K' % count)
    os.write(1, b'WVKJXZQ'[::-1][count % 7:][:1] + b' waits\\x08\\x08\\x08\\x08\\x08\\x08\\x08')
termios.tcsetattr(0, termios.TCSADRAIN, old)
print('\\ngot', count)
print('then', input('more? '))
";

#[test]
fn a_status_line_shows_nothing_of_a_password() {
    let Some(python) = tools::python() else { skip!("needs python3") };
    for slowly in [false, true] {
        asked_by(&World::new(), &[&python.display().to_string(), "-c", STATUS_LINE], slowly);
    }
}

#[test]
fn what_is_searched_for_in_the_history() {
    need!("bash");
    let world = World::new();
    let mut session = record(&world, &["bash", "--noprofile", "-i"]);
    session.wait_prompt();
    session.type_slowly("echo one-apple");
    session.send("\r");
    session.wait_screen("\none-apple");
    session.wait_prompt();
    session.send("\x12");
    session.wait_screen("reverse-i-search");
    session.type_slowly("app");
    session.wait_screen("`app'");
    session.send("\r");
    session.wait_prompt();
    session.type_slowly("exit");
    session.send("\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.input(), "echo one-apple\r\x12app\rexit\r");
    assert_eq!(cast.data("hidden"), [""; 0], "nothing was hidden");
}

#[test]
fn short_lines_in_one_piece_hold_nothing_back() {
    need!("bash");
    let world = World::new();
    let mut session = record(&world, &["bash", "--noprofile", "-i"]);
    session.wait_prompt();
    session.send("echo one-$((0+1))\r:\rid\recho four-$((2+2))\r");
    session.wait_screen("\nfour-4");
    let shown = Instant::now();
    wait_until("the last line in the recording", LONG, || {
        let cast = Cast::read_open(world.path("s.cast"))?;
        cast.input().ends_with("echo four-$((2+2))\r").then_some(())
    });
    assert!(shown.elapsed() < Duration::from_secs(5), "held back for {:?}", shown.elapsed());
    session.wait_prompt();
    session.send("exit\r");
    session.wait_success();
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.input(), "echo one-$((0+1))\r:\rid\recho four-$((2+2))\rexit\r");
    assert_eq!(cast.data("hidden"), [""; 0], "nothing was hidden");
}

#[test]
fn a_secret_is_hidden_in_every_format() {
    let world = World::new();
    for (file, format) in [("a.cast", "v3"), ("b.cast.zst", "v2"), ("c.cast.zst", "v3")] {
        let script = "stty -echo; printf 'Password:'; read x; stty echo; echo got ${#x}";
        let mut session = world.rec(&[file, "-f", format, "-I", "-c", script]).on_terminal();
        session.wait_for("Password:");
        session.send(format!("{SECRET}\r"));
        session.wait_for("got 7");
        session.wait_success();
        assert_secret(&Cast::read(world.path(file)), 1);
    }
}
