//! Tests of what is seen.

mod properties;
mod scenes;

use std::time::Duration;

use super::{Sighting, Sightings};

/// Something that happens to a terminal, so many milliseconds after what was before.
#[derive(Clone, Debug)]
enum Event {
    Output(u64, Vec<u8>),
    Resize(u64, u16, u16),
}

/// What is seen, with the time in milliseconds.
fn play(cols: u16, rows: u16, events: &[Event]) -> Vec<(u64, String)> {
    play_on(Sightings::new(cols, rows), events)
}

fn play_on(mut sightings: Sightings, events: &[Event]) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    let mut sink = |sighting: Sighting<'_>| {
        seen.push((u64::try_from(sighting.time.as_millis()).unwrap(), sighting.text.to_owned()));
    };
    let mut now = 0;
    for event in events {
        match event {
            Event::Output(after, bytes) => {
                now += after;
                sightings.feed(Duration::from_millis(now), bytes, &mut sink);
            }
            Event::Resize(after, cols, rows) => {
                now += after;
                sightings.resize(Duration::from_millis(now), *cols, *rows, &mut sink);
            }
        }
    }
    sightings.finish(&mut sink);
    seen
}
