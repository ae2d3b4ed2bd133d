//! `casemate-login`: what PAM runs, by `pam_exec`, when a session begins and when it is over.
//!
//! It is a program of its own, set-group-id, for one reason. PAM gives it the environment of the session, and into that
//! a user may put what he likes where `pam_env` has `user_readenv=1`, as in Debian 12's `/etc/pam.d/sshd`: the loader
//! of an ordinary program that root runs obeys `LD_PRELOAD`, that of a set-group-id one does not.
//!
//! *Invariant*: it never hinders a login. What goes wrong is told to the system's log, and the status is 0.

use std::fmt::Display;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::process::ExitCode;

use casemate_host::login::pam::{Pam, When};
use casemate_host::{Config, Places, logins, now_us, trusted, with_causes};
use casemate_terminal::escaped;

/// For whoever runs it by hand.
const USAGE: &str = "\
error: PAM runs this when somebody logs in; it has no use by hand
hint: in /etc/pam.d/common-session: session optional pam_exec.so seteuid quiet /usr/libexec/casemate-login";

fn main() -> ExitCode {
    let Some(pam) = Pam::read(std::env::vars_os()) else {
        writeln!(std::io::stderr(), "{USAGE}").ok();
        return ExitCode::FAILURE;
    };
    for problem in note(&pam) {
        tell(&problem);
    }
    ExitCode::SUCCESS
}

/// Does what there is to do, and says what could not be done.
fn note(pam: &Pam) -> Vec<String> {
    // systemd's own session for a user's services is no login, and stays open behind all of them.
    if pam.when == When::Other || pam.service == "systemd-user" {
        return Vec::new();
    }
    let whose =
        |what: &str, error: &dyn Display| format!("{what} ({} of `{}`): {error}", pam.service, pam.account);
    if !rustix::process::geteuid().is_root() {
        return vec![whose("cannot note a login", &"PAM has to run this as root, with `seteuid`")];
    }
    if rustix::process::getegid() == rustix::process::getgid() {
        return vec![whose("cannot note a login", &"this program has to be set-group-id to `casemate`")];
    }
    let places = Places::system();
    let now = now_us();
    if pam.when == When::Close {
        let closed = logins::close(&places, now);
        return closed
            .err()
            .map(|error| whose("cannot note the end of a login", &error))
            .into_iter()
            .collect();
    }
    let (config, mut problems) = match trusted::config(&places.config) {
        Ok(config) => (config, Vec::new()),
        Err(error) => (Config::default(), vec![whose("a login is nobody's", &with_causes(&error))]),
    };
    match logins::open(&places, &config, pam, now) {
        Ok(opened) => problems.extend(opened.failures.iter().map(|(what, error)| whose(what, error))),
        Err(error) => problems.push(whose("cannot note a login", &error)),
    }
    problems
}

/// Tells the system's log: nobody sees what a program under PAM writes.
fn tell(problem: &str) {
    /// `authpriv` and `warning`, in numbers of RFC 5424.
    const PRIORITY: u32 = 10 * 8 + 4;
    let message = format!("<{PRIORITY}>casemate-login[{}]: {}", std::process::id(), escaped(problem));
    if let Ok(socket) = UnixDatagram::unbound() {
        // A log that is full is not waited for.
        socket.set_nonblocking(true).ok();
        socket.send_to(message.as_bytes(), "/dev/log").ok();
    }
}
