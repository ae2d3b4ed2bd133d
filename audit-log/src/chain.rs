//! The chain: what makes a change of a row be seen.
//!
//! Each writer has a chain of its own. A row's hash covers its writer, its number, the hash of the row before it and that
//! of its own content, in [canonical form](canonical). So the content can be taken away later, and its hash left in its
//! place, without breaking the chain. A [`Checkpoint`] signs where all chains have got to.

use std::fmt;
use std::str::FromStr;

use casemate_cast_format::segment::{from_hex, hex};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::model::Log;
use crate::text::written_as_text;
use crate::time::Time;

const CONTENT: &[u8] = b"casemate audit content v1\0";
const ROW: &[u8] = b"casemate audit row v1\0";
const CHECKPOINT: &[u8] = b"casemate audit checkpoint v1\0";

/// A SHA-256, written in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

/// Who writes a chain.
pub type Writer = Uuid;

/// A place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Head {
    /// Whose chain.
    #[cfg_attr(feature = "openapi", schema(value_type = uuid::Uuid))]
    pub writer: Writer,
    /// Number of the row in it, from 1.
    pub seq: u64,
    /// Hash of the row.
    pub hash: Hash,
}

/// The bytes of some JSON that are hashed: RFC 8785.
///
/// # Errors
/// A number in it is none.
pub fn canonical<T: Serialize + ?Sized>(json: &T) -> serde_json::Result<Vec<u8>> {
    crate::canonical::to_vec(json)
}

/// The hash of the content of a row.
///
/// # Errors
/// A number in it is none.
pub fn content_hash(log: Log, content: &Value) -> serde_json::Result<Hash> {
    Ok(canonical_hash(log, &canonical(content)?))
}

/// The hash of the content of a row that is [canonical](canonical()) already.
#[must_use]
pub fn canonical_hash(log: Log, content: &[u8]) -> Hash {
    let digest = Sha256::new().chain_update(CONTENT).chain_update(log.name()).chain_update([0]);
    Hash(digest.chain_update(content).finalize().into())
}

impl Head {
    /// Where a chain begins: before its first row.
    #[must_use]
    pub fn begin(writer: Writer) -> Self {
        Self { writer, seq: 0, hash: Hash::default() }
    }

    /// The place behind this one, of a row with this content.
    #[must_use]
    pub fn next(&self, content: Hash) -> Self {
        let seq = self.seq + 1;
        let digest = Sha256::new()
            .chain_update(ROW)
            .chain_update(self.writer.as_bytes())
            .chain_update(seq.to_be_bytes())
            .chain_update(self.hash.0)
            .chain_update(content.0);
        Self { writer: self.writer, seq, hash: Hash(digest.finalize().into()) }
    }
}

/// Says, signed, where all chains had got to at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// When.
    pub time: Time,
    /// Where each chain was, in the order of the writers.
    pub heads: Vec<Head>,
    /// Whose signature it is, Ed25519.
    pub public_key: Hash,
    /// In hexadecimal digits.
    pub signature: String,
}

impl Checkpoint {
    /// Signs where the chains are.
    #[must_use]
    pub fn sign(time: Time, mut heads: Vec<Head>, key: &SigningKey) -> Self {
        heads.sort_by_key(|head| head.writer);
        let signature = key.sign(&signed(time, &heads)).to_bytes();
        let public_key = Hash(key.verifying_key().to_bytes());
        Self { time, heads, public_key, signature: hex(&signature) }
    }

    /// Whether the signature is that of its key over what it says.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Some(signature) = from_hex::<64>(&self.signature) else { return false };
        let Ok(key) = VerifyingKey::from_bytes(&self.public_key.0) else { return false };
        key.verify_strict(&signed(self.time, &self.heads), &Signature::from_bytes(&signature)).is_ok()
    }
}

fn signed(time: Time, heads: &[Head]) -> Vec<u8> {
    let mut bytes = CHECKPOINT.to_vec();
    bytes.extend(time.0.to_be_bytes());
    for head in heads {
        bytes.extend(head.writer.as_bytes());
        bytes.extend(head.seq.to_be_bytes());
        bytes.extend(head.hash.0);
    }
    bytes
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no SHA-256 in hexadecimal digits")]
pub struct NoHash;

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        from_hex(text).map(Self).ok_or(NoHash)
    }
}

written_as_text!(Hash);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_it_is_written_makes_no_difference_to_content() {
        let one: Value = serde_json::from_str(r#"{"b": 1.0, "a": "\u00fc", "offset": 12.345678}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"offset":1.2345678e1,"a":"ü","b":1}"#).unwrap();
        assert_eq!(canonical(&one).unwrap(), r#"{"a":"ü","b":1,"offset":12.345678}"#.as_bytes());
        assert_eq!(content_hash(Log::Command, &one).unwrap(), content_hash(Log::Command, &other).unwrap());
        assert_ne!(content_hash(Log::Command, &one).unwrap(), content_hash(Log::Kube, &one).unwrap());
    }

    #[test]
    fn the_layout_is_fixed() {
        let content = content_hash(Log::Subject, &json!({"id": "1"})).unwrap();
        let first = Head::begin(Uuid::from_u128(7)).next(content);
        let second = first.next(content);
        expect_test::expect!["1 2"].assert_eq(&format!("{} {}", first.seq, second.seq));
        expect_test::expect![[r#"
            55410af17452b40dfd1ff8867366752d07401671ab0230b9304c519c93b211f7
            f186bb9e7c6f0e04e46789d5f6df0dc649020e5da279e810cdafce4754a4082e
            7afbc9bccd80dfa9c0e4f88f1f82087b82cd3b1c7422b5c1a5b9a14c1abcab41"#]]
        .assert_eq(&format!("{content}\n{}\n{}", first.hash, second.hash));
    }

    #[test]
    fn a_checkpoint_holds_only_as_it_was_signed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let heads =
            vec![Head::begin(Uuid::from_u128(9)).next(Hash([1; 32])), Head::begin(Uuid::from_u128(3))];
        let signed = Checkpoint::sign(Time(5), heads, &key);
        assert!(signed.holds());
        assert!(signed.heads[0].writer < signed.heads[1].writer);
        let text = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), signed);
        let changed = |change: fn(&mut Checkpoint)| {
            let mut changed = signed.clone();
            change(&mut changed);
            changed.holds()
        };
        assert!(!changed(|checkpoint| checkpoint.time = Time(6)));
        assert!(!changed(|checkpoint| checkpoint.heads[1].seq = 2));
        assert!(!changed(|checkpoint| checkpoint.heads[0].hash = Hash([2; 32])));
        assert!(!changed(|checkpoint| checkpoint.heads.truncate(1)));
        assert!(!changed(|checkpoint| checkpoint.public_key = Hash([8; 32])));
        assert!(!changed(|checkpoint| checkpoint.signature.truncate(10)));
        assert!(!changed(|checkpoint| checkpoint.signature = "é".repeat(64)));
    }
}
