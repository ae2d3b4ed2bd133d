//! Recordings that are still being made.

use std::io::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{State, Target};

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_seen(
        form in prop_oneof![
            Just(Form::V2),
            Just(Form::V3),
            (1..9_usize, 0..3_usize)
                .prop_map(|(events, keyframes)| Form::Segments { version: Version::V2, events, keyframes }),
        ],
        made in events(1..40),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        grain in 20..400_u64,
    ) {
        let content = file_of(form, "xterm", &made);
        // What is there at first must be a recording.
        let first = match form {
            Form::Segments { .. } => 300.min(content.len()),
            Form::V1 | Form::V2 | Form::V3 | Form::Foreign => memchr::memchr(b'\n', &content).unwrap() + 1,
        };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1).max(first)).collect();
        cuts.push(content.len());
        cuts.sort_unstable();
        let mut growing = file(&content[..first]);
        let Ok(mut recording) = Recording::from_file("test", growing.try_clone().unwrap()) else { return Ok(()) };
        if !recording.can_grow() {
            return Ok(());
        }
        recording.grain = fine(grain);
        let mut player = Player::new(recording).unwrap();
        let replay = Replay::of(&content, "xterm");
        let mut from = first;
        for cut in cuts {
            growing.write_all(&content[from..cut]).unwrap();
            from = cut;
            while !player.wait_for_index(Duration::ZERO) {}
            player.refresh().unwrap();
            while !player.wait_for_index(Duration::ZERO) {}
            player.seek(Target::End).unwrap();
            let event = usize::try_from(player.position().event.unwrap()).unwrap();
            check(&mut player, &replay, event, "at the end so far");
            player.step(-2);
            let event = usize::try_from(player.position().event.unwrap()).unwrap();
            check(&mut player, &replay, event, "before it");
        }
        player.seek(Target::End).unwrap();
        check(&mut player, &replay, made.len(), "at the end");
        prop_assert_eq!(player.index().events(), made.len() as u64);
    }
}

#[test]
fn whoever_follows_sees_at_once_what_comes() {
    let text = |wait, data: &str| (wait, "o", data.to_owned());
    let content =
        file_of(Form::V3, "xterm", &[text(1_000_000, "a"), text(50_000_000, "b"), text(1_000_000, "c")]);
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &content).map(|end| end + 1).collect();
    let mut growing = file(&content[..ends[1]]);
    let mut player =
        Player::new(Recording::from_file("test", growing.try_clone().unwrap()).unwrap()).unwrap();
    while !player.wait_for_index(Duration::ZERO) {}
    player.set_following(true);
    player.seek(Target::End).unwrap();
    player.play();
    let mut now = Duration::from_secs(5);
    let mut handed = String::new();
    assert_eq!(player.advance(now, |event| handed.push_str(event.data)).state, State::Following);
    assert!(!player.refresh().unwrap());
    growing.write_all(&content[ends[1]..]).unwrap();
    assert!(player.refresh().unwrap());
    now += Duration::from_secs(2);
    let advance = player.advance(now, |event| handed.push_str(event.data));
    assert_eq!((handed.as_str(), advance.wake), ("b", Some(now + Duration::from_secs(1))));
}
