//! `casemate login`: what PAM runs when a session begins and when it is over.

use std::os::unix::net::UnixDatagram;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use casemate_host::login::pam::{Pam, When};
use casemate_host::{Config, Places, logins, trusted};

use crate::failure::Failure;
use crate::printer::{Printer, one_line};

/// Note a login, for PAM
///
/// PAM runs this as root, by a line for `pam_exec` in its configuration, when a session begins and when it is over. Each
/// login becomes an entry of the host log in /var/lib/casemate/log, with where it came from and the key or the certificate
/// with which sshd let it in; so do those that never run a shell. What runs within the login finds it in
/// /run/casemate/logins. Who has a key is said by `[people]` in /etc/casemate/config.toml.
///
/// It never hinders a login: what goes wrong is told to the system's log.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, in /etc/pam.d/common-session; before any line of pam_env that has user_readenv=1:
  session optional pam_exec.so seteuid quiet /usr/bin/casemate login")]
pub(crate) struct LoginArgs {}

pub(crate) fn run(printer: &Printer) -> Result<ExitCode, Failure> {
    let Some(pam) = Pam::read(|name| std::env::var_os(name)) else {
        return Err(Failure::new("PAM runs this when somebody logs in; it has no use by hand")
            .hint("see the example in `casemate login --help`"));
    };
    for problem in note(&pam) {
        tell(&problem);
        printer.error(problem);
    }
    // A login goes on, whatever went wrong here.
    Ok(ExitCode::SUCCESS)
}

/// Does what there is to do, and says what could not be done.
fn note(pam: &Pam) -> Vec<String> {
    // systemd's own session for a user's services is no login, and stays open behind all of them.
    if pam.when == When::Other || pam.service == "systemd-user" {
        return Vec::new();
    }
    if !rustix::process::geteuid().is_root() {
        return vec!["a login was not noted: PAM has to run `casemate login` as root, see `seteuid`".into()];
    }
    let places = Places::system();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let now = u64::try_from(now).unwrap_or_default();
    let whose = |what: &str, error: &dyn std::fmt::Display| {
        format!("{what} ({} of `{}`): {error}", pam.service, pam.account)
    };
    if pam.when == When::Close {
        let closed = logins::close(&places, now);
        return closed
            .err()
            .map(|error| whose("cannot note the end of a login", &error))
            .into_iter()
            .collect();
    }
    let (config, mut problems) = match config(&places) {
        Ok(config) => (config, Vec::new()),
        Err(error) => (Config::default(), vec![whose("a login is nobody's", &error)]),
    };
    match logins::open(&places, &config, pam, now) {
        Ok(opened) => {
            problems.extend(opened.failures.iter().map(|(what, error)| whose(what, error)));
        }
        Err(error) => problems.push(whose("a login was not noted", &error)),
    }
    problems
}

fn config(places: &Places) -> Result<Config, String> {
    let path = &places.config;
    match trusted::read(path) {
        Ok(text) => Config::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.is_missing() => Ok(Config::default()),
        Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
    }
}

/// Tells the system's log: nobody sees what a program under PAM writes.
fn tell(problem: &str) {
    /// `authpriv` and `warning`, in numbers of RFC 5424.
    const PRIORITY: u32 = 10 * 8 + 4;
    let message = format!("<{PRIORITY}>casemate[{}]: {}", std::process::id(), one_line(problem));
    if let Ok(socket) = UnixDatagram::unbound() {
        // A log that is full is not waited for.
        socket.set_nonblocking(true).ok();
        socket.send_to(message.as_bytes(), "/dev/log").ok();
    }
}
