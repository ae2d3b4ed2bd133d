//! What sshd says of how it let somebody in: `SSH_AUTH_INFO_0`, a line for each authentication that had to succeed.
//! Pure.
//!
//! ```text
//! publickey ssh-ed25519 AAAA…
//! publickey ssh-ed25519-cert-v01@openssh.com AAAA…
//! keyboard-interactive/pam
//! ```
//!
//! sshd has checked what stands there: who it was has the key, and the authority of a certificate has signed it. Here
//! it is only read. A key that cannot be read to its end has no fingerprint, and so is nobody's.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Authentication, Certificate, MOST};

/// What sshd says is shorter; the largest certificates that it takes have 256 KiB.
const LONGEST: usize = 1 << 20;

/// Certificates: the type, that of the key in them, and of how many fields that key is made (OpenSSH's
/// `PROTOCOL.certkeys` and `PROTOCOL.u2f`).
const CERTIFICATES: [(&str, &str, usize); 8] = [
    ("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2),
    ("ssh-dss-cert-v01@openssh.com", "ssh-dss", 4),
    ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2),
    ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3),
];

/// Reads what sshd says.
#[must_use]
pub fn authentications(info: &[u8]) -> Vec<Authentication> {
    let info = &info[..info.len().min(LONGEST)];
    let lines = info.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.take(MOST).map(|line| authentication(&String::from_utf8_lossy(line))).collect()
}

fn authentication(line: &str) -> Authentication {
    let mut words = line.split(' ');
    let mut authentication =
        Authentication { method: words.next().unwrap_or_default().to_owned(), ..Authentication::default() };
    // Other methods have other words: `hostbased` has the key of a host.
    if authentication.method == "publickey" {
        authentication.key_type = words.next().map(str::to_owned);
        let blob = words.next().and_then(|word| STANDARD.decode(word).ok());
        if let (Some(name), Some(blob), None) = (&authentication.key_type, blob, words.next())
            && let Some(key) = key(name, &blob)
        {
            authentication.key_type = Some(key.key_type);
            authentication.fingerprint = Some(key.fingerprint);
            authentication.certificate = key.certificate;
        }
    }
    authentication.cap();
    authentication
}

struct Key {
    key_type: String,
    fingerprint: String,
    certificate: Option<Certificate>,
}

fn key(name: &str, blob: &[u8]) -> Option<Key> {
    let mut rest = Fields(blob);
    if rest.string()? != name.as_bytes() {
        return None;
    }
    if !name.contains("-cert-") {
        return Some(Key { key_type: name.to_owned(), fingerprint: fingerprint(blob), certificate: None });
    }
    let (_, plain, fields) = CERTIFICATES.iter().find(|(certificate, ..)| *certificate == name)?;
    let _nonce = rest.string()?;
    let before = rest.0;
    for _ in 0..*fields {
        rest.string()?;
    }
    let key = &before[..before.len() - rest.0.len()];
    let length = u32::try_from(plain.len()).ok()?.to_be_bytes();
    let plain_blob = [&length, plain.as_bytes(), key].concat();
    Some(Key {
        key_type: (*plain).to_owned(),
        fingerprint: fingerprint(&plain_blob),
        certificate: Some(certificate(rest)?),
    })
}

/// What follows the key in a certificate.
fn certificate(mut rest: Fields<'_>) -> Option<Certificate> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let serial = rest.number()?;
    let _kind = rest.take(4)?;
    let key_id = text(rest.string()?);
    let mut names = Fields(rest.string()?);
    let mut principals = Vec::new();
    while !names.0.is_empty() {
        principals.push(text(names.string()?));
    }
    let (_after, _before) = (rest.number()?, rest.number()?);
    let (_critical, _extensions, _reserved) = (rest.string()?, rest.string()?, rest.string()?);
    let authority = fingerprint(rest.string()?);
    let _signature = rest.string()?;
    rest.0.is_empty().then_some(Certificate { key_id, serial, principals, authority })
}

fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// Fields of the SSH protocol (RFC 4251, section 5), one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.take(4)?.try_into().ok()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }
}
