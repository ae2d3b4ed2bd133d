//! bash: commands of several lines, lines that wrap, pastes, characters of every width.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, END, HOME, LEFT, UP, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("lines-loops", loops),
        bash("lines-quotes", quotes),
        bash("lines-backslash", backslash),
        bash("lines-heredoc", heredoc),
        bash("lines-functions", functions),
        bash("lines-own-ps2", loops).rc("PS1='\\W $ '\nPS2='... '"),
        bash("lines-no-ps2", quotes).rc("PS1='[\\u] $ '\nPS2=''"),
        bash("lines-coloured-ps2", heredoc).rc("PS2='\\[\\e[33m\\]... >\\[\\e[0m\\] '"),
        bash("lines-bottom", loops).size(64, 8),
        bash("wrap-long", wrap_long).size(50, 16),
        bash("wrap-last-column", wrap_last_column).size(40, 16).rc("PS1='$ '"),
        bash("wrap-edit", wrap_edit).size(44, 12).rc("PS1='\\u $ '"),
        bash("wrap-at-bottom", wrap_at_bottom).size(40, 6).rc("PS1='$ '"),
        bash("paste-one", paste_one),
        bash("paste-lines", paste_lines),
        bash("paste-raw", paste_raw).rc("bind 'set enable-bracketed-paste off'"),
        bash("paste-long", paste_long).size(70, 20),
        bash("wide-characters", wide).env("PS1", ""),
        bash("wide-combining", combining),
        bash("wide-wrap", wide_wrap).size(40, 14).rc("PS1='港 $ '"),
    ]
}

fn loops(t: &mut Typist) {
    t.lines(&["for buoy in red green; do", "  echo buoy $buoy", "done"]);
    t.run("echo between");
    t.lines(&["if [ -d /srv ]; then", "echo yes", "else", "echo no", "fi"]);
    t.lines(&["n=2; while [ $n -gt 0 ]", "do", "n=$((n - 1))", "done"]);
    t.lines(&["case $n in", "  0) echo zero;;", "  *) echo more;;", "esac"]);
    t.run("echo n=$n");
}

fn quotes(t: &mut Typist) {
    t.lines(&["echo 'first", "second'"]);
    t.lines(&["echo \"one", "two", "three\" | wc -l"]);
    t.run("echo 'closed' \"too\"");
    t.lines(&["msg='a note", "", "with an empty line'"]);
    t.run("echo \"$msg\" | tail -1");
    t.lines(&["echo $(", "uname", ")"]);
}

fn backslash(t: &mut Typist) {
    t.lines(&["echo one \\", "  two \\", "  three"]);
    t.lines(&["ls -d \\", "/srv"]);
    t.lines(&["seq 12 |", "grep 1 |", "wc -l"]);
    t.lines(&["true &&", "echo and"]);
    t.run("echo back\\\\slash");
}

fn heredoc(t: &mut Typist) {
    t.lines(&["cat <<END", "the pilot boards", "  at $HOME", "END"]);
    t.lines(&["cat > orders <<'STOP'", "$ not a prompt", "> nor this", "STOP"]);
    t.run("cat orders");
    t.lines(&["tr a-z A-Z <<X", "loud", "X"]);
    t.run("wc -w <<< 'three small words'");
}

fn functions(t: &mut Typist) {
    t.lines(&["moor() {", "  local rope=$1", "  echo \"moored with $rope\"", "}"]);
    t.run("moor hemp");
    t.lines(&["(", "cd /", "pwd", ")"]);
    t.lines(&["{ echo left", "echo right; }"]);
    t.run("unset -f moor");
    // Given up in the second line: nothing ran.
    t.text("for i in 1 2; do");
    t.press_enter();
    t.settle();
    t.text("echo $");
    t.keys(&[control('c')]);
    t.ready();
    t.remembered(&["for i in 1 2; do"]);
    t.run("echo over");
}

fn wrap_long(t: &mut Typist) {
    t.run("echo this line is so long that a narrow terminal has to show it in more than one row of fifty");
    t.run("echo a aa aaa aaaa aaaaa aaaaaa aaaaaaa aaaaaaaa aaaaaaaaa aaaaaaaaaa aaaaaaaaaaa aaaaaaaaaaaa aaaaaaaaaaaaa aaaaaaaaaaaaaa | wc -w");
    t.keys(&[UP]);
    t.enter("echo a aa aaa aaaa aaaaa aaaaaa aaaaaaa aaaaaaaa aaaaaaaaa aaaaaaaaaa aaaaaaaaaaa aaaaaaaaaaaa aaaaaaaaaaaaa aaaaaaaaaaaaaa | wc -w");
    t.run("printf '%s\\n' 'words with    many      blanks       across      the edge of it'");
    t.run("echo short");
}

fn wrap_last_column(t: &mut Typist) {
    // 40 columns, 2 of prompt: rows that end one before, exactly at, and one behind the last column.
    for width in [37, 38, 39] {
        let command = format!("echo {}", "x".repeat(width - 5));
        t.run(&command);
    }
    t.run(&format!("echo {}", "y".repeat(38 + 40 - 5)));
    t.run(&format!("echo {} z", "w".repeat(38 - 6)));
    // The blank stands exactly in the last column.
    t.run("echo 2345678901234567890123456789012345 behind");
    t.run("ls");
}

fn wrap_edit(t: &mut Typist) {
    t.text("echo one two three four five six seven eight nine ten eleven");
    t.keys(&[HOME]);
    t.text("time ");
    t.keys(&[END]);
    t.text(" twelve");
    t.enter("time echo one two three four five six seven eight nine ten eleven twelve");
    t.keys(&[UP, control('w'), control('w'), control('w'), control('w'), control('w'), control('w')]);
    t.enter("time echo one two three four five six ");
    t.text("echo a line that wraps and then is cut back to");
    t.times(12, BACKSPACE);
    t.enter("echo a line that wraps and then is");
    t.text("echo aaaa bbbb cccc dddd eeee ffff gggg hhhh");
    t.times(20, LEFT);
    t.text("XX ");
    t.enter("echo aaaa bbbb cccc dddd XX eeee ffff gggg hhhh");
}

fn wrap_at_bottom(t: &mut Typist) {
    t.run("seq 9");
    t.run("echo the screen has six rows and this line takes two of them");
    t.run("echo and this one scrolls the first of its rows away, because it is longer than all that there is: one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen");
    t.run("echo small");
}

fn paste_one(t: &mut Typist) {
    t.paste("echo pasted in one go");
    t.enter("echo pasted in one go");
    t.text("ls ");
    t.paste("-la /srv/mara");
    t.enter("ls -la /srv/mara");
    t.paste("echo with enter");
    t.keys(&[LEFT, LEFT, LEFT, LEFT, LEFT]);
    t.paste("an ");
    t.enter("echo with an enter");
    t.paste("echo    blanks   inside  ");
    t.enter("echo    blanks   inside  ");
}

fn paste_lines(t: &mut Typist) {
    t.paste("echo first of two\necho second of two");
    // One Enter, but each line is an entry of its own in the shell's history.
    t.enter("echo first of two\necho second of two");
    t.forgotten();
    t.remembered(&["echo first of two", "echo second of two"]);
    t.paste("cd /\npwd\ncd\n");
    t.enter("cd /\npwd\ncd\n");
    t.forgotten();
    t.remembered(&["cd /", "pwd", "cd"]);
    t.paste("for i in 1 2\ndo\n  echo pasted $i\ndone");
    t.enter("for i in 1 2\ndo\n  echo pasted $i\ndone");
    t.run("echo typed");
}

fn paste_raw(t: &mut Typist) {
    t.at_once("echo raw\r");
    t.label("echo raw");
    t.ready();
    t.at_once("echo raw one\recho raw two\recho raw three\r");
    for command in ["echo raw one", "echo raw two", "echo raw three"] {
        t.label(command);
    }
    t.ready();
    t.at_once("echo without its end");
    t.enter("echo without its end");
    t.run("echo typed");
}

fn paste_long(t: &mut Typist) {
    let command = "find /srv/mara -maxdepth 2 -type f -name '*.rope' -o -name '*.chain' -not -path '*/old/*' -printf '%p %s\\n' 2>/dev/null | sort -k2 -n | head -n 5 | sed 's/^/found: /'";
    t.paste(command);
    t.enter(command);
    t.paste("cat <<'TABLE'\nship        berth   depth\nalbatross   3       7\npetrel      1       4\nTABLE");
    t.enter("cat <<'TABLE'\nship        berth   depth\nalbatross   3       7\npetrel      1       4\nTABLE");
    t.run("echo ok");
}

fn wide(t: &mut Typist) {
    t.run("echo 漁港の船");
    t.run("mkdir Häfen && ls -d H*");
    t.text("echo 鯖鮪鰹");
    t.keys(&[BACKSPACE]);
    t.text("鯛");
    t.enter("echo 鯖鮪鯛");
    t.text("echo 船");
    t.keys(&[LEFT]);
    t.text("小");
    t.enter("echo 小船");
    t.run("echo 'Ångström — naïve “quotes”'");
    t.run("echo Привет, причал");
}

fn combining(t: &mut Typist) {
    t.run("echo cafe\u{301} au lait");
    t.run("echo ⛵ and 🚢 and 🐟");
    t.run("echo ½ ≠ ∞");
    t.text("echo 🚢🚢🚢");
    t.keys(&[BACKSPACE]);
    t.text(" sailed");
    t.enter("echo 🚢🚢 sailed");
    t.run("echo שלום");
}

fn wide_wrap(t: &mut Typist) {
    t.run("echo 港港港港港港港港港港港港港港港港");
    t.run("echo x港港港港港港港港港港港港港港港港港港港港");
    t.run("echo plain");
    t.run("echo 🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟🐟 end");
}
