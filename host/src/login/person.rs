//! Which person a login is, by what the configuration says of keys and certificates. Pure.
//!
//! A certificate counts if its authority is one that the configuration names: any user can let an authority of his own
//! in, by a line in his `authorized_keys`, and sign what he likes. The key in it counts as every other key does.

use super::{Authentication, KnownBy, Person};
use crate::Config;

/// The person who was let in so, if the configuration knows one. Certificates count before keys, and what came first
/// before what came later.
#[must_use]
pub fn person(authentications: &[Authentication], config: &Config) -> Option<Person> {
    let found = |name: &str, known_by| Person { name: name.to_owned(), known_by };
    let by_certificate = authentications.iter().find_map(|one| {
        let certificate = one.certificate.as_ref()?;
        let name = config.person(&certificate.key_id).filter(|_| config.is_authority(&certificate.authority));
        name.map(|name| found(name, KnownBy::Certificate))
    });
    by_certificate.or_else(|| {
        authentications.iter().find_map(|one| {
            let name = config.person(one.fingerprint.as_ref()?);
            name.map(|name| found(name, KnownBy::Key))
        })
    })
}
