//! What PAM says to a program that `pam_exec` runs, in its environment. Pure.
//!
//! The same environment holds what modules have put there, and one of them, `pam_env`, may do that for the user. Such
//! variables stand first, whatever their names. `pam_exec` puts its own behind them, beginning with `PAM_SERVICE`; only
//! these count.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

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
    /// Reads what PAM says, if PAM runs us, from the environment in its order.
    #[must_use]
    pub fn read(environment: impl Iterator<Item = (OsString, OsString)>) -> Option<Self> {
        let mut pam = None;
        let mut when = None;
        let mut info = Vec::new();
        for (name, value) in environment {
            if name == "SSH_AUTH_INFO_0" {
                info = value.into_vec();
                continue;
            }
            let text = value.to_string_lossy().into_owned();
            if name == "PAM_SERVICE" {
                pam = Some(Self::of(text));
                continue;
            }
            let Some(pam) = &mut pam else { continue };
            let some = (!text.is_empty()).then_some(text);
            match name.as_bytes() {
                b"PAM_USER" => pam.account = some.unwrap_or_default(),
                b"PAM_RHOST" => pam.client = some,
                b"PAM_TTY" => pam.terminal = some,
                b"PAM_RUSER" => pam.remote_user = some,
                b"PAM_TYPE" => {
                    when = Some(match value.as_bytes() {
                        b"open_session" => When::Open,
                        b"close_session" => When::Close,
                        _ => When::Other,
                    });
                }
                _ => {}
            }
        }
        Some(Self { when: when?, authentications: info, ..pam? })
    }

    fn of(service: String) -> Self {
        Self {
            when: When::Other,
            account: String::new(),
            service,
            client: None,
            terminal: None,
            remote_user: None,
            authentications: Vec::new(),
        }
    }
}
