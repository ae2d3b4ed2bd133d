//! Ed25519 keys as files: read, made, and shown.
//!
//! A private key is PKCS#8 PEM in its first version, which all of OpenSSL reads, without the public key in it; a
//! public key is a PEM SubjectPublicKeyInfo, or 64 hexadecimal digits.

use std::path::Path;

use casemate_cast_format::segment::from_hex;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
    spki::der::pem::LineEnding,
};
use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::failure::{About as _, Failure};

/// No key file is longer; a device has no end.
const LONGEST_FILE: u64 = 64 << 10;

/// Reads a private key.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let name = path.display();
    let pem = read(path)?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|error| {
        Failure::new(format!("`{name}` is no Ed25519 key in PKCS#8 PEM: {error}"))
            .hint("make one with: casemate keygen key.pem")
    })
}

/// Takes a public key as it is given on the command line: 64 hexadecimal digits, or a file with them or with PEM.
pub(crate) fn public_key(given: &Path) -> Result<[u8; 32], Failure> {
    if let Some(key) = given.to_str().and_then(from_hex) {
        return sound(key, "this");
    }
    let name = format!("`{}`", given.display());
    let text = read(given)?;
    if let Some(key) = from_hex(text.trim()) {
        return sound(key, &name);
    }
    let key = VerifyingKey::from_public_key_pem(&text).map_err(|error| {
        let failure = Failure::new(format!("{name} is no Ed25519 public key in PEM: {error}"));
        if text.contains("PRIVATE KEY") {
            failure.hint("it is a private key; its public one: openssl pkey -in KEY -pubout")
        } else {
            failure
                .hint("give the file that `casemate keygen` or `openssl pkey -pubout` made, or 64 hex digits")
        }
    })?;
    sound(key.to_bytes(), &name)
}

/// A key with which anybody can sign is none.
fn sound(key: [u8; 32], name: &str) -> Result<[u8; 32], Failure> {
    match VerifyingKey::from_bytes(&key) {
        Ok(point) if !point.is_weak() => Ok(key),
        Ok(_) | Err(_) => Err(Failure::new(format!("{name} is no Ed25519 public key"))
            .hint("give the digits that `casemate keygen` or `casemate info` printed, all 64 of them")),
    }
}

/// Makes a key of random bytes.
pub(crate) fn generate() -> Result<SigningKey, Failure> {
    let mut secret = [0; 32];
    let mut filled = 0;
    while filled < secret.len() {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled +=
            rustix::rand::getrandom(&mut secret[filled..], flags).about("no random bytes from the system")?;
    }
    Ok(SigningKey::from_bytes(&secret))
}

/// A private key as the text of its file.
pub(crate) fn private_pem(key: &SigningKey) -> Result<String, Failure> {
    let pair = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).about("cannot write the key as PEM")?;
    Ok(pem.as_str().to_owned())
}

/// A public key as the text of its file.
pub(crate) fn public_pem(key: &VerifyingKey) -> Result<String, Failure> {
    key.to_public_key_pem(LineEnding::LF).about("cannot write the key as PEM")
}

fn read(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;

    let cannot = format!("cannot read the key `{}`", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).about(&cannot)?;
    file.take(LONGEST_FILE).read_to_string(&mut text).about(&cannot)?;
    Ok(text)
}
