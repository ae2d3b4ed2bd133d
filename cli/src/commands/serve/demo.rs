//! What `serve --demo` fills a server with: sessions of made-up people in real shells, recorded as any other.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::failure::{About as _, Failure};

/// So long somebody looks at what was put out before the next line.
const LOOKS: Duration = Duration::from_millis(900);

/// The machines that there are.
pub(super) const TARGETS: [&str; 3] = ["web-1", "web-2", "db-1"];

/// Somebody's session.
struct Session {
    user: &'static str,
    target: &'static str,
    account: &'static str,
    lines: &'static [&'static str],
}

/// What they do; nothing of it changes anything outside of their own folder. The last one is busy for a minute.
const SESSIONS: [Session; 5] = [
    Session {
        user: "alice@example.com",
        target: "web-1",
        account: "deploy",
        lines: &[
            "uptime",
            "df -h /",
            "ls -l /etc | head -5",
            "head -2 /etc/os-release",
            "ls /srv/releases/42",
            "exit",
        ],
    },
    Session {
        user: "bob@example.com",
        target: "db-1",
        account: "postgres",
        lines: &[
            "whoami",
            "grep -c processor /proc/cpuinfo",
            "printf 'id,total\\n1,9.50\\n2,12.00\\n' > orders.csv",
            "sort -t, -k2 -n orders.csv",
            "pg_dump shop | gzip > shop.sql.gz",
            "exit",
        ],
    },
    Session {
        user: "carol@example.com",
        target: "web-2",
        account: "root",
        lines: &[
            "id",
            "tail -2 /etc/passwd",
            "nginx -t",
            "for n in 1 2 3; do echo check $n; done",
            "rm -f /tmp/demo.pid",
            "exit 3",
        ],
    },
    Session {
        user: "alice@example.com",
        target: "db-1",
        account: "alice",
        lines: &[
            "cat <<END > note.txt",
            "The index of orders is to be made anew.",
            "END",
            "wc note.txt",
            "exit",
        ],
    },
    Session {
        user: "dave@example.com",
        target: "web-1",
        account: "deploy",
        lines: &["echo watching the release", "for n in $(seq 60); do date +%T; sleep 1; done", "exit"],
    },
];

/// Has all of them go on at once, and gives whoever is at it. `key` says where the key of a target's agent is.
pub(super) fn begin(
    address: &str,
    home: &Path,
    key: impl Fn(&str) -> std::path::PathBuf,
) -> Result<Vec<std::thread::JoinHandle<()>>, Failure> {
    let program = std::env::current_exe().about("nobody knows where this program is")?;
    let mut going_on = Vec::new();
    for (number, session) in SESSIONS.iter().enumerate() {
        let folder = home.join(format!("{number}"));
        std::fs::create_dir_all(&folder).about(format!("cannot make `{}`", folder.display()))?;
        let mut recorder = Command::new(&program);
        recorder.args(["rec", "--quiet", "--headless", "--window-size", "100x30", "--server", address]);
        recorder.arg("--key-file").arg(key(session.target));
        recorder.args(["--user", session.user, "--target-user", session.account]);
        recorder.args(["--command", "bash --norc --noprofile -i"]);
        recorder.current_dir(&folder).env("HOME", &folder).env_remove("CASEMATE_SESSION");
        recorder.env("PS1", format!("{}@{}:\\w\\$ ", session.account, session.target));
        recorder.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = recorder.spawn().about("a session of the demonstration cannot begin")?;
        going_on.push(std::thread::spawn(|| type_lines(child, session.lines)));
    }
    Ok(going_on)
}

fn type_lines(mut child: Child, lines: &[&str]) {
    if let Some(mut keys) = child.stdin.take() {
        for line in lines {
            std::thread::sleep(LOOKS);
            // Whose session was closed types nothing more.
            if writeln!(keys, "{line}").is_err() {
                break;
            }
        }
    }
    drop(child.wait());
}
