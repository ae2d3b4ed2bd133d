//! Real shells, driven on a terminal, recorded, and their commands listed: all in one go.
//!
//! The recordings in `fixtures` are as old as they are; these are made by the recorder of today.

use casemate_tests::score::{Line, compare};
use casemate_tests::typist::{Label, keys};
use casemate_tests::{Cast, LONG, PROMPT, Typist, World, need, tools};

use crate::score::{can_list, commands};

/// Plays `play` in a recorded shell and compares what `casemate commands` says with the labels.
#[track_caller]
fn check(name: &str, shell: &[&str], rec: &[&str], play: fn(&mut Typist)) {
    let world = World::new();
    let mut args = vec!["--user", "mara", "--target", "gannet", "--target-user", "mara", "-q"];
    args.extend(rec);
    args.extend(["live.cast.zst", "--"]);
    args.extend(shell);
    let session = world.rec(&args).on_terminal();
    let mut typist = Typist::new(session, name, "gannet", "mara", PROMPT);
    typist.hurry();
    typist.ready();
    play(&mut typist);
    let labels = typist.finish();
    let recording = world.path("live.cast.zst");
    let start = Cast::read(&recording).header["casemate"]["start_us"].as_u64().unwrap();
    let truth: Vec<_> =
        labels.iter().map(|label: &Label| Line::of_truth(&label.truth(start)).unwrap()).collect();
    assert!(truth.len() > 5, "{truth:?}");
    if !can_list(&world) {
        tools::left_out("`casemate commands` is not there yet");
        return;
    }
    let (found, _) = commands(&world, &recording);
    let (score, differences) = compare(name, &truth, &found);
    assert!(score.recordings.some == 1, "{differences}\n{}", score.summary());
    for share in [score.times, score.users, score.targets] {
        assert_eq!(share.some, share.all, "{differences}\n{}", score.summary());
    }
}

/// What every shell understands.
fn common(t: &mut Typist) {
    t.run("echo one");
    t.text("ehco");
    t.times(3, keys::BACKSPACE);
    t.text("cho two");
    t.enter("echo two");
    t.text("never run");
    t.keys(&[keys::control('u')]);
    t.run("printf 'no newline'");
    t.text("given up");
    t.keys(&[keys::control('c')]);
    t.ready();
    t.press_enter();
    t.ready();
    t.start("cat");
    t.tell("cat", "not for the shell");
    t.see("not for the shell\nnot for the shell");
    t.keys(&[keys::control('d')]);
    t.ready();
    t.run("echo 'ready> echo a prompt that is none'");
}

/// What shells with line editors understand.
fn edited(t: &mut Typist) {
    common(t);
    t.text("echo the middle");
    t.times(6, keys::LEFT);
    t.text("very ");
    t.enter("echo the very middle");
    t.times(2, keys::UP);
    t.keys(&[keys::DOWN]);
    t.enter("echo the very middle");
    t.text("echo wrong");
    t.keys(&[keys::control('w')]);
    t.text("right");
    t.keys(&[keys::control('a')]);
    t.enter("echo right");
    t.run(
        "echo a line that is longer than the terminal is wide, so that it has to go on in the next row of it",
    );
    t.paste("echo pasted");
    t.enter("echo pasted");
}

fn bash_more(t: &mut Typist) {
    edited(t);
    t.lines(&["for x in 1 2", "do echo $x", "done"]);
    t.lines(&["cat <<E", "in a document", "E"]);
    t.start("sleep 0.5");
    t.text("echo ahead");
    t.press_enter();
    t.taken("\nahead", &["echo ahead"]);
    t.ready();
    t.start("read -s secret");
    t.secret("never-to-be-seen-1");
    t.ready();
    t.run("clear");
    t.start("sh");
    t.nest(PROMPT);
    t.ready();
    t.run("echo below");
    t.exit();
    t.run("echo above");
}

#[test]
fn bash() {
    need!("bash");
    check("bash", &["bash", "--noprofile", "-i"], &["-I"], bash_more);
}

#[test]
fn bash_without_its_input() {
    need!("bash");
    check("bash-output", &["bash", "--noprofile", "-i"], &[], bash_more);
}

#[test]
fn zsh() {
    need!("zsh");
    check("zsh", &["zsh", "-i"], &["-I"], edited);
}

#[test]
fn fish() {
    need!("fish");
    check("fish", &["fish", "-i"], &["-I"], edited);
}

#[test]
fn dash() {
    need!("dash");
    check("dash", &["dash", "-i"], &["-I"], common);
}

#[test]
fn dash_without_its_input() {
    need!("dash");
    check("dash-output", &["dash", "-i"], &[], common);
}

#[test]
fn a_typist_notes_what_a_shell_ran() {
    // The harness itself: what bash writes into its history is what the labels say.
    need!("bash");
    let world = World::new();
    world.write(".bashrc", format!("PS1='{PROMPT}'; HISTFILE=~/history; shopt -s lithist\n"));
    let session = world.program("bash").args(&["--noprofile", "-i"]).on_terminal();
    let mut typist = Typist::new(session, "history", "gannet", "mara", PROMPT);
    typist.hurry();
    typist.ready();
    edited(&mut typist);
    let labels = typist.finish();
    assert_eq!(typist.session.wait_exit(LONG), 0);
    let shell: Vec<_> =
        labels.iter().filter(|label| label.program.is_none()).map(|label| label.command.clone()).collect();
    let history = String::from_utf8(world.bytes("history")).unwrap();
    assert_eq!(history.lines().collect::<Vec<_>>(), shell);
}
