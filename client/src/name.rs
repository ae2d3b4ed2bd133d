//! Names as a server takes them: those of hosts and certificates may be longer, and have commas in them. Pure.
//!
//! *Invariants*: a name that the server takes stays as it is; two that differ, in what is replaced or cut too, stay two.

use std::borrow::Cow;

use casemate_cast_format::segment::hex;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// A server's names have no more characters.
const LONGEST: usize = 200;

/// Of what a name was there is kept so much, in characters: a server keeps no more than 8 KiB of how names are known.
const KEPT: usize = 500;

/// The name under which a server takes this one. What it does not take is replaced, what is too much is cut; that it is another
/// one is marked behind a `~`. Nothing stays nothing: the server says of whom it is to know.
#[must_use]
pub fn accepted(name: &str) -> Cow<'_, str> {
    let trimmed = name.trim();
    let is_wrong = |letter: char| letter == ',' || letter.is_control();
    if trimmed.is_empty() || trimmed.chars().count() <= LONGEST && !trimmed.contains(is_wrong) {
        return Cow::Borrowed(name);
    }
    let digest = Sha256::digest(name.as_bytes());
    let mark = hex(&digest[..4]);
    let letters = trimmed.chars().take(LONGEST - mark.len() - 1);
    let plain: String = letters.map(|letter| if is_wrong(letter) { '_' } else { letter }).collect();
    Cow::Owned(format!("{plain}~{mark}"))
}

/// Makes a name one that a server takes; what it was is kept with how it is known, as `FIELD_in_full`.
pub(crate) fn accept(field: &str, name: &mut String, known_by: &mut Map<String, Value>) {
    if let Cow::Owned(accepted) = accepted(name) {
        let full: String = std::mem::replace(name, accepted).chars().take(KEPT).collect();
        known_by.insert(format!("{field}_in_full"), full.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_a_server_does_not_take_becomes_one_and_is_kept_in_full() {
        for name in ["alice@corp.example", "Jörg Müller", "", "  ", &"x".repeat(LONGEST)] {
            assert_eq!(accepted(name), name);
        }
        let mut known_by = Map::new();
        known_by.insert("user".into(), "certificate".into());
        let mut name = "Doe, John".to_owned();
        accept("user", &mut name, &mut known_by);
        assert_eq!(name, "Doe_ John~893a2ee9");
        assert_eq!(known_by["user_in_full"], "Doe, John");
        assert_ne!(accepted("Doe, John"), accepted("Doe\u{7}_ John"));
        let long = |last: char| "x".repeat(LONGEST) + &String::from(last);
        assert_ne!(accepted(&long('a')), accepted(&long('b')));
        let mut endless = "\u{1f600}".repeat(10_000);
        accept("user", &mut endless, &mut known_by);
        assert!(Value::from(known_by).to_string().len() < 8192 / 3, "all three fields fit");
    }

    proptest! {
        /// As the server checks it.
        #[test]
        fn any_name_is_taken(name in "\\PC{0,20}|[\\x00-\\x7f,é]{0,300}") {
            let accepted = accepted(&name);
            let seen = accepted.trim();
            prop_assert_eq!(seen.is_empty(), name.trim().is_empty());
            prop_assert!(seen.chars().count() <= 200 && !seen.contains(',') && !seen.contains(char::is_control));
        }
    }
}
