//! The Debian package: installed, used, upgraded, removed and purged, on a machine of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use casemate_tests::machine::{Machine, Way};
use casemate_tests::{Finished, booted, is_release, need, skip, tools};

use crate::host::{log_in, log_out, look};

/// The package, built once of the programs that the tests run.
fn package() -> Option<&'static Path> {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    if !is_release() || std::env::var_os("CASEMATE_BIN").is_some() {
        tools::left_out("the package is made of what cargo builds for release");
        return None;
    }
    let build = || {
        assert!(casemate_tests::casemate().exists());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/build-deb");
        let output = Command::new(script).arg("--no-build").output().expect("run packaging/build-deb");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("a path is text");
        let package = said.lines().last().expect("it says where the package is");
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package)
    };
    Some(PACKAGE.get_or_init(build))
}

/// `dpkg ARGS…`, without the index of all manual pages and without waiting for a disk.
fn dpkg(machine: &Machine, args: &[&str]) -> Finished {
    machine
        .root("dpkg")
        .args(&["--no-triggers", "--force-unsafe-io"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

/// The package as a file of the machine, and the same with a later version.
fn put(machine: &Machine, package: &Path) {
    fs::copy(package, machine.path("/tmp/casemate.deb")).expect("copy the package");
    machine.sh("cd /tmp; dpkg-deb -R casemate.deb later; sed -i 's/^Version: .*/Version: 99-1/' later/DEBIAN/control
        echo '# of a later version' >>later/etc/casemate/config.toml; dpkg-deb -Znone -b later casemate-99.deb");
}

/// Owner, mode and kind of what is there.
fn modes(machine: &Machine) -> String {
    machine.sh("stat -c '%a %U:%G %n' /usr/bin/casemate* /usr/libexec/casemate* /etc/casemate /etc/casemate/config.toml /var/lib/casemate \
        /var/lib/casemate/* /run/casemate /run/casemate/*")
}

const MODES: &str = "\
755 root:root /usr/bin/casemate
2755 root:casemate /usr/bin/casemate-shell
2750 root:casemate /usr/libexec/casemate-login
755 root:root /etc/casemate
644 root:root /etc/casemate/config.toml
2710 root:casemate /var/lib/casemate
2730 root:casemate /var/lib/casemate/log
2770 root:casemate /var/lib/casemate/recordings
2730 root:casemate /run/casemate
755 root:root /run/casemate/logins
2770 root:casemate /run/casemate/sessions
2770 root:casemate /run/casemate/usage
";

/// Somebody logs in and leaves a mark.
fn visit(machine: &Machine, account: &str, mark: &str) {
    let mut session = log_in(machine, account);
    look(&session);
    session.send(format!("echo {mark}\r"));
    session.wait_for(&format!("{mark}\r\n"));
    assert_eq!(log_out(&mut session, 0), 0);
}

#[test]
fn installed_used_upgraded_removed_and_purged() {
    need!("dpkg-deb", "pam-auth-update");
    let Some(package) = package() else { return };
    let machine = booted!(Machine::new(Way::Bare));
    put(&machine, package);
    let before = machine.read("/etc/pam.d/common-session");
    dpkg(&machine, &["--install", "/tmp/casemate.deb"]).success();
    assert_eq!(modes(&machine), MODES);
    assert_eq!(dpkg(&machine, &["--verify", "casemate"]).success().text(), "");
    assert!(machine.read("/etc/shells").contains("/usr/bin/casemate-shell\n"));
    machine.sh("man -w casemate casemate-rec; casemate --version");

    // Installed, nobody is recorded; then alice is.
    visit(&machine, "alice", "unseen");
    assert_eq!(machine.finished().len(), 0);
    machine.sh("chsh -s /usr/bin/casemate-shell alice");
    visit(&machine, "alice", "mark-installed");
    let recording = machine.recording("mark-installed");
    assert_eq!(recording.account, "alice");
    let lines: Vec<_> = recording
        .commands()
        .iter()
        .map(|event| event["command"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(lines.contains(&"echo mark-installed".to_owned()), "{lines:?}");
    let played = machine.sh("casemate verify /var/lib/casemate/recordings/*/alice/*.cast.zst >/dev/null
        casemate play --plain --speed 1000 /var/lib/casemate/recordings/*/alice/*.cast.zst");
    assert!(played.contains("mark-installed\r\n"), "{played}");

    // Nothing of root's is lost when it is installed again, nor in a session that goes on meanwhile.
    machine.write("/etc/casemate/config.toml", "[policy]\nnotice = \"you are recorded\"\n");
    let mut session = log_in(&machine, "alice");
    dpkg(&machine, &["--install", "/tmp/casemate.deb"]).success();
    dpkg(&machine, &["--unpack", "/tmp/casemate-99.deb"]).success();
    assert_eq!(modes(&machine), MODES, "with the new files, before they are set up");
    visit(&machine, "alice", "mark-unpacked");
    dpkg(&machine, &["--force-confold", "--configure", "casemate"]).success();
    assert_eq!(modes(&machine), MODES);
    session.send("echo mark-kept\r");
    session.wait_for("mark-kept\r\n");
    log_out(&mut session, 0);
    assert!(machine.recording("mark-kept").cast.output().contains("mark-kept"));
    assert!(machine.recording("mark-unpacked").cast.output().contains("mark-unpacked"));
    visit(&machine, "alice", "mark-upgraded");

    // It is not removed where that would lock somebody out.
    let refused = dpkg(&machine, &["--remove", "casemate"]);
    assert!(refused.code != 0 && refused.stderr.contains("casemate-shell: alice\n"), "{refused:?}");
    machine.sh("ln -s casemate-shell /usr/bin/casemate-shell-bin-dash; usermod -s /bin/bash alice
        usermod -s /usr/bin/casemate-shell-bin-dash dave");
    let refused = dpkg(&machine, &["--remove", "casemate"]);
    assert!(refused.code != 0 && refused.stderr.contains("casemate-shell: dave\n"), "{refused:?}");
    machine
        .sh("usermod -s /bin/dash dave; rm /usr/bin/casemate-shell-bin-dash; mkdir -p /etc/ssh/sshd_config.d
        echo '  ForceCommand /usr/bin/casemate-shell' >/etc/ssh/sshd_config.d/casemate.conf");
    let refused = dpkg(&machine, &["--remove", "casemate"]);
    assert!(refused.code != 0 && refused.stderr.contains("ForceCommand"), "{refused:?}");
    assert_eq!(modes(&machine), MODES, "a refusal leaves all as it was");
    machine.sh("rm /etc/ssh/sshd_config.d/casemate.conf");

    dpkg(&machine, &["--remove", "casemate"]).success();
    let purged = dpkg(&machine, &["--purge", "casemate"]).success();
    assert!(purged.stderr.contains("recordings are kept"), "{}", purged.stderr);
    assert_eq!(machine.read("/etc/pam.d/common-session"), before);
    assert!(!machine.read("/etc/shells").contains("casemate"));
    let left = machine
        .sh("find /etc /usr /var /run -name '*casemate*' -newer /etc/hosts; getent group casemate; \
         dpkg-statoverride --list | grep casemate || true");
    assert!(left.starts_with("/var/lib/casemate\n"), "{left}");
    assert!(!left.contains("/usr/") && !left.contains("/etc/"), "{left}");
    let kept = machine.recordings().len();
    assert_eq!(kept, 4);
    visit(&machine, "alice", "free-again");
    assert_eq!(machine.recordings().len(), kept);
}

#[test]
fn a_package_that_was_never_used_leaves_nothing() {
    need!("dpkg-deb", "pam-auth-update");
    let Some(package) = package() else { return };
    let machine = booted!(Machine::new(Way::Bare));
    put(&machine, package);
    dpkg(&machine, &["--install", "/tmp/casemate.deb"]).success();
    let purged = dpkg(&machine, &["--purge", "casemate"]).success();
    assert!(!purged.stderr.contains("recordings are kept"), "{}", purged.stderr);
    assert!(!machine.path("/var/lib/casemate").exists() && !machine.path("/etc/casemate").exists());
}

#[test]
fn lintian_has_nothing_to_say() {
    let Some(package) = package() else { return };
    if tools::find("lintian").is_none() {
        skip!("needs lintian");
    }
    // There is no bug of Debian's that a first version could close.
    let args =
        ["--allow-root", "--fail-on", "error,warning", "--suppress-tags", "initial-upload-closes-no-bugs"];
    let output = Command::new("lintian").args(args).arg(package).output().expect("run lintian");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
