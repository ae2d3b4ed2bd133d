//! Other accounts and other machines: sudo, su, doas, ssh, containers, and what does not work.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, UP, control};

use crate::scene::{Scene, Shell};
use crate::stage::password;

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

/// Answers a password prompt.
fn give(t: &mut Typist, account: &str) {
    t.secret(password(account));
}

const CONTAINER: &str = "\
#!/bin/sh
# Stands in for a container engine: another host name, root, a shell.
case $1 in
  ps) echo 'CONTAINER ID   IMAGE        NAMES'; echo '4f1c2a9e7b3d   ledger:12    ledger-db'; exit ;;
esac
unshare --uts sh -c 'hostname 4f1c2a9e7b3d; cd /srv; PS1=\"root@4f1c2a9e7b3d:/# \" exec sh -i'
";
const PODS: &str = "\
#!/bin/sh
# Stands in for a cluster: a pod is another host name and a shell.
case $1 in
  get) echo 'NAME        READY   STATUS'; echo 'tide-api-0  1/1     Running'; exit ;;
  exec) ;;
  *) exit 1 ;;
esac
case \"$*\" in
  *-it*) unshare --uts sh -c 'hostname tide-api-0; exec bash --norc -i' ;;
  *) while [ \"$1\" != -- ]; do shift; done; shift; \"$@\" ;;
esac
";

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("sudo-login", sudo_login).needs(&["sudo"]),
        bash("sudo-shell", sudo_shell).needs(&["sudo"]),
        bash("sudo-bash", sudo_bash).needs(&["sudo"]).user("ines"),
        bash("sudo-as-other", sudo_as_other).needs(&["sudo"]).user("ines"),
        bash("sudo-command", sudo_command).needs(&["sudo"]),
        bash("sudo-wrong", sudo_wrong).needs(&["sudo"]),
        bash("sudo-bare-prompts", sudo_bare).needs(&["sudo"]).user("ines").rc("PS1='$ '"),
        bash("su-login", su_login),
        bash("su-same-folder", su_plain),
        bash("su-wrong", su_wrong),
        Scene::new("su-from-root", Shell::Bash, "# ", su_from_root).user("root"),
        bash("su-command", su_command),
        bash("su-twice", su_twice),
        bash("su-root", su_root),
        bash("su-interrupted", su_interrupted),
        bash("doas-shell", doas_shell).needs(&["doas"]).user("ines"),
        bash("doas-password", doas_password).needs(&["doas"]),
        bash("ssh-key", ssh_key).sshd(),
        bash("ssh-other-user", ssh_other_user).sshd(),
        bash("ssh-password", ssh_password).sshd(),
        bash("ssh-command", ssh_command).sshd(),
        bash("ssh-new-host", ssh_new_host).sshd(),
        bash("ssh-wrong-password", ssh_wrong_password).sshd(),
        bash("ssh-then-su", ssh_then_su).sshd(),
        bash("ssh-ends-with-ctrl-d", ssh_ctrl_d).sshd(),
        bash("ssh-option-l", ssh_option_l).sshd(),
        bash("ssh-with-terminal", ssh_with_terminal).sshd(),
        Scene::new("ssh-from-zsh", Shell::Zsh, "% ", ssh_from_zsh).sshd(),
        Scene::new("sudo-from-fish", Shell::Fish, "> ", sudo_from_fish).user("ines").needs(&["sudo"]),
        Scene::new("su-from-dash", Shell::Dash, "$ ", su_from_dash).forgets(),
        Scene::new("container-shell", Shell::Bash, "# ", container)
            .user("root")
            .file("bin/docker", CONTAINER)
            .rc("PATH=~/bin:$PATH"),
        Scene::new("pod-shell", Shell::Bash, "# ", pod)
            .user("root")
            .file("bin/kubectl", PODS)
            .rc("PATH=~/bin:$PATH"),
    ]
}

fn sudo_login(t: &mut Typist) {
    t.run("id -un");
    t.start("sudo -i");
    give(t, "mara");
    t.arrive("gannet", "root", "root@gannet:~# ");
    t.ready();
    t.run("id -un");
    t.run("ls -d /srv/ines");
    t.exit();
    t.run("id -un");
}

fn sudo_shell(t: &mut Typist) {
    t.start("sudo -s");
    give(t, "mara");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("whoami");
    t.text("ls -l /srv");
    t.times(5, BACKSPACE);
    t.text(" /srv");
    t.enter("ls -l /srv");
    t.keys(&[control('d')]);
    t.leave();
    t.ready();
    t.run("whoami");
}

fn sudo_bash(t: &mut Typist) {
    t.start("sudo bash");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("touch /srv/made-by-root");
    t.exit();
    t.run("ls -l /srv/made-by-root");
    t.start("sudo -E -H bash --norc");
    t.arrive("gannet", "root", "bash-5.2# ");
    t.ready();
    t.run("echo $UID");
    t.exit();
    t.run("echo $UID");
}

fn sudo_as_other(t: &mut Typist) {
    t.start("sudo -u olaf -i");
    t.arrive("gannet", "olaf", "olaf@gannet:~$ ");
    t.ready();
    t.run("id -un");
    t.run("pwd");
    t.exit();
    t.start("sudo -iu mara");
    t.arrive("gannet", "mara", "mara@gannet:~$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("sudo -u olaf id -un");
    t.run("id -un");
}

fn sudo_command(t: &mut Typist) {
    t.start("sudo id -u");
    give(t, "mara");
    t.ready();
    t.run("sudo whoami");
    t.run("sudo -u ines sh -c 'echo $(id -un) was here'");
    t.run("sudo -k");
    t.run("whoami");
}

fn sudo_wrong(t: &mut Typist) {
    t.start("sudo -i");
    t.secret("not-the-password-1");
    t.see("try again");
    t.secret("not-the-password-2");
    t.settle();
    t.secret("not-the-password-3");
    t.ready();
    t.run("id -un");
    t.start("sudo -i");
    t.secret("not-the-password-1");
    t.see("try again");
    give(t, "mara");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("echo $?");
}

fn sudo_bare(t: &mut Typist) {
    t.run("id -un");
    t.start("sudo -s -u ines");
    t.nest("$ ");
    t.ready();
    t.run("echo $SHLVL");
    t.exit();
    t.start("sudo sh");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("id -un");
    t.forgotten();
    t.start("exit");
    t.forgotten();
    t.leave();
    t.ready();
    t.run("id -un");
}

fn su_login(t: &mut Typist) {
    t.start("su - ines");
    give(t, "ines");
    t.arrive("gannet", "ines", "ines@gannet:~$ ");
    t.ready();
    t.run("pwd");
    t.run("id -un");
    t.start("logout");
    t.leave();
    t.ready();
    t.run("pwd");
}

fn su_plain(t: &mut Typist) {
    t.run("cd /srv");
    t.start("su olaf");
    give(t, "olaf");
    t.arrive("gannet", "olaf", "olaf@gannet:/srv$ ");
    t.ready();
    t.run("pwd");
    t.run("touch /srv/mara/not-allowed");
    t.exit();
    t.run("pwd");
}

fn su_wrong(t: &mut Typist) {
    t.start("su ines");
    t.secret("not-the-password-1");
    t.ready();
    t.run("id -un");
    t.start("su nobody-of-that-name");
    t.ready();
    t.run("id -un");
    t.start("su - ines");
    give(t, "ines");
    t.arrive("gannet", "ines", "ines@gannet:~$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("echo back");
}

fn su_from_root(t: &mut Typist) {
    t.start("su - mara");
    t.arrive("gannet", "mara", "mara@gannet:~$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.start("su ines");
    t.arrive("gannet", "ines", "ines@gannet:/srv/root$ ");
    t.ready();
    t.run("id -un");
    t.keys(&[control('d')]);
    t.leave();
    t.ready();
    t.run("id -un");
}

fn su_command(t: &mut Typist) {
    t.start("su ines -c 'id -un'");
    give(t, "ines");
    t.ready();
    t.run("id -un");
    t.start("su -c 'cat /etc/hostname >/dev/null; id -u' olaf");
    give(t, "olaf");
    t.ready();
    t.run("id -u");
}

fn su_twice(t: &mut Typist) {
    t.start("su - ines");
    give(t, "ines");
    t.arrive("gannet", "ines", "ines@gannet:~$ ");
    t.ready();
    t.run("echo one deep");
    t.start("su - olaf");
    give(t, "olaf");
    t.arrive("gannet", "olaf", "olaf@gannet:~$ ");
    t.ready();
    t.run("echo two deep");
    t.exit();
    t.run("echo one deep again");
    t.start("sudo -i");
    t.arrive("gannet", "root", "root@gannet:~# ");
    t.ready();
    t.run("echo two deep as root");
    t.exit();
    t.exit();
    t.run("echo at the top");
}

fn su_root(t: &mut Typist) {
    t.start("su -");
    give(t, "root");
    t.arrive("gannet", "root", "root@gannet:~# ");
    t.ready();
    t.run("id");
    t.run("passwd --status olaf");
    t.exit();
    t.start("su");
    give(t, "root");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("pwd");
    t.exit();
    t.run("id -un");
}

fn su_interrupted(t: &mut Typist) {
    t.start("su - ines");
    t.session.wait_no_echo();
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("id -un");
    t.start("sudo -i");
    t.session.wait_no_echo();
    t.settle();
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo still $(id -un)");
}

fn doas_shell(t: &mut Typist) {
    t.start("doas -s");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.start("doas -u olaf bash");
    t.arrive("gannet", "olaf", "olaf@gannet:/srv/ines$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("doas id -un");
    t.run("id -un");
}

fn doas_password(t: &mut Typist) {
    t.start("doas bash");
    t.secret("not-the-password-1");
    t.ready();
    t.run("id -un");
    t.start("doas bash");
    give(t, "mara");
    t.arrive("gannet", "root", "# ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("id -un");
}

fn ssh_key(t: &mut Typist) {
    t.run("uname -n");
    t.start("ssh tern");
    t.arrive("tern", "mara", "mara@tern:~$ ");
    t.ready();
    t.run("uname -n");
    t.run("echo on the other side");
    t.exit();
    t.run("uname -n");
}

fn ssh_other_user(t: &mut Typist) {
    t.start("ssh ines@tern");
    t.arrive("tern", "ines", "ines@tern:~$ ");
    t.ready();
    t.run("id -un");
    t.text("ehco");
    t.times(3, BACKSPACE);
    t.text("cho remote");
    t.enter("echo remote");
    t.start("logout");
    t.leave();
    t.ready();
    t.run("id -un");
    t.times(2, UP);
    t.commit("ssh ines@tern");
    t.arrive("tern", "ines", "ines@tern:~$ ");
    t.ready();
    t.run("echo again");
    t.exit();
}

fn ssh_password(t: &mut Typist) {
    t.start("ssh olaf@tern");
    t.ask("password:");
    give(t, "olaf");
    t.arrive("tern", "olaf", "olaf@tern:~$ ");
    t.ready();
    t.run("id -un");
    t.run("ls /srv/olaf");
    t.exit();
    t.run("echo home");
}

fn ssh_command(t: &mut Typist) {
    t.run("ssh tern uname -n");
    t.run("ssh ines@tern 'id -un; pwd'");
    t.run("echo piped | ssh tern cat");
    t.run("uname -n");
}

fn ssh_new_host(t: &mut Typist) {
    t.start("ssh puffin");
    t.ask("/[fingerprint])?");
    t.tell("ssh", "no");
    t.ready();
    t.run("echo not gone");
    t.start("ssh puffin");
    t.ask("/[fingerprint])?");
    t.tell("ssh", "yes");
    // The machine calls itself otherwise than it was called.
    t.arrive("puffin", "mara", "mara@tern:~$ ");
    t.ready();
    t.run("echo known now");
    t.exit();
    t.run("echo back");
}

fn ssh_wrong_password(t: &mut Typist) {
    t.start("ssh -o NumberOfPasswordPrompts=1 olaf@tern");
    t.ask("password:");
    t.secret("not-the-password-1");
    t.ready();
    t.run("id -un");
    t.run("ssh -o BatchMode=yes olaf@tern");
    t.run("ssh -o ConnectTimeout=2 mara@127.0.0.9");
    t.run("echo here");
}

fn ssh_then_su(t: &mut Typist) {
    t.start("ssh tern");
    t.arrive("tern", "mara", "mara@tern:~$ ");
    t.ready();
    t.start("su - olaf");
    give(t, "olaf");
    t.arrive("tern", "olaf", "olaf@tern:~$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("id -un");
    t.start("sudo -i");
    give(t, "mara");
    t.arrive("tern", "root", "root@tern:~# ");
    t.ready();
    t.run("uname -n");
    t.exit();
    t.exit();
    t.run("id -un");
}

fn ssh_ctrl_d(t: &mut Typist) {
    t.start("ssh tern");
    t.arrive("tern", "mara", "mara@tern:~$ ");
    t.ready();
    t.run("echo a");
    t.keys(&[control('d')]);
    t.leave();
    t.ready();
    t.run("echo b");
}

fn ssh_option_l(t: &mut Typist) {
    t.start("ssh -q -l ines -p 22 tern");
    t.arrive("tern", "ines", "ines@tern:~$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("id -un");
}

fn ssh_with_terminal(t: &mut Typist) {
    t.start("ssh -t ines@tern bash --norc");
    t.arrive("tern", "ines", "bash-5.2$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("ssh -tt tern 'echo with a terminal'");
    t.run("id -un");
}

fn ssh_from_zsh(t: &mut Typist) {
    t.run("print here");
    t.start("ssh tern");
    t.arrive("tern", "mara", "mara@tern:~$ ");
    t.ready();
    t.run("uname -n");
    t.exit();
    t.run("print here again");
}

fn sudo_from_fish(t: &mut Typist) {
    t.run("id -un");
    t.start("sudo -i");
    t.arrive("gannet", "root", "root@gannet:~# ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.start("sudo fish");
    t.arrive("gannet", "root", "ines# ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("echo done");
}

fn su_from_dash(t: &mut Typist) {
    t.run("id -un");
    t.start("su ines -s /bin/dash");
    give(t, "ines");
    // The prompts are the same: only the failure to fail says that this is another shell.
    t.arrive("gannet", "ines", "$ ");
    t.ready();
    t.run("id -un");
    t.exit();
    t.run("id -un");
}

fn container(t: &mut Typist) {
    t.run("docker ps");
    t.start("docker exec -it ledger-db sh");
    t.arrive("ledger-db", "root", ":/# ");
    t.ready();
    t.run("uname -n");
    t.forgotten();
    t.run("ls -d /srv");
    t.forgotten();
    t.start("exit");
    t.forgotten();
    t.leave();
    t.ready();
    t.run("uname -n");
}

fn pod(t: &mut Typist) {
    t.run("kubectl get pods");
    t.start("kubectl exec -it tide-api-0 -n harbour -- bash");
    t.arrive("tide-api-0", "root", "bash-5.2# ");
    t.ready();
    t.run("uname -n");
    t.run("echo in the pod");
    t.exit();
    t.run("kubectl exec tide-api-0 -- echo one command");
    t.run("uname -n");
}
