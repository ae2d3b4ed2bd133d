//! What must hold of any bytes: called by tests, and by the targets in `fuzz`.

use crate::login::ssh;

/// What sshd says of a login, whatever it is: read in bounded memory, and only whole keys have a fingerprint.
pub fn fuzz_login(info: &[u8]) {
    let all = ssh::authentications(info);
    assert!(all.len() <= info.len());
    for one in all {
        assert!(one.certificate.is_none() || one.fingerprint.is_some());
        assert!(one.fingerprint.is_none() || one.method == "publickey" && one.key_type.is_some());
        assert!(one.fingerprint.is_none_or(|fingerprint| fingerprint.len() == "SHA256:".len() + 43));
        let longest = one.method.chars().chain(one.key_type.iter().flat_map(|name| name.chars())).count();
        assert!(longest <= 2 * 257);
    }
}
