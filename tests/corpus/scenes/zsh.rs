//! zsh: right prompts, transient prompts, suggestions, highlighting, menus.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, DOWN, ESCAPE, LEFT, RIGHT, TAB, UP, alt, control};

use crate::scene::{Scene, Shell};

fn zsh(name: &'static str, ready: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Zsh, ready, play)
        .file("nets/large.txt", "40 fathoms\n")
        .file("nets/little.txt", "4 fathoms\n")
        .file("winch.conf", "speed=3\nbrake=on\n")
}

const SUGGEST: &str = "/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh";
const HIGHLIGHT: &str = "/usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh";
const SUGGEST_RC: &str = ". /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh";
const HIGHLIGHT_RC: &str = ". /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh";
const TRANSIENT: &str = r#"
full='%F{cyan}%~%f at %F{yellow}%T%f
%F{green}❯%f '
PROMPT=$full
shrink() { PROMPT='%F{green}❯%f '; RPROMPT=; zle reset-prompt; }
zle -N zle-line-finish shrink
precmd() { PROMPT=$full; RPROMPT='%F{8}%n@%m%f'; }
"#;
const MARKS: &str = r#"
precmd() { print -n "\e]133;D;$?\a\e]7;file://$HOST$PWD\a"; }
preexec() { print -n "\e]133;C\a"; }
PROMPT=$'%{\e]133;A\a%}%n:%1~ %# %{\e]133;B\a%}'
"#;

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        zsh("zsh-plain", "% ", daily),
        zsh("zsh-right-prompt", "% ", editing).rc("RPROMPT='%F{8}[%?] %*%f'"),
        zsh("zsh-right-prompt-stays", "> ", wrapping).rc("PROMPT='%m> '\nRPROMPT='<%~>'").size(60, 20),
        zsh("zsh-transient", "❯ ", daily).rc(TRANSIENT),
        zsh("zsh-two-lines", "╰─λ ", lines).rc("PROMPT=$'╭─%n in %~\\n╰─λ '"),
        zsh("zsh-lines", "% ", lines),
        zsh("zsh-suggestions", "% ", suggestions).rc(SUGGEST_RC).needs(&[SUGGEST]),
        zsh("zsh-suggestions-ignored", "➜ ", suggestions_ignored)
            .rc(&format!("PROMPT='%F{{blue}}%1~%f ➜ '\n{SUGGEST_RC}"))
            .needs(&[SUGGEST]),
        zsh("zsh-highlighting", "% ", editing).rc(HIGHLIGHT_RC).needs(&[HIGHLIGHT]),
        zsh("zsh-everything", "❯ ", everything)
            .rc(&format!(
                "PROMPT=$'\\n%F{{magenta}}%~%f\\n❯ '\nRPROMPT='%D{{%H:%M:%S}}'\n{SUGGEST_RC}\n{HIGHLIGHT_RC}"
            ))
            .needs(&[SUGGEST, HIGHLIGHT]),
        zsh("zsh-vi", "% ", vi_mode).rc("bindkey -v\nKEYTIMEOUT=5"),
        zsh("zsh-menu", "% ", menu)
            .rc("autoload -Uz compinit; compinit -u -d ~/.zcompdump\nzstyle ':completion:*' menu select"),
        zsh("zsh-complete-list", "$ ", list)
            .rc("PROMPT='$ '\nautoload -Uz compinit; compinit -u -d ~/.zcompdump"),
        zsh("zsh-history", "% ", history),
        zsh("zsh-interrupt", "% ", interrupt),
        zsh("zsh-no-newline", "% ", no_newline),
        zsh("zsh-paste", "% ", paste),
        zsh("zsh-wide", "魚 ", wide).rc("PROMPT='魚 '"),
        zsh("zsh-correct", "% ", correct).rc("setopt CORRECT\nSPROMPT='%R is %r? [nyae] '"),
        zsh("zsh-marks", "% ", daily).rc(MARKS),
        zsh("zsh-f", "gannet% ", plain).args(&["zsh", "-f", "-i"]).forgets(),
        zsh("zsh-dumb", "% ", plain).env("TERM", "dumb"),
        zsh("zsh-jobs", "% ", jobs),
        zsh("zsh-resize", "% ", resize),
        zsh("zsh-status-prompt", "# ", daily).rc("PROMPT='%(?.ok.%?) %h # '"),
        zsh("zsh-root", "# ", plain).user("root"),
    ]
}

fn daily(t: &mut Typist) {
    t.run("ls -F");
    t.run("cd nets");
    t.run("wc -l *.txt");
    t.run("cat missing.txt");
    t.run("cd ..; pwd");
    t.run("grep speed winch.conf | cut -d= -f2");
    t.press_enter();
    t.ready();
    t.run("# a remark");
}

fn plain(t: &mut Typist) {
    t.run("ls");
    t.run("echo one two");
    t.text("ehco");
    t.times(3, BACKSPACE);
    t.text("cho x");
    t.enter("echo x");
    t.run("cat winch.conf");
}

fn editing(t: &mut Typist) {
    t.text("echo sprign");
    t.times(2, BACKSPACE);
    t.text("ng");
    t.enter("echo spring");
    t.text("cat conf");
    t.keys(&[alt('b')]);
    t.text("winch.");
    t.enter("cat winch.conf");
    t.text("nothing of this");
    t.keys(&[control('u')]);
    t.run("echo 'quoted text' \"and $((2+3))\" | tr a-z A-Z");
    t.text("echo middle");
    t.keys(&[control('a')]);
    t.times(5, RIGHT);
    t.text("the ");
    t.enter("echo the middle");
    t.text("echo three words here");
    t.keys(&[control('w'), control('w')]);
    t.text("left");
    t.keys(&[LEFT, LEFT]);
    t.enter("echo three left");
}

fn wrapping(t: &mut Typist) {
    t.run("echo so long that the prompt on the right has to make way for what is typed on the left");
    t.run("echo short");
    // As far as the right prompt, and no further.
    t.text("echo 0123456789 0123456789 0123456789 0123456789");
    t.times(11, BACKSPACE);
    t.enter("echo 0123456789 0123456789 0123456789");
    t.run("ls nets");
}

fn lines(t: &mut Typist) {
    t.lines(&["for x in hook line", "do", "echo $x", "done"]);
    t.lines(&["echo 'one", "two'"]);
    t.lines(&["cat <<EOT", "a b", "EOT"]);
    t.run("echo single");
    t.lines(&["echo left \\", "right"]);
    t.lines(&["sink() {", "echo \"sinking $1\"", "}"]);
    t.run("sink slowly");
    t.keys(&[UP, UP]);
    t.enter("sink() {\necho \"sinking $1\"\n}");
}

fn suggestions(t: &mut Typist) {
    t.run("echo the whole suggestion is taken");
    t.run("ls nets");
    t.text("echo the wh");
    t.settle();
    t.keys(&[RIGHT]);
    t.enter("echo the whole suggestion is taken");
    t.text("echo the");
    t.settle();
    t.keys(&[alt('f'), alt('f')]);
    t.settle();
    t.enter("echo the whole ");
    t.text("ls n");
    t.settle();
    t.keys(&[control('e')]);
    t.text("/large.txt");
    t.enter("ls nets/large.txt");
}

fn suggestions_ignored(t: &mut Typist) {
    t.run("echo a long line that will be offered again");
    t.run("cat winch.conf");
    t.text("echo a");
    t.settle();
    t.enter("echo a");
    t.text("cat");
    t.settle();
    t.text(" nets/little.txt");
    t.enter("cat nets/little.txt");
    t.text("c");
    t.settle();
    t.text("d");
    t.settle();
    t.enter("cd");
    t.text("cat w");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("true");
}

fn everything(t: &mut Typist) {
    t.run("echo hoist");
    t.text("echo hois");
    t.settle();
    t.keys(&[RIGHT]);
    t.text(" sail");
    t.enter("echo hoist sail");
    t.text("nosuch --flag 'open");
    t.press_enter();
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.remembered(&["nosuch --flag 'open"]);
    t.lines(&["if true; then", "echo 'yes'", "fi"]);
    t.run("ls -l nets | tail -n 1");
    t.press_enter();
    t.ready();
    t.text("echo h");
    t.settle();
    t.enter("echo h");
}

fn vi_mode(t: &mut Typist) {
    t.run("echo insert mode");
    t.text("echo two wrods");
    t.keys(&[ESCAPE, "b", "c", "w"]);
    t.text("words");
    t.keys(&[ESCAPE]);
    t.enter("echo two words");
    t.keys(&[ESCAPE, "k", "k", "$"]);
    t.keys(&["x", "x", "a"]);
    t.text("st");
    t.enter("echo insert most");
    t.run("ls");
}

fn menu(t: &mut Typist) {
    t.text("cat nets/l");
    t.keys(&[TAB, TAB]);
    t.settle();
    t.keys(&[DOWN]);
    t.settle();
    t.keys(&["\r"]);
    t.settle();
    t.enter("cat nets/little.txt");
    t.text("cat nets/");
    t.keys(&[TAB, TAB, TAB]);
    t.settle();
    t.keys(&[control('g')]);
    t.settle();
    t.keys(&[control('u')]);
    t.run("echo menu left");
    t.text("ls win");
    t.keys(&[TAB]);
    t.enter("ls winch.conf ");
}

fn list(t: &mut Typist) {
    t.text("cat nets/");
    t.keys(&[TAB]);
    t.settle();
    t.text("i");
    t.keys(&[TAB]);
    t.enter("cat nets/little.txt ");
    t.text("wc -c ne");
    t.keys(&[TAB]);
    t.text("la");
    t.keys(&[TAB]);
    t.enter("wc -c nets/large.txt ");
    t.run("echo no list");
}

fn history(t: &mut Typist) {
    t.run("echo anchor");
    t.run("echo bollard");
    t.keys(&[UP, UP]);
    t.enter("echo anchor");
    t.keys(&[control('r')]);
    t.text("boll");
    t.settle();
    t.enter("echo bollard");
    t.keys(&[UP]);
    t.keys(&[control('w')]);
    t.text("capstan");
    t.enter("echo capstan");
    t.keys(&[control('r')]);
    t.text("anch");
    t.settle();
    t.keys(&[control('g')]);
    t.run("echo cleat");
    t.text("cat ");
    t.keys(&[alt('.')]);
    t.keys(&[control('u')]);
    t.run("true");
}

fn interrupt(t: &mut Typist) {
    t.text("rm -rf nets");
    t.keys(&[control('c')]);
    t.ready();
    t.run("ls nets");
    t.start("sleep 30");
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.text("echo 'open");
    t.press_enter();
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.remembered(&["echo 'open"]);
    t.run("echo closed");
}

fn no_newline(t: &mut Typist) {
    t.run("printf 'open end'");
    t.run("echo closed end");
    t.run("print -n x");
    t.run("unsetopt PROMPT_SP");
    t.run("print -n overwritten");
    t.run("setopt PROMPT_SP");
    t.run("ls");
}

fn paste(t: &mut Typist) {
    t.paste("echo pasted");
    t.enter("echo pasted");
    t.paste("echo first\necho second");
    t.enter("echo first\necho second");
    t.text("ls ");
    t.paste("nets/large.txt");
    t.enter("ls nets/large.txt");
}

fn wide(t: &mut Typist) {
    t.run("echo 大漁");
    t.text("echo 海鮮丼");
    t.times(2, BACKSPACE);
    t.text("女");
    t.enter("echo 海女");
    t.run("echo fado e canção");
    t.run("echo 🐙 eight arms");
}

fn correct(t: &mut Typist) {
    t.run("ls");
    t.text("sl-does-not-exist");
    t.enter("sl-does-not-exist");
    t.text("ehco corrected");
    t.press_enter();
    t.ask("[nyae]");
    t.keys(&["n"]);
    t.label("ehco corrected");
    t.ready();
    t.run("echo end");
}

fn jobs(t: &mut Typist) {
    t.start("sleep 20");
    t.settle();
    t.keys(&[control('z')]);
    t.ready();
    t.run("jobs");
    t.run("kill %1");
    t.run("(sleep 0.7; print from below) &");
    t.text("echo while ");
    t.see("from below");
    t.text("typing");
    t.enter("echo while typing");
    t.start("sleep 0.7");
    t.text("echo ahead");
    t.press_enter();
    t.taken("\nahead", &["echo ahead"]);
    t.ready();
}

fn resize(t: &mut Typist) {
    t.run("echo wide");
    t.text("echo typed before ");
    t.session.resize(60, 20);
    t.settle_quietly();
    t.text("and after");
    t.enter("echo typed before and after");
    t.session.resize(100, 24);
    t.settle_quietly();
    t.run("echo large");
}
