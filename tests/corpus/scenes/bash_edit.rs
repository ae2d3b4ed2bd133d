//! bash: one line, edited in every way that readline offers.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, DELETE, DOWN, END, HOME, LEFT, RIGHT, TAB, UP, alt, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("edit-backspace", backspace),
        bash("edit-arrows", arrows),
        bash("edit-kill-and-yank", kill_and_yank),
        bash("edit-last-argument", last_argument),
        bash("edit-history", history),
        bash("edit-history-edited", history_edited),
        bash("edit-search", search).rc("PS1='\\u \\$ '"),
        bash("edit-search-abandoned", search_abandoned),
        bash("edit-prefix-search", prefix_search)
            .file(".inputrc", "set bell-style none\n\"\\e[A\": history-search-backward\n\"\\e[B\": history-search-forward\n"),
        bash("edit-recall-lines", recall_lines),
        bash("complete-unique", complete_unique)
            .file("quarterdeck/inventory-of-ropes.txt", "12 hemp\n")
            .file("quarterdeck/sextant.txt", "1\n"),
        bash("complete-list", complete_list)
            .file("harbour-north.txt", "n\n")
            .file("harbour-south.txt", "s\n")
            .file("harbour-south.bak", "s\n"),
        bash("complete-menu", complete_menu)
            .file(".inputrc", "set bell-style none\nTAB: menu-complete\nset menu-complete-display-prefix on\nset show-all-if-ambiguous on\n")
            .file("plan-alpha", "a\n")
            .file("plan-beta", "b\n")
            .file("plan-gamma", "c\n"),
        bash("complete-many", complete_many).size(80, 12),
        bash("edit-clear", clear),
        bash("edit-ctrl-c", interrupt),
        bash("edit-ctrl-d", end_of_file).ends_itself(),
        bash("edit-enter-in-mid-line", enter_in_mid_line),
        bash("edit-empty-and-comments", empty_and_comments),
        bash("edit-transpose-and-case", transpose_and_case),
        bash("edit-undo-and-quote", undo_and_quote),
        bash("edit-external-editor", external_editor)
            .file(".editor", "#!/bin/sh\nsed -i 's/draft/final/; s/$/ # checked/' \"$1\"\n")
            .rc("export EDITOR=~/.editor VISUAL=~/.editor"),
        bash("edit-leading-space", leading_space).rc("HISTCONTROL=ignorespace"),
        bash("edit-very-fast", very_fast),
        bash("edit-overwrite-shorter", overwrite_shorter),
        bash("edit-expand-line", expand_line),
    ]
}

fn backspace(t: &mut Typist) {
    t.text("ecoh");
    t.times(2, BACKSPACE);
    t.text("ho hello");
    t.enter("echo hello");
    t.text("lss");
    t.keys(&[BACKSPACE]);
    t.text(" -a");
    t.enter("ls -a");
    t.text("wrong from the start");
    t.times(20, BACKSPACE);
    t.run("uname");
}

fn arrows(t: &mut Typist) {
    t.text("echo harbor");
    t.times(1, LEFT);
    t.text("u");
    t.enter("echo harbour");
    t.text("cho front");
    t.keys(&[HOME]);
    t.text("e");
    t.keys(&[END]);
    t.text(" back");
    t.enter("echo front back");
    t.text("printf '%s\\n' xtwo three");
    t.times(9, LEFT);
    t.times(1, LEFT);
    t.keys(&[DELETE]);
    t.enter("printf '%s\\n' two three");
    t.text("echo ab");
    t.keys(&[LEFT, LEFT, RIGHT]);
    t.text("-");
    t.enter("echo a-b");
}

fn kill_and_yank(t: &mut Typist) {
    t.text("this is not a command");
    t.keys(&[control('u')]);
    t.run("echo one");
    t.text("two echo");
    t.keys(&[control('a'), alt('d'), DELETE, control('e')]);
    t.text(" ");
    t.keys(&[control('y')]);
    t.enter("echo two");
    t.text("echo keep drop drop");
    t.keys(&[control('w'), control('w')]);
    t.enter("echo keep");
    t.text("echo start then the rest");
    t.keys(&[control('a')]);
    t.times(10, RIGHT);
    t.keys(&[control('k')]);
    t.enter("echo start");
    t.keys(&[control('y')]);
    t.keys(&[control('a')]);
    t.text("echo ");
    t.enter("echo  then the rest");
}

fn last_argument(t: &mut Typist) {
    t.run("mkdir slipway");
    t.text("cd ");
    t.keys(&[alt('.')]);
    t.enter("cd slipway");
    t.run("touch first second");
    t.text("rm ");
    t.keys(&[alt('.')]);
    t.enter("rm second");
    t.text("ls ");
    t.keys(&[alt('.'), alt('.')]);
    t.enter("ls second");
    t.text("stat -c %s ");
    t.text("fir");
    t.keys(&[TAB]);
    t.enter("stat -c %s first");
}

fn history(t: &mut Typist) {
    t.run("echo alpha");
    t.run("echo beta");
    t.run("date +%Y >/dev/null");
    t.keys(&[UP]);
    t.enter("date +%Y >/dev/null");
    t.times(4, UP);
    t.enter("echo alpha");
    t.times(3, UP);
    t.keys(&[DOWN]);
    t.enter("date +%Y >/dev/null");
    t.text("half a line");
    t.times(2, UP);
    t.times(2, DOWN);
    t.keys(&[control('u')]);
    t.run("echo done");
}

fn history_edited(t: &mut Typist) {
    t.run("echo the quick brown fox jumps over the lazy dog");
    t.run("ls");
    t.times(2, UP);
    t.times(3, BACKSPACE);
    t.text("cat");
    t.enter("echo the quick brown fox jumps over the lazy cat");
    t.keys(&[UP, control('a'), alt('f'), alt('f')]);
    t.text(" very");
    t.enter("echo the very quick brown fox jumps over the lazy cat");
    t.keys(&[UP, control('w'), control('w'), control('w')]);
    t.enter("echo the very quick brown fox jumps over ");
}

fn search(t: &mut Typist) {
    t.run("echo needle in hay");
    t.run("echo other");
    t.run("ls /nowhere-at-all");
    t.keys(&[control('r')]);
    t.text("need");
    t.enter("echo needle in hay");
    t.keys(&[control('r')]);
    t.text("oth");
    t.keys(&[control('e')]);
    t.text("s");
    t.enter("echo others");
    t.keys(&[control('r')]);
    t.text("echo");
    t.keys(&[control('r')]);
    t.enter("echo needle in hay");
}

fn search_abandoned(t: &mut Typist) {
    t.run("echo lighthouse");
    t.text("ec");
    t.keys(&[control('r')]);
    t.text("light");
    t.keys(&[control('g'), control('u')]);
    t.run("echo other work");
    t.keys(&[control('r')]);
    t.text("zzz");
    t.keys(&[control('c')]);
    t.ready();
    t.keys(&[control('r')]);
    t.text("light");
    t.keys(&[control('a')]);
    t.text("time ");
    t.enter("time echo lighthouse");
}

fn prefix_search(t: &mut Typist) {
    t.run("stat -c %a .");
    t.run("echo between");
    t.text("stat");
    t.keys(&[UP]);
    t.enter("stat -c %a .");
    t.text("echo");
    t.keys(&[UP, END]);
    t.text(" more");
    t.enter("echo between more");
}

fn recall_lines(t: &mut Typist) {
    t.lines(&["for b in red green", "do", "  echo buoy $b", "done"]);
    t.run("echo between");
    t.times(2, UP);
    t.enter("for b in red green\ndo\n  echo buoy $b\ndone");
    t.keys(&[UP]);
    t.text(" | sort");
    t.enter("for b in red green\ndo\n  echo buoy $b\ndone | sort");
}

fn complete_unique(t: &mut Typist) {
    t.text("cat quar");
    t.keys(&[TAB]);
    t.text("inv");
    t.keys(&[TAB]);
    t.enter("cat quarterdeck/inventory-of-ropes.txt ");
    t.text("cd qu");
    t.keys(&[TAB]);
    t.enter("cd quarterdeck/");
    t.text("wc -c s");
    t.keys(&[TAB]);
    t.text("| cat");
    t.enter("wc -c sextant.txt | cat");
}

fn complete_list(t: &mut Typist) {
    t.text("cat har");
    t.keys(&[TAB, TAB]);
    t.text("s");
    t.keys(&[TAB]);
    t.keys(&[TAB]);
    t.text("t");
    t.keys(&[TAB]);
    t.enter("cat harbour-south.txt ");
    t.text("ls harb");
    t.keys(&[TAB, TAB]);
    t.text("*.txt");
    t.enter("ls harbour-*.txt");
    t.text("nosuchprefix");
    t.keys(&[TAB, TAB, control('u')]);
    t.run("echo enough");
}

fn complete_menu(t: &mut Typist) {
    t.text("cat plan");
    t.keys(&[TAB, TAB, TAB]);
    t.enter("cat plan-beta");
    t.text("cat plan-");
    t.keys(&[TAB, TAB, TAB, TAB]);
    t.enter("cat plan-gamma");
    t.run("echo menu closed");
}

fn complete_many(t: &mut Typist) {
    t.run("mkdir many; cd many; touch file-{a..z}{1..6}");
    t.text("ls file-");
    t.keys(&[TAB, TAB]);
    t.see("possibilities");
    t.keys(&["y"]);
    t.see("More");
    t.keys(&["q"]);
    t.text("q3");
    t.enter("ls file-q3");
    t.text("ls fil");
    t.keys(&[TAB, TAB, TAB]);
    t.see("possibilities");
    t.keys(&["n"]);
    t.text("a1");
    t.enter("ls file-a1");
}

fn clear(t: &mut Typist) {
    t.run("seq 5");
    t.text("echo before and");
    t.keys(&[control('l')]);
    t.text(" after");
    t.enter("echo before and after");
    t.run("clear");
    t.run("echo top of the screen");
    t.keys(&[control('l')]);
    t.run("ls");
    t.run("tput reset");
    t.run("echo reset");
}

fn interrupt(t: &mut Typist) {
    t.text("rm -rf everything");
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo spared");
    t.start("sleep 40");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo $?");
    t.keys(&[control('c'), control('c')]);
    t.ready();
    t.text("for x in 1 2; do");
    t.press_enter();
    t.settle();
    t.text("echo never");
    t.keys(&[control('c')]);
    t.ready();
    t.remembered(&["for x in 1 2; do"]);
    t.run("echo end");
}

fn end_of_file(t: &mut Typist) {
    t.run("echo one");
    t.start("cat");
    t.tell("cat", "given to cat");
    t.see("given to cat\ngiven to cat");
    t.keys(&[control('d')]);
    t.ready();
    t.run("echo two");
    t.keys(&[control('d')]);
}

fn enter_in_mid_line(t: &mut Typist) {
    t.text("echo the tail is run too");
    t.times(9, LEFT);
    t.enter("echo the tail is run too");
    t.text("echo from the beginning");
    t.keys(&[control('a')]);
    t.enter("echo from the beginning");
    t.text("echo a line that is so long that it goes on in the next row of this terminal, and on");
    t.keys(&[control('a'), RIGHT]);
    t.enter("echo a line that is so long that it goes on in the next row of this terminal, and on");
    t.run("echo next");
}

fn empty_and_comments(t: &mut Typist) {
    t.press_enter();
    t.ready();
    t.press_enter();
    t.ready();
    t.run("# inspection of the pier");
    t.run("echo seen # and noted");
    t.text("   ");
    t.press_enter();
    t.ready();
    t.remembered(&["   "]);
    t.run("   echo indented");
    t.run("echo a\\ b   c");
    t.run("#");
}

fn transpose_and_case(t: &mut Typist) {
    t.text("ehco");
    t.keys(&[LEFT, control('t')]);
    t.keys(&[control('e')]);
    t.text(" port");
    t.keys(&[control('u')]);
    t.text("echo second first");
    t.keys(&[alt('t')]);
    t.enter("echo first second");
    t.text("echo whisper shout");
    t.keys(&[alt('b'), alt('u')]);
    t.enter("echo whisper SHOUT");
    t.text("echo once");
    t.keys(&[alt('b'), alt('c')]);
    t.enter("echo Once");
}

fn undo_and_quote(t: &mut Typist) {
    t.text("echo good");
    t.keys(&[control('w'), "\x1f"]);
    t.enter("echo good");
    t.text("echo nothing of this");
    t.keys(&[alt('#')]);
    t.label("#echo nothing of this");
    t.ready();
    t.run("echo last");
}

fn external_editor(t: &mut Typist) {
    t.run("echo warm");
    t.text("echo draft text");
    t.at_once("\x18\x05");
    t.label("echo final text # checked");
    t.ready();
    t.remembered(&["echo draft text"]);
    t.run("echo after");
}

fn leading_space(t: &mut Typist) {
    t.run("echo remembered");
    t.run(" echo not remembered");
    t.forgotten();
    t.keys(&[UP]);
    t.enter("echo remembered");
}

fn very_fast(t: &mut Typist) {
    for n in 1..6 {
        let command = format!("echo burst {n} of five && true");
        t.at_once(&command);
        t.enter(&command);
    }
    t.at_once("echo with its enter\r");
    t.label("echo with its enter");
    t.ready();
}

fn overwrite_shorter(t: &mut Typist) {
    t.run("echo a much longer command than the one that comes after it");
    t.keys(&[UP]);
    t.keys(&[control('u')]);
    t.run("ls");
    t.times(2, UP);
    t.times(2, DOWN);
    t.run("id -u");
    t.times(3, UP);
    t.keys(&[DOWN]);
    t.enter("ls");
}

fn expand_line(t: &mut Typist) {
    t.run("shopt -s histverify");
    t.run("echo anchor chain");
    t.text("sudo-less !!");
    t.press_enter();
    t.settle();
    t.keys(&[control('a'), alt('d'), DELETE, DELETE, DELETE, DELETE, DELETE, DELETE]);
    t.keys(&[control('e'), control('u')]);
    t.text("printf '%s\\n' !$");
    t.press_enter();
    t.settle();
    t.enter("printf '%s\\n' chain");
    t.text("echo $HOME/x");
    t.keys(&["\x1b\x05"]);
    t.enter("echo /srv/mara/x");
}
