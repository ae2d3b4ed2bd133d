//! Secrets: drawn, shown once, and kept so that whoever reads the database has none of them.
//!
//! A secret that we draw has 256 random bits, of which one hash says nothing; a password that somebody thought of is
//! hashed with Argon2id.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use casemate_cast_format::segment::hex;
use sha2::{Digest as _, Sha256};

/// A password is at least so long.
pub const SHORTEST_PASSWORD: usize = 12;

/// Longer ones are refused: hashing takes time.
const LONGEST_PASSWORD: usize = 1024;

/// Random bytes of the system.
#[must_use]
pub fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut filled = 0;
    while filled < LENGTH {
        // Before the system has any it waits.
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(&mut bytes[filled..], flags).unwrap_or(0);
    }
    bytes
}

/// A new secret; what begins it says what it is for, so that it is found where it should not be. It stands in an address as it
/// is, and what begins with four letters is base64, for clients that want nothing else.
#[must_use]
pub fn draw(prefix: &str) -> String {
    format!("{prefix}{}", hex(&random::<32>()))
}

/// How a secret that we drew is kept.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// How a password is kept: a PHC string. This takes some time, on purpose.
///
/// # Errors
/// What is wrong with it.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(format!("it needs at least {SHORTEST_PASSWORD} characters"));
    }
    if password.len() > LONGEST_PASSWORD {
        return Err(format!("it is longer than {LONGEST_PASSWORD} bytes"));
    }
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &random::<16>());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Whether this is the password. It takes as long where nobody has one.
#[must_use]
pub fn is_password(password: &str, kept: Option<&str>) -> bool {
    const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let Ok(hash) = PasswordHash::new(kept.unwrap_or(NOBODYS)) else { return false };
    password.len() <= LONGEST_PASSWORD
        && Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        && kept.is_some()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn secrets_differ() {
        let (one, other) = (draw("cmak"), draw("cmak"));
        assert_ne!(one, other);
        assert!(one.starts_with("cmak") && one.len() == 68, "{one}");
        assert!(base64::engine::general_purpose::STANDARD.decode(&one).is_ok(), "{one}");
        assert_ne!(digest(&one), digest(&other));
    }

    #[test]
    fn a_password_is_known_by_its_hash() {
        let kept = hash_password("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(is_password("correct horse battery", Some(&kept)));
        assert!(!is_password("correct horse batter", Some(&kept)));
        assert!(!is_password("", None));
        assert!(!is_password("correct horse battery", Some("no hash")));
        assert!(hash_password("short").unwrap_err().contains("12 characters"));
    }
}
