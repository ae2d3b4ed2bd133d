//! Questions, secrets, editors, pagers and menus: what is typed there is no command.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{DOWN, ESCAPE, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("ask-read", read),
        bash("ask-read-secret", read_secret),
        bash("ask-select", select),
        bash("ask-rm", rm).file("one.txt", "1\n").file("two.txt", "2\n"),
        bash("ask-install", install).file("install", INSTALL),
        bash("ask-passphrase", passphrase),
        Scene::new("ask-password-twice", Shell::Bash, "# ", password_twice).user("root"),
        bash("ask-one-key", one_key),
        bash("full-less", less),
        bash("full-vim", vim).needs(&["vim"]),
        bash("full-vim-shell", vim_shell).needs(&["vim"]),
        bash("full-nano", nano).needs(&["nano"]),
        bash("full-top", top).needs(&["top"]),
        bash("full-fzf", fzf).needs(&["fzf"]),
        bash("full-menu", menu).needs(&["whiptail"]),
        bash("full-man-page", man).needs(&["less"]),
        Scene::new("full-from-zsh", Shell::Zsh, "% ", from_zsh).needs(&["vim"]),
        Scene::new("full-from-fish", Shell::Fish, "> ", from_fish).needs(&["vim"]),
    ]
}

const INSTALL: &str = "\
#!/bin/sh
echo 'Reading package lists... Done'
echo 'The following NEW packages will be installed: foghorn'
printf 'Do you want to continue? [Y/n] '
read answer
case $answer in n*) echo Abort.; exit 1;; esac
for p in 20 40 60 80 100; do printf '\\rProgress: [%3s%%]' $p; sleep 0.05; done
echo; echo 'Setting up foghorn (2.1) ...'
";

fn read(t: &mut Typist) {
    t.start("read -p 'Ship: ' ship");
    t.ask("Ship: ");
    t.tell("bash", "Petrel");
    t.ready();
    t.run("echo $ship");
    t.start("read a b");
    t.settle();
    t.tell("bash", "rm everything");
    t.ready();
    t.start("while read -p 'item: ' item && [ -n \"$item\" ]; do echo \"- $item\"; done");
    t.ask("item: ");
    t.tell("bash", "rope");
    t.ask("item: ");
    t.tell("bash", "tar");
    t.ask("item: ");
    t.press_enter();
    t.ready();
    t.run("echo end");
}

fn read_secret(t: &mut Typist) {
    t.start("read -s -p 'Code: ' code; echo");
    t.secret("Spindrift-code5");
    t.ready();
    t.run("echo ${#code}");
    t.start("read -s again");
    t.secret("Spindrift-code5");
    t.ready();
    t.run("[ \"$code\" = \"$again\" ] && echo same");
    t.start("stty -echo; read word; stty echo");
    t.secret("Spindrift-code5");
    t.ready();
    t.run("echo visible");
}

fn select(t: &mut Typist) {
    t.start("select side in port starboard; do echo \"to $side\"; break; done");
    t.ask("#? ");
    t.tell("bash", "2");
    t.ready();
    t.run("echo $side");
}

fn rm(t: &mut Typist) {
    t.start("rm -i one.txt two.txt");
    t.ask("'one.txt'? ");
    t.tell("rm", "y");
    t.ask("'two.txt'? ");
    t.tell("rm", "n");
    t.ready();
    t.run("ls *.txt");
    t.start("cp -i two.txt two.txt.bak; mv -i two.txt two.txt.bak");
    t.ask("'two.txt.bak'? ");
    t.tell("mv", "n");
    t.ready();
    t.run("ls *.bak");
}

fn install(t: &mut Typist) {
    t.start("./install");
    t.ask("[Y/n] ");
    t.tell("install", "n");
    t.ready();
    t.start("./install foghorn");
    t.ask("[Y/n] ");
    t.press_enter();
    t.ready();
    t.run("echo installed");
}

fn passphrase(t: &mut Typist) {
    t.start("ssh-keygen -q -t ed25519 -f key");
    t.secret("Spindrift-code5");
    t.settle();
    t.secret("Spindrift-code5");
    t.ready();
    t.run("ls key key.pub");
    t.start("ssh-keygen -y -f key");
    t.secret("Wrong-spindrift6");
    t.ready();
    t.run("rm key key.pub");
}

fn password_twice(t: &mut Typist) {
    t.start("passwd olaf");
    t.secret("Spindrift-code5");
    t.settle();
    t.secret("Spindrift-code5");
    t.ready();
    t.run("passwd -S olaf | cut -c 1-6");
    t.start("passwd olaf");
    t.secret("Spindrift-code5");
    t.settle();
    t.secret("Wrong-spindrift6");
    t.ready();
    t.run("echo done");
}

fn one_key(t: &mut Typist) {
    t.start("read -n 1 -p 'Go on? ' key");
    t.ask("on? ");
    t.keys(&["y"]);
    t.ready();
    t.run("echo $key");
    t.start("read -t 1 -p 'Quick: ' quick");
    t.ask("Quick: ");
    t.ready();
    t.run("echo ${quick:-nothing}");
}

fn less(t: &mut Typist) {
    t.start("seq 200 | less");
    t.see("20");
    t.keys(&[" ", " ", "b"]);
    t.text("/150");
    t.press_enter();
    t.see("150");
    t.keys(&["q"]);
    t.ready();
    t.run("echo read");
    t.start("less /etc/hosts");
    t.see("tern");
    t.keys(&["q"]);
    t.ready();
    t.run("ls");
}

fn vim(t: &mut Typist) {
    t.start("vim log.txt");
    t.settle();
    t.keys(&["i"]);
    t.text("$ not a command");
    t.press_enter();
    t.text("mara@gannet:~$ neither");
    t.keys(&[ESCAPE]);
    t.text(":wq");
    t.press_enter();
    t.ready();
    t.run("cat log.txt");
    t.start("vim -R log.txt");
    t.settle();
    t.text(":q!");
    t.press_enter();
    t.ready();
    t.run("echo out");
}

fn vim_shell(t: &mut Typist) {
    t.start("vim -u NONE log.txt");
    t.settle();
    t.text(":!echo from below");
    t.press_enter();
    t.see("Press ENTER");
    t.press_enter();
    t.settle();
    t.text(":q");
    t.press_enter();
    t.ready();
    t.run("echo out");
    t.start("vim -u NONE log.txt");
    t.settle();
    t.keys(&[control('z')]);
    t.ready();
    t.run("echo while it is stopped");
    t.start("fg");
    t.settle();
    t.text(":q");
    t.press_enter();
    t.ready();
    t.run("ls");
}

fn nano(t: &mut Typist) {
    t.start("nano notes");
    t.settle();
    t.text("to do: caulk");
    t.press_enter();
    t.text("exit");
    t.keys(&[control('x')]);
    t.settle();
    t.keys(&["y"]);
    t.settle();
    t.press_enter();
    t.ready();
    t.run("cat notes");
}

fn top(t: &mut Typist) {
    t.start("top -d 1");
    t.see("PID");
    t.keys(&["q"]);
    t.ready();
    t.run("echo seen");
    t.start("watch -n 1 -t echo ahoy");
    t.see("ahoy");
    t.keys(&[control('c')]);
    t.ready();
    t.run("true");
}

fn fzf(t: &mut Typist) {
    t.start("printf 'herring\\ncod\\nplaice\\n' | fzf");
    t.see("3/3");
    t.text("co");
    t.settle();
    t.press_enter();
    t.ready();
    t.run("echo chosen");
}

fn menu(t: &mut Typist) {
    t.start("whiptail --menu Destination 12 40 3 n North s South e East");
    t.see("Destination");
    t.keys(&[DOWN]);
    t.settle();
    t.press_enter();
    t.ready();
    t.run("echo chosen");
    t.start("whiptail --yesno 'Cast off?' 8 30");
    t.see("Cast off?");
    t.press_enter();
    t.ready();
    t.run("echo $?");
}

fn man(t: &mut Typist) {
    t.run("export PAGER=less LESS=-R");
    t.start("printf '\\033[1mNAME\\033[0m\\n   tide - tell the tide\\n%s\\n' {1..60} | $PAGER");
    t.see("tell the tide");
    t.keys(&["j", "j", "k", "G", "q"]);
    t.ready();
    t.run("echo read");
}

fn from_zsh(t: &mut Typist) {
    t.run("print before");
    t.start("vim -u NONE letter");
    t.settle();
    t.keys(&["i"]);
    t.text("Dear harbour master");
    t.keys(&[ESCAPE]);
    t.text(":x");
    t.press_enter();
    t.ready();
    t.run("cat letter");
    t.start("seq 99 | less");
    t.see("20");
    t.keys(&["q"]);
    t.ready();
    t.run("print after");
}

fn from_fish(t: &mut Typist) {
    t.run("echo before");
    t.start("vim -u NONE letter");
    t.settle();
    t.keys(&["i"]);
    t.text("Dear harbour master");
    t.keys(&[ESCAPE]);
    t.text(":x");
    t.press_enter();
    t.ready();
    t.run("cat letter");
    t.start("read -P 'Reply: ' reply");
    t.ask("Reply: ");
    t.tell("fish", "aye");
    t.ready();
    t.run("echo $reply");
}
