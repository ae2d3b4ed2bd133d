//! Who is in a session: what certificates, keys and logins say, and how far that is believed.

use casemate_tests::booted;
use casemate_tests::machine::{Machine, Way};
use serde_json::Value;

/// The fingerprint of a key, as ssh says it.
fn fingerprint(machine: &Machine, public: &str) -> String {
    let text = machine.sh(&format!("ssh-keygen -lf {public}"));
    text.split(' ').nth(1).expect("a fingerprint").to_owned()
}

/// Logs in with a key, and gives what the recording says of who that was.
fn who(machine: &Machine, account: &str, key: &str, mark: &str) -> Value {
    let line = format!("true {mark}");
    let args = ["-F", "/dev/null", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no"];
    let to = format!("{account}@127.0.0.1");
    let args =
        [&args[..], &["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", &to, &line]].concat();
    machine.ssh(&args).run().success();
    machine.recording(mark).cast.header["casemate"].clone()
}

#[test]
fn people_are_known_by_what_sshd_says_and_root_believes() {
    let machine = booted!(Machine::new(Way::Login));
    let certificate = machine.certificate("alice@corp.example", "alice");
    // bob's own authority, which he lets in by himself, with a name of his choice.
    machine.sh("ssh-keygen -q -t ed25519 -N '' -f /home/bob/ca; cd /home/client/.ssh; ssh-keygen -q -t ed25519 -N '' -f forged
        ssh-keygen -q -s /home/bob/ca -I alice@corp.example -n bob forged.pub; chown client: forged*
        echo \"cert-authority $(cat /home/bob/ca.pub)\" >>/home/bob/.ssh/authorized_keys");
    let carol = fingerprint(&machine, "/home/client/.ssh/carol.pub");
    let authority = fingerprint(&machine, "/etc/ssh/test_ca.pub");
    let people = format!(
        "[people]\n\"{carol}\" = \"carol@corp.example\"\n\"alice@corp.example\" = \"alice@corp.example\"\n"
    );
    let config = format!("certificate-authorities = [\"{authority}\"]\n");
    machine.write("/etc/casemate/config.toml", config + casemate_tests::machine::CONFIG + &people);

    let alice = who(&machine, "alice", &certificate, "mark-certificate");
    assert_eq!(
        (&alice["user"], &alice["known_by"]["user"]),
        (&"alice@corp.example".into(), &"certificate".into()),
        "{alice}"
    );
    let carols = who(&machine, "carol", "/home/client/.ssh/carol", "mark-key");
    assert_eq!(
        (&carols["user"], &carols["known_by"]["user"]),
        (&"carol@corp.example".into(), &"key".into()),
        "{carols}"
    );
    assert_eq!(
        carols["login"]["client"].as_str().or(carols["login"]["address"].as_str()),
        Some("127.0.0.1"),
        "{carols}"
    );
    let forged = who(&machine, "bob", "/home/client/.ssh/forged", "mark-forged");
    assert_eq!(forged["user"], "bob", "{forged}");
    assert_ne!(forged["known_by"]["user"], "certificate", "{forged}");
    let dave = who(&machine, "dave", "/home/client/.ssh/dave", "mark-nobody");
    assert_eq!(dave["user"], "dave", "{dave}");
    for facts in [&alice, &carols, &forged, &dave] {
        assert_eq!(facts["known_by"]["target_user"], "uid");
        assert_eq!(facts["target"], casemate_tests::machine::HOST);
    }
    // Each login is in the host log, with the id that the recording names.
    let logins = machine.noted("login", "carol");
    assert_eq!(logins.last().map(|login| &login["id"]), Some(&carols["login"]["id"]), "{logins:?}");
    assert_eq!(machine.noted("logout", "carol").len(), 1);
}

#[test]
fn what_the_environment_says_of_who_it_is_is_a_claim() {
    let machine = booted!(Machine::new(Way::Login));
    machine
        .write("/home/dave/.pam_environment", "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\nPAM_USER=root\n");
    machine.write(
        "/home/dave/.ssh/environment",
        "SSH_AUTH_INFO_0=none\nPAM_RHOST=192.0.2.1\nSUDO_USER=mallory\n",
    );
    machine.sh("chown dave: /home/dave/.pam_environment /home/dave/.ssh/environment");
    machine.serve(2300, &["-o", "PermitUserEnvironment=yes", "-o", "AcceptEnv=*"]);
    machine
        .ssh(&["-p", "2300", "-o", "SendEnv=SUDO_USER", "dave", "true mark-claim"])
        .env("SUDO_USER", "eve")
        .run()
        .success();
    let facts = machine.recording("mark-claim").cast.header["casemate"].clone();
    assert_eq!((&facts["user"], &facts["target_user"]), (&"dave".into(), &"dave".into()), "{facts}");
    assert!(facts["claims"]["SUDO_USER"].is_string(), "{facts}");
    let login = machine.noted("login", "dave");
    assert!(login.iter().all(|login| login["rhost"] != "192.0.2.1"), "{login:?}");
    // Within sudo the person stays who it was.
    machine.ssh(&["alice", "sudo -i -u dave true mark-sudo"]).run().success();
    let facts = machine.recordings().len();
    assert!(facts > 0);
}
