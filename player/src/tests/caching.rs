//! Indexes that are kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::Target;

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache/index")
    }

    fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join("recording");
        fs::write(&path, content).unwrap();
        path
    }

    /// Opens a recording, and says how many of its events are known at once.
    fn open(&self, path: &Path, grain: u64) -> (Player, u64) {
        let mut recording = Recording::open(path).unwrap();
        recording.grain = fine(grain);
        let player = Player::with_cache_in(recording, &self.cache()).unwrap();
        let events = player.index().events();
        (player, events)
    }

    fn kept(&self) -> Vec<PathBuf> {
        let entries =
            fs::read_dir(self.cache()).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
        entries.unwrap_or_default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_index_is_as_good_as_a_new_one(form in forms(), made in events(1..40), times in proptest::collection::vec(0..20_000_000_u64, 1..5), grain in 20..400_u64) {
        let home = Home::new();
        let content = file_of(form, "screen", &made);
        let path = home.file(&content);
        let replay = Replay::of(&content, "screen");
        let shown = |player: &Player| {
            let index = player.index();
            format!("{:?} {:?} {:?} {:?}", index.markers(), index.sizes(), index.activity(), index.places)
        };
        let (mut first, _) = home.open(&path, grain);
        while !first.wait_for_index(Duration::ZERO) {}
        let (mut second, known) = home.open(&path, grain);
        match form {
            // What has to be unpacked each time is not worth it.
            Form::V1 => prop_assert_eq!((known, home.kept().len()), (0, 0)),
            Form::V2 | Form::V3 | Form::Segments { .. } | Form::Foreign => {
                prop_assert_eq!((known, home.kept().len()), (made.len() as u64, 1));
                prop_assert_eq!(shown(&first), shown(&second));
            }
        }
        for time in times {
            second.seek(Target::Time(Micros(time))).unwrap();
            check(&mut second, &replay, replay.until(time), "cached");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_index_that_lies_does_no_harm(
        form in forms(),
        made in events(1..40),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        times in proptest::collection::vec(any::<u64>(), 1..5),
        grain in 20..400_u64,
    ) {
        let home = Home::new();
        let path = home.file(&file_of(form, "xterm", &made));
        let (mut first, _) = home.open(&path, grain);
        while !first.wait_for_index(Duration::ZERO) {}
        for path in home.kept() {
            let mut bytes = fs::read(&path).unwrap();
            let body = bytes.len() - 32;
            for (at, byte) in &changes {
                let begin = crate::index::cache::MAGIC_AND_LAYOUT.len() + 32;
                bytes[begin + at.index(body - begin)] = *byte;
            }
            let hash = Sha256::digest(&bytes[..body]);
            bytes[body..].copy_from_slice(&hash);
            fs::write(&path, bytes).unwrap();
        }
        let (mut player, _) = home.open(&path, grain);
        for time in times {
            player.seek(Target::Time(Micros(time % 50_000_000))).unwrap();
            player.screen();
            player.step(-1);
            player.step(2);
            player.seek(Target::Event(time % 50)).unwrap();
            player.screen();
            player.seek(Target::Percent(30.0)).unwrap();
        }
        player.play();
        while player.advance(Duration::MAX, |_| {}).wake.is_some() {}
        player.refresh().unwrap();
    }
}

#[test]
fn an_index_of_another_state_is_not_taken() {
    let home = Home::new();
    let made: Vec<Made> = (0..50).map(|number| (1_000_000, "o", format!("line {number}\r\n"))).collect();
    let content = file_of(Form::V2, "xterm", &made);
    let path = home.file(&content[..content.len() - 40]);
    let (mut player, _) = home.open(&path, 100);
    while !player.wait_for_index(Duration::ZERO) {}
    assert!(home.open(&path, 100).1 > 0);
    // It has grown.
    home.file(&content);
    let (mut player, known) = home.open(&path, 100);
    assert_eq!(known, 0);
    while !player.wait_for_index(Duration::ZERO) {}
    let (player, known) = home.open(&path, 100);
    assert_eq!(known, 50);
    assert_eq!(player.index().events(), 50);
    // It is not for others.
    for path in home.kept() {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(home.cache()).unwrap().permissions().mode() & 0o777, 0o700);
    // Somebody has been at it.
    for path in home.kept() {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(home.open(&path, 100).1, 0);
}

#[test]
fn a_recording_goes_on_behind_a_kept_index() {
    let home = Home::new();
    let made: Vec<Made> = (0..50).map(|number| (1_000_000, "o", format!("line {number}\r\n"))).collect();
    let content = file_of(Form::V3, "xterm", &made);
    let half = memchr::memchr_iter(b'\n', &content).nth(25).unwrap() + 1;
    let path = home.file(&content[..half]);
    let (mut player, _) = home.open(&path, 100);
    while !player.wait_for_index(Duration::ZERO) {}
    let (mut player, known) = home.open(&path, 100);
    assert_eq!(known, 25);
    home.file(&content);
    assert!(player.refresh().unwrap());
    player.seek(Target::End).unwrap();
    check(&mut player, &Replay::of(&content, "xterm"), 50, "at the end");
}

#[test]
fn a_folder_that_cannot_be_written_does_no_harm() {
    let home = Home::new();
    let path = home.file(&file_of(Form::V2, "xterm", &[(1, "o", "x".into())]));
    let mut recording = Recording::open(&path).unwrap();
    recording.grain = fine(100);
    let mut player = Player::with_cache_in(recording, &path).unwrap();
    while !player.wait_for_index(Duration::ZERO) {}
    assert_eq!(player.index().failure(), None);
}

#[test]
fn only_old_indexes_go() {
    let home = Home::new();
    fs::create_dir_all(home.cache()).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let indexes = (0..300).map(|number| format!("{number:032x}"));
    for name in indexes.chain(["evidence.db".into(), "0123.db-wal".into()]) {
        let file = fs::File::create(home.cache().join(name)).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let path = home.file(&file_of(Form::V2, "xterm", &[(1, "o", "x".into())]));
    let (mut player, _) = home.open(&path, 100);
    while !player.wait_for_index(Duration::ZERO) {}
    let kept = home.kept();
    let is_index = |path: &&PathBuf| path.extension().is_none();
    assert_eq!(kept.iter().filter(is_index).count(), 256);
    assert_eq!(kept.len(), 256 + 2);
    assert_eq!(home.open(&path, 100).1, 1);
}
