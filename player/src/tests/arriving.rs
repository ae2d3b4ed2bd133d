//! Recordings that come through a pipe while they are played.

use std::fs::File;
use std::io::{self, PipeWriter, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::recording::OpenError;
use crate::{State, Target};

/// A pipe: its end as a file, and where to write.
fn pipe() -> (File, PipeWriter) {
    let (from, to) = io::pipe().unwrap();
    (File::from(OwnedFd::from(from)), to)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_through_a_pipe_is_what_was_sent(
        form in forms().prop_filter("v1 has only output", |form| !matches!(form, Form::V1)),
        made in events(1..40),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        grain in 20..400_u64,
        in_background in any::<bool>(),
    ) {
        let content = file_of(form, "xterm", &made);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
        cuts.extend([0, content.len()]);
        cuts.sort_unstable();
        let (from, mut to) = pipe();
        let sent = content.clone();
        let sender = std::thread::spawn(move || {
            for piece in cuts.windows(2) {
                to.write_all(&sent[piece[0]..piece[1]]).unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let mut recording = Recording::from_pipe("test", from).unwrap();
        recording.grain = fine(grain);
        let mut player = Player::new(recording).unwrap();
        if in_background {
            player.index_in_background();
        }
        let replay = Replay::of(&content, "xterm");
        loop {
            let is_complete = player.wait_for_index(Duration::from_millis(1));
            player.seek(Target::End).unwrap();
            if let Some(event) = player.position().event {
                check(&mut player, &replay, usize::try_from(event).unwrap(), "at the end so far");
            }
            if is_complete {
                break;
            }
        }
        sender.join().unwrap();
        check(&mut player, &replay, made.len(), "at the end");
        prop_assert_eq!(player.index().events(), made.len() as u64);
        player.seek(Target::Event(made.len() as u64 / 2)).unwrap();
        check(&mut player, &replay, made.len() / 2, "in the middle");
    }
}

/// Lets time stand still until something else happens than that the player waits; returns what is handed out.
fn advance(player: &mut Player, now: u64) -> (State, Option<Duration>, String) {
    let mut handed = String::new();
    for _ in 0..2000 {
        let advance = player.advance(Duration::from_millis(now), |event| handed.push_str(event.data));
        if advance.state != State::Waiting || !handed.is_empty() {
            return (advance.state, advance.wake, handed);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("nothing comes");
}

#[test]
fn what_comes_late_is_shown_at_once_and_what_comes_early_at_its_time() {
    let (from, mut to) = pipe();
    to.write_all(b"{\"version\":2,\"width\":9,\"height\":2}\n[1, \"o\", \"a\"]\n").unwrap();
    let mut player = Player::new(Recording::from_pipe("test", from).unwrap()).unwrap();
    player.index_in_background();
    player.play();
    let millis = |time| Some(Duration::from_millis(time));
    assert_eq!(advance(&mut player, 0), (State::Playing, millis(1000), String::new()));
    assert_eq!(advance(&mut player, 1000).2, "a");
    let waiting = player.advance(Duration::from_millis(1500), |_| panic!("nothing came"));
    assert_eq!(waiting.state, State::Waiting);
    // This one was due at 2000; the next one comes half a second later all the same.
    to.write_all(b"[2, \"o\", \"b\"]\n[2.5, \"o\", \"c\"]\n").unwrap();
    assert_eq!(advance(&mut player, 3000).2, "b");
    assert_eq!(advance(&mut player, 3100).1, millis(3500));
    assert_eq!(advance(&mut player, 3500).2, "c");
    to.write_all(b"[5, \"o\", \"d\"]\n").unwrap();
    assert_eq!(advance(&mut player, 3600), (State::Playing, millis(6000), String::new()));
    assert_eq!(advance(&mut player, 6000).2, "d");
    drop(to);
    assert_eq!(advance(&mut player, 6100).0, State::Ended);
}

#[test]
fn whoever_stops_playing_does_not_wait_for_the_pipe() {
    let (from, mut to) = pipe();
    to.write_all(b"{\"version\":3,\"term\":{\"cols\":9,\"rows\":2}}\n").unwrap();
    let mut player = Player::new(Recording::from_pipe("test", from).unwrap()).unwrap();
    player.index_in_background();
    drop(player);
    assert_eq!(to.write_all(&[b'\n'; 100_000]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn what_is_no_recording_is_not_read_to_its_end() {
    let (from, mut to) = pipe();
    to.write_all(b"hello\n").unwrap();
    assert!(matches!(Recording::from_pipe("test", from), Err(OpenError::NotARecording(..))));
}

/// Whatever never begins is not waited for: it would fill the disk.
#[test]
fn a_pipe_of_no_recording_is_refused() {
    for endless in [&[0_u8][..], b"y", b"  x", b"y\n"] {
        let (from, mut to) = pipe();
        let sender = std::thread::spawn(move || while to.write_all(&endless.repeat(1000)).is_ok() {});
        assert!(matches!(Recording::from_pipe("test", from), Err(OpenError::NotARecording(..))));
        sender.join().unwrap();
    }
}
