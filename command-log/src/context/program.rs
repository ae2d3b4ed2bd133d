//! Programs that are no shells and read lines of their own: interpreters, database shells, editors of lines.
//!
//! [`parse_program`] says which one a command line starts, from its text alone: `python3 -q` does, `python3 x.py`
//! does not. What it does not know is `None`; a prompt may still tell better.

use super::hop::{Reading, read_line};
use super::words::Word;

/// The program that reads lines after this command, under the name that it was called by.
///
/// ```
/// use casemate_command_log::context::parse_program;
///
/// assert_eq!(parse_program("sudo -u postgres psql app").as_deref(), Some("psql"));
/// assert_eq!(parse_program("psql -c 'select 1'"), None);
/// ```
pub fn parse_program(command: &str) -> Option<String> {
    reads_lines(&read_line(command))
}

pub(super) fn reads_lines(reading: &Reading) -> Option<String> {
    let (first, arguments) = reading.runs.split_first()?;
    let name = first.program();
    talks(name, arguments).then(|| name.to_owned())
}

/// Interpreters: interactive unless told what to run. The options that tell them, and those with another value.
const INTERPRETERS: &[(&str, &[&str], &[&str])] = &[
    ("python", &["-c", "-m", "-V", "-h", "--version", "--help"], &["-W", "-X"]),
    ("pypy", &["-c", "-m", "--version"], &["-W", "-X"]),
    ("ipython", &["-c", "-m"], &[]),
    ("bpython", &["-c"], &[]),
    ("ptpython", &[], &[]),
    (
        "node",
        &["-e", "-p", "-c", "-v", "--eval", "--print", "--check", "--version", "--test"],
        &["-r", "--require"],
    ),
    ("lua", &["-e", "-v"], &["-l"]),
    ("luajit", &["-e", "-v"], &["-l"]),
    ("tclsh", &[], &[]),
    ("ghci", &["-e", "--version"], &[]),
    ("ocaml", &["-version"], &["-I"]),
    ("utop", &[], &[]),
    ("erl", &["-noshell", "-noinput"], &["-sname", "-name", "-setcookie", "-pa"]),
    ("iex", &[], &["-S", "--sname", "--name", "--cookie"]),
    ("scala", &["-e", "-version"], &["-cp"]),
    ("jshell", &["--version"], &["--class-path"]),
    ("groovysh", &[], &[]),
    ("kotlinc", &[], &[]),
    ("julia", &["-e", "-E", "-v", "--version"], &["-t", "-p", "-L"]),
    ("R", &["-e", "-f", "CMD", "--version"], &[]),
    ("octave", &["--eval", "--version"], &[]),
    ("gp", &[], &["-s", "-p"]),
    ("sbcl", &["--script", "--version", "--eval", "--non-interactive"], &["--load", "--core"]),
    ("clisp", &["-x"], &[]),
    ("guile", &["-c", "-s", "--version"], &["-L", "-l"]),
    ("racket", &["-e", "-f"], &[]),
    ("clj", &["-M", "-e", "-X", "-T"], &["-A", "-Sdeps"]),
    ("swipl", &["-g", "-t", "--version"], &["-s"]),
    ("gforth", &[], &[]),
    ("maxima", &[], &[]),
    ("evcxr", &[], &[]),
];

/// Programs that read lines whatever their arguments are, but for those that give them one thing to do.
const TALKERS: &[(&str, &[&str])] = &[
    ("irb", &["-v", "--version"]),
    ("pry", &["-e"]),
    ("bc", &["-v"]),
    ("dc", &["-e", "-f"]),
    ("psql", &["-c", "--command", "-f", "--file", "-l", "--list", "-V", "--version", "--help"]),
    ("pgcli", &["--version"]),
    ("mysql", &["-e", "--execute", "-V", "--version", "--help"]),
    ("mariadb", &["-e", "--execute", "-V", "--version", "--help"]),
    ("mycli", &["-e", "--version"]),
    ("mongosh", &["--eval", "--version"]),
    ("mongo", &["--eval", "--version"]),
    ("cqlsh", &["-e", "-f", "--version"]),
    ("clickhouse-client", &["-q", "--query", "--version"]),
    ("sqlplus", &["-v"]),
    ("sqlcmd", &["-Q", "-i"]),
    ("usql", &["-c", "-f", "--version"]),
    ("influx", &["-execute", "version"]),
    ("cypher-shell", &["-f", "--version"]),
    ("pyspark", &["--version"]),
    ("spark-shell", &["--version"]),
    ("snowsql", &["-q", "-f"]),
    ("gdb", &["-batch", "--batch", "--version"]),
    ("rust-gdb", &["-batch", "--batch"]),
    ("lldb", &["-b", "--batch", "--version"]),
    ("pdb", &[]),
    ("ftp", &[]),
    ("sftp", &["-b"]),
    ("lftp", &["-c", "-e", "-f"]),
    ("telnet", &[]),
    ("nc", &["-z", "-h"]),
    ("ncat", &["-z", "-h"]),
    ("netcat", &["-z", "-h"]),
    ("smbclient", &["-c", "-L"]),
    ("fdisk", &["-l", "--list", "-s"]),
    ("gdisk", &["-l"]),
    ("parted", &["-l", "-s", "--script", "--list"]),
    ("ed", &[]),
    ("ex", &["-c"]),
    ("gnuplot", &["-e"]),
    ("scapy", &[]),
    ("msfconsole", &["-x", "-r"]),
    ("vtysh", &["-c"]),
    ("rails", &[]),
];

/// Programs that read lines if they are called without a command: and the options of theirs that take a value.
const BARE: &[(&str, &str)] = &[
    ("redis-cli", "hpanus"),
    ("valkey-cli", "hpanus"),
    ("virsh", "c"),
    ("bluetoothctl", ""),
    ("nslookup", ""),
    ("wpa_cli", "ip"),
    ("deno", ""),
    ("duckdb", ""),
    ("asterisk", ""),
];

fn talks(name: &str, arguments: &[Word]) -> bool {
    let has = |names: &[&str]| {
        arguments.iter().any(|word| {
            let option = word.text.split('=').next().unwrap_or_default();
            names.contains(&option)
        })
    };
    let positionals = |values: &[&str]| {
        let mut skip = false;
        arguments
            .iter()
            .filter(|word| {
                let value = std::mem::replace(&mut skip, values.contains(&word.text.as_str()));
                !value && (!word.text.starts_with('-') || word.text == "-")
            })
            .count()
    };
    // `python3.12` is a `python`, `lua5.4` a `lua`.
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if let Some((_, told, values)) = INTERPRETERS.iter().find(|(known, ..)| *known == name || *known == plain)
    {
        if plain == "python" && has(&["-m"]) {
            return has(&["pdb", "code", "asyncio", "IPython", "ptpython", "bpython"]);
        }
        if has(&["-i", "--interactive"]) && !matches!(plain, "iex" | "erl") {
            return true;
        }
        let opens_file = matches!(plain, "iex" | "ghci" | "utop" | "jshell");
        return !has(told) && (opens_file || positionals(values) == 0);
    }
    if let Some((known, told)) = TALKERS.iter().find(|(known, _)| *known == name) {
        return match *known {
            "rails" => arguments
                .first()
                .is_some_and(|word| matches!(word.text.as_str(), "c" | "console" | "dbconsole")),
            _ => !has(told) && !has_clustered(known, arguments),
        };
    }
    if let Some((known, takes)) = BARE.iter().find(|(known, _)| *known == name) {
        let values: Vec<String> = takes.chars().map(|letter| format!("-{letter}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let verbs = positionals(&values);
        return match *known {
            "deno" => verbs == 0 || arguments.first().is_some_and(|word| word.text == "repl"),
            "duckdb" => verbs <= 1 && !has(&["-c", "-s", "-f"]),
            "asterisk" => has(&["-r", "-rvvv", "-c"]),
            _ => verbs == 0,
        };
    }
    match name {
        // The first other word is a file, the second is what to do with it.
        "sqlite3" | "sqlite" => {
            positionals(&["-separator", "-cmd", "-init", "-nullvalue", "-newline"]) <= 1
                && !has(&["-version", "--version"])
        }
        "php" => has(&["-a"]),
        "perl" => has(&["-de", "-d", "-de1", "-de0"]),
        "openssl" => arguments.first().is_none_or(|word| word.text == "s_client"),
        "lein" | "clojure" | "bun" => arguments.first().is_some_and(|word| word.text == "repl"),
        "sbt" | "swift" => arguments.is_empty() || has(&["repl", "console"]),
        "ruby" => has(&["-rirb", "-rdebug"]),
        "socat" => arguments.iter().any(|word| {
            word.text == "-" || word.text.starts_with("STDIO") || word.text.starts_with("READLINE")
        }),
        "manage.py" => has(&["shell", "dbshell", "shell_plus"]),
        _ => false,
    }
}

/// `psql -tAc 'select 1'`, `mysql -uroot -Ne …`: the letter that says what to do, at the end of a cluster.
fn has_clustered(name: &str, arguments: &[Word]) -> bool {
    let letter = match name {
        "psql" => 'c',
        "mysql" | "mariadb" => 'e',
        "nc" | "ncat" | "netcat" => 'z',
        _ => return false,
    };
    arguments.iter().any(|word| {
        word.text.strip_prefix('-').is_some_and(|letters| {
            letters.len() <= 5
                && !letters.starts_with('-')
                && letters.bytes().all(|b| b.is_ascii_alphabetic())
                && (if letter == 'z' { letters.contains('z') } else { letters.ends_with(letter) })
                && !letters.starts_with(['U', 'u', 'h', 'd', 'p', 'P'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_read_lines_are_known_by_their_arguments() {
        for (line, program) in [
            ("python3 -q", Some("python3")),
            ("python3", Some("python3")),
            ("FOO=1 /usr/bin/python3.12", Some("python3.12")),
            ("python3 x.py", None),
            ("python3 -i x.py", Some("python3")),
            ("python3 -c 'print(1)'", None),
            ("python3 -m http.server", None),
            ("python3 -m pdb x.py", Some("python3")),
            ("python -W ignore", Some("python")),
            ("python3 < x.py", None),
            ("echo 1 | python3", None),
            ("node", Some("node")),
            ("node server.js", None),
            ("psql", Some("psql")),
            ("psql -h db -U app shop", Some("psql")),
            ("psql -tAc 'select 1'", None),
            ("psql -f x.sql", None),
            ("psql < dump.sql", None),
            ("sudo -u postgres psql", Some("psql")),
            ("mysql -u root -p shop", Some("mysql")),
            ("mysql -uroot -e 'show tables'", None),
            ("docker exec -it db psql -U postgres", Some("psql")),
            ("kubectl exec -it db-0 -- mysql -u root", Some("mysql")),
            ("docker exec db psql -c 'select 1'", None),
            ("sqlite3 app.db", Some("sqlite3")),
            ("sqlite3 app.db 'select 1'", None),
            ("redis-cli -h cache -p 6380", Some("redis-cli")),
            ("redis-cli get x", None),
            ("cd /x && bc -l", Some("bc")),
            ("nc -C -v 192.0.2.1 80", Some("nc")),
            ("nc -zv 192.0.2.1 80", None),
            ("telnet mail 25", Some("telnet")),
            ("telnet host", None),
            ("openssl s_client -connect h:443", Some("openssl")),
            ("php -a", Some("php")),
            ("rails c", Some("rails")),
            ("rails server", None),
            ("ls -l", None),
            ("bash", None),
            ("", None),
        ] {
            assert_eq!(parse_program(line).as_deref(), program, "{line}");
        }
    }
}
