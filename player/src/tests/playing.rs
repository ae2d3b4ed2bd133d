//! As time passes.

use std::time::Duration;

use casemate_cast_format::Micros;

use super::*;
use crate::{Advance, State, Target};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn made() -> Vec<Made> {
    let text = |wait, data: &str| (wait, "o", data.to_owned());
    vec![
        text(1_000_000, "a"),
        text(1_000_000, "b"),
        (1_000_000, "process", "{}".into()),
        text(9_000_000, "c"),
        (1_000_000, "m", "here".into()),
        text(1_000_000, "d"),
    ]
}

/// Advances, and says what was handed out.
fn advance(player: &mut Player, now: f64) -> (String, Advance) {
    let mut handed = String::new();
    let advance = player.advance(seconds(now), |event| {
        handed.push_str(if event.code.as_str() == "o" { event.data } else { event.code.as_str() });
    });
    (handed, advance)
}

#[track_caller]
fn check_advance(player: &mut Player, now: f64, handed: &str, state: State, wake: Option<f64>) {
    let (found, advance) = advance(player, now);
    assert_eq!((found.as_str(), advance.state), (handed, state), "at {now}");
    assert_eq!(advance.wake.map(|wake| wake.as_secs_f64()), wake, "at {now}");
}

#[test]
fn what_is_due_comes_and_nothing_before() {
    let mut player = open(&file_of(Form::V2, "xterm", &made()), 40);
    while !player.wait_for_index(Duration::ZERO) {}
    check_advance(&mut player, 5.0, "", State::Paused, None);
    player.play();
    check_advance(&mut player, 10.0, "", State::Playing, Some(11.0));
    check_advance(&mut player, 10.5, "", State::Playing, Some(11.0));
    assert_eq!(player.position().time, Micros(500_000));
    check_advance(&mut player, 12.5, "ab", State::Playing, Some(13.0));
    player.set_speed(seconds(12.5), 2.0);
    check_advance(&mut player, 12.75, "process", State::Playing, Some(17.25));
    player.pause(seconds(13.75));
    assert_eq!(player.position().time, Micros(5_000_000));
    check_advance(&mut player, 50.0, "", State::Paused, None);
    player.play();
    check_advance(&mut player, 60.0, "", State::Playing, Some(63.5));
    check_advance(&mut player, 70.0, "cmd", State::Ended, None);
    player.play();
    check_advance(&mut player, 80.0, "", State::Playing, Some(80.5));
}

#[test]
fn pauses_take_no_longer_than_the_limit() {
    let mut player = open(&file_of(Form::V3, "xterm", &made()), 40);
    while !player.wait_for_index(Duration::ZERO) {}
    player.set_idle_limit(Duration::ZERO, Some(Micros(2_000_000)));
    player.play();
    check_advance(&mut player, 0.0, "", State::Playing, Some(1.0));
    // From b to c: facts of the recorder are nothing to wait for.
    check_advance(&mut player, 2.0, "ab", State::Playing, Some(2.2));
    check_advance(&mut player, 2.2, "process", State::Playing, Some(4.0));
    check_advance(&mut player, 3.0, "", State::Playing, Some(4.0));
    assert_eq!(player.position().time, Micros(7_000_000));
    check_advance(&mut player, 4.0, "c", State::Playing, Some(5.0));
}

#[test]
fn it_stops_at_markers_and_begins_anew() {
    let mut player = open(&file_of(Form::V2, "xterm", &made()), 40);
    while !player.wait_for_index(Duration::ZERO) {}
    player.set_pause_on_markers(true);
    player.set_looping(true);
    player.play();
    advance(&mut player, 0.0);
    check_advance(&mut player, 99.0, "abprocesscm", State::AtMarker, None);
    check_advance(&mut player, 100.0, "", State::Paused, None);
    player.play();
    check_advance(&mut player, 101.0, "", State::Playing, Some(102.0));
    let (handed, found) = advance(&mut player, 102.0);
    assert_eq!((handed.as_str(), found.restarted, found.wake), ("d", true, Some(seconds(102.0))));
    check_advance(&mut player, 102.0, "", State::Playing, Some(103.0));
    player.seek(Target::End).unwrap();
    assert!(player.is_playing());
}

#[test]
fn little_is_handed_out_at_once() {
    let made: Vec<Made> = (0..100).map(|_| (0, "o", "x".repeat(10_000))).collect();
    let mut player = open(&file_of(Form::V2, "xterm", &made), 1 << 20);
    while !player.wait_for_index(Duration::ZERO) {}
    player.play();
    let mut calls = 0;
    loop {
        let (handed, advance) = advance(&mut player, 1.0);
        assert!(handed.len() <= 270_000);
        calls += 1;
        if advance.state == State::Ended {
            break;
        }
    }
    assert_eq!(calls, 4);
}

#[test]
fn an_empty_recording_ends_even_in_a_loop() {
    let mut player = open(&file_of(Form::V2, "xterm", &[]), 100);
    player.set_looping(true);
    player.play();
    check_advance(&mut player, 0.0, "", State::Ended, None);
    assert_eq!(player.step(1), player.step(-1));
}
