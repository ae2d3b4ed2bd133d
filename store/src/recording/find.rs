//! Which recordings are meant by files and folders.
//!
//! Folders are walked to their end, in the order of names. Links to folders are not followed, so there is no way round
//! in circles, and what is no regular file is not opened, so there is nothing to wait for.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{ReadError, one_line};

/// What a name says about a file in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// It is a recording.
    Recording,
    /// It may be one.
    Perhaps,
    Other,
}

/// A recording to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// How long it is, if it is a file.
    pub bytes: u64,
    /// It may turn out to be no recording: nobody said that it is.
    pub is_guess: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The recordings, in their order.
    pub sources: Vec<Source>,
    /// What cannot be looked at.
    pub failures: Vec<ReadError>,
    /// Device and number of each file: a recording has more than one name where there are links.
    seen: HashSet<(u64, u64)>,
}

impl Found {
    /// Looks for recordings: files as they are named, `-` for standard input, and those in folders.
    #[must_use]
    pub fn by(paths: &[PathBuf]) -> Self {
        let mut found = Self::default();
        for path in paths {
            if path == Path::new("-") {
                found.sources.push(Source { path: path.clone(), bytes: 0, is_guess: false });
                continue;
            }
            match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => found.walk(path),
                Ok(metadata) => found.add(path.clone(), &metadata, false),
                Err(source) => found.failures.push(unreadable(path, source)),
            }
        }
        found
    }

    fn walk(&mut self, folder: &Path) {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let unreadable = |source| ReadError::UnreadableFolder {
                name: one_line(&folder.display().to_string()),
                source,
            };
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.failures.push(unreadable(error));
                    continue;
                }
            };
            for entry in entries {
                let looked = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)));
                match looked {
                    Ok((path, kind)) if kind.is_dir() => folders.push(path),
                    Ok((path, _)) if Name::of(&path) != Name::Other => files.push(path),
                    Ok(_) => {}
                    Err(error) => self.failures.push(unreadable(error)),
                }
            }
        }
        files.sort_by_cached_key(|path| in_order(path));
        for path in files {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    let is_guess = Name::of(&path) == Name::Perhaps;
                    self.add(path, &metadata, is_guess);
                }
                // Links to folders, pipes, devices.
                Ok(_) => {}
                Err(source) => self.failures.push(unreadable(&path, source)),
            }
        }
    }

    fn add(&mut self, path: PathBuf, metadata: &Metadata, is_guess: bool) {
        if !metadata.is_file() || self.seen.insert((metadata.dev(), metadata.ino())) {
            let bytes = if metadata.is_file() { metadata.len() } else { 0 };
            self.sources.push(Source { path, bytes, is_guess });
        }
    }
}

impl Name {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".cast") || name.ends_with(".cast.zst") {
            Self::Recording
        } else if name.ends_with(".json") {
            // As asciicast v1 is named, and much else.
            Self::Perhaps
        } else {
            Self::Other
        }
    }
}

/// By name, but the parts of a session in their order: `x.cast`, `x.2.cast`, …, `x.10.cast`.
fn in_order(path: &Path) -> (PathBuf, String, u32, PathBuf) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".zst").unwrap_or(&name);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let part = stem.rsplit_once('.').and_then(|(first, number)| Some((first, number.parse::<u32>().ok()?)));
    let (stem, part) = part.unwrap_or((stem, 1));
    (path.parent().unwrap_or(Path::new("")).to_owned(), stem.to_owned(), part, path.to_owned())
}

fn unreadable(path: &Path, source: std::io::Error) -> ReadError {
    ReadError::Unreadable { name: one_line(&path.display().to_string()), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_are_walked_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/deep.cast")).unwrap();
        for name in [
            "a/x.10.cast",
            "a/x.2.cast",
            "a/x.cast",
            "b.cast.zst",
            "old.json",
            "notes.txt",
            "a/deep.cast/y.CAST",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink(root, root.join("a/loop.cast")).unwrap();
        symlink("x.cast", root.join("a/twice.cast")).unwrap();
        symlink("nothing", root.join("a/dangling.cast")).unwrap();
        let found =
            Found::by(&[root.to_owned(), root.join("b.cast.zst"), "-".into(), root.join("notes.txt")]);
        let names: Vec<_> = found
            .sources
            .iter()
            .map(|source| source.path.strip_prefix(root).unwrap_or(&source.path))
            .collect();
        let expected = [
            "b.cast.zst",
            "old.json",
            "a/twice.cast",
            "a/x.2.cast",
            "a/x.10.cast",
            "a/deep.cast/y.CAST",
            "-",
            "notes.txt",
        ];
        let mut sorted: Vec<_> = expected.iter().map(Path::new).collect();
        let mut got = names.clone();
        sorted.sort();
        got.sort();
        assert_eq!(got, sorted);
        let at = |name: &str| names.iter().position(|path| *path == Path::new(name)).unwrap();
        assert!(at("a/x.2.cast") < at("a/x.10.cast") && at("-") < at("notes.txt"));
        assert_eq!(found.failures.len(), 1, "{:?}", found.failures);
        assert!(found.failures[0].to_string().contains("dangling.cast"));
        assert!(found.sources.iter().all(|source| source.is_guess == source.path.ends_with("old.json")));
    }

    #[test]
    fn parts_come_in_their_order() {
        let mut names =
            ["d/x.10.cast.zst", "d/y.cast", "d/x.cast.zst", "d/x.2.cast.zst", "c/z.cast"].map(PathBuf::from);
        names.sort_by_cached_key(|path| in_order(path));
        assert_eq!(
            names,
            ["c/z.cast", "d/x.cast.zst", "d/x.2.cast.zst", "d/x.10.cast.zst", "d/y.cast"].map(PathBuf::from)
        );
    }
}
