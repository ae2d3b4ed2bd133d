//! What PAM says to a program that `pam_exec` runs, in its environment. Pure.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;

/// When PAM runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A session begins.
    Open,
    /// A session is over.
    Close,
    /// Something else.
    Other,
}

/// What PAM says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pam {
    /// When it runs us.
    pub when: When,
    /// The account.
    pub account: String,
    /// The service.
    pub service: String,
    /// From where, as the service says.
    pub client: Option<String>,
    /// The terminal.
    pub terminal: Option<String>,
    /// The account from which.
    pub remote_user: Option<String>,
    /// What sshd says, if it is sshd that asks.
    pub authentications: Vec<u8>,
}

impl Pam {
    /// Reads what PAM says, if PAM runs us.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name| {
            let value = variable(name)?;
            (!value.is_empty()).then(|| value.to_string_lossy().into_owned())
        };
        Some(Self {
            when: match variable("PAM_TYPE")?.as_os_str() {
                kind if kind == OsStr::new("open_session") => When::Open,
                kind if kind == OsStr::new("close_session") => When::Close,
                _ => When::Other,
            },
            account: text("PAM_USER").unwrap_or_default(),
            service: text("PAM_SERVICE").unwrap_or_default(),
            client: text("PAM_RHOST"),
            terminal: text("PAM_TTY"),
            remote_user: text("PAM_RUSER"),
            authentications: variable("SSH_AUTH_INFO_0").map(OsString::into_vec).unwrap_or_default(),
        })
    }
}
