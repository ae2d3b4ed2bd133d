//! Who it was, by examples of `ssh-keygen` and by what must hold for any bytes.

use proptest::prelude::*;

use super::pam::{Pam, When};
use super::person::person;
use super::ssh::authentications;
use super::*;
use crate::Config;

/// A login without a person.
pub(crate) fn login() -> Login {
    Login {
        id: uuid::Uuid::now_v7().to_string(),
        account: "deploy".into(),
        service: "sshd".into(),
        client: Some("192.0.2.1".into()),
        terminal: Some("ssh".into()),
        remote_user: None,
        pid: 7,
        process_start: 4711,
        start_us: 1_795_331_008_123_456,
        audit_session: None,
        authentications: Vec::new(),
        person: None,
    }
}

/// Keys and certificates made by `ssh-keygen`, as sshd names them.
const AUTH_INFO: &str = include_str!("auth_info.txt");

/// What `ssh-keygen -l` says of them.
const ED25519: &str = "SHA256:4KZMgZk+V3QJloDmEiZuLCm/tHDoSBC6Cgw7IUkDjZk";
const RSA: &str = "SHA256:ZaxWgVKquf7BMEYdNAL2WhdQHyhr4vhBBOypG3+PKTM";
const ECDSA: &str = "SHA256:XAdM7TvLUFh1Po1XMhTV+0ffwC/4EweZPxE/y/ypJiU";
const AUTHORITY: &str = "SHA256:e2h45DxS4G3qIZV93BD2hgRMkhQYpXjPI1m4FptW0Qs";

fn config(text: &str) -> Config {
    Config::parse(text).unwrap()
}

/// A certificate of any type, with fields of any bytes.
fn certificate(kind: &str, key: &[&[u8]], key_id: &str, authority: &[u8]) -> String {
    use base64::Engine as _;
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let mut blob = [string(kind.as_bytes()), string(b"nonce")].concat();
    key.iter().for_each(|field| blob.extend(string(field)));
    blob.extend(7_u64.to_be_bytes());
    blob.extend(1_u32.to_be_bytes());
    blob.extend(string(key_id.as_bytes()));
    blob.extend(string(&string(b"deploy")));
    blob.extend([0; 16]);
    for field in [b"".as_slice(), b"", b"", authority, b"signature"] {
        blob.extend(string(field));
    }
    format!("publickey {kind} {}\n", base64::engine::general_purpose::STANDARD.encode(blob))
}

#[test]
fn keys_and_certificates_are_what_ssh_keygen_says() {
    let all = authentications(AUTH_INFO.as_bytes());
    let types: Vec<&str> = all.iter().filter_map(|one| one.key_type.as_deref()).collect();
    assert_eq!(types, ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"].repeat(2));
    let fingerprints: Vec<&str> = all.iter().filter_map(|one| one.fingerprint.as_deref()).collect();
    assert_eq!(fingerprints, [ED25519, RSA, ECDSA].repeat(2));
    let expected = Certificate {
        key_id: "alice@corp.example".into(),
        serial: 42,
        principals: vec!["deploy".into(), "root".into()],
        authority: AUTHORITY.into(),
    };
    assert!(all[..3].iter().all(|one| one.certificate.is_none()));
    assert!(all[3..6].iter().all(|one| one.certificate.as_ref() == Some(&expected)));
    let last = Authentication { method: "keyboard-interactive/pam".into(), ..Authentication::default() };
    assert_eq!(all[6..], [last]);
}

#[test]
fn every_type_of_certificate_is_read() {
    for (kind, fields) in [
        ("ssh-dss-cert-v01@openssh.com", 4),
        ("ecdsa-sha2-nistp521-cert-v01@openssh.com", 2),
        ("sk-ssh-ed25519-cert-v01@openssh.com", 2),
        ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", 3),
    ] {
        let key = vec![b"field".as_slice(); fields];
        let all = authentications(certificate(kind, &key, "id", b"authority").as_bytes());
        assert_eq!(all[0].certificate.as_ref().map(|one| (one.key_id.as_str(), one.serial)), Some(("id", 7)));
        assert!(!all[0].key_type.as_ref().unwrap().contains("cert"));
        // One field more, or one less, is another certificate.
        let more = authentications(certificate(kind, &[&key[..], &key[..1]].concat(), "id", b"").as_bytes());
        assert_eq!((&more[0].certificate, &more[0].fingerprint), (&None, &None));
    }
    let unknown = "ssh-future-cert-v01@openssh.com";
    let all = authentications(certificate(unknown, &[b"key"], "id", b"authority").as_bytes());
    assert_eq!((all[0].key_type.as_deref(), &all[0].fingerprint), (Some(unknown), &None));
}

#[test]
fn a_key_under_another_name_is_nobodys() {
    let key = AUTH_INFO.lines().next().unwrap();
    for bad in [
        key.replace("ssh-ed25519", "ssh-rsa"),
        key.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"),
        key.replace("publickey", "hostbased"),
        key.replace("publickey", "publickey/x"),
        format!("{key} more"),
        format!(" {key}"),
    ] {
        let all = authentications(bad.as_bytes());
        assert_eq!((all.len(), &all[0].fingerprint), (1, &None), "{bad}");
    }
}

#[test]
fn a_person_is_known_by_key_or_by_certificate() {
    let info: Vec<&str> = AUTH_INFO.lines().collect();
    let by = |lines: &[usize], text: &str| {
        let info: String = lines.iter().map(|&line| format!("{}\n", info[line])).collect();
        person(&authentications(info.as_bytes()), &config(text)).map(|person| (person.name, person.known_by))
    };
    let people = format!("[people]\n\"{RSA}\" = \"bob\"\n\"alice@corp.example\" = \"alice\"\n");
    let trusting = format!("certificate-authorities = [\"{AUTHORITY}\"]\n{people}");
    let alice = Some(("alice".to_owned(), KnownBy::Certificate));
    let bob = Some(("bob".to_owned(), KnownBy::Key));
    assert_eq!(by(&[0], &trusting), None, "a key that nobody knows");
    assert_eq!(by(&[1], &trusting), bob);
    assert_eq!(by(&[3], &trusting), alice);
    assert_eq!(by(&[4], &trusting), alice, "a certificate says more than the key in it");
    assert_eq!(by(&[1, 3], &trusting), alice, "and more than another key");
    assert_eq!(by(&[3], &people), None, "the authority is not believed");
    assert_eq!(by(&[4], &people), bob, "but the key in it is his");
    assert_eq!(by(&[6], &trusting), None);
    // A user who lets an authority of his own in signs what he likes.
    let forged = certificate("ssh-ed25519-cert-v01@openssh.com", &[b"key"], "alice@corp.example", b"own");
    assert_eq!(person(&authentications(forged.as_bytes()), &config(&trusting)), None);
}

#[test]
fn strangers_names_are_cut() {
    let long = "x".repeat(10_000);
    let info = certificate("ssh-ed25519-cert-v01@openssh.com", &[b"key"], &long, b"authority");
    let all = authentications(format!("{info}{long}\n").repeat(100).as_bytes());
    assert_eq!(all.len(), MOST);
    assert!(all.iter().all(|one| one.method.len() < 300));
    assert!(all[0].certificate.as_ref().unwrap().key_id.len() < 300);
    // What was cut is nobody's name.
    let text = format!("certificate-authorities = [\"{AUTHORITY}\"]\n[people]\n\"{long}\" = \"alice\"\n");
    assert_eq!(person(&all, &config(&text)), None);
}

fn pam(environment: &[(&str, &str)]) -> Option<Pam> {
    Pam::read(environment.iter().map(|(name, value)| (name.into(), value.into())))
}

#[test]
fn pam_speaks_through_the_environment() {
    let said = [
        ("SSH_AUTH_INFO_0", "password\n"),
        ("PAM_SERVICE", "sshd"),
        ("PAM_USER", "alice"),
        ("PAM_TTY", ""),
        ("PAM_RHOST", "192.0.2.1"),
        ("PAM_TYPE", "open_session"),
    ];
    let read = pam(&said).unwrap();
    assert_eq!((read.when, read.account.as_str(), read.service.as_str()), (When::Open, "alice", "sshd"));
    assert_eq!(
        (read.client.as_deref(), &read.terminal, &read.remote_user),
        (Some("192.0.2.1"), &None, &None)
    );
    assert_eq!(read.authentications, b"password\n");
    assert_eq!((pam(&[]), pam(&said[..5]), pam(&[("PAM_TYPE", "open_session")])), (None, None, None));
}

#[test]
fn what_a_user_puts_before_it_does_not_count() {
    let users = [
        ("PAM_SERVICE", "sshd"),
        ("PAM_USER", "root"),
        ("PAM_RHOST", "192.0.2.99"),
        ("PAM_RUSER", "root"),
        ("PAM_TYPE", "open_session"),
    ];
    let pams = [("PAM_SERVICE", "su"), ("PAM_USER", "alice"), ("PAM_TYPE", "close_session")];
    assert_eq!(pam(&[&users[..], &pams].concat()), pam(&pams));
}

#[test]
fn a_login_is_an_object_without_depths() {
    let known = Login { person: Some(Person { name: "alice".into(), known_by: KnownBy::Key }), ..login() };
    let value = serde_json::to_value(&known).unwrap();
    assert_eq!((&value["person"], &value["known_by"]), (&"alice".into(), &"key".into()));
    for login in [known, login()] {
        let text = serde_json::to_string(&login).unwrap();
        assert_eq!(serde_json::from_str::<Login>(&text).unwrap(), login);
    }
}

proptest! {
    #[test]
    fn any_bytes_give_authentications_or_none(info in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzz::fuzz_login(&info);
    }

    #[test]
    fn any_change_of_what_sshd_says_is_read_or_not(at in 0_usize..3000, byte in any::<u8>(), end in 0_usize..3000) {
        let mut info = AUTH_INFO.as_bytes().to_vec();
        let length = info.len();
        info[at % length] = byte;
        crate::fuzz::fuzz_login(&info);
        crate::fuzz::fuzz_login(&AUTH_INFO.as_bytes()[..end % length]);
    }
}
