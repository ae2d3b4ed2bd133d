//! Tests of the player as a whole, against replaying from the start.

mod arriving;
mod caching;
mod damage;
mod growing;
mod playing;
mod searching;
mod seeking;

use std::io::Write as _;

use casemate_cast_format::segment::{Packer, PackerConfig};
use casemate_cast_format::{Code, Decoder, Encoder, Event, Header, Item, Micros, Size, Version, is_zstd};
use casemate_terminal::{Screen as _, Vt100Screen};
use proptest::prelude::*;

use crate::recording::Grain;
use crate::{Player, Recording};

/// An event that a test makes up: after how long, its code, its data.
type Made = (u64, &'static str, String);

/// Which form a recording has.
#[derive(Clone, Copy, Debug)]
enum Form {
    V1,
    V2,
    V3,
    /// In segments of so many events, each so-manieth with the screen at its end; 0 for none.
    Segments {
        version: Version,
        events: usize,
        keyframes: usize,
    },
    /// A zstd file of others.
    Foreign,
}

fn forms() -> impl Strategy<Value = Form> {
    let version = prop_oneof![Just(Version::V2), Just(Version::V3)];
    prop_oneof![
        1 => Just(Form::V1),
        4 => Just(Form::V2),
        4 => Just(Form::V3),
        4 => (version, 1..9_usize, 0..4_usize)
            .prop_map(|(version, events, keyframes)| Form::Segments { version, events, keyframes }),
        1 => Just(Form::Foreign),
    ]
}

/// Any events that a terminal session can have, and some that it hardly has.
fn events(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Made>> {
    let output = prop_oneof![
        6 => "[a-zé日 ]{0,12}",
        2 => "\r\n|\n|\r|\t|\x08|\r\n\r\n\r\n",
        3 => "\x1b\\[[0-9]{0,2}(;[0-9]{1,2})?[ABCDHJKLMPSTX@mr]",
        2 => "\x1b\\[\\?(1049|47|25|7|6|2004)[hl]|\x1b[78DMc]|\x1b\\(0|\x1b\\(B|\x1b\\[4[hl]|\x1b\\[3b",
        2 => "\x1b|\x1b\\[|\x1b\\[3|\x1b\\]0;ti|tle\x07|\x1bk|\x1bP|\u{301}",
        1 => ("[a-z ]{1,30}\r\n", 1..400_usize).prop_map(|(line, count)| line.repeat(count)),
        1 => ("\x1b\\[3[0-7]m[a-z]{1,9}(\x1b\\[m)?\r\n", 1..400_usize).prop_map(|(line, count)| line.repeat(count)),
    ];
    let event = prop_oneof![
        12 => output.prop_map(|data| ("o", data)),
        2 => (0..30_u32, 0..12_u32).prop_map(|(cols, rows)| ("r", format!("{cols}x{rows}"))),
        1 => "[a-z]{1,3}".prop_map(|data| ("i", data)),
        1 => "[a-c]?".prop_map(|data| ("m", data)),
        1 => Just(("process", "{}".to_owned())),
    ];
    let wait = prop_oneof![3 => Just(0_u64), 4 => 1..2_000_000_u64, 1 => Just(90_000_000)];
    proptest::collection::vec((wait, event).prop_map(|(wait, (code, data))| (wait, code, data)), count)
}

fn header(term: &str) -> Header {
    let mut header = Header::new(Size { cols: 12, rows: 5 });
    header.term_type = Some(term.to_owned());
    header
}

/// The recording as a file's content.
fn file_of(form: Form, term: &str, made: &[Made]) -> Vec<u8> {
    let header = header(term);
    let mut time = Micros(0);
    let events: Vec<_> = made
        .iter()
        .map(|(wait, code, data)| {
            time = time.plus(Micros(*wait));
            Event::new(time, Code::parse((*code).into()), data)
        })
        .collect();
    match form {
        Form::V1 => {
            let outputs: Vec<_> = made.iter().map(|(wait, _, data)| (*wait as f64 / 1e6, data)).collect();
            let v1 = serde_json::json!({"version": 1, "width": 12, "height": 5, "env": {"TERM": term}, "stdout": outputs});
            v1.to_string().into_bytes()
        }
        Form::V2 | Form::V3 | Form::Foreign => {
            let mut encoder = Encoder::new(if let Form::V3 = form { Version::V3 } else { Version::V2 });
            let mut file = Vec::new();
            encoder.header(&header, &mut file);
            events.iter().for_each(|event| encoder.event(event, &mut file));
            if let Form::Foreign = form { zstd::bulk::compress(&file, 1).unwrap() } else { file }
        }
        Form::Segments { version, events: length, keyframes } => {
            let mut encoder = Encoder::new(version);
            let mut packer = Packer::new(PackerConfig::default()).unwrap();
            let mut line = Vec::new();
            encoder.header(&header, &mut line);
            packer.write_header(&line).unwrap();
            let mut screen = Vt100Screen::new(12, 5, 0).for_term(term);
            for (number, segment) in events.chunks(length).enumerate() {
                for event in segment {
                    line.clear();
                    encoder.event(event, &mut line);
                    packer.write_event(&line, event.time).unwrap();
                    apply(&mut screen, event.code.as_str(), &event.data.decode());
                }
                let keyframe = (keyframes > 0 && number % keyframes == 0).then(|| screen.keyframe());
                packer.seal(keyframe.as_deref()).unwrap();
            }
            packer.finish(None).unwrap();
            let mut file = Vec::new();
            packer.drain_into(&mut file);
            file
        }
    }
}

fn apply(screen: &mut Vt100Screen, code: &str, data: &str) {
    match code {
        "o" => screen.feed(data.as_bytes()),
        "r" => {
            let (cols, rows) = Size::parse(data).unwrap().cells();
            screen.resize(cols, rows);
        }
        _ => {}
    }
}

/// Everything of a screen that can be seen.
fn picture(screen: &Vt100Screen) -> Vec<String> {
    let rows = (0..screen.size().rows).map(|row| {
        let line = screen.shown(row).unwrap();
        format!("{} {:?}", line.is_wrapped(), line.cells().collect::<Vec<_>>())
    });
    let state = format!(
        "{:?} {:?} {:?} {} {}",
        screen.size(),
        screen.cursor(),
        screen.style(),
        screen.is_alternate(),
        screen.is_cursor_hidden()
    );
    rows.chain([state]).collect()
}

/// A recording replayed from its start: times and codes of its events, and what is shown before and behind each.
struct Replay {
    times: Vec<u64>,
    codes: Vec<String>,
    pictures: Vec<Vec<String>>,
}

impl Replay {
    /// Reads a file with nothing of the player.
    fn of(file: &[u8], term: &str) -> Self {
        let text = if is_zstd(file) { zstd::stream::decode_all(file).unwrap() } else { file.to_vec() };
        let mut decoder = Decoder::new();
        decoder.feed(&text);
        decoder.finish();
        let mut screen = Vt100Screen::new(12, 5, 0).for_term(term);
        let mut replay = Self { times: Vec::new(), codes: Vec::new(), pictures: vec![picture(&screen)] };
        while let Some(item) = decoder.next_item() {
            if let Item::Event(event) = item {
                apply(&mut screen, event.code.as_str(), &event.data.decode());
                replay.times.push(event.time.0);
                replay.codes.push(event.code.as_str().to_owned());
                replay.pictures.push(picture(&screen));
            }
        }
        replay
    }

    /// How many events have happened at this time.
    fn until(&self, time: u64) -> usize {
        self.times.partition_point(|&at| at <= time)
    }

    fn end(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }

    /// The ends of frames.
    fn frames(&self) -> Vec<usize> {
        let is_shown = |at: usize| matches!(self.codes[at].as_str(), "o" | "r");
        let mut ends: Vec<usize> =
            (0..self.times.len()).filter(|&at| is_shown(at)).map(|at| self.until(self.times[at])).collect();
        ends.dedup();
        ends
    }

    /// Where a step leads.
    fn step(&self, from: usize, on: bool) -> usize {
        let is_shown = |at: &usize| matches!(self.codes[*at].as_str(), "o" | "r");
        if on {
            let Some(next) = (from..self.times.len()).find(is_shown) else { return from };
            return self.until(self.times[next]);
        }
        let Some(last) = (0..from).rev().find(is_shown) else { return 0 };
        let before = (0..from).rev().filter(is_shown).find(|&at| self.times[at] < self.times[last]);
        before.map_or(0, |before| self.until(self.times[before]))
    }
}

/// A file without a name.
fn file(content: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file
}

/// A recording that is cut very finely.
fn fine(grain: u64) -> Grain {
    Grain { piece: grain, keyframe: grain, shortest_cached: 0 }
}

/// Opens a file that is cut very finely.
fn open(content: &[u8], grain: u64) -> Player {
    let mut recording = Recording::from_file("test", file(content)).unwrap();
    recording.grain = fine(grain);
    Player::new(recording).unwrap()
}

#[track_caller]
fn check(player: &mut Player, replay: &Replay, event: usize, what: &str) {
    while !player.wait_for_index(std::time::Duration::ZERO) {}
    assert_eq!(player.position().event, Some(event as u64), "{what}");
    assert_eq!(picture(player.screen()), replay.pictures[event], "{what}");
}
