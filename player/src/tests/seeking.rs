//! Going anywhere, in any order.

use casemate_cast_format::{Micros, Version};
use proptest::prelude::*;

use super::*;
use crate::{Length, SeekError, Target};

/// Something to do with a player.
#[derive(Clone, Debug)]
enum Move {
    Time(u64),
    Event(u64),
    Percent(f64),
    End,
    Step(i64),
    /// Plays for so long.
    Play(u64),
    /// Begins to go somewhere, and goes elsewhere before it is there.
    ChangeMind(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let time = || prop_oneof![5 => 0..30_000_000_u64, 1 => any::<u64>()];
    let one = prop_oneof![
        4 => time().prop_map(Move::Time),
        3 => (0..60_u64).prop_map(Move::Event),
        1 => (0.0..110.0).prop_map(Move::Percent),
        1 => Just(Move::End),
        4 => (-4..5_i64).prop_map(Move::Step),
        2 => (0..20_000_000_u64).prop_map(Move::Play),
        1 => time().prop_map(Move::ChangeMind),
    ];
    proptest::collection::vec(one, 1..14)
}

fn try_moves(form: Form, term: &str, made: &[Made], moves: &[Move], grain: u64, in_background: bool) {
    let content = file_of(form, term, made);
    let replay = Replay::of(&content, term);
    let mut player = open(&content, grain);
    if in_background {
        player.index_in_background();
    }
    let mut at = 0;
    let mut time = 0;
    for (number, one) in moves.iter().enumerate() {
        match one {
            Move::Time(to) => {
                let position = player.seek(Target::Time(Micros(*to))).unwrap();
                at = replay.until(*to);
                time = (*to).min(replay.end());
                assert_eq!(position.time, Micros(time));
            }
            Move::Event(event) => {
                player.seek(Target::Event(*event)).unwrap();
                at = usize::try_from(*event).unwrap().min(replay.times.len());
                time = at.checked_sub(1).map_or(0, |last| replay.times[last]);
            }
            Move::Percent(percent) => {
                time = player.seek(Target::Percent(*percent)).unwrap().time.0;
                at = replay.until(time);
                let expected = replay.end() as f64 * percent.min(100.0) / 100.0;
                assert!((time as f64 - expected).abs() <= 1.0 + expected / 1e12, "{time} {expected}");
            }
            Move::End => {
                player.seek(Target::End).unwrap();
                (at, time) = (replay.times.len(), replay.end());
            }
            Move::Step(frames) => {
                player.step(*frames);
                for _ in 0..frames.unsigned_abs() {
                    let to = replay.step(at, *frames > 0);
                    if to != at || *frames < 0 {
                        time = to.checked_sub(1).map_or(0, |last| replay.times[last]);
                    }
                    at = to;
                }
            }
            Move::Play(length) => {
                while !player.wait_for_index(std::time::Duration::ZERO) {}
                let now = std::time::Duration::from_secs(7);
                player.play();
                let mut handed = 0;
                let later = now + std::time::Duration::from_micros(*length);
                for now in [now, later, later] {
                    while player.advance(now, |_| handed += 1).wake.is_some_and(|wake| wake <= now) {}
                }
                player.pause(later);
                if at == replay.times.len() {
                    (at, time) = (0, 0);
                }
                time = (time + length).min(replay.end());
                assert_eq!(handed, replay.until(time).max(at) - at, "handed out");
                at += handed;
            }
            Move::ChangeMind(to) => {
                player.begin_seek(Target::Time(Micros(*to)));
                player.pursue().unwrap();
                player.begin_seek(Target::Event(at as u64));
                while player.pursue().unwrap() != crate::Pursuit::There {}
                time = at.checked_sub(1).map_or(0, |last| replay.times[last]);
            }
        }
        let what = format!("move {number}: {one:?}");
        check(&mut player, &replay, at, &what);
        assert_eq!(player.position().time, Micros(time), "{what}");
    }
    assert_eq!(player.length(), Length::Exact(Micros(replay.end())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whichever_way_a_moment_is_reached_it_shows_what_replaying_shows(
        form in forms(),
        term in prop_oneof![Just("xterm"), Just("screen")],
        made in events(0..40),
        moves in moves(),
        grain in prop_oneof![20..400_u64, Just(1 << 20)],
        in_background: bool,
    ) {
        try_moves(form, term, &made, &moves, grain, in_background);
    }
}

fn text(wait: u64, data: &str) -> Made {
    (wait, "o", data.to_owned())
}

#[test]
fn frames_are_what_stands_at_one_moment() {
    let made = [
        text(1, "a"),
        text(0, "b"),
        (0, "i", "x".into()),
        text(0, "c"),
        text(5, "d"),
        (5, "m", String::new()),
    ];
    for grain in [30, 1000] {
        let content = file_of(Form::V2, "xterm", &made);
        let replay = Replay::of(&content, "xterm");
        assert_eq!(replay.frames(), [4, 5]);
        let mut player = open(&content, grain);
        for (frames, event) in [(1, 4), (1, 5), (1, 5), (-1, 4), (-1, 0), (-1, 0), (2, 5)] {
            player.step(frames);
            check(&mut player, &replay, event, &format!("{frames}"));
        }
        player.seek(Target::End).unwrap();
        player.step(-1);
        check(&mut player, &replay, 4, "from behind the marker");
    }
}

#[test]
fn markers_and_commands_are_found() {
    let marker = |label: &str| (1_000_000, "m", label.to_owned());
    let made = [text(0, "a"), marker("build"), text(0, "b"), marker("test"), marker("test it"), text(0, "c")];
    let mut player = open(&file_of(Form::V3, "xterm", &made), 40);
    let mut go = |target: Target| player.seek(target).map(|position| position.time.0 / 1_000_000);
    assert_eq!(go(Target::Marker(1)), Ok(2));
    assert_eq!(go(Target::Label("test it".into())), Ok(3));
    assert_eq!(go(Target::Label("test".into())), Ok(2));
    assert_eq!(go(Target::Label("bu".into())), Ok(1));
    assert_eq!(go(Target::NextMarker), Ok(2));
    assert_eq!(go(Target::NextMarker), Ok(3));
    assert_eq!(go(Target::NextMarker), Err(SeekError::NoneThere("marker behind this moment")));
    assert_eq!(go(Target::PreviousMarker), Ok(2));
    assert_eq!(go(Target::Marker(9)), Err(SeekError::NoMarker(9)));
    assert_eq!(go(Target::Label("x".into())), Err(SeekError::NoLabel("x".into())));
    assert_eq!(go(Target::Command(0)), Err(SeekError::NoCommand(0)));
    player.set_commands(vec![Micros(2_000_000), Micros(1_500_000)]);
    let mut go = |target: Target| player.seek(target).map(|position| position.time.0);
    assert_eq!(go(Target::Command(0)), Ok(1_500_000));
    assert_eq!(go(Target::NextCommand), Ok(2_000_000));
    assert_eq!(go(Target::PreviousCommand), Ok(1_500_000));
    assert!(go(Target::PreviousCommand).is_err());
    let labels: Vec<_> = player.index().markers().iter().map(|marker| marker.label.clone()).collect();
    assert_eq!(labels, ["build", "test", "test it"]);
}

#[test]
fn lengths_are_known_before_everything_is_read() {
    let made: Vec<Made> = (0..100).map(|_| text(1_000_000, "some text")).collect();
    for (form, expected) in [
        (Form::V2, Length::Estimated(Micros(100_000_000))),
        (Form::V3, Length::Unknown),
        (
            Form::Segments { version: Version::V3, events: 9, keyframes: 1 },
            Length::Estimated(Micros(100_000_000)),
        ),
    ] {
        let mut player = open(&file_of(form, "xterm", &made), 100);
        assert_eq!(player.length(), expected, "{form:?}");
        player.seek(Target::Percent(99.0)).unwrap();
        assert_eq!(player.position().time, Micros(99_000_000), "{form:?}");
        while !player.wait_for_index(std::time::Duration::ZERO) {}
        assert_eq!(player.length(), Length::Exact(Micros(100_000_000)), "{form:?}");
    }
}

#[test]
fn sealed_keyframes_are_used_and_nothing_before_them_is_read() {
    let made: Vec<Made> = (0..100).map(|number| text(1_000_000, &format!("line {number}\r\n"))).collect();
    let form = Form::Segments { version: Version::V2, events: 10, keyframes: 1 };
    let content = file_of(form, "xterm", &made);
    let replay = Replay::of(&content, "xterm");
    let mut player = open(&content, 100);
    player.seek(Target::Time(Micros(55_500_000))).unwrap();
    assert_eq!(player.index().events(), 0);
    assert_eq!(picture(player.screen()), replay.pictures[55]);
}
