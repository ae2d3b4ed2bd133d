//! A machine that exists for one scene: host name, accounts, an ssh server, all in namespaces of its own.
//!
//! The corpus must hold no real host, account or secret, and making it must change nothing on the machine
//! that it is made on. So each scene is played behind `unshare`: other mounts (`/etc` is a copy, `/srv` and
//! `/run` are empty), another host name, a loopback network without a way out, process ids of its own.
//!
//! *Invariants.* Nothing outside the namespaces is written but the files that are asked for.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use casemate_tests::{Session, World, casemate, wait_until};

use crate::scene::{Scene, Shell};

/// The machine on which sessions begin.
pub(crate) const HOST: &str = "gannet";
/// The machine that ssh reaches.
const SSH_HOST: &str = "tern";

/// Accounts and their passwords; root's is for `su`.
pub(crate) const ACCOUNTS: [(&str, &str); 4] = [
    ("mara", "Kelp-and-amber7"),
    ("ines", "Driftwood!quay4"),
    ("olaf", "Halyard_under9"),
    ("root", "Breakwater-2tons"),
];

/// The password of an account.
pub(crate) fn password(account: &str) -> &'static str {
    ACCOUNTS.iter().find(|(name, _)| *name == account).expect("an account of the stage").1
}

const BASHRC: &str = "\
case $- in *i*) ;; *) return;; esac
HISTTIMEFORMAT='%s '
shopt -s histappend cmdhist lithist checkwinsize
PS1='\\u@\\h:\\w\\$ '
alias ll='ls -l'
";
const ZSHRC: &str = "\
HISTFILE=~/.zsh_history HISTSIZE=500 SAVEHIST=500
setopt INC_APPEND_HISTORY EXTENDED_HISTORY INTERACTIVE_COMMENTS
PROMPT='%n@%m %1~ %# '
";
const FISHRC: &str = "set -g fish_greeting\n";
const TCSHRC: &str = "set history=200 savehist=(200 merge)\nset prompt='%n@%m:%~%# '\nset autolist\n";
const KSHRC: &str = "PS1='$(whoami)@$(uname -n)$ '\nHISTFILE=~/.sh_history\nset -o emacs\n";
const YASHRC: &str = "HISTFILE=~/.yash_history HISTSIZE=500\nset --emacs\nPS1='${LOGNAME}@gannet\\$ '\n";

/// A prepared machine.
pub(crate) struct Stage {
    server: Option<Child>,
}

impl Stage {
    /// Prepares the machine for a scene; must run in fresh namespaces.
    pub(crate) fn set(scene: &Scene) -> Self {
        for folder in ["/srv", "/run"] {
            run("mount", &["-t", "tmpfs", "-o", "mode=755", "stage", folder]);
        }
        run("cp", &["-a", "/etc", "/srv/.etc"]);
        run("mount", &["--bind", "/srv/.etc", "/etc"]);
        run("hostname", &[HOST]);
        run("ip", &["link", "set", "lo", "up"]);
        write("/etc/hosts", &format!("127.0.0.1 localhost {HOST}\n127.0.0.2 {SSH_HOST}\n127.0.0.3 puffin\n"));
        write("/etc/motd", "");
        accounts();
        write(
            "/etc/sudoers",
            "Defaults lecture=never, passwd_timeout=1\nroot ALL=(ALL:ALL) ALL\nmara ALL=(ALL:ALL) ALL\n\
             ines ALL=(ALL:ALL) NOPASSWD: ALL\n",
        );
        fs::set_permissions("/etc/sudoers", fs::Permissions::from_mode(0o440)).expect("sudoers is ours");
        write("/etc/doas.conf", "permit persist mara\npermit nopass ines\n");
        for (name, _) in ACCOUNTS {
            home(name, scene);
        }
        fs::copy(casemate(), "/srv/.casemate").expect("copy the program under test");
        fs::create_dir_all("/srv/.out").expect("a folder for the recording");
        run("chown", &[scene.user, "/srv/.out"]);
        let server = scene.sshd.then(ssh_server);
        Self { server }
    }

    /// Starts the recorded shell of a scene.
    pub(crate) fn start(&self, world: &World, scene: &Scene) -> Session {
        let home = home_of(scene.user);
        let mut args = vec!["--reuid", scene.user, "--regid", scene.user, "--init-groups", "--"];
        // The prompt that a test would set; each shell has its own here.
        args.extend(["env", "-u", "PS1"]);
        args.extend(["/srv/.casemate", "rec", "-q", "-I", "--user", "mara@harbour.example"]);
        args.extend(["--target", HOST, "--target-user", scene.user]);
        args.extend(&scene.rec);
        args.extend([RECORDING, "--"]);
        args.extend(&scene.args);
        let mut launch = world.program("setpriv").args(&args);
        for (name, value) in [
            ("HOME", home.as_str()),
            ("USER", scene.user),
            ("LOGNAME", scene.user),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/games"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("TMUX_TMPDIR", &home),
            ("HISTTIMEFORMAT", "%s "),
            ("SHELL", "/bin/bash"),
        ] {
            launch = launch.env(name, value);
        }
        if matches!(scene.shell, Shell::Dash | Shell::Ash | Shell::Posh | Shell::Ksh) {
            launch = launch.env("ENV", &format!("{home}/{}", scene.shell.rc_file()));
        }
        for (name, value) in &scene.env {
            launch = launch.env(name, value);
        }
        launch.folder(&home).size(scene.size.0, scene.size.1).on_terminal()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

/// Where the recorder writes inside the stage.
pub(crate) const RECORDING: &str = "/srv/.out/session.cast.zst";

pub(crate) fn home_of(account: &str) -> String {
    format!("/srv/{account}")
}

fn accounts() {
    let passwd = fs::read_to_string("/etc/passwd").expect("a machine has accounts");
    write("/etc/passwd", &passwd.replace(":/root:", ":/srv/root:"));
    for (index, (name, _)) in ACCOUNTS.iter().enumerate().filter(|(_, (name, _))| *name != "root") {
        let number = (2101 + index).to_string();
        let home = home_of(name);
        run("useradd", &["-M", "-d", &home, "-s", "/bin/bash", "-u", &number, "-U", name]);
    }
    let mut passwords = String::new();
    for (name, password) in ACCOUNTS {
        passwords.push_str(&format!("{name}:{password}\n"));
    }
    write("/srv/.passwords", &passwords);
    run("sh", &["-c", "chpasswd < /srv/.passwords && rm /srv/.passwords"]);
}

/// The home of an account: rc files for every shell; those of the scene for who plays it.
fn home(account: &str, scene: &Scene) {
    let home = home_of(account);
    let mut files = vec![
        (".bashrc", BASHRC.to_owned()),
        (".bash_profile", ". ~/.bashrc\n".to_owned()),
        (".zshrc", ZSHRC.to_owned()),
        (".config/fish/config.fish", FISHRC.to_owned()),
        (".tcshrc", TCSHRC.to_owned()),
        (".mkshrc", "HISTFILE=~/.mksh_history\nPS1='${USER}@gannet$ '\n".to_owned()),
        (".kshrc", KSHRC.to_owned()),
        (".yashrc", YASHRC.to_owned()),
        (".shrc", String::new()),
        (".hushlogin", String::new()),
        (".inputrc", "set bell-style none\n".to_owned()),
    ];
    if account == scene.user {
        let rc = scene.shell.rc_file();
        let (_, content) =
            files.iter_mut().find(|(name, _)| *name == rc).expect("every shell has an rc file");
        content.push_str(&scene.rc);
        files.extend(scene.files.iter().map(|(name, content)| (*name, (*content).to_owned())));
    }
    for (name, content) in files {
        let path = Path::new(&home).join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("make a home");
        write(&path, &content);
        if content.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file of ours");
        }
    }
    run("chown", &["-R", &format!("{account}:{account}"), &home]);
}

/// The host `tern`: the same disk under another name.
fn ssh_server() -> Child {
    fs::create_dir_all("/run/sshd").expect("a folder for sshd");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "/srv/.host_key"]);
    write(
        "/srv/.sshd_config",
        "ListenAddress 127.0.0.2\nListenAddress 127.0.0.3\nHostKey /srv/.host_key\nUsePAM no\n\
         PasswordAuthentication yes\nPermitRootLogin yes\nPrintMotd no\nPrintLastLog no\n\
         AuthorizedKeysFile .ssh/authorized_keys\nStrictModes no\nSubsystem sftp internal-sftp\n",
    );
    // Mara knows the host, and her key opens her own account and that of ines.
    let ssh = format!("{}/.ssh", home_of("mara"));
    fs::create_dir_all(&ssh).expect("a folder for keys");
    let key = format!("{ssh}/id_ed25519");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "mara", "-f", &key]);
    let host_key = fs::read_to_string("/srv/.host_key.pub").expect("the key was made");
    write(format!("{ssh}/known_hosts"), &format!("{SSH_HOST},127.0.0.2 {host_key}"));
    for account in ["mara", "ines"] {
        let folder = format!("{}/.ssh", home_of(account));
        fs::create_dir_all(&folder).expect("a folder for keys");
        fs::copy(format!("{key}.pub"), format!("{folder}/authorized_keys")).expect("authorise the key");
        run("chown", &["-R", account, &folder]);
        run("chmod", &["700", &folder]);
    }
    let sshd = casemate_tests::tools::find("sshd").expect("sshd is installed");
    let start = format!("hostname {SSH_HOST} && exec {} -D -e -f /srv/.sshd_config", sshd.display());
    let log = fs::File::create("/srv/.sshd_log").expect("a log file");
    let child = Command::new("unshare")
        .args(["--uts", "sh", "-c", &start])
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("unshare starts");
    wait_until("the ssh server", Duration::from_secs(10), || {
        std::net::TcpStream::connect(("127.0.0.2", 22)).ok()
    });
    child
}

pub(crate) fn write(path: impl AsRef<Path>, content: &str) {
    let path = path.as_ref();
    fs::write(path, content).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
}

fn run<S: AsRef<OsStr> + std::fmt::Debug>(program: &str, args: &[S]) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|err| panic!("{program}: {err}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {}", error.trim());
}
