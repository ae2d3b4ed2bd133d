//! fish: suggestions, right prompts, its own pager of completions, several lines, paging of long ones.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, DOWN, ESCAPE, LEFT, RIGHT, TAB, UP, alt, control};

use crate::scene::{Scene, Shell};

fn fish(name: &'static str, ready: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Fish, ready, play)
        .file("crew/bosun.txt", "whistle\n")
        .file("crew/cook.txt", "ladle\n")
        .file("crew/carpenter.txt", "adze\n")
}

const RIGHT_PROMPT: &str =
    "function fish_right_prompt; set_color brblack; date +%H:%M; set_color normal; end";
const SHORT: &str = "function fish_prompt; echo -n '⟩ '; end";
const TWO_LINES: &str = "\
function fish_prompt
  echo
  set_color cyan; echo -n (prompt_pwd); set_color normal; echo ' at  main'
  echo -n '❯ '
end";
const MARKS: &str = "\
function fish_prompt; printf '\\e]133;A\\a%s %s> \\e]133;B\\a' $USER (prompt_pwd); end
function before --on-event fish_preexec; printf '\\e]133;C\\a'; end
function behind --on-event fish_postexec; printf '\\e]133;D;%s\\a' $status; end";

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        fish("fish-plain", "> ", daily),
        fish("fish-editing", "> ", editing),
        fish("fish-suggestion-taken", "> ", taken),
        fish("fish-suggestion-ignored", "⟩ ", ignored).rc(SHORT),
        fish("fish-right-prompt", "> ", editing).rc(RIGHT_PROMPT),
        fish("fish-two-lines", "❯ ", history).rc(TWO_LINES).rc(RIGHT_PROMPT),
        fish("fish-lines", "> ", lines),
        fish("fish-history", "> ", history),
        fish("fish-pager", "> ", pager),
        fish("fish-abbreviation", "> ", abbreviation).rc("abbr -a gc 'grep -c'\nabbr -a lsa 'ls -A'"),
        fish("fish-interrupt", "> ", interrupt),
        fish("fish-paste", "> ", paste),
        fish("fish-wide", "⟩ ", wide).rc(SHORT),
        fish("fish-wrapping", "⟩ ", wrapping).rc(SHORT).size(46, 16),
        fish("fish-vi", "> ", vi_mode)
            .rc("fish_vi_key_bindings\nset -g fish_escape_delay_ms 20\nfunction fish_mode_prompt; end"),
        fish("fish-marks", "> ", daily).rc(MARKS),
        fish("fish-no-newline", "> ", no_newline),
        fish("fish-jobs", "> ", jobs),
        fish("fish-root", "# ", daily).user("root"),
        fish("fish-resize", "> ", resize),
    ]
}

fn daily(t: &mut Typist) {
    t.run("ls");
    t.run("set depth 12; echo $depth");
    t.run("cat crew/nobody.txt");
    t.run("echo (math 6 x 7)");
    t.run("count crew/*; and echo counted");
    t.press_enter();
    t.ready();
    t.run("string upper whistle");
}

fn editing(t: &mut Typist) {
    t.text("ehco");
    t.times(3, BACKSPACE);
    t.text("cho fixed");
    t.enter("echo fixed");
    t.text("cat crew/cok.txt");
    t.times(5, LEFT);
    t.text("o");
    t.enter("cat crew/cook.txt");
    t.text("away with this");
    t.keys(&[control('u')]);
    t.run("pwd");
    t.text("echo one two three");
    t.keys(&[control('w')]);
    t.text("four");
    t.keys(&[control('a')]);
    t.keys(&[alt('f')]);
    t.text(" zero");
    t.enter("echo zero one two four");
}

fn taken(t: &mut Typist) {
    t.run("echo the suggestion that is taken as a whole");
    t.run("ls crew");
    t.text("echo the s");
    t.settle();
    t.rest();
    t.keys(&[RIGHT]);
    t.enter("echo the suggestion that is taken as a whole");
    t.text("ls");
    t.settle();
    t.rest();
    t.keys(&[control('f')]);
    t.text("/cook.txt");
    t.enter("ls crew/cook.txt");
    t.text("echo the");
    t.settle();
    t.rest();
    t.keys(&[alt('f')]);
    t.settle();
    t.enter("echo the suggestion");
}

fn ignored(t: &mut Typist) {
    t.run("echo somewhere over the reef");
    t.text("echo some");
    t.settle();
    t.rest();
    t.enter("echo some");
    t.run("cat crew/bosun.txt");
    t.text("cat");
    t.settle();
    t.text(" crew/cook.txt");
    t.enter("cat crew/cook.txt");
    t.text("cat c");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.text("ls");
    t.settle();
    t.enter("ls");
    t.text("l");
    t.settle();
    t.text("s crew");
    t.enter("ls crew");
}

fn history(t: &mut Typist) {
    t.run("echo port");
    t.run("echo starboard");
    t.run("ls crew");
    t.times(2, UP);
    t.enter("echo starboard");
    t.text("echo p");
    t.settle();
    t.keys(&[UP]);
    t.settle();
    t.text(" side");
    // fish finds what stands there already first: nothing changes.
    t.enter("echo p side");
    t.keys(&[UP, UP, DOWN]);
    t.keys(&[control('w')]);
    t.text("watch");
    t.enter("echo p watch");
    t.text("rm crew/bosun.txt");
    t.keys(&[control('u')]);
    t.run("true");
}

fn lines(t: &mut Typist) {
    t.text("for x in cook bosun");
    t.press_enter();
    t.settle();
    t.text("cat crew/$x.txt");
    t.press_enter();
    t.settle();
    t.text("end");
    t.enter("for x in cook bosun\n    cat crew/$x.txt\nend");
    t.text("echo 'open");
    t.press_enter();
    t.settle();
    t.text("closed'");
    t.enter("echo 'open\nclosed'");
    t.text("if true");
    t.press_enter();
    t.settle();
    t.text("echo yes");
    t.press_enter();
    t.settle();
    t.text("end");
    t.enter("if true\n    echo yes\nend");
    t.run("echo single");
    t.text("echo a");
    t.keys(&[alt('\r')]);
    t.settle();
    t.text("echo b");
    t.enter("echo a\necho b");
}

fn pager(t: &mut Typist) {
    t.text("cat crew/");
    t.keys(&[TAB]);
    t.settle();
    t.rest();
    t.keys(&[TAB]);
    t.settle();
    t.keys(&[DOWN]);
    t.settle();
    t.keys(&["\r"]);
    t.settle();
    t.keys(&[control('u')]);
    t.text("cat crew/co");
    t.keys(&[TAB]);
    t.settle();
    t.enter("cat crew/cook.txt ");
    t.text("ls crew/c");
    t.keys(&[TAB]);
    t.settle();
    t.rest();
    t.keys(&[ESCAPE]);
    t.settle();
    t.text("*");
    t.enter("ls crew/c*");
}

fn abbreviation(t: &mut Typist) {
    t.text("gc ");
    t.settle();
    t.text("whistle crew/bosun.txt");
    t.enter("grep -c whistle crew/bosun.txt");
    t.text("lsa");
    t.enter("ls -A");
    t.run("echo gc");
}

fn interrupt(t: &mut Typist) {
    t.text("rm -r crew");
    t.keys(&[control('c')]);
    t.ready();
    t.run("ls crew");
    t.start("sleep 30");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.text("begin");
    t.press_enter();
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo fine");
}

fn paste(t: &mut Typist) {
    t.paste("echo pasted here");
    t.enter("echo pasted here");
    t.paste("echo one\necho two");
    t.settle();
    t.enter("echo one\necho two");
    t.text("ls ");
    t.paste("crew/cook.txt");
    t.enter("ls crew/cook.txt");
}

fn wide(t: &mut Typist) {
    t.run("echo 港町");
    t.text("echo 灯台船");
    t.keys(&[BACKSPACE]);
    t.text("守");
    t.enter("echo 灯台守");
    t.run("echo brød og smør");
    t.run("echo 🦀 sideways");
}

fn wrapping(t: &mut Typist) {
    t.run("echo a line for fish that is longer than forty-six columns and goes on");
    t.run("echo short");
    t.run(&format!("echo {}", "k".repeat(46 - 2 - 5)));
    t.run(&format!("echo {}", "l".repeat(46 - 2 - 4)));
    t.run("ls crew");
}

fn vi_mode(t: &mut Typist) {
    t.run("echo keel");
    t.text("echo two mats");
    t.keys(&[ESCAPE, "b", "c", "w"]);
    t.text("masts");
    t.enter("echo two masts");
    t.keys(&[ESCAPE, "k", "k", "A"]);
    t.text("son");
    t.enter("echo keelson");
}

fn no_newline(t: &mut Typist) {
    t.run("printf 'open'");
    t.run("echo closed");
    t.run("printf 'a\\nb'");
    t.run("ls");
}

fn jobs(t: &mut Typist) {
    t.start("sleep 25");
    t.settle();
    t.keys(&[control('z')]);
    t.ready();
    t.run("jobs -p | count");
    t.run("kill -9 %1");
    t.start("sleep 0.8");
    t.text("echo ahead of time");
    t.press_enter();
    t.taken("\nahead of time", &["echo ahead of time"]);
    t.ready();
    t.run("true");
}

fn resize(t: &mut Typist) {
    t.run("echo first");
    t.text("echo typed in ");
    t.session.resize(60, 20);
    t.settle_quietly();
    t.text("two sizes");
    t.enter("echo typed in two sizes");
    t.session.resize(100, 24);
    t.settle_quietly();
    t.run("echo last");
}
