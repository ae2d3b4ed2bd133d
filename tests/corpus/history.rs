//! What the shells themselves remember: the second opinion about every label.
//!
//! A script says what it believes that it typed; a completion, a key that does something else, or a prompt
//! that came late can make that wrong. Shells write what they ran into their history files, each in a form
//! of its own. The two lists must hold the same commands, or the scene is not taken.
//!
//! *Invariants.* Order is not compared: a shell inside a shell writes first what it ran last.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use casemate_tests::typist::Label;

use crate::stage::{ACCOUNTS, home_of};

/// Gives the commands in a history file.
type Reader = fn(&[u8]) -> Vec<String>;

/// Where shells keep their histories, and how to read them.
const FILES: [(&str, Reader); 8] = [
    (".bash_history", bash),
    (".zsh_history", zsh),
    (".local/share/fish/fish_history", fish),
    (".history", tcsh),
    (".mksh_history", mksh),
    (".sh_history", ksh),
    (".yash_history", yash),
    (".ash_history", lines),
];

/// The differences between the labels and what all shells of the stage remember; empty if there are none.
pub(crate) fn differences(labels: &[Label]) -> Vec<String> {
    let mut balance: BTreeMap<String, (i32, String)> = BTreeMap::new();
    let mut once = Vec::new();
    for (account, _) in ACCOUNTS {
        for (name, read) in FILES {
            let path = Path::new(&home_of(account)).join(name);
            let Ok(bytes) = fs::read(&path) else { continue };
            for command in read(&bytes) {
                if [".local/share/fish/fish_history", ".mksh_history", ".yash_history"].contains(&name) {
                    // These remember a text once, however often it ran.
                    once.push(normal(&command));
                }
                balance.entry(normal(&command)).or_insert((0, command)).0 += 1;
            }
        }
    }
    for label in labels.iter().filter(|label| label.remembered) {
        balance.entry(normal(&label.command)).or_insert((0, label.command.clone())).0 -= 1;
    }
    let mut differences = Vec::new();
    for (key, (count, command)) in balance {
        if count > 0 && !once.contains(&key) {
            differences.push(format!("remembered, not labelled: {command:?}"));
        } else if count < 0 && !once.contains(&key) {
            differences.push(format!("labelled, not remembered: {command:?}"));
        }
    }
    differences
}

/// The same for a shell that remembers nothing and edits nothing: what the terminal made of the keys.
pub(crate) fn typed_differences(labels: &[Label], input: &str) -> Vec<String> {
    let (mut typed, mut line) = (Vec::new(), String::new());
    for key in input.chars() {
        match key {
            '\r' => typed.push(std::mem::take(&mut line)),
            '\u{7f}' => drop(line.pop()),
            '\u{15}' | '\u{3}' => line.clear(),
            '\u{17}' => line.truncate(line.trim_end().rfind(' ').map_or(0, |blank| blank + 1)),
            '\u{4}' => {}
            other => line.push(other),
        }
    }
    typed.retain(|line| !line.is_empty());
    let labels: Vec<_> =
        labels.iter().flat_map(|label| label.command.split('\n')).map(str::to_owned).collect();
    if typed == labels {
        Vec::new()
    } else {
        vec![format!("typed: {typed:?}"), format!("labelled: {labels:?}")]
    }
}

/// White space aside: tcsh has its own, and bash forgets that a line went on behind a backslash.
fn normal(command: &str) -> String {
    command.replace("\\\n", "").split_whitespace().collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    text(bytes).lines().map(str::to_owned).collect()
}

/// Entries between lines `#SECONDS`; each line an entry where there are none.
fn bash(bytes: &[u8]) -> Vec<String> {
    stamped(&lines(bytes), |line| {
        let digits = line.strip_prefix('#')?;
        (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some("")
    })
}

/// Entries between lines `#+SECONDS`.
fn tcsh(bytes: &[u8]) -> Vec<String> {
    stamped(&lines(bytes), |line| line.starts_with("#+").then_some(""))
}

/// Groups lines by those that `stamp` knows; it gives what of the stamp's line belongs to the entry.
fn stamped(lines: &[String], stamp: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut fresh = false;
    let mut stamps = false;
    for line in lines {
        if let Some(rest) = stamp(line) {
            stamps = true;
            fresh = rest.is_empty();
            if !fresh {
                entries.push(rest.to_owned());
            }
        } else if fresh || !stamps {
            entries.push(line.clone());
            fresh = false;
        } else if let Some(entry) = entries.last_mut() {
            entry.push('\n');
            entry.push_str(line);
        }
    }
    entries
}

/// `: SECONDS:DURATION;COMMAND`, newlines behind backslashes, bytes above 0x83 in pairs.
fn zsh(bytes: &[u8]) -> Vec<String> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        plain.push(if *byte == 0x83 { rest.next().map_or(0, |next| next ^ 32) } else { *byte });
    }
    let joined = text(&plain).replace("\\\n", "\u{0}");
    let command = |line: &str| {
        let command = match line.strip_prefix(": ").and_then(|line| line.split_once(';')) {
            Some((stamp, command)) if stamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') => {
                command
            }
            Some(_) | None => line,
        };
        command.replace('\u{0}', "\n")
    };
    joined.lines().map(command).collect()
}

/// `- cmd: TEXT` with `\n` and `\\`.
fn fish(bytes: &[u8]) -> Vec<String> {
    let unescape = |text: &str| text.replace("\\\\", "\u{0}").replace("\\n", "\n").replace('\u{0}', "\\");
    text(bytes).lines().filter_map(|line| line.strip_prefix("- cmd: ")).map(unescape).collect()
}

/// A line number, then text that ends with a zero byte.
fn mksh(bytes: &[u8]) -> Vec<String> {
    if !bytes.starts_with(&[0xab, 0xcd]) {
        return lines(bytes);
    }
    let entries = bytes[2..].split(|byte| *byte == 0xff).filter(|entry| entry.len() > 4);
    entries.map(|entry| text(&entry[4..]).trim_matches('\0').trim_end().to_owned()).collect()
}

/// Entries that end with a newline and a zero byte, behind a mark of two bytes.
fn ksh(bytes: &[u8]) -> Vec<String> {
    let entries = bytes.split(|byte| *byte == 0);
    let entry = |entry: &[u8]| {
        let start = entry.iter().position(|byte| *byte < 0x80 && *byte >= b' ').unwrap_or(entry.len());
        text(&entry[start..]).trim_end().to_owned()
    };
    entries.map(entry).filter(|entry| !entry.is_empty()).collect()
}

/// `NUMBER:SECONDS COMMAND`, both in hexadecimal, and lines that begin with other signs.
fn yash(bytes: &[u8]) -> Vec<String> {
    let entry = |line: &String| {
        let (stamp, command) = line.split_once(' ')?;
        stamp.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':').then(|| command.to_owned())
    };
    lines(bytes).iter().filter_map(entry).collect()
}
