//! Who logged in, and how that is known. Pure: what sshd and PAM say comes in, a [`Login`] goes out.
//!
//! *Invariant*: a person is known by a key or a certificate with which sshd let somebody in, never by what that
//! somebody says. Any bytes give authentications or none.

pub mod pam;
pub mod person;
pub mod ssh;

use serde::{Deserialize, Serialize};

use crate::json::capped;

/// Of what sshd says, and of what stands in a certificate, so much is kept.
const MOST: usize = 16;

/// A login: what the PAM hook knows of it. It is an entry of the host log and, while it lasts, a file in `/run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// UUIDv7; the id of the connection.
    pub id: String,
    /// The account on this host.
    pub account: String,
    /// The PAM service: `sshd`, `login`, `su`, …
    pub service: String,
    /// The client's address or name, as the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The terminal; `ssh` where sshd has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// The account from which it was asked for, as the service says: that before `su`, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_user: Option<String>,
    /// The process that holds the login open: all that the login starts descends from it.
    pub pid: u32,
    /// When that process started, in ticks since boot: process ids are used again.
    pub process_start: u64,
    /// When it began, in microseconds since 1970 UTC.
    pub start_us: u64,
    /// The audit session that began with it: the kernel's number, which all that it starts has, and keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_session: Option<u32>,
    /// With what sshd let them in, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentications: Vec<Authentication>,
    /// The person, where the configuration knows one.
    #[serde(flatten)]
    pub person: Option<Person>,
}

/// Somebody, and by what they are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As the configuration names them.
    #[serde(rename = "person")]
    pub name: String,
    /// By what.
    pub known_by: KnownBy,
}

/// How it is known who somebody is; the first ones are worth the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownBy {
    /// The id in a certificate by an authority that the configuration names.
    Certificate,
    /// The fingerprint of a key.
    Key,
    /// The account as which they logged in, which the kernel remembers through `su` and `sudo`.
    Login,
    /// The account as which they are here.
    Uid,
}

impl KnownBy {
    /// As it stands in a recording.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::Login => "login",
            Self::Uid => "uid",
        }
    }
}

/// One way by which sshd let somebody in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// `publickey`, `password`, `keyboard-interactive/pam`, …
    pub method: String,
    /// The type of the key, as in `ssh-ed25519`; of a certificate that of the key in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// `SHA256:…` of the key, as `ssh-keygen -l` shows it; of a certificate that of the key in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What a certificate says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it is for, as the authority says.
    pub key_id: String,
    /// Its number.
    pub serial: u64,
    /// The names for which it is valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<String>,
    /// `SHA256:…` of the authority's key.
    pub authority: String,
}

impl Login {
    /// Whether somebody came from another machine by it: `su` and `sudo` begin with an account, and cron with nobody.
    #[must_use]
    pub fn comes_from_elsewhere(&self) -> bool {
        self.client.is_some() && self.remote_user.is_none()
    }

    /// Cuts what strangers have chosen.
    pub(crate) fn cap(&mut self) {
        let Self { account, service, client, terminal, remote_user, authentications, .. } = self;
        let optional = [client, terminal, remote_user].into_iter().flatten();
        [account, service].into_iter().chain(optional).for_each(|text| *text = capped(text));
        authentications.truncate(MOST);
        authentications.iter_mut().for_each(Authentication::cap);
    }
}

impl Authentication {
    fn cap(&mut self) {
        self.method = capped(&self.method);
        self.key_type = self.key_type.as_deref().map(capped);
        if let Some(Certificate { key_id, principals, .. }) = &mut self.certificate {
            *key_id = capped(key_id);
            principals.truncate(MOST);
            principals.iter_mut().for_each(|name| *name = capped(name));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
