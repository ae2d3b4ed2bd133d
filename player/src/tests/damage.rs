//! Recordings that are not as they should be.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{MarkKind, OpenError, Target};

fn made() -> Vec<Made> {
    (0..60).map(|number| (1_000_000, "o", format!("line {number}\r\n"))).collect()
}

#[test]
fn a_damaged_segment_is_named_and_what_follows_is_shown() {
    let form = Form::Segments { version: Version::V3, events: 10, keyframes: 1 };
    let content = file_of(form, "xterm", &made());
    let replay = Replay::of(&content, "xterm");
    let needle = zstd_frames(&content)[2];
    let mut damaged = content;
    damaged[needle + 60] ^= 0x55;
    let mut player = open(&damaged, 100);
    while !player.wait_for_index(Duration::ZERO) {}
    let marks = player.index().marks().to_vec();
    assert!(
        matches!(&marks[..], [crate::Mark { time: Micros(20_000_000), kind: MarkKind::Damaged(_) }]),
        "{marks:?}"
    );
    // The screen at its end is known; what happened within is not.
    player.seek(Target::Time(Micros(25_000_000))).unwrap();
    assert_eq!(picture(player.screen()), replay.pictures[20]);
    player.seek(Target::Time(Micros(31_000_000))).unwrap();
    assert_eq!(picture(player.screen()), replay.pictures[31]);
    player.seek(Target::Time(Micros(20_000_000))).unwrap();
    player.step(1);
    assert_eq!(
        (picture(player.screen()), player.position().time),
        (replay.pictures[31].clone(), Micros(31_000_000))
    );
}

/// Where the frames with text begin.
fn zstd_frames(content: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(content, &[0x28, 0xb5, 0x2f, 0xfd]).collect()
}

#[test]
fn what_is_no_recording_is_named() {
    let open = |content: &[u8]| Recording::from_file("x", file(content)).map(|_| ()).unwrap_err();
    assert!(matches!(open(b""), OpenError::NotARecording(..)));
    assert!(matches!(open(b"hello\n"), OpenError::NotARecording(..)));
    assert!(matches!(open(&zstd::bulk::compress(b"hello\n", 1).unwrap()), OpenError::NotARecording(..)));
    assert!(matches!(open(b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff"), OpenError::Unpack(..)));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Recording::open(folder.path()).unwrap_err(), OpenError::Folder(_)));
    assert!(matches!(Recording::open(&folder.path().join("none")).unwrap_err(), OpenError::Read(..)));
}

#[test]
fn a_long_file_of_others_is_unpacked() {
    let made: Vec<Made> =
        (0..40).map(|number| (1_000_000, "o", format!("{number}\r\n").repeat(20_000))).collect();
    let mut player = open(&file_of(Form::Foreign, "xterm", &made), 1 << 20);
    player.seek(Target::Time(Micros(30_500_000))).unwrap();
    assert!(player.index().places.len() > 3);
    let mut text = String::new();
    player.screen().shown(0).unwrap().text(0, 12, &mut text);
    assert_eq!(text.trim_end(), "29");
}

#[test]
fn times_that_jump_and_sizes_that_are_none_do_no_harm() {
    let content =
        b"{\"version\":2,\"width\":0,\"height\":4294967295}\n[18446744073.7,\"o\",\"a\"]\n[1,\"o\",\"b\"]\n\
        [18446744073.70955,\"r\",\"0x0\"]\n[18446744073.70955,\"r\",\"99999x99999\"]\n[5,\"m\",\"\"]\n";
    let mut player = open(content, 30);
    player.set_idle_limit(Duration::ZERO, Some(Micros(0)));
    player.seek(Target::Percent(50.0)).unwrap();
    player.seek(Target::End).unwrap();
    player.step(-2);
    player.play();
    player.set_speed(Duration::ZERO, f64::INFINITY);
    while player.advance(Duration::MAX, |_| {}).wake.is_some() {}
    while !player.wait_for_index(Duration::ZERO) {}
    assert_eq!(player.index().events(), 5);
    player.screen();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_a_file_it_is_played(
        form in forms(),
        made in events(0..30),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        times in proptest::collection::vec(any::<u64>(), 0..4),
        grain in 20..400_u64,
    ) {
        let mut content = file_of(form, "xterm", &made);
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len() + 1));
        }
        let Ok(mut recording) = Recording::from_file("test", file(&content)) else { return Ok(()) };
        recording.grain = fine(grain);
        let mut player = Player::new(recording).unwrap();
        let mut last = Micros(0);
        player.play();
        while player.advance(Duration::MAX, |event| {
            assert!(event.time >= last);
            last = event.time;
        }).wake.is_some() {}
        let end = picture(player.screen());
        for time in times {
            player.seek(Target::Time(Micros(time % 40_000_000))).unwrap();
            player.screen();
            player.step(-1);
        }
        player.seek(Target::End).unwrap();
        prop_assert_eq!(picture(player.screen()), end);
    }
}
