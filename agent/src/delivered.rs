//! What needs no carrying any more, by its id: a line each, in a file for each server, in a folder of root's.
//!
//! It only spares questions. Lost, the server is asked for each recording, and says that all of it is there.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use uuid::Uuid;

/// The ids, and where they are kept.
#[derive(Debug)]
pub(crate) struct Delivered {
    ids: HashSet<Uuid>,
    file: File,
}

/// Reads which ids there are; none, if there is no such file.
pub(crate) fn read(folder: &Path, server: &str) -> io::Result<HashSet<Uuid>> {
    match fs::read_to_string(folder.join(name(server))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashSet::new()),
        text => Ok(text?.lines().filter_map(|line| Uuid::parse_str(line).ok()).collect()),
    }
}

impl Delivered {
    /// Opens the file in its folder, and makes it where it is not.
    pub(crate) fn open(folder: &Path, server: &str) -> io::Result<Self> {
        let ids = read(folder, server)?;
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        let options = options.append(true).create(true).mode(0o600).custom_flags(flags);
        let mut file = options.open(folder.join(name(server)))?;
        // A last line that was cut takes no other with it.
        file.write_all(b"\n")?;
        Ok(Self { ids, file })
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
        let mut delivered = Delivered::open(folder, "https://a/").unwrap();
        delivered.add([ids[0]]);
        delivered.add([ids[0]]);
        let path = folder.join(name("https://a/"));
        let mut text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 1);
        text.push_str("0000");
        fs::write(&path, text).unwrap();
        let mut again = Delivered::open(folder, "https://a/").unwrap();
        again.add([ids[1]]);
        assert!(again.has(ids[0]) && again.has(ids[1]) && !again.has(ids[2]));
        assert_eq!(read(folder, "https://a/").unwrap().len(), 2);
        assert!(!Delivered::open(folder, "https://b").unwrap().has(ids[0]), "each server has its own");
    }
}
