//! Who is in a session, and on what: what its recording says of that, and by what it is known.
//!
//! | fact | from | `known_by` |
//! |---|---|---|
//! | `user` | the nearest login that is a person's, no farther than that through sshd | `certificate`, `key` |
//! | | else the account that logged in: the kernel's login uid, or the login around all others | `login` |
//! | | else the account | `uid` |
//! | `target` | the configuration, else the name of the host | `config`, `host` |
//! | `target_user` | the kernel | `uid` |
//!
//! Beside them stand `login`, the nearest login; `user_login`, that of `user`, if it is another one; and `claims`, which
//! the environment makes: whoever is recorded could have set it, and nothing is decided by it.

use std::ffi::OsString;

use casemate_recorder::{Identity, Said, audited_account};
use serde_json::{Map, Value, json};

use crate::login::{KnownBy, Login};
use crate::{Config, json};

/// What the environment may say of where somebody comes from.
const CLAIMS: [&str; 5] = ["LOGNAME", "SSH_CONNECTION", "SSH_TTY", "SUDO_UID", "SUDO_USER"];

/// Says who is in a session that begins within these logins, the nearest first ([`crate::logins::find`]), with this
/// environment.
#[must_use]
pub fn identity(
    logins: &[Login],
    config: &Config,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Identity {
    identity_of(logins, config, audited_account(), environment)
}

fn identity_of(
    logins: &[Login],
    config: &Config,
    audited: Option<String>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Identity {
    let logins = own(logins);
    let said = |name: String, known_by: KnownBy| Said { name, known_by: known_by.as_str() };
    let persons = logins.iter().find_map(|login| Some((login, login.person.as_ref()?)));
    let account = || audited.or_else(|| Some(logins.last()?.account.clone()));
    let user = match persons {
        Some((_, person)) => Some(said(person.name.clone(), person.known_by)),
        None => account().map(|account| said(account, KnownBy::Login)),
    };
    let mut extra = Map::new();
    if let Some(nearest) = logins.first() {
        extra.insert("login".into(), json!(nearest));
        if let Some((login, _)) = persons
            && login.id != nearest.id
        {
            extra.insert("user_login".into(), json!(login));
        }
    }
    let claims = CLAIMS.into_iter().filter_map(|name| {
        let value = environment(name)?;
        Some((name.to_owned(), json!(json::capped(&value.to_string_lossy()))))
    });
    let claims: Map<String, Value> = claims.collect();
    if !claims.is_empty() {
        extra.insert("claims".into(), claims.into());
    }
    let target = config.target().map(|(name, _)| Said { name: name.to_owned(), known_by: "config" });
    Identity { user, target, target_user: None, extra }
}

/// Of logins within logins, those up to the first that sshd let in: whoever comes through it is not the one who started
/// it. Through `su` they are.
fn own(logins: &[Login]) -> &[Login] {
    let by_sshd = logins.iter().position(|login| !login.authentications.is_empty());
    &logins[..by_sshd.map_or(logins.len(), |at| at + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::{Authentication, Person};

    fn login(account: &str, person: Option<(&str, KnownBy)>) -> Login {
        Login {
            account: account.into(),
            person: person.map(|(name, known_by)| Person { name: name.into(), known_by }),
            ..crate::login::tests::login()
        }
    }

    fn user(logins: &[Login], audited: Option<&str>) -> Option<(String, &'static str)> {
        let identity = identity_of(logins, &Config::parse("").unwrap(), audited.map(str::to_owned), |_| None);
        identity.user.map(|said| (said.name, said.known_by))
    }

    #[test]
    fn a_person_stays_one_through_su() {
        let alice = login("deploy", Some(("alice@corp.example", KnownBy::Key)));
        let root = login("root", None);
        let logins = [root, alice];
        assert_eq!(user(&logins, Some("deploy")), Some(("alice@corp.example".into(), "key")));
        let identity = identity_of(&logins, &Config::parse("").unwrap(), None, |_| None);
        assert_eq!(identity.extra["login"]["account"], "root");
        assert_eq!(identity.extra["user_login"]["account"], "deploy");
        assert_eq!(identity.extra["user_login"]["person"], "alice@corp.example");
    }

    #[test]
    fn the_nearest_person_counts() {
        let logins = [
            login("deploy", Some(("bob", KnownBy::Key))),
            login("deploy", Some(("alice", KnownBy::Certificate))),
        ];
        assert_eq!(user(&logins, Some("deploy")), Some(("bob".into(), "key")));
    }

    #[test]
    fn whoever_comes_through_sshd_is_not_the_one_who_started_it() {
        let mut carol = login("carol", None);
        carol.authentications.push(Authentication { method: "password".into(), ..Authentication::default() });
        let logins = [login("root", None), carol, login("deploy", Some(("alice", KnownBy::Key)))];
        assert_eq!(user(&logins, None), Some(("carol".into(), "login")));
    }

    #[test]
    fn without_a_person_it_is_the_account_that_logged_in() {
        let logins = [login("root", None), login("carol", None)];
        assert_eq!(user(&logins, Some("dave")), Some(("dave".into(), "login")), "the kernel's word");
        assert_eq!(user(&logins, None), Some(("carol".into(), "login")));
        assert_eq!(user(&[], None), None, "the recorder says the account");
    }

    #[test]
    fn what_the_environment_says_is_a_claim() {
        let config = Config::parse("target = \"web-1\"").unwrap();
        let environment = |name: &str| match name {
            "SSH_CONNECTION" => Some(OsString::from("192.0.2.1 5 192.0.2.2 22")),
            "SUDO_USER" => Some(OsString::from("mallory")),
            _ => None,
        };
        let identity = identity_of(&[], &config, None, environment);
        let facts = identity.facts(None);
        assert_eq!(facts.target, "web-1");
        assert_eq!(
            Value::from(facts.known_by),
            json!({ "user": "uid", "target": "config", "target_user": "uid" })
        );
        let claims = json!({ "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22", "SUDO_USER": "mallory" });
        assert_eq!(facts.extra["claims"], claims);
        assert!(!facts.extra.contains_key("login"));
    }
}
