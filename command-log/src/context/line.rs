//! What a line of output says about hops: that one failed, succeeded or ended.
//!
//! Output is what a program wants it to be, so that a line alone decides nothing: it counts together with the command
//! before it and the prompt after it.

use super::hop::{Hop, HopKind};

/// Messages are shorter. What is longer is output of another kind.
const MAX_LINE: usize = 512;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Nothing of interest.
    Nothing,
    /// An attempt failed, another may follow.
    Retry,
    /// The hop failed.
    Failed,
    /// A login greets.
    Welcome,
    /// A shell said `exit` or `logout`, or a program printed just that.
    Leaves,
    /// A connection or a container ended; its name, if the line says it.
    Closed(Option<String>),
    /// The shell does not end in spite of `exit`.
    Stays,
}

/// Reads a line. `hop` is what the command before it may have begun.
pub(super) fn read(line: &str, hop: Option<&Hop>) -> Says {
    let line = line.trim();
    if line.is_empty() || line.len() > MAX_LINE {
        return Says::Nothing;
    }
    let lower = line.to_lowercase();
    match lower.as_str() {
        "exit" | "logout" => return Says::Leaves,
        "there are stopped jobs." | "there are running jobs." => return Says::Stays,
        "exited"
        | "session terminated."
        | "script done."
        | "[exited]"
        | "[server exited]"
        | "[lost server]"
        | "[screen is terminating]"
        | "[mosh is exiting.]" => return Says::Closed(None),
        _ => {}
    }
    if lower.starts_with("zsh: you have suspended jobs") || lower.starts_with("zsh: you have running jobs") {
        return Says::Stays;
    }
    if let Some(closed) = closing(line, &lower) {
        return closed;
    }
    if greets(&lower) {
        return Says::Welcome;
    }
    match hop {
        Some(hop) => failing(&lower, hop),
        None => Says::Nothing,
    }
}

fn closing(line: &str, lower: &str) -> Option<Says> {
    let behind = lower.strip_prefix("shared ").unwrap_or(lower).strip_prefix("connection to ");
    if let Some(behind) = behind {
        let ends = ["closed.", "closed by remote host.", "closed by foreign host."];
        if let Some(name) = ends.iter().find_map(|end| behind.strip_suffix(end)) {
            let from = line.len() - behind.len();
            let name = line.get(from..from + name.len()).unwrap_or_default().trim();
            return Some(Says::Closed(Some(name.to_owned())));
        }
    }
    const FRONTS: &[&str] = &[
        "client_loop: send disconnect",
        "connection closed by foreign host",
        "command terminated with exit code",
        "command terminated with non-zero exit code",
        "[detached (from session",
        "[detached from ",
        "[remote detached from ",
        "timed out waiting for input: auto-logout",
        "packet_write_wait: connection to ",
        "read from remote host ",
        "timeout, server ",
        "exiting session with sessionid",
        "connection to the local host terminated",
    ];
    let front = FRONTS.iter().any(|front| lower.starts_with(front));
    let terminated = (lower.starts_with("container ") && lower.contains(" terminated by"))
        || (lower.starts_with("container ") && lower.contains(" exited successfully"))
        || lower.starts_with("connection to machine ") && lower.contains(" terminated");
    (front || terminated).then_some(Says::Closed(None))
}

fn greets(lower: &str) -> bool {
    [
        "last login: ",
        "last failed login",
        "welcome to ",
        "connected to the local host",
        "connected to machine ",
    ]
    .iter()
    .any(|front| lower.starts_with(front))
        || (lower.starts_with("linux ") && lower.contains(" smp "))
}

/// Says of any program that could not be started, or of the network.
const REFUSALS: &[&str] = &[
    "command not found",
    "host key verification failed",
    "could not resolve hostname",
    "connection refused",
    "connection timed out",
    "operation timed out",
    "no route to host",
    "network is unreachable",
    "too many authentication failures",
    "kex_exchange_identification",
    "received disconnect from",
    "permission denied (",
    "authentication failure",
    "authentication failed",
    "incorrect password",
    "a password is required",
    "is not in the sudoers file",
    "is not allowed to execute",
    "is not allowed to run sudo",
    "may not run sudo",
    "currently not available",
    "error response from daemon",
    "error from server",
    "oci runtime exec failed",
    "no such container",
    "is not running",
    "cannot connect to the docker daemon",
    "unable to upgrade connection",
    "unable to connect to the server",
    "you must be logged in to the server",
    "does not exist or the user entry does not contain",
    "must be run from a terminal",
    "not authorized",
    "access denied",
    "login incorrect",
    "incorrect password attempt",
    "unknown user",
    "no such user",
    "polkit",
];

/// Begins of lines that a hop's own program prints and that are no failures.
const WARNINGS: &[&str] = &[
    "unable to resolve host",
    "warning",
    "cannot change directory",
    "unable to change directory",
    "setrlimit",
    "pseudo-terminal will not",
    "connect to host",
];

fn failing(lower: &str, hop: &Hop) -> Says {
    if lower.ends_with("^c") || lower == "^c" {
        return Says::Failed;
    }
    if lower.starts_with("sorry, try again") || lower.contains("permission denied, please try again") {
        return Says::Retry;
    }
    let program = hop.program.rsplit('/').next().unwrap_or_default().to_lowercase();
    let own = (!program.is_empty())
        .then(|| lower.strip_prefix(program.as_str()))
        .flatten()
        .and_then(|behind| behind.strip_prefix(": "));
    if let Some(message) = own {
        // `ssh: connect to host … port 22: Connection refused` may be one of several addresses, and is the last if it
        // is; but the line that refuses says so in the words below.
        if !WARNINGS.iter().any(|warning| message.starts_with(warning)) {
            return Says::Failed;
        }
        return if REFUSALS.iter().any(|refusal| message.contains(refusal)) {
            Says::Failed
        } else {
            Says::Nothing
        };
    }
    // `sh: 1: sudo: not found`, `fish: Unknown command: sudo`.
    if (lower.contains("not found") || lower.contains("unknown command"))
        && lower.contains(&program)
        && !program.is_empty()
    {
        return Says::Failed;
    }
    // A greeting may hold any of these words; what is behind the name of a shell comes from its start-up files.
    let from_startup =
        lower.split(':').next().is_some_and(|front| super::hop::is_shell(front) || front.contains('/'));
    if from_startup && !lower.contains(&program) {
        return Says::Nothing;
    }
    let remote = matches!(hop.kind, HopKind::Host | HopKind::Container);
    if REFUSALS.iter().any(|refusal| lower.contains(refusal)) {
        return Says::Failed;
    }
    if remote
        && (lower.starts_with("error:")
            || lower.starts_with("connection closed by")
            || lower.starts_with("connection reset by"))
        || lower.starts_with("user ") && lower.contains("does not exist")
    {
        return Says::Failed;
    }
    Says::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::parse_hop;

    #[test]
    fn lines_are_read_with_the_command_before_them() {
        use Says::*;
        for (command, line, says) in [
            ("su bob", "su: Authentication failure", Failed),
            (
                "su bob",
                "su: user bobb does not exist or the user entry does not contain all the required fields",
                Failed,
            ),
            (
                "su - bob",
                "su: warning: cannot change directory to /home/bob: No such file or directory",
                Nothing,
            ),
            ("su bob", "bash: /root/.bashrc: Permission denied", Nothing),
            ("su nobody", "This account is currently not available.", Failed),
            ("sudo -i", "Sorry, try again.", Retry),
            ("sudo -i", "sudo: 3 incorrect password attempts", Failed),
            ("sudo -i", "sudo: unable to resolve host web-1: Name or service not known", Nothing),
            ("sudo -i", "bob is not in the sudoers file.", Failed),
            ("sudo -i", "sh: 1: sudo: not found", Failed),
            ("sudo -i", "[sudo] password for bob: ^C", Failed),
            ("zsh", "bash: zsh: command not found", Failed),
            ("ssh h", "ssh: connect to host h port 22: Connection refused", Failed),
            ("ssh h", "bob@h: Permission denied (publickey).", Failed),
            ("ssh h", "Permission denied, please try again.", Retry),
            ("ssh h", "Host key verification failed.", Failed),
            ("ssh h", "Warning: Permanently added 'h' (ED25519) to the list of known hosts.", Nothing),
            ("ssh h", "Connection closed by 192.0.2.1 port 22", Failed),
            ("ssh h", "Last login: Sun Nov 22 07:15:41 2026 from 192.0.2.7", Welcome),
            ("ssh h", "Linux h 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian x86_64", Welcome),
            ("docker exec -it x sh", "Error response from daemon: No such container: x", Failed),
            ("kubectl exec -it x -- bash", "Error from server (NotFound): pods \"x\" not found", Failed),
            (
                "kubectl exec -it x -- bash",
                "error: unable to upgrade connection: container not found",
                Failed,
            ),
            ("exit", "logout", Leaves),
            ("exit", "Connection to web-1 closed.", Closed(Some("web-1".into()))),
            ("exit", "Shared connection to Web-1 closed.", Closed(Some("Web-1".into()))),
            ("ls", "Connection to web-1 closed by remote host.", Closed(Some("web-1".into()))),
            ("exit", "command terminated with exit code 130", Closed(None)),
            ("ls", "[detached (from session 0)]", Closed(None)),
            ("exit", "There are stopped jobs.", Stays),
            ("ls", "Permission denied (publickey).", Nothing),
            ("ls", "", Nothing),
        ] {
            assert_eq!(read(line, parse_hop(command).as_ref()), says, "{command}: {line}");
        }
    }
}
