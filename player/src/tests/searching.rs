//! Search: what was ever to be seen is found, from wherever.

use std::time::Duration;

use casemate_cast_format::Version;
use casemate_terminal::{Sighting, Sightings};
use proptest::prelude::*;

use super::*;
use crate::{Hit, Pattern, Search, Target};

fn all(player: &mut Player, pattern: &str) -> Vec<Hit> {
    finish(&player.search(Pattern::new(pattern).unwrap()))
}

fn finish(search: &Search) -> Vec<Hit> {
    while !search.is_complete() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(search.hits().len() as u64, search.count());
    search.hits()
}

fn lines(hits: &[Hit]) -> Vec<(u64, &str)> {
    hits.iter().map(|hit| (hit.time.0 / 1_000_000, hit.line.as_str())).collect()
}

fn text(data: &str) -> Made {
    (1_000_000, "o", data.to_owned())
}

fn session() -> Vec<Made> {
    let mut made = vec![text("$ "), text("g"), text("o"), text("\r\ndone\r\n$ ")];
    made.extend((0..20).map(|number| text(&format!("line {number}\r\n"))));
    made.extend([
        text("\x1b[?1049h\x1b[2J\x1b[Hon the other"),
        text("\x1b[?1049l"),
        text("\x1b[H\x1b[Jdone again"),
        text("\x1b[H\x1b[J"),
    ]);
    made
}

#[test]
fn everything_that_was_seen_is_found() {
    for form in [Form::V2, Form::Segments { version: Version::V3, events: 3, keyframes: 1 }] {
        let mut player = open(&file_of(form, "xterm", &session()), 60);
        for from in [0, 3, 14, 25, 60] {
            player.seek(Target::Time(Micros(from * 1_000_000))).unwrap();
            assert_eq!(lines(&all(&mut player, "DONE$|done$")), [(4, "done")], "from {from}");
            assert_eq!(lines(&all(&mut player, "done")), [(4, "done"), (27, "done again")], "from {from}");
            assert_eq!(lines(&all(&mut player, "other")), [(25, "on the other")], "from {from}");
            assert_eq!(
                lines(&all(&mut player, "^line 1?[37]$")),
                [(8, "line 3"), (12, "line 7"), (18, "line 13"), (22, "line 17")],
                "from {from}"
            );
            assert_eq!(all(&mut player, "nothing"), []);
        }
    }
}

#[test]
fn hits_are_gone_to() {
    let content = file_of(Form::V2, "xterm", &session());
    let replay = Replay::of(&content, "xterm");
    let mut player = open(&content, 60);
    let typed = all(&mut player, r"\$ go").remove(0);
    player.seek_hit(&typed).unwrap();
    check(&mut player, &replay, 3, "when it is complete");
    let search = player.search(Pattern::new("line 1").unwrap());
    finish(&search);
    assert_eq!(search.next(Micros(0)).unwrap().line, "line 1");
    assert_eq!(search.next(Micros(6_000_000)).unwrap().line, "line 10");
    assert_eq!(search.previous(Micros(15_000_000)).unwrap().line, "line 1");
    assert_eq!(search.previous(Micros(6_000_000)), None);
}

#[test]
fn a_search_that_nobody_wants_any_more_ends() {
    let made: Vec<Made> = (0..3000).map(|number| text(&format!("line {number}\r\n"))).collect();
    let mut player = open(&file_of(Form::V3, "xterm", &made), 100);
    drop(player.search(Pattern::new("line").unwrap()));
    let search = player.search(Pattern::new("line 2999").unwrap());
    assert_eq!(finish(&search).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// From the start it is what sightings say; from elsewhere nothing gets lost, unless a change of size tears lines.
    #[test]
    fn a_search_finds_what_was_to_be_seen(made in events(0..30), from in any::<prop::sample::Index>(), grain in 20..400_u64) {
        let content = file_of(Form::V2, "xterm", &made);
        let mut expected = Vec::new();
        let mut sink = |sighting: Sighting<'_>| {
            expected.push((u64::try_from(sighting.time.as_micros()).unwrap(), sighting.text.to_owned()));
        };
        let mut sightings = Sightings::new(12, 5).for_term("xterm");
        let mut time = 0;
        for (wait, code, data) in &made {
            time += wait;
            let time = Duration::from_micros(time);
            match *code {
                "o" => sightings.feed(time, data.as_bytes(), &mut sink),
                "r" => {
                    let size = Size::parse(data).unwrap();
                    sightings.resize(time, size.cols.try_into().unwrap(), size.rows.try_into().unwrap(), &mut sink);
                }
                _ => {}
            }
        }
        sightings.finish(&mut sink);
        expected.retain(|(_, line)| line.len() < 400);
        expected.sort();
        let mut player = open(&content, grain);
        let found = |hits: Vec<Hit>| {
            let mut found: Vec<_> = hits.into_iter().map(|hit| (hit.time.0, hit.line)).filter(|(_, line)| line.len() < 400).collect();
            found.sort();
            found
        };
        prop_assert_eq!(&found(all(&mut player, ".")), &expected);
        let events = made.len() as u64;
        player.seek(Target::Event(from.index(made.len() + 1) as u64)).unwrap();
        if made.iter().any(|(_, code, _)| *code == "r") {
            return Ok(());
        }
        let elsewhere = found(all(&mut player, "."));
        for (_, line) in &expected {
            prop_assert!(elsewhere.iter().any(|(_, other)| other.contains(line.as_str()) || line.contains(other.as_str())), "{line:?} of {events}");
        }
    }
}
