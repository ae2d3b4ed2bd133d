//! Shells in shells, `exec`, `script`, tmux and screen.

use casemate_tests::Typist;
use casemate_tests::typist::keys::control;

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("nested-bash", nested_bash),
        bash("nested-zsh-and-dash", zsh_and_dash).forgets(),
        bash("nested-same-prompt", same_prompt).rc("PS1='$ '"),
        bash("nested-prompt-changes", prompt_changes),
        bash("nested-exec", exec).ends_itself(),
        bash("nested-script", script),
        bash("nested-subshell-command", command_line),
        Scene::new("nested-zsh-bash", Shell::Zsh, "% ", zsh_bash),
        Scene::new("nested-fish-bash", Shell::Fish, "> ", fish_bash),
        bash("tmux-new", tmux).file(".tmux.conf", "set -g status-right ''\nset -g status-left ''\n"),
        bash("tmux-panes", tmux_panes).file(".tmux.conf", "set -g status off\n").rc("PS1='$ '").forgets(),
        bash("screen-new", screen)
            .file(".screenrc", "startup_message off\ndefscrollback 100\n")
            .rc("export SCREENDIR=$HOME/.screen; mkdir -m 700 -p $SCREENDIR"),
    ]
}

fn nested_bash(t: &mut Typist) {
    t.run("echo outside");
    t.start("bash --norc");
    t.nest("bash-5.2$ ");
    t.ready();
    t.run("echo inside");
    t.text("PS1='inside % '");
    t.prompt_is("inside % ");
    t.enter("PS1='inside % '");
    t.exit();
    t.run("echo outside again");
    t.start("bash");
    t.nest("$ ");
    t.ready();
    t.run("echo looks the same");
    t.keys(&[control('d')]);
    t.leave();
    t.ready();
    t.run("echo $SHLVL");
}

fn zsh_and_dash(t: &mut Typist) {
    t.start("zsh -f");
    t.nest("gannet% ");
    t.ready();
    t.run("print in zsh");
    t.start("dash");
    t.nest("$ ");
    t.ready();
    t.run("echo in dash");
    t.exit();
    t.run("print in zsh again");
    t.exit();
    t.run("echo in bash");
}

fn same_prompt(t: &mut Typist) {
    t.run("echo top");
    t.start("sh");
    t.nest("$ ");
    t.ready();
    t.run("echo below");
    t.forgotten();
    t.start("exit");
    t.forgotten();
    t.leave();
    t.ready();
    t.run("echo top again");
}

fn prompt_changes(t: &mut Typist) {
    t.text("PS1='one> '");
    t.prompt_is("one> ");
    t.enter("PS1='one> '");
    t.run("echo first");
    t.text("PS1='[\\w] two: '");
    t.prompt_is("two: ");
    t.enter("PS1='[\\w] two: '");
    t.run("echo second");
    t.run("cd /srv");
    t.text("PS1=$'\\n\\\\u\\n% '");
    t.prompt_is("% ");
    t.enter("PS1=$'\\n\\\\u\\n% '");
    t.run("echo third");
    t.text("PS1='✔ '");
    t.prompt_is("✔ ");
    t.enter("PS1='✔ '");
    t.run("echo fourth");
}

fn exec(t: &mut Typist) {
    t.run("echo before");
    t.text("exec bash --norc");
    t.commit("exec bash --norc");
    t.prompt_is("bash-5.2$ ");
    t.ready();
    t.run("echo replaced");
    t.text("exec true");
    t.commit("exec true");
}

fn script(t: &mut Typist) {
    t.start("script -q typescript");
    t.nest("$ ");
    t.ready();
    t.run("echo recorded twice");
    t.run("ls -d /srv");
    t.exit();
    t.run("wc -l < typescript > /dev/null");
    t.run("script -qc 'echo one command' /dev/null");
    t.run("echo done");
}

fn command_line(t: &mut Typist) {
    t.run("bash -c 'echo not interactive'");
    t.run("(cd /; pwd)");
    t.run("sh -c 'for i in 1 2; do echo $i; done'");
    t.run("eval 'echo evaluated'");
    t.run("env -i /bin/sh -c 'echo bare'");
    t.run("echo 'echo from a pipe' | sh");
}

fn zsh_bash(t: &mut Typist) {
    t.run("print zsh");
    t.start("bash");
    t.nest("$ ");
    t.ready();
    t.run("echo bash");
    t.exit();
    t.run("print zsh again");
}

fn fish_bash(t: &mut Typist) {
    t.run("echo fish");
    t.start("bash");
    t.nest("$ ");
    t.ready();
    t.run("echo bash");
    t.exit();
    t.run("echo fish again");
}

fn tmux(t: &mut Typist) {
    t.run("echo before");
    t.start("tmux -u new -s watch");
    t.nest("$ ");
    t.ready();
    t.run("echo in tmux");
    t.run("ls -d /srv");
    t.run("seq 30");
    t.run("echo scrolled");
    t.exit();
    t.run("echo after");
}

fn tmux_panes(t: &mut Typist) {
    t.start("tmux -u");
    t.nest("$ ");
    t.ready();
    t.run("echo first window");
    t.keys(&[control('b'), "c"]);
    t.ready();
    t.run("echo second window");
    t.start("exit");
    t.ready();
    t.run("echo first again");
    t.exit();
    t.run("echo out");
}

fn screen(t: &mut Typist) {
    t.run("echo before");
    t.start("screen -U");
    t.nest("$ ");
    t.ready();
    t.run("echo in screen");
    t.run("ls -d /srv");
    t.exit();
    t.run("echo after");
}
