//! What needs no carrying any more, by its id: a line each, in a file for each server, in a folder of root's.
//!
//! It only spares questions. Lost, the server is asked for each recording, and says that all of it is there. Logins have no
//! recording that would say so: the file says since when those that are over are known here. What can be there no more is
//! forgotten, so that it does not grow for ever: ids say when they were given.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
    path: PathBuf,
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
        let path = folder.join(name(server));
        let mut file = appending(&path)?;
        // A last line that was cut takes no other with it.
        let said = if said.is_none() { format!("{SINCE}{since_us}\n") } else { String::new() };
        file.write_all(format!("\n{said}").as_bytes())?;
        Ok(Self { ids, since_us, file, path })
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

    /// Forgets what began before then, in microseconds since 1970: of that nothing is there any more. Of such logins it is not
    /// known from now on whether they had a recording.
    pub(crate) fn forget(&mut self, before_us: u64) -> io::Result<()> {
        // Ids know no less than a millisecond.
        let before_us = before_us - before_us % 1000;
        let count = self.ids.len();
        self.ids.retain(|id| begun_us(*id).is_some_and(|begun| begun >= before_us));
        if self.ids.len() == count {
            return Ok(());
        }
        self.since_us = self.since_us.max(before_us);
        let lines = self.ids.iter().map(|id| format!("{id}\n"));
        let text: String = std::iter::once(format!("{SINCE}{}\n", self.since_us)).chain(lines).collect();
        // It is there whole, or as it was.
        let beside = self.path.with_extension("new");
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = appending(&beside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(beside, &self.path)?;
        self.file = file;
        Ok(())
    }
}

fn appending(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

/// When a session or a login began, by its id, in microseconds since 1970.
pub(crate) fn begun_us(id: Uuid) -> Option<u64> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    Some(seconds.checked_mul(1_000_000)? + u64::from(nanos / 1000))
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

    #[test]
    fn what_can_be_there_no_more_is_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let id = |second: u64, number| {
            uuid::Builder::from_unix_timestamp_millis(second * 1000, &[number; 10]).into_uuid()
        };
        let open = || Delivered::open(root.path(), "a", 7).unwrap();
        let mut delivered = open();
        delivered.add((1..=100).map(|second| id(second, 1)).chain([Uuid::from_u128(5)]));
        delivered.forget(91_000_000).unwrap();
        delivered.add([id(101, 2)]);
        let is_known =
            |delivered: &Delivered, seconds: [u64; 3]| seconds.map(|second| delivered.has(id(second, 1)));
        assert_eq!(is_known(&delivered, [90, 91, 100]), [false, true, true]);
        let text = fs::read_to_string(root.path().join(name("a"))).unwrap();
        assert_eq!(text.lines().count(), 1 + 10 + 1, "{text}");
        let mut again = open();
        assert_eq!(is_known(&again, [90, 91, 100]), [false, true, true]);
        assert!(again.has(id(101, 2)) && !again.has(Uuid::from_u128(5)));
        // Of logins before then nobody says any more that they had no recording.
        assert_eq!((again.since_us(), open().since_us()), (91_000_000, 91_000_000));
        again.forget(50_000_000).unwrap();
        assert_eq!(again.since_us(), 91_000_000);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn an_id_says_when_it_was_given() {
        let begun = |id: &str| begun_us(Uuid::parse_str(id).unwrap());
        assert_eq!(begun("0196a1b2-c3d4-7e5f-8a9b-000000000001"), Some(0x0196_a1b2_c3d4 * 1000));
        assert_eq!(begun("0196a1b2-c3d4-4e5f-8a9b-000000000001"), None);
    }
}
