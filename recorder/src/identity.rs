//! Who is recorded, and where: what the system says when nobody says otherwise.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use casemate_cast_format::SessionFacts;
use nix::unistd::{Uid, User};
use serde_json::{Map, Value, json};

use crate::journal::micros;

/// What is said of the session; what is missing, the system knows.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The person.
    pub user: Option<Said>,
    /// The machine.
    pub target: Option<Said>,
    /// The account on it.
    pub target_user: Option<Said>,
    /// Facts beside these.
    pub extra: Map<String, Value>,
}

/// A name, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The name.
    pub name: String,
    /// By what it is known, in a word.
    pub known_by: &'static str,
}

impl Said {
    /// What the person who records says.
    #[must_use]
    pub fn by_flag(name: String) -> Self {
        Self { name, known_by: "flag" }
    }
}

/// The environment variable that holds the id of the session that a program runs in.
pub const SESSION_VARIABLE: &str = "CASEMATE_SESSION";

impl Identity {
    /// The facts of a session that begins now.
    pub fn facts(&self, within: Option<String>) -> SessionFacts {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut known_by = Map::new();
        let mut know = |what: &str, said: &Option<Said>, found: (String, &'static str)| {
            let (value, how) = said.clone().map_or(found, |said| (said.name, said.known_by));
            known_by.insert(what.into(), json!(how));
            value
        };
        let user = know("user", &self.user, login_user());
        let target = know("target", &self.target, (host_name(), "host"));
        let target_user = know("target_user", &self.target_user, (user_name(Uid::effective()), "uid"));
        SessionFacts {
            session: uuid::Uuid::now_v7().to_string(),
            user,
            target,
            target_user,
            start_us: micros(now).0,
            known_by,
            tool: concat!("casemate ", env!("CARGO_PKG_VERSION")).into(),
            part: 1,
            previous: None,
            previous_seal: None,
            within,
            extra: self.extra.clone(),
        }
    }
}

/// Who logged in, in a name: see [`Identity`].
pub fn login_name() -> String {
    login_user().0
}

/// Who logged in, or who it is now.
fn login_user() -> (String, &'static str) {
    match audited_account() {
        Some(account) => (account, "login"),
        None => (user_name(Uid::current()), "uid"),
    }
}

/// The account that logged in: the kernel remembers it through `su` and `sudo`, where it audits logins.
pub fn audited_account() -> Option<String> {
    let audited = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    let uid = audited.trim().parse().ok().filter(|&uid| uid != u32::MAX)?;
    Some(user_name(Uid::from_raw(uid)))
}

fn user_name(uid: Uid) -> String {
    account_name(uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn account_name(uid: Uid) -> Option<String> {
    Some(User::from_uid(uid).ok()??.name)
}

/// The names of users, each asked for once.
#[derive(Debug, Default)]
pub(crate) struct UserNames(HashMap<u32, Option<String>>);

impl UserNames {
    /// A session meets a few users; one that meets thousands is up to something.
    const KEPT: usize = 256;

    /// The account's name, if the user has an account.
    pub(crate) fn find(&mut self, uid: u32) -> Option<String> {
        if self.0.len() >= Self::KEPT {
            self.0.clear();
        }
        self.0.entry(uid).or_insert_with(|| account_name(Uid::from_raw(uid))).clone()
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Eight letters that tell recordings of one second apart.
pub fn random_id() -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    id[id.len() - 8..].to_owned()
}

/// The shell of the user's account.
pub fn account_shell() -> Option<std::path::PathBuf> {
    let user = User::from_uid(Uid::current()).ok()??;
    Some(user.shell).filter(|shell| !shell.as_os_str().is_empty())
}
