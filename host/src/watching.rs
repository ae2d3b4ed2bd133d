//! Who may see which sessions there are, and watch them: root, and the groups that the configuration names.
//!
//! `casemate sessions` and `casemate watch` run with the rights of whoever calls them, and users can reach no recording.
//! So the set-group-id program gives them what they may see: `casemate-shell --list [--running] [--since=MICROSECONDS]`
//! gives a JSON object a line for each session ([`Session`](crate::sessions::Session)),
//! `casemate-shell --follow ID [--within=SESSION]` the bytes of a recording as they come. It shows nothing to a terminal.
//!
//! *Invariants*: nothing is written but the host log; that somebody watches is written down before anything is given.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use rustix::stdio::{stderr, stdin, stdout};

use crate::access::Access;
use crate::clock::now_us;
use crate::config::Config;
use crate::follow::{self, NotOne};
use crate::json;
use crate::log::{self, Entry};
use crate::places::Places;
use crate::registry::{Registry, terminal_device};
use crate::sessions::{self, Wish};
use crate::wrap::Account;

/// What somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Which sessions there are.
    List(Wish),
    /// One that runs, by the beginning of its id.
    Follow {
        /// The beginning of its id.
        id: String,
        /// The session in which whoever asks says to be: to watch that would never end.
        within: Option<String>,
    },
}

/// Why nothing is to be seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The request is none.
    #[error("`{0}` is nothing that can be asked for")]
    NoRequest(String),
    /// Whoever asks may not.
    #[error("`{0}` may not see the sessions of this host: only root and members of its `watchers` may")]
    NotAllowed(String),
    /// There is no such session.
    #[error(transparent)]
    NotOne(#[from] NotOne),
    /// It is the one in which it is asked for.
    #[error("that is the session that you are in: watching it would show what is shown, without end")]
    Own,
    /// That it is watched cannot be written down.
    #[error("cannot write down that you watch: {0}")]
    NotNoted(#[source] io::Error),
    /// Something cannot be read or given.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Request {
    /// What the arguments of the program ask for; `None` if they are those of a shell.
    ///
    /// # Errors
    ///
    /// They ask for something that there is not.
    pub fn of(argv: &[OsString]) -> Result<Option<Self>, Refused> {
        let Some((first, rest)) = argv.get(1..).and_then(<[_]>::split_first) else { return Ok(None) };
        let none = |argument: &OsString| Refused::NoRequest(argument.to_string_lossy().into_owned());
        match first.to_str() {
            Some("--list") => {
                let mut wish = Wish::default();
                for argument in rest {
                    match argument.to_str().map(|text| text.split_once('=').unwrap_or((text, ""))) {
                        Some(("--running", "")) => wish.only_running = true,
                        Some(("--since", since)) => {
                            wish.since_us = Some(since.parse().map_err(|_| none(argument))?);
                        }
                        Some(_) | None => return Err(none(argument)),
                    }
                }
                Ok(Some(Self::List(wish)))
            }
            Some("--follow") => {
                let (mut id, mut within) = (None, None);
                for argument in rest {
                    let text = argument.to_str().ok_or_else(|| none(argument))?;
                    match text.strip_prefix("--within=") {
                        Some(session) => within = Some(session.to_owned()),
                        None if id.is_none() && !text.starts_with('-') => id = Some(text.to_owned()),
                        None => return Err(none(argument)),
                    }
                }
                Ok(Some(Self::Follow { id: id.ok_or_else(|| none(first))?, within }))
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// Whether somebody may see sessions.
#[must_use]
pub fn may(config: &Config, account: &Account) -> bool {
    account.is_root() || config.watchers().any(|watcher| account.is_in(watcher))
}

/// Gives on standard output what somebody asks for; `login` is the id of theirs.
///
/// # Errors
///
/// See [`Refused`].
pub fn answer(
    request: &Request,
    places: &Places,
    config: &Config,
    account: &Account,
    login: Option<String>,
    access: Access,
) -> Result<(), Refused> {
    if !may(config, account) {
        return Err(Refused::NotAllowed(account.name.clone()));
    }
    let registry = Registry::of(places);
    match request {
        Request::List(wish) => {
            match list(&registry, &recording_folders(places, config), access, *wish) {
                // Whoever read has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                listed => Ok(listed?),
            }
        }
        Request::Follow { id, within } => {
            let running = access.with(|| registry.running()).map_err(io::Error::other)?;
            let session = follow::find(&running, id)?;
            let is_at = |terminal: Option<_>| terminal.is_some_and(|terminal| session.is_on(terminal));
            if within.as_ref() == Some(&session.session)
                || is_at(terminal_device(stdin()))
                || is_at(terminal_device(stderr()))
            {
                return Err(Refused::Own);
            }
            let entry = Entry::Watched {
                account: account.name.clone(),
                session: session.session.clone(),
                of: session.account.clone(),
                login,
            };
            access.with(|| log::append(places, now_us(), entry)).map_err(Refused::NotNoted)?;
            Ok(follow::follow(&registry, session, access, &mut io::stdout())?)
        }
    }
}

fn list(registry: &Registry, folders: &[PathBuf], access: Access, wish: Wish) -> io::Result<()> {
    let mut out = BufWriter::new(stdout().try_clone_to_owned().map(std::fs::File::from)?);
    sessions::list(registry, folders, access, wish, now_us(), &mut |session| {
        out.write_all(&json::line(&session)?)
    })?;
    out.flush()
}

/// The folders in which recordings may be, each once.
#[must_use]
pub fn recording_folders(places: &Places, config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![places.recordings()];
    for folder in config.recordings() {
        if !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Result<Option<Request>, String> {
        let argv: Vec<OsString> =
            std::iter::once(&"casemate-shell").chain(arguments).map(Into::into).collect();
        Request::of(&argv).map_err(|error| error.to_string())
    }

    #[test]
    fn requests_are_told_from_what_is_for_a_shell() {
        for shells in
            [&[][..], &["-c", "--list"], &["-l"], &["script", "--follow"], &["--login"], &["--listing"]]
        {
            assert_eq!(asked(shells), Ok(None), "{shells:?}");
        }
        let list = |wish| Ok(Some(Request::List(wish)));
        assert_eq!(asked(&["--list"]), list(Wish::default()));
        assert_eq!(
            asked(&["--list", "--running", "--since=5"]),
            list(Wish { since_us: Some(5), only_running: true })
        );
        let follow = |within: Option<&str>| {
            Ok(Some(Request::Follow { id: "0196".into(), within: within.map(Into::into) }))
        };
        assert_eq!(asked(&["--follow", "0196"]), follow(None));
        assert_eq!(asked(&["--follow", "0196", "--within=x"]), follow(Some("x")));
        for bad in [&["--list", "x"][..], &["--list", "--since=x"], &["--follow"], &["--follow", "a", "b"]] {
            assert!(asked(bad).unwrap_err().ends_with("is nothing that can be asked for"), "{bad:?}");
        }
    }

    #[test]
    fn only_those_whom_the_configuration_names_may() {
        let config = Config::parse("watchers = [\"audit\", \"security\"]").unwrap();
        let account = |uid, groups: &[&str]| {
            Account::known(uid, "somebody", groups.iter().map(|&group| group.to_owned()).collect())
        };
        assert!(may(&config, &account(1000, &["users", "security"])));
        assert!(!may(&config, &account(1000, &["users", "audit2", ""])));
        assert!(may(&config, &account(0, &[])) && may(&Config::default(), &account(0, &[])));
        assert!(!may(&Config::default(), &account(1000, &["root", "audit"])));
        let request = Request::List(Wish::default());
        let refused = answer(&request, &Places::system(), &config, &account(1000, &[]), None, Access(None));
        assert!(refused.unwrap_err().to_string().starts_with("`somebody` may not see the sessions"));
    }
}
