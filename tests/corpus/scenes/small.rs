//! The other shells: dash, busybox ash, mksh, ksh93, tcsh, yash, posh.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, LEFT, TAB, UP, control};

use crate::scene::{Scene, Shell};

fn small(name: &'static str, shell: Shell, ready: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, shell, ready, play).file("keel.txt", "oak\n").file("mast.txt", "pine\n")
}

pub(crate) fn scenes() -> Vec<Scene> {
    use Shell::{Ash, Dash, Ksh, Mksh, Posh, Tcsh, Yash};
    vec![
        small("dash-plain", Dash, "$ ", canonical),
        small("dash-user-host", Dash, "$ ", plain).rc("PS1='mara@gannet$ '"),
        small("dash-folder", Dash, "] ", lines).rc("PS1='[$(pwd)] '"),
        small("dash-lines", Dash, "$ ", lines),
        small("dash-ahead", Dash, "$ ", ahead),
        small("dash-no-newline", Dash, "$ ", open_end),
        small("dash-interrupt", Dash, "$ ", interrupt),
        small("dash-root", Dash, "# ", plain).user("root"),
        small("ash-plain", Ash, "$ ", plain),
        small("ash-editing", Ash, "$ ", editing).rc("PS1='\\u@\\h:\\w\\$ '"),
        small("ash-lines", Ash, "$ ", lines).rc("PS1='\\w \\$ '"),
        small("ash-history", Ash, "$ ", history),
        small("mksh-plain", Mksh, "$ ", plain),
        small("mksh-editing", Mksh, "$ ", editing),
        small("mksh-lines", Mksh, "$ ", lines),
        small("mksh-narrow", Mksh, "$ ", narrow).size(40, 12),
        small("ksh93-plain", Ksh, "$ ", plain),
        small("ksh93-editing", Ksh, "$ ", editing),
        small("ksh93-lines", Ksh, "$ ", lines).rc("PS1='deck$ '"),
        small("tcsh-plain", Tcsh, "> ", tcsh_daily),
        small("tcsh-editing", Tcsh, "> ", editing),
        small("tcsh-right-prompt", Tcsh, "> ", tcsh_daily).rc("set prompt='%c> '\nset rprompt='%T'"),
        small("yash-plain", Yash, "$ ", plain),
        small("yash-editing", Yash, "$ ", editing),
        small("yash-right-prompt", Yash, "$ ", plain).rc("PS1='\\$ '\nPS1R='[$?]'"),
        small("posh-plain", Posh, "$ ", plain),
        small("posh-lines", Posh, "$ ", lines),
        small("sh-noediting-wide", Dash, "$ ", wide),
        small("sh-long-lines", Dash, "$ ", narrow).size(40, 12),
    ]
}

fn plain(t: &mut Typist) {
    t.run("ls");
    t.run("cat keel.txt");
    t.run("echo one two | wc -w");
    t.run("cat nowhere.txt");
    t.run("for f in keel mast; do echo $f; done");
    t.press_enter();
    t.ready();
    t.run("cd /srv && pwd");
    t.run("true");
}

fn canonical(t: &mut Typist) {
    t.text("ehco");
    t.times(3, BACKSPACE);
    t.text("cho the kernel edits");
    t.enter("echo the kernel edits");
    t.text("all of this is taken back");
    t.keys(&[control('u')]);
    t.run("ls");
    t.text("echo good bad");
    t.keys(&[control('w')]);
    t.text("better");
    t.enter("echo good better");
    t.run("# a remark");
    t.run("echo \"$((40 + 2))\"");
}

fn lines(t: &mut Typist) {
    t.lines(&["for x in 1 2", "do", "echo $x", "done"]);
    t.lines(&["cat <<E", "in a document", "E"]);
    t.run("echo between");
    t.lines(&["echo 'two", "lines'"]);
    t.lines(&["if true", "then echo yes", "fi"]);
    t.lines(&["echo left \\", "right"]);
    t.run("echo end");
}

fn ahead(t: &mut Typist) {
    t.start("sleep 1");
    t.text("echo typed ahead");
    t.press_enter();
    t.taken("$ typed ahead", &["echo typed ahead"]);
    t.ready();
    t.start("read name");
    t.settle();
    t.tell("dash", "albatross");
    t.ready();
    t.run("echo $name");
    t.start("cat");
    t.tell("cat", "for cat");
    t.see("for cat\nfor cat");
    t.keys(&[control('d')]);
    t.ready();
    t.run("ls");
}

fn open_end(t: &mut Typist) {
    t.run("printf open");
    t.run("echo closed");
    t.run("printf 'x\\ny'");
    t.run("ls");
}

fn interrupt(t: &mut Typist) {
    t.text("rm -rf keel.txt");
    t.keys(&[control('c')]);
    t.ready();
    t.run("cat keel.txt");
    t.start("sleep 30");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo on");
}

fn editing(t: &mut Typist) {
    t.text("ehco");
    t.times(3, BACKSPACE);
    t.text("cho fixed");
    t.enter("echo fixed");
    t.text("cat eel.txt");
    t.times(7, LEFT);
    t.text("k");
    t.enter("cat keel.txt");
    t.text("nothing of it");
    t.keys(&[control('u')]);
    t.run("ls mast.txt");
    t.keys(&[UP]);
    t.enter("ls mast.txt");
    t.text("ho late");
    t.keys(&[control('a')]);
    t.text("ec");
    t.enter("echo late");
    t.run("echo last one");
}

fn history(t: &mut Typist) {
    t.run("echo alpha");
    t.run("echo beta");
    t.times(2, UP);
    t.enter("echo alpha");
    t.keys(&[UP]);
    t.times(5, BACKSPACE);
    t.text("gamma");
    t.enter("echo gamma");
    t.text("cat kee");
    t.keys(&[TAB]);
    t.enter("cat keel.txt ");
}

fn narrow(t: &mut Typist) {
    t.run("echo this is a line that does not fit into forty columns at all");
    t.run("echo short");
    t.run("echo and one that is so long that it needs a third row of the narrow terminal to be shown");
    t.run("ls");
}

fn tcsh_daily(t: &mut Typist) {
    t.run("ls");
    t.run("set depth = 9");
    t.run("echo $depth");
    t.run("cat nowhere.txt");
    t.run("cat keel.txt mast.txt | wc -l");
    t.press_enter();
    t.ready();
    t.run("cd /srv; pwd");
}

fn wide(t: &mut Typist) {
    t.run("echo 灯台 ahoy");
    t.run("echo café");
    t.text("echo naïve");
    t.times(3, BACKSPACE);
    t.text("ïve");
    t.enter("echo naïve");
}
