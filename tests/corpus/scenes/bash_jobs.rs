//! bash: typing ahead, jobs, resizes, and output that comes where it does not belong.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, LEFT, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("ahead-one", ahead_one),
        bash("ahead-several", ahead_several),
        bash("ahead-edited", ahead_edited),
        bash("ahead-for-reader", ahead_for_reader),
        bash("jobs-stop-and-go", stop_and_go),
        bash("jobs-output-into-line", output_into_line),
        bash("jobs-notify-at-once", notify_at_once).rc("set -b"),
        bash("output-no-newline", no_newline),
        bash("output-coloured-left-on", colour_left_on),
        bash("output-long", long_output),
        bash("output-progress", progress),
        bash("resize-between", resize_between),
        bash("resize-while-editing", resize_while_editing),
        bash("resize-long-line", resize_long_line).size(90, 20),
        bash("output-prompt-like", prompt_like).file("shift.log", PROMPT_LIKE),
        bash("output-alternate-screen", alternate_screen),
        bash("trace-and-verbose", trace),
    ]
}

fn ahead_one(t: &mut Typist) {
    t.start("sleep 0.8");
    t.text("echo typed ahead");
    t.press_enter();
    t.taken("\ntyped ahead", &["echo typed ahead"]);
    t.ready();
    t.run("echo after");
}

fn ahead_several(t: &mut Typist) {
    t.start("sleep 1.2; echo awake");
    t.text("echo one");
    t.press_enter();
    t.text("echo two");
    t.press_enter();
    t.taken("\nawake", &["echo one", "echo two"]);
    t.ready();
    t.run("echo three");
}

fn ahead_edited(t: &mut Typist) {
    // The kernel edits the line while nobody reads it.
    t.start("sleep 1");
    t.text("ecoo");
    t.times(2, BACKSPACE);
    t.text("ho kernel edits");
    t.press_enter();
    t.taken("\nkernel edits", &["echo kernel edits"]);
    t.ready();
    t.start("sleep 0.7");
    t.text("half a ");
    t.see("$ half a");
    t.keys(&[control('u')]);
    t.run("echo whole");
}

fn ahead_for_reader(t: &mut Typist) {
    t.start("sleep 0.6; read answer; echo got $answer");
    t.text("the answer");
    t.press_enter();
    t.label_program("bash", "the answer");
    t.see("got the answer");
    t.ready();
    t.run("echo $answer");
}

fn stop_and_go(t: &mut Typist) {
    t.start("sleep 31");
    t.settle();
    t.keys(&[control('z')]);
    t.see("Stopped");
    t.ready();
    t.run("jobs");
    t.run("bg");
    t.start("fg");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.start("cat");
    t.tell("cat", "into cat");
    t.see("into cat\ninto cat");
    t.keys(&[control('z')]);
    t.see("Stopped");
    t.ready();
    t.start("fg %1");
    t.settle();
    t.tell("cat", "again");
    t.see("again\nagain");
    t.keys(&[control('d')]);
    t.ready();
    t.run("sleep 0.2 &");
    t.run("wait");
    t.run("echo all done");
}

fn output_into_line(t: &mut Typist) {
    t.run("(sleep 0.9; echo tide turns) &");
    t.text("echo the line ");
    t.see("tide turns");
    t.text("goes on");
    t.enter("echo the line goes on");
    t.run("(sleep 0.8; printf 'one\\ntwo\\n') & disown");
    t.text("ls /srv");
    t.see("two");
    t.text("/mara");
    t.enter("ls /srv/mara");
    t.run("echo clean");
}

fn notify_at_once(t: &mut Typist) {
    t.run("sleep 0.6 &");
    t.text("echo while ");
    t.see("Done");
    t.text("waiting");
    t.enter("echo while waiting");
    t.run("echo end");
}

fn no_newline(t: &mut Typist) {
    t.run("printf 'no newline'");
    t.run("echo normal");
    t.run("printf 'two\\nlines, the last open'");
    t.run("printf ''");
    t.run("printf '\\r\\rback'");
    t.run("echo -n $ ");
    t.run("ls");
}

fn colour_left_on(t: &mut Typist) {
    t.run("printf '\\033[31mred and never reset'");
    t.run("echo in red");
    t.run("printf '\\033[0m\\n'");
    t.run("printf '\\033[7m'");
    t.run("echo inverse");
}

fn long_output(t: &mut Typist) {
    t.run("seq 400");
    t.run("echo after four hundred");
    t.run("for i in $(seq 60); do echo \"line $i of the log: all is well on deck\"; done");
    t.run("yes ahoy | head -n 100 | tail -n 2");
    t.run("echo end");
}

fn progress(t: &mut Typist) {
    t.run("for i in 1 2 3 4 5; do printf '\\rloading %s0%%' $i; sleep 0.05; done; echo");
    t.run("for i in 1 2 3; do printf '\\033[2K\\r[%s/3] hold' $i; sleep 0.05; done");
    t.run("printf 'a\\nb\\nc\\n\\033[2A'; echo over; echo over");
    t.run("echo done");
}

fn resize_between(t: &mut Typist) {
    t.run("echo at eighty");
    t.session.resize(60, 18);
    t.settle_quietly();
    t.run("stty size");
    t.session.resize(120, 30);
    t.settle_quietly();
    t.run("echo a line that would not have fitted into sixty columns, but does into one hundred and twenty");
    t.session.resize(80, 24);
    t.settle_quietly();
    t.run("echo back");
}

fn resize_while_editing(t: &mut Typist) {
    t.text("echo begun wide ");
    t.session.resize(100, 24);
    t.settle_quietly();
    t.text("and ended wider");
    t.enter("echo begun wide and ended wider");
    t.text("echo begun ");
    t.session.resize(64, 20);
    t.settle_quietly();
    t.text("and narrowed");
    t.keys(&[LEFT]);
    t.enter("echo begun and narrowed");
    t.run("ls");
}

fn resize_long_line(t: &mut Typist) {
    t.text("echo this one fits into ninety columns, but no longer into sixty of them");
    t.session.resize(60, 20);
    t.settle_quietly();
    t.text(", so");
    t.enter("echo this one fits into ninety columns, but no longer into sixty of them, so");
    t.run("echo shorter");
    t.text("echo this line wraps at sixty columns and comes together again later");
    t.session.resize(110, 20);
    t.settle_quietly();
    t.enter("echo this line wraps at sixty columns and comes together again later");
    t.run("echo end");
}

const PROMPT_LIKE: &str = "\
mara@gannet:~$ rm -rf /srv/olaf
mara@gannet:~$ 
root@gannet:~# passwd
$ sudo -i
> continued
gannet% logout
bash-5.2$ exec sh
mara@gannet:~$ echo copied from a terminal
copied from a terminal
mara@gannet:~$ ";

fn prompt_like(t: &mut Typist) {
    t.run("cat shift.log");
    t.run("head -n 3 shift.log");
    t.run("echo 'mara@gannet:~$ poweroff'");
    t.run("printf 'mara@gannet:~$ halt'");
    t.run("grep -n gannet shift.log | tail -n 2");
    t.run("printf '%s' 'mara@gannet:~$ '; sleep 0.3; echo reboot");
    t.run("echo true");
}

fn alternate_screen(t: &mut Typist) {
    t.run("tput smcup; echo mara@gannet:~$ not really; sleep 0.3; tput rmcup");
    t.run("echo on the main screen");
    t.run("tput smcup");
    t.run("echo run on the alternate screen");
    t.run("tput rmcup");
    t.run("echo home again");
}

fn trace(t: &mut Typist) {
    t.run("set -x");
    t.run("echo traced $((1 + 1))");
    t.run("set +x");
    t.run("set -v");
    t.run("echo verbose");
    t.run("set +v");
    t.run("echo quiet");
}
