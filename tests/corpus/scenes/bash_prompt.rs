//! bash with prompts of every kind, the same kind of work under each.

use casemate_tests::Typist;

use crate::scene::{Scene, Shell};

const FILES: [(&str, &str); 3] = [
    ("cargo/manifest.csv", "crate,kilos\nherring,40\nrope,12\n"),
    ("cargo/notes.txt", "tide table\nhigh 06:12\nlow 12:25\n"),
    ("tides.log", "ok\nok\nlate\nok\n"),
];

fn bash(name: &'static str, ready: &'static str, play: fn(&mut Typist)) -> Scene {
    FILES
        .iter()
        .fold(Scene::new(name, Shell::Bash, ready, play), |scene, (path, content)| scene.file(path, content))
}

fn look_around(t: &mut Typist) {
    t.run("ls -F");
    t.run("wc -l cargo/manifest.csv tides.log");
    t.run("grep -c ok tides.log && echo counted");
    t.run("nosuchtool --version");
    t.run("head -n 2 cargo/notes.txt | tr a-z A-Z");
    t.run("true");
}

fn walk(t: &mut Typist) {
    t.run("mkdir -p berth/two");
    t.run("cd berth/two");
    t.run("touch a.lst b.lst; ls");
    t.run("cd -");
    t.run("rmdir berth/two");
    t.run("cd cargo && pwd");
    t.run("cat manifest.csv");
}

fn variables(t: &mut Typist) {
    t.run("depth=14");
    t.run("echo \"depth is $depth\"");
    t.run("for d in 3 5 8; do echo $((d * depth)); done");
    t.run("false");
    t.run("echo status $?");
    t.run("export depth; env | grep ^depth");
}

fn pipes(t: &mut Typist) {
    t.run("cut -d, -f2 cargo/manifest.csv | tail -n +2 | sort -n");
    t.run("sort tides.log | uniq -c | sort -rn > summary");
    t.run("cat summary");
    t.run("[ -s summary ] || echo empty");
    t.run("awk -F, 'NR > 1 { s += $2 } END { print s }' cargo/manifest.csv");
    t.run("tail -n1 < tides.log");
}

const GIT_RC: &str = r#"
branch() { printf ' (%s)' main; }
PS1='\[\e[36m\]\t\[\e[0m\] [$?] \w$(branch) \$ '
"#;
const POWERLINE: &str = r"
PS1='\[\e[48;5;24m\e[97m\] \u \[\e[48;5;238m\e[38;5;24m\]GLYPH\[\e[97m\] \w \[\e[0m\e[38;5;238m\]GLYPH\[\e[0m\] '
";
const STARSHIP: &str = r#"
draw() {
  local code=$?
  local mark='\[\e[1;32m\]❯\[\e[0m\]'
  [ $code = 0 ] || mark='\[\e[1;31m\]❯\[\e[0m\]'
  PS1="\n\[\e[1;36m\]\W\[\e[0m\] on \[\e[1;35m\]BRANCH main\[\e[0m\] [\[\e[1;31m\]!?\[\e[0m\]] via \[\e[1;33m\]🦀 v1.95\[\e[0m\]\n$mark "
}
PROMPT_COMMAND=draw
"#;
const CLOCK: &str = r"
PS1='\[\e7\e[1;71H\e[7m\t\e[0m\e8\]\u:\W\$ '
";
const RIGHT_CLOCK: &str = r#"
PS1='\[\e[s\e[$((COLUMNS-9))C\e[2m\A\e[0m\e[u\]deck \W \$ '
"#;
const MARKS: &str = r#"
PS1='\[\e]133;A\a\]\u@\h:\w\$ \[\e]133;B\a\]'
PS2='\[\e]133;A;k=s\a\]> \[\e]133;B\a\]'
PS0='\e]133;C\a'
PROMPT_COMMAND='printf "\e]133;D;%s\a\e]7;file://%s%s\a" "$?" "$HOSTNAME" "$PWD"'
"#;
const TITLE: &str = r#"
PS1='\[\e]0;\u@\h: \w\a\]\[\e[01;32m\]\u@\h\[\e[00m\]:\[\e[01;34m\]\w\[\e[00m\]\$ '
PS0='\e]2;running\a'
"#;

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("bash-plain", "~$ ", look_around),
        bash("bash-git-time-code", "$ ", walk).rc(GIT_RC),
        bash("bash-two-lines", "└─▶ ", variables).rc("PS1='┌─[\\u@\\h]─[\\w]\\n└─▶ '"),
        bash("bash-powerline", "\u{e0b0} ", pipes).rc(&POWERLINE.replace("GLYPH", "\u{e0b0}")),
        bash("bash-emoji", "⚓ ", look_around).rc("PS1='🌊⚓ '"),
        bash("bash-emoji-joined", "» ", variables).rc("PS1='👩‍💻 \\W » '"),
        bash("bash-coloured", "$ ", pipes)
            .rc("PS1='\\[\\e[1;33m\\]\\u\\[\\e[0m\\] at \\[\\e[34m\\]\\h\\[\\e[0m\\] \\[\\e[2m\\]\\w\\[\\e[0m\\] $ '"),
        bash("bash-bare", "$ ", walk).rc("PS1='$ '"),
        bash("bash-folder-only", "> ", walk).rc("PS1='\\W> '"),
        bash("bash-corner-clock", "$ ", look_around).rc(CLOCK),
        bash("bash-right-clock", "$ ", variables).rc(RIGHT_CLOCK),
        bash("bash-prompt-command", "$ ", walk)
            .rc("PROMPT_COMMAND='jobs_now=$(jobs | wc -l); printf \"\\e]0;%s\\a\" \"$PWD\"'\nPS1='{$jobs_now} \\W $ '"),
        bash("bash-status-line-above", "# ", pipes)
            .rc("PROMPT_COMMAND='echo \"-- last: $? --\"'\nPS1='(\\u) # '"),
        bash("bash-vi", ":~$ ", vi_mode).rc("set -o vi"),
        bash("bash-vi-shown", ":~$ ", vi_mode).rc("set -o vi\nbind 'set show-mode-in-prompt on'"),
        bash("bash-dumb", "$ ", look_around).env("TERM", "dumb"),
        bash("bash-vt100", "$ ", pipes).env("TERM", "vt100"),
        bash("bash-norc", "bash-5.2$ ", variables).args(&["bash", "--norc", "-i"]),
        bash("bash-noediting", "$ ", plain_terminal).args(&["bash", "--noediting", "-i"]),
        bash("bash-no-brackets", "$ ", walk).rc("bind 'set enable-bracketed-paste off'"),
        bash("bash-starship-like", "❯ ", look_around).rc(&STARSHIP.replace("BRANCH", "\u{e0a0}")),
        bash("bash-blank-line-before", "λ ", walk).rc("PS1='\\n\\w\\nλ '"),
        bash("bash-percent", "% ", pipes).rc("PS1='\\h% '"),
        bash("bash-root", "# ", look_around).user("root"),
        bash("bash-long-prompt", "$ ", variables)
            .rc("PS1='[\\u on \\h in \\w, the second of the long quays by the harbour] $ '"),
        bash("bash-counter", "$ ", walk).rc("PS1='\\#:\\! \\u$ '").rec(&["--output-format", "asciicast-v3"]),
        bash("bash-colon-prompt", ": ", look_around).rc("PS1='\\u: '"),
        bash("bash-word-prompt", "ahoy ", variables).rc("PS1='ahoy '"),
        bash("bash-angle-three", ">>> ", pipes).rc("PS1='>>> '"),
        bash("bash-marks", "$ ", with_marks).rc(MARKS),
        bash("bash-title", "$ ", walk).rc(TITLE),
        bash("bash-blue-input", "$ ", variables).rc("PS1='\\u \\$ \\[\\e[1;34m\\]'\nPS0='\\e[0m'"),
        bash("bash-narrow", "$ ", look_around).size(38, 12),
        bash("bash-login", "~$ ", pipes).args(&["bash", "-l"]),
    ]
}

fn vi_mode(t: &mut Typist) {
    t.run("echo first");
    // Removes the word and writes another, in command mode.
    t.text("echo wrong tail");
    t.keys(&["\x1b", "b", "b", "c", "w"]);
    t.text("right");
    t.keys(&["\x1b", "$"]);
    t.enter("echo right tail");
    t.keys(&["\x1b", "k", "k", "A"]);
    t.text(" again");
    t.enter("echo first again");
    t.text("rubbish");
    t.keys(&["\x1b", "d", "d", "i"]);
    t.run("ls cargo");
    t.text("cat tides.log");
    t.keys(&["\x1b", "0", "i"]);
    t.text("time ");
    t.enter("time cat tides.log");
}

fn plain_terminal(t: &mut Typist) {
    t.run("ls -F");
    t.text("echo mistkae");
    t.times(3, "\x7f");
    t.text("ake");
    t.enter("echo mistake");
    t.text("all of this goes");
    t.keys(&["\x15"]);
    t.run("echo kept");
    t.text("echo one two");
    t.keys(&["\x17"]);
    t.text("three");
    t.enter("echo one three");
    t.run("cat tides.log");
}

fn with_marks(t: &mut Typist) {
    t.run("ls -F");
    t.run("cd cargo");
    t.run("false");
    t.lines(&["for n in 1 2", "do echo $n", "done"]);
    t.text("abandoned");
    t.keys(&["\x03"]);
    t.press_enter();
    t.ready();
    t.run("sort manifest.csv");
}
