//! What needs no carrying any more, by its id: a line each, in a file for each server, in a folder of root's.
//!
//! It only spares questions. Lost, the server is asked for each recording, and says that all of it is there. Logins have no
//! recording that would say so: the file says since when those that are over are known here.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use uuid::Uuid;

/// Before the time since when logins are known.
const SINCE: &str = "since ";

/// The ids, and where they are kept.
#[derive(Debug)]
pub(crate) struct Delivered {
    ids: HashSet<Uuid>,
    /// Of logins that began earlier, in microseconds since 1970, it is not known whether they had a recording once.
    since_us: u64,
    file: File,
}

/// Reads which ids there are; none, if there is no such file.
pub(crate) fn read(folder: &Path, server: &str) -> io::Result<HashSet<Uuid>> {
    Ok(ids(&text(folder, server)?))
}

fn text(folder: &Path, server: &str) -> io::Result<String> {
    match fs::read_to_string(folder.join(name(server))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

fn ids(text: &str) -> HashSet<Uuid> {
    text.lines().filter_map(|line| Uuid::parse_str(line).ok()).collect()
}

impl Delivered {
    /// Opens the file in its folder, and makes it where it is not: then logins are known here since then.
    pub(crate) fn open(folder: &Path, server: &str, new_since_us: u64) -> io::Result<Self> {
        let text = text(folder, server)?;
        let ids = ids(&text);
        let said = text.lines().find_map(|line| line.strip_prefix(SINCE)?.parse().ok());
        let since_us = match said {
            Some(since) => since,
            None if ids.is_empty() => new_since_us,
            // It is older than this line.
            None => 0,
        };
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        let options = options.append(true).create(true).mode(0o600).custom_flags(flags);
        let mut file = options.open(folder.join(name(server)))?;
        // A last line that was cut takes no other with it.
        let said = if said.is_none() { format!("{SINCE}{since_us}\n") } else { String::new() };
        file.write_all(format!("\n{said}").as_bytes())?;
        Ok(Self { ids, since_us, file })
    }

    pub(crate) fn since_us(&self) -> u64 {
        self.since_us
    }

    pub(crate) fn has(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    /// Takes ids in.
    pub(crate) fn add(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        let lines: String =
            ids.into_iter().filter(|id| self.ids.insert(*id)).map(|id| format!("{id}\n")).collect();
        // What cannot be written is asked for again after the next start.
        self.file.write_all(lines.as_bytes()).ok();
    }
}

fn name(server: &str) -> String {
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    format!("{}.delivered", server.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_is_known_after_a_start_whatever_became_of_the_last_line() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let ids: Vec<_> = (1..4).map(Uuid::from_u128).collect();
        let mut delivered = Delivered::open(folder, "https://a/", 7).unwrap();
        delivered.add([ids[0]]);
        delivered.add([ids[0]]);
        let path = folder.join(name("https://a/"));
        let mut text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            ["since 7", &ids[0].to_string()]
        );
        text.push_str("0000");
        fs::write(&path, text).unwrap();
        let mut again = Delivered::open(folder, "https://a/", 7).unwrap();
        again.add([ids[1]]);
        assert!(again.has(ids[0]) && again.has(ids[1]) && !again.has(ids[2]));
        assert_eq!(read(folder, "https://a/").unwrap().len(), 2);
        assert!(!Delivered::open(folder, "https://b", 7).unwrap().has(ids[0]), "each server has its own");
    }

    #[test]
    fn since_when_logins_are_known_is_said_once() {
        let root = tempfile::tempdir().unwrap();
        let since = |server, new| Delivered::open(root.path(), server, new).unwrap().since_us();
        assert_eq!([since("a", 7), since("a", 9), since("b", 9)], [7, 7, 9]);
        // One who knew of no such line carried all.
        fs::write(root.path().join(name("c")), format!("{}\n", Uuid::from_u128(1))).unwrap();
        assert_eq!(since("c", 9), 0);
        fs::remove_file(root.path().join(name("a"))).unwrap();
        assert_eq!(since("a", 11), 11);
    }
}
